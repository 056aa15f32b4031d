//! What needs mail: a forgotten password, a proved address, and mail servers that are slow, refuse or are not there.

use outlay_protocol::Code;
use serde_json::{Value, json};

use crate::certificate::Authority;
use crate::postbox::Postbox;
use crate::support::{Account, Device, PASSWORD, Reply, Server, Socket, program};

const NEW_PASSWORD: &str = "sunrise over the bay";
const RESET: &str = "Outlay: set another password";
const CONFIRM: &str = "Outlay: confirm this address";

/// A server that mails to a postbox, and Ana with her phone. The mail of her sign-up has come.
fn with_mail(options: &[&str]) -> (Postbox, Server, Device, Account, String) {
    let postbox = Postbox::start();
    let server = Server::start(&[&postbox.options(), options].concat());
    let phone = Device::new(1);
    let account = server.sign_up("ana@example.org", &phone);
    let token = postbox.receive_for("ana@example.org", CONFIRM).token();
    (postbox, server, phone, account, token)
}

fn ask_for_reset(server: &Server, email: &str) -> Reply {
    server.post("/v1/auth/reset", &json!({ "email": email }))
}

fn reset(server: &Server, token: &str, password: &str) -> Reply {
    server.post("/v1/auth/reset/confirm", &json!({ "token": token, "new_password": password }))
}

fn log_in(server: &Server, email: &str, password: &str) -> Reply {
    server.post("/v1/auth/login", &json!({ "email": email, "password": password }))
}

fn me(server: &Server, account: &Account) -> Value {
    let shown = server.ask("GET", "/v1/me", account, &json!({}));
    assert_eq!(shown.status, 200);
    shown.json()
}

#[test]
fn a_forgotten_password_is_set_by_a_mailed_token_that_is_good_once_and_ends_all_sessions() {
    let (postbox, server, phone, account, _) = with_mail(&[]);
    let mut socket = Socket::of(&server, &phone, &account);
    assert_eq!(ask_for_reset(&server, " ANA@example.org").status, 202);
    let mail = postbox.receive_for("ana@example.org", RESET);
    assert_eq!(mail.from, "outlay@example.net");
    assert_eq!(ask_for_reset(&server, "ana@example.org").status, 202);
    let other = postbox.receive_for("ana@example.org", RESET).token();
    assert_ne!(mail.token(), other);

    assert_eq!(reset(&server, &mail.token(), "password1").refusal(), (422, Code::AccountInvalid));
    assert_eq!(reset(&server, &mail.token(), "ana@example.org").refusal(), (422, Code::AccountInvalid));
    assert_eq!(reset(&server, &mail.token(), NEW_PASSWORD).status, 204, "a refusal has not used it up");
    assert_eq!(socket.closed(), Some(Code::Revoked));
    assert_eq!(server.refresh(&phone, &account.refresh).refusal(), (401, Code::Revoked));
    postbox.receive_for("ana@example.org", "Outlay: your password was changed");
    for used in [mail.token(), other] {
        assert_eq!(reset(&server, &used, "another one of mine").refusal(), (403, Code::MailedToken));
    }
    assert_eq!(log_in(&server, "ana@example.org", PASSWORD).refusal(), (401, Code::Credentials));
    let account = Account::of(&log_in(&server, "ana@example.org", NEW_PASSWORD));
    assert_eq!(me(&server, &account)["email_verified"], true, "who has the token reads the mail");
}

#[test]
fn asking_for_a_reset_is_answered_alike_whether_the_address_is_known_or_not() {
    let (postbox, server, ..) = with_mail(&["--address-mails-per-hour", "2"]);
    let answers: Vec<(u16, Vec<u8>)> = ["ben@example.org", "nonsense", "ana@example.org"]
        .into_iter()
        .map(|email| ask_for_reset(&server, email))
        .map(|answer| (answer.status, answer.body))
        .collect();
    assert_eq!(answers, vec![(202, Vec::new()); 3]);
    postbox.receive_for("ana@example.org", RESET);
    for email in ["ben@example.org", "ana@example.org"] {
        assert_eq!(ask_for_reset(&server, email).status, 202);
        let refused = ask_for_reset(&server, email);
        assert_eq!(refused.refusal(), (429, Code::Rate), "{email}");
        assert!(refused.header("retry-after").is_some());
    }
    postbox.receive_for("ana@example.org", RESET);
    assert!(postbox.is_empty());
}

#[test]
fn a_token_is_good_for_what_it_was_mailed_for_only() {
    let (postbox, server, _, account, verify) = with_mail(&[]);
    assert_eq!(ask_for_reset(&server, "ana@example.org").status, 202);
    let token = postbox.receive_for("ana@example.org", RESET).token();
    for none in ["", "op1_", verify.as_str(), &token.replace("op1_", "ov1_")] {
        assert_eq!(reset(&server, none, NEW_PASSWORD).refusal(), (403, Code::MailedToken), "{none}");
    }
    for none in ["", "ov1_", token.as_str(), &token.replace("op1_", "ov1_")] {
        assert_eq!(server.post("/v1/auth/verify", &json!({ "token": none })).refusal(), (403, Code::MailedToken));
    }
    assert_eq!(me(&server, &account)["email_verified"], false);
}

#[test]
fn an_address_is_proved_by_what_was_mailed_at_sign_up_or_again() {
    let (postbox, server, _, account, first) = with_mail(&[]);
    assert_eq!(me(&server, &account)["email_verified"], false);
    assert_eq!(server.ask("POST", "/v1/auth/verify/resend", &account, &json!({})).status, 202);
    let again = postbox.receive_for("ana@example.org", CONFIRM).token();
    assert_eq!(server.post("/v1/auth/verify", &json!({ "token": again })).status, 204);
    assert_eq!(me(&server, &account)["email_verified"], true);
    let used = server.post("/v1/auth/verify", &json!({ "token": first }));
    assert_eq!(used.refusal(), (403, Code::MailedToken));
    assert_eq!(server.ask("POST", "/v1/auth/verify/resend", &account, &json!({})).status, 202);
    assert_eq!(ask_for_reset(&server, "ana@example.org").status, 202);
    postbox.receive_for("ana@example.org", RESET);
    assert!(postbox.is_empty(), "there was nothing to prove");
    assert_eq!(server.post("/v1/auth/verify/resend", &json!({})).refusal(), (401, Code::SignInNeeded));
}

#[test]
fn another_address_counts_once_it_is_proved_and_the_old_one_is_told() {
    let (postbox, server, _, account, _) = with_mail(&[]);
    let change = |email: &str, password: &str| {
        server.ask("PUT", "/v1/me/email", &account, &json!({ "email": email, "password": password }))
    };
    assert_eq!(change("anna@example.org", "not the password").refusal(), (401, Code::Credentials));
    assert_eq!(change("anna", PASSWORD).refusal(), (422, Code::AccountInvalid));
    assert_eq!(server.post("/v1/me/email", &json!({})).refusal(), (405, Code::Method));
    assert_eq!(ask_for_reset(&server, "ana@example.org").status, 202);
    let old_reset = postbox.receive_for("ana@example.org", RESET).token();

    assert_eq!(change("Anna@example.org", PASSWORD).status, 202);
    let mut mails = [postbox.receive(), postbox.receive()];
    mails.sort_by(|a, b| a.to.cmp(&b.to));
    let [told, asked] = mails;
    assert_eq!((told.to.as_str(), told.subject()), ("ana@example.org", "Outlay: your address is to be changed"));
    assert_eq!((asked.to.as_str(), asked.subject()), ("anna@example.org", CONFIRM));
    let shown = me(&server, &account);
    assert_eq!(
        (shown["email"].as_str(), shown["new_email"].as_str()),
        (Some("ana@example.org"), Some("anna@example.org"))
    );
    assert_eq!(log_in(&server, "anna@example.org", PASSWORD).refusal(), (401, Code::Credentials), "not yet");

    assert_eq!(server.post("/v1/auth/verify", &json!({ "token": asked.token() })).status, 204);
    postbox.receive_for("ana@example.org", "Outlay: your address was changed");
    let shown = me(&server, &account);
    assert_eq!((shown["email"].as_str(), &shown["new_email"]), (Some("anna@example.org"), &Value::Null));
    assert_eq!(shown["email_verified"], true);
    assert_eq!(log_in(&server, "ana@example.org", PASSWORD).refusal(), (401, Code::Credentials));
    assert_eq!(log_in(&server, "anna@example.org", PASSWORD).status, 200);
    assert_eq!(reset(&server, &old_reset, NEW_PASSWORD).refusal(), (403, Code::MailedToken), "it was mailed elsewhere");
}

#[test]
fn an_address_that_another_account_has_is_not_taken_from_it() {
    let (postbox, server, _, account, _) = with_mail(&[]);
    program(&server, "signup", "ben@example.org", "");
    postbox.receive_for("ben@example.org", CONFIRM);
    let body = json!({ "email": "ben@example.org", "password": PASSWORD });
    assert_eq!(server.ask("PUT", "/v1/me/email", &account, &body).status, 202, "who asks learns nothing");
    let mails = [postbox.receive(), postbox.receive()];
    let token = mails.iter().find(|mail| mail.to == "ben@example.org").unwrap().token();
    let taken = server.post("/v1/auth/verify", &json!({ "token": token }));
    assert_eq!(taken.refusal(), (409, Code::AccountExists), "who reads that mail knows already");
    let back = json!({ "email": "ana@example.org", "password": PASSWORD });
    assert_eq!(server.ask("PUT", "/v1/me/email", &account, &back).status, 202);
    assert_eq!(me(&server, &account)["new_email"], Value::Null, "the present address takes it back");
    assert_eq!(server.post("/v1/auth/verify", &json!({ "token": token })).refusal(), (403, Code::MailedToken));
}

#[test]
fn a_mail_that_is_refused_for_now_is_tried_again_and_one_refused_for_good_is_not() {
    let (postbox, server, ..) = with_mail(&[]);
    assert_eq!(ask_for_reset(&server, "ana@example.org").status, 202);
    assert!(postbox.refuse("451 later").iter().any(|line| line.starts_with("RCPT TO:<ana@example.org>")));
    drop(postbox.accept());
    let token = postbox.receive_for("ana@example.org", RESET).token();
    assert_eq!(reset(&server, &token, NEW_PASSWORD).status, 204, "the mail that came is the one that was tried before");
    postbox.refuse("550 no such mailbox");
    assert_eq!(ask_for_reset(&server, "ana@example.org").status, 202);
    postbox.receive_for("ana@example.org", RESET);
}

#[test]
fn a_mail_server_that_hangs_holds_up_neither_requests_nor_mail_for_long() {
    let (postbox, server, ..) = with_mail(&["--mail-timeout-seconds", "1", "--mail-attempts-max-count", "2"]);
    assert_eq!(ask_for_reset(&server, "ana@example.org").status, 202);
    let hanging = postbox.accept();
    assert_eq!(server.get("/readyz").status, 200, "nobody waits for it");
    assert_eq!(ask_for_reset(&server, "ana@example.org").status, 202);
    let mails = [postbox.receive(), postbox.receive()];
    assert!(mails.iter().all(|mail| mail.subject() == RESET), "the other one, and the one that hung, tried again");
    drop(hanging);
}

#[test]
fn no_more_mail_waits_than_may() {
    let postbox = Postbox::start();
    let options = ["--mail-queue-max-count", "1", "--address-mails-per-hour", "100"];
    let server = Server::start(&[&postbox.options()[..], &options].concat());
    program(&server, "signup", "ana@example.org", "");
    // Eight are under way and hang; one more was taken out of the queue, and one is in it.
    let codes: Vec<u16> = (0..40).map(|_| ask_for_reset(&server, "ana@example.org").status).collect();
    assert_eq!(codes.last(), Some(&503), "{codes:?}");
    let refused = ask_for_reset(&server, "nobody@example.org");
    assert_eq!(refused.refusal(), (503, Code::Busy), "whether the address is known or not");
    assert_eq!(refused.header("retry-after").as_deref(), Some("1"));
}

#[test]
fn a_mail_server_that_does_not_speak_tls_gets_nothing_where_it_must() {
    let postbox = Postbox::start();
    let url = format!("{}?tls=required", postbox.url);
    let server = Server::start(&["--mail-from", "outlay@example.net", "--smtp-url", &url]);
    program(&server, "signup", "ana@example.org", "");
    let said = postbox.refuse("250 go on");
    assert!(said[0].starts_with("EHLO") && !said.iter().any(|line| line.starts_with("MAIL")), "{said:?}");
}

#[test]
fn mail_is_encrypted_by_starttls_to_a_mail_server_that_is_certified_and_to_no_other() {
    let (postbox, authority) = (Postbox::start(), Authority::new(1));
    let url = format!("{}?tls=required", postbox.url);
    let options = ["--mail-from", "outlay@example.net", "--smtp-url", &url, "--mail-attempts-max-count", "1"];
    let server = Server::trusting(&authority.root(), &options);
    program(&server, "signup", "ana@example.org", "");
    let mail = postbox.receive_by_starttls(&authority).unwrap_or_else(|said| panic!("no mail, but {said:?}"));
    assert_eq!((mail.to.as_str(), mail.subject()), ("ana@example.org", CONFIRM));
    assert_eq!(server.post("/v1/auth/verify", &json!({ "token": mail.token() })).status, 204);

    program(&server, "signup", "ben@example.org", "");
    let said = postbox.receive_by_starttls(&Authority::new(2)).expect_err("a stranger is told nothing");
    assert!(said.iter().all(|line| line.starts_with("EHLO") || line == "STARTTLS"), "{said:?}");
}

#[test]
fn a_server_that_sends_no_mail_says_so() {
    let server = Server::start(&[]);
    let account = program(&server, "signup", "ana@example.org", "");
    let refused = ask_for_reset(&server, "ana@example.org");
    assert_eq!(refused.refusal(), (403, Code::MailOff));
    let problem = json!({
        "type": "urn:outlay:problem:mail_off", "title": "This server sends no mail. Ask who runs it.", "status": 403,
        "code": 211,
    });
    assert_eq!(refused.problem(), problem);
    assert_eq!(reset(&server, "op1_", NEW_PASSWORD).refusal(), (403, Code::MailOff));
    assert_eq!(server.post("/v1/auth/verify", &json!({ "token": "" })).refusal(), (403, Code::MailOff));
    assert_eq!(server.ask("POST", "/v1/auth/verify/resend", &account, &json!({})).refusal(), (403, Code::MailOff));
    let body = json!({ "email": "anna@example.org", "password": PASSWORD });
    assert_eq!(server.ask("PUT", "/v1/me/email", &account, &body).refusal(), (403, Code::MailOff));
}

#[test]
fn mail_goes_to_a_folder_where_there_is_no_mail_server_also_when_the_server_is_being_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mail");
    let options = ["--mail-from", "outlay@example.net", "--mail-folder", path.to_str().unwrap()];
    let mut server = Server::start(&options);
    program(&server, "signup", "ana@example.org", "");
    assert_eq!(ask_for_reset(&server, "ana@example.org").status, 202);
    assert_eq!(server.stop(), Some(0));
    let files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains(&format!("Subject: {RESET}\r\n"))), "{texts:?}");
    assert!(texts.iter().all(|text| text.contains("To: ana@example.org\r\n")), "{texts:?}");
}

#[test]
fn mail_options_that_cannot_be_are_refused_without_showing_their_secrets() {
    for options in [
        ["--smtp-url", "imap://ana:canary@mail.example.org", "--mail-from", "outlay@example.net"],
        ["--smtp-url", "smtps://ana:canary@mail.example.org", "--mail-from", "nobody"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let arguments = [&["serve", "--dev", "--listen", "127.0.0.1:0"][..], &options].concat();
        let (is_done, said) = crate::support::run(&arguments, &[("--data", folder.path())]);
        assert!(!is_done && said.contains("--") && !said.contains("canary"), "{said}");
    }
}

//! The second proof: codes of an authenticator app.

use std::time::{SystemTime, UNIX_EPOCH};

use outlay_protocol::Code;
use ring::hmac;
use serde_json::{Value, json};

use crate::support::{Account, PASSWORD, Reply, Server, program};

/// An authenticator app, which is given a secret as the server shows it.
pub(crate) struct App {
    secret: Vec<u8>,
    /// The half minute in which the test has begun. It takes less than another one.
    step: u64,
}

impl App {
    fn of(begun: &Reply) -> Self {
        assert_eq!(begun.status, 200);
        let text = begun.json()["secret"].as_str().unwrap().to_owned();
        let url = format!("otpauth://totp/Outlay:ana@example.org?secret={text}&issuer=Outlay");
        assert_eq!(begun.json()["url"], url);
        Self::with_secret(&text)
    }

    pub(crate) fn with_secret(text: &str) -> Self {
        let digit = |c: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap();
        let bits: String = text.chars().map(|c| format!("{:05b}", digit(c))).collect();
        let byte = |bits: &[u8]| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap();
        let secret: Vec<u8> = bits.as_bytes().chunks_exact(8).map(byte).collect();
        assert_eq!(secret.len(), 20);
        Self { secret, step: SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 30 }
    }

    /// The code of this half minute, or of one after it.
    pub(crate) fn code(&self, after: u64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &(self.step + after).to_be_bytes());
        let at = usize::from(tag.as_ref()[19] & 15);
        let four: [u8; 4] = tag.as_ref()[at..at + 4].try_into().unwrap();
        format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
    }

    /// A code that is none of those that are good.
    pub(crate) fn wrong(&self) -> String {
        let good = [0, 1, 2].map(|after| self.code(after));
        ["000000", "111111", "222222", "333333"]
            .map(String::from)
            .into_iter()
            .find(|code| !good.contains(code))
            .unwrap()
    }
}

fn begin(server: &Server, account: &Account, password: &str) -> Reply {
    server.ask("POST", "/v1/auth/totp", account, &json!({ "password": password }))
}

fn confirm(server: &Server, account: &Account, code: &str) -> Reply {
    server.ask("POST", "/v1/auth/totp/confirm", account, &json!({ "code": code }))
}

fn log_in(server: &Server, password: &str, code: Option<&str>) -> Reply {
    let mut body = json!({ "email": "ana@example.org", "password": password });
    if let Some(code) = code {
        body["code"] = code.into();
    }
    server.post("/v1/auth/login", &body)
}

/// Ana with an app that is turned on with the code of this half minute, and her recovery codes.
fn with_app() -> (Server, Account, App, Vec<String>) {
    let server = Server::start(&[]);
    let account = program(&server, "signup", "ana@example.org", "");
    let app = App::of(&begin(&server, &account, PASSWORD));
    let confirmed = confirm(&server, &account, &app.code(0));
    assert_eq!(confirmed.status, 200);
    let codes = confirmed.json()["recovery_codes"].as_array().unwrap().clone();
    let codes: Vec<String> = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!((codes.len(), codes[0].len()), (10, 23));
    (server, account, app, codes)
}

#[test]
fn a_login_needs_a_code_once_the_app_has_shown_one_and_each_is_good_once() {
    let (server, account, app, _) = with_app();
    assert_eq!(server.ask("GET", "/v1/me", &account, &json!({})).json()["totp"], true);
    let missing = log_in(&server, PASSWORD, None);
    let problem = json!({
        "type": "urn:outlay:problem:code_needed",
        "title": "A code of the authenticator app, or a recovery code, is needed too.",
        "status": 401,
        "code": 212,
    });
    assert_eq!((missing.status, missing.problem()), (401, problem));
    assert_eq!(log_in(&server, "not the password", None).refusal(), (401, Code::Credentials), "says nothing of codes");
    assert_eq!(log_in(&server, "not the password", Some(&app.code(1))).refusal(), (401, Code::Credentials));
    assert_eq!(log_in(&server, PASSWORD, Some(&app.code(0))).refusal(), (401, Code::CodeWrong), "turned it on");
    assert_eq!(log_in(&server, PASSWORD, Some(&app.wrong())).refusal(), (401, Code::CodeWrong));
    assert_eq!(log_in(&server, PASSWORD, Some(&app.code(1))).status, 200);
    for used in [0, 1] {
        assert_eq!(log_in(&server, PASSWORD, Some(&app.code(used))).refusal(), (401, Code::CodeWrong));
    }
    let renewed = server.post("/v1/auth/refresh", &json!({ "refresh_token": account.refresh }));
    assert_eq!(renewed.status, 200, "who is signed in stays so");
}

#[test]
fn what_was_begun_and_not_confirmed_counts_for_nothing() {
    let server = Server::start(&[]);
    let account = program(&server, "signup", "ana@example.org", "");
    assert_eq!(confirm(&server, &account, "123456").refusal(), (404, Code::NoSuchPage));
    assert_eq!(begin(&server, &account, "not the password").refusal(), (401, Code::Credentials));
    let first = App::of(&begin(&server, &account, PASSWORD));
    let second = App::of(&begin(&server, &account, PASSWORD));
    assert_ne!(first.secret, second.secret);
    assert_eq!(confirm(&server, &account, &first.code(0)).refusal(), (401, Code::CodeWrong), "another was begun since");
    assert_eq!(log_in(&server, PASSWORD, None).status, 200);
    assert_eq!(server.ask("GET", "/v1/me", &account, &json!({})).json()["totp"], false);
    assert_eq!(confirm(&server, &account, &second.code(0)).status, 200);
    assert_eq!(begin(&server, &account, PASSWORD).refusal(), (409, Code::TotpOn));
    assert_eq!(confirm(&server, &account, &second.code(1)).refusal(), (409, Code::TotpOn));
    for path in ["/v1/auth/totp", "/v1/auth/totp/confirm"] {
        assert_eq!(server.post(path, &json!({ "password": "", "code": "" })).refusal(), (401, Code::SignInNeeded));
    }
}

#[test]
fn recovery_codes_are_good_once_each_however_they_are_typed_and_are_not_stored() {
    let (server, _, _, codes) = with_app();
    assert_eq!(log_in(&server, PASSWORD, Some(&codes[0])).status, 200);
    assert_eq!(log_in(&server, PASSWORD, Some(&codes[0])).refusal(), (401, Code::CodeWrong));
    assert_eq!(log_in(&server, PASSWORD, Some(&codes[1].to_uppercase().replace('-', " "))).status, 200);
    let mut kept = std::fs::read(server.data.join("outlay-server.db")).unwrap();
    kept.extend(std::fs::read(server.data.join("outlay-server.db-wal")).unwrap());
    let is_kept = |canary: &str| kept.windows(canary.len()).any(|part| part == canary.as_bytes());
    assert!(is_kept("ana@example.org"), "the search finds what is there");
    assert!(!is_kept(&codes[2]) && !is_kept(&codes[2].replace('-', "")));
}

#[test]
fn it_is_turned_off_with_the_password_and_a_code() {
    let (server, account, app, codes) = with_app();
    let end = |password: &str, code: &str| {
        server.ask("DELETE", "/v1/auth/totp", &account, &json!({ "password": password, "code": code }))
    };
    assert_eq!(end("not the password", &codes[0]).refusal(), (401, Code::Credentials));
    assert_eq!(end(PASSWORD, &app.wrong()).refusal(), (401, Code::CodeWrong));
    assert_eq!(end(PASSWORD, &codes[0]).status, 204);
    assert_eq!(log_in(&server, PASSWORD, None).status, 200);
    assert_eq!(end(PASSWORD, &codes[1]).refusal(), (404, Code::NoSuchPage));
    let again = App::of(&begin(&server, &account, PASSWORD));
    assert_ne!(again.secret, app.secret);
    assert_eq!(confirm(&server, &account, &again.code(0)).status, 200);
    assert_eq!(log_in(&server, PASSWORD, Some(&codes[2])).refusal(), (401, Code::CodeWrong), "of the one before");
}

#[test]
fn guessing_codes_takes_longer_and_longer() {
    let (server, _, app, codes) = with_app();
    let answers: Vec<Reply> = (0..7).map(|_| log_in(&server, PASSWORD, Some(&app.wrong()))).collect();
    assert_eq!(answers[5].refusal(), (401, Code::CodeWrong));
    assert_eq!(answers[6].refusal(), (429, Code::Rate), "a right password between does not begin anew");
    assert_eq!(answers[6].header("retry-after").as_deref(), Some("1"));
    assert_eq!(log_in(&server, PASSWORD, Some(&codes[0])).refusal(), (429, Code::Rate), "a good one waits too");
}

#[test]
fn deleting_an_account_needs_the_code_too() {
    let (server, account, app, codes) = with_app();
    let remove = |body: Value| server.ask("DELETE", "/v1/me", &account, &body);
    assert_eq!(remove(json!({ "password": PASSWORD })).refusal(), (401, Code::CodeNeeded));
    assert_eq!(remove(json!({ "password": PASSWORD, "code": app.wrong() })).refusal(), (401, Code::CodeWrong));
    assert_eq!(remove(json!({ "password": PASSWORD, "code": codes[0] })).status, 204);
    program(&server, "signup", "ana@example.org", "");
    assert_eq!(log_in(&server, PASSWORD, None).status, 200, "another account, without a code");
}

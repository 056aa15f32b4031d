//! Accounts: made, entered, left, and whose a database is.

use serde_json::{Value, json};

use crate::home::{Home, PASSWORD, Ran, string};
use crate::server::Server;

#[test]
fn an_account_is_made_and_entered() {
    let server = Server::start();
    let ana = Home::with_ledger();
    let made = ana.sign_up(&server.url, "phone");
    assert_eq!(
        (&made["email"], &made["server"], &made["name"]),
        (&json!("ana@example.org"), &json!(server.url), &json!("phone"))
    );
    let ben = Home::bare();
    let entered = ben.log_in(&server.url, "laptop");
    assert_eq!(made["account"], entered["account"]);
    assert_eq!(made["server_key"], entered["server_key"]);
    assert_ne!(made["device"], entered["device"]);

    let devices = ana.json(&["devices"]);
    let names: Vec<(&Value, &Value)> = devices.iter().map(|device| (&device["name"], &device["this"])).collect();
    assert_eq!(names, [(&json!("phone"), &json!(true)), (&json!("laptop"), &json!(false))]);
}

/// Who guesses addresses learns nothing.
#[test]
fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let server = Server::start();
    Home::new().sign_up(&server.url, "phone");
    let home = Home::new();
    let attempt = |email: &str, password: &str| {
        let args = ["login", "--server", &server.url, "--email", email];
        home.refused_with(&args, Some(password))
    };
    let wrong = attempt("ana@example.org", "not the password");
    assert_eq!(wrong.0, "forbidden");
    assert_eq!(attempt("nobody@example.org", PASSWORD), wrong);
    assert_eq!(home.refused(&["sync"]).0, "signed_out");
}

#[test]
fn a_password_is_never_an_argument_and_wanted_from_somewhere() {
    let home = Home::new();
    assert_eq!(home.run(&["login", "--server", "http://127.0.0.1:1", "--email", "a@b.c", "--password", "x"]).code, 2);
    // A test that is run on a terminal would be asked there.
    if std::fs::File::open("/dev/tty").is_err() {
        let ran = home.run(&["login", "--server", "http://127.0.0.1:1", "--email", "a@b.c"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("OUTLAY_PASSWORD"), "{}", ran.err);
    }
}

#[test]
fn an_address_in_clear_is_for_this_machine_only() {
    let home = Home::new();
    for server in ["http://sync.example.org", "sync.example.org", "https://", "ftp://127.0.0.1", "http://127.0.0.1:0"] {
        let args = ["signup", "--server", server, "--email", "ana@example.org"];
        assert_eq!(home.refused_with(&args, Some(PASSWORD)).0, "invalid_input", "{server}");
    }
    let args = ["signup", "--server", "http://127.0.0.1:1", "--email", "ana@example.org"];
    assert_eq!(home.refused_with(&args, Some(PASSWORD)).0, "offline");
}

#[test]
fn a_database_belongs_to_one_account_until_it_is_left() {
    let server = Server::start();
    let home = Home::with_ledger();
    home.sign_up(&server.url, "phone");
    let ben = ["login", "--server", &server.url, "--email", "ben@example.org"];
    let (kind, message) = home.refused_with(&ben, Some(PASSWORD));
    assert_eq!(kind, "other_account");
    assert!(message.contains("outlay signout"), "the choice is named: {message}");
    let again = ["signup", "--server", &server.url, "--email", "ben@example.org"];
    assert_eq!(home.refused_with(&again, Some(PASSWORD)).0, "other_account");

    assert_eq!(home.one(&["signout"])["wiped"], false);
    assert_eq!(home.json(&["ledger", "list"]).len(), 1, "what is here stays");
    assert_eq!(home.refused(&["sync"]).0, "signed_out");
    assert_eq!(home.refused(&["signout"]).0, "signed_out");
    assert_eq!(home.one_with(&again, PASSWORD)["email"], "ben@example.org");
}

#[test]
fn wiping_what_is_nowhere_else_wants_consent() {
    let server = Server::start();
    let home = Home::with_ledger();
    home.sign_up(&server.url, "phone");
    let id = home.add(&["12.50", "Café"]);
    assert_eq!(home.refused(&["signout", "--wipe"]).0, "forbidden");
    assert_eq!(home.list().len(), 1, "nothing was done");
    assert_eq!(home.run(&["signout", "--unsent"]).code, 2);

    home.one(&["sync"]);
    assert_eq!(home.one(&["signout", "--wipe"])["wiped"], true);
    assert!(home.json(&["ledger", "list"]).is_empty());
    home.log_in(&server.url, "phone");
    home.one(&["sync"]);
    assert_eq!(string(&home.list()[0]["id"]), id, "the server had it");

    home.add(&["1.00", "Kiosk"]);
    assert_eq!(home.one(&["signout", "--wipe", "--unsent"])["wiped"], true);
    assert!(home.json(&["ledger", "list"]).is_empty());
}

#[test]
fn a_lost_device_is_signed_out_and_keeps_what_is_on_it() {
    let server = Server::start();
    let ana = Home::with_ledger();
    ana.add(&["12.50", "Café"]);
    ana.sign_up(&server.url, "phone");
    ana.one(&["sync"]);
    let lost = Home::bare();
    lost.log_in(&server.url, "lost");
    lost.one(&["sync"]);

    assert_eq!(ana.refused(&["devices", "--sign-out", "nothing"]).0, "not_found");
    assert_eq!(ana.refused(&["devices", "--sign-out", "phone"]).0, "invalid_input");
    assert_eq!(ana.one(&["devices", "--sign-out", "lost"])["signed_out"], true);
    assert_eq!(lost.refused(&["sync"]).0, "signed_out");
    assert_eq!(lost.list().len(), 1);
    assert_eq!(lost.one(&["add", "1.00", "Kiosk"])["payee"], "Kiosk", "local work goes on");

    let again = lost.one_with(&["login", "--name", "found"], PASSWORD);
    assert_eq!(again["email"], "ana@example.org", "where it was signed in is known");
    assert_eq!(lost.one(&["sync"])["pushed"], 1);
}

#[test]
fn accounts_for_people() {
    let server = Server::start();
    let home = Home::with_ledger();
    let args = ["signup", "--server", &server.url, "--email", "ana@example.org", "--name", "phone"];
    let ran: Ran = home.command(&args).env("OUTLAY_PASSWORD", PASSWORD).output().unwrap().into();
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("ana@example.org") && ran.out.contains("outlay sync"), "{}", ran.out);
    let devices = home.run(&["devices"]);
    assert!(devices.out.contains("phone") && devices.out.contains("this one"), "{}", devices.out);
    assert!(home.run(&["signout"]).out.contains("stays on this device"));
}

//! Looking after accounts on the command line, beside a running server.

use std::process::Stdio;

use outlay_protocol::Code;
use outlay_server::store::{Store, StoreOptions};
use serde_json::{Value, json};

use crate::support::{Account, Device, PASSWORD, Server, Socket, command, run};

/// What a command says, as JSON, a line each.
fn user(server: &Server, words: &[&str]) -> Vec<Value> {
    let (done, text) = run(&[&["user"], words, &["--json"]].concat(), &[("--data", &server.data)]);
    assert!(done, "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn refusal(server: &Server, words: &[&str]) -> String {
    let (done, text) = run(&[&["user"], words].concat(), &[("--data", &server.data)]);
    assert!(!done, "{text}");
    text
}

#[test]
fn accounts_and_sessions_are_listed_and_shown_by_id_or_address() {
    let server = Server::start(&[]);
    let (ana, _) =
        (server.sign_up("ana@example.org", &Device::new(1)), server.sign_up("ben@example.org", &Device::new(2)));
    let listed = user(&server, &["list"]);
    let addresses: Vec<_> = listed.iter().map(|account| account["email"].as_str().unwrap()).collect();
    assert_eq!(addresses, ["ana@example.org", "ben@example.org"]);
    for who in [ana.id.as_str(), "Ana@example.org"] {
        assert_eq!(user(&server, &["show", who]), listed[..1]);
    }
    assert_eq!((listed[0]["devices"].as_u64(), &listed[0]["disabled_ms"]), (Some(1), &Value::Null));
    let sessions = user(&server, &["sessions", &ana.id]);
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0]["device"].as_str(), Some(Device::new(1).key().as_str()));
    let (done, text) = run(&["user", "show", "ana@example.org"], &[("--data", &server.data)]);
    assert!(done && text.starts_with(&ana.id) && text.contains("enabled"), "{text}");
    assert!(refusal(&server, &["show", "cleo@example.org"]).contains("no such account"));
    assert!(refusal(&server, &["show"]).contains("who"));
    let nowhere = server.file("nowhere");
    let (done, text) = run(&["user", "list"], &[("--data", &nowhere)]);
    assert!(!done && text.contains("there is no") && !nowhere.exists(), "{text}");
}

#[test]
fn an_account_that_is_disabled_is_out_at_once_and_in_again_when_it_is_enabled() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let ben = server.sign_up("ben@example.org", &Device::new(2));
    let mut socket = Socket::of(&server, &phone, &account);
    assert!(user(&server, &["disable", "ana@example.org"])[0]["disabled_ms"].is_u64());
    assert_eq!(socket.closed(), Some(Code::Revoked), "a running server tells whom it has connected");
    assert_eq!(server.refresh(&phone, &account.refresh).refusal(), (401, Code::Revoked));
    let login = json!({ "email": "ana@example.org", "password": PASSWORD });
    assert_eq!(server.post("/v1/auth/login", &login).refusal(), (401, Code::Credentials), "as if it were not there");
    assert_eq!(server.refresh(&Device::new(2), &ben.refresh).status, 200, "others go on");
    assert_eq!(user(&server, &["enable", &account.id])[0]["disabled_ms"], Value::Null);
    Account::of(&server.post("/v1/auth/login", &login));
}

#[test]
fn a_password_that_is_reset_is_shown_once_and_ends_the_sessions() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let said = user(&server, &["reset-password", "ana@example.org"]);
    let login =
        |password: &str| server.post("/v1/auth/login", &json!({ "email": "ana@example.org", "password": password }));
    assert_eq!(server.refresh(&phone, &account.refresh).refusal(), (401, Code::Revoked));
    assert_eq!(login(PASSWORD).refusal(), (401, Code::Credentials));
    Account::of(&login(said[0]["password"].as_str().unwrap()));
}

/// Ledgers that are to be deleted, each in a transaction of its own: enough for seconds.
const LEDGERS_LEFT: i64 = 5_000;

#[test]
fn whoever_is_disabled_is_out_at_once_also_while_an_account_with_much_is_deleted() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    server.sign_up("ben@example.org", &Device::new(2));
    let mut socket = Socket::of(&server, &phone, &account);
    let mut store = Store::open(&server.data.join("outlay-server.db"), StoreOptions::default()).unwrap();
    let left = store.write(|write| {
        (0..LEDGERS_LEFT)
            .try_for_each(|lid| write.tx.execute("INSERT INTO purge (lid) VALUES (?1)", [1_000 + lid]).map(drop))?;
        Ok(())
    });
    left.unwrap();
    let count = |select: &str| store.connection().query_row(select, [], |row| row.get::<_, i64>(0)).unwrap();
    let mut delete = command();
    delete.args(["user", "delete", "ben@example.org", "--data"]).arg(&server.data).stdout(Stdio::null());
    let mut deleting = delete.spawn().unwrap();
    while count("SELECT count(*) FROM account") == 2 {
        std::thread::yield_now();
    }
    user(&server, &["disable", "ana@example.org"]);
    assert_eq!(socket.closed(), Some(Code::Revoked));
    assert!(count("SELECT count(*) FROM purge") > 0, "nobody waits for the end of it");
    _ = deleting.kill();
    deleting.wait().unwrap();
}

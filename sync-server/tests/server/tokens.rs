//! API tokens: what they open, what they do not, and for how long.

use outlay_ledger::LedgerId;
use outlay_protocol::Code;
use serde_json::{Value, json};

use crate::support::{Account, Device, Ledger, Reply, Server, Socket};

fn get(server: &Server, account: &Account, path: &str) -> Reply {
    server.ask("GET", path, account, &Value::Null)
}

fn make(server: &Server, account: &Account, body: &Value) -> Reply {
    server.ask("POST", "/v1/tokens", account, body)
}

/// Who asks with a token instead of having signed in.
fn with_token(account: &Account, made: &Reply) -> Account {
    Account { access: text(made, "token"), ..account.clone() }
}

fn text(reply: &Reply, key: &str) -> String {
    reply.json()[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", reply.json())).to_owned()
}

/// Somebody with two ledgers on the server.
fn with_ledgers(server: &Server, email: &str, number: u8) -> (Account, [LedgerId; 2]) {
    let device = Device::new(number);
    let account = server.sign_up(email, &device);
    let ledgers = [100, 101].map(|nonce| {
        let ledger = Ledger::of(&mut device.elsewhere(nonce), 0);
        let mut socket = Socket::of(server, &device, &account);
        socket.open(ledger.id, None, &ledger.commits);
        socket.acknowledged(1);
        ledger.id
    });
    (account, ledgers)
}

#[test]
fn a_token_opens_the_ledgers_that_it_names_and_is_shown_once() {
    let server = Server::start(&[]);
    let (ana, [home, trip]) = with_ledgers(&server, "ana@example.org", 1);
    let made =
        make(&server, &ana, &json!({ "name": " export ", "scope": "read", "ledgers": [home.to_string()], "days": 7 }));
    assert_eq!((made.status, text(&made, "name"), text(&made, "scope")), (201, "export".into(), "read".into()));
    let (reader, id) = (with_token(&ana, &made), text(&made, "id"));
    let week_ms = made.json()["expires_ms"].as_i64().unwrap() - made.json()["created_ms"].as_i64().unwrap();
    assert_eq!(week_ms, 7 * 24 * 3_600_000);

    let seen = get(&server, &reader, "/v1/ledgers").json();
    let seen: Vec<&str> = seen["ledgers"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(seen, [home.to_string()]);
    assert_eq!(get(&server, &reader, &format!("/v1/ledgers/{home}/members")).status, 200);
    let other = get(&server, &reader, &format!("/v1/ledgers/{trip}/members"));
    assert_eq!(other.refusal(), (404, Code::NoSuchLedger));

    let listed = get(&server, &ana, "/v1/tokens").json();
    assert_eq!(listed["tokens"][0]["id"], id.as_str());
    assert!(listed["tokens"][0]["used_ms"].is_i64(), "{listed}");
    assert!(!listed.to_string().contains(&reader.access), "it is shown once");
}

#[test]
fn a_token_without_ledgers_is_for_all_of_the_account_and_for_those_alone() {
    let server = Server::start(&[]);
    let (ana, ledgers) = with_ledgers(&server, "ana@example.org", 1);
    let (_, others) = with_ledgers(&server, "ben@example.org", 2);
    let program = with_token(&ana, &make(&server, &ana, &json!({ "name": "all", "scope": "write" })));
    for ledger in ledgers {
        assert_eq!(get(&server, &program, &format!("/v1/ledgers/{ledger}/members")).status, 200);
    }
    let others_ledger = get(&server, &program, &format!("/v1/ledgers/{}/members", others[0]));
    assert_eq!(others_ledger.refusal(), (404, Code::NoSuchLedger));
}

#[test]
fn a_token_opens_nothing_of_the_account_itself() {
    let server = Server::start(&[]);
    let (ana, _) = with_ledgers(&server, "ana@example.org", 1);
    let program = with_token(&ana, &make(&server, &ana, &json!({ "name": "all", "scope": "write" })));
    for path in ["/v1/me", "/v1/sessions", "/v1/devices", "/v1/tokens"] {
        assert_eq!(get(&server, &program, path).refusal(), (401, Code::SignInNeeded), "{path}");
    }
    let further = make(&server, &program, &json!({ "name": "another", "scope": "write" }));
    assert_eq!(further.refusal(), (401, Code::SignInNeeded));
}

#[test]
fn a_revoked_token_opens_nothing_and_only_its_person_revokes_it() {
    let server = Server::start(&[]);
    let (ana, _) = with_ledgers(&server, "ana@example.org", 1);
    let (ben, _) = with_ledgers(&server, "ben@example.org", 2);
    let made = make(&server, &ana, &json!({ "name": "lost", "scope": "read" }));
    let (program, path) = (with_token(&ana, &made), format!("/v1/tokens/{}", text(&made, "id")));

    assert_eq!(server.ask("DELETE", &path, &ben, &Value::Null).refusal(), (404, Code::NoSuchPage));
    assert_eq!(get(&server, &program, "/v1/ledgers").status, 200);
    assert_eq!(server.ask("DELETE", &path, &ana, &Value::Null).status, 204);
    assert_eq!(get(&server, &program, "/v1/ledgers").refusal(), (401, Code::SignInNeeded));
    assert_eq!(server.ask("DELETE", &path, &ana, &Value::Null).refusal(), (404, Code::NoSuchPage));
    assert_eq!(get(&server, &ana, "/v1/tokens").json(), json!({ "tokens": [] }));
}

#[test]
fn what_cannot_be_a_token_is_refused_and_their_number_is_bounded() {
    let server = Server::start(&[]);
    let (ana, _) = with_ledgers(&server, "ana@example.org", 1);
    let invalid = [
        json!({ "name": "", "scope": "read" }),
        json!({ "name": "a", "scope": "everything" }),
        json!({ "name": "a", "scope": "read", "days": 0 }),
        json!({ "name": "a", "scope": "read", "days": 367 }),
        json!({ "name": "a", "scope": "read", "ledgers": [] }),
        json!({ "name": "a", "scope": "read", "ledgers": ["home"] }),
        json!({ "name": "a", "scope": "read", "unknown": 1 }),
    ];
    for body in invalid {
        assert_eq!(make(&server, &ana, &body).refusal(), (422, Code::Invalid), "{body}");
    }
    for _ in 0..64 {
        assert_eq!(make(&server, &ana, &json!({ "name": "a", "scope": "read" })).status, 201);
    }
    assert_eq!(make(&server, &ana, &json!({ "name": "a", "scope": "read" })).refusal(), (400, Code::TooMany));
}

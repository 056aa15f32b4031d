//! What was taken away: no request that is begun after the answer succeeds, however busy the token was until then.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use outlay_ledger::hex;
use outlay_protocol::{Code, proof};
use outlay_server::accounts::{admin, records, sessions};
use outlay_server::store::{Store, StoreOptions, Write};
use serde_json::{Value, json};

use crate::support::{Account, Device, PASSWORD, Reply, Server, Socket, metric, program, request, run};

/// Programs that ask at once.
const ASKING: usize = 4;
/// Requests that succeed before something is taken away: the token is well known by then.
const BEFORE: usize = 8;
/// Requests of each program after it.
const AFTER: usize = 4;
const ROUNDS: u8 = 5;

fn busy_server() -> Server {
    let many = "1000000";
    Server::start(
        &[
            ["--address-requests-per-minute", many],
            ["--account-requests-per-minute", many],
            ["--person-requests-per-minute", many],
            ["--session-requests-per-minute", many],
        ]
        .concat(),
    )
}

/// Asks with a token all the time, from before it is taken away until after that was answered.
fn nobody_gets_in_after(server: &Server, path: &str, token: &str, take_away: impl FnOnce()) {
    let (address, bearer) = (server.address.as_str(), format!("Bearer {token}"));
    let (before, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let ask = || {
        let mut after = 0;
        while after < AFTER {
            let was_over = is_over.load(Ordering::SeqCst);
            let status = request(address, "GET", path, &[("authorization", &bearer)], b"").status;
            assert!(status == 401 || (status == 200 && !was_over), "{status} after it was over: {was_over}");
            before.fetch_add(usize::from(status == 200), Ordering::SeqCst);
            after += usize::from(was_over);
        }
    };
    std::thread::scope(|scope| {
        (0..ASKING).for_each(|_| _ = scope.spawn(ask));
        while before.load(Ordering::SeqCst) < BEFORE {
            std::thread::yield_now();
        }
        take_away();
        is_over.store(true, Ordering::SeqCst);
    });
}

fn delete(server: &Server, path: &str, account: &Account) {
    assert_eq!(server.ask("DELETE", path, account, &Value::Null).status, 204);
}

#[test]
fn no_request_of_a_session_succeeds_after_it_was_ended() {
    let server = busy_server();
    let owner = server.sign_up("ana@example.org", &Device::new(1));
    for round in 0..ROUNDS {
        let report = program(&server, "login", "ana@example.org", "report");
        nobody_gets_in_after(&server, "/v1/me", &report.access, || {
            let sessions = server.ask("GET", "/v1/sessions", &owner, &Value::Null).json();
            let sessions = sessions["sessions"].as_array().unwrap().clone();
            let session = sessions.iter().find(|session| session["name"] == "report").unwrap();
            delete(&server, &format!("/v1/sessions/{}", session["id"].as_str().unwrap()), &owner);
        });
        let phone = Device::new(10 + round);
        let lost = server.log_in("ana@example.org", &phone);
        let path = format!("/v1/devices/{}", phone.key());
        nobody_gets_in_after(&server, "/v1/ledgers", &lost.access, || delete(&server, &path, &owner));
    }
    assert_eq!(server.ask("GET", "/v1/me", &owner, &Value::Null).status, 200, "the one that ended them goes on");
}

#[test]
fn no_request_of_a_device_succeeds_by_the_session_before_its_last_one() {
    let (server, phone) = (busy_server(), Device::new(1));
    let mut account = server.sign_up("ana@example.org", &phone);
    for _ in 0..ROUNDS {
        let mut next = None;
        nobody_gets_in_after(&server, "/v1/me", &account.access, || {
            next = Some(server.log_in("ana@example.org", &phone));
        });
        account = next.unwrap();
    }
    assert_eq!(server.ask("GET", "/v1/me", &account, &Value::Null).status, 200);
}

#[test]
fn no_request_with_an_api_token_succeeds_after_it_was_taken_away() {
    let server = busy_server();
    let owner = server.sign_up("ana@example.org", &Device::new(1));
    for _ in 0..ROUNDS {
        let made = server.ask("POST", "/v1/tokens", &owner, &json!({ "name": "lost", "scope": "read" })).json();
        let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
        let token = made["token"].as_str().unwrap();
        nobody_gets_in_after(&server, "/v1/ledgers", token, || delete(&server, &path, &owner));
    }
}

#[test]
fn no_request_of_an_account_succeeds_after_it_was_disabled_or_deleted() {
    let server = busy_server();
    let ana = server.sign_up("ana@example.org", &Device::new(1));
    nobody_gets_in_after(&server, "/v1/me", &ana.access, || {
        let (done, text) = run(&["user", "disable", "ana@example.org"], &[("--data", &server.data)]);
        assert!(done, "{text}");
    });
    let ben = server.sign_up("ben@example.org", &Device::new(2));
    nobody_gets_in_after(&server, "/v1/me", &ben.access, || {
        let body = json!({ "password": PASSWORD });
        assert_eq!(server.ask("DELETE", "/v1/me", &ben, &body).status, 204);
    });
}

#[test]
fn a_device_that_connects_while_it_is_signed_out_does_not_stay_connected() {
    let server = busy_server();
    let owner = server.sign_up("ana@example.org", &Device::new(1));
    for round in 0..20 {
        let phone = Device::new(10 + round);
        let lost = server.log_in("ana@example.org", &phone);
        let mut socket = Socket::connect(&server);
        socket.greet(&phone, &lost.access);
        delete(&server, &format!("/v1/devices/{}", phone.key()), &owner);
        assert_eq!(socket.closed(), Some(Code::Revoked), "round {round}");
    }
}

/// The answer to a request that was let in and waits to write while something is done to the account of ana.
fn answer_after(
    server: &Server,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
    act: impl FnOnce(&mut Write<'_>, i64) -> outlay_server::store::Result<()>,
) -> Reply {
    let mut store = Store::open(&server.data.join("outlay-server.db"), StoreOptions::default()).unwrap();
    let (address, metrics) = (server.address.as_str(), server.metrics.as_deref().unwrap());
    let headers = [&[("content-type", "application/json")], headers].concat();
    let body = body.to_string();
    std::thread::scope(|scope| {
        let mut asking = None;
        let written = store.write(|write| {
            asking = Some(scope.spawn(|| request(address, "POST", path, &headers, body.as_bytes())));
            while metric(metrics, "outlay_store_queue_jobs") == 0 {
                std::thread::yield_now();
            }
            let (aid, _) = records::by_email(write.tx, "ana@example.org")?.unwrap();
            act(write, aid)
        });
        written.unwrap();
        asking.unwrap().join().unwrap()
    })
}

#[test]
fn a_login_that_was_under_way_when_the_password_was_changed_or_the_account_disabled_opens_nothing() {
    let (server, phone) = (Server::start(&["--metrics-listen", "127.0.0.1:0"]), Device::new(1));
    server.sign_up("ana@example.org", &phone);
    let email = "ana@example.org";
    let body = || json!({ "email": email, "password": PASSWORD, "device": server.proved(email, &Device::new(2), "") });
    let disabled = answer_after(&server, "/v1/auth/login", &[], &body(), |write, aid| admin::disable(write, 0, aid));
    assert_eq!(disabled.refusal(), (401, Code::Credentials));
    let (done, text) = run(&["user", "enable", "ana@example.org"], &[("--data", &server.data)]);
    assert!(done, "{text}");
    assert_eq!(server.post("/v1/auth/login", &body()).status, 200);
    let changed = answer_after(&server, "/v1/auth/login", &[], &body(), |write, aid| {
        let (_, old) = records::credentials(write.tx, aid)?.unwrap();
        assert!(records::change_password(write, aid, &old, "another")?);
        Ok(())
    });
    assert_eq!(changed.refusal(), (401, Code::Credentials));
}

#[test]
fn what_a_session_makes_while_it_is_ended_is_not_made() {
    let (server, phone, further) =
        (Server::start(&["--metrics-listen", "127.0.0.1:0"]), Device::new(1), Device::new(2));
    server.sign_up("ana@example.org", &phone);
    let further_device = |account: &Account| {
        let (id, nonce) = server.identity();
        let digest = proof::further_device_digest(&id, &nonce, &account.access, &further.public());
        let [proof, further_proof] = [&phone, &further].map(|device| hex::encode(&device.secret.sign_digest(&digest)));
        json!({ "key": further.key(), "nonce": hex::encode(&nonce), "proof": proof, "further_proof": further_proof })
    };
    let body = |path: &str, account: &Account| match path {
        "/v1/devices" => further_device(account),
        "/v1/tokens" => json!({ "name": "report", "scope": "read" }),
        _ => json!({ "ledger": "0123456789abcdef".repeat(2), "url": "https://example.org/hook" }),
    };
    for path in ["/v1/devices", "/v1/tokens", "/v1/webhooks"] {
        let account = server.log_in("ana@example.org", &phone);
        let bearer = format!("Bearer {}", account.access);
        let end = |write: &mut Write<'_>, aid| sessions::end_all(write, 0, aid, None);
        let answer = answer_after(&server, path, &[("authorization", &bearer)], &body(path, &account), end);
        assert_eq!(answer.refusal(), (401, Code::Revoked), "{path}");
    }
    let account = server.log_in("ana@example.org", &phone);
    let listed = |path: &str, of: &str| server.ask("GET", path, &account, &Value::Null).json()[of].clone();
    assert_eq!(listed("/v1/tokens", "tokens"), json!([]));
    assert_eq!(listed("/v1/devices", "devices").as_array().map(Vec::len), Some(1));
}

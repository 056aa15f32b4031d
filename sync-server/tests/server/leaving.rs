//! Going: what is left of an account that was deleted, and what its owner can take along.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outlay_ledger::commit::Commit;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_protocol::Code;
use serde_json::{Value, json};

use outlay_server::store::{Store, StoreOptions};

use crate::support::{
    Account, Device, Ledger, PASSWORD, Reply, Server, Socket, counts, program, refused, request, run,
};

fn remove(server: &Server, account: &Account, password: &str) -> Reply {
    server.ask("DELETE", "/v1/me", account, &json!({ "password": password }))
}

/// Whether any file of the server has these bytes.
fn is_kept(server: &Server, canary: &[u8]) -> bool {
    let mut files = std::fs::read_dir(&server.data).unwrap().map(|file| file.unwrap().path());
    files.any(|file| std::fs::read(file).unwrap().windows(canary.len()).any(|bytes| bytes == canary))
}

/// Ana with a phone and a ledger of three expenses on the server.
fn with_ledger(server: &Server) -> (Device, Account, Ledger, Socket) {
    let mut phone = Device::new(1);
    let account = server.sign_up("canary-ana@example.org", &phone);
    let ledger = Ledger::of(&mut phone, 3);
    let mut socket = Socket::of(server, &phone, &account);
    socket.open(ledger.id, None, &ledger.commits);
    assert_eq!(counts(&socket.acknowledged(1)), (4, 0, 0, None));
    (phone, account, ledger, socket)
}

/// Ben with a phone, a member of the ledger, in which he has written too.
fn with_friend(server: &Server, phone: &mut Device, ledger: &mut Ledger, socket: &mut Socket) -> (Device, Account) {
    let mut friend = Device::new(2);
    let add = MemberOperation::Add { member: friend.member(), device: friend.public(), role: Role::Editor };
    let added = phone.operation(ledger.id, &ledger.heads, &add);
    let dinner = friend.expense(ledger.id, &[added.1], 1).0;
    assert_eq!(counts(&socket.push(2, std::slice::from_ref(&added.0))), (1, 0, 0, None));
    ledger.heads = vec![added.1];
    let account = server.sign_up("ben@example.org", &friend);
    let mut of_friend = Socket::of(server, &friend, &account);
    of_friend.open(ledger.id, None, std::slice::from_ref(&dinner));
    assert_eq!(counts(&of_friend.acknowledged(1)), (1, 0, 0, None));
    ledger.commits.extend([added.0, dinner]);
    (friend, account)
}

#[test]
fn nothing_of_a_deleted_account_is_in_any_file() {
    let server = Server::start(&[]);
    let (phone, account, ledger, mut socket) = with_ledger(&server);
    let canaries: [&[u8]; 4] = [b"canary-ana@example.org", b"canary-name", b"canary-program", b"expense 3 of "];
    let named = json!({ "name": "canary-name" });
    let bearer = format!("Bearer {}", account.access);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("if-match", "*")];
    assert_eq!(request(&server.address, "PATCH", "/v1/me", &headers, named.to_string().as_bytes()).status, 200);
    let script = program(&server, "login", "canary-ana@example.org", "canary-program");
    let genesis = &ledger.commits[0].encode()[..64];
    assert!(canaries.iter().all(|canary| is_kept(&server, canary)), "the search finds what is there");
    assert!(is_kept(&server, genesis) && is_kept(&server, &phone.public().0), "that too");

    assert_eq!(remove(&server, &account, "not the password").refusal(), (401, Code::Credentials));
    assert_eq!(server.ask("DELETE", "/v1/me", &account, &json!({})).refusal(), (422, Code::Invalid));
    assert_eq!(request(&server.address, "DELETE", "/v1/me", &[], b"").refusal(), (401, Code::SignInNeeded));
    assert_eq!(remove(&server, &account, PASSWORD).status, 204);
    for canary in canaries {
        assert!(!is_kept(&server, canary), "{}", String::from_utf8_lossy(canary));
    }
    assert!(!is_kept(&server, &phone.public().0) && !is_kept(&server, genesis), "nor its keys and ledgers");
    assert_eq!(socket.closed(), Some(Code::Revoked));
    for signed_out in [&account, &script] {
        assert_eq!(server.ask("GET", "/v1/me", signed_out, &json!({})).refusal(), (401, Code::Revoked));
    }
    assert_eq!(remove(&server, &account, PASSWORD).refusal(), (401, Code::Revoked));
    assert_eq!(server.refresh(&phone, &account.refresh).refusal(), (401, Code::Revoked));
    let body = json!({ "email": "canary-ana@example.org", "password": PASSWORD });
    assert_eq!(server.post("/v1/auth/login", &body).refusal(), (401, Code::Credentials));
}

/// Deletes an account on the command line.
fn delete_beside(server: &Server, who: &str) -> (bool, String) {
    run(&["user", "delete", who, "--json"], &[("--data", &server.data)])
}

fn is_deleted(said: &(bool, String), account: &Account) -> bool {
    said.0 && serde_json::from_str::<Value>(&said.1).unwrap() == json!({ "id": account.id, "deleted": true })
}

#[test]
fn an_account_that_is_deleted_beside_a_running_server_is_gone_there_too() {
    let server = Server::start(&[]);
    let (mut phone, account, mut ledger, mut socket) = with_ledger(&server);
    let (_, ben) = with_friend(&server, &mut phone, &mut ledger, &mut socket);
    phone.fork_from(&[], 9);
    let own = Ledger::of(&mut phone, 600);
    let mut other = Socket::of(&server, &phone, &account);
    other.open(own.id, None, &own.commits);
    assert_eq!(counts(&other.acknowledged(1)), (601, 0, 0, None));
    assert!(is_kept(&server, &own.commits[0].encode()[..64]));

    let said = delete_beside(&server, "canary-ana@example.org");
    assert!(is_deleted(&said, &account), "{said:?}");
    assert_eq!((socket.closed(), other.closed()), (Some(Code::Revoked), Some(Code::Revoked)));
    assert_eq!(server.ask("GET", "/v1/me", &account, &json!({})).refusal(), (401, Code::Revoked));
    assert_eq!(server.refresh(&phone, &account.refresh).refusal(), (401, Code::Revoked));
    let shared = format!("/v1/ledgers/{}/members", ledger.id);
    assert_eq!(server.ask("GET", &shared, &ben, &json!({})).status, 200, "who stays keeps what was shared");

    let again = server.sign_up("canary-ana@example.org", &phone);
    let mut socket = Socket::of(&server, &phone, &again);
    assert_eq!(refused(&socket.open(own.id, None, &[])), Some(Code::NoSuchLedger));
    let mut socket = Socket::of(&server, &phone, &again);
    socket.open(own.id, None, &own.commits);
    assert_eq!(counts(&socket.acknowledged(1)), (601, 0, 0, None), "of the ledger as it was nothing is remembered");
    let said = delete_beside(&server, &account.id);
    assert!(!said.0 && said.1.contains("no such account"), "{said:?}");
}

#[test]
fn an_account_is_deleted_without_a_server_too_and_what_was_asked_for_is_done_by_the_next_one() {
    let mut server = Server::start(&[]);
    let (phone, account, ledger, _socket) = with_ledger(&server);
    let ben = server.sign_up("canary-ben@example.org", &Device::new(2));
    server.stop();
    let said = delete_beside(&server, "canary-ana@example.org");
    assert!(is_deleted(&said, &account), "{said:?}");
    let genesis = &ledger.commits[0].encode()[..64];
    for canary in [b"canary-ana@example.org".as_slice(), b"expense 3 of ", &phone.public().0, genesis] {
        assert!(!is_kept(&server, canary));
    }
    // The command that has asked for it was killed.
    let database = server.data.join("outlay-server.db");
    let asked = "INSERT INTO notice (aid, is_deletion) SELECT aid, 1 FROM account";
    let mut store = Store::open(&database, StoreOptions::default()).unwrap();
    assert_eq!(store.write(|write| Ok(write.tx.execute(asked, [])?)), Ok(1));
    drop(store);
    let server = server.again(&[]);
    assert!(is_deleted(&delete_beside(&server, "canary-ben@example.org"), &ben) || !is_kept(&server, b"canary-ben"));
}

#[test]
fn a_ledger_of_which_half_was_deleted_when_the_server_died_is_gone_after_the_next_start() {
    let mut server = Server::start(&[]);
    let (phone, _, ledger, _socket) = with_ledger(&server);
    server.kill();
    // What the first transaction of a deletion leaves, and some rows of the log gone.
    let mut store = Store::open(&server.data.join("outlay-server.db"), StoreOptions::default()).unwrap();
    let half =
        "INSERT INTO purge (lid) SELECT lid FROM ledger; DELETE FROM ledger; DELETE FROM tie; DELETE FROM access;
        DELETE FROM log WHERE seq IN (SELECT seq FROM log LIMIT 2);";
    store.write(|write| Ok(write.tx.execute_batch(half)?)).unwrap();
    drop(store);
    assert!(is_kept(&server, b"expense 3 of "));
    let server = server.again(&[]);
    assert!(!is_kept(&server, b"expense 3 of "));
    let again = server.log_in("canary-ana@example.org", &phone);
    let mut socket = Socket::of(&server, &phone, &again);
    socket.open(ledger.id, None, &ledger.commits);
    assert_eq!(counts(&socket.acknowledged(1)), (4, 0, 0, None), "it may come back as if it had never been");
}

#[test]
fn who_signs_up_again_has_another_account_and_may_bring_his_ledger_again() {
    let server = Server::start(&[]);
    let (phone, account, ledger, _socket) = with_ledger(&server);
    assert_eq!(remove(&server, &account, PASSWORD).status, 204);
    let again = server.sign_up("canary-ana@example.org", &phone);
    assert_ne!(again.id, account.id);
    let mut socket = Socket::of(&server, &phone, &again);
    assert_eq!(refused(&socket.open(ledger.id, None, &[])), Some(Code::NoSuchLedger));
    let mut socket = Socket::of(&server, &phone, &again);
    socket.open(ledger.id, None, &ledger.commits);
    assert_eq!(counts(&socket.acknowledged(1)), (4, 0, 0, None));
    let mut reader = Socket::of(&server, &phone, &again);
    reader.open(ledger.id, None, &[]);
    assert_eq!(reader.caught_up().0, ledger.commits);
}

#[test]
fn a_shared_ledger_stays_signed_and_whole_for_who_stays() {
    let server = Server::start(&[]);
    let (mut phone, account, mut ledger, mut socket) = with_ledger(&server);
    let (mut friend, ben) = with_friend(&server, &mut phone, &mut ledger, &mut socket);
    assert_eq!(remove(&server, &account, PASSWORD).status, 204);
    assert!(!is_kept(&server, b"canary-ana@example.org"));
    let mut of_friend = Socket::of(&server, &friend, &ben);
    of_friend.open(ledger.id, None, &[]);
    let (commits, _) = of_friend.caught_up();
    assert_eq!(commits, ledger.commits, "byte for byte");
    let signed: Vec<_> = commits.iter().map(|commit| (commit.header.device, commit.id(), commit.signature)).collect();
    assert!(outlay_ledger::signature::verify_batch(&signed).iter().all(|is_good| *is_good));
    let late = friend.expense(ledger.id, &ledger.heads, 1).0;
    assert_eq!(counts(&of_friend.push(2, &[late])), (1, 0, 0, None));

    assert_eq!(remove(&server, &ben, PASSWORD).status, 204);
    assert!(!is_kept(&server, b"expense 3 of "), "it went with the last who had it");
}

#[test]
fn what_a_shared_ledger_takes_up_counts_to_who_stays() {
    // Room for one such ledger and not for two.
    let server = Server::start(&["--account-max-bytes", "2400", "--ledger-max-bytes", "2400"]);
    let (mut phone, account, mut ledger, mut socket) = with_ledger(&server);
    let (mut friend, ben) = with_friend(&server, &mut phone, &mut ledger, &mut socket);
    assert_eq!(remove(&server, &account, PASSWORD).status, 204);
    friend.fork_from(&[], 7);
    let own = Ledger::of(&mut friend, 4);
    let mut of_friend = Socket::of(&server, &friend, &ben);
    of_friend.open(own.id, None, &own.commits);
    let (stored, _, refused, code) = counts(&of_friend.acknowledged(1));
    assert!(stored < 5 && refused > 0 && code == Some(Code::Quota), "{stored} stored, {refused} refused: {code:?}");
}

#[test]
fn a_member_who_was_removed_keeps_no_ledger_here() {
    let server = Server::start(&[]);
    let (mut phone, account, mut ledger, mut socket) = with_ledger(&server);
    let (friend, ben) = with_friend(&server, &mut phone, &mut ledger, &mut socket);
    let removal = MemberOperation::Remove { member: friend.member(), cut: vec![ledger.commits[5].id()] };
    let removal = phone.operation(ledger.id, &ledger.heads, &removal).0;
    assert_eq!(counts(&socket.push(3, &[removal])), (1, 0, 0, None));
    assert_eq!(remove(&server, &account, PASSWORD).status, 204);
    assert!(!is_kept(&server, b"expense 3 of "));
    assert_eq!(server.ask("GET", "/v1/me", &ben, &json!({})).status, 200);
    let mut of_friend = Socket::of(&server, &friend, &ben);
    assert_eq!(refused(&of_friend.open(ledger.id, None, &[])), Some(Code::NoSuchLedger));
}

#[test]
fn an_export_has_all_that_is_kept_of_a_person_and_his_ledgers_as_they_were_signed() {
    let server = Server::start(&[]);
    let (mut phone, account, mut ledger, mut socket) = with_ledger(&server);
    let (_, ben) = with_friend(&server, &mut phone, &mut ledger, &mut socket);
    phone.fork_from(&[], 9);
    let second = Ledger::of(&mut phone, 400);
    let mut other = Socket::of(&server, &phone, &account);
    other.open(second.id, None, &second.commits);
    assert_eq!(counts(&other.acknowledged(1)), (401, 0, 0, None));

    let token = json!({ "name": "script", "scope": "read", "days": 7 });
    assert_eq!(server.ask("POST", "/v1/tokens", &account, &token).status, 201);
    let reply = server.ask("GET", "/v1/me/export", &account, &json!({}));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type").as_deref(), Some("application/json"));
    assert_eq!(reply.header("cache-control").as_deref(), Some("no-store"));
    let export = reply.json();
    assert_eq!(export["version"], 1);
    assert_eq!(export["profile"], server.ask("GET", "/v1/me", &account, &json!({})).json());
    assert_eq!(export["sessions"], server.ask("GET", "/v1/sessions", &account, &json!({})).json()["sessions"]);
    assert_eq!(export["devices"], server.ask("GET", "/v1/devices", &account, &json!({})).json()["devices"]);
    assert_eq!(export["webhooks"], json!([]));
    assert_eq!(export["tokens"], server.ask("GET", "/v1/tokens", &account, &json!({})).json()["tokens"]);
    assert_eq!(export["tokens"][0]["name"], "script");
    assert_eq!(export["events"], server.ask("GET", "/v1/me/events", &account, &json!({})).json()["events"]);
    let ledgers = export["ledgers"].as_array().unwrap();
    assert_eq!(ledgers.len(), 2);
    for expected in [&ledger, &second] {
        let exported = ledgers.iter().find(|one| one["id"] == expected.id.to_string()).unwrap();
        assert_eq!(exported["member"], phone.member().to_string());
        assert_eq!(commits(exported), expected.commits);
    }
    let of_ben = server.ask("GET", "/v1/me/export", &ben, &json!({})).json();
    assert_eq!(of_ben["ledgers"].as_array().map(Vec::len), Some(1), "the shared one only");
    assert_eq!(of_ben["profile"]["email"], "ben@example.org");
    let nobody = program(&server, "signup", "cleo@example.org", "");
    assert_eq!(server.ask("GET", "/v1/me/export", &nobody, &json!({})).json()["ledgers"], json!([]));
    assert_eq!(server.get("/v1/me/export").refusal(), (401, Code::SignInNeeded));
}

fn commits(exported: &Value) -> Vec<Commit> {
    let bytes = |text: &Value| STANDARD.decode(text.as_str().unwrap()).unwrap();
    exported["commits"].as_array().unwrap().iter().map(|text| Commit::decode(&bytes(text)).unwrap()).collect()
}

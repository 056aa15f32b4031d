//! Everything that is refused, each with its code, and what goes on beside it.

use outlay_ledger::commit::{ActorForm, Body, CommitError, Kind, Record};
use outlay_ledger::limits::{COMMIT_BYTES_MAX, PAYLOAD_BYTES_MAX};
use outlay_ledger::member::{MemberOperation, Role};
use outlay_protocol::message::{Auth, Hello, PUSH_FRAME_BYTES_MAX, Push};
use outlay_protocol::{Code, Message, batch, proof};

use crate::support::{Account, Device, Ledger, Server, Socket, counts, run};

fn with_ledger(options: &[&str]) -> (Server, Device, Account, Ledger, Socket) {
    let (server, mut phone) = (Server::start(options), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let ledger = Ledger::of(&mut phone, 1);
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(ledger.id, None, &ledger.commits);
    assert_eq!(counts(&socket.acknowledged(1)), (2, 0, 0, None));
    (server, phone, account, ledger, socket)
}

#[test]
fn bytes_that_are_no_message_close_the_connection_with_a_code() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let hello = Message::Hello(Hello { version_min: 1, version_max: 1, features: 0, device: phone.public() }).encode();
    let cases: [(&str, Vec<u8>, Code); 4] = [
        ("empty", Vec::new(), Code::Malformed),
        ("truncated", hello[..hello.len() - 1].to_vec(), Code::Malformed),
        ("of an unknown type", vec![0x3f, 0xa0], Code::Malformed),
        ("too big", vec![0x06; PUSH_FRAME_BYTES_MAX + 1], Code::TooBig),
    ];
    for (what, frame, code) in cases {
        let mut socket = Socket::of(&server, &phone, &account);
        socket.send_bytes(frame);
        assert_eq!(socket.closed(), Some(code), "{what}");
    }
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn a_version_that_is_not_spoken_is_refused() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let mut socket = Socket::connect(&server);
    socket.send(&Message::Hello(Hello { version_min: 7, version_max: 9, features: 0, device: phone.public() }));
    socket.greet(&phone, &account.access);
    assert_eq!(socket.closed(), Some(Code::Version));
}

#[test]
fn a_token_needs_the_proof_of_its_device_on_this_connection() {
    let (server, phone, thief) = (Server::start(&[]), Device::new(1), Device::new(2));
    let account = server.sign_up("ana@example.org", &phone);
    let mut by_thief = Socket::connect(&server);
    by_thief.greet(&thief, &account.access);
    assert_eq!(by_thief.closed(), Some(Code::Proof), "the token of another device");
    let mut replayed = Socket::connect(&server);
    let proof = phone.secret.sign_digest(&proof::digest(&replayed.server, &[0; 16], &account.access));
    replayed.send(&Message::Hello(Hello { version_min: 1, version_max: 1, features: 0, device: phone.public() }));
    replayed.send(&Message::Auth(Auth { token: account.access, proof, ledgers: [0; 8] }));
    assert_eq!(replayed.closed(), Some(Code::Proof), "the proof of another connection");
    let mut no_token = Socket::connect(&server);
    no_token.greet(&phone, "nonsense");
    assert_eq!(no_token.closed(), Some(Code::SignInNeeded));
}

#[test]
fn whoever_does_not_speak_in_time_is_let_go() {
    let server = Server::start(&["--auth-timeout-seconds", "1"]);
    assert_eq!(Socket::connect(&server).closed(), Some(Code::Slow));
}

#[test]
fn an_expired_token_is_refused_and_renewed_and_the_sync_goes_on() {
    let (server, phone) = (Server::start(&["--access-token-seconds", "2"]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let expired = loop {
        let mut socket = Socket::connect(&server);
        socket.greet(&phone, &account.access);
        match socket.next() {
            Ok(Message::Welcome(_)) => {}
            Ok(Message::Error(error)) => break error.code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(expired, Code::TokenExpired);
    let renewed = Account::of(&server.refresh(&phone, &account.refresh));
    Socket::of(&server, &phone, &renewed);
}

#[test]
fn one_bad_commit_never_keeps_another_out() {
    let (_server, mut phone, _, ledger, mut socket) = with_ledger(&[]);
    let good = phone.expense(ledger.id, &ledger.heads, 1).0;
    let mut forged = phone.expense(ledger.id, &ledger.heads, 1).0;
    forged.signature[7] ^= 1;
    let orphan = phone.expense(ledger.id, &ledger.heads, 1).0;
    let mut stranger = Device::new(9);
    let strange = stranger.expense(ledger.id, &ledger.heads, 1).0;
    phone.fork_from(&ledger.heads, 77);
    let last = phone.expense(ledger.id, &ledger.heads, 1).0;
    let expected = [
        (good, (1, 0, 0, None)),
        (forged, (0, 0, 1, Some(Code::Signature))),
        (orphan, (0, 0, 1, Some(Code::PredecessorsMissing))),
        (strange, (0, 0, 1, Some(Code::Removed))),
        (last, (1, 0, 0, None)),
    ];
    let all: Vec<_> = expected.iter().map(|(commit, _)| commit.clone()).collect();
    assert_eq!(counts(&socket.push(2, &all)), (2, 0, 3, Some(Code::Signature)));
    for (number, (commit, outcome)) in (3..).zip(expected) {
        let outcome = if outcome.0 == 1 { (0, 1, 0, None) } else { outcome };
        assert_eq!(counts(&socket.push(number, &[commit])), outcome);
    }
}

#[test]
fn a_refusal_names_the_predecessors_that_are_missing() {
    let (_server, mut phone, _, ledger, mut socket) = with_ledger(&[]);
    let (_, missing) = phone.expense(ledger.id, &ledger.heads, 1);
    let orphan = phone.expense(ledger.id, &ledger.heads, 1).0;
    let runs = socket.push(2, &[orphan]);
    let outlay_protocol::message::Run::Refused { missing: named, .. } = &runs[0] else { panic!("{runs:?}") };
    assert_eq!(named, &[missing]);
}

#[test]
fn a_viewer_may_not_write_and_a_batch_that_is_none_loses_nothing() {
    let (server, mut owner, _, ledger, mut on_owner) = with_ledger(&[]);
    let mut viewer = Device::new(2);
    let other = server.sign_up("ben@example.org", &viewer);
    let add = MemberOperation::Add { member: viewer.member(), device: viewer.public(), role: Role::Viewer };
    let added = owner.operation(ledger.id, &ledger.heads, &add);
    on_owner.push(2, &[added.0]);
    let mut socket = Socket::of(&server, &viewer, &other);
    assert_eq!(socket.open(ledger.id, None, &[]).role, Some(Role::Viewer));
    let expense = viewer.expense(ledger.id, &[added.1], 1).0;
    assert_eq!(counts(&socket.push(2, &[expense])), (0, 0, 1, Some(Code::ReadOnly)));
    assert_eq!(refused_push(&mut on_owner, 3, vec![1, 2, 3]), Code::Batch);
    let next = owner.expense(ledger.id, &[added.1], 1).0;
    assert_eq!(counts(&on_owner.push(4, &[next])), (1, 0, 0, None));
}

#[test]
fn a_commit_that_is_too_big_makes_no_batch_and_the_next_push_goes_in() {
    let (_server, mut phone, _, ledger, mut socket) = with_ledger(&[]);
    let next = phone.expense(ledger.id, &ledger.heads, 1).0;
    let body = Body::Payload(vec![7; PAYLOAD_BYTES_MAX]);
    let blob = Record { document: None, kind: Kind::Blob, period: None, form: ActorForm::Feed, body };
    let mut big = next.clone();
    (big.records, big.header.count) = (vec![blob; 1 + COMMIT_BYTES_MAX / PAYLOAD_BYTES_MAX], 5);
    big.signature = phone.secret.sign(&big.id());
    assert_eq!(big.validate(), Err(CommitError::TooBig));
    let batch = batch::encode(&[big, next.clone()]).unwrap();
    assert_eq!(refused_push(&mut socket, 2, batch), Code::Batch);
    assert_eq!(counts(&socket.push(3, &[next])), (1, 0, 0, None));
}

/// Why a push is refused as a whole.
fn refused_push(socket: &mut Socket, number: u32, batch: Vec<u8>) -> Code {
    socket.send(&Message::Push(Push { handle: 1, number, batch }));
    loop {
        match socket.receive() {
            Message::Error(error) => return error.code,
            Message::Ack(ack) => panic!("{ack:?}"),
            _ => {}
        }
    }
}

#[test]
fn forks_have_an_end_and_a_commit_that_closes_them_is_taken() {
    let (_server, mut phone, _, ledger, mut socket) = with_ledger(&["--device-heads-max-count", "3"]);
    let mut heads = Vec::new();
    for fork in 0..3 {
        phone.fork_from(&ledger.heads, 100 + fork);
        let (commit, id) = phone.expense(ledger.id, &ledger.heads, 1);
        let expected = if fork < 2 { (1, 0, 0, None) } else { (0, 0, 1, Some(Code::Forks)) };
        assert_eq!(counts(&socket.push(10 + u32::from(fork), &[commit])), expected);
        heads.push(id);
    }
    heads.truncate(2);
    heads.sort_unstable();
    phone.fork_from(&heads, 110);
    let closing = phone.expense(ledger.id, &ledger.heads, 1).0;
    assert_eq!(counts(&socket.push(20, &[closing])), (1, 0, 0, None));
}

#[test]
fn what_is_full_or_too_fast_waits_and_says_so() {
    let (_server, mut phone, _, ledger, mut socket) = with_ledger(&["--ledger-max-bytes", "1000"]);
    let commits: Vec<_> = (0..3).map(|_| phone.expense(ledger.id, &ledger.heads, 1).0).collect();
    let (stored, _, _, code) = counts(&socket.push(2, &commits));
    assert!(stored < 3 && code == Some(Code::Quota), "{stored} {code:?}");

    let limits = ["--device-push-burst-bytes", "2000", "--device-push-bytes-per-second", "1"];
    let (_server, mut phone, _, ledger, mut socket) = with_ledger(&limits);
    let commits: Vec<_> = (0..10).map(|_| phone.expense(ledger.id, &ledger.heads, 1).0).collect();
    let batch = batch::encode(&commits).unwrap();
    socket.send(&Message::Push(Push { handle: 1, number: 2, batch }));
    loop {
        match socket.receive() {
            Message::Error(error) => break assert!(error.code == Code::Rate && error.retry_after_ms > 0),
            // The first push made the ledger, and of that the account is told when it is.
            Message::Ledgers(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_secret_that_stands_in_examples_is_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let zeros = "0".repeat(64);
    let (started, text) = run(&["serve", "--listen", "127.0.0.1:0", "--secret", &zeros], &[("--data", folder.path())]);
    assert!(!started && text.contains("secret"), "{text}");
}

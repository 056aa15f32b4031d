//! Running it: health, restarting, stopping, backups.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Instant;

use outlay_protocol::Code;
use outlay_protocol::message::Mode;

use crate::support::{Account, Device, Ledger, Server, Socket, command, counts, request, run};

/// What operators read.
const OPERATION: &str = include_str!("../../../docs/OPERATION.md");

fn with_ledger() -> (Server, Device, Account, Ledger) {
    let (server, mut phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let ledger = Ledger::of(&mut phone, 3);
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(ledger.id, None, &ledger.commits);
    assert_eq!(counts(&socket.acknowledged(1)), (4, 0, 0, None));
    (server, phone, account, ledger)
}

/// What a server says that is not to start in the folder of another one that has ended.
fn refusal_to_serve(server: &Server, options: &[&str]) -> String {
    let mut child = command()
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(&server.data)
        .args(options)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    // One that serves would not end by itself.
    _ = child.kill();
    let output = child.wait_with_output().unwrap();
    assert_eq!(line, "", "it serves");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_server_is_never_another_one_because_its_secret_was_left_out_or_put_in() {
    let (secret, other) = ("a1".repeat(32), "b2".repeat(32));
    let mut server = Server::start(&["--secret", &secret]);
    let (id, _) = server.identity();
    server.stop();
    assert!(refusal_to_serve(&server, &[]).contains("was made with a secret of yours"));
    assert!(refusal_to_serve(&server, &["--secret", &other]).contains("with another secret than this one"));
    let (done, text) = run(&["invite"], &[("--data", &server.data)]);
    assert!(done, "a command beside it needs none: {text}");
    assert_eq!(server.again(&["--secret", &secret]).identity().0, id, "the same server");

    let mut server = Server::start(&[]);
    let (id, _) = server.identity();
    server.stop();
    assert!(refusal_to_serve(&server, &["--secret", &secret]).contains("start it without --secret"));
    assert_eq!(server.again(&[]).identity().0, id);
}

#[test]
fn a_command_before_the_first_start_does_not_decide_which_secret_it_is() {
    let mut server = Server::start(&[]);
    server.stop();
    std::fs::remove_dir_all(&server.data).unwrap();
    let (done, text) = run(&["invite"], &[("--data", &server.data)]);
    assert!(done, "{text}");
    let secret = "a1".repeat(32);
    assert_eq!(server.again(&["--secret", &secret]).get("/readyz").status, 200);
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let (mut server, phone, account, ledger) = with_ledger();
    let (id, _) = server.identity();
    server.kill();
    let server = server.again(&[]);
    assert_eq!(server.identity().0, id, "the same server");
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(ledger.id, None, &[]);
    assert_eq!(socket.caught_up().0, ledger.commits);
    assert_eq!(server.refresh(&phone, &account.refresh).status, 200);
}

#[test]
fn a_server_that_is_stopped_tells_who_is_connected_and_ends_well() {
    let (mut server, phone, account, ledger) = with_ledger();
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(ledger.id, None, &[]);
    socket.caught_up();
    server.terminate();
    assert_eq!(socket.closed(), Some(Code::ShuttingDown));
    drop(socket);
    assert_eq!(server.wait(), Some(0));
    let mut files: Vec<_> =
        std::fs::read_dir(&server.data).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["outlay-server.db"], "one file, closed in good order");
    assert_eq!(server.again(&[]).get("/readyz").status, 200);
}

#[test]
fn a_restored_server_begins_a_new_epoch_and_takes_back_what_it_lost() {
    let (mut server, mut phone, account, ledger) = with_ledger();
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(ledger.id, None, &[]);
    let (_, old) = socket.caught_up();
    let backup = server.file("backup.db");
    let (done, text) = run(&["backup"], &[("--data", &server.data), ("--to", &backup)]);
    assert!(done, "while it runs: {text}");
    let later = phone.expense(ledger.id, &ledger.heads, 1).0;
    assert_eq!(counts(&socket.push(2, std::slice::from_ref(&later))), (1, 0, 0, None));
    let (done, text) = run(&["restore"], &[("--data", &server.data), ("--from", &backup)]);
    assert!(!done && text.contains("running"), "{text}");
    server.stop();
    let (done, text) = run(&["restore"], &[("--data", &server.data), ("--from", &backup)]);
    assert!(done, "{text}");

    let server = server.again(&[]);
    let mut socket = Socket::of(&server, &phone, &account);
    let Mode::Heads { epoch, head, heads } = socket.open(ledger.id, Some(old), &[]).mode else { panic!("not noticed") };
    assert_ne!(epoch, old.epoch);
    assert_eq!((head, heads.len()), (old.at, 1));
    assert_eq!(heads[0].ids[0], ledger.commits[3].id(), "says what it has");
    let mut socket = Socket::of(&server, &phone, &account);
    let mut open = crate::support::opening(ledger.id, Some(old), std::slice::from_ref(&later));
    open.heads = Some(heads);
    socket.send(&outlay_protocol::Message::Open(open));
    assert_eq!(counts(&socket.acknowledged(1)), (1, 0, 0, None));
}

#[test]
fn a_device_whose_token_is_younger_than_the_backup_stays_signed_in() {
    let (mut server, phone, account, _) = with_ledger();
    let backup = server.file("backup.db");
    assert!(run(&["backup"], &[("--data", &server.data), ("--to", &backup)]).0);
    let second = Account::of(&server.refresh(&phone, &account.refresh));
    let third = Account::of(&server.refresh(&phone, &second.refresh));
    server.stop();
    assert!(run(&["restore"], &[("--data", &server.data), ("--from", &backup)]).0);

    let server = server.again(&[]);
    let fourth = Account::of(&server.refresh(&phone, &third.refresh));
    assert_ne!(fourth.refresh, third.refresh);
    assert_eq!(server.refresh(&phone, &second.refresh).refusal(), (401, Code::Revoked), "a copy is found out as ever");
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let (mut server, ..) = with_ledger();
    server.stop();
    let nonsense = server.file("nonsense");
    std::fs::write(&nonsense, "not a database, but long enough to be looked at".repeat(100)).unwrap();
    let (done, _) = run(&["restore"], &[("--data", &server.data), ("--from", &nonsense)]);
    assert!(!done);
    assert_eq!(server.again(&[]).get("/readyz").status, 200, "the former database is untouched");
}

#[test]
fn whoever_asks_whether_it_is_ready_all_the_time_makes_it_write_once_a_second() {
    let server = Server::start(&["--metrics-listen", "127.0.0.1:0"]);
    let begun = Instant::now();
    (0..200).for_each(|_| assert_eq!(server.get("/readyz").status, 200));
    let seconds = begun.elapsed().as_secs();
    let text = request(server.metrics.as_deref().unwrap(), "GET", "/metrics", &[], b"").body;
    let text = String::from_utf8(text).unwrap();
    let written =
        text.lines().find_map(|line| line.strip_prefix("outlay_store_group_jobs_count ")?.parse::<u64>().ok());
    assert!((1..=seconds + 1).contains(&written.unwrap()), "{written:?} transactions in {seconds} s");
}

#[test]
fn what_it_does_is_counted_on_an_address_of_its_own_and_nobody_is_named() {
    let (server, mut phone) = (Server::start(&["--metrics-listen", "127.0.0.1:0"]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let ledger = Ledger::of(&mut phone, 3);
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(ledger.id, None, &ledger.commits);
    socket.acknowledged(1);
    let mut forged = phone.expense(ledger.id, &ledger.heads, 1).0;
    forged.signature[7] ^= 1;
    socket.push(2, &[ledger.commits[3].clone(), forged]);
    assert_eq!(server.get("/v1/ana").status, 404);
    let address = server.metrics.as_deref().unwrap();
    let answer = request(address, "GET", "/metrics", &[], b"");
    let text = String::from_utf8(answer.body).unwrap();
    let expected = [
        "outlay_http_requests_total{method=\"POST\",route=\"/v1/auth/signup\",status=\"200\"} 1",
        "outlay_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "outlay_http_request_duration_seconds_count{route=\"/v1/auth/signup\"} 1",
        "outlay_sync_sockets_count 1",
        "outlay_sync_subscribed_ledgers_count 1",
        "outlay_sync_commits_total{outcome=\"stored\"} 4",
        "outlay_sync_commits_total{outcome=\"held\"} 1",
        "outlay_sync_commits_total{outcome=\"refused\"} 1",
        "outlay_store_queue_jobs 0",
        "outlay_password_hashes_count 0",
        "outlay_password_hashes_total 1",
        "outlay_password_hashes_shed_total 0",
        "outlay_http_rate_limited_requests_total 0",
    ];
    for line in expected {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    assert!(value("outlay_store_database_bytes ") > Some(0) && value("outlay_store_wal_bytes ") > Some(0), "{text}");
    assert!(value("outlay_store_group_jobs_count ") > Some(0), "{text}");
    for name in ["ana", account.id.as_str(), &phone.key(), &ledger.id.to_string()] {
        assert!(!text.contains(name), "{name} is in\n{text}");
    }
    for name in text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()) {
        assert!(OPERATION.contains(name), "{name} is not in docs/OPERATION.md");
    }
    assert_eq!(server.get("/metrics").status, 404, "not where its users are");
    assert_eq!(request(address, "GET", "/v1/server", &[], b"").status, 404);
}

/// A socket that never reads, one that never speaks, and a request that never ends.
#[test]
fn whoever_stays_connected_does_not_keep_it_from_stopping() {
    use std::io::Write as _;

    let options = ["--drain-timeout-seconds", "1", "--metrics-listen", "127.0.0.1:0"];
    let (mut server, phone) = (Server::start(&options), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let (deaf, mute) = (Socket::of(&server, &phone, &account), Socket::connect(&server));
    let mut half = std::net::TcpStream::connect(&server.address).unwrap();
    half.write_all(b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{").unwrap();
    let kept = std::net::TcpStream::connect(server.metrics.as_deref().unwrap()).unwrap();
    assert_eq!(server.get("/readyz").status, 200);
    let begun = Instant::now();
    assert_eq!(server.stop(), Some(0));
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "it took {:?}", begun.elapsed());
    drop((deaf, mute, half, kept));
    let server = server.again(&[]);
    assert_eq!(server.refresh(&phone, &account.refresh).status, 200, "what was acknowledged is there");
}

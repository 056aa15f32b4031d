//! What sync tells the log of the app: how the connection changes and why it waits, and nothing of a person.

use std::sync::Arc;
use std::sync::mpsc::channel;

use outlay_core::sync::Connection;
use outlay_core::{Currency, Engine, LogLevel, LogLine, Options};

use super::support::spent;
use super::{LONG, Server, ana, engine, named, sync, wait_until};

#[test]
fn a_log_says_how_sync_went_and_nothing_that_a_person_wrote() {
    let (mut server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (tell, told) = channel();
    let options =
        Options { log_sink: Some(Arc::new(move |line: LogLine| drop(tell.send(line)))), ..Options::default() };
    let phone = Arc::new(Engine::open(folder.path().join("phone"), options).unwrap());
    let home = phone.create_ledger("Secret ledger", Currency::EUR).unwrap().id;
    phone.add_expense(home, spent("12.34", "Secret payee", "2026-03-01")).unwrap();
    phone.sign_up(&server.address(), &ana(), &named("secret phone")).unwrap();
    sync(&phone);
    let syncer = phone.start_sync().unwrap();
    let is = |connection| phone.sync_status().unwrap().connection == connection;
    wait_until("the connection is live", || is(Connection::Live));
    server.stop();
    wait_until("it is said", || is(Connection::Retrying));
    server.resume();
    syncer.retry_now();
    wait_until("the connection is live again", || is(Connection::Live));
    let laptop = engine(folder.path(), "laptop");
    laptop.sign_in(&server.address(), &ana(), &named("laptop")).unwrap();
    laptop.sign_out_device(phone.device_key()).unwrap();
    wait_until("it is signed out", || is(Connection::SignedOut));
    drop(syncer);
    assert!(phone.sync_once(LONG).is_err());
    let device = phone.device_key();
    drop(phone);

    let lines: Vec<LogLine> = told.iter().filter(|line| line.target == "sync").collect();
    let is_told = |level, part: &str| lines.iter().any(|line| line.level == level && line.message.contains(part));
    assert!(is_told(LogLevel::Info, "synced: "), "{lines:#?}");
    assert!(is_told(LogLevel::Info, "0 refused, 0 damaged, all alike: true"), "{lines:#?}");
    assert!(is_told(LogLevel::Debug, "connecting") && is_told(LogLevel::Info, "live"), "{lines:#?}");
    assert!(is_told(LogLevel::Warn, "no connection for the 1. time, tried again in "), "{lines:#?}");
    assert!(is_told(LogLevel::Warn, "the server has signed this device out"), "{lines:#?}");
    assert!(is_told(LogLevel::Warn, "signing in is needed") && is_told(LogLevel::Info, "off"), "{lines:#?}");
    assert!(is_told(LogLevel::Warn, "a sync ended: SignedOut"), "{lines:#?}");
    let words = ["ana@", "correct horse", "example", "127.0.0.1", "12.34", "ecret"];
    for line in &lines {
        assert!(words.iter().all(|word| !line.message.contains(word)), "{line:?}");
        assert!(!line.message.contains(&device.to_string()), "a device is named when it is opened: {line:?}");
    }
}

//! What an engine tells the log of the app.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, Weak};

use outlay_core::{Currency, Diff, Engine, ErrorKind, Filter, LogLevel, LogLine, NewExpense, Options, Sort};

use crate::support::eur;

/// Options with a sink that tells a channel, whose end is when the last engine that was opened with them is gone.
fn logging() -> (Options, Receiver<LogLine>) {
    let (tell, told) = channel();
    let sink = move |line| drop(tell.send(line));
    (Options { log_sink: Some(Arc::new(sink)), ..Options::default() }, told)
}

/// All lines until the engine is gone.
fn lines(told: &Receiver<LogLine>) -> Vec<(LogLevel, String)> {
    told.iter().map(|line| (line.level, format!("{}: {}", line.target, line.message))).collect()
}

fn line(level: LogLevel, text: impl Into<String>) -> (LogLevel, String) {
    (level, text.into())
}

#[test]
fn opening_says_what_was_made_migrated_or_moved_aside_and_by_which_device() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.outlay");
    let opened = || {
        let (options, told) = logging();
        let device = Engine::open(&path, options).unwrap().device_key();
        (device, lines(&told))
    };
    let (device, made) = opened();
    let (by, closed) = (format!("engine: opened by device {device}"), line(LogLevel::Info, "engine: closed"));
    let info = |text: &str| line(LogLevel::Info, text);
    assert_eq!(made, [info("store: made a database of schema step 5"), info(&by), closed.clone()]);
    assert_eq!(opened().1, [info(&by), closed.clone()]);

    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("DROP TABLE left_out; PRAGMA user_version = 4").unwrap();
    drop(database);
    let migrated = info("store: migrated the database from schema step 4 to 5");
    assert_eq!(opened().1, [migrated, info(&by), closed.clone()]);

    std::fs::write(&path, [b"SQLite format 3\0".as_slice(), &[0xff; 5000]].concat()).unwrap();
    let aside = "store: the database was damaged; it was moved aside and a new one begun";
    assert_eq!(opened().1[0], line(LogLevel::Warn, aside));
}

#[test]
fn what_fails_is_told_without_what_a_person_wrote() {
    let (options, told) = logging();
    let engine = Engine::open_in_memory_with(Options { database_bytes_max: Some(600_000), ..options }).unwrap();
    let home = engine.create_ledger("Secret ledger", Currency::EUR).unwrap().id;
    let failing = |_: Diff| panic!("a bug of the app");
    let watch = engine.observe(home, Filter::default(), Sort::Newest, 10, Arc::new(failing)).unwrap();
    let secret = NewExpense { note: "secret note ".repeat(100), ..NewExpense::new(eur("12.34"), "Secret payee") };
    let full = (0..5_000).find_map(|_| engine.add_expense(home, secret.clone()).err());
    assert_eq!(full.map(|error| error.kind()), Some(ErrorKind::DiskFull));
    assert_eq!(engine.add_expense(home, NewExpense::new(eur("0"), "")).unwrap_err().kind(), ErrorKind::InvalidInput);
    engine.note_panic();
    drop((watch, engine));

    let told = lines(&told);
    for expected in [
        line(LogLevel::Error, "observe: an observer of entries failed, and is not called again"),
        line(LogLevel::Warn, "store: a write failed and changed nothing: DiskFull"),
        line(LogLevel::Error, "engine: a call ended by a bug"),
    ] {
        assert!(told.contains(&expected), "{expected:?} is not in {told:#?}");
    }
    assert!(
        told.iter().all(|(_, text)| !text.to_lowercase().contains("secret") && !text.contains("12.34")),
        "{told:#?}"
    );
    assert!(
        told.iter().all(|(_, text)| !text.contains("InvalidInput")),
        "the app's mistakes are told the app: {told:#?}"
    );
}

#[test]
fn a_sink_may_call_the_engine_that_tells_it_and_be_the_last_to_hold_it() {
    let (tell, told) = channel();
    let holder = Arc::new(Mutex::new((Weak::<Engine>::new(), None::<Arc<Engine>>)));
    let held = Arc::clone(&holder);
    let sink = move |line: LogLine| {
        let engine = held.lock().unwrap().0.upgrade();
        if let Some(engine) = engine.filter(|_| line.message.contains("ended by a bug")) {
            let ledgers = engine.ledgers().map(|ledgers| ledgers.len());
            held.lock().unwrap().1 = None;
            // What is dropped here is the engine itself.
            drop(engine);
            tell.send(ledgers.unwrap()).unwrap();
        }
    };
    let options = Options { log_sink: Some(Arc::new(sink)), ..Options::default() };
    let engine = Arc::new(Engine::open_in_memory_with(options).unwrap());
    engine.create_ledger("Home", Currency::EUR).unwrap();
    *holder.lock().unwrap() = (Arc::downgrade(&engine), Some(Arc::clone(&engine)));
    engine.note_panic();
    drop(engine);
    assert_eq!(told.recv(), Ok(1));
    assert!(told.recv().is_err(), "the thread has ended, and the sink is gone");
}

//! What breaks: full disks, damaged and foreign files, killed processes, damaged rows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use outlay_core::{Currency, DocumentId, Edit, Engine, ErrorKind, Filter, LedgerId, Month, NewExpense, Options, Sort};
use rusqlite::Connection;
use support::snapshot::{Snapshot, assert_same};
use support::{Device, Rng, Seed, TestEnvironment, options, path, spent};

/// What tells the child of a test what it is to do: the database to write to.
const CHILD: &str = "OUTLAY_TEST_CHILD_DATABASE";

fn filled(file: &Path, entries: usize) -> (Device, LedgerId, Vec<DocumentId>) {
    let device = Device::open(file, 1, 1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    let ids = (0..entries).map(|n| entry(&device, home, n)).collect();
    (device, home, ids)
}

fn entry(device: &Device, home: LedgerId, number: usize) -> DocumentId {
    let new = NewExpense { category: path(&["Food"]), ..spent("1", &format!("Shop {number}"), "2026-03-01") };
    device.add(home, new).id
}

fn reopen_kind(file: &Path) -> ErrorKind {
    let clock = TestEnvironment::new(5);
    Engine::open(file, options(1, &clock)).err().expect("it does not open").kind()
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn limited(file: &Path, bytes_max: u64) -> Device {
    let clock = TestEnvironment::new(7);
    let options = Options { database_bytes_max: Some(bytes_max), ..options(1, &clock) };
    Device { engine: Engine::open(file, options).unwrap(), clock }
}

#[test]
fn a_full_database_refuses_and_loses_nothing_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("full.outlay");
    let bytes_max = 400 * 1024;
    let device = limited(&file, bytes_max);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    let note = "a note that takes room ".repeat(100);
    let mut added = Vec::new();
    let error = loop {
        device.clock.advance_ms(1_000);
        let rng = &mut Rng::new(added.len() as u64);
        let salt: String = (0..40).map(|_| format!("{:x}", rng.next())).collect();
        match device.add_expense(home, NewExpense { note: format!("{note}{salt}"), ..spent("1", "Shop", "2026-03-01") })
        {
            Ok(expense) => added.push(expense),
            Err(error) => break error,
        }
        assert!(added.len() < 10_000, "it is full at some time");
    };
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
    assert!(added.len() > 20);

    // Nothing half-written, everything readable, and every further attempt gets the same answer.
    let month = Month::parse("2026-03").unwrap();
    for _ in 0..3 {
        let all = device.all(home, &Filter::default(), Sort::Oldest);
        assert_eq!(all, added);
        assert_eq!(device.totals(home, month, month).unwrap()[0].count, added.len() as u64);
        let big = NewExpense { note: note.clone(), ..spent("1", "Shop", "2026-03-01") };
        let errors: Vec<_> = (0..5).filter_map(|_| device.add_expense(home, big.clone()).err()).collect();
        assert!(errors.iter().all(|error| error.kind() == ErrorKind::DiskFull));
        assert!(!errors.is_empty());
    }
    let taken = { device.take_in(&device.commits(home, &[]).unwrap()).unwrap() };
    assert_eq!((taken.stored, taken.refused.len()), (0, 0));

    // Room elsewhere in the same process: the same file with a higher limit, and this engine still reads it.
    let roomier = limited(&file, 4 * bytes_max);
    let more = roomier.add(home, spent("2", "More", "2026-03-02"));
    assert_eq!(device.get(home, more.id), more);
    assert_eq!(roomier.delete_expense(home, added[0].id).unwrap().id, added[0].id);
    roomier.assert_healthy("after there was room");
    drop((device, roomier));
    let later = Device::open(&file, 1, 9);
    assert_eq!(later.all(home, &Filter::default(), Sort::Oldest).len(), added.len());
    assert_eq!(later.heads(home).unwrap().len(), 1);
}

#[test]
fn a_batch_that_does_not_fit_is_taken_in_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("full.outlay");
    let (source, home, _) = filled(&folder.path().join("source.outlay"), 400);
    let commits = source.commits(home, &[]).unwrap();
    let device = limited(&file, 120 * 1024);
    let error = device.take_in(&commits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull);
    device.take(&commits[..2]);
    assert_eq!(device.commits(home, &[]).unwrap().len(), 2, "small things still go in");
    let roomier = Device::open(&file, 1, 3);
    assert_eq!(roomier.take_in(&commits).unwrap().stored, commits.len() as u64 - 2);
    assert_same(&Snapshot::of(&roomier, home, "roomier"), &Snapshot::of(&source, home, "source"), "taken in again");
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_to_the_byte() {
    for is_open_elsewhere in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("newer.outlay");
        drop(filled(&file, 3));
        let newer = Connection::open(&file).unwrap();
        newer.pragma_update(None, "user_version", 99).unwrap();
        if is_open_elsewhere {
            // As after a crash of the newer version: what it wrote last is in its WAL.
            let wal = std::fs::read(beside(&file, "-wal")).unwrap();
            let main = std::fs::read(&file).unwrap();
            drop(newer);
            std::fs::write(&file, main).unwrap();
            std::fs::write(beside(&file, "-wal"), wal).unwrap();
        } else {
            drop(newer);
        }
        let files = |file: &Path| {
            (std::fs::read(file).unwrap(), std::fs::read(beside(file, "-wal")).ok().filter(|wal| !wal.is_empty()))
        };
        let before = files(&file);
        assert_eq!(before.1.is_some(), is_open_elsewhere);
        assert_eq!(reopen_kind(&file), ErrorKind::TooNew);
        assert!(files(&file) == before, "byte for byte, with {is_open_elsewhere}");
        assert!(
            std::fs::read_dir(folder.path())
                .unwrap()
                .all(|entry| { !entry.unwrap().file_name().to_string_lossy().contains("corrupt") })
        );
    }
}

#[test]
fn a_database_of_another_program_or_a_folder_is_refused_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.db");
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE contact (name TEXT)").unwrap();
    let before = std::fs::read(&file).unwrap();
    assert_eq!(reopen_kind(&file), ErrorKind::InvalidInput);
    assert!(std::fs::read(&file).unwrap() == before);
    assert_eq!(reopen_kind(folder.path()), ErrorKind::InvalidInput);
    assert_eq!(reopen_kind(&folder.path().join("missing").join("a.outlay")), ErrorKind::NotFound);
    assert!(!folder.path().join("missing").exists());
}

#[test]
fn a_path_that_names_no_file_is_refused() {
    for path in ["", ":memory:", "a\0b"] {
        assert_eq!(reopen_kind(Path::new(path)), ErrorKind::InvalidInput, "{path:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_set_aside_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.outlay");
    drop(filled(&good, 200));
    let whole = std::fs::read(&good).unwrap();
    let mut garbage_header = whole.clone();
    garbage_header[..100].copy_from_slice(&[0xa5; 100]);
    let mut pages_gone = whole.clone();
    pages_gone.truncate(whole.len() / 2);
    let damaged = [
        ("text", b"this is no database, but somebody's letter\n".repeat(100)),
        ("short", b"SQLite format 3".to_vec()),
        ("garbage header", garbage_header),
        ("half of it", pages_gone),
        ("one page less", whole[..whole.len() - 4096].to_vec()),
    ];
    for (name, bytes) in damaged {
        let file = folder.path().join(format!("{name}.outlay"));
        std::fs::write(&file, &bytes).unwrap();
        let device = Device::open(&file, 1, 4);
        let aside = device.set_aside().unwrap_or_else(|| panic!("{name}: it was set aside"));
        assert!(aside.starts_with(folder.path()) && aside != file, "{name}");
        assert!(std::fs::read(&aside).unwrap() == bytes, "{name}: nothing of it is lost");
        let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
        entry(&device, home, 1);
        device.assert_healthy(name);
        drop(device);
        let again = Device::open(&file, 1, 5);
        assert_eq!((again.set_aside(), again.all(home, &Filter::default(), Sort::Newest).len()), (None, 1), "{name}");
    }
}

#[test]
fn an_empty_file_becomes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.outlay");
    std::fs::write(&file, b"").unwrap();
    let (device, ..) = filled(&file, 1);
    assert_eq!(device.set_aside(), None);
}

#[test]
fn damage_anywhere_in_the_file_is_an_error_or_found_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.outlay");
    let (device, home, ids) = filled(&good, 150);
    device.backup(folder.path().join("whole.outlay")).unwrap();
    drop(device);
    let whole = std::fs::read(folder.path().join("whole.outlay")).unwrap();
    let (mut found, mut refused) = (0, 0);
    for seed in 0..60 {
        let _seed = Seed(seed);
        let (rng, file) = (&mut Rng::new(seed), folder.path().join(format!("{seed}.outlay")));
        let mut bytes = whole.clone();
        for _ in 0..8 {
            let at = 100 + rng.below(bytes.len() - 100);
            bytes[at] ^= 1 << rng.below(8);
        }
        std::fs::write(&file, bytes).unwrap();
        let clock = TestEnvironment::new(seed);
        let Ok(engine) = Engine::open(&file, options(1, &clock)) else {
            refused += 1;
            continue;
        };
        let _ = engine.expense(home, ids[3]);
        let _ = engine.query(home, &Filter { text: Some("shop".into()), ..Filter::default() }, Sort::Largest, None, 9);
        let _ = engine.conflicts(home);
        let _ = engine.history(home, ids[5]);
        let _ = engine.commits(home, &[]);
        let _ = engine.edit_expense(home, ids[7], Edit { payee: Some("x".into()), ..Edit::default() });
        found += usize::from(!engine.doctor().unwrap().is_ok());
        let _ = engine.doctor();
    }
    println!("{found} found by doctor, {refused} refused, the rest in unused bytes or mended");
    assert!(found > 10);
}

#[test]
fn a_row_of_a_projection_that_was_tampered_with_is_found_and_made_anew() {
    let tamper = [
        "UPDATE expense SET minor = minor + 1 WHERE rid = (SELECT max(rid) FROM expense)",
        "DELETE FROM expense WHERE rid = (SELECT min(rid) FROM expense)",
        "UPDATE rollup SET low = low + 5",
        "DELETE FROM rollup",
        "UPDATE category SET name = 'Fool'",
        "INSERT INTO conflict (lid, rid, key) SELECT lid, rid, 'payee' FROM expense LIMIT 1",
        "INSERT INTO verdict (seq, code) SELECT max(seq), 3 FROM record",
        "UPDATE ledger SET name = 'Nowhere', role = 0",
        "INSERT INTO expense_tag (lid, tag, rid) SELECT lid, 'x', rid FROM expense LIMIT 1",
    ];
    for sql in tamper {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tampered.outlay");
        let (device, home, _) = filled(&file, 20);
        let before = Snapshot::of(&device, home, "before");
        assert!(Connection::open(&file).unwrap().execute(sql, []).unwrap() > 0, "{sql}");
        let diagnosis = device.doctor().unwrap();
        assert_eq!(diagnosis.problems.len(), 1, "{sql}: {:?}", diagnosis.problems);
        assert_same(&Snapshot::of(&device, home, sql), &before, sql);
    }
}

#[test]
fn a_damaged_record_is_found_and_the_rest_stays_readable() {
    let tamper = [
        "UPDATE record SET body = x'00ffff' WHERE seq = (SELECT max(seq) FROM record)",
        "UPDATE record SET body = x'01ff00' WHERE seq = (SELECT max(seq) FROM record)",
        "UPDATE record SET body = x'0209' WHERE seq = (SELECT max(seq) FROM record)",
        "UPDATE record SET body = x'' WHERE seq = (SELECT max(seq) FROM record)",
        "UPDATE record SET body = x'010101' WHERE seq = (SELECT max(seq) FROM record)",
        "UPDATE record SET meta = 99 WHERE seq = (SELECT max(seq) FROM record)",
        "DELETE FROM record WHERE seq = (SELECT max(seq) FROM record)",
        "UPDATE commit_log SET signature = zeroblob(64) WHERE cid = (SELECT max(cid) FROM commit_log)",
        "UPDATE commit_log SET id = zeroblob(32) WHERE cid = (SELECT max(cid) FROM commit_log)",
        "UPDATE commit_log SET fid = 77 WHERE cid = (SELECT max(cid) FROM commit_log)",
        "UPDATE commit_log SET header = x'ff' WHERE cid = (SELECT max(cid) FROM commit_log)",
        "UPDATE record SET body = x'00ff' WHERE seq = 1",
    ];
    for sql in tamper {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("damaged.outlay");
        let (device, home, ids) = filled(&file, 20);
        assert!(Connection::open(&file).unwrap().execute(sql, []).unwrap() > 0, "{sql}");
        for _ in 0..2 {
            let diagnosis = device.doctor().unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            assert!(!diagnosis.is_ok(), "{sql}");
            assert_eq!(device.all(home, &Filter::default(), Sort::Newest).len(), 20, "{sql}: what is shown stays");
            device.get(home, ids[0]);
        }
        // What the damage is not in goes on; what it is in refuses, and does not panic.
        let edit = Edit { payee: Some("still".into()), ..Edit::default() };
        let edited = device.edit_expense(home, ids[0], edit);
        if sql.starts_with("UPDATE record SET body") && !sql.ends_with("seq = 1") {
            assert_eq!(edited.unwrap().payee, "still", "{sql}");
        }
    }
}

#[test]
fn a_backup_made_while_others_write_is_one_state_and_opens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("busy.outlay");
    let (device, home, _) = filled(&file, 50);
    let copies: Vec<_> = (0..5).map(|n| folder.path().join(format!("copy {n}.outlay"))).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let other = Device::open(&file, 1, 2);
            for number in 1_000..1_150 {
                entry(&other, home, number);
            }
        });
        copies.iter().for_each(|copy| device.backup(copy).unwrap());
    });
    let mut sizes = Vec::new();
    for copy in &copies {
        let restored = Device::open(copy, 1, 3);
        restored.assert_healthy("a copy");
        let entries = restored.all(home, &Filter::default(), Sort::Newest).len();
        let month = Month::parse("2026-03").unwrap();
        assert_eq!(restored.totals(home, month, month).unwrap()[0].count, entries as u64, "of one state");
        sizes.push(entries);
    }
    assert!(sizes.is_sorted() && sizes[0] >= 50);

    let quiet = folder.path().join("quiet.outlay");
    device.backup(&quiet).unwrap();
    let restored = Device::open(&quiet, 1, 3);
    assert_same(&Snapshot::of(&restored, home, "copy"), &Snapshot::of(&device, home, "original"), "a quiet copy");
    assert_eq!(device.backup(&quiet).unwrap_err().kind(), ErrorKind::InvalidInput, "it exists");
    let nowhere = folder.path().join("missing").join("copy.outlay");
    assert!(device.backup(&nowhere).is_err() && !nowhere.exists());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("partial")), "{left:?}");
    assert!(!beside(&quiet, ".key").exists(), "the key is not copied");
}

#[test]
fn a_backup_of_a_database_in_memory_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (device, copy) = (Device::new(1), folder.path().join("copy.outlay"));
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    entry(&device, home, 1);
    device.backup(&copy).unwrap();
    let restored = Device::open(&copy, 1, 3);
    assert_same(&Snapshot::of(&restored, home, "copy"), &Snapshot::of(&device, home, "original"), "from memory");
}

#[test]
fn the_key_is_a_file_that_only_its_owner_reads() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.outlay");
    let key = beside(&file, ".key");
    let open = |seed| {
        let environment: Arc<TestEnvironment> = TestEnvironment::new(seed);
        Engine::open(&file, Options { environment, ..Options::default() })
    };
    let device = open(1).unwrap().device_key();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(std::fs::read(&key).unwrap().len(), 32);
    assert_eq!(open(2).unwrap().device_key(), device, "the key is kept");

    std::fs::write(&key, b"short").unwrap();
    let error = open(3).err().expect("half a key is none");
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(std::fs::read(&key).unwrap(), b"short", "and no new one is put in its place");
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("partial")), "{names:?}");
}

/// Not a test: what the child of the next one does. It adds and edits, and says so only when the engine has said so.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Ok(file) = std::env::var(CHILD) else { return };
    let device = Device::open(Path::new(&file), 1, u64::from(std::process::id()));
    let home = device.default_ledger().unwrap().unwrap().id;
    let mut out = std::io::stdout().lock();
    for number in 0.. {
        let id = entry(&device, home, number);
        writeln!(out, "ack {id} -").unwrap();
        if number % 3 == 0 {
            let payee = format!("edited {number}");
            device.edit_expense(home, id, Edit { payee: Some(payee.clone()), ..Edit::default() }).unwrap();
            writeln!(out, "ack {id} {payee}").unwrap();
        }
        out.flush().unwrap();
    }
}

#[test]
fn what_a_killed_process_said_was_added_is_there() {
    const ROUNDS: u64 = 8;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("killed.outlay");
    let home = filled(&file, 0).1;
    let mut acked = Vec::new();
    for round in 0..ROUNDS {
        let _seed = Seed(round);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_writes_until_it_is_killed", "--nocapture", "--test-threads=1"])
            .env(CHILD, &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = 3 + Rng::new(round).below(60);
        let mut count = 0;
        for line in lines.by_ref() {
            if let Some(ack) = line.unwrap().strip_prefix("ack ") {
                acked.push(ack.to_owned());
                count += 1;
            }
            if count == wanted {
                break;
            }
        }
        child.kill().unwrap();
        // What it had said before it was killed counts too; the last line may be cut short.
        acked.extend(
            lines
                .map_while(Result::ok)
                .filter_map(|line| Some(line.strip_prefix("ack ")?.to_owned()))
                .filter(|ack| ack.len() > 33),
        );
        child.wait().unwrap();
        assert!(count == wanted, "the child wrote");
    }
    let device = Device::open(&file, 1, 1_000);
    device.assert_healthy("after kills");
    for ack in &acked {
        let (id, payee) = ack.split_once(' ').unwrap();
        let Some(expense) = device.expense(home, id.parse().unwrap()).unwrap() else { panic!("{id} was lost") };
        assert!(payee == "-" || payee.starts_with(&expense.payee) || expense.payee.starts_with(payee), "{ack}");
    }
    assert_eq!(device.heads(home).unwrap().len(), 1, "one chain");
    println!("{} acknowledged in {ROUNDS} rounds", acked.len());
}

//! Several processes on one database: each engine has its own connections, as another process would.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use outlay_core::{
    Currency, DocumentId, Edit, Engine, FileKeyStore, Filter, KeyStore, LedgerId, NewExpense, Options, Sort,
};
use support::{Device, Rng, Seed, TestEnvironment, path, snapshot, spent};

/// Operations of each writer.
const OPERATIONS: usize = 1_000;

#[test]
fn two_writers_and_a_reader_never_wait_in_vain_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.outlay");
    let home = Device::open(&file, 1, 1).create_ledger("Home", Currency::EUR).unwrap().id;
    let is_done = AtomicBool::new(false);
    let (written, reads) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| read_until(&file, home, &is_done));
        let writers: Vec<_> = (0..2_u64)
            .map(|number| {
                scope.spawn({
                    let file = &file;
                    move || write(file, home, number)
                })
            })
            .collect();
        let written: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        is_done.store(true, Ordering::SeqCst);
        (written, reader.join().unwrap())
    });
    println!("{reads} reads beside {} operations", 2 * OPERATIONS);
    assert!(reads > 20);

    let device = Device::open(&file, 1, 9);
    let shown = snapshot::expenses(&device, home);
    let expected: BTreeMap<DocumentId, (String, bool)> = written.into_iter().flatten().collect();
    assert_eq!(shown.keys().collect::<BTreeSet<_>>(), expected.keys().collect(), "every add exactly once");
    for (id, (payee, deleted)) in &expected {
        assert_eq!((&shown[id].payee, shown[id].deleted), (payee, *deleted));
        assert!(!shown[id].conflicted, "one database makes one chain: nothing is concurrent");
    }
    device.add(home, spent("1", "after", "2026-03-01"));
    assert_eq!(device.heads(home).unwrap().len(), 1, "one chain");
    let commits = device.commits(home, &[]).unwrap();
    assert!(commits.iter().all(|commit| commit.header.previous.len() <= 1), "and it never forked");
    device.assert_healthy("after two writers");
}

/// Adds, edits and deletes. Returns what must be there in the end.
fn write(file: &Path, home: LedgerId, number: u64) -> BTreeMap<DocumentId, (String, bool)> {
    let _seed = Seed(number);
    let (device, rng) = (Device::open(file, 1, 10 + number), &mut Rng::new(number));
    let mut own = BTreeMap::new();
    let mut ids: Vec<DocumentId> = Vec::new();
    for operation in 0..OPERATIONS {
        let payee = format!("{number}/{operation}");
        match rng.below(10) {
            0..=6 => {
                let category = path(&[["Food", "Home", "Travel"][rng.below(3)]]);
                let added = device.add(home, NewExpense { category, ..spent("1", &payee, "2026-03-01") });
                own.insert(added.id, (payee, false));
                ids.push(added.id);
            }
            7 | 8 if !ids.is_empty() => {
                let id = *rng.pick(&ids);
                let edit = Edit { payee: Some(payee.clone()), ..Edit::default() };
                let edited = device.edit_expense(home, id, edit).unwrap();
                own.insert(id, (payee, edited.deleted));
            }
            _ if !ids.is_empty() => {
                let id = *rng.pick(&ids);
                let deleted = device.delete_expense(home, id).unwrap();
                own.insert(id, (deleted.payee, true));
            }
            _ => {}
        }
    }
    own
}

/// Reads pages and totals until told to stop. Every answer is of one state: its parts fit each other.
fn read_until(file: &Path, home: LedgerId, is_done: &AtomicBool) -> usize {
    let (device, mut reads, mut most) = (Device::open(file, 1, 30), 0, 0);
    while !is_done.load(Ordering::SeqCst) || reads == 0 {
        let page = device.query(home, &Filter::default(), Sort::Newest, None, 50).unwrap();
        for expense in &page.expenses {
            assert_eq!(expense.amount, Some(support::eur("1")));
            assert!(expense.category.is_some());
        }
        let month = outlay_core::Month::parse("2026-03").unwrap();
        let totals = device.totals(home, month, month).unwrap();
        for total in &totals {
            assert_eq!(total.spent.minor, i128::from(total.count) * 100);
        }
        let commits = device.heads(home).unwrap().len();
        assert!(commits <= 1, "one chain at any time");
        most = most.max(page.expenses.len());
        reads += 1;
    }
    assert!(most > 0);
    reads
}

#[test]
fn processes_that_begin_at_once_share_one_database_and_one_key() {
    for round in 0..10_u64 {
        let _seed = Seed(round);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new.outlay");
        let barrier = Arc::new(Barrier::new(4));
        let begin = |number: u64| {
            let (file, barrier) = (file.clone(), Arc::clone(&barrier));
            std::thread::spawn(move || {
                let environment: Arc<TestEnvironment> = TestEnvironment::new(100 * round + number);
                barrier.wait();
                let engine = Engine::open(&file, Options { environment, ..Options::default() }).unwrap();
                let ledger = engine.ensure_default_ledger().unwrap().id;
                engine.add_expense(ledger, spent("1", &format!("{number}"), "2026-03-01")).unwrap();
                (engine.device_key(), ledger)
            })
        };
        let threads: Vec<_> = (0..4).map(begin).collect();
        let begun: BTreeSet<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(begun.len(), 1, "one key and one ledger: {begun:?}");
        let engine = Engine::open(&file, Options::default()).unwrap();
        assert_eq!(engine.device_key(), begun.first().unwrap().0, "the key that is kept is the one in use");
        assert_eq!(
            engine.query(begun.first().unwrap().1, &Filter::default(), Sort::Newest, None, 50).unwrap().expenses.len(),
            4
        );
    }
}

#[test]
fn of_two_processes_that_make_a_key_at_once_one_wins() {
    for round in 0..40_u64 {
        let _seed = Seed(round);
        let folder = tempfile::tempdir().unwrap();
        let key_store: Arc<dyn KeyStore> = Arc::new(FileKeyStore::beside(&folder.path().join("new.outlay")));
        let barrier = Arc::new(Barrier::new(2));
        let begin = |number: u64| {
            let (key_store, barrier) = (Some(Arc::clone(&key_store)), Arc::clone(&barrier));
            std::thread::spawn(move || {
                let environment: Arc<TestEnvironment> = TestEnvironment::new(100 * round + number);
                barrier.wait();
                let options = Options { environment, key_store, ..Options::default() };
                Engine::open_in_memory_with(options).unwrap().device_key()
            })
        };
        let [one, other] = [1, 2].map(begin).map(|thread| thread.join().unwrap());
        assert_eq!(one, other);
    }
}

#[test]
fn a_fork_is_closed_by_the_next_write() {
    let folder = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join("a.outlay"), folder.path().join("b.outlay"));
    let phone = Device::open(&file, 1, 1);
    let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
    phone.backup(&copy).unwrap();
    // A backup taken into use beside the original, with the same key.
    let restored = Device::open(&copy, 1, 2);
    let one = phone.add(home, spent("1", "phone", "2026-03-01"));
    let two = restored.add(home, spent("2", "restored", "2026-03-02"));
    support::exchange(&phone, &restored, home);
    assert_eq!((phone.heads(home).unwrap().len(), restored.heads(home).unwrap().len()), (2, 2));
    phone.add(home, spent("3", "closing", "2026-03-03"));
    assert_eq!(phone.heads(home).unwrap().len(), 1);
    restored.pull(&phone, home);
    assert_eq!(restored.heads(home).unwrap(), phone.heads(home).unwrap());
    assert_eq!((restored.get(home, one.id), phone.get(home, two.id)), (one, two));
    phone.assert_healthy("phone");
    restored.assert_healthy("restored");
}

#[test]
fn undo_of_one_process_reaches_what_the_other_did_on_the_same_device() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.outlay");
    let (app, widget) = (Device::open(&file, 1, 1), Device::open(&file, 1, 2));
    let home = app.create_ledger("Home", Currency::EUR).unwrap().id;
    let by_widget = widget.add(home, spent("1", "widget", "2026-03-01"));
    assert_eq!(app.undo().unwrap().map(|undone| undone.changed), Some(1));
    assert!(widget.get(home, by_widget.id).deleted);
    assert_eq!(widget.undo().unwrap(), None);
}

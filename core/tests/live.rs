//! Live queries: the first state, every difference after it, and the end.
//!
//! Tests wait on channels, never on clocks; the limits are only there so that a failure is not an endless wait.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use outlay_core::{
    Currency, Diff, DocumentId, Edit, Engine, EntryKind, ErrorKind, Expense, Filter, LedgerId, NewExpense, Sort,
    Subscription,
};
use support::{Device, Rng, Seed, exchange, path, spent, two_devices};

/// Nothing takes this long.
const LONG: Duration = Duration::from_secs(60);
/// What another process wrote is told within this.
const OTHER_PROCESS_MAX: Duration = Duration::from_secs(1);

fn at_home() -> (Device, LedgerId) {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    (device, home)
}

fn watch(engine: &Engine, home: LedgerId, filter: Filter, sort: Sort, limit: usize) -> (Receiver<Diff>, Subscription) {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let tell = move |diff: Diff| drop(sender.lock().unwrap().send(diff));
    let subscription = engine.observe(home, filter, sort, limit, Arc::new(tell)).unwrap();
    (receiver, subscription)
}

fn apply(shown: &mut Vec<Expense>, diff: Diff) {
    for id in &diff.removed {
        let place = shown.iter().position(|expense| expense.id == *id).expect("what is removed was there");
        shown.remove(place);
    }
    for (place, expense) in diff.inserted {
        assert!(shown.iter().all(|other| other.id != expense.id), "what is inserted was not there");
        shown.insert(place, expense);
    }
    for expense in diff.updated {
        let place = shown.iter().position(|other| other.id == expense.id).expect("what is updated is there");
        assert_ne!(shown[place], expense, "an update changes something");
        shown[place] = expense;
    }
}

/// Takes differences until the list is what a query gives.
fn catch_up(receiver: &Receiver<Diff>, shown: &mut Vec<Expense>, expected: &[Expense]) {
    let begun = Instant::now();
    while shown != expected {
        let left = LONG.saturating_sub(begun.elapsed());
        apply(shown, receiver.recv_timeout(left).expect("the list becomes what a query gives"));
    }
}

fn ids(expenses: &[Expense]) -> Vec<DocumentId> {
    expenses.iter().map(|expense| expense.id).collect()
}

#[test]
fn the_first_call_has_everything_and_later_ones_what_changed() {
    let (device, home) = at_home();
    let first = device.add(home, spent("1", "first", "2026-03-01"));
    let second = device.add(home, spent("2", "second", "2026-03-02"));
    let (receiver, _subscription) = watch(&device, home, Filter::default(), Sort::Newest, 50);
    let next = || receiver.recv_timeout(LONG).unwrap();
    let all = Diff { inserted: vec![(0, second.clone()), (1, first.clone())], ..Diff::default() };
    assert_eq!(next(), all);

    let between = device.add(home, spent("3", "between", "2026-03-01"));
    assert_eq!(next(), Diff { inserted: vec![(1, between.clone())], ..Diff::default() });

    let edit = Edit { payee: Some("edited".into()), ..Edit::default() };
    let edited = device.edit_expense(home, first.id, edit).unwrap();
    assert_eq!(next(), Diff { updated: vec![edited], ..Diff::default() });

    let moved = Edit { date: Some(support::date("2026-03-09")), ..Edit::default() };
    let moved = device.edit_expense(home, first.id, moved).unwrap();
    assert_eq!(next(), Diff { removed: vec![first.id], inserted: vec![(0, moved)], ..Diff::default() });

    device.delete_expense(home, second.id).unwrap();
    assert_eq!(next(), Diff { removed: vec![second.id], ..Diff::default() });

    let restored = device.restore_expense(home, second.id).unwrap();
    assert_eq!(next(), Diff { inserted: vec![(1, restored)], ..Diff::default() });
    assert_eq!(receiver.try_recv().ok(), None, "nothing but what changed");
}

#[test]
fn the_first_call_comes_even_when_there_is_nothing() {
    let (device, home) = at_home();
    let (receiver, _subscription) = watch(&device, home, Filter::default(), Sort::Newest, 50);
    assert_eq!(receiver.recv_timeout(LONG), Ok(Diff::default()));
}

#[test]
fn what_does_not_pass_the_filter_or_is_beyond_the_limit_is_not_told() {
    let (device, home) = at_home();
    let food = |payee: &str, on: &str| NewExpense { category: path(&["Food"]), ..spent("1", payee, on) };
    let oldest = device.add(home, food("oldest", "2026-03-01"));
    let category = device.find_category(home, &["Food"]).unwrap().map(|named| named.id);
    let filter = Filter { category, ..Filter::default() };
    let (receiver, _subscription) = watch(&device, home, filter, Sort::Newest, 2);
    let next = || receiver.recv_timeout(LONG).unwrap();
    assert_eq!(next().inserted, [(0, oldest.clone())]);
    device.add(home, spent("1", "not food", "2026-03-05"));
    let newer = device.add(home, food("newer", "2026-03-02"));
    assert_eq!(next().inserted, [(0, newer.clone())], "the other one was not told");
    let newest = device.add(home, food("newest", "2026-03-03"));
    assert_eq!(next(), Diff { removed: vec![oldest.id], inserted: vec![(0, newest.clone())], ..Diff::default() });
    let gone = device.edit_expense(home, newest.id, Edit { category: Some(None), ..Edit::default() }).unwrap();
    assert_eq!(next(), Diff { removed: vec![gone.id], inserted: vec![(1, oldest)], ..Diff::default() });
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let (device, home) = at_home();
    let observe =
        |ledger, limit| device.observe(ledger, Filter::default(), Sort::Newest, limit, Arc::new(|_: Diff| {}));
    assert_eq!(observe(LedgerId([5; 16]), 50).err().map(|error| error.kind()), Some(ErrorKind::NotFound));
    assert_eq!(observe(home, 0).err().map(|error| error.kind()), Some(ErrorKind::InvalidInput));
    assert_eq!(observe(home, 1_001).err().map(|error| error.kind()), Some(ErrorKind::InvalidInput));
}

fn random_write(device: &Device, home: LedgerId, rng: &mut Rng) {
    let all = device.query(home, &Filter::default(), Sort::Newest, None, 1_000).unwrap().expenses;
    let on = format!("2026-03-0{}", 1 + rng.below(4));
    let amount = format!("{}", 1 + rng.below(5));
    match (rng.below(10), all.is_empty()) {
        (0..=4, _) | (_, true) => {
            let kind = *rng.pick(&[EntryKind::Expense, EntryKind::Income]);
            device.add(home, NewExpense { kind, ..spent(&amount, ["Café", "Shop"][rng.below(2)], &on) });
        }
        (5 | 6, _) => {
            let edit = Edit { date: Some(support::date(&on)), amount: Some(support::eur(&amount)), ..Edit::default() };
            device.edit_expense(home, rng.pick(&all).id, edit).unwrap();
        }
        (7 | 8, _) => drop(device.delete_expense(home, rng.pick(&all).id).unwrap()),
        _ => drop(device.undo().unwrap()),
    }
}

#[test]
fn applying_every_difference_gives_what_a_query_gives() {
    for seed in 0..6 {
        let _seed = Seed(seed);
        let (rng, (phone, laptop, home)) = (&mut Rng::new(seed), two_devices());
        let text = Filter { text: Some("caf".into()), ..Filter::default() };
        let income = Filter { kind: Some(EntryKind::Income), ..Filter::default() };
        let trash = Filter { deleted: true, ..Filter::default() };
        let watches = [
            (Filter::default(), Sort::Newest, 1_000),
            (Filter::default(), Sort::Oldest, 5),
            (Filter::default(), Sort::Largest, 7),
            (text, Sort::Smallest, 3),
            (income, Sort::Newest, 10),
            (trash, Sort::Newest, 4),
        ];
        let mut watched: Vec<_> = watches
            .into_iter()
            .map(|(filter, sort, limit)| {
                let (receiver, subscription) = watch(&phone, home, filter.clone(), sort, limit);
                (filter, sort, limit, receiver, subscription, Vec::new())
            })
            .collect();
        for _ in 0..30 {
            random_write(&phone, home, rng);
            if rng.chance(30) {
                random_write(&laptop, home, rng);
                exchange(&phone, &laptop, home);
            }
            if rng.chance(40) {
                for (filter, sort, limit, receiver, _, shown) in &mut watched {
                    let expected = phone.query(home, filter, *sort, None, *limit).unwrap().expenses;
                    catch_up(receiver, shown, &expected);
                }
            }
        }
        for (filter, sort, limit, receiver, _, shown) in &mut watched {
            let expected = phone.query(home, filter, *sort, None, *limit).unwrap().expenses;
            catch_up(receiver, shown, &expected);
        }
    }
}

#[test]
fn what_another_process_wrote_is_told_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.outlay");
    let (reader, writer) = (Device::open(&file, 1, 1), Device::open(&file, 1, 2));
    let home = writer.create_ledger("Home", Currency::EUR).unwrap().id;
    let (receiver, _subscription) = watch(&reader, home, Filter::default(), Sort::Newest, 50);
    let mut shown = Vec::new();
    apply(&mut shown, receiver.recv_timeout(LONG).unwrap());
    let mut slowest = Duration::ZERO;
    for round in 0..5 {
        let added = writer.add(home, spent("1", "from afar", &format!("2026-03-0{}", 1 + round)));
        let written = Instant::now();
        apply(&mut shown, receiver.recv_timeout(LONG).unwrap());
        slowest = slowest.max(written.elapsed());
        assert_eq!(shown[0], added);
    }
    println!("told after at most {slowest:?}");
    assert!(slowest < OTHER_PROCESS_MAX, "told after {slowest:?}");
}

#[test]
fn a_slow_observer_is_told_many_changes_as_one() {
    let (device, home) = at_home();
    let (entered, has_entered) = channel();
    let (release, may_go_on) = channel::<()>();
    let (told, was_told) = channel();
    let gate = Mutex::new((entered, may_go_on, told));
    let observer = move |diff: Diff| {
        let gate = gate.lock().unwrap();
        gate.0.send(()).unwrap();
        let _ = gate.1.recv();
        let _ = gate.2.send(diff);
    };
    let _subscription = device.observe(home, Filter::default(), Sort::Newest, 50, Arc::new(observer)).unwrap();
    has_entered.recv_timeout(LONG).unwrap();
    // The observer is at its first call while all of this is written.
    let added: Vec<_> = (1..=20).map(|n| device.add(home, spent("1", &format!("{n}"), "2026-03-01"))).collect();
    device.delete_expense(home, added[0].id).unwrap();
    release.send(()).unwrap();
    assert_eq!(was_told.recv_timeout(LONG).unwrap(), Diff::default());
    has_entered.recv_timeout(LONG).unwrap();
    release.send(()).unwrap();
    let merged = was_told.recv_timeout(LONG).unwrap();
    let newest_first: Vec<_> = added[1..].iter().rev().map(|expense| expense.id).collect();
    assert_eq!(merged.inserted.iter().map(|(_, expense)| expense.id).collect::<Vec<_>>(), newest_first);
    assert_eq!((merged.removed.len(), merged.updated.len()), (0, 0), "what came and went is not told");
    drop(release);
}

#[test]
fn dropping_the_subscription_ends_it_and_waits_for_a_call_under_way() {
    let (device, home) = at_home();
    let (entered, has_entered) = channel();
    let (release, may_go_on) = channel::<()>();
    let calls = Arc::new(AtomicUsize::new(0));
    let is_inside = Arc::new(AtomicBool::new(false));
    let gate = Mutex::new((entered, may_go_on));
    let (counted, inside) = (Arc::clone(&calls), Arc::clone(&is_inside));
    let observer = move |_: Diff| {
        let gate = gate.lock().unwrap();
        inside.store(true, Ordering::SeqCst);
        gate.0.send(()).unwrap();
        let _ = gate.1.recv();
        counted.fetch_add(1, Ordering::SeqCst);
        inside.store(false, Ordering::SeqCst);
    };
    let subscription = device.observe(home, Filter::default(), Sort::Newest, 50, Arc::new(observer)).unwrap();
    has_entered.recv_timeout(LONG).unwrap();
    let inside = Arc::clone(&is_inside);
    let dropping = std::thread::spawn(move || {
        drop(subscription);
        inside.load(Ordering::SeqCst)
    });
    release.send(()).unwrap();
    assert!(!dropping.join().unwrap(), "no call is under way when dropping has returned");

    // Another watch on the same thread shows that the next round went by without the one that ended.
    let (receiver, other) = watch(&device, home, Filter::default(), Sort::Newest, 50);
    receiver.recv_timeout(LONG).unwrap();
    device.add(home, spent("1", "unseen", "2026-03-01"));
    receiver.recv_timeout(LONG).unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    other.cancel();
    assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected), "the observer is gone");
}

#[test]
fn an_observer_may_call_the_engine() {
    let device = Arc::new(at_home().0);
    let home = device.ledgers().unwrap()[0].id;
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let inner = Arc::downgrade(&device);
    let observer = move |diff: Diff| {
        let device = inner.upgrade().unwrap();
        let count = device.query(home, &Filter::default(), Sort::Newest, None, 50).unwrap().expenses.len();
        if count < 3 {
            device.add(home, spent("1", "by the observer", "2026-03-01"));
        }
        let _ = sender.lock().unwrap().send((count, diff.inserted.len()));
    };
    let _subscription = device.observe(home, Filter::default(), Sort::Newest, 50, Arc::new(observer)).unwrap();
    let told: Vec<_> = (0..4).map(|_| receiver.recv_timeout(LONG).unwrap()).collect();
    assert_eq!(told.iter().map(|(count, _)| *count).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(told.iter().map(|(_, inserted)| *inserted).sum::<usize>(), 3);
}

#[test]
fn an_observer_may_end_its_own_watch() {
    let (device, home) = at_home();
    let slot: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let (sender, receiver) = channel();
    let (sender, own) = (Mutex::new(sender), Arc::clone(&slot));
    let observer = move |diff: Diff| {
        if !diff.inserted.is_empty() {
            drop(own.lock().unwrap().take());
        }
        drop(sender.lock().unwrap().send(diff));
    };
    let subscription = device.observe(home, Filter::default(), Sort::Newest, 50, Arc::new(observer)).unwrap();
    *slot.lock().unwrap() = Some(subscription);
    assert_eq!(receiver.recv_timeout(LONG), Ok(Diff::default()));
    device.add(home, spent("1", "last", "2026-03-01"));
    assert_eq!(receiver.recv_timeout(LONG).unwrap().inserted.len(), 1);
    assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn an_observer_may_drop_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dropped.outlay");
    let device = Device::open(&file, 1, 1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    let slot = Arc::new(Mutex::new(None::<Engine>));
    let (sender, receiver): (Sender<()>, _) = channel();
    let (sender, own) = (Mutex::new(sender), Arc::clone(&slot));
    let observer = move |diff: Diff| {
        if !diff.inserted.is_empty() {
            drop(own.lock().unwrap().take());
            let _ = sender.lock().unwrap().send(());
        }
    };
    let Device { engine, clock } = device;
    let _subscription = engine.observe(home, Filter::default(), Sort::Newest, 50, Arc::new(observer)).unwrap();
    *slot.lock().unwrap() = Some(engine);
    let other = Device::open(&file, 1, 2);
    other.add(home, spent("1", "last", "2026-03-01"));
    receiver.recv_timeout(LONG).expect("the engine was dropped inside its own observer");
    assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected), "the watch and its thread are gone");
    drop(clock);
    other.assert_healthy("after the other engine");
}

#[test]
fn an_observer_that_panics_ends_its_watch_and_no_other() {
    let (device, home) = at_home();
    let panics = |_: Diff| panic!("an observer's own mistake");
    let _broken = device.observe(home, Filter::default(), Sort::Newest, 50, Arc::new(panics)).unwrap();
    let (receiver, _subscription) = watch(&device, home, Filter::default(), Sort::Newest, 50);
    assert_eq!(receiver.recv_timeout(LONG), Ok(Diff::default()));
    let added = device.add(home, spent("1", "seen", "2026-03-01"));
    assert_eq!(
        ids(&receiver.recv_timeout(LONG).unwrap().inserted.into_iter().map(|(_, e)| e).collect::<Vec<_>>()),
        [added.id]
    );
}

//! Live queries: what is on a screen, and what changes on it.
//!
//! A watch is a page: after a commit it is read again and compared with what the observer was told last. That costs a
//! page, whatever was written and however large the ledger is, and it sees the commits of other processes too.
//!
//! One thread for all watches of an engine, begun with the first and joined when the engine goes.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

use outlay_ledger::{DocumentId, LedgerId};
use rusqlite::Connection;

use crate::error::Result;
use crate::log_sink::Log;
use crate::model::{Expense, Filter, Sort};
use crate::store::things::Names;
use crate::store::{Store, keys, query};

/// How often the database is asked whether another process has written. Asking takes 2 µs.
const POLL: Duration = Duration::from_millis(200);

/// Told what changes among the entries of a watch.
pub trait Observer: Send + Sync {
    /// What changed since the last call. The first call has everything as inserted.
    fn changed(&self, diff: Diff);
}

impl<F: Fn(Diff) + Send + Sync> Observer for F {
    fn changed(&self, diff: Diff) {
        self(diff);
    }
}

/// The difference between two states of a watch. Apply `removed` first, then `inserted` in order, then `updated`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// Entries that are no longer there.
    pub removed: Vec<DocumentId>,
    /// Entries that are new, with their places in the new state, ascending. One that moved is removed and inserted.
    pub inserted: Vec<(usize, Expense)>,
    /// Entries that look otherwise, at the same place among the others.
    pub updated: Vec<Expense>,
}

impl Diff {
    fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.inserted.is_empty() && self.updated.is_empty()
    }

    /// The difference from `old` to `new`.
    fn between(old: &[Expense], new: &[Expense]) -> Self {
        let places: HashMap<DocumentId, usize> = old.iter().enumerate().map(|(place, e)| (e.id, place)).collect();
        let stays = staying(new, &places);
        let mut diff = Self::default();
        for (place, expense) in new.iter().enumerate() {
            match places.get(&expense.id).filter(|_| stays.contains_key(&expense.id)) {
                Some(before) if old[*before] != *expense => diff.updated.push(expense.clone()),
                Some(_) => {}
                None => diff.inserted.push((place, expense.clone())),
            }
        }
        diff.removed = old.iter().map(|expense| expense.id).filter(|id| !stays.contains_key(id)).collect();
        diff
    }
}

/// The entries of `new` that keep their order among each other: taken greedily, so that one that moved is the one told.
fn staying(new: &[Expense], places: &HashMap<DocumentId, usize>) -> HashMap<DocumentId, usize> {
    let known: Vec<(DocumentId, usize)> =
        new.iter().filter_map(|e| places.get(&e.id).map(|place| (e.id, *place))).collect();
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(known.len());
    for (index, (_, place)) in known.iter().enumerate() {
        let before = (0..index).filter(|earlier| known[*earlier].1 < *place).max_by_key(|earlier| best[*earlier].0);
        best.push((before.map_or(1, |earlier| best[earlier].0 + 1), before));
    }
    let mut next = (0..known.len()).max_by_key(|index| best[*index].0);
    let mut stays = HashMap::new();
    while let Some(index) = next {
        stays.insert(known[index].0, known[index].1);
        next = best[index].1;
    }
    stays
}

/// What is watched.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    pub(crate) ledger: LedgerId,
    pub(crate) filter: Filter,
    pub(crate) sort: Sort,
    pub(crate) limit: usize,
}

/// A watch that runs until this is dropped.
pub struct Subscription {
    id: u64,
    shared: Weak<Shared>,
}

impl Subscription {
    /// Ends the watch, as dropping it does. A call that is under way ends first, unless this is called from it.
    pub fn cancel(self) {}
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut state = shared.lock();
        let place = state.watched.iter().position(|watched| watched.id == self.id);
        let ended = place.map(|place| state.watched.remove(place));
        while state.telling == Some(self.id) && state.teller != Some(std::thread::current().id()) {
            state = shared.told.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        // The observer may own anything, another subscription too, so it goes when no lock is held.
        drop(ended);
    }
}

/// All watches of an engine.
pub(crate) struct Observers {
    shared: Arc<Shared>,
    store: Arc<Store>,
    log: Log,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    woken: Condvar,
    /// A call of an observer has returned.
    told: Condvar,
}

#[derive(Default)]
struct State {
    watched: Vec<Watched>,
    /// The watch whose observer is being called, and the thread that calls.
    telling: Option<u64>,
    teller: Option<ThreadId>,
    next_id: u64,
    is_dirty: bool,
    is_closing: bool,
}

#[derive(Clone)]
struct Watched {
    id: u64,
    watch: Watch,
    observer: Arc<dyn Observer>,
    told: Option<Arc<Vec<Expense>>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observers {
    pub(crate) fn new(store: Arc<Store>, log: Log) -> Self {
        Self { shared: Arc::default(), store, log, thread: Mutex::default() }
    }

    pub(crate) fn wake(&self) {
        let mut state = self.shared.lock();
        if !state.watched.is_empty() {
            state.is_dirty = true;
            self.shared.woken.notify_one();
        }
    }

    pub(crate) fn subscribe(&self, watch: Watch, observer: Arc<dyn Observer>) -> Subscription {
        let id = {
            let mut state = self.shared.lock();
            let id = state.next_id;
            state.next_id += 1;
            state.watched.push(Watched { id, watch, observer, told: None });
            state.is_dirty = true;
            id
        };
        self.begin();
        self.shared.woken.notify_one();
        Subscription { id, shared: Arc::downgrade(&self.shared) }
    }

    fn begin(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let (shared, store, log) = (Arc::clone(&self.shared), Arc::clone(&self.store), self.log.clone());
            let spawned = std::thread::Builder::new().name("outlay-observe".to_owned());
            *thread = spawned.spawn(move || run(&shared, &store, &log)).ok();
        }
    }
}

impl Drop for Observers {
    fn drop(&mut self) {
        self.shared.lock().is_closing = true;
        self.shared.woken.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // An observer that drops the engine itself runs on this very thread, which ends when it returns.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, store: &Store, log: &Log) {
    shared.lock().teller = Some(std::thread::current().id());
    let beside = store.reader().ok().flatten();
    let mut version = beside.as_ref().and_then(|connection| Store::data_version(connection).ok());
    loop {
        let mut state = shared.lock();
        while !state.is_closing && !state.is_dirty {
            let (woken, waited) = shared.woken.wait_timeout(state, POLL).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if waited.timed_out() {
                break;
            }
        }
        if state.is_closing {
            return;
        }
        let now = beside.as_ref().and_then(|connection| Store::data_version(connection).ok());
        if !state.is_dirty && now == version {
            continue;
        }
        version = now;
        state.is_dirty = false;
        let watched = state.watched.clone();
        drop(state);
        for watched in watched {
            tell(shared, store, log, watched);
        }
    }
}

/// Reads a watch again and tells its observer the difference, with no lock held.
fn tell(shared: &Shared, store: &Store, log: &Log, watched: Watched) {
    let Ok(new) = store.read_named(|connection, names| read(connection, names, &watched.watch)) else { return };
    let old = watched.told.clone().unwrap_or_default();
    let diff = Diff::between(&old, &new);
    if watched.told.is_some() && diff.is_empty() {
        return;
    }
    let is_watched = {
        let mut state = shared.lock();
        let found = state.watched.iter_mut().find(|other| other.id == watched.id);
        let is_watched = found.map(|found| found.told = Some(Arc::new(new))).is_some();
        state.telling = Some(watched.id).filter(|_| is_watched);
        is_watched
    };
    if !is_watched {
        return;
    }
    let observer = AssertUnwindSafe(&watched.observer);
    let called = catch_unwind(|| observer.changed(diff));
    let mut state = shared.lock();
    state.telling = None;
    if called.is_err() {
        // An observer that panics is not called again, and the others go on.
        state.watched.retain(|other| other.id != watched.id);
        log.error("observe", || "an observer of entries failed, and is not called again".to_owned());
    }
    drop(state);
    shared.told.notify_all();
}

fn read(connection: &Connection, names: &mut Names, watch: &Watch) -> Result<Vec<Expense>> {
    let lid = keys::ledger_here(connection, watch.ledger)?;
    Ok(query::page(connection, names, lid, &watch.filter, watch.sort, None, watch.limit)?.expenses)
}

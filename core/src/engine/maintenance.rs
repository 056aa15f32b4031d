//! What is done after a commit and not in it: filling the search index, summing up and shortening the WAL.
//!
//! One thread, begun at the first write and joined when the engine goes. All of it may be left undone at any time.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::Result;
use crate::log_sink::Log;
use crate::store::{Store, log, search};

/// Writes between two looks at what there is to do: a look costs more than an add.
const WRITES_PER_LOOK: u32 = 64;

/// Records from which on bringing the index of commits and the sums up to date is worth a transaction. Until then who reads
/// sums reads so many entries beside them.
const UNINDEXED_MIN: i64 = 64;

/// The thread, once it runs.
pub(super) struct Maintenance {
    shared: Arc<Shared>,
    store: Arc<Store>,
    log: Log,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    writes: u32,
    is_closing: bool,
}

impl Maintenance {
    pub(super) fn new(store: Arc<Store>, log: Log) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), woken: Condvar::new() });
        Self { shared, store, log, thread: Mutex::default() }
    }

    pub(super) fn wake(&self) {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.writes += 1;
        if state.writes >= WRITES_PER_LOOK {
            self.begin();
            self.shared.woken.notify_one();
        }
    }

    /// Has the thread look soon, whatever was written.
    #[cfg(feature = "sync")]
    pub(super) fn look_soon(&self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).writes = WRITES_PER_LOOK;
        self.begin();
        self.shared.woken.notify_one();
    }

    /// Looks now, on this thread: after an import. What a large one leaves of the search index to be merged is merged
    /// here, and not with the next small changes.
    pub(super) fn look(&self) -> Result<()> {
        if look(&self.store)? {
            while self.store.write(search::merge)? {}
        }
        self.store.checkpoint()
    }

    fn begin(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let (shared, store, log) = (Arc::clone(&self.shared), Arc::clone(&self.store), self.log.clone());
            let spawned = std::thread::Builder::new().name("outlay-maintenance".to_owned());
            // Without a thread nothing is lost: searches read what the index lacks.
            *thread = spawned.spawn(move || run(&shared, &store, &log)).ok();
        }
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).is_closing = true;
        self.shared.woken.notify_one();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, store: &Store, log: &Log) {
    loop {
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.is_closing && state.writes < WRITES_PER_LOOK {
            state = shared.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_closing {
            return;
        }
        state.writes = 0;
        drop(state);
        if let Err(error) = look(store) {
            log.warn("store", || {
                format!("upkeep failed, and is tried again after the next writes: {:?}", error.kind())
            });
        }
    }
}

/// Does what there is to do. Says whether it was much.
fn look(store: &Store) -> Result<bool> {
    let mut is_much = false;
    if store.read(search::lacking)? >= search::LACKING_MIN {
        while store.write(search::fill)? {
            is_much = true;
        }
    }
    if store.read(log::lacking)? >= UNINDEXED_MIN {
        store.write(|write| log::index_commits(write, 0))?;
    }
    store.checkpoint()?;
    Ok(is_much)
}

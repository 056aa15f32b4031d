//! How sync stands, told as it changes.
//!
//! One thread for each watch, which looks when the connection changes, when something was written here, and from time to time
//! for what other processes did. It holds no engine while it waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::status::{Connection, SyncStatus, Waiting};
use crate::Engine;
use crate::error::Result;

/// How often it is looked without a sign: what another process did is seen then.
const LOOK: Duration = Duration::from_secs(1);
/// The least time between two looks: a thousand entries that are written in a second are not told one by one.
const PAUSE: Duration = Duration::from_millis(50);

/// Told how sync stands.
pub trait SyncObserver: Send + Sync {
    /// How it stands now. The first call says how it stands at the beginning.
    fn changed(&self, status: SyncStatus);
}

impl<F: Fn(SyncStatus) + Send + Sync> SyncObserver for F {
    fn changed(&self, status: SyncStatus) {
        self(status);
    }
}

/// How the connection of this process is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    pub(crate) connection: Connection,
    pub(crate) waiting: Option<Waiting>,
    pub(crate) sent: u64,
    /// Counts what has changed, here and in what is written.
    changes: u64,
}

/// How the connection is, and whoever waits for it to change.
#[derive(Default)]
pub(crate) struct Signal {
    live: Mutex<Live>,
    changed: Condvar,
}

impl Signal {
    pub(crate) fn live(&self) -> Live {
        self.lock().clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Live)) {
        let mut live = self.lock();
        change(&mut live);
        live.changes += 1;
        drop(live);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change after those that were seen, and answers which it was.
    fn wait(&self, seen: u64, is_ended: &AtomicBool) -> u64 {
        let goes_on = |live: &mut Live| live.changes == seen && !is_ended.load(Ordering::Acquire);
        let waited = self.changed.wait_timeout_while(self.lock(), LOOK, goes_on);
        waited.unwrap_or_else(PoisonError::into_inner).0.changes
    }

    /// Lets time pass, unless the watch ends.
    fn rest(&self, is_ended: &AtomicBool) {
        let _ = self.changed.wait_timeout_while(self.lock(), PAUSE, |_| !is_ended.load(Ordering::Acquire));
    }
}

/// A watch of sync that runs until this is dropped, or the engine is.
pub struct SyncSubscription {
    signal: Arc<Signal>,
    is_ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for SyncSubscription {
    fn drop(&mut self) {
        self.is_ended.store(true, Ordering::Release);
        self.signal.update(|_| {});
        // An observer may end its own watch; the thread ends when it returns.
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

impl Engine {
    /// Tells how sync stands, now and whenever that changes: [`Engine::sync_status`] without asking. It is called on a thread
    /// of its own, one call at a time; changes that come faster than it returns are told as one.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Internal`] if the system gives no thread.
    ///
    /// # Example
    ///
    /// ```
    /// use std::sync::{Arc, mpsc};
    /// use outlay_core::sync::{Connection, SyncStatus};
    /// use outlay_core::{Currency, Engine};
    /// let engine = Arc::new(Engine::open_in_memory()?);
    /// let (tell, told) = mpsc::channel();
    /// let _watch = engine.observe_sync(Arc::new(move |status: SyncStatus| { let _ = tell.send(status); }))?;
    /// assert_eq!(told.recv().map(|status| status.connection), Ok(Connection::Off));
    /// engine.create_ledger("Home", Currency::EUR)?;
    /// assert_eq!(told.recv().map(|status| status.ledgers[0].local), Ok(1));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn observe_sync(self: &Arc<Self>, observer: Arc<dyn SyncObserver>) -> Result<SyncSubscription> {
        let (signal, is_ended) = (Arc::clone(&self.sync.signal), Arc::<AtomicBool>::default());
        let (engine, own_signal, own_ended) = (Arc::downgrade(self), Arc::clone(&signal), Arc::clone(&is_ended));
        let spawned = std::thread::Builder::new().name("outlay-status".to_owned());
        let thread = spawned.spawn(move || run(&engine, &own_signal, &own_ended, observer.as_ref()))?;
        Ok(SyncSubscription { signal, is_ended, thread: Some(thread) })
    }
}

fn run(engine: &Weak<Engine>, signal: &Signal, is_ended: &AtomicBool, observer: &dyn SyncObserver) {
    let (mut seen, mut told) = (signal.lock().changes, None);
    while !is_ended.load(Ordering::Acquire) {
        let Some(status) = engine.upgrade().map(|engine| engine.sync_status()) else { return };
        if let Ok(status) = status
            && told.as_ref() != Some(&status)
        {
            told = Some(status.clone());
            if catch_unwind(AssertUnwindSafe(|| observer.changed(status))).is_err() {
                // An observer that panics is not called again.
                if let Some(engine) = engine.upgrade() {
                    engine.log.error("observe", || "an observer of sync failed, and is not called again".to_owned());
                }
                return;
            }
        }
        signal.rest(is_ended);
        seen = signal.wait(seen, is_ended);
    }
}

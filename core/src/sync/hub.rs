//! What the syncer of an engine and the rest of it share: a wake after each write, and how the connection is.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::SyncOptions;
use super::copy::Parting;
use super::lease::Leases;
use super::status::{Connection, Waiting};
use super::token::{FileTokenStore, MemoryTokenStore, TokenStore};
use super::watch::{Live, Signal};
use crate::log_sink::Log;

/// What is shared.
pub(crate) struct Hub {
    /// Something was written.
    pub(crate) written: Notify,
    /// Somebody signed in.
    pub(crate) signed_in: Notify,
    /// What waits is to be tried now.
    pub(crate) hurry: Notify,
    /// The entries are up, and files may follow.
    pub(crate) files: Notify,
    /// Whether files wait for another network.
    pub(crate) is_metered: AtomicBool,
    /// How many syncers listen: without one, a write costs one look at this.
    listening: AtomicUsize,
    pub(crate) tokens: Arc<dyn TokenStore>,
    /// Who syncs.
    pub(crate) sync_leases: Leases,
    /// Who renews the tokens.
    pub(crate) token_leases: Leases,
    /// How the connection is.
    pub(crate) signal: Arc<Signal>,
    /// Whether the database is known to have been copied: what is asked often, without asking the database.
    pub(crate) is_copied: AtomicBool,
    parting: Mutex<Parting>,
    log: Log,
}

impl Hub {
    pub(crate) fn new(options: &SyncOptions, database: Option<&Path>, log: Log) -> Self {
        let tokens = options.token_store.clone().unwrap_or_else(|| match database {
            Some(database) => Arc::new(FileTokenStore::beside(database)),
            None => Arc::new(MemoryTokenStore::default()),
        });
        Self {
            written: Notify::new(),
            signed_in: Notify::new(),
            hurry: Notify::new(),
            files: Notify::new(),
            is_metered: AtomicBool::new(options.is_metered),
            listening: AtomicUsize::new(0),
            tokens,
            sync_leases: Leases::beside(database, ".sync-lock"),
            token_leases: Leases::beside(database, ".tokens-lock"),
            signal: Arc::default(),
            is_copied: AtomicBool::new(false),
            parting: Mutex::default(),
            log,
        }
    }

    /// Tells the syncer, if there is one, and whoever watches, that something was written.
    pub(crate) fn wake(&self) {
        if self.listening.load(Ordering::Acquire) > 0 {
            self.written.notify_one();
        }
        self.signal.update(|_| {});
    }

    pub(crate) fn listen(&self) -> Listening<'_> {
        self.listening.fetch_add(1, Ordering::AcqRel);
        Listening(self)
    }

    pub(crate) fn live(&self) -> Live {
        self.signal.live()
    }

    pub(crate) fn parting(&self) -> MutexGuard<'_, Parting> {
        self.parting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, connection: Connection, waiting: Option<Waiting>) {
        let mut before = connection;
        self.signal.update(|live| {
            before = std::mem::replace(&mut live.connection, connection);
            live.waiting = waiting;
            if connection != Connection::Live {
                live.sent = 0;
            }
        });
        if before != connection {
            self.tell(connection);
        }
    }

    /// Writes into the log how the connection is now. Whoever waits before trying again says why.
    fn tell(&self, connection: Connection) {
        match connection {
            Connection::Off => self.log.info("sync", || "off".to_owned()),
            Connection::Connecting => self.log.debug("sync", || "connecting".to_owned()),
            Connection::Live => self.log.info("sync", || "live".to_owned()),
            Connection::Retrying => {}
            Connection::Elsewhere => self.log.info("sync", || "another process syncs this database".to_owned()),
            Connection::SignedOut => self.log.warn("sync", || "signing in is needed".to_owned()),
        }
    }
}

/// Counts as a listener until it is dropped.
pub(crate) struct Listening<'h>(&'h Hub);

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.0.listening.fetch_sub(1, Ordering::AcqRel);
    }
}

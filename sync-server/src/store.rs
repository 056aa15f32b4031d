//! The server's store: one SQLite file with accounts, ledgers and their logs.
//!
//! There is one writer ([`Store`]), whose transactions are durable when they return (WAL with `synchronous=FULL`), and
//! some [`Reader`]s, which never wait for it. Both are plain and synchronous; [`Writer`] runs the one on a thread and
//! gathers what arrives together into one transaction. [`Transactions`] is what a server needs of them: [`Concurrent`] is that
//! of a server, [`Serial`] that of a simulation.
//!
//! This module opens files and runs transactions. What is written is said by [`crate::accounts`] and [`crate::ledgers`].

mod concurrent;
mod error;
mod open;
mod reader;
mod serial;
mod transactions;
mod writer;

use std::collections::HashMap;
use std::time::Duration;

use outlay_ledger::roles::History;
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{DeviceKey, FeedId, LedgerId};
use outlay_protocol::Place;
use rusqlite::Connection;

use crate::ledgers::own::OwnFeed;

pub use concurrent::Concurrent;
pub use error::{Result, StoreError};
pub use open::{META_EPOCH, Secret, StoreOptions, is_alone};
pub use reader::{Reader, Readers};
pub use serial::Serial;
pub use transactions::Transactions;
pub use writer::{Job, Writer};

/// Where random bytes come from: the system's, or a seeded source in a simulation.
pub type Random = Box<dyn FnMut(&mut [u8]) + Send>;

/// Random bytes of the system.
pub fn system_random() -> Random {
    // Without randomness no key and no token is safe, so the process may not go on; this is the one place that says so.
    Box::new(|bytes| {
        if getrandom::fill(bytes).is_err() {
            std::process::abort();
        }
    })
}

/// The keys of a server, made when its database is.
pub struct Keys {
    /// The server's id in ledgers and its signature; see [`outlay_ledger::member::MemberOperation::Server`].
    pub identity: DeviceSecret,
    /// Signs access tokens.
    pub token: [u8; 32],
    /// Derives refresh tokens.
    pub refresh: [u8; 32],
    /// Derives secrets of authenticator apps.
    pub totp: [u8; 32],
    /// Derives secrets of webhooks.
    pub webhook: [u8; 32],
    /// Derives ids of events of accounts.
    pub event: [u8; 32],
}

/// What others are told once a transaction is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A log has grown.
    Grown {
        /// Whose.
        ledger: LedgerId,
        /// Its end.
        head: Place,
    },
    /// Devices may open a ledger that they could not, or no longer.
    Access {
        /// The ledger.
        ledger: LedgerId,
        /// Who may no longer.
        lost: Vec<DeviceKey>,
        /// Who may now.
        gained: Vec<DeviceKey>,
    },
    /// A device was signed out of an account.
    SignedOut {
        /// The account's row.
        aid: i64,
        /// The device.
        device: DeviceKey,
    },
    /// A session was ended that is no device's or whose device has another one, or an API token taken away.
    Withdrawn {
        /// The account's row.
        aid: i64,
    },
    /// There are insights of a ledger, or there is a reason to make some.
    Insights {
        /// Whose.
        ledger: LedgerId,
    },
    /// There is an event of an account.
    Happened {
        /// The account's row.
        aid: i64,
    },
}

impl Effect {
    /// Whether a token is good no longer.
    pub(crate) const fn is_withdrawal(&self) -> bool {
        match self {
            Self::SignedOut { .. } | Self::Withdrawn { .. } => true,
            Self::Grown { .. } | Self::Access { .. } | Self::Insights { .. } | Self::Happened { .. } => false,
        }
    }
}

/// Ledgers whose history is kept in memory; a history of ten members takes some 10 kB.
const HISTORIES_MAX: usize = 1_024;
/// Feeds whose numbers are kept in memory, at about 60 bytes each.
const FEEDS_MAX: usize = 16_384;

/// How long the writer waits for readers when it empties the write-ahead log: theirs are short.
const READERS_WAIT: Duration = Duration::from_millis(100);

/// What the writer remembers; forgotten whenever something is rolled back.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) histories: HashMap<i64, History>,
    pub(crate) feeds: HashMap<(i64, FeedId), (i64, i64)>,
    /// This process's own feed in each ledger.
    pub(crate) own_feeds: HashMap<i64, OwnFeed>,
}

impl Memory {
    fn bound(&mut self) {
        if self.histories.len() > HISTORIES_MAX {
            self.histories.clear();
        }
        if self.feeds.len() > FEEDS_MAX {
            self.feeds.clear();
        }
        if self.own_feeds.len() > FEEDS_MAX {
            self.own_feeds.clear();
        }
    }
}

/// The writer: one connection.
pub struct Store {
    connection: Connection,
    memory: Memory,
    random: Random,
    keys: Keys,
    /// Effects of transactions that are durable and not yet taken.
    effects: Vec<Effect>,
    /// Whether something was deleted that is in the write-ahead log still.
    is_forgetting: bool,
}

/// A transaction under way.
pub struct Write<'a> {
    /// The connection, for SQL.
    pub tx: &'a Connection,
    /// The server's keys.
    pub keys: &'a Keys,
    pub(crate) memory: &'a mut Memory,
    random: &'a mut Random,
    effects: &'a mut Vec<Effect>,
    is_forgetting: &'a mut bool,
    /// Why the database has given the whole transaction up, as it does when the disk is full.
    given_up: Option<StoreError>,
}

impl Write<'_> {
    /// Notes what to tell others when this is durable.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// What was deleted here is to be in no file any more once this is durable.
    pub fn forget(&mut self) {
        *self.is_forgetting = true;
    }

    /// Random bytes.
    pub fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.random)(&mut bytes);
        bytes
    }

    /// Runs `job` so that an error of it undoes what it did, and nothing else of the transaction.
    ///
    /// # Errors
    ///
    /// That of the job, or of the database.
    pub fn attempt<T>(&mut self, job: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        if let Some(error) = &self.given_up {
            return Err(error.clone());
        }
        self.tx.prepare_cached("SAVEPOINT job")?.execute([])?;
        let effects = self.effects.len();
        let result = job(self);
        if result.is_err() {
            self.effects.truncate(effects);
            *self.memory = Memory::default();
            // A full disk may have rolled everything back already. Then there is neither savepoint nor transaction: what
            // came after would be committed by itself.
            if self.tx.is_autocommit() {
                self.given_up = result.as_ref().err().cloned();
                return result;
            }
            self.tx.prepare_cached("ROLLBACK TO job")?.execute([])?;
        }
        self.tx.prepare_cached("RELEASE job")?.execute([])?;
        result
    }
}

impl Store {
    /// Runs one job in one transaction; durable when this returns.
    ///
    /// ```
    /// use outlay_server::store::{Store, StoreOptions};
    /// let folder = tempfile::tempdir()?;
    /// let mut store = Store::open(&folder.path().join("server.db"), StoreOptions::default())?;
    /// let accounts: i64 = store.write(|write| Ok(write.tx.query_row("SELECT count(*) FROM account", [], |row| row.get(0))?))?;
    /// assert_eq!(accounts, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// That of the job, or of the database. Nothing was changed then.
    pub fn write<T>(&mut self, job: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        let mut value = None;
        self.group(|write| {
            value = Some(write.attempt(job));
        })?;
        value.unwrap_or(Err(StoreError::Busy))
    }

    /// Runs several jobs in one transaction. An error means that none of it happened.
    ///
    /// # Errors
    ///
    /// When the transaction could not begin or was not committed.
    pub fn group(&mut self, jobs: impl FnOnce(&mut Write<'_>)) -> Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut effects = Vec::new();
        let Self { connection, memory, random, keys, is_forgetting, .. } = self;
        let mut write =
            Write { tx: connection, keys, memory, random, effects: &mut effects, is_forgetting, given_up: None };
        jobs(&mut write);
        if let Some(error) = write.given_up {
            self.memory = Memory::default();
            return Err(error);
        }
        let committed = self.connection.prepare_cached("COMMIT")?.execute([]);
        match committed {
            Ok(_) => {
                self.memory.bound();
                self.effects.extend(effects);
                self.settle();
                Ok(())
            }
            Err(error) => {
                self.memory = Memory::default();
                if !self.connection.is_autocommit() {
                    self.connection.execute_batch("ROLLBACK")?;
                }
                Err(error.into())
            }
        }
    }

    /// Empties the write-ahead log into the file, where what is deleted is overwritten. While somebody reads what was before
    /// it stays, and is tried again after the next transaction.
    fn settle(&mut self) {
        if self.is_forgetting {
            let checkpoint = || -> rusqlite::Result<bool> {
                self.connection.busy_timeout(READERS_WAIT)?;
                let is_held = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
                self.connection.busy_timeout(open::BUSY_WAIT)?;
                is_held
            };
            // What was committed is, whatever becomes of this.
            self.is_forgetting = checkpoint().unwrap_or(true);
        }
    }

    /// What others are to be told of what was committed since this was last asked.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The server's keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The connection, for reading what was written.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

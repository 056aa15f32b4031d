//! Sync: this database and a server come to hold the same.
//!
//! Nothing here is needed to work: every call of the engine is done on the local file, and what was done goes up when
//! there is a connection, however much later. [`Engine::start_sync`](crate::Engine::start_sync) keeps a connection from a
//! thread of its own, [`Engine::sync_once`](crate::Engine::sync_once) does it once, and [`SyncSession`] is the conversation
//! without any transport, for one of the caller's own.
//!
//! One process at a time syncs a database, by a lock on a file beside it; what others write is seen and goes up too.

mod account;
mod address;
mod blobs;
mod copy;
mod driver;
mod hub;
mod join;
mod lease;
mod replica;
mod session;
mod status;
mod syncer;
#[cfg(test)]
mod tests;
mod token;
mod transport;
mod watch;

use std::sync::Arc;

pub use account::{Account, Credentials, KnownDevice, SignInOptions, SignOut};
pub use address::ServerAddress;
pub(crate) use blobs::Queued;
pub use driver::Stop;
pub(crate) use hub::Hub;
pub use outlay_protocol::session::ClientOutput;
pub use outlay_protocol::{Code, Then};
pub use session::SyncSession;
pub use status::{Connection, LedgerStatus, Refusals, SyncReport, SyncStatus, Waiting};
pub use syncer::Syncer;
pub use token::{FileTokenStore, MemoryTokenStore, TokenStore};
pub use watch::{SyncObserver, SyncSubscription};

/// Months that a new device gets first: this one and the last.
const MONTHS_FIRST: u16 = 2;

/// How a database is synced.
#[derive(Clone)]
pub struct SyncOptions {
    /// Where the tokens of the account are kept; a file of mode 0600 beside the database if `None`, and memory for one in
    /// memory.
    pub token_store: Option<Arc<dyn TokenStore>>,
    /// Certificates, in PEM, that are roots beside those of the platform: for a server with a certificate of one's own.
    pub roots_pem: Vec<Vec<u8>>,
    /// How many of the newest months a new device gets before the older ones; 0 for all in the order of the log.
    pub months_first: u16,
    /// Whether the network is paid for by the byte when the engine is opened; see [`Engine::set_metered`](crate::Engine::set_metered).
    pub is_metered: bool,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self { token_store: None, roots_pem: Vec::new(), months_first: MONTHS_FIRST, is_metered: false }
    }
}

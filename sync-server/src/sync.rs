//! Sync: one [`outlay_protocol::session::ServerSession`] for each connection, and what answers its questions.
//!
//! [`answer`] is plain and synchronous and is the same for a WebSocket, an HTTP body and a simulation. Reads go to readers,
//! appends through `ingest` to the writer, and `hub` tells the connections that a log has grown.

pub mod answer;
pub mod http;
mod hub;
pub(crate) mod ingest;
pub mod inline;
mod mailbox;
mod rate;
pub mod socket;

use outlay_ledger::DeviceKey;

pub use hub::Hub;
pub use ingest::Ingest;
pub use inline::Inline;
pub use mailbox::{Letter, Mailbox};
pub use rate::{RateLimits, Rates};

/// Who is at the other end, once he has proved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    /// The account's row.
    pub aid: i64,
    /// The device.
    pub device: DeviceKey,
}

//! The messages, as values.
//!
//! A message is one frame: a byte for its type, then a CBOR map with integer keys. A frame is one binary WebSocket message;
//! in an HTTP body or a stream each frame comes after its length. [`Message::encode`] writes one, [`Message::decode`] reads
//! one from outside, within limits that are checked before anything is made for it.
//!
//! A ledger goes by the number (*handle*) that whoever opened it gave it on this connection.
//!
//! Nothing here knows whose turn it is; see [`crate::session`].

mod cbor;
mod codec;

use std::fmt;

use outlay_ledger::member::Role;
use outlay_ledger::{CommitId, DeviceKey, LedgerId};

use crate::code::Code;
use crate::cursor::{Cursor, Mark, Place};
use crate::heads::Ladder;

pub use codec::{MessageError, TYPE_SKIPPED_FROM};

/// Bytes of a frame towards a device.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a frame towards a server: a push.
pub const PUSH_FRAME_BYTES_MAX: usize = 256 * 1024;
/// Bytes of the first push, inside OPEN.
pub const PUSH_INLINE_BYTES_MAX: usize = 64 * 1024;
/// Pushes sent and not yet answered, until WELCOME says another number: enough to fill a link of 100 ms and 10 MiB/s.
pub const PUSHES_IN_FLIGHT_MAX: usize = 4;
/// Bytes of a token: an EdDSA token has some 300.
pub const TOKEN_BYTES_MAX: usize = 2_048;
/// Bytes of the text that explains an error to people who look for its cause.
pub const DETAIL_BYTES_MAX: usize = 256;
/// Ledgers of one list, and ledgers open on one connection: a person has a dozen.
pub const LEDGERS_MAX: usize = 4_096;
/// Ids of one FETCH: what a device misses at once after a fork.
pub const FETCH_IDS_MAX: usize = 64;
/// Ids of predecessors that a refusal names: as many as a commit has.
pub const MISSING_IDS_MAX: usize = 40;
/// Runs of one ACK: as many as commits fit a push.
pub const RUNS_MAX: usize = PUSH_FRAME_BYTES_MAX / 76;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// 01, to a server or a peer: which versions, which device.
    Hello(Hello),
    /// 02, from a server: HELLO and AUTH are accepted, or a renewed token is.
    Welcome(Welcome),
    /// 03, to a server: the token.
    Auth(Auth),
    /// 04: a ledger, where one is in it, and the first push.
    Open(Open),
    /// 05: what became of OPEN.
    Opened(Opened),
    /// 06: commits for the other side to keep.
    Push(Push),
    /// 07: what became of them.
    Ack(Ack),
    /// 08, from a server: commits that were asked for or are new.
    Commits(Commits),
    /// 09, from a server: everything up to a cursor was sent.
    CaughtUp(CaughtUp),
    /// 0A, to a server: older months, or commits by id.
    Fetch(Fetch),
    /// 0B: something is not done.
    Error(Error),
    /// 0C, from a server: the ledgers that the account may open.
    Ledgers(Ledgers),
    /// A type from [`TYPE_SKIPPED_FROM`] on, of a newer version: to be passed over. It encodes as an empty map.
    Skipped(u8),
}

/// 01 HELLO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The oldest version spoken.
    pub version_min: u16,
    /// The newest version spoken.
    pub version_max: u16,
    /// The additive parts known, one bit each.
    pub features: u64,
    /// The device.
    pub device: DeviceKey,
}

/// 02 WELCOME.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The version spoken from here on.
    pub version: u16,
    /// The additive parts that both know.
    pub features: u64,
    /// How long the token is good for.
    pub seconds_left: u32,
    /// Bytes of a frame that the server takes.
    pub frame_bytes_max: u32,
    /// Pushes that may be in flight.
    pub pushes_in_flight_max: u16,
    /// Ledgers that may be open.
    pub ledgers_max: u16,
}

/// 03 AUTH.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    /// The access token.
    pub token: String,
    /// The device's signature of [`crate::proof::digest`].
    pub proof: [u8; 64],
    /// What the device knows of the ledgers of the account; see [`ledgers_mark`].
    pub ledgers: Mark,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("token", &"…").field("ledgers", &self.ledgers).finish_non_exhaustive()
    }
}

/// The first eight bytes of BLAKE3 over the ids of ledgers, ascending.
///
/// ```
/// use outlay_ledger::LedgerId;
/// use outlay_protocol::message::ledgers_mark;
/// let (one, two) = (LedgerId([1; 16]), LedgerId([2; 16]));
/// assert_eq!(ledgers_mark(&[one, two]), ledgers_mark(&[two, one]));
/// ```
pub fn ledgers_mark(ledgers: &[LedgerId]) -> Mark {
    let mut ascending = ledgers.to_vec();
    ascending.sort_unstable();
    ascending.dedup();
    let mut hasher = blake3::Hasher::new();
    ascending.iter().for_each(|id| _ = hasher.update(id.as_bytes()));
    let mut mark = [0; 8];
    hasher.finalize_xof().fill(&mut mark);
    mark
}

/// 04 OPEN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// What the ledger is called on this connection from here on.
    pub handle: u32,
    /// The ledger.
    pub ledger: LedgerId,
    /// Where the device is in the server's log; `None` if it never was in it.
    pub from: Option<Cursor>,
    /// The greatest place that was ever acknowledged or pulled, when it is not that of `from`.
    pub highest: Option<Place>,
    /// The complete heads, when the log is not to be gone by.
    pub heads: Option<Vec<Ladder>>,
    /// The newest months that are wanted first; 0 for everything in the order of the log.
    pub months: u16,
    /// Whether what comes later is to be sent as it comes.
    pub live: bool,
    /// The first push, at most [`PUSH_INLINE_BYTES_MAX`].
    pub push: Option<Inline>,
}

/// A push inside OPEN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline {
    /// Its number.
    pub number: u32,
    /// What [`crate::batch::encode`] made.
    pub batch: Vec<u8>,
}

/// 05 OPENED.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The handles this is about: several only when they are all [`Mode::Same`].
    pub handles: Vec<u32>,
    /// The role of the device there; `None` where it has none or it is not said.
    pub role: Option<Role>,
    /// What comes next.
    pub mode: Mode,
}

/// What comes after OPENED.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// The cursor is at the end of the log. No CAUGHT_UP follows.
    Same,
    /// COMMITS from the cursor on, or the newest months; then CAUGHT_UP.
    Delta {
        /// The mark of the log's epoch.
        epoch: Mark,
        /// Its end.
        head: Place,
    },
    /// The log is another one, or was not to be gone by. If OPEN had heads, COMMITS that the device lacks and CAUGHT_UP
    /// follow; else the device opens the ledger again, with its heads.
    Heads {
        /// The mark of the log's epoch.
        epoch: Mark,
        /// Its end.
        head: Place,
        /// What the server holds.
        heads: Vec<Ladder>,
    },
    /// The ledger is not open.
    Refused(Code),
}

/// 06 PUSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The ledger.
    pub handle: u32,
    /// The number by which it is answered.
    pub number: u32,
    /// What [`crate::batch::encode`] made.
    pub batch: Vec<u8>,
}

/// 07 ACK: only after what it says is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The ledger.
    pub handle: u32,
    /// The number of the push.
    pub number: u32,
    /// What became of its commits, in their order.
    pub runs: Vec<Run>,
}

/// Commits of a push with one outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// Stored one after another.
    Stored {
        /// The position of the first.
        first: u64,
        /// How many.
        count: u32,
        /// The mark of the chain after the last.
        chain: Mark,
    },
    /// Held before.
    Held {
        /// How many.
        count: u32,
    },
    /// Not taken.
    Refused {
        /// How many.
        count: u32,
        /// Why.
        code: Code,
        /// Which predecessors are missing, at most [`MISSING_IDS_MAX`].
        missing: Vec<CommitId>,
    },
}

/// 08 COMMITS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commits {
    /// The ledger.
    pub handle: u32,
    /// The position before the first and the place of the last. Absent when the commits are not the next ones of the log.
    pub to: Option<(u64, Place)>,
    /// What [`crate::batch::encode`] made.
    pub batch: Vec<u8>,
}

/// 09 CAUGHT_UP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaughtUp {
    /// The ledger.
    pub handle: u32,
    /// Everything up to it was sent.
    pub cursor: Cursor,
}

/// 0A FETCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The ledger.
    pub handle: u32,
    /// Months before those that are complete; answered by COMMITS and CAUGHT_UP.
    pub older: Option<Older>,
    /// Commits by id, at most [`FETCH_IDS_MAX`]; answered by COMMITS, empty if there are none.
    pub ids: Vec<CommitId>,
}

/// Months that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Older {
    /// The first period that is complete.
    pub before: u16,
    /// How many months before it; 0 for all.
    pub months: u16,
}

/// 0B ERROR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Why.
    pub code: Code,
    /// What is not done.
    pub scope: Scope,
    /// How long to wait before it is tried again, in milliseconds; 0 when it is left to the reader.
    pub retry_after_ms: u32,
    /// For people who look for the cause; at most [`DETAIL_BYTES_MAX`] bytes, and nothing that a user entered.
    pub detail: String,
}

/// What an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The connection.
    Connection,
    /// A ledger, which is no longer open.
    Ledger(u32),
    /// A push, of which nothing was taken: handle and number.
    Push(u32, u32),
}

/// 0C LEDGERS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledgers {
    /// All that the account may open, at most [`LEDGERS_MAX`].
    pub ids: Vec<LedgerId>,
}

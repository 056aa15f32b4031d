//! A batch of commits as it travels: in the messages COMMITS and PUSH, and in a file that two devices exchange.
//!
//! ```text
//! batch    = version 2, form of the packed part, its length, packed part, raw part
//! packed   = form 1: one zstd frame, with a prefix that both sides have, of the columns and their lengths; form 0: these
//! raw      = what no compression shortens: signatures, seeds, nonces, and each device, ledger, id and hash once
//! ```
//!
//! A batch is columns, not rows: all times together, all kinds together, and of the changes all payees, all amounts. What
//! a replica can compute is left out: a `previous` that is just the commit before of the same device, the document that a
//! record makes, the hash of a change that the batch itself holds. A payload of an unusual shape travels as it is.
//!
//! What comes out of [`decode()`] equals what went into [`encode()`], byte for byte of [`Commit::encode`], and each commit is
//! one that [`Commit::decode`] takes. Signatures and rights are not checked here.
//!
//! Bytes for each of 1,000 expenses, signatures included (`tests/batch_bytes.rs`), and µs of one core for each:
//!
//! | made | bytes | encode | decode |
//! |---|---|---|---|
//! | in one import, cut into commits by month | 37 | 2.4 | 2.4 |
//! | one by one, by one process | 100 | 4.4 | 7.8 |
//! | one by one, by a process each | 116 | 4.8 | 8.1 |
//!
//! One expense by itself takes some 340.
//!
//! Half of what decoding takes is the ledger's own check of each commit.
//!
//! A batch has many encodings, of which [`encode()`] makes one; nothing is ever signed or compared by it.

mod columns;
mod decode;
mod encode;
mod pack;
mod payload;
mod split;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod values;

use outlay_ledger::commit::{Commit, CommitError, Header, Record, Salts};

pub use decode::{decode, decode_with_ids};
pub use encode::{encode, encode_with_ids};
pub use split::{Batches, batches};

/// The version of the encoding of a batch.
const VERSION: u8 = 2;
/// The version before, which is still read: a length for every column, and always a frame without a prefix.
const VERSION_1: u8 = 1;

/// Bytes of a batch: a frame of the protocol.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a batch in memory, packed part and commits each: eight times a frame, four times what household data needs.
pub const BATCH_DECODED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Commits of a batch: as many signatures and seeds as a frame has room for.
pub const BATCH_COMMITS_MAX: usize = BATCH_BYTES_MAX / (64 + 12);
/// Records of a batch: as many as fit one in memory with an empty payload each.
pub const BATCH_RECORDS_MAX: usize = 65_536;
/// Registers whose values have columns of their own; a ledger has some thirty and its tags. The others travel as they are.
const REGISTERS_MAX: usize = 1_000;

/// What a batch may cost whoever reads it.
///
/// ```
/// use outlay_protocol::batch::{self, BatchError, Limits};
/// let bytes = batch::encode(&[])?;
/// assert_eq!(batch::decode(&bytes, &Limits::default())?, vec![]);
/// let limits = Limits { bytes: 4, ..Limits::default() };
/// assert_eq!(batch::decode(&bytes, &limits), Err(BatchError::TooBig));
/// # Ok::<(), BatchError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the batch as it arrives.
    pub bytes: usize,
    /// Bytes that the packed part may unpack to, and bytes of memory that the commits may take, each.
    pub decoded_bytes: usize,
    /// Commits.
    pub commits: usize,
    /// Records of all commits together.
    pub records: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: BATCH_BYTES_MAX,
            decoded_bytes: BATCH_DECODED_BYTES_MAX,
            commits: BATCH_COMMITS_MAX,
            records: BATCH_RECORDS_MAX,
        }
    }
}

/// Why bytes are not a batch, or commits do not make one. Nothing of such a batch is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// An encoding of another version.
    #[error("the batch has encoding version {0}, and this program reads versions 1 and 2")]
    Version(u8),
    /// The batch, what it unpacks to, or a list in it is over its limit.
    #[error("the batch is over a limit of size")]
    TooBig,
    /// The packed part is not one whole zstd frame.
    #[error("the batch does not unpack")]
    Compression,
    /// The batch ends early.
    #[error("the batch is truncated")]
    Truncated,
    /// The batch goes on after its end, or holds what nothing in it uses.
    #[error("the batch has bytes to spare")]
    Spare,
    /// A number or a shape that no batch has.
    #[error("the batch holds something that no batch has")]
    Malformed,
    /// Something is named that is not in the batch.
    #[error("the batch names something that is not in it")]
    Reference,
    /// What is written in it is not a commit.
    #[error("the batch holds what is not a commit: {0}")]
    Commit(#[from] CommitError),
}

/// The memory that commits may still take.
struct Budget(usize);

impl Budget {
    fn spend(&mut self, bytes: usize) -> Result<(), BatchError> {
        self.0 = self.0.checked_sub(bytes).ok_or(BatchError::TooBig)?;
        Ok(())
    }
}

/// The memory a commit takes, in bytes: what the limits count.
fn memory_bytes(commit: &Commit) -> usize {
    header_bytes(&commit.header) + salts_bytes(&commit.salts) + commit.records.iter().map(record_bytes).sum::<usize>()
}

fn header_bytes(header: &Header) -> usize {
    let ids = header.previous.len() + header.member_heads.len();
    let unknown: usize = header.unknown.iter().map(|(_, value)| value.len() + size_of::<(u64, Vec<u8>)>()).sum();
    size_of::<Commit>() + ids * 32 + unknown
}

const fn salts_bytes(salts: &Salts) -> usize {
    match salts {
        Salts::Seed(_) => 0,
        Salts::Each(salts) => salts.len() * 16,
    }
}

fn record_bytes(record: &Record) -> usize {
    size_of::<Record>() + record.payload().map_or(0, <[u8]>::len)
}

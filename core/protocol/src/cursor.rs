//! Where a device is in the log of a ledger on a server.
//!
//! A server appends the commits of a ledger to a log and numbers them without gaps, from 1. The chain over their ids says
//! which log it is: a server that was rolled back and went on has the same numbers and another chain. An epoch says the
//! same at once, where a restore is known to have happened.
//!
//! Of an epoch and of a chain only the first eight bytes travel and are kept by devices. They find accidents, not attacks:
//! a server that lies about its log can do no more than withhold.

use outlay_ledger::CommitId;

/// The first eight bytes of an [`Epoch`] or a [`Chain`].
pub type Mark = [u8; 8];

/// One life of a server's logs: random bytes, others after a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub [u8; 16]);

impl Epoch {
    /// What travels of it.
    pub fn mark(&self) -> Mark {
        first(&self.0)
    }
}

/// The hash over all ids of a log up to a position.
///
/// ```
/// use outlay_ledger::CommitId;
/// use outlay_protocol::Chain;
/// let one = Chain::START.next(&CommitId([1; 32]));
/// assert_ne!(one.next(&CommitId([2; 32])).mark(), one.next(&CommitId([3; 32])).mark());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// The chain of a log that holds nothing.
    pub const START: Self = Self([0; 32]);

    /// The chain after one more commit: BLAKE3 of this one and its id.
    #[must_use]
    pub fn next(&self, id: &CommitId) -> Self {
        Self(blake3::Hasher::new().update(&self.0).update(id.as_bytes()).finalize().into())
    }

    /// What travels of it.
    pub fn mark(&self) -> Mark {
        first(&self.0)
    }
}

/// A position in a log, and the chain up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// How many commits the log has up to here.
    pub pos: u64,
    /// The mark of the chain after the last of them.
    pub chain: Mark,
}

impl Place {
    /// The beginning of every log.
    pub const START: Self = Self { pos: 0, chain: [0; 8] };
}

/// What a device holds of a log: everything up to a place, but for the older months that are still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The mark of the epoch.
    pub epoch: Mark,
    /// Everything up to here is held, but for what [`Self::complete_from`] says.
    pub at: Place,
    /// The first period that is complete: of the commits up to [`Self::at`], those of an earlier one are still to come. 0
    /// when nothing is missing.
    pub complete_from: u16,
}

fn first<const N: usize>(bytes: &[u8; N]) -> Mark {
    std::array::from_fn(|at| bytes[at])
}

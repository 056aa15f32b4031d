//! What a replica holds, said without a log: its complete heads.
//!
//! A head is complete when all its ancestors are held. Each goes with some of its ancestors along the chain of its device,
//! at distances 1, 2, 4, 8, …: the other side looks for the newest one that it knows, and so finds what one of the two
//! lacks even when neither knows the other's newest.

use outlay_ledger::CommitId;

/// Ids of one ladder: a head and 23 ancestors, the last some four million commits back.
pub const LADDER_IDS_MAX: usize = 24;
/// Ladders of one message: as many as a frame towards a server has room for, four for each of 256 members.
pub const LADDERS_MAX: usize = 1_024;

/// A complete head, then its ancestors at distance 1, 2, 4, 8, …; at most [`LADDER_IDS_MAX`] ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// The ids, the newest first.
    pub ids: Vec<CommitId>,
}

impl Ladder {
    /// The ladder of a chain that is given from its head back to its root.
    ///
    /// ```
    /// use outlay_ledger::CommitId;
    /// use outlay_protocol::Ladder;
    /// let chain = (0..100).map(|n| CommitId([n; 32]));
    /// let steps: Vec<u8> = Ladder::of_chain(chain).ids.iter().map(|id| id.0[0]).collect();
    /// assert_eq!(steps, [0, 1, 2, 4, 8, 16, 32, 64]);
    /// ```
    pub fn of_chain(chain: impl IntoIterator<Item = CommitId>) -> Self {
        let mut next = 0_usize;
        let is_step = |at: usize| {
            let is_step = at == next;
            next = if is_step { (next * 2).max(1) } else { next };
            is_step
        };
        let mut is_step = is_step;
        let steps = chain.into_iter().enumerate().filter(|(at, _)| is_step(*at));
        Self { ids: steps.map(|(_, id)| id).take(LADDER_IDS_MAX).collect() }
    }
}

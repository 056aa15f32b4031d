//! The conversations, without a wire: bytes and answers in, bytes and questions out.
//!
//! Each session is told the time and never waits. A [`server::ServerSession`] asks for what it needs of storage and gets
//! answers whenever they are there; a [`client::ClientSession`] and a [`peer::PeerSession`] call a [`Replica`], because a
//! device's store is at hand.

pub mod client;
pub mod peer;
pub mod server;

use outlay_ledger::CommitId;
use outlay_ledger::LedgerId;
use outlay_ledger::commit::Commit;

use crate::code::Code;
use crate::cursor::{Cursor, Place};
use crate::heads::Ladder;

pub use client::{ClientConfig, ClientInput, ClientOutput, ClientSession};
pub use peer::{PeerInput, PeerSession};
pub use server::{Answer, Identity, Limits, OpenMode, Question, ServerInput, ServerOutput, ServerSession, Ticket};

/// What became of one commit that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Stored durably, at this place. Where a device reads it, the place is that of the last commit of its run: positions
    /// in between have no mark.
    Stored(Place),
    /// Held durably before.
    Held,
    /// Not taken, and which predecessors are missing.
    Refused(Code, Vec<CommitId>),
}

impl Outcome {
    /// Why it was not taken, if it was not.
    pub const fn refusal(&self) -> Option<Code> {
        match self {
            Self::Refused(code, _) => Some(*code),
            Self::Stored(_) | Self::Held => None,
        }
    }
}

/// Commits that the other side is not known to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owed {
    /// The commits with their ids, ancestors first.
    pub commits: Vec<(Commit, CommitId)>,
    /// The local number of the last one: where to go on. What it was asked with if there are none.
    pub last: u64,
    /// Whether there are more after it.
    pub more: bool,
}

/// What a device's store does for a session with one other side.
///
/// Every call is durable when it returns, and each that changes something is one transaction: an error leaves everything as
/// it was, and the session is over.
pub trait Replica {
    /// What fails.
    type Error;

    /// The ledgers that are to be open with this other side.
    ///
    /// # Errors
    ///
    /// When storage fails; so in all of these.
    fn ledgers(&mut self) -> Result<Vec<LedgerId>, Self::Error>;

    /// All ledgers that are known to belong to the account on this server, those that are not to be open too: what
    /// LEDGERS would bring nothing new to.
    ///
    /// # Errors
    ///
    /// When storage fails.
    fn known(&mut self) -> Result<Vec<LedgerId>, Self::Error> {
        self.ledgers()
    }

    /// The cursor, and the greatest place that was ever acknowledged or pulled in its epoch.
    ///
    /// # Errors
    ///
    /// When storage fails.
    fn place(&mut self, ledger: LedgerId) -> Result<(Option<Cursor>, Option<Place>), Self::Error>;

    /// The complete heads.
    ///
    /// # Errors
    ///
    /// When storage fails.
    fn heads(&mut self, ledger: LedgerId) -> Result<Vec<Ladder>, Self::Error>;

    /// What the other side is not known to hold, ancestors first, from a local number on: about `bytes_max` bytes of encoded
    /// commits, and at least one commit if there is any. Without what was refused for good ([`crate::Then::Kept`]).
    ///
    /// # Errors
    ///
    /// When storage fails.
    fn owed(&mut self, ledger: LedgerId, after: Option<u64>, bytes_max: usize) -> Result<Owed, Self::Error>;

    /// Verifies the signatures of commits (the ids are computed from the bytes), stores and judges them, some of which may be here already, and moves the cursor (and the greatest place,
    /// if the cursor is beyond it).
    ///
    /// # Errors
    ///
    /// When storage fails. A commit that is not in order is none: it is left out, and the others are taken.
    fn take(
        &mut self,
        ledger: LedgerId,
        commits: Vec<(Commit, CommitId)>,
        cursor: Option<Cursor>,
    ) -> Result<(), Self::Error>;

    /// Sets the cursor and the greatest place, also to lower ones: the log may be another.
    ///
    /// # Errors
    ///
    /// When storage fails.
    fn set_cursor(&mut self, ledger: LedgerId, cursor: Cursor, highest: Place) -> Result<(), Self::Error>;

    /// Takes note of what became of commits that were pushed: those stored or held are no longer owed, those refused stay
    /// owed and are shown with their reason. The cursor, if given, moves; the greatest place is set.
    ///
    /// Predecessors that a refusal names, and that are here, are owed again.
    ///
    /// # Errors
    ///
    /// When storage fails.
    fn acknowledged(
        &mut self,
        ledger: LedgerId,
        commits: &[CommitId],
        outcomes: &[Outcome],
        cursor: Option<Cursor>,
        highest: Place,
    ) -> Result<(), Self::Error>;

    /// Takes note of what the other side holds: owed from here on is exactly what is neither named nor an ancestor of what
    /// is. **The cursor and the greatest place are forgotten**, for its log is another one: until
    /// [`Self::set_cursor`] says so, nothing is known to be in it but for these heads, and a cut must not hide that.
    ///
    /// # Errors
    ///
    /// When storage fails.
    fn server_holds(&mut self, ledger: LedgerId, heads: &[Ladder]) -> Result<(), Self::Error>;

    /// Takes note of the ledgers that the account may open: those that are new are entered, so that [`Self::ledgers`] names
    /// them.
    ///
    /// # Errors
    ///
    /// When storage fails.
    fn offered(&mut self, ledgers: &[LedgerId]) -> Result<(), Self::Error>;

    /// Takes note that a ledger, or the whole connection, was refused.
    ///
    /// # Errors
    ///
    /// When storage fails.
    fn refused(&mut self, ledger: Option<LedgerId>, code: Code) -> Result<(), Self::Error>;

    /// Commits that something here names and that are not here, at most [`crate::message::FETCH_IDS_MAX`].
    ///
    /// # Errors
    ///
    /// When storage fails.
    fn missing(&mut self, ledger: LedgerId) -> Result<Vec<CommitId>, Self::Error>;
}

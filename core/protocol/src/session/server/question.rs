//! What a server's session asks of storage, and what it is answered.

use outlay_ledger::commit::Commit;
use outlay_ledger::member::Role;
use outlay_ledger::{CommitId, DeviceKey, LedgerId};

use crate::code::Code;
use crate::cursor::{Cursor, Epoch, Place};
use crate::heads::Ladder;
use crate::session::Outcome;

/// What names a question until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a session asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Whether the token is good and this device's. The session has checked that the device has signed the proof.
    Authenticate {
        /// The token.
        token: String,
        /// The device's signature of [`crate::proof::digest`].
        proof: [u8; 64],
        /// The device.
        device: DeviceKey,
    },
    /// Whether the account may open a ledger, and where the device is in it.
    Open {
        /// The ledger.
        ledger: LedgerId,
        /// Where the device says it is.
        from: Option<Cursor>,
        /// The greatest place it knows, if it is not that of `from`.
        highest: Option<Place>,
        /// Its complete heads, if it wants to go by them.
        heads: Option<Vec<Ladder>>,
        /// Whether a push follows, which may make the ledger.
        has_push: bool,
    },
    /// Store these commits: decoded within limits and of this ledger; **signatures are not verified**.
    Append {
        /// The ledger.
        ledger: LedgerId,
        /// The commits with their ids.
        commits: Vec<(Commit, CommitId)>,
    },
    /// The commits after position `from`, up to `to` and about `bytes_max`, at least one.
    Page {
        /// The ledger.
        ledger: LedgerId,
        /// The position before the first.
        from: u64,
        /// The position of the last at most.
        to: u64,
        /// Bytes of encoded commits.
        bytes_max: usize,
    },
    /// The commits up to `at` of a class below `before`: those without a class (0) first of all if `before` is `u16::MAX`,
    /// then the newest class downwards, `months` of them.
    Older {
        /// The ledger.
        ledger: LedgerId,
        /// The position of the cursor.
        at: u64,
        /// The class before which; `u16::MAX` for the newest.
        before: u16,
        /// How many months; 0 for all.
        months: u16,
        /// Where the last answer stopped ([`Answer::Older`]); 0 at first.
        after: u64,
        /// Bytes of encoded commits.
        bytes_max: usize,
    },
    /// These commits, as far as they are there.
    ById {
        /// The ledger.
        ledger: LedgerId,
        /// Their ids.
        ids: Vec<CommitId>,
    },
    /// The commits after position `after`, up to `to` and about `bytes_max`, that are neither named by these heads nor
    /// ancestors of what they name. Answered by [`Answer::Page`], whose `to` is where it stopped.
    Lacking {
        /// The ledger.
        ledger: LedgerId,
        /// The device's heads.
        heads: Vec<Ladder>,
        /// Where the last answer stopped; 0 at first.
        after: u64,
        /// The end of the log when the heads were read.
        to: u64,
        /// Bytes of encoded commits.
        bytes_max: usize,
    },
}

/// How a ledger is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenMode {
    /// The cursor is at the end of the log, and nothing else was asked for.
    Same,
    /// The cursor is in the log, and so is the greatest place; or there is none, and the device holds nothing.
    Delta,
    /// Neither, or the device gave heads: what the server holds.
    Heads(Vec<Ladder>),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Question::Authenticate`].
    Authenticated {
        /// How long the token is good for.
        seconds_left: u32,
        /// The ledgers that the account may open.
        ledgers: Vec<LedgerId>,
    },
    /// To [`Question::Open`].
    Opened {
        /// The role of the device; `None` if the ledger is yet to be made.
        role: Option<Role>,
        /// The epoch of the log.
        epoch: Epoch,
        /// Its end.
        head: Place,
        /// How.
        mode: OpenMode,
    },
    /// To [`Question::Append`]: one for each commit, in their order, after they are durable.
    Appended(Vec<Outcome>),
    /// To [`Question::Page`], [`Question::Lacking`] and [`Question::ById`] (which needs neither `to` nor `is_last`).
    Page {
        /// The commits with their ids, in the order of the log.
        commits: Vec<(Commit, CommitId)>,
        /// The place of the last one that was looked at.
        to: Place,
        /// Whether that is all that was asked for.
        is_last: bool,
    },
    /// To [`Question::Older`].
    Older {
        /// The commits with their ids.
        commits: Vec<(Commit, CommitId)>,
        /// Where to go on; `None` when all was given.
        next_after: Option<u64>,
        /// The first period that is complete then; 0 when nothing is older.
        complete_from: u16,
    },
    /// To any: why not, and when to try again, in milliseconds (0: left to the device).
    Refused(Code, u32),
}

//! What comes in from elsewhere, and the files that go out.
//!
//! | file | read by | what each row is |
//! |---|---|---|
//! | CSV of a bank or another app | [`csv`] | what all its cells say, and the how many-th equal row of the file it is |
//! | our own CSV, known by its header | `sheet` | the entry of its `id` |
//! | JSON Lines without commits | `jsonl`, `object` | the entry of its `id`; without one, all that the object says |
//! | JSON Lines with commits | `jsonl` | part of a signed commit, taken in as it is |
//!
//! What a row *is* makes the id of its entry, so the same file gives the same entries on every device of a ledger.
//! These modules know no ledger and no database; [`crate::Engine::import`] joins the two.

pub(crate) mod bank;
pub mod csv;
pub(crate) mod escape;
pub(crate) mod jsonl;
pub(crate) mod object;
pub(crate) mod sheet;
pub(crate) mod source;

use outlay_ledger::LedgerId;

use crate::model::NewExpense;

/// How a file is imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Where rows go; the default ledger if `None`. Commits always go into their own.
    pub ledger: Option<LedgerId>,
    /// What the columns of a CSV mean. What it leaves open is guessed from the file.
    pub profile: Option<csv::Profile>,
    /// Only say what would happen.
    pub dry_run: bool,
    /// Leave the commits of JSON Lines aside, and make new entries of what the file shows.
    pub copy: bool,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that were taken in; 0 while it is looked over.
    pub bytes_done: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
}

/// An entry made of an outside fact, for [`crate::Engine::import_rows`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// What the source says: the same on every device, and different for every two entries. It is hashed, not kept.
    pub fact: String,
    /// What is made of it. It must have a date.
    pub new: NewExpense,
}

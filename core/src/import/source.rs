//! Where entries come from, one at a time: what every kind of file is read into.

use outlay_ledger::DocumentId;

use crate::error::Result;
use crate::model::{NewExpense, Rejected};

/// Facts that are rows of a CSV.
pub(crate) const CSV: &str = "csv";
/// Facts that are entries of a file of our own, by their id there, or by what the object says.
pub(crate) const ENTRY: &str = "jsonl";
/// Facts that an app brings.
pub(crate) const APP: &str = "app";

/// An entry to be, and the fact that it is made of.
pub(crate) struct Incoming {
    /// The line of the file, from 1.
    pub(crate) line: u64,
    /// The kind of the fact.
    pub(crate) domain: &'static str,
    /// The fact.
    pub(crate) fact: String,
    /// What the file makes of it.
    pub(crate) new: NewExpense,
    /// Whether it is in the trash.
    pub(crate) is_deleted: bool,
    /// Its id where it comes from. An entry of this very id is this entry.
    pub(crate) origin: Option<DocumentId>,
    /// The entry that it refunds, by its id where it comes from.
    pub(crate) refund: Option<String>,
}

/// Reads a file entry by entry.
pub(crate) trait Source {
    /// The next entry, or why a row is none; `None` at the end.
    fn next(&mut self) -> Result<Option<std::result::Result<Incoming, Rejected>>>;

    /// How many bytes have been read.
    fn bytes_done(&self) -> u64;
}

/// A fact that may occur several times in one file, and the how many-th it is. No text of a file holds U+001E.
pub(crate) fn occurring(fact: &str, occurrence: u32) -> String {
    format!("{fact}\u{1e}{occurrence}")
}

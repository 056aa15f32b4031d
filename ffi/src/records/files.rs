//! Files: receipts of entries, what is imported, and what is found in the database.

use outlay_core::import::csv::Profile;
use outlay_core::{
    Attachment, BlobHash, Content as AttachmentContent, ImportOptions, ImportRow, Imported, LedgerId, NewExpense,
    Progress as ImportProgress, Rejected,
};

/// A file that belongs to an entry: a receipt, most often.
#[uniffi::remote(Record)]
pub struct Attachment {
    /// The hash of its bytes, which is what it is known by.
    pub hash: BlobHash,
    /// How many bytes it has.
    pub bytes: u64,
    /// What kind of file it is, as `image/jpeg`: by how it begins, not by what it is called.
    pub media_type: String,
    /// What it is called; may be empty. It is a text to show, never a path.
    pub name: String,
    /// Whether it is on this device. One that is not was attached on another, and can be fetched.
    pub is_here: bool,
}

/// What is in a file that belongs to an entry.
#[uniffi::remote(Enum)]
pub enum AttachmentContent {
    /// It is on this device.
    Here(Vec<u8>),
    /// It is not here. That is no error: another device attached it, and it can be fetched.
    Missing,
}

/// How a file is imported.
#[uniffi::remote(Record)]
pub struct ImportOptions {
    /// Where rows go; the default ledger if there is none. Commits always go into their own.
    #[uniffi(default = None)]
    pub ledger: Option<LedgerId>,
    /// What the columns of a CSV mean. What it leaves open is guessed from the file.
    #[uniffi(default = None)]
    pub profile: Option<Profile>,
    /// Only say what would happen.
    #[uniffi(default = false)]
    pub dry_run: bool,
    /// Leave the commits of JSON Lines aside, and make new entries of what the file shows.
    #[uniffi(default = false)]
    pub copy: bool,
}

/// How far an import is.
#[uniffi::remote(Record)]
pub struct ImportProgress {
    /// Bytes of the file that were taken in; 0 while it is looked over.
    pub bytes_done: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
}

/// An entry made of an outside fact: of a message of a bank, say.
#[uniffi::remote(Record)]
pub struct ImportRow {
    /// What the source says: the same on every device, and different for every two entries. It is hashed, not kept.
    pub fact: String,
    /// What is made of it. It must have a date.
    pub new: NewExpense,
}

/// A row or line of an import that did not go in.
#[uniffi::remote(Record)]
pub struct Rejected {
    /// The line of the file, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// What an import did, or would do.
#[uniffi::remote(Record)]
pub struct Imported {
    /// Entries added; of a file with commits, entries that were not held before.
    pub added: u64,
    /// Entries that an undo or a deletion had taken away and that are back.
    pub restored: u64,
    /// Rows that were held already.
    pub duplicates: u64,
    /// Rows that are held with other values, from another mapping of the same file: a conflict is shown.
    pub conflicting: u64,
    /// Rows that did not go in.
    pub rejected: Vec<Rejected>,
    /// The ledger they went into.
    pub ledger: Option<LedgerId>,
}

/// A commit that was refused.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RefusedCommit {
    /// Its place in the batch, from 0.
    pub place: u64,
    /// Why.
    pub reason: String,
}

/// What became of commits taken in.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TakenIn {
    /// Commits stored.
    pub stored: u64,
    /// Commits that were held already.
    pub held: u64,
    /// Commits refused.
    pub refused: Vec<RefusedCommit>,
}

impl From<outlay_core::TakenIn> for TakenIn {
    fn from(taken: outlay_core::TakenIn) -> Self {
        let outlay_core::TakenIn { stored, held, refused } = taken;
        let refused = refused.into_iter().map(|(place, error)| {
            let (place, reason) = (place as u64, error.to_string());
            RefusedCommit { place, reason }
        });
        Self { stored, held, refused: refused.collect() }
    }
}

/// How many there are of something.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Counted {
    /// Of what.
    pub what: String,
    /// How many.
    pub count: u64,
}

impl From<(String, u64)> for Counted {
    fn from((what, count): (String, u64)) -> Self {
        Self { what, count }
    }
}

/// What was looked at in a database, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Diagnosis {
    /// What was checked, with how many of each.
    pub checked: Vec<Counted>,
    /// What was wrong. Projections that differed have been made anew.
    pub problems: Vec<String>,
    /// Records that are kept and not applied, by reason.
    pub not_applied: Vec<Counted>,
}

impl From<outlay_core::Diagnosis> for Diagnosis {
    fn from(diagnosis: outlay_core::Diagnosis) -> Self {
        let outlay_core::Diagnosis { checked, problems, not_applied } = diagnosis;
        let counted = |counts: Vec<(String, u64)>| counts.into_iter().map(Into::into).collect();
        Self { checked: counted(checked), problems, not_applied: counted(not_applied) }
    }
}

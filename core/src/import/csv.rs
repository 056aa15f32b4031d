//! CSV from banks and other apps: read row by row, and each row interpreted or rejected with a reason.
//!
//! [`Profile::guess`] looks at the first [`SAMPLE_BYTES_MAX`] bytes of a file and says what its columns mean; a person
//! may correct and keep that. [`Rows`] reads any number of rows in bounded memory, and an [`Interpreter`] makes a
//! [`Draft`] of each or says why not.
//!
//! Two things are kept apart on purpose. What a row *says* ([`Row::fact`], [`Row::occurrence`]) depends on the file
//! alone, so that two devices with different mappings make one expense of it. What a row *means* depends on the
//! profile.
//!
//! Nothing is guessed about a single value: a date that does not exist, an amount with a comma where the file has
//! points, a kind nobody has heard of reject their row, and the rest goes on. No input panics.
//!
//! This module knows no ledger, no database and no file system; it reads bytes.

mod amount;
mod calendar;
mod columns;
mod direction;
mod guess;
mod header;
mod interpret;
mod names;
mod profile;
mod records;
mod rows;
mod sniff;
mod split;
#[cfg(test)]
mod tests;

use outlay_ledger::text::TextError;
use outlay_ledger::{CurrencyError, Date, DateError, Money, MoneyError, TimeOfDay};

pub use interpret::Interpreter;
pub use profile::{Column, DateOrder, Decimal, Dialect, Field, Profile, Sign};
pub use rows::{Row, Rows};

/// Bytes of a file that are looked at before its first row is read: ten thousand rows, and 30 ms of work.
pub const SAMPLE_BYTES_MAX: usize = 1 << 20;
/// Bytes of one row: sixteen of the longest notes. What is longer is no row but a missing quote, or no CSV.
pub const ROW_BYTES_MAX: usize = 64 * 1024;
/// Cells of one row. The widest bank export known has about 60.
pub const CELLS_MAX: usize = 256;
/// Rows of one file. Each distinct one costs 24 bytes while the file is read, so this is some 400 MB at worst.
pub const ROWS_MAX: u64 = 10_000_000;
/// Lines above the header, where banks write whose account it is.
pub const PREAMBLE_LINES_MAX: u64 = 50;

/// Why a file as a whole cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It holds bytes that no text has.
    #[error("the file is not text")]
    NotText,
    /// No character separates at least two columns.
    #[error("the file has no columns: no comma, semicolon, tab or bar separates them")]
    NoColumns,
    /// There is a header and nothing below it.
    #[error("the file has a header and no rows")]
    NoRows,
    /// No column looks like the one that every expense needs; a mapping has to name it.
    #[error("no column was recognised as the {field}; name it in a profile")]
    Unrecognised {
        /// [`Field::Date`] or [`Field::Amount`].
        field: Field,
    },
    /// A profile names a column that the file does not have.
    #[error("the file has no column {column} for the {field}")]
    NoSuchColumn {
        /// What the column was to hold.
        field: Field,
        /// The column as the profile names it.
        column: Column,
    },
    /// A profile names an encoding that does not exist.
    #[error("{label} is not an encoding")]
    UnknownEncoding {
        /// The name as the profile says it.
        label: String,
    },
    /// A profile names a delimiter that cannot be one: a quote, a line break, a letter or digit, beyond ASCII.
    #[error("{delimiter:?} cannot separate columns")]
    Delimiter {
        /// The character.
        delimiter: char,
    },
    /// The file has more than [`ROWS_MAX`] rows.
    #[error("the file has more than {ROWS_MAX} rows")]
    TooManyRows,
    /// The source failed.
    #[error("the file could not be read")]
    Io(#[from] std::io::Error),
}

/// Why one row was rejected. The message is meant for the person who has the file, beside its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Half a row, or more cells than the header names.
    #[error("the row has {found} cells where the file has {expected}")]
    CellCount {
        /// How many cells a row of this file has.
        expected: usize,
        /// How many this one has.
        found: usize,
    },
    /// A quoted cell begins and never ends.
    #[error("a quote is opened and never closed")]
    UnterminatedQuote,
    /// The row is longer than [`ROW_BYTES_MAX`].
    #[error("the row is longer than {ROW_BYTES_MAX} bytes")]
    RowTooLong,
    /// The row has more than [`CELLS_MAX`] cells.
    #[error("the row has more than {CELLS_MAX} cells")]
    TooManyCells,
    /// The row holds bytes that are not text in the file's encoding.
    #[error("the row is not text in the file's encoding")]
    Undecodable,
    /// A cell holds a control character that no text has.
    #[error("the row contains the control character U+{code:04X}")]
    ControlCharacter {
        /// Its code point.
        code: u32,
    },
    /// The cell that must be filled is empty.
    #[error("the {field} is missing")]
    Missing {
        /// Which one.
        field: Field,
    },
    /// The date is in no form that is understood, or the calendar does not have it.
    #[error(transparent)]
    Date(#[from] DateError),
    /// The amount is not one of the currency, or not written as the file writes amounts.
    #[error(transparent)]
    Amount(#[from] MoneyError),
    /// The amount is zero, which is no expense.
    #[error("the amount is zero")]
    ZeroAmount,
    /// Both the debit and the credit column are filled.
    #[error("both the debit and the credit are filled")]
    DebitAndCredit,
    /// The kind is no word for expense, income or transfer.
    #[error("the kind is not one of expense, income and transfer")]
    UnknownKind,
    /// The currency is none.
    #[error(transparent)]
    Currency(#[from] CurrencyError),
    /// A text is over its limit or holds a control character.
    #[error("{field}: {error}")]
    Text {
        /// Which text.
        field: Field,
        /// What is wrong with it.
        error: TextError,
    },
    /// There are more tags than an expense may have.
    #[error("the row has more than {count_max} tags")]
    TooManyTags {
        /// The limit.
        count_max: usize,
    },
}

/// What a row is, as an expense to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What happened to the money.
    pub kind: DraftKind,
    /// How much of it, above zero.
    pub amount: Money,
    /// The day, as the file's calendar shows it.
    pub date: Date,
    /// The time on that day, if the file says it.
    pub time: Option<TimeOfDay>,
    /// Who was paid or who paid; the description where a file has nothing nearer. May be empty.
    pub payee: String,
    /// The note, several lines perhaps. May be empty.
    pub note: String,
    /// The account the money left or came to: for a transfer the one it left, if known.
    pub account: Option<String>,
    /// For a transfer, the account the money came to, if the file says it.
    pub to_account: Option<String>,
    /// The category.
    pub category: Option<String>,
    /// The category below that one; never without a category.
    pub subcategory: Option<String>,
    /// The tags, each once, in the order of the file.
    pub tags: Vec<String>,
    /// The bank's or app's own id of the row. It takes no part in what the row is.
    pub external_id: Option<String>,
}

/// What a row did with the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DraftKind {
    /// It was spent.
    Expense,
    /// It was received.
    Income,
    /// It moved between two accounts, of which the file may name one.
    Transfer,
}

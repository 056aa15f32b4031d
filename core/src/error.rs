//! What can go wrong, as a caller sees it.

use std::error::Error as StdError;
use std::fmt;

use outlay_ledger::expense::ExpenseError;

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input is not what it must be; nothing was written.
    InvalidInput,
    /// There is no such ledger, thing, conflict or file.
    NotFound,
    /// This device may not do that in this ledger.
    Forbidden,
    /// The database or a file was made by a newer version; it was left untouched.
    TooNew,
    /// The disk, or the size the database may have, is full. Nothing was changed, and the engine goes on.
    DiskFull,
    /// The database file is damaged. It was set aside or left as it is, never deleted.
    Corrupt,
    /// There is no account here, or this device was signed out of it: sign in. What is on the device stays.
    SignedOut,
    /// The database belongs to another account: sign out first, and choose whether what is on the device stays.
    OtherAccount,
    /// The server cannot be reached or does not answer. What was done here is kept and goes up later.
    Offline,
    /// The server asks to wait, or is full.
    RateLimited,
    /// The caller asked to stop.
    Cancelled,
    /// Anything else: a bug, or the operating system refused something.
    Internal,
}

/// An error of the engine: a [kind](ErrorKind) to act on, a message to show, and its cause.
///
/// Messages hold no amounts, payees, notes or names, except of what the caller passed in to be parsed.
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of the engine's calls.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("there is no such {what}"))
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

macro_rules! invalid_input {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::invalid(error.to_string()).with_source(error)
            }
        })+
    };
}

invalid_input!(
    crate::import::csv::CsvError,
    outlay_ledger::MoneyError,
    outlay_ledger::CurrencyError,
    outlay_ledger::DateError,
    outlay_ledger::IdError,
    outlay_ledger::RegisterError,
    outlay_ledger::text::TextError,
    outlay_ledger::commit::CommitError,
    outlay_ledger::change::ChangeError,
);

impl From<ExpenseError> for Error {
    fn from(error: ExpenseError) -> Self {
        let kind = match error {
            ExpenseError::Newer => ErrorKind::TooNew,
            _ => ErrorKind::InvalidInput,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::FileTooLarge => ErrorKind::DiskFull,
            _ => ErrorKind::Internal,
        };
        Self::new(kind, format!("a file could not be read or written: {error}")).with_source(error)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi::ErrorCode;
        if let rusqlite::Error::QueryReturnedNoRows
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) = error
        {
            // Rows that may be missing are asked for as such, and columns have the types that they are read as.
            return Self::new(ErrorKind::Corrupt, "the database lacks something that must be there").with_source(error);
        }
        let (kind, message) = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => (ErrorKind::DiskFull, "the disk is full; nothing was changed"),
            // Beside a full disk, a limit on the size of files ends a write this way.
            Some(ErrorCode::SystemIoFailure) => {
                (ErrorKind::DiskFull, "the database could not be written; nothing was changed")
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                (ErrorKind::Corrupt, "the database file is damaged")
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                (ErrorKind::Internal, "another process kept the database locked")
            }
            Some(ErrorCode::CannotOpen) => (ErrorKind::NotFound, "the database file cannot be opened"),
            Some(ErrorCode::OperationInterrupted) => (ErrorKind::Cancelled, "stopped"),
            _ => (ErrorKind::Internal, "the database refused a statement"),
        };
        Self::new(kind, message).with_source(error)
    }
}

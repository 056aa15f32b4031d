//! What can go wrong with the database, by what can be done about it.

use outlay_protocol::Code;
use rusqlite::ErrorCode;

/// A database that could not be read or written. Nothing of what was asked has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, or the file may not grow.
    #[error("the disk is full")]
    Full,
    /// Another process holds the database.
    #[error("another process holds the database")]
    Busy,
    /// The file is not a database of this server, or is damaged.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The keys come from another secret than it was opened with.
    #[error("{0}")]
    OtherSecret(&'static str),
    /// A newer version of this server has written the file.
    #[error("the database has schema version {0}, which is newer than this server's")]
    Newer(i64),
    /// Reading or writing failed.
    #[error("the database could not be read or written: {0}")]
    Failed(String),
}

impl StoreError {
    /// Of work that was not done because the server ends.
    pub(crate) fn ending<E>(_: E) -> Self {
        Self::Failed("the server is ending".into())
    }

    /// The code that whoever asked is told.
    pub const fn code(&self) -> Code {
        match self {
            Self::Full => Code::Full,
            Self::Busy => Code::Busy,
            Self::Corrupt(_) | Self::OtherSecret(_) | Self::Newer(_) | Self::Failed(_) => Code::Storage,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::TooBig) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::FileTooLarge => Self::Full,
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// What storage answers.
pub type Result<T> = std::result::Result<T, StoreError>;

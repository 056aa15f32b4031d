//! What a call can fail with, in every language.

use outlay_core::ErrorKind;

/// Why a call was not done: what to do about it is the kind, and what to show is the reason.
///
/// Reasons hold no amounts, payees, notes or names, except of what the caller passed in to be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum OutlayError {
    /// The input is not what it must be; nothing was written.
    #[error("{reason}")]
    InvalidInput {
        /// For people.
        reason: String,
    },
    /// There is no such ledger, thing, conflict or file.
    #[error("{reason}")]
    NotFound {
        /// For people.
        reason: String,
    },
    /// This device may not do that in this ledger.
    #[error("{reason}")]
    Forbidden {
        /// For people.
        reason: String,
    },
    /// The database or a file was made by a newer version; it was left untouched.
    #[error("{reason}")]
    TooNew {
        /// For people.
        reason: String,
    },
    /// The disk, or the size the database may have, is full. Nothing was changed, and the engine goes on.
    #[error("{reason}")]
    DiskFull {
        /// For people.
        reason: String,
    },
    /// The database file is damaged. It was set aside or left as it is, never deleted.
    #[error("{reason}")]
    Corrupt {
        /// For people.
        reason: String,
    },
    /// There is no account here, or this device was signed out of it: sign in. What is on the device stays.
    #[error("{reason}")]
    SignedOut {
        /// For people.
        reason: String,
    },
    /// The database belongs to another account: sign out first, and choose whether what is on the device stays.
    #[error("{reason}")]
    OtherAccount {
        /// For people.
        reason: String,
    },
    /// The server cannot be reached or does not answer. What was done here is kept and goes up later.
    #[error("{reason}")]
    Offline {
        /// For people.
        reason: String,
    },
    /// The server asks to wait, or is full.
    #[error("{reason}")]
    RateLimited {
        /// For people.
        reason: String,
    },
    /// The caller asked to stop.
    #[error("{reason}")]
    Cancelled {
        /// For people.
        reason: String,
    },
    /// A bug, or the operating system refused something.
    #[error("{reason}")]
    Internal {
        /// For people.
        reason: String,
    },
    /// The engine was closed before.
    #[error("{reason}")]
    Closed {
        /// For people.
        reason: String,
    },
    /// A call ended by a bug, this one or one before it. What was durable before that call is; open the engine anew.
    #[error("{reason}")]
    Panicked {
        /// For people.
        reason: String,
    },
}

impl OutlayError {
    pub(crate) fn invalid(reason: impl ToString) -> Self {
        Self::InvalidInput { reason: reason.to_string() }
    }

    pub(crate) fn closed() -> Self {
        Self::Closed { reason: "the engine was closed".to_owned() }
    }

    pub(crate) fn panicked() -> Self {
        Self::Panicked { reason: "a call ended by a bug; the engine has to be opened anew".to_owned() }
    }
}

impl From<outlay_core::Error> for OutlayError {
    fn from(error: outlay_core::Error) -> Self {
        let reason = error.to_string();
        match error.kind() {
            ErrorKind::InvalidInput => Self::InvalidInput { reason },
            ErrorKind::NotFound => Self::NotFound { reason },
            ErrorKind::Forbidden => Self::Forbidden { reason },
            ErrorKind::TooNew => Self::TooNew { reason },
            ErrorKind::DiskFull => Self::DiskFull { reason },
            ErrorKind::Corrupt => Self::Corrupt { reason },
            ErrorKind::SignedOut => Self::SignedOut { reason },
            ErrorKind::OtherAccount => Self::OtherAccount { reason },
            ErrorKind::Offline => Self::Offline { reason },
            ErrorKind::RateLimited => Self::RateLimited { reason },
            ErrorKind::Cancelled => Self::Cancelled { reason },
            ErrorKind::Internal => Self::Internal { reason },
        }
    }
}

/// Why something of the app's that the engine called did not do what it was asked for. What else it throws is taken for this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum CallbackError {
    /// It failed, or cannot be done now, as while a phone is locked.
    #[error("{reason}")]
    Failed {
        /// For people. It holds no secret.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for CallbackError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}

//! Why a command was not done, and how that is said: an exit code and one message.

use std::error::Error;
use std::io;

use outlay_core::ErrorKind;

/// Not done.
pub(crate) const EXIT_NOT_DONE: u8 = 1;
/// Wrong usage.
pub(crate) const EXIT_USAGE: u8 = 2;

/// Why a command was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked could not be done.
    NotDone {
        /// A stable word for scripts.
        kind: &'static str,
        /// For people.
        message: String,
    },
    /// The command was put together wrongly.
    Usage(String),
    /// Whoever read the output has seen enough, as `head` does. Nothing is wrong.
    PipeClosed,
}

impl Failure {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::NotDone { kind: kind_name(ErrorKind::InvalidInput), message: message.into() }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::NotDone { kind: kind_name(ErrorKind::NotFound), message: message.into() }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::NotDone { kind: kind_name(ErrorKind::Internal), message: message.into() }
    }

    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::NotDone { kind: kind_name(ErrorKind::Corrupt), message: message.into() }
    }

    /// Done in part: what is left is in the message.
    pub(crate) fn partial(kind: &'static str, message: impl Into<String>) -> Self {
        Self::NotDone { kind, message: message.into() }
    }

    pub(crate) fn signed_out() -> Self {
        let message = "this device is not signed in; `outlay signup` makes an account, `outlay login` enters one";
        Self::NotDone { kind: kind_name(ErrorKind::SignedOut), message: message.to_owned() }
    }

    pub(crate) fn other_account(message: impl Into<String>) -> Self {
        Self::NotDone { kind: kind_name(ErrorKind::OtherAccount), message: message.into() }
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::NotDone { kind: kind_name(ErrorKind::Forbidden), message: message.into() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// What happened to a file that the user named.
    pub(crate) fn file(path: &std::path::Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::not_found(format!("{}: there is no such file or folder", path.display())),
            _ => Self::internal(format!("{}: {error}", path.display())),
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NotDone { .. } => EXIT_NOT_DONE,
            Self::Usage(_) => EXIT_USAGE,
            Self::PipeClosed => 0,
        }
    }

    /// What goes to standard error, if anything.
    pub(crate) fn text(&self, is_json: bool) -> Option<String> {
        let (kind, message) = match self {
            Self::NotDone { kind, message } => (*kind, message),
            Self::Usage(message) => ("usage", message),
            Self::PipeClosed => return None,
        };
        if is_json {
            return Some(serde_json::json!({"error": {"kind": kind, "message": message}}).to_string());
        }
        Some(if message.starts_with("error: ") { message.clone() } else { format!("error: {message}") })
    }
}

/// The word for a kind of error. No `_`: a new kind does not compile until it has one.
const fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidInput => "invalid_input",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::TooNew => "too_new",
        ErrorKind::DiskFull => "disk_full",
        ErrorKind::Corrupt => "corrupt",
        ErrorKind::SignedOut => "signed_out",
        ErrorKind::OtherAccount => "other_account",
        ErrorKind::Offline => "offline",
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Cancelled => "cancelled",
        ErrorKind::Internal => "internal",
    }
}

impl From<outlay_core::Error> for Failure {
    fn from(error: outlay_core::Error) -> Self {
        let message = match (error.kind(), error.source()) {
            // Whoever looks into these wants to know what was under them: a name that is unknown, a certificate.
            (ErrorKind::Internal | ErrorKind::Offline, Some(cause)) => format!("{error}: {cause}"),
            _ => error.to_string(),
        };
        Self::NotDone { kind: kind_name(error.kind()), message }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::PipeClosed,
            _ => Self::internal(format!("the output could not be written: {error}")),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

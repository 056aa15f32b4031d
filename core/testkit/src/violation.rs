//! What a run ends with when something is not as it must be.

use std::fmt;

/// A promise that was broken, or something that the simulator itself could not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub promise: &'static str,
    /// Where and by what.
    pub detail: String,
}

impl Violation {
    /// A promise that was broken.
    pub fn new(promise: &'static str, detail: impl Into<String>) -> Self {
        Self { promise, detail: detail.into() }
    }

    /// A run that cannot go on because of the simulator or the machine.
    pub fn of_simulator(error: &dyn fmt::Display) -> Self {
        Self::new("the simulator can go on", error.to_string())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken: {}: {}", self.promise, self.detail)
    }
}

impl std::error::Error for Violation {}

macro_rules! from {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Violation {
            fn from(error: $error) -> Self {
                Self::new("no call fails by itself", format!("{error:?}"))
            }
        })+
    };
}

from!(std::io::Error, rusqlite::Error, outlay_core::Error);

//! Stores that fail and processes that die, at a call that is chosen beforehand.

use std::path::PathBuf;

use crate::random::Random;

/// What a call of a store does instead of what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Fails, and nothing happened.
    FailBefore,
    /// Fails, though it is durable.
    FailAfter,
    /// The process dies before it.
    CrashBefore,
    /// The process dies when it is durable and nobody has heard of it.
    CrashAfter,
}

impl Fault {
    /// One by chance.
    pub fn any(random: &mut Random) -> Self {
        *random.pick(&[Self::FailBefore, Self::FailAfter, Self::CrashBefore, Self::CrashAfter])
    }

    /// Whether the process dies.
    pub fn is_crash(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter)
    }

    /// Whether the call was carried out.
    pub fn is_after(self) -> bool {
        matches!(self, Self::FailAfter | Self::CrashAfter)
    }
}

/// A fault that waits for its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Armed {
    /// Which.
    pub fault: Fault,
    /// How many calls go well before it.
    pub calls: usize,
    /// The database of the process that dies.
    pub database: PathBuf,
    /// Where its files are copied to as they are at that moment.
    pub remains: PathBuf,
}

/// What became of an armed fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Struck {
    /// Which.
    pub fault: Fault,
    /// Where the database of a process that died is now.
    pub remains: PathBuf,
}

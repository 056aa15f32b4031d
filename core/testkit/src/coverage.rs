//! What a set of runs must have met: a simulator that never reaches a case proves nothing about it.

use std::collections::BTreeMap;
use std::fmt;

macro_rules! marks {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// A case that a set of runs must have met.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Mark {
            $($(#[$doc])* $name,)*
        }

        impl Mark {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The case in words.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

marks! {
    /// A device met a log of another epoch than its cursor's.
    EpochChange = "epoch change";
    /// Two commits of one device that do not know of each other are in one log.
    Fork = "fork of a device's chain";
    /// A server session stopped asking for pages because the device did not read, and went on later.
    SlowConsumer = "slow consumer";
    /// A device was signed out by the server while it was connected.
    SignedOut = "sign-out of a connected device";
    /// A member was removed from a ledger that was open on a connection.
    Removed = "removal of a connected member";
    /// A commit was refused because of a role.
    RoleRefused = "commit refused because of a role";
    /// A push was refused because of a rate.
    RateRefused = "push refused because of a rate";
    /// A device began with the newest months and got the older ones afterwards.
    NewestFirst = "newest-first bootstrap";
    /// Heads were exchanged after the server had been restored.
    HeadsAfterRestore = "heads after a restore of the server";
    /// A server was rolled back under the same epoch, and a device found out by its chain.
    SameEpoch = "rolled-back server with the same epoch";
    /// A rolled-back server had grown past a cursor of its former life, with the same epoch.
    GrownPast = "rolled-back server that has grown past a cursor";
    /// An old backup of a device was used with its key.
    DeviceRestored = "device restored from a backup";
    /// A device was copied and both went on.
    Cloned = "cloned device";
    /// A connection was cut after an acknowledgement had been sent and before it arrived.
    AckLost = "acknowledgement lost";
    /// A token expired on a live connection and was renewed there.
    TokenRenewed = "token renewed on a live connection";
    /// A device crashed inside a call of its store.
    DeviceCrash = "device crashed in its store";
    /// The server crashed inside a call of its store.
    ServerCrash = "server crashed in its store";
    /// A call of a device's store failed.
    DeviceFault = "device's store failed";
    /// A call of the server's store failed.
    ServerFault = "server's store failed";
    /// A device signed up with records that it had made before.
    LateSignUp = "sign-up of a device with records";
    /// A device recorded with a clock that was years off.
    Skew = "clock that is years off";
    /// A frame was delivered twice.
    Duplicated = "frame delivered twice";
    /// Two frames were delivered in the wrong order.
    Reordered = "frames out of order";
    /// Frames of one direction were withheld while those of the other arrived.
    OneWay = "one-way partition";
    /// A conflict was shown and settled.
    Resolved = "conflict settled";
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// How often each case was met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<Mark, u64>);

impl Coverage {
    /// Notes that a case was met.
    pub fn hit(&mut self, mark: Mark) {
        *self.0.entry(mark).or_default() += 1;
    }

    /// How often a case was met.
    pub fn count(&self, mark: Mark) -> u64 {
        self.0.get(&mark).copied().unwrap_or(0)
    }

    /// Adds what another run met.
    pub fn add(&mut self, other: &Self) {
        for (mark, count) in &other.0 {
            *self.0.entry(*mark).or_default() += count;
        }
    }

    /// The cases that were never met.
    pub fn lacking(&self) -> Vec<Mark> {
        Mark::ALL.iter().copied().filter(|mark| self.count(*mark) == 0).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Mark::ALL.iter().try_for_each(|mark| writeln!(f, "{:>8}  {mark}", self.count(*mark)))
    }
}

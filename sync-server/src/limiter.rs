//! How often somebody may do something: one limiter for all that is counted.
//!
//! A [`Limiter`] has a bucket for each [`Key`], which holds some units and fills steadily, and remembers failures until they
//! are long ago. Which keys there are, how fast they fill and what an answer says of it is in `gate`, [`crate::sync::Rates`] and
//! [`crate::accounts::Attempts`], which keep nothing themselves.
//!
//! It is asked before every request, and of the pushes of a connection in their order, so that it answers at once and from
//! memory. One that several servers share takes portions from what they share, beside the requests. It never fails.

mod local;

use std::net::IpAddr;

pub use local::{KEYS_MAX, LocalLimiter};

/// What is counted. Each kind is bounded by itself, so that a flood of one pushes nothing out of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Requests of a network address.
    Address,
    /// Requests of a network address to make an account or to sign in.
    SignIn,
    /// Requests of a session.
    Session,
    /// Requests of an account.
    Account,
    /// Mails to an e-mail address.
    Mail,
    /// Bytes that a device pushes.
    DevicePush,
    /// Bytes that an account pushes.
    AccountPush,
    /// Guesses at a password or a code.
    Guess,
}

impl Kind {
    const COUNT: usize = Self::Guess as usize + 1;
}

/// Whose bucket or failures: a kind, and which of it. The 16 bytes are an id, or the first half of a hash or of a public key,
/// of which nobody finds two that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(pub Kind, pub [u8; 16]);

impl Key {
    /// That of a network address.
    pub fn of_address(kind: Kind, address: IpAddr) -> Self {
        let address = match address {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        Self(kind, address.octets())
    }

    /// That of an account, by its row.
    pub fn of_account(kind: Kind, aid: i64) -> Self {
        Self(kind, i128::from(aid).to_be_bytes())
    }

    /// That of a device or of whatever else has a key or a hash.
    pub fn of_bytes(kind: Kind, bytes: &[u8; 32]) -> Self {
        let (first, _) = bytes.as_chunks();
        Self(kind, first.first().copied().unwrap_or_default())
    }

    /// That of a text, which is not kept.
    pub fn of_text(kind: Kind, text: &str) -> Self {
        Self::of_bytes(kind, blake3::hash(text.as_bytes()).as_bytes())
    }
}

/// How much a bucket holds, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Units that it holds when it is full.
    pub burst: u64,
    /// Units that come in [`Self::time_ms`]; at least 1.
    pub units: u64,
    /// In milliseconds.
    pub time_ms: u64,
}

impl Rate {
    /// So many in a minute: at once, and then steadily.
    pub const fn per_minute(count: u32) -> Self {
        Self { burst: count as u64, units: count as u64, time_ms: 60_000 }
    }

    /// So many in an hour: at once, and then steadily.
    pub const fn per_hour(count: u32) -> Self {
        Self { time_ms: 3_600_000, ..Self::per_minute(count) }
    }
}

/// What became of asking for units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// They were taken out.
    Yes {
        /// Units that are left.
        left: u64,
        /// Milliseconds until the bucket is full again.
        full_ms: i64,
    },
    /// There are too few; nothing was taken.
    No {
        /// Milliseconds until there are enough, if nobody else takes any.
        wait_ms: i64,
    },
}

/// Failures in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last one was.
    pub last_ms: i64,
}

/// Counts. Times are milliseconds of a clock that does not go back; a rate is the same for a key each time.
pub trait Limiter: Send + Sync {
    /// Takes units out of a bucket, all or none. One that nobody has taken from is full. More units than it holds are all that
    /// it holds, so that nobody waits for what never comes.
    fn take(&self, now_ms: i64, key: Key, rate: Rate, units: u64) -> Taken;

    /// Puts back as many units as were taken in vain.
    fn put_back(&self, key: Key, rate: Rate, units: u64);

    /// Failures in a row: none once the last is [`FAILURE_MEMORY_MS`] ago.
    fn failures(&self, now_ms: i64, key: Key) -> Failures;

    /// Notes a failure.
    fn failed(&self, now_ms: i64, key: Key);

    /// Forgets failures.
    fn succeeded(&self, key: Key);
}

/// After this long without a failure all are forgotten.
pub const FAILURE_MEMORY_MS: i64 = 15 * 60_000;

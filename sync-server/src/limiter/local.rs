//! The limiter of one process: buckets and failures in its memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{FAILURE_MEMORY_MS, Failures, Key, Kind, Limiter, Rate, Taken};

/// Keys remembered of each kind, at some 50 bytes. When there are so many those go of which least is known: buckets that are
/// full, then those that are fullest, or the eldest failures, until half are left. Who is forgotten begins anew, so that a
/// flood of keys locks nobody out, and what a flood has emptied goes last, so that it gains nothing.
pub const KEYS_MAX: usize = 65_536;

const NS_IN_MS: i64 = 1_000_000;

/// The limiter of one process.
#[derive(Default)]
pub struct LocalLimiter {
    kinds: [Mutex<Remembered>; Kind::COUNT],
}

/// What is known of the keys of one kind.
#[derive(Default)]
struct Remembered {
    /// When a bucket will be full again, in nanoseconds: all that there is to know of one.
    full_ns: HashMap<[u8; 16], i64>,
    failures: HashMap<[u8; 16], Failures>,
}

impl LocalLimiter {
    fn of(&self, kind: Kind) -> MutexGuard<'_, Remembered> {
        self.kinds[kind as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limiter for LocalLimiter {
    fn take(&self, now_ms: i64, Key(kind, of): Key, rate: Rate, units: u64) -> Taken {
        let now_ns = now_ms.saturating_mul(NS_IN_MS);
        let burst_ns = rate.time_ns(rate.burst);
        let all = &mut self.of(kind).full_ns;
        let full_ns = all.get(&of).copied().unwrap_or(now_ns).max(now_ns);
        let after_ns = full_ns.saturating_add(rate.time_ns(units.min(rate.burst)));
        let over_ns = after_ns.saturating_sub(now_ns).saturating_sub(burst_ns);
        if over_ns > 0 {
            return Taken::No { wait_ms: ms_up(over_ns) };
        }
        if all.len() >= KEYS_MAX {
            forget(all, |full_ns| *full_ns <= now_ns, |full_ns| *full_ns);
        }
        all.insert(of, after_ns);
        let used_ns = after_ns.saturating_sub(now_ns);
        Taken::Yes { left: rate.units_in(burst_ns - used_ns), full_ms: ms_up(used_ns) }
    }

    fn put_back(&self, Key(kind, of): Key, rate: Rate, units: u64) {
        if let Some(full_ns) = self.of(kind).full_ns.get_mut(&of) {
            *full_ns = full_ns.saturating_sub(rate.time_ns(units.min(rate.burst)));
        }
    }

    fn failures(&self, now_ms: i64, Key(kind, of): Key) -> Failures {
        let failures = self.of(kind).failures.get(&of).copied().unwrap_or_default();
        if failures.is_over(now_ms) { Failures::default() } else { failures }
    }

    fn failed(&self, now_ms: i64, Key(kind, of): Key) {
        let all = &mut self.of(kind).failures;
        if all.len() >= KEYS_MAX {
            forget(all, |failures| failures.is_over(now_ms), |failures| failures.last_ms);
        }
        let before = all.get(&of).filter(|failures| !failures.is_over(now_ms)).map_or(0, |failures| failures.count);
        all.insert(of, Failures { count: before.saturating_add(1), last_ms: now_ms });
    }

    fn succeeded(&self, Key(kind, of): Key) {
        self.of(kind).failures.remove(&of);
    }
}

impl Failures {
    fn is_over(&self, now_ms: i64) -> bool {
        now_ms.saturating_sub(self.last_ms) > FAILURE_MEMORY_MS
    }
}

impl Rate {
    /// How long it takes until so many units have come.
    fn time_ns(&self, units: u64) -> i64 {
        let time_ns = u128::from(self.time_ms) * 1_000_000 * u128::from(units) / u128::from(self.units.max(1));
        i64::try_from(time_ns).unwrap_or(i64::MAX)
    }

    /// How many units come in such a time.
    fn units_in(&self, time_ns: i64) -> u64 {
        let units = u128::try_from(time_ns).unwrap_or(0) * u128::from(self.units);
        u64::try_from(units / (u128::from(self.time_ms.max(1)) * 1_000_000)).unwrap_or(u64::MAX)
    }
}

fn ms_up(ns: i64) -> i64 {
    ns.saturating_add(NS_IN_MS - 1) / NS_IN_MS
}

/// Forgets those that are over, and of the others the half with the lower worth, if that is not enough.
fn forget<V>(all: &mut HashMap<[u8; 16], V>, is_over: impl Fn(&V) -> bool, worth: impl Fn(&V) -> i64) {
    all.retain(|_, value| !is_over(value));
    if all.len() > KEYS_MAX / 2 {
        let mut worths: Vec<i64> = all.values().map(&worth).collect();
        let middle = worths.len() / 2;
        let (_, &mut median, _) = worths.select_nth_unstable(middle);
        all.retain(|_, value| worth(value) > median);
    }
}

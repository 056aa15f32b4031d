//! Slowing down whoever guesses: failed logins of an address, known or not, and requests of one network address or for one.
//!
//! It is a delay that grows and is forgotten, never a lock: nobody can shut others out for good.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Failures that cost nothing: people mistype.
const FREE_FAILURES: u32 = 5;
/// The longest delay.
const DELAY_MS_MAX: i64 = 60_000;
/// After this long without a failure everything is forgotten.
const MEMORY_MS: i64 = 15 * 60_000;
/// Addresses remembered, some 50 bytes each. When it is full the eldest are forgotten.
const KEYS_MAX: usize = 65_536;

/// Counts failures by what they were tried on.
#[derive(Default)]
pub struct Attempts {
    failures: Mutex<HashMap<[u8; 16], Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last_ms: i64,
}

impl Attempts {
    /// How many milliseconds to wait before the next try on this.
    ///
    /// ```
    /// use outlay_server::accounts::Attempts;
    /// let attempts = Attempts::default();
    /// (0..5).for_each(|_| attempts.failed(0, "ana@example.org"));
    /// assert_eq!(attempts.wait_ms(0, "ana@example.org"), 0);
    /// attempts.failed(0, "ana@example.org");
    /// assert_eq!(attempts.wait_ms(0, "ana@example.org"), 1_000);
    /// assert_eq!(attempts.wait_ms(1_000, "ana@example.org"), 0);
    /// assert_eq!(attempts.wait_ms(0, "ben@example.org"), 0);
    /// ```
    pub fn wait_ms(&self, now_ms: i64, what: &str) -> i64 {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(failures) = failures.get(&key(what)) else { return 0 };
        let Some(over) = failures.count.checked_sub(FREE_FAILURES + 1) else { return 0 };
        let delay_ms = 1_000_i64.checked_shl(over.min(16)).unwrap_or(DELAY_MS_MAX).min(DELAY_MS_MAX);
        (failures.last_ms + delay_ms - now_ms).clamp(0, DELAY_MS_MAX)
    }

    /// Notes a failure.
    pub fn failed(&self, now_ms: i64, what: &str) {
        let mut all = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEYS_MAX {
            forget(&mut all, now_ms);
        }
        let failures = all.entry(key(what)).or_insert(Failures { count: 0, last_ms: now_ms });
        if now_ms - failures.last_ms > MEMORY_MS {
            failures.count = 0;
        }
        *failures = Failures { count: failures.count.saturating_add(1), last_ms: now_ms };
    }

    /// Forgets the failures.
    pub fn succeeded(&self, what: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(what));
    }
}

/// Counts requests by the minute or the hour: those of network addresses, or by what they ask for.
pub struct Requests<K = IpAddr> {
    max: u32,
    time_ms: i64,
    counts: Mutex<(i64, HashMap<K, u32>)>,
}

impl<K: Eq + Hash> Requests<K> {
    /// So many in a minute for each.
    pub fn per_minute(max: u32) -> Self {
        Self { max, time_ms: 60_000, counts: Mutex::default() }
    }

    /// So many in an hour for each.
    pub fn per_hour(max: u32) -> Self {
        Self { max, time_ms: 3_600_000, counts: Mutex::default() }
    }

    /// Counts one, or says for how many milliseconds to wait.
    ///
    /// ```
    /// use outlay_server::accounts::Requests;
    /// let requests = Requests::per_minute(2);
    /// let address: std::net::IpAddr = "192.0.2.1".parse()?;
    /// assert_eq!([requests.take(0, address), requests.take(1, address)], [0, 0]);
    /// assert_eq!(requests.take(10_000, address), 50_000);
    /// assert_eq!(requests.take(60_000, address), 0);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn take(&self, now_ms: i64, of: K) -> i64 {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let time = now_ms.div_euclid(self.time_ms);
        // A new minute or hour, or more addresses than people have: all begin anew.
        if counts.0 != time || counts.1.len() >= KEYS_MAX {
            *counts = (time, HashMap::new());
        }
        let count = counts.1.entry(of).or_insert(0);
        *count = count.saturating_add(1);
        if *count > self.max { (time + 1) * self.time_ms - now_ms } else { 0 }
    }
}

fn forget(all: &mut HashMap<[u8; 16], Failures>, now_ms: i64) {
    all.retain(|_, failures| now_ms - failures.last_ms <= MEMORY_MS);
    if all.len() >= KEYS_MAX {
        let mut times: Vec<i64> = all.values().map(|failures| failures.last_ms).collect();
        let middle = times.len() / 2;
        let (_, &mut median, _) = times.select_nth_unstable(middle);
        all.retain(|_, failures| failures.last_ms > median);
    }
}

fn key(what: &str) -> [u8; 16] {
    let mut key = [0; 16];
    blake3::Hasher::new().update(what.as_bytes()).finalize_xof().fill(&mut key);
    key
}

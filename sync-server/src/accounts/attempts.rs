//! Slowing down whoever guesses: failed logins of an address, known or not, and wrong codes of an account.
//!
//! It is a delay that grows and is forgotten, never a lock: nobody can shut others out for good. Guesses that are made at once
//! do not get round it: together with those that are under way there are never more than cost nothing, or else one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limiter::{Failures, Key, Kind, Limiter, LocalLimiter};

/// Failures that cost nothing: people mistype.
const FREE_FAILURES: u32 = 5;
/// The shortest delay, and how long to wait for a guess that is under way.
const DELAY_MS_MIN: i64 = 1_000;
/// The longest delay.
const DELAY_MS_MAX: i64 = 60_000;

/// Delays guesses by what they are at.
pub struct Attempts<L = LocalLimiter> {
    limiter: Arc<L>,
    /// Guesses under way: no more than there are requests.
    under_way: Mutex<HashMap<[u8; 16], u32>>,
}

/// A guess that is under way. One that is dropped was none.
pub struct Guess<'a, L: Limiter = LocalLimiter> {
    attempts: &'a Attempts<L>,
    key: Key,
}

impl<L: Limiter> Attempts<L> {
    /// With what counts the failures.
    pub fn new(limiter: Arc<L>) -> Self {
        Self { limiter, under_way: Mutex::default() }
    }

    /// Begins a guess at this.
    ///
    /// ```
    /// use outlay_server::accounts::Attempts;
    /// use outlay_server::limiter::LocalLimiter;
    /// let attempts = Attempts::new(LocalLimiter::default().into());
    /// let ana = "ana@example.org";
    /// let at_once: Vec<_> = (0..6).map_while(|_| attempts.begin(0, ana).ok()).collect();
    /// assert_eq!((at_once.len(), attempts.begin(0, ana).err()), (6, Some(1_000)));
    /// at_once.into_iter().for_each(|guess| guess.failed(0));
    /// assert_eq!(attempts.begin(0, ana).err(), Some(1_000));
    ///
    /// let alone = attempts.begin(1_000, ana);
    /// assert!(alone.is_ok() && attempts.begin(1_000, ana).is_err() && attempts.begin(0, "ben@example.org").is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// How many milliseconds to wait before the next try.
    pub fn begin(&self, now_ms: i64, what: &str) -> Result<Guess<'_, L>, i64> {
        let key = Key::of_text(Kind::Guess, what);
        let mut under_way = self.under_way();
        let failures = self.limiter.failures(now_ms, key);
        let wait_ms = wait_ms(now_ms, failures);
        if wait_ms > 0 {
            return Err(wait_ms);
        }
        let others = under_way.get(&key.1).copied().unwrap_or(0);
        if others > 0 && failures.count.saturating_add(others) > FREE_FAILURES {
            return Err(DELAY_MS_MIN);
        }
        under_way.insert(key.1, others + 1);
        Ok(Guess { attempts: self, key })
    }

    /// Forgets the failures at this.
    pub fn forget(&self, what: &str) {
        self.limiter.succeeded(Key::of_text(Kind::Guess, what));
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<[u8; 16], u32>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Limiter> Guess<'_, L> {
    /// Notes that it failed.
    pub fn failed(self, now_ms: i64) {
        self.attempts.limiter.failed(now_ms, self.key);
    }

    /// Notes that it was right, which forgets the failures.
    pub fn succeeded(self) {
        self.attempts.limiter.succeeded(self.key);
    }
}

impl<L: Limiter> Drop for Guess<'_, L> {
    fn drop(&mut self) {
        let mut under_way = self.attempts.under_way();
        match under_way.get_mut(&self.key.1) {
            Some(count) if *count > 1 => *count -= 1,
            _ => _ = under_way.remove(&self.key.1),
        }
    }
}

fn wait_ms(now_ms: i64, Failures { count, last_ms }: Failures) -> i64 {
    let Some(over) = count.checked_sub(FREE_FAILURES + 1) else { return 0 };
    let delay_ms = DELAY_MS_MIN.checked_shl(over.min(16)).unwrap_or(DELAY_MS_MAX).min(DELAY_MS_MAX);
    (last_ms + delay_ms - now_ms).clamp(0, DELAY_MS_MAX)
}

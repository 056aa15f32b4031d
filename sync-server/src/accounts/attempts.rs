//! Slowing down whoever guesses: failed logins of an address, known or not, and wrong codes of an account.
//!
//! It is a delay that grows and is forgotten, never a lock: nobody can shut others out for good.

use std::sync::Arc;

use crate::limiter::{Failures, Key, Kind, Limiter, LocalLimiter};

/// Failures that cost nothing: people mistype.
const FREE_FAILURES: u32 = 5;
/// The longest delay.
const DELAY_MS_MAX: i64 = 60_000;

/// Delays guesses by what they are at.
pub struct Attempts<L = LocalLimiter> {
    limiter: Arc<L>,
}

impl<L: Limiter> Attempts<L> {
    /// With what counts the failures.
    pub fn new(limiter: Arc<L>) -> Self {
        Self { limiter }
    }

    /// How many milliseconds to wait before the next try on this.
    ///
    /// ```
    /// use outlay_server::accounts::Attempts;
    /// use outlay_server::limiter::LocalLimiter;
    /// let attempts = Attempts::new(LocalLimiter::default().into());
    /// (0..5).for_each(|_| attempts.failed(0, "ana@example.org"));
    /// assert_eq!(attempts.wait_ms(0, "ana@example.org"), 0);
    /// attempts.failed(0, "ana@example.org");
    /// assert_eq!(attempts.wait_ms(0, "ana@example.org"), 1_000);
    /// assert_eq!(attempts.wait_ms(1_000, "ana@example.org"), 0);
    /// assert_eq!(attempts.wait_ms(0, "ben@example.org"), 0);
    /// ```
    pub fn wait_ms(&self, now_ms: i64, what: &str) -> i64 {
        let Failures { count, last_ms } = self.limiter.failures(now_ms, key(what));
        let Some(over) = count.checked_sub(FREE_FAILURES + 1) else { return 0 };
        let delay_ms = 1_000_i64.checked_shl(over.min(16)).unwrap_or(DELAY_MS_MAX).min(DELAY_MS_MAX);
        (last_ms + delay_ms - now_ms).clamp(0, DELAY_MS_MAX)
    }

    /// Notes a failure.
    pub fn failed(&self, now_ms: i64, what: &str) {
        self.limiter.failed(now_ms, key(what));
    }

    /// Forgets the failures.
    pub fn succeeded(&self, what: &str) {
        self.limiter.succeeded(key(what));
    }
}

fn key(what: &str) -> Key {
    Key::of_text(Kind::Guess, what)
}

//! Nonces for requests that have no connection of their own: good once and for a minute.
//!
//! A nonce carries its time under a keyed hash, so that giving one out costs no memory; only those that were used are
//! remembered, until they are too old anyway. It is taken when the proof over it was verified, never before: otherwise a
//! stranger could fill the memory, and nobody would be let in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How long a nonce is good for, in milliseconds.
const NONCE_MS_MAX: i64 = 60_000;
/// Nonces used within a minute; each needed a proof by a signed-in device. 100,000 take some 5 MB.
const USED_MAX: usize = 100_000;

/// Gives out nonces and takes each back once.
pub struct Nonces {
    key: [u8; 32],
    used: Mutex<HashMap<[u8; 16], i64>>,
}

impl Nonces {
    /// With a random key of this process.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, used: Mutex::default() }
    }

    /// A nonce from four random bytes.
    ///
    /// ```
    /// use outlay_server::auth::Nonces;
    /// let nonces = Nonces::new([1; 32]);
    /// let nonce = nonces.give(5_000, [2; 4]);
    /// assert!(nonces.is_given(64_000, &nonce) && nonces.take(64_000, nonce));
    /// assert!(!nonces.take(64_000, nonce), "once");
    /// assert!(!nonces.take(66_000, nonces.give(5_000, [3; 4])), "for a minute");
    /// assert!(!nonces.take(5_000, [0; 16]), "not one that was not given");
    /// ```
    pub fn give(&self, now_ms: i64, random: [u8; 4]) -> [u8; 16] {
        let seconds = u32::try_from(now_ms.div_euclid(1000)).unwrap_or(0).to_be_bytes();
        let mut nonce = [0; 16];
        nonce[..4].copy_from_slice(&seconds);
        nonce[4..8].copy_from_slice(&random);
        let mac = self.mac(&nonce);
        nonce[8..].copy_from_slice(&mac);
        nonce
    }

    /// Whether the nonce was given out within the last minute. It may have been taken since.
    pub fn is_given(&self, now_ms: i64, nonce: &[u8; 16]) -> bool {
        let given_s = nonce[..4].iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
        let age_ms = now_ms - given_s * 1000;
        self.mac(nonce) == nonce[8..] && (0..=NONCE_MS_MAX).contains(&age_ms)
    }

    /// Whether the nonce was given out within the last minute and not taken before. The proof over it was verified by the
    /// caller.
    pub fn take(&self, now_ms: i64, nonce: [u8; 16]) -> bool {
        if !self.is_given(now_ms, &nonce) {
            return false;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= USED_MAX {
            used.retain(|_, used_ms| now_ms - *used_ms <= NONCE_MS_MAX);
        }
        used.len() < USED_MAX && used.insert(nonce, now_ms).is_none()
    }

    fn mac(&self, nonce: &[u8; 16]) -> [u8; 8] {
        let mut mac = [0; 8];
        blake3::Hasher::new_keyed(&self.key).update(&nonce[..8]).finalize_xof().fill(&mut mac);
        mac
    }
}

//! How many bytes a device and an account may push: a bucket each, that fills at a steady rate.
//!
//! Months of work offline fit the burst, so that nobody who is only coming home is made to wait.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use super::Visitor;

/// Bytes that may be pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// By one device, bytes a second; an account has twice that.
    pub bytes_per_second: u64,
    /// By one device at once, in bytes; an account has twice that.
    pub burst_bytes: u64,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { bytes_per_second: 1 << 20, burst_bytes: 256 << 20 }
    }
}

/// Buckets remembered; one that is full again is forgotten.
const BUCKETS_MAX: usize = 65_536;

#[derive(Clone, Copy)]
struct Bucket {
    bytes: u64,
    at_ms: i64,
}

type Buckets<K> = HashMap<K, Bucket>;

/// The buckets.
pub struct Rates {
    limits: RateLimits,
    /// Of devices and of accounts.
    buckets: Mutex<(Buckets<[u8; 32]>, Buckets<i64>)>,
}

impl Rates {
    /// All full.
    pub fn new(limits: RateLimits) -> Self {
        Self { limits, buckets: Mutex::default() }
    }

    /// Takes so many bytes, or says for how many milliseconds to wait.
    ///
    /// # Errors
    ///
    /// The milliseconds until there are so many, at most a minute.
    pub fn take(&self, now_ms: i64, visitor: &Visitor, bytes: u64) -> Result<(), u32> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let (devices, accounts) = &mut *buckets;
        let RateLimits { bytes_per_second, burst_bytes } = self.limits;
        let twice = RateLimits { bytes_per_second: bytes_per_second * 2, burst_bytes: burst_bytes * 2 };
        let device = bucket(devices, visitor.device.0, self.limits, now_ms);
        let account = bucket(accounts, visitor.aid, twice, now_ms);
        let missing = bytes.saturating_sub(device.bytes).max(bytes.saturating_sub(account.bytes) / 2);
        if missing > 0 {
            let wait_ms = missing.saturating_mul(1000) / bytes_per_second.max(1) + 1;
            return Err(u32::try_from(wait_ms.min(60_000)).unwrap_or(60_000));
        }
        device.bytes -= bytes;
        account.bytes -= bytes;
        Ok(())
    }
}

fn bucket<K: Eq + Hash>(all: &mut Buckets<K>, key: K, limits: RateLimits, now_ms: i64) -> &mut Bucket {
    if all.len() >= BUCKETS_MAX {
        all.retain(|_, bucket| filled(*bucket, limits, now_ms).bytes < limits.burst_bytes);
    }
    let full = Bucket { bytes: limits.burst_bytes, at_ms: now_ms };
    let bucket = all.entry(key).or_insert(full);
    *bucket = filled(*bucket, limits, now_ms);
    bucket
}

fn filled(bucket: Bucket, limits: RateLimits, now_ms: i64) -> Bucket {
    let passed_ms = u64::try_from(now_ms - bucket.at_ms).unwrap_or(0);
    let bytes = bucket.bytes.saturating_add(passed_ms.saturating_mul(limits.bytes_per_second) / 1000);
    Bucket { bytes: bytes.min(limits.burst_bytes), at_ms: now_ms }
}

#[cfg(test)]
mod tests {
    use outlay_ledger::DeviceKey;

    use super::*;

    #[test]
    fn a_burst_passes_and_what_comes_after_it_waits_as_long_as_it_takes() {
        let rates = Rates::new(RateLimits { bytes_per_second: 100, burst_bytes: 1_000 });
        let ana = Visitor { aid: 1, device: DeviceKey([1; 32]) };
        assert_eq!(rates.take(0, &ana, 1_000), Ok(()));
        assert_eq!(rates.take(0, &ana, 100), Err(1_001));
        assert_eq!(rates.take(1_001, &ana, 100), Ok(()));
        let phone = Visitor { aid: 1, device: DeviceKey([2; 32]) };
        assert_eq!(rates.take(1_001, &phone, 1_000), Ok(()), "twice for the account");
        let tablet = Visitor { aid: 1, device: DeviceKey([3; 32]) };
        assert!(rates.take(1_001, &tablet, 1_000).is_err(), "but not three times");
    }
}

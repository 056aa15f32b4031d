//! How many bytes a device and an account may push, each at a steady rate.
//!
//! Months of work offline fit the burst, so that nobody who is only coming home is made to wait.

use std::sync::Arc;

use outlay_ledger::CommitId;
use outlay_ledger::commit::Commit;

use super::Visitor;
use crate::limiter::{Key, Kind, Limiter, LocalLimiter, Rate, Taken};

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

/// The longest that somebody is told to wait, in milliseconds: he may ask again before there is room.
const WAIT_MS_MAX: i64 = 60_000;

/// The rates of pushes.
pub struct Rates<L = LocalLimiter> {
    limiter: Arc<L>,
    device: Rate,
    account: Rate,
}

impl<L: Limiter> Rates<L> {
    /// With such limits.
    pub fn new(limiter: Arc<L>, limits: RateLimits) -> Self {
        let RateLimits { bytes_per_second, burst_bytes } = limits;
        let device = Rate { burst: burst_bytes, units: bytes_per_second, time_ms: 1_000 };
        let account =
            Rate { burst: burst_bytes.saturating_mul(2), units: bytes_per_second.saturating_mul(2), ..device };
        Self { limiter, device, account }
    }

    /// Takes the bytes of commits, or says for how many milliseconds to wait.
    ///
    /// # Errors
    ///
    /// The milliseconds until there are so many, at most a minute.
    pub fn admit(&self, now_ms: i64, visitor: &Visitor, commits: &[(Commit, CommitId)]) -> Result<(), u32> {
        self.take(now_ms, visitor, commits.iter().map(|(commit, _)| bytes_about(commit)).sum())
    }

    fn take(&self, now_ms: i64, visitor: &Visitor, bytes: u64) -> Result<(), u32> {
        let device = Key::of_bytes(Kind::DevicePush, &visitor.device.0);
        let account = Key::of_account(Kind::AccountPush, visitor.aid);
        wait(self.limiter.take(now_ms, device, self.device, bytes))?;
        wait(self.limiter.take(now_ms, account, self.account, bytes))
            .inspect_err(|_| self.limiter.put_back(device, self.device, bytes))
    }
}

fn wait(taken: Taken) -> Result<(), u32> {
    match taken {
        Taken::Yes { .. } => Ok(()),
        Taken::No { wait_ms } => Err(u32::try_from(wait_ms.min(WAIT_MS_MAX)).unwrap_or(u32::MAX)),
    }
}

/// About how many bytes a commit has: its payloads and what stands beside them.
fn bytes_about(commit: &Commit) -> u64 {
    let payloads: usize = commit.records.iter().map(|record| record.payload().map_or(0, <[u8]>::len) + 8).sum();
    payloads as u64 + 200
}

#[cfg(test)]
mod tests {
    use outlay_ledger::DeviceKey;

    use super::*;

    #[test]
    fn a_burst_passes_and_what_comes_after_it_waits_as_long_as_it_takes() {
        let limits = RateLimits { bytes_per_second: 100, burst_bytes: 1_000 };
        let rates = Rates::new(Arc::new(LocalLimiter::default()), limits);
        let ana = Visitor { aid: 1, device: DeviceKey([1; 32]) };
        assert_eq!(rates.take(0, &ana, 1_000), Ok(()));
        assert_eq!(rates.take(0, &ana, 100), Err(1_000));
        assert_eq!(rates.take(1_000, &ana, 100), Ok(()));
        let phone = Visitor { aid: 1, device: DeviceKey([2; 32]) };
        assert_eq!(rates.take(1_000, &phone, 1_000), Ok(()), "twice for the account");
        let tablet = Visitor { aid: 1, device: DeviceKey([3; 32]) };
        assert_eq!(rates.take(1_000, &tablet, 1_000), Err(4_500), "but not three times");
        assert_eq!(rates.take(5_500, &tablet, 1_000), Ok(()), "which has cost the tablet nothing");
    }
}

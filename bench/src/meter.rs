//! Time that was spent: of the processor and of the wall.
//!
//! The processor's time is the process's own, user and kernel, all threads: what the engine does in the background is in
//! it. It moves little on a busy machine, while the wall's may be several times what a quiet one takes.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of the processor and of the wall.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) cpu_ns: u64,
    pub(crate) wall_ns: u64,
}

impl Spent {
    /// The share of one of `count`.
    pub(crate) fn each(self, count: u64) -> Self {
        let count = count.max(1);
        Self { cpu_ns: self.cpu_ns / count, wall_ns: self.wall_ns / count }
    }
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.cpu_ns += other.cpu_ns;
        self.wall_ns += other.wall_ns;
    }
}

/// A measurement that has begun.
#[derive(Debug)]
pub(crate) struct Meter {
    clock: ClockId,
    cpu_ns: u64,
    wall: Instant,
}

impl Meter {
    /// Of the whole process.
    pub(crate) fn process() -> Self {
        Self::of(ClockId::ProcessCPUTime)
    }

    /// Of the calling thread alone.
    pub(crate) fn thread() -> Self {
        Self::of(ClockId::ThreadCPUTime)
    }

    fn of(clock: ClockId) -> Self {
        Self { clock, cpu_ns: cpu_ns(clock), wall: Instant::now() }
    }

    pub(crate) fn stop(&self) -> Spent {
        let wall_ns = u64::try_from(self.wall.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Spent { cpu_ns: cpu_ns(self.clock).saturating_sub(self.cpu_ns), wall_ns }
    }
}

/// What this process has taken of the processor since it began.
pub(crate) fn process_cpu_ns() -> u64 {
    cpu_ns(ClockId::ProcessCPUTime)
}

fn cpu_ns(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// The value in the middle.
pub(crate) fn median(values: &mut [u64]) -> u64 {
    percentile(values, 50)
}

/// The value that `percent` of all do not exceed.
pub(crate) fn percentile(values: &mut [u64], percent: usize) -> u64 {
    permille(values, percent * 10)
}

/// The value that so many of a thousand do not exceed.
pub(crate) fn permille(values: &mut [u64], permille: usize) -> u64 {
    values.sort_unstable();
    let place = (values.len() * permille).div_ceil(1_000).saturating_sub(1);
    values.get(place).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let mut values: Vec<u64> = (1..=1_000).rev().collect();
        assert_eq!(percentile(&mut values, 99), 990);
        assert_eq!(median(&mut values), 500);
        assert_eq!(median(&mut [7]), 7);
    }
}

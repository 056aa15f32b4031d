//! What a device has of the world outside it: a clock that may be wrong, randomness, and a disk that may fail.
//!
//! Time passes only when the simulator says so.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outlay_core::{Date, Environment};

use crate::disk::copy_database;
use crate::fault::{Armed, Struck};
use crate::random::Random;

/// When the simulation begins: 2026-03-15, noon.
pub const BEGIN_MS: i64 = 1_773_576_000_000;
const DAY_MS: i64 = 86_400_000;

/// The true time of the simulated world.
#[derive(Debug, Default)]
pub struct Clock {
    elapsed_ms: AtomicI64,
}

impl Clock {
    /// Milliseconds since the simulation began: a clock that does not go back.
    pub fn elapsed_ms(&self) -> i64 {
        self.elapsed_ms.load(Ordering::SeqCst)
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        BEGIN_MS + self.elapsed_ms()
    }

    /// Lets time pass up to a moment.
    pub fn advance_to(&self, elapsed_ms: i64) {
        self.elapsed_ms.fetch_max(elapsed_ms, Ordering::SeqCst);
    }
}

/// What one process of a device sees of the world.
#[derive(Debug)]
pub struct DeviceEnvironment {
    clock: Arc<Clock>,
    skew_ms: AtomicI64,
    random: Mutex<Random>,
    disk: Mutex<Disk>,
}

/// How the disk is.
#[derive(Debug, Default)]
struct Disk {
    armed: Option<Armed>,
    struck: Option<Struck>,
}

impl DeviceEnvironment {
    /// A device with a clock that is right.
    pub fn new(clock: Arc<Clock>, random: Random) -> Self {
        Self { clock, skew_ms: AtomicI64::new(0), random: Mutex::new(random), disk: Mutex::default() }
    }

    /// Sets by how much the clock is wrong.
    pub fn set_skew_ms(&self, skew_ms: i64) {
        self.skew_ms.store(skew_ms, Ordering::SeqCst);
    }

    /// By how much the clock is wrong.
    pub fn skew_ms(&self) -> i64 {
        self.skew_ms.load(Ordering::SeqCst)
    }

    /// Has a write fail, or the process die at one. `None` calls it off.
    pub fn arm(&self, armed: Option<Armed>) {
        lock(&self.disk).armed = armed;
    }

    /// The fault that has struck since this was last asked.
    pub fn take_struck(&self) -> Option<Struck> {
        let mut disk = lock(&self.disk);
        match &disk.struck {
            // A dead process stays dead.
            Some(struck) if struck.fault.is_crash() => disk.struck.clone(),
            _ => disk.struck.take(),
        }
    }

    fn strike(&self, is_after: bool) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        if disk.struck.as_ref().is_some_and(|struck| struck.fault.is_crash()) {
            return Err(io::Error::other("the process is dead"));
        }
        let Some(armed) = disk.armed.take_if(|armed| armed.fault.is_after() == is_after) else { return Ok(()) };
        if armed.calls > 0 {
            disk.armed = Some(Armed { calls: armed.calls - 1, ..armed });
            return Ok(());
        }
        if armed.fault.is_crash() {
            copy_database(&armed.database, &armed.remains)?;
        }
        disk.struck = Some(Struck { fault: armed.fault, remains: armed.remains });
        Err(io::Error::other("a fault of the simulated disk"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Environment for DeviceEnvironment {
    fn now_ms(&self) -> i64 {
        self.clock.now_ms().saturating_add(self.skew_ms())
    }

    fn today(&self) -> Date {
        let days = self.now_ms().div_euclid(DAY_MS);
        i32::try_from(days).ok().and_then(Date::from_days).unwrap_or(Date::EPOCH)
    }

    fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()> {
        lock(&self.random).fill(bytes);
        Ok(())
    }

    fn before_write(&self) -> io::Result<()> {
        self.strike(false)
    }

    fn after_write(&self) -> io::Result<()> {
        self.strike(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_wrong_by_as_much_and_time_never_goes_back() {
        let clock = Arc::new(Clock::default());
        let device = DeviceEnvironment::new(Arc::clone(&clock), Random::new(1));
        device.set_skew_ms(-BEGIN_MS);
        clock.advance_to(5_000);
        clock.advance_to(4_000);
        assert_eq!((device.now_ms(), device.today().to_string()), (5_000, "1970-01-01".to_owned()));
        assert_eq!(clock.now_ms(), BEGIN_MS + 5_000);
    }
}

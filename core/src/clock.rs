//! The one place that knows what time it is and where randomness comes from.
//!
//! Everything else takes both as arguments, so that tests and the simulator decide them.

use std::sync::Arc;

use outlay_ledger::Date;

/// Time and randomness, as the engine sees them.
pub trait Environment: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC. Shown to people and never used to order.
    fn now_ms(&self) -> i64;

    /// The civil date where the device is.
    fn today(&self) -> Date;

    /// Fills `bytes` with unpredictable ones.
    ///
    /// # Errors
    ///
    /// If the system has none to give: then nothing is signed.
    fn fill_random(&self, bytes: &mut [u8]) -> std::io::Result<()>;

    /// Told before each write to the database. An error is the write's: a simulator has it fail here.
    ///
    /// # Errors
    ///
    /// None, but in a simulation.
    fn before_write(&self) -> std::io::Result<()> {
        Ok(())
    }

    /// Told after each write, when it is durable. An error is the write's all the same: what a caller does not hear of may
    /// have happened.
    ///
    /// # Errors
    ///
    /// None, but in a simulation.
    fn after_write(&self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The device's own clock, time zone and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Environment for System {
    fn now_ms(&self) -> i64 {
        jiff::Timestamp::now().as_millisecond()
    }

    fn today(&self) -> Date {
        let today = jiff::Zoned::now().date();
        // A clock that is centuries off gives a date that people see is wrong, not an error.
        Date::parse(&today.to_string()).unwrap_or(Date::EPOCH)
    }

    fn fill_random(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        getrandom::fill(bytes).map_err(std::io::Error::other)
    }
}

/// Random bytes of a fixed width.
pub(crate) fn random<const N: usize>(environment: &Arc<dyn Environment>) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    environment.fill_random(&mut bytes)?;
    Ok(bytes)
}

//! What is looked at: after each event what it may have changed, and now and then everything.
//!
//! What a device shows follows from the commits that it holds, so it is read anew when these are others, and compared with
//! what others with the same commits showed last. That nothing else changed it is what the look at everything is for.
//! Acknowledgements and cursors are looked at where they are sent and noted, see [`crate::oracle`].

use std::collections::BTreeSet;

use outlay_core::LedgerId;

use super::World;
use crate::Violation;
use crate::coverage::Mark;
use crate::oracle::compare::{self, Shown};

/// Happenings between two looks at everything.
pub(super) const HAPPENINGS_PER_CHECK: usize = 75;

impl World<'_> {
    /// Looks at what an event may have changed.
    pub(super) fn check_changed(&mut self) -> Result<(), Violation> {
        if self.devices.iter().all(|device| device.changed.is_empty()) {
            return Ok(());
        }
        self.oracle.check_told(&self.devices)?;
        for at in 0..self.devices.len() {
            let changed = std::mem::take(&mut self.devices[at].changed);
            if !changed.is_empty() {
                self.check_device(at, &changed)?;
            }
        }
        Ok(())
    }

    fn check_device(&mut self, at: usize, changed: &BTreeSet<LedgerId>) -> Result<(), Violation> {
        self.oracle.check_told_here(&self.devices[at])?;
        self.oracle.check_shown(&self.devices[at])?;
        for ledger in changed {
            self.shown.remove(&(at, *ledger));
            if self.devices[at].held.contains_key(ledger) {
                let shown = self.check_alike(at, *ledger)?;
                self.shown.insert((at, *ledger), shown);
            }
        }
        Ok(())
    }

    /// What a device shows of a ledger is what the others show that hold the same commits, and sums up.
    fn check_alike(&self, at: usize, ledger: LedgerId) -> Result<Shown, Violation> {
        let device = &self.devices[at];
        let shown = Shown::of(device.engine, ledger)?;
        shown.check_sums()?;
        let same = self.devices.iter().filter(|other| other.held.get(&ledger) == device.held.get(&ledger));
        for other in same {
            if let Some(theirs) = self.shown.get(&(other.number, ledger)) {
                theirs.check_same(&shown, &format!("{other} and {device} of {ledger}"))?;
            }
        }
        Ok(shown)
    }

    /// Looks at everything that is too dear to be looked at after each event.
    pub(super) fn check_everything(&mut self, is_end: bool) -> Result<(), Violation> {
        self.oracle.check_told(&self.devices)?;
        if self.server.is_up() {
            self.oracle.check_acked()?;
        }
        if self.server.file().open_heads()? > 1 {
            self.coverage.hit(Mark::Fork);
        }
        for ((at, ledger), before) in &self.shown {
            let device = &self.devices[*at];
            before
                .check_same(&Shown::of(device.engine, *ledger)?, &format!("{device} of {ledger}, without a commit"))?;
        }
        for device in self.devices.iter().filter(|_| is_end) {
            compare::check_rebuild(device.engine, &device.to_string())?;
            let integrity = device.file().integrity()?;
            if integrity != "ok" {
                return Err(Violation::new("a database file is in order", format!("{device}: {integrity}")));
            }
        }
        Ok(())
    }
}

//! What collided, what was done, and taking it back.

use outlay_core::{Conflict, DocumentId, HistoryEntry, LedgerId, Undone};

use super::{Engine, Result};
use crate::records::conflicts::Resolution;

#[uniffi::export]
impl Engine {
    /// The fields of a ledger that hold several values, because devices that did not know of each other set them.
    pub fn conflicts(&self, ledger: LedgerId) -> Result<Vec<Conflict>> {
        self.call(|engine| engine.conflicts(ledger))
    }

    /// Settles a conflict, on every device. It is refused if its values have changed since it was answered.
    pub fn resolve(&self, conflict: Conflict, resolution: Resolution) -> Result<()> {
        self.call(|engine| engine.resolve(&conflict, resolution.into()))
    }

    /// What was done to a thing, oldest first: by whom, when, and what it set.
    pub fn history(&self, ledger: LedgerId, id: DocumentId) -> Result<Vec<HistoryEntry>> {
        self.call(|engine| engine.history(ledger, id))
    }

    /// Undoes the last action of this device that is not undone, a whole import too. Answers nothing if there is none.
    pub fn undo(&self) -> Result<Option<Undone>> {
        self.call(|engine| engine.undo())
    }
}

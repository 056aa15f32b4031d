//! Ledgers, and what has a name in them.

use outlay_core::{Currency, DocumentId, Ledger, LedgerId, Named, Role};

/// What a member may do.
#[uniffi::remote(Enum)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Reads and writes expenses and the like.
    Editor,
    /// Does everything.
    Owner,
}

/// A ledger on this device.
#[uniffi::remote(Record)]
pub struct Ledger {
    /// Its id.
    pub id: LedgerId,
    /// Its name; empty while its settings are not held.
    pub name: String,
    /// The currency in which its entries are by default; absent while its settings are not held.
    pub currency: Option<Currency>,
    /// What this device may do in it; absent if it is no member: then the ledger can be read only.
    pub role: Option<Role>,
    /// Whether entries go here when no ledger is named.
    pub is_default: bool,
}

/// An account or a category, by id and name.
#[uniffi::remote(Record)]
pub struct Named {
    /// Its id.
    pub id: DocumentId,
    /// Its name; of a category the whole path from the top, joined by `:`.
    pub name: String,
}

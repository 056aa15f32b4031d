//! Ledgers, and what has a name in them.

use outlay_core::{Currency, Ledger, LedgerId, Named};

use super::{Engine, Result};

#[uniffi::export]
impl Engine {
    /// Makes a ledger. The first one is the default ledger.
    pub fn create_ledger(&self, name: String, currency: Currency) -> Result<Ledger> {
        self.call(|engine| engine.create_ledger(&name, currency))
    }

    /// The ledgers on this device.
    pub fn ledgers(&self) -> Result<Vec<Ledger>> {
        self.call(|engine| engine.ledgers())
    }

    /// A ledger on this device.
    pub fn ledger(&self, id: LedgerId) -> Result<Ledger> {
        self.call(|engine| engine.ledger(id))
    }

    /// The ledger into which entries go when none is named, if there is one.
    pub fn default_ledger(&self) -> Result<Option<Ledger>> {
        self.call(|engine| engine.default_ledger())
    }

    /// The default ledger, which is made if there is none.
    pub fn ensure_default_ledger(&self) -> Result<Ledger> {
        self.call(|engine| engine.ensure_default_ledger())
    }

    /// Makes a ledger the default one.
    pub fn set_default_ledger(&self, id: LedgerId) -> Result<()> {
        self.call(|engine| engine.set_default_ledger(id))
    }

    /// The accounts of a ledger, by name.
    pub fn accounts(&self, ledger: LedgerId) -> Result<Vec<Named>> {
        self.call(|engine| engine.accounts(ledger))
    }

    /// The categories of a ledger, by path.
    pub fn categories(&self, ledger: LedgerId) -> Result<Vec<Named>> {
        self.call(|engine| engine.categories(ledger))
    }

    /// The category of a path from the top, if there is one.
    pub fn find_category(&self, ledger: LedgerId, path: Vec<String>) -> Result<Option<Named>> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.call(|engine| engine.find_category(ledger, &path))
    }

    /// The account of a name, if there is one.
    pub fn find_account(&self, ledger: LedgerId, name: String) -> Result<Option<Named>> {
        self.call(|engine| engine.find_account(ledger, &name))
    }
}

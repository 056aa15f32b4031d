//! Entries: written, read, and watched.

use std::sync::Arc;

use outlay_core::{DocumentId, Expense, Filter, LedgerId, Month, NewExpense, Page, Sort, Total};

use super::{Engine, Result};
use crate::observer::{Observer, ObserverBridge, Subscription};
use crate::records::entries::Edit;
use crate::records::opening::Options;

/// Adds one entry from a process that does nothing else, as a widget does: opens the database, also while an app has it open,
/// adds, and closes it. It goes into the default ledger when none is named.
///
/// It is durable when this returns; an observer of the app sees it within a second.
#[uniffi::export]
pub fn quick_add(path: String, options: Options, ledger: Option<LedgerId>, new: NewExpense) -> Result<Expense> {
    let engine = Engine::open(path, options)?;
    let ledger = match ledger {
        Some(ledger) => ledger,
        None => engine.ensure_default_ledger()?.id,
    };
    engine.add_expense(ledger, new)
}

#[uniffi::export]
impl Engine {
    /// Adds an entry to a ledger and returns it as stored.
    ///
    /// It is durable when this returns, with or without a network; syncing happens later.
    pub fn add_expense(&self, ledger: LedgerId, new: NewExpense) -> Result<Expense> {
        self.call(|engine| engine.add_expense(ledger, new))
    }

    /// Changes fields of an entry and returns it as stored. What is as it was is not written.
    pub fn edit_expense(&self, ledger: LedgerId, id: DocumentId, edit: Edit) -> Result<Expense> {
        self.call(|engine| engine.edit_expense(ledger, id, edit.into()))
    }

    /// Moves an entry to the trash.
    pub fn delete_expense(&self, ledger: LedgerId, id: DocumentId) -> Result<Expense> {
        self.call(|engine| engine.delete_expense(ledger, id))
    }

    /// Takes an entry out of the trash.
    pub fn restore_expense(&self, ledger: LedgerId, id: DocumentId) -> Result<Expense> {
        self.call(|engine| engine.restore_expense(ledger, id))
    }

    /// An entry, if the ledger has it.
    pub fn expense(&self, ledger: LedgerId, id: DocumentId) -> Result<Option<Expense>> {
        self.call(|engine| engine.expense(ledger, id))
    }

    /// An entry of any ledger on this device.
    pub fn find_expense(&self, id: DocumentId) -> Result<Option<Expense>> {
        self.call(|engine| engine.find_expense(id))
    }

    /// One page of the entries that pass a filter. `after` is where the page before it said to go on.
    #[uniffi::method(default(after = None, limit = 50))]
    pub fn query(
        &self,
        ledger: LedgerId,
        filter: Filter,
        sort: Sort,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Page> {
        self.call(|engine| engine.query(ledger, &filter, sort, after, limit as usize))
    }

    /// What was spent and earned from one month to another, by month, category and currency.
    ///
    /// Currencies are never added to each other. Transfers are neither spent nor earned.
    pub fn totals(&self, ledger: LedgerId, from: Month, to: Month) -> Result<Vec<Total>> {
        self.call(|engine| engine.totals(ledger, from, to))
    }

    /// Watches the first entries that pass a filter, and tells what changes among them.
    ///
    /// The observer is first told all of them as inserted, then every difference after a commit, also of another process
    /// within a second.
    pub fn observe(
        &self,
        ledger: LedgerId,
        filter: Filter,
        sort: Sort,
        limit: u32,
        observer: Arc<dyn Observer>,
    ) -> Result<Arc<Subscription>> {
        let observer = Arc::new(ObserverBridge(observer));
        let subscription = self.call(|engine| engine.observe(ledger, filter, sort, limit as usize, observer))?;
        Ok(Subscription::over(subscription))
    }
}

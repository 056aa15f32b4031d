//! Entries as rows for statistics, and what people decide of payments that come back.

use outlay_ledger::expense::{self, Decision};
use outlay_ledger::spend::Spend;
use outlay_ledger::{DocumentId, LedgerId};

use super::Engine;
use crate::error::Result;
use crate::model::Expense;
use crate::store::{insights, keys};

impl Engine {
    /// Decides of a payment that comes back whether it is a commitment; `None` takes a decision back. It is named by an entry
    /// that is one of its payments, holds for all of them, and is synced like any other change of that entry.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] and [`crate::ErrorKind::Forbidden`].
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Decision, Engine, Money, NewExpense};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let rent = engine.add_expense(home, NewExpense::new(Money::parse("800", Currency::EUR)?, "Rent"))?.id;
    /// engine.decide(home, rent, Some(Decision::Confirmed))?;
    /// assert_eq!(engine.decisions(home)?, [(rent, Decision::Confirmed)]);
    /// engine.decide(home, rent, None)?;
    /// assert_eq!(engine.decisions(home)?, []);
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn decide(&self, ledger: LedgerId, id: DocumentId, decision: Option<Decision>) -> Result<Expense> {
        self.change(ledger, id, |_, document| Ok(expense::decide(document, decision).into_iter().collect()))
    }

    /// What was decided of payments that come back, each with the entry that names it, which may be in the trash;
    /// ascending by id.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] if the ledger is not on this device.
    pub fn decisions(&self, ledger: LedgerId) -> Result<Vec<(DocumentId, Decision)>> {
        self.store.read_named(|connection, names| {
            insights::decisions(connection, names, keys::ledger_here(connection, ledger)?)
        })
    }

    /// The entries of a ledger that are not in the trash, as rows for statistics, in no order: all of them at once, some 200
    /// bytes each.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] if the ledger is not on this device.
    pub fn spending(&self, ledger: LedgerId) -> Result<Vec<Spend>> {
        self.store.read_named(|connection, names| {
            insights::spending(connection, names, keys::ledger_here(connection, ledger)?)
        })
    }
}

//! Looking at entries: one, a page, totals, and live.

use std::sync::Arc;

use outlay_ledger::{DocumentId, LedgerId, Month};

use super::Engine;
use crate::error::{Error, Result};
use crate::model::{Expense, Filter, Page, Sort, Total};
use crate::observe::{Observer, Subscription, Watch};
use crate::store::{keys, query, totals};

impl Engine {
    /// One entry, whether in the trash or not; `None` if the ledger has no such one.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] if the ledger is not on this device.
    pub fn expense(&self, ledger: LedgerId, id: DocumentId) -> Result<Option<Expense>> {
        self.store.read_named(|connection, names| {
            query::expense(connection, names, keys::ledger_here(connection, ledger)?, &id)
        })
    }

    /// One entry, whatever its ledger: in the default one if several have it.
    ///
    /// # Errors
    ///
    /// Only those of the database.
    pub fn find_expense(&self, id: DocumentId) -> Result<Option<Expense>> {
        let default = self.default_ledger()?.map(|ledger| ledger.id);
        self.store.read_named(|connection, names| {
            let mut found = Vec::new();
            for lid in keys::ledgers_of_document(connection, &id)? {
                found.extend(query::expense(connection, names, lid, &id)?);
            }
            let is_default = |expense: &Expense| Some(expense.ledger) == default;
            let index = found.iter().position(is_default).unwrap_or(0);
            Ok(found.into_iter().nth(index))
        })
    }

    /// A page of the entries that pass a filter.
    ///
    /// `after` is [`Page::next`] of the page before; `limit` is 1 to 1000. A page costs the same anywhere in the ledger.
    ///
    /// # Errors
    ///
    /// * [`crate::ErrorKind::InvalidInput`] if the limit is out of range.
    /// * [`crate::ErrorKind::NotFound`] if the ledger, or the entry to go on after, is not on this device.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, Filter, Money, NewExpense, Sort};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// for (amount, payee) in [("3.40", "Café"), ("12.00", "Corner Café"), ("80.00", "Rent")] {
    ///     engine.add_expense(home, NewExpense::new(Money::parse(amount, Currency::EUR)?, payee))?;
    /// }
    /// let filter = Filter { text: Some("cafe".into()), ..Filter::default() };
    /// let page = engine.query(home, &filter, Sort::Largest, None, 50)?;
    /// let payees: Vec<_> = page.expenses.iter().map(|expense| expense.payee.as_str()).collect();
    /// assert_eq!(payees, ["Corner Café", "Café"]);
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn query(
        &self,
        ledger: LedgerId,
        filter: &Filter,
        sort: Sort,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Page> {
        self.store.read_named(|connection, names| {
            let lid = keys::ledger_here(connection, ledger)?;
            query::page(connection, names, lid, filter, sort, after, limit)
        })
    }

    /// What was spent and earned from one month to another, by month, category and currency.
    ///
    /// Currencies are never added to each other. Transfers are neither spent nor earned.
    ///
    /// # Errors
    ///
    /// * [`crate::ErrorKind::InvalidInput`] if the last month is before the first.
    /// * [`crate::ErrorKind::NotFound`] if the ledger is not on this device.
    pub fn totals(&self, ledger: LedgerId, from: Month, to: Month) -> Result<Vec<Total>> {
        if to < from {
            return Err(Error::invalid("the last month is before the first"));
        }
        self.store.read_named(|connection, names| {
            totals::totals(connection, names, keys::ledger_here(connection, ledger)?, from, to)
        })
    }

    /// Watches the first entries that pass a filter, and tells what changes among them.
    ///
    /// The observer is first told all of them as inserted, then every difference after a commit, also of another process
    /// within a second. It is called on a thread of the engine's; differences that come faster than it returns are
    /// told as one. Dropping the [`Subscription`] ends it.
    ///
    /// # Errors
    ///
    /// As [`Engine::query`].
    pub fn observe(
        &self,
        ledger: LedgerId,
        filter: Filter,
        sort: Sort,
        limit: usize,
        observer: Arc<dyn Observer>,
    ) -> Result<Subscription> {
        self.query(ledger, &filter, sort, None, limit)?;
        Ok(self.observers.subscribe(Watch { ledger, filter, sort, limit }, observer))
    }
}

//! Everything that an engine shows of a ledger, in a form that does not depend on which device shows it.

use std::collections::{BTreeMap, BTreeSet};

use outlay_core::{
    CommitId, ConflictValue, Currency, DocumentId, Engine, Expense, Filter, LedgerId, Month, Named, Sort, Total,
};

use crate::Violation;

const ALIKE: &str = "two devices with the same commits show the same";
const SUMS: &str = "totals are the sums of what is listed";
const REBUILT: &str = "what is shown is what a rebuild from the commits shows";

/// What two replicas that hold the same commits must both show.
#[derive(Debug, PartialEq)]
pub struct Shown {
    name: String,
    currency: Option<Currency>,
    heads: Vec<CommitId>,
    expenses: BTreeMap<DocumentId, Expense>,
    totals: Vec<Total>,
    accounts: BTreeSet<(DocumentId, String)>,
    categories: BTreeSet<(DocumentId, String)>,
    conflicts: BTreeMap<(DocumentId, String), Vec<ConflictValue>>,
}

impl Shown {
    /// Looks at everything.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    pub fn of(engine: &Engine, ledger: LedgerId) -> Result<Self, Violation> {
        let held = engine.ledger(ledger)?;
        let (first, last) = (month(1)?, month(4_999)?);
        let named = |named: Vec<Named>| named.into_iter().map(|named| (named.id, named.name)).collect();
        Ok(Self {
            name: held.name,
            currency: held.currency,
            heads: engine.heads(ledger)?,
            expenses: expenses(engine, ledger)?,
            totals: engine.totals(ledger, first, last)?,
            accounts: named(engine.accounts(ledger)?),
            categories: named(engine.categories(ledger)?),
            conflicts: conflicts(engine, ledger)?,
        })
    }

    /// Whether another replica shows the same.
    ///
    /// # Errors
    ///
    /// The first part in which they differ.
    pub fn check_same(&self, other: &Self, who: &str) -> Result<(), Violation> {
        let parts = [
            ("heads", self.heads == other.heads),
            ("name", self.name == other.name && self.currency == other.currency),
            ("entries", self.expenses == other.expenses),
            ("totals", self.totals == other.totals),
            ("accounts", self.accounts == other.accounts),
            ("categories", self.categories == other.categories),
            ("conflicts", self.conflicts == other.conflicts),
        ];
        match parts.iter().find(|(_, is_same)| !is_same) {
            Some((part, _)) => Err(Violation::new(ALIKE, format!("{who}: {part}"))),
            None => Ok(()),
        }
    }

    /// Whether the totals are those of the entries.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn check_sums(&self) -> Result<(), Violation> {
        let mut sums: BTreeMap<String, (i128, u64)> = BTreeMap::new();
        for expense in self.expenses.values().filter(|expense| !expense.deleted) {
            let (Some(amount), Some(kind)) = (expense.amount, expense.kind) else { continue };
            let minor = match kind {
                outlay_core::EntryKind::Transfer => continue,
                outlay_core::EntryKind::Expense => i128::from(amount.minor()),
                outlay_core::EntryKind::Income => -i128::from(amount.minor()),
            };
            let sum = sums.entry(amount.currency().to_string()).or_default();
            (sum.0, sum.1) = (sum.0 + minor, sum.1 + 1);
        }
        let mut shown: BTreeMap<String, (i128, u64)> = BTreeMap::new();
        for total in &self.totals {
            let sum = shown.entry(total.spent.currency.to_string()).or_default();
            (sum.0, sum.1) = (sum.0 + total.spent.minor - total.earned.minor, sum.1 + total.count);
        }
        if sums == shown { Ok(()) } else { Err(Violation::new(SUMS, format!("{sums:?} listed, {shown:?} shown"))) }
    }
}

/// Has the engine make everything anew from its commits, and compare.
///
/// # Errors
///
/// If something differs.
pub fn check_rebuild(engine: &Engine, who: &str) -> Result<(), Violation> {
    let problems = engine.doctor()?.problems;
    if problems.is_empty() { Ok(()) } else { Err(Violation::new(REBUILT, format!("{who}: {problems:?}"))) }
}

fn month(year: u16) -> Result<Month, Violation> {
    Month::from_year_month(year, 12).map_err(|error| Violation::of_simulator(&error))
}

fn expenses(engine: &Engine, ledger: LedgerId) -> Result<BTreeMap<DocumentId, Expense>, Violation> {
    let mut expenses = BTreeMap::new();
    for deleted in [false, true] {
        let filter = Filter { deleted, ..Filter::default() };
        let mut after = None;
        loop {
            let page = engine.query(ledger, &filter, Sort::Newest, after, 1_000)?;
            expenses.extend(page.expenses.into_iter().map(|expense| (expense.id, expense)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(expenses)
}

fn conflicts(
    engine: &Engine,
    ledger: LedgerId,
) -> Result<BTreeMap<(DocumentId, String), Vec<ConflictValue>>, Violation> {
    let conflicts = engine.conflicts(ledger)?.into_iter().map(|mut conflict| {
        conflict.values.iter_mut().for_each(|value| value.author.is_self = false);
        ((conflict.document, conflict.field), conflict.values)
    });
    Ok(conflicts.collect())
}

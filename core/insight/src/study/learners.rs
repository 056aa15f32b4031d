//! Who goes over the rows: the judge of odd charges, and those who learn where a person files.

use outlay_ledger::spend::Spend;
use outlay_ledger::{DocumentId, EntryKind};

use super::pass::Learner;
use crate::odd::{Judge, Reason};
use crate::suggest::{Suggester, Suggestion};

/// A row with the topmost category above its own, or its own.
impl Learner for Judge {
    type Row<'a> = (&'a Spend, Option<DocumentId>);
    type Said = (DocumentId, Vec<Reason>);

    fn fresh() -> Self {
        Self::new()
    }

    fn take(&mut self, (row, top): Self::Row<'_>) -> Option<Self::Said> {
        let reasons = Self::take(self, row, top);
        (!reasons.is_empty()).then_some((row.id, reasons))
    }
}

/// Suggesters of the very categories that a person files under, of expenses and of income.
#[derive(Debug, Clone)]
pub(super) struct Filer {
    expenses: Suggester,
    income: Suggester,
}

impl Filer {
    /// The category of a row, if it is certain enough.
    pub(super) fn suggest(&self, row: &Spend) -> Option<Suggestion> {
        match row.kind {
            EntryKind::Expense => self.expenses.suggest(row),
            EntryKind::Income => self.income.suggest(row),
            EntryKind::Transfer => None,
        }
    }
}

impl Learner for Filer {
    type Row<'a> = &'a Spend;
    type Said = ();

    fn fresh() -> Self {
        Self { expenses: Suggester::new(EntryKind::Expense), income: Suggester::new(EntryKind::Income) }
    }

    fn take(&mut self, row: Self::Row<'_>) -> Option<()> {
        match row.kind {
            EntryKind::Expense => self.expenses.file(row),
            EntryKind::Income => self.income.file(row),
            EntryKind::Transfer => {}
        }
        None
    }
}

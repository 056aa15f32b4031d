//! Who goes over the rows: the judge of odd charges, and those who learn where a person files.

use outlay_ledger::spend::Spend;
use outlay_ledger::{DocumentId, EntryKind};

use super::pass::Learner;
use crate::odd::{self, Judge, Reason};
use crate::suggest::{self, Suggester, Suggestion};

/// A row with the topmost category above its own, or its own.
impl Learner for Judge {
    type Row<'a> = (&'a Spend, Option<DocumentId>);
    type Said = (DocumentId, Vec<Reason>);
    type Before = odd::Before;

    fn fresh() -> Self {
        Self::new()
    }

    fn before(&self, (row, top): Self::Row<'_>) -> Self::Before {
        Self::before(self, row, top)
    }

    fn restore(&mut self, before: Self::Before) {
        Self::restore(self, before);
    }

    fn take(&mut self, (row, top): Self::Row<'_>) -> Option<Self::Said> {
        let reasons = Self::take(self, row, top);
        (!reasons.is_empty()).then_some((row.id, reasons))
    }
}

/// Suggesters of the very categories that a person files under, of expenses and of income.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filer {
    expenses: Suggester,
    income: Suggester,
}

impl Filer {
    /// The category of a row, if it is certain enough.
    pub(super) fn suggest(&self, row: &Spend) -> Option<Suggestion> {
        self.of(row.kind)?.suggest(row)
    }

    fn of(&self, kind: EntryKind) -> Option<&Suggester> {
        match kind {
            EntryKind::Expense => Some(&self.expenses),
            EntryKind::Income => Some(&self.income),
            EntryKind::Transfer => None,
        }
    }

    fn of_mut(&mut self, kind: EntryKind) -> Option<&mut Suggester> {
        match kind {
            EntryKind::Expense => Some(&mut self.expenses),
            EntryKind::Income => Some(&mut self.income),
            EntryKind::Transfer => None,
        }
    }
}

impl Learner for Filer {
    type Row<'a> = &'a Spend;
    type Said = ();
    type Before = Option<(EntryKind, suggest::Before)>;

    fn fresh() -> Self {
        Self { expenses: Suggester::new(EntryKind::Expense), income: Suggester::new(EntryKind::Income) }
    }

    fn before(&self, row: Self::Row<'_>) -> Self::Before {
        Some((row.kind, self.of(row.kind)?.before(row)))
    }

    fn restore(&mut self, before: Self::Before) {
        if let Some((kind, before)) = before
            && let Some(suggester) = self.of_mut(kind)
        {
            suggester.restore(before);
        }
    }

    fn take(&mut self, row: Self::Row<'_>) -> Option<()> {
        self.of_mut(row.kind)?.file(row);
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use outlay_ledger::{Currency, Date, Money};

    use super::super::pass::Pass;
    use super::*;
    use crate::numbers::Numbers;

    /// A charge: of every ten six at one of four shops, nearly always filed alike, and four of a name that never comes again,
    /// more than are remembered.
    fn row(numbers: &mut Numbers, number: u64) -> Spend {
        let shop = numbers.below(4);
        let is_known = numbers.below(10) < 6;
        let is_filed_alike = is_known && numbers.below(20) > 0;
        let category = if is_filed_alike { shop } else { numbers.below(5 + number / 500) };
        let kinds =
            [EntryKind::Expense, EntryKind::Expense, EntryKind::Expense, EntryKind::Income, EntryKind::Transfer];
        Spend {
            id: DocumentId(u128::from(number).to_be_bytes()),
            date: Date::from_days(19_000 + i32::try_from(number / 10).unwrap()).unwrap(),
            kind: kinds[usize::try_from(numbers.below(5)).unwrap()],
            amount: Money::new(i64::try_from(numbers.below(9)).unwrap() * 150 - 150, Currency::EUR).unwrap(),
            payee: if is_known { format!("shop {shop}") } else { format!("once {number}") },
            note: String::new(),
            category: Some(DocumentId([u8::try_from(1 + category).unwrap(); 16])),
            account: None,
            tags: vec![],
        }
    }

    fn takes_back<L: Learner + PartialEq + fmt::Debug>(given: impl for<'a> Fn(&'a Spend) -> L::Row<'a>) {
        for seed in 1..=2 {
            let mut numbers = Numbers(seed);
            let rows: Vec<Spend> = (0..8_000).map(|number| row(&mut numbers, number)).collect();
            let mut pass: Pass<L> = Pass::new();
            for end in (1..=20).map(|part| part * 400) {
                while pass.step(0, end, |place| rows.get(place).map(&given)) {}
                let last = usize::try_from(1 + numbers.below(256)).unwrap();
                pass.touched(end - last);
                assert_eq!(pass.left(0, end), last, "seed {seed}, {end}: no more than what was touched");
                let mut afresh = L::fresh();
                rows[..end - last].iter().for_each(|row| drop(afresh.take(given(row))));
                assert!(*pass.learner() == afresh, "seed {seed}, {end} less {last}");
            }
            while pass.step(0, 8_000, |place| rows.get(place).map(&given)) {}
            pass.touched(8_000 - 600);
            assert!(pass.left(0, 8_000) >= 600 && *pass.learner() == L::fresh(), "seed {seed}: too far back");
        }
    }

    #[test]
    fn what_was_learnt_last_is_taken_back_to_the_bit() {
        takes_back::<Judge>(|row| (row, row.category));
        takes_back::<Filer>(|row| row);
    }
}

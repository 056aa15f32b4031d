//! Spending by day and month, kept up to date row by row: what forecasts and phases are made of.
//!
//! A row is added or taken away in the time of a look-up, so a changed expense costs no second pass. Expenses count,
//! and money back counts against them; income and transfers do not. Currencies are never added to each other: each has
//! series of its own. A series has a number for every month from the first of its currency on, zero included, and is at
//! most ten years long.
//!
//! A month without spending is one in which something else was noted before and after. So a series ends with the month of
//! the last entry of any kind and currency, and begins after the last half year without one.

use std::collections::BTreeMap;

use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, DocumentId, EntryKind, Month};

use crate::recorded::{Recorded, is_silence};
use crate::statistics::narrowed;

/// Which category is below which: child to parent.
pub type Parents = BTreeMap<DocumentId, DocumentId>;

/// What is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// All spending of a currency.
    Total,
    /// A category of the highest level with all below it, or what has no category.
    Category(Option<DocumentId>),
}

/// Spending by day, for each currency and category.
///
/// ```
/// use outlay_insight::months::{DaySums, Target};
/// use outlay_ledger::{Currency, Date, DocumentId, EntryKind, Money, spend::Spend};
///
/// let coffee = Spend {
///     id: DocumentId([1; 16]), date: Date::parse("2024-10-04")?, kind: EntryKind::Expense,
///     amount: Money::parse_with_currency("3.40 EUR")?, payee: String::new(), note: String::new(),
///     category: None, account: None, tags: vec![],
/// };
/// let mut sums = DaySums::default();
/// sums.add(&coffee);
/// assert_eq!(sums.whole_months(Currency::EUR, Target::Total, Date::parse("2024-11-20")?).totals, [340]);
/// sums.remove(&coffee);
/// assert!(sums.whole_months(Currency::EUR, Target::Total, Date::parse("2024-11-20")?).totals.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct DaySums {
    parents: Parents,
    left_out: Vec<DocumentId>,
    /// Days with entries of any kind and currency.
    recorded: Recorded,
    cells: BTreeMap<(Currency, Target), BTreeMap<Date, Cell>>,
}

/// The rows of one day.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    minor: i128,
    rows: u64,
}

/// Spending of each whole month, from the first of its currency on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthSums {
    /// The first month; `None` if there is no whole month.
    pub first: Option<Month>,
    /// Minor units, one for each month.
    pub totals: Vec<i64>,
    /// How many rows there are in each.
    pub rows: Vec<u64>,
}

impl MonthSums {
    /// Each month, ascending, with what was spent in minor units and how many rows there are.
    pub fn each(&self) -> impl Iterator<Item = (Month, i64, u64)> + '_ {
        let months = std::iter::successors(self.first, |month| month.next());
        months.zip(&self.totals).zip(&self.rows).map(|((month, total), rows)| (month, *total, *rows))
    }
}

/// A currency's first month counts as whole if something was noted in its first days; a history that begins on the
/// 20th says nothing about that month. A week, because few households spend nothing for so long.
const FIRST_MONTH_DAY_MAX: u8 = 7;
/// No series is longer, so that one mistyped year does not make it one of thousands of months: ten years.
const MONTHS_MAX: u16 = 120;
/// Categories are at most so deep; a circle of parents, which two devices can make offline, ends here too.
const DEPTH_MAX: usize = 32;

impl DaySums {
    /// Sums of nothing yet. Categories of `left_out`, and all below them, are not counted: savings, for example.
    pub fn new(parents: Parents, left_out: Vec<DocumentId>) -> Self {
        Self { parents, left_out, recorded: Recorded::default(), cells: BTreeMap::new() }
    }

    /// The sums of these rows.
    pub fn of(rows: &[Spend], parents: Parents, left_out: Vec<DocumentId>) -> Self {
        let mut sums = Self::new(parents, left_out);
        rows.iter().for_each(|row| sums.add(row));
        sums
    }

    /// Counts a row.
    pub fn add(&mut self, row: &Spend) {
        self.recorded.add(row.date);
        for key in self.keys(row).into_iter().flatten() {
            let cell = self.cells.entry(key).or_default().entry(row.date).or_default();
            cell.minor = cell.minor.saturating_add(i128::from(row.amount.minor()));
            cell.rows = cell.rows.saturating_add(1);
        }
    }

    /// Takes back a row that was counted before.
    pub fn remove(&mut self, row: &Spend) {
        self.recorded.remove(row.date);
        for key in self.keys(row).into_iter().flatten() {
            let Some(days) = self.cells.get_mut(&key) else { continue };
            let Some(cell) = days.get_mut(&row.date) else { continue };
            cell.minor = cell.minor.saturating_sub(i128::from(row.amount.minor()));
            cell.rows = cell.rows.saturating_sub(1);
            if cell.rows == 0 {
                days.remove(&row.date);
            }
            if days.is_empty() {
                self.cells.remove(&key);
            }
        }
    }

    /// The currencies and categories there are, in a fixed order: of each currency the total first.
    pub fn targets(&self) -> impl Iterator<Item = (Currency, Target)> + '_ {
        self.cells.keys().copied()
    }

    /// Those of one currency, the total first.
    pub(crate) fn targets_of(&self, currency: Currency) -> impl Iterator<Item = Target> + '_ {
        let first = (currency, Target::Total);
        self.cells
            .range(first..)
            .map(|(key, _)| *key)
            .take_while(move |(own, _)| *own == currency)
            .map(|(_, target)| target)
    }

    /// Spending of every month before the one `today` is in, up to that of the last entry of any kind and currency. The
    /// first month of the currency counts if something was spent in its first week.
    pub fn whole_months(&self, currency: Currency, target: Target, today: Date) -> MonthSums {
        self.months(currency, target, today, None)
    }

    /// Of each whole month, what was spent after its day `day`.
    pub(crate) fn rests(&self, currency: Currency, target: Target, today: Date, day: u8) -> MonthSums {
        self.months(currency, target, today, Some(day))
    }

    /// What was spent from one date to another, both included.
    pub fn between(&self, currency: Currency, target: Target, from: Date, to: Date) -> i64 {
        let Some(days) = self.cells.get(&(currency, target)).filter(|_| from <= to) else { return 0 };
        narrowed(days.range(from..=to).map(|(_, cell)| cell.minor).sum())
    }

    /// Whether there is an entry of any kind in a month.
    pub(crate) fn is_recorded(&self, month: Month) -> bool {
        self.recorded.has(month)
    }

    /// The last day on which something was spent in a currency, if nothing was in the half year before the month of `today`.
    pub(crate) fn silent_since(&self, currency: Currency, today: Date) -> Option<Date> {
        let days = self.cells.get(&(currency, Target::Total))?;
        let last = *days.range(..=today).next_back()?.0;
        is_silence(Month::from_date(last), Month::from_date(today)).then_some(last)
    }

    fn months(&self, currency: Currency, target: Target, today: Date, after_day: Option<u8>) -> MonthSums {
        let none = MonthSums { first: None, totals: Vec::new(), rows: Vec::new() };
        let Some(last) = self.recorded.last(today) else { return none };
        let end = Month::from_date(today).number().min(Month::from_date(last).number() + 1);
        let Some(first) = self.first_month(currency, last).filter(|first| first.number() < end) else { return none };
        let mut sums = vec![Cell::default(); usize::from(end - first.number())];
        let days = self.cells.get(&(currency, target));
        let recent = days.into_iter().flat_map(|days| days.range(first.first_day()..));
        for (date, cell) in recent.filter(|(date, _)| after_day.is_none_or(|day| date.day() > day)) {
            let place = Month::from_date(*date).number().checked_sub(first.number());
            if let Some(sum) = place.and_then(|place| sums.get_mut(usize::from(place))) {
                sum.minor = sum.minor.saturating_add(cell.minor);
                sum.rows = sum.rows.saturating_add(cell.rows);
            }
        }
        let totals = sums.iter().map(|sum| narrowed(sum.minor)).collect();
        MonthSums { first: Some(first), totals, rows: sums.iter().map(|sum| sum.rows).collect() }
    }

    /// The first month of a currency that counts as whole, in the history that the last entry is in.
    fn first_month(&self, currency: Currency, last: Date) -> Option<Month> {
        let earliest = Month::from_number(Month::from_date(last).number().saturating_sub(MONTHS_MAX - 1));
        let begin = self.recorded.begin(last, earliest.unwrap_or(Month::from_date(Date::MIN)))?;
        let (date, _) = self.cells.get(&(currency, Target::Total))?.range(begin..).next()?;
        let month = Month::from_date(*date);
        if date.day() <= FIRST_MONTH_DAY_MAX { Some(month) } else { month.next() }
    }

    /// Where a row counts: nowhere, or in the total and in its category.
    pub(crate) fn keys(&self, row: &Spend) -> [Option<(Currency, Target)>; 2] {
        if row.kind != EntryKind::Expense {
            return [None, None];
        }
        let mut top = None;
        for category in lineage(row.category, &self.parents) {
            if self.left_out.contains(&category) {
                return [None, None];
            }
            top = Some(category);
        }
        let currency = row.amount.currency();
        [Some((currency, Target::Total)), Some((currency, Target::Category(top)))]
    }
}

/// A category and those above it, up to the highest.
pub(crate) fn lineage(category: Option<DocumentId>, parents: &Parents) -> impl Iterator<Item = DocumentId> + '_ {
    std::iter::successors(category, |category| parents.get(category).copied()).take(DEPTH_MAX)
}

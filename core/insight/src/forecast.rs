//! What a month usually costs, and where this one will end.
//!
//! A usual month is the median of the last six whole months; the end of this month is what was spent so far and the
//! median of what the last six still cost after the same day. On real households nothing more elaborate was better, so
//! there is nothing more elaborate. The interval is split-conformal: it is as wide as one's own past errors of the same
//! forecast, made as if each past month had been the present one. Where a category is too lumpy for a typical month,
//! there is a range and no point. Where the six months before this one have no entry at all, nothing is expected.
//!
//! Everything here is whole minor units of one currency.

use std::collections::BTreeMap;

use outlay_ledger::{Currency, Date, EntryKind, Money, Month};

use crate::months::{DaySums, Target};
use crate::recorded::SILENT_MONTHS;
use crate::recurring::{Commitment, CommitmentId, Standing};
use crate::statistics::median;

/// What is expected of one currency or category in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// The currency of every amount here.
    pub currency: Currency,
    /// What is forecast.
    pub target: Target,
    /// The month that today is in.
    pub month: Month,
    /// What was spent in it up to today.
    pub spent: Money,
    /// What a whole month costs, as known before this month began.
    pub usual: Expectation,
    /// What this month will have cost at its end.
    pub month_end: Expectation,
    /// Confirmed commitments that are still to be paid in this month, by date. Only of the total.
    pub commitments: Vec<Due>,
}

/// An amount that is expected, as exactly as the past allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// An amount, and the range that four of five months were in.
    Point {
        /// The expected amount.
        usual: Money,
        /// The range around it.
        range: Bounds,
    },
    /// Too lumpy for an amount: the range that four of five months were in.
    Range(Bounds),
    /// Too few whole months to say anything.
    NotEnough {
        /// How many there are.
        months: usize,
        /// How many there have to be.
        needed: usize,
    },
    /// Nothing was spent in the currency in the last six months, so what was usual before says nothing of this one.
    NotLately {
        /// The last day on which something was.
        last: Date,
    },
}

/// From an amount to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The least.
    pub low: Money,
    /// The most.
    pub high: Money,
}

/// A confirmed commitment that is to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub commitment: CommitmentId,
    /// When.
    pub date: Date,
    /// How much, probably.
    pub amount: Money,
}

/// A usual month is the median of so many (the specification's; other windows and methods were not better).
const WINDOW: usize = SILENT_MONTHS as usize;
/// The range is made to hold in four of five months: 80 %.
const LEVEL: Level = Level { numerator: 4, denominator: 5 };
/// With fewer past errors no rank of a split-conformal interval at 80 % is within them: ⌈(3 + 1) × 0.8⌉ > 3.
const ERRORS_MIN: usize = 4;
/// Errors of so many months count: those of a year, so that every season does, and of no other life. On the first half of
/// a real household it was better than two years by the interval score, and than ranks on each side.
const ERRORS_MAX: usize = 12;
/// Whole months before anything is said.
const MONTHS_MIN: usize = WINDOW + ERRORS_MIN;
/// Months without spending make a category lumpy beyond this: 1.32 months from one with spending to the next (Syntetos
/// and Boylan 2005, the usual line between smooth and intermittent demand).
const INTERVAL_MAX: Level = Level { numerator: 132, denominator: 100 };

struct Level {
    numerator: usize,
    denominator: usize,
}

/// What is expected as of `today`, for each currency and category that had spending, the total first. Rows after today
/// do not count.
///
/// ```
/// use outlay_insight::forecast::{Expectation, forecast};
/// use outlay_insight::months::DaySums;
/// use outlay_ledger::{Date, DocumentId, EntryKind, Money, spend::Spend};
///
/// let mut sums = DaySums::default();
/// for month in 1..=12 {
///     sums.add(&Spend {
///         id: DocumentId([month; 16]), date: Date::from_ymd(2024, month, 3)?, kind: EntryKind::Expense,
///         amount: Money::parse_with_currency("900 EUR")?, payee: "Landlord".into(), note: String::new(),
///         category: None, account: None, tags: vec![],
///     });
/// }
/// let forecasts = forecast(&sums, &[], Date::parse("2025-01-02")?);
/// let Expectation::Point { usual, range } = forecasts[0].usual else { return Err("twelve months are enough".into()) };
/// assert_eq!((usual.minor(), range.low.minor(), range.high.minor()), (90_000, 90_000, 90_000));
/// assert_eq!(forecasts[0].month_end, forecasts[0].usual, "nothing is spent yet");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn forecast(sums: &DaySums, commitments: &[Commitment], today: Date) -> Vec<Forecast> {
    let mut forecasts = Forecasts::default();
    let mut currencies: Vec<Currency> = sums.targets().map(|(currency, _)| currency).collect();
    currencies.dedup();
    currencies.into_iter().flat_map(|currency| forecasts.of(sums, currency, commitments, today)).collect()
}

/// What was expected as of a day, until something changes there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Forecasts(BTreeMap<(Currency, Target), Forecast>);

impl Forecasts {
    /// Forgets all, as on another day.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }

    pub(crate) fn forget_one(&mut self, currency: Currency, target: Target) {
        self.0.remove(&(currency, target));
    }

    /// What is expected in a currency, the total first.
    pub(crate) fn of(
        &mut self,
        sums: &DaySums,
        currency: Currency,
        commitments: &[Commitment],
        today: Date,
    ) -> Vec<Forecast> {
        let each = |target| {
            let known = self.0.entry((currency, target)).or_insert_with(|| one(sums, currency, target, today));
            let due = if target == Target::Total { due(commitments, currency, today) } else { Vec::new() };
            Forecast { commitments: due, ..known.clone() }
        };
        sums.targets_of(currency).map(each).collect()
    }
}

fn one(sums: &DaySums, currency: Currency, target: Target, today: Date) -> Forecast {
    let month = Month::from_date(today);
    let whole = sums.whole_months(currency, target, today);
    let rest = sums.rests(currency, target, today, today.day());
    let spent = sums.between(currency, target, month.first_day(), today);
    let is_lumpy = is_lumpy(&whole.totals);
    let said = |series: &[i64], certain: i64| match sums.silent_since(currency, today) {
        Some(last) => Expectation::NotLately { last },
        None => expectation(series, certain, is_lumpy, currency),
    };
    Forecast {
        currency,
        target,
        month,
        spent: Money::nearest(spent, currency),
        usual: said(&whole.totals, 0),
        month_end: said(&rest.totals, spent),
        commitments: Vec::new(),
    }
}

/// What one more month of a series will be, added to what is certain already.
fn expectation(series: &[i64], certain: i64, is_lumpy: bool, currency: Currency) -> Expectation {
    let not_enough = Expectation::NotEnough { months: series.len(), needed: MONTHS_MIN };
    let (Some(usual), Some(error)) = (usual(series, series.len()), error(series)) else { return not_enough };
    let floor = series.iter().copied().min().unwrap_or(0).min(0);
    let at = |error: i64| Money::nearest(certain.saturating_add(usual.saturating_add(error).max(floor)), currency);
    let range = Bounds { low: at(error.saturating_neg()), high: at(error) };
    if is_lumpy { Expectation::Range(range) } else { Expectation::Point { usual: at(0), range } }
}

/// The median of the six numbers before a place.
fn usual(series: &[i64], place: usize) -> Option<i64> {
    let window = series.get(place.checked_sub(WINDOW)?..place)?;
    median(&mut window.to_vec())
}

/// How far the past was from its forecasts, at the level of the interval: the absolute error of that rank.
fn error(series: &[i64]) -> Option<i64> {
    let first = WINDOW.max(series.len().saturating_sub(ERRORS_MAX));
    let mut errors: Vec<i64> = (first..series.len())
        .filter_map(|place| Some(series.get(place)?.saturating_sub(usual(series, place)?).saturating_abs()))
        .collect();
    errors.sort_unstable();
    let rank = ((errors.len() + 1) * LEVEL.numerator).div_ceil(LEVEL.denominator);
    errors.get(rank.checked_sub(1)?).copied()
}

/// Whether months with spending are too far apart for a usual month, over the window and the errors' months.
fn is_lumpy(series: &[i64]) -> bool {
    let recent = series.get(series.len().saturating_sub(WINDOW + ERRORS_MAX)..).unwrap_or(series);
    let with_spending = recent.iter().filter(|total| **total != 0).count();
    recent.len() * INTERVAL_MAX.denominator > with_spending * INTERVAL_MAX.numerator
}

/// The confirmed commitments of a currency that are to be paid between tomorrow and the end of the month.
fn due(commitments: &[Commitment], currency: Currency, today: Date) -> Vec<Due> {
    let last = Month::from_date(today).last_day();
    let mut due: Vec<Due> = commitments
        .iter()
        .filter(|commitment| commitment.standing == Standing::Confirmed && commitment.currency == currency)
        .filter(|commitment| commitment.kind == EntryKind::Expense)
        .filter_map(|commitment| {
            let date = commitment.next?;
            let amount = Money::nearest(commitment.amount.expected(), currency);
            Some(Due { commitment: commitment.id, date, amount }).filter(|_| today < date && date <= last)
        })
        .collect();
    due.sort_unstable_by_key(|due| (due.date, due.commitment));
    due
}

//! Phases: times in which a household spent differently from before or after.
//!
//! Months are points: of the eight largest categories, how much was spent on each, by the logarithm and standardised.
//! k-means makes two to four groups of them, and the gate decides whether they are more than chance. A phase is told by
//! what differs most from the other months, with amounts; and whether the number of entries changed as well, because
//! then it may be the noting that changed and not the life.

use std::collections::BTreeMap;

use outlay_ledger::{Currency, Date, DocumentId, Money, Month};

use crate::gate::{self, Points};
use crate::months::{DaySums, MonthSums, Target};
use crate::statistics::{count, median, number, square};

/// What the months of a currency show.
#[derive(Debug, Clone, PartialEq)]
pub enum Phases {
    /// Groups of months that differ, in the order of their first month.
    Found(Found),
    /// Enough months, and no clear pattern in them.
    NoClearPattern,
    /// Too few whole months, or too few categories, to look for one.
    NotEnough {
        /// How many whole months there are.
        months: usize,
        /// How many there have to be.
        needed: usize,
    },
}

/// Groups of months that differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// At least two, in the order of their first month.
    pub phases: Vec<Phase>,
    /// Where one phase went over into the next, if there are two and one came after the other.
    pub boundary: Option<Boundary>,
    /// How well the groups are separated, −1 to 1. Not to be shown: people cannot use it.
    pub silhouette: f64,
    /// How alike groupings of samples of the months are, up to 1. Not to be shown.
    pub stability: f64,
}

/// Months that are alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// Its months, ascending.
    pub months: Vec<Month>,
    /// What differs most from the other months, the most different first; at most three.
    pub differences: Vec<Difference>,
    /// How many entries a month had, in the median.
    pub entries: u64,
    /// How many the other months had.
    pub entries_otherwise: u64,
}

/// A category in a phase and outside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The category; `None` for what has none.
    pub category: Option<DocumentId>,
    /// What a month of the phase costs, in the median.
    pub usual: Money,
    /// What the other months cost.
    pub otherwise: Money,
}

/// Where one phase went over into the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boundary {
    /// The first month of the later phase.
    pub from: Month,
    /// The month from which on all are of the later phase; the same, if none of the earlier came after `from`.
    pub to: Month,
}

impl Phase {
    /// Whether the number of entries changed so much that it may be the noting that changed: by half or to double.
    pub const fn is_noted_differently(&self) -> bool {
        let (more, less) = if self.entries > self.entries_otherwise {
            (self.entries, self.entries_otherwise)
        } else {
            (self.entries_otherwise, self.entries)
        };
        more >= 2 * less
    }
}

/// The specification's: whole months, categories, and numbers of phases.
const MONTHS_MIN: usize = 18;
const CATEGORIES: usize = 8;
const PHASES: std::ops::RangeInclusive<usize> = 2..=4;
/// More differences than this are no name.
const DIFFERENCES_MAX: usize = 3;
/// A boundary longer than this part of all months is none: the phases came and went.
const BOUNDARY_PART: usize = 4;

/// A category over the months.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    category: Option<DocumentId>,
    currency: Currency,
    totals: Vec<i64>,
    scaled: Vec<f64>,
}

/// The phases of spending in a currency, from the whole months before `today`.
pub fn phases(sums: &DaySums, currency: Currency, today: Date, seed: u64) -> Phases {
    let whole = sums.whole_months(currency, Target::Total, today);
    of_months(&whole, &columns(sums, currency, today), seed)
}

/// The phases that were found last in each currency, with the months they were found in: looking for them takes a tenth of a
/// second, and what is spent in a month changes nothing before it is over.
#[derive(Debug, Clone, Default)]
pub(crate) struct PhaseMemory {
    /// The month in which they were looked for.
    month: Option<Month>,
    found: BTreeMap<Currency, Remembered>,
}

#[derive(Debug, Clone)]
struct Remembered {
    whole: MonthSums,
    columns: Vec<Column>,
    phases: Phases,
    /// Whether something changed in those months since.
    is_stale: bool,
}

/// What samples are drawn by. Any number does; it stays the same, so that the same months have the same phases.
const SEED: u64 = 1;

impl PhaseMemory {
    /// Notes that other months count.
    pub(crate) fn forget(&mut self) {
        self.found.values_mut().for_each(|known| known.is_stale = true);
    }

    /// Notes that something changed on a date.
    pub(crate) fn changed(&mut self, currency: Currency, date: Date) {
        if self.month.is_none_or(|month| Month::from_date(date) < month)
            && let Some(known) = self.found.get_mut(&currency)
        {
            known.is_stale = true;
        }
    }

    pub(crate) fn of(&mut self, sums: &DaySums, currency: Currency, today: Date) -> Phases {
        let month = Some(Month::from_date(today));
        if std::mem::replace(&mut self.month, month) != month {
            self.forget();
        }
        if let Some(known) = self.found.get(&currency).filter(|known| !known.is_stale) {
            return known.phases.clone();
        }
        let (whole, columns) = (sums.whole_months(currency, Target::Total, today), columns(sums, currency, today));
        let same = self.found.get(&currency).filter(|known| known.whole == whole && known.columns == columns);
        let phases = same.map_or_else(|| of_months(&whole, &columns, SEED), |known| known.phases.clone());
        self.found.insert(currency, Remembered { whole, columns, phases: phases.clone(), is_stale: false });
        phases
    }
}

fn of_months(whole: &MonthSums, columns: &[Column], seed: u64) -> Phases {
    let Some(first) = whole.first.filter(|_| whole.totals.len() >= MONTHS_MIN && columns.len() > 1) else {
        return Phases::NotEnough { months: whole.totals.len(), needed: MONTHS_MIN };
    };
    let points: Points = (0..whole.totals.len())
        .map(|month| columns.iter().filter_map(|column| column.scaled.get(month).copied()).collect())
        .collect();
    let Some(passed) = gate::clusters(&points, PHASES, seed) else { return Phases::NoClearPattern };
    let labels = in_order(&passed.labels, passed.clusters);
    let phases = (0..passed.clusters).map(|label| phase(label, &labels, first, columns, &whole.rows)).collect();
    let boundary = if passed.clusters == 2 { boundary(&labels, first) } else { None };
    Phases::Found(Found { phases, boundary, silhouette: passed.silhouette, stability: passed.stability })
}

/// The largest categories, largest first, without those that are the same every month.
fn columns(sums: &DaySums, currency: Currency, today: Date) -> Vec<Column> {
    let mut columns: Vec<(i128, Column)> = sums
        .targets()
        .filter_map(|target| match target {
            (own, Target::Category(category)) if own == currency => Some(category),
            _ => None,
        })
        .map(|category| {
            let totals = sums.whole_months(currency, Target::Category(category), today).totals;
            let sum = totals.iter().map(|total| i128::from(*total)).sum();
            (sum, Column { category, currency, scaled: scaled(&totals, currency), totals })
        })
        .collect();
    columns.sort_unstable_by_key(|(sum, column)| (std::cmp::Reverse(*sum), column.category));
    columns.truncate(CATEGORIES);
    columns.into_iter().map(|(_, column)| column).filter(|column| !column.scaled.is_empty()).collect()
}

/// The logarithms of amounts in whole units of the currency, with mean 0 and standard deviation 1; nothing if all are the
/// same. In its smallest unit, nothing and a little would be further apart than a little and very much. A month in which
/// more money came back than was spent counts as one without spending.
fn scaled(totals: &[i64], currency: Currency) -> Vec<f64> {
    let unit = number(10_i64.pow(u32::from(currency.exponent())));
    let logs: Vec<f64> = totals.iter().map(|total| libm::log1p(number((*total).max(0)) / unit)).collect();
    let mean = logs.iter().sum::<f64>() / count(logs.len().max(1));
    let variance = logs.iter().map(|log| square(log - mean)).sum::<f64>() / count(logs.len().max(1));
    if variance > f64::EPSILON { logs.iter().map(|log| (log - mean) / variance.sqrt()).collect() } else { Vec::new() }
}

/// Labels renamed in the order of the months they first occur in.
fn in_order(labels: &[usize], clusters: usize) -> Vec<usize> {
    let mut names = Vec::with_capacity(clusters);
    for label in labels {
        if !names.contains(label) {
            names.push(*label);
        }
    }
    labels.iter().filter_map(|label| names.iter().position(|name| name == label)).collect()
}

fn phase(label: usize, labels: &[usize], first: Month, columns: &[Column], rows: &[u64]) -> Phase {
    let is_in = |place: usize| labels.get(place) == Some(&label);
    let months = (0..labels.len()).filter(|place| is_in(*place)).filter_map(|place| month_at(first, place)).collect();
    let (entries, entries_otherwise) =
        parted(&rows.iter().map(|many| i64::try_from(*many).unwrap_or(i64::MAX)).collect::<Vec<_>>(), is_in);
    Phase {
        months,
        differences: differences(columns, is_in),
        entries: entries.unsigned_abs(),
        entries_otherwise: entries_otherwise.unsigned_abs(),
    }
}

/// What sets the months of a phase apart, by how far the standardised means are.
fn differences(columns: &[Column], is_in: impl Fn(usize) -> bool + Copy) -> Vec<Difference> {
    let mut differences: Vec<(f64, Difference)> = columns
        .iter()
        .map(|column| {
            let (usual, otherwise) = parted(&column.totals, is_in);
            let [usual, otherwise] = [usual, otherwise].map(|minor| Money::nearest(minor, column.currency));
            (apart(&column.scaled, is_in), Difference { category: column.category, usual, otherwise })
        })
        .collect();
    differences.sort_unstable_by(|one, other| other.0.total_cmp(&one.0).then(one.1.category.cmp(&other.1.category)));
    differences.retain(|(_, difference)| difference.usual != difference.otherwise);
    differences.truncate(DIFFERENCES_MAX);
    differences.into_iter().map(|(_, difference)| difference).collect()
}

/// How far the mean of some places is from that of the others.
fn apart(scaled: &[f64], is_in: impl Fn(usize) -> bool) -> f64 {
    let mean = |wanted: bool| {
        let numbers = scaled.iter().enumerate().filter(|(place, _)| is_in(*place) == wanted).map(|(_, number)| *number);
        let (sum, many) = numbers.fold((0.0, 0_usize), |(sum, many), number| (sum + number, many + 1));
        sum / count(many.max(1))
    };
    (mean(true) - mean(false)).abs()
}

/// The median of some places, and that of the others.
fn parted(numbers: &[i64], is_in: impl Fn(usize) -> bool) -> (i64, i64) {
    let middle = |wanted: bool| {
        let mut chosen: Vec<i64> = numbers
            .iter()
            .enumerate()
            .filter(|(place, _)| is_in(*place) == wanted)
            .map(|(_, number)| *number)
            .collect();
        median(&mut chosen).unwrap_or(0)
    };
    (middle(true), middle(false))
}

/// From the first month of the later phase to the one after the last of the earlier.
fn boundary(labels: &[usize], first: Month) -> Option<Boundary> {
    let start = labels.iter().position(|label| *label == 1)?;
    let end = labels.iter().rposition(|label| *label == 0)? + 1;
    let is_short = end.saturating_sub(start) * BOUNDARY_PART <= labels.len();
    let (from, to) = (month_at(first, start)?, month_at(first, end)?);
    is_short.then_some(Boundary { from, to })
}

fn month_at(first: Month, place: usize) -> Option<Month> {
    u16::try_from(place).ok().and_then(|place| Month::from_number(first.number().checked_add(place)?))
}

//! Trips and events: days on which travelling was paid for, close together.
//!
//! DBSCAN over the dates of rows in travel-like categories or with travel-like tags, which the caller names: days with at
//! least four rows within two days, and those within two days of such a day. Amounts never make a trip: an expensive week may be a broken boiler.

use linfa::traits::Transformer;
use linfa_clustering::Dbscan;
use ndarray::Array2;
use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, DocumentId, EntryKind, Money};

use crate::months::Parents;
use crate::statistics::narrowed;

/// What counts as travelling.
#[derive(Debug, Clone, Default)]
pub struct Travel {
    /// Categories, with all below them.
    pub categories: Vec<DocumentId>,
    /// Tags.
    pub tags: Vec<String>,
}

/// Days of travelling, and what they cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trip {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// The entries that show it, by date.
    pub entries: Vec<DocumentId>,
    /// What those entries cost together, one sum for each currency, by currency.
    pub spent: Vec<Money>,
}

/// The specification's: days from one row to the next, and rows.
const DAYS: f64 = 2.0;
const ROWS_MIN: usize = 4;
/// More rows of one day than this add nothing to a density of four, and would take a square of time.
const ROWS_PER_DAY_MAX: usize = ROWS_MIN;
/// More days than this are more than a century of travelling on every day.
const POINTS_MAX: usize = 50_000;

/// The trips in these rows up to `today`, the first one first.
///
/// ```
/// use outlay_insight::months::Parents;
/// use outlay_insight::trips::{Travel, trips};
/// use outlay_ledger::{Date, DocumentId, EntryKind, Money, spend::Spend};
///
/// let travel = Travel { categories: vec![], tags: vec!["lisbon".into()] };
/// let mut rows = Vec::new();
/// for (number, day) in [10, 11, 12, 14].into_iter().enumerate() {
///     rows.push(Spend {
///         id: DocumentId([number as u8; 16]), date: Date::from_ymd(2024, 5, day)?, kind: EntryKind::Expense,
///         amount: Money::parse_with_currency("20 EUR")?, payee: String::new(), note: String::new(),
///         category: None, account: None, tags: vec!["lisbon".into()],
///     });
/// }
/// let found = trips(&rows, &travel, &Parents::new(), Date::parse("2024-12-31")?);
/// assert_eq!((found[0].from, found[0].to), (Date::from_ymd(2024, 5, 10)?, Date::from_ymd(2024, 5, 14)?));
/// assert_eq!(found[0].spent[0].minor(), 8_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn trips(rows: &[Spend], travel: &Travel, parents: &Parents, today: Date) -> Vec<Trip> {
    let mut travelled: Vec<&Spend> = rows.iter().filter(|row| row.date <= today && travel.has(row, parents)).collect();
    travelled.sort_unstable_by_key(|row| (row.date, row.id));
    let days = dense(&travelled);
    let mut trips: Vec<(Date, Date)> = Vec::new();
    for (label, date) in labels(&days).into_iter().zip(&days).filter_map(|(label, date)| Some((label?, *date))) {
        match trips.get_mut(label) {
            Some((from, to)) => (*from, *to) = ((*from).min(date), (*to).max(date)),
            None => trips.push((date, date)),
        }
    }
    trips.sort_unstable();
    trips.into_iter().map(|(from, to)| trip(from, to, &travelled)).collect()
}

impl Travel {
    /// Whether a row is an expense for travelling.
    fn has(&self, row: &Spend, parents: &Parents) -> bool {
        let is_below =
            |own: &DocumentId| crate::months::lineage(row.category, parents).any(|category| category == *own);
        row.kind == EntryKind::Expense
            && (row.tags.iter().any(|tag| self.tags.contains(tag)) || self.categories.iter().any(is_below))
    }
}

/// The dates of rows, each as often as it counts, of the latest rows.
fn dense(rows: &[&Spend]) -> Vec<Date> {
    let mut days: Vec<Date> = Vec::new();
    for row in rows {
        let is_full = days.len() >= ROWS_PER_DAY_MAX && days.get(days.len() - ROWS_PER_DAY_MAX) == Some(&row.date);
        if !is_full {
            days.push(row.date);
        }
    }
    days.split_off(days.len().saturating_sub(POINTS_MAX))
}

/// Which trip each day belongs to, counted from 0 in the order of days; `None` for those that belong to none.
fn labels(days: &[Date]) -> Vec<Option<usize>> {
    let numbers = days.iter().map(|date| f64::from(date.days())).collect();
    let Ok(records) = Array2::from_shape_vec((days.len(), 1), numbers) else { return Vec::new() };
    if days.len() < ROWS_MIN {
        return Vec::new();
    }
    // linfa counts what is nearer than the tolerance; two days are meant to be near enough.
    let parameters = Dbscan::params(ROWS_MIN).tolerance(DAYS + 0.5);
    let Ok(parameters) = linfa::ParamGuard::check(parameters) else { return Vec::new() };
    parameters.transform(&records).to_vec()
}

fn trip(from: Date, to: Date, travelled: &[&Spend]) -> Trip {
    let rows = travelled.iter().filter(|row| from <= row.date && row.date <= to);
    let mut sums: std::collections::BTreeMap<Currency, i128> = std::collections::BTreeMap::new();
    for row in rows.clone() {
        *sums.entry(row.amount.currency()).or_default() += i128::from(row.amount.minor());
    }
    let spent = sums.into_iter().map(|(currency, sum)| Money::nearest(narrowed(sum), currency)).collect();
    Trip { from, to, entries: rows.map(|row| row.id).collect(), spent }
}

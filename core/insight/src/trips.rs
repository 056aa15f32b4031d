//! Trips and events: days on which travelling was paid for, close together.
//!
//! DBSCAN over the dates of rows in travel-like categories or with travel-like tags, which the caller names: days with at
//! least four rows within two days, and those within two days of such a day. Amounts never make a trip: an expensive week may be a broken boiler.

use std::collections::BTreeMap;

use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, DocumentId, EntryKind, Money};

use crate::months::{Parents, lineage};
use crate::statistics::narrowed;
use crate::wording::Names;

/// What counts as travelling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
const DAYS: i32 = 2;
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
    of(&travelled)
}

/// The trips in rows of travelling, which are in the order of their dates.
pub(crate) fn of(travelled: &[&Spend]) -> Vec<Trip> {
    let days = dense(travelled);
    spans(&days).into_iter().map(|(from, to)| trip(from, to, travelled)).collect()
}

/// Words of categories for travelling, in the languages most spoken in Europe; whoever has others names the categories.
const TRAVEL_WORDS: [&str; 16] = [
    "travel",
    "travelling",
    "traveling",
    "trip",
    "trips",
    "holiday",
    "holidays",
    "vacation",
    "hotel",
    "hotels",
    "reise",
    "reisen",
    "urlaub",
    "voyage",
    "voyages",
    "viajes",
];

impl Travel {
    /// The categories whose names say so, of those that have a name.
    ///
    /// ```
    /// use outlay_insight::trips::Travel;
    /// use outlay_insight::wording::Names;
    /// use outlay_ledger::DocumentId;
    /// let names: Names = [(1, "Leisure:Summer holidays"), (2, "Food")].map(|(id, name)| (DocumentId([id; 16]), name.into())).into();
    /// assert_eq!(Travel::named(&names).categories, [DocumentId([1; 16])]);
    /// ```
    pub fn named(names: &Names) -> Self {
        let is_word = |word: &str| TRAVEL_WORDS.contains(&word.to_lowercase().as_str());
        let says_so = |name: &str| name.split(|one: char| !one.is_alphanumeric()).any(is_word);
        let categories = names.iter().filter(|(_, name)| says_so(name)).map(|(id, _)| *id).collect();
        Self { categories, tags: Vec::new() }
    }

    /// Whether a row is an expense for travelling.
    pub(crate) fn has(&self, row: &Spend, parents: &Parents) -> bool {
        let is_below = |own: &DocumentId| lineage(row.category, parents).any(|category| category == *own);
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

/// The first and the last day of each trip. DBSCAN over dates that are sorted needs no index: what is near one stands beside
/// it. A day is dense if enough rows are near; dense days that are near each other are one trip, with the days near them.
fn spans(days: &[Date]) -> Vec<(Date, Date)> {
    let near = |date: Date| {
        let days_off = |other: &Date| other.days().saturating_sub(date.days());
        let start = days.partition_point(|other| days_off(other) < -DAYS);
        let end = days.partition_point(|other| days_off(other) <= DAYS);
        days.get(start..end).unwrap_or_default()
    };
    let mut spans: Vec<(Date, Date)> = Vec::new();
    let mut last_dense: Option<Date> = None;
    for date in days.iter().copied().filter(|date| near(*date).len() >= ROWS_MIN) {
        let (first, last) = (near(date).first().copied().unwrap_or(date), near(date).last().copied().unwrap_or(date));
        let goes_on = last_dense.is_some_and(|dense| date.days().saturating_sub(dense.days()) <= DAYS);
        match spans.last_mut().filter(|_| goes_on) {
            Some((_, end)) => *end = last,
            // A day between two trips that is near both belongs to the first of them.
            None => {
                let after = spans.last().map(|(_, end)| *end).filter(|end| *end >= first);
                let first = near(date).iter().copied().find(|day| after.is_none_or(|end| *day > end)).unwrap_or(first);
                spans.push((first, last));
            }
        }
        last_dense = Some(date);
    }
    spans
}

fn trip(from: Date, to: Date, travelled: &[&Spend]) -> Trip {
    let start = travelled.partition_point(|row| row.date < from);
    let rows = travelled.get(start..).unwrap_or_default().iter().take_while(|row| row.date <= to);
    let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
    for row in rows.clone() {
        *sums.entry(row.amount.currency()).or_default() += i128::from(row.amount.minor());
    }
    let spent = sums.into_iter().map(|(currency, sum)| Money::nearest(narrowed(sum), currency)).collect();
    Trip { from, to, entries: rows.map(|row| row.id).collect(), spent }
}

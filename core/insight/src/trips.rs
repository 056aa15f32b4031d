//! Trips and events: days on which travelling was paid for, close together.
//!
//! DBSCAN over the dates of rows in travel-like categories or with travel-like tags, which the caller names: days with at
//! least four rows within two days, and those within two days of such a day. Amounts never make a trip: an expensive week may be a broken boiler.

use std::collections::{BTreeMap, BTreeSet};

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

/// The rows of travelling by their days, as they come and go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Travelled(BTreeMap<Date, Day>);

/// The rows of a day.
#[derive(Debug, Clone, Default)]
struct Day {
    entries: BTreeSet<DocumentId>,
    /// Sums in minor units, and of how many rows.
    spent: BTreeMap<Currency, (i128, usize)>,
}

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
    let mut travelled = Travelled::default();
    let counted = rows.iter().filter(|row| row.date <= today && travel.has(row, parents));
    counted.for_each(|row| travelled.add(row));
    travelled.trips()
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

impl Travelled {
    /// Takes in a row that is not there.
    pub(crate) fn add(&mut self, row: &Spend) {
        let day = self.0.entry(row.date).or_default();
        day.entries.insert(row.id);
        let (sum, rows) = day.spent.entry(row.amount.currency()).or_default();
        *sum += i128::from(row.amount.minor());
        *rows += 1;
    }

    /// Takes out a row that is there.
    pub(crate) fn remove(&mut self, row: &Spend) {
        let Some(day) = self.0.get_mut(&row.date) else { return };
        day.entries.remove(&row.id);
        if let Some((sum, rows)) = day.spent.get_mut(&row.amount.currency()) {
            *sum -= i128::from(row.amount.minor());
            *rows -= 1;
        }
        day.spent.retain(|_, (_, rows)| *rows > 0);
        if day.entries.is_empty() {
            self.0.remove(&row.date);
        }
    }

    /// The trips, the first one first.
    pub(crate) fn trips(&self) -> Vec<Trip> {
        self.spans().into_iter().map(|(from, to)| self.trip(from, to)).collect()
    }

    /// The first and the last day of each trip. DBSCAN over dates needs no index: what is near one stands beside it. A day is
    /// dense if enough rows are near; dense days that are near each other are one trip, with the days near them.
    fn spans(&self) -> Vec<(Date, Date)> {
        let days: Vec<(Date, usize)> = self.0.iter().map(|(date, day)| (*date, day.entries.len())).collect();
        let mut spans: Vec<(Date, Date)> = Vec::new();
        let mut last_dense: Option<Date> = None;
        for (place, (date, _)) in days.iter().enumerate() {
            let near = near(&days, place);
            let (Some((first, _)), Some((last, _))) = (near.first(), near.last()) else { continue };
            if near.iter().map(|(_, rows)| rows).sum::<usize>() < ROWS_MIN {
                continue;
            }
            let goes_on = last_dense.is_some_and(|dense| date.days().saturating_sub(dense.days()) <= DAYS);
            match spans.last_mut().filter(|_| goes_on) {
                Some((_, end)) => *end = *last,
                // A day between two trips that is near both belongs to the first of them.
                None => {
                    let after = spans.last().map(|(_, end)| *end).filter(|end| end >= first);
                    let own = near.iter().map(|(day, _)| *day).find(|day| after.is_none_or(|end| *day > end));
                    spans.push((own.unwrap_or(*first), *last));
                }
            }
            last_dense = Some(*date);
        }
        spans
    }

    fn trip(&self, from: Date, to: Date) -> Trip {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for (currency, (sum, _)) in self.0.range(from..=to).flat_map(|(_, day)| &day.spent) {
            *sums.entry(*currency).or_default() += sum;
        }
        let spent = sums.into_iter().map(|(currency, sum)| Money::nearest(narrowed(sum), currency)).collect();
        let entries = self.0.range(from..=to).flat_map(|(_, day)| &day.entries).copied().collect();
        Trip { from, to, entries, spent }
    }
}

/// The days near the one at a place, itself among them. Each day stands there once, so there are few.
fn near(days: &[(Date, usize)], place: usize) -> &[(Date, usize)] {
    let Some((date, _)) = days.get(place) else { return &[] };
    let is_near = |(other, _): &&(Date, usize)| date.days().abs_diff(other.days()) <= DAYS.unsigned_abs();
    let (before, after) = days.split_at(place);
    let start = place - before.iter().rev().take_while(is_near).count();
    days.get(start..place + after.iter().take_while(is_near).count()).unwrap_or_default()
}

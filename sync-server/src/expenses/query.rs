//! Lists of expenses: filters and pages, the newest first.
//!
//! A page goes on after an entry, not after a number of them, so it costs the same anywhere in a hundred thousand.

use std::fmt;
use std::str::FromStr;

use outlay_ledger::text::fold;
use outlay_ledger::{Date, DocumentId, Month};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use utoipa::ToSchema;

use super::names::Names;
use super::object::{COLUMNS, ExpenseObject, Stored};
use super::rows::words_of;
use crate::store::Result;

/// Words of one search.
const WORDS_MAX: usize = 16;
/// Categories of which the newest entries are looked up one by one: more than a household has below one. SQLite joins at most
/// 500 such lists.
const CATEGORIES_MAX: usize = 128;
/// How a list is ordered.
const ORDER: &str = "e.day DESC, e.created_ms DESC, e.id DESC";

/// Which entries to list. Every field that is set narrows the answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) from: Option<Date>,
    pub(super) to: Option<Date>,
    pub(super) month: Option<Month>,
    /// With exactly this payee, after folding of case and width.
    pub(super) merchant: Option<String>,
    /// In this category or one below it: an id, or a path.
    pub(super) category: Option<String>,
    /// Whose payee, note or tags have words that begin with each of these.
    pub(super) text: Option<String>,
}

/// Where a page ends: what the next one goes on after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    day: i64,
    created_ms: i64,
    id: DocumentId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.day, self.created_ms, self.id)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(());
        let (day, created_ms) = (part()?.parse().map_err(|_| ())?, part()?.parse().map_err(|_| ())?);
        Ok(Self { day, created_ms, id: part()?.parse().map_err(|_| ())? })
    }
}

/// One page of entries.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Page {
    expenses: Vec<ExpenseObject>,
    /// Where to go on, if there is more.
    #[schema(required)]
    next: Option<String>,
}

/// A page of entries that pass a filter.
pub(super) fn page(
    connection: &Connection,
    lid: i64,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page> {
    let mut names = Names::new(connection, lid);
    let Some(select) = Select::new(&mut names, lid, filter, after)? else { return Ok(Page::default()) };
    let sql = select.sql(limit + 1);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(&select.values), Stored::read)?;
    let mut rows: Vec<Stored> = rows.collect::<rusqlite::Result<_>>()?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().map(|row| Cursor { day: row.day, created_ms: row.created_ms, id: row.id });
    let expenses = rows.into_iter().map(|row| row.resolve(&mut names)).collect::<Result<_>>()?;
    Ok(Page { expenses, next: last.filter(|_| has_more).map(|last| last.to_string()) })
}

/// One entry, also from the trash.
pub(super) fn expense(connection: &Connection, lid: i64, id: &DocumentId) -> Result<Option<ExpenseObject>> {
    let select = format!(
        "SELECT {COLUMNS} FROM expense e WHERE e.state <> 2 AND
         e.rid = (SELECT rid FROM document WHERE lid = ?1 AND id = ?2)"
    );
    let row = connection.prepare_cached(&select)?.query_row((lid, id.0), Stored::read).optional()?;
    row.map(|row| row.resolve(&mut Names::new(connection, lid))).transpose()
}

/// The conditions of a query, with the values that they name by number.
struct Select {
    conditions: Vec<String>,
    /// Of which one must hold, if there are any.
    categories: Vec<String>,
    values: Vec<Value>,
}

impl Select {
    /// `None` when nothing can pass the filter.
    fn new(names: &mut Names<'_>, lid: i64, filter: &Filter, after: Option<Cursor>) -> Result<Option<Self>> {
        let mut select =
            Self { conditions: vec!["e.state = 1".to_owned()], categories: Vec::new(), values: Vec::new() };
        select.add("e.lid = ?", [Value::Integer(lid)]);
        select.add_dates(filter, after);
        if let Some(Cursor { day, created_ms, id }) = after {
            let values = [Value::Integer(day), Value::Integer(created_ms), Value::Blob(id.0.to_vec())];
            select.add("(e.day, e.created_ms, e.id) < (?, ?, ?)", values);
        }
        if let Some(merchant) = &filter.merchant {
            select.add("e.payee_key = ?", [Value::Text(fold(merchant))]);
        }
        if let Some(category) = &filter.category {
            let ids = names.with_descendants(category)?;
            if ids.is_empty() {
                return Ok(None);
            }
            for id in ids {
                let condition = select.numbered("e.category = ?", [Value::Blob(id.0.to_vec())]);
                select.categories.push(condition);
            }
        }
        if let Some(text) = &filter.text {
            let words: Vec<String> =
                words_of(lid, text).into_iter().take(WORDS_MAX).map(|word| format!("\"{word}\"*")).collect();
            if words.is_empty() {
                return Ok(None);
            }
            let condition = "e.rid IN (SELECT rowid FROM expense_search WHERE expense_search MATCH ?)";
            select.add(condition, [Value::Text(words.join(" "))]);
        }
        Ok(Some(select))
    }

    fn sql(&self, limit: usize) -> String {
        let found = match self.categories.as_slice() {
            [] => self.conditions.join(" AND "),
            [category] => format!("{} AND {category}", self.conditions.join(" AND ")),
            several if several.len() <= CATEGORIES_MAX => self.newest_of_each(several, limit),
            // The plus keeps it to the days: a page of so many is soon full.
            many => format!("{} AND +({})", self.conditions.join(" AND "), many.join(" OR ")),
        };
        format!("SELECT {COLUMNS} FROM expense e WHERE {found} ORDER BY {ORDER} LIMIT {limit}")
    }

    /// The newest of what the newest of each category are: it costs the same whether much or nothing is in them.
    fn newest_of_each(&self, categories: &[String], limit: usize) -> String {
        let conditions = self.conditions.join(" AND ");
        let newest = |category: &String| {
            format!(
                "SELECT * FROM (SELECT e.rid, e.day, e.created_ms, e.id FROM expense e \
                 WHERE {conditions} AND {category} ORDER BY {ORDER} LIMIT {limit})"
            )
        };
        let all: Vec<String> = categories.iter().map(newest).collect();
        format!("e.rid IN (SELECT e.rid FROM ({}) e ORDER BY {ORDER} LIMIT {limit})", all.join(" UNION ALL "))
    }

    fn add<const N: usize>(&mut self, condition: &str, values: [Value; N]) {
        let condition = self.numbered(condition, values);
        self.conditions.push(condition);
    }

    /// A condition with the numbers of its values, so that it may stand in several places.
    fn numbered<const N: usize>(&mut self, condition: &str, values: [Value; N]) -> String {
        let mut numbered = condition.to_owned();
        for value in values {
            self.values.push(value);
            // What was replaced has a digit after it, and is not found again.
            let place = numbered.match_indices('?').find(|(at, _)| !numbered[at + 1..].starts_with(char::is_numeric));
            if let Some((at, _)) = place {
                numbered.insert_str(at + 1, &self.values.len().to_string());
            }
        }
        numbered
    }

    fn add_dates(&mut self, filter: &Filter, after: Option<Cursor>) {
        let day = |date: Date| i64::from(date.days());
        let month = filter.month.map(|month| (month.first_day(), month.last_day()));
        let from = filter.from.into_iter().chain(month.map(|(first, _)| first)).max().map(day);
        let to = filter.to.into_iter().chain(month.map(|(_, last)| last)).min().map(day);
        // The index is entered by the days alone where there are some: then at that of the cursor.
        let to = after.filter(|_| from.is_some() || to.is_some()).map(|after| after.day).into_iter().chain(to).min();
        for (day, condition) in [(from, "e.day >= ?"), (to, "e.day <= ?")] {
            if let Some(day) = day {
                self.add(condition, [Value::Integer(day)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is asked, a page is found along one index in the order in which it is shown; of several categories the
    /// newest of each are.
    #[test]
    fn nothing_is_sorted_but_the_newest_of_several_categories() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../store/schema.sql")).unwrap();
        let insert = "INSERT INTO category (rid, lid, id, name, parent, is_deleted) VALUES (?1, 1, ?2, ?3, ?4, 0)";
        connection.execute(insert, (1, [1; 16], "Food", None::<[u8; 16]>)).unwrap();
        connection.execute(insert, (2, [2; 16], "Snacks", Some([1; 16]))).unwrap();
        let month = Filter { month: Month::from_number(2026 * 12), ..Filter::default() };
        let merchant = Filter { merchant: Some("Bakery".into()), ..Filter::default() };
        let [all, one] =
            ["Food", "Food:Snacks"].map(|path| Filter { category: Some(path.into()), ..Filter::default() });
        let cursor = Cursor { day: 20_000, created_ms: 7, id: DocumentId([3; 16]) };
        let expected = [
            (Filter::default(), "expense_by_day"),
            (month, "expense_by_day"),
            (merchant, "expense_by_payee"),
            (all, "expense_by_category"),
            (one, "expense_by_category"),
        ];
        for (filter, index) in &expected {
            for after in [None, Some(cursor)] {
                let select = Select::new(&mut Names::new(&connection, 1), 1, filter, after).unwrap().unwrap();
                let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", select.sql(51))).unwrap();
                let rows = plan.query_map(rusqlite::params_from_iter(&select.values), |row| row.get(3)).unwrap();
                let steps: Vec<String> = rows.collect::<rusqlite::Result<_>>().unwrap();
                let (found, sorted): (Vec<_>, Vec<_>) = steps
                    .iter()
                    .filter(|step| step.contains(" INDEX ") || step.contains("B-TREE"))
                    .partition(|step| step.contains(" INDEX "));
                let lists = if select.categories.len() > 1 { select.categories.len() } else { 1 };
                assert!(found.len() == lists && found.iter().all(|step| step.contains(index)), "{filter:?}: {steps:?}");
                assert!(lists > 1 || steps.len() == 1, "{filter:?}: {steps:?}");
                assert!(lists > 1 || sorted.is_empty(), "{filter:?}: {steps:?}");
            }
        }
    }
}

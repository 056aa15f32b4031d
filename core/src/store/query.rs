//! Lists of entries: filters, orders, pages.
//!
//! A page goes on after an entry, not after a number of them, so it costs the same anywhere in a million.

use outlay_ledger::text::fold;
use outlay_ledger::{Date, DocumentId, Money, TimeOfDay};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row};

use super::projection::{TAG_SEPARATOR, kind_number, kind_of_number};
use super::things::{Names, with_descendants};
use super::{keys, search};
use crate::error::{Error, Result};
use crate::model::{Expense, Filter, Page, Sort};

/// Entries of one page.
pub(crate) const PAGE_MAX: usize = 1_000;

const COLUMNS: &str = "e.rid, e.lid, e.day, e.kind, e.minor, e.currency, e.payee, e.category, e.account, e.to_account,
    e.deleted, e.conflicted, e.second, e.note, e.tags, e.refund_of, e.id";

/// One entry.
pub(crate) fn expense(
    connection: &Connection,
    names: &mut Names,
    lid: i64,
    id: &DocumentId,
) -> Result<Option<Expense>> {
    let Some(rid) = keys::find_document(connection, lid, id)? else { return Ok(None) };
    numbered(connection, names, rid)
}

/// The entry of a number.
pub(crate) fn numbered(connection: &Connection, names: &mut Names, rid: i64) -> Result<Option<Expense>> {
    let select = format!("SELECT {COLUMNS} FROM expense e WHERE e.rid = ?1");
    let mut statement = connection.prepare_cached(&select)?;
    let mut rows = statement.query([rid])?;
    rows.next()?.map(|row| shown(connection, names, row)).transpose()
}

/// A page of entries that pass a filter.
pub(crate) fn page(
    connection: &Connection,
    names: &mut Names,
    lid: i64,
    filter: &Filter,
    sort: Sort,
    after: Option<DocumentId>,
    limit: usize,
) -> Result<Page> {
    if limit == 0 || limit > PAGE_MAX {
        return Err(Error::invalid(format!("a page has 1 to {PAGE_MAX} entries")));
    }
    let Some(mut select) = Select::new(connection, lid, filter)? else { return Ok(Page::default()) };
    if let Some(after) = after {
        select.go_on_after(connection, lid, sort, &after)?;
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM expense e WHERE {} ORDER BY {} LIMIT {}",
        select.conditions.join(" AND "),
        order(sort),
        limit + 1
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(&select.values))?;
    let mut page = Page::default();
    while let Some(row) = rows.next()? {
        if page.expenses.len() == limit {
            page.next = page.expenses.last().map(|last| last.id);
            break;
        }
        page.expenses.push(shown(connection, names, row)?);
    }
    Ok(page)
}

const fn order(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "e.day DESC, e.created_ms DESC, e.rid DESC",
        Sort::Oldest => "e.day, e.created_ms, e.rid",
        Sort::Largest => "coalesce(e.minor, 0) DESC, e.day DESC, e.created_ms DESC, e.rid DESC",
        Sort::Smallest => "coalesce(e.minor, 0), e.day DESC, e.created_ms DESC, e.rid DESC",
    }
}

/// The conditions of a query and their values, in order.
struct Select {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Select {
    /// `None` when nothing can pass the filter.
    fn new(connection: &Connection, lid: i64, filter: &Filter) -> Result<Option<Self>> {
        let deleted = if filter.deleted { "e.deleted = 1" } else { "e.deleted = 0" };
        let mut select = Self { conditions: vec![deleted.to_owned()], values: Vec::new() };
        select.add("e.lid = ?", [Value::Integer(lid)]);
        select.add_dates(filter);
        let found = select.add_category(connection, lid, filter)?
            && select.add_account(connection, lid, filter)?
            && select.add_payee(connection, filter)?;
        if !found {
            return Ok(None);
        }
        if let Some(tag) = &filter.tag {
            let condition = "e.rid IN (SELECT rid FROM expense_tag WHERE lid = ? AND tag = ?)";
            select.add(condition, [Value::Integer(lid), Value::Text(tag.clone())]);
        }
        if let Some(kind) = filter.kind {
            select.add("e.kind = ?", [Value::Integer(kind_number(kind))]);
        }
        for (amount, condition) in [(filter.amount_min, "e.minor >= ?"), (filter.amount_max, "e.minor <= ?")] {
            if let Some(amount) = amount {
                select.add(condition, [Value::Integer(amount.minor())]);
                select.add("e.currency = ?", [Value::Text(amount.currency().code().to_owned())]);
            }
        }
        if let Some(text) = &filter.text {
            select.add_text(connection, text)?;
        }
        Ok(Some(select))
    }

    fn add<const N: usize>(&mut self, condition: &str, values: [Value; N]) {
        self.conditions.push(condition.to_owned());
        self.values.extend(values);
    }

    fn add_dates(&mut self, filter: &Filter) {
        let month = filter.month.map(|month| (month.first_day(), month.last_day()));
        let from = filter.from.into_iter().chain(month.map(|(first, _)| first)).max();
        let to = filter.to.into_iter().chain(month.map(|(_, last)| last)).min();
        for (date, condition) in [(from, "e.day >= ?"), (to, "e.day <= ?")] {
            if let Some(date) = date {
                self.add(condition, [Value::Integer(i64::from(date.days()))]);
            }
        }
    }

    fn add_category(&mut self, connection: &Connection, lid: i64, filter: &Filter) -> Result<bool> {
        let Some(id) = &filter.category else { return Ok(true) };
        let Some(rid) = keys::find_document(connection, lid, id)? else { return Ok(false) };
        let rids = with_descendants(connection, lid, rid)?;
        let list: Vec<String> = rids.iter().map(i64::to_string).collect();
        match list.as_slice() {
            [only] => self.add(&format!("e.category = {only}"), []),
            list => self.add(&format!("e.category IN ({})", list.join(", ")), []),
        }
        Ok(true)
    }

    fn add_account(&mut self, connection: &Connection, lid: i64, filter: &Filter) -> Result<bool> {
        let Some(id) = &filter.account else { return Ok(true) };
        let Some(rid) = keys::find_document(connection, lid, id)? else { return Ok(false) };
        self.add("(e.account = ? OR e.to_account = ?)", [Value::Integer(rid), Value::Integer(rid)]);
        Ok(true)
    }

    fn add_payee(&mut self, connection: &Connection, filter: &Filter) -> Result<bool> {
        let Some(name) = &filter.payee else { return Ok(true) };
        let pids = payees(connection, name)?;
        match pids.as_slice() {
            [] => return Ok(false),
            [only] => self.add("e.payee = ?", [Value::Integer(*only)]),
            many => {
                let list: Vec<String> = many.iter().map(i64::to_string).collect();
                self.add(&format!("e.payee IN ({})", list.join(", ")), []);
            }
        }
        Ok(true)
    }

    fn add_text(&mut self, connection: &Connection, text: &str) -> Result<()> {
        let found = search::find(connection, text)?;
        let condition = "(e.rid IN (SELECT rowid FROM search WHERE search MATCH ?)
            AND e.rid NOT IN (SELECT value FROM json_each(?))
            OR e.rid IN (SELECT value FROM json_each(?)))";
        match found {
            Some(found) => self.add(condition, [found.expression, found.lacking, found.beside].map(Value::Text)),
            None => self.add("0", []),
        }
        Ok(())
    }

    fn go_on_after(&mut self, connection: &Connection, lid: i64, sort: Sort, after: &DocumentId) -> Result<()> {
        let missing = || Error::not_found("entry to go on after");
        let rid = keys::find_document(connection, lid, after)?.ok_or_else(missing)?;
        let select = "SELECT day, created_ms, coalesce(minor, 0) FROM expense WHERE rid = ?1";
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let place = connection.prepare_cached(select)?.query_row([rid], row).optional()?;
        let (day, created, minor): (i64, i64, i64) = place.ok_or_else(missing)?;
        let integers = |values: [i64; 3]| values.map(Value::Integer);
        let older = "(e.day, e.created_ms, e.rid) < (?, ?, ?)";
        match sort {
            Sort::Newest => self.add(older, integers([day, created, rid])),
            Sort::Oldest => self.add("(e.day, e.created_ms, e.rid) > (?, ?, ?)", integers([day, created, rid])),
            Sort::Largest | Sort::Smallest => {
                let further = if sort == Sort::Largest { "<" } else { ">" };
                let condition = format!("(coalesce(e.minor, 0) {further} ? OR coalesce(e.minor, 0) = ? AND {older})");
                self.add(&condition, [minor, minor, day, created, rid].map(Value::Integer));
            }
        }
        Ok(())
    }
}

/// The numbers of payees that a name means, whatever its case and width.
fn payees(connection: &Connection, name: &str) -> Result<Vec<i64>> {
    let wanted = fold(name);
    let mut statement = connection.prepare_cached("SELECT pid, name FROM payee")?;
    let mut rows = statement.query([])?;
    let mut pids = Vec::new();
    while let Some(row) = rows.next()? {
        if fold(row.get_ref(1)?.as_str().unwrap_or_default()) == wanted {
            pids.push(row.get(0)?);
        }
    }
    Ok(pids)
}

/// An entry from its row, with the names of what it refers to.
fn shown(connection: &Connection, names: &mut Names, row: &Row<'_>) -> Result<Expense> {
    let number = |column| row.get::<_, Option<i64>>(column);
    Ok(Expense {
        id: names.id(connection, row.get(0)?, row.get(16)?)?,
        ledger: names.ledger(connection, row.get(1)?)?,
        kind: number(3)?.map(kind_of_number),
        amount: amount(row, 4, 5)?,
        payee: number(6)?.map(|pid| names.payee(connection, pid)).transpose()?.unwrap_or_default(),
        category: number(7)?.map(|rid| names.category(connection, rid)).transpose()?.flatten(),
        account: number(8)?.map(|rid| names.account(connection, rid)).transpose()?.flatten(),
        to_account: number(9)?.map(|rid| names.account(connection, rid)).transpose()?.flatten(),
        date: date(row, 2)?,
        time: row.get::<_, Option<u32>>(12)?.and_then(TimeOfDay::from_seconds),
        note: text(row, 13)?.unwrap_or_default().to_owned(),
        tags: text(row, 14)?.iter().flat_map(|tags| tags.split(TAG_SEPARATOR)).map(str::to_owned).collect(),
        refund_of: number(15)?.map(|rid| names.document(connection, rid)).transpose()?,
        deleted: row.get(10)?,
        conflicted: row.get(11)?,
    })
}

/// An amount from the columns of its minor units and its currency.
pub(super) fn amount(row: &Row<'_>, minor: usize, currency: usize) -> rusqlite::Result<Option<Money>> {
    let currency = text(row, currency)?.and_then(outlay_ledger::field::currency);
    let amount = row.get::<_, Option<i64>>(minor)?.zip(currency);
    Ok(amount.and_then(|(minor, currency)| Money::new(minor, currency).ok()))
}

/// A date from the column of its days.
pub(super) fn date(row: &Row<'_>, column: usize) -> rusqlite::Result<Date> {
    row.get(column).map(|days| Date::from_days(days).unwrap_or(Date::MIN))
}

pub(super) fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r str>> {
    Ok(row.get_ref(column)?.as_str_or_null()?)
}

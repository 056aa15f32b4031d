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

const COLUMNS: &str = "e.rid, e.lid, e.day, e.kind, e.minor, e.currency, p.name, e.category, e.account, e.to_account,
    e.deleted, e.conflicted, e.second, e.note, e.tags, e.refund_of, e.id";
const TABLES: &str = "expense e LEFT JOIN payee p ON p.pid = e.payee";

/// One entry.
pub(crate) fn expense(connection: &Connection, lid: i64, id: &DocumentId) -> Result<Option<Expense>> {
    let Some(rid) = keys::find_document(connection, lid, id)? else { return Ok(None) };
    numbered(connection, rid, &mut Names::default())
}

/// The entry of a number.
pub(crate) fn numbered(connection: &Connection, rid: i64, names: &mut Names) -> Result<Option<Expense>> {
    let select = format!("SELECT {COLUMNS} FROM {TABLES} WHERE e.rid = ?1");
    let row = connection.prepare_cached(&select)?.query_row([rid], Stored::read).optional()?;
    row.map(|row| row.resolve(connection, names)).transpose()
}

/// A page of entries that pass a filter.
pub(crate) fn page(
    connection: &Connection,
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
        "SELECT {COLUMNS} FROM {TABLES} WHERE {} ORDER BY {} LIMIT {}",
        select.conditions.join(" AND "),
        order(sort),
        limit + 1
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(&select.values), Stored::read)?;
    let mut rows: Vec<Stored> = rows.collect::<rusqlite::Result<_>>()?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let mut names = Names::default();
    let expenses = rows.into_iter().map(|row| row.resolve(connection, &mut names)).collect::<Result<Vec<_>>>()?;
    let next = expenses.last().filter(|_| has_more).map(|last| last.id);
    Ok(Page { expenses, next })
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

/// A row of `expense` with the name of its payee and its id.
struct Stored {
    rid: i64,
    lid: i64,
    day: i64,
    kind: Option<i64>,
    minor: Option<i64>,
    currency: Option<String>,
    payee: Option<String>,
    category: Option<i64>,
    account: Option<i64>,
    to_account: Option<i64>,
    deleted: bool,
    conflicted: bool,
    second: Option<u32>,
    note: Option<String>,
    tags: Option<String>,
    refund_of: Option<i64>,
    /// Of a listed document; others follow from their rid.
    id: Option<[u8; 16]>,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            rid: row.get(0)?,
            lid: row.get(1)?,
            day: row.get(2)?,
            kind: row.get(3)?,
            minor: row.get(4)?,
            currency: row.get(5)?,
            payee: row.get(6)?,
            category: row.get(7)?,
            account: row.get(8)?,
            to_account: row.get(9)?,
            deleted: row.get(10)?,
            conflicted: row.get(11)?,
            second: row.get(12)?,
            note: row.get(13)?,
            tags: row.get(14)?,
            refund_of: row.get(15)?,
            id: row.get(16)?,
        })
    }

    fn resolve(self, connection: &Connection, names: &mut Names) -> Result<Expense> {
        let currency = self.currency.as_deref().and_then(outlay_ledger::field::currency);
        let amount = self.minor.zip(currency).and_then(|(minor, currency)| Money::new(minor, currency).ok());
        let category = self.category.map(|rid| names.category(connection, rid)).transpose()?.flatten();
        let account = self.account.map(|rid| names.account(connection, rid)).transpose()?.flatten();
        let to_account = self.to_account.map(|rid| names.account(connection, rid)).transpose()?.flatten();
        let tags = self.tags.iter().flat_map(|tags| tags.split(TAG_SEPARATOR)).map(str::to_owned).collect();
        Ok(Expense {
            id: match self.id {
                Some(id) => DocumentId(id),
                None => names.document(connection, self.rid)?,
            },
            ledger: names.ledger(connection, self.lid)?,
            kind: self.kind.map(kind_of_number),
            amount,
            payee: self.payee.unwrap_or_default(),
            category,
            account,
            to_account,
            date: i32::try_from(self.day).ok().and_then(Date::from_days).unwrap_or(Date::MIN),
            time: self.second.and_then(TimeOfDay::from_seconds),
            note: self.note.unwrap_or_default(),
            tags,
            refund_of: self.refund_of.map(|rid| names.document(connection, rid)).transpose()?,
            deleted: self.deleted,
            conflicted: self.conflicted,
        })
    }
}

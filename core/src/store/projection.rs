//! From what a document holds to the rows that are read.
//!
//! No value makes a step here fail: references to things that are not held become numbers all the same, and are resolved
//! when they are shown.

use outlay_ledger::expense::{Shown, attachments, decision, reference, text};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::Document;
use outlay_ledger::{Date, DocumentId, Entry, EntryKind, Month};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::rollup::RollupKey;
use super::things::Names;
use super::{Write, blobs, insights, keys};
use crate::error::Result;

/// Payees remembered between transactions.
const PAYEES_CACHED_MAX: usize = 50_000;
/// What joins tags in their column.
pub(crate) const TAG_SEPARATOR: char = '\u{1f}';

/// A row of `expense`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ExpenseRow {
    day: i64,
    created_ms: i64,
    kind: Option<i64>,
    minor: Option<i64>,
    currency: Option<String>,
    payee: Option<i64>,
    category: Option<i64>,
    account: Option<i64>,
    to_account: Option<i64>,
    deleted: bool,
    conflicted: bool,
    second: Option<i64>,
    note: Option<String>,
    tags: Option<String>,
    refund_of: Option<i64>,
    money: Option<Vec<u8>>,
}

/// Writes the rows of a document. `created_ms` is kept as it is when `None`.
pub(super) fn project(
    write: &mut Write<'_>,
    lid: i64,
    rid: i64,
    document: &Document,
    created_ms: Option<i64>,
    is_new: bool,
) -> Result<()> {
    let old = if is_new { None } else { read_expense(&write.tx, rid)? };
    let is_expense = document.thing() == Some(Thing::Expense);
    // What has a row of an entry has none of another thing, and its row says whether there are rows of conflicts.
    let was_plain = is_expense && old.as_ref().is_some_and(|old| !old.conflicted);
    if !is_new && !was_plain {
        forget_things(write, rid)?;
    }
    let is_plain = was_plain && document.conflicting_keys().is_empty();
    if !is_new && !is_plain {
        set_conflicts(&write.tx, lid, rid, document)?;
    }
    let new = match is_expense.then(|| expense_row(write, lid, document)).transpose()?.flatten() {
        Some(row) => {
            let created_ms = created_ms.or(old.as_ref().map(|old| old.created_ms)).unwrap_or(row.created_ms);
            Some(ExpenseRow { created_ms, ..row })
        }
        None => None,
    };
    write_expense(write, lid, rid, old, new)?;
    let attached = if is_expense { attachments(document) } else { Vec::new() };
    blobs::set_attachments(&write.tx, lid, rid, &attached, is_new)?;
    let decided = if is_expense { decision(document) } else { None };
    insights::set_decision(&write.tx, lid, rid, decided, is_new)?;
    match document.thing() {
        Some(Thing::Account) => write_account(write, lid, rid, document),
        Some(Thing::Category) => write_category(write, lid, rid, document),
        Some(Thing::Member) => write_member(&write.tx, lid, rid, document),
        Some(Thing::Settings) => write_settings(&write.tx, lid, rid, document),
        Some(Thing::Expense | Thing::Unknown(_)) | None => Ok(()),
    }
}

fn write_expense(
    write: &mut Write<'_>,
    lid: i64,
    rid: i64,
    old: Option<ExpenseRow>,
    new: Option<ExpenseRow>,
) -> Result<()> {
    if old == new {
        return Ok(());
    }
    let counted = |row: &Option<ExpenseRow>| row.as_ref().and_then(ExpenseRow::counted).and_then(|of| rolled(lid, &of));
    let (before, after) = (counted(&old), counted(&new));
    if before != after && !write.is_summed_later(rid)? {
        before.into_iter().for_each(|(key, minor)| write.rollups.subtract(key, minor));
        after.into_iter().for_each(|(key, minor)| write.rollups.add(key, minor));
    }
    let tags = |row: &Option<ExpenseRow>| row.as_ref().and_then(|row| row.tags.clone());
    if tags(&old) != tags(&new) {
        set_tags(&write.tx, lid, rid, tags(&old), tags(&new))?;
    }
    match (old, new) {
        (None, Some(new)) => insert_row(&write.tx, lid, rid, &new),
        (Some(old), Some(new)) => update_row(&write.tx, rid, &old, &new),
        (Some(_), None) => {
            write.tx.prepare_cached("DELETE FROM expense WHERE rid = ?1")?.execute([rid])?;
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

/// What an entry counts for, if it is not in the trash.
pub(super) struct Counted<'a> {
    pub(super) day: i64,
    pub(super) kind: Option<i64>,
    pub(super) minor: Option<i64>,
    pub(super) currency: Option<&'a str>,
    pub(super) category: Option<i64>,
}

impl ExpenseRow {
    fn counted(&self) -> Option<Counted<'_>> {
        let Self { day, kind, minor, category, .. } = *self;
        (!self.deleted).then_some(Counted { day, kind, minor, currency: self.currency.as_deref(), category })
    }
}

/// Where an entry counts, if it does.
pub(super) fn rolled(lid: i64, counted: &Counted<'_>) -> Option<(RollupKey, i64)> {
    let (kind, minor) = (counted.kind?, counted.minor?);
    let currency = counted.currency?.as_bytes().try_into().ok()?;
    let month = month_of_day(counted.day)?;
    let key = RollupKey { lid, month, currency, kind, category: counted.category.unwrap_or(0) };
    Some((key, minor))
}

fn month_of_day(day: i64) -> Option<u16> {
    i32::try_from(day).ok().and_then(Date::from_days).map(|date| Month::from_date(date).number())
}

fn expense_row(write: &mut Write<'_>, lid: i64, document: &Document) -> Result<Option<ExpenseRow>> {
    let Some(shown) = Shown::of(document) else { return Ok(None) };
    let entry = shown.entry.as_ref();
    Ok(Some(ExpenseRow {
        day: i64::from(shown.date.days()),
        created_ms: 0,
        kind: entry.map(|entry| kind_number(entry.kind)),
        minor: entry.map(|entry| entry.amount.minor()),
        currency: entry.map(|entry| entry.amount.currency().code().to_owned()),
        payee: match shown.payee {
            Some(name) => Some(payee(write, name)?),
            None => None,
        },
        category: number(write, lid, shown.category)?,
        account: number(write, lid, shown.account)?,
        to_account: number(write, lid, shown.to_account)?,
        deleted: shown.is_deleted,
        conflicted: shown.is_conflicted,
        second: shown.time.map(|time| i64::from(time.seconds())),
        note: shown.note.map(str::to_owned),
        tags: Some(shown.tags.join(&TAG_SEPARATOR.to_string())).filter(|tags| !tags.is_empty()),
        refund_of: number(write, lid, shown.refund_of)?,
        money: entry.filter(|entry| has_more_than_columns(entry)).map(Entry::encode),
    }))
}

fn has_more_than_columns(entry: &Entry) -> bool {
    !entry.payers.is_empty() || !entry.shares.is_empty() || entry.rate.is_some() || entry.received.is_some()
}

fn number(write: &mut Write<'_>, lid: i64, document: Option<DocumentId>) -> Result<Option<i64>> {
    document.map(|id| write.state.keys.enter_referred(&write.tx, lid, &id)).transpose()
}

fn payee(write: &mut Write<'_>, name: &str) -> Result<i64> {
    if let Some(pid) = write.state.payees.get(name) {
        return Ok(*pid);
    }
    let select = "SELECT pid FROM payee WHERE name = ?1";
    let found: Option<i64> = write.tx.prepare_cached(select)?.query_row([name], |row| row.get(0)).optional()?;
    let pid = match found {
        Some(pid) => pid,
        None => {
            write.tx.prepare_cached("INSERT INTO payee (name) VALUES (?1)")?.execute([name])?;
            write.tx.last_insert_rowid()
        }
    };
    if write.state.payees.len() >= PAYEES_CACHED_MAX {
        write.state.payees.clear();
    }
    write.state.payees.insert(name.to_owned(), pid);
    Ok(pid)
}

fn read_expense(tx: &Connection, rid: i64) -> Result<Option<ExpenseRow>> {
    let select = "SELECT day, created_ms, kind, minor, currency, payee, category, account, to_account, deleted,
        conflicted, second, note, tags, refund_of, money FROM expense WHERE rid = ?1";
    let row = tx.prepare_cached(select)?.query_row([rid], |row| {
        Ok(ExpenseRow {
            day: row.get(0)?,
            created_ms: row.get(1)?,
            kind: row.get(2)?,
            minor: row.get(3)?,
            currency: row.get(4)?,
            payee: row.get(5)?,
            category: row.get(6)?,
            account: row.get(7)?,
            to_account: row.get(8)?,
            deleted: row.get(9)?,
            conflicted: row.get(10)?,
            second: row.get(11)?,
            note: row.get(12)?,
            tags: row.get(13)?,
            refund_of: row.get(14)?,
            money: row.get(15)?,
        })
    });
    Ok(row.optional()?)
}

fn insert_row(tx: &Connection, lid: i64, rid: i64, row: &ExpenseRow) -> Result<()> {
    let insert = "INSERT INTO expense (rid, lid, day, created_ms, kind, minor, currency, payee, category,
        account, to_account, deleted, conflicted, second, note, tags, refund_of, money, id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
            (SELECT id FROM named_document WHERE ?19 AND rid = ?1))";
    tx.prepare_cached(insert)?.execute(params![
        rid,
        lid,
        row.day,
        row.created_ms,
        row.kind,
        row.minor,
        row.currency,
        row.payee,
        row.category,
        row.account,
        row.to_account,
        row.deleted,
        row.conflicted,
        row.second,
        row.note,
        row.tags,
        row.refund_of,
        row.money,
        keys::feed_and_number(rid).is_none(),
    ])?;
    Ok(())
}

/// Sets the columns that changed and no other: an index of which no column is set is not touched, and among a million
/// entries each index that is touched is a page read and written.
fn update_row(tx: &Connection, rid: i64, old: &ExpenseRow, new: &ExpenseRow) -> Result<()> {
    let both = columns(old).into_iter().zip(columns(new));
    let changed = both.filter(|(old, new)| old != new).map(|(_, new)| new);
    let (names, mut values): (Vec<String>, Vec<Value>) =
        changed.map(|(name, value)| (format!("{name} = ?"), value)).unzip();
    values.push(Value::Integer(rid));
    let update = format!("UPDATE expense SET {} WHERE rid = ?", names.join(", "));
    tx.prepare_cached(&update)?.execute(params_from_iter(values))?;
    Ok(())
}

fn columns(row: &ExpenseRow) -> [(&'static str, Value); 16] {
    [
        ("day", row.day.into()),
        ("created_ms", row.created_ms.into()),
        ("kind", row.kind.into()),
        ("minor", row.minor.into()),
        ("currency", row.currency.clone().into()),
        ("payee", row.payee.into()),
        ("category", row.category.into()),
        ("account", row.account.into()),
        ("to_account", row.to_account.into()),
        ("deleted", row.deleted.into()),
        ("conflicted", row.conflicted.into()),
        ("second", row.second.into()),
        ("note", row.note.clone().into()),
        ("tags", row.tags.clone().into()),
        ("refund_of", row.refund_of.into()),
        ("money", row.money.clone().into()),
    ]
}

fn set_tags(tx: &Connection, lid: i64, rid: i64, old: Option<String>, new: Option<String>) -> Result<()> {
    for tag in old.iter().flat_map(|tags| tags.split(TAG_SEPARATOR)) {
        let delete = "DELETE FROM expense_tag WHERE lid = ?1 AND tag = ?2 AND rid = ?3";
        tx.prepare_cached(delete)?.execute((lid, tag, rid))?;
    }
    for tag in new.iter().flat_map(|tags| tags.split(TAG_SEPARATOR)) {
        let insert = "INSERT OR IGNORE INTO expense_tag (lid, tag, rid) VALUES (?1, ?2, ?3)";
        tx.prepare_cached(insert)?.execute((lid, tag, rid))?;
    }
    Ok(())
}

fn set_conflicts(tx: &Connection, lid: i64, rid: i64, document: &Document) -> Result<()> {
    tx.prepare_cached("DELETE FROM conflict WHERE lid = ?1 AND rid = ?2")?.execute((lid, rid))?;
    for key in document.conflicting_keys() {
        let insert = "INSERT INTO conflict (lid, rid, key) VALUES (?1, ?2, ?3)";
        tx.prepare_cached(insert)?.execute((lid, rid, key))?;
    }
    Ok(())
}

/// A thing may turn out to be another one, when two first changes of one document disagree.
fn forget_things(write: &mut Write<'_>, rid: i64) -> Result<()> {
    for delete in [
        "DELETE FROM account WHERE rid = ?1",
        "DELETE FROM category WHERE rid = ?1",
        "DELETE FROM member WHERE rid = ?1",
    ] {
        if write.tx.prepare_cached(delete)?.execute([rid])? > 0 {
            write.state.names = Names::default();
        }
    }
    Ok(())
}

fn write_account(write: &mut Write<'_>, lid: i64, rid: i64, document: &Document) -> Result<()> {
    write.state.names = Names::default();
    let insert = "INSERT INTO account (rid, lid, name, currency, deleted, id) VALUES (?1, ?2, ?3, ?4, ?5,
        (SELECT id FROM named_document WHERE rid = ?1))";
    let name = text(document, field::NAME).unwrap_or_default();
    let currency = text(document, field::CURRENCY);
    write.tx.prepare_cached(insert)?.execute((rid, lid, name, currency, document.is_deleted()))?;
    Ok(())
}

fn write_category(write: &mut Write<'_>, lid: i64, rid: i64, document: &Document) -> Result<()> {
    write.state.names = Names::default();
    let parent = number(write, lid, reference(document, field::PARENT))?;
    let insert = "INSERT INTO category (rid, lid, name, parent, deleted, id) VALUES (?1, ?2, ?3, ?4, ?5,
        (SELECT id FROM named_document WHERE rid = ?1))";
    let name = text(document, field::NAME).unwrap_or_default();
    write.tx.prepare_cached(insert)?.execute((rid, lid, name, parent, document.is_deleted()))?;
    Ok(())
}

fn write_member(tx: &Connection, lid: i64, rid: i64, document: &Document) -> Result<()> {
    let insert = "INSERT INTO member (rid, lid, name, deleted) VALUES (?1, ?2, ?3, ?4)";
    let name = text(document, field::NAME).unwrap_or_default();
    tx.prepare_cached(insert)?.execute((rid, lid, name, document.is_deleted()))?;
    Ok(())
}

/// Only the settings that the genesis made are the ledger's.
fn write_settings(tx: &Connection, lid: i64, rid: i64, document: &Document) -> Result<()> {
    let update = "UPDATE ledger SET name = ?3, currency = ?4 WHERE lid = ?1 AND settings = ?2";
    let name = text(document, field::NAME).unwrap_or_default();
    let currency = text(document, field::CURRENCY).unwrap_or_default();
    tx.prepare_cached(update)?.execute((lid, rid, name, currency))?;
    Ok(())
}

pub(super) const fn kind_number(kind: EntryKind) -> i64 {
    match kind {
        EntryKind::Expense => 0,
        EntryKind::Income => 1,
        EntryKind::Transfer => 2,
    }
}

pub(super) const fn kind_of_number(number: i64) -> EntryKind {
    match number {
        1 => EntryKind::Income,
        2 => EntryKind::Transfer,
        _ => EntryKind::Expense,
    }
}

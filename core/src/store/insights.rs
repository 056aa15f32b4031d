//! What patterns are looked for in: entries as rows of spending, and what people decided of those that were found.

#[cfg(feature = "insight")]
use outlay_insight::recurring::{Decided, fingerprint};
use outlay_ledger::expense::{Decision, Shown};
use outlay_ledger::spend::Spend;
use outlay_ledger::{DocumentId, Entry};
use rusqlite::{Connection, Row};

use super::log;
use super::projection::{TAG_SEPARATOR, kind_of_number};
use super::query::{amount, date, text};
#[cfg(feature = "insight")]
use super::records;
use super::things::Names;
use crate::error::Result;

/// How often entries changed without a new record.
const CHANGED_OTHERWISE: &str = "changed_otherwise";

/// The columns that [`spend`] reads, of an entry `e`.
macro_rules! columns {
    () => {
        "e.rid, e.day, e.kind, e.minor, e.currency, e.payee, e.category, e.account, e.note, e.tags, e.refund_of, e.id"
    };
}

/// How many they are.
const COLUMNS: usize = 12;

/// Up to where a ledger is known: all records before the next one, and so many changes without one.
#[cfg(feature = "insight")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    next_seq: i64,
    otherwise: i64,
}

/// What changed in a ledger.
#[cfg(feature = "insight")]
pub(crate) enum Changed {
    /// These documents: rows of entries that are there, and ids of all others.
    Documents { rows: Vec<Spend>, others: Vec<DocumentId>, is_tree: bool },
    /// Anything: who follows it begins anew.
    Anything,
}

/// Notes that entries changed without a new record.
pub(super) fn note_changed(tx: &Connection) -> Result<()> {
    log::set_meta(tx, CHANGED_OTHERWISE, log::meta(tx, CHANGED_OTHERWISE)? + 1)
}

/// Up to where everything is known now.
#[cfg(feature = "insight")]
pub(crate) fn known(connection: &Connection) -> Result<Known> {
    Ok(Known { next_seq: records::next_seq(connection)?, otherwise: log::meta(connection, CHANGED_OTHERWISE)? })
}

/// What changed in a ledger since.
#[cfg(feature = "insight")]
pub(crate) fn changed(connection: &Connection, names: &mut Names, lid: i64, since: Known) -> Result<Changed> {
    if log::meta(connection, CHANGED_OTHERWISE)? != since.otherwise {
        return Ok(Changed::Anything);
    }
    let select = concat!(
        "SELECT d.rid, e.rid IS NOT NULL, ",
        columns!(),
        " FROM (SELECT DISTINCT rid FROM record WHERE seq >= ?2 AND rid IS NOT NULL) d
        LEFT JOIN expense e ON e.rid = d.rid AND e.lid = ?1 AND e.deleted = 0"
    );
    let mut statement = connection.prepare_cached(select)?;
    let mut found = statement.query((lid, since.next_seq))?;
    let (mut rows, mut others) = (Vec::new(), Vec::new());
    while let Some(row) = found.next()? {
        let entry = if row.get(1)? { spend(connection, names, row)? } else { None };
        match entry {
            Some(entry) => rows.push(entry),
            None => others.push(names.document(connection, row.get(0)?)?),
        }
    }
    let select = "SELECT EXISTS (SELECT 1 FROM record JOIN category USING (rid) WHERE seq >= ?1)";
    let is_tree = connection.prepare_cached(select)?.query_row([since.next_seq], |row| row.get(0))?;
    Ok(Changed::Documents { rows, others, is_tree })
}

/// What was decided in a ledger, each with what its entry says, also if that is in the trash.
#[cfg(feature = "insight")]
pub(crate) fn decided(connection: &Connection, names: &mut Names, lid: i64) -> Result<Vec<Decided>> {
    let select = concat!(
        "SELECT d.rid, is_confirmed, ",
        columns!(),
        " FROM decision d LEFT JOIN expense e USING (rid) WHERE d.lid = ?1"
    );
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([lid])?;
    let mut decided = Vec::new();
    while let Some(row) = rows.next()? {
        let said = spend(connection, names, row)?;
        let fingerprint = said.map_or(0, |said| fingerprint(&said.payee, &said.note, said.category));
        decided.push(Decided {
            entry: names.document(connection, row.get(0)?)?,
            decision: decision_of(row.get(1)?),
            fingerprint,
        });
    }
    decided.sort_unstable_by_key(|decided| decided.entry);
    Ok(decided)
}

/// Writes the row of what was decided of an entry.
pub(super) fn set_decision(
    tx: &Connection,
    lid: i64,
    rid: i64,
    decision: Option<Decision>,
    is_new: bool,
) -> Result<()> {
    match decision {
        Some(decision) => {
            let insert = "INSERT OR REPLACE INTO decision (rid, lid, is_confirmed) VALUES (?1, ?2, ?3)";
            tx.prepare_cached(insert)?.execute((rid, lid, decision == Decision::Confirmed))?;
        }
        None if is_new => {}
        None => _ = tx.prepare_cached("DELETE FROM decision WHERE rid = ?1")?.execute([rid])?,
    }
    Ok(())
}

/// What was decided in a ledger, each in the entry that it stands in, which may be in the trash; ascending by id.
pub(crate) fn decisions(connection: &Connection, names: &mut Names, lid: i64) -> Result<Vec<(DocumentId, Decision)>> {
    let select = "SELECT rid, is_confirmed FROM decision WHERE lid = ?1";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([lid])?;
    let mut decisions = Vec::new();
    while let Some(row) = rows.next()? {
        decisions.push((names.document(connection, row.get(0)?)?, decision_of(row.get(1)?)));
    }
    decisions.sort_unstable();
    Ok(decisions)
}

const fn decision_of(is_confirmed: bool) -> Decision {
    if is_confirmed { Decision::Confirmed } else { Decision::Dismissed }
}

/// The entries of a ledger that are not in the trash, in no order.
pub(crate) fn spending(connection: &Connection, names: &mut Names, lid: i64) -> Result<Vec<Spend>> {
    let select = concat!("SELECT ", columns!(), " FROM expense e WHERE lid = ?1 AND deleted = 0");
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([lid])?;
    let mut spending = Vec::new();
    while let Some(row) = rows.next()? {
        spending.extend(spend(connection, names, row)?);
    }
    Ok(spending)
}

/// The row of an entry, from the columns of [`columns`], which come last.
fn spend(connection: &Connection, names: &mut Names, row: &Row<'_>) -> Result<Option<Spend>> {
    let first = row.as_ref().column_count() - COLUMNS;
    let number = |column: usize| row.get::<_, Option<i64>>(first + column);
    let mut document = |column| number(column)?.map(|rid| names.document(connection, rid)).transpose();
    let (category, account, refund_of) = (document(6)?, document(7)?, document(10)?);
    let Some(rid) = number(0)? else { return Ok(None) };
    let amount = amount(row, first + 3, first + 4)?;
    let payee = number(5)?.map(|pid| names.payee(connection, pid)).transpose()?;
    let shown = Shown {
        date: date(row, first + 1)?,
        entry: number(2)?.zip(amount).map(|(kind, amount)| Entry::new(kind_of_number(kind), amount)),
        payee: payee.as_deref(),
        category,
        account,
        to_account: None,
        time: None,
        note: text(row, first + 8)?,
        tags: text(row, first + 9)?.iter().flat_map(|tags| tags.split(TAG_SEPARATOR)).collect(),
        attachments: Vec::new(),
        refund_of,
        is_deleted: false,
        is_conflicted: false,
    };
    Ok(Spend::of(names.id(connection, rid, row.get(first + 11)?)?, &shown))
}

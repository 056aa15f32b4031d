//! What patterns are looked for in: entries as rows of spending, and what people decided of those that were found.

use outlay_ledger::expense::{Decision, Shown};
use outlay_ledger::spend::Spend;
use outlay_ledger::{Date, DocumentId, Entry, Money};
use rusqlite::{Connection, Row};

use super::projection::{TAG_SEPARATOR, kind_of_number};
use super::things::Names;
use crate::error::Result;

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
        let decision = if row.get(1)? { Decision::Confirmed } else { Decision::Dismissed };
        decisions.push((names.document(connection, row.get(0)?)?, decision));
    }
    decisions.sort_unstable();
    Ok(decisions)
}

/// The entries of a ledger that are not in the trash, in no order.
pub(crate) fn spending(connection: &Connection, names: &mut Names, lid: i64) -> Result<Vec<Spend>> {
    let select = "SELECT rid, day, kind, minor, currency, payee, category, account, note, tags, refund_of, id
        FROM expense WHERE lid = ?1 AND deleted = 0";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([lid])?;
    let mut spending = Vec::new();
    while let Some(row) = rows.next()? {
        spending.extend(spend(connection, names, row)?);
    }
    Ok(spending)
}

fn spend(connection: &Connection, names: &mut Names, row: &Row<'_>) -> Result<Option<Spend>> {
    let number = |column| row.get::<_, Option<i64>>(column);
    let text =
        |column| -> Result<Option<&str>> { Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?) };
    let mut document = |column| number(column)?.map(|rid| names.document(connection, rid)).transpose();
    let (category, account, refund_of) = (document(6)?, document(7)?, document(10)?);
    let amount = number(3)?.zip(text(4)?.and_then(outlay_ledger::field::currency));
    let amount = amount.and_then(|(minor, currency)| Money::new(minor, currency).ok());
    let payee = number(5)?.map(|pid| names.payee(connection, pid)).transpose()?;
    let shown = Shown {
        date: row.get(1).map(|days| Date::from_days(days).unwrap_or(Date::MIN))?,
        entry: number(2)?.zip(amount).map(|(kind, amount)| Entry::new(kind_of_number(kind), amount)),
        payee: payee.as_deref(),
        category,
        account,
        to_account: None,
        time: None,
        note: text(8)?,
        tags: text(9)?.iter().flat_map(|tags| tags.split(TAG_SEPARATOR)).collect(),
        attachments: Vec::new(),
        refund_of,
        is_deleted: false,
        is_conflicted: false,
    };
    Ok(Spend::of(names.id(connection, row.get(0)?, row.get(11)?)?, &shown))
}

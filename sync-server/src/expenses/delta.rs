//! What has changed since a position of the log: for programs that keep a copy of their own.
//!
//! A row says with which position it changed last, and positions only grow, so whoever goes on from a cursor misses
//! nothing; a row that changes while he reads comes again.

use std::fmt;
use std::str::FromStr;

use outlay_protocol::Code;
use rusqlite::Connection;
use serde::Serialize;
use utoipa::ToSchema;

use super::names::Names;
use super::object::{COLUMNS, ExpenseObject, Stored};
use super::projection::projected;
use crate::api::Id;
use crate::ledgers::open::epoch;
use crate::store::Result;

/// Up to where somebody knows what has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Which log and which rows are meant: both begin anew when a database is restored.
    era: u64,
    changed: u64,
    /// The last of the rows that changed with that position; `i64::MAX` when all are known.
    rid: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}.{}", self.era, self.changed, self.rid)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(());
        let era = u64::from_str_radix(part()?, 16).map_err(|_| ())?;
        let (changed, rid) = (part()?.parse().map_err(|_| ())?, part()?.parse().map_err(|_| ())?);
        Ok(Self { era, changed, rid })
    }
}

/// Some of what has changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Delta {
    changes: Vec<ChangeObject>,
    /// Where to go on: now if there is more, later if there is not.
    cursor: String,
    more: bool,
}

/// An expense that has changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
struct ChangeObject {
    #[schema(value_type = Id)]
    id: String,
    /// As it is now, also in the trash; `null` when it is not there any more.
    #[schema(required)]
    expense: Option<ExpenseObject>,
}

/// What has changed since a cursor, or since ever. The inner error is [`Code::Changed`] for a cursor of before a restore.
pub(super) fn delta(
    connection: &Connection,
    lid: i64,
    since: Option<Cursor>,
    limit: usize,
) -> Result<std::result::Result<Delta, Code>> {
    let projected = projected(connection, lid)?;
    let position = projected.map_or(0, |it| it.position);
    let [a, b, c, d, e, f, g, h] = epoch(connection)?.mark();
    let era = u64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ projected.map_or(0, |it| it.era.unsigned_abs());
    if since.is_some_and(|since| since.era != era) {
        return Ok(Err(Code::Changed));
    }
    let since = since.unwrap_or(Cursor { era, changed: 0, rid: 0 });
    let select = format!(
        "SELECT {COLUMNS}, e.rid FROM expense e WHERE e.lid = ?1 AND (e.changed, e.rid) > (?2, ?3)
         ORDER BY e.changed, e.rid LIMIT ?4"
    );
    let mut select = connection.prepare_cached(&select)?;
    let rows = select
        .query_map((lid, since.changed, since.rid, limit + 1), |row| Ok((Stored::read(row)?, row.get("rid")?)))?;
    let mut rows: Vec<(Stored, i64)> = rows.collect::<rusqlite::Result<_>>()?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more).map(|(row, rid)| Cursor { era, changed: row.changed, rid: *rid });
    let mut names = Names::new(connection, lid);
    let changes = rows.into_iter().map(|(row, _)| change(row, &mut names)).collect::<Result<_>>()?;
    let cursor = last.unwrap_or(Cursor { era, changed: position.max(since.changed), rid: i64::MAX });
    Ok(Ok(Delta { changes, cursor: cursor.to_string(), more }))
}

fn change(row: Stored, names: &mut Names<'_>) -> Result<ChangeObject> {
    let id = row.id.to_string();
    let expense = if row.is_gone() { None } else { Some(row.resolve(names)?) };
    Ok(ChangeObject { id, expense })
}

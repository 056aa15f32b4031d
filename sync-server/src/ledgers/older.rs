//! A log by months: what belongs to none first, then the newest month and so on back.
//!
//! A commit's class is given once and never changes, so that where one answer stopped says where the next one goes on.

use rusqlite::Connection;

use super::log::{Commits, Visible};
use super::{LedgerRow, log, pos};
use crate::store::Result;

/// Which months are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Commits up to this position.
    pub at: u64,
    /// Of a class below this; `u16::MAX` from the newest on, and those of no month first.
    pub before: u16,
    /// How many months; 0 for all.
    pub months: u16,
    /// Where the last answer stopped; 0 at first.
    pub after: u64,
    /// Bytes of commits.
    pub bytes_max: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The commits.
    pub commits: Commits,
    /// Where to go on; `None` when all was given.
    pub next_after: Option<u64>,
    /// The first month that is complete then; 0 when nothing is older.
    pub complete_from: u16,
}

/// The commits of some months.
///
/// # Errors
///
/// When the database fails or holds what is no commit.
pub fn older(connection: &Connection, ledger: &LedgerRow, visible: Visible, wanted: Wanted) -> Result<Found> {
    let floor = floor(connection, ledger.lid, wanted.before, wanted.months)?;
    let has_older = floor > 0 && next_class(connection, ledger.lid, floor)?.is_some();
    let complete_from = if has_older { floor } else { 0 };
    let mut found = Found { commits: Vec::new(), next_after: None, complete_from };
    let (mut class, mut from) = match wanted.after {
        0 if wanted.before == u16::MAX => (Some(0), 0),
        0 => (next_class(connection, ledger.lid, wanted.before)?, 0),
        after => (Some(u16::try_from(after >> 40).unwrap_or(0)), pos((after & ((1 << 40) - 1)).cast_signed())),
    };
    let mut bytes_left = wanted.bytes_max;
    while let Some(current) = class.filter(|class| *class == 0 || *class >= floor) {
        let part = Part { class: current, from, to: wanted.at.min(ledger.head) };
        if let Some(last) = take(connection, ledger, visible, part, &mut bytes_left, &mut found.commits)? {
            found.next_after = Some(u64::from(current) << 40 | last);
            return Ok(found);
        }
        let below = if current == 0 { wanted.before } else { current };
        class = next_class(connection, ledger.lid, below)?;
        from = 0;
    }
    Ok(found)
}

struct Part {
    class: u16,
    from: u64,
    to: u64,
}

/// Takes commits of one class. Says where it stopped, unless it took them all.
fn take(
    connection: &Connection,
    ledger: &LedgerRow,
    visible: Visible,
    part: Part,
    bytes_left: &mut usize,
    commits: &mut Commits,
) -> Result<Option<u64>> {
    let select = "SELECT seq, id, aid, body FROM log INDEXED BY log_by_class \
                  WHERE seq >> 40 = ?1 AND class = ?2 AND seq > ?3 AND seq <= ?4 ORDER BY seq";
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query((ledger.lid, part.class, ledger.seq(part.from), ledger.seq(part.to)))?;
    let mut last = part.from;
    while let Some(row) = rows.next()? {
        if *bytes_left == 0 {
            return Ok(Some(last));
        }
        last = pos(row.get(0)?);
        if visible == Visible::All || visible == Visible::PushedBy(row.get(2)?) {
            *bytes_left = bytes_left.saturating_sub(log::take(row, 3, commits)?);
        }
    }
    Ok(None)
}

/// The lowest of the wanted classes; 1 when all are.
fn floor(connection: &Connection, lid: i64, before: u16, months: u16) -> Result<u16> {
    if months == 0 {
        return Ok(1);
    }
    let mut floor = before;
    for _ in 0..months {
        match next_class(connection, lid, floor)? {
            Some(class) => floor = class,
            None => return Ok(1),
        }
    }
    Ok(floor)
}

/// The greatest class below another, if there is a month.
fn next_class(connection: &Connection, lid: i64, below: u16) -> Result<Option<u16>> {
    let select = "SELECT max(class) FROM log WHERE seq >> 40 = ?1 AND class < ?2 AND class > 0";
    Ok(connection.prepare_cached(select)?.query_row((lid, below), |row| row.get(0))?)
}

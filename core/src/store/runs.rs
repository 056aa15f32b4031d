//! Where the records of feeds are: an index that grows with interruptions and not with records.
//!
//! A process numbers its records one after another, and they are stored one after another, so one row says where all of
//! them are until something else is stored between. A record that makes a document of its feed is found this way and is in
//! no index: to add an entry dirties no page of one. All others are in an index by document.
//!
//! A row may claim numbers that are not held, or are held elsewhere; what is found is always compared with the document.

use outlay_ledger::commit::{Kind, Record};
use rusqlite::{Connection, OptionalExtension};

use super::Write;
use super::keys::{self, Feed};
use super::log::to_i64;
use crate::error::Result;

/// A row: from this number of the feed on, records are at this place and after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    first: i64,
    seq: i64,
}

impl Run {
    fn place(self, number: i64) -> i64 {
        self.seq + (number - self.first)
    }

    /// The same run from a number on.
    fn from(self, number: i64) -> Self {
        Self { first: number, seq: self.place(number) }
    }
}

/// A run that something else follows, as when months come newest first: what was stored of it just now may go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growing {
    /// The number and the place that would go on with it.
    end: Run,
    /// What the row at that number says, if there is one: records that were stored before may be found by it.
    after: Option<Run>,
    /// The number of the next row.
    next: i64,
}

/// SQL that gives the places of all records of a document, whose number is another piece of SQL.
macro_rules! places {
    ($rid:literal) => {
        concat!(
            "SELECT seq FROM record WHERE rid = ",
            $rid,
            " AND meta & 134217728 = 0 UNION ALL SELECT seq FROM record WHERE rid = ",
            $rid,
            " AND meta & 134217728 <> 0 AND seq = (SELECT feed_run.seq - first + ((",
            $rid,
            " - 1099511627776) & 16777215) FROM feed_run WHERE fid = (",
            $rid,
            " - 1099511627776) >> 24 AND first <= ((",
            $rid,
            " - 1099511627776) & 16777215) ORDER BY first DESC LIMIT 1)"
        )
    };
}
pub(super) use places;

/// Sees to it that the records of a commit which make documents of its feed are found at `seq` and after. Says whether
/// they are; if not, they are to be put into the index by document.
pub(super) fn place(write: &mut Write<'_>, feed: &Feed, first: u64, seq: i64, records: &[Record]) -> Result<bool> {
    let makes = records.iter().any(|record| record.document.is_none() && record.kind == Kind::Change);
    let (first, end) = (to_i64(first), to_i64(first) + to_i64(records.len() as u64));
    if !makes || feed.origin != feed.fid || end > 1 << keys::NUMBER_BITS {
        return Ok(false);
    }
    let last = last_run(write, feed.fid)?;
    match last {
        Some(last) if last.first <= first && last.place(first) == seq => return Ok(true),
        // A number that is used twice has one record here and the other in the index.
        Some(_) if is_any_held(&write.tx, feed, first, end)? => return Ok(false),
        _ => {}
    }
    let run = Run { first, seq };
    match write.state.latest.growing.remove(&feed.fid) {
        Some(growing) if growing.goes_on_with(run, end) => grow(write, feed.fid, growing, end),
        _ => begin(write, feed.fid, run, end),
    }?;
    Ok(true)
}

impl Growing {
    fn goes_on_with(self, run: Run, end: i64) -> bool {
        self.end.first == run.first && self.end.seq == run.seq && end < self.next
    }
}

/// Writes a new run between others.
fn begin(write: &mut Write<'_>, fid: i64, run: Run, end: i64) -> Result<()> {
    write.state.latest.runs.remove(&fid);
    let after = run_of(&write.tx, fid, end)?.map(|after| after.from(end));
    let delete = "DELETE FROM feed_run WHERE fid = ?1 AND first >= ?2 AND first < ?3";
    write.tx.prepare_cached(delete)?.execute((fid, run.first, end))?;
    insert(&write.tx, fid, run)?;
    if let Some(after) = after {
        insert(&write.tx, fid, after)?;
    }
    let next = "SELECT min(first) FROM feed_run WHERE fid = ?1 AND first > ?2";
    let next: Option<i64> = write.tx.prepare_cached(next)?.query_row((fid, end), |row| row.get(0))?;
    remember(write, fid, Growing { end: run.from(end), after, next: next.unwrap_or(i64::MAX) });
    Ok(())
}

/// Lets the run that was written last go on: only the row after it moves.
fn grow(write: &mut Write<'_>, fid: i64, growing: Growing, end: i64) -> Result<()> {
    let after = growing.after.map(|after| after.from(end));
    if let (Some(before), Some(after)) = (growing.after, after) {
        let update = "UPDATE feed_run SET first = ?3, seq = ?4 WHERE fid = ?1 AND first = ?2";
        write.tx.prepare_cached(update)?.execute((fid, before.first, after.first, after.seq))?;
        if growing.next == i64::MAX {
            write.state.latest.runs.insert(fid, after);
        }
    }
    remember(write, fid, Growing { end: growing.end.from(end), after, ..growing });
    Ok(())
}

fn remember(write: &mut Write<'_>, fid: i64, growing: Growing) {
    if write.state.latest.growing.len() >= keys::FEEDS_CACHED_MAX {
        write.state.latest.growing.clear();
    }
    write.state.latest.growing.insert(fid, growing);
}

fn last_run(write: &mut Write<'_>, fid: i64) -> Result<Option<Run>> {
    if let Some(known) = write.state.latest.runs.get(&fid) {
        return Ok(Some(*known));
    }
    let last = run_of(&write.tx, fid, i64::MAX)?;
    if let Some(last) = last {
        if write.state.latest.runs.len() >= keys::FEEDS_CACHED_MAX {
            write.state.latest.runs.clear();
        }
        write.state.latest.runs.insert(fid, last);
    }
    Ok(last)
}

/// Where the record is that makes a document of a feed, if it is found by its number.
pub(super) fn placed(write: &mut Write<'_>, rid: i64) -> Result<Option<i64>> {
    let Some((fid, number)) = keys::feed_and_number(rid) else { return Ok(None) };
    let run = match last_run(write, fid)? {
        Some(last) if last.first > number => run_of(&write.tx, fid, number)?,
        last => last,
    };
    let Some(seq) = run.map(|run| run.place(number)) else { return Ok(None) };
    let select = "SELECT 1 FROM record WHERE seq = ?1 AND rid = ?2 AND meta & 134217728 <> 0";
    Ok(write.tx.prepare_cached(select)?.exists((seq, rid))?.then_some(seq))
}

/// The row that says where a number is.
fn run_of(connection: &Connection, fid: i64, number: i64) -> Result<Option<Run>> {
    let select = "SELECT first, seq FROM feed_run WHERE fid = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    let row = |row: &rusqlite::Row<'_>| Ok(Run { first: row.get(0)?, seq: row.get(1)? });
    Ok(connection.prepare_cached(select)?.query_row((fid, number), row).optional()?)
}

fn insert(tx: &Connection, fid: i64, run: Run) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO feed_run (fid, first, seq) VALUES (?1, ?2, ?3)";
    tx.prepare_cached(insert)?.execute((fid, run.first, run.seq))?;
    Ok(())
}

/// Whether a record of one of these numbers is where the rows say.
fn is_any_held(connection: &Connection, feed: &Feed, first: i64, end: i64) -> Result<bool> {
    let select =
        concat!("SELECT EXISTS (SELECT 1 FROM record WHERE meta & 134217728 <> 0 AND seq IN (", places!("?1"), "))");
    for number in first..end {
        let rid = keys::rid_of_number(feed.origin, number);
        if connection.prepare_cached(select)?.query_row([rid], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use outlay_ledger::DeviceKey;
    use outlay_ledger::commit::{ActorForm, Body, Kind, Record};

    use super::super::{Store, keys, records};

    #[test]
    fn the_numbers_in_the_sql_are_those_of_rids_and_of_the_mark() {
        let sql = places!("?1");
        for number in [keys::DERIVED_FROM, (1 << keys::NUMBER_BITS) - 1, records::PLACED] {
            assert!(sql.contains(&number.to_string()));
        }
        assert!(sql.contains(&format!(">> {}", keys::NUMBER_BITS)));
        assert!(include_str!("schema.sql").contains(&format!("meta & {} = 0", records::PLACED)));
    }

    #[test]
    fn every_record_is_found_in_whatever_order_and_however_often_numbers_are_used() {
        for seed in 0..200_u64 {
            let mut state = seed;
            let mut below = move |bound: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % bound
            };
            let store = Store::open_in_memory(None).unwrap();
            let checked = store.write(|write| {
                let feed = write.state.keys.enter_feed(&write.tx, 1, DeviceKey([1; 32]), [2; 16])?;
                let (mut held, mut next) = (BTreeSet::new(), 1);
                for _ in 0..30 {
                    // Half of the time the run that was written last goes on.
                    let first = if below(2) == 0 { next } else { 1 + below(25) };
                    let count = 1 + below(4);
                    next = first + count;
                    let record = Record {
                        document: None,
                        kind: Kind::Change,
                        period: None,
                        form: ActorForm::Feed,
                        body: Body::Payload(Vec::new()),
                    };
                    let seq = write.next_seq + i64::from(below(3) == 0);
                    let made = vec![record; usize::try_from(count).unwrap()];
                    let is_placed = super::place(write, &feed, first, seq, &made)?;
                    for (seq, number) in (seq..).zip(first..first + count) {
                        let rid = keys::derived(&write.tx, &feed, number)?;
                        let meta = if is_placed { records::PLACED } else { 0 };
                        let insert = "INSERT INTO record (seq, rid, meta, body) VALUES (?1, ?2, ?3, x'00')";
                        write.tx.execute(insert, (seq, rid, meta))?;
                        write.next_seq = seq + 1;
                        held.insert((rid, seq));
                    }
                }
                let mut found = BTreeSet::new();
                for rid in held.iter().map(|(rid, _)| *rid).collect::<BTreeSet<_>>() {
                    let mut statement = write.tx.prepare_cached(places!("?1"))?;
                    for seq in statement.query_map([rid], |row| row.get(0))? {
                        assert!(found.insert((rid, seq?)), "seed {seed}: found twice");
                    }
                }
                assert_eq!(found, held, "seed {seed}");
                Ok(())
            });
            checked.unwrap();
        }
    }
}

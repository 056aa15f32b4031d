//! Sums by month, category, currency and kind, kept up to date by differences.
//!
//! A transaction gathers what it adds and takes away, and writes each sum once before it commits. An entry that this device
//! has just made is in no sum yet: the page of its sum would be one more to write. It is summed up with others, together
//! with the index of commits, and until then who reads sums adds it: the entries that a record after meta
//! 'commits_indexed_to' made, as they are now.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::projection::{self, Counted};
use super::{Write, log, runs};
use crate::error::Result;

/// What a sum is kept for. The category is 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RollupKey {
    pub(super) lid: i64,
    pub(super) month: u16,
    pub(super) currency: [u8; 3],
    pub(super) kind: i64,
    pub(super) category: i64,
}

/// Differences not written yet.
#[derive(Default)]
pub(crate) struct Rollups(HashMap<RollupKey, (i64, i128)>);

impl Rollups {
    pub(super) fn add(&mut self, key: RollupKey, minor: i64) {
        self.change(key, 1, i128::from(minor));
    }

    pub(super) fn subtract(&mut self, key: RollupKey, minor: i64) {
        self.change(key, -1, -i128::from(minor));
    }

    fn change(&mut self, key: RollupKey, count: i64, minor: i128) {
        let entry = self.0.entry(key).or_default();
        entry.0 += count;
        entry.1 += minor;
    }
}

impl Write<'_> {
    /// Whether an entry is in no sum until it is summed up with others.
    pub(super) fn is_summed_later(&mut self, rid: i64) -> Result<bool> {
        let from = log::indexed_to(self)?;
        if self.sums_at_once || from >= self.next_seq {
            return Ok(false);
        }
        Ok(runs::placed(self, rid)?.is_some_and(|seq| seq >= from))
    }

    /// Sums up the entries that were made from this record on.
    pub(super) fn sum_up(&mut self, from: i64) -> Result<()> {
        for (key, minor) in not_summed(&self.tx, from)? {
            self.rollups.add(key, minor);
        }
        Ok(())
    }

    pub(super) fn flush_rollups(&mut self) -> Result<()> {
        for (key, (count, minor)) in std::mem::take(&mut self.rollups.0) {
            if (count, minor) != (0, 0) {
                flush(&self.tx, key, count, minor)?;
            }
        }
        Ok(())
    }
}

/// What the entries count for that were made from this record on.
pub(super) fn not_summed(connection: &Connection, from: i64) -> Result<Vec<(RollupKey, i64)>> {
    let select = "SELECT lid, day, kind, minor, currency, category FROM record CROSS JOIN expense USING (rid)
        WHERE seq >= ?1 AND record.meta & 134217728 <> 0 AND deleted = 0";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([from])?;
    let mut counted = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, minor, currency): (_, _, Option<String>) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let entry = Counted { day: row.get(1)?, kind, minor, currency: currency.as_deref(), category: row.get(5)? };
        counted.extend(projection::rolled(row.get(0)?, &entry));
    }
    Ok(counted)
}

fn flush(tx: &Connection, key: RollupKey, count: i64, minor: i128) -> Result<()> {
    let currency = std::str::from_utf8(&key.currency).unwrap_or_default();
    let select = "SELECT count, high, low FROM rollup
        WHERE lid = ?1 AND month = ?2 AND currency = ?3 AND kind = ?4 AND category = ?5";
    let at = (key.lid, key.month, currency, key.kind, key.category);
    let stored = tx.prepare_cached(select)?.query_row(at, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let (old_count, high, low): (i64, i64, i64) = stored.optional()?.unwrap_or_default();
    let (new_count, sum) = (old_count + count, join(high, low) + minor);
    if new_count == 0 {
        let delete = "DELETE FROM rollup
            WHERE lid = ?1 AND month = ?2 AND currency = ?3 AND kind = ?4 AND category = ?5";
        tx.prepare_cached(delete)?.execute(at)?;
    } else {
        let (high, low) = split(sum);
        let replace = "INSERT OR REPLACE INTO rollup (lid, month, currency, kind, category, count, high, low)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let row = (key.lid, key.month, currency, key.kind, key.category, new_count, high, low);
        tx.prepare_cached(replace)?.execute(row)?;
    }
    Ok(())
}

/// A stored sum.
pub(super) fn join(high: i64, low: i64) -> i128 {
    (i128::from(high) << 62) + i128::from(low)
}

/// A sum as two columns, the lower one never negative. 2^63 entries of 10^15 fit with room to spare.
fn split(sum: i128) -> (i64, i64) {
    let low = sum & ((1 << 62) - 1);
    (i64::try_from(sum >> 62).unwrap_or(i64::MAX), i64::try_from(low).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{join, split};

    #[test]
    fn a_sum_comes_back_from_its_two_columns() {
        for sum in [0, 1, -1, i128::from(i64::MAX), i128::from(i64::MIN), 10_i128.pow(30), -(10_i128.pow(30))] {
            let (high, low) = split(sum);
            assert!(low >= 0);
            assert_eq!(join(high, low), sum);
        }
    }
}

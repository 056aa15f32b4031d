//! What a remote is owed, in an order in which it can take it, a piece at a time.

use std::collections::HashSet;

use outlay_ledger::CommitId;
use outlay_ledger::commit::Commit;
use rusqlite::{Connection, OptionalExtension};

use crate::error::Result;
use crate::store::{Reading, log};

/// The commits of ledger ?2 after number ?3 that remote ?1 is not known to hold and has not refused.
const OWED: &str = "SELECT owed.cid, id FROM owed CROSS JOIN commit_log USING (cid)
    WHERE sid = ?1 AND lid = ?2 AND owed.cid > ?3
        AND NOT EXISTS (SELECT 1 FROM refused r WHERE r.sid = ?1 AND r.lid = ?2 AND r.cid = owed.cid)
    UNION ALL
    SELECT cid, id FROM commit_log JOIN feed USING (fid)
    WHERE cid > max(?3, (SELECT examined_to FROM remote WHERE sid = ?1)) AND lid = ?2";
/// Number ?3, if it is one of these.
const OWED_ONE: &str = "SELECT cid FROM owed WHERE sid = ?1 AND lid = ?2 AND cid = ?3
        AND NOT EXISTS (SELECT 1 FROM refused r WHERE r.sid = ?1 AND r.lid = ?2 AND r.cid = owed.cid)
    UNION ALL
    SELECT cid FROM commit_log WHERE cid = ?3 AND cid > (SELECT examined_to FROM remote WHERE sid = ?1)";

/// Commits that a remote is not known to hold.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) commits: Vec<(i64, CommitId, Commit)>,
    /// Whether there are more than there was room for.
    pub(crate) is_more: bool,
    bytes: usize,
}

impl Queue {
    /// Takes a commit in and says so, unless there are more bytes with it than there may be. One alone always has room.
    fn take(
        &mut self,
        connection: &Connection,
        reading: &mut Reading,
        cid: i64,
        id: CommitId,
        bytes_max: usize,
    ) -> Result<bool> {
        let commit = log::load(connection, &mut reading.keys, &mut reading.codec, cid)?;
        self.bytes += bytes_of(&commit);
        self.is_more = self.bytes > bytes_max && !self.commits.is_empty();
        if !self.is_more {
            self.commits.push((cid, id, commit));
        }
        Ok(!self.is_more)
    }
}

/// What a remote is not known to hold of a ledger, after a number, in the order in which it was stored: so ancestors
/// come first wherever they came first.
pub(crate) fn queue(
    connection: &Connection,
    reading: &mut Reading,
    sid: i64,
    lid: i64,
    after: i64,
    bytes_max: usize,
) -> Result<Queue> {
    let mut statement = connection.prepare_cached(OWED)?;
    let mut rows = statement.query((sid, lid, after))?;
    let mut queue = Queue::default();
    while let Some(row) = rows.next()? {
        if !queue.take(connection, reading, row.get(0)?, CommitId(row.get(1)?), bytes_max)? {
            break;
        }
    }
    Ok(queue)
}

/// What was owed of a ledger when it was asked, ancestors first, and is not given yet.
pub(crate) struct Order {
    /// Newest first: what is given next is at the end.
    left: Vec<i64>,
    /// The greatest number of all of them.
    pub(crate) greatest: i64,
}

impl Order {
    /// Whether all was given.
    pub(crate) fn is_through(&self) -> bool {
        self.left.is_empty()
    }
}

/// The order in which a remote can take what it is owed, if that is not the order in which it was stored: newest months
/// came before those they were made on top of, and a server that was rolled back takes none before these.
///
/// Such a commit has its header whole; so that nearly always this is one look at what is owed.
pub(crate) fn order(connection: &Connection, sid: i64, lid: i64) -> Result<Option<Order>> {
    let select = "SELECT EXISTS (SELECT 1 FROM owed JOIN commit_log USING (cid)
        WHERE sid = ?1 AND lid = ?2 AND header IS NOT NULL)";
    if !connection.prepare_cached(select)?.query_row((sid, lid), |row| row.get(0))? {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(OWED)?;
    let owed: Vec<i64> = statement.query_map((sid, lid, 0), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let greatest = owed.iter().copied().max().unwrap_or(0);
    let mut left = ancestors_first(connection, &owed)?;
    left.reverse();
    Ok(Some(Order { left, greatest }))
}

fn ancestors_first(connection: &Connection, cids: &[i64]) -> Result<Vec<i64>> {
    let mut left: HashSet<i64> = cids.iter().copied().collect();
    let (mut ordered, mut open) = (Vec::with_capacity(cids.len()), Vec::new());
    for cid in cids {
        open.push(*cid);
        while let Some(cid) = open.last().copied() {
            let mut before = Vec::new();
            if left.contains(&cid) {
                before = log::previous_of(connection, cid)?.0;
                before.extend(log::member_heads_of(connection, cid)?.unwrap_or_default());
                before.retain(|cid| left.contains(cid));
            }
            if !before.is_empty() {
                open.extend(before);
                continue;
            }
            open.pop();
            if left.remove(&cid) {
                ordered.push(cid);
            }
        }
    }
    Ok(ordered)
}

/// The next ones of an order, as far as they are still owed.
pub(crate) fn queue_in_order(
    connection: &Connection,
    reading: &mut Reading,
    sid: i64,
    lid: i64,
    order: &mut Order,
    bytes_max: usize,
) -> Result<Queue> {
    let select = format!("SELECT id FROM ({OWED_ONE}) JOIN commit_log USING (cid)");
    let mut statement = connection.prepare_cached(&select)?;
    let mut queue = Queue::default();
    while let Some(cid) = order.left.pop() {
        let Some(id) = statement.query_row((sid, lid, cid), |row| row.get(0)).optional()? else { continue };
        if !queue.take(connection, reading, cid, CommitId(id), bytes_max)? {
            order.left.push(cid);
            break;
        }
    }
    Ok(queue)
}

/// About as many bytes as an encoded commit has, and rather more.
fn bytes_of(commit: &Commit) -> usize {
    let header = 200 + 32 * (commit.header.previous.len() + commit.header.member_heads.len());
    header + commit.records.iter().map(|record| 24 + record.payload().map_or(0, <[u8]>::len)).sum::<usize>()
}

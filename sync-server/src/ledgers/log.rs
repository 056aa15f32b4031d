//! Reading a log: commits by position and by id, what a replica lacks, and the heads.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use outlay_ledger::CommitId;
use outlay_ledger::commit::Commit;
use outlay_protocol::heads::{LADDER_IDS_MAX, LADDERS_MAX};
use outlay_protocol::{Chain, Ladder, Mark, Place};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{LedgerRow, POSITION_BITS, pos, seq};
use crate::store::{Result, StoreError};

/// Commits with their ids, in the order of the log.
pub type Commits = Vec<(Commit, CommitId)>;

/// Some of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The commits.
    pub commits: Commits,
    /// The place of the last one looked at.
    pub to: Place,
    /// Whether that is all that was asked for.
    pub is_last: bool,
}

/// The row of a commit in this ledger.
///
/// # Errors
///
/// When the database fails.
pub fn find(connection: &Connection, lid: i64, id: &CommitId) -> Result<Option<i64>> {
    // Without the name SQLite takes the index by class, and reads the whole ledger.
    let select = "SELECT seq FROM log INDEXED BY log_by_key WHERE key = ?1 AND id = ?2 AND seq >> 40 = ?3";
    Ok(connection.prepare_cached(select)?.query_row((key(id), id.0, lid), |row| row.get(0)).optional()?)
}

/// What a commit is looked up by.
pub(crate) fn key(id: &CommitId) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = id.0;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The mark of the chain at a position, if the log goes so far.
///
/// # Errors
///
/// When the database fails.
pub fn chain_at(connection: &Connection, ledger: &LedgerRow, at: u64) -> Result<Option<Mark>> {
    if at == 0 {
        return Ok(Some(Chain::START.mark()));
    }
    if at > ledger.head {
        return Ok(None);
    }
    let mut select = connection.prepare_cached("SELECT chain FROM log WHERE seq = ?1")?;
    let chain = select.query_row([ledger.seq(at)], |row| row.get(0)).optional()?;
    Ok(chain.map(|chain| Chain(chain).mark()))
}

/// What to show of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visible {
    /// All of it.
    All,
    /// What this account has pushed: whoever brings a ledger here is not a member of it until its commits say so.
    PushedBy(i64),
}

impl Visible {
    fn shows(self, aid: i64) -> bool {
        match self {
            Self::All => true,
            Self::PushedBy(own) => aid == own,
        }
    }
}

/// Whether one account pushed all of a log.
///
/// # Errors
///
/// When the database fails.
pub(super) fn is_pushed_by(connection: &Connection, ledger: &LedgerRow, aid: i64) -> Result<bool> {
    let select = "SELECT 1 FROM log WHERE seq > ?1 AND seq <= ?2 AND aid <> ?3";
    let mut select = connection.prepare_cached(select)?;
    Ok(!select.exists((ledger.seq(0), ledger.seq(ledger.head), aid))?)
}

/// The commits after position `from` up to `to`, about `bytes_max` of them and at least one.
///
/// # Errors
///
/// When the database fails or holds what is no commit.
pub fn page(
    connection: &Connection,
    ledger: &LedgerRow,
    visible: Visible,
    from: u64,
    to: u64,
    bytes_max: usize,
) -> Result<Page> {
    let to = to.min(ledger.head);
    let select = "SELECT seq, id, chain, aid, body FROM log WHERE seq > ?1 AND seq <= ?2 ORDER BY seq";
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query((ledger.seq(from), ledger.seq(to)))?;
    let (mut commits, mut bytes, mut last) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        last = Some((pos(row.get(0)?), Chain(row.get(2)?).mark()));
        if visible.shows(row.get(3)?) {
            bytes += take(row, 4, &mut commits)?;
        }
        if bytes >= bytes_max {
            break;
        }
    }
    let Some((last, chain)) = last else { return nothing(connection, ledger, from) };
    Ok(Page { commits, to: Place { pos: last, chain }, is_last: last == to })
}

/// Commits as they were signed, in the order of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Portion {
    /// Their bytes.
    pub bodies: Vec<Vec<u8>>,
    /// The position of the last one; `None` when nothing is left.
    pub to: Option<u64>,
}

/// The commits of a ledger after a position, about `bytes_max` of them and at least one.
///
/// # Errors
///
/// When the database fails.
pub fn portion(connection: &Connection, lid: i64, after: u64, bytes_max: usize) -> Result<Portion> {
    let select = "SELECT seq, body FROM log WHERE seq > ?1 AND seq < ?2 ORDER BY seq";
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query((seq(lid, after), seq(lid + 1, 0)))?;
    let (mut portion, mut bytes) = (Portion::default(), 0);
    while bytes < bytes_max {
        let Some(row) = rows.next()? else { break };
        let body: Vec<u8> = row.get(1)?;
        bytes += body.len();
        portion.to = Some(pos(row.get(0)?));
        portion.bodies.push(body);
    }
    Ok(portion)
}

fn nothing(connection: &Connection, ledger: &LedgerRow, at: u64) -> Result<Page> {
    let at = at.min(ledger.head);
    let chain = chain_at(connection, ledger, at)?.unwrap_or_default();
    Ok(Page { commits: Vec::new(), to: Place { pos: at, chain }, is_last: true })
}

/// Decodes the commit of a row, whose id is its second column, and says how many bytes it has.
pub(crate) fn take(row: &Row<'_>, body: usize, commits: &mut Commits) -> Result<usize> {
    let bytes = row.get_ref(body)?.as_blob().map_err(|_| StoreError::Corrupt("a commit without bytes".into()))?;
    let commit = Commit::decode(bytes).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    commits.push((commit, CommitId(row.get(1)?)));
    Ok(bytes.len())
}

/// Those of these commits that are there.
///
/// # Errors
///
/// When the database fails or holds what is no commit.
pub fn by_id(connection: &Connection, ledger: &LedgerRow, visible: Visible, ids: &[CommitId]) -> Result<Commits> {
    let mut select = connection.prepare_cached("SELECT seq, id, aid, body FROM log WHERE seq = ?1")?;
    let mut found: Vec<i64> = Vec::new();
    for id in ids {
        found.extend(find(connection, ledger.lid, id)?);
    }
    found.sort_unstable();
    found.dedup();
    let mut commits = Vec::with_capacity(found.len());
    for seq in found {
        let mut rows = select.query([seq])?;
        while let Some(row) = rows.next()? {
            if visible.shows(row.get(2)?) {
                take(row, 3, &mut commits)?;
            }
        }
    }
    Ok(commits)
}

/// The heads of a log, each with commits of the same device before it: everything stored here is complete, so each of them
/// may be named.
///
/// # Errors
///
/// When the database fails.
pub fn ladders(connection: &Connection, ledger: &LedgerRow) -> Result<Vec<Ladder>> {
    let mut select =
        connection.prepare_cached("SELECT did, seq FROM head WHERE lid = ?1 ORDER BY seq DESC LIMIT ?2")?;
    let heads = select.query_map((ledger.lid, LADDERS_MAX), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let heads: Vec<(i64, i64)> = heads.collect::<rusqlite::Result<_>>()?;
    heads.into_iter().map(|(did, head)| ladder(connection, ledger, did, head)).collect()
}

fn ladder(connection: &Connection, ledger: &LedgerRow, did: i64, head: i64) -> Result<Ladder> {
    let select = "SELECT seq FROM log WHERE did = ?1 AND seq <= ?2 AND seq > ?3 ORDER BY seq DESC";
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query((did, head, ledger.seq(0)))?;
    let (mut steps, mut at, mut next) = (Vec::new(), 0_u64, 0_u64);
    while let Some(row) = rows.next()? {
        if at == next {
            steps.push(row.get::<_, i64>(0)?);
            next = (next * 2).max(1);
        }
        at += 1;
        if steps.len() >= LADDER_IDS_MAX {
            break;
        }
    }
    let mut id = connection.prepare_cached("SELECT id FROM log WHERE seq = ?1")?;
    let ids = steps.into_iter().map(|seq| id.query_row([seq], |row| row.get(0).map(CommitId)));
    Ok(Ladder { ids: ids.collect::<rusqlite::Result<_>>()? })
}

/// A set of positions.
type Positions = Vec<u64>;

/// What a replica holds, by a hash of what it said.
type Held = ([u8; 32], Arc<Positions>);

/// What replicas hold, for as long as they are being sent what they lack: one bit a commit.
#[derive(Clone, Default)]
pub struct HeldCache {
    entries: Arc<Mutex<VecDeque<Held>>>,
}

/// Replicas remembered, of some 12 kB each for a ledger of 100,000 commits.
const HELD_MAX: usize = 32;

impl HeldCache {
    /// The commits after position `after` up to `to` that are neither named by `heads` nor ancestors of what they name.
    ///
    /// # Errors
    ///
    /// When the database fails or holds what is no commit.
    #[expect(clippy::too_many_arguments, reason = "each is one part of the question")]
    pub fn lacking(
        &self,
        connection: &Connection,
        ledger: &LedgerRow,
        visible: Visible,
        heads: &[Ladder],
        after: u64,
        to: u64,
        bytes_max: usize,
    ) -> Result<Page> {
        let to = to.min(ledger.head);
        let held = self.held(connection, ledger, heads, to)?;
        let mut select = connection.prepare_cached("SELECT seq, id, aid, body FROM log WHERE seq = ?1")?;
        let (mut commits, mut bytes, mut last) = (Vec::new(), 0, after.min(to));
        while last < to && bytes < bytes_max {
            last += 1;
            if contains(&held, last) {
                continue;
            }
            let mut rows = select.query([ledger.seq(last)])?;
            while let Some(row) = rows.next()? {
                if visible.shows(row.get(2)?) {
                    bytes += take(row, 3, &mut commits)?;
                }
            }
        }
        let chain = chain_at(connection, ledger, last)?.unwrap_or_default();
        Ok(Page { commits, to: Place { pos: last, chain }, is_last: last == to })
    }

    fn held(&self, connection: &Connection, ledger: &LedgerRow, heads: &[Ladder], to: u64) -> Result<Arc<Positions>> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&ledger.lid.to_be_bytes()).update(&to.to_be_bytes());
        heads.iter().flat_map(|ladder| &ladder.ids).for_each(|id| _ = hasher.update(&id.0));
        let key: [u8; 32] = hasher.finalize().into();
        let entries = || self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, held)) = entries().iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(held));
        }
        let held = Arc::new(closure(connection, ledger, heads, to)?);
        let mut entries = entries();
        entries.truncate(HELD_MAX - 1);
        entries.push_front((key, Arc::clone(&held)));
        Ok(held)
    }
}

/// What is named by heads, and all its ancestors: one pass over the log, from the newest named one back.
fn closure(connection: &Connection, ledger: &LedgerRow, heads: &[Ladder], to: u64) -> Result<Positions> {
    let words = usize::try_from(to / 64 + 1).map_err(|_| StoreError::Corrupt("a log beyond memory".into()))?;
    let (mut held, mut newest) = (vec![0; words], 0);
    for id in heads.iter().flat_map(|ladder| &ladder.ids) {
        if let Some(at) = find(connection, ledger.lid, id)?.map(pos).filter(|at| *at <= to) {
            insert(&mut held, at);
            newest = newest.max(at);
        }
    }
    let select = "SELECT seq, links FROM log WHERE seq > ?1 AND seq <= ?2 ORDER BY seq DESC";
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query((ledger.seq(0), ledger.seq(newest)))?;
    while let Some(row) = rows.next()? {
        let at = pos(row.get(0)?);
        if contains(&held, at) {
            let links = row.get_ref(1)?.as_blob().map_err(|_| StoreError::Corrupt("a commit without links".into()))?;
            distances(links).for_each(|back| insert(&mut held, at.saturating_sub(back)));
        }
    }
    Ok(held)
}

fn contains(positions: &Positions, at: u64) -> bool {
    usize::try_from(at / 64).ok().and_then(|word| positions.get(word)).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

fn insert(positions: &mut Positions, at: u64) {
    if let Some(word) = usize::try_from(at / 64).ok().and_then(|word| positions.get_mut(word)) {
        *word |= 1 << (at % 64);
    }
}

/// Distances to predecessors as bytes: seven bits each, the lowest first.
pub(crate) fn links(at: u64, predecessors: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(predecessors.len() * 2);
    for predecessor in predecessors {
        let mut back = at - predecessor;
        while back >= 0x80 {
            let [.., low] = back.to_be_bytes();
            bytes.push(low | 0x80);
            back >>= 7;
        }
        let [.., last] = back.to_be_bytes();
        bytes.push(last);
    }
    bytes
}

fn distances(links: &[u8]) -> impl Iterator<Item = u64> + '_ {
    links
        .split_inclusive(|byte| byte & 0x80 == 0)
        .map(|varint| varint.iter().rev().fold(0_u64, |back, byte| back << 7 | u64::from(byte & 0x7f)))
}

const _: () = assert!(POSITION_BITS == 40, "the schema and the queries say 40");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_come_back_from_their_bytes() {
        let predecessors = [9_999_999, 9_999_872, 9_999_871, 9_900_000, 1];
        let bytes = links(10_000_000, &predecessors);
        let back: Vec<u64> = distances(&bytes).map(|back| 10_000_000 - back).collect();
        assert_eq!(back, predecessors);
    }
}

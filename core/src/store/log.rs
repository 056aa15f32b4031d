//! Commits as rows: stored whole, and given back byte for byte.
//!
//! A header is kept as columns when they give it back, which is always so for what this version writes; any other is
//! kept whole.

use std::collections::HashSet;
use std::collections::hash_map::Entry;

use outlay_ledger::commit::{Commit, FORMAT_VERSION, Header, Record, Salts};
use outlay_ledger::{ActionId, CommitId, DeviceKey};
use rusqlite::{Connection, OptionalExtension};

use super::Write;
use super::codec::Codec;
use super::keys::{self, Feed, KeyCache};
use super::records::{self, Meta};
use crate::error::{Error, ErrorKind, Result};

/// Whether a stored commit counts; the numbers are in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    Counts,
    Aside,
    Waiting,
    Newer,
}

impl Stands {
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Counts => 0,
            Self::Aside => 1,
            Self::Waiting => 2,
            Self::Newer => 3,
        }
    }

    pub(crate) const fn from_number(number: i64) -> Self {
        match number {
            0 => Self::Counts,
            1 => Self::Aside,
            3 => Self::Newer,
            _ => Self::Waiting,
        }
    }
}

/// How a commit is named by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedAs {
    Previous,
    MemberHead,
}

/// Sets of member heads remembered between transactions.
const HEADS_SETS_CACHED_MAX: usize = 1_000;

/// The commits from this number on are neither in `commit_index` nor in `head`, and the entries that they made are in no
/// sum of `rollup`. Each is the next of its device's chain after the one predecessor that its row names.
pub(super) const INDEXED_TO: &str = "commits_indexed_to";
/// The predecessors of commits that are in no index yet.
const FOLLOWED: &str = "SELECT previous FROM commit_log WHERE cid >= ?1 AND previous IS NOT NULL";

/// A commit about to be stored.
pub(crate) struct Arrival<'a> {
    pub(crate) commit: &'a Commit,
    pub(crate) id: CommitId,
    pub(crate) lid: i64,
    pub(crate) feed: Feed,
}

/// The number of a commit that is held.
pub(crate) fn find(connection: &Connection, id: &CommitId) -> Result<Option<i64>> {
    match find_indexed(connection, id)? {
        Some(cid) => Ok(Some(cid)),
        None => find_unindexed(connection, id),
    }
}

/// The number of a commit that is held, or was stored just now.
pub(crate) fn find_while_writing(write: &Write<'_>, id: &CommitId) -> Result<Option<i64>> {
    if let Some(cid) = write.fresh.get(id) {
        return Ok(Some(*cid));
    }
    match find_indexed(&write.tx, id)? {
        Some(cid) => Ok(Some(cid)),
        // All that the index lacks is then fresh: it was brought up to date within the transaction.
        None if write.is_indexed => Ok(None),
        None => find_unindexed(&write.tx, id),
    }
}

fn find_indexed(connection: &Connection, id: &CommitId) -> Result<Option<i64>> {
    let select = "SELECT cid FROM commit_index JOIN commit_log USING (cid) WHERE key = ?1 AND id = ?2";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_row((index_key(id), id.as_bytes()), |row| row.get(0)).optional()?)
}

fn find_unindexed(connection: &Connection, id: &CommitId) -> Result<Option<i64>> {
    let select = "SELECT cid FROM commit_log WHERE cid >= ?1 AND id = ?2";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_row((meta(connection, INDEXED_TO)?, id.as_bytes()), |row| row.get(0)).optional()?)
}

/// How many records came since the indexes of commits were brought up to date.
pub(crate) fn lacking(connection: &Connection) -> Result<i64> {
    Ok(records::next_seq(connection)? - meta(connection, INDEXED_TO)?.max(1))
}

/// Brings the index of commits, the heads of chains and the sums up to the last commit, if they lack more than this.
pub(crate) fn index_commits(write: &mut Write<'_>, lacking_max: i64) -> Result<()> {
    let from = indexed_to(write)?;
    if write.next_seq - from <= lacking_max {
        return Ok(());
    }
    write.sum_up(from)?;
    let tx = &write.tx;
    let delete = format!("DELETE FROM head WHERE cid IN ({FOLLOWED})");
    tx.prepare_cached(&delete)?.execute([from])?;
    let insert = format!(
        "INSERT OR IGNORE INTO head (lid, did, cid) SELECT lid, did, cid FROM commit_log JOIN feed USING (fid)
        WHERE cid >= ?1 AND cid NOT IN ({FOLLOWED})"
    );
    tx.prepare_cached(&insert)?.execute([from])?;
    index_ids(write)
}

/// Brings them up to the last commit, before commits are stored that are not just the next of this device's own chain.
/// Those move heads and sums at once, and [`index_ids`] must follow them.
pub(crate) fn begin_any(write: &mut Write<'_>) -> Result<()> {
    write.state.latest.heads.clear();
    index_commits(write, 0)?;
    write.sums_at_once = true;
    Ok(())
}

/// Brings the index of commits up to the last one, all of which have moved heads.
pub(crate) fn index_ids(write: &mut Write<'_>) -> Result<()> {
    let (from, to) = (indexed_to(write)?, write.next_seq);
    let tx = &write.tx;
    let mut statement = tx.prepare_cached("SELECT id, cid FROM commit_log WHERE cid >= ?1")?;
    let rows = statement.query_map([from], |row| Ok((index_key(&CommitId(row.get(0)?)), row.get(1)?)))?;
    let mut keys: Vec<(i64, i64)> = rows.collect::<rusqlite::Result<_>>()?;
    keys.sort_unstable();
    for key in keys {
        tx.prepare_cached("INSERT OR IGNORE INTO commit_index (key, cid) VALUES (?1, ?2)")?.execute(key)?;
    }
    set_meta(tx, INDEXED_TO, to)?;
    write.sums_at_once = false;
    write.state.latest.indexed_to = Some(to);
    Ok(())
}

pub(super) fn indexed_to(write: &mut Write<'_>) -> Result<i64> {
    if let Some(known) = write.state.latest.indexed_to {
        return Ok(known);
    }
    let read = meta(&write.tx, INDEXED_TO)?;
    write.state.latest.indexed_to = Some(read);
    Ok(read)
}

fn index_key(id: &CommitId) -> i64 {
    let mut key = [0; 8];
    key.copy_from_slice(&id.0[..8]);
    i64::from_be_bytes(key)
}

/// A number that the store keeps about itself; 0 at first.
pub(super) fn meta(connection: &Connection, key: &str) -> Result<i64> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Keeps a number about the store.
pub(super) fn set_meta(tx: &Connection, key: &str, value: i64) -> Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?.execute((key, value))?;
    Ok(())
}

/// The id of a commit.
pub(crate) fn id(connection: &Connection, cid: i64) -> Result<CommitId> {
    let mut statement = connection.prepare_cached("SELECT id FROM commit_log WHERE cid = ?1")?;
    Ok(CommitId(statement.query_row([cid], |row| row.get(0))?))
}

/// Stores the row of a commit, numbered by its first record, and moves the heads of its device's chain.
pub(crate) fn insert_commit(write: &mut Write<'_>, arrival: &Arrival<'_>, cid: i64, stands: Stands) -> Result<()> {
    let Arrival { commit, id, lid, feed } = arrival;
    let header = &commit.header;
    let previous = insert_links(write, *lid, feed.did, header, id, cid)?;
    write.fresh.insert(*id, cid);
    let hid = match write.state.heads_sets.get(&header.member_heads) {
        Some(hid) => *hid,
        None => enter_member_heads(write, &header.member_heads, cid)?,
    };
    let is_regular = is_regular(header) && (header.previous.is_empty() || previous.is_some());
    let whole = if is_regular { None } else { Some(header.encode()) };
    let insert = "INSERT INTO commit_log
        (cid, id, fid, first, count, time_ms, previous, hid, action, header, signature, salts, standing)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let salts = match &commit.salts {
        Salts::Seed(seed) => seed.to_vec(),
        Salts::Each(salts) => salts.concat(),
    };
    write.tx.prepare_cached(insert)?.execute(rusqlite::params![
        cid,
        id.as_bytes(),
        feed.fid,
        to_i64(header.first),
        to_i64(header.count),
        header.time_ms,
        previous,
        hid,
        header.action.map(|action| action.0),
        whole,
        commit.signature,
        salts,
        stands.number(),
    ])?;
    if commit.records.iter().any(|record| record.kind.is_of_members()) {
        write.tx.prepare_cached("INSERT INTO member_commit (lid, cid) VALUES (?1, ?2)")?.execute((lid, cid))?;
    }
    Ok(())
}

/// A commit as it came.
pub(crate) fn load(connection: &Connection, keys: &mut KeyCache, codec: &mut Codec, cid: i64) -> Result<Commit> {
    let header = load_header(connection, keys, cid)?;
    let select = "SELECT signature, salts, count FROM commit_log WHERE cid = ?1";
    let (signature, salts, count): ([u8; 64], Vec<u8>, i64) =
        connection.prepare_cached(select)?.query_row([cid], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let select = "SELECT rid, meta, body FROM record WHERE seq >= ?1 AND seq < ?2 ORDER BY seq";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query((cid, cid + count))?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let meta = Meta::from_number(row.get(1)?);
        let rid: Option<i64> = row.get(0)?;
        let document = match rid.filter(|_| meta.is_explicit) {
            Some(rid) => Some(keys::document(connection, rid)?),
            None => None,
        };
        let body = records::read_body(connection, codec, row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
        records.push(Record { document, kind: meta.kind, period: meta.period, form: meta.form, body });
    }
    let salts = match <[u8; 12]>::try_from(salts.as_slice()) {
        Ok(seed) => Salts::Seed(seed),
        Err(_) => Salts::Each(salts.as_chunks().0.to_vec()),
    };
    Ok(Commit { header, records, salts, signature })
}

/// The header of a commit.
pub(crate) fn load_header(connection: &Connection, keys: &mut KeyCache, cid: i64) -> Result<Header> {
    let select = "SELECT fid, first, count, time_ms, previous, ids, action, header
        FROM commit_log JOIN heads_set USING (hid) WHERE cid = ?1";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([cid])?;
    let row =
        rows.next()?.ok_or_else(|| Error::new(ErrorKind::Corrupt, "a commit that must be stored is not there"))?;
    if let Some(bytes) = row.get::<_, Option<Vec<u8>>>(7)? {
        return decode_header(&bytes);
    }
    let feed = keys.feed(connection, row.get(0)?)?;
    let previous = match row.get::<_, Option<i64>>(4)? {
        Some(previous) => vec![id(connection, previous)?],
        None => Vec::new(),
    };
    Ok(Header {
        version: FORMAT_VERSION,
        ledger: Some(keys::ledger_id(connection, feed.lid)?),
        device: feed.device,
        nonce: feed.nonce,
        first: row.get::<_, i64>(1)?.unsigned_abs(),
        count: row.get::<_, i64>(2)?.unsigned_abs(),
        previous,
        member_heads: split_ids(&row.get::<_, Vec<u8>>(5)?),
        generation: 0,
        time_ms: row.get(3)?,
        action: row.get::<_, Option<[u8; 8]>>(6)?.map(ActionId),
        on_behalf: None,
        unknown: Vec::new(),
    })
}

/// The heads of a device's own chain, for its next commit.
pub(crate) fn device_heads(write: &mut Write<'_>, lid: i64, did: i64) -> Result<Vec<CommitId>> {
    let heads = match write.state.latest.heads.entry((lid, did)) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => place.insert(read_heads(&write.tx, lid, Some(did))?),
    };
    Ok(heads.iter().map(|(id, _)| *id).collect())
}

/// The heads of a device's chain in a ledger, or of all chains that are held without a gap, by id.
fn read_heads(connection: &Connection, lid: i64, did: Option<i64>) -> Result<Vec<(CommitId, i64)>> {
    let select = format!(
        "SELECT id, cid FROM commit_log CROSS JOIN feed USING (fid) WHERE lid = ?2
        AND CASE WHEN ?3 THEN did = ?3 ELSE did NOT IN (SELECT feed.did FROM missing JOIN commit_log USING (cid)
            JOIN feed USING (fid) WHERE role = 0 AND feed.lid = ?2) END
        AND cid IN (SELECT cid FROM head WHERE lid = ?2 UNION ALL SELECT cid FROM commit_log WHERE cid >= ?1)
        AND cid NOT IN ({FOLLOWED}) ORDER BY id"
    );
    let mut statement = connection.prepare_cached(&select)?;
    let from = meta(connection, INDEXED_TO)?;
    let heads = statement.query_map((from, lid, did), |row| Ok((CommitId(row.get(0)?), row.get(1)?)))?;
    Ok(heads.collect::<rusqlite::Result<_>>()?)
}

/// The heads of the devices of a ledger whose chains are held without a gap.
pub(crate) fn ledger_heads(connection: &Connection, lid: i64) -> Result<Vec<CommitId>> {
    Ok(read_heads(connection, lid, None)?.into_iter().map(|(id, _)| id).collect())
}

/// The numbers of the heads of one device's chain, ascending.
#[cfg(feature = "sync")]
pub(crate) fn chain_heads(connection: &Connection, lid: i64, did: i64) -> Result<Vec<i64>> {
    let mut cids: Vec<i64> = read_heads(connection, lid, Some(did))?.into_iter().map(|(_, cid)| cid).collect();
    cids.sort_unstable();
    Ok(cids)
}

/// The devices that have written in a ledger.
#[cfg(feature = "sync")]
pub(crate) fn devices(connection: &Connection, lid: i64) -> Result<Vec<i64>> {
    let select = "SELECT DISTINCT did FROM feed WHERE lid = ?1 AND did IS NOT NULL ORDER BY did";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_map([lid], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// The numbers of the commits named by a commit as its predecessors, as far as they are held, and whether all are.
pub(crate) fn previous_of(connection: &Connection, cid: i64) -> Result<(Vec<i64>, bool)> {
    let select = "SELECT previous, header FROM commit_log WHERE cid = ?1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (previous, header): (Option<i64>, Option<Vec<u8>>) =
        connection.prepare_cached(select)?.query_row([cid], row)?;
    let Some(header) = header else { return Ok((previous.into_iter().collect(), true)) };
    let named = decode_header(&header)?.previous;
    let mut held = Vec::with_capacity(named.len());
    for id in &named {
        held.extend(find(connection, id)?);
    }
    Ok((held.clone(), held.len() == named.len()))
}

/// The numbers of the member heads of a commit; `None` unless all are held.
#[cfg(feature = "sync")]
pub(crate) fn member_heads_of(connection: &Connection, cid: i64) -> Result<Option<Vec<i64>>> {
    let select = "SELECT ids FROM commit_log JOIN heads_set USING (hid) WHERE cid = ?1";
    let ids: Vec<u8> = connection.prepare_cached(select)?.query_row([cid], |row| row.get(0))?;
    let (ids, _) = ids.as_chunks::<32>();
    ids.iter().map(|id| find(connection, &CommitId(*id))).collect()
}

/// Whether a commit counts.
pub(crate) fn standing(connection: &Connection, cid: i64) -> Result<Stands> {
    let select = "SELECT standing FROM commit_log WHERE cid = ?1";
    Ok(Stands::from_number(connection.prepare_cached(select)?.query_row([cid], |row| row.get(0))?))
}

/// Notes whether a commit counts.
pub(crate) fn set_standing(tx: &Connection, cid: i64, stands: Stands) -> Result<()> {
    let update = "UPDATE commit_log SET standing = ?2 WHERE cid = ?1 AND standing <> ?2";
    tx.prepare_cached(update)?.execute((cid, stands.number()))?;
    Ok(())
}

/// The commits of a ledger that stand so, which must not be [`Stands::Counts`].
pub(crate) fn commits_standing(connection: &Connection, lid: i64, stands: Stands) -> Result<Vec<i64>> {
    let select = "SELECT cid FROM commit_log JOIN feed USING (fid)
        WHERE standing <> 0 AND standing = ?2 AND lid = ?1 ORDER BY cid";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_map((lid, stands.number()), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// The commits of a device in a ledger.
pub(crate) fn commits_of_device(connection: &Connection, lid: i64, device: &DeviceKey) -> Result<Vec<i64>> {
    let select = "SELECT cid FROM feed JOIN commit_log USING (fid)
        WHERE lid = ?1 AND did = (SELECT did FROM device WHERE key = ?2) ORDER BY cid";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_map((lid, device.as_bytes()), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// All commits of a ledger in the order in which they were stored.
pub(crate) fn commits_of_ledger(connection: &Connection, lid: i64) -> Result<Vec<i64>> {
    let mut statement =
        connection.prepare_cached("SELECT cid FROM commit_log JOIN feed USING (fid) WHERE lid = ?1 ORDER BY cid")?;
    Ok(statement.query_map([lid], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Moves the heads and notes what is not held. Returns the one predecessor, if there is just one and it is held.
fn insert_links(
    write: &mut Write<'_>,
    lid: i64,
    did: i64,
    header: &Header,
    id: &CommitId,
    cid: i64,
) -> Result<Option<i64>> {
    // This device's next commit: its predecessor was looked up to write it, and nobody can have named it before.
    if let Some(heads) = write.state.latest.heads.get_mut(&(lid, did)) {
        return Ok(std::mem::replace(heads, vec![(*id, cid)]).first().map(|(_, previous)| *previous));
    }
    let tx = &write.tx;
    let mut only = None;
    for previous in &header.previous {
        only = find_while_writing(write, previous)?;
        match only {
            Some(held) => take_head(tx, lid, did, held)?,
            None => note_missing(tx, previous, cid, NamedAs::Previous)?,
        }
    }
    // Only its own device's commits come after it in its chain; another device that names it takes no head away.
    let named = "SELECT max(role = 0 AND feed.lid = ?2 AND feed.did = ?3) FROM missing
        JOIN commit_log USING (cid) JOIN feed USING (fid) WHERE missing.id = ?1";
    let row = (id.as_bytes(), lid, did);
    let is_named: Option<bool> = tx.prepare_cached(named)?.query_row(row, |row| row.get(0))?;
    if is_named.is_some() {
        tx.prepare_cached("DELETE FROM missing WHERE id = ?1")?.execute([id.as_bytes()])?;
    }
    if is_named != Some(true) {
        let insert = "INSERT INTO head (lid, did, cid) VALUES (?1, ?2, ?3)";
        tx.prepare_cached(insert)?.execute((lid, did, cid))?;
    }
    Ok(only.filter(|_| header.previous.len() == 1))
}

/// Takes a commit off the heads of a device's chain, if it is one of them.
fn take_head(tx: &Connection, lid: i64, did: i64, cid: i64) -> Result<()> {
    tx.prepare_cached("DELETE FROM head WHERE lid = ?1 AND did = ?2 AND cid = ?3")?.execute((lid, did, cid))?;
    Ok(())
}

fn note_missing(tx: &Connection, id: &CommitId, cid: i64, role: NamedAs) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO missing (id, cid, role) VALUES (?1, ?2, ?3)";
    tx.prepare_cached(insert)?.execute((id.as_bytes(), cid, role as i64))?;
    Ok(())
}

/// The number of a set of member heads. It is remembered once all of them are held, so that it is not looked up again.
fn enter_member_heads(write: &mut Write<'_>, heads: &[CommitId], cid: i64) -> Result<i64> {
    let mut is_whole = true;
    for head in heads {
        if find_while_writing(write, head)?.is_none() {
            note_missing(&write.tx, head, cid, NamedAs::MemberHead)?;
            is_whole = false;
        }
    }
    let hid = enter_heads_set(&write.tx, heads)?;
    if is_whole && write.state.heads_sets.len() < HEADS_SETS_CACHED_MAX {
        write.state.heads_sets.insert(heads.to_vec(), hid);
    }
    Ok(hid)
}

fn enter_heads_set(tx: &Connection, ids: &[CommitId]) -> Result<i64> {
    let joined = join_ids(ids);
    let select = "SELECT hid FROM heads_set WHERE ids = ?1";
    let found: Option<i64> = tx.prepare_cached(select)?.query_row([&joined], |row| row.get(0)).optional()?;
    if let Some(hid) = found {
        return Ok(hid);
    }
    tx.prepare_cached("INSERT INTO heads_set (ids) VALUES (?1)")?.execute([&joined])?;
    Ok(tx.last_insert_rowid())
}

/// Whether the columns of a row give a header back.
fn is_regular(header: &Header) -> bool {
    header.version == FORMAT_VERSION
        && header.ledger.is_some()
        && header.previous.len() <= 1
        && header.generation == 0
        && header.on_behalf.is_none()
        && header.unknown.is_empty()
}

fn decode_header(bytes: &[u8]) -> Result<Header> {
    Header::decode(bytes)
        .map_err(|error| Error::new(ErrorKind::Corrupt, "a stored header cannot be read").with_source(error))
}

/// Ids as one string of bytes.
pub(crate) fn join_ids(ids: &[CommitId]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.0).collect()
}

/// Ids from one string of bytes.
pub(crate) fn split_ids(bytes: &[u8]) -> Vec<CommitId> {
    bytes.as_chunks().0.iter().map(|id| CommitId(*id)).collect()
}

/// Counts and numbers of the format are below 2^48.
pub(crate) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The commits that are held among some heads and everything they name as predecessors.
pub(crate) fn at_and_below(connection: &Connection, heads: &[CommitId]) -> Result<HashSet<i64>> {
    let mut found = HashSet::new();
    let mut open = Vec::new();
    for head in heads {
        open.extend(find(connection, head)?);
    }
    while let Some(cid) = open.pop() {
        if found.insert(cid) {
            open.extend(previous_of(connection, cid)?.0);
        }
    }
    Ok(found)
}

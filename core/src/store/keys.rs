//! Ids and the small integers that stand for them in this database.
//!
//! | integer | stands for |
//! |---|---|
//! | `lid` | a ledger |
//! | `did` | a device |
//! | `fid` | a feed |
//! | `rid` | a document |
//!
//! The rid of a document that a feed made follows from the feed and the number of its record, so that finding it touches
//! no index. All other documents are listed in `named_document`.

use std::collections::HashMap;

use outlay_ledger::commit::{derived_document, document_prefix, feed, is_fact_document};
use outlay_ledger::{DeviceKey, DocumentId, FeedId, LedgerId};
use rusqlite::{Connection, OptionalExtension};

use crate::error::{Error, ErrorKind, Result};

/// The first rid that follows from a feed; below it are the listed ones.
pub(super) const DERIVED_FROM: i64 = 1 << 40;
/// Record numbers that fit a derived rid. A process that writes more has its later documents listed.
pub(super) const NUMBER_BITS: u32 = 24;
/// Feeds that fit a derived rid.
const FEEDS_MAX: i64 = 1 << 38;
/// Feeds remembered between transactions.
pub(super) const FEEDS_CACHED_MAX: usize = 10_000;
/// Referred documents remembered between transactions.
const REFERRED_CACHED_MAX: usize = 10_000;

/// A feed of which a commit is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Feed {
    pub(crate) fid: i64,
    pub(crate) lid: i64,
    pub(crate) did: i64,
    pub(crate) device: DeviceKey,
    pub(crate) nonce: [u8; 16],
    pub(crate) id: FeedId,
    pub(crate) origin: i64,
}

/// What the writer remembers of keys.
#[derive(Default)]
pub(crate) struct KeyCache {
    feeds: HashMap<i64, Feed>,
    by_nonce: HashMap<(i64, DeviceKey, [u8; 16]), i64>,
    /// Documents that entries refer to: a few accounts and categories, over and over.
    referred: HashMap<(i64, DocumentId), i64>,
    /// The feeds whose numbers stand for prefixes.
    origins: HashMap<(i64, [u8; 10]), i64>,
}

impl KeyCache {
    /// The feed of a number.
    pub(crate) fn feed(&mut self, connection: &Connection, fid: i64) -> Result<Feed> {
        if let Some(feed) = self.feeds.get(&fid) {
            return Ok(*feed);
        }
        let feed = read_feed(connection, fid)?;
        self.remember(feed);
        Ok(feed)
    }

    /// The feed of a device's process, entered when it is new.
    pub(crate) fn enter_feed(
        &mut self,
        connection: &Connection,
        lid: i64,
        device: DeviceKey,
        nonce: [u8; 16],
    ) -> Result<Feed> {
        if let Some(fid) = self.by_nonce.get(&(lid, device, nonce)).copied() {
            return self.feed(connection, fid);
        }
        let did = enter_device(connection, &device)?;
        let id = feed(&device, &nonce);
        let prefix = document_prefix(id);
        let found = find_feed(connection, lid, did, &nonce, &prefix)?;
        let fid = match found {
            Some(fid) => fid,
            None => insert_feed(connection, lid, &prefix, Some((did, nonce)))?,
        };
        self.feed(connection, fid)
    }

    /// The number of a document that another refers to, entered when it is new.
    pub(crate) fn enter_referred(&mut self, connection: &Connection, lid: i64, id: &DocumentId) -> Result<i64> {
        if let Some(rid) = self.referred.get(&(lid, *id)) {
            return Ok(*rid);
        }
        let (rid, _) = enter_document(connection, lid, id)?;
        if self.referred.len() >= REFERRED_CACHED_MAX {
            self.referred.clear();
        }
        self.referred.insert((lid, *id), rid);
        Ok(rid)
    }

    /// The number of a document that is named in this ledger already.
    pub(crate) fn find_document(&mut self, connection: &Connection, lid: i64, id: &DocumentId) -> Result<Option<i64>> {
        if let Some(rid) = self.origins.get(&(lid, prefix(id))).and_then(|origin| rid_of(*origin, record_number(id))) {
            return Ok(Some(rid));
        }
        let found = find_document(connection, lid, id)?;
        if let Some((origin, _)) = found.and_then(feed_and_number) {
            if self.origins.len() >= FEEDS_CACHED_MAX {
                self.origins.clear();
            }
            self.origins.insert((lid, prefix(id)), origin);
        }
        Ok(found)
    }

    fn remember(&mut self, feed: Feed) {
        if self.feeds.len() >= FEEDS_CACHED_MAX {
            (self.feeds, self.by_nonce) = Default::default();
        }
        self.feeds.insert(feed.fid, feed);
        self.by_nonce.insert((feed.lid, feed.device, feed.nonce), feed.fid);
    }
}

/// The number of a ledger.
pub(crate) fn ledger(connection: &Connection, id: LedgerId) -> Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT lid FROM ledger WHERE id = ?1")?;
    Ok(statement.query_row([id.as_bytes()], |row| row.get(0)).optional()?)
}

/// The number of a ledger that must be here.
pub(crate) fn ledger_here(connection: &Connection, id: LedgerId) -> Result<i64> {
    ledger(connection, id)?.ok_or_else(|| Error::not_found("ledger on this device"))
}

/// The number of a ledger, entered when it is new.
pub(crate) fn enter_ledger(connection: &Connection, id: LedgerId) -> Result<i64> {
    if let Some(lid) = ledger(connection, id)? {
        return Ok(lid);
    }
    connection.prepare_cached("INSERT INTO ledger (id) VALUES (?1)")?.execute([id.as_bytes()])?;
    Ok(connection.last_insert_rowid())
}

/// The id of a ledger.
pub(crate) fn ledger_id(connection: &Connection, lid: i64) -> Result<LedgerId> {
    let mut statement = connection.prepare_cached("SELECT id FROM ledger WHERE lid = ?1")?;
    Ok(LedgerId(statement.query_row([lid], |row| row.get(0))?))
}

/// The number of a device, if it has one.
pub(crate) fn find_device(connection: &Connection, key: &DeviceKey) -> Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT did FROM device WHERE key = ?1")?;
    Ok(statement.query_row([key.as_bytes()], |row| row.get(0)).optional()?)
}

/// The number of a device, entered when it is new.
pub(crate) fn enter_device(connection: &Connection, key: &DeviceKey) -> Result<i64> {
    if let Some(did) = find_device(connection, key)? {
        return Ok(did);
    }
    connection.prepare_cached("INSERT INTO device (key) VALUES (?1)")?.execute([key.as_bytes()])?;
    Ok(connection.last_insert_rowid())
}

/// The number of a document that is named in this ledger already.
pub(crate) fn find_document(connection: &Connection, lid: i64, id: &DocumentId) -> Result<Option<i64>> {
    if let Some(rid) = derived_rid(connection, lid, id)? {
        return Ok(Some(rid));
    }
    let select =
        "SELECT rid FROM document_index JOIN named_document USING (rid) WHERE key = ?1 AND id = ?2 AND lid = ?3";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_row((index_key(id), id.as_bytes(), lid), |row| row.get(0)).optional()?)
}

/// The numbers of documents, in the order of their ids: their places in the index are then read one after another.
pub(crate) fn find_documents(
    connection: &Connection,
    lid: i64,
    mut ids: Vec<DocumentId>,
) -> Result<HashMap<DocumentId, Option<i64>>> {
    ids.sort_unstable_by_key(index_key);
    ids.into_iter().map(|id| Ok((id, find_document(connection, lid, &id)?))).collect()
}

/// Lists documents that are not listed yet, and numbers them in this order from the returned number on.
pub(crate) fn list_documents(connection: &Connection, lid: i64, ids: &[DocumentId]) -> Result<i64> {
    let first = next_listed(connection)?;
    let mut insert = connection.prepare_cached("INSERT INTO named_document (rid, lid, id) VALUES (?1, ?2, ?3)")?;
    let mut keys = Vec::with_capacity(ids.len());
    for (rid, id) in (first..).zip(ids) {
        insert.execute((rid, lid, id.as_bytes()))?;
        keys.push((index_key(id), rid));
    }
    keys.sort_unstable();
    let mut insert = connection.prepare_cached("INSERT INTO document_index (key, rid) VALUES (?1, ?2)")?;
    for key in keys {
        insert.execute(key)?;
    }
    Ok(first)
}

fn next_listed(connection: &Connection) -> Result<i64> {
    let select = "SELECT coalesce(max(rid), 0) + 1 FROM named_document";
    Ok(connection.prepare_cached(select)?.query_row([], |row| row.get(0))?)
}

fn index_key(id: &DocumentId) -> i64 {
    let mut key = [0; 8];
    key.copy_from_slice(&id.0[..8]);
    i64::from_be_bytes(key)
}

/// The number of a document, entered when it is new. The flag says whether it is.
pub(crate) fn enter_document(connection: &Connection, lid: i64, id: &DocumentId) -> Result<(i64, bool)> {
    if let Some(rid) = find_document(connection, lid, id)? {
        return Ok((rid, false));
    }
    if !is_fact_document(id) {
        let number = record_number(id);
        if number < 1 << NUMBER_BITS {
            let origin = insert_feed(connection, lid, &prefix(id), None)?;
            if let Some(rid) = rid_of(origin, number) {
                return Ok((rid, true));
            }
        }
    }
    Ok((list_documents(connection, lid, &[*id])?, true))
}

/// The number of the document that record `n` of a feed makes.
pub(crate) fn derived(connection: &Connection, feed: &Feed, n: u64) -> Result<i64> {
    match rid_of(feed.origin, n) {
        Some(rid) => Ok(rid),
        None => Ok(enter_document(connection, feed.lid, &derived_document(feed.id, n))?.0),
    }
}

/// The id of a document.
pub(crate) fn document(connection: &Connection, rid: i64) -> Result<DocumentId> {
    match feed_and_number(rid) {
        Some((fid, number)) => Ok(document_of(prefix_of_feed(connection, fid)?, number)),
        None => {
            let mut statement = connection.prepare_cached("SELECT id FROM named_document WHERE rid = ?1")?;
            Ok(DocumentId(statement.query_row([rid], |row| row.get(0))?))
        }
    }
}

/// The feed and the record from which a rid follows; `None` if it is a listed one.
pub(crate) fn feed_and_number(rid: i64) -> Option<(i64, i64)> {
    let rest = rid.checked_sub(DERIVED_FROM).filter(|rest| *rest >= 0)?;
    Some((rest >> NUMBER_BITS, rest & ((1 << NUMBER_BITS) - 1)))
}

/// The first bytes of the documents of a feed.
pub(crate) fn prefix_of_feed(connection: &Connection, fid: i64) -> Result<[u8; 10]> {
    let mut statement = connection.prepare_cached("SELECT prefix FROM feed WHERE fid = ?1")?;
    Ok(statement.query_row([fid], |row| row.get(0))?)
}

/// The document of a feed's record.
pub(crate) fn document_of(prefix: [u8; 10], number: i64) -> DocumentId {
    let mut bytes = [0; 16];
    bytes[..10].copy_from_slice(&prefix);
    bytes[10..].copy_from_slice(&number.to_be_bytes()[2..]);
    DocumentId(bytes)
}

/// The numbers of all ledgers.
pub(crate) fn ledgers(connection: &Connection) -> Result<Vec<i64>> {
    let mut statement = connection.prepare_cached("SELECT lid FROM ledger ORDER BY lid")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// The ledgers in which a document is held, by number.
pub(crate) fn ledgers_of_document(connection: &Connection, id: &DocumentId) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    for lid in ledgers(connection)? {
        if find_document(connection, lid, id)?.is_some() {
            found.push(lid);
        }
    }
    Ok(found)
}

/// The device whose feed a document is derived from, if a commit of that feed is held.
pub(crate) fn device_of_document(connection: &Connection, lid: i64, id: &DocumentId) -> Result<Option<DeviceKey>> {
    if is_fact_document(id) {
        return Ok(None);
    }
    let select = "SELECT key FROM feed JOIN device USING (did) WHERE lid = ?1 AND prefix = ?2 ORDER BY key LIMIT 1";
    let key = connection.prepare_cached(select)?.query_row((lid, prefix(id)), |row| row.get(0)).optional()?;
    Ok(key.map(DeviceKey))
}

fn derived_rid(connection: &Connection, lid: i64, id: &DocumentId) -> Result<Option<i64>> {
    if is_fact_document(id) {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached("SELECT min(fid) FROM feed WHERE lid = ?1 AND prefix = ?2")?;
    let origin: Option<i64> = statement.query_row((lid, prefix(id)), |row| row.get(0))?;
    Ok(origin.and_then(|origin| rid_of(origin, record_number(id))))
}

fn rid_of(origin: i64, number: u64) -> Option<i64> {
    let number = i64::try_from(number).ok().filter(|number| *number < 1 << NUMBER_BITS)?;
    (origin < FEEDS_MAX).then(|| rid_of_number(origin, number))
}

/// The rid that follows from a feed and a number which fit.
pub(super) const fn rid_of_number(origin: i64, number: i64) -> i64 {
    DERIVED_FROM + (origin << NUMBER_BITS | number)
}

fn prefix(id: &DocumentId) -> [u8; 10] {
    let mut prefix = [0; 10];
    prefix.copy_from_slice(&id.0[..10]);
    prefix
}

fn record_number(id: &DocumentId) -> u64 {
    id.0[10..].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Whether a commit of this feed is held.
pub(crate) fn is_feed_held(connection: &Connection, lid: i64, device: &DeviceKey, nonce: &[u8; 16]) -> Result<bool> {
    let prefix = document_prefix(feed(device, nonce));
    let select =
        "SELECT 1 FROM feed JOIN device USING (did) WHERE lid = ?1 AND prefix = ?2 AND key = ?3 AND nonce = ?4";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.exists((lid, prefix, device.as_bytes(), nonce))?)
}

/// A feed that was entered with its device, or only by its prefix until now.
fn find_feed(connection: &Connection, lid: i64, did: i64, nonce: &[u8; 16], prefix: &[u8; 10]) -> Result<Option<i64>> {
    let find = "SELECT fid FROM feed WHERE lid = ?1 AND prefix = ?2 AND did = ?3 AND nonce = ?4";
    let known = connection.prepare_cached(find)?.query_row((lid, prefix, did, nonce), |row| row.get(0)).optional()?;
    if known.is_some() {
        return Ok(known);
    }
    let find = "SELECT fid FROM feed WHERE lid = ?1 AND prefix = ?2 AND did IS NULL";
    let unknown: Option<i64> =
        connection.prepare_cached(find)?.query_row((lid, prefix), |row| row.get(0)).optional()?;
    if let Some(fid) = unknown {
        let update = "UPDATE feed SET did = ?2, nonce = ?3 WHERE fid = ?1";
        connection.prepare_cached(update)?.execute((fid, did, nonce))?;
    }
    Ok(unknown)
}

fn insert_feed(connection: &Connection, lid: i64, prefix: &[u8; 10], by: Option<(i64, [u8; 16])>) -> Result<i64> {
    let (did, nonce) = by.unzip();
    let insert = "INSERT INTO feed (fid, lid, prefix, did, nonce, origin) SELECT next, ?1, ?2, ?3, ?4,
        coalesce((SELECT min(fid) FROM feed WHERE lid = ?1 AND prefix = ?2), next)
        FROM (SELECT coalesce(max(fid), 0) + 1 AS next FROM feed)";
    connection.prepare_cached(insert)?.execute((lid, prefix, did, nonce))?;
    Ok(connection.last_insert_rowid())
}

fn read_feed(connection: &Connection, fid: i64) -> Result<Feed> {
    let select = "SELECT lid, did, key, nonce, origin FROM feed JOIN device USING (did) WHERE fid = ?1";
    let mut statement = connection.prepare_cached(select)?;
    let feed = statement.query_row([fid], |row| {
        let (device, nonce) = (DeviceKey(row.get(2)?), row.get(3)?);
        let id = feed(&device, &nonce);
        Ok(Feed { fid, lid: row.get(0)?, did: row.get(1)?, device, nonce, id, origin: row.get(4)? })
    });
    feed.map_err(|error| match error {
        rusqlite::Error::QueryReturnedNoRows => {
            Error::new(ErrorKind::Corrupt, "a stored commit names a feed that is not there")
        }
        error => error.into(),
    })
}

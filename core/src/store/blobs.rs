//! Which entries have which files, and which of these are here.

use outlay_ledger::BlobHash;
#[cfg(feature = "sync")]
use outlay_ledger::LedgerId;
use outlay_ledger::attachment::Attachment;
use rusqlite::Connection;

use super::log::to_i64;
use crate::error::Result;
#[cfg(feature = "sync")]
use crate::sync::Queued;

/// Writes the rows of the files of an entry.
pub(super) fn set_attachments(
    tx: &Connection,
    lid: i64,
    rid: i64,
    attached: &[Attachment],
    is_new: bool,
) -> Result<()> {
    if !is_new && attachments(tx, rid)? != attached {
        tx.prepare_cached("DELETE FROM attachment WHERE rid = ?1")?.execute([rid])?;
    }
    for file in attached {
        let insert = "INSERT OR IGNORE INTO attachment (rid, hash, lid, bytes, media_type, name)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let row = (rid, file.hash.0, lid, to_i64(file.bytes), &file.media_type, &file.name);
        tx.prepare_cached(insert)?.execute(row)?;
    }
    Ok(())
}

/// The files of an entry, ascending by hash.
pub(crate) fn attachments(connection: &Connection, rid: i64) -> Result<Vec<Attachment>> {
    let select = "SELECT hash, bytes, media_type, name FROM attachment WHERE rid = ?1 ORDER BY hash";
    let mut statement = connection.prepare_cached(select)?;
    let rows = statement.query_map([rid], |row| {
        let (hash, bytes) = (BlobHash(row.get(0)?), row.get::<_, i64>(1)?.unsigned_abs());
        Ok(Attachment { hash, bytes, media_type: row.get(2)?, name: row.get(3)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes that a file is here.
pub(crate) fn enter(tx: &Connection, hash: &BlobHash, bytes: u64) -> Result<()> {
    let insert = "INSERT INTO blob (hash, bytes) VALUES (?1, ?2) ON CONFLICT (hash) DO UPDATE SET loose_ms = NULL";
    tx.prepare_cached(insert)?.execute((hash.0, to_i64(bytes)))?;
    Ok(())
}

/// Notes that a file is not here.
pub(crate) fn forget(tx: &Connection, hash: &BlobHash) -> Result<()> {
    tx.prepare_cached("DELETE FROM blob WHERE hash = ?1")?.execute([hash.0])?;
    Ok(())
}

/// The files that are here, and how many bytes each has.
pub(crate) fn here(connection: &Connection) -> Result<Vec<(BlobHash, u64)>> {
    let mut statement = connection.prepare_cached("SELECT hash, bytes FROM blob ORDER BY hash")?;
    let rows = statement.query_map([], |row| Ok((BlobHash(row.get(0)?), row.get::<_, i64>(1)?.unsigned_abs())))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes since when no entry has a file, and answers the files that none has had since before a time.
pub(crate) fn loose(tx: &Connection, now_ms: i64, before_ms: i64) -> Result<Vec<BlobHash>> {
    let is_loose = "NOT EXISTS (SELECT 1 FROM attachment a WHERE a.hash = blob.hash)";
    let update = format!("UPDATE blob SET loose_ms = NULL WHERE loose_ms IS NOT NULL AND NOT ({is_loose})");
    tx.prepare_cached(&update)?.execute([])?;
    let update = format!("UPDATE blob SET loose_ms = ?1 WHERE loose_ms IS NULL AND {is_loose}");
    tx.prepare_cached(&update)?.execute([now_ms])?;
    let mut statement = tx.prepare_cached("SELECT hash FROM blob WHERE loose_ms < ?1")?;
    let hashes = statement.query_map([before_ms], |row| Ok(BlobHash(row.get(0)?)))?;
    Ok(hashes.collect::<rusqlite::Result<_>>()?)
}

/// The files that are here and that a remote is not known to hold, of the ledgers that it has open and this device writes to.
#[cfg(feature = "sync")]
const OWED: &str = "FROM blob JOIN attachment USING (hash) JOIN ledger USING (lid)
    JOIN remote_ledger r ON r.sid = ?1 AND r.ledger = ledger.id AND r.epoch IS NOT NULL
    WHERE ledger.role IN (1, 2) AND NOT EXISTS (SELECT 1 FROM blob_held h
        WHERE h.sid = ?1 AND h.ledger = r.ledger AND h.hash = blob.hash AND h.epoch = r.epoch)";

/// The next files that go up: not those that the remote has refused since a time.
#[cfg(feature = "sync")]
pub(crate) fn queue(connection: &Connection, sid: i64, since_ms: i64, max: i64) -> Result<Vec<Queued>> {
    let select = format!(
        "SELECT DISTINCT r.ledger, blob.hash {OWED} AND NOT EXISTS (SELECT 1 FROM blob_refused f
            WHERE f.sid = ?1 AND f.ledger = r.ledger AND f.hash = blob.hash AND f.since_ms >= ?2) LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&select)?;
    let rows = statement.query_map((sid, since_ms, max), |row| {
        Ok(Queued { ledger: LedgerId(row.get(0)?), hash: BlobHash(row.get(1)?) })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many files a remote is not known to hold, and how many of them it has refused.
#[cfg(feature = "sync")]
pub(crate) fn waiting(connection: &Connection, sid: i64) -> Result<(u64, u64)> {
    let count = |select: &str| -> Result<u64> {
        Ok(connection.prepare_cached(select)?.query_row([sid], |row| row.get::<_, i64>(0))?.unsigned_abs())
    };
    let all = count(&format!("SELECT count(*) FROM (SELECT DISTINCT r.ledger, blob.hash {OWED})"))?;
    let refused = "AND EXISTS (SELECT 1 FROM blob_refused f
        WHERE f.sid = ?1 AND f.ledger = r.ledger AND f.hash = blob.hash)";
    Ok((all, count(&format!("SELECT count(*) FROM (SELECT DISTINCT r.ledger, blob.hash {OWED} {refused})"))?))
}

/// Whether a file of an entry is here that a remote is not known to hold, whoever may send it.
#[cfg(feature = "sync")]
pub(super) fn is_unsent(connection: &Connection, sid: i64) -> Result<bool> {
    let select = "SELECT 1 FROM blob JOIN attachment USING (hash) JOIN ledger USING (lid)
        WHERE NOT EXISTS (SELECT 1 FROM blob_held h JOIN remote_ledger r USING (sid, ledger)
            WHERE sid = ?1 AND ledger = ledger.id AND h.hash = blob.hash AND h.epoch = r.epoch)";
    Ok(connection.prepare_cached(select)?.exists([sid])?)
}

/// Notes that a remote holds a file of a ledger.
#[cfg(feature = "sync")]
pub(crate) fn set_held(tx: &Connection, sid: i64, ledger: LedgerId, hash: &BlobHash) -> Result<()> {
    let insert = "INSERT OR REPLACE INTO blob_held (sid, ledger, hash, epoch)
        SELECT ?1, ?2, ?3, epoch FROM remote_ledger WHERE sid = ?1 AND ledger = ?2 AND epoch IS NOT NULL";
    tx.prepare_cached(insert)?.execute((sid, ledger.0, hash.0))?;
    let delete = "DELETE FROM blob_refused WHERE sid = ?1 AND ledger = ?2 AND hash = ?3";
    tx.prepare_cached(delete)?.execute((sid, ledger.0, hash.0))?;
    Ok(())
}

/// Notes that a remote has refused a file of a ledger.
#[cfg(feature = "sync")]
pub(crate) fn refuse(
    tx: &Connection,
    sid: i64,
    ledger: LedgerId,
    hash: &BlobHash,
    code: u16,
    now_ms: i64,
) -> Result<()> {
    let insert = "INSERT OR REPLACE INTO blob_refused (sid, ledger, hash, code, since_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.prepare_cached(insert)?.execute((sid, ledger.0, hash.0, code, now_ms))?;
    Ok(())
}

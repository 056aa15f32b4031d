//! Files that belong to entries: each known by the hash of its bytes, and held for one ledger.
//!
//! A row is there only when the file is whole, durable and what its hash says. The same file in two ledgers is held twice, so
//! that no member learns from one what is in another. What a file takes counts to its ledger and to whoever brought that here,
//! as commits do.
//!
//! Who may is judged by the ledger's member commits. Which entries have a file is between devices: nothing here reads one.

mod files;
mod range;
pub mod routes;

use outlay_ledger::member::Role;
use outlay_ledger::{BlobHash, LedgerId};
use outlay_protocol::Code;
use rusqlite::{Connection, OptionalExtension};

use crate::config::Limits;
use crate::ledgers::{self, LedgerLimits, LedgerRow, of_member};
use crate::store::{Result, Write};

pub(crate) use files::Files;
pub use files::{copy, folder};

/// What a file counts beside its bytes: its row and its name on the disk, so that millions of tiny ones fill a quota too.
const ROW_BYTES: u64 = 512;

/// Limits of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlobLimits {
    /// Bytes of one file.
    pub(crate) bytes_max: u64,
    /// Files of one account that have come in part.
    pub(crate) uploads_max: u64,
    /// How long one that has come in part waits for the rest, in milliseconds.
    pub(crate) upload_ms_max: i64,
    /// What ledgers may have.
    pub(crate) ledgers: LedgerLimits,
}

impl BlobLimits {
    pub(crate) fn of(limits: &Limits) -> Self {
        Self {
            bytes_max: limits.blob_max_bytes,
            uploads_max: limits.account_uploads_max_count,
            upload_ms_max: i64::from(limits.upload_timeout_seconds) * 1_000,
            ledgers: limits.ledgers(),
        }
    }
}

/// A file that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlobRow {
    pub(crate) bytes: u64,
    pub(crate) media_type: String,
}

/// A file that somebody sends, in parts or at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) aid: i64,
    pub(crate) ledger: LedgerId,
    pub(crate) hash: BlobHash,
    /// How many bytes all of it has.
    pub(crate) bytes: u64,
}

/// What becomes of a file that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is held, and nothing need be sent.
    Held(BlobRow),
    /// It may be sent. Those that did not come whole in time are gone, and their parts are to be deleted.
    Open(Vec<(LedgerId, BlobHash)>),
}

/// The ledger to which an upload goes, if its sender may write there.
fn written(connection: &Connection, upload: &Upload) -> Result<std::result::Result<LedgerRow, Code>> {
    Ok(match of_member(connection, &upload.ledger, upload.aid)? {
        Ok((_, _, Role::Viewer)) => Err(Code::ReadOnly),
        other => other.map(|(row, ..)| row),
    })
}

/// A file of a ledger, for a member of it; `None` if it is not held.
pub(crate) fn find(
    connection: &Connection,
    ledger: &LedgerId,
    aid: i64,
    hash: &BlobHash,
) -> Result<std::result::Result<Option<BlobRow>, Code>> {
    match of_member(connection, ledger, aid)? {
        Ok((row, ..)) => Ok(Ok(held(connection, row.lid, hash)?)),
        Err(code) => Ok(Err(code)),
    }
}

/// A file that is held in a ledger.
pub(crate) fn held(connection: &Connection, lid: i64, hash: &BlobHash) -> Result<Option<BlobRow>> {
    let select = "SELECT bytes, media_type FROM blob WHERE lid = ?1 AND hash = ?2";
    let row = |row: &rusqlite::Row<'_>| Ok(BlobRow { bytes: row.get(0)?, media_type: row.get(1)? });
    Ok(connection.prepare_cached(select)?.query_row((lid, hash.0), row).optional()?)
}

/// Lets a file be sent, if its sender may and there is room. `is_lost` says that the file of a row is not there any more.
pub(crate) fn begin(
    write: &mut Write<'_>,
    now_ms: i64,
    limits: &BlobLimits,
    upload: &Upload,
    is_lost: bool,
) -> Result<std::result::Result<Begun, Code>> {
    let row = match written(write.tx, upload)? {
        Ok(row) => row,
        Err(code) => return Ok(Err(code)),
    };
    if is_lost {
        forget(write.tx, &row, &upload.hash)?;
    } else if let Some(blob) = held(write.tx, row.lid, &upload.hash)? {
        return Ok(Ok(Begun::Held(blob)));
    }
    let before_ms = now_ms - limits.upload_ms_max;
    if is_another(write.tx, row.lid, upload, before_ms)? {
        return Ok(Err(Code::Busy));
    }
    let expired = expire(write.tx, before_ms)?;
    let insert = "INSERT INTO upload (lid, hash, aid, bytes, begun_ms) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (lid, hash) DO UPDATE SET bytes = ?4";
    write.tx.prepare_cached(insert)?.execute((row.lid, upload.hash.0, upload.aid, upload.bytes, now_ms))?;
    let count = "SELECT count(*) FROM upload WHERE aid = ?1";
    let count: u64 = write.tx.prepare_cached(count)?.query_row([upload.aid], |row| row.get(0))?;
    let refused = if count > limits.uploads_max { Some(Code::TooMany) } else { full(write.tx, limits, &row, 0)? };
    if let Some(code) = refused {
        drop_upload(write.tx, row.lid, &upload.hash)?;
        return Ok(Err(code));
    }
    Ok(Ok(Begun::Open(expired)))
}

/// Whether somebody else is sending this file as one of another size. Which of them is right is known when all of it has come;
/// until then nobody's parts go because of what another says.
fn is_another(connection: &Connection, lid: i64, upload: &Upload, before_ms: i64) -> Result<bool> {
    let select = "SELECT 1 FROM upload WHERE lid = ?1 AND hash = ?2 AND aid <> ?3 AND bytes <> ?4 AND begun_ms >= ?5";
    Ok(connection.prepare_cached(select)?.exists((lid, upload.hash.0, upload.aid, upload.bytes, before_ms))?)
}

/// Enters a file that is whole, durable and what its hash says.
pub(crate) fn commit(
    write: &mut Write<'_>,
    limits: &BlobLimits,
    upload: &Upload,
    media_type: &str,
) -> Result<std::result::Result<(), Code>> {
    // Whoever sent it may have been removed meanwhile, or the ledger be gone.
    let row = match written(write.tx, upload)? {
        Ok(row) => row,
        Err(code) => return Ok(Err(code)),
    };
    drop_upload(write.tx, row.lid, &upload.hash)?;
    let counted = upload.bytes + ROW_BYTES;
    if let Some(code) = full(write.tx, limits, &row, counted)? {
        return Ok(Err(code));
    }
    let insert = "INSERT OR IGNORE INTO blob (lid, hash, bytes, media_type) VALUES (?1, ?2, ?3, ?4)";
    let row_of = (row.lid, upload.hash.0, upload.bytes, media_type);
    if write.tx.prepare_cached(insert)?.execute(row_of)? > 0 {
        count(write.tx, &row, i64::try_from(counted).unwrap_or(i64::MAX))?;
    }
    Ok(Ok(()))
}

/// Forgets what was begun of a file.
pub(crate) fn give_up(write: &mut Write<'_>, ledger: &LedgerId, hash: &BlobHash) -> Result<()> {
    match ledgers::find(write.tx, ledger)? {
        Some(row) => drop_upload(write.tx, row.lid, hash),
        None => Ok(()),
    }
}

/// Forgets what an account was sending, and says what that was.
pub(crate) fn forget_uploads(connection: &Connection, aid: i64) -> Result<Vec<(LedgerId, BlobHash)>> {
    let select = "SELECT ledger.id, hash FROM upload JOIN ledger USING (lid) WHERE upload.aid = ?1";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map([aid], |row| Ok((LedgerId(row.get(0)?), BlobHash(row.get(1)?))))?;
    let forgotten = rows.collect::<rusqlite::Result<_>>()?;
    connection.prepare_cached("DELETE FROM upload WHERE aid = ?1")?.execute([aid])?;
    Ok(forgotten)
}

/// Forgets the files of a ledger that goes.
pub(crate) fn forget_ledger(connection: &Connection, lid: i64) -> Result<()> {
    connection.prepare_cached("DELETE FROM blob WHERE lid = ?1")?.execute([lid])?;
    connection.prepare_cached("DELETE FROM upload WHERE lid = ?1")?.execute([lid])?;
    Ok(())
}

/// Whether there is such a ledger, and in it such a file, whole or in part.
pub(crate) fn is_known(connection: &Connection, ledger: &LedgerId, hash: Option<&BlobHash>) -> Result<bool> {
    let Some(row) = ledgers::find(connection, ledger)? else { return Ok(false) };
    let Some(hash) = hash else { return Ok(true) };
    let select = "SELECT 1 FROM blob WHERE lid = ?1 AND hash = ?2 UNION ALL
        SELECT 1 FROM upload WHERE lid = ?1 AND hash = ?2";
    Ok(connection.prepare_cached(select)?.exists((row.lid, hash.0))?)
}

/// Why a ledger, or whoever brought it here, has no room for so many bytes more beside what is being sent.
fn full(connection: &Connection, limits: &BlobLimits, row: &LedgerRow, more: u64) -> Result<Option<Code>> {
    let sent = "SELECT coalesce(sum(bytes), 0) FROM upload WHERE lid = ?1";
    let of_ledger: u64 = connection.prepare_cached(sent)?.query_row([row.lid], |row| row.get(0))?;
    let sent = "SELECT coalesce(sum(upload.bytes), 0) FROM upload JOIN ledger USING (lid) WHERE ledger.aid = ?1";
    let of_account: u64 = connection.prepare_cached(sent)?.query_row([row.aid], |row| row.get(0))?;
    let held = "SELECT bytes FROM account WHERE aid = ?1";
    let held: u64 = connection.prepare_cached(held)?.query_row([row.aid], |row| row.get(0)).optional()?.unwrap_or(0);
    let is_full = row.bytes + of_ledger + more > limits.ledgers.ledger_bytes_max
        || held + of_account + more > limits.ledgers.account_bytes_max;
    Ok(is_full.then_some(Code::Quota))
}

fn count(connection: &Connection, row: &LedgerRow, bytes: i64) -> Result<()> {
    connection.prepare_cached("UPDATE ledger SET bytes = bytes + ?2 WHERE lid = ?1")?.execute((row.lid, bytes))?;
    connection.prepare_cached("UPDATE account SET bytes = bytes + ?2 WHERE aid = ?1")?.execute((row.aid, bytes))?;
    Ok(())
}

fn forget(connection: &Connection, row: &LedgerRow, hash: &BlobHash) -> Result<()> {
    let Some(blob) = held(connection, row.lid, hash)? else { return Ok(()) };
    connection.prepare_cached("DELETE FROM blob WHERE lid = ?1 AND hash = ?2")?.execute((row.lid, hash.0))?;
    count(connection, row, -i64::try_from(blob.bytes + ROW_BYTES).unwrap_or(i64::MAX))
}

fn drop_upload(connection: &Connection, lid: i64, hash: &BlobHash) -> Result<()> {
    connection.prepare_cached("DELETE FROM upload WHERE lid = ?1 AND hash = ?2")?.execute((lid, hash.0))?;
    Ok(())
}

/// Forgets what was begun before a time, and says what that was.
fn expire(connection: &Connection, before_ms: i64) -> Result<Vec<(LedgerId, BlobHash)>> {
    let select = "SELECT ledger.id, hash FROM upload JOIN ledger USING (lid) WHERE begun_ms < ?1";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map([before_ms], |row| Ok((LedgerId(row.get(0)?), BlobHash(row.get(1)?))))?;
    let expired = rows.collect::<rusqlite::Result<_>>()?;
    connection.prepare_cached("DELETE FROM upload WHERE begun_ms < ?1")?.execute([before_ms])?;
    Ok(expired)
}

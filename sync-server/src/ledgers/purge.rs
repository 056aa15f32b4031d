//! Ledgers that go: with the account of the last member that is here.
//!
//! A ledger is gone at once; its log, which may be long, is deleted some rows at a time, so that nobody waits for it. What
//! was begun is written down and gone on with, whatever comes between.

use outlay_ledger::{DeviceKey, LedgerId};
use rusqlite::{Connection, OptionalExtension};

use super::{id_of, seq};
use crate::blobs;
use crate::events::forget_webhooks;
use crate::events::outbox::{self, Happened};
use crate::expenses::projection;
use crate::store::{Effect, Memory, Result, Write};

/// Rows of a log that are deleted in one transaction: some milliseconds of others' waiting.
const ROWS_AT_ONCE: i64 = 512;

/// Unties an account from its ledgers: those where nobody else has access by an account that is here go, and the others
/// stay as they are, counted to who stays. Says which have gone.
///
/// # Errors
///
/// When the database fails.
pub(crate) fn leave_all(write: &mut Write<'_>, now_ms: i64, aid: i64) -> Result<Vec<LedgerId>> {
    let select = "SELECT lid FROM tie WHERE aid = ?1 UNION SELECT lid FROM ledger WHERE aid = ?1";
    let mut select = write.tx.prepare_cached(select)?;
    let own: Vec<i64> = select.query_map([aid], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut gone = Vec::new();
    for lid in own {
        match heir(write.tx, lid, aid)? {
            Some(heir) => hand_over(write.tx, lid, aid, heir)?,
            None => gone.push(begin(write, now_ms, lid, aid)?),
        }
    }
    write.tx.prepare_cached("DELETE FROM tie WHERE aid = ?1")?.execute([aid])?;
    Ok(gone)
}

/// The account to which a ledger counts when this one goes: the eldest of an owner, or else of a member.
fn heir(connection: &Connection, lid: i64, aid: i64) -> Result<Option<i64>> {
    let select = "SELECT tie.aid FROM tie JOIN access USING (lid, member) WHERE lid = ?1 AND tie.aid <> ?2
        ORDER BY access.role > 1, tie.aid LIMIT 1";
    Ok(connection.prepare_cached(select)?.query_row((lid, aid), |row| row.get(0)).optional()?)
}

fn hand_over(connection: &Connection, lid: i64, aid: i64, heir: i64) -> Result<()> {
    let count = "UPDATE account SET bytes = bytes + (SELECT ledger.bytes FROM ledger WHERE lid = ?1)
        WHERE aid = ?3 AND EXISTS (SELECT 1 FROM ledger WHERE lid = ?1 AND ledger.aid = ?2)";
    connection.prepare_cached(count)?.execute((lid, aid, heir))?;
    let update = "UPDATE ledger SET aid = ?3 WHERE lid = ?1 AND aid = ?2";
    connection.prepare_cached(update)?.execute((lid, aid, heir))?;
    Ok(())
}

/// Takes a ledger away from everybody, for the account that goes.
fn begin(write: &mut Write<'_>, now_ms: i64, lid: i64, aid: i64) -> Result<LedgerId> {
    let ledger: LedgerId = id_of(write.tx, lid)?;
    outbox::add(write, now_ms, aid, Happened::Purged { ledger })?;
    let mut select = write.tx.prepare_cached("SELECT device FROM access WHERE lid = ?1")?;
    let lost: Vec<DeviceKey> =
        select.query_map([lid], |row| row.get(0).map(DeviceKey))?.collect::<rusqlite::Result<_>>()?;
    let uncount = "UPDATE account SET bytes = account.bytes - ledger.bytes FROM ledger
        WHERE ledger.lid = ?1 AND account.aid = ledger.aid";
    write.tx.prepare_cached(uncount)?.execute([lid])?;
    // The files themselves go after this; see `accounts::leaving`.
    blobs::forget_ledger(write.tx, lid)?;
    for statement in [
        "DELETE FROM ledger WHERE lid = ?1",
        "DELETE FROM tie WHERE lid = ?1",
        "DELETE FROM access WHERE lid = ?1",
        "DELETE FROM insight WHERE lid = ?1",
        "INSERT INTO purge (lid) VALUES (?1)",
    ] {
        write.tx.prepare_cached(statement)?.execute([lid])?;
    }
    forget_webhooks(write.tx, None, Some(lid))?;
    *write.memory = Memory::default();
    write.effect(Effect::Access { ledger, lost, gained: Vec::new() });
    Ok(ledger)
}

/// Deletes some of what is left of a ledger that is gone. Says whether there may be more.
///
/// # Errors
///
/// When the database fails.
pub(crate) fn go_on(write: &mut Write<'_>) -> Result<bool> {
    let mut select = write.tx.prepare_cached("SELECT lid FROM purge LIMIT 1")?;
    let Some(lid) = select.query_row([], |row| row.get(0)).optional()? else { return Ok(false) };
    write.forget();
    let delete = "DELETE FROM log WHERE seq IN (SELECT seq FROM log WHERE seq >= ?1 AND seq < ?2 LIMIT ?3)";
    let deleted = write.tx.prepare_cached(delete)?.execute((seq(lid, 0), seq(lid + 1, 0), ROWS_AT_ONCE))?;
    if deleted == 0 {
        projection::forget(write, lid)?;
        end(write.tx, lid)?;
    }
    Ok(true)
}

/// Deletes what was derived from a log that is deleted.
fn end(connection: &Connection, lid: i64) -> Result<()> {
    for delete in [
        "DELETE FROM head WHERE lid = ?1",
        "DELETE FROM named_document WHERE lid = ?1",
        "DELETE FROM aside WHERE lid = ?1",
        "DELETE FROM taken_back WHERE lid = ?1",
        // Devices that have written in no other ledger.
        "DELETE FROM author WHERE did IN (SELECT did FROM feed WHERE lid = ?1)
            AND NOT EXISTS (SELECT 1 FROM log WHERE log.did = author.did)",
        "DELETE FROM feed WHERE lid = ?1",
        "DELETE FROM purge WHERE lid = ?1",
    ] {
        connection.prepare_cached(delete)?.execute([lid])?;
    }
    Ok(())
}

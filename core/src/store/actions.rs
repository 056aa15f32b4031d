//! Actions: what this device did in one go, and undid.

use outlay_ledger::{ActionId, DeviceKey};
use rusqlite::{Connection, OptionalExtension};

use crate::error::Result;

/// The last action of a device that wrote changes and is neither undone nor an undo, and its ledger.
pub(crate) fn last(connection: &Connection, device: &DeviceKey) -> Result<Option<(ActionId, i64)>> {
    let select = "SELECT coalesce(action, substr(id, 1, 8)) AS done, feed.lid FROM commit_log JOIN feed USING (fid)
        WHERE did = (SELECT did FROM device WHERE key = ?1)
        AND NOT EXISTS (SELECT 1 FROM member_commit WHERE member_commit.lid = feed.lid AND member_commit.cid = commit_log.cid)
        AND NOT EXISTS (SELECT 1 FROM undone WHERE undone.action = done OR undone.by = done)
        ORDER BY cid DESC LIMIT 1";
    let row = |row: &rusqlite::Row<'_>| Ok((ActionId(row.get(0)?), row.get(1)?));
    Ok(connection.prepare_cached(select)?.query_row([device.as_bytes()], row).optional()?)
}

/// The changes that belong to an action, as document and record.
pub(crate) fn records(connection: &Connection, lid: i64, action: ActionId) -> Result<Vec<(i64, i64)>> {
    let select = "SELECT rid, seq FROM commit_log JOIN feed USING (fid)
        JOIN record ON seq >= cid AND seq < cid + commit_log.count
        WHERE cid IN (SELECT cid FROM commit_log WHERE action = ?1
            UNION SELECT cid FROM commit_log WHERE action IS NULL AND substr(id, 1, 8) = ?1) AND lid = ?2
        AND rid IS NOT NULL AND meta & 255 = 0 ORDER BY seq";
    let mut statement = connection.prepare_cached(select)?;
    let rows = statement.query_map((action.0, lid), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The action that a commit belongs to.
pub(crate) fn of_commit(connection: &Connection, cid: i64) -> Result<ActionId> {
    let select = "SELECT coalesce(action, substr(id, 1, 8)) FROM commit_log WHERE cid = ?1";
    Ok(ActionId(connection.prepare_cached(select)?.query_row([cid], |row| row.get(0))?))
}

/// Whether an action was undone here, or is itself an undo.
pub(crate) fn is_undone_or_undo(connection: &Connection, action: ActionId) -> Result<bool> {
    let select = "SELECT EXISTS (SELECT 1 FROM undone WHERE action = ?1 OR by = ?1)";
    Ok(connection.prepare_cached(select)?.query_row([action.0], |row| row.get(0))?)
}

/// Notes that an action was undone by another.
pub(crate) fn note_undone(tx: &Connection, action: ActionId, by: ActionId) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO undone (action, by) VALUES (?1, ?2)";
    tx.prepare_cached(insert)?.execute((action.0, by.0))?;
    Ok(())
}

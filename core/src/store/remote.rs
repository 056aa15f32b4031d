//! What a server is known to hold, and so what it is still owed.
//!
//! A commit is held by a remote when its number is at most the remote's `examined_to` and it is not in `owed`. An add
//! therefore writes nothing here. Whatever moves `examined_to` lists, in the same transaction, the commits it passes that
//! the remote does not hold.

mod heads;
mod queue;

use std::collections::HashSet;

use outlay_ledger::{CommitId, LedgerId};
use outlay_protocol::{Cursor, Place};
use rusqlite::{Connection, OptionalExtension};

use super::log::{self, to_i64};
use super::{Write, blobs, keys};
use crate::error::Result;

pub(crate) use heads::{ladders, missing};
pub(crate) use queue::{Order, order, queue, queue_in_order};

/// A server and an account on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) sid: i64,
    pub(crate) server: [u8; 32],
    pub(crate) account: String,
    pub(crate) url: String,
    pub(crate) email: String,
    pub(crate) caught_up_ms: Option<i64>,
}

/// A ledger as the status shows it.
pub(crate) struct Standing {
    pub(crate) ledger: LedgerId,
    pub(crate) total: u64,
    pub(crate) owed: u64,
    pub(crate) refused: Vec<(u16, u64, i64)>,
    pub(crate) complete_from: u16,
    pub(crate) code: Option<u16>,
    pub(crate) left_out: u64,
}

/// Commits left out of a ledger that are noted one by one: with more it is clear that something is wrong.
const LEFT_OUT_MAX: u64 = 1_000;

const COLUMNS: &str = "sid, server, account, url, email, caught_up_ms";

fn remote_of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Remote> {
    Ok(Remote {
        sid: row.get(0)?,
        server: row.get(1)?,
        account: row.get(2)?,
        url: row.get(3)?,
        email: row.get(4)?,
        caught_up_ms: row.get(5)?,
    })
}

/// The account that this database is signed in to.
pub(crate) fn current(connection: &Connection) -> Result<Option<Remote>> {
    let select = format!("SELECT {COLUMNS} FROM remote WHERE is_current = 1");
    Ok(connection.prepare_cached(&select)?.query_row([], remote_of_row).optional()?)
}

/// Enters a server and an account, and keeps what is known of them already.
pub(crate) fn enter(tx: &Connection, server: &[u8; 32], account: &str, url: &str, email: &str) -> Result<Remote> {
    let insert = "INSERT INTO remote (server, account, url, email) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (server, account) DO UPDATE SET url = ?3, email = ?4";
    tx.prepare_cached(insert)?.execute((server, account, url, email))?;
    let select = format!("SELECT {COLUMNS} FROM remote WHERE server = ?1 AND account = ?2");
    Ok(tx.prepare_cached(&select)?.query_row((server, account), remote_of_row)?)
}

/// Signs the database in to a remote, or out of all.
pub(crate) fn set_current(tx: &Connection, sid: Option<i64>) -> Result<()> {
    tx.prepare_cached("UPDATE remote SET is_current = (sid IS ?1)")?.execute([sid])?;
    Ok(())
}

/// Notes that here and there was everything alike.
pub(crate) fn set_caught_up(tx: &Connection, sid: i64, now_ms: i64) -> Result<()> {
    tx.prepare_cached("UPDATE remote SET caught_up_ms = ?2 WHERE sid = ?1")?.execute((sid, now_ms))?;
    Ok(())
}

/// The ledgers that are to be open on a remote, by id.
pub(crate) fn ledgers(connection: &Connection, sid: i64) -> Result<Vec<LedgerId>> {
    let mut statement = connection.prepare_cached("SELECT ledger FROM remote_ledger WHERE sid = ?1 ORDER BY ledger")?;
    Ok(statement.query_map([sid], |row| Ok(LedgerId(row.get(0)?)))?.collect::<rusqlite::Result<_>>()?)
}

/// The ledgers in which this device has a role and that are not listed for a remote.
pub(crate) fn unlisted(connection: &Connection, sid: i64) -> Result<Vec<LedgerId>> {
    let select = "SELECT id FROM ledger WHERE role <> 0
        AND id NOT IN (SELECT ledger FROM remote_ledger WHERE sid = ?1) ORDER BY lid";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_map([sid], |row| Ok(LedgerId(row.get(0)?)))?.collect::<rusqlite::Result<_>>()?)
}

/// Lists a ledger for a remote. All that is held of it is owed then. Says whether it is new there.
pub(crate) fn list(tx: &Connection, sid: i64, ledger: LedgerId) -> Result<bool> {
    let insert = "INSERT OR IGNORE INTO remote_ledger (sid, ledger) VALUES (?1, ?2)";
    if tx.prepare_cached(insert)?.execute((sid, ledger.0))? == 0 {
        return Ok(false);
    }
    if let Some(lid) = keys::ledger(tx, ledger)? {
        let insert =
            "INSERT OR IGNORE INTO owed (sid, lid, cid) SELECT ?1, ?2, cid FROM commit_log JOIN feed USING (fid)
            WHERE lid = ?2 AND cid <= (SELECT examined_to FROM remote WHERE sid = ?1)";
        tx.prepare_cached(insert)?.execute((sid, lid))?;
    }
    Ok(true)
}

/// The cursor of a ledger, and the highest place that was ever acknowledged or pulled.
pub(crate) fn place(connection: &Connection, sid: i64, ledger: LedgerId) -> Result<(Option<Cursor>, Option<Place>)> {
    let select = "SELECT epoch, pos, chain, complete_from, highest_pos, highest_chain FROM remote_ledger
        WHERE sid = ?1 AND ledger = ?2";
    let row = |row: &rusqlite::Row<'_>| {
        let cursor = match (row.get(0)?, row.get::<_, Option<i64>>(1)?, row.get(2)?) {
            (Some(epoch), Some(pos), Some(chain)) => {
                let at = Place { pos: pos.unsigned_abs(), chain };
                Some(Cursor { epoch, at, complete_from: row.get(3)? })
            }
            _ => None,
        };
        let highest = match (row.get::<_, Option<i64>>(4)?, row.get(5)?) {
            (Some(pos), Some(chain)) => Some(Place { pos: pos.unsigned_abs(), chain }),
            _ => None,
        };
        Ok((cursor, highest))
    };
    let found = connection.prepare_cached(select)?.query_row((sid, ledger.0), row).optional()?;
    Ok(found.unwrap_or_default())
}

/// Moves the cursor of a ledger, and the highest place with it.
pub(crate) fn move_cursor(tx: &Connection, sid: i64, ledger: LedgerId, cursor: &Cursor) -> Result<()> {
    let update = "UPDATE remote_ledger SET epoch = ?3, pos = ?4, chain = ?5, complete_from = ?6, code = NULL,
        highest_pos = CASE WHEN epoch IS ?3 AND highest_pos > ?4 THEN highest_pos ELSE ?4 END,
        highest_chain = CASE WHEN epoch IS ?3 AND highest_pos > ?4 THEN highest_chain ELSE ?5 END
        WHERE sid = ?1 AND ledger = ?2";
    let pos = to_i64(cursor.at.pos);
    let row = (sid, ledger.0, cursor.epoch, pos, cursor.at.chain, cursor.complete_from);
    tx.prepare_cached(update)?.execute(row)?;
    Ok(())
}

/// Sets the cursor of a ledger and the highest place, also to lower ones: the log may be another.
pub(crate) fn set_cursor(tx: &Connection, sid: i64, ledger: LedgerId, cursor: &Cursor, highest: Place) -> Result<()> {
    let update = "UPDATE remote_ledger SET epoch = NULL, highest_pos = NULL WHERE sid = ?1 AND ledger = ?2";
    tx.prepare_cached(update)?.execute((sid, ledger.0))?;
    move_cursor(tx, sid, ledger, cursor)?;
    raise_highest(tx, sid, ledger, highest)
}

/// Notes a place that was acknowledged.
pub(crate) fn raise_highest(tx: &Connection, sid: i64, ledger: LedgerId, place: Place) -> Result<()> {
    let update = "UPDATE remote_ledger SET highest_pos = ?3, highest_chain = ?4
        WHERE sid = ?1 AND ledger = ?2 AND (highest_pos IS NULL OR highest_pos < ?3)";
    tx.prepare_cached(update)?.execute((sid, ledger.0, to_i64(place.pos), place.chain))?;
    Ok(())
}

/// Notes why a server does not open a ledger, or that it does.
pub(crate) fn set_code(tx: &Connection, sid: i64, ledger: LedgerId, code: Option<u16>) -> Result<()> {
    let update = "UPDATE remote_ledger SET code = ?3 WHERE sid = ?1 AND ledger = ?2 AND code IS NOT ?3";
    tx.prepare_cached(update)?.execute((sid, ledger.0, code))?;
    Ok(())
}

/// Ledgers in which this device is an owner and whose server it has not pinned.
pub(crate) fn unpinned(connection: &Connection, sid: i64) -> Result<Vec<LedgerId>> {
    let select = "SELECT ledger FROM remote_ledger JOIN ledger ON ledger.id = remote_ledger.ledger
        WHERE sid = ?1 AND is_pinned = 0 AND role = 1 ORDER BY lid";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_map([sid], |row| Ok(LedgerId(row.get(0)?)))?.collect::<rusqlite::Result<_>>()?)
}

/// Notes that the server was pinned in a ledger.
pub(crate) fn set_pinned(tx: &Connection, sid: i64, ledger: LedgerId) -> Result<()> {
    let update = "UPDATE remote_ledger SET is_pinned = 1 WHERE sid = ?1 AND ledger = ?2";
    tx.prepare_cached(update)?.execute((sid, ledger.0))?;
    Ok(())
}

/// Lists as owed what lies above `examined_to` up to a number, of the ledgers that are open on this remote, but for commits
/// that the remote holds.
///
/// A commit acknowledged alone at the end of the queue, as live, writes one number and no row.
pub(crate) fn examine(tx: &Connection, sid: i64, to: i64, held: &[i64]) -> Result<()> {
    let select = "SELECT examined_to FROM remote WHERE sid = ?1";
    let from: i64 = tx.prepare_cached(select)?.query_row([sid], |row| row.get(0))?;
    if from >= to {
        return Ok(());
    }
    examined(tx, sid, to)?;
    let held: HashSet<i64> = held.iter().copied().collect();
    let select = "SELECT feed.lid, cid FROM commit_log JOIN feed USING (fid) JOIN ledger ON ledger.lid = feed.lid
        JOIN remote_ledger r ON r.sid = ?1 AND r.ledger = ledger.id WHERE cid > ?2 AND cid <= ?3";
    let mut statement = tx.prepare_cached(select)?;
    let mut rows = statement.query((sid, from, to))?;
    while let Some(row) = rows.next()? {
        let (lid, cid) = (row.get(0)?, row.get(1)?);
        if !held.contains(&cid) {
            owe(tx, sid, lid, cid)?;
        }
    }
    Ok(())
}

/// Takes over that a remote holds commits up to a number, which were stored just now because it sent them.
pub(crate) fn examined(tx: &Connection, sid: i64, to: i64) -> Result<()> {
    let update = "UPDATE remote SET examined_to = ?2 WHERE sid = ?1 AND examined_to < ?2";
    tx.prepare_cached(update)?.execute((sid, to))?;
    Ok(())
}

/// Notes that a remote holds a commit.
pub(crate) fn settle(tx: &Connection, sid: i64, lid: i64, cid: i64) -> Result<()> {
    let delete = "DELETE FROM owed WHERE sid = ?1 AND lid = ?2 AND cid = ?3";
    if tx.prepare_cached(delete)?.execute((sid, lid, cid))? > 0 {
        let delete = "DELETE FROM refused WHERE sid = ?1 AND lid = ?2 AND cid = ?3";
        tx.prepare_cached(delete)?.execute((sid, lid, cid))?;
    }
    Ok(())
}

/// Notes that a remote does not hold a commit after all. Says whether that is news.
pub(crate) fn owe(tx: &Connection, sid: i64, lid: i64, cid: i64) -> Result<bool> {
    // What is above `examined_to` is in the queue already.
    let insert = "INSERT OR IGNORE INTO owed (sid, lid, cid)
        SELECT ?1, ?2, ?3 FROM remote WHERE sid = ?1 AND examined_to >= ?3";
    Ok(tx.prepare_cached(insert)?.execute((sid, lid, cid))? > 0)
}

/// Notes that a remote refused a commit.
pub(crate) fn refuse(tx: &Connection, sid: i64, lid: i64, cid: i64, code: u16, now_ms: i64) -> Result<()> {
    owe(tx, sid, lid, cid)?;
    let insert = "INSERT INTO refused (sid, lid, cid, code, since_ms) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (sid, lid, cid) DO UPDATE SET code = ?4";
    tx.prepare_cached(insert)?.execute((sid, lid, cid, code, now_ms))?;
    Ok(())
}

/// Offers again what was refused for one of some reasons; of one ledger or of all.
pub(crate) fn offer_again(tx: &Connection, sid: i64, lid: Option<i64>, codes: &[u16]) -> Result<bool> {
    let mut is_any = false;
    for code in codes {
        let delete = "DELETE FROM refused WHERE sid = ?1 AND code = ?3 AND (?2 IS NULL OR lid = ?2)";
        is_any |= tx.prepare_cached(delete)?.execute((sid, lid, code))? > 0;
    }
    Ok(is_any)
}

/// The codes for which commits are refused.
pub(crate) fn codes(connection: &Connection, sid: i64) -> Result<Vec<u16>> {
    let mut statement = connection.prepare_cached("SELECT DISTINCT code FROM refused WHERE sid = ?1")?;
    Ok(statement.query_map([sid], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Whether a remote is owed anything that it has not refused.
pub(crate) fn is_owed(connection: &Connection, sid: i64) -> Result<bool> {
    let select = "SELECT EXISTS (SELECT 1 FROM owed WHERE sid = ?1
            AND NOT EXISTS (SELECT 1 FROM refused r WHERE r.sid = ?1 AND r.lid = owed.lid AND r.cid = owed.cid))
        OR EXISTS (SELECT 1 FROM commit_log JOIN feed USING (fid) JOIN ledger ON ledger.lid = feed.lid
            WHERE cid > (SELECT examined_to FROM remote WHERE sid = ?1) AND role <> 0)
        OR EXISTS (SELECT 1 FROM ledger WHERE role <> 0
            AND id NOT IN (SELECT ledger FROM remote_ledger WHERE sid = ?1))";
    Ok(connection.prepare_cached(select)?.query_row([sid], |row| row.get(0))?)
}

/// Whether anything on this device is not known to be on a remote, refused or not: a commit, a ledger, or a file of an entry.
pub(crate) fn is_unsent(connection: &Connection, sid: i64) -> Result<bool> {
    let select = "SELECT EXISTS (SELECT 1 FROM owed WHERE sid = ?1)
        OR EXISTS (SELECT 1 FROM commit_log WHERE cid > (SELECT examined_to FROM remote WHERE sid = ?1))
        OR EXISTS (SELECT 1 FROM ledger WHERE id NOT IN (SELECT ledger FROM remote_ledger WHERE sid = ?1))";
    let is_unsent: bool = connection.prepare_cached(select)?.query_row([sid], |row| row.get(0))?;
    Ok(is_unsent || blobs::is_unsent(connection, sid)?)
}

/// Takes it from a remote's heads what it holds of a ledger: those it names and all below them. The rest is owed.
pub(crate) fn hold_at_and_below(write: &mut Write<'_>, sid: i64, ledger: LedgerId, ids: &[CommitId]) -> Result<()> {
    examine(&write.tx, sid, write.next_seq - 1, &[])?;
    let tx = &write.tx;
    // The cursor is of a log that may have been rolled back, and may come to fit again after a second time: it is forgotten
    // until the server gives another.
    let update =
        "UPDATE remote_ledger SET epoch = NULL, pos = NULL, chain = NULL, complete_from = 0, highest_pos = NULL,
        highest_chain = NULL WHERE sid = ?1 AND ledger = ?2";
    tx.prepare_cached(update)?.execute((sid, ledger.0))?;
    let Some(lid) = keys::ledger(tx, ledger)? else { return Ok(()) };
    let held = log::at_and_below(tx, ids)?;
    tx.prepare_cached("DELETE FROM owed WHERE sid = ?1 AND lid = ?2")?.execute((sid, lid))?;
    tx.prepare_cached("DELETE FROM refused WHERE sid = ?1 AND lid = ?2")?.execute((sid, lid))?;
    for cid in log::commits_of_ledger(tx, lid)?.into_iter().filter(|cid| !held.contains(cid)) {
        owe(tx, sid, lid, cid)?;
    }
    Ok(())
}

/// How each ledger on this device or offered to it stands with a remote.
pub(crate) fn standings(connection: &Connection, sid: i64) -> Result<Vec<Standing>> {
    let select = "SELECT id, lid, r.complete_from, r.code, r.ledger IS NOT NULL
        FROM ledger LEFT JOIN remote_ledger r ON r.sid = ?1 AND r.ledger = ledger.id
        UNION ALL
        SELECT ledger, NULL, complete_from, code, 1 FROM remote_ledger
        WHERE sid = ?1 AND ledger NOT IN (SELECT id FROM ledger)";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([sid])?;
    let mut standings = Vec::new();
    while let Some(row) = rows.next()? {
        let lid: Option<i64> = row.get(1)?;
        let is_listed: bool = row.get(4)?;
        let total = lid.map_or(Ok(0), |lid| count_commits(connection, lid))?;
        let owed = match lid {
            Some(lid) if is_listed => count_owed(connection, sid, lid)?,
            _ => total,
        };
        standings.push(Standing {
            ledger: LedgerId(row.get(0)?),
            total,
            owed,
            refused: lid.map_or(Ok(Vec::new()), |lid| refusals(connection, sid, lid))?,
            complete_from: row.get::<_, Option<u16>>(2)?.unwrap_or(0),
            code: row.get(3)?,
            left_out: count_left_out(connection, sid, LedgerId(row.get(0)?))?,
        });
    }
    Ok(standings)
}

/// Notes commits that a server has sent and that are not in order, and forgets of which the same has come in order since.
pub(crate) fn leave_out(
    tx: &Connection,
    sid: i64,
    ledger: LedgerId,
    bad: &[CommitId],
    good: impl Iterator<Item = CommitId>,
) -> Result<()> {
    let noted = count_left_out(tx, sid, ledger)?;
    let room = usize::try_from(LEFT_OUT_MAX.saturating_sub(noted)).unwrap_or(0);
    let insert = "INSERT OR IGNORE INTO left_out (sid, ledger, id) VALUES (?1, ?2, ?3)";
    for id in bad.iter().take(room) {
        tx.prepare_cached(insert)?.execute((sid, ledger.0, id.0))?;
    }
    let delete = "DELETE FROM left_out WHERE sid = ?1 AND ledger = ?2 AND id = ?3";
    for id in good.take_while(|_| noted > 0) {
        tx.prepare_cached(delete)?.execute((sid, ledger.0, id.0))?;
    }
    Ok(())
}

fn count_left_out(connection: &Connection, sid: i64, ledger: LedgerId) -> Result<u64> {
    let select = "SELECT count(*) FROM left_out WHERE sid = ?1 AND ledger = ?2";
    Ok(connection.prepare_cached(select)?.query_row((sid, ledger.0), |row| row.get::<_, i64>(0))?.unsigned_abs())
}

fn count_commits(connection: &Connection, lid: i64) -> Result<u64> {
    let select = "SELECT count(*) FROM commit_log JOIN feed USING (fid) WHERE lid = ?1";
    Ok(connection.prepare_cached(select)?.query_row([lid], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

fn count_owed(connection: &Connection, sid: i64, lid: i64) -> Result<u64> {
    let select = "SELECT (SELECT count(*) FROM owed WHERE sid = ?1 AND lid = ?2)
        + (SELECT count(*) FROM commit_log JOIN feed USING (fid)
            WHERE cid > (SELECT examined_to FROM remote WHERE sid = ?1) AND lid = ?2)";
    Ok(connection.prepare_cached(select)?.query_row((sid, lid), |row| row.get::<_, i64>(0))?.unsigned_abs())
}

fn refusals(connection: &Connection, sid: i64, lid: i64) -> Result<Vec<(u16, u64, i64)>> {
    let select = "SELECT code, count(*), min(since_ms) FROM refused WHERE sid = ?1 AND lid = ?2 GROUP BY code";
    let mut statement = connection.prepare_cached(select)?;
    let rows =
        statement.query_map((sid, lid), |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get(2)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What a wipe empties: everything but what the store knows of itself.
const WIPED: [&str; 25] = [
    "ledger",
    "device",
    "feed",
    "heads_set",
    "commit_log",
    "commit_index",
    "missing",
    "head",
    "record",
    "feed_run",
    "dictionary",
    "named_document",
    "document_index",
    "undone",
    "profile",
    "member_commit",
    "payee",
    "remote",
    "remote_ledger",
    "left_out",
    "owed",
    "refused",
    "blob",
    "blob_held",
    "blob_refused",
];

/// Empties the database. What is deleted is overwritten.
pub(crate) fn wipe(write: &mut Write<'_>) -> Result<()> {
    for table in WIPED {
        write.tx.execute_batch(&format!("DELETE FROM {table}"))?;
    }
    write.tx.execute_batch("DELETE FROM meta WHERE key <> 'device'")?;
    super::rebuild::empty(write)?;
    write.fresh.clear();
    write.next_seq = 1;
    Ok(())
}

const COPIED: &str = "copied";

/// Whether commits have come under this device's key that this database did not write: it was copied or restored.
pub(crate) fn is_copied(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM meta WHERE key = ?1")?.exists([COPIED])?)
}

/// Notes that it was, or that it has a key of its own now.
pub(crate) fn set_copied(tx: &Connection, is_copied: bool) -> Result<()> {
    if is_copied {
        tx.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, 1)")?.execute([COPIED])?;
    } else {
        tx.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([COPIED])?;
    }
    Ok(())
}

/// Whether everything of a ledger was here once, also of a ledger that is new: what then comes under this device's key was
/// written by another. Before, as after the database was wiped, its own commits come back.
pub(crate) fn had_everything(tx: &Connection, sid: i64, ledger: LedgerId) -> Result<bool> {
    let select = "SELECT 1 FROM remote WHERE sid = ?1 AND caught_up_ms IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM remote_ledger WHERE sid = ?1 AND ledger = ?2 AND complete_from <> 0)";
    Ok(tx.prepare_cached(select)?.exists((sid, ledger.0))?)
}

/// How many rows a table has, for tests that ask whether anything is left.
#[cfg(test)]
pub(crate) fn rows(connection: &Connection, table: &str) -> Result<i64> {
    Ok(connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?)
}

//! The databases of devices and of the server, seen through connections of the oracle's own: only what is committed can be
//! seen there, so what is found here is what a killed process leaves.
//!
//! This is the one place that knows the tables of others.

use std::collections::HashMap;
use std::path::Path;

use outlay_core::{CommitId, DeviceKey, LedgerId};
use outlay_protocol::{Chain, Cursor, Epoch, Place};
use rusqlite::{Connection, OpenFlags};

use crate::Violation;

/// Positions that a ledger of the server has room for: its rows are numbered ledger × this + position.
const POSITIONS: i64 = 1 << 40;

/// A commit in a device's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Its ledger.
    pub ledger: LedgerId,
    /// Its id.
    pub id: CommitId,
}

/// A commit in a ledger's log on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged {
    /// The ledger.
    pub ledger: LedgerId,
    /// The commit's id.
    pub id: CommitId,
    /// Its position.
    pub pos: u64,
    /// The chain after it.
    pub chain: Chain,
    /// The newest month that it touches.
    pub class: u16,
    /// Who signed it.
    pub author: DeviceKey,
}

/// What a device has noted of one ledger on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// The ledger.
    pub ledger: LedgerId,
    /// Where it is.
    pub cursor: Option<Cursor>,
    /// Why the server does not open it.
    pub code: Option<u16>,
}

/// A device's database.
#[derive(Debug)]
pub struct DeviceFile {
    connection: Connection,
    seen: i64,
}

impl DeviceFile {
    /// Opens it beside the engine.
    ///
    /// # Errors
    ///
    /// Those of the database; so in all of these.
    pub fn open(path: &Path) -> Result<Self, Violation> {
        Ok(Self { connection: open(path)?, seen: 0 })
    }

    /// The commits that were stored since this was last asked.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn new_commits(&mut self) -> Result<Vec<Held>, Violation> {
        let select =
            "SELECT cid, commit_log.id, ledger.id FROM commit_log JOIN feed USING (fid) JOIN ledger USING (lid)
            WHERE cid > ?1 ORDER BY cid";
        let mut statement = self.connection.prepare_cached(select)?;
        let mut rows = statement.query([self.seen])?;
        let mut new = Vec::new();
        while let Some(row) = rows.next()? {
            self.seen = row.get(0)?;
            new.push(Held { id: CommitId(row.get(1)?), ledger: LedgerId(row.get(2)?) });
        }
        Ok(new)
    }

    /// What it has noted of each ledger on a server as an account, by ledger.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn noted(&self, server: &[u8; 32], account: &str) -> Result<Vec<Noted>, Violation> {
        let select = "SELECT ledger, epoch, pos, chain, complete_from, code FROM remote_ledger JOIN remote USING (sid)
            WHERE server = ?1 AND account = ?2 ORDER BY ledger";
        let mut statement = self.connection.prepare_cached(select)?;
        let noted = statement.query_map((server, account), |row| {
            let cursor = match (row.get(1)?, row.get::<_, Option<i64>>(2)?, row.get(3)?) {
                (Some(epoch), Some(pos), Some(chain)) => {
                    Some(Cursor { epoch, at: Place { pos: pos.unsigned_abs(), chain }, complete_from: row.get(4)? })
                }
                _ => None,
            };
            Ok(Noted { ledger: LedgerId(row.get(0)?), cursor, code: row.get(5)? })
        })?;
        Ok(noted.collect::<rusqlite::Result<_>>()?)
    }

    /// The commits that the server refused, with the code of the reason.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn refused(&self, server: &[u8; 32], account: &str) -> Result<HashMap<CommitId, u16>, Violation> {
        let select = "SELECT id, code FROM refused JOIN commit_log USING (cid) JOIN remote USING (sid)
            WHERE server = ?1 AND account = ?2";
        let mut statement = self.connection.prepare_cached(select)?;
        let refused = statement.query_map((server, account), |row| Ok((CommitId(row.get(0)?), row.get(1)?)))?;
        Ok(refused.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether the file is in order.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn integrity(&self) -> Result<String, Violation> {
        Ok(self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?)
    }
}

/// The server's database.
#[derive(Debug)]
pub struct ServerFile {
    connection: Connection,
    seen: HashMap<LedgerId, u64>,
}

impl ServerFile {
    /// Opens it beside the server.
    ///
    /// # Errors
    ///
    /// Those of the database; so in all of these.
    pub fn open(path: &Path) -> Result<Self, Violation> {
        Ok(Self { connection: open(path)?, seen: HashMap::new() })
    }

    /// What was appended to all logs since this was last asked, in the order of each log.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn new_commits(&mut self) -> Result<Vec<Logged>, Violation> {
        let mut ledgers = self.connection.prepare_cached("SELECT lid, id, head FROM ledger ORDER BY lid")?;
        let ledgers: Vec<(i64, LedgerId, i64)> = ledgers
            .query_map([], |row| Ok((row.get(0)?, LedgerId(row.get(1)?), row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut new = Vec::new();
        for (lid, ledger, head) in ledgers {
            let seen = self.seen.entry(ledger).or_default();
            if head.unsigned_abs() > *seen {
                new.extend(appended(&self.connection, lid, ledger, *seen)?);
                *seen = head.unsigned_abs();
            }
        }
        Ok(new)
    }

    /// Whether a device may open a ledger.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn may_open(&self, device: &DeviceKey, ledger: LedgerId) -> Result<bool, Violation> {
        let select = "SELECT 1 FROM access JOIN ledger USING (lid) WHERE device = ?1 AND ledger.id = ?2";
        Ok(self.connection.prepare_cached(select)?.exists((device.0, ledger.0))?)
    }

    /// Whether an account has brought a ledger here and pushed all of it: then it may have it back, member or not.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn is_brought_by(&self, aid: i64, ledger: LedgerId) -> Result<bool, Violation> {
        let select = "SELECT 1 FROM ledger WHERE id = ?2 AND aid = ?1 AND NOT EXISTS
            (SELECT 1 FROM log WHERE seq > lid * ?3 AND seq < (lid + 1) * ?3 AND log.aid <> ?1)";
        Ok(self.connection.prepare_cached(select)?.exists((aid, ledger.0, POSITIONS))?)
    }

    /// How many commits of one device's chain no later one builds on, at most: more than one is a fork.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn open_heads(&self) -> Result<u64, Violation> {
        let select = "SELECT coalesce(max(heads), 0) FROM (SELECT count(*) AS heads FROM head GROUP BY lid, did)";
        Ok(self.connection.prepare_cached(select)?.query_row([], |row| row.get::<_, i64>(0))?.unsigned_abs())
    }

    /// The epoch of the logs.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn epoch(&self) -> Result<Epoch, Violation> {
        let select = "SELECT value FROM meta WHERE key = ?1";
        Ok(Epoch(self.connection.query_row(select, [outlay_server::store::META_EPOCH], |row| row.get(0))?))
    }
}

fn appended(connection: &Connection, lid: i64, ledger: LedgerId, after: u64) -> Result<Vec<Logged>, Violation> {
    let select = "SELECT seq, log.id, chain, class, author.key FROM log JOIN author USING (did)
        WHERE seq > ?1 AND seq < ?2 ORDER BY seq";
    let mut statement = connection.prepare_cached(select)?;
    let first = lid * POSITIONS;
    let rows = statement.query_map((first.saturating_add_unsigned(after), first + POSITIONS), |row| {
        Ok(Logged {
            ledger,
            pos: (row.get::<_, i64>(0)? - first).unsigned_abs(),
            id: CommitId(row.get(1)?),
            chain: Chain(row.get(2)?),
            class: row.get(3)?,
            author: DeviceKey(row.get(4)?),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Opens for reading: nothing is written, and nothing is moved out of the WAL on close.
fn open(path: &Path) -> Result<Connection, Violation> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.set_prepared_statement_cache_capacity(16);
    Ok(connection)
}

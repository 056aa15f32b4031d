//! All that a ledger holds, in an order of its own ids and times: what goes out, and what it is compared with.
//!
//! Nothing here depends on the order in which things came to this device. Of entries and commits only the keys are held,
//! 48 bytes each at most; they are read one by one.

use outlay_ledger::{CommitId, DocumentId};
use rusqlite::{Connection, OptionalExtension};

use super::runs::places;
use super::{keys, things};
use crate::error::Result;

/// The settings of a ledger.
pub(crate) struct Settings {
    pub(crate) id: Option<DocumentId>,
    pub(crate) name: String,
    pub(crate) currency: String,
}

/// An account.
pub(crate) struct Account {
    pub(crate) id: DocumentId,
    pub(crate) name: String,
    pub(crate) currency: Option<String>,
    pub(crate) deleted: bool,
}

/// A category.
pub(crate) struct Category {
    pub(crate) id: DocumentId,
    pub(crate) name: String,
    /// The names from the top down to this one; none if it is deleted.
    pub(crate) path: Vec<String>,
    pub(crate) parent: Option<DocumentId>,
    pub(crate) deleted: bool,
}

/// What is told of a member.
pub(crate) struct Member {
    pub(crate) id: DocumentId,
    pub(crate) name: String,
    pub(crate) deleted: bool,
}

/// The settings, as far as they are held.
pub(crate) fn settings(connection: &Connection, lid: i64) -> Result<Settings> {
    let select = "SELECT settings, name, currency FROM ledger WHERE lid = ?1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get(1)?, row.get(2)?));
    let (rid, name, currency) = connection.prepare_cached(select)?.query_row([lid], row)?;
    let id = rid.map(|rid| keys::document(connection, rid)).transpose()?;
    Ok(Settings { id, name, currency })
}

/// The accounts, those in the trash too.
pub(crate) fn accounts(connection: &Connection, lid: i64) -> Result<Vec<Account>> {
    let select = "SELECT rid, name, currency, deleted FROM account WHERE lid = ?1";
    let mut statement = connection.prepare_cached(select)?;
    let rows = statement.query_map([lid], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut accounts = Vec::new();
    for row in rows {
        let (rid, name, currency, deleted): (i64, _, _, _) = row?;
        accounts.push(Account { id: keys::document(connection, rid)?, name, currency, deleted });
    }
    accounts.sort_by_key(|account| account.id);
    Ok(accounts)
}

/// The categories, those in the trash too.
pub(crate) fn categories(connection: &Connection, lid: i64) -> Result<Vec<Category>> {
    let select = "SELECT rid, name, parent, deleted FROM category WHERE lid = ?1";
    let mut statement = connection.prepare_cached(select)?;
    let rows = statement.query_map([lid], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut categories = Vec::new();
    for row in rows {
        let (rid, name, parent, deleted): (i64, _, Option<i64>, _) = row?;
        let id = keys::document(connection, rid)?;
        let parent = parent.map(|rid| keys::document(connection, rid)).transpose()?;
        categories.push(Category { id, name, path: things::category_path(connection, rid)?, parent, deleted });
    }
    categories.sort_by_key(|category| category.id);
    Ok(categories)
}

/// What is told of members.
pub(crate) fn members(connection: &Connection, lid: i64) -> Result<Vec<Member>> {
    let mut statement = connection.prepare_cached("SELECT rid, name, deleted FROM member WHERE lid = ?1")?;
    let rows = statement.query_map([lid], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut members = Vec::new();
    for row in rows {
        let (rid, name, deleted): (i64, _, _) = row?;
        members.push(Member { id: keys::document(connection, rid)?, name, deleted });
    }
    members.sort_by_key(|member| member.id);
    Ok(members)
}

/// All entries, those in the trash too, by id. The second number is what [`super::query::numbered`] takes.
pub(crate) fn entries(connection: &Connection, lid: i64) -> Result<Vec<(DocumentId, i64)>> {
    let mut statement = connection.prepare_cached("SELECT rid FROM expense WHERE lid = ?1")?;
    let mut rows = statement.query([lid])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let rid = row.get(0)?;
        entries.push((keys::document(connection, rid)?, rid));
    }
    entries.sort_unstable();
    Ok(entries)
}

/// The entries that are not in the trash, by day and then by id; the last number is theirs.
pub(crate) fn live_entries(connection: &Connection, lid: i64) -> Result<Vec<(i64, DocumentId, i64)>> {
    let mut statement = connection.prepare_cached("SELECT day, rid FROM expense WHERE lid = ?1 AND deleted = 0")?;
    let mut rows = statement.query([lid])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let rid = row.get(1)?;
        entries.push((row.get(0)?, keys::document(connection, rid)?, rid));
    }
    entries.sort_unstable();
    Ok(entries)
}

/// The commits, by time and then by id; the last number is what [`super::log::load`] takes.
pub(crate) fn commits(connection: &Connection, lid: i64) -> Result<Vec<(i64, CommitId, i64)>> {
    let select = "SELECT time_ms, id, cid FROM commit_log JOIN feed USING (fid) WHERE lid = ?1";
    let mut statement = connection.prepare_cached(select)?;
    let rows = statement.query_map([lid], |row| Ok((row.get(0)?, CommitId(row.get(1)?), row.get(2)?)))?;
    let mut commits: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    commits.sort_unstable();
    Ok(commits)
}

/// How many entries this device holds, in all ledgers and in the trash too.
pub(crate) fn count_entries(connection: &Connection) -> Result<u64> {
    let count: i64 = connection.prepare_cached("SELECT count(*) FROM expense")?.query_row([], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// How many entries have their first record, of those held here, in a commit.
pub(crate) fn entries_begun(connection: &Connection, cid: i64) -> Result<u64> {
    let select = concat!(
        "SELECT count(*) FROM commit_log c JOIN record r ON r.seq >= c.cid AND r.seq < c.cid + c.count
        JOIN expense e ON e.rid = r.rid
        WHERE c.cid = ?1 AND r.meta & 255 = 0 AND r.seq = (SELECT min(seq) FROM (",
        places!("r.rid"),
        "))"
    );
    let count: i64 = connection.prepare_cached(select)?.query_row([cid], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Whether an entry of a ledger is in the trash; `None` if there is none of this id.
pub(crate) fn is_in_trash(connection: &Connection, lid: i64, id: &DocumentId) -> Result<Option<bool>> {
    let Some(rid) = keys::find_document(connection, lid, id)? else { return Ok(None) };
    let select = "SELECT deleted FROM expense WHERE rid = ?1";
    Ok(connection.prepare_cached(select)?.query_row([rid], |row| row.get(0)).optional()?)
}

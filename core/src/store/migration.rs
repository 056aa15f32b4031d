//! The schema, one step at a time.
//!
//! Steps are numbered, forward only and never edited after a release. Each runs in a transaction of its own, so a
//! process that dies between two of them leaves a database that the next one takes further.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Error, ErrorKind, Result};

/// "Outl", as SQLite's application id: whose file this is.
const APPLICATION_ID: i64 = 0x4f75_746c;
/// The release in which SQLite's WAL-reset corruption was mended.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// Every step, and what it makes.
const STEPS: [&str; 5] = [
    include_str!("schema.sql"),
    include_str!("remote.sql"),
    include_str!("blobs.sql"),
    include_str!("insights.sql"),
    include_str!("left_out.sql"),
];
/// The projections of the newest step.
pub(super) const PROJECTION: &str = include_str!("projection.sql");

/// Refuses, without touching it, a file that is not ours, is damaged, or was made by a newer version. Says whether it is at
/// the newest step already.
pub(super) fn check(connection: &Connection) -> Result<bool> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let is_ours = number("PRAGMA application_id")? == APPLICATION_ID;
    if !is_ours && number("SELECT count(*) FROM sqlite_schema")? > 0 {
        return Err(Error::invalid("the file is a database of another program"));
    }
    let version = usize::try_from(number("PRAGMA user_version")?).unwrap_or(usize::MAX);
    if version > STEPS.len() {
        return Err(Error::new(ErrorKind::TooNew, "the database was made by a newer version; it was left as it is"));
    }
    check_sqlite()?;
    Ok(version == STEPS.len())
}

fn check_sqlite() -> Result<()> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(Error::internal("this SQLite has a known corruption; 3.51.3 or newer is needed"));
    }
    Ok(())
}

/// The newest step.
pub(super) const fn newest() -> usize {
    STEPS.len()
}

/// Takes a database to the newest step, and says which it was at; 0 for a new one.
pub(super) fn migrate(connection: &mut Connection) -> Result<usize> {
    check_sqlite()?;
    let found = version(connection)?;
    while version(connection)? < STEPS.len() {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let reached = version(&tx)?;
        if let Some(step) = STEPS.get(reached) {
            make(&tx, step)?;
            if reached == 0 {
                make(&tx, PROJECTION)?;
                tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            }
            tx.pragma_update(None, "user_version", i64::try_from(reached + 1).unwrap_or(i64::MAX))?;
        }
        tx.commit()?;
    }
    Ok(found)
}

/// Makes what a script says. SQLite keeps the text of each table, comments too, and reads all of it whenever the file is
/// opened, so they are left out.
pub(super) fn make(connection: &Connection, script: &str) -> Result<()> {
    let lines = script.lines().filter(|line| !line.trim_start().starts_with("--"));
    Ok(connection.execute_batch(&lines.collect::<Vec<_>>().join("\n"))?)
}

fn version(connection: &Connection) -> Result<usize> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(0))
}

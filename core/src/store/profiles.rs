//! Mappings of import files that were saved: a name and a JSON text. This device's own, not exchanged.

use rusqlite::{Connection, OptionalExtension};

use crate::error::Result;

/// Saves a text under a name, in place of one that was there.
pub(crate) fn save(tx: &Connection, name: &str, json: &str) -> Result<()> {
    let insert = "INSERT OR REPLACE INTO profile (name, json) VALUES (?1, ?2)";
    tx.prepare_cached(insert)?.execute((name, json))?;
    Ok(())
}

/// The text of a name.
pub(crate) fn load(connection: &Connection, name: &str) -> Result<Option<String>> {
    let select = "SELECT json FROM profile WHERE name = ?1";
    Ok(connection.prepare_cached(select)?.query_row([name], |row| row.get(0)).optional()?)
}

/// All names, ascending.
pub(crate) fn names(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached("SELECT name FROM profile ORDER BY name")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

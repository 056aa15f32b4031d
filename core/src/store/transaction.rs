//! Transactions with prepared statements: a third of what a short one costs is preparing BEGIN and COMMIT.

use std::ops::Deref;

use rusqlite::Connection;

use crate::error::Result;

/// A transaction that is rolled back unless it is committed.
pub(crate) struct Transaction<'c>(&'c Connection);

impl<'c> Transaction<'c> {
    /// Begins to write, when no other process does.
    pub(super) fn to_write(connection: &'c Connection) -> Result<Self> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self(connection))
    }

    /// Begins to read one state of the database.
    pub(super) fn to_read(connection: &'c Connection) -> Result<Self> {
        connection.prepare_cached("BEGIN DEFERRED")?.execute([])?;
        Ok(Self(connection))
    }

    pub(super) fn commit(self) -> Result<()> {
        self.0.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // It fails only where SQLite has rolled back by itself.
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}

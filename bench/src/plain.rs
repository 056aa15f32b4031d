//! The same rows in plain SQLite: one table, one index, the same durability. What a careful program without history,
//! merging, search and totals would do, and so the floor of what an engine on SQLite can reach.

use std::path::Path;

use rusqlite::{Connection, Result, params};

use crate::generate::Row;

/// The page cache that the engine's writer has, in KiB, so that neither has the advantage.
const CACHE_KIB: i64 = 32 * 1024;
const INSERT: &str = "INSERT INTO expense (date, amount, currency, payee, category, account, note)
    VALUES (?1, ?2, 'EUR', ?3, ?4, ?5, ?6)";

/// A plain database.
pub(crate) struct Plain {
    connection: Connection,
}

impl Plain {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS expense (
                id INTEGER PRIMARY KEY, date TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
                payee TEXT NOT NULL, category TEXT NOT NULL, account TEXT NOT NULL, note TEXT NOT NULL);
            CREATE INDEX IF NOT EXISTS expense_by_date ON expense (date);",
        )?;
        Ok(Self { connection })
    }

    /// One row in a transaction of its own.
    pub(crate) fn add(&self, row: &Row) -> Result<()> {
        insert(&self.connection, row)
    }

    /// All rows in one transaction.
    pub(crate) fn add_all(&mut self, rows: &[Row]) -> Result<()> {
        let transaction = self.connection.transaction()?;
        rows.iter().try_for_each(|row| insert(&transaction, row))?;
        transaction.commit()
    }

    pub(crate) fn count(&self) -> Result<u64> {
        self.connection.query_row("SELECT count(*) FROM expense", [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
    }

    /// One field of one row in a transaction of its own.
    pub(crate) fn set_note(&self, id: u64, note: &str) -> Result<()> {
        let id = i64::try_from(id).unwrap_or(i64::MAX);
        self.connection.prepare_cached("UPDATE expense SET note = ?2 WHERE id = ?1")?.execute((id, note)).map(|_| ())
    }

    /// The newest page. Says how many rows it has.
    pub(crate) fn newest(&self, limit: i64) -> Result<usize> {
        let select = "SELECT * FROM expense ORDER BY date DESC, id DESC LIMIT ?1";
        let mut statement = self.connection.prepare_cached(select)?;
        read_all(statement.query([limit])?)
    }

    /// The page after a row.
    pub(crate) fn page_after(&self, id: u64, limit: i64) -> Result<usize> {
        let id = i64::try_from(id).unwrap_or(i64::MAX);
        let select = "SELECT * FROM expense WHERE (date, id) < ((SELECT date FROM expense WHERE id = ?1), ?1)
            ORDER BY date DESC, id DESC LIMIT ?2";
        let mut statement = self.connection.prepare_cached(select)?;
        read_all(statement.query((id, limit))?)
    }

    /// A month by category.
    pub(crate) fn month(&self, first: &str, last: &str) -> Result<usize> {
        let select = "SELECT category, currency, sum(amount), count(*) FROM expense WHERE date BETWEEN ?1 AND ?2
            GROUP BY category, currency";
        let mut statement = self.connection.prepare_cached(select)?;
        let mut rows = statement.query((first, last))?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let _: (String, String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            count += 1;
        }
        Ok(count)
    }
}

fn insert(connection: &Connection, row: &Row) -> Result<()> {
    let Row { number: _, date, minor, payee, category, account, note } = row;
    let values = params![date.to_string(), minor, payee, category, account, note];
    connection.prepare_cached(INSERT)?.execute(values).map(|_| ())
}

fn read_all(mut rows: rusqlite::Rows<'_>) -> Result<usize> {
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let _: (i64, String, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let _: [String; 4] = [row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?];
        count += 1;
    }
    Ok(count)
}

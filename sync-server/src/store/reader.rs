//! Connections that read: as of the last commit, and never in the writer's way.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::{Result, open};

/// A connection that reads.
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens a database that a [`super::Store`] has made.
    ///
    /// # Errors
    ///
    /// When it is not there or cannot be read.
    pub fn open(path: &Path, vfs: Option<&str>, cache_kib: u32) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = open::connect(path, flags, vfs, cache_kib)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(Self { connection })
    }

    /// Reads in one transaction, so that everything read is of one moment.
    ///
    /// # Errors
    ///
    /// That of `read`, or of the database.
    pub fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let transaction = self.connection.unchecked_transaction()?;
        read(&transaction)
    }
}

/// Readers that wait for work: as many as were ever used at once.
#[derive(Clone)]
pub struct Readers {
    path: Arc<PathBuf>,
    cache_kib: u32,
    free: Arc<Mutex<Vec<Reader>>>,
}

impl Readers {
    /// None so far.
    pub fn new(path: &Path, cache_kib: u32) -> Self {
        Self { path: Arc::new(path.to_owned()), cache_kib, free: Arc::default() }
    }

    /// Reads with one of them.
    ///
    /// # Errors
    ///
    /// That of `read`, or of the database.
    pub fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match free {
            Some(reader) => reader,
            None => Reader::open(&self.path, None, self.cache_kib)?,
        };
        let result = reader.read(read);
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        result
    }
}

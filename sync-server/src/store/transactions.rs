//! Where a store can be exchanged for another one: at transactions.
//!
//! What is read and written is SQL and stays so; see docs/adr/0008. What a store is free in is where a transaction runs, which
//! others run with it, and who waits for the disk.

use rusqlite::Connection;

use super::{Result, Write};

/// A store that is read and written in transactions.
pub trait Transactions {
    /// Reads as of one moment: after every write that was answered before this was called.
    ///
    /// # Errors
    ///
    /// That of `read`, or of the database.
    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Writes, and answers once that is durable. Its effects go to the bus then, in the order of the transactions; those that
    /// take something from somebody before the answer. An error of `job` undoes what the job has done, and nothing of others
    /// that are made durable with it.
    ///
    /// # Errors
    ///
    /// That of `job` or of the database, and [`super::StoreError::Busy`] when too many wait. Nothing was written then, and
    /// there are no effects.
    fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Write<'_>) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send;
}

//! The store of a server: one thread that writes, and readers that never wait for it.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{Readers, Result, Store, StoreError, Transactions, Write, Writer};
use crate::bus::EventBus;
use crate::metrics::Metrics;

/// Reads at once: more than cores only wait for each other.
const READS_MAX: usize = 4;

/// The store of a server.
#[derive(Clone)]
pub struct Concurrent {
    writer: Writer,
    readers: Readers,
    reads: Arc<Semaphore>,
}

impl Concurrent {
    /// Starts the thread that writes, which ends, and gives the store back, when the last handle is dropped. `cache_kib` is
    /// what a reader holds in memory of the database at `path`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(
        store: Store,
        path: &Path,
        cache_kib: u32,
        metrics: Metrics,
        bus: impl EventBus + 'static,
    ) -> std::io::Result<(Self, JoinHandle<Store>)> {
        let (writer, thread) = Writer::start(store, metrics, bus)?;
        let (readers, reads) = (Readers::new(path, cache_kib), Arc::new(Semaphore::new(READS_MAX)));
        Ok((Self { writer, readers, reads }, thread))
    }

    /// The thread that writes.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }
}

impl Transactions for Concurrent {
    async fn read<T: Send + 'static>(&self, read: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let gone = |_| StoreError::Failed("the server is ending".into());
        let _turn = self.reads.acquire().await.map_err(|_| StoreError::Busy)?;
        let readers = self.readers.clone();
        tokio::task::spawn_blocking(move || readers.read(read)).await.map_err(gone)?
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Write<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.run(job).await
    }
}

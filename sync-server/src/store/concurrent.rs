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
        let turn = Arc::clone(&self.reads).acquire_owned().await.map_err(|_| StoreError::Busy)?;
        let readers = self.readers.clone();
        // The turn goes with the read and not with whoever waits for it, who may be gone while it goes on.
        let read = move || {
            let _turn = turn;
            readers.read(read)
        };
        tokio::task::spawn_blocking(read).await.map_err(StoreError::ending)?
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Write<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.run(job).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::task::{Context, Waker};

    use super::*;
    use crate::bus::LocalBus;
    use crate::store::StoreOptions;

    #[test]
    fn a_read_that_nobody_waits_for_any_more_keeps_its_turn() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let _inside = runtime.enter();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.db");
        let store = Store::open(&path, StoreOptions::default()).unwrap();
        let (store, _thread) =
            Concurrent::start(store, &path, 1_024, Metrics::new(&path), LocalBus::new(Vec::new())).unwrap();
        let ((release, is_released), (begin, has_begun)) = (channel(), channel());
        let mut read = Box::pin(store.read(move |_| {
            begin.send(()).unwrap();
            is_released.recv().or(Ok(()))
        }));
        assert!(read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        has_begun.recv().unwrap();
        drop(read);
        assert_eq!(store.reads.available_permits(), READS_MAX - 1);
        drop(release);
        let all = u32::try_from(READS_MAX).unwrap();
        drop(runtime.block_on(store.reads.acquire_many(all)).unwrap());
    }
}

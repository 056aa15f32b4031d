//! A store without threads: whoever asks does the work, and has waited when it is done.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::{Reader, Result, Store, Transactions, Write};
use crate::bus::EventBus;

/// A store without threads. Its futures are ready at once.
pub struct Serial<B> {
    store: Mutex<Store>,
    reader: Mutex<Reader>,
    bus: B,
}

impl<B: EventBus> Serial<B> {
    /// With the two connections to a database.
    pub fn new(store: Store, reader: Reader, bus: B) -> Self {
        Self { store: store.into(), reader: reader.into(), bus }
    }

    fn written<T>(&self, job: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        // Held until all are told, so that they are in the order of the transactions.
        let mut store = lock(&self.store);
        let result = store.write(job);
        self.bus.publish_around(store.take_effects(), || {});
        result
    }
}

impl<B: EventBus> Transactions for Serial<B> {
    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        std::future::ready(lock(&self.reader).read(read))
    }

    fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Write<'_>) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        std::future::ready(self.written(job))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

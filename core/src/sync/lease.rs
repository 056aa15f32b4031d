//! Who syncs a database: one process at a time, and one thread of it.
//!
//! A lock on a file beside the database, which the system takes back when the process ends, however it ends.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What is held while it is not dropped.
pub(crate) struct Lease {
    /// Unlocked when it is closed.
    _file: Option<File>,
    taken: Arc<AtomicBool>,
}

/// What there is one lease of.
pub(crate) struct Leases {
    path: Option<PathBuf>,
    taken: Arc<AtomicBool>,
    /// Held while it is tried: who only looks takes it for a moment, which nobody else of this process is to see.
    trying: Mutex<()>,
}

impl Leases {
    /// Leases by a file beside a database; within the process only if it is in memory.
    pub(crate) fn beside(database: Option<&Path>, suffix: &str) -> Self {
        let path = database.map(|database| {
            let mut name = database.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        });
        Self { path, taken: Arc::default(), trying: Mutex::default() }
    }

    /// The lease, unless another holds it.
    pub(crate) fn try_take(&self) -> io::Result<Option<Lease>> {
        let _trying = self.trying.lock().unwrap_or_else(PoisonError::into_inner);
        self.try_alone()
    }

    fn try_alone(&self) -> io::Result<Option<Lease>> {
        if self.taken.swap(true, Ordering::Acquire) {
            return Ok(None);
        }
        let lease = Lease { _file: None, taken: Arc::clone(&self.taken) };
        let Some(path) = &self.path else { return Ok(Some(lease)) };
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(lease.with(file))),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether another process holds the lease now. A process that tries to take it at this very moment is told that it is
    /// held, and tries again.
    pub(crate) fn is_elsewhere(&self) -> bool {
        let _trying = self.trying.lock().unwrap_or_else(PoisonError::into_inner);
        !self.taken.load(Ordering::Acquire) && matches!(self.try_alone(), Ok(None))
    }
}

impl Lease {
    fn with(mut self, file: File) -> Self {
        self._file = Some(file);
        self
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self._file = None;
        self.taken.store(false, Ordering::Release);
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

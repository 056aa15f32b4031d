//! What an app holds: ledgers and entries, on this device, at once.
//!
//! Every call is a plain function that works on the local file and returns when its result is durable. None waits for a
//! network. An [`Engine`] may be shared between threads, and several processes may have one on the same file.

mod aside;
mod attachments;
mod conflicts;
pub(crate) mod exchange;
mod exporting;
#[cfg(feature = "insight")]
mod following;
mod history;
mod importing;
mod insights;
mod ledgers;
mod maintenance;
mod members;
mod reading;
mod undo;
mod values;
mod writing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{Currency, DeviceKey};

use crate::author::Author;
use crate::blobs::Blobs;
use crate::clock::{Environment, System, random};
use crate::error::{Error, ErrorKind, Result};
use crate::key_store::{FileKeyStore, KeyStore};
use crate::log_sink::{Log, LogSink};
use crate::model::Diagnosis;
use crate::observe::Observers;
use crate::store::{Store, Write, rebuild, standing};
#[cfg(feature = "insight")]
pub use following::InsightOptions;
use maintenance::Maintenance;
pub use members::INVITATION_DAYS_MAX;

/// How an engine is opened.
#[derive(Clone)]
pub struct Options {
    /// Time and randomness.
    pub environment: Arc<dyn Environment>,
    /// Where the device's secret key is kept; a file beside the database if `None`.
    pub key_store: Option<Arc<dyn KeyStore>>,
    /// Bytes the database may have; as many as the disk has if `None`.
    pub database_bytes_max: Option<u64>,
    /// The currency of the ledger that the first entry makes.
    pub default_currency: Currency,
    /// The name of that ledger.
    pub default_name: String,
    /// Who is told the lines of the log; nobody if `None`.
    pub log_sink: Option<Arc<dyn LogSink>>,
    /// How it is synced.
    #[cfg(feature = "sync")]
    pub sync: crate::sync::SyncOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            environment: Arc::new(System),
            key_store: None,
            database_bytes_max: None,
            default_currency: Currency::EUR,
            default_name: "Personal".to_owned(),
            log_sink: None,
            #[cfg(feature = "sync")]
            sync: crate::sync::SyncOptions::default(),
        }
    }
}

/// The engine on one database.
pub struct Engine {
    pub(crate) store: Arc<Store>,
    pub(crate) author: Author,
    pub(crate) blobs: Blobs,
    pub(crate) options: Options,
    #[cfg(feature = "sync")]
    pub(crate) key_store: Option<Arc<dyn KeyStore>>,
    observers: Observers,
    maintenance: Maintenance,
    #[cfg(feature = "insight")]
    studies: following::Studies,
    #[cfg(feature = "sync")]
    pub(crate) sync: crate::sync::Hub,
    /// Last, so that what the others still tell is told.
    pub(crate) log: Log,
}

impl Engine {
    /// Opens the database in a file, and makes it if there is none.
    ///
    /// A file that is damaged beyond reading is moved aside, never deleted; [`Engine::set_aside`] says where it is then.
    ///
    /// # Errors
    ///
    /// * [`crate::ErrorKind::TooNew`] if a newer version made the file; it is left untouched.
    /// * [`crate::ErrorKind::InvalidInput`] if it is another program's database, a folder or no path.
    /// * [`crate::ErrorKind::NotFound`] if its folder does not exist.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Engine, Options};
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("expenses.outlay");
    /// let device = Engine::open(&path, Options::default())?.device_key();
    /// assert_eq!(Engine::open(&path, Options::default())?.device_key(), device, "the key is kept");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        let path = path.as_ref();
        let store = Store::open(path, options.database_bytes_max, options.environment.now_ms())?;
        let key_store = options.key_store.clone().unwrap_or_else(|| Arc::new(FileKeyStore::beside(path)));
        Self::with_store(store, options, Some(key_store))
    }

    /// Opens a database that lives as long as the engine.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Internal`] if there is no randomness for a key.
    pub fn open_in_memory() -> Result<Self> {
        Self::open_in_memory_with(Options::default())
    }

    /// Opens a database that lives as long as the engine.
    ///
    /// # Errors
    ///
    /// As [`Engine::open_in_memory`], and those of the key store.
    pub fn open_in_memory_with(options: Options) -> Result<Self> {
        let store = Store::open_in_memory(options.database_bytes_max)?;
        let key_store = options.key_store.clone();
        Self::with_store(store, options, key_store)
    }

    fn with_store(store: Store, options: Options, key_store: Option<Arc<dyn KeyStore>>) -> Result<Self> {
        let secret = secret(&options.environment, key_store.as_deref())?;
        let author = Author::new(DeviceSecret::from_bytes(secret), Arc::clone(&options.environment));
        let device = author.device();
        if !store.read(|connection| standing::is_own_device(connection, &device))? {
            store.write(|write| standing::set_own_device(write, &device))?;
        }
        let blobs = Blobs::beside(store.path());
        let store = Arc::new(store);
        let log = Log::new(options.log_sink.clone());
        opened(&log, &store, &device);
        let maintenance = Maintenance::new(Arc::clone(&store), log.clone());
        let observers = Observers::new(Arc::clone(&store), log.clone());
        #[cfg(feature = "sync")]
        let sync = crate::sync::Hub::new(&options.sync, store.path(), log.clone());
        Ok(Self {
            store,
            author,
            blobs,
            options,
            #[cfg(feature = "sync")]
            key_store,
            observers,
            maintenance,
            #[cfg(feature = "insight")]
            studies: following::Studies::default(),
            #[cfg(feature = "sync")]
            sync,
            log,
        })
    }

    /// The public key of this device: what another device admits.
    ///
    /// It may be another one after a sync: a database that was copied or restored together with its key takes a further
    /// key for itself, as a further device of the same person.
    pub fn device_key(&self) -> DeviceKey {
        self.author.device()
    }

    /// Where a damaged database was moved when this one was opened in its place.
    pub fn set_aside(&self) -> Option<PathBuf> {
        self.store.set_aside().map(Path::to_owned)
    }

    /// Copies the database into a new file while the engine goes on, and the files of its entries that are on this device
    /// into a folder beside it.
    ///
    /// The device's key is not in it. A copy that is used beside the original continues its own chain; nothing is lost.
    ///
    /// # Errors
    ///
    /// * [`crate::ErrorKind::InvalidInput`] if the file exists.
    /// * [`crate::ErrorKind::DiskFull`] if there is no room; then no database is left behind.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        // The files first: what has the name of a backup has all that belongs to it.
        self.copy_files(to.as_ref())?;
        self.store.backup(to.as_ref())
    }

    /// Checks the file and every commit in it, makes every projection anew from the commits, and compares. Checks the files of
    /// entries too, and deletes those that no entry has had for a month.
    ///
    /// # Errors
    ///
    /// Only if the check could not be made; what it finds is in the [`Diagnosis`].
    pub fn doctor(&self) -> Result<Diagnosis> {
        let (device, mut diagnosis) = (self.device_key(), Diagnosis::default());
        match self.write(|write| rebuild::diagnose(write, &device, &mut diagnosis)) {
            Err(error) if error.kind() == ErrorKind::Corrupt => diagnosis.problems.push(error.to_string()),
            rebuilt => {
                rebuilt?;
                self.check_files(&mut diagnosis)?;
            }
        }
        if !diagnosis.problems.is_empty() {
            self.log.warn("store", || format!("{} problems were found by a check", diagnosis.problems.len()));
        }
        Ok(diagnosis)
    }

    /// Runs one write and takes it back: what it would do.
    pub(crate) fn rehearse<T>(&self, work: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        let mut outcome = None;
        let taken_back: Result<()> = self.write(|write| {
            outcome = Some(work(write)?);
            Err(Error::new(ErrorKind::Cancelled, "a rehearsal is not kept"))
        });
        match (outcome, taken_back) {
            (Some(outcome), _) => Ok(outcome),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(Error::internal("a rehearsal had no outcome")),
        }
    }

    /// Runs one write, and tells observers, maintenance and the syncer.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        let result = self.write_as_syncer(work);
        #[cfg(feature = "sync")]
        if result.is_ok() {
            self.sync.wake();
        }
        result
    }

    /// Has what is done after commits done soon: much was stored.
    #[cfg(feature = "sync")]
    pub(crate) fn look_soon(&self) {
        self.maintenance.look_soon();
    }

    /// Runs one write of which the syncer need not be told.
    pub(crate) fn write_as_syncer<T>(&self, work: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        let environment = &self.options.environment;
        let result = match environment.before_write() {
            Ok(()) => self.store.write(work).and_then(|value| Ok(environment.after_write().map(|()| value)?)),
            Err(error) => Err(error.into()),
        };
        match &result {
            Ok(_) => {
                self.observers.wake();
                self.maintenance.wake();
            }
            Err(error) => {
                if matches!(error.kind(), ErrorKind::DiskFull | ErrorKind::Corrupt | ErrorKind::Internal) {
                    self.log.warn("store", || format!("a write failed and changed nothing: {:?}", error.kind()));
                }
                self.author.begin_new_feeds();
            }
        }
        result
    }

    /// Writes into the log that a call of this engine has panicked, which only who catches the panic knows.
    pub fn note_panic(&self) {
        self.log.error("engine", || "a call ended by a bug".to_owned());
    }
}

/// Writes what was opened into the log.
fn opened(log: &Log, store: &Store, device: &DeviceKey) {
    if store.set_aside().is_some() {
        log.warn("store", || "the database was damaged; it was moved aside and a new one begun".to_owned());
    }
    let (from, to) = store.steps();
    match from {
        0 => log.info("store", || format!("made a database of schema step {to}")),
        from if from < to => log.info("store", || format!("migrated the database from schema step {from} to {to}")),
        _ => {}
    }
    log.info("engine", || format!("opened by device {device}"));
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.log.info("engine", || "closed".to_owned());
    }
}

fn secret(environment: &Arc<dyn Environment>, key_store: Option<&dyn KeyStore>) -> Result<[u8; 32]> {
    let unread = |error: std::io::Error| Error::internal("the device's key cannot be read or kept").with_source(error);
    if let Some(secret) = key_store.map(KeyStore::load).transpose().map_err(unread)?.flatten() {
        return Ok(secret);
    }
    let secret = random(environment)?;
    let Some(key_store) = key_store else { return Ok(secret) };
    key_store.save(&secret).map_err(unread)?;
    let kept = key_store.load().map_err(unread)?;
    kept.ok_or_else(|| Error::internal("the device's key was not kept"))
}

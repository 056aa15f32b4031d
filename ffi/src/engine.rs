//! The engine: opened, called, closed, and opened anew after a bug.

mod conflicts;
pub(crate) mod entries;
mod files;
mod insights;
mod ledgers;
mod members;
mod sync;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outlay_core::DeviceKey;
use outlay_core::sync::Syncer;

use crate::error::OutlayError;
use crate::records::opening::Options;

type Result<T> = std::result::Result<T, OutlayError>;

/// The engine on one database.
///
/// It may be called from any thread. Every call works on the local file and returns when its result is durable; those that
/// wait for a network say so.
#[derive(uniffi::Object)]
pub struct Engine {
    /// Where the database is; in memory if there is no path.
    path: Option<PathBuf>,
    options: Options,
    state: Mutex<State>,
}

enum State {
    Open(Arc<Opened>),
    Closed,
    Panicked,
}

/// An engine that is open. It goes when it is closed and the last call of it has returned.
struct Opened {
    /// What keeps it in sync, if that was asked for.
    syncer: Mutex<Option<Syncer>>,
    engine: Arc<outlay_core::Engine>,
}

#[uniffi::export]
impl Engine {
    /// Opens the database in a file, and makes it if there is none.
    ///
    /// A file that is damaged beyond reading is moved aside, never deleted; `set_aside` says where it is then. A path that is
    /// a folder is invalid input, and a file of a newer version is left untouched.
    #[uniffi::constructor]
    pub fn open(path: String, options: Options) -> Result<Arc<Self>> {
        Self::opened(Some(PathBuf::from(path)), options)
    }

    /// Opens a database that lives as long as the engine.
    #[uniffi::constructor]
    pub fn open_in_memory(options: Options) -> Result<Arc<Self>> {
        Self::opened(None, options)
    }

    /// Closes the database. Calls that are under way on other threads go on to their end; later ones fail as closed, and
    /// live queries end. A second time does nothing.
    pub fn shut_down(&self) {
        self.replace(State::Closed);
    }

    /// Opens the database again, after it was closed or after a call ended by a bug. What was durable is there.
    ///
    /// A database in memory begins empty.
    pub fn reopen(&self) -> Result<()> {
        // The former one first: it may hold locks on the file.
        self.replace(State::Closed);
        let opened = open(self.path.as_ref(), &self.options)?;
        self.replace(State::Open(opened));
        Ok(())
    }

    /// The public key of this device: what another device admits.
    pub fn device_key(&self) -> Result<DeviceKey> {
        self.call(|engine| Ok(engine.device_key()))
    }

    /// Where a damaged database was moved when this one was opened in its place.
    pub fn set_aside(&self) -> Result<Option<String>> {
        self.call(|engine| Ok(engine.set_aside().map(|path| path.to_string_lossy().into_owned())))
    }
}

impl Engine {
    fn opened(path: Option<PathBuf>, options: Options) -> Result<Arc<Self>> {
        let state = Mutex::new(State::Open(open(path.as_ref(), &options)?));
        Ok(Arc::new(Self { path, options, state }))
    }

    /// One call of the engine. A panic in it is an error, and so is every call after it.
    pub(crate) fn call<T>(&self, work: impl FnOnce(&Arc<outlay_core::Engine>) -> outlay_core::Result<T>) -> Result<T> {
        self.with(|opened| work(&opened.engine))
    }

    /// One call of the engine that begins or ends what keeps it in sync.
    pub(crate) fn with_syncer<T>(
        &self,
        work: impl FnOnce(&Arc<outlay_core::Engine>, &mut Option<Syncer>) -> outlay_core::Result<T>,
    ) -> Result<T> {
        self.with(|opened| work(&opened.engine, &mut opened.syncer()))
    }

    fn with<T>(&self, work: impl FnOnce(&Opened) -> outlay_core::Result<T>) -> Result<T> {
        let opened = match &*self.state() {
            State::Open(opened) => Arc::clone(opened),
            State::Closed => return Err(OutlayError::closed()),
            State::Panicked => return Err(OutlayError::panicked()),
        };
        match catch_unwind(AssertUnwindSafe(|| work(&opened))) {
            Ok(done) => Ok(done?),
            Err(_) => {
                opened.engine.note_panic();
                self.give_up(&opened);
                Err(OutlayError::panicked())
            }
        }
    }

    /// Lets nobody call an engine again in which a call has panicked, unless it was opened anew meanwhile.
    fn give_up(&self, panicked: &Arc<Opened>) {
        let is_current = matches!(&*self.state(), State::Open(opened) if Arc::ptr_eq(opened, panicked));
        if is_current {
            self.replace(State::Panicked);
        }
    }

    /// What goes is dropped when the lock is free: an observer that is waited for may call this engine.
    fn replace(&self, state: State) {
        let before = std::mem::replace(&mut *self.state(), state);
        if let State::Open(opened) = before {
            // Calls that are under way hold the engine, but it need not be kept in sync for them.
            let syncer = opened.syncer().take();
            drop(syncer);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opened {
    fn syncer(&self) -> MutexGuard<'_, Option<Syncer>> {
        self.syncer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: Option<&PathBuf>, options: &Options) -> Result<Arc<Opened>> {
    let options = options.into();
    let opened = catch_unwind(AssertUnwindSafe(|| match path {
        Some(path) => outlay_core::Engine::open(path, options),
        None => outlay_core::Engine::open_in_memory_with(options),
    }));
    let engine = Arc::new(opened.map_err(|_| OutlayError::panicked())??);
    Ok(Arc::new(Opened { syncer: Mutex::default(), engine }))
}

//! The tokens of an account, and where they are kept.
//!
//! Whoever holds them and the device's key speaks for the device. Two processes on one database share them: a token that
//! another process renewed meanwhile is taken, and only one renews at a time.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::key_store::{replace_file, write_private};

/// A place for the tokens of the account that a database is signed in to: an app hands in the platform's.
pub trait TokenStore: Send + Sync {
    /// What was kept last.
    ///
    /// # Errors
    ///
    /// If the place cannot be read now, as while a phone is locked. Then it is tried again later.
    fn load(&self) -> io::Result<Option<String>>;

    /// Keeps a text for good, in place of what was kept, or forgets it.
    ///
    /// # Errors
    ///
    /// If it was not kept.
    fn save(&self, tokens: Option<&str>) -> io::Result<()>;
}

/// A file of mode 0600.
#[derive(Debug, Clone)]
pub struct FileTokenStore {
    path: PathBuf,
}

impl FileTokenStore {
    /// The file that belongs to a database.
    pub fn beside(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push(".tokens");
        Self { path: PathBuf::from(name) }
    }
}

impl TokenStore for FileTokenStore {
    fn load(&self) -> io::Result<Option<String>> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn save(&self, tokens: Option<&str>) -> io::Result<()> {
        let Some(tokens) = tokens else {
            return match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        };
        let mut partial = self.path.as_os_str().to_owned();
        partial.push(".partial");
        // Left by a process that died: it may have another mode.
        let _ = std::fs::remove_file(&partial);
        write_private(Path::new(&partial), tokens.as_bytes(), true)?;
        // Synced with its folder: a power loss that brought the former tokens back would look like a thief to the server.
        replace_file(Path::new(&partial), &self.path)
    }
}

/// As long as the process lives: for a database in memory, and for tests.
#[derive(Debug, Default)]
pub struct MemoryTokenStore(Mutex<Option<String>>);

impl TokenStore for MemoryTokenStore {
    fn load(&self) -> io::Result<Option<String>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn save(&self, tokens: Option<&str>) -> io::Result<()> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = tokens.map(str::to_owned);
        Ok(())
    }
}

/// What is kept, as JSON.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tokens {
    /// The server's id, in hexadecimal digits: what belongs to another server is never sent to this one.
    pub(crate) server: String,
    pub(crate) account: String,
    /// The device they were given to; absent in what earlier versions kept.
    #[serde(default)]
    pub(crate) device: Option<String>,
    pub(crate) access_token: String,
    /// By this device's clock.
    pub(crate) expires_ms: i64,
    pub(crate) refresh_token: String,
}

impl Tokens {
    pub(crate) fn load(store: &dyn TokenStore) -> io::Result<Option<Self>> {
        // A text that cannot be read is as good as none: signing in again writes it anew.
        Ok(store.load()?.and_then(|text| serde_json::from_str(&text).ok()))
    }

    pub(crate) fn save(&self, store: &dyn TokenStore) -> io::Result<()> {
        store.save(Some(&serde_json::to_string(self).map_err(io::Error::other)?))
    }
}

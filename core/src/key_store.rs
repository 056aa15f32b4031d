//! Where the device's secret key is kept.
//!
//! An app on a phone hands in the platform's keystore. Without one, the key is a file of mode 0600 beside the database:
//! whoever can read that file can write in this device's name.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A place for secrets that the app supplies.
pub trait KeyStore: Send + Sync {
    /// The secret of the device, if there is one.
    ///
    /// # Errors
    ///
    /// If the place cannot be read now, as while a phone is locked. The engine does not open then, and makes no new key.
    fn load(&self) -> io::Result<Option<[u8; 32]>>;

    /// Keeps the secret of the device, unless one is kept already: of two processes that begin at once, the first wins.
    ///
    /// # Errors
    ///
    /// If it was not kept for good.
    fn save(&self, secret: &[u8; 32]) -> io::Result<()>;
}

/// A file of mode 0600.
#[derive(Debug, Clone)]
pub struct FileKeyStore {
    path: PathBuf,
}

impl FileKeyStore {
    /// The file that belongs to a database.
    pub fn beside(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push(".key");
        Self { path: PathBuf::from(name) }
    }
}

impl KeyStore for FileKeyStore {
    fn load(&self) -> io::Result<Option<[u8; 32]>> {
        match std::fs::read(&self.path) {
            Ok(bytes) => {
                let invalid = |_| io::Error::new(io::ErrorKind::InvalidData, "the file of the device's key is damaged");
                bytes.try_into().map(Some).map_err(invalid)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn save(&self, secret: &[u8; 32]) -> io::Result<()> {
        let partial = self.path.with_extension(format!("{}.partial", blake3::hash(secret).to_hex()));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&partial)?;
        file.write_all(secret)?;
        file.sync_all()?;
        // A link is made whole or not at all, and never over a file that is there.
        let linked = std::fs::hard_link(&partial, &self.path);
        std::fs::remove_file(&partial)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }
}

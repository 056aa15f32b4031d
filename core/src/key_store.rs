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

    /// Keeps another secret in the place of the one that is kept: the database was copied together with that, and this one
    /// becomes a device of its own. At any moment one of the two is kept, whole.
    ///
    /// # Errors
    ///
    /// If it was not kept for good. The engine goes on with the old one and tries again at a later connection.
    fn replace(&self, secret: &[u8; 32]) -> io::Result<()>;
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

    /// Writes a key to a file of its own next to the one that is to hold it, and returns where. Its name is of its content,
    /// so two that write at once do not meet.
    fn write_beside(&self, secret: &[u8; 32]) -> io::Result<PathBuf> {
        let partial = self.path.with_extension(format!("{}.partial", blake3::hash(secret).to_hex()));
        write_private(&partial, secret, false)?;
        Ok(partial)
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
        let partial = self.write_beside(secret)?;
        // A link is made whole or not at all, and never over a file that is there. Where there are no links, as on some
        // phones and cards, the file is written in its place, and also never over another.
        let made = match std::fs::hard_link(&partial, &self.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => write_private(&self.path, secret, true),
            linked => linked,
        };
        std::fs::remove_file(&partial)?;
        match made {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => sync_folder(&self.path),
        }
    }

    fn replace(&self, secret: &[u8; 32]) -> io::Result<()> {
        let partial = self.write_beside(secret)?;
        replace_file(&partial, &self.path)
    }
}

/// Writes a file that only its owner reads, to the disk.
pub(crate) fn write_private(path: &Path, bytes: &[u8], must_be_new: bool) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(must_be_new).create(true).truncate(!must_be_new);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Puts a file that is on the disk in the place of another, for good.
pub(crate) fn replace_file(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)?;
    sync_folder(to)
}

/// Makes the name of a new file as durable as its content.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

//! Files that belong to entries, on this device: one folder beside the database, a file for each hash.
//!
//! A file is there whole and durable or not at all: it is written under another name, brought to the disk, compared with
//! its hash and only then named. What has come of one so far is kept until the rest comes. What was read is compared with
//! its hash again; a file that has rotted is moved aside and counts as one that is not there.
//!
//! Of a database in memory the files are in memory too. Which entries refer to a file is the store's to know.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use outlay_ledger::{BlobHash, hex};

use crate::key_store::{replace_file, sync_folder, write_private};

/// What the name of the folder adds to that of the database.
const FOLDER_SUFFIX: &str = "-blobs";
/// The folder in it of files that are not whole: one is being written, or a part of it has come.
const PARTIAL: &str = "partial";
/// What the name of a file adds that was found damaged.
const DAMAGED_SUFFIX: &str = "damaged";

/// The files of one database.
pub(crate) struct Blobs {
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Memory(Mutex<Held>),
}

#[derive(Default)]
struct Held {
    whole: HashMap<BlobHash, Vec<u8>>,
    #[cfg(feature = "sync")]
    partial: HashMap<BlobHash, Vec<u8>>,
}

/// A file that is in the folder.
pub(crate) struct Found {
    pub(crate) hash: BlobHash,
    pub(crate) bytes: u64,
}

/// So that no two threads write to one file.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

impl Blobs {
    /// The files beside a database; in memory if there is none.
    pub(crate) fn beside(database: Option<&Path>) -> Self {
        let place = database.map_or_else(|| Place::Memory(Mutex::default()), |path| Place::Folder(folder(path)));
        Self { place }
    }

    /// Whether a file is here.
    pub(crate) fn has(&self, hash: &BlobHash) -> bool {
        match &self.place {
            Place::Folder(folder) => whole(folder, hash).exists(),
            Place::Memory(held) => lock(held).whole.contains_key(hash),
        }
    }

    /// Keeps a file for good.
    pub(crate) fn put(&self, hash: &BlobHash, bytes: &[u8]) -> io::Result<()> {
        match &self.place {
            _ if self.has(hash) => Ok(()),
            Place::Folder(folder) => {
                let path = whole(folder, hash);
                // Two may write the same file at once, each under a name of its own.
                let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
                let beside = partial(folder, hash).with_extension(format!("{}-{number}", std::process::id()));
                make_folder(&path)?;
                make_folder(&beside)?;
                let written = write_private(&beside, bytes, false).and_then(|()| replace_file(&beside, &path));
                if written.is_err() {
                    let _ = fs::remove_file(&beside);
                }
                written
            }
            Place::Memory(held) => {
                lock(held).whole.insert(*hash, bytes.to_vec());
                Ok(())
            }
        }
    }

    /// A file, if it is here and is what it was.
    pub(crate) fn get(&self, hash: &BlobHash) -> io::Result<Option<Vec<u8>>> {
        let folder = match &self.place {
            Place::Folder(folder) => folder,
            Place::Memory(held) => return Ok(lock(held).whole.get(hash).cloned()),
        };
        let path = whole(folder, hash);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        if BlobHash::of(&bytes) == *hash {
            return Ok(Some(bytes));
        }
        fs::rename(&path, path.with_extension(DAMAGED_SUFFIX))?;
        Ok(None)
    }

    /// Deletes a file, if it is here.
    pub(crate) fn remove(&self, hash: &BlobHash) -> io::Result<()> {
        match &self.place {
            Place::Folder(folder) => remove_file(&whole(folder, hash)),
            Place::Memory(held) => {
                lock(held).whole.remove(hash);
                Ok(())
            }
        }
    }

    /// All files that are here whole.
    pub(crate) fn list(&self) -> io::Result<Vec<Found>> {
        let folder = match &self.place {
            Place::Folder(folder) => folder,
            Place::Memory(_) => return Ok(Vec::new()),
        };
        let mut found = Vec::new();
        for inner in entries(folder)?.into_iter().filter(|inner| inner.is_dir() && !inner.ends_with(PARTIAL)) {
            for path in entries(&inner)? {
                if let Some(hash) = path.file_name().and_then(OsStr::to_str).and_then(hex::fixed).map(BlobHash) {
                    found.push(Found { hash, bytes: fs::metadata(&path)?.len() });
                }
            }
        }
        Ok(found)
    }

    /// Deletes what is not whole and was last written before a time, in milliseconds since 1970.
    pub(crate) fn forget_partial_before(&self, before_ms: i64) -> io::Result<()> {
        let Place::Folder(folder) = &self.place else { return Ok(()) };
        for path in entries(&folder.join(PARTIAL))? {
            if written_ms(&path)? < before_ms {
                remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Copies these files to beside another database. One that is there is left as it is.
    pub(crate) fn copy_beside(&self, database: &Path, hashes: &[BlobHash]) -> io::Result<()> {
        let copies = Self { place: Place::Folder(folder(database)) };
        for hash in hashes {
            if let Some(bytes) = self.get(hash)? {
                copies.put(hash, &bytes)?;
            }
        }
        Ok(())
    }

    /// Deletes all files.
    #[cfg(feature = "sync")]
    pub(crate) fn wipe(&self) -> io::Result<()> {
        match &self.place {
            Place::Folder(folder) => match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            Place::Memory(held) => {
                *lock(held) = Held::default();
                Ok(())
            }
        }
    }
}

/// A file that comes in parts.
#[cfg(feature = "sync")]
impl Blobs {
    /// How many bytes of it have come.
    pub(crate) fn come(&self, hash: &BlobHash) -> io::Result<u64> {
        match &self.place {
            Place::Folder(folder) => match fs::metadata(partial(folder, hash)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
                metadata => Ok(metadata?.len()),
            },
            Place::Memory(held) => Ok(lock(held).partial.get(hash).map_or(0, |bytes| bytes.len() as u64)),
        }
    }

    /// Deletes what has come of it.
    pub(crate) fn forget_partial(&self, hash: &BlobHash) -> io::Result<()> {
        match &self.place {
            Place::Folder(folder) => remove_file(&partial(folder, hash)),
            Place::Memory(held) => {
                lock(held).partial.remove(hash);
                Ok(())
            }
        }
    }

    /// Takes in what comes next of it.
    pub(crate) fn append(&self, hash: &BlobHash, bytes: &[u8]) -> io::Result<()> {
        match &self.place {
            Place::Folder(folder) => {
                let path = partial(folder, hash);
                make_folder(&path)?;
                let mut options = fs::OpenOptions::new();
                options.append(true).create(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                io::Write::write_all(&mut options.open(path)?, bytes)
            }
            Place::Memory(held) => {
                lock(held).partial.entry(*hash).or_default().extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Keeps it for good, now that all of it has come. One that is not what its hash says is gone after this, and that is
    /// said.
    pub(crate) fn finish(&self, hash: &BlobHash) -> io::Result<bool> {
        match &self.place {
            Place::Folder(folder) => {
                let (from, to) = (partial(folder, hash), whole(folder, hash));
                if BlobHash::of(&fs::read(&from)?) != *hash {
                    remove_file(&from)?;
                    return Ok(false);
                }
                fs::File::open(&from)?.sync_all()?;
                make_folder(&to)?;
                replace_file(&from, &to)?;
                Ok(true)
            }
            Place::Memory(held) => {
                let mut held = lock(held);
                let come = held.partial.remove(hash).filter(|bytes| BlobHash::of(bytes) == *hash);
                let is_right = come.is_some();
                held.whole.extend(come.map(|bytes| (*hash, bytes)));
                Ok(is_right)
            }
        }
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn folder(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(FOLDER_SUFFIX);
    PathBuf::from(name)
}

/// Folders of some hundred files each, because there are file systems that are slow with more.
fn whole(folder: &Path, hash: &BlobHash) -> PathBuf {
    folder.join(hex::encode(&hash.0[..1])).join(hash.to_string())
}

fn partial(folder: &Path, hash: &BlobHash) -> PathBuf {
    folder.join(PARTIAL).join(hash.to_string())
}

/// Makes the folder of a file. What is in it is nobody else's business.
fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.exists()) else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    // The folder above is as new as this one at times, and the one above that holds the database.
    sync_folder(folder)?;
    folder.parent().map_or(Ok(()), sync_folder)
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
}

fn written_ms(path: &Path) -> io::Result<i64> {
    let since_1970 = fs::metadata(path)?.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

//! The files themselves: a folder for each ledger beside the database, a file for each hash.
//!
//! What comes in parts is in a file of its own until all of it has come. It gets its name once it is on the disk and is what
//! its hash says. No file is read because somebody asks for its name: a row of the database says that it is there.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use outlay_ledger::{BlobHash, LedgerId, media};

/// The folder in the server's.
const FOLDER: &str = "blobs";
/// What the name of a file ends with that has not come whole.
const PART: &str = "part";
/// Bytes that are read at once.
const READ_BYTES: usize = 64 * 1024;

/// The folder of files beside a database, or beside a backup of one.
pub fn folder(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-");
    name.push(FOLDER);
    PathBuf::from(name)
}

/// The files of a server.
#[derive(Clone)]
pub(crate) struct Files {
    folder: PathBuf,
    /// Those that are being written: one request at a time for each.
    busy: Arc<Mutex<HashSet<(LedgerId, BlobHash)>>>,
}

/// One file is this request's to write, until this is dropped.
pub(crate) struct Busy {
    files: Files,
    key: (LedgerId, BlobHash),
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.files.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Files {
    pub(crate) fn beside(database: &Path) -> Self {
        Self { folder: folder(database), busy: Arc::default() }
    }

    /// Takes a file to write it; `None` while another request does.
    pub(crate) fn take(&self, ledger: LedgerId, hash: BlobHash) -> Option<Busy> {
        let key = (ledger, hash);
        let is_free = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        is_free.then(|| Busy { files: self.clone(), key })
    }

    /// Whether a file is there.
    pub(crate) fn has(&self, ledger: &LedgerId, hash: &BlobHash) -> bool {
        self.whole(ledger, hash).exists()
    }

    /// A part of a file, at most [`READ_BYTES`] of it.
    pub(crate) fn read(&self, ledger: &LedgerId, hash: &BlobHash, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.whole(ledger, hash))?;
        file.seek(SeekFrom::Start(from))?;
        let length = usize::try_from(to - from).unwrap_or(usize::MAX).min(READ_BYTES);
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Deletes the files of a ledger that is no more.
    pub(crate) fn forget_ledger(&self, ledger: &LedgerId) -> io::Result<()> {
        unless_gone(fs::remove_dir_all(self.ledger(ledger)))
    }

    /// Deletes what has come of a file.
    pub(crate) fn forget_part(&self, ledger: &LedgerId, hash: &BlobHash) -> io::Result<()> {
        remove(&self.part(ledger, hash))
    }

    /// Deletes the folders of ledgers that are no more, and files that nothing says anything of: a server died before it entered
    /// them, or whoever began to send them is gone.
    pub(crate) fn sweep<E: From<io::Error>>(
        &self,
        is_known: impl Fn(&LedgerId, Option<&BlobHash>) -> Result<bool, E>,
    ) -> Result<(), E> {
        for folder in entries(&self.folder)? {
            let Some(ledger) = name(&folder).and_then(|name| name.parse().ok()) else { continue };
            if !is_known(&ledger, None)? {
                fs::remove_dir_all(&folder)?;
                continue;
            }
            for file in entries(&folder)? {
                let hash = name(&file.with_extension("")).and_then(|name| name.parse().ok());
                if let Some(hash) = hash
                    && !is_known(&ledger, Some(&hash))?
                {
                    remove(&file)?;
                }
            }
        }
        Ok(())
    }

    fn ledger(&self, ledger: &LedgerId) -> PathBuf {
        self.folder.join(ledger.to_string())
    }

    fn whole(&self, ledger: &LedgerId, hash: &BlobHash) -> PathBuf {
        self.ledger(ledger).join(hash.to_string())
    }

    fn part(&self, ledger: &LedgerId, hash: &BlobHash) -> PathBuf {
        self.whole(ledger, hash).with_extension(PART)
    }
}

impl Busy {
    /// How many bytes of it have come.
    pub(crate) fn come(&self) -> io::Result<u64> {
        match fs::metadata(self.part()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            metadata => Ok(metadata?.len()),
        }
    }

    /// Takes in what comes next.
    pub(crate) fn append(&self, bytes: &[u8]) -> io::Result<()> {
        make_folder(&self.files.ledger(&self.key.0))?;
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(self.part())?.write_all(bytes)
    }

    /// Names it, now that all of it has come, and says what kind of file it is. One that is not what its hash says is gone
    /// after this.
    pub(crate) fn finish(&self) -> io::Result<Option<&'static str>> {
        let (part, (ledger, hash)) = (self.part(), &self.key);
        let (found, media_type) = look(&part)?;
        if found != *hash {
            self.forget()?;
            return Ok(None);
        }
        File::open(&part)?.sync_all()?;
        fs::rename(&part, self.files.whole(ledger, hash))?;
        File::open(self.files.ledger(ledger))?.sync_all()?;
        Ok(Some(media_type))
    }

    /// Deletes what has come of it.
    pub(crate) fn forget(&self) -> io::Result<()> {
        self.files.forget_part(&self.key.0, &self.key.1)
    }

    fn part(&self) -> PathBuf {
        self.files.part(&self.key.0, &self.key.1)
    }
}

/// The hash of a file, and what kind of file it is, without having it in memory.
fn look(path: &Path) -> io::Result<(BlobHash, &'static str)> {
    let (mut file, mut hasher, mut media_type) = (File::open(path)?, blake3::Hasher::new(), None);
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let mut length = 0;
        while length < bytes.len() {
            match file.read(&mut bytes[length..])? {
                0 => break,
                more => length += more,
            }
        }
        media_type.get_or_insert_with(|| media::sniff(&bytes[..length]));
        hasher.update(&bytes[..length]);
        if length < bytes.len() {
            return Ok((BlobHash(*hasher.finalize().as_bytes()), media_type.unwrap_or(media::UNKNOWN)));
        }
    }
}

/// Copies the files beside a database, or beside a backup, to beside another. What is there already is left as it is, and
/// what has not come whole is left out.
///
/// # Errors
///
/// When a file cannot be read or written. Those that were copied stay.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for ledger in entries(&folder(from))? {
        let Some(name) = ledger.file_name().filter(|_| ledger.is_dir()) else { continue };
        let target = folder(to).join(name);
        make_folder(&target)?;
        for file in entries(&ledger)? {
            let Some(name) = file.file_name().filter(|_| file.extension().is_none()) else { continue };
            copy_file(&file, &target.join(name))?;
        }
        File::open(&target)?.sync_all()?;
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        return Ok(());
    }
    let part = to.with_extension(PART);
    match fs::copy(from, &part) {
        // Its ledger was deleted meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        copied => copied?,
    };
    File::open(&part)?.sync_all()?;
    fs::rename(&part, to)
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let mut above = folder.ancestors().skip(1).take(2).filter(|above| above.exists());
    above.try_for_each(|above| File::open(above)?.sync_all())
}

fn remove(path: &Path) -> io::Result<()> {
    unless_gone(fs::remove_file(path))
}

fn unless_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
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

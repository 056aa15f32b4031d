//! Copying the database while it is used, and putting a copy in its place.
//!
//! A backup is one file with everything, the server's keys too, and beside it a folder with the files of expenses: keep both
//! as safe as the server. Restoring begins a new
//! epoch, so that every device looks at what the server holds and brings back what the backup lacks; nobody has to do
//! anything.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::blobs;
use crate::serve::database;
use crate::store::{META_EPOCH, Random, StoreError};

/// Pages copied before the server gets its turn.
const PAGES_AT_ONCE: i32 = 1_024;

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file or folder.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        error: io::Error,
    },
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A server is running in the folder.
    #[error("{0}: a server is running here; stop it first")]
    Running(PathBuf),
    /// The file is no backup of a server.
    #[error("{0}: not a backup of this server's database, or damaged")]
    NoBackup(PathBuf),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |error| BackupError::Io { path, error }
}

/// Copies the database of a folder into a new file, readable by its owner only, and the files of expenses into a folder beside
/// it, which may be that of an earlier backup. The server may go on meanwhile.
///
/// # Errors
///
/// When the file exists or cannot be written, or there is no database.
pub fn backup(data: &Path, to: &Path) -> Result<(), BackupError> {
    let source = Connection::open_with_flags(database(data), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    source.busy_timeout(Duration::from_secs(5))?;
    new_file(to).map_err(at(to))?;
    let copied = copy(&source, to).and_then(|()| blobs::copy(&database(data), to).map_err(at(&blobs::folder(to))));
    copied.inspect_err(|_| {
        // Half a backup is none. What is wrong was said already.
        _ = std::fs::remove_file(to);
    })
}

fn copy(source: &Connection, to: &Path) -> Result<(), BackupError> {
    let mut target = Connection::open(to)?;
    // One read transaction: the copy is of one moment, and a server that goes on writing does not make it begin anew.
    let moment = source.unchecked_transaction()?;
    let _: i64 = moment.query_row("SELECT count(*) FROM meta", [], |row| row.get(0))?;
    rusqlite::backup::Backup::new(&moment, &mut target)?.run_to_completion(PAGES_AT_ONCE, Duration::ZERO, None)?;
    target.execute_batch("PRAGMA journal_mode = DELETE")?;
    drop(target);
    File::open(to).and_then(|file| file.sync_all()).map_err(at(to))
}

/// Puts a backup in the place of the database of a folder, under a new epoch. The former database stays beside it with the
/// ending `.before-restore`.
///
/// # Errors
///
/// When a server is running in the folder, or the file is no backup. The database is as it was then.
pub fn restore(data: &Path, from: &Path, random: &mut Random) -> Result<(), BackupError> {
    std::fs::create_dir_all(data).map_err(at(data))?;
    let target = database(data);
    settle(&target)?;
    let fresh = target.with_extension("restoring");
    remove(&fresh)?;
    new_file(&fresh).map_err(at(&fresh))?;
    std::fs::copy(from, &fresh).map_err(at(from))?;
    check(&fresh, random).map_err(|error| match error {
        BackupError::Store(StoreError::Corrupt(_) | StoreError::Failed(_)) => BackupError::NoBackup(from.to_owned()),
        error => error,
    })?;
    File::open(&fresh).and_then(|file| file.sync_all()).map_err(at(&fresh))?;
    // What is there already stays: a file is what its name says, and the rows say which are whose.
    blobs::copy(from, &target).map_err(at(&blobs::folder(from)))?;
    if target.exists() {
        std::fs::rename(&target, target.with_extension("db.before-restore")).map_err(at(&target))?;
    }
    std::fs::rename(&fresh, &target).map_err(at(&target))?;
    File::open(data).and_then(|folder| folder.sync_all()).map_err(at(data))
}

/// Brings everything of a database into its one file, which only works when nobody else has it open.
fn settle(target: &Path) -> Result<(), BackupError> {
    if !target.exists() {
        return Ok(());
    }
    let running = |_| BackupError::Running(target.to_owned());
    let connection = Connection::open_with_flags(target, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).map_err(running)?;
    if mode == "delete" { Ok(()) } else { Err(BackupError::Running(target.to_owned())) }
}

/// Whether a copy is whole; gives it a new epoch.
fn check(copy: &Path, random: &mut Random) -> Result<(), BackupError> {
    let connection = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Corrupt(verdict).into());
    }
    let mut epoch = [0; 16];
    random(&mut epoch);
    let changed = connection.execute("UPDATE meta SET value = ?2 WHERE key = ?1", (META_EPOCH, epoch))?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Corrupt("no epoch".into()).into()) }
}

fn remove(path: &Path) -> Result<(), BackupError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// A new file, readable by its owner only.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

//! Database files as a process leaves them that is killed, copied, or restored.
//!
//! A killed process closes nothing: what it had committed is in the database and its WAL, and the next process finds both
//! as they were. So files are copied while the database is open, and the copy is what goes on.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Copies a database and its WAL, as they are now, to another path. The WAL's index is left behind, as after a restart of
/// the machine: SQLite makes it anew.
///
/// # Errors
///
/// Those of the file system.
pub fn copy_database(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to)?;
    let (wal_from, wal_to) = (beside(from, "-wal"), beside(to, "-wal"));
    match fs::copy(wal_from, wal_to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Copies every file of a folder, as they are now.
///
/// # Errors
///
/// Those of the file system.
pub fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let is_index = entry.file_name().to_string_lossy().ends_with("-shm");
        if entry.file_type()?.is_file() && !is_index {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn a_copy_holds_what_was_committed_and_nothing_of_an_open_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("one.db"), folder.path().join("copy").join("one.db"));
        let database = Connection::open(&path).unwrap();
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
        database
            .execute_batch("CREATE TABLE t (n); INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2)")
            .unwrap();
        copy_database(&path, &copy).unwrap();
        let count =
            |database: &Connection| database.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0));
        assert_eq!((count(&Connection::open(&copy).unwrap()), count(&database)), (Ok(1), Ok(2)));
        copy_folder(folder.path(), &folder.path().join("whole")).unwrap();
        assert_eq!(count(&Connection::open(folder.path().join("whole").join("one.db")).unwrap()), Ok(1));
    }
}

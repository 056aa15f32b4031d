//! The local store: one SQLite file per engine.
//!
//! Commits and their records are the truth. The expense, account, category and rollup tables are a projection of them,
//! written in the same transaction, so a reader never sees one without the other, and droppable at any time.
//!
//! There is one writer connection in a process. Readers use their own connections in WAL mode and never block it; an
//! in-memory database has one connection for both. Several processes may use one file: each waits its turn to write.
//!
//! This module knows SQL and nothing about the network; nothing outside it knows SQL.

pub(crate) mod actions;
pub(crate) mod blobs;
mod codec;
pub(crate) mod contents;
pub(crate) mod document;
pub(crate) mod insights;
pub(crate) mod keys;
pub(crate) mod log;
mod migration;
pub(crate) mod profiles;
mod projection;
pub(crate) mod query;
pub(crate) mod rebuild;
pub(crate) mod records;
#[cfg(feature = "sync")]
pub(crate) mod remote;
mod rollup;
mod runs;
pub(crate) mod search;
pub(crate) mod standing;
pub(crate) mod things;
pub(crate) mod totals;
mod transaction;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};

use outlay_ledger::{CommitId, LedgerId};

use crate::error::{Error, ErrorKind, Result};
use codec::Codec;
use document::ReadDocument;
use keys::KeyCache;
use rollup::Rollups;
use runs::{Growing, Run};
use standing::Memberships;
use things::{Names, OwnRole};
use transaction::Transaction;

/// How long a writer waits for another process. An import of a hundred thousand rows holds the lock for seconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);
/// How often, and after how long, a connection tries again to begin the WAL of a file that others begin to use too.
const WAL_ATTEMPTS_MAX: u32 = 200;
const WAL_PAUSE: Duration = Duration::from_millis(5);
/// Statements a connection keeps prepared: all there are.
const STATEMENTS_MAX: usize = 200;
/// Page cache of the writer, in KiB. The system keeps pages of the file too: with 64 times as much, an add at a million entries
/// costs the same, and only the undo of a large import less, by a third.
const WRITER_CACHE_KIB: i64 = 1024;
/// What a transaction may change before pages of it are written ahead of its end, in KiB.
const UNWRITTEN_KIB_MAX: i64 = 64 * 1024;
/// Page cache of a reader, in KiB.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// Readers kept open for reuse.
const IDLE_READERS_MAX: usize = 4;
/// Records after the last indexed commit from which on the next write brings the index of commits up to date, if nobody
/// has until then.
const UNINDEXED_COMMITS_MAX: i64 = 256;
/// The WAL is moved into the database when so many of its frames, of a page each, are not there yet: later costs more
/// than it saves.
const WAL_FRAMES_MAX: u64 = 1_024;
/// The least length of a WAL with so many: that of its pages, at the size that SQLite gives them.
const WAL_BYTES_MIN: u64 = WAL_FRAMES_MAX * 4_096;

/// One database.
pub(crate) struct Store {
    place: Place,
    /// Bytes the database may have.
    bytes_max: Option<u64>,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Reader>>,
    /// A connection of its own, so that moving the WAL holds nobody up.
    checkpointer: Mutex<Option<Connection>>,
    set_aside: Option<PathBuf>,
    /// The step of the schema that it was found at, 0 for none.
    found_step: usize,
}

/// Where a database is.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Memory,
}

/// The writer's connection and what it knows of rows that never change.
struct Writer {
    /// `None` until the first write: an app that opens to show a screen needs no second connection for it.
    connection: Option<Connection>,
    state: WriterState,
}

/// A connection that only reads, and the names of the state of the database that it read last.
struct Reader {
    connection: Connection,
    names: Names,
    data_version: i64,
}

/// What the writer remembers between transactions. All of it can be read again, and is after a rollback.
#[derive(Default)]
pub(crate) struct WriterState {
    pub(crate) keys: KeyCache,
    pub(crate) codec: Codec,
    pub(crate) memberships: Memberships,
    pub(crate) payees: HashMap<String, i64>,
    /// Names of accounts and categories, until one of them changes.
    pub(crate) names: Names,
    /// What keys the facts of ledgers whose genesis is held.
    pub(crate) fact_keys: HashMap<i64, [u8; 32]>,
    pub(crate) latest: Latest,
    /// Changes when another connection has committed.
    data_version: i64,
    /// Sets of member heads all of which are held.
    pub(crate) heads_sets: HashMap<Vec<CommitId>, i64>,
}

/// What the writer remembers of rows that every connection moves on, until another one has committed.
#[derive(Default)]
pub(crate) struct Latest {
    next_seq: Option<i64>,
    /// The first commit that is in no index.
    pub(crate) indexed_to: Option<i64>,
    /// The heads of a device's chain in a ledger, while this device writes.
    pub(crate) heads: HashMap<(i64, i64), Vec<(CommitId, i64)>>,
    pub(crate) own_roles: HashMap<LedgerId, OwnRole>,
    /// The last run of feeds.
    pub(crate) runs: HashMap<i64, Run>,
    /// The run of feeds that was written last, if it is not the last one.
    pub(crate) growing: HashMap<i64, Growing>,
}

/// What a reader remembers while it reads.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) keys: KeyCache,
    pub(crate) codec: Codec,
}

/// A transaction that writes.
pub(crate) struct Write<'t> {
    pub(crate) tx: Transaction<'t>,
    /// The number that the next record gets.
    pub(crate) next_seq: i64,
    /// The commits that this transaction stored.
    pub(crate) fresh: HashMap<CommitId, i64>,
    /// Documents that were read to be changed, so that the change need not fold them again.
    pub(crate) read: HashMap<i64, ReadDocument>,
    /// Whether the index of commits has all but the fresh ones.
    pub(crate) is_indexed: bool,
    /// Whether what is stored now moves sums at once, and not when the index of commits is brought up to date.
    sums_at_once: bool,
    pub(crate) state: &'t mut WriterState,
    pub(crate) rollups: Rollups,
}

impl Store {
    pub(crate) fn open(path: &Path, bytes_max: Option<u64>, now_ms: i64) -> Result<Self> {
        let (opened, set_aside) = match open_file(path) {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                let aside = set_aside(path, now_ms)?;
                (open_file(path)?, Some(aside))
            }
            opened => (opened?, None),
        };
        let (mut writer, mut readers) = (None, Vec::new());
        let found_step = match opened {
            Opened::ToRead(connection) => {
                readers.push(Reader::new(connection));
                migration::newest()
            }
            Opened::ToWrite(connection, found) => {
                limit(&connection, bytes_max)?;
                writer = Some(connection);
                found
            }
        };
        Ok(Self::new(Place::File(path.to_owned()), bytes_max, writer, readers, set_aside, found_step))
    }

    pub(crate) fn open_in_memory(bytes_max: Option<u64>) -> Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        prepare_to_write(&connection, WRITER_CACHE_KIB)?;
        let found_step = migration::migrate(&mut connection)?;
        limit(&connection, bytes_max)?;
        Ok(Self::new(Place::Memory, bytes_max, Some(connection), Vec::new(), None, found_step))
    }

    fn new(
        place: Place,
        bytes_max: Option<u64>,
        writer: Option<Connection>,
        readers: Vec<Reader>,
        set_aside: Option<PathBuf>,
        found_step: usize,
    ) -> Self {
        let writer = Mutex::new(Writer { connection: writer, state: WriterState::default() });
        let (readers, checkpointer) = (Mutex::new(readers), Mutex::default());
        Self { place, bytes_max, writer, readers, checkpointer, set_aside, found_step }
    }

    /// Where a damaged database was moved when this one was opened in its place.
    pub(crate) fn set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// The step of the schema that the database was found at, 0 for a new one, and the one that it is at.
    pub(crate) const fn steps(&self) -> (usize, usize) {
        (self.found_step, migration::newest())
    }

    /// The file of the database; `None` if it is in memory.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Memory => None,
        }
    }

    /// Runs `work` in one transaction and commits it, or leaves everything as it was.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        let mut guard = self.lock_writer();
        let Writer { connection, state } = &mut *guard;
        let connection = self.writer(connection)?;
        // After an error or a panic all of it is read again: what was remembered may have been rolled back.
        let mut remembered = std::mem::take(state);
        let value = write(connection, &mut remembered, work)?;
        *state = remembered;
        Ok(value)
    }

    /// Runs `work` on a connection that sees one state of the database throughout.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.read_named(|connection, _| work(connection))
    }

    /// The same, with the names of that state that are known already.
    pub(crate) fn read_named<T>(&self, work: impl FnOnce(&Connection, &mut Names) -> Result<T>) -> Result<T> {
        match &self.place {
            Place::Memory => {
                let Writer { connection, state } = &mut *self.lock_writer();
                work(self.writer(connection)?, &mut state.names)
            }
            Place::File(path) => {
                let mut reader = match lock(&self.readers).pop() {
                    Some(reader) => reader,
                    None => Reader::new(open_reader(path)?),
                };
                let result = reader.read(work);
                let mut idle = lock(&self.readers);
                if idle.len() < IDLE_READERS_MAX {
                    idle.push(reader);
                }
                result
            }
        }
    }

    /// A number that changes when another connection, of this process or another, has committed.
    pub(crate) fn data_version(connection: &Connection) -> Result<i64> {
        Ok(connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
    }

    /// A connection of the caller's own that only reads, for a database in a file.
    pub(crate) fn reader(&self) -> Result<Option<Connection>> {
        match &self.place {
            Place::Memory => Ok(None),
            Place::File(path) => open_reader(path).map(Some),
        }
    }

    /// Moves the WAL into the database if it has grown, without making anybody wait.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        let Place::File(path) = &self.place else { return Ok(()) };
        if wal_length(path) > WAL_BYTES_MIN {
            let mut checkpointer = lock(&self.checkpointer);
            let connection = match &mut *checkpointer {
                Some(connection) => connection,
                empty => empty.insert(open_connection(path, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_CACHE_KIB)?),
            };
            // The file keeps its length when the WAL begins anew.
            if unmoved_frames(connection)? <= WAL_FRAMES_MAX {
                return Ok(());
            }
            let move_frames = || connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            // Nearly all of it is moved while others write. The WAL begins anew only once nothing is left in it, so the
            // rest is moved while no writer of this process adds to it; otherwise it grows for as long as one writes.
            move_frames()?;
            let _no_writer = self.lock_writer();
            move_frames()?;
        }
        Ok(())
    }

    /// Writes the file anew, so that nothing of what was deleted is left in it or in the WAL.
    #[cfg(feature = "sync")]
    pub(crate) fn scrub(&self) -> Result<()> {
        let mut writer = self.lock_writer();
        let connection = self.writer(&mut writer.connection)?;
        connection.execute_batch("VACUUM")?;
        Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// Copies the database into a new file, as one state, while others go on writing.
    pub(crate) fn backup(&self, to: &Path) -> Result<()> {
        if to.exists() {
            return Err(Error::invalid("the file of the backup exists already"));
        }
        let partial = with_suffix(to, ".partial");
        let target = partial.to_str().ok_or_else(|| Error::invalid("the path of the backup is not a text"))?;
        let copied = self.read_outside_transaction(|connection| {
            connection.execute("VACUUM INTO ?1", [target])?;
            Ok(())
        });
        let named = copied.and_then(|()| {
            std::fs::File::open(&partial)?.sync_all()?;
            Ok(std::fs::rename(&partial, to)?)
        });
        if named.is_err() {
            let _ = std::fs::remove_file(&partial);
        }
        named
    }

    /// Whether a path is that of the database, of what SQLite keeps beside it, or of the device's key.
    pub(crate) fn owns(&self, path: &Path) -> bool {
        let real = |path: &Path| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let named = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
            path.canonicalize().ok().or_else(named)
        };
        let own = |own: &Path| ["", "-wal", "-shm", ".key"].map(|suffix| real(&with_suffix(own, suffix)));
        real(path).is_some_and(|path| self.path().is_some_and(|database| own(database).contains(&Some(path))))
    }

    fn read_outside_transaction<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        match &self.place {
            Place::Memory => work(self.writer(&mut self.lock_writer().connection)?),
            // A reader may write nothing at all, and so no copy either.
            Place::File(path) => work(&open_connection(path, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_CACHE_KIB)?),
        }
    }

    /// The writer's connection, opened when it is first needed.
    fn writer<'c>(&self, connection: &'c mut Option<Connection>) -> Result<&'c Connection> {
        match (connection, &self.place) {
            (Some(connection), _) => Ok(connection),
            (empty, Place::File(path)) => {
                let opened = open_connection(path, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITER_CACHE_KIB)?;
                limit(&opened, self.bytes_max)?;
                Ok(empty.insert(opened))
            }
            (None, Place::Memory) => Err(Error::internal("a database in memory has lost its connection")),
        }
    }

    /// A panic inside a transaction has rolled it back, so the connection is as good as new.
    fn lock_writer(&self) -> MutexGuard<'_, Writer> {
        lock(&self.writer)
    }
}

impl Write<'_> {
    /// Makes the database's own dictionary, once there are records enough to make it from.
    pub(crate) fn train_if_due(&mut self) -> Result<()> {
        self.state.codec.train_if_due(&self.tx, self.next_seq)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(
    connection: &Connection,
    state: &mut WriterState,
    work: impl FnOnce(&mut Write<'_>) -> Result<T>,
) -> Result<T> {
    let tx = Transaction::to_write(connection)?;
    let data_version = Store::data_version(&tx)?;
    if data_version != std::mem::replace(&mut state.data_version, data_version) {
        state.memberships = Memberships::default();
        state.names = Names::default();
        state.latest = Latest::default();
    }
    let next_seq = match state.latest.next_seq {
        Some(next_seq) => next_seq,
        None => records::next_seq(&tx)?,
    };
    let rollups = Rollups::default();
    let (fresh, read) = (HashMap::new(), HashMap::new());
    let mut write = Write { tx, next_seq, fresh, read, is_indexed: false, sums_at_once: false, state, rollups };
    write.train_if_due()?;
    log::index_commits(&mut write, UNINDEXED_COMMITS_MAX)?;
    let value = work(&mut write)?;
    if write.next_seq - next_seq > UNINDEXED_COMMITS_MAX {
        log::index_commits(&mut write, UNINDEXED_COMMITS_MAX)?;
    }
    write.flush_rollups()?;
    write.state.latest.next_seq = Some(write.next_seq);
    write.tx.commit()?;
    Ok(value)
}

impl Reader {
    fn new(connection: Connection) -> Self {
        Self { connection, names: Names::default(), data_version: 0 }
    }

    fn read<T>(&mut self, work: impl FnOnce(&Connection, &mut Names) -> Result<T>) -> Result<T> {
        let tx = Transaction::to_read(&self.connection)?;
        let data_version = Store::data_version(&tx)?;
        if data_version != std::mem::replace(&mut self.data_version, data_version) {
            self.names = Names::default();
        }
        let value = work(&tx, &mut self.names)?;
        tx.commit()?;
        Ok(value)
    }
}

/// A database that is there and needs nothing is opened once, to be read. Another one was found at a step of the schema.
enum Opened {
    ToRead(Connection),
    ToWrite(Connection, usize),
}

fn open_file(path: &Path) -> Result<Opened> {
    match path.as_os_str().as_encoded_bytes() {
        // SQLite's names for a database that is gone when it is closed.
        b"" => return Err(Error::invalid("the path of the database is empty")),
        b":memory:" => {
            return Err(Error::invalid("the path of the database is no file; one in memory is opened as such"));
        }
        bytes if bytes.contains(&0) => return Err(Error::invalid("the path of the database has a zero byte")),
        _ if path.is_dir() => return Err(Error::invalid("the path of the database is a folder")),
        _ => {}
    }
    if path.exists() {
        let looking = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_CACHE_KIB)?;
        // What is in the WAL of a file that is then refused stays there.
        looking.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        if migration::check(&looking)? {
            looking.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
            looking.pragma_update(None, "query_only", true)?;
            return Ok(Opened::ToRead(looking));
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = open_connection(path, flags, WRITER_CACHE_KIB)?;
    let found = migration::migrate(&mut connection)?;
    Ok(Opened::ToWrite(connection, found))
}

fn open_reader(path: &Path) -> Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn open_connection(path: &Path, flags: OpenFlags, cache_kib: i64) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    prepare_to_write(&connection, cache_kib)?;
    Ok(connection)
}

/// A connection that sets nothing in the file.
fn open(path: &Path, flags: OpenFlags, cache_kib: i64) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    prepare(&connection, cache_kib)?;
    Ok(connection)
}

fn prepare(connection: &Connection, cache_kib: i64) -> Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Without it, SQLite prepares a statement again whenever a value is bound that might decide for a partial index.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

fn prepare_to_write(connection: &Connection, cache_kib: i64) -> Result<()> {
    prepare(connection, cache_kib)?;
    begin_wal(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_spill", -UNWRITTEN_KIB_MAX)?;
    connection.pragma_update(None, "secure_delete", true)?;
    Ok(())
}

/// Has the file written by way of a WAL. Connections that begin this at once in a new file would wait for each other for
/// ever, so SQLite refuses all but one without waiting; the others find it done when they ask again.
fn begin_wal(connection: &Connection) -> Result<()> {
    for _ in 0..WAL_ATTEMPTS_MAX {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => std::thread::sleep(WAL_PAUSE),
            done => return Ok(done?),
        }
    }
    Ok(connection.pragma_update(None, "journal_mode", "WAL")?)
}

fn limit(connection: &Connection, bytes_max: Option<u64>) -> Result<()> {
    if let Some(bytes_max) = bytes_max {
        let page_size: u64 = connection.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0))?.unsigned_abs();
        let pages = i64::try_from(bytes_max / page_size.max(1)).unwrap_or(i64::MAX).max(1);
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    Ok(())
}

/// Moves a damaged database and its WAL out of the way. Nothing is deleted.
fn set_aside(path: &Path, now_ms: i64) -> Result<PathBuf> {
    let aside = with_suffix(path, &format!(".corrupt-{now_ms}"));
    if aside.exists() {
        return Err(Error::new(ErrorKind::Corrupt, "the database file is damaged, and could not be set aside"));
    }
    for suffix in ["-wal", "-shm"] {
        let beside = with_suffix(path, suffix);
        if beside.exists() {
            std::fs::rename(beside, with_suffix(&aside, suffix))?;
        }
    }
    std::fs::rename(path, &aside)?;
    Ok(aside)
}

fn wal_length(path: &Path) -> u64 {
    std::fs::metadata(with_suffix(path, "-wal")).map_or(0, |metadata| metadata.len())
}

/// The frames of the WAL that are not in the database yet.
fn unmoved_frames(connection: &Connection) -> Result<u64> {
    let held_and_moved = |row: &Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    let (held, moved) = connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], held_and_moved)?;
    Ok(held.saturating_sub(moved).unsigned_abs())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    /// Writes sixteen frames at least for each of these numbers.
    fn grow(store: &Store, numbers: Range<u64>) {
        for number in numbers {
            let row = (format!("filled {number}"), vec![7_u8; 65_536]);
            let insert =
                |write: &mut Write<'_>| Ok(write.tx.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", row)?);
            store.write(insert).unwrap();
        }
    }

    fn unmoved(store: &Store) -> u64 {
        unmoved_frames(store.lock_writer().connection.as_ref().unwrap()).unwrap()
    }

    #[test]
    fn the_wal_is_moved_again_only_when_so_many_frames_came_since() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outlay.db");
        let store = Store::open(&path, None, 0).unwrap();
        grow(&store, 0..WAL_FRAMES_MAX / 16);
        store.checkpoint().unwrap();
        assert_eq!(unmoved(&store), 0);
        assert!(wal_length(&path) > WAL_BYTES_MIN, "the file keeps its length");
        grow(&store, 500..501);
        let before = unmoved(&store);
        assert!(before >= 16);
        store.checkpoint().unwrap();
        assert_eq!(unmoved(&store), before, "few frames are left where they are");
    }
}

//! Opening the database: one ritual for the writer, the readers and the commands.

use std::path::Path;
use std::time::Duration;

use outlay_ledger::signature::DeviceSecret;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{Keys, Memory, Random, Result, Store, StoreError, system_random};

/// Where the epoch of the logs is kept.
pub const META_EPOCH: &str = "epoch";
/// Where a secret is kept that the database has of its own.
const META_SECRET: &str = "keys";
/// Where the mark of a secret is kept that is given at each start.
const META_MARK: &str = "secret_mark";

const ANOTHER_SECRET: &str =
    "the server was made with another secret than this one; start it with that (--secret-file)";
const OWN_SECRET: &str = "the server was made without a secret and keeps its own; start it without --secret";
const NO_SECRET: &str = "the server was made with a secret of yours; start it with that (--secret-file)";

/// The schema, one migration after the other; `user_version` says how many were applied.
const MIGRATIONS: [&str; 2] = [include_str!("schema.sql"), include_str!("insights.sql")];

/// The first version of SQLite without the WAL-reset corruption.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// How long a connection waits for another one.
pub(super) const BUSY_WAIT: Duration = Duration::from_secs(5);

/// How a store is opened.
pub struct StoreOptions {
    /// Pages held in memory by the writer, in KiB.
    pub cache_kib: u32,
    /// Bytes of the file. A file that is larger stays, and does not grow.
    pub bytes_max: u64,
    /// A VFS by name, for tests with a faulty disk.
    pub vfs: Option<String>,
    /// Random bytes for ids, keys and nonces.
    pub random: Random,
    /// What the server's keys come from.
    pub secret: Secret,
}

/// What the keys of a server come from. A database stays with what it was made with: other keys are another server.
pub enum Secret {
    /// A random one, kept in the database.
    Kept,
    /// One that is given at each start, and not kept.
    Given([u8; 32]),
    /// Whichever it is. Keys may then be of nobody: for a command beside the server, which makes nothing that is known by them.
    Any,
}

impl StoreOptions {
    /// For a command beside the server.
    pub fn beside() -> Self {
        Self { secret: Secret::Any, ..Self::default() }
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { cache_kib: 4 * 1024, bytes_max: u64::MAX, vfs: None, random: system_random(), secret: Secret::Kept }
    }
}

impl Store {
    /// Opens the database at a path, makes it if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// * [`StoreError::Newer`] for a file of a newer server, which stays untouched.
    /// * [`StoreError::OtherSecret`] for one whose keys come from another secret.
    /// * [`StoreError::Corrupt`] for a file that is no database.
    pub fn open(path: &Path, mut options: StoreOptions) -> Result<Self> {
        if rusqlite::version_number() < SQLITE_VERSION_MIN {
            return Err(StoreError::Failed("the SQLite in this program is too old".into()));
        }
        make_private(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(path, flags, options.vfs.as_deref(), options.cache_kib)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        bound(&connection, options.bytes_max)?;
        migrate(&connection)?;
        let keys = keys(&connection, &options.secret, &mut options.random)?;
        begin_epoch_if_none(&connection, &mut options.random)?;
        Ok(Self {
            connection,
            memory: Memory::default(),
            random: options.random,
            keys,
            effects: Vec::new(),
            is_forgetting: false,
        })
    }
}

pub(super) fn connect(path: &Path, flags: OpenFlags, vfs: Option<&str>, cache_kib: u32) -> Result<Connection> {
    let connection = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
        None => Connection::open_with_flags(path, flags)?,
    };
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // What is deleted is overwritten: people may have asked for it.
    connection.pragma_update(None, "secure_delete", true)?;
    Ok(connection)
}

/// Whether no other process has a database open: only then its file can be had for oneself.
///
/// # Errors
///
/// When the database does not open for another reason.
pub fn is_alone(path: &Path) -> Result<bool> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let read = connection.query_row("SELECT count(*) FROM meta", [], |row| row.get::<_, i64>(0));
    match read.map_err(StoreError::from) {
        Ok(_) => Ok(true),
        Err(StoreError::Busy) => Ok(false),
        Err(error) => Err(error),
    }
}

/// SQLite counts in pages, and to fewer than 2³².
fn bound(connection: &Connection, bytes_max: u64) -> Result<()> {
    let page_bytes: u64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let pages_max = (bytes_max / page_bytes.max(1)).clamp(1, u64::from(u32::MAX - 1));
    connection.query_row(&format!("PRAGMA max_page_count = {pages_max}"), [], |_| Ok(()))?;
    Ok(())
}

/// What is in the file is for nobody else: it begins readable by its owner only.
#[cfg(unix)]
fn make_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |error: std::io::Error| StoreError::Failed(error.to_string());
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(failed(error)),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn make_private(_: &Path) -> Result<()> {
    Ok(())
}

fn migrate(connection: &Connection) -> Result<()> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let applied = usize::try_from(version).map_err(|_| StoreError::Corrupt("negative schema version".into()))?;
    if applied > MIGRATIONS.len() {
        return Err(StoreError::Newer(version));
    }
    for (number, migration) in (1_i64..).zip(MIGRATIONS).skip(applied) {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let done = connection.execute_batch(migration);
        let done = done.and_then(|()| connection.pragma_update(None, "user_version", number));
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        connection.execute_batch(end)?;
        done?;
    }
    Ok(())
}

/// The keys of a secret. The first start decides which one it is: one that is kept in the database, or one that is given and
/// of which only a mark is kept.
fn keys(connection: &Connection, secret: &Secret, random: &mut Random) -> Result<Keys> {
    let (kept, marked) = (meta(connection, META_SECRET)?, meta(connection, META_MARK)?);
    let secret = match (secret, kept, marked) {
        (Secret::Given(secret), None, None) => {
            put_meta(connection, META_MARK, &mark(secret))?;
            *secret
        }
        (Secret::Given(secret), None, Some(marked)) if marked == mark(secret) => *secret,
        (Secret::Given(_), None, Some(_)) => return Err(StoreError::OtherSecret(ANOTHER_SECRET)),
        (Secret::Given(_), Some(_), _) => return Err(StoreError::OtherSecret(OWN_SECRET)),
        (Secret::Kept | Secret::Any, Some(kept), _) => kept,
        (Secret::Kept, None, Some(_)) => return Err(StoreError::OtherSecret(NO_SECRET)),
        (Secret::Kept, None, None) => {
            let secret = drawn(random);
            put_meta(connection, META_SECRET, &secret)?;
            secret
        }
        (Secret::Any, None, _) => drawn(random),
    };
    Ok(keys_of(&secret))
}

/// What a secret is known again by, which says nothing of it.
fn mark(secret: &[u8; 32]) -> [u8; 32] {
    blake3::derive_key("outlay server secret mark 1", secret)
}

fn drawn(random: &mut Random) -> [u8; 32] {
    let mut secret = [0; 32];
    random(&mut secret);
    secret
}

fn meta(connection: &Connection, key: &str) -> Result<Option<[u8; 32]>> {
    let select = "SELECT value FROM meta WHERE key = ?1";
    let value: Option<Vec<u8>> = connection.query_row(select, [key], |row| row.get(0)).optional()?;
    let value = value.map(<[u8; 32]>::try_from).transpose();
    value.map_err(|_| StoreError::Corrupt("a secret of another length".into()))
}

fn put_meta(connection: &Connection, key: &str, value: &[u8; 32]) -> Result<()> {
    connection.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", (key, value))?;
    Ok(())
}

fn keys_of(secret: &[u8; 32]) -> Keys {
    Keys {
        identity: DeviceSecret::from_bytes(blake3::derive_key("outlay server identity 1", secret)),
        token: blake3::derive_key("outlay server access tokens 1", secret),
        refresh: blake3::derive_key("outlay server refresh tokens 1", secret),
        totp: blake3::derive_key("outlay server authenticator apps 1", secret),
        webhook: blake3::derive_key("outlay server webhooks 1", secret),
        event: blake3::derive_key("outlay server account events 1", secret),
    }
}

fn begin_epoch_if_none(connection: &Connection, random: &mut Random) -> Result<()> {
    let mut epoch = [0; 16];
    random(&mut epoch);
    connection.execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)", (META_EPOCH, epoch))?;
    Ok(())
}

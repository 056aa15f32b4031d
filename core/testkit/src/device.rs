//! A device: a production engine on a file, the account it is signed in to, and its connection.
//!
//! What is here of the world around an engine is what a syncer does: connect, wait longer after each failure, renew a token,
//! give up a connection on which nothing comes.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlay_core::sync::{MemoryTokenStore, SyncOptions, SyncSession};
use outlay_core::{CommitId, DeviceKey, Engine, KeyStore, LedgerId, Options};
use outlay_ledger::signature::DeviceSecret;
use outlay_protocol::Mark;

use crate::clock::{Clock, DeviceEnvironment};
use crate::fault::{Armed, Fault, Struck};
use crate::oracle::files::{DeviceFile, Held, Noted};
use crate::random::Random;
use crate::server::Login;
use crate::shelf::Shelf;
use crate::wire::LinkId;
use crate::{Violation, disk};

/// The first wait after a connection failed; each next one is twice as long, up to the greatest. As the syncer's.
const BACKOFF_MS_MIN: i64 = 250;
const BACKOFF_MS_MAX: i64 = 60_000;

/// A connection as the device has it.
pub struct Line<'a> {
    /// Which.
    pub link: LinkId,
    /// The conversation.
    pub session: SyncSession<'a>,
    /// When something came last.
    pub heard_ms: i64,
    /// When what was refused was last offered again.
    pub retried_ms: i64,
    /// Until when something waits to be tried again.
    pub waits_ms: i64,
}

/// A device, through all its lives.
pub struct Device<'a> {
    /// Its place among the devices.
    pub number: usize,
    /// Whose it is: the place among the people.
    pub person: usize,
    /// Its secret.
    pub secret: [u8; 32],
    /// Its key.
    pub key: DeviceKey,
    /// The engine.
    pub engine: &'a Engine,
    /// What the engine sees of the world.
    pub environment: Arc<DeviceEnvironment>,
    /// The database.
    pub path: PathBuf,
    /// The tokens; none before it signs in, and after it was signed out.
    pub login: Option<Login>,
    /// The account that it was signed in to last; empty before.
    pub account: String,
    /// Whether it was signed out by the server and waits for its user.
    pub is_signed_out: bool,
    /// The connection.
    pub line: Option<Line<'a>>,
    /// The connection that is being made.
    pub connecting: Option<LinkId>,
    /// Whether the server no longer takes the access token, whatever the clock says.
    pub is_token_refused: bool,
    /// Whether there is a network.
    pub is_online: bool,
    /// Connections that failed in a row.
    pub failures: u32,
    /// When it tried to connect, since this was last emptied.
    pub dials: Vec<i64>,
    /// What it holds, as its file says.
    pub held: HashMap<LedgerId, HashSet<CommitId>>,
    /// The ledgers of which it holds other commits since this was last emptied.
    pub changed: BTreeSet<LedgerId>,
    /// What it has noted of the server's logs, as its file says.
    pub noted: Vec<Noted>,
    /// Places of logs up to which everything was found to be held.
    pub passed: HashSet<(LedgerId, u64, Mark)>,
    file: DeviceFile,
    folder: PathBuf,
    clock: Arc<Clock>,
    seed: u64,
    life: u32,
}

/// What a device is made from.
pub struct Making<'a> {
    /// Its place among the devices.
    pub number: usize,
    /// Whose it is.
    pub person: usize,
    /// Its secret.
    pub secret: [u8; 32],
    /// Where its databases are.
    pub folder: &'a Path,
    /// The time.
    pub clock: &'a Arc<Clock>,
    /// The seed of its randomness.
    pub seed: u64,
}

impl<'a> Device<'a> {
    /// A device; with a database that is there already, or a new one.
    ///
    /// # Errors
    ///
    /// If the database cannot be opened, or the shelf is full.
    pub fn new(making: &Making<'_>, database: Option<&Path>, shelf: &'a Shelf) -> Result<Self, Violation> {
        let folder = making.folder.join(format!("device-{}", making.number));
        let path = folder.join("life-0").join("expenses.outlay");
        std::fs::create_dir_all(folder.join("life-0"))?;
        if let Some(database) = database {
            disk::copy_database(database, &path)?;
        }
        let environment = environment(making.clock, making.seed, making.number, 0);
        let engine = open(&path, making.secret, &environment, shelf)?;
        let key = DeviceSecret::from_bytes(making.secret).public();
        let file = DeviceFile::open(&path)?;
        let mut device = Self {
            number: making.number,
            person: making.person,
            secret: making.secret,
            key,
            engine,
            environment,
            path,
            login: None,
            account: String::new(),
            is_signed_out: false,
            line: None,
            connecting: None,
            is_token_refused: false,
            is_online: true,
            failures: 0,
            dials: Vec::new(),
            held: HashMap::new(),
            changed: BTreeSet::new(),
            noted: Vec::new(),
            passed: HashSet::new(),
            file,
            folder,
            clock: Arc::clone(making.clock),
            seed: making.seed,
            life: 0,
        };
        device.look()?;
        Ok(device)
    }

    /// Begins a new process on a database, which is copied: the one that was there is no longer used.
    ///
    /// # Errors
    ///
    /// If the database cannot be opened, or the shelf is full.
    pub fn restart_on(&mut self, database: &Path, shelf: &'a Shelf) -> Result<(), Violation> {
        let path = self.next_path();
        disk::copy_database(database, &path)?;
        self.life += 1;
        (self.line, self.connecting) = (None, None);
        let skew_ms = self.environment.skew_ms();
        self.environment = environment(&self.clock, self.seed, self.number, self.life);
        self.environment.set_skew_ms(skew_ms);
        self.engine = open(&path, self.secret, &self.environment, shelf)?;
        self.file = DeviceFile::open(&path)?;
        self.path = path;
        self.changed.extend(self.held.drain().map(|(ledger, _)| ledger));
        self.noted.clear();
        self.passed.clear();
        self.look()?;
        Ok(())
    }

    /// Where the next process has its database.
    pub fn next_path(&self) -> PathBuf {
        self.folder.join(format!("life-{}", self.life + 1)).join("expenses.outlay")
    }

    /// Has one of the next writes fail, or the process die at it.
    pub fn arm(&self, fault: Fault, calls: usize) {
        let remains = self.folder.join(format!("remains-{}", self.life)).join("expenses.outlay");
        self.environment.arm(Some(Armed { fault, calls, database: self.path.clone(), remains }));
    }

    /// The fault that has struck since this was last asked.
    pub fn take_struck(&self) -> Option<Struck> {
        self.environment.take_struck()
    }

    /// Looks into the file for what was stored, and says what is new.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn look(&mut self) -> Result<Vec<Held>, Violation> {
        let new = self.file.new_commits()?;
        for held in &new {
            self.held.entry(held.ledger).or_default().insert(held.id);
            self.changed.insert(held.ledger);
        }
        Ok(new)
    }

    /// Looks into the file for what is noted of the server. Says which ledgers' notes are new.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn look_at_notes(&mut self, server: &[u8; 32]) -> Result<Vec<Noted>, Violation> {
        let noted = self.file.noted(server, &self.account)?;
        let new = noted.iter().filter(|noted| !self.noted.contains(noted)).copied().collect();
        self.noted = noted;
        Ok(new)
    }

    /// What is noted of a ledger.
    pub fn note_of(&self, ledger: LedgerId) -> Option<&Noted> {
        self.noted.iter().find(|noted| noted.ledger == ledger)
    }

    /// The commits that the server refused.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn refused(&self, server: &[u8; 32]) -> Result<HashMap<CommitId, u16>, Violation> {
        self.file.refused(server, &self.account)
    }

    /// Its database, seen from outside.
    pub fn file(&self) -> &DeviceFile {
        &self.file
    }

    /// Whether it holds a commit.
    pub fn holds(&self, ledger: LedgerId, id: &CommitId) -> bool {
        self.held.get(&ledger).is_some_and(|held| held.contains(id))
    }

    /// The wait before the next attempt to connect: by chance up to twice that of the time before.
    pub fn backoff_ms(&mut self, random: &mut Random) -> i64 {
        self.failures += 1;
        let longest = BACKOFF_MS_MIN.saturating_mul(1 << self.failures.min(16)).min(BACKOFF_MS_MAX);
        random.between(0, longest - 1)
    }
}

impl fmt::Display for Device<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d{}", self.number)
    }
}

fn environment(clock: &Arc<Clock>, seed: u64, number: usize, life: u32) -> Arc<DeviceEnvironment> {
    let random = Random::of(seed, &format!("device {number}, life {life}"));
    Arc::new(DeviceEnvironment::new(Arc::clone(clock), random))
}

fn open<'a>(
    path: &Path,
    secret: [u8; 32],
    environment: &Arc<DeviceEnvironment>,
    shelf: &'a Shelf,
) -> Result<&'a Engine, Violation> {
    let options = Options {
        environment: Arc::<DeviceEnvironment>::clone(environment),
        key_store: Some(Arc::new(Keychain(secret))),
        sync: SyncOptions { token_store: Some(Arc::new(MemoryTokenStore::default())), ..SyncOptions::default() },
        ..Options::default()
    };
    let engine = Engine::open(path, options)?;
    shelf.put(engine).map_err(|_| Violation::new("the simulator can go on", "there is no room for another engine"))
}

/// The platform's keystore: what is in it outlives every database.
struct Keychain([u8; 32]);

impl KeyStore for Keychain {
    fn load(&self) -> std::io::Result<Option<[u8; 32]>> {
        Ok(Some(self.0))
    }

    fn save(&self, _: &[u8; 32]) -> std::io::Result<()> {
        Err(std::io::Error::other("there is a key already"))
    }

    fn replace(&self, _: &[u8; 32]) -> std::io::Result<()> {
        Err(std::io::Error::other("this key is for good"))
    }
}

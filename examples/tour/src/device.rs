//! A device: an engine on a file of its own, with an account or without.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use outlay_core::sync::{Connection, Credentials, ServerAddress, SignInOptions, SyncReport};
use outlay_core::{DeviceKey, Engine, ErrorKind, Filter, LedgerId, Options, Sort};

/// Entries read at once when they are counted.
const PAGE: usize = 1_000;
/// How long one sync may take: a hundred times what it takes.
const SYNC_MAX: Duration = Duration::from_secs(30);
/// How long something may take to arrive that takes milliseconds.
const ARRIVAL_MAX: Duration = Duration::from_secs(10);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(1);

/// Whatever went wrong on the tour.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A device of the person.
pub(crate) struct Device {
    pub(crate) name: &'static str,
    pub(crate) engine: Arc<Engine>,
    path: PathBuf,
}

/// What a device holds of one ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) ledger: LedgerId,
    pub(crate) name: String,
    pub(crate) entries: u64,
    /// A number that two devices share if their exports are equal byte for byte: things, authors, history, signatures.
    pub(crate) digest: String,
    pub(crate) export_bytes: u64,
}

impl Device {
    pub(crate) fn open(folder: &Path, name: &'static str) -> Outcome<Self> {
        let path = folder.join(name).with_extension("outlay");
        Ok(Self { name, engine: Arc::new(Engine::open(&path, Options::default())?), path })
    }

    pub(crate) fn key(&self) -> DeviceKey {
        self.engine.device_key()
    }

    /// Signs the device in; with an account that is made by this or one that there is.
    pub(crate) fn enter(&self, server: &str, by: &Credentials, is_new: bool) -> Outcome<Duration> {
        let begun = Instant::now();
        let server = ServerAddress::parse(server)?;
        let options = SignInOptions { device_name: self.name.to_owned(), ..SignInOptions::default() };
        if is_new {
            self.engine.sign_up(&server, by, &options)?;
        } else {
            self.engine.sign_in(&server, by, &options)?;
        }
        Ok(begun.elapsed())
    }

    /// Syncs once.
    pub(crate) fn sync(&self) -> Outcome<(SyncReport, Duration)> {
        let begun = Instant::now();
        let report = self.engine.sync_once(SYNC_MAX)?;
        if !report.is_complete || report.refused > 0 || report.damaged > 0 {
            return Err(format!("the {} did not sync all: {report:?}", self.name).into());
        }
        Ok((report, begun.elapsed()))
    }

    /// Syncs where it must fail, and says why it did.
    pub(crate) fn sync_in_vain(&self) -> Outcome<String> {
        match self.engine.sync_once(SYNC_MAX) {
            Err(error) if error.kind() == ErrorKind::Offline => Ok(error.to_string()),
            Err(error) => Err(error.into()),
            Ok(_) => Err(format!("the {} synced with a server that is not running", self.name).into()),
        }
    }

    /// How many commits of a ledger the server has, and how many only this device has.
    pub(crate) fn standing(&self, ledger: LedgerId) -> Outcome<(u64, u64)> {
        let ledgers = self.engine.sync_status()?.ledgers;
        let standing = ledgers.iter().find(|standing| standing.ledger == ledger).ok_or("the ledger is gone")?;
        Ok((standing.stored, standing.local + standing.refused))
    }

    /// Waits until the device is connected, and says how long that took.
    pub(crate) fn until_live(&self) -> Outcome<Duration> {
        let is_live = || {
            let status = self.engine.sync_status()?;
            Ok(status.connection == Connection::Live && status.ledgers.iter().all(|ledger| ledger.local == 0))
        };
        until(&format!("the {} does not get a connection", self.name), is_live)
    }

    /// Waits until the device shows so many entries of a ledger.
    pub(crate) fn until_count(&self, ledger: LedgerId, count: u64) -> Outcome<Duration> {
        until(&format!("the {} does not show {count} entries", self.name), || Ok(self.count(ledger)? == count))
    }

    /// All that it holds, in the order of the ledgers' ids.
    pub(crate) fn holdings(&self) -> Outcome<Vec<Holding>> {
        let mut ledgers = self.engine.ledgers()?;
        ledgers.sort_by_key(|ledger| ledger.id);
        ledgers.into_iter().map(|ledger| self.holding(ledger.id, ledger.name)).collect()
    }

    fn holding(&self, ledger: LedgerId, name: String) -> Outcome<Holding> {
        let mut export = Vec::new();
        self.engine.export_jsonl(ledger, &mut export)?;
        let digest = blake3::hash(&export).to_hex().as_str().chars().take(16).collect();
        Ok(Holding { ledger, name, entries: self.count(ledger)?, digest, export_bytes: export.len() as u64 })
    }

    /// How many entries a ledger shows.
    pub(crate) fn count(&self, ledger: LedgerId) -> Outcome<u64> {
        let (mut count, mut after) = (0, None);
        loop {
            let page = self.engine.query(ledger, &Filter::default(), Sort::Newest, after, PAGE)?;
            count += page.expenses.len() as u64;
            after = page.next;
            if after.is_none() {
                return Ok(count);
            }
        }
    }

    /// Closes the database and says how many bytes it has. What was written last is in the file itself only then.
    pub(crate) fn close(self) -> Outcome<u64> {
        drop(self.engine);
        Ok(std::fs::metadata(self.path)?.len())
    }
}

/// Looks again and again until something is so, and says how long that took.
pub(crate) fn until(why_not: &str, mut is_so: impl FnMut() -> Outcome<bool>) -> Outcome<Duration> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > ARRIVAL_MAX {
            return Err(why_not.into());
        }
        std::thread::sleep(LOOK);
    }
    Ok(begun.elapsed())
}

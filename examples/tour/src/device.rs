//! A device: an engine on a file of its own, and what it gives to another.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use outlay_core::{DeviceKey, Engine, ErrorKind, Filter, LedgerId, Options, Sort};

/// Entries read at once when they are counted.
const PAGE: usize = 1_000;

/// Whatever went wrong on the tour.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A device of the person.
pub(crate) struct Device {
    pub(crate) name: &'static str,
    pub(crate) engine: Engine,
    path: PathBuf,
}

/// What went from one device to another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Parcel {
    pub(crate) commits: u64,
    pub(crate) bytes: u64,
    pub(crate) spent: Duration,
}

impl Device {
    pub(crate) fn open(folder: &Path, name: &'static str) -> Outcome<Self> {
        let path = folder.join(name).with_extension("outlay");
        Ok(Self { name, engine: Engine::open(&path, Options::default())?, path })
    }

    pub(crate) fn key(&self) -> DeviceKey {
        self.engine.device_key()
    }

    /// Gives another device what it lacks of a ledger, as the bytes that would travel.
    pub(crate) fn give(&self, other: &Self, ledger: LedgerId) -> Outcome<Parcel> {
        let begun = Instant::now();
        let known = match other.engine.heads(ledger) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            heads => heads?,
        };
        let mut parcel = Parcel::default();
        for bytes in self.engine.batches(ledger, &known)? {
            let taken = other.engine.take_in_batch(&bytes)?;
            if !taken.refused.is_empty() {
                return Err(format!("the {} refused commits of the {}", other.name, self.name).into());
            }
            parcel.commits += taken.stored;
            parcel.bytes += bytes.len() as u64;
        }
        Ok(Parcel { spent: begun.elapsed(), ..parcel })
    }

    /// A number that two devices share if their exports are equal byte for byte, and the bytes of the export.
    pub(crate) fn digest(&self, ledger: LedgerId) -> Outcome<(String, u64)> {
        let mut export = Vec::new();
        self.engine.export_jsonl(ledger, &mut export)?;
        let digest = blake3::hash(&export).to_hex();
        Ok((digest.as_str().chars().take(16).collect(), export.len() as u64))
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

    /// Closes the database and says how many bytes it has.
    pub(crate) fn close(self) -> Outcome<u64> {
        drop(self.engine);
        Ok(std::fs::metadata(self.path)?.len())
    }
}

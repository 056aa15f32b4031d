//! Files taken in: CSV and JSON Lines, told apart by their content.
//!
//! An import is one action in one transaction: it is there as a whole or not at all, and undone as a whole. Each row is a
//! record of an outside fact, so the same file adds nothing twice, on no device of the ledger. How rows become entries is
//! in [`crate::import`]; how those are compared with what is held, in `taking`; how commits are taken in, in `commits`.
//!
//! Names of accounts and categories are resolved by what is held: where one device has an account of that name that is
//! not made of its name, and another has not, the two make different entries of a row, and the conflict is shown.
//!
//! # Memory
//!
//! Beside the file itself, which the caller holds: some 50 bytes for each distinct row and 40 for each new entry, so that
//! it is known again, and 60 MB for the page cache and the records that are not stored yet. A million rows of 55 MB were
//! imported in 277 MB, the file included.

mod commits;
mod names;
mod taking;

use std::collections::HashSet;
use std::ops::ControlFlow;

use outlay_ledger::limits::NAME_BYTES_MAX;
use outlay_ledger::text::normalize;
use outlay_ledger::{Currency, LedgerId};

use super::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::import::bank::{Accounts, BankRows};
use crate::import::csv::{Interpreter, Profile, Rows};
use crate::import::jsonl::{self, ObjectLines};
use crate::import::sheet::{self, SheetRows};
use crate::import::source::{APP, ENTRY, Incoming, Source};
use crate::import::{ImportOptions, ImportRow, Progress};
use crate::model::{Imported, Rejected};
use crate::store::{Write, keys, profiles};
use taking::Taking;

/// Rows between two looks at whether to go on: a fiftieth of a second.
const ROWS_PER_LOOK: u64 = 512;
/// Rows that may be rejected: a file with more is not what it was taken for, and the list of them would fill memory.
pub(crate) const REJECTED_MAX: usize = 100_000;
/// Profiles that are kept: one for each bank in the world that anybody has.
const PROFILES_MAX: usize = 1_000;

impl Engine {
    /// Imports a file: a CSV of a bank or an app, or JSON Lines. Which of them it is, is decided by its content.
    ///
    /// The rows of a CSV, and the objects of JSON Lines without commits, go into the ledger of the options or else the
    /// default one, which is made if there is none, in the currency that the file mostly uses. Commits go into their own
    /// ledger, and where this device had none that becomes its default. A row that cannot be read is named with its line and
    /// reason, and the rest goes in. A file where nothing is new writes nothing.
    ///
    /// `progress` is called every few hundred rows. When it breaks off, nothing is written.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::InvalidInput`] if the file is no text, no table, has no column for dates or amounts, has more than
    ///   a hundred thousand rows that cannot be read, or names more than ten thousand new accounts and categories.
    /// * [`ErrorKind::Cancelled`] if `progress` broke off.
    /// * [`ErrorKind::Forbidden`] if this device may only read the ledger.
    /// * [`ErrorKind::NotFound`] if the ledger of the options is not on this device.
    /// * [`ErrorKind::TooNew`] if a newer version wrote the file.
    /// * [`ErrorKind::DiskFull`] if there is no room.
    ///
    /// # Example: the same file twice
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use outlay_core::{Engine, ImportOptions};
    /// let engine = Engine::open_in_memory()?;
    /// let file = b"Date,Payee,Amount\n2026-11-02,Corner Caf\xc3\xa9,-3.40\n2026-11-31,Nobody,-1.00\n";
    /// let import = || engine.import(file, &ImportOptions::default(), &mut |_| ControlFlow::Continue(()));
    /// let first = import()?;
    /// assert_eq!((first.added, first.rejected[0].line), (1, 3), "November has thirty days");
    /// let second = import()?;
    /// assert_eq!((second.added, second.duplicates), (0, 1));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn import(
        &self,
        bytes: &[u8],
        options: &ImportOptions,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Imported> {
        let mut meter = Meter { progress, bytes_total: bytes.len() as u64, rows: 0 };
        meter.look(0)?;
        let imported = if !jsonl::is_json_lines(bytes) {
            self.import_csv(bytes, options, &mut meter)
        } else if jsonl::has_commits(bytes) && !options.copy {
            self.import_commits(bytes, options.dry_run, &mut meter)
        } else {
            self.import_entries(options, &|| Ok(ObjectLines::new(bytes)), &mut meter)
        };
        let imported = imported?;
        self.look_after_import(options.dry_run);
        Ok(imported)
    }

    /// Imports entries that an app made itself: of bank messages, say. Each is as a row of a file is.
    ///
    /// The line of a row that is rejected is its place, from 1. A fact that occurs twice counts once.
    ///
    /// # Errors
    ///
    /// As [`Engine::import`].
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Date, Engine, ImportRow, Money, NewExpense};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let rows = || {
    ///     let paid = NewExpense::new(Money::parse("3.40", Currency::EUR)?, "Café");
    ///     let new = NewExpense { date: Some(Date::parse("2026-11-02")?), ..paid };
    ///     Ok::<_, outlay_core::Error>([ImportRow { fact: "message 4711".to_owned(), new }])
    /// };
    /// assert_eq!(engine.import_rows(home, rows()?)?.added, 1);
    /// assert_eq!(engine.import_rows(home, rows()?)?.duplicates, 1);
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn import_rows(&self, ledger: LedgerId, rows: impl IntoIterator<Item = ImportRow>) -> Result<Imported> {
        let mut source = Brought { rows: rows.into_iter(), count: 0 };
        let no_end = &mut |_| ControlFlow::Continue(());
        let mut meter = Meter { progress: no_end, bytes_total: 0, rows: 0 };
        let imported = self.write(|write| {
            let mut rejected = Vec::new();
            let Some(first) = first(&mut source, &mut rejected, &mut meter)? else {
                keys::ledger_here(&write.tx, ledger)?;
                return Ok(Imported { rejected, ledger: Some(ledger), ..Imported::default() });
            };
            let taking = Taking::begin(&self.author, write, ledger, HashSet::new(), rejected)?;
            take_all(taking, first, &mut source, &mut meter)
        })?;
        self.look_after_import(false);
        Ok(imported)
    }

    /// Keeps a profile under a name, in place of one that was kept under it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the name is empty, too long or has control characters, or there are a thousand.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::Engine;
    /// let engine = Engine::open_in_memory()?;
    /// let profile = engine.guess_profile(b"Datum;Betrag;Text\n31.12.2026;-1,50;Kiosk\n")?;
    /// engine.save_profile("My bank", &profile)?;
    /// assert_eq!(engine.profile("My bank")?, Some(profile));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn save_profile(&self, name: &str, profile: &Profile) -> Result<()> {
        let name = normalize(name, NAME_BYTES_MAX)?;
        if name.is_empty() {
            return Err(Error::invalid("a profile has a name"));
        }
        let json = serde_json::to_string(profile)
            .map_err(|error| Error::internal("the profile could not be written").with_source(error))?;
        self.write(|write| {
            let names = profiles::names(&write.tx)?;
            if names.len() >= PROFILES_MAX && !names.contains(&name) {
                return Err(Error::invalid(format!("more than {PROFILES_MAX} profiles are not kept")));
            }
            profiles::save(&write.tx, &name, &json)
        })
    }

    /// The profile kept under a name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooNew`] if a newer version kept it.
    pub fn profile(&self, name: &str) -> Result<Option<Profile>> {
        let Ok(name) = normalize(name, NAME_BYTES_MAX) else { return Ok(None) };
        let Some(json) = self.store.read(|connection| profiles::load(connection, &name))? else { return Ok(None) };
        serde_json::from_str(&json)
            .map(Some)
            .map_err(|error| Error::new(ErrorKind::TooNew, "a newer version kept this profile").with_source(error))
    }

    /// The names of the profiles that are kept, ascending.
    ///
    /// # Errors
    ///
    /// Only those of the database.
    pub fn profiles(&self) -> Result<Vec<String>> {
        self.store.read(profiles::names)
    }

    /// What the columns of a CSV probably mean, to be corrected and kept.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the file is no text, no table, or has no column for dates or amounts.
    pub fn guess_profile(&self, bytes: &[u8]) -> Result<Profile> {
        Ok(Profile::guess(bytes)?)
    }

    fn import_csv(&self, bytes: &[u8], options: &ImportOptions, meter: &mut Meter<'_>) -> Result<Imported> {
        if options.profile.is_none() && sheet::is_own(bytes) {
            return self.import_entries(options, &|| Ok(SheetRows::new(bytes)?), meter);
        }
        let profile = options.profile.clone().unwrap_or_default().complete(bytes)?;
        let open = |accounts, currency| {
            let rows = Rows::new(bytes, &profile)?;
            let interpreter = Interpreter::new(&profile, &rows, currency)?;
            Ok(BankRows::new(rows, interpreter, accounts))
        };
        let no_accounts = Accounts::default();
        let mut accounts = Accounts::default();
        if Accounts::are_wanted(&profile) {
            let mut rows = open(&no_accounts, self.options.default_currency)?;
            each(&mut rows, meter, |incoming| accounts.note(&incoming.new))?;
        }
        self.import_from(options, HashSet::new(), &|currency| open(&accounts, currency), meter)
    }

    /// Imports what was exported here: entries that say their currencies, and refer to each other.
    fn import_entries<S: Source>(
        &self,
        options: &ImportOptions,
        open: &dyn Fn() -> Result<S>,
        meter: &mut Meter<'_>,
    ) -> Result<Imported> {
        let refunded = refunded(open, meter)?;
        self.import_from(options, refunded, &|_| open(), meter)
    }

    /// Imports from a source that is opened with the currency of entries that say none.
    fn import_from<S: Source>(
        &self,
        options: &ImportOptions,
        refunded: HashSet<String>,
        open: &dyn Fn(Currency) -> Result<S>,
        meter: &mut Meter<'_>,
    ) -> Result<Imported> {
        let target = match options.ledger {
            Some(id) => Some(self.ledger(id)?),
            None => self.default_ledger()?,
        };
        let fallback = self.options.default_currency;
        let currency = match &target {
            Some(ledger) => ledger.currency.unwrap_or(fallback),
            None => mostly_used(&mut open(fallback)?, meter)?.unwrap_or(fallback),
        };
        let ledger = target.map(|ledger| ledger.id);
        let work = |write: &mut Write<'_>| {
            let (mut source, mut rejected) = (open(currency)?, Vec::new());
            let Some(first) = first(&mut source, &mut rejected, meter)? else {
                return Ok(Imported { rejected, ledger, ..Imported::default() });
            };
            let ledger = match ledger {
                Some(ledger) => ledger,
                None => self.default_or_new(write, currency)?.id,
            };
            let taking = Taking::begin(&self.author, write, ledger, refunded, rejected)?;
            take_all(taking, first, &mut source, meter)
        };
        if options.dry_run {
            // A ledger made in a rehearsal is gone after it.
            return Ok(Imported { ledger, ..self.rehearse(work)? });
        }
        self.write(work)
    }

    /// Fills the search index and shortens the WAL, which an import has made long.
    fn look_after_import(&self, dry_run: bool) {
        if !dry_run {
            // The import is done: what fails here is tried again after the next writes.
            let _ = self.maintenance.look();
        }
    }
}

/// Tells how far an import is, and ends it when the caller wants that.
pub(super) struct Meter<'a> {
    progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    bytes_total: u64,
    rows: u64,
}

impl Meter<'_> {
    fn row(&mut self, bytes_done: u64) -> Result<()> {
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_PER_LOOK) { self.look(bytes_done) } else { Ok(()) }
    }

    pub(super) fn look(&mut self, bytes_done: u64) -> Result<()> {
        match (self.progress)(Progress { bytes_done, bytes_total: self.bytes_total }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                Err(Error::new(ErrorKind::Cancelled, "the import was broken off; nothing was changed"))
            }
        }
    }
}

/// Rows that an app brings.
struct Brought<I> {
    rows: I,
    count: u64,
}

impl<I: Iterator<Item = ImportRow>> Source for Brought<I> {
    fn next(&mut self) -> Result<Option<std::result::Result<Incoming, Rejected>>> {
        let Some(ImportRow { fact, new }) = self.rows.next() else { return Ok(None) };
        self.count += 1;
        let line = self.count;
        Ok(Some(Ok(Incoming { line, domain: APP, fact, new, is_deleted: false, origin: None, refund: None })))
    }

    fn bytes_done(&self) -> u64 {
        0
    }
}

fn take_all(
    mut taking: Taking<'_, '_>,
    first: Incoming,
    source: &mut impl Source,
    meter: &mut Meter<'_>,
) -> Result<Imported> {
    taking.take(first)?;
    while let Some(next) = source.next()? {
        meter.row(source.bytes_done())?;
        match next {
            Ok(incoming) => taking.take(incoming)?,
            Err(rejected) => taking.reject(rejected)?,
        }
    }
    let imported = taking.finish()?;
    meter.look(meter.bytes_total)?;
    Ok(imported)
}

/// Adds to what was rejected, within reason.
pub(super) fn reject(all: &mut Vec<Rejected>, rejected: Rejected) -> Result<()> {
    if all.len() >= REJECTED_MAX {
        let first = all.first().map_or("", |first| first.reason.as_str());
        return Err(Error::invalid(format!("more than {REJECTED_MAX} rows cannot be read, the first because {first}")));
    }
    all.push(rejected);
    Ok(())
}

/// The first row that is an entry.
fn first(source: &mut impl Source, all: &mut Vec<Rejected>, meter: &mut Meter<'_>) -> Result<Option<Incoming>> {
    while let Some(next) = source.next()? {
        meter.row(source.bytes_done())?;
        match next {
            Ok(incoming) => return Ok(Some(incoming)),
            Err(rejected) => reject(all, rejected)?,
        }
    }
    Ok(None)
}

/// Looks over the entries of a source before any is taken in.
fn each(source: &mut impl Source, meter: &mut Meter<'_>, mut look: impl FnMut(Incoming)) -> Result<()> {
    while let Some(next) = source.next()? {
        meter.row(0)?;
        if let Ok(incoming) = next {
            look(incoming);
        }
    }
    Ok(())
}

/// The currency of most entries.
fn mostly_used(source: &mut impl Source, meter: &mut Meter<'_>) -> Result<Option<Currency>> {
    let mut counts: Vec<(u64, Currency)> = Vec::new();
    each(source, meter, |incoming| {
        let currency = incoming.new.amount.currency();
        match counts.iter_mut().find(|(_, known)| *known == currency) {
            Some((count, _)) => *count += 1,
            None => counts.push((1, currency)),
        }
    })?;
    Ok(counts
        .into_iter()
        .max_by_key(|(count, currency)| (*count, std::cmp::Reverse(currency.code().to_owned())))
        .map(|(_, currency)| currency))
}

/// The entries of a file that others of the same file refund, by their ids there.
fn refunded<S: Source>(open: &dyn Fn() -> Result<S>, meter: &mut Meter<'_>) -> Result<HashSet<String>> {
    let mut named = HashSet::new();
    each(&mut open()?, meter, |incoming| named.extend(incoming.refund))?;
    let mut held = HashSet::new();
    if !named.is_empty() {
        each(&mut open()?, meter, |incoming| {
            if incoming.domain == ENTRY && named.contains(&incoming.fact) {
                held.insert(incoming.fact);
            }
        })?;
    }
    Ok(held)
}

//! A ledger as a file: JSON Lines, which another device takes in whole, or CSV for spreadsheets.
//!
//! Both are functions of the commits held and of nothing else: two devices that hold the same export the same bytes. One
//! state of the database is read throughout. Of a million entries 24 MB of keys are held, of a million commits 48.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use outlay_ledger::{DocumentId, LedgerId};
use rusqlite::Connection;
use serde::Serialize;

use super::Engine;
use crate::error::{Error, Result};
use crate::import::escape::{self, PATH};
use crate::import::jsonl::{self, Head, Thing, VERSION};
use crate::import::object::EntryObject;
use crate::import::sheet;
use crate::model::Expense;
use crate::store::things::Names;
use crate::store::{Reading, contents, keys, log, query};

impl Engine {
    /// Writes a ledger as JSON Lines and returns how many entries it has, those in the trash counted.
    ///
    /// First a line that says which ledger it is, then one object for each thing, then each commit as it was signed, in
    /// base64. Imported where nothing of it is held, it gives the same ids, history, authors and conflicts, and exported
    /// there the same bytes. An entry's object has the keys that the command line prints: `id`, `kind`, `amount`, `payee`,
    /// `category`, `account`, `to_account`, `date`, `time`, `note`, `tags`, `refund_of`, `deleted` and `conflicted`.
    ///
    /// # Errors
    ///
    /// * [`crate::ErrorKind::NotFound`] if the ledger is not on this device.
    /// * [`crate::ErrorKind::DiskFull`] or [`crate::ErrorKind::Internal`] if `out` cannot be written.
    ///
    /// # Example: to another device
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use outlay_core::{Currency, Engine, ImportOptions, Money, NewExpense};
    /// let (phone, laptop) = (Engine::open_in_memory()?, Engine::open_in_memory()?);
    /// let home = phone.create_ledger("Home", Currency::EUR)?.id;
    /// let coffee = phone.add_expense(home, NewExpense::new(Money::parse("3.40", Currency::EUR)?, "Café"))?;
    /// let mut file = Vec::new();
    /// phone.export_jsonl(home, &mut file)?;
    ///
    /// laptop.import(&file, &ImportOptions::default(), &mut |_| ControlFlow::Continue(()))?;
    /// assert_eq!(laptop.expense(home, coffee.id)?, Some(coffee));
    /// let mut again = Vec::new();
    /// laptop.export_jsonl(home, &mut again)?;
    /// assert_eq!(again, file);
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn export_jsonl(&self, ledger: LedgerId, out: &mut dyn Write) -> Result<u64> {
        let mut out = BufWriter::new(out);
        let count = self.store.read(|connection| {
            let lid = keys::ledger_here(connection, ledger)?;
            write_things(connection, ledger, lid, &mut out)?;
            let count = write_entries(connection, lid, &mut out)?;
            write_commits(connection, lid, &mut out)?;
            Ok(count)
        })?;
        out.flush()?;
        Ok(count)
    }

    /// Writes the entries of a ledger that are not in the trash as CSV, oldest first, and returns how many there are.
    ///
    /// The columns are `date`, `time`, `kind`, `amount`, `currency`, `payee`, `category` (its path, joined by colons),
    /// `account`, `to_account`, `note`, `tags` (joined by commas), `refund_of` and `id`, in UTF-8 as RFC 4180 quotes them.
    /// [`Engine::import`] knows such a file by its header, and in another ledger makes the same entries of it.
    ///
    /// Texts are written as they are, also those that begin with `=`, `+`, `-` or `@`: a spreadsheet may take one for a
    /// formula. Who opens the entries of strangers there imports the columns as text.
    ///
    /// # Errors
    ///
    /// As [`Engine::export_jsonl`].
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Date, Engine, Money, NewExpense};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let coffee = NewExpense::new(Money::parse("3.40", Currency::EUR)?, "Café, corner");
    /// let id = engine.add_expense(home, NewExpense { date: Some(Date::parse("2026-11-02")?), ..coffee })?.id;
    /// let mut file = Vec::new();
    /// assert_eq!(engine.export_csv(home, &mut file)?, 1);
    /// let row = format!("2026-11-02,,expense,3.40,EUR,\"Café, corner\",,,,,,,{id}\r\n");
    /// assert!(String::from_utf8_lossy(&file).ends_with(&row));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn export_csv(&self, ledger: LedgerId, out: &mut dyn Write) -> Result<u64> {
        let mut out = BufWriter::new(out);
        let count = self.store.read(|connection| {
            let lid = keys::ledger_here(connection, ledger)?;
            let (entries, mut names) = (contents::live_entries(connection, lid)?, EntryNames::load(connection, lid)?);
            out.write_all(sheet::header().as_bytes())?;
            for (_, _, rid) in &entries {
                let expense = names.entry(connection, *rid)?;
                let row = sheet::row(&names.object(&expense), expense.amount);
                out.write_all(row.as_bytes())?;
            }
            Ok(entries.len() as u64)
        })?;
        out.flush()?;
        Ok(count)
    }

    /// Writes a ledger into a file as [`Engine::export_jsonl`] does, in place of one that is there, and returns how many
    /// entries it has. Unless all of it is on the disk, the file stays as it was.
    ///
    /// # Errors
    ///
    /// * [`crate::ErrorKind::NotFound`] if the ledger is not on this device, or there is no such folder.
    /// * [`crate::ErrorKind::InvalidInput`] if the path is a folder, or a file of this database.
    /// * [`crate::ErrorKind::DiskFull`] or [`crate::ErrorKind::Internal`] if the file cannot be written.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, LedgerId};
    /// let folder = tempfile::tempdir()?;
    /// let (engine, file) = (Engine::open_in_memory()?, folder.path().join("home.jsonl"));
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// assert_eq!(engine.export_jsonl_file(home, &file)?, 0);
    /// let whole = std::fs::read(&file)?;
    /// assert!(engine.export_jsonl_file(LedgerId([7; 16]), &file).is_err());
    /// assert_eq!(std::fs::read(&file)?, whole);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn export_jsonl_file(&self, ledger: LedgerId, path: impl AsRef<Path>) -> Result<u64> {
        self.to_file(path.as_ref(), |file| self.export_jsonl(ledger, file))
    }

    /// Writes the entries of a ledger into a file as [`Engine::export_csv`] does, in place of one that is there, and returns
    /// how many there are. Unless all of it is on the disk, the file stays as it was.
    ///
    /// # Errors
    ///
    /// As [`Engine::export_jsonl_file`].
    pub fn export_csv_file(&self, ledger: LedgerId, path: impl AsRef<Path>) -> Result<u64> {
        self.to_file(path.as_ref(), |file| self.export_csv(ledger, file))
    }

    /// Writes beside a file and puts it in place when it is complete and on the disk.
    fn to_file(&self, path: &Path, write: impl FnOnce(&mut File) -> Result<u64>) -> Result<u64> {
        let name = path.file_name().filter(|_| !path.is_dir());
        let name = name.ok_or_else(|| Error::invalid("the path of the export is a folder"))?;
        if self.store.owns(path) {
            return Err(Error::invalid("the path of the export is a file of the database"));
        }
        let mut partial = OsString::from(name);
        partial.push(format!(".{}.partial", std::process::id()));
        let partial = path.with_file_name(partial);
        let written = File::create(&partial).map_err(Error::from).and_then(|mut file| {
            let count = write(&mut file)?;
            file.sync_all()?;
            fs::rename(&partial, path)?;
            Ok(count)
        });
        if written.is_err() {
            // What is half-written is of no use; the error that is answered is the first one.
            let _ = fs::remove_file(&partial);
        }
        written
    }
}

/// The names that entries refer to.
struct EntryNames {
    names: Names,
    /// Paths of categories, as files have them.
    paths: HashMap<DocumentId, String>,
}

impl EntryNames {
    fn load(connection: &Connection, lid: i64) -> Result<Self> {
        let categories = contents::categories(connection, lid)?.into_iter();
        let path = |path: &[String]| escape::join(path.iter().map(String::as_str), PATH);
        let paths = categories.map(|category| (category.id, path(&category.path))).collect();
        Ok(Self { names: Names::default(), paths })
    }

    fn entry(&mut self, connection: &Connection, rid: i64) -> Result<Expense> {
        let entry = query::numbered(connection, &mut self.names, rid)?;
        entry.ok_or_else(|| Error::internal("an entry that was listed is not there"))
    }

    fn object(&self, expense: &Expense) -> EntryObject {
        let category = expense.category.as_ref().and_then(|category| self.paths.get(&category.id));
        EntryObject::new(expense, category.cloned())
    }
}

fn write_things(connection: &Connection, ledger: LedgerId, lid: i64, out: &mut impl Write) -> Result<()> {
    let settings = contents::settings(connection, lid)?;
    let currency = Some(settings.currency).filter(|code| !code.is_empty());
    let (name, id) = (settings.name, ledger.to_string());
    write_line(out, &Head { outlay: VERSION, ledger: id, name: name.clone(), currency: currency.clone() })?;
    if let Some(id) = settings.id {
        write_line(out, &Thing::Settings { id: id.to_string(), name, currency })?;
    }
    for contents::Account { id, name, currency, deleted } in contents::accounts(connection, lid)? {
        write_line(out, &Thing::Account { id: id.to_string(), name, currency, deleted })?;
    }
    for contents::Category { id, name, parent, deleted, path: _ } in contents::categories(connection, lid)? {
        let parent = parent.map(|id| id.to_string());
        write_line(out, &Thing::Category { id: id.to_string(), name, parent, deleted })?;
    }
    for contents::Member { id, name, deleted } in contents::members(connection, lid)? {
        write_line(out, &Thing::Member { id: id.to_string(), name, deleted })?;
    }
    Ok(())
}

fn write_entries(connection: &Connection, lid: i64, out: &mut impl Write) -> Result<u64> {
    let mut names = EntryNames::load(connection, lid)?;
    let entries = contents::entries(connection, lid)?;
    for (_, rid) in &entries {
        let expense = names.entry(connection, *rid)?;
        write_line(out, &names.object(&expense))?;
    }
    Ok(entries.len() as u64)
}

fn write_commits(connection: &Connection, lid: i64, out: &mut impl Write) -> Result<()> {
    let mut reading = Reading::default();
    for (_, _, cid) in contents::commits(connection, lid)? {
        let commit = log::load(connection, &mut reading.keys, &mut reading.codec, cid)?;
        out.write_all(jsonl::commit_line(&commit).as_bytes())?;
    }
    Ok(())
}

fn write_line(out: &mut impl Write, object: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, object).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}

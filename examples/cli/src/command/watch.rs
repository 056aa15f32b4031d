//! `outlay sync --watch`: stays connected and prints a line for each change, until Ctrl-C.
//!
//! What changed is told by the engine's observers, so what other processes of this device write is seen too. Nothing is
//! lost when this ends, however it ends: it only shows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use outlay_core::sync::{Connection, SyncReport, SyncStatus};
use outlay_core::{
    Diff, DocumentId, Engine, Environment, Error, ErrorKind, Expense, FieldChange, Filter, HistoryEntry, Ledger,
    LedgerId, Sort, Subscription, System,
};
use serde_json::json;

use crate::command::{status, sync};
use crate::failure::Failure;
use crate::output::json::{ExpenseObject, StatusObject};
use crate::output::table::printable;
use crate::output::{Output, text};

/// How often it is looked at the connection, which no observer tells of.
const LOOK: Duration = Duration::from_secs(1);
/// Entries of each ledger that are watched, the newest: reading them again after each write takes a few milliseconds.
const WATCHED: usize = 500;
/// Lines for one change of many entries, such as an import; `--json` has all.
const LINES: usize = 20;

/// What the loop is told.
enum Told {
    Changed(LedgerId, Diff),
    Interrupted,
}

/// What is shown, and what was shown last.
struct Feed<'e> {
    engine: &'e Engine,
    tell: Sender<Told>,
    watches: HashMap<LedgerId, Subscription>,
    /// Ledgers whose entries were told already. Those of a ledger that was here at the beginning are no news.
    begun: HashSet<LedgerId>,
    /// What the account's devices are called.
    devices: HashMap<String, String>,
    said: String,
}

/// Stays after a first sync, which need not have succeeded: a server that is down now may be up in a minute.
pub(crate) fn run(
    engine: Engine,
    synced: Result<(SyncReport, Duration), Error>,
    out: &mut Output,
) -> Result<(), Failure> {
    match synced {
        Ok((report, spent)) => sync::show(&report, spent, out)?,
        Err(error) if matches!(error.kind(), ErrorKind::Offline | ErrorKind::RateLimited) => {}
        Err(error) => return Err(error.into()),
    }
    let (tell, told) = mpsc::channel();
    interrupts(tell.clone())?;
    let engine = Arc::new(engine);
    let mut feed = Feed::new(&engine, tell);
    feed.observe()?;
    let _syncer = engine.start_sync()?;
    loop {
        out.finish()?;
        match told.recv_timeout(LOOK) {
            Ok(Told::Changed(ledger, diff)) => feed.show(ledger, &diff, out)?,
            Ok(Told::Interrupted) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                feed.observe()?;
                feed.look(out)?;
            }
        }
    }
}

/// Ctrl-C ends the watch in order, with 0.
fn interrupts(tell: Sender<Told>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            let _ = tell.send(Told::Interrupted);
        }
    });
    Ok(())
}

impl<'e> Feed<'e> {
    fn new(engine: &'e Engine, tell: Sender<Told>) -> Self {
        let (watches, begun, devices) = Default::default();
        Self { engine, tell, watches, begun, devices, said: String::new() }
    }

    /// Watches every ledger that is not watched yet.
    fn observe(&mut self) -> Result<(), Failure> {
        let is_beginning = self.watches.is_empty();
        for Ledger { id, .. } in self.engine.ledgers()? {
            if self.watches.contains_key(&id) {
                continue;
            }
            let tell = self.tell.clone();
            let observer = Arc::new(move |diff: Diff| {
                // Nobody listens any more only when it is over.
                let _ = tell.send(Told::Changed(id, diff));
            });
            let watch = self.engine.observe(id, Filter::default(), Sort::Newest, WATCHED, observer)?;
            self.watches.insert(id, watch);
            if is_beginning {
                self.begun.insert(id);
            }
        }
        Ok(())
    }

    /// Says how the connection is, where that is news.
    fn look(&mut self, out: &mut Output) -> Result<(), Failure> {
        let status = self.engine.sync_status()?;
        let summary = status::summary(&status);
        if status.connection == Connection::Connecting || self.said == summary {
            return Ok(());
        }
        self.said = summary;
        if out.is_json() {
            return out.object(&status_event(&status, &status::names(self.engine, &status)?)?);
        }
        out.line(format!("{}  {}", clock(), self.said))
    }

    fn show(&mut self, ledger: LedgerId, diff: &Diff, out: &mut Output) -> Result<(), Failure> {
        if self.begun.remove(&ledger) {
            return Ok(());
        }
        let changes = self.changes(diff)?;
        let shown = if out.is_json() { changes.len() } else { LINES };
        for (change, expense) in changes.iter().take(shown) {
            self.show_one(*change, expense, out)?;
        }
        match changes.len().saturating_sub(shown) {
            0 => Ok(()),
            more => out.line(format!("{}    and {more} more", clock())),
        }
    }

    /// What happened to which entry. One that only left the watched ones, or came among them because another left, did
    /// not change.
    fn changes(&self, diff: &Diff) -> Result<Vec<(Change, Expense)>, Failure> {
        let moved: HashSet<DocumentId> = diff.inserted.iter().map(|(_, expense)| expense.id).collect();
        let mut changes = Vec::new();
        let mut left = 0;
        for id in diff.removed.iter().filter(|id| !moved.contains(*id)) {
            match self.engine.find_expense(*id)? {
                Some(expense) if expense.deleted => changes.push((Change::Removed, expense)),
                _ => {}
            }
            left += 1;
        }
        let first_that_slipped_in = WATCHED.saturating_sub(left);
        for (_, expense) in diff.inserted.iter().filter(|(place, _)| *place < first_that_slipped_in) {
            let change = if diff.removed.contains(&expense.id) { Change::Changed } else { Change::Added };
            changes.push((change, expense.clone()));
        }
        changes.extend(diff.updated.iter().map(|expense| (Change::Changed, expense.clone())));
        Ok(changes)
    }

    fn show_one(&mut self, change: Change, expense: &Expense, out: &mut Output) -> Result<(), Failure> {
        let last = self.engine.history(expense.ledger, expense.id)?.pop();
        let device = last.as_ref().map(|entry| entry.author.device.to_string()).unwrap_or_default();
        if out.is_json() {
            let at = text::instant(System.now_ms());
            return out.object(&json!({
                "event": change.word(), "at": at, "device": device, "expense": ExpenseObject::from(expense),
            }));
        }
        let is_own = last.as_ref().is_some_and(|entry| entry.author.is_self);
        let by = if is_own { "this device".to_owned() } else { self.name(&device) };
        let what = last.filter(|_| change == Change::Changed).map(|entry| fields(&entry)).unwrap_or_default();
        out.line(format!("{}  {} {}{what}  ({by})", clock(), change.sign(), text::summary(expense)))
    }

    /// What a device of the account is called; asked for when one is not known yet.
    fn name(&mut self, device: &str) -> String {
        if !self.devices.contains_key(device) {
            // Without an answer its key has to do.
            let listed = self.engine.devices().unwrap_or_default();
            self.devices.extend(listed.into_iter().map(|listed| (listed.key.to_string(), listed.name)));
            self.devices.entry(device.to_owned()).or_default();
        }
        let name = self.devices.get(device).filter(|name| !name.is_empty());
        name.cloned().unwrap_or_else(|| text::short_id(device).to_owned())
    }
}

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Added,
    Changed,
    Removed,
}

impl Change {
    const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }

    const fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Changed => '~',
            Self::Removed => '-',
        }
    }
}

/// Which fields were set, and to what.
fn fields(entry: &HistoryEntry) -> String {
    let field = |change: &FieldChange| format!("{} {}", change.field, text::field_value(&change.after));
    let fields: Vec<String> = entry.changes.iter().map(field).collect();
    if fields.is_empty() { String::new() } else { printable(&format!(": {}", fields.join(", "))) }
}

fn status_event(status: &SyncStatus, names: &[String]) -> Result<serde_json::Value, Failure> {
    let mut event = serde_json::to_value(StatusObject::new(status, names))?;
    event["event"] = "status".into();
    event["at"] = text::instant(System.now_ms()).into();
    Ok(event)
}

/// The time of day here.
fn clock() -> String {
    jiff::Zoned::now().strftime("%H:%M:%S").to_string()
}

//! Two devices and the real server, which is a process of its own.
//!
//! Each part has a server and accounts of its own. What is timed goes to the server directly; bytes are counted by a relay
//! on connections that nothing is timed on.

mod backlog;
mod fresh;
mod live;
mod memory;
mod moving;
mod reconnect;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use outlay_core::sync::{Credentials, SignInOptions, SyncReport};
use outlay_core::{Currency, Engine, Expense, Filter, LedgerId, NewExpense, Options, Sort, Subscription};

use crate::generate::{Row, Rows};
use crate::ground::Outcome;
use crate::load::ingest;
use crate::report::Report;
use crate::server::{PASSWORD, email, url};

/// How long anything may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Expenses of a ledger in use, so that payees, categories and accounts are known at both ends.
const BEFORE: usize = 200;

type Part = fn(&Path, &mut Report) -> Outcome<()>;

/// What is measured with a server, by name.
pub(crate) const PARTS: [(&str, Part); 7] = [
    ("sync: a server alone", memory::run),
    ("sync: one expense, live", live::run),
    ("sync: a thousand expenses", moving::run),
    ("sync: a fresh device", fresh::run),
    ("sync: a long time offline", backlog::run),
    ("sync: nothing new", reconnect::run),
    ("sync: taking in", |folder, report| ingest::run(&folder.join("ingest"), report)),
];

/// Two devices of one person with one ledger, alike.
struct Pair {
    ana: Arc<Engine>,
    ben: Arc<Engine>,
    ledger: LedgerId,
    rows: Rows,
}

impl Pair {
    /// The first device goes to the server by one address, the second by another.
    fn make(folder: &Path, number: usize, addresses: [SocketAddr; 2]) -> Outcome<Self> {
        let open = |name: &str| Engine::open(folder.join(format!("{name}-{number}.db")), Options::default());
        let (ana, ben) = (Arc::new(open("ana")?), Arc::new(open("ben")?));
        let ledger = ana.create_ledger("Home", Currency::EUR)?.id;
        let mut pair = Self { ana, ben, ledger, rows: Rows::new(number as u64) };
        pair.ana.sign_up(&url(addresses[0])?, &credentials(number), &SignInOptions::default())?;
        for row in pair.more(BEFORE) {
            pair.ana.add_expense(ledger, row.expense()?)?;
        }
        complete(&pair.ana.sync_once(PATIENCE)?)?;
        pair.ben.sign_in(&url(addresses[1])?, &credentials(number), &SignInOptions::default())?;
        complete(&pair.ben.sync_once(PATIENCE)?)?;
        Ok(pair)
    }

    fn more(&mut self, count: usize) -> Vec<Row> {
        self.rows.by_ref().take(count).collect()
    }
}

/// The newest entry of a ledger on a device, as it changes.
pub(crate) struct Newest {
    changes: Receiver<Expense>,
    _watch: Subscription,
}

impl Newest {
    pub(crate) fn of(engine: &Engine, ledger: LedgerId) -> Outcome<Self> {
        // As many as any part makes at once: the observer never waits for who reads.
        let (sender, changes) = sync_channel(1_024);
        let told = move |diff: outlay_core::Diff| {
            if let Some((_, newest)) = diff.inserted.into_iter().next() {
                // Whoever does not listen any more need not be told.
                let _ = sender.send(newest);
            }
        };
        let watch = engine.observe(ledger, Filter::default(), Sort::Newest, 1, Arc::new(told))?;
        let newest = Self { changes, _watch: watch };
        newest.next()?;
        Ok(newest)
    }

    fn next(&self) -> Outcome<Expense> {
        Ok(self.changes.recv_timeout(PATIENCE).map_err(|_| "what was added did not come to the observer")?)
    }

    /// Waits until the newest entry is one of this note.
    pub(crate) fn wait_for(&self, note: &str) -> Outcome<()> {
        while self.next()?.note != note {}
        Ok(())
    }
}

/// An entry that is newer than all others: the `place`th such one.
pub(crate) fn newest(row: &Row, place: i32) -> Outcome<NewExpense> {
    let (year, month, day) = crate::generate::FIRST_DAY;
    let date = outlay_core::Date::from_ymd(year, month, day)?.add_days(1_100 + place);
    let note = format!("{} {place}", row.note);
    Ok(NewExpense { date: Some(date.ok_or("there is no such day")?), note, ..row.expense()? })
}

fn credentials(number: usize) -> Credentials {
    Credentials { email: email(number), password: PASSWORD.to_owned() }
}

fn complete(report: &SyncReport) -> Outcome<()> {
    if report.is_complete && report.refused == 0 && report.damaged == 0 {
        return Ok(());
    }
    Err(format!("a sync did not do everything: {report:?}").into())
}

/// Entries of a ledger.
fn count(engine: &Engine, ledger: LedgerId) -> Outcome<u64> {
    let (year, month, _) = crate::generate::FIRST_DAY;
    let first = outlay_core::Month::from_year_month(year, month)?;
    let last = outlay_core::Month::from_date(outlay_core::Date::MAX);
    Ok(engine.totals(ledger, first, last)?.iter().map(|total| total.count).sum())
}

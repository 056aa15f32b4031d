//! All three are connected: what one saves the others show.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use outlay_core::{
    ConflictValue, Diff, DocumentId, Expense, Filter, LedgerId, Money, NewExpense, Resolution, Sort, Subscription,
};

use super::begin::import_csv;
use super::{Tour, clock, described};
use crate::device::{Device, Outcome};
use crate::page::time;

/// Entries that each device has on its screen.
const ON_SCREEN: usize = 50;
/// How long it may take to be shown: a thousand times what it takes.
const SHOWN_MAX: Duration = Duration::from_secs(10);
/// What is bought while everybody looks.
const BOUGHT: [(&str, i64); 3] = [("Flower Stall", 990), ("City Transit", 280), ("Market Hall", 1_440)];
/// Imported by mistake, to be undone.
const MISTAKE: &str = "Date,Payee,Amount\n2026-01-03,Wrong file,-10.00\n2026-01-04,Wrong file,-20.00\n";

/// The screen of a device: it notes when an entry is shown in a new form.
struct Screen {
    name: &'static str,
    shown: Receiver<(DocumentId, Expense, Instant)>,
    _watch: Subscription,
}

impl Screen {
    fn of(device: &Device, ledger: LedgerId) -> Outcome<Self> {
        let (tell, shown) = mpsc::channel();
        let observer = move |diff: Diff| {
            let now = Instant::now();
            let inserted = diff.inserted.into_iter().map(|(_, expense)| expense);
            for expense in inserted.chain(diff.updated) {
                // Nobody looks any more only when it is over.
                let _ = tell.send((expense.id, expense, now));
            }
        };
        let filter = Filter::default();
        let watch = device.engine.observe(ledger, filter, Sort::Newest, ON_SCREEN, Arc::new(observer))?;
        Ok(Self { name: device.name, shown, _watch: watch })
    }

    /// Waits until an entry is shown as it is meant, and says when that was.
    fn until(&self, id: DocumentId, is_meant: impl Fn(&Expense) -> bool) -> Outcome<Instant> {
        loop {
            let (shown, expense, at) = self.shown.recv_timeout(SHOWN_MAX).map_err(|_| self.not_shown())?;
            if shown == id && is_meant(&expense) {
                return Ok(at);
            }
        }
    }

    fn not_shown(&self) -> String {
        format!("the {} does not show what another device saved", self.name)
    }
}

impl Tour<'_> {
    /// The two values of the amount, and whose they are.
    pub(super) fn show_conflict(&mut self, lunch: &Expense) -> Outcome<()> {
        let conflicts = self.laptop.engine.conflicts(self.ledger)?;
        let conflict = conflicts.iter().find(|conflict| conflict.document == lunch.id).ok_or("no conflict is shown")?;
        let value = |(place, value): (usize, &ConflictValue)| {
            let shown = if place == 0 { "shown for now" } else { "" };
            let by = format!("by the {} at {}", self.name(&value.author), clock(value.time_ms));
            [described(&value.value), by, shown.to_owned()]
        };
        let rows: Vec<[String; 3]> = conflict.values.iter().enumerate().map(value).collect();
        Ok(self.page.table(&rows, &[0])?)
    }

    pub(super) fn go_live(&mut self, lunch: &Expense) -> Outcome<()> {
        self.page.chapter("Live: what one saves, the others show")?;
        let syncers = self.devices().map(|device| device.engine.start_sync());
        for device in self.devices() {
            device.until_live()?;
        }
        let screens = [
            Screen::of(&self.phone, self.ledger)?,
            Screen::of(&self.laptop, self.ledger)?,
            Screen::of(&self.tablet, self.ledger)?,
        ];
        self.buy(lunch, &screens)?;
        self.settle(lunch, &screens)?;
        self.undo()?;
        drop(syncers);
        self.agree().map(drop)
    }

    /// Each device saves something, and the two others show it.
    fn buy(&mut self, lunch: &Expense, screens: &[Screen; 3]) -> Outcome<()> {
        let mut rows = Vec::new();
        for (place, (payee, minor)) in BOUGHT.into_iter().enumerate() {
            let currency = lunch.amount.ok_or("what was added has no amount")?.currency();
            let new = NewExpense { date: Some(lunch.date), ..NewExpense::new(Money::new(minor, currency)?, payee) };
            let device = self.devices()[place];
            let begun = Instant::now();
            let saved = device.engine.add_expense(self.ledger, new)?;
            let kept = begun.elapsed();
            let saves = format!("{} saves", device.name);
            let mut row = [saves, format!("disk {}", time(kept)), String::new(), String::new()];
            let others = screens.iter().enumerate().filter(|(other, _)| *other != place);
            for (cell, (_, screen)) in row.iter_mut().skip(2).zip(others) {
                let at = screen.until(saved.id, |_| true)?;
                *cell = format!("{} {}", screen.name, time(at.duration_since(begun)));
            }
            rows.push(row);
        }
        self.page.line("until it is on the disk, and until each of the others shows it:")?;
        Ok(self.page.table(&rows, &[])?)
    }

    /// The laptop settles the conflict.
    fn settle(&mut self, lunch: &Expense, [phone, _, tablet]: &[Screen; 3]) -> Outcome<()> {
        let conflicts = self.laptop.engine.conflicts(self.ledger)?;
        let conflict = conflicts.iter().find(|conflict| conflict.document == lunch.id).ok_or("no conflict is shown")?;
        let chosen =
            conflict.values.iter().position(|value| value.author.is_self).ok_or("the laptop's value is lost")?;
        let amount = described(&conflict.values[chosen].value);
        let begun = Instant::now();
        self.laptop.engine.resolve(conflict, Resolution::Choose(chosen))?;
        let is_settled =
            |expense: &Expense| !expense.conflicted && expense.amount.is_some_and(|shown| shown.to_string() == amount);
        let [phone, tablet] = [phone.until(lunch.id, is_settled)?, tablet.until(lunch.id, is_settled)?];
        let [phone, tablet] = [phone, tablet].map(|at| time(at.duration_since(begun)));
        self.page.line(format!("the laptop settles the conflict: lunch was {amount}"))?;
        Ok(self.page.line(format!("phone shows it after {phone}, tablet after {tablet}; no conflict is left"))?)
    }

    /// A wrong file is imported and taken back, and the others see both.
    fn undo(&mut self) -> Outcome<()> {
        let before = self.phone.count(self.ledger)?;
        let (imported, _) = import_csv(&self.phone, MISTAKE.as_bytes())?;
        self.tablet.until_count(self.ledger, before + imported.added)?;
        let begun = Instant::now();
        let undone = self.phone.engine.undo()?.ok_or("there was nothing to undo")?;
        let spent = begun.elapsed();
        if undone.changed != imported.added || self.phone.count(self.ledger)? != before {
            return Err("the undo did not take back the import".into());
        }
        self.laptop.until_count(self.ledger, before)?;
        self.tablet.until_count(self.ledger, before)?;
        self.page.line(format!("the phone imports a wrong file: {} entries, on the others too", imported.added))?;
        Ok(self.page.line(format!("undo: {} taken back in {}, and on the others", undone.changed, time(spent)))?)
    }
}

//! Before there is any server: each device begins on its own.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use outlay_core::{Currency, Expense, Filter, ImportOptions, Imported, LedgerId, Money, NewExpense, Rejected, Sort};

use super::{Setup, Tour, row};
use crate::device::{Device, Outcome};
use crate::page::{Page, counted, grouped, time};
use crate::sample;

/// Lines named for each reason of a rejection.
const LINES_SHOWN: usize = 12;
/// What the laptop has on its own.
const TRIP: [(&str, i64, &str); 3] =
    [("Rail", 8_400, "to the coast"), ("Harbour Hostel", 13_600, "two nights"), ("Fish Stall", 1_890, "dinner")];

/// Imports the file, which makes the ledger, and once more, which adds nothing.
pub(super) fn import(phone: &Device, setup: &Setup, page: &mut Page<'_>) -> Outcome<LedgerId> {
    page.chapter("The phone imports a CSV")?;
    page.quote(&format!("{}: {} bytes", setup.name, grouped(setup.csv.len() as u64)))?;
    let (imported, spent) = import_csv(phone, &setup.csv)?;
    let rejected = imported.rejected.len() as u64;
    let rows = imported.added + imported.duplicates + rejected;
    let added = format!("{} of {} went in", grouped(imported.added), counted(rows, "row", "rows"));
    page.line(format!("{added}, {rejected} rejected, in {}", time(spent)))?;
    show_rejected(&imported.rejected, page)?;
    let (again, spent) = import_csv(phone, &setup.csv)?;
    let known = format!("{} added, {} known already", grouped(again.added), grouped(again.duplicates));
    page.line(format!("the same file once more: {known}, in {}", time(spent)))?;
    if imported.added == 0 || again.added > 0 || again.duplicates + rejected != rows {
        return Err("the file added nothing, or something twice".into());
    }
    Ok(imported.ledger.ok_or("the import names no ledger")?)
}

/// Imports into the default ledger of a device, which is made when there is none.
pub(super) fn import_csv(device: &Device, csv: &[u8]) -> Outcome<(Imported, Duration)> {
    let begun = Instant::now();
    let imported = device.engine.import(csv, &ImportOptions::default(), &mut |_| ControlFlow::Continue(()))?;
    Ok((imported, begun.elapsed()))
}

/// Every reason, and the lines that have it.
fn show_rejected(rejected: &[Rejected], page: &mut Page<'_>) -> Outcome<()> {
    let mut by_reason: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for Rejected { line, reason } in rejected {
        by_reason.entry(reason).or_default().push(*line);
    }
    for (reason, lines) in by_reason {
        let named: Vec<String> = lines.iter().take(LINES_SHOWN).map(u64::to_string).collect();
        let more = lines.len().saturating_sub(LINES_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let what = if lines.len() == 1 { "line" } else { "lines" };
        page.quote(&format!("  {what} {}{more}: {reason}", named.join(", ")))?;
    }
    Ok(())
}

impl Tour<'_> {
    pub(super) fn add(&mut self) -> Outcome<Expense> {
        self.page.chapter("One more is added by hand")?;
        let newest = self.newest()?;
        let amount = Money::new(1_250, newest.amount.map_or(Currency::EUR, |amount| amount.currency()))?;
        let category = Some("Food".into());
        let new = NewExpense { category, date: Some(newest.date), ..NewExpense::new(amount, "Corner Café") };
        let begun = Instant::now();
        let lunch = self.phone.engine.add_expense(self.ledger, new)?;
        let spent = time(begun.elapsed());
        self.page.table(&[row(&lunch)], &[1])?;
        self.page.line(format!("on the disk after {spent}"))?;
        Ok(lunch)
    }

    /// The newest entry of the phone's ledger.
    pub(super) fn newest(&self) -> Outcome<Expense> {
        let page = self.phone.engine.query(self.ledger, &Filter::default(), Sort::Newest, None, 1)?;
        Ok(page.expenses.into_iter().next().ok_or("there are no expenses")?)
    }

    /// The laptop and the tablet have ledgers too, of which the others know nothing.
    pub(super) fn begin_others(&mut self, years: i32) -> Outcome<()> {
        self.page.chapter("The laptop and the tablet have something of their own")?;
        let trip = self.laptop.engine.create_ledger("Trip to the coast", Currency::EUR)?;
        for (payee, minor, note) in TRIP {
            let price = Money::new(minor, Currency::EUR)?;
            let new = NewExpense { note: note.to_owned(), ..NewExpense::new(price, payee) };
            self.laptop.engine.add_expense(trip.id, new)?;
        }
        let count = self.laptop.count(trip.id)?;
        self.page.line(format!("laptop: {:?}, {}", trip.name, counted(count, "entry", "entries")))?;
        let earlier = self.tablet.engine.create_ledger("Earlier years", Currency::EUR)?;
        let (imported, spent) = import_csv(&self.tablet, sample::earlier(years).as_bytes())?;
        let count = counted(imported.added, "entry", "entries");
        let years = counted(u64::try_from(years)?, "year", "years");
        self.page.line(format!("tablet: {:?}, {count} from {years}, imported in {}", earlier.name, time(spent)))?;
        Ok(self.page.line("Nobody has an account, and no server is running.")?)
    }
}

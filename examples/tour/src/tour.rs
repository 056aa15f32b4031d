//! The story, chapter by chapter.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use outlay_core::{
    Author, ConflictValue, Currency, Edit, Expense, FieldChange, FieldValue, Filter, ImportOptions, Imported, LedgerId,
    Money, Month, NewExpense, Rejected, Resolution, Sort, Sum, TimeOfDay, Total,
};

use crate::device::{Device, Outcome, Parcel};
use crate::page::{Page, bar, counted, grouped, sum, time};

/// Rows of a list that are shown.
const SHOWN: usize = 3;
/// Categories that have a bar of their own.
const BARS: usize = 9;
/// Lines named for each reason of a rejection.
const LINES_SHOWN: usize = 12;
/// Letters of a word that is worth searching for.
const WORD_LETTERS_MIN: usize = 4;
/// Imported by mistake, to be undone.
const MISTAKE: &str = "Date,Payee,Amount\n2026-01-03,Wrong file,-10.00\n2026-01-04,Wrong file,-20.00\n";
/// Where to go next.
const NEXT: [(&str, &str); 5] = [
    ("make tour CSV=path", "the same with your own export"),
    ("cargo install --path examples/cli", "outlay, to keep your expenses with; begin with `outlay --help`"),
    ("cargo doc --open -p outlay-core", "the engine, for a program of your own"),
    ("docs/ARCHITECTURE.md", "how it works, and where everything is"),
    ("make bench", "how fast it is here, up to a million expenses"),
];

/// What is imported.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) csv: Vec<u8>,
}

/// Two devices and the ledger they share.
struct Tour<'a> {
    phone: Device,
    laptop: Device,
    ledger: LedgerId,
    page: Page<'a>,
}

/// Tells the whole story. It is an error if the devices do not agree at the end of it.
pub(crate) fn run(source: &Source, out: &mut dyn Write) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let mut page = Page::new(out);
    page.say("One person, a phone and a laptop. Each keeps everything in an SQLite file of its own.")?;
    page.say("What they exchange are signed commits, here handed over as bytes: no network is used.")?;
    let (phone, laptop) = (Device::open(folder.path(), "phone")?, Device::open(folder.path(), "laptop")?);
    let ledger = import(&phone, source, &mut page)?;
    let mut tour = Tour { phone, laptop, ledger, page };
    let lunch = tour.add()?;
    tour.admit()?;
    tour.collide(&lunch)?;
    tour.settle(&lunch)?;
    tour.look(&lunch)?;
    tour.undo()?;
    tour.end()
}

/// Imports the file, which makes the ledger, and once more, which adds nothing.
fn import(phone: &Device, source: &Source, page: &mut Page<'_>) -> Outcome<LedgerId> {
    page.chapter("The phone imports a CSV")?;
    page.line(format!("{}: {} bytes", source.name, grouped(source.csv.len() as u64)))?;
    let (imported, spent) = import_csv(phone, &source.csv)?;
    let rejected = imported.rejected.len() as u64;
    let rows = imported.added + imported.duplicates + rejected;
    let added = format!("{} of {} went in", grouped(imported.added), counted(rows, "row", "rows"));
    page.line(format!("{added}, {rejected} rejected, in {}", time(spent)))?;
    show_rejected(&imported.rejected, page)?;
    let (again, spent) = import_csv(phone, &source.csv)?;
    let known = format!("{} added, {} known already", grouped(again.added), grouped(again.duplicates));
    page.line(format!("the same file once more: {known}, in {}", time(spent)))?;
    if imported.added == 0 || again.added > 0 || again.duplicates + rejected != rows {
        return Err("the file added nothing, or something twice".into());
    }
    Ok(imported.ledger.ok_or("the import names no ledger")?)
}

fn import_csv(phone: &Device, csv: &[u8]) -> Outcome<(Imported, Duration)> {
    let begun = Instant::now();
    let imported = phone.engine.import(csv, &ImportOptions::default(), &mut |_| ControlFlow::Continue(()))?;
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
        page.line(format!("  {what} {}{more}: {reason}", named.join(", ")))?;
    }
    Ok(())
}

impl Tour<'_> {
    fn add(&mut self) -> Outcome<Expense> {
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

    fn newest(&self) -> Outcome<Expense> {
        let page = self.phone.engine.query(self.ledger, &Filter::default(), Sort::Newest, None, 1)?;
        Ok(page.expenses.into_iter().next().ok_or("there are no expenses")?)
    }

    fn admit(&mut self) -> Outcome<()> {
        self.page.chapter("The laptop is admitted, and gets it all")?;
        let begun = Instant::now();
        self.phone.engine.admit_device(self.ledger, self.laptop.key())?;
        let key: String = self.laptop.key().to_string().chars().take(8).collect();
        self.page.line(format!("the phone signs that the key {key}… is the laptop's, in {}", time(begun.elapsed())))?;
        self.give(Way::ToLaptop)?;
        let held = self.laptop.count(self.ledger)?;
        Ok(self.page.line(format!("the laptop now has {}", counted(held, "entry", "entries")))?)
    }

    /// Hands over what the other lacks.
    fn give(&mut self, way: Way) -> Outcome<()> {
        let (from, to) = match way {
            Way::ToLaptop => (&self.phone, &self.laptop),
            Way::ToPhone => (&self.laptop, &self.phone),
        };
        let Parcel { commits, bytes, spent } = from.give(to, self.ledger)?;
        let parcel = format!("{}, {} bytes, {}", counted(commits, "commit", "commits"), grouped(bytes), time(spent));
        Ok(self.page.line(format!("{} → {}  {parcel}", from.name, to.name))?)
    }

    fn collide(&mut self, lunch: &Expense) -> Outcome<()> {
        self.page.chapter("Apart from each other, both change the same expense")?;
        let Some(amount) = lunch.amount else { return Err("what was added has no amount".into()) };
        let tip = |minor| Money::new(amount.minor() + minor, amount.currency());
        let by_phone = Edit { amount: Some(tip(50)?), category: Some(Some(food("Restaurants"))), ..Edit::default() };
        let by_laptop = Edit { amount: Some(tip(170)?), note: Some("lunch with Ana".to_owned()), ..Edit::default() };
        self.page.line(format!("the phone sets {} and the category Food:Restaurants", tip(50)?))?;
        self.phone.engine.edit_expense(self.ledger, lunch.id, by_phone)?;
        self.page.line(format!("the laptop sets {} and the note \"lunch with Ana\"", tip(170)?))?;
        self.laptop.engine.edit_expense(self.ledger, lunch.id, by_laptop)?;
        self.page.line("then they meet:")?;
        self.give(Way::ToLaptop)?;
        self.give(Way::ToPhone)?;
        self.agree()?;
        let merged = self.phone.engine.expense(self.ledger, lunch.id)?.ok_or("the expense is gone")?;
        self.page.line("category and note were merged; the amount was set twice, and neither value is lost:")?;
        Ok(self.page.table(&[row(&merged)], &[1])?)
    }

    fn settle(&mut self, lunch: &Expense) -> Outcome<()> {
        self.page.chapter("The conflict is shown until somebody settles it")?;
        let conflicts = self.laptop.engine.conflicts(self.ledger)?;
        let conflict = conflicts.iter().find(|conflict| conflict.document == lunch.id).ok_or("no conflict is shown")?;
        let value = |(place, value): (usize, &ConflictValue)| {
            let shown = if place == 0 { "shown for now" } else { "" };
            let by = format!("by the {} at {}", self.name(&value.author), clock(value.time_ms));
            [described(&value.value), by, shown.to_owned()]
        };
        let rows: Vec<[String; 3]> = conflict.values.iter().enumerate().map(value).collect();
        self.page.line(format!("{}:", conflict.field))?;
        self.page.table(&rows, &[0])?;
        let chosen =
            conflict.values.iter().position(|value| value.author.is_self).ok_or("the laptop's value is lost")?;
        let amount = described(&conflict.values[chosen].value);
        self.laptop.engine.resolve(self.ledger, lunch.id, &conflict.field, Resolution::Choose(chosen))?;
        self.page.line(format!("the laptop settles it: {amount}"))?;
        self.give(Way::ToPhone)?;
        self.agree()?;
        let shown = self.phone.engine.expense(self.ledger, lunch.id)?.and_then(|expense| expense.amount);
        if shown.map(|amount| amount.to_string()) != Some(amount) {
            return Err("the phone does not show what the laptop chose".into());
        }
        let left = self.phone.engine.conflicts(self.ledger)?.len() + self.laptop.engine.conflicts(self.ledger)?.len();
        if left > 0 { Err("a conflict is left".into()) } else { Ok(()) }
    }

    /// Compares all that both devices would export: things, authors, history, signatures.
    fn agree(&mut self) -> Outcome<()> {
        let (phone, laptop) = (self.phone.digest(self.ledger)?, self.laptop.digest(self.ledger)?);
        let verdict = if phone == laptop { "both export the same" } else { "the exports differ" };
        let bytes = grouped(phone.1);
        self.page.line(format!("{verdict}: phone {}, laptop {} ({bytes} bytes)", phone.0, laptop.0))?;
        if phone == laptop { Ok(()) } else { Err("the phone and the laptop do not agree".into()) }
    }

    fn look(&mut self, lunch: &Expense) -> Outcome<()> {
        self.page.chapter("What there is to see, on either device")?;
        self.month(lunch)?;
        self.search()?;
        self.history(lunch)
    }

    fn month(&mut self, lunch: &Expense) -> Outcome<()> {
        let month = Month::from_date(lunch.date);
        let begun = Instant::now();
        let mut totals = self.laptop.engine.totals(self.ledger, month, month)?;
        let spent = time(begun.elapsed());
        let currency = lunch.amount.map_or(Currency::EUR, |amount| amount.currency());
        totals.retain(|total| total.spent.currency == currency);
        let all =
            |of: fn(&Total) -> Sum| sum(Sum { minor: totals.iter().map(|total| of(total).minor).sum(), currency });
        let [paid, earned] = [all(|total| total.spent), all(|total| total.earned)];
        self.page.line(format!("{month}: {paid} spent, {earned} earned ({spent})"))?;
        Ok(self.page.table(&bars(&totals, currency), &[1])?)
    }

    fn search(&mut self) -> Outcome<()> {
        let word = self.word()?;
        let filter = Filter { text: Some(word.clone()), ..Filter::default() };
        let begun = Instant::now();
        let found = self.laptop.engine.query(self.ledger, &filter, Sort::Newest, None, SHOWN)?;
        let spent = time(begun.elapsed());
        self.page.line(format!("search for \"{word}\", the newest {SHOWN} ({spent})"))?;
        Ok(self.page.table(&found.expenses.iter().map(row).collect::<Vec<_>>(), &[1])?)
    }

    /// The beginning of a word that some expense has.
    fn word(&self) -> Outcome<String> {
        let page = self.laptop.engine.query(self.ledger, &Filter::default(), Sort::Newest, None, 50)?;
        let texts = page.expenses.iter().rev().flat_map(|expense| [&expense.payee, &expense.note]);
        let mut words = texts.flat_map(|text| text.split(|letter: char| !letter.is_alphabetic()));
        let word = words.find(|word| word.chars().count() >= WORD_LETTERS_MIN).unwrap_or("corner");
        Ok(word.chars().take(WORD_LETTERS_MIN).collect::<String>().to_lowercase())
    }

    fn history(&mut self, lunch: &Expense) -> Outcome<()> {
        self.page.line(format!("history of {}, times in UTC", lunch.payee))?;
        for entry in self.laptop.engine.history(self.ledger, lunch.id)? {
            let (at, by) = (clock(entry.time_ms), self.name(&entry.author));
            let changes: Vec<String> = entry.changes.iter().filter_map(change).collect();
            self.page.line(format!("  {at}  {by:<6}  {}", changes.join(", ")))?;
        }
        Ok(())
    }

    fn undo(&mut self) -> Outcome<()> {
        self.page.chapter("A mistake is undone")?;
        let before = self.phone.count(self.ledger)?;
        let (imported, _) = import_csv(&self.phone, MISTAKE.as_bytes())?;
        self.page.line(format!("the phone imports the wrong file: {} added", imported.added))?;
        let begun = Instant::now();
        let undone = self.phone.engine.undo()?.ok_or("there was nothing to undo")?;
        self.page.line(format!("undo: {} taken back, in {}", undone.changed, time(begun.elapsed())))?;
        if undone.changed != imported.added || self.phone.count(self.ledger)? != before {
            return Err("the undo did not take back the import".into());
        }
        self.give(Way::ToLaptop)?;
        self.agree()
    }

    fn end(mut self) -> Outcome<()> {
        let count = self.phone.count(self.ledger)?;
        // What was written last is in the file itself only after closing.
        let bytes = grouped(self.phone.close()?);
        let file = format!("The phone's file has {bytes} bytes for {}", counted(count, "entry", "entries"));
        self.page.say(format!("\n{file}, history, search and indexes included."))?;
        self.page.say("All of it was in a temporary folder that is gone now. Where to go next:\n")?;
        for (what, why) in NEXT {
            self.page.line(format!("{what:<34}  {why}"))?;
        }
        Ok(())
    }

    /// Which of the two devices wrote something.
    fn name(&self, author: &Author) -> &'static str {
        if author.device == self.phone.key() { self.phone.name } else { self.laptop.name }
    }
}

/// In which direction commits are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToLaptop,
    ToPhone,
}

fn food(name: &str) -> outlay_core::Reference {
    outlay_core::Reference::Path(vec!["Food".to_owned(), name.to_owned()])
}

fn row(expense: &Expense) -> [String; 5] {
    let amount = expense.amount.map_or_else(|| "?".to_owned(), |amount| amount.to_string());
    let category = expense.category.as_ref().map_or_else(String::new, |category| category.name.clone());
    [expense.date.to_string(), amount, expense.payee.clone(), category, expense.note.clone()]
}

/// A bar for each category in which most was spent, and one for the others together.
fn bars(totals: &[Total], currency: Currency) -> Vec<[String; 3]> {
    let name =
        |total: &Total| total.category.as_ref().map_or_else(|| "(none)".to_owned(), |category| category.name.clone());
    let spent = totals.iter().filter(|total| total.spent.currency == currency && total.spent.minor > 0);
    let mut sums: Vec<(String, i128)> = spent.map(|total| (name(total), total.spent.minor)).collect();
    sums.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    if sums.len() > BARS + 1 {
        let others = sums.split_off(BARS);
        let name = format!("{} others", others.len());
        sums.push((name, others.iter().map(|(_, minor)| minor).sum()));
    }
    let greatest = sums.iter().map(|(_, minor)| *minor).max().unwrap_or(0);
    sums.into_iter().map(|(name, minor)| [name, sum(Sum { minor, currency }), bar(minor, greatest)]).collect()
}

/// What a change set; nothing where that is what everything begins with.
fn change(change: &FieldChange) -> Option<String> {
    let (field, after) = (&change.field, described(&change.after));
    match (&change.before, &change.after) {
        (FieldValue::Empty, FieldValue::Newer | FieldValue::Flag(false)) => None,
        (FieldValue::Empty, _) => Some(format!("{field} {after}")),
        (before, _) => Some(format!("{field} {} → {after}", described(before))),
    }
}

/// The time of day of an instant, in UTC.
fn clock(time_ms: i64) -> String {
    let seconds = u32::try_from(time_ms.div_euclid(1_000).rem_euclid(86_400)).unwrap_or(0);
    TimeOfDay::from_seconds(seconds).map_or_else(String::new, |time| time.to_string())
}

fn described(value: &FieldValue) -> String {
    match value {
        FieldValue::Empty => "(none)".to_owned(),
        FieldValue::Text(text) => text.clone(),
        FieldValue::Money { amount, .. } => amount.to_string(),
        FieldValue::Date(date) => date.to_string(),
        FieldValue::Time(time) => time.to_string(),
        FieldValue::Thing(named) => named.name.clone(),
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Newer => "(newer)".to_owned(),
    }
}

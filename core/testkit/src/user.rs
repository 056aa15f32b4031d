//! What people do with the engine: everything through its public calls, and little enough that a ledger stays small.

use std::ops::ControlFlow;

use outlay_core::{
    Currency, Date, DocumentId, Edit, Engine, EntryKind, ErrorKind, Expense, Filter, ImportOptions, LedgerId, Money,
    NewExpense, Reference, Resolution, Result, Sort, TimeOfDay,
};

use crate::random::Random;

/// Entries that are looked at to choose one.
const PAGE: usize = 40;
const PAYEES: [&str; 5] = ["Café", "Bakery", "", "Shop", "Corner Market"];
/// The day on which the simulation begins, counted from 1970.
const TODAY_DAYS: i32 = 20_527;

/// Something that somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Added an entry.
    Add,
    /// Changed one.
    Edit,
    /// Put one in the trash.
    Delete,
    /// Took one out of the trash.
    Restore,
    /// Took in a file.
    Import,
    /// Took back the last thing.
    Undo,
    /// Settled a conflict, if there was one.
    Resolve(bool),
}

/// Does something in a ledger. Every now and then it is something that cannot be done.
pub fn act(engine: &Engine, ledger: LedgerId, random: &mut Random) -> (Deed, Result<()>) {
    let deed = match random.below(100) {
        0..=42 => Deed::Add,
        43..=64 => Deed::Edit,
        65..=72 => Deed::Delete,
        73..=76 => Deed::Restore,
        77..=82 => Deed::Import,
        83..=88 => Deed::Undo,
        _ => Deed::Resolve(false),
    };
    let done = match deed {
        Deed::Add => entry(random).and_then(|new| engine.add_expense(ledger, new)).map(drop),
        Deed::Edit => edit(engine, ledger, random),
        Deed::Delete => one(engine, ledger, false, random)
            .and_then(|id| id.map_or(Ok(()), |id| engine.delete_expense(ledger, id).map(drop))),
        Deed::Restore => one(engine, ledger, true, random)
            .and_then(|id| id.map_or(Ok(()), |id| engine.restore_expense(ledger, id).map(drop))),
        Deed::Import => import(engine, ledger, random),
        Deed::Undo => engine.undo().map(drop),
        Deed::Resolve(_) => match resolve(engine, ledger, random) {
            Ok(is_settled) => return (Deed::Resolve(is_settled), Ok(())),
            Err(error) => Err(error),
        },
    };
    (deed, done)
}

/// Records months of a life without an account: entries one by one, and a file.
pub fn record_for_months(engine: &Engine, ledger: LedgerId, random: &mut Random) -> Result<()> {
    for _ in 0..random.between(10, 25) {
        match engine.add_expense(ledger, entry(random)?) {
            // Somebody mistyped, and went on.
            Err(error) if error.kind() == ErrorKind::InvalidInput => {}
            added => drop(added?),
        }
    }
    import(engine, ledger, random)
}

fn edit(engine: &Engine, ledger: LedgerId, random: &mut Random) -> Result<()> {
    let Some(id) = one(engine, ledger, false, random)? else { return Ok(()) };
    let mut edit = Edit::default();
    for _ in 0..=random.below(2) {
        match random.below(7) {
            0 => edit.amount = Some(amount(random)?),
            1 | 2 => edit.payee = Some((*random.pick(&PAYEES)).to_owned()),
            3 => edit.category = Some(category(random).filter(|_| random.chance(80))),
            4 => edit.date = date(random),
            5 => edit.tags = Some(tags(random)),
            _ => edit.note = Some((*random.pick(&["", "two\nlines", "café"])).to_owned()),
        }
    }
    engine.edit_expense(ledger, id, edit).map(drop)
}

/// Some rows of one statement of a bank: every device that takes them in gets the same entries.
fn import(engine: &Engine, ledger: LedgerId, random: &mut Random) -> Result<()> {
    let first = random.below(12);
    let row = |row: usize| format!("2025-{:02}-1{},Shop {row},-{row}.50\n", 1 + row % 12, row % 9);
    let rows: String = (first..first + 1 + random.below(4)).map(row).collect();
    let options = ImportOptions { ledger: Some(ledger), ..ImportOptions::default() };
    let file = format!("Date,Payee,Amount\n{rows}");
    engine.import(file.as_bytes(), &options, &mut |_| ControlFlow::Continue(())).map(drop)
}

fn resolve(engine: &Engine, ledger: LedgerId, random: &mut Random) -> Result<bool> {
    let conflicts = engine.conflicts(ledger)?;
    if conflicts.is_empty() {
        return Ok(false);
    }
    let conflict = random.pick(&conflicts);
    let resolution = Resolution::Choose(random.below(conflict.values.len()));
    engine.resolve(conflict, resolution)?;
    Ok(true)
}

/// One of the entries; the same one more often than others, so that edits collide.
fn one(engine: &Engine, ledger: LedgerId, deleted: bool, random: &mut Random) -> Result<Option<DocumentId>> {
    let filter = Filter { deleted, ..Filter::default() };
    let sort = if random.chance(50) { Sort::Newest } else { Sort::Largest };
    let page: Vec<Expense> = engine.query(ledger, &filter, sort, None, PAGE)?.expenses;
    let at = if random.chance(40) { 0 } else { random.below(page.len()) };
    Ok(page.get(at).map(|expense| expense.id))
}

fn entry(random: &mut Random) -> Result<NewExpense> {
    let kind = *random.pick(&[EntryKind::Expense, EntryKind::Expense, EntryKind::Income, EntryKind::Transfer]);
    let mut new = NewExpense::new(amount(random)?, *random.pick(&PAYEES));
    new.kind = kind;
    new.category = category(random).filter(|_| random.chance(50));
    new.account = account(random).filter(|_| random.chance(40));
    new.to_account = account(random).filter(|_| kind == EntryKind::Transfer && random.chance(60));
    new.date = date(random);
    new.time = TimeOfDay::from_seconds(3_600).filter(|_| random.chance(20));
    new.tags = tags(random);
    Ok(new)
}

fn amount(random: &mut Random) -> Result<Money> {
    let currency = if random.chance(80) { Currency::EUR } else { Currency::parse("USD")? };
    Ok(Money::new(*random.pick(&[1, 340, 1_200, 99_999]), currency)?)
}

/// A day of the last two years; none, which is today by the device's clock, in some cases.
fn date(random: &mut Random) -> Option<Date> {
    let days_ago = if random.chance(50) { random.below(40) } else { random.below(730) };
    let day = TODAY_DAYS - i32::try_from(days_ago).unwrap_or(0);
    Date::from_days(day).filter(|_| random.chance(85))
}

fn category(random: &mut Random) -> Option<Reference> {
    let paths: [&[&str]; 5] = [&["Food"], &["FOOD"], &["Food", "Cafés"], &["food", "CAFÉS", "Deep"], &["Home"]];
    let path = *random.pick(&paths);
    Some(Reference::Path(path.iter().map(|name| (*name).to_owned()).collect()))
}

fn account(random: &mut Random) -> Option<Reference> {
    Some((*random.pick(&["Cash", "CASH", "Bank"])).into())
}

fn tags(random: &mut Random) -> Vec<String> {
    ["trip", "Work", "ü"].into_iter().filter(|_| random.chance(20)).map(str::to_owned).collect()
}

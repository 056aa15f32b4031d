//! Changing one field of an expense, durable: of expenses anywhere in the ledger, and of one that was changed often.

use std::path::Path;

use outlay_core::{Currency, DocumentId, Edit, Engine, LedgerId, Money, NewExpense, Options};

use crate::figure::{At, CHANGES, Figure};
use crate::generate::Chance;
use crate::ground::{Ground, Outcome};
use crate::meter::{Meter, Spent};
use crate::plain::Plain;
use crate::report::{Measured, Report};
use crate::work::read::some_ids;

/// Edits on each side.
const EDITS: u64 = 500;
/// Edits in turn with plain SQLite.
const TURN: usize = 50;
/// Edits of the expense that has many changes already.
const FURTHER_EDITS: u64 = 200;

pub(crate) fn run(ground: &Ground, report: &mut Report) -> Outcome<()> {
    let (engine, plain) = (ground.engine()?, ground.plain()?);
    let ids = some_ids(&engine, ground.ledger)?;
    let (mut chance, rows) = (Chance(3), plain.count()?);
    let targets: Vec<DocumentId> = (0..EDITS).map(|_| chance.one_of(&ids)).collect();
    let mut numbers = 0..EDITS;
    let (mut wall, mut plain_spent) = (Spent::default(), Spent::default());
    let whole = Meter::process();
    for turn in targets.chunks(TURN) {
        let meter = Meter::thread();
        for (number, id) in (&mut numbers).zip(turn) {
            engine.edit_expense(ground.ledger, *id, edit(number)?)?;
        }
        wall += meter.stop();
        let meter = Meter::thread();
        for number in 0..turn.len() {
            plain.set_note(1 + chance.below(rows), &format!("another note for the {number}th"))?;
        }
        plain_spent += meter.stop();
    }
    let cpu_ns = whole.stop().cpu_ns.saturating_sub(plain_spent.cpu_ns);
    let spent = Spent { cpu_ns, wall_ns: wall.wall_ns }.each(EDITS);
    put(report, At::Expenses(ground.size), spent, Some(plain_spent.each(EDITS).cpu_ns));
    Ok(())
}

/// An expense that another replica changed many times is changed here.
pub(crate) fn run_often_changed(folder: &Path, report: &mut Report) -> Outcome<()> {
    let (author, engine) = (Engine::open_in_memory()?, Engine::open(folder.join("changes.db"), Options::default())?);
    let ledger = author.create_ledger("Home", Currency::EUR)?.id;
    let id = author.add_expense(ledger, NewExpense::new(Money::parse("12.50", Currency::EUR)?, "Corner Café"))?.id;
    for number in 1..CHANGES {
        author.edit_expense(ledger, id, edit(number)?)?;
    }
    author.admit_device(ledger, engine.device_key())?;
    engine.take_in(&author.commits(ledger, &[])?)?;
    let spent = edit_often(&engine, ledger, id)?;
    put(report, At::Changes(CHANGES), spent, Some(edit_plain_often(&folder.join("changes-plain.db"))?.cpu_ns));
    Ok(())
}

fn edit_often(engine: &Engine, ledger: LedgerId, id: DocumentId) -> Outcome<Spent> {
    let meter = Meter::process();
    for number in CHANGES..CHANGES + FURTHER_EDITS {
        engine.edit_expense(ledger, id, edit(number)?)?;
    }
    Ok(meter.stop().each(FURTHER_EDITS))
}

fn edit_plain_often(path: &Path) -> Outcome<Spent> {
    let mut plain = Plain::open(path)?;
    plain.add_all(&crate::generate::Rows::new(4).file(1))?;
    let meter = Meter::process();
    for number in 0..FURTHER_EDITS {
        plain.set_note(1, &format!("another note for the {number}th"))?;
    }
    Ok(meter.stop().each(FURTHER_EDITS))
}

/// One field: a note or an amount that was not there before, in turn.
fn edit(number: u64) -> Outcome<Edit> {
    if number.is_multiple_of(2) {
        return Ok(Edit { note: Some(format!("another note for the {number}th")), ..Edit::default() });
    }
    let amount = Money::new(i64::try_from(1_000_000 + number)?, Currency::EUR)?;
    Ok(Edit { amount: Some(amount), ..Edit::default() })
}

fn put(report: &mut Report, at: At, spent: Spent, plain: Option<u64>) {
    let measured = Measured { value: spent.cpu_ns, wall_ns: Some(spent.wall_ns), plain, ..Measured::default() };
    report.put(Figure::Edit, at, measured);
}

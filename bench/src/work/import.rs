//! Importing 100,000 rows that were parsed before, and undoing that.

use outlay_core::{Engine, Filter, Sort};

use crate::figure::{At, Figure};
use crate::ground::{Built, Ground, IMPORT_ROWS, Outcome};
use crate::meter::{Meter, Spent};
use crate::report::{Measured, Report};

/// Puts down what the import into an empty ledger took when the ground was made.
pub(crate) fn put_built(built: &Built, report: &mut Report) {
    put(report, 0, built.engine, built.plain);
}

/// Imports into a ledger that is there, looks at it and undoes it.
pub(crate) fn run(ground: &mut Ground, report: &mut Report) -> Outcome<()> {
    let (engine, mut plain) = (ground.engine()?, ground.plain()?);
    let rows = ground.file(IMPORT_ROWS);
    let before = count(&engine, ground)?;
    let spent = ground.import(&engine, &rows)?;
    put(report, ground.size, spent, ground.import_plain(&mut plain, &rows)?);
    if count(&engine, ground)? != before + IMPORT_ROWS as u64 {
        return Err("what was imported is not in the totals".into());
    }
    let last = rows.last().ok_or("nothing was imported")?;
    let found = Filter { text: Some(last.note.clone()), ..Filter::default() };
    if engine.query(ground.ledger, &found, Sort::Newest, None, 1)?.expenses.is_empty() {
        return Err("what was imported is not found".into());
    }
    undo(&engine, ground, report)?;
    if count(&engine, ground)? != before {
        return Err("the import was not undone".into());
    }
    Ok(())
}

fn undo(engine: &Engine, ground: &Ground, report: &mut Report) -> Outcome<()> {
    let meter = Meter::process();
    let undone = engine.undo()?.ok_or("there was nothing to undo")?;
    let spent = meter.stop();
    if undone.changed != IMPORT_ROWS as u64 {
        return Err("the undo changed other rows than the import".into());
    }
    let measured = Measured { value: spent.cpu_ns, wall_ns: Some(spent.wall_ns), ..Measured::default() };
    report.put(Figure::Undo, At::Expenses(ground.size), measured);
    Ok(())
}

fn count(engine: &Engine, ground: &Ground) -> Outcome<u64> {
    let (year, month, _) = crate::generate::FIRST_DAY;
    let first = outlay_core::Month::from_year_month(year, month)?;
    let last = outlay_core::Month::from_date(outlay_core::Date::MAX);
    Ok(engine.totals(ground.ledger, first, last)?.iter().map(|total| total.count).sum())
}

fn put(report: &mut Report, size: u64, spent: Spent, plain: Spent) {
    let per_second = |spent: Spent| IMPORT_ROWS as u64 * 1_000_000_000 / spent.cpu_ns.max(1);
    let measured = Measured {
        value: per_second(spent),
        cpu_ns: Some(spent.cpu_ns),
        wall_ns: Some(spent.wall_ns),
        plain: Some(per_second(plain)),
    };
    report.put(Figure::Import, At::Expenses(size), measured);
}

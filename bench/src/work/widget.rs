//! A widget: a process that adds one expense while an app has the database open, and the app that sees it.
//!
//! What is timed is of the wall and begins before the process does; the system's loading of this program is in it.

use std::path::Path;
use std::process::Command;

use outlay_core::{Engine, NewExpense, Options};

use crate::child::{self, Task};
use crate::figure::{At, Figure};
use crate::generate::Rows;
use crate::ground::{Ground, Outcome};
use crate::meter::{Meter, median};
use crate::report::{Measured, Report};
use crate::work::sync::{Newest, newest};

/// Processes, one after the other.
const PROCESSES: u64 = 21;
/// The seed of what they add.
const SEED: u64 = 98;

pub(crate) fn run(ground: &Ground, report: &mut Report) -> Outcome<()> {
    let app = ground.engine()?;
    let shown = Newest::of(&app, ground.ledger)?;
    let (mut whole, mut seen) = (Vec::new(), Vec::new());
    for number in 0..PROCESSES {
        let meter = Meter::process();
        child::run(&mut Command::new(std::env::current_exe()?), Task::QuickAdd, ground.path(), number)?;
        whole.push(meter.stop().wall_ns);
        shown.wait_for(&expense(number)?.note)?;
        seen.push(meter.stop().wall_ns);
    }
    let most = [&whole, &seen].map(|values| values.iter().copied().max().unwrap_or(0));
    let mut put =
        |figure, value| report.put(figure, At::Expenses(ground.size), Measured { value, ..Measured::default() });
    put(Figure::QuickAdd, median(&mut whole));
    put(Figure::QuickAddMost, most[0]);
    put(Figure::QuickAddSeen, most[1]);
    Ok(())
}

/// What the process does: it opens, adds the expense of its number, and closes.
pub(crate) fn in_child(path: &Path, number: u64) -> Outcome<()> {
    let engine = Engine::open(path, Options::default())?;
    let ledger = engine.ensure_default_ledger()?.id;
    engine.add_expense(ledger, expense(number)?)?;
    Ok(())
}

fn expense(number: u64) -> Outcome<NewExpense> {
    let row = Rows::new(SEED + number).next().ok_or("there are no rows")?;
    newest(&row, i32::try_from(number)?)
}

//! Opening in a fresh process a database that is not in the page cache, and showing the first screen.
//!
//! What the system takes to load this benchmark's program is not of the engine, and has a row of its own.

use std::path::Path;
use std::process::Command;

use outlay_core::{Engine, Filter, Options, Sort};

use crate::child::{self, Account, Task};
use crate::figure::{At, Figure};
use crate::generate::month;
use crate::ground::{Ground, Outcome, drop_from_page_cache};
use crate::meter::{Meter, median};
use crate::plain::Plain;
use crate::report::{Measured, Report};
use crate::work::read::{PAGE, PAGE_ROWS};

/// Processes, of which the one in the middle counts.
const OPENS: usize = 7;

pub(crate) fn run(ground: &Ground, report: &mut Report) -> Outcome<()> {
    let at = At::Expenses(ground.size);
    let (engine, wall_ns) = open_cold(ground.path(), Task::Open)?;
    let (plain, _) = open_cold(ground.plain_path(), Task::OpenPlain)?;
    let time = Measured { value: engine.cpu_ns, plain: Some(plain.cpu_ns), wall_ns: Some(wall_ns), cpu_ns: None };
    report.put(Figure::OpenTime, at, time);
    let load = Measured { value: engine.load_ns, plain: Some(plain.load_ns), ..Measured::default() };
    report.put(Figure::OpenLoad, at, load);
    let memory = Measured { value: engine.memory_bytes, plain: Some(plain.memory_bytes), ..Measured::default() };
    report.put(Figure::OpenMemory, at, memory);
    Ok(())
}

/// What the child does with the engine, which is still open then: closing is not part of it.
pub(crate) fn in_child(path: &Path) -> Outcome<Engine> {
    let engine = Engine::open(path, Options::default())?;
    let ledger = engine.default_ledger()?.ok_or("the database has no default ledger")?.id;
    let page = engine.query(ledger, &Filter::default(), Sort::Newest, None, PAGE)?;
    let month = month()?;
    let totals = engine.totals(ledger, month, month)?;
    if page.expenses.len() == PAGE && !totals.is_empty() {
        Ok(engine)
    } else {
        Err("the first screen is not whole".into())
    }
}

/// What it does with plain SQLite.
pub(crate) fn in_plain_child(path: &Path) -> Outcome<Plain> {
    let (plain, month) = (Plain::open(path)?, month()?);
    let is_whole = plain.newest(PAGE_ROWS)? == PAGE
        && plain.month(&month.first_day().to_string(), &month.last_day().to_string())? > 0;
    if is_whole { Ok(plain) } else { Err("the first screen is not whole".into()) }
}

/// Each figure of several processes in the middle, and the wall time of the parent's waiting.
fn open_cold(path: &Path, task: Task) -> Outcome<(Account, u64)> {
    let (mut load, mut cpu, mut memory, mut wall) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut read_bytes = u64::MAX;
    for _ in 0..OPENS {
        drop_from_page_cache(path)?;
        let meter = Meter::process();
        let output = child::run(&mut Command::new(std::env::current_exe()?), task, path, 1)?;
        wall.push(meter.stop().wall_ns);
        let account: Account = serde_json::from_slice(&output.stdout)?;
        load.push(account.load_ns);
        cpu.push(account.cpu_ns);
        memory.push(account.memory_bytes);
        read_bytes = read_bytes.min(account.read_bytes);
    }
    if read_bytes == 0 {
        return Err("the database stayed in the page cache, so it was not opened cold".into());
    }
    let (load_ns, cpu_ns, memory_bytes) = (median(&mut load), median(&mut cpu), median(&mut memory));
    Ok((Account { load_ns, cpu_ns, memory_bytes, read_bytes }, median(&mut wall)))
}

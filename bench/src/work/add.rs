//! Adding expenses one by one, each durable, in turn with the bare SQLite row.
//!
//! Median and 99th percentile are of the calling thread: what an app waits for, without the waiting for the disk. The mean is
//! of the whole process, with what the engine does in the background. Syncs are counted by strace on a child.
//!
//! While the file of a write-ahead log grows, each page of it costs the file system more than later, when the file is written
//! over; so it is for plain SQLite too. Those adds have a row of their own.

use std::path::Path;
use std::process::Command;

use outlay_core::{Engine, LedgerId, Options};

use crate::child::{self, Task};
use crate::figure::{At, Figure};
use crate::generate::{Row, Rows};
use crate::ground::{Ground, Outcome};
use crate::meter::{Meter, median, percentile};
use crate::plain::Plain;
use crate::report::{Measured, Report};

/// Expenses added on each side.
const ADDS: usize = 1_000;
/// Those before, which prepare statements, fill caches and give the write-ahead logs of both sides the length that they keep:
/// plain SQLite's grows for some 400.
const FIRST_ADDS: usize = 500;
/// Adds in turn: the machine's mood changes slower than this.
const TURN: usize = 50;
/// Adds of the child whose syncs are counted: few enough that no checkpoint falls into them.
const COUNTED_ADDS: u64 = 50;
/// The seed of what children add.
const CHILD_SEED: u64 = 99;

pub(crate) fn run(ground: &mut Ground, report: &mut Report) -> Outcome<()> {
    let at = At::Expenses(ground.size);
    let (engine, plain_side) = (ground.engine()?, ground.plain()?);
    let rows = ground.more(FIRST_ADDS);
    report.put(Figure::AddFirst, at, in_turn(ground.ledger, &engine, &plain_side, &rows)?.middle());
    let rows = ground.more(ADDS);
    let whole = Meter::process();
    let mut adds = in_turn(ground.ledger, &engine, &plain_side, &rows)?;
    let mean = whole.stop().cpu_ns.saturating_sub(adds.plain_ns) / ADDS as u64;
    let measured = adds.middle();
    report.put(Figure::Add, at, measured);
    report.put(Figure::AddSpread, at, Measured { value: mean * 1_000 / measured.value.max(1), ..Measured::default() });
    report.put(Figure::AddTail, at, Measured { value: percentile(&mut adds.each, 99), ..Measured::default() });
    // strace slows processes down, so it comes last and nothing else is taken from it.
    drop((engine, plain_side));
    let (value, plain) = (syncs(ground.path(), Task::Add)?, syncs(ground.plain_path(), Task::AddPlain)?);
    report.put(Figure::AddSyncs, at, Measured { value, plain: Some(plain), ..Measured::default() });
    Ok(())
}

/// Adds on both sides.
struct Adds {
    /// Nanoseconds of the calling thread for each.
    each: Vec<u64>,
    plain_each: Vec<u64>,
    /// Of the wall, for all that are not plain.
    wall_ns: u64,
    /// Of the processor, for all that are.
    plain_ns: u64,
}

impl Adds {
    fn middle(&mut self) -> Measured {
        let (value, plain) = (median(&mut self.each), Some(median(&mut self.plain_each)));
        let wall_ns = Some(self.wall_ns / self.each.len().max(1) as u64);
        Measured { value, plain, wall_ns, ..Measured::default() }
    }
}

fn in_turn(ledger: LedgerId, engine: &Engine, plain_side: &Plain, rows: &[Row]) -> Outcome<Adds> {
    let mut adds = Adds { each: Vec::new(), plain_each: Vec::new(), wall_ns: 0, plain_ns: 0 };
    for turn in rows.chunks(TURN) {
        for row in turn {
            let new = row.expense()?;
            let meter = Meter::thread();
            engine.add_expense(ledger, new)?;
            let spent = meter.stop();
            adds.each.push(spent.cpu_ns);
            adds.wall_ns += spent.wall_ns;
        }
        for row in turn {
            let meter = Meter::thread();
            plain_side.add(row)?;
            let spent = meter.stop();
            adds.plain_each.push(spent.cpu_ns);
            adds.plain_ns += spent.cpu_ns;
        }
    }
    Ok(adds)
}

/// What a child does: it opens, and adds so many.
pub(crate) fn in_child(path: &Path, count: usize) -> Outcome<()> {
    let engine = Engine::open(path, Options::default())?;
    let ledger = engine.ensure_default_ledger()?.id;
    for row in Rows::new(CHILD_SEED).take(count) {
        engine.add_expense(ledger, row.expense()?)?;
    }
    // Closing would checkpoint, which syncs.
    std::mem::forget(engine);
    Ok(())
}

/// The same with plain SQLite.
pub(crate) fn in_plain_child(path: &Path, count: usize) -> Outcome<()> {
    let plain = Plain::open(path)?;
    Rows::new(CHILD_SEED).take(count).try_for_each(|row| plain.add(&row))?;
    std::mem::forget(plain);
    Ok(())
}

/// Syncs of one add, in thousandths: of a process that adds many, less those of one that only adds one.
fn syncs(path: &Path, task: Task) -> Outcome<u64> {
    // The first child leaves a WAL behind, so that the two that count find the same.
    syncs_of_child(path, task, 1)?;
    let one = syncs_of_child(path, task, 1)?;
    let many = syncs_of_child(path, task, 1 + COUNTED_ADDS)?;
    Ok(many.saturating_sub(one) * 1_000 / COUNTED_ADDS)
}

fn syncs_of_child(path: &Path, task: Task, count: u64) -> Outcome<u64> {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-e", "trace=fsync,fdatasync,msync"]).arg(std::env::current_exe()?);
    let output = child::run(&mut traced, task, path, count)
        .map_err(|error| format!("fsyncs are counted with strace, which `make setup` installs: {error}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    // A call that another thread interrupts is printed in two lines, and only the first has the bracket.
    Ok(log.lines().filter(|line| line.contains("sync(")).count() as u64)
}

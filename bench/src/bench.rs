//! The program `bench`: the engine beside plain SQLite in the same run, and engines that sync through a server.
//!
//! It needs Linux, 1.5 GB beside the JSON file, strace for one figure, and the server's program beside its own.
//! `--largest` leaves ledgers above a size out, and `--only` every part but those whose name begins so; what is left out
//! is not run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::child;
use crate::figure::{self, SIZES};
use crate::ground::{Ground, Outcome};
use crate::report::{self, Report, grouped, step};
use crate::work::{add, disk, edit, exchange, import, insight, open, read, sync, widget, wire};

const USAGE: &str = "usage: bench [--largest N] [--only PART] [JSON]";
const NOTE: &str = "Times are of the processor, user and kernel, all threads of the process; \"take in\" and all with a server \
                    are of the wall.";

struct Arguments {
    json: PathBuf,
    largest: u64,
    only: String,
}

/// The program `bench`; see the arguments of `make bench`. 1 if a figure is over its limit or was not taken.
pub fn bench() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = child::work(&arguments).unwrap_or_else(|| measure(&arguments));
    report::exit_code("bench", done)
}

fn measure(arguments: &[String]) -> Outcome<()> {
    let arguments = parse(arguments)?;
    report::take(figure::lines(), NOTE, &arguments.json, |folder, report| run_all(folder, &arguments, report))
}

fn parse(arguments: &[String]) -> Outcome<Arguments> {
    let mut parsed = Arguments { json: PathBuf::from("target/bench.json"), largest: u64::MAX, only: String::new() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--largest" => parsed.largest = rest.next().ok_or(USAGE)?.parse()?,
            "--only" => parsed.only = rest.next().ok_or(USAGE)?.clone(),
            option if option.starts_with('-') => return Err(USAGE.into()),
            path => parsed.json = PathBuf::from(path),
        }
    }
    Ok(parsed)
}

fn run_all(folder: &Path, arguments: &Arguments, report: &mut Report) {
    if "engine".starts_with(&arguments.only) {
        run_engine(folder, arguments.largest, report);
    }
    if "insight".starts_with(&arguments.only) {
        step("insights", report, |report| insight::run(folder, report));
    }
    for (name, part) in sync::PARTS {
        if name.starts_with(&arguments.only) {
            step(name, report, |report| part(folder, report));
        }
    }
}

fn run_engine(folder: &Path, largest: u64, report: &mut Report) {
    step("a batch as it travels", report, |report| wire::run(folder, report));
    step("taking in what another replica wrote", report, |report| exchange::run(folder, report));
    step("an expense of many changes", report, |report| edit::run_often_changed(folder, report));
    for size in [0].into_iter().chain(SIZES).filter(|size| *size <= largest) {
        let mut ground = None;
        step(&format!("a ledger of {}", grouped(size)), report, |report| {
            let (made, built) = Ground::build(folder, size)?;
            if size == 100_000 {
                import::put_built(&built, report);
            }
            ground = Some(made);
            Ok(())
        });
        if let Some(ground) = &mut ground {
            run_at(ground, report);
        }
    }
}

/// Everything that is measured on one size. What writes comes after what reads, adding before editing, whose search index is
/// brought up to date later, and opening last: it drops the files from the kernel's cache, and the rest is of a ledger in use.
fn run_at(ground: &mut Ground, report: &mut Report) {
    if ground.size > 0 {
        step("  disk", report, |report| disk::run(ground, report));
        step("  reading", report, |report| read::run(ground, report));
    }
    step("  adding", report, |report| add::run(ground, report));
    if ground.size > 0 {
        step("  editing", report, |report| edit::run(ground, report));
    }
    if ground.size == SIZES[SIZES.len() - 1] {
        step("  importing and undoing", report, |report| import::run(ground, report));
    }
    if ground.size > 0 {
        step("  adding by another process", report, |report| widget::run(ground, report));
        step("  opening", report, |report| open::run(ground, report));
    }
}

//! Measures the engine beside plain SQLite in the same run, and says where a limit is not kept.
//!
//! `bench [--largest N] [JSON]` prints a table, writes the JSON file (`target/bench.json` unless named) and ends with 1
//! if a figure is over its limit or was not taken. It needs Linux, 1.5 GB beside the JSON file and strace for one figure.
//! `--largest` leaves ledgers above a size out, which then are not run.

mod child;
mod figure;
mod generate;
mod ground;
mod meter;
mod plain;
mod report;
mod work;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use figure::SIZES;
use ground::{Ground, Outcome};
use meter::Meter;
use report::{Report, grouped, time};
use work::{add, disk, edit, exchange, import, open, read, wire};

const USAGE: &str = "usage: bench [--largest N] [JSON]";

struct Arguments {
    json: PathBuf,
    largest: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = child::work(&arguments).unwrap_or_else(|| measure(&arguments));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[String]) -> Outcome<()> {
    let arguments = parse(arguments)?;
    let beside = arguments.json.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(beside)?;
    let folder = tempfile::tempdir_in(beside)?;
    let (mut report, whole) = (Report::default(), Meter::process());
    run_all(folder.path(), arguments.largest, &mut report);
    println!();
    report.print(&mut std::io::stdout())?;
    std::fs::write(&arguments.json, report.json()?)?;
    println!("\n{} in all; figures in {}", time(whole.stop().wall_ns), arguments.json.display());
    if report.is_kept() { Ok(()) } else { Err("a figure is over its limit, or was not run".into()) }
}

fn parse(arguments: &[String]) -> Outcome<Arguments> {
    let mut parsed = Arguments { json: PathBuf::from("target/bench.json"), largest: u64::MAX };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--largest" => parsed.largest = rest.next().ok_or(USAGE)?.parse()?,
            option if option.starts_with('-') => return Err(USAGE.into()),
            path => parsed.json = PathBuf::from(path),
        }
    }
    Ok(parsed)
}

fn run_all(folder: &Path, largest: u64, report: &mut Report) {
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

/// Everything that is measured on one size. What writes comes after what reads.
fn run_at(ground: &mut Ground, report: &mut Report) {
    if ground.size > 0 {
        step("  disk", report, |report| disk::run(ground, report));
        step("  opening", report, |report| open::run(ground, report));
        step("  reading", report, |report| read::run(ground, report));
        step("  editing", report, |report| edit::run(ground, report));
    }
    step("  adding", report, |report| add::run(ground, report));
    if ground.size == SIZES[SIZES.len() - 1] {
        step("  importing and undoing", report, |report| import::run(ground, report));
    }
}

/// Does one part, and says on standard error what it is and how long it took. What fails leaves its lines empty.
fn step(name: &str, report: &mut Report, work: impl FnOnce(&mut Report) -> Outcome<()>) {
    let meter = Meter::process();
    let done = work(report);
    eprintln!("{name:<40} {:>10}", time(meter.stop().wall_ns));
    if let Err(error) = done {
        report.note_not_run(format!("{}: {error}", name.trim_start()));
    }
}

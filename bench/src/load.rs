//! The program `load`: the real server in one process, everybody who talks to it in another.
//!
//! Commits are signed and frames encoded before anything is timed, so that what is measured is the server. Every write has
//! its time by a clock that does not wait for the server: one that comes late because those before it were slow counts
//! from when it was due.

pub(crate) mod chart;
mod crowd;
mod deaf;
mod fan_out;
mod hostile;
mod idle;
pub(crate) mod ingest;
pub(crate) mod person;
mod programs;
mod storm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Runtime;

use crate::figure::{self, IDLE_SOCKETS};
use crate::ground::Outcome;
use crate::report::{self, Report, step};
use crowd::Crowd;

const USAGE: &str = "usage: load [--seconds N] [JSON]";
const NOTE: &str = "Times are of the wall, from when a write was due to when it was read from the last socket it went to or, \
                    for the 99th of 100, from that one.";
/// How long writes are fanned out unless it is said.
const SECONDS: u64 = 30;
/// Files beside the sockets: databases, logs, the runtime's own.
const FILES: u64 = 512;

struct Arguments {
    json: PathBuf,
    seconds: u64,
}

/// The program `load`; see the arguments of `make load`. 1 if a figure is over its limit or was not taken.
pub fn load() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    report::exit_code("load", measure(&arguments))
}

fn measure(arguments: &[String]) -> Outcome<()> {
    let arguments = parse(arguments)?;
    let work = |folder: &Path, report: &mut Report| run_all(folder, &arguments, report);
    let taken = report::take(figure::load_lines(), NOTE, &arguments.json, work);
    println!("latency over time in {}", arguments.svg().display());
    taken
}

fn run_all(folder: &Path, arguments: &Arguments, report: &mut Report) {
    step("taking in", report, |report| ingest::run(&folder.join("ingest"), report));
    step("hostile frames", report, |report| hostile::run(&folder.join("hostile"), report));
    step("programs", report, |report| programs::run(&folder.join("programs"), arguments.seconds, report));
    step("sockets for all", report, |_| allow_files(IDLE_SOCKETS + FILES));
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return report.note_not_run(format!("the crowd: {error}")),
    };
    let (crowded, mut crowd) = (folder.join("crowd"), None);
    step("a crowd", report, |_| {
        crowd = Some(runtime.block_on(Crowd::gather(&crowded, arguments.seconds))?);
        Ok(())
    });
    let Some(mut crowd) = crowd else { return };
    step("fanning out", report, |report| {
        let samples = runtime.block_on(fan_out::run(&mut crowd, arguments.seconds, report))?;
        std::fs::write(arguments.svg(), chart::draw(&samples, arguments.seconds))?;
        Ok(())
    });
    step("deaf sockets", report, |report| runtime.block_on(deaf::run(&mut crowd, report)));
    let mut back = None;
    step("a storm", report, |report| {
        back = Some(runtime.block_on(storm::run(&crowded, crowd, report))?);
        Ok(())
    });
    let Some(crowd) = back else { return };
    step("standing by", report, |report| runtime.block_on(idle::run(&crowded, crowd, report)));
}

/// As many open files as this needs, for this process and those it starts.
fn allow_files(count: u64) -> Outcome<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= count) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < count) {
        return Err(format!("{count} files must be open at once, and the limit (ulimit -Hn) is lower").into());
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum: limit.maximum })?)
}

/// Everything that talks to the server runs on one thread: the other core is the server's.
fn runtime() -> Outcome<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Does one thing that talks to the server.
pub(crate) fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    runtime()?.block_on(work)
}

fn parse(arguments: &[String]) -> Outcome<Arguments> {
    let mut parsed = Arguments { json: PathBuf::from("target/load.json"), seconds: SECONDS };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--seconds" => parsed.seconds = rest.next().ok_or(USAGE)?.parse::<u64>()?.max(1),
            option if option.starts_with('-') => return Err(USAGE.into()),
            path => parsed.json = PathBuf::from(path),
        }
    }
    Ok(parsed)
}

impl Arguments {
    fn svg(&self) -> PathBuf {
        self.json.with_extension("svg")
    }
}

//! The program `insight-eval`: what the insights find in a household that one has as a CSV, written as files of answers
//! that can be scored against the truth, and printed for whoever wants to read it.
//!
//! It does what a device does, row by row and month by month, and knows no truth. Every row is named by its line in the
//! file, from 1, the header counted.

mod anomaly;
mod categorise;
mod forecast;
mod household;
mod map;
mod patterns;
mod recurring;

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::ground::Outcome;
use crate::report;
use household::Household;

const USAGE: &str = "usage: insight-eval CSV OUT [--map COLUMNS] [--tasks DIR]";

struct Arguments {
    csv: PathBuf,
    out: PathBuf,
    map: Option<PathBuf>,
    tasks: Option<PathBuf>,
}

/// The program `insight-eval`; see the arguments of `make insight-eval`. 1 if a file cannot be read or written.
pub fn insight() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    report::exit_code("insight-eval", evaluate(&arguments))
}

fn evaluate(arguments: &[String]) -> Outcome<()> {
    let arguments = parse(arguments)?;
    let household = Household::read(&arguments.csv, arguments.map.as_deref())?;
    say(format_args!("{household}\n"));
    fs::create_dir_all(&arguments.out)?;
    write(&arguments.out, "categorise", &categorise::answers(&household))?;
    write(&arguments.out, "recurring", &recurring::answers(&household))?;
    write(&arguments.out, "forecast", &forecast::answers(&household))?;
    if let Some(tasks) = &arguments.tasks {
        let [own, any] = anomaly::answers(tasks)?;
        write(&arguments.out, "anomaly", &own)?;
        write(&arguments.out, "anomaly-any", &any)?;
    }
    say(anomaly::found(&household) + &patterns::found(&household));
    Ok(())
}

fn parse(arguments: &[String]) -> Outcome<Arguments> {
    let (mut files, mut map, mut tasks) = (Vec::new(), None, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--map" => map = Some(rest.next().ok_or(USAGE)?.into()),
            "--tasks" => tasks = Some(rest.next().ok_or(USAGE)?.into()),
            file => files.push(PathBuf::from(file)),
        }
    }
    let [csv, out] = <[PathBuf; 2]>::try_from(files).map_err(|_| USAGE)?;
    Ok(Arguments { csv, out, map, tasks })
}

/// Writes answers and says where.
fn write(folder: &Path, name: &str, answers: &str) -> Outcome<()> {
    let path = folder.join(format!("{name}.csv"));
    fs::write(&path, answers)?;
    say(format_args!("{}: {} answers\n", path.display(), answers.lines().count().saturating_sub(1)));
    Ok(())
}

/// Prints for whoever reads along. One who stopped reading, as `head` does, ends nothing: the answers are in files.
fn say(text: impl Display) {
    let _ = write!(io::stdout(), "{text}");
}

/// A text as a cell of a CSV.
fn cell(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

//! The tour: what Outlay does, in one command and on this machine alone.
//!
//! `outlay-tour [CSV]` gives one person a phone, a laptop and a tablet in a temporary folder, and later a server, which is
//! the real program as a process of its own: `outlay-server` beside this one, or the one that `$OUTLAY_SERVER` names.
//! Expenses are imported (a sample, or the CSV), the server is killed in the middle of a sync, the same expense is changed
//! on two devices, and all three end up alike. It ends with 1 if they do not.

mod device;
mod page;
mod sample;
mod server;
mod tour;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use device::Outcome;
use tour::Setup;

/// Years that the tablet sends: about eight thousand entries, a few hundred kilobytes.
const EARLIER_YEARS: i32 = 14;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = io::stdout().lock();
    let done = setup(&arguments).and_then(|setup| tour::run(&setup, &mut out));
    let done = done.and_then(|()| Ok(out.flush()?));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("outlay-tour: {error}");
            ExitCode::FAILURE
        }
    }
}

fn setup(arguments: &[String]) -> Outcome<Setup> {
    let (name, csv) = match arguments {
        [] => ("a year of one household, made up for this tour".to_owned(), sample::csv().into_bytes()),
        [path] => (path.clone(), std::fs::read(path).map_err(|error| format!("{path}: {error}"))?),
        _ => return Err("usage: outlay-tour [CSV]".into()),
    };
    Ok(Setup { name, csv, earlier_years: EARLIER_YEARS, server: server_program()?, is_coloured: is_coloured() })
}

/// The program of the server.
fn server_program() -> Outcome<PathBuf> {
    if let Some(named) = std::env::var_os("OUTLAY_SERVER") {
        return Ok(PathBuf::from(named));
    }
    let beside = std::env::current_exe()?.with_file_name(format!("outlay-server{}", std::env::consts::EXE_SUFFIX));
    if beside.exists() {
        return Ok(beside);
    }
    Err(format!("there is no {}: `make tour` builds it, or $OUTLAY_SERVER says where it is", beside.display()).into())
}

/// Colour is for a terminal, and for nobody who does not want it.
fn is_coloured() -> bool {
    let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    is_wanted && io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests;

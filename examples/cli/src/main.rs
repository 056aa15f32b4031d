//! `outlay`: the engine on the command line.
//!
//! Every command opens the database of one home folder, does one thing and ends. Nothing here knows SQL, CRDTs or
//! CSV; this program parses what was typed, calls [`outlay_core::Engine`] and prints what it answers, as tables for
//! people or as one JSON object a line for scripts.
//!
//! It ends with 0 when it did what was asked, with 1 and a message on standard error when it did not, and with 2 when
//! the command itself was wrong.

mod args;
mod command;
mod failure;
mod home;
mod input;
mod lookup;
mod output;
mod password;
mod plot;
mod territory;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Arguments;
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return misused(&error),
    };
    let mut out = Output::new(arguments.json);
    let done = command::run(&arguments, &mut out).and_then(|()| out.finish());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure, arguments.json),
    }
}

/// Help and the version are asked for and end with 0; everything else that clap reports is wrong usage.
fn misused(error: &clap::Error) -> ExitCode {
    let is_json = std::env::args_os().any(|argument| argument == "--json");
    if is_json && error.use_stderr() {
        return failed(&Failure::usage(error.to_string().trim_end()), true);
    }
    // If the message cannot be written there is nobody left to tell.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { failure::EXIT_USAGE } else { 0 })
}

fn failed(failure: &Failure, is_json: bool) -> ExitCode {
    if let Some(text) = failure.text(is_json) {
        output::complain(&text);
    }
    ExitCode::from(failure.exit_code())
}

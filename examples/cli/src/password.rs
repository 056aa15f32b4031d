//! A password: from the environment for scripts, else asked for on the terminal without echo.
//!
//! It is never an argument: those are seen by everybody on the machine, and kept in the history of shells.

use std::io;

use crate::failure::Failure;

const VARIABLE: &str = "OUTLAY_PASSWORD";

/// The password of an account that there is.
pub(crate) fn known() -> Result<String, Failure> {
    from_environment().map_or_else(|| ask("Password: "), Ok)
}

/// A password for an account that is being made: typed twice, since nobody sees what is typed.
pub(crate) fn new() -> Result<String, Failure> {
    if let Some(password) = from_environment() {
        return Ok(password);
    }
    let password = ask("New password: ")?;
    if password == ask("Once more: ")? { Ok(password) } else { Err(Failure::invalid("the two passwords differ")) }
}

fn from_environment() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|password| !password.is_empty())
}

fn ask(prompt: &str) -> Result<String, Failure> {
    let password = rpassword::prompt_password(prompt).map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof => Failure::invalid("no password was typed"),
        _ => Failure::usage(format!("there is no terminal to ask for a password: set ${VARIABLE}")),
    })?;
    if password.is_empty() { Err(Failure::invalid("no password was typed")) } else { Ok(password) }
}

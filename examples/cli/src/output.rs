//! What goes to standard output: JSON, one object a line, or lines and tables for people.
//!
//! Colour is used on a terminal only, and never when `NO_COLOR` is set. A reader that closes the pipe ends the
//! command quietly.

pub(crate) mod bar;
pub(crate) mod insight;
pub(crate) mod json;
pub(crate) mod table;
pub(crate) mod text;

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use serde::Serialize;

use crate::failure::Failure;
use crate::output::table::Table;

/// Where a command puts what it has to say.
pub(crate) struct Output {
    is_json: bool,
    is_terminal: bool,
    is_coloured: bool,
    to: BufWriter<Stdout>,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let is_coloured =
            is_terminal && !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { is_json, is_terminal, is_coloured, to: BufWriter::new(io::stdout()) }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Writes one object on one line.
    pub(crate) fn object(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.to, object)?;
        Ok(self.to.write_all(b"\n")?)
    }

    pub(crate) fn line(&mut self, line: impl AsRef<str>) -> Result<(), Failure> {
        Ok(writeln!(self.to, "{}", line.as_ref())?)
    }

    /// A line above what belongs together.
    pub(crate) fn heading(&mut self, title: &str) -> Result<(), Failure> {
        let (begin, end) = if self.is_coloured { (table::BOLD, table::PLAIN) } else { ("", "") };
        Ok(writeln!(self.to, "{begin}{title}{end}")?)
    }

    pub(crate) fn table(&mut self, table: &Table) -> Result<(), Failure> {
        Ok(table.write(&mut self.to, self.is_terminal, self.is_coloured)?)
    }

    /// Something that is of no interest to a script: it goes to standard error, and not with `--json`.
    pub(crate) fn remark(&self, text: impl AsRef<str>) {
        if !self.is_json {
            complain(text.as_ref());
        }
    }

    /// For what is written as bytes.
    pub(crate) fn bytes(&mut self) -> &mut impl Write {
        &mut self.to
    }

    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.to.flush()?)
    }
}

/// Writes a line to standard error. If nobody reads that either, there is no one to tell.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

//! What happened, as lines: the last of them to read, and a hash over all of them to compare two runs.

use std::collections::VecDeque;
use std::fmt;

/// Lines kept to be read when something went wrong.
const LINES_KEPT_MAX: usize = 60;

/// The course of one run.
#[derive(Debug, Default)]
pub struct Trace {
    lines: VecDeque<String>,
    hasher: blake3::Hasher,
    count: u64,
    echo: bool,
}

impl Trace {
    /// A trace that also prints each line to standard error, if wanted.
    pub fn new(echo: bool) -> Self {
        Self { echo, ..Self::default() }
    }

    /// Adds a line.
    pub fn say(&mut self, at_ms: i64, line: fmt::Arguments<'_>) {
        let line = format!("{:>7}.{:03}  {line}", at_ms.div_euclid(1_000), at_ms.rem_euclid(1_000));
        if self.echo {
            eprintln!("{line}");
        }
        self.hasher.update(line.as_bytes()).update(b"\n");
        self.count += 1;
        if self.lines.len() == LINES_KEPT_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Adds a line that is too much to read, unless every line is printed.
    pub fn note(&mut self, at_ms: i64, line: fmt::Arguments<'_>) {
        let line = format!("{:>7}.{:03}    {line}", at_ms.div_euclid(1_000), at_ms.rem_euclid(1_000));
        if self.echo {
            eprintln!("{line}");
        }
        self.hasher.update(line.as_bytes()).update(b"\n");
        self.count += 1;
    }

    /// How many lines there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// A hash over all lines: equal for two runs in which the same happened.
    pub fn digest(&self) -> [u8; 32] {
        self.hasher.finalize().into()
    }

    /// The last lines, the oldest first.
    pub fn last(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}

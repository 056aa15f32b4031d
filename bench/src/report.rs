//! The table and the JSON file: each figure beside its limit and beside plain SQLite.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::figure::{At, Figure, Limit, Line, Unit};
use crate::ground::Outcome;
use crate::meter::Meter;

/// What was measured of one line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    /// In the unit of the figure.
    pub(crate) value: u64,
    /// Nanoseconds of the processor, where the figure itself is not that.
    pub(crate) cpu_ns: Option<u64>,
    /// Nanoseconds of the wall.
    pub(crate) wall_ns: Option<u64>,
    /// The same of plain SQLite, in the unit of the figure.
    pub(crate) plain: Option<u64>,
}

/// What is known so far.
#[derive(Debug)]
pub(crate) struct Report {
    lines: Vec<Line>,
    measured: HashMap<(Figure, At), Measured>,
    not_run: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Fail,
    NotRun,
    /// There is no limit.
    Information,
}

/// A line of the JSON file. Times are in nanoseconds; what has no such figure is null.
#[derive(Debug, Serialize)]
struct Entry {
    work: &'static str,
    at: String,
    unit: &'static str,
    value: Option<u64>,
    cpu_ns: Option<u64>,
    wall_ns: Option<u64>,
    plain_sqlite: Option<u64>,
    at_most: Option<u64>,
    at_least: Option<u64>,
    verdict: Verdict,
}

impl Report {
    /// A report of these lines, of which nothing is known yet.
    pub(crate) fn of(lines: Vec<Line>) -> Self {
        Self { lines, measured: HashMap::new(), not_run: Vec::new() }
    }

    pub(crate) fn put(&mut self, figure: Figure, at: At, measured: Measured) {
        self.measured.insert((figure, at), measured);
    }

    /// Says why lines will be missing.
    pub(crate) fn note_not_run(&mut self, reason: String) {
        self.not_run.push(reason);
    }

    /// Whether every line was measured and kept its limit.
    pub(crate) fn is_kept(&self) -> bool {
        self.lines.iter().all(|line| matches!(self.verdict(line), Verdict::Ok | Verdict::Information))
    }

    /// Writes the table below a note that says what is counted. A column in which nothing stands is left out.
    pub(crate) fn print(&self, out: &mut impl Write, note: &str) -> io::Result<()> {
        writeln!(out, "{note}\n")?;
        let head = ["work", "at", "measured", "limit", "plain SQLite", "wall", ""].map(str::to_owned);
        let rows: Vec<[String; 7]> = self.lines.iter().map(|line| self.cells(line)).collect();
        let widths: [usize; 7] = std::array::from_fn(|column| {
            let widest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            if widest == 0 { 0 } else { widest.max(head[column].chars().count()) }
        });
        for row in [&head].into_iter().chain(&rows) {
            let cells = row.iter().zip(widths).enumerate().filter(|(_, (_, width))| *width > 0);
            let cells = cells.map(|(column, (cell, width))| match column {
                0 | 1 | 6 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        self.not_run.iter().try_for_each(|reason| writeln!(out, "not run: {reason}"))
    }

    pub(crate) fn json(&self) -> serde_json::Result<String> {
        let entries: Vec<Entry> = self.lines.iter().map(|line| self.entry(line)).collect();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let file = serde_json::json!({ "is_kept": self.is_kept(), "cores": cores, "not_run": self.not_run, "figures": entries });
        serde_json::to_string_pretty(&file)
    }

    fn measured(&self, line: &Line) -> Option<&Measured> {
        self.measured.get(&(line.figure, line.at))
    }

    /// The bounds of a line, lower and upper, where they are known.
    fn bounds(&self, line: &Line) -> (Option<u64>, Option<u64>) {
        let plain = self.measured(line).and_then(|measured| measured.plain);
        match line.limit {
            Limit::AtMost(most) => (None, Some(most)),
            Limit::AtLeast(least) => (Some(least), None),
            Limit::AbovePlain(more) => (None, plain.map(|plain| plain + more)),
            Limit::AboveRust(more) => {
                let rust = self.measured.get(&(line.figure, At::Rust));
                (None, rust.map(|rust| rust.value + rust.value / 5 + more))
            }
            Limit::Information => (None, None),
        }
    }

    fn verdict(&self, line: &Line) -> Verdict {
        let Some(measured) = self.measured(line) else { return Verdict::NotRun };
        let is_within = match (line.limit, self.bounds(line)) {
            (Limit::Information, _) => return Verdict::Information,
            (_, (Some(least), _)) => measured.value >= least,
            (_, (_, Some(most))) => measured.value <= most,
            // A limit that follows from what was not measured: plain SQLite, or Rust.
            (_, (None, None)) => return Verdict::NotRun,
        };
        if is_within { Verdict::Ok } else { Verdict::Fail }
    }

    fn cells(&self, line: &Line) -> [String; 7] {
        let unit = line.figure.unit();
        let measured = self.measured(line);
        let limit = match self.bounds(line) {
            (Some(least), _) => format!(">= {}", quantity(least, unit)),
            (_, Some(most)) => format!("<= {}", quantity(most, unit)),
            (None, None) => String::new(),
        };
        let verdict = match self.verdict(line) {
            Verdict::Ok => "ok",
            Verdict::Fail => "FAIL",
            Verdict::NotRun => "not run",
            Verdict::Information => "",
        };
        let value = measured.map(|measured| quantity(measured.value, unit)).unwrap_or_default();
        let plain = measured.and_then(|measured| measured.plain).map(|plain| quantity(plain, unit)).unwrap_or_default();
        let wall = measured.and_then(|measured| measured.wall_ns).map(time).unwrap_or_default();
        [line.figure.name().to_owned(), place(line.at), value, limit, plain, wall, verdict.to_owned()]
    }

    fn entry(&self, line: &Line) -> Entry {
        let measured = self.measured(line);
        let (at_least, at_most) = self.bounds(line);
        let unit = line.figure.unit();
        let own_cpu = measured.filter(|_| unit == Unit::Cpu).map(|measured| measured.value);
        Entry {
            work: line.figure.name().trim_start(),
            at: place(line.at),
            unit: unit_name(unit),
            value: measured.map(|measured| measured.value),
            cpu_ns: measured.and_then(|measured| measured.cpu_ns).or(own_cpu),
            wall_ns: measured.and_then(|measured| measured.wall_ns),
            plain_sqlite: measured.and_then(|measured| measured.plain),
            at_most,
            at_least,
            verdict: self.verdict(line),
        }
    }
}

/// Takes the figures of these lines in a folder that goes away, prints the table with a note, and writes the JSON file.
pub(crate) fn take(lines: Vec<Line>, note: &str, json: &Path, work: impl FnOnce(&Path, &mut Report)) -> Outcome<()> {
    let beside = json.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(beside)?;
    let folder = tempfile::tempdir_in(beside)?;
    let (mut report, whole) = (Report::of(lines), Meter::process());
    work(folder.path(), &mut report);
    println!();
    report.print(&mut io::stdout(), note)?;
    std::fs::write(json, report.json()?)?;
    println!("\n{} in all; figures in {}", time(whole.stop().wall_ns), json.display());
    if report.is_kept() { Ok(()) } else { Err("a figure is over its limit, or was not run".into()) }
}

/// Says on standard error why a program ends with 1.
pub(crate) fn exit_code(program: &str, done: Outcome<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does one part, and says on standard error what it is and how long it took. What fails leaves its lines empty.
pub(crate) fn step(name: &str, report: &mut Report, work: impl FnOnce(&mut Report) -> Outcome<()>) {
    let meter = Meter::process();
    let done = work(report);
    eprintln!("{name:<40} {:>10}", time(meter.stop().wall_ns));
    if let Err(error) = done {
        report.note_not_run(format!("{}: {error}", name.trim_start()));
    }
}

fn place(at: At) -> String {
    match at {
        At::Expenses(count) => grouped(count),
        At::Changes(count) => format!("{} changes", grouped(count)),
        At::Commits(count) => format!("{} commits", grouped(count)),
        At::Batch(count) => format!("batch of {}", grouped(count)),
        At::Imported(count) => format!("{} imported", grouped(count)),
        At::OneByOne(count) => format!("{} one by one", grouped(count)),
        At::Connected => "connected".to_owned(),
        At::Ledgers(1) => "1 ledger".to_owned(),
        At::Ledgers(count) => format!("{} ledgers", grouped(count)),
        At::Sockets(count) => format!("{} sockets", grouped(count)),
        At::Frames(count) => format!("{} frames", grouped(count)),
        At::PerSecond(count) => format!("{} a second", grouped(count)),
        At::Started => "started".to_owned(),
        At::Rust => "Rust".to_owned(),
        At::Kotlin => "Kotlin".to_owned(),
        At::Swift => "Swift".to_owned(),
    }
}

const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Cpu => "cpu_ns",
        Unit::Wall => "wall_ns",
        Unit::Bytes => "bytes",
        Unit::PerSecond => "per_second_of_one_core",
        Unit::Rate => "per_second",
        Unit::Number => "number",
        Unit::Thousandths => "thousandths",
    }
}

fn quantity(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Cpu | Unit::Wall => time(value),
        Unit::Bytes if value >= 1_000_000 => format!("{}.{} MB", value / 1_000_000, value / 100_000 % 10),
        Unit::Bytes => format!("{value} B"),
        Unit::PerSecond | Unit::Rate => format!("{} /s", grouped(value)),
        Unit::Number => grouped(value),
        Unit::Thousandths => format!("{}.{:03}", value / 1_000, value % 1_000),
    }
}

/// Nanoseconds as a person reads them.
pub(crate) fn time(ns: u64) -> String {
    match ns {
        0..10_000_000 => format!("{}.{:03} ms", ns / 1_000_000, ns / 1_000 % 1_000),
        10_000_000..1_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{}.{:02} s", ns / 1_000_000_000, ns / 10_000_000 % 100),
    }
}

/// A number with its thousands apart.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::lines;

    const ADD: (Figure, At) = (Figure::Add, At::Expenses(0));

    fn of(value: u64, plain: Option<u64>) -> Report {
        let mut report = Report::of(lines());
        report.put(ADD.0, ADD.1, Measured { value, plain, ..Measured::default() });
        report
    }

    fn verdict(report: &Report, (figure, at): (Figure, At)) -> Option<Verdict> {
        lines().iter().find(|line| (line.figure, line.at) == (figure, at)).map(|line| report.verdict(line))
    }

    #[test]
    fn a_limit_above_plain_follows_what_plain_took() {
        assert_eq!(verdict(&of(160_000, Some(60_000)), ADD), Some(Verdict::Ok));
        assert_eq!(verdict(&of(160_001, Some(60_000)), ADD), Some(Verdict::Fail));
        assert_eq!(verdict(&of(160_000, None), ADD), Some(Verdict::NotRun));
    }

    #[test]
    fn a_line_that_nobody_measured_is_printed_and_fails() {
        let report = of(1, Some(1));
        let mut text = Vec::new();
        report.print(&mut text, "a note").unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().filter(|line| line.ends_with("not run")).count(), lines().len() - 1);
        assert!(!report.is_kept());
    }

    #[test]
    fn all_lines_within_their_limits_pass() {
        let mut report = Report::of(lines());
        for line in lines() {
            let value = if matches!(line.limit, Limit::AtLeast(_)) { u64::MAX } else { 1 };
            report.put(line.figure, line.at, Measured { value, plain: Some(1), ..Measured::default() });
        }
        assert!(report.is_kept());
        report.put(ADD.0, ADD.1, Measured { value: 200_000, plain: Some(1), ..Measured::default() });
        assert!(!report.is_kept());
    }

    #[test]
    fn quantities_read_as_people_write_them() {
        assert_eq!(time(108_400), "0.108 ms");
        assert_eq!(time(3_812_000_000), "3.81 s");
        assert_eq!(quantity(73_210, Unit::PerSecond), "73,210 /s");
        assert_eq!(quantity(1_084, Unit::Thousandths), "1.084");
        assert_eq!(quantity(9_900_000, Unit::Bytes), "9.9 MB");
    }
}

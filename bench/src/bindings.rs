//! The program `bindings`: the engine as Kotlin and Swift call it, beside Rust in the same run.
//!
//! Each language has a program that does the same work on a new database, `bindings/LANGUAGE/benchmark DATABASE`, and prints
//! a line `NAME VALUE` for each figure. Rust does it before each of them and after them.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use outlay_core::{Currency, Date, Engine, Money, NewExpense, Options};

use crate::figure::{self, At, Figure};
use crate::ground::{Outcome, number_after};
use crate::meter::median;
use crate::report::{self, Measured, Report, step};

const NOTE: &str = "Times are of the wall, in the middle of all, and those of Kotlin and Swift of what an app calls. Memory and handles \
                    are what is more after 10,000 expenses and 1,100 live queries than after the first 1,000 and 100.";
/// Expenses that are added; those of the first tenth are not timed.
const ADDS: usize = 10_000;
const WARM_ADDS: usize = 1_000;
/// The languages, and where the program of each is.
const LANGUAGES: [(At, &str, &str); 2] =
    [(At::Kotlin, "kotlin", "bindings/kotlin/benchmark"), (At::Swift, "swift", "bindings/swift/benchmark")];
/// What they print.
const PRINTED: [(&str, Figure); 6] = [
    ("add_ns", Figure::CallAdd),
    ("page_ns", Figure::CallPage),
    ("live_ns", Figure::CallLive),
    ("live_tail_ns", Figure::CallLiveTail),
    ("handles", Figure::CallHandles),
    ("memory_bytes", Figure::CallMemory),
];

/// The program `bindings`; see `make bench-bindings`. 1 if a figure is over its limit or was not taken.
pub fn bindings() -> ExitCode {
    let json = std::env::args().nth(1).map_or_else(|| PathBuf::from("target/bindings.json"), PathBuf::from);
    report::exit_code("bindings", report::take(figure::bindings_lines(), NOTE, &json, run_all))
}

fn run_all(folder: &Path, report: &mut Report) {
    let mut each = Vec::new();
    let mut rust = |name: &str, report: &mut Report| {
        step(name, report, |report| add_all(&folder.join(format!("{name}.db")), &mut each, report));
    };
    for (at, name, program) in LANGUAGES {
        rust(&format!("rust before {name}"), report);
        step(name, report, |report| run_one(&folder.join(format!("{name}.db")), at, program, report));
    }
    rust("rust after all", report);
    report.put(Figure::CallAdd, At::Rust, Measured { value: median(&mut each), ..Measured::default() });
}

fn run_one(path: &Path, at: At, program: &str, report: &mut Report) -> Outcome<()> {
    let output = Command::new(program).arg(path).output().map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    for line in String::from_utf8(output.stdout)?.lines() {
        let (name, value) = line.split_once(' ').ok_or_else(|| format!("{program} printed {line}"))?;
        let (_, figure) =
            PRINTED.iter().find(|(printed, _)| *printed == name).ok_or_else(|| format!("{program} printed {name}"))?;
        report.put(*figure, at, Measured { value: value.parse()?, ..Measured::default() });
    }
    Ok(())
}

fn add_all(path: &Path, each: &mut Vec<u64>, report: &mut Report) -> Outcome<()> {
    let engine = Engine::open(path, Options::default())?;
    let ledger = engine.create_ledger("Home", Currency::EUR)?.id;
    let mut before = 0;
    for number in 0..ADDS {
        if number == WARM_ADDS {
            before = memory_bytes()?;
        }
        let new = spent(number)?;
        let begin = Instant::now();
        engine.add_expense(ledger, new)?;
        if number >= WARM_ADDS {
            each.push(u64::try_from(begin.elapsed().as_nanos())?);
        }
    }
    let value = memory_bytes()?.saturating_sub(before);
    report.put(Figure::CallMemory, At::Rust, Measured { value, ..Measured::default() });
    Ok(())
}

/// The memory of the process.
fn memory_bytes() -> Outcome<u64> {
    Ok(number_after("/proc/self/status", "VmRSS:")? * 1024)
}

/// The same expenses in each language.
fn spent(number: usize) -> Outcome<NewExpense> {
    let amount = Money::parse(&format!("{}.50", 1 + number % 99), Currency::EUR)?;
    let date = Date::from_ymd(2026, 1, 1)?.add_days(i32::try_from(number % 365)?);
    Ok(NewExpense {
        category: Some(format!("Category {}", number % 12).as_str().into()),
        account: Some(format!("Account {}", number % 3).as_str().into()),
        date,
        note: format!("coffee and cake for {number}"),
        ..NewExpense::new(amount, format!("Corner Café {}", number % 200))
    })
}

//! The tour: what Outlay does, in one command and with no network.
//!
//! `outlay-tour [CSV]` gives one person a phone and a laptop in a temporary folder. A year of expenses is imported (a
//! sample, or the CSV), the same expense is changed on both, and commits are exchanged until both show the same. It ends
//! with 1 if they do not.

mod device;
mod page;
mod sample;
mod tour;

use std::io::{self, Write};
use std::process::ExitCode;

use device::Outcome;
use tour::Source;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = io::stdout().lock();
    let done = source(&arguments).and_then(|source| tour::run(&source, &mut out));
    let done = done.and_then(|()| Ok(out.flush()?));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("outlay-tour: {error}");
            ExitCode::FAILURE
        }
    }
}

fn source(arguments: &[String]) -> Outcome<Source> {
    match arguments {
        [] => Ok(Source {
            name: "a year of one household, made up for this tour".to_owned(),
            csv: sample::csv().into_bytes(),
        }),
        [path] => {
            let csv = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
            Ok(Source { name: path.clone(), csv })
        }
        _ => Err("usage: outlay-tour [CSV]".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tour_of(source: &Source) -> Outcome<String> {
        let mut text = Vec::new();
        tour::run(source, &mut text)?;
        Ok(String::from_utf8(text)?)
    }

    #[test]
    fn the_tour_ends_in_agreement() {
        let text = tour_of(&source(&[]).unwrap()).unwrap();
        assert!(text.contains("both export the same"), "{text}");
        assert!(text.contains("line 394"), "the damaged row is named:\n{text}");
    }

    #[test]
    fn a_file_that_is_no_table_is_refused() {
        let source = Source { name: "empty".to_owned(), csv: Vec::new() };
        assert!(tour_of(&source).is_err());
    }

    #[test]
    fn a_file_of_three_rows_is_enough() {
        let csv = "Date,Payee,Amount\n2026-01-05,Grocers,-12.30\n2026-01-06,Rail,-8.00\n2026-02-01,Grocers,-3.10\n";
        let text = tour_of(&Source { name: "three".to_owned(), csv: csv.as_bytes().to_vec() }).unwrap();
        assert!(text.contains("3 of 3 rows went in"), "{text}");
    }
}

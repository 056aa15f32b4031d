//! The tour is taken, with the real server.

use unicode_width::UnicodeWidthStr;

use super::*;

fn setup_of(name: &str, csv: &[u8]) -> Setup {
    Setup {
        name: name.to_owned(),
        csv: csv.to_owned(),
        earlier_years: 4,
        server: outlay_testkit::program::server().unwrap().to_owned(),
        is_coloured: false,
    }
}

fn tour_of(setup: &Setup) -> Outcome<String> {
    let mut text = Vec::new();
    tour::run(setup, &mut text)?;
    Ok(String::from_utf8(text)?)
}

#[test]
fn the_tour_ends_in_agreement_and_within_a_terminal() {
    let text = tour_of(&setup_of("a year", sample::csv().as_bytes())).unwrap();
    assert!(text.contains("all three export the same 3 ledgers"), "{text}");
    assert!(text.contains("line 394"), "the damaged row is named:\n{text}");
    for line in text.lines() {
        assert!(line.width() <= 80, "{line}");
    }
}

#[test]
fn a_file_that_is_no_table_is_refused() {
    assert!(tour_of(&setup_of("empty", b"")).is_err());
}

#[test]
fn a_file_of_three_rows_is_enough() {
    let csv = "Date,Payee,Amount\n2026-01-05,Grocers,-12.30\n2026-01-06,Rail,-8.00\n2026-02-01,Grocers,-3.10\n";
    let text = tour_of(&setup_of("three", csv.as_bytes())).unwrap();
    assert!(text.contains("3 of 3 rows went in"), "{text}");
}

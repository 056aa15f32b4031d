//! `list` and `search`.

use serde_json::Value;

use crate::home::{Home, string};

fn payees(objects: &[Value]) -> Vec<String> {
    objects.iter().map(|object| string(&object["payee"])).collect()
}

fn filled() -> Home {
    let home = Home::with_ledger();
    home.add(&["1.00", "Baker", "-c", "Food", "-a", "Cash", "-d", "2026-10-30", "-t", "early"]);
    home.add(&["2.00", "Corner Café", "-c", "Food:Snacks", "-a", "Card", "-d", "2026-11-02", "-n", "with Zoë"]);
    home.add(&["30.00", "Railway", "-c", "Travel", "-d", "2026-11-03"]);
    home.add(&["4.00", "Employer", "--kind", "income", "-d", "2026-11-04"]);
    home
}

#[test]
fn a_list_is_newest_first_and_narrowed_by_every_filter() {
    let home = filled();
    let listed = |args: &[&str]| payees(&home.json(&[&["list"], args].concat()));
    assert_eq!(listed(&[]), ["Employer", "Railway", "Corner Café", "Baker"]);
    assert_eq!(listed(&["--sort", "oldest"]), ["Baker", "Corner Café", "Railway", "Employer"]);
    assert_eq!(listed(&["--sort", "largest", "--limit", "1"]), ["Railway"]);
    assert_eq!(listed(&["--month", "2026-10"]), ["Baker"]);
    assert_eq!(listed(&["--from", "2026-11-02", "--to", "2026-11-03"]), ["Railway", "Corner Café"]);
    assert_eq!(listed(&["--category", "Food"]), ["Corner Café", "Baker"], "with what is below it");
    assert_eq!(listed(&["--category", "Food:Snacks"]), ["Corner Café"]);
    assert_eq!(listed(&["--account", "Cash"]), ["Baker"]);
    assert_eq!(listed(&["--payee", "corner café"]), ["Corner Café"]);
    assert_eq!(listed(&["--tag", "early"]), ["Baker"]);
    assert_eq!(listed(&["--kind", "income"]), ["Employer"]);
    assert_eq!(listed(&["--min", "2", "--max", "4"]), ["Employer", "Corner Café"]);
    assert!(listed(&["--month", "2020-01"]).is_empty());
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap() {
    let home = filled();
    let first = home.json(&["list", "--limit", "3"]);
    let last = string(&first[2]["id"]);
    let second = home.json(&["list", "--limit", "3", "--after", &last]);
    assert_eq!(payees(&[first, second].concat()), payees(&home.list()));
}

#[test]
fn a_search_finds_beginnings_of_words_in_payee_note_and_tags() {
    let home = filled();
    let found = |words: &str| payees(&home.json(&["search", words]));
    assert_eq!(found("caf"), ["Corner Café"]);
    assert_eq!(found("zoe"), ["Corner Café"], "accents and case do not matter");
    assert_eq!(found("early"), ["Baker"]);
    assert!(found("nowhere").is_empty());
    assert_eq!(payees(&home.json(&["search", "r", "--month", "2026-11", "--limit", "1"])), ["Railway"]);
    assert_eq!(home.refused(&["search", " "]).0, "invalid_input");
}

#[test]
fn a_filter_that_names_nothing_there_is_not_found() {
    let home = filled();
    assert_eq!(home.refused(&["list", "--category", "Fod"]).0, "not_found");
    assert_eq!(home.refused(&["list", "--account", "Cach"]).0, "not_found");
    assert_eq!(home.refused(&["list", "--month", "2026-13"]).0, "invalid_input");
    assert_eq!(home.refused(&["list", "--from", "2026-02-30"]).0, "invalid_input");
}

#[test]
fn a_table_is_plain_and_aligned() {
    let home = filled();
    let ran = home.run(&["list", "--month", "2026-11", "--limit", "2"]);
    assert_eq!(ran.code, 0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("ID        DATE        "), "{}", lines[0]);
    assert!(lines[1].contains("2026-11-04   4.00 EUR  income  Employer"), "{}", lines[1]);
    assert!(lines[2].contains("2026-11-03  30.00 EUR          Railway   Travel"), "{}", lines[2]);
    assert!(ran.err.contains("--after"), "says how to go on");
    assert!(!ran.out.contains('\x1b') && !ran.err.contains('\x1b'), "no colour where nobody looks");
}

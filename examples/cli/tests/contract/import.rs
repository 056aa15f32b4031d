//! `import` of CSV.

use serde_json::{Value, json};

use crate::home::{Home, string};

/// As a household app writes it: dates in two forms, true twins, a transfer without a second account, a bad row.
const HOUSEHOLD: &str = "\
Date,Mode,Category,Subcategory,Note,Amount,Income/Expense,Currency
20-09-2018 12:04,Cash,Transportation,Train,to work,30,Expense,INR
19-09-2018,Bank,subscription,Netflix,1 month,199,Expense,INR
19-09-2018,Cash,Food,Milk,half a litre,36,Expense,INR
19-09-2018,Cash,Food,Milk,half a litre,36,Expense,INR
13-09-2018,Bank,Fund,,,5000,Transfer-Out,INR
11-09-2018,Bank,Other,,From family,3500,Income,INR
31-02-2018,Cash,Food,,,12,Expense,INR
10-09-2018,Cash,Food,,,twelve,Expense,INR
";

fn counts(imported: &Value) -> (u64, u64, u64) {
    let count = |key: &str| imported[key].as_u64().unwrap();
    (count("added"), count("restored"), count("duplicates"))
}

#[test]
fn every_row_goes_in_or_is_named_with_its_line_and_reason() {
    let home = Home::with_ledger();
    let file = home.file("household.csv", HOUSEHOLD);
    let imported = home.one(&["import", &file]);
    assert_eq!(counts(&imported), (6, 0, 0));
    let lines: Vec<_> = imported["rejected"].as_array().unwrap().iter().map(|row| row["line"].clone()).collect();
    assert_eq!(lines, [json!(8), json!(9)]);
    assert!(!string(&imported["rejected"][0]["reason"]).is_empty());
    let listed = home.list();
    assert_eq!(listed.len(), 6);
    assert_eq!(listed[0]["date"], "2018-09-20");
    assert_eq!(listed[0]["amount"], json!({"minor": 3000, "currency": "INR"}));
    assert_eq!((&listed[0]["category"], &listed[0]["account"]), (&json!("Transportation:Train"), &json!("Cash")));
    assert_eq!(home.json(&["list", "--kind", "transfer"]).len(), 1);
    assert_eq!(home.json(&["list", "--kind", "income"]).len(), 1);
}

#[test]
fn the_same_file_again_adds_nothing_and_twins_survive() {
    let home = Home::with_ledger();
    let file = home.file("household.csv", HOUSEHOLD);
    home.one(&["import", &file]);
    assert_eq!(counts(&home.one(&["import", &file])), (0, 0, 6));
    assert_eq!(home.json(&["list", "--category", "Food:Milk"]).len(), 2);
}

#[test]
fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let home = Home::with_ledger();
    let file = home.file("household.csv", HOUSEHOLD);
    let dry = home.one(&["import", &file, "--dry-run"]);
    assert_eq!((counts(&dry), &dry["dry_run"]), ((6, 0, 0), &json!(true)));
    assert!(home.list().is_empty());
    assert_eq!(counts(&home.one(&["import", &file])), (6, 0, 0));
}

#[test]
fn a_dry_run_makes_no_ledger() {
    let home = Home::new();
    let file = home.file("household.csv", HOUSEHOLD);
    assert_eq!(home.one(&["import", &file, "--dry-run"])["added"], 6);
    assert!(home.json(&["ledger", "list"]).is_empty());
}

#[test]
fn an_import_is_undone_as_a_whole_and_comes_back_when_repeated() {
    let home = Home::with_ledger();
    let file = home.file("household.csv", HOUSEHOLD);
    home.one(&["import", &file]);
    home.one(&["undo"]);
    assert!(home.list().is_empty());
    assert_eq!(counts(&home.one(&["import", &file])), (0, 6, 0));
    assert_eq!(home.list().len(), 6);
}

#[test]
fn a_profile_says_what_columns_mean_and_can_be_kept() {
    let home = Home::with_ledger();
    let csv = "a;b;c\n02.11.2026;Bäcker;3,40\n03.11.2026;Bahn;19,00\n";
    let profile = r#"{"columns": {"date": 1, "payee": 2, "amount": 3}, "sign": "negative_is_reversal"}"#;
    let file = home.file("bank.csv", csv);
    let profile = home.file("bank.json", profile);
    let imported = home.one(&["import", &file, "--profile", &profile, "--save-profile", "bank"]);
    assert_eq!(counts(&imported), (2, 0, 0));
    assert_eq!(home.list()[1]["payee"], "Bäcker");
    assert_eq!(home.list()[1]["amount"], json!({"minor": 340, "currency": "EUR"}));
    assert_eq!(counts(&home.one(&["import", &file, "--profile", "bank"])), (0, 0, 2));
    assert_eq!(home.refused(&["import", &file, "--profile", "nowhere"]).0, "not_found");
}

#[test]
fn a_file_that_cannot_be_read_is_refused_and_nothing_is_lost() {
    let home = Home::with_ledger();
    home.add(&["1.00", "Baker"]);
    for (name, bytes) in [
        ("empty.csv", &b""[..]),
        ("binary.csv", b"\x00\x01\x02\xff\xfe\x00binary"),
        ("one.csv", b"just a line"),
        ("half.jsonl", b"{\"outlay\": "),
    ] {
        let file = home.file(name, bytes);
        assert_eq!(home.refused(&["import", &file]).0, "invalid_input", "{name}");
    }
    assert_eq!(home.refused(&["import", "no-such-file.csv"]).0, "not_found");
    assert_eq!(home.list().len(), 1);
}

#[test]
fn people_see_counts_and_the_rejected_rows() {
    let home = Home::with_ledger();
    let file = home.file("household.csv", HOUSEHOLD);
    let ran = home.run(&["import", &file]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "no progress line where nobody looks");
    assert!(ran.out.starts_with("6 added, 2 rejected\n"), "{}", ran.out);
    assert!(ran.out.contains("\n   8  "), "{}", ran.out);
}

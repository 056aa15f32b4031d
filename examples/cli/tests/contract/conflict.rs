//! `conflicts` and `resolve`, between two homes of one person.

use serde_json::{Value, json};

use crate::home::{Home, string};

/// Two homes that hold one ledger with one expense, and may both write to it.
fn two_homes() -> (Home, Home, String) {
    let (ana, ben) = (Home::with_ledger(), Home::new());
    let id = ana.add(&["12.50", "Café", "-c", "Food", "-d", "2026-11-02"]);
    let key = string(&ben.one(&["device"])["device"]);
    ana.one(&["ledger", "admit", &key]);
    ben.take_in(&ana);
    (ana, ben, id)
}

fn exchange(ana: &Home, ben: &Home) {
    ben.take_in(ana);
    ana.take_in(ben);
}

fn values(conflict: &Value) -> Vec<Value> {
    let mut values: Vec<Value> =
        conflict["values"].as_array().unwrap().iter().map(|value| value["value"].clone()).collect();
    values.sort_by_key(ToString::to_string);
    values
}

fn euros(minor: i64) -> Value {
    json!({"minor": minor, "currency": "EUR"})
}

#[test]
fn both_see_both_values_with_authors_and_times_and_agree_once_one_is_chosen() {
    let (ana, ben, id) = two_homes();
    ana.one(&["edit", &id, "--amount", "13.00"]);
    ben.one(&["edit", &id, "--amount", "14.00"]);
    exchange(&ana, &ben);

    let conflicts = ana.json(&["conflicts"]);
    assert_eq!(conflicts, ben.json(&["conflicts"]));
    assert_eq!(conflicts.len(), 1);
    let conflict = &conflicts[0];
    assert_eq!((&conflict["expense"], &conflict["field"]), (&json!(id), &json!("amount")));
    assert_eq!(values(conflict), [euros(1300), euros(1400)]);
    for value in conflict["values"].as_array().unwrap() {
        assert!(!string(&value["author"]).is_empty());
        assert!(string(&value["time"]).ends_with('Z'));
    }
    assert_eq!(ana.list()[0]["conflicted"], true);

    let resolved = ana.one(&["resolve", &string(&conflict["id"]), "13.00"]);
    assert_eq!((&resolved["resolved"], &resolved["now"]["amount"]), (&json!(true), &euros(1300)));
    exchange(&ana, &ben);
    for home in [&ana, &ben] {
        assert!(home.json(&["conflicts"]).is_empty());
        assert_eq!(home.list()[0]["amount"], euros(1300));
    }
}

#[test]
fn edits_of_different_fields_both_survive_without_a_conflict() {
    let (ana, ben, id) = two_homes();
    ana.one(&["edit", &id, "--amount", "13.00"]);
    ben.one(&["edit", &id, "--category", "Travel"]);
    exchange(&ana, &ben);
    for home in [&ana, &ben] {
        assert!(home.json(&["conflicts"]).is_empty());
        let expense = &home.list()[0];
        assert_eq!((&expense["amount"], &expense["category"]), (&euros(1300), &json!("Travel")));
    }
}

#[test]
fn a_conflict_of_names_and_dates_is_settled_by_what_is_shown() {
    let (ana, ben, id) = two_homes();
    ana.one(&["edit", &id, "--category", "Travel", "--date", "2026-11-03"]);
    ben.one(&["edit", &id, "--category", "Work:Lunch", "--date", "2026-11-04"]);
    exchange(&ana, &ben);
    let conflicts = ana.json(&["conflicts"]);
    let of = |field: &str| conflicts.iter().find(|conflict| conflict["field"] == field).unwrap().clone();
    assert_eq!(values(&of("category")), [json!("Travel"), json!("Work:Lunch")]);
    assert_eq!(values(&of("date")), [json!("2026-11-03"), json!("2026-11-04")]);
    ana.one(&["resolve", &string(&of("category")["id"]), "Work:Lunch"]);
    ana.one(&["resolve", &string(&of("date")["id"]), "2026-11-03"]);
    let expense = &ana.list()[0];
    assert_eq!((&expense["category"], &expense["date"]), (&json!("Work:Lunch"), &json!("2026-11-03")));
    assert!(ana.json(&["conflicts"]).is_empty());
}

#[test]
fn a_delete_against_an_edit_keeps_the_expense_in_sight() {
    let (ana, ben, id) = two_homes();
    ana.one(&["rm", &id]);
    ben.one(&["edit", &id, "--note", "still needed"]);
    exchange(&ana, &ben);
    for home in [&ana, &ben] {
        assert_eq!(home.list().len(), 1, "while one value is live the thing is shown");
        assert_eq!(values(&home.json(&["conflicts"])[0]), [json!(false), json!(true)]);
    }
    let conflict = string(&ana.json(&["conflicts"])[0]["id"]);
    ana.one(&["resolve", &conflict, "deleted"]);
    assert!(ana.list().is_empty());
}

#[test]
fn a_conflict_may_be_settled_by_place_or_by_a_third_value() {
    let (ana, ben, id) = two_homes();
    ana.one(&["edit", &id, "--amount", "13.00", "--payee", "One"]);
    ben.one(&["edit", &id, "--amount", "14.00", "--payee", "Two"]);
    exchange(&ana, &ben);
    let second = ana.json(&["conflicts"]).into_iter().find(|conflict| conflict["field"] == "payee").unwrap();
    ana.one(&["resolve", &string(&second["id"]), "#2"]);
    assert_eq!(ana.list()[0]["payee"], second["values"][1]["value"]);
    ana.one(&["resolve", &format!("{id}.amount"), "15.00"]);
    assert_eq!(ana.list()[0]["amount"], euros(1500));
    assert!(ana.json(&["conflicts"]).is_empty());
}

#[test]
fn what_is_no_conflict_or_no_value_is_refused() {
    let (ana, ben, id) = two_homes();
    for name in ["nonsense", &format!("{id}.amount"), "", &format!("{}.amount", "0".repeat(32))] {
        assert_eq!(ana.refused(&["resolve", name, "1.00"]).0, "not_found", "{name:?}");
    }
    ana.one(&["edit", &id, "--amount", "13.00"]);
    ben.one(&["edit", &id, "--amount", "14.00"]);
    exchange(&ana, &ben);
    for value in ["13,00", "#3", "a lot", "2026-11-02"] {
        assert_eq!(ana.refused(&["resolve", &format!("{id}.amount"), value]).0, "invalid_input", "{value:?}");
    }
    assert_eq!(ana.json(&["conflicts"]).len(), 1);
}

#[test]
fn people_see_the_values_and_how_to_settle_them() {
    let (ana, ben, id) = two_homes();
    assert!(ana.run(&["conflicts"]).err.contains("no conflicts"));
    ana.one(&["edit", &id, "--amount", "13.00"]);
    ben.one(&["edit", &id, "--amount", "14.00"]);
    exchange(&ana, &ben);
    let ran = ana.run(&["conflicts"]);
    let short = format!("{}.amount", &id[..8]);
    assert!(ran.out.contains(&short) && ran.out.contains("13.00 EUR"), "{}", ran.out);
    assert!(ran.out.contains("this device"), "{}", ran.out);
    assert_eq!(ana.refused(&["resolve", &short, "13.00"]).0, "not_found", "scripts give whole ids");
    assert_eq!(ana.run(&["resolve", &short, "13.00"]).code, 0);
}

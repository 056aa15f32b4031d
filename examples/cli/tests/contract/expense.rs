//! `add`, `edit`, `rm`, `restore`, `undo` and `history`.

use serde_json::{Value, json};

use crate::home::{Home, string};

/// The part of an entry that the contract names, without what differs from run to run.
fn named(expense: &Value) -> Value {
    let keys = ["kind", "amount", "payee", "category", "account", "date", "note", "tags", "deleted"];
    keys.iter().map(|key| ((*key).to_owned(), expense[key].clone())).collect::<serde_json::Map<_, _>>().into()
}

#[test]
fn an_added_expense_is_printed_as_it_is_stored() {
    let home = Home::with_ledger();
    let args = ["add", "12.50", "Corner Café", "-c", "Food:Snacks", "-d", "2026-11-02", "-a", "Cash"];
    let added = home.one(&[&args[..], &["-n", "with Ana", "-t", "work", "-t", "lunch", "--time", "13:05"]].concat());
    assert_eq!(
        named(&added),
        json!({
            "kind": "expense", "amount": {"minor": 1250, "currency": "EUR"}, "payee": "Corner Café",
            "category": "Food:Snacks", "account": "Cash", "date": "2026-11-02", "note": "with Ana",
            "tags": ["lunch", "work"], "deleted": false,
        })
    );
    assert_eq!(added["time"], "13:05");
    assert_eq!(string(&added["id"]).len(), 32);
    assert_eq!(home.list(), [added]);
}

#[test]
fn what_is_not_given_is_null_or_empty() {
    let home = Home::with_ledger();
    let added = home.one(&["add", "3", "Kiosk", "-d", "2026-11-02"]);
    let expected = json!({
        "kind": "expense", "amount": {"minor": 300, "currency": "EUR"}, "payee": "Kiosk", "category": null,
        "account": null, "date": "2026-11-02", "note": "", "tags": [], "deleted": false,
    });
    assert_eq!(named(&added), expected);
}

#[test]
fn an_income_a_refund_and_a_transfer_are_entries_too() {
    let home = Home::with_ledger();
    let salary = home.one(&["add", "2500.00", "Employer", "--kind", "income"]);
    assert_eq!((&salary["kind"], &salary["amount"]["minor"]), (&json!("income"), &json!(250_000)));
    let refund = home.one(&["add", "-5.00", "Shop"]);
    assert_eq!(refund["amount"], json!({"minor": -500, "currency": "EUR"}));
    let transfer = home.one(&["add", "100", "", "--kind", "transfer", "-a", "Bank", "--to-account", "Cash"]);
    assert_eq!((&transfer["account"], &transfer["to_account"]), (&json!("Bank"), &json!("Cash")));
}

#[test]
fn an_amount_may_be_in_another_currency() {
    let home = Home::with_ledger();
    let lunch = home.one(&["add", "1200 JPY", "Ramen"]);
    assert_eq!(lunch["amount"], json!({"minor": 1200, "currency": "JPY"}));
    let edited = home.one(&["edit", &string(&lunch["id"]), "--amount", "1300"]);
    assert_eq!(edited["amount"], json!({"minor": 1300, "currency": "JPY"}));
}

#[test]
fn an_edit_changes_what_is_named_and_an_empty_text_clears() {
    let home = Home::with_ledger();
    let id = home.add(&["12.50", "Café", "-c", "Food", "-a", "Cash", "-n", "note", "-t", "a", "-d", "2026-11-02"]);
    let edited = home.one(&["edit", &id, "--amount", "13.00", "--date", "2026-11-03", "--tag", "b"]);
    let expected = json!({
        "kind": "expense", "amount": {"minor": 1300, "currency": "EUR"}, "payee": "Café", "category": "Food",
        "account": "Cash", "date": "2026-11-03", "note": "note", "tags": ["b"], "deleted": false,
    });
    assert_eq!(named(&edited), expected);
    let cleared = home.one(&["edit", &id, "--payee", "", "-c", "", "-a", "", "-n", "", "-t", ""]);
    let expected = json!({
        "kind": "expense", "amount": {"minor": 1300, "currency": "EUR"}, "payee": "", "category": null,
        "account": null, "date": "2026-11-03", "note": "", "tags": [], "deleted": false,
    });
    assert_eq!(named(&cleared), expected);
    assert_eq!(home.one(&["edit", &id, "--kind", "income"])["kind"], "income");
}

#[test]
fn what_is_removed_can_be_restored() {
    let home = Home::with_ledger();
    let id = home.add(&["12.50", "Café"]);
    assert_eq!(home.one(&["rm", &id])["deleted"], true);
    assert!(home.list().is_empty());
    assert_eq!(home.json(&["list", "--deleted"]).len(), 1);
    assert_eq!(home.one(&["restore", &id])["deleted"], false);
    assert_eq!(home.list().len(), 1);
}

#[test]
fn undo_takes_back_one_action_after_the_other() {
    let home = Home::with_ledger();
    let id = home.add(&["12.50", "Café"]);
    home.one(&["edit", &id, "--amount", "13.00"]);
    assert_eq!(home.one(&["undo"])["changed"], 1);
    assert_eq!(home.list()[0]["amount"]["minor"], 1250);
    home.one(&["undo"]);
    assert!(home.list().is_empty());
}

#[test]
fn undo_of_nothing_is_not_done() {
    let home = Home::new();
    assert_eq!(home.refused(&["undo"]).0, "not_found");
}

#[test]
fn the_history_names_fields_values_authors_and_times() {
    let home = Home::with_ledger();
    let id = home.add(&["12.50", "Café", "-d", "2026-11-02"]);
    home.one(&["edit", &id, "--amount", "13.00"]);
    let history = home.json(&["history", &id]);
    assert_eq!(history.len(), 2);
    let change = history[1]["changes"].as_array().unwrap().iter().find(|change| change["field"] == "amount").unwrap();
    let euros = |minor: i64| json!({"minor": minor, "currency": "EUR"});
    assert_eq!((&change["before"], &change["after"]), (&euros(1250), &euros(1300)));
    assert!(!string(&history[0]["author"]).is_empty());
    assert!(string(&history[0]["time"]).ends_with('Z'), "an instant in UTC");
}

#[test]
fn people_may_name_an_entry_by_its_first_digits() {
    let home = Home::with_ledger();
    let id = home.add(&["12.50", "Café"]);
    let ran = home.run(&["edit", &id[..8], "--payee", "Corner Café"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(home.list()[0]["payee"], "Corner Café");
    assert_eq!(home.run(&["rm", &id[..3]]).code, 1, "three digits are a slip");
    assert_eq!(home.refused(&["rm", &id[..8]]).0, "invalid_input", "scripts give whole ids");
}

#[test]
fn bad_input_is_refused_with_a_reason_and_nothing_is_written() {
    let home = Home::with_ledger();
    for (args, said) in [
        (&["add", "12,50", "Café"][..], "did you mean 12.50?"),
        (&["add", "12,5,0", "Café"], "written like 12.50"),
        (&["add", "1e3", "Café"], "written like 12.50"),
        (&["add", "12.505", "Café"], "2 decimals"),
        (&["add", "12.5 JPY", "Café"], "no decimals"),
        (&["add", "10000000000000.01", "Café"], "10^15"),
        (&["add", "5 XXX", "Café"], "ISO 4217"),
        (&["add", "5 eur", "Café"], "did you mean EUR?"),
        (&["add", "0", "Café"], ""),
        (&["add", "", "Café"], "written like 12.50"),
        (&["add", "5", "Café", "-d", "2026-02-30"], "no such date"),
        (&["add", "5", "Café", "-d", "02.11.2026"], "written like 2026-11-02"),
        (&["add", "5", "Café", "--time", "25:00"], "time of day"),
        (&["add", "5", "Café", "-c", "Food::Snacks"], "Food:Snacks"),
        (&["add", "5", "two\u{7}bells"], "control character"),
    ] {
        let (kind, message) = home.refused(args);
        assert_eq!(kind, "invalid_input", "{args:?}");
        assert!(message.contains(said), "{args:?}: {message}");
    }
    let long = "x".repeat(5000);
    assert_eq!(home.refused(&["add", "5", "Café", "-n", &long]).0, "invalid_input");
    assert!(home.list().is_empty());
}

#[test]
fn an_entry_that_is_not_there_is_not_found() {
    let home = Home::with_ledger();
    let id = "0123456789abcdef".repeat(2);
    for args in [&["edit", &id, "--note", "x"][..], &["rm", &id], &["restore", &id], &["history", &id]] {
        assert_eq!(home.refused(args).0, "not_found", "{args:?}");
    }
    assert_eq!(home.refused(&["rm", "nonsense"]).0, "invalid_input");
}

//! `init`, `ledger` and the ledger that commands mean when none is named.

use serde_json::json;

use crate::home::{Home, string};

#[test]
fn init_makes_a_database_and_no_ledger() {
    let home = Home::bare();
    let made = home.one(&["init"]);
    assert_eq!(made["created"], true);
    assert_eq!(string(&made["device"]), string(&home.one(&["device"])["device"]));
    assert!(home.json(&["ledger", "list"]).is_empty());
    assert!(home.list().is_empty());
    assert_eq!(home.one(&["init"])["created"], false, "once more does no harm");
}

#[test]
fn the_first_write_makes_the_default_ledger() {
    let home = Home::bare();
    home.one(&["init", "--currency", "JPY"]);
    assert_eq!(home.one(&["add", "500", "Kiosk"])["amount"], json!({"minor": 500, "currency": "JPY"}));
    let ledgers = home.json(&["ledger", "list"]);
    assert_eq!(ledgers.len(), 1);
    assert_eq!((&ledgers[0]["currency"], &ledgers[0]["default"]), (&json!("JPY"), &json!(true)));
    home.add(&["600", "Kiosk"]);
    assert_eq!(home.json(&["ledger", "list"]).len(), 1);
}

#[test]
fn without_a_currency_the_amounts_own_is_taken_else_the_locales() {
    let own = Home::new();
    own.add(&["5.00 CHF", "Kiosk"]);
    assert_eq!(own.json(&["ledger", "list"])[0]["currency"], "CHF");
    let of_locale = Home::new();
    let ran = of_locale.command(&["add", "5.00", "Kiosk"]).env("LC_ALL", "en_GB.UTF-8").output().unwrap();
    assert!(ran.status.success());
    assert_eq!(of_locale.json(&["ledger", "list"])[0]["currency"], "GBP");
}

#[test]
fn ledgers_are_named_by_id_or_name() {
    let home = Home::new();
    let first = home.one(&["ledger", "create", "Home", "--currency", "EUR"]);
    let second = home.one(&["ledger", "create", "Work", "--currency", "USD"]);
    assert_eq!((&second["name"], &second["currency"]), (&json!("Work"), &json!("USD")));
    assert_eq!(string(&second["id"]).len(), 32);
    home.add(&["1.00", "One", "--ledger", "Work"]);
    home.add(&["2.00", "Two", "--ledger", &string(&second["id"])]);
    home.add(&["3.00", "Three", "--ledger", "Home"]);
    assert_eq!(home.json(&["list", "--ledger", "Work"]).len(), 2);
    assert_eq!(home.json(&["list", "--ledger", &string(&first["id"])]).len(), 1);
    assert_eq!(home.refused(&["list", "--ledger", "Nowhere"]).0, "not_found");
}

#[test]
fn the_default_ledger_can_be_chosen() {
    let home = Home::with_ledger();
    let work = home.one(&["ledger", "create", "Work", "--currency", "USD"]);
    assert_eq!(home.one(&["ledger", "use", "Work"])["default"], true);
    assert_eq!(home.one(&["add", "1.00", "One"])["ledger"], work["id"]);
    let defaults = home.json(&["ledger", "list"]).iter().filter(|ledger| ledger["default"] == true).count();
    assert_eq!(defaults, 1);
}

#[test]
fn a_ledger_has_a_name_and_a_currency_that_exists() {
    let home = Home::new();
    assert_eq!(home.refused(&["ledger", "create", ""]).0, "invalid_input");
    assert_eq!(home.refused(&["ledger", "create", "Home", "--currency", "XXX"]).0, "invalid_input");
    assert_eq!(home.refused(&["ledger", "create", &"x".repeat(1000)]).0, "invalid_input");
    assert!(home.json(&["ledger", "list"]).is_empty());
}

#[test]
fn a_mistyped_home_is_not_an_empty_one() {
    let home = Home::bare();
    for args in [&["list"][..], &["doctor"], &["report", "month"], &["export"], &["undo"], &["conflicts"]] {
        let (kind, message) = home.refused(args);
        assert_eq!(kind, "not_found", "{args:?}");
        assert!(message.contains("outlay init"), "{message}");
    }
    assert!(!home.path().exists());
}

#[cfg(unix)]
#[test]
fn the_home_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    assert_eq!(std::fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

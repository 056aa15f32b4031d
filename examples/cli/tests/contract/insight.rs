//! `insights`, `suggest` and `commitments`, of a household whose insights are known.

use std::fs;

use outlay_testkit::household::{GOLDEN, Paid, TODAY, entries};
use outlay_testkit::random::Random;
use serde_json::{Value, json};

use crate::home::{Home, Ran, string};

/// The household as a bank would write it.
fn csv(entries: &[Paid]) -> String {
    let mut csv = "Date,Payee,Category,Subcategory,Amount,Income/Expense,Currency\n".to_owned();
    for paid in entries {
        let (top, below) = (paid.category[0], paid.category.get(1).copied().unwrap_or_default());
        let kind = if paid.kind == outlay_core::EntryKind::Income { "Income" } else { "Expense" };
        let (amount, currency) = (paid.amount.amount_text(), paid.amount.currency());
        csv.push_str(&format!("{},{},{top},{below},{amount},{kind},{currency}\n", paid.date, paid.payee));
    }
    csv
}

fn home_of(entries: &[Paid]) -> Home {
    let home = Home::with_ledger();
    let file = home.file("household.csv", csv(entries));
    let imported = home.one(&["import", &file]);
    assert_eq!(imported["added"], entries.len(), "{imported}");
    home
}

fn household() -> Home {
    home_of(&entries())
}

/// All sentences in an object.
fn sentences(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            let own = object.iter().filter(|(key, _)| *key == "text").flat_map(|(_, text)| match text {
                Value::Array(all) => all.iter().map(string).collect(),
                one => vec![string(one)],
            });
            own.chain(object.values().flat_map(sentences)).collect()
        }
        Value::Array(all) => all.iter().flat_map(sentences).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_household_is_told_as_it_is_written_down() {
    let home = household();
    let insights = home.one(&["insights", "--on", TODAY]);
    assert_eq!((&insights["date"], &insights["last_entry"]), (&json!(TODAY), &json!("2024-12-19")));
    let said = sentences(&insights);
    assert!(said.len() > 40, "{said:#?}");
    let unknown: Vec<_> = said.iter().filter(|sentence| !GOLDEN.contains(sentence.as_str())).collect();
    assert!(unknown.is_empty(), "not in core/testkit/golden/insights.txt: {unknown:#?}");
    let films = &insights["commitments"].as_array().unwrap().iter().find(|one| one["name"] == "Films").unwrap();
    assert_eq!((&films["cadence"], &films["next"]), (&json!("monthly"), &json!("2025-01-12")));
    assert_eq!(films["price_changes"][0]["after"], json!({"minor": 1299, "currency": "EUR"}));
    let euros = &insights["currencies"][0];
    assert_eq!(
        (&euros["months"][0]["month"], &euros["phases"]["boundary"]["from"]),
        (&json!("2023-01"), &json!("2024-01"))
    );
}

#[test]
fn neither_the_order_of_entries_nor_a_time_zone_changes_a_word() {
    let mut entries = entries();
    let told = |home: &Home, zone: &str| {
        let ran: Ran = home.command(&["insights", "--on", TODAY]).env("TZ", zone).output().unwrap().into();
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        ran.out
    };
    let first = told(&home_of(&entries), "Pacific/Kiritimati");
    let mut random = Random::new(3);
    for last in (1..entries.len()).rev() {
        entries.swap(last, random.below(last + 1));
    }
    let home = home_of(&entries);
    assert_eq!(told(&home, "Pacific/Pago_Pago"), first);
    assert_eq!(told(&home, "UTC"), first);
    for part in [
        "█",
        "2023-01 to 2024-11, at most",
        "Payments that come back",
        "Odd charges",
        "Trips",
        "Usual prices",
        "every week",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
}

#[test]
fn plots_are_files_of_svg_the_same_each_time() {
    let home = household();
    let folder = home.beside("plots");
    let folder_name = folder.to_str().unwrap();
    let drawn = home.one(&["insights", "--on", TODAY, "--plots", folder_name]);
    let files: Vec<String> = drawn["plots"].as_array().unwrap().iter().map(string).collect();
    assert_eq!(files.len(), 6, "three for each currency: {files:?}");
    let read = || files.iter().map(|file| fs::read_to_string(file).unwrap()).collect::<Vec<_>>();
    let svgs = read();
    for svg in &svgs {
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(svg.matches('<').count() == svg.matches('>').count() && !svg.contains("NaN"), "{svg}");
    }
    assert!(svgs[0].contains("Home: spending by month, EUR") && svgs[2].contains("Corner Café"), "{files:?}");
    home.one(&["insights", "--on", TODAY, "--plots", folder_name]);
    assert_eq!(read(), svgs);
    let ran = home.run(&["insights", "--on", TODAY, "--plots", folder_name]);
    assert!(ran.err.contains("months-EUR.svg"), "{}", ran.err);
    let in_the_way = home.file("file", "no folder");
    assert_eq!(home.refused(&["insights", "--plots", &in_the_way]).0, "internal");
}

#[test]
fn what_is_left_out_is_no_spending() {
    let home = household();
    let total = |args: &[&str]| {
        let insights = home.one(&[&["insights", "--on", TODAY], args].concat());
        insights["currencies"][0]["forecasts"][0]["usual"]["usual"]["minor"].as_i64().unwrap()
    };
    assert!(total(&["--leave-out", "Home", "--leave-out", "Children"]) < total(&[]) - 100_000);
    assert_eq!(home.refused(&["insights", "--leave-out", "Hme"]).0, "not_found");
}

#[test]
fn a_payment_that_comes_back_is_confirmed_dismissed_and_neither() {
    let home = household();
    let standing = |args: &[&str]| string(&home.one(&[&["commitments"], args].concat())["standing"]);
    let names = |args: &[&str]| {
        let listed = home.json(&[&["commitments", "list"], args].concat());
        listed.iter().map(|one| string(&one["name"])).collect::<Vec<_>>()
    };
    let due = || {
        let insights = home.one(&["insights", "--on", "2024-12-10"]);
        insights["currencies"][0]["forecasts"][0]["due"].clone()
    };
    assert!(names(&[]).contains(&"Films".to_owned()) && names(&[]).contains(&"Landlord".to_owned()));
    assert_eq!(due(), json!([]));

    assert_eq!(standing(&["confirm", "films"]), "confirmed");
    assert_eq!(due()[0]["date"], "2024-12-12");
    let id = string(&home.json(&["commitments", "list"]).iter().find(|one| one["name"] == "Films").unwrap()["id"]);
    assert_eq!(standing(&["dismiss", &id]), "dismissed");
    assert!(!names(&[]).contains(&"Films".to_owned()) && names(&["--all"]).contains(&"Films".to_owned()));
    assert_eq!(due(), json!([]));
    let told = home.run(&["insights", "--on", TODAY]).out;
    assert!(!told.lines().any(|line| line.starts_with("Films: ") && line.contains("every month")), "{told}");

    assert_eq!(standing(&["undecide", "Films"]), "found");
    assert!(names(&[]).contains(&"Films".to_owned()));
    assert_eq!(home.refused(&["commitments", "confirm", "Fims"]).0, "not_found");
}

/// The decision is still known by what its entry was called.
#[test]
fn a_decision_whose_entry_is_in_the_trash_is_taken_back_too() {
    let home = household();
    home.one(&["commitments", "dismiss", "Films"]);
    let paid = home.json(&["list", "--payee", "Films", "--limit", "1"]);
    home.one(&["rm", paid[0]["id"].as_str().unwrap()]);
    let all = home.json(&["commitments", "list", "--all"]);
    assert_eq!(all.iter().find(|one| one["name"] == "Films").unwrap()["standing"], "dismissed");
    assert_eq!(home.one(&["commitments", "undecide", "Films"])["standing"], "found");
}

#[test]
fn a_category_is_suggested_where_the_past_says_so_and_else_nothing() {
    let home = household();
    let suggested = home.one(&["suggest", "TRAM 17", "--amount", "2.80"]);
    assert_eq!((&suggested["category"], &suggested["corrected"]), (&json!("Transport"), &json!(false)));
    assert!(suggested["confidence"].as_f64().unwrap() > 0.5);
    let nothing = json!({"category": null, "confidence": null, "corrected": null});
    assert_eq!(home.one(&["suggest", "Zubizarreta y Hijos"]), nothing);
    let told = home.run(&["suggest", "Tram"]);
    assert_eq!((told.code, told.out.as_str()), (0, "Transport, as you filed the like before\n"));
    let silent = home.run(&["suggest", "Zubizarreta y Hijos", "--account", "Cash", "--note", "a gift"]);
    assert_eq!((silent.code, silent.out.as_str(), silent.err.as_str()), (0, "", "Nothing is certain enough.\n"));
    assert_eq!(home.refused(&["suggest", "Tram", "--amount", "1,2,3"]).0, "invalid_input");
}

#[test]
fn a_ledger_of_nothing_or_little_says_so_and_is_no_failure() {
    let bare = Home::new();
    let ran = bare.run(&["insights"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", "There is no ledger yet: nothing to say.\n"));
    let home = Home::with_ledger();
    let empty = home.one(&["insights", "--on", TODAY]);
    assert_eq!((&empty["entries"], &empty["last_entry"], &empty["currencies"]), (&json!(0), &json!(null), &json!([])));
    home.add(&["12.50", "Corner Café", "-c", "Food", "-d", "2024-12-19"]);
    let folder = home.beside("plots");
    let ran = home.run(&["insights", "--on", TODAY, "--plots", folder.to_str().unwrap()]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("10 whole months are needed, 0 are there"), "{}", ran.out);
    assert_eq!(home.refused(&["insights", "--on", "2024-13-01"]).0, "invalid_input");
}

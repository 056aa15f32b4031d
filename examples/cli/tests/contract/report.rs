//! `report month` and `report year`.

use serde_json::json;

use crate::home::Home;

fn filled() -> Home {
    let home = Home::with_ledger();
    home.add(&["10.00", "Baker", "-c", "Food", "-d", "2026-11-02"]);
    home.add(&["5.00", "Café", "-c", "Food", "-d", "2026-11-03"]);
    home.add(&["-2.00", "Café", "-c", "Food", "-d", "2026-11-03"]);
    home.add(&["40.00", "Railway", "-c", "Travel", "-d", "2026-11-03"]);
    home.add(&["3.00", "Kiosk", "-d", "2026-11-03"]);
    home.add(&["700", "Ramen", "-c", "Food", "-d", "2026-10-03"]);
    home.add(&["100.00", "Employer", "-c", "Work", "--kind", "income", "-d", "2026-11-04"]);
    home.add(&["20.00", "", "--kind", "transfer", "-a", "Bank", "--to-account", "Cash", "-d", "2026-11-04"]);
    home
}

#[test]
fn a_month_has_one_row_a_category_with_what_was_spent() {
    let home = filled();
    let row = |category: Option<&str>, spent: i64, earned: i64, count: u64| {
        json!({
            "month": "2026-11", "category": category, "spent": {"minor": spent, "currency": "EUR"},
            "earned": {"minor": earned, "currency": "EUR"}, "count": count,
        })
    };
    assert_eq!(
        home.json(&["report", "month", "2026-11"]),
        [
            row(Some("Travel"), 4000, 0, 1),
            row(Some("Food"), 1300, 0, 3),
            row(None, 300, 0, 1),
            row(Some("Work"), 0, 10_000, 1)
        ]
    );
    assert!(home.json(&["report", "month", "2020-01"]).is_empty());
    assert_eq!(home.refused(&["report", "month", "November"]).0, "invalid_input");
}

#[test]
fn currencies_are_never_added_together() {
    let home = filled();
    home.add(&["700 JPY", "Ramen", "-c", "Food", "-d", "2026-11-03"]);
    let rows = home.json(&["report", "month", "2026-11"]);
    let food: Vec<_> = rows.iter().filter(|row| row["category"] == "Food").map(|row| row["spent"].clone()).collect();
    assert_eq!(food, [json!({"minor": 1300, "currency": "EUR"}), json!({"minor": 700, "currency": "JPY"})]);
}

#[test]
fn a_removed_expense_is_in_no_total() {
    let home = filled();
    let railway = home.json(&["search", "railway"]);
    home.one(&["rm", railway[0]["id"].as_str().unwrap()]);
    let rows = home.json(&["report", "month", "2026-11"]);
    assert!(rows.iter().all(|row| row["category"] != "Travel"), "{rows:?}");
}

#[test]
fn a_year_has_one_row_a_month() {
    let home = filled();
    let rows = home.json(&["report", "year", "2026"]);
    let months: Vec<_> = rows.iter().map(|row| (row["month"].clone(), row["spent"]["minor"].clone())).collect();
    assert_eq!(months, [(json!("2026-10"), json!(70_000)), (json!("2026-11"), json!(5600))]);
}

#[test]
fn people_see_bars() {
    let home = filled();
    let ran = home.run(&["report", "month", "2026-11"]);
    assert_eq!(ran.code, 0);
    let travel = ran.out.lines().find(|line| line.starts_with("Travel")).unwrap();
    assert!(travel.contains("40.00 EUR") && travel.contains(&"█".repeat(30)), "{travel}");
    assert!(ran.out.lines().last().unwrap().starts_with("Total"), "{}", ran.out);
}

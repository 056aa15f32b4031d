//! Rows that are too few, all alike, of another sign or time, or far too many: an honest "not enough to say", never a number
//! that is none, never a panic.

#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A test fails by panicking; its numbers are small.

mod made;

use std::ops::ControlFlow;

use made::{Dice, date, id, on, spend, wild};
use outlay_insight::forecast::Expectation;
use outlay_insight::insights::Insights;
use outlay_insight::months::Parents;
use outlay_insight::phases::Phases;
use outlay_insight::prices::Amounts;
use outlay_insight::study::{Options, Study};
use outlay_insight::trips::Travel;
use outlay_insight::wording::{self, Names, patterns};
use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, EntryKind, Money};
use proptest::prelude::*;

const TODAY: &str = "2024-07-01";

/// What is said, after a look at every number and word of it.
fn said(rows: Vec<Spend>, today: &str) -> Insights {
    let travel = Travel { categories: vec![id(1_000_001)], tags: vec![] };
    let mut study = Study::of(rows, Options { left_out: vec![], travel }, Parents::new());
    let draft = on(u64::MAX, date(today), 1_250, "Corner Café", 1);
    assert!(study.suggest(&draft, date(today)).is_none_or(|one| (0.0..=1.0).contains(&one.confidence)));
    let ControlFlow::Continue(insights) = study.insights(date(today), &[], &mut |_| ControlFlow::Continue(())) else {
        panic!("nobody broke off")
    };
    look(&insights);
    insights
}

fn look(insights: &Insights) {
    let names = Names::new();
    let mut words = Vec::new();
    for odd in &insights.odd {
        words.extend(odd.reasons.iter().map(|reason| wording::reason(&odd.charge, reason, &names)));
    }
    words.extend(insights.commitments.iter().flat_map(|one| patterns::commitment(one, &names)));
    words.extend(insights.trips.iter().map(patterns::trip));
    for one in &insights.currencies {
        words.extend(one.forecasts.iter().flat_map(|forecast| patterns::forecast(forecast, &names)));
        words.extend(patterns::phases(&one.phases, &names));
        words.extend(one.prices.iter().map(|prices| patterns::prices(prices, &names)));
        words.extend(one.rhythm.points.iter().map(|point| patterns::rhythm(point, &names)));
        if let Phases::Found(found) = &one.phases {
            assert!((-1.0..=1.0).contains(&found.silhouette) && (-1.0..=1.0).contains(&found.stability));
        }
        let is_own = |money: &Money| money.currency() == one.currency;
        assert!(one.forecasts.iter().all(|forecast| is_own(&forecast.spent)));
    }
    assert!(words.iter().all(|text| !text.contains("NaN") && !text.contains("inf")), "{words:#?}");
}

/// So many days of a year and a half, one row each.
fn daily(days: i32, of: impl Fn(u64, Date) -> Spend) -> Vec<Spend> {
    (0..days).map(|day| of(day as u64, date("2022-06-01").add_days(day).unwrap())).collect()
}

#[test]
fn no_rows_have_nothing_and_a_few_not_enough() {
    let nothing = said(vec![], TODAY);
    assert_eq!((nothing.entries, nothing.last_entry, nothing.currencies.len()), (0, None, 0));
    for rows in [1, 2, 9, 29] {
        let few = said(daily(rows, |number, date| on(number, date, 500 + number as i64, "Bakery", 1)), "2022-07-02");
        let one = &few.currencies[0];
        assert_eq!((few.odd.len(), few.commitments.len(), one.prices.len()), (0, 0, 0), "{rows} rows");
        assert!(matches!(one.forecasts[0].usual, Expectation::NotEnough { months: 1, needed: 10 }));
        assert_eq!(one.phases, Phases::NotEnough { months: 1, needed: 18 });
    }
}

#[test]
fn one_category_has_no_phases_and_is_never_suggested() {
    let mut dice = Dice(1);
    let amounts: Vec<i64> = (0..760).map(|_| 100 + dice.below(5_000) as i64).collect();
    let rows = daily(760, |number, date| on(number, date, amounts[number as usize], "Shop", 1));
    let mut study = Study::of(rows.clone(), Options::default(), Parents::new());
    assert_eq!(study.suggest(&on(900, date(TODAY), 100, "Shop", 1), date(TODAY)), None, "there is no choice");
    assert!(matches!(said(rows, TODAY).currencies[0].phases, Phases::NotEnough { needed: 18, .. }));
}

#[test]
fn amounts_that_are_all_equal_are_neither_odd_nor_a_pattern() {
    let mut dice = Dice(2);
    let drawn: Vec<[u64; 2]> = (0..760).map(|_| [dice.below(2), dice.below(3)]).collect();
    let rows = daily(760, |number, date| {
        let [payee, category] = drawn[number as usize];
        on(number, date, 700, ["Canteen", "Kiosk"][payee as usize], category)
    });
    let equal = said(rows, TODAY);
    assert_eq!((equal.odd.len(), equal.commitments.len()), (0, 0));
    let one = &equal.currencies[0];
    assert_eq!(one.phases, Phases::NoClearPattern);
    assert!(one.prices.iter().all(|prices| matches!(&prices.amounts, Amounts::Usual(one) if one.len() == 1)));
    assert!(one.rhythm.points.iter().all(|point| !point.is_large));
}

#[test]
fn money_back_counts_against_and_more_of_it_than_spent_is_no_failure() {
    let rows =
        daily(760, |number, date| on(number, date, if number % 3 == 0 { 900 } else { -800 }, "Shop", number % 4));
    let back = said(rows, TODAY);
    let Expectation::Point { usual, range } = back.currencies[0].forecasts[0].usual else { panic!("a point") };
    assert!(usual.minor() < 0 && range.low.minor() <= usual.minor(), "{usual:?} {range:?}");
    let only_back = said(daily(760, |number, date| on(number, date, -500, "Shop", number % 4)), TODAY);
    assert_eq!((only_back.currencies.len(), only_back.commitments.len(), only_back.odd.len()), (0, 0, 0));
}

#[test]
fn currencies_are_never_added_and_the_fifth_is_not_looked_at() {
    let codes = ["EUR", "JPY", "KWD", "USD", "CHF"];
    let rows = daily(760, |number, date| {
        let amount = Money::new(1_000, Currency::parse(codes[number as usize % 5]).unwrap()).unwrap();
        Spend { amount, ..on(number, date, 1, "Shop", number % 7) }
    });
    let many = said(rows, TODAY);
    assert_eq!(many.currencies.len(), 4);
    for one in &many.currencies {
        let rows: u64 = one.months.rows.iter().sum();
        let total: i64 = one.months.totals.iter().sum();
        assert_eq!(total, 1_000 * i64::try_from(rows).unwrap(), "{}", one.currency);
    }
}

#[test]
fn what_is_dated_later_is_not_there_yet() {
    let rows = daily(400, |number, date| on(number, date, 500 + number as i64 % 90, "Bakery", number % 3));
    let before = said(rows.clone(), "2023-07-05");
    let later = ["2023-07-06", "2023-12-01", "2999-01-01", "4999-12-31"];
    let planned = later.into_iter().zip(1_000..).map(|(day, number)| spend(number, day, 9_999_900, "Airline", 1));
    assert_eq!(said(rows.into_iter().chain(planned).collect(), "2023-07-05"), before);
}

#[test]
fn a_million_rows_in_one_day_are_one_day() {
    let rows = (0..1_000_000).map(|number| spend(number, "2024-06-10", 100 + number as i64 % 50, "Import", number % 5));
    let many = said(rows.collect(), TODAY);
    assert_eq!((many.entries, many.commitments.len()), (1_000_000, 0));
    let one = &many.currencies[0];
    assert!(matches!(one.forecasts[0].usual, Expectation::NotEnough { .. }) && one.rhythm.points.is_empty());
}

#[test]
fn nothing_but_income_and_transfers_is_no_spending() {
    for kind in [EntryKind::Income, EntryKind::Transfer] {
        let rows = daily(760, |number, date| Spend { kind, ..on(number, date, 900 + number as i64, "Bank", 1) });
        let said = said(rows, TODAY);
        assert_eq!((said.currencies.len(), said.odd.len(), said.trips.len()), (0, 0, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_such_as_nobody_makes_are_told_without_nonsense(rows in wild(), day in 17_500_i32..19_500) {
        said(rows, &Date::from_days(day).unwrap().to_string());
    }
}

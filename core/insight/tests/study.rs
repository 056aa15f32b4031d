//! A ledger that is followed says what one says that is read whole.

#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation)] // A test fails by panicking; its numbers are small.

mod made;

use std::ops::ControlFlow;

use made::{Dice, id, on, wild};
use outlay_insight::insights::Insights;
use outlay_insight::months::Parents;
use outlay_insight::study::{Options, Study};
use outlay_insight::trips::Travel;
use outlay_ledger::Date;
use outlay_ledger::spend::Spend;
use proptest::prelude::*;

fn options() -> Options {
    Options { left_out: vec![], travel: Travel { categories: vec![id(1_000_003)], tags: vec![] } }
}

fn parents() -> Parents {
    Parents::from([(id(1_000_002), id(1_000_001))])
}

fn said(study: &mut Study, today: Date) -> Insights {
    let ControlFlow::Continue(insights) = study.insights(today, &[], &mut |_| ControlFlow::Continue(())) else {
        panic!("nobody broke off")
    };
    insights
}

fn whole(rows: Vec<Spend>, today: Date) -> Insights {
    said(&mut Study::of(rows, options(), parents()), today)
}

/// Three years of a household: rent, a subscription, shopping, and journeys now and then.
fn household(seed: u64) -> Vec<Spend> {
    let mut dice = Dice(seed);
    let mut rows = Vec::new();
    for day in 0..1_095 {
        let date = Date::from_days(19_000 + day).unwrap();
        let number = |kind: u64| u64::from(day.unsigned_abs()) * 10 + kind;
        if date.day() == 1 {
            rows.push(on(number(0), date, 90_000, "Landlord", 1));
        }
        if date.day() == 12 {
            rows.push(on(number(1), date, if day < 600 { 999 } else { 1_299 }, "Netflix", 2));
        }
        if dice.below(3) > 0 {
            let shop = ["REWE", "Corner Café", "Market"][dice.below(3) as usize];
            rows.push(on(number(2), date, 300 + i64::try_from(dice.below(4_000)).unwrap(), shop, 4));
        }
        if day % 200 < 5 {
            rows.push(on(number(3), date, 2_900, "Bahn", 3));
        }
    }
    rows
}

/// Entries are added, changed and deleted, of these days and of former ones, and the day goes on or back: after each, it is
/// as if the ledger had been read just then.
#[test]
fn a_ledger_that_is_followed_says_what_one_says_that_is_read_whole() {
    for seed in 1..=2 {
        let mut dice = Dice(seed);
        let mut rows = household(seed);
        let mut study = Study::of(rows.clone(), options(), parents());
        for step in 0..8_u64 {
            let place = match dice.below(4) {
                0 => dice.below(rows.len() as u64) as usize,
                _ => rows.len() - 1 - dice.below(100) as usize,
            };
            let like = rows[place].clone();
            match dice.below(4) {
                0 => {
                    study.remove(like.id);
                    rows.remove(place);
                }
                1 => {
                    rows[place].payee = "REWE".to_owned();
                    rows[place].category = Some(id(1_000_004));
                    study.put(rows[place].clone());
                }
                _ => {
                    let more = Spend { id: id(500_000 + step), ..like };
                    study.put(more.clone());
                    rows.push(more);
                }
            }
            let today = Date::from_days(20_060 + dice.below(60) as i32).unwrap();
            let whole = whole(rows.clone(), today);
            assert_eq!(said(&mut study, today), whole, "seed {seed}, step {step}");
            assert!(!whole.commitments.is_empty() && !whole.trips.is_empty(), "seed {seed}, step {step}");
            let draft = Spend { category: None, ..on(0, today, 450, "Corner Café", 4) };
            let mut afresh = Study::of(rows.clone(), options(), parents());
            assert_eq!(study.suggest(&draft, today), afresh.suggest(&draft, today), "seed {seed}, step {step}");
        }
    }
}

#[test]
fn what_was_broken_off_goes_on_as_if_it_had_not_been() {
    let (rows, today) = (household(4), Date::from_days(20_090).unwrap());
    let whole = whole(rows.clone(), today);
    let mut study = Study::of(rows.clone(), options(), parents());
    for looks in 0_usize..12 {
        let mut left = Some(looks);
        let broken = study.insights(today, &[], &mut |progress| {
            assert!(progress.done <= progress.total);
            left = left.and_then(|left| left.checked_sub(1));
            if left.is_none() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let last = rows[rows.len() - 1 - looks].clone();
        study.remove(last.id);
        study.put(last);
        if let ControlFlow::Continue(insights) = broken {
            assert_eq!(insights, whole);
        }
    }
    assert_eq!(said(&mut study, today), whole);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_one_by_one_in_any_order_are_as_good_as_at_once(rows in wild(), seed in any::<u64>(), days in prop::collection::vec(-1_000_i32..20_000, 3)) {
        let mut dice = Dice(seed);
        let mut shuffled = rows.clone();
        dice.shuffle(&mut shuffled);
        let mut study = Study::new(options(), parents());
        let third = rows.len() / 3 + 1;
        for (part, day) in shuffled.chunks(third).zip(&days) {
            part.iter().for_each(|row| study.put(row.clone()));
            said(&mut study, Date::from_days(*day).unwrap());
        }
        let today = Date::from_days(days[2]).unwrap();
        prop_assert_eq!(said(&mut study, today), whole(rows, today));
    }
}

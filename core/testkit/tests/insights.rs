//! One household, one text: what its insights are on a device, in whatever order its entries came.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use outlay_core::{Currency, Date, Engine, InsightOptions};
use outlay_testkit::household::{GOLDEN, Paid, TODAY, entries, told};
use outlay_testkit::random::Random;

/// What an engine says that was given these entries one by one.
fn said(entries: &[Paid]) -> String {
    let engine = Engine::open_in_memory().unwrap();
    let ledger = engine.create_ledger("Home", Currency::EUR).unwrap().id;
    for paid in entries {
        engine.add_expense(ledger, paid.expense()).unwrap();
    }
    let names = engine.categories(ledger).unwrap().into_iter().map(|category| (category.id, category.name)).collect();
    let dates: BTreeMap<_, _> = engine.spending(ledger).unwrap().iter().map(|row| (row.id, row.date)).collect();
    let options = InsightOptions { today: Some(Date::parse(TODAY).unwrap()), ..InsightOptions::default() };
    let insights = engine.insights(ledger, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    told(&insights, &names, &dates)
}

fn shuffle(entries: &mut [Paid], random: &mut Random) {
    for last in (1..entries.len()).rev() {
        entries.swap(last, random.below(last + 1));
    }
}

#[test]
fn the_household_is_told_as_it_is_written_down_in_whatever_order_it_came() {
    let mut entries = entries();
    let oldest_first = said(&entries);
    assert!(oldest_first == GOLDEN, "core/testkit/golden/insights.txt is not:\n{oldest_first}");
    for seed in 1..=2 {
        shuffle(&mut entries, &mut Random::new(seed));
        assert!(said(&entries) == GOLDEN, "in another order, seed {seed}:\n{}", said(&entries));
    }
}

#[test]
fn a_day_of_the_household_has_one_entry_at_most() {
    let entries = entries();
    assert!(entries.is_sorted_by(|one, next| one.date < next.date));
}

//! Patterns that pass the gate, and silence where there are none.

#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A test fails by panicking; its numbers are small.

mod made;

use linfa::traits::Transformer;
use linfa_clustering::Dbscan;
use made::{Dice, date, id, on, spend, wild};
use ndarray::Array2;
use outlay_insight::months::{DaySums, Parents};
use outlay_insight::phases::{Boundary, Found, Phases, phases};
use outlay_insight::prices::{Amounts, Seller, prices};
use outlay_insight::rhythm::{Pace, rhythm};
use outlay_insight::trips::{Travel, trips};
use outlay_insight::wording::{Names, patterns as wording};
use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, DocumentId, EntryKind, Money, Month};
use proptest::prelude::*;

const SEED: u64 = 7;

fn month(number: u16) -> Month {
    Month::from_number(2022 * 12 + number).unwrap()
}

/// A row for each month and category, of about so much: up to half more or less.
fn months(many: u16, seed: u64, about: impl Fn(u16, u64) -> i64) -> Vec<Spend> {
    let mut dice = Dice(seed);
    let mut rows = Vec::new();
    for number in 0..many {
        for category in 1..=6 {
            let minor = about(number, category) * i64::try_from(500 + dice.below(1000)).unwrap() / 1000;
            rows.push(on(rows.len() as u64, month(number).first_day(), minor, "", category));
        }
    }
    rows
}

/// After so many months, rent and three other things cost three times as much.
fn moved_after(calm: u16) -> impl Fn(u16, u64) -> i64 {
    move |number, category| if category <= 4 && number >= calm { 90_000 } else { 30_000 }
}

fn of(rows: &[Spend], today: &str) -> Phases {
    phases(&DaySums::of(rows, Parents::new(), vec![]), Currency::EUR, date(today), SEED)
}

fn found(phases: Phases) -> Found {
    let Phases::Found(found) = phases else { panic!("phases, not {phases:?}") };
    found
}

#[test]
fn a_move_is_found_told_and_dated() {
    let rows = months(30, 1, moved_after(17));
    let found = found(of(&rows, "2024-07-01"));
    assert_eq!(found.phases.len(), 2);
    assert_eq!(found.boundary, Some(Boundary { from: month(17), to: month(17) }));
    assert_eq!((found.phases[0].months.len(), found.phases[1].months.len()), (17, 13));
    let named: Vec<Option<DocumentId>> = found.phases[1].differences.iter().map(|one| one.category).take(2).collect();
    assert!(named.iter().all(|category| (1..=4).any(|one| *category == Some(id(1_000_000 + one)))), "{named:?}");

    let names = Names::from([(id(1_000_001), "Rent".into())]);
    let told = wording::phases(&Phases::Found(found), &names);
    assert_eq!(told.len(), 1, "as many entries as before: {told:?}");
    assert!(told[0].starts_with("Spending changed in 2023-06: more on "), "{told:?}");
}

/// Of the same months in any order of each category, none is shown.
#[test]
fn shuffled_months_have_no_phases() {
    for seed in 1..=5 {
        let mut dice = Dice(seed);
        let mut rows = months(40, seed, moved_after(20));
        for category in 1..=6 {
            let own: Vec<usize> =
                (0..rows.len()).filter(|at| rows[*at].category == Some(id(1_000_000 + category))).collect();
            let mut amounts: Vec<Money> = own.iter().map(|at| rows[*at].amount).collect();
            dice.shuffle(&mut amounts);
            own.iter().zip(amounts).for_each(|(at, amount)| rows[*at].amount = amount);
        }
        assert_eq!(of(&rows, "2025-05-01"), Phases::NoClearPattern, "seed {seed}");
    }
}

#[test]
fn a_change_in_what_is_noted_is_said() {
    let mut rows = months(30, 1, moved_after(17));
    let more: Vec<Spend> = rows.iter().filter(|row| row.date >= month(17).first_day()).cloned().collect();
    for row in more.iter().chain(&more) {
        rows.push(Spend {
            id: id(10_000 + rows.len() as u64),
            amount: Money::nearest(1, Currency::EUR),
            ..row.clone()
        });
    }
    let found = found(of(&rows, "2024-07-01"));
    assert!(found.phases[1].is_noted_differently());
    assert_eq!((found.phases[1].entries, found.phases[1].entries_otherwise), (18, 6));
    assert_eq!(wording::phases(&Phases::Found(found), &Names::new()).len(), 2);
}

#[test]
fn too_few_months_say_how_many_are_needed() {
    let rows = months(17, 1, moved_after(8));
    assert_eq!(of(&rows, "2023-06-01"), Phases::NotEnough { months: 17, needed: 18 });
    let one_category = of(&months(30, 1, |_, category| if category == 1 { 5 } else { 0 })[..], "2024-07-01");
    assert_eq!(one_category, Phases::NotEnough { months: 30, needed: 18 });
    assert_eq!(
        wording::phases(&one_category, &Names::new()),
        ["Not enough to say: two categories that vary are needed."]
    );
    assert!(matches!(of(&[], "2024-07-01"), Phases::NotEnough { months: 0, .. }));
}

/// Fares of three prices, with a rise of the middle one that comes late.
fn fares(dice: &mut Dice, many: u64) -> Vec<Spend> {
    let start = date("2023-01-01");
    let fare =
        |number: u64, price: i64| on(number, start.add_days(i32::try_from(number).unwrap()).unwrap(), price, "Tram", 1);
    (0..many).map(|number| fare(number, [280, 560, 1500][dice.below(3) as usize])).collect()
}

#[test]
fn prices_that_are_paid_again_and_again_are_usual() {
    let found = prices(&fares(&mut Dice(1), 90), Currency::EUR, date("2024-01-01"));
    let usual = [280, 560, 1500].map(|minor| Money::nearest(minor, Currency::EUR));
    assert_eq!(found[0].amounts, Amounts::Usual(usual.to_vec()));
    assert_eq!(wording::prices(&found[0], &Names::new()), "Tram: usually 2.80 EUR, 5.60 EUR, 15.00 EUR.");
}

#[test]
fn amounts_of_any_size_have_no_usual_price_but_frequent_ones() {
    let mut dice = Dice(2);
    let start = date("2023-01-01");
    let mut rows: Vec<Spend> = (0..80)
        .map(|number| on(number, start.add_days(number as i32).unwrap(), 1_000 + dice.below(9_000) as i64, "Grocer", 1))
        .collect();
    for number in [3, 30, 60, 70] {
        rows[number].amount = Money::nearest(2_500, Currency::EUR);
    }
    let found = prices(&rows, Currency::EUR, date("2024-01-01"));
    let Amounts::Frequent(frequent) = &found[0].amounts else { panic!("{found:?}") };
    assert_eq!(frequent[0].minor(), 2_500);
    let times = |wanted: &Money| rows.iter().filter(|row| row.amount == *wanted).count();
    assert!(frequent.len() <= 3 && frequent.iter().all(|amount| times(amount) > 1), "{frequent:?}");
}

#[test]
fn amounts_that_are_each_paid_once_are_not_called_frequent() {
    let start = date("2023-01-01");
    let rows: Vec<Spend> = (0..80)
        .map(|number| {
            on(number, start.add_days(number as i32).unwrap(), 1_000 + 997 * (number as i64 * 7 % 80), "Grocer", 1)
        })
        .collect();
    let found = prices(&rows, Currency::EUR, date("2024-01-01"));
    assert_eq!(found[0].amounts, Amounts::Frequent(Vec::new()));
    assert_eq!(wording::prices(&found[0], &Names::new()), "Grocer: no usual price.");
}

#[test]
fn one_price_needs_no_mixture_and_few_payments_have_none() {
    let rows: Vec<Spend> =
        (0..40).map(|day| on(day, date("2023-01-01").add_days(day as i32).unwrap(), 300, "Kiosk", 1)).collect();
    let found = prices(&rows, Currency::EUR, date("2024-01-01"));
    assert_eq!(found[0].amounts, Amounts::Usual(vec![Money::nearest(300, Currency::EUR)]));
    assert_eq!(prices(&rows[..29], Currency::EUR, date("2024-01-01")), []);
    assert_eq!(prices(&rows, Currency::parse("JPY").unwrap(), date("2024-01-01")), []);
}

#[test]
fn a_trip_is_days_of_travelling_close_together() {
    let travel = Travel { categories: vec![id(1_000_009)], tags: vec!["Lisbon".into()] };
    let parents = Parents::from([(id(1_000_003), id(1_000_009))]);
    let mut rows = vec![
        spend(1, "2024-05-10", 5_000, "", 3),
        spend(2, "2024-05-11", 900, "", 9),
        spend(3, "2024-05-12", 700, "", 1),
    ];
    rows[2].tags = vec!["Lisbon".into()];
    rows.push(Spend {
        amount: Money::nearest(4_000, Currency::parse("JPY").unwrap()),
        ..spend(4, "2024-05-14", 0, "", 3)
    });
    rows.push(spend(5, "2024-05-18", 500, "", 3));
    rows.push(spend(6, "2024-05-12", 99_999, "Boiler", 1));
    let found = trips(&rows, &travel, &parents, date("2024-12-31"));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].from, found[0].to), (date("2024-05-10"), date("2024-05-14")));
    assert_eq!(found[0].entries, [1, 2, 3, 4].map(id));
    assert_eq!(wording::trip(&found[0]), "Travelling from 2024-05-10 to 2024-05-14: 4 entries, 66.00 EUR, 4000 JPY.");
    assert_eq!(trips(&rows, &travel, &Parents::new(), date("2024-12-31")), [], "with two of them only");
}

#[test]
fn a_day_of_very_many_travel_rows_is_one_trip() {
    let travel = Travel { categories: vec![id(1_000_001)], tags: vec![] };
    let rows: Vec<Spend> = (0..100_000).map(|number| spend(number, "2024-05-10", 1, "", 1)).collect();
    let found = trips(&rows, &travel, &Parents::new(), date("2024-12-31"));
    assert_eq!((found.len(), found[0].entries.len()), (1, 100_000));
}

#[test]
fn the_rhythm_map_has_medians_and_fixed_lines() {
    let mut rows: Vec<Spend> =
        (0..30).map(|day| on(day, date("2024-01-01").add_days(day as i32 * 2).unwrap(), 300, "Bakery", 1)).collect();
    rows.extend((0..5).map(|number| on(100 + number, month(24 + number as u16).first_day(), 90_000, "Landlord", 2)));
    let map = rhythm(&rows, Currency::EUR, date("2024-12-31"));
    assert_eq!(map.typical.map(|line| line.minor()), Some(300));
    let told: Vec<(&Seller, i64, Pace, bool)> =
        map.points.iter().map(|one| (&one.seller, one.gap_half_days, one.pace, one.is_large)).collect();
    let payee = |name: &str| Seller::Payee(name.to_owned());
    assert_eq!(
        told,
        [(&payee("Bakery"), 4, Pace::WithinAWeek, false), (&payee("Landlord"), 61, Pace::WithinAMonth, true)]
    );
    assert_eq!(wording::rhythm(&map.points[0], &Names::new()), "Bakery: 3.00 EUR about every 2 days.");
}

/// The groups that linfa's DBSCAN makes of dates in their order, with four rows within two days.
fn dense_by_linfa(rows: &[Spend]) -> Vec<Vec<DocumentId>> {
    let days = rows.iter().map(|row| f64::from(row.date.days())).collect();
    let points = Array2::from_shape_vec((rows.len(), 1), days).unwrap();
    // Its range is open, and days are whole.
    let labels = Dbscan::params(4).tolerance(2.5).transform(&points).unwrap();
    let mut groups: Vec<Vec<DocumentId>> = Vec::new();
    for (row, label) in rows.iter().zip(labels).filter_map(|(row, label)| Some((row, label?))) {
        groups.resize_with(groups.len().max(label + 1), Vec::new);
        groups[label].push(row.id);
    }
    groups
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// One pass over dates that are sorted finds what DBSCAN finds, which needs an index of neighbours.
    #[test]
    fn trips_are_the_groups_of_dbscan(mut days in prop::collection::vec(0_i32..60, 0..50)) {
        days.sort_unstable();
        let start = date("2024-01-01");
        let rows: Vec<Spend> = (0..).zip(&days).map(|(number, day)| on(number, start.add_days(*day).unwrap(), 100, "", 1)).collect();
        let travel = Travel { categories: vec![id(1_000_001)], tags: vec![] };
        let found = trips(&rows, &travel, &Parents::new(), date("2024-12-31"));
        let found: Vec<Vec<DocumentId>> = found.into_iter().map(|trip| trip.entries).collect();
        prop_assert_eq!(found, dense_by_linfa(&rows));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_rows_make_any_of_it_fail_and_their_order_changes_nothing(rows in wild(), seed in any::<u64>(), day in -1000_i32..20_000) {
        let today = Date::from_days(day).unwrap();
        let travel = Travel { categories: vec![id(1_000_001)], tags: vec![] };
        let all = |rows: &[Spend]| {
            let sums = DaySums::of(rows, Parents::new(), vec![]);
            (
                phases(&sums, Currency::EUR, today, SEED),
                prices(rows, Currency::EUR, today),
                trips(rows, &travel, &Parents::new(), today),
                rhythm(rows, Currency::EUR, today),
            )
        };
        let first = all(&rows);
        let mut shuffled = rows.clone();
        Dice(seed).shuffle(&mut shuffled);
        prop_assert_eq!(&all(&shuffled), &first);
        if let Phases::Found(found) = &first.0 {
            prop_assert!(found.silhouette.is_finite() && found.stability.is_finite());
        }
        let names = Names::new();
        prop_assert!(!wording::phases(&first.0, &names).is_empty());
        let texts = first.1.iter().map(|one| wording::prices(one, &names)).chain(first.2.iter().map(wording::trip));
        prop_assert!(texts.chain(first.3.points.iter().map(|one| wording::rhythm(one, &names))).all(|text| !text.contains("NaN")));
    }

    /// Few sellers with many payments of any size, so that mixtures are fitted to what they were not made for.
    #[test]
    fn any_amounts_have_prices_or_none(minors in prop::collection::vec(prop_oneof![Just(1_i64), Just(250), 1_i64..100_000, Just(1_000_000_000_000_000)], 30..90)) {
        let rows: Vec<Spend> = minors.iter().enumerate().map(|(day, minor)| on(day as u64, Date::from_days(19_000 + day as i32).unwrap(), *minor, "Shop", 1)).collect();
        let found = prices(&rows, Currency::EUR, Date::from_days(20_000).unwrap());
        let (Amounts::Usual(amounts) | Amounts::Frequent(amounts)) = &found[0].amounts;
        prop_assert!(!amounts.is_empty() && amounts.iter().all(|amount| minors.contains(&amount.minor())));
        let income: Vec<Spend> = rows.into_iter().map(|row| Spend { kind: EntryKind::Income, ..row }).collect();
        prop_assert_eq!(prices(&income, Currency::EUR, Date::from_days(20_000).unwrap()), vec![]);
    }
}

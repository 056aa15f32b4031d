//! What is expected of a month, and when nothing is.

#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A test fails by panicking; its numbers are small.

mod made;

use made::{Dice, date, id, on, spend, wild};
use outlay_insight::forecast::{Expectation, Forecast, forecast};
use outlay_insight::months::{DaySums, Parents, Target};
use outlay_insight::recurring::{Decided, recurring};
use outlay_insight::wording::{Names, patterns as wording};
use outlay_ledger::expense::Decision;
use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, EntryKind, Money, Month};
use proptest::prelude::*;

const RENT: u64 = 1;
const FOOD: u64 = 2;

/// Rent on the first, and groceries on some days, for so many months from January 2022.
fn household(months: u16, seed: u64) -> Vec<Spend> {
    let mut dice = Dice(seed);
    let mut rows = Vec::new();
    for number in 0..months {
        let month = Month::from_number(2022 * 12 + number).unwrap();
        rows.push(on(rows.len() as u64, month.first_day(), 80_000, "Landlord", RENT));
        for day in [3, 9, 14, 20, 26] {
            let date = month.first_day().add_days(day).unwrap();
            rows.push(on(rows.len() as u64, date, 4_000 + dice.below(3_000) as i64, "Grocer", FOOD));
        }
    }
    rows
}

fn of(rows: &[Spend], target: Target, today: &str) -> Forecast {
    let sums = DaySums::of(rows, Parents::new(), vec![]);
    forecast(&sums, &[], date(today)).into_iter().find(|one| one.target == target).unwrap()
}

fn point(expectation: Expectation) -> (i64, i64, i64) {
    let Expectation::Point { usual, range } = expectation else { panic!("a point, not {expectation:?}") };
    (range.low.minor(), usual.minor(), range.high.minor())
}

fn category(number: u64) -> Target {
    Target::Category(Some(id(1_000_000 + number)))
}

#[test]
fn a_usual_month_is_the_median_of_the_last_six() {
    let rows: Vec<Spend> = (0..12)
        .map(|month| {
            on(
                u64::from(month),
                Month::from_number(2022 * 12 + month).unwrap().first_day(),
                1000 * i64::from(month),
                "",
                RENT,
            )
        })
        .collect();
    let (low, usual, high) = point(of(&rows, Target::Total, "2023-01-15").usual);
    assert_eq!(usual, 8_500, "of 6,000 to 11,000");
    assert_eq!(usual - low, high - usual, "errors are as probable below as above");
}

#[test]
fn from_within_a_month_what_is_spent_is_certain_and_the_rest_is_usual() {
    let rows = household(24, 1);
    let food = of(&rows, category(FOOD), "2023-12-15");
    assert_eq!(food.spent.minor(), rows[139..=141].iter().map(|row| row.amount.minor()).sum::<i64>());
    let (low, usual, high) = point(food.month_end);
    assert!(food.spent.minor() < low && low <= usual && usual <= high);
    let (_, _, widest) = point(of(&rows, category(FOOD), "2023-12-01").month_end);
    assert!(high - usual < widest, "with less of the month left, less is open");
}

/// Four of five, within what a few dozen months can show.
#[test]
fn the_range_holds_about_as_often_as_it_says() {
    let (mut inside, mut all) = (0, 0);
    for seed in 1..=20 {
        let rows = household(36, seed);
        let sums = DaySums::of(&rows, Parents::new(), vec![]);
        for number in 12..36 {
            let month = Month::from_number(2022 * 12 + number).unwrap();
            let real = sums.between(Currency::EUR, Target::Total, month.first_day(), month.last_day());
            let known = DaySums::of(&rows[..usize::from(number) * 6], Parents::new(), vec![]);
            let (low, _, high) = point(forecast(&known, &[], month.first_day())[0].usual);
            inside += usize::from((low..=high).contains(&real));
            all += 1;
        }
    }
    assert!((70..=90).contains(&(inside * 100 / all)), "{inside} of {all}");
}

#[test]
fn a_lumpy_category_has_a_range_and_no_point() {
    let mut rows = household(24, 2);
    for number in (0..24).step_by(5) {
        let month = Month::from_number(2022 * 12 + number).unwrap();
        rows.push(on(1_000 + u64::from(number), month.first_day(), 60_000, "Airline", 3));
    }
    let flights = of(&rows, category(3), "2024-01-01");
    assert!(matches!(flights.usual, Expectation::Range(range) if range.low.minor() == 0), "{:?}", flights.usual);
}

#[test]
fn ten_months_are_needed_and_nine_say_so() {
    let enough = of(&household(10, 3), Target::Total, "2022-11-01").usual;
    assert!(matches!(enough, Expectation::Point { .. }));
    let too_few = of(&household(9, 3), Target::Total, "2022-10-01").usual;
    assert_eq!(too_few, Expectation::NotEnough { months: 9, needed: 10 });
}

#[test]
fn a_history_that_begins_late_in_a_month_begins_with_the_next() {
    let mut rows = household(11, 4);
    rows.retain(|row| row.date > date("2022-01-20"));
    assert_eq!(
        of(&rows, Target::Total, "2022-12-01").usual,
        of(&household(11, 4)[6..], Target::Total, "2022-12-01").usual
    );
}

/// Nobody knows what was spent while nothing was noted: such months are not months without spending.
#[test]
fn months_end_with_the_last_entry_and_begin_after_the_last_silence() {
    let rows = household(24, 4);
    let usual = of(&rows, Target::Total, "2024-01-01").usual;
    assert_eq!(of(&rows, Target::Total, "2024-06-30").usual, usual, "five months later");
    let silent = of(&rows, Target::Total, "2024-07-01");
    assert_eq!(silent.usual, Expectation::NotLately { last: date("2023-12-27") });
    assert_eq!((silent.month_end, silent.spent.minor()), (silent.usual, 0));
    let told = wording::forecast(&silent, &Names::new());
    assert_eq!(
        told,
        ["All spending: nothing since 2023-12-27, so not enough to say.", "All spending: 0.00 EUR in 2024-07 so far."]
    );

    let mut again = rows.clone();
    again.push(spend(900, "2024-09-02", 500, "Grocer", FOOD));
    let begun = of(&again, Target::Total, "2024-11-15").usual;
    assert_eq!(begun, Expectation::NotEnough { months: 1, needed: 10 }, "what was before is of other times");

    let mut earning = rows;
    earning.push(Spend { kind: EntryKind::Income, ..spend(901, "2024-03-02", 500, "Employer", 5) });
    let (_, less, _) = point(of(&earning, Target::Total, "2024-04-01").usual);
    assert!(less < point(usual).1, "income was noted in March, so nothing was spent until then");
}

#[test]
fn what_is_planned_for_later_does_not_count() {
    let mut rows = household(12, 5);
    let before = of(&rows, Target::Total, "2023-01-01");
    rows.push(spend(9_000, "2023-01-20", 1_000_000, "Car", 4));
    rows.push(spend(9_001, "2033-01-20", 1_000_000, "Car", 4));
    assert_eq!(of(&rows, Target::Total, "2023-01-01"), before);
}

#[test]
fn currencies_are_forecast_apart_and_savings_left_out() {
    let mut rows = household(12, 6);
    let yen = Currency::parse("JPY").unwrap();
    for row in household(12, 7) {
        let number = 5_000 + rows.len() as u64;
        rows.push(Spend { id: id(number), amount: Money::new(row.amount.minor(), yen).unwrap(), ..row });
    }
    let before = of(&household(12, 6), Target::Total, "2023-01-01");
    assert_eq!(of(&rows, Target::Total, "2023-01-01"), before);

    let parents = Parents::from([(id(1_000_000 + 8), id(1_000_000 + 9))]);
    rows.push(spend(8_000, "2022-03-01", 900_000, "Fund", 8));
    let sums = DaySums::of(&rows, parents, vec![id(1_000_000 + 9)]);
    assert_eq!(forecast(&sums, &[], date("2023-01-01"))[0], before, "a category below one that is left out");
}

#[test]
fn a_circle_of_categories_ends() {
    let parents = Parents::from([(id(1), id(2)), (id(2), id(1))]);
    let rows = vec![Spend { category: Some(id(1)), ..spend(1, "2022-01-01", 5, "", 1) }];
    assert_eq!(DaySums::of(&rows, parents, vec![]).targets().count(), 2);
}

#[test]
fn confirmed_commitments_to_come_are_named() {
    let mut rows = household(12, 8);
    rows.retain(|row| row.date < date("2022-12-01"));
    let today = date("2022-11-30");
    let rent = recurring(&rows, today, &[]).into_iter().find(|one| one.name == "Landlord").unwrap();
    let decision = Decided { entry: rent.id.0, decision: Decision::Confirmed, fingerprint: 0 };
    let sums = DaySums::of(&rows, Parents::new(), vec![]);
    let named = |decisions: &[Decided], today: &str| {
        let commitments = recurring(&rows, date("2022-11-30"), decisions);
        forecast(&sums, &commitments, date(today))[0].commitments.clone()
    };
    assert_eq!(named(&[], "2022-11-30"), [], "only found");
    assert_eq!(named(&[decision], "2022-11-30"), [], "December is another month");
    let rows_of = |rows: &[Spend]| recurring(rows, today, &[decision]);
    let mut late = rows_of(&rows);
    late.iter_mut().for_each(|one| one.next = Some(date("2022-12-03")));
    let due = &forecast(&sums, &late, date("2022-12-01"))[0].commitments;
    assert_eq!(
        due.iter().map(|due| (due.commitment, due.date, due.amount.minor())).collect::<Vec<_>>(),
        [(rent.id, date("2022-12-03"), 80_000)]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_rows_make_it_fail_and_their_order_changes_nothing(rows in wild(), seed in any::<u64>(), day in -1000_i32..20_000) {
        let today = Date::from_days(day).unwrap();
        let sums = DaySums::of(&rows, Parents::new(), vec![]);
        let expected = forecast(&sums, &recurring(&rows, today, &[]), today);
        let mut shuffled = rows.clone();
        Dice(seed).shuffle(&mut shuffled);
        let other = DaySums::of(&shuffled, Parents::new(), vec![]);
        prop_assert_eq!(&forecast(&other, &recurring(&shuffled, today, &[]), today), &expected);
        for one in expected {
            let Expectation::Point { usual, range } = one.usual else { continue };
            prop_assert!(range.low.minor() <= usual.minor() && usual.minor() <= range.high.minor());
        }
    }

    #[test]
    fn a_row_that_is_taken_back_leaves_nothing(rows in wild(), more in wild()) {
        let today = date("2021-06-15");
        let mut sums = DaySums::of(&rows, Parents::new(), vec![]);
        let before = forecast(&sums, &[], today);
        more.iter().for_each(|row| sums.add(row));
        more.iter().for_each(|row| sums.remove(row));
        prop_assert_eq!(forecast(&sums, &[], today), before);
    }
}

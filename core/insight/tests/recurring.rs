//! Commitments that are found, those that are not, and what is said of them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A test fails by panicking; its numbers are small.

mod made;

use made::{Dice, date, id, on, spend, wild};
use outlay_insight::recurring::{
    Amount, Cadence, Commitment, CommitmentId, Decided, PriceChange, Search, Standing, fingerprint, recurring,
};
use outlay_ledger::expense::Decision;
use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, EntryKind, Money};
use proptest::prelude::*;

/// Payments of one price, so many, a period apart.
fn every(cadence: Cadence, from: &str, many: u16, minor: i64, payee: &str) -> Vec<Spend> {
    let first = date(from);
    (0..many).map(|step| on(u64::from(step), cadence.after(first, step), minor, payee, 1)).collect()
}

fn only(rows: &[Spend], today: &str) -> Commitment {
    let mut found = recurring(rows, date(today), &[]);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

/// Small purchases on random days at usual prices, as a household has them besides.
fn habits(dice: &mut Dice, days: u64) -> Vec<Spend> {
    let start = date("2022-01-01");
    let made = (0..days).flat_map(|day| (0..dice.below(4)).map(move |_| day)).collect::<Vec<_>>();
    let habit = |(place, day): (usize, u64)| {
        let (name, prices, category) =
            [("Bakery", [240, 310], 11), ("Tram", [280, 280], 12), ("Kiosk", [100, 150], 13)][dice.below(3) as usize];
        let date = start.add_days(i32::try_from(day).unwrap()).unwrap();
        on(10_000 + place as u64, date, prices[dice.below(2) as usize], name, category)
    };
    made.into_iter().enumerate().map(habit).collect()
}

#[test]
fn every_cadence_is_found_and_its_next_date_told() {
    for cadence in Cadence::ALL {
        let rows = every(cadence, "2020-01-15", 7, 1999, "Gym");
        let last = rows.last().unwrap().date;
        let found = recurring(&rows, last, &[]);
        assert_eq!(found.len(), 1, "{cadence:?}");
        assert_eq!((found[0].cadence, found[0].payments.len()), (cadence, 7));
        assert_eq!(found[0].next, Some(cadence.after(last, 1)), "{cadence:?}");
        assert_eq!((found[0].amount, &found[0].missed), (Amount::Fixed(1999), &vec![]));
    }
}

#[test]
fn an_exact_yearly_payment_is_found_the_second_time() {
    let insurance = only(&every(Cadence::Yearly, "2022-03-01", 2, 35_000, "Insurance"), "2023-04-01");
    assert_eq!((insurance.cadence, insurance.next), (Cadence::Yearly, Some(date("2024-03-01"))));
}

/// Two interest payments of different amounts say nothing; neither do two alike a month apart.
#[test]
fn two_payments_are_no_commitment_otherwise() {
    let rows = [spend(1, "2022-03-01", 100, "Shoes", 1), spend(2, "2023-03-01", 150, "Shoes", 1)];
    assert_eq!(recurring(&rows, date("2023-04-01"), &[]), []);
    assert_eq!(recurring(&every(Cadence::Monthly, "2022-03-01", 2, 999, "Film"), date("2022-04-10"), &[]), []);
}

#[test]
fn daily_habits_are_no_commitments_and_do_not_hide_one() {
    for seed in 1..=5 {
        let mut rows = habits(&mut Dice(seed), 500);
        assert_eq!(recurring(&rows, date("2023-06-01"), &[]), [], "seed {seed}");
        rows.extend(every(Cadence::Monthly, "2022-01-20", 14, 1299, "Netflix"));
        assert_eq!(only(&rows, "2023-02-25").payments.len(), 14, "seed {seed}");
    }
}

/// Whoever goes shopping on Saturdays, each time to one of four shops, pays none of them every week or every fourth.
#[test]
fn shopping_on_one_weekday_is_no_commitment_and_a_weekly_lesson_on_it_is_one() {
    let (mut shops, mut lessons) = (0, 0);
    for seed in 1..=10 {
        let mut dice = Dice(seed);
        let mut rows = Vec::new();
        for week in 0..200 {
            let saturday = date("2020-01-04").add_days(7 * week).unwrap();
            let shop = dice.below(4);
            let minor = 4_000 + i64::try_from(dice.below(3_000)).unwrap();
            let name = ["Corner", "Market", "Baker", "Butcher"][shop as usize];
            rows.push(on(u64::try_from(week).unwrap(), saturday, minor, name, 10 + shop));
            if dice.below(10) < 9 {
                rows.push(on(1_000 + u64::try_from(week).unwrap(), saturday, 3_000, "Piano", 2));
            }
        }
        let found = recurring(&rows, date("2023-11-01"), &[]);
        let piano = found.iter().filter(|found| found.name == "Piano");
        lessons += piano.filter(|piano| piano.cadence == Cadence::Weekly && piano.next.is_some()).count();
        shops += found.iter().filter(|found| found.name != "Piano").count();
    }
    assert_eq!(lessons, 10);
    assert!(shops <= 1, "{shops} of 40 shops");
}

/// Of thousands of amounts, some come three times a year apart.
#[test]
fn equal_amounts_in_a_long_history_are_no_commitment() {
    let mut told = 0;
    for seed in 1..=5 {
        let mut dice = Dice(seed);
        let row = |number: u64| {
            let day = date("2010-01-01").add_days(i32::try_from(dice.below(5_000)).unwrap()).unwrap();
            let minor = 500 + i64::try_from(dice.below(3_000)).unwrap();
            on(number, day, minor, &format!("Shop {}", char::from(b'A' + dice.below(26) as u8)), 20 + dice.below(10))
        };
        let rows: Vec<Spend> = (0..10_000).map(row).collect();
        told += recurring(&rows, date("2023-10-01"), &[]).len();
    }
    assert!(told <= 1, "{told} commitments of 50,000 rows that fell on random days");
}

/// What is bought each second or third day is bought every four weeks as well.
#[test]
fn an_exact_habit_is_no_commitment() {
    for days in [1, 2, 3] {
        let bought = |step: u64| on(step, date("2022-01-03").add_days((step * days) as i32).unwrap(), 320, "Bakery", 1);
        let rows: Vec<Spend> = (0..730 / days).map(bought).collect();
        assert_eq!(recurring(&rows, rows.last().unwrap().date, &[]), vec![], "every {days} days");
    }
}

#[test]
fn several_commitments_of_one_name_and_amount_are_found_beside_each_other() {
    let deposit = |number: u64, from| {
        let mut rows = every(Cadence::Monthly, from, 12, 100_000, "Deposit");
        rows.iter_mut().zip(number..).for_each(|(row, number)| row.id = id(number));
        rows
    };
    let rows = [deposit(0, "2023-01-05"), deposit(100, "2023-01-12"), deposit(200, "2023-01-25")].concat();
    let found = recurring(&rows, date("2023-12-31"), &[]);
    assert_eq!(
        found.iter().map(|one| (one.cadence, one.payments.len())).collect::<Vec<_>>(),
        [(Cadence::Monthly, 12); 3]
    );
}

#[test]
fn a_varying_amount_is_a_range() {
    let mut dice = Dice(3);
    let rows: Vec<Spend> = every(Cadence::Monthly, "2022-01-03", 12, 1, "Electricity")
        .into_iter()
        .map(|row| Spend { amount: Money::new(5000 + dice.below(2000) as i64, Currency::EUR).unwrap(), ..row })
        .collect();
    let Amount::Varying { low, typical, high } = only(&rows, "2022-12-10").amount else { panic!("a range") };
    assert!(5000 <= low && low < typical && typical < high && high < 7000);
}

#[test]
fn a_shifting_date_is_followed() {
    let mut dice = Dice(4);
    let rows: Vec<Spend> = every(Cadence::Monthly, "2022-01-10", 12, 40_000, "Rent")
        .into_iter()
        .map(|row| Spend { date: row.date.add_days(dice.below(5) as i32 - 2).unwrap(), ..row })
        .collect();
    let rent = only(&rows, "2022-12-15");
    assert_eq!((rent.cadence, rent.payments.len()), (Cadence::Monthly, 12));
    assert!((8..=12).contains(&rent.next.unwrap().day()));
}

#[test]
fn a_changed_name_and_category_is_the_same_commitment() {
    let mut rows = every(Cadence::Monthly, "2022-01-10", 12, 1000, "Savings plan");
    for row in rows.iter_mut().skip(6) {
        row.payee = "Fund A".into();
        row.category = Some(id(77));
    }
    let plan = only(&rows, "2022-12-15");
    assert_eq!((plan.payments.len(), plan.name.as_str(), plan.category), (12, "Fund A", Some(id(77))));
}

/// A payment whose name, category and amount are once others is no missed one, if its account and date are the same.
#[test]
fn a_payment_that_stands_apart_is_put_where_it_was_expected() {
    let mut rows = every(Cadence::Monthly, "2022-01-10", 12, 1000, "Savings plan");
    (rows[6].payee, rows[6].category) = ("Transfer".into(), Some(id(78)));
    rows[8].amount = Money::new(3000, Currency::EUR).unwrap();
    let plan = only(&rows, "2022-12-15");
    assert_eq!((plan.payments.len(), plan.missed.len()), (12, 0));
}

#[test]
fn a_new_price_is_told_with_its_date() {
    let mut rows = every(Cadence::Monthly, "2022-01-10", 12, 999, "Music");
    rows[9..].iter_mut().for_each(|row| row.amount = Money::new(1199, Currency::EUR).unwrap());
    let music = only(&rows, "2022-12-15");
    assert_eq!(music.price_changes, [PriceChange { entry: id(9), date: date("2022-10-10"), before: 999, after: 1199 }]);
    assert_eq!(music.amount, Amount::Fixed(1199));
}

#[test]
fn a_missed_payment_is_told_and_a_stopped_one_is_not_expected() {
    let mut rows = every(Cadence::Monthly, "2022-01-10", 12, 999, "Music");
    rows.remove(5);
    rows.extend(habits(&mut Dice(1), 500));
    let music = only(&rows, "2022-12-15");
    assert_eq!((music.missed, music.next), (vec![date("2022-06-10")], Some(date("2023-01-10"))));
    let late = only(&rows, "2023-01-20");
    assert_eq!((late.missed, late.next), (vec![date("2022-06-10"), date("2023-01-10")], Some(date("2023-02-10"))));
    let stopped = only(&rows, "2023-03-20");
    assert_eq!((stopped.missed, stopped.next), (vec![date("2022-06-10")], None));
}

/// Who noted nothing may have paid all the same.
#[test]
fn where_nothing_was_noted_no_payment_was_missed() {
    let mut rows = every(Cadence::Monthly, "2022-01-10", 12, 999, "Music");
    rows.remove(5);
    let music = only(&rows, "2022-12-15");
    assert_eq!((music.missed, music.next), (vec![], Some(date("2023-01-10"))), "June 2022 has no entry");
    let later = only(&rows, "2023-04-20");
    assert_eq!((later.missed, later.next), (vec![], Some(date("2023-05-10"))), "the next one from today");
    let years_later = only(&rows, "2026-01-20");
    assert_eq!((years_later.missed, years_later.next), (vec![], None), "nobody knows after so long");

    let again = [&rows[..], &[spend(900, "2023-04-18", 500, "Bakery", 2)]].concat();
    let again = only(&again, "2023-04-20");
    assert_eq!((again.missed, again.next), (vec![date("2023-04-10")], Some(date("2023-05-10"))), "April has one");
}

#[test]
fn an_income_and_an_expense_are_never_one_commitment() {
    let mut rows = every(Cadence::Monthly, "2022-01-10", 12, 999, "Anna");
    rows.iter_mut().skip(6).for_each(|row| row.kind = EntryKind::Income);
    let found = recurring(&rows, date("2022-12-15"), &[]);
    let kinds: Vec<(EntryKind, usize)> = found.iter().map(|one| (one.kind, one.payments.len())).collect();
    assert_eq!(kinds, [(EntryKind::Expense, 6), (EntryKind::Income, 6)]);
}

#[test]
fn a_decision_holds_when_the_past_grows_and_when_its_entry_is_deleted() {
    let rows = every(Cadence::Monthly, "2022-01-10", 12, 999, "Music");
    let later = &rows[4..];
    let CommitmentId(entry) = only(later, "2022-12-15").id;
    let decided = Decided { entry, decision: Decision::Dismissed, fingerprint: fingerprint("Music", "", None) };
    let standing = |rows: &[Spend]| recurring(rows, date("2022-12-15"), &[decided])[0].standing;
    assert_eq!(entry, id(4));
    assert_eq!(standing(later), Standing::Dismissed);
    assert_eq!(standing(&rows), Standing::Dismissed, "with older rows, whose first is another");
    assert_eq!(standing(&rows[5..]), Standing::Dismissed, "without the entry it stands in");
    let changed = Decided { entry: id(9), decision: Decision::Confirmed, fingerprint: 0 };
    for decisions in [[decided, changed], [changed, decided]] {
        let found = recurring(&rows, date("2022-12-15"), &decisions);
        assert_eq!(found[0].standing, Standing::Confirmed, "the one in the latest payment holds");
    }
}

#[test]
fn a_decision_on_one_of_two_alike_does_not_touch_the_other() {
    let mut rows = every(Cadence::Monthly, "2022-01-05", 12, 1000, "Fund");
    let others = every(Cadence::Monthly, "2022-01-12", 12, 1000, "Fund");
    rows.extend(others.into_iter().map(|row| Spend { id: id(500 + u64::from(row.id.0[15])), ..row }));
    let today = date("2022-12-25");
    let found = recurring(&rows, today, &[]);
    assert_eq!(found.len(), 2);
    let fingerprint = fingerprint("Fund", "", None);
    let decided = Decided { entry: found[0].id.0, decision: Decision::Dismissed, fingerprint };
    let standings: Vec<Standing> = recurring(&rows, today, &[decided]).iter().map(|one| one.standing).collect();
    assert_eq!(standings, [Standing::Dismissed, Standing::Found]);
}

#[test]
fn a_day_of_very_many_rows_is_searched_in_no_time_and_has_nothing() {
    let rows: Vec<Spend> = (0..200_000).map(|number| spend(number, "2022-05-05", 100, "Import", 1)).collect();
    assert_eq!(recurring(&rows, date("2022-06-01"), &[]), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_order_of_rows_and_the_way_they_came_change_nothing(rows in wild(), seed in any::<u64>(), day in 17_500_i32..19_500) {
        let today = Date::from_days(day).unwrap();
        let found = recurring(&rows, today, &[]);
        let mut shuffled = rows.clone();
        Dice(seed).shuffle(&mut shuffled);
        prop_assert_eq!(&recurring(&shuffled, today, &[]), &found);

        let mut search = Search::default();
        for row in &shuffled {
            search.add(row);
            if row.id.0[15].is_multiple_of(3) {
                search.commitments(today, &[]);
                search.remove(row.id);
                search.add(row);
            }
        }
        prop_assert_eq!(&search.commitments(today, &[]), &found);
    }

    #[test]
    fn payments_are_in_order_in_one_commitment_only_and_not_of_the_future(rows in wild(), day in 17_500_i32..19_500) {
        let today = Date::from_days(day).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for found in recurring(&rows, today, &[]) {
            prop_assert!(found.payments.len() >= 2);
            prop_assert!(found.payments.is_sorted_by_key(|payment| payment.date));
            prop_assert!(found.payments.iter().all(|payment| payment.date <= today && seen.insert(payment.entry)));
            prop_assert!(found.next.is_none_or(|next| next > found.payments.last().unwrap().date));
            let Amount::Varying { low, typical, high } = found.amount else { continue };
            prop_assert!(low <= typical && typical <= high);
        }
    }
}

//! Charges of a made-up household, and what is odd among them.

use outlay_ledger::Currency;
use proptest::prelude::*;

use super::*;
use crate::numbers::Numbers;
use crate::recurring::recurring;

/// Shops with a category and what they cost at least, in cents.
const SHOPS: [(&str, u8, i64); 5] =
    [("Corner Café", 1, 320), ("REWE", 1, 1_800), ("Stadtwerke", 2, 8_000), ("Bahn", 3, 2_900), ("Apotheke", 4, 700)];

fn row(number: u64, day: i32, payee: &str, minor: i64, filed: u8) -> Spend {
    Spend {
        id: DocumentId(u128::from(number).to_be_bytes()),
        date: Date::from_days(19_000 + day).unwrap(),
        kind: EntryKind::Expense,
        amount: Money::new(minor, Currency::EUR).unwrap(),
        payee: payee.to_owned(),
        note: String::new(),
        category: Some(DocumentId([filed; 16])),
        account: None,
        tags: vec![],
    }
}

/// Charges without anything odd: amounts within a half of each other, never the same twice.
fn ordinary(count: u64) -> Vec<Spend> {
    let mut numbers = Numbers(5);
    let mut rows = Vec::new();
    for number in 0..count {
        let (shop, filed, least) = SHOPS[usize::try_from(numbers.below(5)).unwrap()];
        let more = i64::try_from(numbers.below(u64::try_from(least / 2).unwrap())).unwrap();
        rows.push(row(number, i32::try_from(number).unwrap(), shop, least + more, filed));
    }
    rows
}

fn found(rows: &[Spend]) -> Vec<Odd> {
    find(rows, |category| category)
}

/// What is odd about a charge after 300 ordinary ones.
fn reasons(charge: Spend) -> Vec<Reason> {
    let mut rows = ordinary(300);
    let id = charge.id;
    rows.push(charge);
    found(&rows).into_iter().find(|odd| odd.id == id).map(|odd| odd.reasons).unwrap_or_default()
}

#[test]
fn an_ordinary_year_has_hardly_anything_odd() {
    let odd = found(&ordinary(1_000));
    assert!(odd.len() <= 10, "{odd:#?}");
}

#[test]
fn ten_times_as_much_is_compared_with_the_payee_or_else_the_category() {
    let [Reason::Amount { amount, usual, among }] = reasons(row(900, 300, "corner  CAFÉ", 4_000, 1))[..] else {
        panic!("no amount")
    };
    assert_eq!((amount.minor(), among), (4_000, Among::Payee));
    assert!((320..480).contains(&usual.minor()), "{usual}");

    let found = reasons(row(900, 300, "A chemist's", 12_000, 4));
    assert!(
        matches!(found[..], [Reason::Amount { among: Among::Category, usual, .. }] if usual.minor() < 1_050),
        "{found:?}"
    );
    assert_eq!(reasons(row(900, 300, "A chemist's", 1_200, 4)), []);
}

/// The note says which month the rent is for, so that no two have the same.
#[test]
fn what_a_payee_gets_is_usual_whatever_the_note_says() {
    let rent = |month: u64, minor| {
        let mut rent = row(900 + month, 30 * i32::try_from(month).unwrap(), "Landlord", minor, 0);
        (rent.note, rent.category) = (format!("Rent {month}/2023"), None);
        rent
    };
    let mut rows = ordinary(600);
    rows.extend((1..19).map(|month| rent(month, 115_000)));
    rows.sort_unstable_by_key(|row| (row.date, row.id));
    let odd = |rows: &[Spend]| {
        found(rows).iter().filter(|odd| rows.iter().any(|row| row.id == odd.id && row.payee == "Landlord")).count()
    };
    assert!(odd(&rows) <= 1, "only as long as it is new");
    rows.push(rent(20, 900_000));
    let last = found(&rows).pop().unwrap();
    assert!(matches!(last.reasons[..], [Reason::Amount { among: Among::Payee, .. }]), "{last:?}");
}

#[test]
fn what_a_person_keeps_paying_is_soon_usual() {
    let mut rows = ordinary(300);
    for number in 0..8 {
        rows.push(row(900 + number, 300 + 10 * i32::try_from(number).unwrap(), "Corner Café", 4_000, 1));
    }
    let odd = found(&rows);
    let is_odd = |number: u64| odd.iter().any(|odd| odd.id == DocumentId(u128::from(number).to_be_bytes()));
    assert!(is_odd(900) && !is_odd(906) && !is_odd(907), "{odd:?}");
}

#[test]
fn amounts_of_another_currency_are_another_matter() {
    let yen = Money::new(40_000, Currency::parse("JPY").unwrap()).unwrap();
    assert_eq!(reasons(Spend { amount: yen, ..row(900, 300, "Corner Café", 1, 1) }), []);
}

#[test]
fn a_charge_in_an_unlikely_category_names_the_likely_one() {
    let [Reason::Category { filed, likely }] = reasons(row(900, 300, "Corner Café", 390, 3))[..] else {
        panic!("no category")
    };
    assert_eq!((filed, likely), (DocumentId([3; 16]), DocumentId([1; 16])));
    assert_eq!(reasons(row(900, 300, "Corner Café", 390, 77)), [], "a new category has a reason that we do not know");
    assert_eq!(reasons(Spend { category: None, ..row(900, 300, "Corner Café", 390, 1) }), []);
}

#[test]
fn the_same_amount_and_payee_within_days_is_a_duplicate_and_names_the_first() {
    let last_of = |shop: &str| ordinary(300).into_iter().rfind(|row| row.payee == shop).unwrap();
    let last = last_of("Stadtwerke");
    for (days, is_odd) in [(0, true), (3, true), (4, false)] {
        let date = last.date.add_days(days).unwrap();
        let found = reasons(Spend { id: DocumentId([200; 16]), date, ..last.clone() });
        let days = u8::try_from(days).unwrap();
        assert_eq!(found, if is_odd { vec![Reason::Duplicate { of: last.id, days }] } else { vec![] });
    }
    let other = Money::new(last.amount.minor() + 1, Currency::EUR).unwrap();
    assert_eq!(reasons(Spend { id: DocumentId([200; 16]), amount: other, ..last }), []);
    let coffee = last_of("Corner Café");
    assert_eq!(reasons(Spend { id: DocumentId([200; 16]), ..coffee }), [], "less than is usually spent at once");
}

#[test]
fn a_ticket_there_and_a_ticket_back_are_not_a_duplicate() {
    let mut rows = ordinary(300);
    for number in 0..60 {
        rows.push(row(900 + number, 300 + i32::try_from(number / 2).unwrap(), "Tram", 210, 3));
    }
    let odd = found(&rows);
    let tram = odd.iter().filter(|odd| odd.id > DocumentId(910_u128.to_be_bytes())).count();
    assert_eq!(tram, 0, "{odd:?}");
}

#[test]
fn a_commitment_that_costs_more_is_a_price_rise_once() {
    let paid = |(number, minor): (u8, i64)| {
        let date = Date::from_ymd(2024, number + 1, 12).unwrap();
        Spend { date, ..row(u64::from(number), 0, "Netflix", minor, 1) }
    };
    let rises_of = |prices: [i64; 6]| {
        let rows: Vec<Spend> = (0..).zip(prices).map(paid).collect();
        recurring(&rows, Date::from_ymd(2024, 6, 20).unwrap(), &[]).iter().flat_map(rises).collect::<Vec<_>>()
    };
    let money = |minor| Money::new(minor, Currency::EUR).unwrap();
    let found = rises_of([999, 999, 999, 1_299, 1_299, 1_299]);
    let [Odd { id, reasons, .. }] = &found[..] else { panic!("{found:?}") };
    assert_eq!(*id, DocumentId(3_u128.to_be_bytes()));
    assert_eq!(*reasons, [Reason::PriceRise { was: money(999), now: money(1_299) }]);
    assert_eq!(rises_of([1_299, 1_299, 1_299, 999, 999, 999]), [], "it fell");
}

#[test]
fn money_back_income_and_transfers_are_not_judged_nor_learnt() {
    let back = |number, minor| row(number, 300, "Corner Café", minor, 1);
    assert_eq!(reasons(back(900, -400_000)), []);
    assert_eq!(reasons(back(900, 0)), []);
    assert_eq!(reasons(Spend { kind: EntryKind::Transfer, ..back(900, 400_000) }), []);
    let mut watch = Watch::new();
    watch.learn(&back(900, -350), None);
    watch.learn(&Spend { kind: EntryKind::Income, ..back(901, 350) }, None);
    assert_eq!(
        watch.surprise(&back(902, 350), None, &Suggester::new(EntryKind::Expense)),
        Watch::new().surprise(&back(902, 350), None, &Suggester::new(EntryKind::Expense))
    );
}

/// A level is wider than another: what is dear for tea is cheap for food.
#[test]
fn a_new_payee_is_compared_with_its_own_category_before_the_one_above() {
    let (food, tea, dinner) = (DocumentId([1; 16]), 11, 12);
    let mut rows = Vec::new();
    for number in 0..200_u64 {
        let day = i32::try_from(number).unwrap();
        let change = i64::try_from(number % 17).unwrap();
        rows.push(row(2 * number, day, &format!("tea {number}"), 100 + change, tea));
        rows.push(row(2 * number + 1, day, &format!("dinner {number}"), 4_000 + 10 * change, dinner));
    }
    rows.push(row(900, 300, "somewhere", 4_000, tea));
    rows.push(row(901, 301, "elsewhere", 4_000, dinner));
    let odd = find(&rows, |_| food);
    let [Odd { id, reasons, .. }] = &odd[..] else { panic!("{odd:?}") };
    assert_eq!(*id, DocumentId(900_u128.to_be_bytes()));
    assert!(matches!(reasons[..], [Reason::Amount { among: Among::Category, usual, .. }] if usual.minor() < 120));
}

#[test]
fn too_few_rows_and_rows_that_are_all_equal_say_nothing() {
    assert_eq!(found(&[]), []);
    assert_eq!(found(&ordinary(2)), []);
    let equal: Vec<Spend> =
        (0..500).map(|number| row(number, 10 * i32::try_from(number).unwrap(), "a", 100, 1)).collect();
    assert_eq!(found(&equal), []);
}

#[test]
fn a_hundred_thousand_charges_in_one_day_are_only_many() {
    let mut numbers = Numbers(1);
    let rows: Vec<Spend> = (0..100_000)
        .map(|number| {
            row(number, 0, &format!("p{}", numbers.below(50_000)), i64::try_from(numbers.below(9_000)).unwrap() + 1, 1)
        })
        .collect();
    assert!(found(&rows).len() < 2_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_in_any_order_have_the_same_odd_ones(mut rows in Just(ordinary(80)).prop_shuffle(), times in 5_i64..40) {
        let charges = |rows: &mut Vec<Spend>| {
            rows.push(row(900, 85, "Corner Café", 400 * times, 1));
            rows.push(row(901, 86, "Corner Café", 400 * times, 1));
        };
        let mut sorted = ordinary(80);
        charges(&mut sorted);
        charges(&mut rows);
        rows.rotate_left(17);
        prop_assert_eq!(found(&rows), found(&sorted));
    }

    /// Refunds, huge and no amounts, currencies mixed, texts of any script, dates of any time.
    #[test]
    fn whatever_is_spent_surprise_is_a_number_from_zero(
        rows in prop::collection::vec(
            ("\\PC{0,20}", -1_000_000_000_000_000_i64..=1_000_000_000_000_000, 0_u8..4, -30_000..30_000_i32), 1..60),
    ) {
        let (mut watch, mut suggester) = (Watch::new(), Suggester::new(EntryKind::Expense));
        for (number, (text, minor, filed, day)) in (0..).zip(&rows) {
            let row = row(number, *day, text, if number % 5 == 0 { 1 } else { *minor }, *filed);
            let top = row.category.filter(|_| number % 7 > 0);
            let Surprise { amount, category, duplicate } = watch.surprise(&row, top, &suggester);
            prop_assert!([amount, category, duplicate].iter().all(|nats| nats.is_finite() && *nats >= 0.0));
            watch.reasons(&row, top, &suggester);
            watch.learn(&row, top);
            suggester.learn_in(&row, top);
        }
    }
}

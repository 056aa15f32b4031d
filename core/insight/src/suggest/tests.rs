//! A learner of made-up shops: when it speaks, when it is silent, and that what a person said stands.

use outlay_ledger::{Date, Money};
use proptest::prelude::*;

use super::*;
use crate::numbers::Numbers;

const SHOPS: [(&str, u8); 6] = [
    ("Corner Café", 1),
    ("Lidl 0481 Berlin", 2),
    ("Stadtwerke Abschlag", 3),
    ("Deutsche Bahn Ticket", 4),
    ("Apotheke am Markt", 5),
    ("REWE sagt Danke", 2),
];

fn category(number: u8) -> DocumentId {
    DocumentId([number; 16])
}

fn row(number: u64, payee: &str, minor: i64, filed: Option<u8>) -> Spend {
    Spend {
        id: DocumentId(u128::from(number).to_be_bytes()),
        date: Date::from_days(19_000 + i32::try_from(number / 3).unwrap()).unwrap(),
        kind: EntryKind::Expense,
        amount: Money::new(minor, outlay_ledger::Currency::EUR).unwrap(),
        payee: payee.to_owned(),
        note: String::new(),
        category: filed.map(category),
        account: None,
        tags: vec![],
    }
}

/// Rows of the shops. One in `noise` has a category by chance, if `noise` is not 0.
fn rows(count: u64, noise: u64, seed: u64) -> Vec<Spend> {
    let mut numbers = Numbers(seed);
    let mut rows = Vec::new();
    for number in 0..count {
        let (shop, usual) = SHOPS[usize::try_from(numbers.below(6)).unwrap()];
        let is_noise = noise > 0 && numbers.below(noise) == 0;
        let filed = if is_noise { u8::try_from(numbers.below(5)).unwrap() + 1 } else { usual };
        let amount = i64::try_from(numbers.below(5_000)).unwrap() + 100;
        rows.push(row(number, &format!("{shop} {}", numbers.below(9)), amount, Some(filed)));
    }
    rows
}

/// Of all rows, each asked before it is learnt: for how many it spoke, and for how many of these it was right.
fn spoken(rows: &[Spend]) -> (usize, usize) {
    let mut learner = Suggester::new(EntryKind::Expense);
    let (mut spoken, mut right) = (0, 0);
    for row in rows {
        if let Some(suggestion) = learner.suggest(row) {
            spoken += 1;
            right += usize::from(Some(suggestion.category) == row.category);
        }
        learner.learn(row);
    }
    (spoken, right)
}

#[test]
fn shops_that_are_filed_alike_are_suggested_after_some_weeks() {
    let (spoken, right) = spoken(&rows(300, 0, 1));
    assert!(spoken >= 240 && right * 100 >= spoken * 97, "spoke {spoken}, right {right}");
}

#[test]
fn where_one_in_three_is_filed_by_chance_what_is_said_is_still_right_nine_times_in_ten_or_nothing_is_said() {
    for seed in 0..5 {
        let (spoken, right) = spoken(&rows(1_500, 3, seed));
        assert!(right * 100 >= spoken * 85 || spoken < 75, "seed {seed}: spoke {spoken}, right {right}");
    }
}

#[test]
fn categories_by_chance_are_never_suggested() {
    for seed in 0..5 {
        let (spoken, _) = spoken(&rows(1_000, 1, seed));
        assert!(spoken <= 10, "seed {seed}: spoke {spoken} times");
    }
}

/// However right it was, of names it knows: of others it knows nothing.
#[test]
fn a_past_without_errors_is_no_licence_to_guess() {
    for (count, seed) in [(60, 1), (300, 2), (2_000, 3)] {
        let learner = Suggester::of(EntryKind::Expense, &rows(count, 0, seed));
        assert_eq!(learner.suggest(&row(9_000, "Corner Café 7", 350, None)).unwrap().category, category(1));
        for stranger in ["Zubizarreta y Hijos", "Kwik Fit", "Muñoz", "東京電力"] {
            let best = learner.best(&row(9_001, stranger, 350, None)).unwrap();
            assert_eq!(learner.suggest(&row(9_001, stranger, 350, None)), None, "{count}: {stranger}, {best:?}");
        }
        assert!(learner.threshold().unwrap() >= 0.25, "{count}: {:?}", learner.threshold());
    }
}

#[test]
fn a_correction_stands_whatever_is_learnt_of_other_texts() {
    let mut learner = Suggester::of(EntryKind::Expense, &rows(200, 0, 7));
    learner.correct(&row(200, "Corner Café 3", 350, Some(5)));
    for number in 0..300 {
        learner.learn(&row(201 + number, &format!("Corner Café {}", 4 + number % 5), 350, Some(1)));
    }
    let suggestion = learner.suggest(&row(600, "CORNER  café 3", 410, None)).unwrap();
    assert_eq!((suggestion.category, suggestion.is_corrected), (category(5), true));

    let other = learner.suggest(&row(601, "Corner Café 6", 410, None)).unwrap();
    assert_eq!((other.category, other.is_corrected), (category(1), false));
}

#[test]
fn a_correction_ends_when_the_person_files_that_text_otherwise() {
    let mut learner = Suggester::of(EntryKind::Expense, &rows(200, 0, 7));
    learner.correct(&row(200, "Corner Café 3", 350, Some(5)));
    learner.learn(&row(201, "Corner Café 3", 350, Some(5)));
    assert!(learner.best(&row(202, "Corner Café 3", 350, None)).unwrap().is_corrected, "filed as corrected");

    learner.learn(&row(202, "Corner Café 3", 350, Some(1)));
    assert!(!learner.best(&row(203, "Corner Café 3", 350, None)).unwrap().is_corrected);
}

#[test]
fn the_newest_corrections_are_kept_when_there_are_too_many() {
    let mut learner = Suggester::new(EntryKind::Expense);
    for number in 0..=u64::try_from(CORRECTIONS_MAX).unwrap() {
        learner.correct(&row(number, &format!("Shop {number}"), 350, Some(1 + u8::from(number % 2 == 0))));
    }
    assert!(!learner.best(&row(9_000, "Shop 0", 350, None)).unwrap().is_corrected);
    assert!(learner.best(&row(9_000, "Shop 1", 350, None)).unwrap().is_corrected);
    assert!(learner.best(&row(9_000, "Shop 1024", 350, None)).unwrap().is_corrected);
}

#[test]
fn a_category_that_was_deleted_is_not_suggested() {
    let mut learner = Suggester::of(EntryKind::Expense, &rows(300, 0, 1));
    let bread = row(400, "REWE sagt Danke 4", 700, None);
    assert_eq!(learner.suggest(&bread).unwrap().category, category(2));

    learner.correct(&row(401, "Metzger", 900, Some(2)));
    learner.forget(category(2));
    assert!(learner.ranking(&bread).iter().all(|(known, _)| *known != category(2)));
    assert_ne!(learner.best(&bread).unwrap().category, category(2));
    assert!(!learner.best(&row(402, "Metzger", 900, None)).unwrap().is_corrected);

    (1..=5).for_each(|number| learner.forget(category(number)));
    assert_eq!(learner.best(&bread), None, "there is none left");

    learner.learn(&row(403, "REWE sagt Danke 4", 700, Some(2)));
    assert_eq!(learner.best(&bread).map(|best| best.category), Some(category(2)), "the person has it again");
    assert_eq!(learner.ranking(&bread).len(), 1);
}

#[test]
fn only_rows_of_its_kind_with_a_category_are_learnt() {
    let mut learner = Suggester::new(EntryKind::Expense);
    learner.learn(&row(0, "Corner Café", 350, None));
    learner.learn(&Spend { kind: EntryKind::Income, ..row(1, "Corner Café", 350, Some(1)) });
    assert_eq!(learner, Suggester::new(EntryKind::Expense));
    learner.learn(&row(2, "Corner Café", 350, Some(1)));
    assert_eq!(learner.best(&Spend { kind: EntryKind::Income, ..row(3, "Corner Café", 350, None) }), None);
}

#[test]
fn categories_beyond_the_limit_are_not_learnt_and_its_size_is_bounded() {
    let mut learner = Suggester::new(EntryKind::Expense);
    let mut numbers = Numbers(3);
    for number in 0..3_000 {
        let payee = format!("{:x} {:x}", numbers.below(u64::MAX), numbers.below(u64::MAX));
        let id = DocumentId(u128::from(1 + number % 600).to_be_bytes());
        learner.learn(&Spend { category: Some(id), ..row(number, &payee, 350, None) });
    }
    assert_eq!(learner.ranking(&row(0, "a", 1, None)).len(), CATEGORIES_MAX);
    assert!(learner.to_bytes().len() <= 1_500_000, "{} bytes", learner.to_bytes().len());
}

#[test]
fn a_learner_that_was_stored_goes_on_as_if_it_had_not() {
    let rows = rows(300, 5, 2);
    let mut whole = Suggester::of(EntryKind::Expense, &rows[..200]);
    whole.correct(&rows[0]);
    let mut stored = Suggester::from_bytes(&whole.to_bytes()).unwrap();
    assert_eq!(stored, whole);
    for row in &rows[200..] {
        whole.learn(row);
        stored.learn(row);
    }
    assert_eq!(stored, whole);
}

/// What two devices and a server make of the same entries is one and the same, so this number is that of all of them.
#[test]
fn the_same_entries_give_the_same_bytes_on_every_machine() {
    let learner = Suggester::of(EntryKind::Expense, &rows(120, 4, 9));
    assert_eq!(Hash::new(b'b').add(&learner.to_bytes()), Hash(603_430_430_802_062_904));
}

#[test]
fn bytes_that_are_cut_or_of_another_version_are_no_learner() {
    let mut learner = Suggester::of(EntryKind::Expense, &rows(20, 0, 2));
    learner.correct(&row(30, "Corner Café", 350, Some(5)));
    let bytes = learner.to_bytes();
    assert_eq!(Suggester::from_bytes(&[]), None);
    assert_eq!(Suggester::from_bytes(&[&[FORMAT + 1], &bytes[1..]].concat()), None);
    assert_eq!(Suggester::from_bytes(&[&bytes[..], &[0]].concat()), None);
    // A cut between two features leaves a smaller learner, which is sound; every other is refused.
    let cuts = (0..bytes.len()).step_by(7);
    let sound = cuts.filter(|end| Suggester::from_bytes(&bytes[..*end]).is_some()).count();
    assert!(sound * 70 < bytes.len(), "{sound} of {}", bytes.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_in_any_order_give_the_same_learner(rows in Just(rows(60, 4, 9)).prop_shuffle()) {
        let sorted = Suggester::of(EntryKind::Expense, &self::rows(60, 4, 9));
        prop_assert_eq!(Suggester::of(EntryKind::Expense, &rows), sorted);
    }

    /// Refunds, huge and no amounts, currencies mixed, texts of any script, one category or many.
    #[test]
    fn whatever_is_learnt_beliefs_are_numbers_that_sum_to_one(
        rows in prop::collection::vec(
            ("\\PC{0,80}", -1_000_000_000_000_000_i64..=1_000_000_000_000_000, 1_u8..5, prop::bool::ANY), 1..40),
    ) {
        let mut learner = Suggester::new(EntryKind::Expense);
        for (number, (text, minor, filed, is_yen)) in (0..).zip(&rows) {
            let currency = outlay_ledger::Currency::parse(if *is_yen { "JPY" } else { "EUR" }).unwrap();
            let amount = Money::new(*minor, currency).unwrap();
            let row = Spend { amount, note: text.clone(), ..row(number, text, 1, Some(*filed)) };
            if number % 3 == 0 { learner.correct(&row) } else { learner.learn(&row) }
            let ranking = learner.ranking(&row);
            let sum: f32 = ranking.iter().map(|(_, belief)| belief).sum();
            prop_assert!((sum - 1.0).abs() < 1e-3, "{sum}");
            let best = learner.best(&row).unwrap();
            prop_assert!((0.0..=1.0).contains(&best.confidence));
        }
        prop_assert_eq!(Suggester::from_bytes(&learner.to_bytes()), Some(learner));
    }

    #[test]
    fn bytes_of_chance_never_panic(
        place in 0_usize..20_000, byte in 0_u8..=255, bytes in prop::collection::vec(0_u8..=255, 0..700),
    ) {
        let _ = Suggester::from_bytes(&[&[FORMAT, 0], &bytes[..]].concat());
        let mut stored = Suggester::of(EntryKind::Expense, &rows(10, 0, 1)).to_bytes();
        let place = place % stored.len();
        stored[place] = byte;
        if let Some(learner) = Suggester::from_bytes(&stored) {
            let _ = learner.best(&row(0, "Corner Café", 1, None));
        }
    }
}

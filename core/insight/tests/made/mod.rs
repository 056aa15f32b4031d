//! Made-up rows of spending.

#![allow(dead_code)] // Each test file uses some of it.

use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, DocumentId, EntryKind, Money};
use proptest::prelude::*;

/// Numbers from a seed (SplitMix64), so that a failing test says all there is to know.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

pub(crate) fn id(number: u64) -> DocumentId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    DocumentId(bytes)
}

pub(crate) fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// An expense in euros and cents, in a category.
pub(crate) fn spend(number: u64, day: &str, minor: i64, payee: &str, category: u64) -> Spend {
    on(number, date(day), minor, payee, category)
}

pub(crate) fn on(number: u64, date: Date, minor: i64, payee: &str, category: u64) -> Spend {
    Spend {
        id: id(number),
        date,
        kind: EntryKind::Expense,
        amount: Money::new(minor, Currency::EUR).unwrap(),
        payee: payee.to_owned(),
        note: String::new(),
        category: Some(id(1_000_000 + category)),
        account: Some(id(2_000_000)),
        tags: Vec::new(),
    }
}

/// Rows such as nobody makes: any date, sign, size, currency and kind, the same names and categories again and again.
pub(crate) fn wild() -> impl Strategy<Value = Vec<Spend>> {
    let minor = prop_oneof![
        Just(0_i64),
        Just(1000),
        -5000_i64..5000,
        Just(outlay_ledger::limits::MINOR_MAX),
        Just(-outlay_ledger::limits::MINOR_MAX),
    ];
    let days = prop_oneof![18_000_i32..18_900, Just(Date::MIN.days()), Just(Date::MAX.days()), -100_000_i32..100_000];
    let row = (days, minor, 0_u64..4, 0_u64..4, 0_u8..4, 0_usize..3);
    prop::collection::vec(row, 0..120).prop_map(|rows| {
        let made = rows.into_iter().enumerate().map(|(number, (days, minor, name, category, kind, currency))| {
            let names = ["", "Rent", "Corner Café 12", "12/2024"];
            let date = Date::from_days(days).unwrap();
            let mut row = on(number as u64, date, minor, names[name as usize], category);
            row.amount = Money::new(minor, Currency::parse(["EUR", "JPY", "KWD"][currency]).unwrap()).unwrap();
            row.kind =
                [EntryKind::Expense, EntryKind::Expense, EntryKind::Income, EntryKind::Transfer][usize::from(kind)];
            row.category = row.category.filter(|_| category != 0);
            row
        });
        made.collect()
    })
}

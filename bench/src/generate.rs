//! The expenses that everything is measured on, from a seed.
//!
//! 200 payees, 12 categories, 3 accounts, a note of about 35 characters made of words, dates spread evenly over 36
//! months: the shape on which other programs were measured too. The same seed gives the same expenses, here and in the
//! plain table.

use outlay_core::{Currency, Date, ImportRow, Money, Month, NewExpense, Result};

/// The first of the months.
pub(crate) const FIRST_DAY: (u16, u8, u8) = (2023, 11, 1);
/// Days of the 36 months from there.
const DAYS: u64 = 1096;
/// Notes end with the word that reaches this.
const NOTE_BYTES_MIN: usize = 33;

const CATEGORIES: [&str; 12] = [
    "Groceries",
    "Restaurants",
    "Transport",
    "Rent",
    "Utilities",
    "Health",
    "Clothing",
    "Travel",
    "Gifts",
    "Children",
    "Books",
    "Sports",
];
const ACCOUNTS: [&str; 3] = ["Cash", "Current account", "Credit card"];
const FIRST_NAMES: [&str; 20] = [
    "Corner", "Green", "Old Town", "River", "Sunny", "Central", "Golden", "Harbour", "Little", "North", "Royal",
    "Stone", "Market", "Garden", "Silver", "Station", "Blue", "Castle", "Forest", "Bright",
];
const LAST_NAMES: [&str; 10] =
    ["Café", "Bakery", "Pharmacy", "Books", "Grocers", "Bistro", "Garage", "Cinema", "Hardware", "Clinic"];
const WORDS: [&str; 64] = [
    "weekly", "shopping", "with", "friends", "and", "family", "for", "the", "birthday", "party", "tickets", "new",
    "shoes", "school", "trip", "lunch", "dinner", "coffee", "bread", "milk", "fruit", "repair", "bicycle", "train",
    "return", "monthly", "bill", "water", "power", "gift", "present", "winter", "summer", "jacket", "course", "fee",
    "doctor", "visit", "medicine", "paper", "ink", "garden", "tools", "paint", "kitchen", "table", "lamp", "holiday",
    "hotel", "night", "parking", "fuel", "museum", "entry", "concert", "seats", "cake", "flowers", "photos", "frame",
    "cables", "phone", "card", "snacks",
];

/// One expense, before anybody stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its place among all that were generated: what a bank's reference number is.
    pub(crate) number: u64,
    pub(crate) date: Date,
    pub(crate) minor: i64,
    pub(crate) payee: String,
    pub(crate) category: &'static str,
    pub(crate) account: &'static str,
    pub(crate) note: String,
}

/// Expenses without end.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    chance: Chance,
    number: u64,
}

impl Rows {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { chance: Chance(seed), number: 0 }
    }

    /// As many as a file would have: ordered by date.
    pub(crate) fn file(&mut self, count: usize) -> Vec<Row> {
        let mut rows: Vec<Row> = self.take(count).collect();
        rows.sort_by_key(|row| row.date);
        rows
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let chance = &mut self.chance;
        let (year, month, day) = FIRST_DAY;
        let days = i32::try_from(chance.below(DAYS)).ok()?;
        let date = Date::from_ymd(year, month, day).ok()?.add_days(days)?;
        // Small amounts are more frequent: the product of two even draws, 1.00 to 226.00.
        let minor = i64::try_from(100 + chance.below(150) * chance.below(150)).ok()?;
        let payee = format!("{} {}", chance.one_of(&FIRST_NAMES), chance.one_of(&LAST_NAMES));
        let (category, account) = (chance.one_of(&CATEGORIES), chance.one_of(&ACCOUNTS));
        self.number += 1;
        Some(Row { number: self.number, date, minor, payee, category, account, note: chance.note() })
    }
}

impl Row {
    /// The same for the engine.
    pub(crate) fn expense(&self) -> Result<NewExpense> {
        let amount = Money::new(self.minor, Currency::EUR).map_err(outlay_core::Error::from)?;
        Ok(NewExpense {
            category: Some(self.category.into()),
            account: Some(self.account.into()),
            date: Some(self.date),
            note: self.note.clone(),
            ..NewExpense::new(amount, self.payee.clone())
        })
    }

    /// The same as a row of a file that was parsed.
    pub(crate) fn import(&self) -> Result<ImportRow> {
        let Self { number, date, minor, payee, category, account, note } = self;
        let fact = format!("{date}\u{1f}{minor}\u{1f}{payee}\u{1f}{category}\u{1f}{account}\u{1f}{note}\u{1f}{number}");
        Ok(ImportRow { fact, new: self.expense()? })
    }
}

/// The month whose totals are asked for: in the middle of all.
pub(crate) fn month() -> Result<Month> {
    Month::from_year_month(2025, 5).map_err(outlay_core::Error::from)
}

/// The last day there is an expense of.
pub(crate) fn last_day() -> Result<Date> {
    let (year, month, day) = FIRST_DAY;
    let first = Date::from_ymd(year, month, day).map_err(outlay_core::Error::from)?;
    Ok(i32::try_from(DAYS - 1).ok().and_then(|days| first.add_days(days)).unwrap_or(first))
}

/// Numbers without pattern, from a seed: SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound.max(1)
    }

    pub(crate) fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        let place = usize::try_from(self.below(values.len() as u64)).unwrap_or(0);
        values[place]
    }

    fn note(&mut self) -> String {
        let mut note = self.one_of(&WORDS).to_owned();
        while note.len() < NOTE_BYTES_MIN {
            note.push(' ');
            note.push_str(self.one_of(&WORDS));
        }
        note
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_seed_gives_the_shape_that_others_were_measured_on() {
        let rows: Vec<Row> = Rows::new(1).take(20_000).collect();
        let distinct = |of: fn(&Row) -> String| rows.iter().map(of).collect::<HashSet<_>>().len();
        assert_eq!(distinct(|row| row.payee.clone()), 200);
        assert_eq!(distinct(|row| row.category.to_owned()), 12);
        assert_eq!(distinct(|row| row.account.to_owned()), 3);
        assert_eq!(distinct(|row| Month::from_date(row.date).to_string()), 36);
        let note_bytes: usize = rows.iter().map(|row| row.note.len()).sum();
        assert!((34..=37).contains(&(note_bytes / rows.len())), "{}", note_bytes / rows.len());
        assert_eq!(rows, Rows::new(1).take(20_000).collect::<Vec<_>>());
    }
}

//! What there is to see on a device: totals, search, history.

use std::time::Instant;

use outlay_core::{Currency, Expense, FieldChange, FieldValue, Filter, Month, Sort, Sum, Total};

use super::{Tour, clock, described, row};
use crate::device::Outcome;
use crate::page::{bar, sum, time};

/// Rows of a list that are shown.
const SHOWN: usize = 3;
/// Categories that have a bar of their own.
const BARS: usize = 9;
/// Letters of a word that is worth searching for.
const WORD_LETTERS_MIN: usize = 4;

impl Tour<'_> {
    pub(super) fn look(&mut self, lunch: &Expense) -> Outcome<()> {
        self.page.chapter("What there is to see, on any of the devices")?;
        self.month(lunch)?;
        self.search()?;
        self.history(lunch)
    }

    fn month(&mut self, lunch: &Expense) -> Outcome<()> {
        let month = Month::from_date(lunch.date);
        let begun = Instant::now();
        let mut totals = self.laptop.engine.totals(self.ledger, month, month)?;
        let spent = time(begun.elapsed());
        let currency = lunch.amount.map_or(Currency::EUR, |amount| amount.currency());
        totals.retain(|total| total.spent.currency == currency);
        let all =
            |of: fn(&Total) -> Sum| sum(Sum { minor: totals.iter().map(|total| of(total).minor).sum(), currency });
        let [paid, earned] = [all(|total| total.spent), all(|total| total.earned)];
        self.page.line(format!("{month}: {paid} spent, {earned} earned ({spent})"))?;
        Ok(self.page.table(&bars(&totals, currency), &[1])?)
    }

    fn search(&mut self) -> Outcome<()> {
        let word = self.word()?;
        let filter = Filter { text: Some(word.clone()), ..Filter::default() };
        let begun = Instant::now();
        let found = self.laptop.engine.query(self.ledger, &filter, Sort::Newest, None, SHOWN)?;
        let spent = time(begun.elapsed());
        self.page.line(format!("search for \"{word}\", the newest {SHOWN} ({spent})"))?;
        Ok(self.page.table(&found.expenses.iter().map(row).collect::<Vec<_>>(), &[1])?)
    }

    /// The beginning of a word that some expense has.
    fn word(&self) -> Outcome<String> {
        let page = self.laptop.engine.query(self.ledger, &Filter::default(), Sort::Newest, None, 50)?;
        let texts = page.expenses.iter().rev().flat_map(|expense| [&expense.payee, &expense.note]);
        let mut words = texts.flat_map(|text| text.split(|letter: char| !letter.is_alphabetic()));
        let word = words.find(|word| word.chars().count() >= WORD_LETTERS_MIN).unwrap_or("corner");
        Ok(word.chars().take(WORD_LETTERS_MIN).collect::<String>().to_lowercase())
    }

    fn history(&mut self, lunch: &Expense) -> Outcome<()> {
        self.page.line(format!("history of {}, times in UTC", lunch.payee))?;
        for entry in self.laptop.engine.history(self.ledger, lunch.id)? {
            let (at, by) = (clock(entry.time_ms), self.name(&entry.author));
            let changes: Vec<String> = entry.changes.iter().filter_map(change).collect();
            self.page.wrapped(&format!("  {at}  {by:<6}  "), &changes)?;
        }
        Ok(())
    }
}

/// A bar for each category in which most was spent, and one for the others together.
fn bars(totals: &[Total], currency: Currency) -> Vec<[String; 3]> {
    let name =
        |total: &Total| total.category.as_ref().map_or_else(|| "(none)".to_owned(), |category| category.name.clone());
    let spent = totals.iter().filter(|total| total.spent.currency == currency && total.spent.minor > 0);
    let mut sums: Vec<(String, i128)> = spent.map(|total| (name(total), total.spent.minor)).collect();
    sums.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    if sums.len() > BARS + 1 {
        let others = sums.split_off(BARS);
        let name = format!("{} others", others.len());
        sums.push((name, others.iter().map(|(_, minor)| minor).sum()));
    }
    let greatest = sums.iter().map(|(_, minor)| *minor).max().unwrap_or(0);
    sums.into_iter().map(|(name, minor)| [name, sum(Sum { minor, currency }), bar(minor, greatest)]).collect()
}

/// What a change set; nothing where that is what everything begins with.
fn change(change: &FieldChange) -> Option<String> {
    let (field, after) = (&change.field, described(&change.after));
    match (&change.before, &change.after) {
        (FieldValue::Empty, FieldValue::Newer | FieldValue::Flag(false)) => None,
        (FieldValue::Empty, _) => Some(format!("{field} {after}")),
        (before, _) => Some(format!("{field} {} → {after}", described(before))),
    }
}

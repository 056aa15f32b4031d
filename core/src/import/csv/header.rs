//! Headers: finding the line that has the columns a profile names, and reading a column's name for its meaning.

use outlay_ledger::{Currency, text};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::split::Cells;
use super::{Column, Field, Profile};

/// The named columns of a profile, folded for comparison.
pub(super) struct Wanted(Vec<(Field, Column, String)>);

/// A named column that is not in a line, and how many are not.
pub(super) type Missing = (usize, Option<(Field, Column)>);

impl Wanted {
    pub(super) fn new(profile: &Profile) -> Self {
        let named = profile.columns.iter().filter_map(|(field, column)| match column {
            Column::Name(name) => Some((*field, column.clone(), text::fold(name))),
            Column::Position(_) => None,
        });
        Self(named.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn are_in(&self, cells: &Cells) -> bool {
        cells.fault.is_none() && self.missing_in(cells).0 == 0
    }

    pub(super) fn missing_in(&self, cells: &Cells) -> Missing {
        let names: Vec<String> = cells.iter().map(text::fold).collect();
        let mut missing = self.0.iter().filter(|(_, _, name)| !names.contains(name));
        let first = missing.next().map(|(field, column, _)| (*field, column.clone()));
        (missing.count() + usize::from(first.is_some()), first)
    }
}

/// Of two lines the one that lacks fewer columns: an error is about the line that was most probably the header.
pub(super) fn nearer(best: Option<Missing>, other: Missing) -> Option<Missing> {
    match best {
        Some(best) if best.0 <= other.0 => Some(best),
        _ => Some(other),
    }
}

/// The place of a column in a header, from 0.
pub(super) fn place(column: &Column, header: Option<&[String]>, width: usize) -> Option<usize> {
    match column {
        Column::Position(position) => position.checked_sub(1).filter(|index| *index < width),
        Column::Name(name) => {
            let name = text::fold(name);
            header?.iter().position(|cell| text::fold(cell) == name)
        }
    }
}

/// A column's name reduced to what is compared with the tables: lower case, no accents, single words.
///
/// ```text
/// "Betrag (€)"  →  "betrag", EUR
/// "Libellé de l'opération"  →  "libelle de l operation"
/// ```
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Title {
    pub(super) words: String,
    /// The currency it names beside.
    pub(super) currency: Option<Currency>,
}

impl Title {
    pub(super) fn new(cell: &str) -> Self {
        let words = plain_words(cell);
        let symbol = cell.chars().find_map(symbol_currency);
        match words.rsplit_once(' ').map(|(rest, last)| (rest, Currency::parse(&last.to_ascii_uppercase()))) {
            // `Amount EUR`, but not `Paid all`: the code must stand in capitals.
            Some((rest, Ok(code))) if cell.contains(code.code()) => {
                Self { words: without_in(rest).to_owned(), currency: Some(code) }
            }
            // `Betrag in €`, but not `Money in`.
            _ if symbol.is_some() => Self { words: without_in(&words).to_owned(), currency: symbol },
            _ => Self { words, currency: None },
        }
    }
}

/// Lower case without accents; all that is neither letter nor digit separates words.
pub(super) fn plain_words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let letters = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    for letter in letters {
        match letter {
            'ß' => words.push_str("ss"),
            'ø' => words.push('o'),
            'ł' => words.push('l'),
            letter if letter.is_alphanumeric() => words.push(letter),
            _ if words.ends_with(' ') || words.is_empty() => {}
            _ => words.push(' '),
        }
    }
    words.truncate(words.trim_end().len());
    words
}

/// The currency a symbol stands for, where it stands for one only.
pub(super) fn symbol_currency(symbol: char) -> Option<Currency> {
    let code = match symbol {
        '€' => "EUR",
        '£' => "GBP",
        '₹' => "INR",
        _ => return None,
    };
    Currency::parse(code).ok()
}

fn without_in(words: &str) -> &str {
    [" in", " en"].iter().find_map(|suffix| words.strip_suffix(suffix)).unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_compared_without_accents_punctuation_and_currency() {
        for (cell, words, code) in [
            ("Betrag (EUR)", "betrag", Some("EUR")),
            ("Betrag in €", "betrag", Some("EUR")),
            ("Währung", "wahrung", None),
            ("Libellé de l'opération", "libelle de l operation", None),
            ("Income/Expense", "income expense", None),
            ("  AMOUNT ", "amount", None),
            ("Paid all", "paid all", None),
            ("Money In", "money in", None),
            ("Größe", "grosse", None),
        ] {
            let title = Title::new(cell);
            assert_eq!(
                (title.words.as_str(), title.currency.map(|c| c.to_string()).as_deref()),
                (words, code),
                "{cell}"
            );
        }
    }
}

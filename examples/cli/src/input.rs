//! Values as people type them: amounts, dates, paths of categories.

use outlay_core::{Currency, Date, EntryKind, Environment, Error, Money, Month, Reference, System, TimeOfDay};

use crate::args::Kind;
use crate::failure::Failure;

/// Parses `12.50` in `currency`, or `12.50 USD`.
pub(crate) fn amount(text: &str, currency: Currency) -> Result<Money, Failure> {
    match own_currency_text(text.trim()) {
        Some(_) => amount_with_currency(text),
        None => Ok(Money::parse(text.trim(), currency).map_err(Error::from)?),
    }
}

/// Parses `12.50 USD`.
pub(crate) fn amount_with_currency(text: &str) -> Result<Money, Failure> {
    Ok(Money::parse_with_currency(text.trim()).map_err(Error::from)?)
}

/// Parses a code such as `EUR`.
pub(crate) fn currency(code: &str) -> Result<Currency, Failure> {
    Ok(Currency::parse(code.trim()).map_err(Error::from)?)
}

/// The currency that an amount names itself, if it names a valid one.
pub(crate) fn own_currency(text: &str) -> Option<Currency> {
    own_currency_text(text.trim()).and_then(|code| Currency::parse(code).ok())
}

fn own_currency_text(text: &str) -> Option<&str> {
    let (_, word) = text.rsplit_once(' ')?;
    word.starts_with(|c: char| c.is_alphabetic()).then_some(word)
}

/// The civil date here and now.
pub(crate) fn today() -> Date {
    System.today()
}

/// Parses a date as [`date_from`] does, seen from today.
pub(crate) fn date(text: &str) -> Result<Date, Failure> {
    date_from(text, today())
}

/// Parses `2026-11-02`, `today`, `yesterday`, `-3d` or a weekday, which is the last one before or at `today`.
fn date_from(text: &str, today: Date) -> Result<Date, Failure> {
    let word = text.trim().to_lowercase();
    let back = |days: i32| today.add_days(-days).ok_or_else(|| Failure::invalid("the calendar has no such date"));
    if let Some(days) = days_back(&word) {
        return back(days);
    }
    match weekday(&word) {
        Some(weekday) => back((i32::from(today.weekday()) - i32::from(weekday)).rem_euclid(7)),
        None => Date::parse(text.trim()).map_err(|error| Failure::invalid(format!("{text:?} is no date: {error}"))),
    }
}

fn days_back(word: &str) -> Option<i32> {
    match word {
        "today" => Some(0),
        "yesterday" => Some(1),
        _ => {
            let digits = word.strip_prefix('-')?.strip_suffix('d')?;
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            // What is too great for the number is too great for the calendar, which says so.
            is_number.then(|| digits.parse().unwrap_or(i32::MAX))
        }
    }
}

/// The day of the week from 1 for Monday, by its name or at least three letters of it.
fn weekday(word: &str) -> Option<u8> {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let number = DAYS.iter().position(|day| word.len() >= 3 && day.starts_with(word))?;
    u8::try_from(number + 1).ok()
}

pub(crate) fn month(text: &str) -> Result<Month, Failure> {
    Month::parse(text.trim()).map_err(|error| Failure::invalid(format!("{text:?} is no month: {error}")))
}

/// A month of a year, counted from 1.
pub(crate) fn month_of(year: u16, month: u8) -> Result<Month, Failure> {
    Ok(Month::from_year_month(year, month).map_err(Error::from)?)
}

pub(crate) fn time(text: &str) -> Result<TimeOfDay, Failure> {
    TimeOfDay::parse(text.trim()).map_err(|error| Failure::invalid(format!("{text:?} is no time: {error}")))
}

/// The names of a category from the top, of `Food:Snacks`.
pub(crate) fn category_names(text: &str) -> Result<Vec<&str>, Failure> {
    let names: Vec<&str> = text.split(':').map(str::trim).collect();
    if names.iter().any(|name| name.is_empty()) {
        return Err(Failure::invalid(format!("{text:?} is no category: it is written like Food or Food:Snacks")));
    }
    Ok(names)
}

/// A category to be found or made.
pub(crate) fn category(text: &str) -> Result<Reference, Failure> {
    Ok(Reference::Path(category_names(text)?.into_iter().map(str::to_owned).collect()))
}

/// An account to be found or made.
pub(crate) fn account(text: &str) -> Result<Reference, Failure> {
    match text.trim() {
        "" => Err(Failure::invalid("an account has a name")),
        name => Ok(Reference::from(name)),
    }
}

pub(crate) fn kind(kind: Kind) -> EntryKind {
    match kind {
        Kind::Expense => EntryKind::Expense,
        Kind::Income => EntryKind::Income,
        Kind::Transfer => EntryKind::Transfer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_may_name_its_currency() {
        let euro = Currency::parse("EUR").unwrap();
        assert_eq!(amount("12.50", euro).unwrap().to_string(), "12.50 EUR");
        assert_eq!(amount(" -3 JPY ", euro).unwrap().to_string(), "-3 JPY");
        for text in ["12,5,0", "1e3", "12,50", "1 234,50", "12.50 XXX", "12.50 usd", "", " "] {
            assert!(amount(text, euro).is_err(), "{text:?}");
        }
        let hint = amount("12,50", euro).unwrap_err().text(false).unwrap();
        assert!(hint.contains("did you mean 12.50?"), "{hint}");
    }

    #[test]
    fn days_are_counted_back_from_today() {
        let monday = Date::parse("2026-11-02").unwrap();
        for (text, expected) in [
            ("today", "2026-11-02"),
            ("Yesterday", "2026-11-01"),
            ("-3d", "2026-10-30"),
            ("mon", "2026-11-02"),
            ("fri", "2026-10-30"),
            ("Tuesday", "2026-10-27"),
            ("2024-02-29", "2024-02-29"),
        ] {
            assert_eq!(date_from(text, monday).unwrap().to_string(), expected, "{text:?}");
        }
        for text in ["2026-02-30", "tomorrow", "m", "-d", "-99999999999d", "02.11.2026", "", "-+3d"] {
            assert!(date_from(text, monday).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_path_has_no_empty_names() {
        assert_eq!(category_names("Food: Snacks").unwrap(), ["Food", "Snacks"]);
        for text in ["", ":", "Food:", ":Food", "Food::Snacks"] {
            assert!(category_names(text).is_err(), "{text:?}");
        }
    }
}

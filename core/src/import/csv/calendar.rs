//! Dates and times as files write them.
//!
//! A date is read by the order of its file, except where it can only be one: a year of four digits in front, or a month
//! in letters. Whether the day exists is always asked: `31-02-2019` is rejected, not moved.

use outlay_ledger::{Date, DateError, TimeOfDay};

use super::DateOrder;
use super::header::plain_words;

/// A date, and the time if the cell has one.
pub(super) type When = (Date, Option<TimeOfDay>);

/// Reads a cell of a date column.
///
/// # Errors
///
/// [`DateError`] if it is no date, the calendar has no such day, or what follows the date is no time.
pub(super) fn read(cell: &str, order: DateOrder) -> Result<When, DateError> {
    let (date, clock) = halves(cell);
    Ok((date_of(date, order)?, clock.map(time).transpose()?))
}

/// Reads a time of day: `18:05`, `18:05:33.120`, `6:05 pm`, `18.05`, with a zone or not.
///
/// A zone is passed over: an expense has the date and the time its file shows, and is nowhere moved.
///
/// # Errors
///
/// [`DateError::NotATime`] for everything else.
pub(super) fn time(text: &str) -> Result<TimeOfDay, DateError> {
    const SIGNS: [char; 2] = [':', '.'];
    let (hours, rest) = text.trim().split_once(SIGNS).ok_or(DateError::NotATime)?;
    let (minutes, rest) = leading(rest).ok_or(DateError::NotATime)?;
    let (seconds, rest) = match rest.strip_prefix(SIGNS) {
        Some(rest) => leading(rest).ok_or(DateError::NotATime)?,
        None => (0, rest),
    };
    let hours = half_day(short(hours).ok_or(DateError::NotATime)?, rest)?;
    if hours > 23 || minutes > 59 || seconds > 59 {
        return Err(DateError::NotATime);
    }
    TimeOfDay::from_seconds((hours * 60 + minutes) * 60 + seconds).ok_or(DateError::NotATime)
}

/// What a date of unclear order says about the order of its file.
pub(super) fn order(cell: &str) -> Option<DateOrder> {
    let (date, _) = halves(cell);
    let tokens = tokens(date)?;
    let [Token::Number(first, digits), Token::Number(second, _), Token::Number(..)] = tokens.as_slice() else {
        return None;
    };
    match (*digits, *first, *second) {
        (4, _, _) => None,
        (_, 32.., _) => Some(DateOrder::YearFirst),
        (_, 13.., ..=12) => Some(DateOrder::DayFirst),
        (_, ..=12, 13..) => Some(DateOrder::MonthFirst),
        _ => None,
    }
}

/// Whether a cell is a date under any order.
pub(super) fn is_date(cell: &str) -> bool {
    // Nothing written out is longer: `Wednesday, 23 September 2026 12:34:56 PM +02:00`.
    cell.len() <= 64
        && [DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::YearFirst]
            .iter()
            .any(|order| read(cell, *order).is_ok())
}

/// Cuts at the beginning of the time, which a colon gives away.
fn halves(cell: &str) -> (&str, Option<&str>) {
    let Some(colon) = cell.find(':') else { return (cell, None) };
    let hours = cell[..colon].trim_end_matches(|c: char| c.is_ascii_digit());
    let date = hours.trim_end_matches(|c: char| c == 'T' || c == ',' || c.is_whitespace());
    (date, Some(&cell[hours.len()..]))
}

#[derive(Debug, Clone, Copy)]
enum Token {
    /// A number and how many digits it has.
    Number(u16, usize),
    /// A month in letters.
    Month(u8),
}

fn date_of(text: &str, order: DateOrder) -> Result<Date, DateError> {
    use Token::{Month, Number};
    let Some(tokens) = tokens(text) else { return packed(text, order) };
    let (year, month, day) = match tokens.as_slice() {
        [Number(year, 4), Number(month, 1..=2), Number(day, 1..=2)] => (*year, *month, *day),
        [Number(day, 1..=2), Month(month), Number(year, digits)]
        | [Month(month), Number(day, 1..=2), Number(year, digits)] => {
            (century(*year, *digits)?, u16::from(*month), *day)
        }
        [Number(year, 4), Month(month), Number(day, 1..=2)] => (*year, u16::from(*month), *day),
        [Number(first, 1..=2), Number(second, 1..=2), Number(third, digits @ (2 | 4))] => {
            return ordered([*first, *second, *third], *digits, order);
        }
        _ => return Err(DateError::NotADate),
    };
    civil(year, month, day)
}

fn ordered([first, second, third]: [u16; 3], digits: usize, order: DateOrder) -> Result<Date, DateError> {
    match order {
        DateOrder::YearFirst if digits == 2 => civil(century(first, 2)?, second, third),
        DateOrder::MonthFirst => civil(century(third, digits)?, first, second),
        DateOrder::DayFirst | DateOrder::YearFirst => civil(century(third, digits)?, second, first),
    }
}

/// Eight digits without a sign between: `20261231` before `31122026`.
fn packed(text: &str, order: DateOrder) -> Result<Date, DateError> {
    let text = text.trim();
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DateError::NotADate);
    }
    let number = |range: std::ops::Range<usize>| text[range].parse().map_err(|_| DateError::NotADate);
    let year = number(0..4)?;
    if (1900..2200).contains(&year) {
        return civil(year, number(4..6)?, number(6..8)?);
    }
    ordered([number(0..2)?, number(2..4)?, number(4..8)?], 4, order)
}

/// Two digits are of the years 1970 to 2069, as POSIX has it.
fn century(year: u16, digits: usize) -> Result<u16, DateError> {
    match (digits, year) {
        (4, year) => Ok(year),
        (2, ..=69) => Ok(2000 + year),
        (2, _) => Ok(1900 + year),
        _ => Err(DateError::NotADate),
    }
}

fn civil(year: u16, month: u16, day: u16) -> Result<Date, DateError> {
    let small = |number: u16| u8::try_from(number).map_err(|_| DateError::NoSuchDate);
    Date::from_ymd(year, small(month)?, small(day)?)
}

/// The numbers and the month of a date; weekdays and small words such as `de` are passed over, at most two of them.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let is_separator = |c: char| {
        // Between the numbers of a date in Chinese and Japanese, and in Korean, stand year, month and day.
        matches!(c, '-' | '/' | '.' | ',' | '\'' | '\u{2019}' | '年' | '月' | '日' | '년' | '월' | '일')
            || c.is_whitespace()
    };
    let mut tokens = Vec::with_capacity(3);
    let mut idle_words = 0;
    for piece in text.split(is_separator).filter(|piece| !piece.is_empty()) {
        if piece.len() <= 4 && piece.bytes().all(|byte| byte.is_ascii_digit()) {
            tokens.push(Token::Number(piece.parse().ok()?, piece.len()));
        } else if let Some(month) = month(piece) {
            tokens.push(Token::Month(month));
        } else if piece.chars().all(char::is_alphabetic) && idle_words < 2 {
            idle_words += 1;
        } else {
            return None;
        }
        if tokens.len() > 3 {
            return None;
        }
    }
    Some(tokens)
}

/// A month by the beginning of its name in seven languages.
fn month(word: &str) -> Option<u8> {
    if word.len() > 12 || !word.chars().all(char::is_alphabetic) {
        return None;
    }
    let word = plain_words(word);
    // The longer beginning decides between `juin` and `juillet`.
    let found = MONTHS.iter().filter(|(beginning, _)| word.starts_with(beginning));
    found.max_by_key(|(beginning, _)| beginning.len()).map(|(_, month)| *month)
}

#[rustfmt::skip]
const MONTHS: &[(&str, u8)] = &[
    ("jan", 1), ("ene", 1), ("gen", 1),
    ("feb", 2), ("fev", 2),
    ("mar", 3), ("maa", 3), ("mrt", 3), ("mrz", 3),
    ("apr", 4), ("abr", 4), ("avr", 4),
    ("may", 5), ("mai", 5), ("mei", 5), ("mag", 5),
    ("jun", 6), ("juin", 6), ("giu", 6),
    ("jul", 7), ("juil", 7), ("lug", 7),
    ("aug", 8), ("ago", 8), ("aou", 8),
    ("sep", 9), ("set", 9),
    ("oct", 10), ("okt", 10), ("ott", 10), ("out", 10),
    ("nov", 11),
    ("dec", 12), ("dez", 12), ("dic", 12),
];

/// A number of one or two digits.
fn short(text: &str) -> Option<u32> {
    let is_short = matches!(text.len(), 1..=2) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_short.then(|| text.parse().ok())?
}

/// Two digits, and what follows.
fn leading(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    Some((short(digits)?, rest))
}

/// Applies what follows the digits of a time: a fraction, `am` or `pm`, a zone.
fn half_day(hours: u32, rest: &str) -> Result<u32, DateError> {
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    }
    .trim();
    match rest.to_ascii_lowercase().as_str() {
        "am" | "a.m." if (1..=12).contains(&hours) => Ok(hours % 12),
        "pm" | "p.m." if (1..=12).contains(&hours) => Ok(hours % 12 + 12),
        "" | "z" | "utc" | "gmt" | "h" | "uhr" => Ok(hours),
        zone if is_offset(zone) => Ok(hours),
        _ => Err(DateError::NotATime),
    }
}

fn is_offset(zone: &str) -> bool {
    let digits = zone.strip_prefix(['+', '-']).unwrap_or("");
    matches!(digits.len(), 2..=5) && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use DateOrder::{DayFirst, MonthFirst, YearFirst};

    fn shown(cell: &str, order: DateOrder) -> Result<String, DateError> {
        read(cell, order).map(|(date, time)| time.map_or(date.to_string(), |time| format!("{date} {time}")))
    }

    #[test]
    fn dates_are_read_by_the_order_of_the_file() {
        for (cell, order, date) in [
            ("20-09-2018 12:04", DayFirst, "2018-09-20 12:04"),
            ("19-09-2018", DayFirst, "2018-09-19"),
            ("31.12.2025", DayFirst, "2025-12-31"),
            ("1/2/2026", DayFirst, "2026-02-01"),
            ("1/2/2026", MonthFirst, "2026-01-02"),
            ("12/31/26", MonthFirst, "2026-12-31"),
            ("31.12.69", DayFirst, "2069-12-31"),
            ("31.12.70", DayFirst, "1970-12-31"),
            ("2026-11-02", MonthFirst, "2026-11-02"),
            ("2026/1/2", DayFirst, "2026-01-02"),
            ("26-11-02", YearFirst, "2026-11-02"),
            ("20261102", DayFirst, "2026-11-02"),
            ("02112026", DayFirst, "2026-11-02"),
            ("2026-11-02T10:00:00Z", DayFirst, "2026-11-02 10:00"),
            ("2026-11-02 10:00:01.123+02:00", DayFirst, "2026-11-02 10:00:01"),
            ("02/11/2026, 6:05 PM", DayFirst, "2026-11-02 18:05"),
            ("2 Nov 2026", MonthFirst, "2026-11-02"),
            ("Nov 2, 2026", DayFirst, "2026-11-02"),
            ("Mon, 2 November 2026", DayFirst, "2026-11-02"),
            ("2-Nov-26", DayFirst, "2026-11-02"),
            ("2. März 2026", DayFirst, "2026-03-02"),
            ("2 de noviembre de 2026", DayFirst, "2026-11-02"),
            ("14 juillet 2026", DayFirst, "2026-07-14"),
            ("14 juin 2026", DayFirst, "2026-06-14"),
            ("2026年01月02日", DayFirst, "2026-01-02"),
            ("2026年1月2日 18:05", MonthFirst, "2026-01-02 18:05"),
            ("2026년 1월 2일", DayFirst, "2026-01-02"),
        ] {
            assert_eq!(shown(cell, order).as_deref(), Ok(date), "{cell}");
        }
    }

    #[test]
    fn a_day_the_calendar_does_not_have_is_refused_and_never_moved() {
        for cell in ["31-02-2019", "00-01-2019", "12/13/2026", "2026-13-01", "31/11/26", "20260230"] {
            assert_eq!(shown(cell, DayFirst), Err(DateError::NoSuchDate), "{cell}");
        }
        for cell in ["", "12", "yesterday", "1.2.3.4", "2026-11", "12.50", "1-2-345", "2. Foo 2026", "２-11-2026", "-"]
        {
            assert_eq!(shown(cell, DayFirst), Err(DateError::NotADate), "{cell:?}");
        }
        for cell in
            ["02-11-2026 25:00", "02-11-2026 10:61", "02-11-2026 10:5", "02-11-2026 10:00 xm", "02-11-2026 13:00 pm"]
        {
            assert_eq!(shown(cell, DayFirst), Err(DateError::NotATime), "{cell}");
        }
    }

    #[test]
    fn times_are_read_with_and_without_seconds_halves_and_zones() {
        for (text, seconds) in [
            ("18:05", 65_100),
            ("6:05 pm", 65_100),
            ("12:00 AM", 0),
            ("12:00pm", 43_200),
            ("18.05", 65_100),
            ("18:05:33.9", 65_133),
        ] {
            assert_eq!(time(text).map(|time| time.seconds()), Ok(seconds), "{text}");
        }
        for text in ["", "18", "18:055", "1805", "18:05 -", "a:bc", ":30", "18:é"] {
            assert_eq!(time(text), Err(DateError::NotATime), "{text:?}");
        }
    }

    #[test]
    fn a_value_beyond_twelve_tells_the_order() {
        assert_eq!(order("20-09-2018 12:04"), Some(DayFirst));
        assert_eq!(order("09/20/2018"), Some(MonthFirst));
        assert_eq!(order("26-11-02"), Some(DayFirst), "the 26th is as likely");
        assert_eq!(order("69-11-02"), Some(YearFirst));
        for cell in ["01/02/2018", "2018-09-20", "2 Nov 2026", "30/30/2018", ""] {
            assert_eq!(order(cell), None, "{cell}");
        }
    }
}

//! Civil dates, months and times of day: what a calendar on the wall and a clock beside it show.
//!
//! An expense has a date, never an instant: it must not move when the phone flies to Tokyo. So there is no time zone
//! here, no leap second, and nothing that asks what day it is now.
//!
//! Dates run from year 1 to year 4999, because a month is a `u16` in every commit (`year × 12 + month − 1`, and 0 for
//! "no month"), and 4999 is the last whole year that holds.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, civil};

/// The last year of a [`Date`].
pub const YEAR_MAX: u16 = 4999;

/// A day of the Gregorian calendar, as days since 1970-01-01.
///
/// ```
/// use outlay_ledger::Date;
/// let date = Date::parse("2026-11-02")?;
/// assert_eq!((date.year(), date.month(), date.day()), (2026, 11, 2));
/// assert_eq!(date.add_days(30).map(|later| later.to_string()).as_deref(), Some("2026-12-02"));
/// assert!(Date::parse("2026-02-29").is_err(), "2026 is no leap year");
/// # Ok::<(), outlay_ledger::DateError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

/// A month of a year: the period a commit says its records belong to.
///
/// ```
/// use outlay_ledger::{Date, Month};
/// let month = Month::parse("2024-02")?;
/// assert_eq!(month.last_day(), Date::parse("2024-02-29")?);
/// assert_eq!(month.number(), 2024 * 12 + 1);
/// # Ok::<(), outlay_ledger::DateError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u16);

/// A time on the clock, in seconds after local midnight.
///
/// ```
/// use outlay_ledger::TimeOfDay;
/// let lunch = TimeOfDay::parse("12:30")?;
/// assert_eq!((lunch.seconds(), lunch.to_string()), (45_000, "12:30".to_owned()));
/// # Ok::<(), outlay_ledger::DateError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u32);

/// A text or a number that is no date, month or time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// The text is not `YYYY-MM-DD`.
    #[error("a date is written like 2026-11-02")]
    NotADate,
    /// The text is not `YYYY-MM`.
    #[error("a month is written like 2026-11")]
    NotAMonth,
    /// The text is not `HH:MM` or `HH:MM:SS`, or no clock shows it.
    #[error("a time of day is written like 18:05, up to 23:59:59")]
    NotATime,
    /// The calendar has no such day or month, such as 31 February.
    #[error("the calendar has no such date")]
    NoSuchDate,
    /// The year is not between 1 and [`YEAR_MAX`].
    #[error("a year is between 1 and {YEAR_MAX}")]
    YearOutOfRange,
}

/// 0001-01-01 as days since 1970-01-01.
const DAYS_MIN: i32 = -719_162;
/// 4999-12-31 as days since 1970-01-01.
const DAYS_MAX: i32 = 1_106_684;
/// Seconds of a civil day; there are no leap seconds on a civil clock.
const DAY_SECONDS: u32 = 86_400;

const EPOCH: civil::Date = civil::date(1970, 1, 1);

impl Date {
    /// 1970-01-01, from which days are counted.
    pub const EPOCH: Self = Self(0);
    /// The first date there is: 0001-01-01.
    pub const MIN: Self = Self(DAYS_MIN);
    /// The last date there is: 4999-12-31.
    pub const MAX: Self = Self(DAYS_MAX);

    /// The date `days` after 1970-01-01, or `None` outside of [`Date::MIN`] to [`Date::MAX`].
    pub const fn from_days(days: i32) -> Option<Self> {
        if days < DAYS_MIN || days > DAYS_MAX {
            return None;
        }
        Some(Self(days))
    }

    /// The date of a year, a month from 1 and a day from 1.
    ///
    /// # Errors
    ///
    /// * [`DateError::YearOutOfRange`] if the year is 0 or beyond [`YEAR_MAX`].
    /// * [`DateError::NoSuchDate`] if that year has no such day.
    pub fn from_ymd(year: u16, month: u8, day: u8) -> Result<Self, DateError> {
        let signed = |number: u8| i8::try_from(number).map_err(|_| DateError::NoSuchDate);
        let year = checked_year(year)?;
        civil::Date::new(year, signed(month)?, signed(day)?).map(Self::from_civil).map_err(|_| DateError::NoSuchDate)
    }

    /// Parses `YYYY-MM-DD`, and nothing else.
    ///
    /// # Errors
    ///
    /// * [`DateError::NotADate`] for every other form.
    /// * Those of [`Date::from_ymd`].
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let [year, month, day] = fields(text, [4, 2, 2], '-').ok_or(DateError::NotADate)?;
        Self::from_ymd(year, narrow(month), narrow(day))
    }

    /// Days since 1970-01-01, negative before it.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The year, 1 to [`YEAR_MAX`].
    pub fn year(self) -> u16 {
        self.civil().year().unsigned_abs()
    }

    /// The month, 1 to 12.
    pub fn month(self) -> u8 {
        self.civil().month().unsigned_abs()
    }

    /// The day of the month, 1 to 31.
    pub fn day(self) -> u8 {
        self.civil().day().unsigned_abs()
    }

    /// The day of the week, from 1 for Monday to 7 for Sunday, as ISO 8601 counts.
    pub fn weekday(self) -> u8 {
        self.civil().weekday().to_monday_one_offset().unsigned_abs()
    }

    /// The date so many days later, or earlier if negative; `None` outside of [`Date::MIN`] to [`Date::MAX`].
    pub fn add_days(self, days: i32) -> Option<Self> {
        self.0.checked_add(days).and_then(Self::from_days)
    }

    fn civil(self) -> civil::Date {
        EPOCH.saturating_add(SignedDuration::from_hours(i64::from(self.0) * 24))
    }

    /// For dates whose year is known to be in range.
    fn from_civil(date: civil::Date) -> Self {
        let days = date.duration_since(EPOCH).as_hours() / 24;
        Self(i32::try_from(days).unwrap_or(DAYS_MAX))
    }
}

impl Month {
    /// The month with this number (`year × 12 + month − 1`), or `None` if no [`Date`] is in it; 0 is "no month".
    pub fn from_number(number: u16) -> Option<Self> {
        (1..=YEAR_MAX).contains(&(number / 12)).then_some(Self(number))
    }

    /// The month of a year, counted from 1.
    ///
    /// # Errors
    ///
    /// [`DateError::YearOutOfRange`] or [`DateError::NoSuchDate`].
    pub fn from_year_month(year: u16, month: u8) -> Result<Self, DateError> {
        checked_year(year)?;
        if !(1..=12).contains(&month) {
            return Err(DateError::NoSuchDate);
        }
        Ok(Self(year * 12 + u16::from(month) - 1))
    }

    /// The month a date is in.
    pub fn from_date(date: Date) -> Self {
        let date = date.civil();
        Self(date.year().unsigned_abs() * 12 + u16::from(date.month().unsigned_abs()) - 1)
    }

    /// Parses `YYYY-MM`, and nothing else.
    ///
    /// # Errors
    ///
    /// [`DateError::NotAMonth`] for every other form, and those of [`Month::from_year_month`].
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let [year, month] = fields(text, [4, 2], '-').ok_or(DateError::NotAMonth)?;
        Self::from_year_month(year, narrow(month))
    }

    /// `year × 12 + month − 1`, the period in a commit; never 0.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The year, 1 to [`YEAR_MAX`].
    pub const fn year(self) -> u16 {
        self.0 / 12
    }

    /// The month of the year, 1 to 12.
    pub const fn month(self) -> u8 {
        (self.0 % 12) as u8 + 1
    }

    /// The first day of the month.
    pub fn first_day(self) -> Date {
        Date::from_ymd(self.year(), self.month(), 1).unwrap_or(Date::MIN)
    }

    /// The last day of the month.
    pub fn last_day(self) -> Date {
        Date::from_civil(self.first_day().civil().last_of_month())
    }

    /// The month after, or `None` after the last of year [`YEAR_MAX`].
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).and_then(Self::from_number)
    }

    /// The month before, or `None` before the first of year 1.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).and_then(Self::from_number)
    }
}

impl TimeOfDay {
    /// The time so many seconds after midnight, or `None` from 86,400 on.
    pub const fn from_seconds(seconds: u32) -> Option<Self> {
        if seconds < DAY_SECONDS { Some(Self(seconds)) } else { None }
    }

    /// Parses `HH:MM` or `HH:MM:SS` of a 24-hour clock.
    ///
    /// # Errors
    ///
    /// [`DateError::NotATime`] for every other form and for hours from 24, minutes and seconds from 60.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let short = || fields(text, [2, 2], ':').map(|[hours, minutes]| [hours, minutes, 0]);
        let [hours, minutes, seconds] = fields(text, [2, 2, 2], ':').or_else(short).ok_or(DateError::NotATime)?;
        if hours > 23 || minutes > 59 || seconds > 59 {
            return Err(DateError::NotATime);
        }
        Ok(Self((u32::from(hours) * 60 + u32::from(minutes)) * 60 + u32::from(seconds)))
    }

    /// Seconds after midnight, below 86,400.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.civil();
        write!(f, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

/// `HH:MM`, and `HH:MM:SS` where the seconds are not zero.
impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hours:02}:{minutes:02}")?;
        if seconds == 0 { Ok(()) } else { write!(f, ":{seconds:02}") }
    }
}

macro_rules! debug_and_from_str {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = DateError;

            fn from_str(text: &str) -> Result<Self, DateError> {
                Self::parse(text)
            }
        }
    )*};
}

debug_and_from_str!(Date, Month, TimeOfDay);

fn checked_year(year: u16) -> Result<i16, DateError> {
    let is_in_range = (1..=YEAR_MAX).contains(&year);
    i16::try_from(year).ok().filter(|_| is_in_range).ok_or(DateError::YearOutOfRange)
}

/// For numbers of two digits, which fit.
fn narrow(number: u16) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Numbers of exactly so many ASCII digits each, at most four, with a separator between.
fn fields<const N: usize>(text: &str, widths: [usize; N], separator: char) -> Option<[u16; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(separator);
    for (number, width) in numbers.iter_mut().zip(widths) {
        let digits = parts.next()?;
        if digits.len() != width || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = digits.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_year_1_to_4999() {
        assert_eq!(Date::from_ymd(1, 1, 1), Ok(Date::MIN));
        assert_eq!(Date::from_ymd(4999, 12, 31), Ok(Date::MAX));
        assert_eq!(Date::from_days(DAYS_MIN - 1), None);
        assert_eq!(Date::from_days(DAYS_MAX + 1), None);
        assert_eq!(Date::MAX.add_days(1), None);
        assert_eq!(Date::MAX.add_days(i32::MAX), None);
        assert_eq!(Date::from_ymd(0, 1, 1), Err(DateError::YearOutOfRange));
        assert_eq!(Date::parse("5000-01-01"), Err(DateError::YearOutOfRange));
    }

    #[test]
    fn every_day_follows_the_one_before_and_is_read_back() {
        let mut expected = (1, 1, 1, Date::MIN.weekday());
        for days in DAYS_MIN..=DAYS_MAX {
            let date = Date::from_days(days).unwrap();
            assert_eq!((date.year(), date.month(), date.day(), date.weekday()), expected);
            assert_eq!(Date::from_ymd(expected.0, expected.1, expected.2), Ok(date));
            expected = day_after(expected);
        }
        assert_eq!(expected.0, YEAR_MAX + 1);
    }

    fn day_after((year, month, day, weekday): (u16, u8, u8, u8)) -> (u16, u8, u8, u8) {
        let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let length = match month {
            2 if is_leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let weekday = weekday % 7 + 1;
        match (month, day) {
            (12, 31) => (year + 1, 1, 1, weekday),
            (_, day) if day == length => (year, month + 1, 1, weekday),
            _ => (year, month, day + 1, weekday),
        }
    }

    #[test]
    fn the_epoch_was_a_thursday() {
        let epoch = Date::parse("1970-01-01").unwrap();
        assert_eq!((epoch.days(), epoch.weekday()), (0, 4));
    }

    #[test]
    fn only_iso_dates_that_exist_are_dates() {
        for text in ["2026-02-29", "2026-13-01", "2026-00-10", "2026-11-00", "2026-11-31", "1900-02-29"] {
            assert_eq!(Date::parse(text), Err(DateError::NoSuchDate), "{text}");
        }
        for text in
            ["", "2026-1-2", "02-11-2026", "2026-11-02 ", "+026-11-02", "2026-11-02-01", "２026-11-02", "2026/11/02"]
        {
            assert_eq!(Date::parse(text), Err(DateError::NotADate), "{text:?}");
        }
        assert_eq!("2024-02-29".parse::<Date>().map(|date| date.to_string()), Ok("2024-02-29".into()));
        assert_eq!(Date::MIN.to_string(), "0001-01-01");
    }

    #[test]
    fn months_are_numbered_as_commits_number_periods() {
        let month = Month::parse("2026-11").unwrap();
        assert_eq!((month.number(), month.to_string()), (24_322, "2026-11".into()));
        assert_eq!(Month::from_date(Date::parse("2026-11-30").unwrap()), month);
        assert_eq!(Month::from_number(month.number()), Some(month));
        assert_eq!((month.next().unwrap().next().unwrap().to_string(), month.last_day().day()), ("2027-01".into(), 30));
        assert_eq!(Month::from_number(0), None);
        assert_eq!((Month::from_number(11), Month::from_number(60_000)), (None, None));
        assert_eq!(Month::from_date(Date::MIN).previous(), None);
        assert_eq!(Month::from_date(Date::MAX).next(), None);
        assert_eq!(Month::from_date(Date::MAX).last_day(), Date::MAX);
        assert_eq!(Month::from_date(Date::MIN).first_day(), Date::MIN);
        assert_eq!(Month::parse("2026-13"), Err(DateError::NoSuchDate));
        assert_eq!(Month::parse("2026-1"), Err(DateError::NotAMonth));
    }

    #[test]
    fn a_time_is_one_a_24_hour_clock_shows() {
        for (text, seconds) in [("00:00", 0), ("23:59:59", 86_399), ("18:05", 65_100)] {
            let time = TimeOfDay::parse(text).unwrap();
            assert_eq!((time.seconds(), time.to_string().as_str()), (seconds, text));
            assert_eq!(TimeOfDay::from_seconds(seconds), Some(time));
        }
        for text in ["24:00", "12:60", "12:00:60", "9:05", "12", "12:00:00:00", "", "1２:00"] {
            assert_eq!(TimeOfDay::parse(text), Err(DateError::NotATime), "{text:?}");
        }
        assert_eq!(TimeOfDay::from_seconds(DAY_SECONDS), None);
    }
}

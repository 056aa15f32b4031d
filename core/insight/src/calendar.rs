//! Dates some periods later, without asking a calendar each time.

use outlay_ledger::{Date, Month};

/// How often something recurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cadence {
    /// Every 7 days.
    Weekly,
    /// Every 14 days.
    Fortnightly,
    /// Every 28 days, as prepaid packs are sold.
    FourWeekly,
    /// The same day of every month, or the last one of a shorter month.
    Monthly,
    /// Every second month.
    TwoMonthly,
    /// Every three months.
    Quarterly,
    /// Every six months.
    HalfYearly,
    /// Every year.
    Yearly,
}

/// A step from one date to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Days(i32),
    Months(u16),
}

impl Cadence {
    /// From the most to the least frequent.
    pub const ALL: [Self; 8] = [
        Self::Weekly,
        Self::Fortnightly,
        Self::FourWeekly,
        Self::Monthly,
        Self::TwoMonthly,
        Self::Quarterly,
        Self::HalfYearly,
        Self::Yearly,
    ];

    pub(crate) const fn step(self) -> Step {
        match self {
            Self::Weekly => Step::Days(7),
            Self::Fortnightly => Step::Days(14),
            Self::FourWeekly => Step::Days(28),
            Self::Monthly => Step::Months(1),
            Self::TwoMonthly => Step::Months(2),
            Self::Quarterly => Step::Months(3),
            Self::HalfYearly => Step::Months(6),
            Self::Yearly => Step::Months(12),
        }
    }

    /// The date so many periods later; the last there is beyond it.
    ///
    /// ```
    /// use outlay_insight::calendar::Cadence;
    /// use outlay_ledger::Date;
    /// let last_of_january = Date::parse("2024-01-31")?;
    /// assert_eq!(Cadence::Monthly.after(last_of_january, 1), Date::parse("2024-02-29")?);
    /// assert_eq!(Cadence::Monthly.after(last_of_january, 2), Date::parse("2024-03-31")?);
    /// # Ok::<(), outlay_ledger::DateError>(())
    /// ```
    pub fn after(self, date: Date, periods: u16) -> Date {
        match self.step() {
            Step::Days(days) => date.add_days(days.saturating_mul(i32::from(periods))).unwrap_or(Date::MAX),
            Step::Months(months) => months_after(date, months.saturating_mul(periods)),
        }
    }

    /// The date so many periods earlier; the first there is before it.
    pub(crate) fn before(self, date: Date, periods: u16) -> Date {
        match self.step() {
            Step::Days(days) => {
                date.add_days(days.saturating_mul(i32::from(periods)).saturating_neg()).unwrap_or(Date::MIN)
            }
            Step::Months(months) => months_before(date, months.saturating_mul(periods)),
        }
    }

    /// How long a period is on average, in days.
    pub(crate) fn days(self) -> f64 {
        match self.step() {
            Step::Days(days) => f64::from(days),
            Step::Months(months) => f64::from(months) * MONTH_DAYS,
        }
    }
}

/// The mean length of a month of the Gregorian calendar.
const MONTH_DAYS: f64 = 146_097.0 / 4_800.0;

fn months_after(date: Date, months: u16) -> Date {
    let number = Month::from_date(date).number().saturating_add(months);
    Month::from_number(number).map_or(Date::MAX, |month| on_day(month, date.day()))
}

fn months_before(date: Date, months: u16) -> Date {
    let number = Month::from_date(date).number().saturating_sub(months);
    Month::from_number(number).map_or(Date::MIN, |month| on_day(month, date.day()))
}

/// A day of a month, or its last one if it has no such day.
fn on_day(month: Month, day: u8) -> Date {
    Date::from_ymd(month.year(), month.month(), day).unwrap_or_else(|_| month.last_day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_back_undoes_a_step_forth_where_both_months_have_the_day() {
        let date = Date::parse("2024-03-15").unwrap();
        for cadence in Cadence::ALL {
            assert_eq!(cadence.before(cadence.after(date, 3), 3), date, "{cadence:?}");
        }
    }

    #[test]
    fn the_end_of_the_calendar_is_no_panic() {
        assert_eq!(Cadence::Yearly.after(Date::MAX, u16::MAX), Date::MAX);
        assert_eq!(Cadence::Weekly.after(Date::MAX, 1), Date::MAX);
        assert_eq!(Cadence::Yearly.before(Date::MIN, 1), Date::MIN);
    }
}

//! When anything was noted at all.
//!
//! Months without any entry are months of which nothing is known, not months without spending. So what is said of the present
//! ends with the last entry, and after a long silence a new history begins.

use std::collections::BTreeMap;

use outlay_ledger::{Date, Month};

/// So many whole months without any entry are a silence: as many as a usual month is the median of, so that nothing is said
/// that none of the months known speaks for.
pub(crate) const SILENT_MONTHS: u16 = 6;

/// The days with entries, and how many each has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded(BTreeMap<Date, u64>);

impl Recorded {
    pub(crate) fn add(&mut self, date: Date) {
        *self.0.entry(date).or_default() += 1;
    }

    pub(crate) fn remove(&mut self, date: Date) {
        let Some(count) = self.0.get_mut(&date) else { return };
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.0.remove(&date);
        }
    }

    /// The last day with an entry up to `today`.
    pub(crate) fn last(&self, today: Date) -> Option<Date> {
        self.0.range(..=today).next_back().map(|(date, _)| *date)
    }

    /// Whether a month has an entry.
    pub(crate) fn has(&self, month: Month) -> bool {
        self.0.range(month.first_day()..=month.last_day()).next().is_some()
    }

    /// The first day with an entry since the last silence before `today`, but for days before the month `earliest`.
    pub(crate) fn begin(&self, today: Date, earliest: Month) -> Option<Date> {
        let mut month = Month::from_date(self.last(today)?);
        while let Some(before) = self.0.range(earliest.first_day()..month.first_day()).next_back() {
            let before = Month::from_date(*before.0);
            if is_silence(before, month) {
                break;
            }
            month = before;
        }
        self.0.range(month.first_day()..).next().map(|(date, _)| *date)
    }
}

/// Whether there are too many months between two with entries.
pub(crate) const fn is_silence(from: Month, to: Month) -> bool {
    to.number().saturating_sub(from.number()) > SILENT_MONTHS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn recorded(days: &[&str]) -> Recorded {
        let mut recorded = Recorded::default();
        days.iter().for_each(|day| recorded.add(date(day)));
        recorded
    }

    #[test]
    fn a_history_begins_after_the_last_silence_that_is_long_enough() {
        let first = Month::parse("2000-01").unwrap();
        let begin = |days: &[&str], today: &str| recorded(days).begin(date(today), first);
        let days = ["2015-01-10", "2020-01-05", "2020-01-31", "2020-07-03", "2021-02-01"];
        assert_eq!(begin(&days, "2021-03-01"), Some(date("2021-02-01")), "six months without an entry");
        assert_eq!(begin(&days, "2021-01-31"), Some(date("2020-01-05")), "five are none");
        assert_eq!(begin(&days, "2014-01-01"), None);
        assert_eq!(
            recorded(&days).begin(date("2021-03-01"), Month::parse("2021-02").unwrap()),
            Some(date("2021-02-01"))
        );
    }

    #[test]
    fn a_day_is_forgotten_with_its_last_entry() {
        let mut recorded = recorded(&["2020-01-05", "2020-01-05", "2020-03-01"]);
        recorded.remove(date("2020-01-05"));
        assert!(recorded.has(Month::parse("2020-01").unwrap()));
        recorded.remove(date("2020-01-05"));
        recorded.remove(date("2020-01-05"));
        assert!(!recorded.has(Month::parse("2020-01").unwrap()));
        assert_eq!(recorded.last(date("2020-02-01")), None);
        assert_eq!(recorded.last(date("2020-03-01")), Some(date("2020-03-01")));
    }
}

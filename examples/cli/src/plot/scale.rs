//! Scales: where a number stands between the two ends of an axis, and what is written there.

use outlay_core::Currency;

/// Marks of an axis of money at most.
const MARKS_MAX: i64 = 6;

/// Evenly from zero up.
pub(super) struct Even {
    step: i64,
    marks: i64,
}

impl Even {
    /// From nothing to at least `greatest`, with marks at 1, 2 or 5 of some power of ten.
    pub(super) fn up_to(greatest: i64) -> Self {
        let greatest = greatest.max(1);
        let step = steps(1).find(|step| greatest / step < MARKS_MAX).unwrap_or(i64::MAX / MARKS_MAX);
        Self { step, marks: greatest / step + i64::from(greatest % step > 0) }
    }

    /// What is marked.
    pub(super) fn marks(&self) -> impl Iterator<Item = i64> {
        let step = self.step;
        (0..=self.marks).map(move |mark| mark.saturating_mul(step))
    }

    /// Where a value is between two ends.
    pub(super) fn place(&self, value: i64, from: i64, to: i64) -> i64 {
        let top = i128::from(self.step) * i128::from(self.marks.max(1));
        between(i128::from(value).clamp(0, top), 0, top, from, to)
    }
}

/// The same way from each mark to the next, whatever they are: for what goes over several powers of ten.
pub(super) struct Stepped(Vec<i64>);

impl Stepped {
    /// Marks at 1, 2 and 5 of the powers of ten around what lies between two amounts.
    pub(super) fn around(least: i64, greatest: i64) -> Self {
        let (least, greatest) = (least.max(1), greatest.max(1));
        let marks: Vec<i64> = steps(1).take_while(|step| step / 5 <= greatest).collect();
        Self::of(&marks, least, greatest)
    }

    /// Those of `marks`, ascending, that are needed for what lies between two values.
    pub(super) fn of(marks: &[i64], least: i64, greatest: i64) -> Self {
        let first = marks.iter().rposition(|mark| *mark <= least).unwrap_or(0).min(marks.len().saturating_sub(2));
        let last = marks.iter().position(|mark| *mark >= greatest).unwrap_or(marks.len() - 1).max(first + 1);
        Self(marks[first..=last].to_vec())
    }

    pub(super) fn marks(&self) -> &[i64] {
        &self.0
    }

    /// Where a value is between two ends.
    pub(super) fn place(&self, value: i64, from: i64, to: i64) -> i64 {
        let intervals = self.0.len().saturating_sub(1).max(1);
        let end = |mark: usize| between(mark as i128, 0, intervals as i128, from, to);
        let above = self.0.partition_point(|mark| *mark <= value).clamp(1, intervals);
        let (low, high) = (self.0[above - 1], self.0[above]);
        between(value.clamp(low, high).into(), low.into(), high.into(), end(above - 1), end(above))
    }
}

/// 1, 2, 5, 10, 20 and so on.
fn steps(from: i64) -> impl Iterator<Item = i64> {
    std::iter::successors(Some(from), |power| power.checked_mul(10))
        .flat_map(|power| [1, 2, 5].map(|digit| power.checked_mul(digit)))
        .map_while(|step| step)
}

fn between(value: i128, low: i128, high: i128, from: i64, to: i64) -> i64 {
    let part = i128::from(to - from) * (value - low) / (high - low).max(1);
    i64::try_from(i128::from(from) + part).unwrap_or(to)
}

/// An amount on an axis: whole units, in groups of three digits; with all its decimals where the marks are less than one.
pub(super) fn money(minor: i64, currency: Currency) -> String {
    let unit = 10_i64.pow(currency.exponent().into());
    if minor % unit == 0 { grouped(minor / unit) } else { outlay_core::Money::nearest(minor, currency).amount_text() }
}

fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_scale_has_few_round_marks_and_reaches_the_greatest() {
        let marks = |greatest| Even::up_to(greatest).marks().collect::<Vec<_>>();
        assert_eq!(marks(23_000), [0, 5_000, 10_000, 15_000, 20_000, 25_000]);
        assert_eq!(marks(0), [0, 1]);
        assert!(marks(i64::MAX).len() > 2);
        let scale = Even::up_to(23_000);
        assert_eq!([0, 12_500, 25_000, -9, 99_000].map(|value| scale.place(value, 100, 0)), [100, 50, 0, 100, 0]);
    }

    #[test]
    fn a_stepped_scale_goes_up_with_the_value_and_stays_inside() {
        let scale = Stepped::around(30, 70_000);
        assert_eq!((scale.marks().first(), scale.marks().last()), (Some(&20), Some(&100_000)));
        let places: Vec<i64> =
            [0, 20, 30, 500, 70_000, 100_000, i64::MAX].map(|value| scale.place(value, 0, 600)).to_vec();
        assert!(places.is_sorted() && places[0] == 0 && places[6] == 600, "{places:?}");
        assert!(Stepped::around(5, 5).marks().len() > 1);
        assert!(Stepped::around(i64::MAX, i64::MAX).marks().len() > 1);
        assert_eq!(Stepped::of(&[2, 4, 8], 100, 200).marks(), [4, 8]);
        assert_eq!(Stepped::of(&[2, 4, 8], 0, 1).marks(), [2, 4]);
    }

    #[test]
    fn amounts_on_an_axis_are_short() {
        assert_eq!(money(1_234_500, Currency::EUR), "12,345");
        assert_eq!(money(50, Currency::EUR), "0.50");
        assert_eq!(money(1_500, Currency::parse("JPY").unwrap()), "1,500");
    }
}

//! Medians and ranks, of whole amounts and of numbers.
//!
//! Amounts stay whole: the median of two is their mean, rounded towards zero. Numbers that are not finite are left out
//! by whoever makes them; nothing here returns NaN for finite numbers.
//!
//! Logarithms and exponentials are those of libm in this whole crate: those of std differ from platform to platform in the
//! last bit, and a threshold would be passed on the phone and not on the server.

/// The median of amounts, or `None` of none. Reorders them.
pub(crate) fn median(amounts: &mut [i64]) -> Option<i64> {
    let middle = amounts.len() / 2;
    if amounts.is_empty() {
        return None;
    }
    let is_odd = amounts.len() % 2 == 1;
    let (below, upper, _) = amounts.select_nth_unstable(middle);
    if is_odd {
        return Some(*upper);
    }
    let lower = below.iter().copied().max().unwrap_or(*upper);
    Some(midpoint(lower, *upper))
}

/// The mean of two amounts, rounded towards zero.
pub(crate) fn midpoint(one: i64, other: i64) -> i64 {
    i64::try_from((i128::from(one) + i128::from(other)) / 2).unwrap_or(one)
}

/// A sum as an amount: sums of many amounts are 128 bits wide, and what is beyond an `i64` is its end.
pub(crate) fn narrowed(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

/// An amount as a number. Above 2⁵³ minor units it is rounded, which no statistic here notices.
#[allow(clippy::cast_precision_loss)] // As said above.
pub(crate) const fn number(amount: i64) -> f64 {
    amount as f64
}

/// A count as a number.
#[allow(clippy::cast_precision_loss)] // A count of rows or months is far below 2⁵³.
pub(crate) const fn count(many: usize) -> f64 {
    many as f64
}

/// The square of a number.
pub(crate) fn square(number: f64) -> f64 {
    number * number
}

/// Whether one of two positive amounts is at most so many times the other.
pub(crate) fn is_within(one: i64, other: i64, times: f64) -> bool {
    number(one.max(other)) <= times * number(one.min(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_of_an_even_count_is_between_the_two_in_the_middle() {
        assert_eq!(median(&mut [4, 1, 3, 2]), Some(2));
        assert_eq!(median(&mut [9, 1, 5]), Some(5));
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [i64::MAX, i64::MAX]), Some(i64::MAX));
    }

    #[test]
    fn a_sum_beyond_an_amount_is_the_largest_one() {
        assert_eq!(narrowed(i128::MAX), i64::MAX);
        assert_eq!(narrowed(i128::MIN), i64::MIN);
        assert_eq!(narrowed(-7), -7);
    }
}

//! Price rises: a commitment that costs more than it did.

/// Earlier payments of one amount before it is a price: one might be a first month at a discount.
const PAYMENTS_MIN: usize = 2;
/// Earlier payments that are looked at: a year of months.
const PAYMENTS_MAX: usize = 12;
/// By how many hundredths payments of one price may differ: what the exchange rate does to a subscription in a month.
const SAME_PERCENT: i128 = 2;

/// The payments of a commitment, given in minor units and oldest first, that are dearer than the last ones before, which
/// had one price: the place of each and what it was before. Payments whose amount varies anyway have none.
pub(super) fn rises(minors: &[i64]) -> Vec<(usize, i64)> {
    let rise = |place: usize| {
        let (earlier, now) = (minors.get(..place)?, *minors.get(place)?);
        let was = *earlier.last()?;
        let before = earlier.iter().rev().take(PAYMENTS_MAX);
        let same = before.take_while(|minor| is_same(**minor, was)).count();
        // One other amount in between ends a price; it takes two payments to begin one.
        (same >= PAYMENTS_MIN && now > was && !is_same(now, was)).then_some((place, was))
    };
    (0..minors.len()).filter_map(rise).collect()
}

fn is_same(left: i64, right: i64) -> bool {
    let apart = (i128::from(left) - i128::from(right)).abs();
    apart * 100 <= SAME_PERCENT * i128::from(right).abs()
}

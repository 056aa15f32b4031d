//! A total split by weights into parts that sum to it exactly.

use crate::id::DocumentId;
use crate::limits::MINOR_MAX;

/// Why a total was not split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// No weight is greater than zero, so there is nobody to give the total to.
    #[error("a split needs at least one weight above zero")]
    NoWeight,
    /// The weights sum to more than a `u64` holds.
    #[error("the weights of a split sum to more than 2^64 - 1")]
    WeightsTooLarge,
    /// The total is beyond [`MINOR_MAX`].
    #[error("the total of a split is beyond 10^15 minor units")]
    OutOfRange,
}

/// Splits a total by weights so that the parts sum to it exactly, by largest remainder.
///
/// Each part is within one minor unit of its exact share, in the order of the weights; a weight of zero gets nothing.
/// Who gets a left-over unit among equal remainders follows from BLAKE3(`tie_break` ‖ position as u64, big-endian):
/// the same on every device, and not always the first person. The result is stored, so weights must be handed in
/// in an order that means something, such as that of the member ids.
///
/// # Errors
///
/// [`SplitError`] if no weight is above zero, the weights overflow, or the total is out of range.
///
/// ```
/// use outlay_ledger::DocumentId;
/// use outlay_ledger::money::split;
/// let parts = split(1000, &[1, 1, 1], DocumentId([7; 16]))?;
/// assert_eq!(parts.iter().sum::<i64>(), 1000);
/// assert!(parts.iter().all(|part| (333..=334).contains(part)));
/// # Ok::<(), outlay_ledger::money::SplitError>(())
/// ```
pub fn split(total: i64, weights: &[u64], tie_break: DocumentId) -> Result<Vec<i64>, SplitError> {
    if total.unsigned_abs() > MINOR_MAX.unsigned_abs() {
        return Err(SplitError::OutOfRange);
    }
    let whole = sum(weights)?;
    // The size is split and the sign put back, so that a refund mirrors its expense to the unit.
    let size = u128::from(total.unsigned_abs());
    let mut parts: Vec<u128> = weights.iter().map(|weight| size * u128::from(*weight) / whole).collect();
    let left = size - parts.iter().sum::<u128>();
    for index in by_remainder(size, weights, whole, tie_break, left) {
        parts[index] += 1;
    }
    // A part is at most the total, which is an i64.
    Ok(parts.into_iter().map(|part| i64::try_from(part).unwrap_or(MINOR_MAX) * total.signum()).collect())
}

fn sum(weights: &[u64]) -> Result<u128, SplitError> {
    let whole = weights.iter().try_fold(0_u64, |sum, weight| sum.checked_add(*weight));
    match whole.ok_or(SplitError::WeightsTooLarge)? {
        0 => Err(SplitError::NoWeight),
        whole => Ok(u128::from(whole)),
    }
}

/// The positions that get one unit more: those of the `count` largest remainders, all of them above zero.
fn by_remainder(size: u128, weights: &[u64], whole: u128, tie_break: DocumentId, count: u128) -> Vec<usize> {
    if count == 0 {
        return Vec::new();
    }
    let mut order: Vec<_> = weights
        .iter()
        .enumerate()
        .map(|(index, weight)| (std::cmp::Reverse(size * u128::from(*weight) % whole), lot(tie_break, index), index))
        .collect();
    order.sort_unstable();
    // The remainders sum to count × whole and each is below whole, so count is below the number of weights.
    order.truncate(usize::try_from(count).unwrap_or(weights.len()));
    order.into_iter().map(|(_, _, index)| index).collect()
}

fn lot(tie_break: DocumentId, index: usize) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(tie_break.as_bytes());
    hasher.update(&(index as u64).to_be_bytes());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    #[test]
    fn a_split_without_weights_or_beyond_the_range_is_refused() {
        let document = DocumentId([1; 16]);
        assert_eq!(split(1, &[], document), Err(SplitError::NoWeight));
        assert_eq!(split(1, &[0, 0], document), Err(SplitError::NoWeight));
        assert_eq!(split(1, &[u64::MAX, 1], document), Err(SplitError::WeightsTooLarge));
        assert_eq!(split(i64::MIN, &[1], document), Err(SplitError::OutOfRange));
        assert_eq!(split(MINOR_MAX, &[u64::MAX, 0], document), Ok(vec![MINOR_MAX, 0]));
    }

    #[test]
    fn the_left_over_unit_does_not_always_go_to_the_first() {
        let lucky: std::collections::BTreeSet<usize> = (0..32)
            .map(|byte| split(100, &[1, 1, 1], DocumentId([byte; 16])).unwrap())
            .filter_map(|parts| parts.iter().position(|part| *part == 34))
            .collect();
        assert_eq!(lucky.len(), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn parts_sum_to_the_total_and_are_within_one_unit_of_their_share(
            total in prop_oneof![-1000..=1000_i64, -MINOR_MAX..=MINOR_MAX],
            weights in prop::collection::vec(prop_oneof![0..10_u64, 0..=u64::MAX / 16], 1..16),
            document in prop::array::uniform16(0..=255_u8),
        ) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let parts = split(total, &weights, DocumentId(document)).unwrap();
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let error = i128::from(*part) * whole - i128::from(total) * i128::from(*weight);
                prop_assert!(error.abs() < whole, "within one unit");
                prop_assert!(*weight > 0 || *part == 0);
            }
            let mirrored = split(-total, &weights, DocumentId(document)).unwrap();
            prop_assert!(parts.iter().zip(&mirrored).all(|(part, other)| *part == -other));
        }

        /// Handing the weights in another order moves at most the left-over units: the same parts, up to the ties.
        #[test]
        fn the_order_of_weights_changes_nothing_but_who_wins_a_tie(
            total in 0..100_000_i64,
            weights in prop::collection::vec(1..50_u64, 1..12),
            turn in 0..12_usize,
        ) {
            let mut turned = weights.clone();
            turned.rotate_left(turn % weights.len());
            let sorted = |weights: &[u64]| {
                let mut parts: Vec<i64> = split(total, weights, DocumentId([9; 16])).unwrap();
                parts.sort_unstable();
                parts
            };
            if are_without_ties(total, &weights) {
                prop_assert_eq!(sorted(&weights), sorted(&turned));
            }
            prop_assert_eq!(sorted(&turned).iter().sum::<i64>(), total);
        }
    }

    fn are_without_ties(total: i64, weights: &[u64]) -> bool {
        let whole: u64 = weights.iter().sum();
        let remainder = |weight: &u64| total.unsigned_abs() * weight % whole;
        let set: std::collections::BTreeSet<_> = weights.iter().map(remainder).collect();
        set.len() == weights.len()
    }
}

//! The gate before any clustering is shown: is it more than the same numbers in any order would give, and does it stay
//! when some of them had been others?
//!
//! A clustering passes if its mean silhouette is above the best of twenty copies whose columns are shuffled, each of
//! which may choose its own number of clusters, and if clusterings of bootstrap samples agree with it: a mean adjusted
//! Rand index of 0.75. What does not pass is "no clear pattern", which is an answer.
//!
//! Labels are found by linfa's k-means with ten starts and its fixed seed; shuffles and samples come from a seed that
//! is an argument. The same rows in the same order give the same labels anywhere.

use std::ops::RangeInclusive;

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::KMeans;
use ndarray::Array2;

use crate::alone::alone;
use crate::statistics::{count, square};

/// Points of equal length.
pub(crate) type Points = Vec<Vec<f64>>;

/// A clustering that passed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Passed {
    /// The cluster of each point.
    pub(crate) labels: Vec<usize>,
    /// How many clusters there are.
    pub(crate) clusters: usize,
    /// How well the points are separated, −1 to 1. For tests and logs: people cannot use it.
    pub(crate) silhouette: f64,
    /// How alike clusterings of samples are, up to 1.
    pub(crate) stability: f64,
}

/// The specification's: copies with shuffled columns, and the least mean adjusted Rand index.
const SHUFFLES: usize = 20;
const STABILITY_MIN: f64 = 0.75;
/// Samples of which the stability is the mean. With thirty its standard error is a few hundredths.
const SAMPLES: usize = 30;
/// Starts of k-means, of which the best is taken; fewer than ten now and then miss it.
const STARTS: usize = 10;

/// The best clustering of points into some number of clusters, if it passes the gate.
pub(crate) fn clusters(points: &Points, numbers: RangeInclusive<usize>, seed: u64) -> Option<Passed> {
    alone(|| passed(points, numbers, seed))
}

fn passed(points: &Points, numbers: RangeInclusive<usize>, seed: u64) -> Option<Passed> {
    let (clusters, labels, silhouette) = best(points, numbers.clone())?;
    let mut dice = Dice(seed);
    for _ in 0..SHUFFLES {
        if best(&shuffled(points, &mut dice), numbers.clone()).is_some_and(|(.., chance)| chance >= silhouette) {
            return None;
        }
    }
    let stability = stability(points, &labels, clusters, &mut dice)?;
    (stability >= STABILITY_MIN).then_some(Passed { labels, clusters, silhouette, stability })
}

/// The number of clusters, the labels and the silhouette of the best separated clustering.
fn best(points: &Points, numbers: RangeInclusive<usize>) -> Option<(usize, Vec<usize>, f64)> {
    let found = numbers.filter_map(|clusters| {
        let labels = assigned(points, &centres(points, clusters)?);
        let silhouette = silhouette(points, &labels, clusters)?;
        Some((clusters, labels, silhouette))
    });
    found.max_by(|one, other| one.2.total_cmp(&other.2).then(other.0.cmp(&one.0)))
}

/// The centres that k-means finds; `None` if there are too few points, or none that are finite.
fn centres(points: &Points, clusters: usize) -> Option<Points> {
    let width = points.first()?.len();
    if points.len() <= clusters || width == 0 {
        return None;
    }
    let flat: Vec<f64> = points.iter().flatten().copied().collect();
    let records = Array2::from_shape_vec((points.len(), width), flat).ok()?;
    let model = KMeans::params(clusters).n_runs(STARTS).fit(&DatasetBase::from(records)).ok()?;
    let centres: Points = model.centroids().rows().into_iter().map(|row| row.to_vec()).collect();
    centres.iter().flatten().all(|number| number.is_finite()).then_some(centres)
}

/// The nearest centre of each point.
fn assigned(points: &Points, centres: &Points) -> Vec<usize> {
    let nearest = |point: &Vec<f64>| {
        let distances = centres.iter().map(|centre| distance(point, centre));
        distances.enumerate().min_by(|one, other| one.1.total_cmp(&other.1)).map_or(0, |(place, _)| place)
    };
    points.iter().map(nearest).collect()
}

/// The mean silhouette (Rousseeuw 1987); `None` if a cluster is empty. A point alone in its cluster has 0.
fn silhouette(points: &Points, labels: &[usize], clusters: usize) -> Option<f64> {
    let mut sizes = vec![0_usize; clusters];
    labels.iter().for_each(|label| sizes.get_mut(*label).into_iter().for_each(|size| *size += 1));
    if sizes.contains(&0) {
        return None;
    }
    let each = points.iter().zip(labels).map(|(point, label)| {
        let mut sums = vec![0.0; clusters];
        for (other, label) in points.iter().zip(labels) {
            sums.get_mut(*label).into_iter().for_each(|sum| *sum += distance(point, other));
        }
        width(&sums, &sizes, *label)
    });
    Some(each.sum::<f64>() / count(points.len()))
}

/// The silhouette of one point, from the sums of its distances to each cluster.
fn width(sums: &[f64], sizes: &[usize], own: usize) -> f64 {
    let (mut inside, mut outside) = (0.0, f64::INFINITY);
    for (cluster, (sum, size)) in sums.iter().zip(sizes).enumerate() {
        if cluster != own {
            outside = f64::min(outside, sum / count(*size));
        } else if *size > 1 {
            inside = sum / count(size - 1);
        } else {
            return 0.0;
        }
    }
    let larger = f64::max(inside, outside);
    if larger > 0.0 { (outside - inside) / larger } else { 0.0 }
}

/// How alike clusterings of samples, drawn with replacement, are to the labels: the mean adjusted Rand index.
fn stability(points: &Points, labels: &[usize], clusters: usize, dice: &mut Dice) -> Option<f64> {
    let mut sum = 0.0;
    for _ in 0..SAMPLES {
        let sample: Points = (0..points.len()).filter_map(|_| points.get(dice.below(points.len())).cloned()).collect();
        let again = assigned(points, &centres(&sample, clusters)?);
        sum += adjusted_rand(labels, &again, clusters);
    }
    Some(sum / count(SAMPLES))
}

/// The adjusted Rand index of two labellings (Hubert and Arabie 1985): 1 if they are the same but for names, about 0 by
/// chance.
fn adjusted_rand(one: &[usize], other: &[usize], clusters: usize) -> f64 {
    let mut table = vec![vec![0_usize; clusters]; clusters];
    for (one, other) in one.iter().zip(other) {
        table.get_mut(*one).and_then(|row| row.get_mut(*other)).into_iter().for_each(|cell| *cell += 1);
    }
    let pairs = |many: usize| count(many) * (count(many) - 1.0) / 2.0;
    let both: f64 = table.iter().flatten().map(|cell| pairs(*cell)).sum();
    let rows: f64 = table.iter().map(|row| pairs(row.iter().sum())).sum();
    let columns: f64 = (0..clusters).map(|at| pairs(table.iter().filter_map(|row| row.get(at)).sum())).sum();
    let expected = rows * columns / pairs(one.len()).max(1.0);
    let most = f64::midpoint(rows, columns);
    if most > expected { (both - expected) / (most - expected) } else { 1.0 }
}

/// The points with each column in an order of its own.
fn shuffled(points: &Points, dice: &mut Dice) -> Points {
    let mut shuffled = points.clone();
    for column in 0..points.first().map_or(0, Vec::len) {
        let mut order: Vec<usize> = (0..points.len()).collect();
        dice.shuffle(&mut order);
        for (row, from) in shuffled.iter_mut().zip(order) {
            let value = points.get(from).and_then(|point| point.get(column));
            row.get_mut(column).zip(value).into_iter().for_each(|(cell, value)| *cell = *value);
        }
    }
    shuffled
}

fn distance(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| square(one - other)).sum::<f64>().sqrt()
}

/// Numbers from a seed (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    /// A number below `end`. It favours small ones by less than one in 2³², which is nothing here.
    #[allow(clippy::cast_possible_truncation)] // Below `end`, which is a usize.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let fraction = u128::from(mixed ^ (mixed >> 31));
        ((fraction * end as u128) >> 64) as usize
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points around two places, so many around each.
    fn two_groups(many: usize, apart: f64) -> Points {
        let mut dice = Dice(7);
        let mut noise = || count(dice.below(1000)) / 1000.0;
        (0..2 * many)
            .map(|place| {
                let base = if place < many { 0.0 } else { apart };
                vec![base + noise(), base + noise()]
            })
            .collect()
    }

    #[test]
    fn two_groups_pass_as_two() {
        let passed = clusters(&two_groups(15, 5.0), 2..=4, 1).unwrap();
        assert_eq!(passed.clusters, 2);
        assert!(passed.silhouette > 0.8 && passed.stability > 0.95, "{passed:?}");
        assert!(passed.labels[..15].iter().all(|label| *label == passed.labels[0]));
        assert!(passed.labels[15..].iter().all(|label| *label != passed.labels[0]));
    }

    #[test]
    fn one_cloud_does_not_pass() {
        for seed in 1..=5 {
            assert_eq!(clusters(&two_groups(15, 0.0), 2..=4, seed), None, "seed {seed}");
        }
    }

    #[test]
    fn points_that_are_all_the_same_or_too_few_do_not_pass() {
        assert_eq!(clusters(&vec![vec![1.0, 2.0]; 30], 2..=4, 1), None);
        assert_eq!(clusters(&vec![vec![1.0], vec![2.0]], 2..=4, 1), None);
        assert_eq!(clusters(&vec![], 2..=4, 1), None);
        assert_eq!(clusters(&vec![vec![]; 30], 2..=4, 1), None);
    }

    #[test]
    fn a_rand_index_does_not_see_names() {
        assert!((adjusted_rand(&[0, 0, 1, 1], &[1, 1, 0, 0], 2) - 1.0).abs() < 1e-12);
        assert!((adjusted_rand(&[0, 0, 1, 1], &[0, 1, 0, 1], 2) + 0.5).abs() < 1e-12, "as scikit-learn has it");
    }
}

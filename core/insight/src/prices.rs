//! Usual prices: what one pays again and again at a payee, or for a kind of thing.
//!
//! A Gaussian mixture over the logarithms of the amounts, with one to four centres by the Bayesian information
//! criterion, which linfa does not compute and this module does. It is accepted only if the last rows, which it did not
//! see, are more probable by it than by a single bell curve, and most of them lie near a centre. Otherwise the three most
//! frequent amounts are all there is to say, which serve for one-tap amounts as well. A price that never changed is usual
//! without a mixture.

use std::collections::BTreeMap;

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::GaussianMixtureModel;
use ndarray::Array2;
use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, DocumentId, Money};

use crate::alone::alone;
use crate::sellers::{Payment, Sellers};
use crate::statistics::{count, number, square};

/// What has prices: a payee, or a category.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seller {
    /// A payee, as written.
    Payee(String),
    /// A category, without those below it.
    Category(DocumentId),
}

/// What one pays at a seller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    /// Where.
    pub seller: Seller,
    /// How many payments this is from.
    pub payments: usize,
    /// What can be said.
    pub amounts: Amounts,
}

/// Amounts that are paid again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amounts {
    /// Usual prices, ascending: amounts that were really paid, each the middle of those around it.
    Usual(Vec<Money>),
    /// No clear pattern: the most frequent amounts, the most frequent first; none if each was paid once.
    Frequent(Vec<Money>),
}

/// The specification's: rows, the part of them that is held back, the gain over one bell curve in nats a row, the part that
/// has to lie near a centre, how near that is, and the numbers of centres.
pub(crate) const ROWS_MIN: usize = 30;
const HELD_BACK_PERCENT: usize = 30;
const GAIN_MIN: f64 = 0.2;
const NEAR_PART_MIN: f64 = 0.5;
const NEAR: f64 = 0.1;
const CENTRES_MAX: usize = 4;
/// So many frequent amounts.
const FREQUENT: usize = 3;
/// The latest payments are enough to tell prices, and the thirty sellers paid most often are more than anybody looks at:
/// a mixture of two hundred rows takes a few milliseconds.
const ROWS_MAX: usize = 200;
pub(crate) const SELLERS_MAX: usize = 30;
/// Prices are looked for anew after each tenth more of the payments that they are from: before, they would be others by
/// chance only, and a mixture for every expense is most of what an expense would take.
const PARTS: usize = 10;
/// Added to each variance: what is near a centre is the same price, so no bell is narrower than half of that. Without it a
/// price that is the same to the cent would be infinitely probable, and its first rise impossible.
const VARIANCE_ADDED: f64 = (NEAR / 2.0) * (NEAR / 2.0);

/// One component of a mixture, over logarithms of amounts.
#[derive(Debug, Clone, Copy)]
struct Bell {
    weight: f64,
    mean: f64,
    variance: f64,
}

/// What one pays at each payee and in each category, without those below it, with at least thirty payments, those with
/// the most first.
/// Expenses up to `today` count, money back does not.
///
/// ```
/// use outlay_insight::prices::{Amounts, Seller, prices};
/// use outlay_ledger::{Currency, Date, DocumentId, EntryKind, Money, spend::Spend};
///
/// let start = Date::parse("2024-01-01")?;
/// let rows: Vec<Spend> = (0..60).map(|day: u8| Spend {
///     id: DocumentId([day; 16]), date: start.add_days(i32::from(day)).unwrap_or(start), kind: EntryKind::Expense,
///     amount: Money::nearest(if day % 3 == 0 { 560 } else { 280 }, Currency::EUR), payee: "Tram".into(),
///     note: String::new(), category: None, account: None, tags: vec![],
/// }).collect();
/// let found = prices(&rows, Currency::EUR, Date::parse("2024-12-31")?);
/// let usual = [280, 560].map(|minor| Money::nearest(minor, Currency::EUR));
/// assert_eq!((&found[0].seller, &found[0].amounts), (&Seller::Payee("Tram".into()), &Amounts::Usual(usual.to_vec())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn prices(rows: &[Spend], currency: Currency, today: Date) -> Vec<Prices> {
    Sellers::of(rows, today).prices(currency)
}

/// Of so many payments, from how many of the first their prices are.
pub(crate) fn settled(payments: usize) -> usize {
    payments - payments % (payments.min(ROWS_MAX) / PARTS).max(1)
}

/// What can be said of payments in the order of their dates.
pub(crate) fn amounts(payments: &[Payment], currency: Currency) -> Amounts {
    let latest = payments.get(payments.len().saturating_sub(ROWS_MAX)..).unwrap_or_default();
    let amounts: Vec<i64> = latest.iter().map(|(.., minor)| *minor).collect();
    let money = |minors: Vec<i64>| minors.into_iter().map(|minor| Money::nearest(minor, currency)).collect();
    let usual = match amounts.split_first() {
        // A price that is always the same leaves a mixture nothing to gain.
        Some((price, others)) if others.iter().all(|other| other == price) => Some(vec![*price]),
        _ => alone(|| usual(&amounts)),
    };
    match usual {
        Some(usual) => Amounts::Usual(money(usual)),
        None => Amounts::Frequent(money(frequent(&amounts))),
    }
}

/// The usual prices among amounts in the order of their dates, if there are any.
fn usual(amounts: &[i64]) -> Option<Vec<i64>> {
    let logs: Vec<f64> = amounts.iter().map(|minor| libm::log(number(*minor))).collect();
    let (seen, held_back) = logs.split_at_checked(logs.len() - logs.len() * HELD_BACK_PERCENT / 100)?;
    let mixture = best(seen)?;
    let one = [single(seen)];
    let gain = (log_likelihood(held_back, &mixture) - log_likelihood(held_back, &one)) / count(held_back.len());
    let near = held_back.iter().filter(|log| mixture.iter().any(|bell| is_near(**log, bell))).count();
    let is_accepted = gain >= GAIN_MIN && count(near) >= NEAR_PART_MIN * count(held_back.len());
    let latest = amounts.get(seen.len()..)?;
    is_accepted.then(|| middles(latest, held_back, &mixture)).filter(|middles| !middles.is_empty())
}

/// The mixture with the least Bayesian information criterion: each centre has a weight, a mean and a variance, and the
/// weights add up to one.
fn best(logs: &[f64]) -> Option<Vec<Bell>> {
    let mixtures = (2..=CENTRES_MAX).filter_map(|centres| fitted(logs, centres)).chain([vec![single(logs)]]);
    let criterion = |mixture: &[Bell]| {
        let parameters = count(3 * mixture.len() - 1);
        parameters * libm::log(count(logs.len())) - 2.0 * log_likelihood(logs, mixture)
    };
    mixtures
        .map(|mixture| (criterion(&mixture), mixture))
        .min_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, mixture)| mixture)
}

/// A single bell curve over numbers.
fn single(logs: &[f64]) -> Bell {
    let mean = logs.iter().sum::<f64>() / count(logs.len().max(1));
    let variance = logs.iter().map(|log| square(log - mean)).sum::<f64>() / count(logs.len().max(1));
    Bell { weight: 1.0, mean, variance: variance + VARIANCE_ADDED }
}

/// A mixture with so many centres, from linfa with its fixed seed; `None` if there is none that is finite.
fn fitted(logs: &[f64], centres: usize) -> Option<Vec<Bell>> {
    let records = Array2::from_shape_vec((logs.len(), 1), logs.to_vec()).ok()?;
    let parameters = GaussianMixtureModel::params(centres).reg_covariance(VARIANCE_ADDED).max_n_iterations(300);
    let model = parameters.fit(&DatasetBase::from(records)).ok()?;
    let parts = model.weights().iter().zip(model.means().iter()).zip(model.covariances().iter());
    let bells: Vec<Bell> =
        parts.map(|((weight, mean), variance)| Bell { weight: *weight, mean: *mean, variance: *variance }).collect();
    let is_finite = bells.iter().all(|bell| bell.weight.is_finite() && bell.mean.is_finite() && bell.variance > 0.0);
    (is_finite && bells.len() == centres).then_some(bells)
}

/// The logarithm of the density of all numbers together.
fn log_likelihood(logs: &[f64], mixture: &[Bell]) -> f64 {
    logs.iter().map(|log| density_log(*log, mixture)).sum()
}

/// The logarithm of a mixture's density, without underflow far from every centre.
fn density_log(log: f64, mixture: &[Bell]) -> f64 {
    let terms: Vec<f64> = mixture.iter().filter(|bell| bell.weight > 0.0).map(|bell| bell.log_density(log)).collect();
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest.is_finite() {
        largest + libm::log(terms.iter().map(|term| libm::exp(term - largest)).sum())
    } else {
        largest
    }
}

impl Bell {
    fn log_density(&self, log: f64) -> f64 {
        let spread = square(log - self.mean) / self.variance;
        libm::log(self.weight) - 0.5 * (spread + libm::log(std::f64::consts::TAU * self.variance))
    }
}

/// Whether an amount is within a tenth of a centre.
fn is_near(log: f64, bell: &Bell) -> bool {
    libm::expm1(log - bell.mean).abs() <= NEAR
}

/// Of the latest amounts near each centre the median, ascending; of an even number the lower, because it was really paid.
/// A centre that nothing was near lately is a price of former times.
fn middles(amounts: &[i64], logs: &[f64], mixture: &[Bell]) -> Vec<i64> {
    let near = |bell: &Bell| {
        let mut near: Vec<i64> =
            amounts.iter().zip(logs).filter(|(_, log)| is_near(**log, bell)).map(|(minor, _)| *minor).collect();
        near.sort_unstable();
        near.get(near.len().saturating_sub(1) / 2).copied()
    };
    let mut middles: Vec<i64> = mixture.iter().filter_map(near).collect();
    middles.sort_unstable();
    middles.dedup();
    middles
}

/// The most frequent amounts, the later paid first of those that are as frequent. What was paid once is not frequent.
fn frequent(amounts: &[i64]) -> Vec<i64> {
    let mut times: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    for (place, minor) in amounts.iter().enumerate() {
        let (many, last) = times.entry(*minor).or_default();
        (*many, *last) = (*many + 1, place);
    }
    let mut ranked: Vec<((usize, usize), i64)> =
        times.into_iter().map(|(minor, rank)| (rank, minor)).filter(|((many, _), _)| *many > 1).collect();
    ranked.sort_unstable_by(|one, other| other.cmp(one));
    ranked.into_iter().take(FREQUENT).map(|(_, minor)| minor).collect()
}

//! The rhythm map: how often and how much, for each payee or category.
//!
//! Each seller is a point: the median of the days from one payment to the next, and the median amount. Fixed lines part
//! the map: a week and a month, and one's own median payment. It is a map to look at, not a clustering, and says nothing
//! of what belongs together.

use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, Money};

use crate::prices::Seller;
use crate::sellers::{Payment, Sellers};
use crate::statistics::median;

/// The payments of a currency on the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rhythm {
    /// The sellers, those with the most payments first.
    pub points: Vec<Point>,
    /// The line between small and large: the median of all payments. `None` if there are none.
    pub typical: Option<Money>,
}

/// Where a seller is on the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Who, or what kind of thing.
    pub seller: Seller,
    /// The median of the days from one day with payments to the next, in half days.
    pub gap_half_days: i64,
    /// The median amount of a payment.
    pub amount: Money,
    /// How many payments there are.
    pub payments: usize,
    /// In which part of the map that is, from left to right.
    pub pace: Pace,
    /// Whether the amount is above the line.
    pub is_large: bool,
}

/// How often a seller is paid, by the fixed lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pace {
    /// At most a week from one payment to the next.
    WithinAWeek,
    /// At most a month, of 31 days.
    WithinAMonth,
    /// Longer.
    Rarer,
}

/// Days with payments before a seller has a rhythm: two gaps have a middle only by name, three have one.
const DAYS_MIN: usize = 4;
/// More points than this are a smear.
const POINTS_MAX: usize = 60;

/// Where a seller is on the map, but for the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    half_days: i64,
    minor: i64,
}

/// The map of a currency, from the expenses up to `today`.
pub fn rhythm(rows: &[Spend], currency: Currency, today: Date) -> Rhythm {
    Sellers::of(rows, today).rhythm(currency)
}

/// The medians of payments in the order of their dates; `None` for too few days.
pub(crate) fn gap(payments: &[Payment]) -> Option<Gap> {
    let mut days: Vec<Date> = payments.iter().map(|(date, ..)| *date).collect();
    days.dedup();
    if days.len() < DAYS_MIN {
        return None;
    }
    let gaps =
        days.windows(2).filter_map(|pair| Some(i64::from(pair.last()?.days()) - i64::from(pair.first()?.days())));
    let half_days = median(&mut gaps.map(|gap| 2 * gap).collect::<Vec<_>>())?;
    let minor = median(&mut payments.iter().map(|(.., minor)| *minor).collect::<Vec<_>>())?;
    Some(Gap { half_days, minor })
}

/// The map of sellers with how many payments they had, by the line between small and large.
pub(crate) fn map(mut sellers: Vec<(&Seller, usize, Gap)>, line: i64, currency: Currency) -> Rhythm {
    sellers.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    let points = sellers.into_iter().take(POINTS_MAX).map(|(seller, payments, gap)| Point {
        seller: seller.clone(),
        gap_half_days: gap.half_days,
        amount: Money::nearest(gap.minor, currency),
        payments,
        pace: pace(gap.half_days),
        is_large: gap.minor > line,
    });
    Rhythm { points: points.collect(), typical: Some(Money::nearest(line, currency)) }
}

const fn pace(gap_half_days: i64) -> Pace {
    match gap_half_days {
        ..=14 => Pace::WithinAWeek,
        15..=62 => Pace::WithinAMonth,
        _ => Pace::Rarer,
    }
}

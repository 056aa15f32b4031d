//! The rhythm map: how often and how much, for each payee or category.
//!
//! Each seller is a point: the median of the days from one payment to the next, and the median amount. Fixed lines part
//! the map: a week and a month, and one's own median payment. It is a map to look at, not a clustering, and says nothing
//! of what belongs together.

use std::collections::BTreeMap;

use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, Money};

use crate::prices::{Seller, counts, seller};
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

/// The map of a currency, from the expenses up to `today`.
pub fn rhythm(rows: &[Spend], currency: Currency, today: Date) -> Rhythm {
    let mut all = Vec::new();
    let mut sellers: BTreeMap<Seller, Vec<(Date, i64)>> = BTreeMap::new();
    for row in rows.iter().filter(|row| counts(row, currency, today)) {
        all.push(row.amount.minor());
        let Some(seller) = seller(row) else { continue };
        sellers.entry(seller).or_default().push((row.date, row.amount.minor()));
    }
    let line = median(&mut all);
    let points = sellers.into_iter().filter_map(|(seller, payments)| point(seller, payments, currency, line?));
    let mut points: Vec<Point> = points.collect();
    points.sort_unstable_by(|one, other| other.payments.cmp(&one.payments).then_with(|| one.seller.cmp(&other.seller)));
    points.truncate(POINTS_MAX);
    Rhythm { points, typical: line.map(|minor| Money::nearest(minor, currency)) }
}

fn point(seller: Seller, payments: Vec<(Date, i64)>, currency: Currency, line: i64) -> Option<Point> {
    let mut days: Vec<Date> = payments.iter().map(|(date, _)| *date).collect();
    days.sort_unstable();
    days.dedup();
    if days.len() < DAYS_MIN {
        return None;
    }
    let gaps =
        days.windows(2).filter_map(|pair| Some(i64::from(pair.last()?.days()) - i64::from(pair.first()?.days())));
    let gap_half_days = median(&mut gaps.map(|gap| 2 * gap).collect::<Vec<_>>())?;
    let amount = median(&mut payments.iter().map(|(_, minor)| *minor).collect::<Vec<_>>())?;
    let amount_money = Money::nearest(amount, currency);
    Some(Point {
        seller,
        gap_half_days,
        amount: amount_money,
        payments: payments.len(),
        pace: pace(gap_half_days),
        is_large: amount > line,
    })
}

const fn pace(gap_half_days: i64) -> Pace {
    match gap_half_days {
        ..=14 => Pace::WithinAWeek,
        15..=62 => Pace::WithinAMonth,
        _ => Pace::Rarer,
    }
}

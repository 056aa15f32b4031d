//! What is said of a chain: how much, when next, what was missed, what became dearer, and what a person decided.

use std::collections::BTreeMap;

use outlay_ledger::expense::Decision;
use outlay_ledger::{Date, DocumentId, Month};

use super::join::Found;
use super::row::{Row, called};
use super::{Amount, Cadence, Commitment, CommitmentId, Decided, Payment, PriceChange, Standing, chain};
use crate::recorded::{Recorded, is_silence};
use crate::statistics::median;

/// What a payment costs is judged by so many of the last.
const RECENT: usize = 6;
/// With so many payments missed at the end, it has stopped. One may be late or forgotten.
const STOPPED_AFTER: u16 = 2;

/// By how many hundredths payments of one price may differ: what the exchange rate does to a subscription in a month.
const SAME_PERCENT: i128 = 2;
/// Periods after the last payment that are looked at: a year of weeks.
const PERIODS_MAX: u16 = 53;

/// A chain as a commitment.
pub(super) fn commitment(
    rows: &[Row],
    found: &Found,
    standing: Standing,
    today: Date,
    recorded: &Recorded,
) -> Option<Commitment> {
    let chain: Vec<&Row> = found.places.iter().filter_map(|place| rows.get(*place)).collect();
    let (first, last) = (chain.first()?, chain.last()?);
    let payments: Vec<Payment> =
        chain.iter().map(|row| Payment { entry: row.entry, date: row.date, minor: row.minor }).collect();
    let price_changes = price_changes(&payments);
    let (next, missed) = dates(found.cadence, &payments, today, recorded);
    let named = chain.iter().rev().find(|row| !row.name.is_empty()).unwrap_or(last);
    Some(Commitment {
        id: CommitmentId(first.entry),
        standing,
        kind: last.stream.kind,
        currency: last.stream.currency,
        name: named.name.to_string(),
        category: last.category,
        account: last.account,
        cadence: found.cadence,
        amount: amount(&payments, price_changes.last()),
        payments,
        next,
        missed,
        price_changes,
    })
}

/// What people decided, by where it stands.
pub(super) struct Decisions<'a> {
    by_entry: BTreeMap<DocumentId, &'a Decided>,
    /// Those whose entry is gone and that are known by what it was called, the greatest entry first.
    gone: Vec<&'a Decided>,
}

impl<'a> Decisions<'a> {
    pub(super) fn of(decisions: &'a [Decided], is_there: impl Fn(DocumentId) -> bool) -> Self {
        let is_gone = |decided: &&Decided| !is_there(decided.entry) && decided.fingerprint != 0;
        let mut gone: Vec<&Decided> = decisions.iter().filter(is_gone).collect();
        gone.sort_unstable_by_key(|decided| std::cmp::Reverse(decided.entry));
        Self { by_entry: decisions.iter().map(|decided| (decided.entry, decided)).collect(), gone }
    }

    /// The decision on a chain: the one in its latest payment that has one, or else one whose entry is gone and whose
    /// payment was called as one of these.
    pub(super) fn on(&self, rows: &[Row], found: &Found) -> Standing {
        let in_it = found.places.iter().rev().filter_map(|place| rows.get(*place));
        let stands_in = |row: &Row| self.by_entry.get(&row.entry).copied();
        let is_meant =
            |decided: &&&Decided| in_it.clone().any(|row| decided.fingerprint == called(row.text, row.category));
        let gone = || self.gone.iter().find(is_meant).copied();
        match in_it.clone().find_map(stands_in).or_else(gone).map(|decided| decided.decision) {
            None => Standing::Found,
            Some(Decision::Confirmed) => Standing::Confirmed,
            Some(Decision::Dismissed) => Standing::Dismissed,
        }
    }
}

/// When the next payment is expected, and where one was and did not come. A payment is missed only where something else was
/// noted: in that month, and after it was due.
fn dates(cadence: Cadence, payments: &[Payment], today: Date, recorded: &Recorded) -> (Option<Date>, Vec<Date>) {
    let mut missed = Vec::new();
    let mut slots = Vec::new();
    let mut slot = 0_u16;
    for (place, payment) in payments.iter().enumerate() {
        if let Some(before) = place.checked_sub(1).and_then(|place| payments.get(place)) {
            let periods = periods(cadence, before.date, payment.date);
            missed.extend((1..periods).map(|many| cadence.after(before.date, many)));
            slot = slot.saturating_add(periods);
        }
        slots.push((slot, payment.date));
    }
    let is_recorded = |date: &Date| recorded.has(Month::from_date(*date));
    missed.retain(is_recorded);
    let expected = |after: u16| {
        let recent = slots.get(slots.len().saturating_sub(RECENT)..).unwrap_or(&slots);
        let mut days: Vec<i64> = recent
            .iter()
            .map(|(at, date)| i64::from(cadence.after(*date, (slot - at).saturating_add(after)).days()))
            .collect();
        median(&mut days).and_then(|days| i32::try_from(days).ok()).and_then(Date::from_days)
    };
    let is_over = |date: &Date, on: Date| date.days().saturating_add(chain::off_max(cadence)) < on.days();
    let known = recorded.last(today).unwrap_or(today);
    let due: Vec<Date> = (1..=PERIODS_MAX).map_while(expected).take_while(|date| is_over(date, today)).collect();
    let overdue: Vec<Date> = due.iter().copied().filter(|date| is_over(date, known) && is_recorded(date)).collect();
    if overdue.len() >= usize::from(STOPPED_AFTER) || is_silence(Month::from_date(known), Month::from_date(today)) {
        return (None, missed);
    }
    missed.extend(overdue);
    let next = u16::try_from(due.len()).ok().and_then(|due| expected(due + 1));
    (next.filter(|_| due.len() < usize::from(PERIODS_MAX)), missed)
}

/// How many periods are between two payments: as many as come nearest, at least one.
fn periods(cadence: Cadence, from: Date, to: Date) -> u16 {
    let off = |periods: u16| (cadence.after(from, periods).days() - to.days()).abs();
    let days = f64::from(to.days().saturating_sub(from.days())) / cadence.days();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Clamped to what a u16 holds, and saturating.
    let about = days.round().clamp(1.0, 60_000.0) as u16;
    (about.saturating_sub(1).max(1)..=about.saturating_add(1)).min_by_key(|periods| off(*periods)).unwrap_or(1)
}

/// Where the price was one thing and is another from then on, up to the next change or the last payment: four payments of
/// five are about the new one. It was one thing if it was the same to the cent twice in a row, or about the same three
/// times. In a bill that varies that comes about by itself now and then, but does not stay so.
fn price_changes(payments: &[Payment]) -> Vec<PriceChange> {
    let mut changes: Vec<PriceChange> = Vec::new();
    let mut until = payments.len();
    for place in (1..payments.len()).rev() {
        let (Some(earlier), Some(later)) = (payments.get(..place), payments.get(place..until)) else { continue };
        let (Some(last), Some(first)) = (earlier.last(), later.first()) else { continue };
        let (before, after) = (last.minor, first.minor);
        if is_same_price(before, after) || !was_steady(earlier) {
            continue;
        }
        let alike = later.iter().filter(|payment| is_same_price(payment.minor, after)).count();
        if alike * 5 >= later.len() * 4 {
            changes.push(PriceChange { entry: first.entry, date: first.date, before, after });
            until = place;
        }
    }
    changes.reverse();
    changes
}

/// Whether the last of these was a price.
fn was_steady(payments: &[Payment]) -> bool {
    let mut latest = payments.iter().rev().map(|payment| payment.minor).take(RECENT);
    let Some(price) = latest.next() else { return false };
    let is_exact = latest.clone().next() == Some(price);
    let alike = latest.clone().take_while(|minor| is_same_price(*minor, price)).count();
    is_exact || alike >= 2
}

fn is_same_price(one: i64, other: i64) -> bool {
    let apart = (i128::from(one) - i128::from(other)).abs();
    apart * 100 <= SAME_PERCENT * i128::from(one).abs()
}

/// What the next payment costs: the price if the recent ones since it changed are the same, else a range.
fn amount(payments: &[Payment], change: Option<&PriceChange>) -> Amount {
    let since = change.map_or(Date::MIN, |change| change.date);
    let mut recent: Vec<i64> = payments
        .iter()
        .rev()
        .take(RECENT)
        .filter(|payment| payment.date >= since)
        .map(|payment| payment.minor)
        .collect();
    let (low, high) = (recent.iter().copied().min().unwrap_or(0), recent.iter().copied().max().unwrap_or(0));
    let typical = median(&mut recent).unwrap_or(low);
    if low == high { Amount::Fixed(low) } else { Amount::Varying { low, typical, high } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(prices: &[i64]) -> Vec<(i64, i64)> {
        let payment = |(number, minor): (u8, &i64)| {
            let date = Date::from_days(19_000 + 30 * i32::from(number)).unwrap();
            Payment { entry: DocumentId([number; 16]), date, minor: *minor }
        };
        let payments: Vec<Payment> = (0..).zip(prices).map(payment).collect();
        price_changes(&payments).iter().map(|change| (change.before, change.after)).collect()
    }

    #[test]
    fn a_price_is_paid_twice_and_its_change_lasts() {
        assert_eq!(changes(&[999, 999, 999, 1_299, 1_299, 1_299]), [(999, 1_299)]);
        assert_eq!(changes(&[1_299, 1_299, 999]), [(1_299, 999)], "the last one counts at once");
        assert_eq!(changes(&[999, 999, 1_299, 999, 999]), [], "once is no change");
        assert_eq!(changes(&[999, 999, 1_010, 1_020]), [], "within what exchange rates do");
        assert_eq!(changes(&[999, 1_005, 995, 1_299]), [(995, 1_299)], "by another exchange rate each time");
        assert_eq!(changes(&[4_000, 5_500, 4_700, 6_100]), [], "it varies");
        assert_eq!(changes(&[6_000, 4_000, 4_030, 5_000]), [], "it varies, and twice by little");
        assert_eq!(changes(&[999, 1_299]), [], "one payment is no price");
        assert_eq!(changes(&[999, 999, 1_299, 1_299, 1_450, 1_200]), [], "it has no price since");
        assert_eq!(changes(&[999, 999, 1_299, 1_299, 1_299, 650, 1_299]), [(999, 1_299)], "one was a part of a month");
        assert_eq!(changes(&[999, 999, 1_299, 1_299, 1_499]), [(999, 1_299), (1_299, 1_499)]);
        assert_eq!(
            changes(&[4_000, 4_700, 4_720, 4_690, 4_000, 4_500]),
            [],
            "about the same three times, and it varies"
        );
        assert_eq!(changes(&[]), []);
    }
}

//! What is said of a chain: how much, when next, what was missed, what became dearer, and what a person decided.

use std::collections::BTreeMap;

use outlay_ledger::expense::Decision;
use outlay_ledger::{Date, DocumentId};

use super::join::Found;
use super::row::{Row, called};
use super::{Amount, Cadence, Commitment, CommitmentId, Decided, Payment, PriceChange, Standing, chain};
use crate::statistics::median;

/// What a payment costs is judged by so many of the last.
const RECENT: usize = 6;
/// With so many payments missed at the end, it has stopped. One may be late or forgotten.
const STOPPED_AFTER: u16 = 2;

/// A chain as a commitment.
pub(super) fn commitment(rows: &[Row], found: &Found, standing: Standing, today: Date) -> Option<Commitment> {
    let chain: Vec<&Row> = found.places.iter().filter_map(|place| rows.get(*place)).collect();
    let (first, last) = (chain.first()?, chain.last()?);
    let payments: Vec<Payment> =
        chain.iter().map(|row| Payment { entry: row.entry, date: row.date, minor: row.minor }).collect();
    let price_changes = price_changes(&payments);
    let (next, missed) = dates(found.cadence, &payments, today);
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

/// When the next payment is expected, and where one was and did not come.
fn dates(cadence: Cadence, payments: &[Payment], today: Date) -> (Option<Date>, Vec<Date>) {
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
    let expected = |after: u16| {
        let recent = slots.get(slots.len().saturating_sub(RECENT)..).unwrap_or(&slots);
        let mut days: Vec<i64> = recent
            .iter()
            .map(|(at, date)| i64::from(cadence.after(*date, (slot - at).saturating_add(after)).days()))
            .collect();
        median(&mut days).and_then(|days| i32::try_from(days).ok()).and_then(Date::from_days)
    };
    let late = |date: &Date| date.days().saturating_add(chain::off_max(cadence)) < today.days();
    let overdue: Vec<Date> = (1..=STOPPED_AFTER).filter_map(expected).take_while(late).collect();
    let overdue_count = u16::try_from(overdue.len()).unwrap_or(STOPPED_AFTER);
    if overdue_count >= STOPPED_AFTER {
        return (None, missed);
    }
    missed.extend(overdue);
    (expected(overdue_count + 1), missed)
}

/// How many periods are between two payments: as many as come nearest, at least one.
fn periods(cadence: Cadence, from: Date, to: Date) -> u16 {
    let off = |periods: u16| (cadence.after(from, periods).days() - to.days()).abs();
    let days = f64::from(to.days().saturating_sub(from.days())) / cadence.days();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Clamped to what a u16 holds, and saturating.
    let about = days.round().clamp(1.0, 60_000.0) as u16;
    (about.saturating_sub(1).max(1)..=about.saturating_add(1)).min_by_key(|periods| off(*periods)).unwrap_or(1)
}

/// Where the price was one thing twice in a row and another from then on: twice at least, or the last.
fn price_changes(payments: &[Payment]) -> Vec<PriceChange> {
    let minor = |place: usize| payments.get(place).map(|payment| payment.minor);
    let change = |place: usize| {
        let (before, after) = (minor(place.checked_sub(1)?)?, minor(place)?);
        let was_steady = minor(place.checked_sub(2)?)? == before;
        let stays = minor(place + 1).is_none_or(|next| next == after);
        let date = payments.get(place)?.date;
        (was_steady && stays && before != after).then_some(PriceChange { date, before, after })
    };
    (0..payments.len()).filter_map(change).collect()
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

//! Chains made whole: payments that a chain's group did not have, and chains that go on under another name.

use std::collections::BTreeSet;

use super::row::{Row, words};
use super::{Cadence, chain};
use crate::statistics::number;

/// A chain over all rows.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) cadence: Cadence,
    /// Places of rows, by date.
    pub(super) places: Vec<usize>,
}

/// Gives each chain the unclaimed rows that stand where one of its payments is missing, before, between and after those
/// it has. `order` is all rows by date.
pub(super) fn fill(rows: &[Row], order: &[usize], found: &mut [Found], claimed: &mut BTreeSet<usize>) {
    for chain in found {
        let mut at = 0;
        while let Some(here) = chain.places.get(at).and_then(|place| rows.get(*place)) {
            let next = chain.places.get(at + 1).and_then(|place| rows.get(*place));
            let expected = chain.cadence.after(here.date, 1);
            let is_missing = next.is_none_or(|next| expected.days() + chain::off_max(chain.cadence) < next.date.days());
            let filler = if is_missing { near(rows, order, claimed, expected, chain, here) } else { None };
            if let Some(place) = filler {
                claimed.insert(place);
                chain.places.insert(at + 1, place);
            }
            at += 1;
        }
        while let Some(first) = chain.places.first().and_then(|place| rows.get(*place)) {
            let Some(place) = near(rows, order, claimed, chain.cadence.before(first.date, 1), chain, first) else {
                break;
            };
            claimed.insert(place);
            chain.places.insert(0, place);
        }
    }
}

/// The unclaimed row nearest to a date that is the same payment as `like`.
fn near(
    rows: &[Row],
    order: &[usize],
    claimed: &BTreeSet<usize>,
    expected: outlay_ledger::Date,
    chain: &Found,
    like: &Row,
) -> Option<usize> {
    let off_max = chain::off_max(chain.cadence);
    let earliest = expected.days() - off_max;
    let start = order.partition_point(|place| rows.get(*place).is_some_and(|row| row.date.days() < earliest));
    let window = order
        .get(start..)?
        .iter()
        .take_while(|place| rows.get(**place).is_some_and(|row| row.date.days() <= expected.days() + off_max));
    let fitting = window.filter(|place| !claimed.contains(place)).filter_map(|place| {
        let row = rows.get(*place)?;
        let off = (row.date.days() - expected.days()).abs();
        let is_exact = off <= chain::off_exact(chain.cadence);
        is_same_payment(row, like, is_exact).then_some((off, row.entry, *place))
    });
    fitting.min().map(|(.., place)| place)
}

/// Whether two rows near the expected date are the same payment: the same name; or the same amount and category, or, just
/// when it was expected, the same amount and account.
fn is_same_payment(one: &Row, other: &Row, is_exact: bool) -> bool {
    let is_name = one.text != 0 && one.text == other.text;
    let is_booked_alike =
        (one.category.is_some() && one.category == other.category) || (is_exact && one.account == other.account);
    one.stream == other.stream
        && one.entry != other.entry
        && ((is_name && ratio(one, other) <= FILL_RATIO_MAX) || (is_booked_alike && one.minor == other.minor))
}

/// How much a payment under the same name on the expected date may differ, such as a first or a last one that is a part of
/// a month or makes good for several.
const FILL_RATIO_MAX: f64 = 5.0;

fn ratio(one: &Row, other: &Row) -> f64 {
    (number(one.minor) / number(other.minor)).ln().abs().exp()
}

/// Chains of which one goes on where another ends, put together: of those that could, the most alike first.
pub(super) fn joined(rows: &[Row], found: Vec<Found>) -> Vec<Found> {
    let mut chains: Vec<Option<Found>> = found.into_iter().map(Some).collect();
    let mut joins = Vec::new();
    for (first, one) in chains.iter().enumerate() {
        for (second, other) in chains.iter().enumerate().filter(|(second, _)| *second != first) {
            let (Some(one), Some(other)) = (one, other) else { continue };
            joins.extend(alike(rows, one, other).map(|score| (score, first, second)));
        }
    }
    joins.sort_unstable_by(|one, other| other.0.cmp(&one.0).then((one.1, one.2).cmp(&(other.1, other.2))));
    apply(joins.into_iter().map(|(_, first, second)| (first, second)), &mut chains);
    chains.into_iter().flatten().collect()
}

/// Puts the second chain of each pair behind the first, where neither has been taken by a better pair.
fn apply(joins: impl Iterator<Item = (usize, usize)>, chains: &mut [Option<Found>]) {
    let (mut has_next, mut has_previous) = (BTreeSet::new(), BTreeSet::new());
    let mut home: Vec<usize> = (0..chains.len()).collect();
    for (first, second) in joins {
        if has_next.contains(&first) || has_previous.contains(&second) {
            continue;
        }
        let Some((from, to)) = home.get(second).copied().zip(home.get(first).copied()).filter(|(from, to)| from != to)
        else {
            continue;
        };
        let Some(tail) = chains.get_mut(from).and_then(Option::take) else { continue };
        if let Some(head) = chains.get_mut(to).and_then(Option::as_mut) {
            head.cadence = tail.cadence;
            head.places.extend(tail.places);
        }
        home.iter_mut().filter(|place| **place == from).for_each(|place| *place = to);
        has_next.insert(first);
        has_previous.insert(second);
    }
}

/// How alike the end of one chain and the beginning of another are, if the other can go on where the one ends.
fn alike(rows: &[Row], one: &Found, other: &Found) -> Option<[i64; 3]> {
    let (end, start) = (rows.get(*one.places.last()?)?, rows.get(*other.places.first()?)?);
    if one.cadence != other.cadence || end.stream != start.stream || ratio(end, start) > chain::RATIO_MAX {
        return None;
    }
    let periods = 1..=chain::periods_max(one.cadence);
    let off = |periods: u16| (one.cadence.after(end.date, periods).days() - start.date.days()).abs();
    let (off, periods) = periods.map(|periods| (off(periods), periods)).min()?;
    if off > chain::off_max(one.cadence) {
        return None;
    }
    let names = shared(&end.name, &start.name);
    let is_booked_alike = end.category.is_some() && end.category == start.category;
    let is_moved = end.account == start.account && end.minor == start.minor;
    if !names && !is_booked_alike && !is_moved {
        return None;
    }
    let features = [names, is_booked_alike, end.minor == start.minor, end.account == start.account];
    let many = i64::try_from(features.iter().filter(|feature| **feature).count()).unwrap_or(0);
    Some([many, -i64::from(periods), -i64::from(off)])
}

/// Whether two names have a word in common.
fn shared(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    one.iter().any(|word| other.contains(word))
}

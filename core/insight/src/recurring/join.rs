//! Chains made whole: payments that a chain's group did not have, and chains that go on under another name.

use std::collections::BTreeSet;

use outlay_ledger::Date;

use super::row::{Row, words};
use super::search::Search;
use super::{Cadence, chain};
use crate::statistics::is_within;

/// A chain over all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) cadence: Cadence,
    /// Places of rows, by date.
    pub(super) places: Vec<usize>,
}

/// Gives each chain the rows that nobody took and that stand where one of its payments is missing, before, between and
/// after those it has.
pub(super) fn fill(search: &Search, found: &mut [Found], taken: &mut [bool]) {
    let mut take = |expected: Date, chain: &Found, like: usize| {
        let place = near(search, taken, expected, chain, like)?;
        taken.get_mut(place).into_iter().for_each(|taken| *taken = true);
        Some(place)
    };
    for chain in found {
        let date = |place: Option<&usize>| search.row(*place?).map(|row| row.date);
        let mut at = 0;
        while let Some((here, place)) = date(chain.places.get(at)).zip(chain.places.get(at).copied()) {
            let expected = chain.cadence.after(here, 1);
            let is_missing = date(chain.places.get(at + 1))
                .is_none_or(|next| expected.days() + chain::off_max(chain.cadence) < next.days());
            if let Some(filler) = if is_missing { take(expected, chain, place) } else { None } {
                chain.places.insert(at + 1, filler);
            }
            at += 1;
        }
        while let Some((first, place)) = date(chain.places.first()).zip(chain.places.first().copied()) {
            let Some(filler) = take(chain.cadence.before(first, 1), chain, place) else { break };
            chain.places.insert(0, filler);
        }
    }
}

/// The row nearest to a date that nobody took and that is the same payment as that at `like`. What is the same payment has
/// the name or the amount in common, so only such groups are looked at.
fn near(search: &Search, taken: &[bool], expected: Date, chain: &Found, like: usize) -> Option<usize> {
    let (off_max, off_exact) = (chain::off_max(chain.cadence), chain::off_exact(chain.cadence));
    let payment = search.row(like)?;
    let off = |place: &usize| search.row(*place).map(|row| row.date.days().saturating_sub(expected.days()));
    let windows = search.alike(like).flat_map(|group| {
        let start = group.partition_point(|place| off(place).is_some_and(|off| off < -off_max));
        group.get(start..).unwrap_or_default().iter().take_while(|place| off(place).is_some_and(|off| off <= off_max))
    });
    let fitting = windows.filter(|place| taken.get(**place) == Some(&false)).filter_map(|place| {
        let (row, off) = (search.row(*place)?, off(place)?.abs());
        is_same_payment(row, payment, off <= off_exact).then_some((off, row.entry, *place))
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
        && ((is_name && is_within(one.minor, other.minor, FILL_RATIO_MAX))
            || (is_booked_alike && one.minor == other.minor))
}

/// How much a payment under the same name on the expected date may differ, such as a first or a last one that is a part of
/// a month or makes good for several.
const FILL_RATIO_MAX: f64 = 5.0;

/// Chains of which one goes on where another ends, put together: of those that could, the most alike first.
pub(super) fn joined(rows: &[Row], found: Vec<Found>) -> Vec<Found> {
    let begin = |chain: &Found| rows.get(*chain.places.first()?).map(|row| (row.stream, chain.cadence, row.date));
    let mut starts: Vec<_> = found.iter().enumerate().filter_map(|(at, chain)| Some((begin(chain)?, at))).collect();
    starts.sort_unstable();
    let mut joins = Vec::new();
    for (first, one) in found.iter().enumerate() {
        let Some(end) = one.places.last().and_then(|place| rows.get(*place)) else { continue };
        let from = starts.partition_point(|(start, _)| *start < (end.stream, one.cadence, end.date));
        let latest = latest_start(one.cadence, end.date);
        let next = starts.get(from..).unwrap_or_default().iter();
        let next = next.take_while(|(start, _)| *start <= (end.stream, one.cadence, latest));
        for second in next.map(|(_, second)| *second).filter(|second| *second != first) {
            let score = found.get(second).and_then(|other| alike(rows, one, other));
            joins.extend(score.map(|score| (score, first, second)));
        }
    }
    joins.sort_unstable_by(|one, other| other.0.cmp(&one.0).then((one.1, one.2).cmp(&(other.1, other.2))));
    let mut chains: Vec<Option<Found>> = found.into_iter().map(Some).collect();
    apply(joins.into_iter().map(|(_, first, second)| (first, second)), &mut chains);
    chains.into_iter().flatten().collect()
}

/// The latest that a chain may begin which goes on where another ended.
fn latest_start(cadence: Cadence, end: Date) -> Date {
    let latest = cadence.after(end, chain::periods_max(cadence));
    latest.add_days(chain::off_max(cadence)).unwrap_or(Date::MAX)
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
    if one.cadence != other.cadence
        || end.stream != start.stream
        || !is_within(end.minor, start.minor, chain::RATIO_MAX)
    {
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

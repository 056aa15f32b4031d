//! All chains of all groups, and which of them are kept.
//!
//! Every group has its best chain; over all groups the least probable by chance is kept first, and its rows are no longer
//! there for others. A row that is added or taken away changes only the groups it is in, so the others' chains are
//! remembered.

use std::collections::{BTreeMap, BTreeSet};

use outlay_ledger::expense::Decision;
use outlay_ledger::spend::Spend;
use outlay_ledger::{Date, DocumentId};

use super::chain::{self, Chain, Point};
use super::join::{self, Found};
use super::row::{Key, Row};
use super::{Commitment, Decided, facts};

/// Rows, and the chains found in them so far.
#[derive(Debug, Clone, Default)]
pub struct Search {
    rows: Vec<Row>,
    /// Places in `rows` whose row was taken out.
    free: Vec<usize>,
    places: BTreeMap<DocumentId, usize>,
    /// Places in `rows`, by date and then entry.
    order: Vec<usize>,
    groups: BTreeMap<Key, Group>,
}

#[derive(Debug, Clone, Default)]
struct Group {
    /// Places in `rows`, by date and then entry.
    rows: Vec<usize>,
    /// Its best chain when nothing is claimed; the outer `None` if that is not known.
    best: Option<Option<Chain>>,
}

/// A chain that may be kept, as places in `rows`.
struct Candidate {
    chance_log: f64,
    key: Key,
    found: Found,
}

/// How many such chains may be expected by chance in the group, as a natural logarithm: half a chain. The first two years
/// of a real household, with its dates dealt out anew forty times, have one chain a time at this level, and two at one
/// chain a group, which is the method's usual limit; as they were, they have twelve.
const CHANCE_LOG_MAX: f64 = -0.7;
/// A person who confirmed a commitment knows better than chance: the logarithm of a thousand.
const CHANCE_LOG_CONFIRMED: f64 = 6.9;

impl Search {
    /// A search in these rows.
    pub fn of(rows: &[Spend]) -> Self {
        let mut sorted: Vec<&Spend> = rows.iter().collect();
        sorted.sort_unstable_by_key(|row| (row.date, row.id));
        let mut search = Self::default();
        sorted.into_iter().for_each(|row| search.add(row));
        search
    }

    /// Takes in a row. A row of an entry that is there replaces it.
    pub fn add(&mut self, spend: &Spend) {
        self.remove(spend.id);
        let Some(row) = Row::of(spend) else { return };
        let place = self.placed(row);
        let Self { rows, groups, order, .. } = self;
        let Some(row) = rows.get(place) else { return };
        insert(order, rows, row, place);
        for key in row.keys() {
            let group = groups.entry(key).or_default();
            insert(&mut group.rows, rows, row, place);
            group.best = None;
        }
    }

    /// Gives a row a place, of one that was taken out if there is one.
    fn placed(&mut self, row: Row) -> usize {
        let place = self.free.pop().unwrap_or(self.rows.len());
        self.places.insert(row.entry, place);
        match self.rows.get_mut(place) {
            Some(free) => *free = row,
            None => self.rows.push(row),
        }
        place
    }

    /// Takes out the row of an entry.
    pub fn remove(&mut self, entry: DocumentId) {
        let Some(place) = self.places.remove(&entry) else { return };
        let Some(row) = self.rows.get(place) else { return };
        self.order.retain(|at| *at != place);
        self.free.push(place);
        for key in row.keys() {
            let Some(group) = self.groups.get_mut(&key) else { continue };
            group.rows.retain(|at| *at != place);
            group.best = None;
            if group.rows.is_empty() {
                self.groups.remove(&key);
            }
        }
    }

    /// The commitments as of `today`; see [`super::recurring`].
    pub fn commitments(&mut self, today: Date, decisions: &[Decided]) -> Vec<Commitment> {
        let confirmed = self.confirmed(decisions);
        let (mut found, mut claimed) = (Vec::new(), BTreeSet::new());
        for is_named in [true, false] {
            self.keep(is_named, today, &confirmed, &mut found, &mut claimed);
        }
        join::fill(&self.rows, self.by_date(today), &mut found, &mut claimed);
        let found = join::joined(&self.rows, found);
        let is_there = |entry: DocumentId| self.places.contains_key(&entry);
        let each = |found: &Found| {
            let standing = facts::judge(&self.rows, found, decisions, is_there);
            facts::commitment(&self.rows, found, standing, today)
        };
        let mut commitments: Vec<Commitment> = found.iter().filter_map(each).collect();
        commitments.sort_unstable_by_key(|commitment| {
            (commitment.kind, commitment.currency, commitment.payments.first().map(|first| (first.date, first.entry)))
        });
        commitments
    }

    /// The rows that a person confirmed by name.
    fn confirmed(&self, decisions: &[Decided]) -> BTreeSet<usize> {
        let confirmed = decisions.iter().filter(|decision| decision.decision == Decision::Confirmed);
        confirmed.filter_map(|decision| self.places.get(&decision.entry).copied()).collect()
    }

    /// The rows up to a date, by date.
    fn by_date(&self, today: Date) -> &[usize] {
        let end = self.order.partition_point(|place| self.rows.get(*place).is_some_and(|row| row.date <= today));
        self.order.get(..end).unwrap_or_default()
    }

    /// Keeps chains of the groups that have a name or a category in common, or of the others, and claims their rows.
    fn keep(
        &mut self,
        is_named: bool,
        today: Date,
        confirmed: &BTreeSet<usize>,
        kept: &mut Vec<Found>,
        claimed: &mut BTreeSet<usize>,
    ) {
        let mut waiting = self.candidates(is_named, today, claimed, confirmed);
        while let Some(Candidate { key, found, .. }) = waiting.pop_first() {
            if found.places.iter().all(|place| !claimed.contains(place)) {
                claimed.extend(found.places.iter().copied());
                kept.push(found);
            }
            let rest = self.groups.get(&key).and_then(|group| searched(&self.rows, &key, &group.rows, today, claimed));
            waiting.extend(rest.and_then(|found| candidate(key, found, confirmed)));
        }
    }

    /// The best chain of each group that has one, the least probable by chance first.
    fn candidates(
        &mut self,
        is_named: bool,
        today: Date,
        claimed: &BTreeSet<usize>,
        confirmed: &BTreeSet<usize>,
    ) -> BTreeSet<Candidate> {
        let Self { rows, groups, .. } = self;
        let mut touched = BTreeSet::new();
        claimed.iter().filter_map(|place| rows.get(*place)).for_each(|row| touched.extend(row.keys()));
        let mut candidates = BTreeSet::new();
        for (key, group) in groups.iter_mut().filter(|((_, common), _)| common.is_named() == is_named) {
            let is_past = group.rows.last().and_then(|last| rows.get(*last)).is_some_and(|last| last.date <= today);
            if !is_past || touched.contains(key) {
                let best = searched(rows, key, &group.rows, today, claimed);
                candidates.extend(best.and_then(|best| candidate(*key, best, confirmed)));
                continue;
            }
            let best = group.best.get_or_insert_with(|| chain::best(&points(rows, &group.rows), key.1.is_name()));
            let best = best.as_ref().filter(|chain| chain.chance_log <= CHANCE_LOG_CONFIRMED);
            candidates.extend(best.and_then(|chain| candidate(*key, of_group(chain, &group.rows), confirmed)));
        }
        candidates
    }
}

/// Puts a row where its date and entry belong.
fn insert(places: &mut Vec<usize>, rows: &[Row], row: &Row, place: usize) {
    let before = |at: &usize| rows.get(*at).is_some_and(|other| (other.date, other.entry) < (row.date, row.entry));
    let at = if places.last().is_none_or(before) { places.len() } else { places.partition_point(before) };
    places.insert(at, place);
}

/// The best chain of the rows of a group that are not claimed.
fn searched(rows: &[Row], key: &Key, group: &[usize], today: Date, claimed: &BTreeSet<usize>) -> Option<(f64, Found)> {
    let is_free = |at: &usize| !claimed.contains(at) && rows.get(*at).is_some_and(|row| row.date <= today);
    let free: Vec<usize> = group.iter().copied().filter(is_free).collect();
    chain::best(&points(rows, &free), key.1.is_name()).map(|chain| of_group(&chain, &free))
}

fn points(rows: &[Row], places: &[usize]) -> Vec<Point> {
    let row = |place: &usize| rows.get(*place).map(|row| Point { date: row.date, minor: row.minor });
    places.iter().filter_map(row).collect()
}

fn of_group(chain: &Chain, group: &[usize]) -> (f64, Found) {
    let places = chain.places.iter().filter_map(|place| group.get(*place).copied()).collect();
    (chain.chance_log, Found { cadence: chain.cadence, places })
}

/// A chain, if it is improbable enough.
fn candidate(key: Key, (chance_log, found): (f64, Found), confirmed: &BTreeSet<usize>) -> Option<Candidate> {
    let is_confirmed = found.places.iter().any(|place| confirmed.contains(place));
    let limit = if is_confirmed { CHANCE_LOG_CONFIRMED } else { CHANCE_LOG_MAX };
    (chance_log <= limit).then_some(Candidate { chance_log, key, found })
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.chance_log.total_cmp(&other.chance_log).then_with(|| self.key.cmp(&other.key))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

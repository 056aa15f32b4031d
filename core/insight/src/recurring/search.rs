//! All chains of all groups, and which of them are kept.
//!
//! Every group has its best chain; over all groups the least probable by chance is kept first, and its rows are no longer
//! there for others. A row that is added or taken away changes only the groups it is in. What was found in a group is
//! remembered with the rows of it that were claimed then, so to search again after one row is mostly to look up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use outlay_ledger::expense::Decision;
use outlay_ledger::spend::Spend;
use outlay_ledger::{Date, DocumentId, Month};

use super::chain::{self, Chain, Point};
use super::join::{self, Found};
use super::row::{Key, Row};
use super::{Commitment, Decided, Standing, facts};
use crate::hash::Fixed;
use crate::recorded::Recorded;
use crate::statistics::count;

/// Rows, and the chains found in them so far.
#[derive(Debug, Clone, Default)]
pub struct Search {
    rows: Vec<Row>,
    /// Of each place in `rows`, the groups the row is in.
    homes: Vec<Vec<usize>>,
    /// Places in `rows` whose row was taken out.
    free: Vec<usize>,
    places: HashMap<DocumentId, usize, BuildHasherDefault<Fixed>>,
    recorded: Recorded,
    /// Places in `rows`, by date and then entry.
    order: Vec<usize>,
    keys: HashMap<Key, usize, BuildHasherDefault<Fixed>>,
    groups: Vec<Group>,
    /// How many groups share an amount and have rows enough for a chain.
    by_amount: usize,
    /// Groups whose best chain with nothing claimed is not known, and those that have one.
    unsearched: Vec<usize>,
    promising: BTreeSet<usize>,
    /// How often commitments were asked for.
    round: u64,
    /// What was said of chains, by their first row, and the places whose rows have changed since.
    said: BTreeMap<usize, Said>,
    changed: Vec<usize>,
}

/// Rows that have something in common.
#[derive(Debug, Clone)]
struct Group {
    key: Key,
    /// Places in `rows`, by date and then entry.
    rows: Vec<usize>,
    /// Which of them are claimed, as one number; 0 for none. Only while commitments are looked for.
    claimed: u64,
    /// The best chains found, by what was claimed.
    known: Vec<Known>,
    is_unsearched: bool,
}

/// The best chain of a group where these rows are claimed, with how improbable it is.
#[derive(Debug, Clone)]
struct Known {
    claimed: u64,
    round: u64,
    best: Option<(f64, Found)>,
}

/// A chain as it was told.
#[derive(Debug, Clone)]
struct Said {
    found: Found,
    standing: Standing,
    as_of: AsOf,
    commitment: Option<Commitment>,
}

/// A day, and that of the last payment up to it.
type AsOf = (Date, Option<Date>);

/// Rows that are no longer there for other chains, and the groups that lack some.
struct Claims {
    taken: Vec<bool>,
    touched: Vec<usize>,
}

/// A chain that may be kept, as places in `rows`.
struct Candidate {
    chance_log: f64,
    key: Key,
    group: usize,
    found: Found,
}

/// How many such chains may be expected by chance in the group, as a natural logarithm: half a chain. The first two years
/// of a real household, with its dates dealt out anew forty times, have one chain a time at this level, and two at one
/// chain a group, which is the method's usual limit; as they were, they have twelve.
const CHANCE_LOG_MAX: f64 = -0.7;
/// The fewest rows that most cadences need: a group of fewer is not counted among those tried.
const ROWS_TRIED_MIN: usize = 3;
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
        self.record(row.date, Recorded::add);
        let homes: Vec<usize> = row.keys().map(|key| self.group(key)).collect();
        let place = self.placed(row);
        let Self { rows, groups, order, by_amount, .. } = self;
        let Some(row) = rows.get(place) else { return };
        insert(order, rows, row, place);
        for home in &homes {
            let Some(group) = groups.get_mut(*home) else { continue };
            insert(&mut group.rows, rows, row, place);
            *by_amount += usize::from(group.key.1.is_amount() && group.rows.len() == ROWS_TRIED_MIN);
        }
        self.changed(place, &homes);
        if let Some(own) = self.homes.get_mut(place) {
            *own = homes;
        }
    }

    /// The group of a key, made now if there is none.
    fn group(&mut self, key: Key) -> usize {
        let groups = &mut self.groups;
        *self.keys.entry(key).or_insert_with(|| {
            groups.push(Group { key, rows: Vec::new(), claimed: 0, known: Vec::new(), is_unsearched: false });
            groups.len() - 1
        })
    }

    /// Gives a row a place, of one that was taken out if there is one.
    fn placed(&mut self, row: Row) -> usize {
        let place = self.free.pop().unwrap_or(self.rows.len());
        self.places.insert(row.entry, place);
        match self.rows.get_mut(place) {
            Some(free) => *free = row,
            None => {
                self.rows.push(row);
                self.homes.push(Vec::new());
            }
        }
        place
    }

    /// Takes out the row of an entry.
    pub fn remove(&mut self, entry: DocumentId) {
        let Some(place) = self.places.remove(&entry) else { return };
        let homes = self.homes.get_mut(place).map(std::mem::take).unwrap_or_default();
        self.order.retain(|at| *at != place);
        if let Some(date) = self.rows.get(place).map(|row| row.date) {
            self.record(date, Recorded::remove);
        }
        self.free.push(place);
        for home in &homes {
            let Some(group) = self.groups.get_mut(*home) else { continue };
            self.by_amount -= usize::from(group.key.1.is_amount() && group.rows.len() == ROWS_TRIED_MIN);
            group.rows.retain(|at| *at != place);
        }
        self.changed(place, &homes);
    }

    /// Notes that there is a row more or less on a date. What was missed in a month depends on whether it has any.
    fn record(&mut self, date: Date, note: fn(&mut Recorded, Date)) {
        let month = Month::from_date(date);
        let before = self.recorded.has(month);
        note(&mut self.recorded, date);
        if self.recorded.has(month) != before {
            self.said.clear();
        }
    }

    /// Forgets what was found in groups of which a row has changed.
    fn changed(&mut self, place: usize, homes: &[usize]) {
        self.changed.push(place);
        for home in homes {
            self.promising.remove(home);
            let Some(group) = self.groups.get_mut(*home) else { continue };
            group.known.clear();
            if !std::mem::replace(&mut group.is_unsearched, true) {
                self.unsearched.push(*home);
            }
        }
    }

    /// The commitments as of `today`; see [`super::recurring`].
    pub fn commitments(&mut self, today: Date, decisions: &[Decided]) -> Vec<Commitment> {
        let confirmed = self.confirmed(decisions);
        let mut claims = Claims { taken: vec![false; self.rows.len()], touched: Vec::new() };
        self.round += 1;
        for place in self.after(today) {
            self.claim(&mut claims, place);
        }
        let mut found = Vec::new();
        for is_named in [true, false] {
            self.keep(is_named, &confirmed, &mut found, &mut claims);
        }
        join::fill(self, &mut found, &mut claims.taken);
        for group in claims.touched {
            self.groups.get_mut(group).into_iter().for_each(|group| group.claimed = 0);
        }
        let found = join::joined(&self.rows, found);
        let mut commitments = self.told(found, today, decisions);
        commitments.sort_unstable_by_key(|commitment| {
            (commitment.kind, commitment.currency, commitment.payments.first().map(|first| (first.date, first.entry)))
        });
        commitments
    }

    pub(super) fn row(&self, place: usize) -> Option<&Row> {
        self.rows.get(place)
    }

    /// The groups in which other payments of a commitment are found, each by date, that a row is in.
    pub(super) fn alike(&self, place: usize) -> impl Iterator<Item = &[usize]> {
        let homes = self.homes.get(place).into_iter().flatten().filter_map(|home| self.groups.get(*home));
        homes.filter(|group| group.key.1.is_one_payment()).map(|group| group.rows.as_slice())
    }

    /// The rows that a person confirmed by name.
    fn confirmed(&self, decisions: &[Decided]) -> BTreeSet<usize> {
        let confirmed = decisions.iter().filter(|decision| decision.decision == Decision::Confirmed);
        confirmed.filter_map(|decision| self.places.get(&decision.entry).copied()).collect()
    }

    /// The rows after a date.
    fn after(&self, today: Date) -> Vec<usize> {
        let end = self.order.partition_point(|place| self.rows.get(*place).is_some_and(|row| row.date <= today));
        self.order.get(end..).unwrap_or_default().to_vec()
    }

    fn claim(&mut self, claims: &mut Claims, place: usize) {
        claims.taken.get_mut(place).into_iter().for_each(|taken| *taken = true);
        for home in self.homes.get(place).into_iter().flatten() {
            let Some(group) = self.groups.get_mut(*home) else { continue };
            if group.claimed == 0 {
                claims.touched.push(*home);
            }
            group.claimed ^= mark(place);
        }
    }

    /// Keeps chains of the groups that have a name or a category in common, or of the others, and claims their rows.
    fn keep(&mut self, is_named: bool, confirmed: &BTreeSet<usize>, kept: &mut Vec<Found>, claims: &mut Claims) {
        let mut waiting = BTreeSet::new();
        for group in self.due(is_named, confirmed, claims) {
            waiting.extend(self.candidate(group, &claims.taken, confirmed));
        }
        while let Some(Candidate { group, found, .. }) = waiting.pop_first() {
            let is_free = |place: &usize| claims.taken.get(*place) == Some(&false);
            if found.places.iter().all(is_free) {
                found.places.iter().for_each(|place| self.claim(claims, *place));
                kept.push(found);
            }
            waiting.extend(self.candidate(group, &claims.taken, confirmed));
        }
    }

    /// The groups that may have a chain: those that have one with nothing claimed, those of what a person confirmed, those
    /// that nobody has searched, and those that lack rows.
    fn due(&mut self, is_named: bool, confirmed: &BTreeSet<usize>, claims: &Claims) -> BTreeSet<usize> {
        let Self { groups, unsearched, promising, homes, .. } = self;
        unsearched.retain(|at| groups.get_mut(*at).is_some_and(Group::is_to_be_searched));
        let is_of_these = |at: &usize| {
            groups.get(*at).is_some_and(|group| group.rows.len() > 1 && group.key.1.is_named() == is_named)
        };
        let confirmed = confirmed.iter().filter_map(|place| homes.get(*place)).flatten();
        let all = unsearched.iter().chain(promising.iter()).chain(confirmed).chain(&claims.touched);
        all.copied().filter(is_of_these).collect()
    }

    /// The best chain of the rows of a group that are not claimed, if it is improbable enough.
    fn candidate(&mut self, at: usize, taken: &[bool], confirmed: &BTreeSet<usize>) -> Option<Candidate> {
        let (rows, round, by_amount) = (&self.rows, self.round, self.by_amount);
        let group = self.groups.get_mut(at)?;
        let (best, is_new) = group.best(rows, taken, round);
        let best = best.filter(|(chance_log, _)| *chance_log <= CHANCE_LOG_CONFIRMED);
        if is_new && group.claimed == 0 {
            group.is_unsearched = false;
            if best.as_ref().is_some_and(|(chance_log, _)| *chance_log <= CHANCE_LOG_MAX) {
                self.promising.insert(at);
            }
        }
        let (chance_log, found) = best?;
        let is_confirmed = found.places.iter().any(|place| confirmed.contains(place));
        // A name or a category is one of few. An amount is one of thousands that rows happen to share, and each was tried.
        let tried = if group.key.1.is_amount() { by_amount.max(1) } else { 1 };
        let chance_log = chance_log + if is_confirmed { 0.0 } else { libm::log(count(tried)) };
        let limit = if is_confirmed { CHANCE_LOG_CONFIRMED } else { CHANCE_LOG_MAX };
        (chance_log <= limit).then_some(Candidate { chance_log, key: group.key, group: at, found })
    }

    /// Chains as commitments. What was said of one before is said again, if it is the same chain of the same rows.
    fn told(&mut self, found: Vec<Found>, today: Date, decisions: &[Decided]) -> Vec<Commitment> {
        let decisions = facts::Decisions::of(decisions, |entry| self.places.contains_key(&entry));
        let changed: BTreeSet<usize> = std::mem::take(&mut self.changed).into_iter().collect();
        let mut before = std::mem::take(&mut self.said);
        let as_of = (today, self.recorded.last(today));
        for found in found {
            let standing = decisions.on(&self.rows, &found);
            let Some(first) = found.places.first().copied() else { continue };
            let is_same = |said: &Said| said.standing == standing && said.as_of == as_of && said.found == found;
            let is_changed = found.places.iter().any(|place| changed.contains(place));
            let said = match before.remove(&first).filter(|said| !is_changed && is_same(said)) {
                Some(said) => said,
                None => {
                    let commitment = facts::commitment(&self.rows, &found, standing, today, &self.recorded);
                    Said { found, standing, as_of, commitment }
                }
            };
            self.said.insert(first, said);
        }
        self.said.values().filter_map(|said| said.commitment.clone()).collect()
    }
}

impl Group {
    /// Whether nobody has searched it; one row alone need not be.
    fn is_to_be_searched(&mut self) -> bool {
        self.is_unsearched &= self.rows.len() > 1;
        self.is_unsearched
    }

    /// The best chain of the rows that are not taken, and whether it was searched just now.
    fn best(&mut self, rows: &[Row], taken: &[bool], round: u64) -> (Option<(f64, Found)>, bool) {
        let claimed = self.claimed;
        if let Some(known) = self.known.iter_mut().find(|known| known.claimed == claimed) {
            known.round = round;
            return (known.best.clone(), false);
        }
        let free: Vec<usize> = self.rows.iter().copied().filter(|place| taken.get(*place) == Some(&false)).collect();
        let best = chain::best(&points(rows, &free), self.key.1).map(|chain| of_group(&chain, &free));
        // What was needed neither this time nor the last is not remembered.
        self.known.retain(|known| known.round + 1 >= round);
        self.known.push(Known { claimed, round, best: best.clone() });
        (best, true)
    }
}

/// A number for a place, so that those of several together say which they are (SplitMix64, Steele, Lea and Flood 2014).
fn mark(place: usize) -> u64 {
    let mixed = (place as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Puts a row where its date and entry belong.
fn insert(places: &mut Vec<usize>, rows: &[Row], row: &Row, place: usize) {
    let before = |at: &usize| rows.get(*at).is_some_and(|other| (other.date, other.entry) < (row.date, row.entry));
    let at = if places.last().is_none_or(before) { places.len() } else { places.partition_point(before) };
    places.insert(at, place);
}

fn points(rows: &[Row], places: &[usize]) -> Vec<Point> {
    let row = |place: &usize| rows.get(*place).map(|row| Point { date: row.date, minor: row.minor });
    places.iter().filter_map(row).collect()
}

fn of_group(chain: &Chain, group: &[usize]) -> (f64, Found) {
    let places = chain.places.iter().filter_map(|place| group.get(*place).copied()).collect();
    (chain.chance_log, Found { cadence: chain.cadence, places })
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

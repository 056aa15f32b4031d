//! Rows a period apart: the best chain in a group, and how surprising it would be by chance.
//!
//! The best chain is found by dynamic programming over dates. How surprising it is follows the a-contrario method
//! (Desolneux, Moisan and Morel 2000): if rows as frequent as these fell on random days, how many so long and so regular
//! chains would be expected in the group? The expected count of rows near a date, not the chance of one, is what a step
//! counts, because the best chain could choose among them. A chain is kept if few enough are expected by chance. So daily habits, which fall near every date, do not
//! become commitments, and a few exact dates of a rare payment do.

use std::collections::BTreeSet;

use outlay_ledger::Date;

use super::row::Common;
use crate::calendar::Cadence;
use crate::statistics::{count, is_within, median, number};

/// A row of a group: when, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) date: Date,
    pub(super) minor: i64,
}

/// Points of a group, a period apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chain {
    pub(super) cadence: Cadence,
    /// Places in the group, ascending.
    pub(super) places: Vec<usize>,
    /// How many such chains are expected by chance, as a natural logarithm: the lower the better.
    pub(super) chance_log: f64,
}

/// One step of a chain.
#[derive(Debug, Clone, Copy)]
struct Link {
    from: usize,
    to: usize,
    periods: u16,
    /// Days between the expected date and the real one.
    off: i32,
}

/// A chain that ends at a point.
#[derive(Debug, Clone, Copy)]
struct Best {
    worth: f64,
    link: Option<Link>,
}

/// How a cadence is searched.
struct Rule {
    /// How far a date may be from the expected one, in days: exactly kept, and loosely. About a thirtieth of a period,
    /// for what a bank does by itself but for weekends, and a sixth of it, for what people do; at most three weeks.
    off_max: [i32; 2],
    /// How many periods a step may be; the more, the more payments were missed.
    periods_max: u16,
    /// The fewest payments: two make one interval, which is a cadence only where it is a year.
    payments_min: usize,
}

const fn rule(cadence: Cadence) -> Rule {
    let (off_max, periods_max, payments_min) = match cadence {
        Cadence::Weekly => ([0, 1], 3, 4),
        Cadence::Fortnightly => ([1, 2], 3, 4),
        Cadence::FourWeekly => ([0, 1], 2, 4),
        Cadence::Monthly => ([1, 5], 3, 3),
        Cadence::TwoMonthly => ([2, 8], 2, 3),
        Cadence::Quarterly => ([3, 12], 2, 3),
        Cadence::HalfYearly => ([4, 16], 2, 3),
        Cadence::Yearly => ([6, 20], 2, 2),
    };
    Rule { off_max, periods_max, payments_min }
}

/// The loosest a date may be, in days from the expected one.
pub(super) const fn off_max(cadence: Cadence) -> i32 {
    rule(cadence).off_max[1]
}

/// How far a date may be that is kept exactly, in days from the expected one.
pub(super) const fn off_exact(cadence: Cadence) -> i32 {
    rule(cadence).off_max[0]
}

/// The most periods from one payment to the next.
pub(super) const fn periods_max(cadence: Cadence) -> u16 {
    rule(cadence).periods_max
}

/// Commitments of one name and amount that a person may have at once, such as deposits of which a new one begins each
/// quarter. Whoever pays it more often than that buys something.
const AT_ONCE_MAX: usize = 4;
/// An amount more than this many times another is not the same payment with another price.
pub(super) const RATIO_MAX: f64 = 2.0;
/// At most so many rows around an expected date are looked at.
const NEAR_MAX: usize = 64;
/// So many months are at most so many days, rounded up, longer or shorter than the mean.
const MONTHS_UNEVEN_DAYS: i32 = 4;
/// What a payment is worth less for each that was missed before it. Half: a chain with every second payment missing is
/// worth no more than none.
const MISSED_COST: f64 = 0.5;
/// What it is worth less for being off by all that is allowed, and for an amount of [`RATIO_MAX`] times the last. They
/// only choose among rows near one date, so both together stay below what a missed one costs.
const OFF_COST: f64 = 0.2;
const AMOUNT_COST: f64 = 0.25;

/// The chain that is least probable by chance in a group of points sorted by date, of any cadence.
pub(super) fn best(points: &[Point], common: Common) -> Option<Chain> {
    let tried: Vec<Cadence> = Cadence::ALL.into_iter().filter(|cadence| is_possible(points, *cadence)).collect();
    let chains = tried.iter().filter_map(|cadence| best_of(points, common, *cadence, tried.len()));
    let chains = chains.filter(|chain| is_enough(points, chain, common.is_name()) && !is_habit(points, chain));
    chains.min_by(|one, other| one.chance_log.total_cmp(&other.chance_log))
}

/// Whether a chain is more than one interval, or that one is exact and between the same payments by name and price.
fn is_enough(points: &[Point], chain: &Chain, is_named: bool) -> bool {
    let chained: Vec<&Point> = chain.places.iter().filter_map(|place| points.get(*place)).collect();
    let [first, second] = chained.as_slice() else { return true };
    let off = days_between(chain.cadence.after(first.date, 1), second.date).abs();
    is_named && first.minor == second.minor && off <= off_exact(chain.cadence)
}

/// Whether what was paid is paid between the payments of a chain, too, to the cent and more often than they are: whoever buys
/// the same every second day buys it every four weeks.
fn is_habit(points: &[Point], chain: &Chain) -> bool {
    let (Some(first), Some(last)) = (chain.places.first(), chain.places.last()) else { return false };
    let between = points.get(*first..=*last).unwrap_or_default();
    let paid: BTreeSet<i64> = chain.places.iter().filter_map(|place| Some(points.get(*place)?.minor)).collect();
    between.iter().filter(|point| paid.contains(&point.minor)).count() > AT_ONCE_MAX * chain.places.len()
}

/// Whether a group is long enough for a chain of a cadence, and not so dense that a row is expected near any date, in which
/// case no chain is improbable: it is a habit. That bounds the search, too.
fn is_possible(points: &[Point], cadence: Cadence) -> bool {
    let rule = rule(cadence);
    let Some((first, last)) = points.first().zip(points.last()) else { return false };
    let span = f64::from(days_between(first.date, last.date));
    let has_room = span + f64::from(rule.off_max[1]) >= cadence.days() * count(rule.payments_min - 1);
    let is_habit = count(points.len() - 1) * f64::from(2 * rule.off_max[0] + 1) >= span;
    points.len() >= rule.payments_min && has_room && !is_habit
}

fn best_of(points: &[Point], common: Common, cadence: Cadence, cadences_tried: usize) -> Option<Chain> {
    let rule = rule(cadence);
    let links = longest(points, cadence, &rule);
    let paid_in_time = links.iter().filter(|link| link.periods == 1).count();
    if links.len() + 1 < rule.payments_min || paid_in_time * 2 <= links.len() {
        return None; // With most steps of several periods, it is a chain of another cadence or none.
    }
    let tried = points.len() * cadences_tried * rule.off_max.len();
    let chance_log = libm::log(count(tried)) + chance_log(points, common, &links, cadence, &rule)?;
    Some(Chain { cadence, places: places(&links), chance_log })
}

/// The steps of the chain that is worth most.
fn longest(points: &[Point], cadence: Cadence, rule: &Rule) -> Vec<Link> {
    let mut bests = vec![Best { worth: 0.0, link: None }; points.len()];
    for (from, point) in points.iter().enumerate() {
        let worth_here = bests.get(from).map_or(0.0, |best| best.worth);
        for periods in 1..=rule.periods_max {
            for (to, off) in near(points, from, cadence, periods) {
                let Some((next, best)) = points.get(to).zip(bests.get_mut(to)) else { continue };
                let Some(gain) = gain(*point, *next, periods, off, rule) else { continue };
                if worth_here + gain > best.worth {
                    *best = Best { worth: worth_here + gain, link: Some(Link { from, to, periods, off }) };
                }
            }
        }
    }
    trace(&bests)
}

/// The points around the date so many periods after that of a place, with how many days they are off. The exact date is
/// asked for only if there is a point near it, because a calendar takes longer than a comparison.
fn near(points: &[Point], from: usize, cadence: Cadence, periods: u16) -> impl Iterator<Item = (usize, i32)> + '_ {
    let off_max = off_max(cadence);
    let date = points.get(from).map_or(Date::MIN, |point| point.date);
    #[allow(clippy::cast_possible_truncation)] // A few years of days.
    let about = date.days().saturating_add((cadence.days() * f64::from(periods)) as i32);
    let margin = off_max + MONTHS_UNEVEN_DAYS;
    let rest = points.get(from + 1..).unwrap_or_default();
    let start = from + 1 + rest.partition_point(|point| point.date.days() < about.saturating_sub(margin));
    let is_any = points.get(start).is_some_and(|point| point.date.days() <= about.saturating_add(margin));
    let expected = if is_any { cadence.after(date, periods).days() } else { about };
    let candidates = if is_any { points.get(start..).unwrap_or_default() } else { &[] };
    let with_off = candidates
        .iter()
        .enumerate()
        .take(NEAR_MAX)
        .map(move |(place, point)| (start + place, point.date.days().saturating_sub(expected)));
    with_off
        .take_while(move |(_, off)| *off <= off_max)
        .filter(move |(_, off)| -off_max <= *off)
        .map(|(at, off)| (at, off.abs()))
}

/// What a step is worth; `None` if the amounts are too different.
fn gain(from: Point, to: Point, periods: u16, off: i32, rule: &Rule) -> Option<f64> {
    let distance = libm::log(number(to.minor) / number(from.minor)).abs() / libm::log(RATIO_MAX);
    let off = f64::from(off) / f64::from(rule.off_max[1].max(1));
    let missed = f64::from(periods - 1);
    (distance <= 1.0).then_some(1.0 - MISSED_COST * missed - OFF_COST * off - AMOUNT_COST * distance)
}

/// The steps of the best chain, from its first to its last.
fn trace(bests: &[Best]) -> Vec<Link> {
    let best = bests.iter().max_by(|one, other| one.worth.total_cmp(&other.worth));
    let mut links = Vec::new();
    let mut next = best.and_then(|best| best.link);
    while let Some(link) = next {
        links.push(link);
        next = bests.get(link.from).and_then(|best| best.link);
    }
    links.reverse();
    links
}

/// The places a chain goes through.
fn places(links: &[Link]) -> Vec<usize> {
    let first = links.first().map(|link| link.from);
    first.into_iter().chain(links.iter().map(|link| link.to)).collect()
}

/// How probable it is that rows as frequent as these make such a chain by chance, at the tolerance at which it is least
/// so, as a logarithm.
///
/// By chance, rows fall near the dates of a chain as often as near any other date, and as often as near those at which it
/// would go on beyond its ends: whoever shops on Saturdays is in one shop on several of them in a row. Of rows that may be
/// one payment, those beyond are no chance if they are there more often than not, but the same payment before or after a
/// pause.
fn chance_log(points: &[Point], common: Common, links: &[Link], cadence: Cadence, rule: &Rule) -> Option<f64> {
    let (first, last) = (links.first()?.from, links.last()?.to);
    let (from, to) = (points.get(first)?.date, points.get(last)?.date);
    let mut amounts: Vec<i64> = places(links).into_iter().filter_map(|at| Some(points.get(at)?.minor)).collect();
    let typical = median(&mut amounts)?;
    let like = |points: &[Point]| -> Vec<Date> {
        points.iter().filter(|point| is_within(point.minor, typical, RATIO_MAX)).map(|point| point.date).collect()
    };
    let rivals = like(points.get(first..=last)?).len().saturating_sub(1);
    let density = count(rivals) / f64::from(days_between(from, to).max(1));
    let (mut earlier, later) = (like(points.get(..first)?), like(points.get(last + 1..)?));
    earlier.reverse();
    let slots = links.iter().map(|link| usize::from(link.periods)).sum();
    let chances = rule.off_max.iter().map(|off_max| {
        let hits = links.iter().filter(|link| link.off <= *off_max).count();
        let on_any = density * f64::from(2 * off_max + 1);
        let before = beyond(&earlier, from, cadence, Cadence::before, *off_max);
        let after = beyond(&later, to, cadence, Cadence::after, *off_max);
        let on_its_own = (count(before.0 + after.0) + on_any) / (count(before.1 + after.1) + 1.0);
        let is_pause = common.is_one_payment() && on_its_own > PAID_SHARE_MIN;
        let by_chance = if is_pause { on_any } else { on_any.max(on_its_own) };
        tail_log(slots, hits, by_chance.clamp(CHANCE_MIN, 1.0 - CHANCE_MIN))
    });
    chances.min_by(f64::total_cmp)
}

/// What is paid less often is no chain, as [`MISSED_COST`] has it.
const PAID_SHARE_MIN: f64 = 0.5;

/// Near how many of the dates at which a chain would go on there is one of these, which lead away from its end, and how many
/// such dates there are. The first few are not among them: as many may be missed within a chain.
fn beyond(
    dates: &[Date],
    end: Date,
    cadence: Cadence,
    step: fn(Cadence, Date, u16) -> Date,
    off_max: i32,
) -> (usize, usize) {
    let missed_max = periods_max(cadence);
    let (mut met, mut latest_met, mut latest) = (0, missed_max, missed_max);
    for date in dates {
        let away = f64::from(days_between(end, *date).abs());
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A cast saturates.
        let nearest = libm::round(away / cadence.days()) as u16;
        latest = latest.max(nearest);
        // A calendar takes longer than a comparison.
        let is_about = (away - f64::from(nearest) * cadence.days()).abs() <= f64::from(off_max + MONTHS_UNEVEN_DAYS);
        let is_near = |expected: Date| days_between(expected, *date).abs() <= off_max;
        if nearest > latest_met && is_about && is_near(step(cadence, end, nearest)) {
            (met, latest_met) = (met + 1, nearest);
        }
    }
    (met, usize::from(latest - missed_max))
}

/// Keeps logarithms finite.
const CHANCE_MIN: f64 = 1e-12;

/// The natural logarithm of the chance of at least so many hits in so many independent tries.
fn tail_log(tries: usize, hits: usize, chance: f64) -> f64 {
    let (hit, miss) = (libm::log(chance), libm::log1p(-chance));
    let mut ways = (0..hits).map(|place| libm::log(count(tries - place) / count(place + 1))).sum::<f64>();
    let mut terms = Vec::with_capacity(tries + 1 - hits);
    for many in hits..=tries {
        terms.push(ways + count(many) * hit + count(tries - many) * miss);
        ways += libm::log(count(tries - many) / count(many + 1));
    }
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + libm::log(terms.iter().map(|term| libm::exp(term - largest)).sum())
}

fn days_between(from: Date, to: Date) -> i32 {
    to.days().saturating_sub(from.days())
}

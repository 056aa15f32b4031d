//! A household of two years whose insights are known: the same on a device, on a server, in any order and in any time zone.
//!
//! Every day has one entry at most, so that ids, which are others each time, decide nothing. It shows all there is to
//! find: payments that come back at every pace, one dearer since, one missed, one stopped; a move, with which spending
//! changed; usual prices; a journey in two currencies; an amount out of line, a charge entered twice; money back, income,
//! and a plan for later. [`GOLDEN`] is what is to be said of it on [`TODAY`], by [`told`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use outlay_core::insight::insights::{CurrencyInsights, Insights};
use outlay_core::insight::phases::Phases;
use outlay_core::insight::wording::{self, Names, patterns};
use outlay_core::{Currency, Date, DocumentId, EntryKind, Money, NewExpense, Reference};

use crate::random::Random;

/// What is to be said of the household.
pub const GOLDEN: &str = include_str!("../golden/insights.txt");
/// The day as of which that is.
pub const TODAY: &str = "2024-12-20";
/// The first day, the days there are, and the first day after the move.
const FIRST: &str = "2023-01-01";
const DAYS: i32 = 720;
const MOVE: &str = "2024-01-01";
const SEED: u64 = 8;

/// An entry, before anybody has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// Its civil date.
    pub date: Date,
    /// Whether it was spent or earned.
    pub kind: EntryKind,
    /// How much.
    pub amount: Money,
    /// Who was paid, or paid.
    pub payee: &'static str,
    /// Its category, by names from the top.
    pub category: &'static [&'static str],
}

impl Paid {
    /// The same for an engine.
    pub fn expense(&self) -> NewExpense {
        let path = self.category.iter().map(|name| (*name).to_owned()).collect();
        NewExpense {
            kind: self.kind,
            date: Some(self.date),
            category: Some(Reference::Path(path)),
            ..NewExpense::new(self.amount, self.payee)
        }
    }
}

/// The entries, oldest first.
pub fn entries() -> Vec<Paid> {
    let (first, moved) = (date(FIRST), date(MOVE));
    let mut random = Random::of(SEED, "household");
    let mut entries: Vec<Paid> = Vec::new();
    for day in 0..DAYS {
        let Some(date) = first.add_days(day) else { continue };
        entries.extend(fixed(date, date >= moved, &mut random).or_else(|| by_chance(date, date >= moved, &mut random)));
    }
    // Planned, and so not yet true.
    entries.extend(eur("2025-02-01", 90_000, "Airline", &["Travel"]));
    entries
}

/// What is paid on a day that is settled.
fn fixed(date: Date, has_moved: bool, random: &mut Random) -> Option<Paid> {
    let paid = |minor, payee, category| Some(Paid { date, ..eur("2023-01-01", minor, payee, category)? });
    match (date.to_string().as_str(), date.day()) {
        ("2023-03-03" | "2024-03-03", _) => paid(18_400, "Insurance", &["Home", "Insurance"]),
        ("2023-06-17", _) => paid(-4_000, "REWE", &["Food"]),
        ("2024-08-09", _) => paid(12_900, "Deutsche Bahn", &["Travel"]),
        ("2024-08-10", _) => paid(8_700, "Hotel Adler", &["Travel"]),
        ("2024-08-11", _) => Some(Paid { date, amount: money(1_250, "JPY")?, ..paid(1, "Ramen", &["Travel"])? }),
        ("2024-08-13", _) => paid(2_300, "Museum", &["Travel"]),
        ("2024-10-08" | "2024-10-09", _) => paid(6_490, "Bookshop", &["Books"]),
        ("2024-11-06", _) => paid(9_500, "Corner Café", &["Food", "Out"]),
        (_, 1) => paid(if has_moved { 105_000 } else { 70_000 }, "Landlord", &["Home", "Rent"]),
        (_, 5) if has_moved => paid(31_000, "Kindergarten", &["Children"]),
        (_, 7 | 22) if has_moved => paid(random.between(4_500, 7_000), "Petrol station", &["Car"]),
        (_, 12) => paid(if date >= self::date("2024-06-01") { 1_299 } else { 999 }, "Films", &["Leisure"]),
        (_, 18) => paid(1_800, "Telephone", &["Phone"]),
        ("2024-09-15", _) => None,
        (_, 15) => paid(random.between(6_000, 8_500), "Stadtwerke", &["Home", "Power"]),
        (_, 20) if date < self::date("2024-04-01") => paid(2_990, "Gym", &["Leisure"]),
        (_, 28) => Some(Paid { kind: EntryKind::Income, ..paid(260_000, "Employer", &["Salary"])? }),
        _ => None,
    }
}

/// What is paid on other days, or nothing.
fn by_chance(date: Date, has_moved: bool, random: &mut Random) -> Option<Paid> {
    let paid = |minor, payee, category| Some(Paid { date, ..eur("2023-01-01", minor, payee, category)? });
    match random.below(10) {
        0..=2 if has_moved => paid(random.between(3_500, 12_000), "REWE", &["Food"]),
        0..=2 => paid(random.between(1_500, 4_500), "REWE", &["Food"]),
        3..=4 => paid([280, 280, 560, 1_900][random.below(4)], "Tram", &["Transport"]),
        5 if !has_moved => paid(random.between(1_800, 5_200), "Corner Bistro", &["Food", "Out"]),
        5..=6 => paid(random.between(280, 420), "Corner Café", &["Food", "Out"]),
        7 => paid(random.between(600, 3_500), "Pharmacy", &["Health"]),
        _ => None,
    }
}

/// What is said of the household: every fact with its members, by their dates, and its sentence. `dates` has those of the
/// entries, `names` the paths of the categories.
pub fn told(insights: &Insights, names: &Names, dates: &BTreeMap<DocumentId, Date>) -> String {
    let mut told = format!("{}: {} entries", insights.today, insights.entries);
    let last = insights.last_entry.map_or_else(|| "none".to_owned(), |date| date.to_string());
    told.push_str(&format!(", the last of {last}\n"));
    let days = |entries: &mut dyn Iterator<Item = DocumentId>| {
        let days: BTreeSet<Date> = entries.filter_map(|entry| dates.get(&entry).copied()).collect();
        days.iter().map(Date::to_string).collect::<Vec<_>>().join(" ")
    };
    for one in &insights.commitments {
        line(&mut told, &patterns::commitment(one, names).join(" "));
        line(&mut told, &format!("  paid {}", days(&mut one.payments.iter().map(|payment| payment.entry))));
    }
    for odd in &insights.odd {
        odd.reasons.iter().for_each(|reason| line(&mut told, &wording::reason(&odd.charge, reason, names)));
    }
    for trip in &insights.trips {
        line(&mut told, &patterns::trip(trip));
        line(&mut told, &format!("  paid {}", days(&mut trip.entries.iter().copied())));
    }
    insights.currencies.iter().for_each(|currency| currency_told(&mut told, currency, names));
    told
}

fn currency_told(told: &mut String, one: &CurrencyInsights, names: &Names) {
    line(told, &format!("In {}", one.currency));
    for (month, minor, rows) in one.months.each() {
        line(told, &format!("  {month}: {} in {rows}", Money::nearest(minor, one.currency)));
    }
    // Categories are in the order of their ids, which are others each time.
    let mut forecasts: Vec<[String; 2]> =
        one.forecasts.iter().map(|forecast| patterns::forecast(forecast, names)).collect();
    forecasts.sort();
    forecasts.iter().flatten().for_each(|sentence| line(told, sentence));
    patterns::phases(&one.phases, names).iter().for_each(|sentence| line(told, sentence));
    if let Phases::Found(found) = &one.phases {
        for phase in &found.phases {
            let months: Vec<String> = phase.months.iter().map(ToString::to_string).collect();
            line(told, &format!("  {}", months.join(" ")));
        }
    }
    one.prices.iter().for_each(|prices| line(told, &patterns::prices(prices, names)));
    one.rhythm.points.iter().for_each(|point| line(told, &patterns::rhythm(point, names)));
}

fn line(told: &mut String, text: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(told, "{text}");
}

fn eur(day: &str, minor: i64, payee: &'static str, category: &'static [&'static str]) -> Option<Paid> {
    Some(Paid { date: date(day), kind: EntryKind::Expense, amount: money(minor, "EUR")?, payee, category })
}

fn money(minor: i64, currency: &str) -> Option<Money> {
    Money::new(minor, Currency::parse(currency).ok()?).ok()
}

fn date(text: &str) -> Date {
    Date::parse(text).unwrap_or(Date::EPOCH)
}

//! Commitments, forecasts, phases, prices, trips and the rhythm map in English.

use outlay_ledger::{Currency, DocumentId, Money};

use super::Names;
use crate::forecast::{Bounds, Expectation, Forecast};
use crate::months::Target;
use crate::phases::{Difference, Found, Phase, Phases};
use crate::prices::{Amounts, Prices, Seller};
use crate::recurring::{Amount, Cadence, Commitment};
use crate::rhythm::Point;
use crate::trips::Trip;

/// What is said where a pattern was looked for and none is certain.
pub const NO_CLEAR_PATTERN: &str = "No clear pattern.";

/// A commitment in one sentence, and one more for each payment that was missed lately and for the last change of price.
///
/// ```
/// use outlay_insight::recurring::recurring;
/// use outlay_insight::wording::Names;
/// use outlay_insight::wording::patterns::commitment;
/// use outlay_ledger::{Date, DocumentId, EntryKind, Money, spend::Spend};
///
/// let mut rows = Vec::new();
/// for month in 1..=6 {
///     rows.push(Spend {
///         id: DocumentId([month; 16]), date: Date::from_ymd(2024, month, 12)?, kind: EntryKind::Expense,
///         amount: Money::parse_with_currency("12.99 EUR")?, payee: "Netflix".into(), note: String::new(),
///         category: None, account: None, tags: vec![],
///     });
/// }
/// let found = recurring(&rows, Date::parse("2024-06-20")?, &[]);
/// assert_eq!(commitment(&found[0], &Names::new()), ["Netflix: 12.99 EUR every month, next on 2024-07-12."]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn commitment(commitment: &Commitment, names: &Names) -> Vec<String> {
    let name = commitment_name(commitment, names);
    let amount = amount(commitment.amount, commitment.currency);
    let cadence = cadence(commitment.cadence);
    let money = |minor: i64| Money::nearest(minor, commitment.currency);
    let mut sentences = vec![match (commitment.next, commitment.payments.last()) {
        (Some(next), _) => format!("{name}: {amount} {cadence}, next on {next}."),
        (None, Some(last)) => format!("{name}: {amount} {cadence} until {}; no longer expected.", last.date),
        (None, None) => format!("{name}: {amount} {cadence}."),
    }];
    sentences.extend(commitment.missed.last().map(|missed| format!("{name}: no payment found around {missed}.")));
    sentences.extend(commitment.price_changes.last().map(|change| {
        format!("{name}: {} since {}, {} before.", money(change.after), change.date, money(change.before))
    }));
    sentences
}

/// What is expected of the month, and of its end.
pub fn forecast(forecast: &Forecast, names: &Names) -> [String; 2] {
    let target = match forecast.target {
        Target::Total => "All spending",
        Target::Category(category) => category_name(category, names),
    };
    let (month, spent) = (forecast.month, forecast.spent);
    let usual = match forecast.usual {
        Expectation::Point { usual, range } => format!("{target}: usually {usual} a month, mostly {}.", bounds(range)),
        Expectation::Range(range) => format!("{target}: too irregular for a usual month, mostly {}.", bounds(range)),
        Expectation::NotEnough { months, needed } => format!("{target}: {}", not_enough(months, needed)),
        Expectation::NotLately { last } => format!("{target}: nothing since {last}, so not enough to say."),
    };
    let end = match forecast.month_end {
        Expectation::Point { usual, range } => {
            format!("{target}: {month} will end at about {usual}, probably {}; {spent} so far.", bounds(range))
        }
        Expectation::Range(range) => format!("{target}: {month} will end {}; {spent} so far.", bounds(range)),
        Expectation::NotEnough { .. } | Expectation::NotLately { .. } => {
            format!("{target}: {spent} in {month} so far.")
        }
    };
    [usual, end]
}

/// The phases of a currency, one sentence or more.
pub fn phases(phases: &Phases, names: &Names) -> Vec<String> {
    match phases {
        Phases::Found(found) => found_phases(found, names),
        Phases::NoClearPattern => vec![NO_CLEAR_PATTERN.to_owned()],
        Phases::NotEnough { months, needed } if months < needed => vec![not_enough(*months, *needed)],
        Phases::NotEnough { .. } => vec!["Not enough to say: two categories that vary are needed.".to_owned()],
    }
}

/// What one pays at a seller.
pub fn prices(prices: &Prices, names: &Names) -> String {
    let seller = seller(&prices.seller, names);
    match &prices.amounts {
        Amounts::Usual(usual) => format!("{seller}: usually {}.", list(usual)),
        Amounts::Frequent(none) if none.is_empty() => format!("{seller}: no usual price."),
        Amounts::Frequent(frequent) => format!("{seller}: no usual price; most often {}.", list(frequent)),
    }
}

/// A trip.
pub fn trip(trip: &Trip) -> String {
    let (from, to, entries, spent) = (trip.from, trip.to, trip.entries.len(), list(&trip.spent));
    if from == to {
        return format!("Travelling on {from}: {entries} entries, {spent}.");
    }
    format!("Travelling from {from} to {to}: {entries} entries, {spent}.")
}

/// A point of the rhythm map.
pub fn rhythm(point: &Point, names: &Names) -> String {
    let seller = seller(&point.seller, names);
    let days = (point.gap_half_days + 1) / 2;
    let gap = if days == 1 { "every day".to_owned() } else { format!("every {days} days") };
    format!("{seller}: {} about {gap}.", point.amount)
}

/// Two phases one after the other are told as a change, others one by one.
fn found_phases(found: &Found, names: &Names) -> Vec<String> {
    let (Some(boundary), [.., later]) = (found.boundary, found.phases.as_slice()) else {
        return found.phases.iter().flat_map(|phase| other_phase(phase, names)).collect();
    };
    let when = if boundary.from == boundary.to {
        format!("in {}", boundary.from)
    } else {
        format!("between {} and {}", boundary.from, boundary.to)
    };
    let mut sentences = vec![format!("Spending changed {when}: {}.", differences(later, names))];
    sentences.extend(noted_differently(later));
    sentences
}

fn other_phase(phase: &Phase, names: &Names) -> Vec<String> {
    let differences = differences(phase, names);
    let mut sentences = match phase.months.as_slice() {
        [] => Vec::new(),
        [month] => vec![format!("{month} differs: {differences}.")],
        [first, .., last] => {
            vec![format!("{} months from {first} to {last} differ: {differences}.", phase.months.len())]
        }
    };
    sentences.extend(noted_differently(phase));
    sentences
}

fn noted_differently(phase: &Phase) -> Option<String> {
    let (entries, otherwise) = (phase.entries, phase.entries_otherwise);
    phase.is_noted_differently().then(|| {
        format!("The number of entries changed too, {entries} a month and {otherwise} otherwise, so it may be what is noted.")
    })
}

fn differences(phase: &Phase, names: &Names) -> String {
    let each = |difference: &Difference| {
        let name = category_name(difference.category, names);
        let more = if difference.usual.minor() > difference.otherwise.minor() { "more" } else { "less" };
        format!("{more} on {name} ({} a month, {} otherwise)", difference.usual, difference.otherwise)
    };
    phase.differences.iter().map(each).collect::<Vec<_>>().join(", ")
}

fn not_enough(months: usize, needed: usize) -> String {
    format!("Not enough to say: {needed} whole months are needed, {months} are there.")
}

/// What a commitment is called: its name, or its category.
pub fn commitment_name<'a>(commitment: &'a Commitment, names: &'a Names) -> &'a str {
    if commitment.name.is_empty() { category_name(commitment.category, names) } else { &commitment.name }
}

/// What a category is called.
pub fn category_name(category: Option<DocumentId>, names: &Names) -> &str {
    category.and_then(|category| names.get(&category)).map_or("No category", String::as_str)
}

/// What a seller is called: the payee, or the category.
pub fn seller<'a>(seller: &'a Seller, names: &'a Names) -> &'a str {
    match seller {
        Seller::Payee(payee) => payee,
        Seller::Category(category) => category_name(Some(*category), names),
    }
}

/// What a payment costs: an amount, or from the least to the most.
pub fn amount(amount: Amount, currency: Currency) -> String {
    match amount {
        Amount::Fixed(minor) => Money::nearest(minor, currency).to_string(),
        Amount::Varying { low, high, .. } => {
            format!("{} to {}", Money::nearest(low, currency).amount_text(), Money::nearest(high, currency))
        }
    }
}

fn bounds(bounds: Bounds) -> String {
    if bounds.low == bounds.high {
        return format!("at {}", bounds.high);
    }
    format!("between {} and {}", bounds.low.amount_text(), bounds.high)
}

fn list(amounts: &[Money]) -> String {
    amounts.iter().map(Money::to_string).collect::<Vec<_>>().join(", ")
}

/// How often, such as "every month".
pub const fn cadence(cadence: Cadence) -> &'static str {
    match cadence {
        Cadence::Weekly => "every week",
        Cadence::Fortnightly => "every two weeks",
        Cadence::FourWeekly => "every four weeks",
        Cadence::Monthly => "every month",
        Cadence::TwoMonthly => "every two months",
        Cadence::Quarterly => "every three months",
        Cadence::HalfYearly => "every six months",
        Cadence::Yearly => "every year",
    }
}

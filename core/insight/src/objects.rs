//! Insights as objects for programs: the facts, and beside them what they say in English. The command line prints them and a
//! server answers with them, as JSON.
//!
//! Keys are a contract: more may come, none changes its meaning or goes away. Here a category is its path, an amount its minor
//! units and currency, a date `"2026-11-02"`, a payment its entry's id, and `text` the sentences.

use crate::forecast::{Bounds, Expectation, Forecast};
use crate::insights::{CurrencyInsights, Insights, OddCharge};
use crate::months::Target;
use crate::odd::{Among, Reason};
use crate::phases::{Phase, Phases};
use crate::prices::{Amounts, Prices, Seller};
use crate::recurring::{Amount, Cadence, Commitment, Standing};
use crate::rhythm::{Pace, Point};
use crate::suggest::Suggestion;
use crate::trips::Trip;
use crate::wording::{self, Names, patterns};
use outlay_ledger::{DocumentId, EntryKind, LedgerId, Money, Month};
use serde::Serialize;

/// An amount, in minor units.
#[derive(Debug, Serialize)]
struct MoneyObject {
    minor: i64,
    currency: String,
}

impl From<Money> for MoneyObject {
    fn from(money: Money) -> Self {
        Self { minor: money.minor(), currency: money.currency().to_string() }
    }
}

/// All that is found in a ledger.
///
/// ```
/// use std::ops::ControlFlow;
/// use outlay_insight::objects::InsightsObject;
/// use outlay_insight::study::{Options, Study};
/// use outlay_insight::wording::Names;
/// use outlay_ledger::{Date, LedgerId};
/// let mut study = Study::of(Vec::new(), Options::default(), Default::default());
/// let found = study.insights(Date::parse("2026-11-02")?, &[], &mut |_| ControlFlow::Continue(()));
/// let ControlFlow::Continue(found) = found else { return Err("it was broken off".into()) };
/// let json = serde_json::to_value(InsightsObject::new(LedgerId([1; 16]), &found, &Names::new()))?;
/// assert_eq!((&json["date"], &json["entries"]), (&"2026-11-02".into(), &0.into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Serialize)]
pub struct InsightsObject {
    ledger: String,
    date: String,
    entries: usize,
    last_entry: Option<String>,
    commitments: Vec<CommitmentObject>,
    odd: Vec<OddObject>,
    trips: Vec<TripObject>,
    currencies: Vec<CurrencyObject>,
}

impl InsightsObject {
    /// Of a ledger whose categories have these paths.
    pub fn new(ledger: LedgerId, insights: &Insights, names: &Names) -> Self {
        Self {
            ledger: ledger.to_string(),
            date: insights.today.to_string(),
            entries: insights.entries,
            last_entry: insights.last_entry.map(|date| date.to_string()),
            commitments: insights.commitments.iter().map(|one| CommitmentObject::new(one, names)).collect(),
            odd: insights.odd.iter().map(|odd| OddObject::new(odd, names)).collect(),
            trips: insights.trips.iter().map(Into::into).collect(),
            currencies: insights.currencies.iter().map(|one| CurrencyObject::new(one, names)).collect(),
        }
    }
}

/// A payment that comes back.
#[derive(Debug, Serialize)]
pub struct CommitmentObject {
    id: String,
    name: String,
    standing: &'static str,
    kind: &'static str,
    category: Option<String>,
    cadence: &'static str,
    amount: MoneyObject,
    /// The least and the most of the last ones, where they vary.
    low: Option<MoneyObject>,
    high: Option<MoneyObject>,
    next: Option<String>,
    missed: Vec<String>,
    price_changes: Vec<PriceChangeObject>,
    payments: Vec<PaymentObject>,
    text: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PriceChangeObject {
    expense: String,
    date: String,
    before: MoneyObject,
    after: MoneyObject,
}

#[derive(Debug, Serialize)]
struct PaymentObject {
    expense: String,
    date: String,
    amount: MoneyObject,
}

impl CommitmentObject {
    /// Where categories have these paths.
    pub fn new(one: &Commitment, names: &Names) -> Self {
        let money = |minor: i64| MoneyObject::from(Money::nearest(minor, one.currency));
        let (low, high) = match one.amount {
            Amount::Fixed(_) => (None, None),
            Amount::Varying { low, high, .. } => (Some(money(low)), Some(money(high))),
        };
        let changes = one.price_changes.iter().map(|change| PriceChangeObject {
            expense: change.entry.to_string(),
            date: change.date.to_string(),
            before: money(change.before),
            after: money(change.after),
        });
        let payments = one.payments.iter().map(|payment| PaymentObject {
            expense: payment.entry.to_string(),
            date: payment.date.to_string(),
            amount: money(payment.minor),
        });
        Self {
            id: one.id.0.to_string(),
            name: one.name.clone(),
            standing: standing(one.standing),
            kind: kind(one.kind),
            category: path(one.category, names),
            cadence: cadence(one.cadence),
            amount: money(one.amount.expected()),
            low,
            high,
            next: one.next.map(|date| date.to_string()),
            missed: one.missed.iter().map(ToString::to_string).collect(),
            price_changes: changes.collect(),
            payments: payments.collect(),
            text: patterns::commitment(one, names),
        }
    }
}

#[derive(Debug, Serialize)]
struct OddObject {
    expense: String,
    date: String,
    payee: String,
    amount: MoneyObject,
    reasons: Vec<ReasonObject>,
}

#[derive(Debug, Serialize)]
struct ReasonObject {
    #[serde(flatten)]
    fact: ReasonFact,
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ReasonFact {
    Amount { usual: MoneyObject, among: &'static str },
    Category { filed: Option<String>, likely: Option<String> },
    Duplicate { of: String, days: u8 },
    PriceRise { before: MoneyObject },
}

impl OddObject {
    fn new(odd: &OddCharge, names: &Names) -> Self {
        let reason = |reason: &Reason| ReasonObject {
            fact: ReasonFact::new(reason, names),
            text: wording::reason(&odd.charge, reason, names),
        };
        Self {
            expense: odd.charge.id.to_string(),
            date: odd.charge.date.to_string(),
            payee: odd.charge.payee.clone(),
            amount: odd.charge.amount.into(),
            reasons: odd.reasons.iter().map(reason).collect(),
        }
    }
}

impl ReasonFact {
    fn new(reason: &Reason, names: &Names) -> Self {
        match *reason {
            Reason::Amount { usual, among, .. } => {
                let among = match among {
                    Among::Payee => "payee",
                    Among::Category => "category",
                    Among::All => "all",
                };
                Self::Amount { usual: usual.into(), among }
            }
            Reason::Category { filed, likely } => {
                Self::Category { filed: path(Some(filed), names), likely: path(Some(likely), names) }
            }
            Reason::Duplicate { of, days } => Self::Duplicate { of: of.to_string(), days },
            Reason::PriceRise { was, .. } => Self::PriceRise { before: was.into() },
        }
    }
}

#[derive(Debug, Serialize)]
struct TripObject {
    from: String,
    to: String,
    spent: Vec<MoneyObject>,
    expenses: Vec<String>,
    text: String,
}

impl From<&Trip> for TripObject {
    fn from(trip: &Trip) -> Self {
        Self {
            from: trip.from.to_string(),
            to: trip.to.to_string(),
            spent: trip.spent.iter().map(|spent| (*spent).into()).collect(),
            expenses: trip.entries.iter().map(ToString::to_string).collect(),
            text: patterns::trip(trip),
        }
    }
}

#[derive(Debug, Serialize)]
struct CurrencyObject {
    currency: String,
    months: Vec<MonthObject>,
    forecasts: Vec<ForecastObject>,
    phases: PhasesObject,
    prices: Vec<PricesObject>,
    rhythm: RhythmObject,
}

#[derive(Debug, Serialize)]
struct MonthObject {
    month: String,
    spent: MoneyObject,
    count: u64,
}

impl CurrencyObject {
    fn new(one: &CurrencyInsights, names: &Names) -> Self {
        let month = |(month, minor, count): (Month, i64, u64)| MonthObject {
            month: month.to_string(),
            spent: Money::nearest(minor, one.currency).into(),
            count,
        };
        let points = one.rhythm.points.iter().map(|point| PointObject::new(point, names));
        Self {
            currency: one.currency.to_string(),
            months: one.months.each().map(month).collect(),
            forecasts: one.forecasts.iter().map(|forecast| ForecastObject::new(forecast, names)).collect(),
            phases: PhasesObject::new(&one.phases, names),
            prices: one.prices.iter().map(|prices| PricesObject::new(prices, names)).collect(),
            rhythm: RhythmObject { typical: one.rhythm.typical.map(Into::into), points: points.collect() },
        }
    }
}

#[derive(Debug, Serialize)]
struct ForecastObject {
    /// `false` for a category.
    total: bool,
    category: Option<String>,
    month: String,
    spent: MoneyObject,
    usual: ExpectationObject,
    month_end: ExpectationObject,
    due: Vec<DueObject>,
    text: [String; 2],
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ExpectationObject {
    Point { usual: MoneyObject, low: MoneyObject, high: MoneyObject },
    Range { low: MoneyObject, high: MoneyObject },
    NotEnough { months: usize, needed: usize },
    NotLately { last: String },
}

#[derive(Debug, Serialize)]
struct DueObject {
    commitment: String,
    date: String,
    amount: MoneyObject,
}

impl ForecastObject {
    fn new(forecast: &Forecast, names: &Names) -> Self {
        let category = match forecast.target {
            Target::Total => None,
            Target::Category(category) => path(category, names),
        };
        let due = forecast.commitments.iter().map(|due| DueObject {
            commitment: due.commitment.0.to_string(),
            date: due.date.to_string(),
            amount: due.amount.into(),
        });
        Self {
            total: forecast.target == Target::Total,
            category,
            month: forecast.month.to_string(),
            spent: forecast.spent.into(),
            usual: forecast.usual.into(),
            month_end: forecast.month_end.into(),
            due: due.collect(),
            text: patterns::forecast(forecast, names),
        }
    }
}

impl From<Expectation> for ExpectationObject {
    fn from(expectation: Expectation) -> Self {
        match expectation {
            Expectation::Point { usual, range: Bounds { low, high } } => {
                Self::Point { usual: usual.into(), low: low.into(), high: high.into() }
            }
            Expectation::Range(Bounds { low, high }) => Self::Range { low: low.into(), high: high.into() },
            Expectation::NotEnough { months, needed } => Self::NotEnough { months, needed },
            Expectation::NotLately { last } => Self::NotLately { last: last.to_string() },
        }
    }
}

#[derive(Debug, Serialize)]
struct PhasesObject {
    /// Empty where there is no clear pattern, or too few months to look for one.
    phases: Vec<PhaseObject>,
    boundary: Option<BoundaryObject>,
    text: Vec<String>,
}

#[derive(Debug, Serialize)]
struct BoundaryObject {
    from: String,
    to: String,
}

#[derive(Debug, Serialize)]
struct PhaseObject {
    months: Vec<String>,
    differences: Vec<DifferenceObject>,
    entries: u64,
    entries_otherwise: u64,
}

#[derive(Debug, Serialize)]
struct DifferenceObject {
    category: Option<String>,
    usual: MoneyObject,
    otherwise: MoneyObject,
}

impl PhasesObject {
    fn new(phases: &Phases, names: &Names) -> Self {
        let text = patterns::phases(phases, names);
        let Phases::Found(found) = phases else { return Self { phases: Vec::new(), boundary: None, text } };
        let boundary = found.boundary.map(|one| BoundaryObject { from: one.from.to_string(), to: one.to.to_string() });
        Self { phases: found.phases.iter().map(|phase| PhaseObject::new(phase, names)).collect(), boundary, text }
    }
}

impl PhaseObject {
    fn new(phase: &Phase, names: &Names) -> Self {
        let differences = phase.differences.iter().map(|difference| DifferenceObject {
            category: path(difference.category, names),
            usual: difference.usual.into(),
            otherwise: difference.otherwise.into(),
        });
        Self {
            months: phase.months.iter().map(ToString::to_string).collect(),
            differences: differences.collect(),
            entries: phase.entries,
            entries_otherwise: phase.entries_otherwise,
        }
    }
}

#[derive(Debug, Serialize)]
struct PricesObject {
    #[serde(flatten)]
    seller: SellerObject,
    payments: usize,
    /// Whether these are usual prices; else the most frequent amounts.
    usual: bool,
    amounts: Vec<MoneyObject>,
    text: String,
}

impl PricesObject {
    fn new(prices: &Prices, names: &Names) -> Self {
        let (usual, amounts) = match &prices.amounts {
            Amounts::Usual(amounts) => (true, amounts),
            Amounts::Frequent(amounts) => (false, amounts),
        };
        Self {
            seller: SellerObject::new(&prices.seller, names),
            payments: prices.payments,
            usual,
            amounts: amounts.iter().map(|amount| (*amount).into()).collect(),
            text: patterns::prices(prices, names),
        }
    }
}

/// A payee, or a category.
#[derive(Debug, Serialize)]
struct SellerObject {
    payee: Option<String>,
    category: Option<String>,
}

impl SellerObject {
    fn new(seller: &Seller, names: &Names) -> Self {
        match seller {
            Seller::Payee(payee) => Self { payee: Some(payee.clone()), category: None },
            Seller::Category(id) => Self { payee: None, category: path(Some(*id), names) },
        }
    }
}

#[derive(Debug, Serialize)]
struct RhythmObject {
    typical: Option<MoneyObject>,
    points: Vec<PointObject>,
}

#[derive(Debug, Serialize)]
struct PointObject {
    #[serde(flatten)]
    seller: SellerObject,
    gap_half_days: i64,
    amount: MoneyObject,
    payments: usize,
    pace: &'static str,
    large: bool,
    text: String,
}

impl PointObject {
    fn new(point: &Point, names: &Names) -> Self {
        let pace = match point.pace {
            Pace::WithinAWeek => "week",
            Pace::WithinAMonth => "month",
            Pace::Rarer => "rarer",
        };
        Self {
            seller: SellerObject::new(&point.seller, names),
            gap_half_days: point.gap_half_days,
            amount: point.amount.into(),
            payments: point.payments,
            pace,
            large: point.is_large,
            text: patterns::rhythm(point, names),
        }
    }
}

/// What `suggest` answers; all `null` where nothing is certain enough.
#[derive(Debug, Serialize)]
pub struct SuggestionObject {
    category: Option<String>,
    confidence: Option<f32>,
    corrected: Option<bool>,
}

impl SuggestionObject {
    /// Where categories have these paths.
    pub fn new(suggestion: Option<&Suggestion>, names: &Names) -> Self {
        Self {
            category: suggestion.and_then(|one| path(Some(one.category), names)),
            confidence: suggestion.map(|one| one.confidence),
            corrected: suggestion.map(|one| one.is_corrected),
        }
    }
}

fn path(category: Option<DocumentId>, names: &Names) -> Option<String> {
    names.get(&category?).cloned()
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Found => "found",
        Standing::Confirmed => "confirmed",
        Standing::Dismissed => "dismissed",
    }
}

const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Expense => "expense",
        EntryKind::Income => "income",
        EntryKind::Transfer => "transfer",
    }
}

/// A cadence as a word for programs.
pub const fn cadence(cadence: Cadence) -> &'static str {
    match cadence {
        Cadence::Weekly => "weekly",
        Cadence::Fortnightly => "fortnightly",
        Cadence::FourWeekly => "four_weekly",
        Cadence::Monthly => "monthly",
        Cadence::TwoMonthly => "two_monthly",
        Cadence::Quarterly => "quarterly",
        Cadence::HalfYearly => "half_yearly",
        Cadence::Yearly => "yearly",
    }
}

//! What is found in the spending in one currency: what to expect, when it was different, prices, and how often who is paid.

use outlay_core::insight::forecast::{
    Bounds, Due as FoundDue, Expectation as FoundExpectation, Forecast as FoundForecast,
};
use outlay_core::insight::insights::CurrencyInsights as FoundCurrency;
use outlay_core::insight::months::Target;
use outlay_core::insight::phases::{
    Boundary, Difference as FoundDifference, Found, Phase as FoundPhase, Phases as FoundPhases,
};
use outlay_core::insight::prices::{Amounts, Prices as FoundPrices, Seller as FoundSeller};
use outlay_core::insight::rhythm::{Pace, Point, Rhythm as FoundRhythm};
use outlay_core::insight::wording::patterns;
use outlay_core::{Currency, Date as CalendarDate, DocumentId, Money, Month, Named};

use super::insights::Names;

/// What is found in the spending in one currency.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CurrencyInsights {
    /// The currency of every amount here.
    pub currency: Currency,
    /// What was spent in each whole month, ascending.
    pub months: Vec<MonthSpent>,
    /// What is expected, the total first.
    pub forecasts: Vec<Forecast>,
    /// Times in which spending was different.
    pub phases: Phases,
    /// The same in English, one sentence or more.
    pub phases_text: Vec<String>,
    /// What one pays at the sellers that are paid most often, the most often paid first.
    pub prices: Vec<Prices>,
    /// How often and how much each seller is paid: those with the most payments first.
    pub rhythm: Vec<RhythmPoint>,
    /// The line between small and large payments: the median of all. Absent if there are none.
    pub typical: Option<Money>,
}

/// What was spent in a whole month.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MonthSpent {
    /// The month.
    pub month: Month,
    /// How much.
    pub spent: Money,
    /// In how many entries.
    pub count: u64,
}

/// What is expected of one currency or category in one month.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Forecast {
    /// What is forecast.
    pub target: ForecastTarget,
    /// The month that today is in.
    pub month: Month,
    /// What was spent in it up to today.
    pub spent: Money,
    /// What a whole month costs, as known before this month began.
    pub usual: Expectation,
    /// The same as a sentence in English.
    pub usual_text: String,
    /// What this month will have cost at its end.
    pub month_end: Expectation,
    /// The same as a sentence in English.
    pub month_end_text: String,
    /// Confirmed commitments that are still to be paid in this month, by date. Only of the total.
    pub due: Vec<Due>,
}

/// What a forecast is of.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum ForecastTarget {
    /// All spending of a currency.
    Total,
    /// A category of the highest level with all below it, or what has no category.
    Category {
        /// The category.
        category: Option<Named>,
    },
}

/// An amount that is expected, as exactly as the past allows.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Expectation {
    /// An amount, and the range that four of five months were in.
    Point {
        /// The expected amount.
        usual: Money,
        /// The least.
        low: Money,
        /// The most.
        high: Money,
    },
    /// Too lumpy for an amount: the range that four of five months were in.
    Range {
        /// The least.
        low: Money,
        /// The most.
        high: Money,
    },
    /// Too few whole months to say anything.
    NotEnough {
        /// How many there are.
        months: u64,
        /// How many there have to be.
        needed: u64,
    },
    /// Nothing was spent in the currency in the last six months, so what was usual before says nothing of this one.
    NotLately {
        /// The last day on which something was.
        last: CalendarDate,
    },
}

/// A confirmed commitment that is to be paid.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Due {
    /// Which.
    pub commitment: DocumentId,
    /// When.
    pub date: CalendarDate,
    /// How much, probably.
    pub amount: Money,
}

/// What the months of a currency show.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Phases {
    /// Groups of months that differ.
    Different {
        /// At least two, in the order of their first month.
        phases: Vec<Phase>,
        /// Where one phase went over into the next, if there are two and one came after the other.
        change: Option<PhaseChange>,
    },
    /// Enough months, and no clear pattern in them.
    NoClearPattern,
    /// Too few whole months, or too few categories, to look for one.
    NotEnough {
        /// How many whole months there are.
        months: u64,
        /// How many there have to be.
        needed: u64,
    },
}

/// Months that are alike.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Phase {
    /// Its months, ascending.
    pub months: Vec<Month>,
    /// What differs most from the other months, the most different first; at most three.
    pub differences: Vec<Difference>,
    /// How many entries a month had, in the median.
    pub entries: u64,
    /// How many the other months had.
    pub entries_otherwise: u64,
    /// Whether that changed so much that it may be the noting that changed: by half or to double.
    pub is_noted_differently: bool,
}

/// A category in a phase and outside of it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Difference {
    /// The category; absent for what has none.
    pub category: Option<Named>,
    /// What a month of the phase costs, in the median.
    pub usual: Money,
    /// What the other months cost.
    pub otherwise: Money,
}

/// Where one phase went over into the next.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PhaseChange {
    /// The first month of the later phase.
    pub begun: Month,
    /// The month from which on all are of the later phase; the same, if none of the earlier came after `begun`.
    pub settled: Month,
}

/// What has prices: a payee, or a category.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Seller {
    /// A payee, as written.
    Payee {
        /// Who.
        payee: String,
    },
    /// A category, without those below it.
    Category {
        /// Which.
        category: Named,
    },
}

/// What one pays at a seller.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Prices {
    /// Where.
    pub seller: Seller,
    /// How many payments this is from.
    pub payments: u64,
    /// Whether these are usual prices: amounts that were really paid, each the middle of those around it, ascending. If not,
    /// there is no clear pattern, and these are the most frequent amounts, the most frequent first; none if each was paid once.
    pub is_usual: bool,
    /// The amounts.
    pub amounts: Vec<Money>,
    /// The same as a sentence in English.
    pub text: String,
}

/// How often and how much a seller is paid.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RhythmPoint {
    /// Who, or what kind of thing.
    pub seller: Seller,
    /// The median of the days from one day with payments to the next, in half days.
    pub gap_half_days: i64,
    /// The median amount of a payment.
    pub amount: Money,
    /// How many payments there are.
    pub payments: u64,
    /// How often that is, by fixed lines.
    pub pace: Pace,
    /// Whether the amount is above the line between small and large.
    pub is_large: bool,
    /// The same as a sentence in English.
    pub text: String,
}

/// How often a seller is paid, by the fixed lines.
#[uniffi::remote(Enum)]
pub enum Pace {
    /// At most a week from one payment to the next.
    WithinAWeek,
    /// At most a month, of 31 days.
    WithinAMonth,
    /// Longer.
    Rarer,
}

impl CurrencyInsights {
    pub(super) fn of(found: FoundCurrency, names: &Names) -> Self {
        let FoundCurrency { currency, months, forecasts, phases, prices, rhythm } = found;
        let FoundRhythm { points, typical } = rhythm;
        let spent = |(month, minor, count)| MonthSpent { month, spent: Money::nearest(minor, currency), count };
        Self {
            currency,
            months: months.each().map(spent).collect(),
            forecasts: forecasts.into_iter().map(|one| Forecast::of(one, names)).collect(),
            phases_text: patterns::phases(&phases, &names.categories),
            phases: Phases::of(phases, names),
            prices: prices.into_iter().map(|one| Prices::of(one, names)).collect(),
            rhythm: points.into_iter().map(|one| RhythmPoint::of(one, names)).collect(),
            typical,
        }
    }
}

impl Forecast {
    fn of(found: FoundForecast, names: &Names) -> Self {
        let [usual_text, month_end_text] = patterns::forecast(&found, &names.categories);
        let FoundForecast { currency: _, target, month, spent, usual, month_end, commitments } = found;
        let target = match target {
            Target::Total => ForecastTarget::Total,
            Target::Category(id) => ForecastTarget::Category { category: id.map(|id| names.category(id)) },
        };
        let due = commitments.into_iter().map(Into::into).collect();
        Self { target, month, spent, usual: usual.into(), usual_text, month_end: month_end.into(), month_end_text, due }
    }
}

impl From<FoundExpectation> for Expectation {
    fn from(found: FoundExpectation) -> Self {
        match found {
            FoundExpectation::Point { usual, range: Bounds { low, high } } => Self::Point { usual, low, high },
            FoundExpectation::Range(Bounds { low, high }) => Self::Range { low, high },
            FoundExpectation::NotEnough { months, needed } => {
                Self::NotEnough { months: months as u64, needed: needed as u64 }
            }
            FoundExpectation::NotLately { last } => Self::NotLately { last },
        }
    }
}

impl From<FoundDue> for Due {
    fn from(found: FoundDue) -> Self {
        let FoundDue { commitment, date, amount } = found;
        Self { commitment: commitment.0, date, amount }
    }
}

impl Phases {
    /// How sure the statistics are is not for people, and stays there.
    fn of(found: FoundPhases, names: &Names) -> Self {
        match found {
            FoundPhases::Found(Found { phases, boundary, silhouette: _, stability: _ }) => Self::Different {
                phases: phases.into_iter().map(|phase| Phase::of(phase, names)).collect(),
                change: boundary.map(|Boundary { from, to }| PhaseChange { begun: from, settled: to }),
            },
            FoundPhases::NoClearPattern => Self::NoClearPattern,
            FoundPhases::NotEnough { months, needed } => {
                Self::NotEnough { months: months as u64, needed: needed as u64 }
            }
        }
    }
}

impl Phase {
    fn of(found: FoundPhase, names: &Names) -> Self {
        let is_noted_differently = found.is_noted_differently();
        let FoundPhase { months, differences, entries, entries_otherwise } = found;
        let difference = |FoundDifference { category, usual, otherwise }| Difference {
            category: category.map(|category| names.category(category)),
            usual,
            otherwise,
        };
        let differences = differences.into_iter().map(difference).collect();
        Self { months, differences, entries, entries_otherwise, is_noted_differently }
    }
}

impl Seller {
    fn of(found: FoundSeller, names: &Names) -> Self {
        match found {
            FoundSeller::Payee(payee) => Self::Payee { payee },
            FoundSeller::Category(category) => Self::Category { category: names.category(category) },
        }
    }
}

impl Prices {
    fn of(found: FoundPrices, names: &Names) -> Self {
        let text = patterns::prices(&found, &names.categories);
        let FoundPrices { seller, payments, amounts } = found;
        let (is_usual, amounts) = match amounts {
            Amounts::Usual(amounts) => (true, amounts),
            Amounts::Frequent(amounts) => (false, amounts),
        };
        Self { seller: Seller::of(seller, names), payments: payments as u64, is_usual, amounts, text }
    }
}

impl RhythmPoint {
    fn of(found: Point, names: &Names) -> Self {
        let text = patterns::rhythm(&found, &names.categories);
        let Point { seller, gap_half_days, amount, payments, pace, is_large } = found;
        let (seller, payments) = (Seller::of(seller, names), payments as u64);
        Self { seller, gap_half_days, amount, payments, pace, is_large, text }
    }
}

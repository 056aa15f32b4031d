//! What the entries of a ledger show: payments that come back, odd charges, trips.
//!
//! Every fact is typed, and beside it stands what it says in English. They are no mirrors: amounts are minor units of a currency
//! there and [`Money`] here, and categories are ids there and named here.

use std::collections::BTreeMap;

use outlay_core::insight::insights::{Insights as FoundInsights, OddCharge as FoundCharge};
use outlay_core::insight::odd::{Among, Reason};
use outlay_core::insight::recurring::{
    Amount, Cadence, Commitment as FoundCommitment, Payment as FoundPayment, PriceChange as FoundChange, Standing,
};
use outlay_core::insight::study::Progress as InsightProgress;
use outlay_core::insight::suggest::Suggestion as FoundSuggestion;
use outlay_core::insight::trips::{Travel, Trip as FoundTrip};
use outlay_core::insight::wording::{self, patterns};
use outlay_core::{
    Currency, Date as CalendarDate, DocumentId, Engine, EntryKind, InsightOptions, LedgerId, Money, Named, Spend,
};

use super::spending::CurrencyInsights;

/// What a person says of a ledger that its entries do not.
#[uniffi::remote(Record)]
pub struct InsightOptions {
    /// The day as of which insights are; today if there is none. Later entries do not count.
    #[uniffi(default = None)]
    pub today: Option<CalendarDate>,
    /// Categories that are no spending, with all below them: savings, for example. Forecasts and phases leave them out.
    #[uniffi(default = [])]
    pub left_out: Vec<DocumentId>,
    /// What counts as travelling; the categories whose names say so if there is none.
    #[uniffi(default = None)]
    pub travel: Option<Travel>,
}

/// What counts as travelling.
#[uniffi::remote(Record)]
pub struct Travel {
    /// Categories, with all below them.
    #[uniffi(default = [])]
    pub categories: Vec<DocumentId>,
    /// Tags.
    #[uniffi(default = [])]
    pub tags: Vec<String>,
}

/// How far insights are, in rows and what takes as long as some.
#[uniffi::remote(Record)]
pub struct InsightProgress {
    /// Steps that are done.
    pub done: u64,
    /// All steps.
    pub total: u64,
}

/// What is found in the entries of a ledger up to a day.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Insights {
    /// The day as of which it is.
    pub today: CalendarDate,
    /// How many entries there are up to that day.
    pub entries: u64,
    /// The day of the last of them: what was not noted since is not known, and nothing is said of it.
    pub last_entry: Option<CalendarDate>,
    /// Payments that come back, dismissed ones too, by kind, currency and first payment.
    pub commitments: Vec<Commitment>,
    /// The newest odd charges, the newest first; at most 50.
    pub odd: Vec<OddCharge>,
    /// Trips, the first one first.
    pub trips: Vec<Trip>,
    /// What is found in spending, for each currency, the one with the most payments first; at most four.
    pub currencies: Vec<CurrencyInsights>,
}

/// A payment that comes back.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Commitment {
    /// What it is known by for ever: the first entry that was known to be in it.
    pub id: DocumentId,
    /// Whether a person confirmed or dismissed it.
    pub standing: Standing,
    /// Whether it is paid, earned or moved.
    pub kind: EntryKind,
    /// The payee, or the note where there is none, of the last payment that has one; may be empty.
    pub name: String,
    /// The category of the last payment.
    pub category: Option<Named>,
    /// The account of the last payment.
    pub account: Option<Named>,
    /// How often.
    pub cadence: Cadence,
    /// What the next payment costs.
    pub amount: CommitmentAmount,
    /// Every payment, by date.
    pub payments: Vec<Payment>,
    /// When the next one is expected; absent once it has stopped, and where nothing at all was noted in half a year.
    pub next: Option<CalendarDate>,
    /// When a payment was expected and did not come while others were noted, ascending; not after it has stopped.
    pub missed: Vec<CalendarDate>,
    /// When the price changed, ascending.
    pub price_changes: Vec<PriceChange>,
    /// All of it in English: a sentence, one more for a payment that was missed lately, and one for the last change of price.
    pub text: Vec<String>,
}

/// What is known of whether a payment that comes back is a commitment.
#[uniffi::remote(Enum)]
pub enum Standing {
    /// Found, and nobody has said anything of it.
    Found,
    /// A person confirmed it.
    Confirmed,
    /// A person dismissed it; it is there so that this can be undone, and is not to be shown otherwise.
    Dismissed,
}

/// How often a payment comes back.
#[uniffi::remote(Enum)]
pub enum Cadence {
    /// Every 7 days.
    Weekly,
    /// Every 14 days.
    Fortnightly,
    /// Every 28 days.
    FourWeekly,
    /// Every month.
    Monthly,
    /// Every second month.
    TwoMonthly,
    /// Every third month.
    Quarterly,
    /// Every sixth month.
    HalfYearly,
    /// Every twelfth month.
    Yearly,
}

/// What a payment costs.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum CommitmentAmount {
    /// The same each time.
    Fixed {
        /// How much.
        amount: Money,
    },
    /// From the least to the most of the last six, and their median.
    Varying {
        /// The least.
        low: Money,
        /// The median.
        typical: Money,
        /// The most.
        high: Money,
    },
}

/// One payment of a commitment.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Payment {
    /// The entry.
    pub id: DocumentId,
    /// Its date.
    pub date: CalendarDate,
    /// How much.
    pub amount: Money,
}

/// A price that was steady and is another since.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PriceChange {
    /// The first payment at the new price.
    pub id: DocumentId,
    /// Its date.
    pub date: CalendarDate,
    /// The price before.
    pub before: Money,
    /// The price since.
    pub after: Money,
}

/// A charge and what is odd about it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OddCharge {
    /// The entry.
    pub id: DocumentId,
    /// Its date.
    pub date: CalendarDate,
    /// How much.
    pub amount: Money,
    /// Who was paid; may be empty.
    pub payee: String,
    /// Its note; may be empty.
    pub note: String,
    /// Its category.
    pub category: Option<Named>,
    /// What is odd, at least one.
    pub oddities: Vec<Oddity>,
}

/// What is odd about a charge.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Oddity {
    /// What it is.
    pub reason: OddReason,
    /// The same as a sentence in English.
    pub text: String,
}

/// Why a charge is odd.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum OddReason {
    /// It is much more than usual.
    Amount {
        /// How much is usual: the median of the last ones.
        usual: Money,
        /// Among what.
        among: Among,
    },
    /// It is filed where such charges are not filed.
    Category {
        /// The topmost category that it is in.
        filed: Named,
        /// Where charges like it are.
        likely: Named,
    },
    /// It was probably entered or booked twice.
    Duplicate {
        /// The earlier one.
        earlier: DocumentId,
        /// How many days lie between: 0 on the same day.
        days: u8,
    },
    /// A commitment costs more than it did.
    PriceRise {
        /// What it cost before, two times at least.
        before: Money,
    },
}

/// Which charges an amount is compared with.
#[uniffi::remote(Enum)]
pub enum Among {
    /// Those of the same payee and note.
    Payee,
    /// Those of the same category.
    Category,
    /// All.
    All,
}

/// Days of travelling, and what they cost.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Trip {
    /// The first day.
    pub first: CalendarDate,
    /// The last day.
    pub last: CalendarDate,
    /// The entries that show it, by date.
    pub entries: Vec<DocumentId>,
    /// What those entries cost together, one sum for each currency, by currency.
    pub spent: Vec<Money>,
    /// The same as a sentence in English.
    pub text: String,
}

/// A category for an entry.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Suggestion {
    /// The category.
    pub category: Named,
    /// How sure the learner is, from 0 to 1: how much likelier it believes this one than the next. Not how often it is right,
    /// and nothing to be shown.
    pub confidence: f32,
    /// Whether the person filed an entry of the same text so, against what was suggested.
    pub is_corrected: bool,
    /// The category and where it comes from, in English.
    pub text: String,
}

/// What the accounts and categories of a ledger are called.
pub(crate) struct Names {
    /// Categories, for sentences.
    pub(super) categories: wording::Names,
    accounts: BTreeMap<DocumentId, String>,
}

impl Names {
    pub(crate) fn of(engine: &Engine, ledger: LedgerId) -> outlay_core::Result<Self> {
        let called = |things: Vec<Named>| things.into_iter().map(|named| (named.id, named.name)).collect();
        Ok(Self { categories: called(engine.categories(ledger)?), accounts: called(engine.accounts(ledger)?) })
    }

    /// A category; its name is empty if it is not held.
    pub(super) fn category(&self, id: DocumentId) -> Named {
        Named { id, name: self.categories.get(&id).cloned().unwrap_or_default() }
    }

    fn account(&self, id: DocumentId) -> Named {
        Named { id, name: self.accounts.get(&id).cloned().unwrap_or_default() }
    }
}

impl Insights {
    pub(crate) fn of(found: FoundInsights, names: &Names) -> Self {
        let FoundInsights { today, entries, last_entry, commitments, odd, trips, currencies } = found;
        Self {
            today,
            entries: entries as u64,
            last_entry,
            commitments: commitments.into_iter().map(|one| Commitment::of(one, names)).collect(),
            odd: odd.into_iter().map(|one| OddCharge::of(one, names)).collect(),
            trips: trips.into_iter().map(Into::into).collect(),
            currencies: currencies.into_iter().map(|one| CurrencyInsights::of(one, names)).collect(),
        }
    }
}

impl Commitment {
    fn of(found: FoundCommitment, names: &Names) -> Self {
        let text = patterns::commitment(&found, &names.categories);
        let FoundCommitment {
            id,
            standing,
            kind,
            currency,
            name,
            category,
            account,
            cadence,
            amount,
            payments,
            next,
            missed,
            price_changes,
        } = found;
        Self {
            id: id.0,
            standing,
            kind,
            name,
            category: category.map(|category| names.category(category)),
            account: account.map(|account| names.account(account)),
            cadence,
            amount: CommitmentAmount::of(amount, currency),
            payments: payments.into_iter().map(|one| Payment::of(one, currency)).collect(),
            next,
            missed,
            price_changes: price_changes.into_iter().map(|one| PriceChange::of(one, currency)).collect(),
            text,
        }
    }
}

impl CommitmentAmount {
    fn of(found: Amount, currency: Currency) -> Self {
        let money = |minor| Money::nearest(minor, currency);
        match found {
            Amount::Fixed(amount) => Self::Fixed { amount: money(amount) },
            Amount::Varying { low, typical, high } => {
                Self::Varying { low: money(low), typical: money(typical), high: money(high) }
            }
        }
    }
}

impl Payment {
    fn of(found: FoundPayment, currency: Currency) -> Self {
        let FoundPayment { entry, date, minor } = found;
        Self { id: entry, date, amount: Money::nearest(minor, currency) }
    }
}

impl PriceChange {
    fn of(found: FoundChange, currency: Currency) -> Self {
        let FoundChange { entry, date, before, after } = found;
        Self { id: entry, date, before: Money::nearest(before, currency), after: Money::nearest(after, currency) }
    }
}

impl OddCharge {
    fn of(found: FoundCharge, names: &Names) -> Self {
        let FoundCharge { charge, reasons } = found;
        let oddity = |reason: Reason| {
            let text = wording::reason(&charge, &reason, &names.categories);
            Oddity { reason: OddReason::of(reason, names), text }
        };
        let oddities = reasons.into_iter().map(oddity).collect();
        let Spend { id, date, kind: _, amount, payee, note, category, account: _, tags: _ } = charge;
        let category = category.map(|category| names.category(category));
        Self { id, date, amount, payee, note, category, oddities }
    }
}

impl OddReason {
    /// What it costs now is the amount of the charge.
    fn of(found: Reason, names: &Names) -> Self {
        match found {
            Reason::Amount { amount: _, usual, among } => Self::Amount { usual, among },
            Reason::Category { filed, likely } => {
                Self::Category { filed: names.category(filed), likely: names.category(likely) }
            }
            Reason::Duplicate { of, days } => Self::Duplicate { earlier: of, days },
            Reason::PriceRise { was, now: _ } => Self::PriceRise { before: was },
        }
    }
}

impl From<FoundTrip> for Trip {
    fn from(found: FoundTrip) -> Self {
        let text = patterns::trip(&found);
        let FoundTrip { from, to, entries, spent } = found;
        Self { first: from, last: to, entries, spent, text }
    }
}

impl Suggestion {
    pub(crate) fn of(found: FoundSuggestion, names: &Names) -> Self {
        let text = wording::suggestion(&found, &names.categories);
        let FoundSuggestion { category, confidence, is_corrected } = found;
        Self { category: names.category(category), confidence, is_corrected, text }
    }
}

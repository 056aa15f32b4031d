//! Commitments: payments that come back, from weekly to yearly.
//!
//! A commitment is a chain of rows a period apart that is too regular to be chance (see `recurring/chain.rs`). Rows are
//! compared within groups that have something in common: the name, the category and the amount, the category alone, or
//! the account and the amount. So a commitment is found when its amount varies, its name changes or its date shifts.
//! Payments out, income and transfers are searched apart, and so is each currency.
//!
//! A commitment is named by an entry in it. What a person decided of it stands in an entry too and holds for whichever
//! commitment that is in, so it survives later rows, other names and a longer past; if the entry is gone, what the
//! payment was called still tells. Nothing here says that a payment is due by contract.

mod chain;
mod facts;
mod join;
mod row;
mod search;

use outlay_ledger::expense::Decision;
use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, DocumentId, EntryKind};

pub use crate::calendar::Cadence;
pub use search::Search;

/// A commitment, for ever: the first entry that was known to be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitmentId(pub DocumentId);

/// What a person decided, and the entry it stands in. It holds for whichever commitment the entry is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// The entry.
    pub entry: DocumentId,
    /// The decision.
    pub decision: Decision,
    /// What the payment is called, by [`fingerprint`], so that the decision holds for others of that name once the entry is
    /// in the trash; 0 if that is not known.
    pub fingerprint: u64,
}

/// What a payment is called or, if it has no name, where it is booked, as a number that stays the same in every version.
/// Names that differ in numbers, case and punctuation have the same one. 0 for neither name nor category.
///
/// ```
/// use outlay_insight::recurring::fingerprint;
/// assert_eq!(fingerprint("Netflix", "", None), fingerprint("NETFLIX 10/2024", "a note", None));
/// assert_ne!(fingerprint("Netflix", "", None), fingerprint("Spotify", "", None));
/// ```
pub fn fingerprint(payee: &str, note: &str, category: Option<DocumentId>) -> u64 {
    row::called(row::fingerprint(&row::words(row::name(payee, note))), category)
}

/// What is known of whether it is a commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Found, and nobody has said anything of it.
    Found,
    /// A person confirmed it.
    Confirmed,
    /// A person dismissed it; it is there so that this can be undone, and is not to be shown otherwise.
    Dismissed,
}

/// A payment that comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// Its name for ever.
    pub id: CommitmentId,
    /// Whether a person confirmed or dismissed it.
    pub standing: Standing,
    /// Whether it is paid, earned or moved.
    pub kind: EntryKind,
    /// The currency of every amount here.
    pub currency: Currency,
    /// The payee, or the note where there is none, of the last payment that has one.
    pub name: String,
    /// The category of the last payment.
    pub category: Option<DocumentId>,
    /// The account of the last payment.
    pub account: Option<DocumentId>,
    /// How often.
    pub cadence: Cadence,
    /// What the next payment costs.
    pub amount: Amount,
    /// Every payment, by date.
    pub payments: Vec<Payment>,
    /// When the next one is expected; `None` once it has stopped, and where nothing at all was noted in half a year.
    pub next: Option<Date>,
    /// When a payment was expected and did not come while others were noted, ascending; not after it has stopped.
    pub missed: Vec<Date>,
    /// When the price changed, ascending.
    pub price_changes: Vec<PriceChange>,
}

/// One payment of a commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// The entry.
    pub entry: DocumentId,
    /// Its date.
    pub date: Date,
    /// Its amount in minor units.
    pub minor: i64,
}

/// What a payment costs, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// The same each time.
    Fixed(i64),
    /// From the least to the most of the last six, and their median.
    Varying {
        /// The least.
        low: i64,
        /// The median.
        typical: i64,
        /// The most.
        high: i64,
    },
}

/// A price that was steady and is another since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceChange {
    /// The first payment at the new price.
    pub entry: DocumentId,
    /// The date of the first payment at the new price.
    pub date: Date,
    /// The price before, in minor units.
    pub before: i64,
    /// The price since, in minor units.
    pub after: i64,
}

impl Amount {
    /// The one number to reckon with, in minor units.
    pub const fn expected(self) -> i64 {
        match self {
            Self::Fixed(minor) | Self::Varying { typical: minor, .. } => minor,
        }
    }
}

/// The commitments in these rows, by kind, currency and first payment. Rows after `today` do not count. Of several
/// decisions on one commitment, the one in its latest payment holds.
///
/// ```
/// use outlay_insight::recurring::{Amount, Cadence, recurring};
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
/// let [netflix] = found.as_slice() else { return Err("one commitment".into()) };
/// assert_eq!((netflix.name.as_str(), netflix.cadence, netflix.amount), ("Netflix", Cadence::Monthly, Amount::Fixed(1299)));
/// assert_eq!(netflix.next, Some(Date::parse("2024-07-12")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn recurring(rows: &[Spend], today: Date, decisions: &[Decided]) -> Vec<Commitment> {
    Search::of(rows).commitments(today, decisions)
}

//! Odd charges: one detector for each kind, each with its reason.
//!
//! | reason | found by |
//! |---|---|
//! | an amount out of line for its payee, else its category | `amount`: the last amounts there |
//! | an unlikely category | what the [`Suggester`] believes of the row |
//! | a probable duplicate | `repeat`: the same amount and payee within days, where that is rare |
//! | a price rise | the price changes of a commitment |
//!
//! All but the last judge a charge by what came before it, in one pass over the rows or one by one as they are entered,
//! with memory that does not grow. What was judged is learnt, so what a person keeps doing is soon not odd.
//!
//! A person is shown reasons, never a score. Money back is not judged.

mod amount;
mod keys;
mod repeat;
#[cfg(test)]
mod tests;

use outlay_ledger::spend::Spend;
use outlay_ledger::{Date, DocumentId, EntryKind, Money};

use crate::recurring::Commitment;
use crate::suggest::{self, Look, Suggester};
use amount::Amounts;
use keys::Keys;
use repeat::{Repeats, Repetition};

/// What share of charges like it, at most, may be as large for its amount to be named, in nats: one in twenty. It must also
/// be rare among all that the person spends.
const RARE_NATS: f32 = 3.0;
/// How much likelier another category must be for it to be named: a hundred times, in nats.
const UNLIKELY_NATS: f32 = 4.6;
/// How rare repetitions must be for one to be named: one in twenty, in nats. A mistake of this kind costs its whole amount, but
/// who counts it must care: one of less than the person usually spends at once is not named.
const RARE_REPEAT_NATS: f32 = 3.0;
/// An amount is named when it is at least this many times the usual one: below it, rare as it may be, nobody minds.
const TIMES_MIN: i64 = 2;
/// What is believed at least of the category that a row has: the suggester has erred before. Of 0.001 to 0.01, all alike.
const BELIEF_MIN: f32 = 0.003;
/// Rows of a category at which half of what speaks against it counts: it must have been learnt to be unlikely.
const LEARNT: f32 = 3.0;

/// A charge and what is odd about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Odd {
    /// The entry.
    pub id: DocumentId,
    /// Its date.
    pub date: Date,
    /// What is odd, at least one.
    pub reasons: Vec<Reason>,
}

/// What is odd about a charge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// It is much more than usual.
    Amount {
        /// How much it is.
        amount: Money,
        /// How much is usual: the median of the last ones.
        usual: Money,
        /// Among what.
        among: Among,
    },
    /// It is filed where such charges are not filed.
    Category {
        /// The topmost category that it is in.
        filed: DocumentId,
        /// Where charges like it are.
        likely: DocumentId,
    },
    /// It was probably entered or booked twice.
    Duplicate {
        /// The earlier one.
        of: DocumentId,
        /// How many days lie between: 0 on the same day.
        days: u8,
    },
    /// A commitment costs more than it did.
    PriceRise {
        /// What it cost before, two times at least.
        was: Money,
        /// What it costs now.
        now: Money,
    },
}

/// Which charges an amount is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Those of the same payee and note.
    Payee,
    /// Those of the same category.
    Category,
    /// All.
    All,
}

/// How surprising a charge is by each detector, in nats: the negative logarithm of how often such a one occurs. It serves to
/// measure the detectors; it is not shown to anybody.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Surprise {
    /// By its amount.
    pub amount: f32,
    /// By its category.
    pub category: f32,
    /// As a repetition.
    pub duplicate: f32,
}

impl Surprise {
    /// That of the strangest.
    pub fn most(&self) -> f32 {
        self.amount.max(self.category).max(self.duplicate)
    }
}

/// Judges charges one after the other, oldest first: each by what it has learnt until then.
///
/// It is kept in memory only, two megabytes at most. To have it again, let it learn the newest [`suggest::ROWS_MAX`] charges,
/// which takes a tenth of a second.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    amounts: Amounts,
    repeats: Repeats,
}

/// A watch with the suggester that it asks, which go over rows together.
#[derive(Debug, Clone, PartialEq)]
pub struct Judge {
    watch: Watch,
    suggester: Suggester,
}

/// What a charge may change of a judge, as it was before: nothing, if it is not judged.
#[derive(Debug, Clone)]
pub(crate) struct Before(Option<(amount::Before, repeat::Before, suggest::Before)>);

impl Judge {
    /// One that has seen nothing.
    pub fn new() -> Self {
        Self { watch: Watch::new(), suggester: Suggester::new(EntryKind::Expense) }
    }

    /// What is odd about a charge, which is learnt then. `top` is the topmost category above its own, or its own.
    pub fn take(&mut self, row: &Spend, top: Option<DocumentId>) -> Vec<Reason> {
        if !is_judged(row) {
            return Vec::new();
        }
        let (keys, look) = (Keys::of(row, top), self.suggester.look(row));
        let reasons = self.watch.judge(row, top, &keys, &self.suggester, &look);
        self.watch.learn_keyed(row, &keys);
        self.suggester.learn_looked(row, top, &look);
        reasons
    }

    /// What taking a charge will change.
    pub(crate) fn before(&self, row: &Spend, top: Option<DocumentId>) -> Before {
        Before(is_judged(row).then(|| {
            let (keys, Watch { amounts, repeats }) = (Keys::of(row, top), &self.watch);
            (amounts.before(&keys), repeats.before(&keys), self.suggester.before(row))
        }))
    }

    /// Takes back the last charge that was taken.
    pub(crate) fn restore(&mut self, Before(before): Before) {
        let Some((amounts, repeats, suggester)) = before else { return };
        self.watch.amounts.restore(amounts);
        self.watch.repeats.restore(repeats);
        self.suggester.restore(suggester);
    }

    /// What was learnt of topmost categories.
    pub fn suggester(&self) -> &Suggester {
        &self.suggester
    }
}

impl Default for Judge {
    fn default() -> Self {
        Self::new()
    }
}

/// What is odd among the newest [`suggest::ROWS_MAX`] of these rows, oldest first, whatever order they come in. `top` gives the
/// topmost category above one, or itself. What is odd about a commitment is told by [`rises`].
///
/// ```
/// use outlay_insight::odd::{Among, Reason, find};
/// use outlay_ledger::spend::Spend;
/// use outlay_ledger::{Date, DocumentId, EntryKind, Money};
///
/// let lunch = |number: u8, amount: &str| Spend {
///     id: DocumentId([number; 16]), date: Date::from_days(20_000 + 7 * i32::from(number)).unwrap(),
///     kind: EntryKind::Expense, amount: Money::parse_with_currency(amount).unwrap(), payee: "Corner Café".into(),
///     note: String::new(), category: Some(DocumentId([1; 16])), account: None, tags: vec![],
/// };
/// let mut rows: Vec<Spend> = (0..120).map(|number| lunch(number, "9.50 EUR")).collect();
/// assert_eq!(find(&rows, |category| category), []);
///
/// rows.push(lunch(120, "95.00 EUR"));
/// let odd = find(&rows, |category| category);
/// let (amount, usual) = (rows[120].amount, rows[0].amount);
/// assert_eq!(odd[0].reasons, [Reason::Amount { amount, usual, among: Among::Payee }]);
/// ```
pub fn find(rows: &[Spend], top: impl Fn(DocumentId) -> DocumentId) -> Vec<Odd> {
    let mut judge = Judge::new();
    let odd = suggest::newest(rows).into_iter().filter_map(|row| {
        let reasons = judge.take(row, row.category.map(&top));
        (!reasons.is_empty()).then_some(Odd { id: row.id, date: row.date, reasons })
    });
    odd.collect()
}

/// The price rises of a commitment, the first one first.
pub fn rises(commitment: &Commitment) -> Vec<Odd> {
    let money = |minor| Money::nearest(minor, commitment.currency);
    let rises = commitment.price_changes.iter().filter(|change| change.after > change.before);
    let odd = rises.map(|change| {
        let reasons = vec![Reason::PriceRise { was: money(change.before), now: money(change.after) }];
        Odd { id: change.entry, date: change.date, reasons }
    });
    odd.collect()
}

impl Watch {
    /// A watch that has seen nothing.
    pub fn new() -> Self {
        Self { amounts: Amounts::new(), repeats: Repeats::new() }
    }

    /// What is odd about a charge that was not learnt yet, nor by the suggester. `top` is the topmost category above its own, or its
    /// own; the suggester learns those.
    pub fn reasons(&self, row: &Spend, top: Option<DocumentId>, suggester: &Suggester) -> Vec<Reason> {
        if !is_judged(row) {
            return Vec::new();
        }
        self.judge(row, top, &Keys::of(row, top), suggester, &suggester.look(row))
    }

    /// How surprising a charge is, for who measures the detectors.
    pub fn surprise(&self, row: &Spend, top: Option<DocumentId>, suggester: &Suggester) -> Surprise {
        if !is_judged(row) {
            return Surprise::default();
        }
        let keys = Keys::of(row, top);
        let unlikely = self.unlikely(top, &keys, suggester, &suggester.look(row));
        Surprise {
            amount: nats(self.amounts.share(&keys, row.amount.minor())),
            category: unlikely.map_or(0.0, |(_, nats)| nats),
            duplicate: self.repeats.of(row, &keys).map_or(0.0, |repetition| nats(repetition.rate)),
        }
    }

    /// Learns a charge. What is not spent changes nothing.
    pub fn learn(&mut self, row: &Spend, top: Option<DocumentId>) {
        if is_judged(row) {
            self.learn_keyed(row, &Keys::of(row, top));
        }
    }

    fn learn_keyed(&mut self, row: &Spend, keys: &Keys) {
        self.amounts.learn(keys, row.amount.minor());
        self.repeats.learn(row, keys);
    }

    fn judge(
        &self,
        row: &Spend,
        top: Option<DocumentId>,
        keys: &Keys,
        suggester: &Suggester,
        look: &Look,
    ) -> Vec<Reason> {
        let unlikely = self.unlikely(top, keys, suggester, look);
        // Another category is named only where the suggester would speak.
        let category = unlikely.filter(|(likely, nats)| {
            *nats >= UNLIKELY_NATS && suggester.suggest(row).is_some_and(|one| one.category == *likely)
        });
        let category = category.zip(top).map(|((likely, _), filed)| Reason::Category { filed, likely });
        [self.amount(row, keys), category, self.duplicate(row, keys)].into_iter().flatten().collect()
    }

    fn amount(&self, row: &Spend, keys: &Keys) -> Option<Reason> {
        let (usual, among) = self.amounts.usual(keys)?;
        let share = self.amounts.share(keys, row.amount.minor());
        let is_much = row.amount.minor() / TIMES_MIN >= usual;
        let is_odd = is_much && nats(share) >= RARE_NATS && self.amounts.is_rare(share);
        let usual = Money::new(usual, row.amount.currency()).ok()?;
        is_odd.then_some(Reason::Amount { amount: row.amount, usual, among })
    }

    fn duplicate(&self, row: &Spend, keys: &Keys) -> Option<Reason> {
        let Repetition { of, days, rate } = self.repeats.of(row, keys)?;
        let is_much = self.amounts.usual_of_all(keys).is_some_and(|usual| row.amount.minor() >= usual);
        (is_much && nats(rate) >= RARE_REPEAT_NATS).then_some(Reason::Duplicate { of, days })
    }

    /// The likeliest other category, and how much likelier it is than that of the row, in nats.
    #[allow(clippy::cast_precision_loss)] // A count of at most sixteen.
    fn unlikely(
        &self,
        top: Option<DocumentId>,
        keys: &Keys,
        suggester: &Suggester,
        look: &Look,
    ) -> Option<(DocumentId, f32)> {
        let (likely, belief, own) = suggester.rival(look, top?)?;
        let count = self.amounts.count(keys) as f32;
        let lead = libm::logf(belief / (own + BELIEF_MIN)).max(0.0);
        Some((likely, lead * count / (count + LEARNT)))
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a row is money spent.
fn is_judged(row: &Spend) -> bool {
    row.kind == EntryKind::Expense && row.amount.minor() > 0
}

/// How surprising something is that happens so often.
fn nats(share: f32) -> f32 {
    -libm::logf(share)
}

//! Which category an entry belongs to, learnt from the person's own entries and corrections, on the device.
//!
//! The learner is a multinomial logistic regression over hashed features of payee, note, account and amount, one step of
//! AdaGrad for each entry. It is deterministic: the same entries in the same order give the same learner, to the bit, on
//! every machine. It takes about a megabyte, however much it has seen.
//!
//! It is silent below a confidence that it learns from its own past: before it learns an entry it says what it would have
//! suggested, and only where nine in ten such suggestions were right does it speak.
//!
//! What a person corrected is remembered apart from the statistics, and no later entry of another text can undo it.
//!
//! It writes no category to any entry; it knows no names and no tree of categories. Who wants suggestions from the top of a
//! tree learns with the topmost category of each row.

mod features;
#[cfg(test)]
mod tests;
mod trust;
mod weights;

use std::collections::VecDeque;

use outlay_ledger::spend::Spend;
use outlay_ledger::{DocumentId, EntryKind};

use crate::hash::Hash;
use features::Feature;
use trust::Trust;
use weights::{Places, Weights};

/// Categories that are told apart. Who has more has a list of names, no categories; later ones are not learnt.
pub const CATEGORIES_MAX: usize = 512;
/// Corrections that are remembered; the oldest gives way.
pub const CORRECTIONS_MAX: usize = 1024;
/// The first byte of a stored learner. What it learns from is kept, so an older one is thrown away and learnt again.
const FORMAT: u8 = 1;
/// How far a belief must be off to be worth a step: below it the step is smaller than what it would displace.
const ERROR_MIN: f32 = 0.02;
/// Rows that a learner is made of, the newest: ten a day for nearly three years. What is older has been outweighed since.
pub const ROWS_MAX: usize = 10_000;
/// Whoever follows a ledger learns all anew when the first of those rows is another one, so it moves on by this many at once.
const ROWS_STEP: usize = 1_024;
/// Steps that a correction may take until it is what would be suggested; AdaGrad's get shorter, so more would not help.
const CORRECTION_STEPS_MAX: usize = 8;

/// A category for an entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suggestion {
    /// The category.
    pub category: DocumentId,
    /// How sure the learner is, from 0 to 1: how much likelier it believes this one than the next. Not how often it is right.
    pub confidence: f32,
    /// Whether the person filed an entry of the same text so, against what was suggested.
    pub is_corrected: bool,
}

/// What was learnt from entries of one kind.
///
/// ```
/// use outlay_insight::suggest::Suggester;
/// use outlay_ledger::spend::Spend;
/// use outlay_ledger::{Date, DocumentId, EntryKind, Money};
///
/// let (food, home) = (DocumentId([1; 16]), DocumentId([2; 16]));
/// let mut row = Spend {
///     id: DocumentId([9; 16]), date: Date::parse("2024-10-04")?, kind: EntryKind::Expense,
///     amount: Money::parse_with_currency("3.40 EUR")?, payee: "Corner Café".into(), note: String::new(),
///     category: Some(food), account: None, tags: vec![],
/// };
/// let mut learner = Suggester::new(EntryKind::Expense);
/// assert_eq!(learner.suggest(&row), None, "it has seen nothing");
///
/// for _ in 0..15 {
///     (row.payee, row.category) = ("Corner Café".into(), Some(food));
///     learner.learn(&row);
///     (row.payee, row.category) = ("Stadtwerke".into(), Some(home));
///     learner.learn(&row);
/// }
/// row.payee = "CORNER CAFE 0481".into();
/// assert_eq!(learner.suggest(&row).map(|one| one.category), Some(food));
///
/// // What the person says counts from the first time.
/// row.category = Some(home);
/// learner.correct(&row);
/// assert_eq!(learner.suggest(&row).map(|one| (one.category, one.is_corrected)), Some((home, true)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Suggester {
    kind: EntryKind,
    categories: Vec<DocumentId>,
    weights: Weights,
    trust: Trust,
    corrections: VecDeque<Correction>,
}

/// What a learner makes of a row.
#[derive(Debug)]
pub(crate) struct Look {
    features: Vec<Feature>,
    /// How likely each class is.
    beliefs: Vec<f32>,
}

/// What learning a row may change of a learner, as it was before.
#[derive(Debug, Clone)]
pub(crate) struct Before {
    categories: Vec<DocumentId>,
    places: Places,
    trust: Trust,
    corrections: VecDeque<Correction>,
}

/// How entries of one text are to be filed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Correction {
    text: Hash,
    class: u16,
}

impl Suggester {
    /// A learner of expenses, or of income. Transfers have no categories.
    pub fn new(kind: EntryKind) -> Self {
        let (weights, trust) = (Weights::new(), Trust::new());
        Self { kind, categories: Vec::new(), weights, trust, corrections: VecDeque::new() }
    }

    /// A learner of the newest [`ROWS_MAX`] of these rows, oldest first, whatever order they come in.
    pub fn of(kind: EntryKind, rows: &[Spend]) -> Self {
        let mut learner = Self::new(kind);
        newest(rows).into_iter().for_each(|row| learner.learn(row));
        learner
    }

    /// Learns a row as the person filed it. A row of another kind or without a category changes nothing.
    pub fn learn(&mut self, row: &Spend) {
        self.learn_in(row, row.category);
    }

    /// Learns a row as if it were filed in another category, such as the topmost above its own.
    pub fn learn_in(&mut self, row: &Spend, category: Option<DocumentId>) {
        if self.teaches(row, category) {
            let look = self.look(row);
            self.learn_looked(row, category, &look);
        }
    }

    /// Learns a row as the person filed it: as a correction, if that is not what would have been suggested.
    pub fn file(&mut self, row: &Spend) {
        let suggested = row.category.and_then(|_| self.suggest(row));
        if suggested.is_some_and(|suggested| Some(suggested.category) != row.category) {
            self.correct(row);
        } else {
            self.learn(row);
        }
    }

    /// Learns a row whose category the person changed or chose against a suggestion: from now on it is what is suggested
    /// for this text, until the person files the text otherwise. A text of no words is only learnt.
    pub fn correct(&mut self, row: &Spend) {
        self.correct_in(row, row.category);
    }

    /// Learns a correction as if the row were filed in another category, such as the topmost above its own.
    pub fn correct_in(&mut self, row: &Spend, category: Option<DocumentId>) {
        let Some(class) = category.filter(|_| self.teaches(row, category)).and_then(|category| self.admit(category))
        else {
            return;
        };
        for _ in 0..CORRECTION_STEPS_MAX {
            let look = self.look(row);
            if top_two(&look.beliefs).0 == Some(class) {
                break;
            }
            self.step(&look, class);
        }
        self.withdraw(row, class);
        let Some(text) = Hash::of_text(row) else { return };
        self.corrections.retain(|correction| correction.text != text);
        self.corrections.push_back(Correction { text, class });
        if self.corrections.len() > CORRECTIONS_MAX {
            self.corrections.pop_front();
        }
    }

    /// Never suggests a category again, such as one that was deleted, until a row is filed in it.
    pub fn forget(&mut self, category: DocumentId) {
        let Some(class) = self.class(category) else { return };
        self.weights.forget(class);
        self.corrections.retain(|correction| correction.class != class);
        // Its place stays, so that the others keep theirs; nobody has the id of all zeros.
        if let Some(place) = self.categories.get_mut(usize::from(class)) {
            *place = NOBODY;
        }
    }

    /// The category of a row, if its past says that such a suggestion is right nine times in ten. The row's own category
    /// is not looked at.
    pub fn suggest(&self, row: &Spend) -> Option<Suggestion> {
        let best = self.best(row)?;
        let is_sure = best.is_corrected || best.confidence >= self.threshold()?;
        is_sure.then_some(best)
    }

    /// The likeliest category of a row, however unsure: for a list to choose from, never to be filled in.
    pub fn best(&self, row: &Spend) -> Option<Suggestion> {
        if row.kind != self.kind {
            return None;
        }
        if let Some(class) = self.corrected(row) {
            let category = *self.categories.get(usize::from(class))?;
            return Some(Suggestion { category, confidence: 1.0, is_corrected: true });
        }
        let Look { beliefs, .. } = self.look(row);
        let (first, second) = top_two(&beliefs);
        let category = *self.categories.get(usize::from(first?)).filter(|category| **category != NOBODY)?;
        Some(Suggestion { category, confidence: lead(&beliefs, first, second), is_corrected: false })
    }

    /// Every category with how likely it is believed, likeliest first. They sum to 1.
    pub fn ranking(&self, row: &Spend) -> Vec<(DocumentId, f32)> {
        let Look { beliefs, .. } = self.look(row);
        let known = self.categories.iter().copied().zip(beliefs).filter(|(category, _)| *category != NOBODY);
        let mut ranking: Vec<_> = known.collect();
        ranking.sort_by(|left, right| right.1.total_cmp(&left.1));
        ranking
    }

    /// The confidence from which it speaks. `None` while it does not know one.
    pub fn threshold(&self) -> Option<f32> {
        self.trust.threshold()
    }

    /// The learner as bytes, to be kept on a device: one megabyte at most, a third of it after two thousand entries.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT, u8::from(self.kind == EntryKind::Income)];
        self.trust.write(&mut bytes);
        put_count(&mut bytes, self.categories.len());
        self.categories.iter().for_each(|category| bytes.extend(category.0));
        put_count(&mut bytes, self.corrections.len());
        for correction in &self.corrections {
            bytes.extend(correction.text.0.to_le_bytes());
            bytes.extend(correction.class.to_le_bytes());
        }
        self.weights.write(&mut bytes);
        bytes
    }

    /// Reads what [`Self::to_bytes`] gave. `None` for anything else, also of an older version: it is learnt again then.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let ([FORMAT, kind @ 0..=1], rest) = bytes.split_first_chunk()? else { return None };
        let kind = if *kind == 1 { EntryKind::Income } else { EntryKind::Expense };
        let (trust, rest) = Trust::read(rest)?;
        let (categories, rest) = take_list(rest, CATEGORIES_MAX, |id: [u8; 16]| Some(DocumentId(id)))?;
        let (corrections, rest) =
            take_list(rest, CORRECTIONS_MAX, |bytes: [u8; 10]| read_correction(&bytes, categories.len()))?;
        let weights = Weights::read(rest, categories.len())?;
        Some(Self { kind, categories, weights, trust, corrections: corrections.into() })
    }

    /// What it makes of a row.
    pub(crate) fn look(&self, row: &Spend) -> Look {
        let features = features::of(row);
        let beliefs = self.beliefs(&features);
        Look { features, beliefs }
    }

    /// What learning a row will change.
    pub(crate) fn before(&self, row: &Spend) -> Before {
        Before {
            categories: self.categories.clone(),
            places: self.weights.places(&features::of(row)),
            trust: self.trust.clone(),
            corrections: self.corrections.clone(),
        }
    }

    /// Takes back the last row that was learnt.
    pub(crate) fn restore(&mut self, before: Before) {
        let Before { categories, places, trust, corrections } = before;
        self.weights.put_back(places);
        (self.categories, self.trust, self.corrections) = (categories, trust, corrections);
    }

    /// The likeliest category but this one, and how likely it and this one are. `None` if this one has not been learnt.
    pub(crate) fn rival(&self, look: &Look, category: DocumentId) -> Option<(DocumentId, f32, f32)> {
        let class = self.class(category)?;
        let (first, second) = top_two(&look.beliefs);
        let rival = usize::from(if first == Some(class) { second? } else { first? });
        let belief = |class: usize| look.beliefs.get(class).copied();
        Some((*self.categories.get(rival)?, belief(rival)?, belief(usize::from(class))?))
    }

    /// Learns a row at which it has just looked.
    pub(crate) fn learn_looked(&mut self, row: &Spend, category: Option<DocumentId>, look: &Look) {
        let category = category.filter(|_| self.teaches(row, category));
        let Some(class) = category.and_then(|category| self.admit(category)) else { return };
        self.weigh(row, class, look);
        self.step(look, class);
        self.withdraw(row, class);
    }

    /// Whether something can be learnt from a row.
    fn teaches(&self, row: &Spend, category: Option<DocumentId>) -> bool {
        row.kind == self.kind && category.is_some_and(|category| category != NOBODY)
    }

    /// The class of a category; the place of one that was forgotten or a new one if it has none. `None` if there are too many.
    fn admit(&mut self, category: DocumentId) -> Option<u16> {
        if let Some(class) = self.class(category) {
            return Some(class);
        }
        let class = self.class(NOBODY).or_else(|| u16::try_from(self.categories.len()).ok())?;
        if usize::from(class) >= CATEGORIES_MAX {
            return None;
        }
        match self.categories.get_mut(usize::from(class)) {
            Some(place) => *place = category,
            None => self.categories.push(category),
        }
        Some(class)
    }

    fn class(&self, category: DocumentId) -> Option<u16> {
        self.categories.iter().position(|known| *known == category).and_then(|place| u16::try_from(place).ok())
    }

    /// Notes what would have been suggested for a row, had its category not been known.
    fn weigh(&mut self, row: &Spend, class: u16, look: &Look) {
        // While there is one category only there is nothing to be right about; a correction is no guess.
        if self.categories.len() > 1 && self.corrected(row).is_none() {
            let (first, second) = top_two(&look.beliefs);
            self.trust.note(lead(&look.beliefs, first, second), first == Some(class));
        }
    }

    /// Moves the weights from what is believed towards what is true.
    fn step(&mut self, look: &Look, class: u16) {
        // A class that came with this row has not been believed in yet.
        let beliefs = look.beliefs.iter().copied().chain([0.0]).zip(0..).take(self.categories.len());
        let errors = beliefs.map(|(belief, rival)| if rival == class { belief - 1.0 } else { belief });
        let errors: Vec<f32> = errors.map(|error| if error.abs() > ERROR_MIN { error } else { 0.0 }).collect();
        self.weights.step(&look.features, &errors);
    }

    fn corrected(&self, row: &Spend) -> Option<u16> {
        if self.corrections.is_empty() {
            return None;
        }
        let text = Hash::of_text(row)?;
        self.corrections.iter().find(|correction| correction.text == text).map(|correction| correction.class)
    }

    /// Drops the correction of a text that the person files otherwise by now.
    fn withdraw(&mut self, row: &Spend, class: u16) {
        if self.corrected(row).is_some_and(|corrected| corrected != class)
            && let Some(text) = Hash::of_text(row)
        {
            self.corrections.retain(|correction| correction.text != text);
        }
    }

    /// How likely each class is: the softmax of the scores.
    fn beliefs(&self, features: &[Feature]) -> Vec<f32> {
        let mut beliefs = self.weights.scores(features, self.categories.len());
        for (belief, category) in beliefs.iter_mut().zip(&self.categories) {
            if *category == NOBODY {
                *belief = f32::MIN;
            }
        }
        let top = beliefs.iter().copied().fold(f32::MIN, f32::max);
        beliefs.iter_mut().for_each(|belief| *belief = libm::expf(*belief - top));
        let sum: f32 = beliefs.iter().sum();
        beliefs.iter_mut().for_each(|belief| *belief /= sum);
        beliefs
    }
}

/// The id of a class that was forgotten.
const NOBODY: DocumentId = DocumentId([0; 16]);

/// The rows that are learnt from, oldest first.
pub(crate) fn newest(rows: &[Spend]) -> Vec<&Spend> {
    let mut rows: Vec<&Spend> = rows.iter().collect();
    rows.sort_unstable_by_key(|row| (row.date, row.id));
    rows.split_off(first_learnt(rows.len()))
}

/// Of so many rows, which is the first to be learnt from: at most [`ROWS_MAX`] are, and the first one stays the same for
/// [`ROWS_STEP`] more.
pub(crate) fn first_learnt(rows: usize) -> usize {
    rows.saturating_sub(ROWS_MAX).next_multiple_of(ROWS_STEP)
}

/// The two best classes; of equals the older.
fn top_two(beliefs: &[f32]) -> (Option<u16>, Option<u16>) {
    let [mut first, mut second]: [Option<(u16, f32)>; 2] = [None; 2];
    for (class, belief) in (0..).zip(beliefs.iter().copied()) {
        if first.is_none_or(|(_, best)| belief > best) {
            (first, second) = (Some((class, belief)), first);
        } else if second.is_none_or(|(_, best)| belief > best) {
            second = Some((class, belief));
        }
    }
    (first.map(|(class, _)| class), second.map(|(class, _)| class))
}

/// How much likelier the first is than the second.
fn lead(beliefs: &[f32], first: Option<u16>, second: Option<u16>) -> f32 {
    let belief = |class: Option<u16>| class.and_then(|class| beliefs.get(usize::from(class))).copied().unwrap_or(0.0);
    (belief(first) - belief(second)).clamp(0.0, 1.0)
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    // All that is counted has a limit below 65,536.
    bytes.extend(u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes());
}

/// A counted list of parts of `N` bytes, and what comes behind it.
fn take_list<const N: usize, T>(
    bytes: &[u8],
    count_max: usize,
    read: impl Fn([u8; N]) -> Option<T>,
) -> Option<(Vec<T>, &[u8])> {
    let (count, rest) = bytes.split_first_chunk()?;
    let count = usize::from(u16::from_le_bytes(*count));
    if count > count_max {
        return None;
    }
    let (own, rest) = rest.split_at_checked(count * N)?;
    let parts = own.chunks_exact(N).map(|part| read(part.try_into().ok()?)).collect::<Option<Vec<_>>>()?;
    Some((parts, rest))
}

fn read_correction(bytes: &[u8; 10], classes: usize) -> Option<Correction> {
    let (text, rest) = bytes.split_first_chunk()?;
    let correction =
        Correction { text: Hash(u64::from_le_bytes(*text)), class: u16::from_le_bytes(rest.try_into().ok()?) };
    (usize::from(correction.class) < classes).then_some(correction)
}

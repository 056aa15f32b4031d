//! A row of spending as the search for commitments sees it, and what rows can have in common.

use std::sync::Arc;

use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, DocumentId, EntryKind};

use crate::hash::Hash;

/// Movements that can be compared: of one kind, in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stream {
    pub(super) kind: EntryKind,
    pub(super) currency: Currency,
}

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) entry: DocumentId,
    pub(super) stream: Stream,
    pub(super) date: Date,
    pub(super) minor: i64,
    /// Payee, or else the note, as written.
    pub(super) name: Arc<str>,
    /// What of the name stays the same from one time to the next; 0 if nothing does.
    pub(super) text: u64,
    pub(super) category: Option<DocumentId>,
    pub(super) account: Option<DocumentId>,
}

/// What the rows of a group have in common, besides their stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Common {
    /// The name.
    Text(u64),
    /// The category and the amount.
    CategoryAmount(DocumentId, i64),
    /// The category.
    Category(DocumentId),
    /// The account and the amount, whatever it is called.
    AccountAmount(Option<DocumentId>, i64),
}

/// A group.
pub(super) type Key = (Stream, Common);

impl Common {
    /// Whether it is the name.
    pub(super) const fn is_name(self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Whether it is the name or the amount, so that the rows may be one payment, and not only of one purpose.
    pub(super) const fn is_one_payment(self) -> bool {
        !matches!(self, Self::Category(_))
    }

    /// Whether it is the amount, with whatever else.
    pub(super) const fn is_amount(self) -> bool {
        matches!(self, Self::CategoryAmount(..) | Self::AccountAmount(..))
    }

    /// Whether it is the name or the category. What only has its amount in common comes second: on a day when several
    /// payments are made, the same sum goes to different places.
    pub(super) const fn is_named(self) -> bool {
        !matches!(self, Self::AccountAmount(..))
    }
}

impl Row {
    /// `None` for money back, and for nothing: neither is a payment.
    pub(super) fn of(spend: &Spend) -> Option<Self> {
        let minor = spend.amount.minor();
        let name = name(&spend.payee, &spend.note);
        (minor > 0).then(|| Self {
            entry: spend.id,
            stream: Stream { kind: spend.kind, currency: spend.amount.currency() },
            date: spend.date,
            minor,
            name: name.into(),
            text: fingerprint(&words(name)),
            category: spend.category,
            account: spend.account,
        })
    }

    /// The groups this row is in.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> + use<> {
        let stream = self.stream;
        [
            (self.text != 0).then_some(Common::Text(self.text)),
            self.category.map(|category| Common::CategoryAmount(category, self.minor)),
            self.category.map(Common::Category),
            Some(Common::AccountAmount(self.account, self.minor)),
        ]
        .into_iter()
        .flatten()
        .map(move |common| (stream, common))
    }
}

/// The payee, or else the note.
pub(super) fn name<'a>(payee: &'a str, note: &'a str) -> &'a str {
    if payee.trim().is_empty() { note.trim() } else { payee.trim() }
}

/// The words of a name that say the same every time: in lower case, without those that have digits, which are dates,
/// counts and references. A name of such words only keeps them.
pub(super) fn words(name: &str) -> Vec<String> {
    let all = || name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let lasting: Vec<String> = all().filter(|word| !word.contains(char::is_numeric)).map(str::to_lowercase).collect();
    if lasting.is_empty() { all().map(str::to_lowercase).collect() } else { lasting }
}

/// The words as a number; 0 for no words.
pub(super) fn fingerprint(words: &[String]) -> u64 {
    let hash = words.iter().fold(Hash::EMPTY, |hash, word| hash.add(word.as_bytes()).add(b" "));
    if words.is_empty() { 0 } else { hash.0.max(1) }
}

/// What a payment is called, or where it is booked if its name says nothing; 0 for neither.
pub(super) fn called(text: u64, category: Option<DocumentId>) -> u64 {
    let booked = || category.map_or(0, |category| fingerprint(&[category.to_string()]));
    if text == 0 { booked() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_name_do_not_make_it_another() {
        assert_eq!(fingerprint(&words("EMI 3")), fingerprint(&words("emi 12/2024")));
        assert_ne!(fingerprint(&words("2024")), fingerprint(&words("2025")), "a name of numbers keeps them");
        assert_eq!(fingerprint(&words(" -- ")), 0);
    }
}

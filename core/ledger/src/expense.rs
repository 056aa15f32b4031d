//! An expense, income or transfer as people see it: what its document shows, and the registers that write one.
//!
//! Every program that shows or writes entries does it here, so that all do the same. What an entry refers to is given by
//! id; whether that is held is the caller's to look up.

mod writing;

use crate::attachment::{ATTACHMENT_PREFIX, Attachment, AttachmentRegister};
use crate::change::Scalar;
use crate::date::{Date, TimeOfDay};
use crate::field;
use crate::fold::Document;
use crate::id::DocumentId;
use crate::register::{Entry, EntryKind, Register};

pub use writing::{Edit, ExpenseError, New, attach, change_amount, decide, detach, document_value, name, nonzero};

/// What a person decided of a payment that comes back. It stands in one of its entries and holds for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It is a commitment.
    Confirmed,
    /// It is none, or none to be told of.
    Dismissed,
}

impl Decision {
    /// The word in the register.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Dismissed => "dismissed",
        }
    }

    /// The decision of a word; `None` for one of a newer version.
    ///
    /// ```
    /// use outlay_ledger::expense::Decision;
    /// assert_eq!(Decision::of_word(Decision::Dismissed.word()), Some(Decision::Dismissed));
    /// assert_eq!(Decision::of_word("postponed"), None);
    /// ```
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Confirmed, Self::Dismissed].into_iter().find(|decision| decision.word() == word)
    }
}

/// What is shown of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'a> {
    /// Its civil date.
    pub date: Date,
    /// The money; `None` when a newer version wrote it.
    pub entry: Option<Entry>,
    /// Who was paid or paid.
    pub payee: Option<&'a str>,
    /// Its category.
    pub category: Option<DocumentId>,
    /// The account; of a transfer, the one that gives.
    pub account: Option<DocumentId>,
    /// Of a transfer, the account that gets.
    pub to_account: Option<DocumentId>,
    /// Its local time.
    pub time: Option<TimeOfDay>,
    /// A note.
    pub note: Option<&'a str>,
    /// Its tags, ascending.
    pub tags: Vec<&'a str>,
    /// The files that belong to it, ascending by hash.
    pub attachments: Vec<Attachment>,
    /// The entry that it refunds.
    pub refund_of: Option<DocumentId>,
    /// Whether it is in the trash.
    pub is_deleted: bool,
    /// Whether some register holds several values.
    pub is_conflicted: bool,
}

impl<'a> Shown<'a> {
    /// What the document of an entry shows; `None` while nothing of it that counts is held.
    ///
    /// ```
    /// use outlay_ledger::change::Scalar;
    /// use outlay_ledger::commit::ActorForm;
    /// use outlay_ledger::expense::Shown;
    /// use outlay_ledger::field::{self, Thing};
    /// use outlay_ledger::fold::{Document, Input, Put};
    /// use outlay_ledger::{Date, Entry, EntryKind, Money};
    ///
    /// let entry = Entry::new(EntryKind::Expense, Money::parse_with_currency("3.40 EUR")?);
    /// let (date, money) = (Scalar::Int(20_000), Scalar::Bytes(entry.encode()));
    /// let puts = vec![Put::new(field::DATE, date), Put::new(field::MONEY, money)];
    /// let change = Document::create([1; 16], Thing::Expense, puts);
    /// let hash = change.encode()?.hash;
    /// let mut document = Document::default();
    /// assert!(document.apply_next(&Input { change, hash, form: ActorForm::Feed }));
    ///
    /// let shown = Shown::of(&document).ok_or("an entry")?;
    /// assert_eq!((shown.date, shown.entry), (Date::parse("2024-10-04")?, Some(entry)));
    /// assert_eq!(Shown::of(&Document::default()), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(document: &'a Document) -> Option<Self> {
        let date = document.winner(field::DATE).and_then(field::date)?;
        let entry = entry(document);
        // What the register `account` held before an expense became a transfer is not one of the transfer's sides.
        let account = match &entry {
            Some(entry) if entry.kind == EntryKind::Transfer => entry.from,
            _ => reference(document, field::ACCOUNT),
        };
        Some(Self {
            date,
            payee: text(document, field::PAYEE),
            category: reference(document, field::CATEGORY),
            account,
            to_account: entry.as_ref().and_then(|entry| entry.to),
            time: document.winner(field::TIME).and_then(field::time),
            note: text(document, field::NOTE),
            tags: tags(document),
            attachments: attachments(document),
            refund_of: reference(document, field::REFUND_OF),
            is_deleted: document.is_deleted(),
            is_conflicted: !document.conflicting_keys().is_empty(),
            entry,
        })
    }
}

fn entry(document: &Document) -> Option<Entry> {
    match document.winner(field::MONEY) {
        Some(Scalar::Bytes(bytes)) => match Register::decode(bytes) {
            Ok(Register::Entry(entry)) => Some(entry),
            Ok(Register::Newer(_)) | Err(_) => None,
        },
        _ => None,
    }
}

/// What was decided of the payment that an entry is one of.
pub fn decision(document: &Document) -> Option<Decision> {
    text(document, field::COMMITMENT).and_then(Decision::of_word)
}

/// The text of a register, unless it is empty or cleared.
pub fn text<'a>(document: &'a Document, key: &str) -> Option<&'a str> {
    match document.winner(key) {
        Some(Scalar::Str(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// The document that a register refers to.
pub fn reference(document: &Document, key: &str) -> Option<DocumentId> {
    match document.winner(key) {
        Some(Scalar::Bytes(bytes)) => bytes.as_slice().try_into().ok().map(DocumentId),
        _ => None,
    }
}

fn tags(document: &Document) -> Vec<&str> {
    let is_set = |key: &&str| document.winner(key) == Some(&Scalar::Bool(true));
    document.keys().filter(is_set).filter_map(|key| key.strip_prefix(field::TAG_PREFIX)).collect()
}

/// The file that a register holds.
pub fn attachment(value: &Scalar) -> Option<Attachment> {
    match value {
        Scalar::Bytes(bytes) => match AttachmentRegister::decode(bytes) {
            Ok(AttachmentRegister::Attachment(attachment)) => Some(attachment),
            Ok(AttachmentRegister::Newer(_)) | Err(_) => None,
        },
        _ => None,
    }
}

/// The files that a document has.
pub fn attachments(document: &Document) -> Vec<Attachment> {
    let keys = document.keys().filter(|key| key.starts_with(ATTACHMENT_PREFIX));
    keys.filter_map(|key| document.winner(key).and_then(attachment)).collect()
}

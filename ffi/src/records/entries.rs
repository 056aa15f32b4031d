//! Entries: what is listed, added and edited.

use outlay_core::{
    Date as CalendarDate, DocumentId, EntryKind, Expense, Filter, LedgerId, Money, Month, Named, NewExpense, Page,
    Reference, Sort, Sum, TimeOfDay, Total,
};

/// What an entry does.
#[uniffi::remote(Enum)]
pub enum EntryKind {
    /// Money spent. A negative amount is money back.
    Expense,
    /// Money earned.
    Income,
    /// Money moved between one's own accounts; either may be unknown.
    Transfer,
}

/// An expense, an income or a transfer, as it is shown.
#[uniffi::remote(Record)]
pub struct Expense {
    /// Its id.
    pub id: DocumentId,
    /// The ledger it is in.
    pub ledger: LedgerId,
    /// What it does; absent when a newer version of the app wrote the money.
    pub kind: Option<EntryKind>,
    /// How much; absent when a newer version of the app wrote the money: then it is in no total and cannot be edited.
    pub amount: Option<Money>,
    /// Who was paid or paid; may be empty.
    pub payee: String,
    /// Its category.
    pub category: Option<Named>,
    /// The account; of a transfer, the one that gives.
    pub account: Option<Named>,
    /// Of a transfer, the account that gets.
    pub to_account: Option<Named>,
    /// Its civil date. It does not move with time zones.
    pub date: CalendarDate,
    /// Its local time, if one was given.
    pub time: Option<TimeOfDay>,
    /// A note; may be empty.
    pub note: String,
    /// Its tags, ascending.
    pub tags: Vec<String>,
    /// The expense that this one refunds.
    pub refund_of: Option<DocumentId>,
    /// Whether it is in the trash.
    pub deleted: bool,
    /// Whether some field holds several values, which the conflicts of its ledger list.
    pub conflicted: bool,
}

/// An account or a category to refer to: one that is there, or one to be made when it is not.
#[uniffi::remote(Enum)]
pub enum Reference {
    /// One that is there.
    Id(DocumentId),
    /// By name, and made when there is none: of a category the path from the top, at most 16 deep, of an account one name. A
    /// name has at most 128 bytes of UTF-8.
    Path(Vec<String>),
}

/// An entry to be added.
#[uniffi::remote(Record)]
pub struct NewExpense {
    /// What it does.
    pub kind: EntryKind,
    /// How much: not zero, and at most 10¹⁵ of the smallest unit of its currency.
    pub amount: Money,
    /// Who was paid or paid, on one line of at most 256 bytes of UTF-8; may be empty.
    #[uniffi(default = "")]
    pub payee: String,
    /// Its category.
    #[uniffi(default = None)]
    pub category: Option<Reference>,
    /// The account; of a transfer, the one that gives.
    #[uniffi(default = None)]
    pub account: Option<Reference>,
    /// Of a transfer, the account that gets.
    #[uniffi(default = None)]
    pub to_account: Option<Reference>,
    /// Its date; today by default.
    #[uniffi(default = None)]
    pub date: Option<CalendarDate>,
    /// Its local time.
    #[uniffi(default = None)]
    pub time: Option<TimeOfDay>,
    /// A note of at most 4,096 bytes of UTF-8.
    #[uniffi(default = "")]
    pub note: String,
    /// Its tags: at most 32, of at most 64 bytes of UTF-8 each.
    #[uniffi(default = [])]
    pub tags: Vec<String>,
    /// The expense that this one refunds.
    #[uniffi(default = None)]
    pub refund_of: Option<DocumentId>,
}

/// What a field that may be empty is set to: an account or a category.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum OptionalReference {
    /// Nothing.
    Nothing,
    /// This one.
    To(Reference),
}

/// What a field that may be empty is set to: a local time.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum OptionalTime {
    /// Nothing.
    Nothing,
    /// This one.
    To(TimeOfDay),
}

/// What a field that may be empty is set to: another entry.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum OptionalId {
    /// Nothing.
    Nothing,
    /// This one.
    To(DocumentId),
}

/// What to change of an entry; a field that is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct Edit {
    /// What it does.
    #[uniffi(default = None)]
    pub kind: Option<EntryKind>,
    /// How much.
    #[uniffi(default = None)]
    pub amount: Option<Money>,
    /// Who was paid; empty clears.
    #[uniffi(default = None)]
    pub payee: Option<String>,
    /// Its category.
    #[uniffi(default = None)]
    pub category: Option<OptionalReference>,
    /// The account; of a transfer, the one that gives.
    #[uniffi(default = None)]
    pub account: Option<OptionalReference>,
    /// Of a transfer, the account that gets.
    #[uniffi(default = None)]
    pub to_account: Option<OptionalReference>,
    /// Its date.
    #[uniffi(default = None)]
    pub date: Option<CalendarDate>,
    /// Its local time.
    #[uniffi(default = None)]
    pub time: Option<OptionalTime>,
    /// A note; empty clears.
    #[uniffi(default = None)]
    pub note: Option<String>,
    /// All its tags: others are taken off.
    #[uniffi(default = None)]
    pub tags: Option<Vec<String>>,
    /// The expense that this one refunds.
    #[uniffi(default = None)]
    pub refund_of: Option<OptionalId>,
}

impl From<OptionalReference> for Option<Reference> {
    fn from(reference: OptionalReference) -> Self {
        match reference {
            OptionalReference::Nothing => None,
            OptionalReference::To(reference) => Some(reference),
        }
    }
}

impl From<OptionalTime> for Option<TimeOfDay> {
    fn from(time: OptionalTime) -> Self {
        match time {
            OptionalTime::Nothing => None,
            OptionalTime::To(time) => Some(time),
        }
    }
}

impl From<OptionalId> for Option<DocumentId> {
    fn from(id: OptionalId) -> Self {
        match id {
            OptionalId::Nothing => None,
            OptionalId::To(id) => Some(id),
        }
    }
}

impl From<Edit> for outlay_core::Edit {
    fn from(edit: Edit) -> Self {
        let Edit { kind, amount, payee, category, account, to_account, date, time, note, tags, refund_of } = edit;
        Self {
            kind,
            amount,
            payee,
            category: category.map(Into::into),
            account: account.map(Into::into),
            to_account: to_account.map(Into::into),
            date,
            time: time.map(Into::into),
            note,
            tags,
            refund_of: refund_of.map(Into::into),
        }
    }
}

/// Which entries to list. Every field that is set narrows the answer.
#[uniffi::remote(Record)]
pub struct Filter {
    /// From this date on.
    #[uniffi(default = None)]
    pub from: Option<CalendarDate>,
    /// Up to and with this date.
    #[uniffi(default = None)]
    pub to: Option<CalendarDate>,
    /// In this month.
    #[uniffi(default = None)]
    pub month: Option<Month>,
    /// In this category or one below it.
    #[uniffi(default = None)]
    pub category: Option<DocumentId>,
    /// On this account, on either side of a transfer.
    #[uniffi(default = None)]
    pub account: Option<DocumentId>,
    /// With exactly this payee, after folding of case and width.
    #[uniffi(default = None)]
    pub payee: Option<String>,
    /// With this tag.
    #[uniffi(default = None)]
    pub tag: Option<String>,
    /// Of this kind.
    #[uniffi(default = None)]
    pub kind: Option<EntryKind>,
    /// At least this much; entries in other currencies are left out.
    #[uniffi(default = None)]
    pub amount_min: Option<Money>,
    /// At most this much; entries in other currencies are left out.
    #[uniffi(default = None)]
    pub amount_max: Option<Money>,
    /// Whose payee, note or tags have words that begin with each of these.
    #[uniffi(default = None)]
    pub text: Option<String>,
    /// Only what is in the trash; otherwise only what is not.
    #[uniffi(default = false)]
    pub deleted: bool,
}

/// In which order to list.
#[uniffi::remote(Enum)]
pub enum Sort {
    /// By date, newest first.
    Newest,
    /// By date, oldest first.
    Oldest,
    /// By amount, greatest first.
    Largest,
    /// By amount, smallest first.
    Smallest,
}

/// One page of entries.
#[uniffi::remote(Record)]
pub struct Page {
    /// The entries, in order.
    pub expenses: Vec<Expense>,
    /// The id to go on after, if there is more.
    pub next: Option<DocumentId>,
}

/// What was spent and earned in one month, category and currency. Transfers are neither.
#[uniffi::remote(Record)]
pub struct Total {
    /// The month.
    pub month: Month,
    /// The category; absent for entries without one.
    pub category: Option<Named>,
    /// Expenses, less what came back as negative ones.
    pub spent: Sum,
    /// Incomes, in the same currency.
    pub earned: Sum,
    /// How many entries these are.
    pub count: u64,
}

/// An entry that is new in a live query.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Inserted {
    /// Its place in the new state, from 0.
    pub place: u64,
    /// The entry.
    pub expense: Expense,
}

/// The difference between two states of a live query. Apply `removed` first, then `inserted` in order, then `updated`.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Diff {
    /// Entries that are no longer there.
    pub removed: Vec<DocumentId>,
    /// Entries that are new, ascending by place. One that moved is removed and inserted.
    pub inserted: Vec<Inserted>,
    /// Entries that look otherwise, at the same place among the others.
    pub updated: Vec<Expense>,
}

impl From<outlay_core::Diff> for Diff {
    fn from(diff: outlay_core::Diff) -> Self {
        let outlay_core::Diff { removed, inserted, updated } = diff;
        let inserted = inserted.into_iter().map(|(place, expense)| Inserted { place: place as u64, expense });
        Self { removed, inserted: inserted.collect(), updated }
    }
}

//! What an app holds: plain data with public fields.

use std::fmt;

use outlay_ledger::member::Role;
use outlay_ledger::{
    ActionId, BlobHash, CommitId, Currency, Date, DeviceKey, DocumentId, EntryKind, LedgerId, MemberId, Money, Month,
    TimeOfDay,
};

/// A ledger on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Its id.
    pub id: LedgerId,
    /// Its name; empty while its settings are not held.
    pub name: String,
    /// The currency in which its entries are by default; `None` while its settings are not held.
    pub currency: Option<Currency>,
    /// What this device may do in it; `None` if it is no member: then the ledger can be read only.
    pub role: Option<Role>,
    /// Whether entries go here when no ledger is named.
    pub is_default: bool,
}

/// A member of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The id.
    pub id: MemberId,
    /// What the person is called, if he has said so.
    pub name: Option<String>,
    /// What he may do.
    pub role: Role,
    /// With which devices, ascending by key.
    pub devices: Vec<MemberDevice>,
    /// Whether this device is one of them.
    pub is_self: bool,
}

/// A device of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberDevice {
    /// Its key.
    pub key: DeviceKey,
    /// Whether it may do all that the member may; one that only a server's word speaks for writes entries and no more.
    pub is_confirmed: bool,
    /// Whether it is this one.
    pub is_this: bool,
}

/// An invitation to a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The ledger.
    pub ledger: LedgerId,
    /// What whoever accepts it may do.
    pub role: Role,
    /// Until when it can be used, in milliseconds since 1970.
    pub expires_ms: i64,
    /// The text to pass on. Whoever has it can use it, once.
    pub code: String,
    /// What it is known by to whoever has not the text, as to take it back.
    pub key: DeviceKey,
}

/// An invitation that nobody has used yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenInvitation {
    /// What it is known by; see [`Invitation::key`].
    pub key: DeviceKey,
    /// What whoever accepts it may do.
    pub role: Role,
    /// Until when it can be used, in milliseconds since 1970; absent when for ever.
    pub expires_ms: Option<i64>,
}

/// An account or a category, by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Named {
    /// Its id.
    pub id: DocumentId,
    /// Its name; of a category the whole path from the top, joined by `:`.
    pub name: String,
}

/// An expense, an income or a transfer, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expense {
    /// Its id.
    pub id: DocumentId,
    /// The ledger it is in.
    pub ledger: LedgerId,
    /// What it does; `None` when a newer version of the app wrote the money.
    pub kind: Option<EntryKind>,
    /// How much; `None` when a newer version of the app wrote the money: then it is in no total and cannot be edited.
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
    pub date: Date,
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
    /// Whether some field holds several values; see [`crate::Engine::conflicts`].
    pub conflicted: bool,
}

/// A file that belongs to an entry: a receipt, most often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The hash of its bytes, which is what it is known by.
    pub hash: BlobHash,
    /// How many bytes it has.
    pub bytes: u64,
    /// What kind of file it is, as `image/jpeg`: by how it begins, not by what it is called.
    pub media_type: String,
    /// What it is called; may be empty. It is a text to show, never a path.
    pub name: String,
    /// Whether it is on this device. One that is not was attached on another, and can be fetched.
    pub is_here: bool,
}

/// What is in a file that belongs to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// It is on this device.
    Here(Vec<u8>),
    /// It is not here. That is no error: another device attached it, and it can be fetched.
    Missing,
}

/// An account or a category to refer to: one that is there, or one to be made when it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// One that is there.
    Id(DocumentId),
    /// By name, and made when there is none: of a category the path from the top, of an account one name.
    Path(Vec<String>),
}

impl From<&str> for Reference {
    fn from(name: &str) -> Self {
        Self::Path(vec![name.to_owned()])
    }
}

/// An entry to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewExpense {
    /// What it does.
    pub kind: EntryKind,
    /// How much: not zero, and at most [`MINOR_MAX`](outlay_ledger::limits::MINOR_MAX) of the smallest unit of its currency.
    pub amount: Money,
    /// Who was paid or paid, on one line of at most [`PAYEE_BYTES_MAX`](outlay_ledger::limits::PAYEE_BYTES_MAX); may be empty.
    pub payee: String,
    /// Its category.
    pub category: Option<Reference>,
    /// The account; of a transfer, the one that gives.
    pub account: Option<Reference>,
    /// Of a transfer, the account that gets.
    pub to_account: Option<Reference>,
    /// Its date; today if `None`.
    pub date: Option<Date>,
    /// Its local time.
    pub time: Option<TimeOfDay>,
    /// A note of at most [`NOTE_BYTES_MAX`](outlay_ledger::limits::NOTE_BYTES_MAX).
    pub note: String,
    /// Its tags: at most [`TAGS_MAX`](outlay_ledger::limits::TAGS_MAX), each of at most
    /// [`TAG_BYTES_MAX`](outlay_ledger::limits::TAG_BYTES_MAX).
    pub tags: Vec<String>,
    /// The expense that this one refunds.
    pub refund_of: Option<DocumentId>,
}

impl NewExpense {
    /// An expense of today with an amount and a payee.
    pub fn new(amount: Money, payee: impl Into<String>) -> Self {
        Self {
            kind: EntryKind::Expense,
            amount,
            payee: payee.into(),
            category: None,
            account: None,
            to_account: None,
            date: None,
            time: None,
            note: String::new(),
            tags: Vec::new(),
            refund_of: None,
        }
    }
}

/// What to change of an entry; `None` leaves a field as it is, and of optional fields `Some(None)` clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// What it does.
    pub kind: Option<EntryKind>,
    /// How much.
    pub amount: Option<Money>,
    /// Who was paid; empty clears.
    pub payee: Option<String>,
    /// Its category.
    pub category: Option<Option<Reference>>,
    /// The account; of a transfer, the one that gives.
    pub account: Option<Option<Reference>>,
    /// Of a transfer, the account that gets.
    pub to_account: Option<Option<Reference>>,
    /// Its date.
    pub date: Option<Date>,
    /// Its local time.
    pub time: Option<Option<TimeOfDay>>,
    /// A note; empty clears.
    pub note: Option<String>,
    /// All its tags: others are taken off.
    pub tags: Option<Vec<String>>,
    /// The expense that this one refunds.
    pub refund_of: Option<Option<DocumentId>>,
}

/// Which entries to list. Every field that is set narrows the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// From this date on.
    pub from: Option<Date>,
    /// Up to and with this date.
    pub to: Option<Date>,
    /// In this month.
    pub month: Option<Month>,
    /// In this category or one below it.
    pub category: Option<DocumentId>,
    /// On this account, on either side of a transfer.
    pub account: Option<DocumentId>,
    /// With exactly this payee, after folding of case and width.
    pub payee: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Of this kind.
    pub kind: Option<EntryKind>,
    /// At least this much; entries in other currencies are left out.
    pub amount_min: Option<Money>,
    /// At most this much; entries in other currencies are left out.
    pub amount_max: Option<Money>,
    /// Whose payee, note or tags have words that begin with each of these.
    pub text: Option<String>,
    /// Only what is in the trash; otherwise only what is not.
    pub deleted: bool,
}

/// In which order to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// By date, newest first.
    #[default]
    Newest,
    /// By date, oldest first.
    Oldest,
    /// By amount, greatest first.
    Largest,
    /// By amount, smallest first.
    Smallest,
}

/// One page of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The entries, in order.
    pub expenses: Vec<Expense>,
    /// The id to go on after, if there is more.
    pub next: Option<DocumentId>,
}

/// A sum that no number of entries overflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Minor units of the currency.
    pub minor: i128,
    /// The currency.
    pub currency: Currency,
}

impl Sum {
    /// The sum with exactly as many decimals as its currency has, without the currency: `1234.50`, `-3`.
    ///
    /// ```
    /// use outlay_core::{Currency, Sum};
    /// let sum = |minor, code| Ok::<_, outlay_core::Error>(Sum { minor, currency: Currency::parse(code)? }.amount_text());
    /// assert_eq!(sum(-5, "EUR")?, "-0.05");
    /// assert_eq!(sum(1, "KWD")?, "0.001");
    /// assert_eq!(sum(i128::MIN, "JPY")?, "-170141183460469231731687303715884105728");
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn amount_text(&self) -> String {
        let decimals = usize::from(self.currency.exponent());
        let sign = if self.minor < 0 { "-" } else { "" };
        // At least one digit before the point.
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = decimals + 1);
        let (whole, part) = digits.split_at(digits.len() - decimals);
        let point = if part.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{part}")
    }
}

/// `1234.50 EUR`.
impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount_text(), self.currency)
    }
}

/// What was spent and earned in one month, category and currency. Transfers are neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// The month.
    pub month: Month,
    /// The category, `None` for entries without one.
    pub category: Option<Named>,
    /// Expenses, less what came back as negative ones.
    pub spent: Sum,
    /// Incomes, in the same currency.
    pub earned: Sum,
    /// How many entries these are.
    pub count: u64,
}

/// Who wrote something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The member, if the device is or was one's.
    pub member: Option<MemberId>,
    /// The device that signed.
    pub device: DeviceKey,
    /// The member's name, if there is one.
    pub name: Option<String>,
    /// Whether it was this device.
    pub is_self: bool,
}

/// A commit with entries that is set aside: its author was removed or demoted before he knew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideCommit {
    /// Its id.
    pub id: CommitId,
    /// Who wrote it.
    pub author: Author,
    /// When, by the author's clock, in milliseconds since 1970.
    pub time_ms: i64,
    /// Changes of entries and other things in it.
    pub changes: u64,
}

/// The value of a field, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// Nothing.
    Empty,
    /// A payee, note or name.
    Text(String),
    /// An amount with its kind, and of a transfer its accounts.
    Money {
        /// What it does.
        kind: EntryKind,
        /// How much.
        amount: Money,
        /// Of a transfer, the account that gives.
        from: Option<Named>,
        /// Of a transfer, the account that gets.
        to: Option<Named>,
    },
    /// A date.
    Date(Date),
    /// A local time.
    Time(TimeOfDay),
    /// An account, a category or an expense. The name is empty if it is not held.
    Thing(Named),
    /// Whether it is deleted, or has a tag.
    Flag(bool),
    /// A file that belongs to it.
    Attachment {
        /// The hash of its bytes.
        hash: BlobHash,
        /// How many bytes it has.
        bytes: u64,
        /// What it is called; may be empty.
        name: String,
    },
    /// Something that this version cannot show.
    Newer,
}

/// One of the values that collided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictValue {
    /// The value.
    pub value: FieldValue,
    /// Who wrote it.
    pub author: Author,
    /// When, by the author's clock: milliseconds since 1970.
    pub time_ms: i64,
}

/// A field that holds several values, none of which is lost until one is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The ledger.
    pub ledger: LedgerId,
    /// The expense, account, category or settings.
    pub document: DocumentId,
    /// Which field: `amount`, `payee`, `category`, `account`, `date`, `time`, `note`, `deleted`, `tag:<name>`, `name`,
    /// `attachment:<half of its hash>`, …
    pub field: String,
    /// The values; the first is the one shown now.
    pub values: Vec<ConflictValue>,
}

/// How a conflict is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// By the value at this place of [`Conflict::values`].
    Choose(usize),
    /// By a text, which is parsed as the field's values are: an amount, a date, a name, `true` or `false`.
    Text(String),
}

/// A field that one change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Which field; named as in [`Conflict::field`].
    pub field: String,
    /// What its author saw there before.
    pub before: FieldValue,
    /// What it was set to.
    pub after: FieldValue,
}

/// One change in the history of a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The commit that holds it.
    pub commit: CommitId,
    /// What the user did; the same for all that was done in one go.
    pub action: ActionId,
    /// Who did it.
    pub author: Author,
    /// When, by the author's clock: milliseconds since 1970.
    pub time_ms: i64,
    /// What it set. A change that is not counted has none.
    pub changes: Vec<FieldChange>,
    /// Why the change is not counted, if it is not.
    pub not_applied: Option<String>,
}

/// What an undo did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// How many things were changed back.
    pub changed: u64,
    /// What was left as it is, because it was edited since or someone else holds it too.
    pub left: Vec<DocumentId>,
}

/// What became of commits taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenIn {
    /// Commits stored.
    pub stored: u64,
    /// Commits that were held already.
    pub held: u64,
    /// Commits refused, by their place among those given, with the reason.
    pub refused: Vec<(usize, outlay_ledger::commit::CommitError)>,
}

/// A row or line of an import that did not go in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The line of the file, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Entries added; of a file with commits, entries that were not held before.
    pub added: u64,
    /// Entries that an undo or a deletion had taken away and that are back.
    pub restored: u64,
    /// Rows that were held already.
    pub duplicates: u64,
    /// Rows that are held with other values, from another mapping of the same file: a conflict is shown.
    pub conflicting: u64,
    /// Rows that did not go in.
    pub rejected: Vec<Rejected>,
    /// The ledger they went into.
    pub ledger: Option<LedgerId>,
}

/// What doctor looked at, and what it found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// What was checked, with how many of each.
    pub checked: Vec<(String, u64)>,
    /// What was wrong. Projections that differed have been rebuilt.
    pub problems: Vec<String>,
    /// Records that are kept and not applied, by reason.
    pub not_applied: Vec<(String, u64)>,
}

impl Diagnosis {
    /// Whether nothing was wrong.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }
}

//! What collided, what was done, and what an undo did.

use outlay_core::{
    ActionId, Author, BlobHash, CommitId, Conflict, ConflictValue, Date as CalendarDate, Decision, DeviceKey,
    DocumentId, EntryKind, FieldChange, FieldValue, HistoryEntry, LedgerId, MemberId, Money, Named, TimeOfDay, Undone,
};

/// Who wrote something.
#[uniffi::remote(Record)]
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

/// The value of a field, as it is shown.
#[uniffi::remote(Enum)]
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
    Date(CalendarDate),
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
#[uniffi::remote(Record)]
pub struct ConflictValue {
    /// The value.
    pub value: FieldValue,
    /// Who wrote it.
    pub author: Author,
    /// When, by the author's clock: milliseconds since 1970.
    pub time_ms: i64,
}

/// A field that holds several values, none of which is lost until one is chosen.
#[uniffi::remote(Record)]
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
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Resolution {
    /// By the value at this place among those of the conflict, from 0.
    Choose(u32),
    /// By a text, which is parsed as the field's values are: an amount, a date, a name, `true` or `false`.
    Text(String),
}

impl From<Resolution> for outlay_core::Resolution {
    fn from(resolution: Resolution) -> Self {
        match resolution {
            Resolution::Choose(place) => Self::Choose(place as usize),
            Resolution::Text(text) => Self::Text(text),
        }
    }
}

/// A field that one change set.
#[uniffi::remote(Record)]
pub struct FieldChange {
    /// Which field; named as in a conflict.
    pub field: String,
    /// What its author saw there before.
    pub before: FieldValue,
    /// What it was set to.
    pub after: FieldValue,
}

/// One change in the history of a thing.
#[uniffi::remote(Record)]
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
#[uniffi::remote(Record)]
pub struct Undone {
    /// How many things were changed back.
    pub changed: u64,
    /// What was left as it is, because it was edited since or someone else holds it too.
    pub left: Vec<DocumentId>,
}

/// What a person decided of a payment that comes back. It stands in one of its entries and holds for all of them.
#[uniffi::remote(Enum)]
pub enum Decision {
    /// It is a commitment.
    Confirmed,
    /// It is none, or none to be told of.
    Dismissed,
}

/// What was decided in an entry.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Decided {
    /// The entry.
    pub id: DocumentId,
    /// What was decided.
    pub decision: Decision,
}

impl From<(DocumentId, Decision)> for Decided {
    fn from((id, decision): (DocumentId, Decision)) -> Self {
        Self { id, decision }
    }
}

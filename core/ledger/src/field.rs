//! The registers of documents: which keys there are, what each may hold, and what a document must have from the start.
//!
//! | key | things | type |
//! |---|---|---|
//! | `account` | expense | 16 bytes, a document, or null |
//! | `attachment:<half a hash>` | expense | the bytes of [`crate::attachment`], or null |
//! | `category` | expense | 16 bytes, a document, or null |
//! | `commitment` | expense | text ≤ 64 bytes, or null; see [`crate::expense::Decision`] |
//! | `currency` | settings, account | text of three capital letters |
//! | `date` | expense | signed days since 1970-01-01, years 1 to 4999 |
//! | `money` | expense | the bytes of [`crate::register`] |
//! | `name` | settings, member, account, category | text ≤ 128 bytes |
//! | `note` | expense | text ≤ 4096 bytes, or null |
//! | `parent` | category | 16 bytes, a document, or null |
//! | `payee` | expense | text ≤ 256 bytes, or null |
//! | `refund_of` | expense | 16 bytes, a document, or null |
//! | `state` | all, in every change | unsigned: 0 deleted, others live |
//! | `tag:<name>` | expense | truth value; name ≤ 64 bytes |
//! | `time` | expense | unsigned seconds after local midnight, or null |
//! | `type` | all, in the first change only | unsigned; see [`Thing`] |
//!
//! Keys of newer versions are kept, folded, exported and shown as nothing. A key is never re-typed: a new meaning is a
//! new key.

use crate::attachment::{ATTACHMENT_PREFIX, AttachmentError, AttachmentRegister, is_of_hash};
use crate::change::{Change, Scalar};
use crate::currency::Currency;
use crate::date::{Date, Month, TimeOfDay};
use crate::limits::{
    DECISION_BYTES_MAX, KEY_BYTES_MAX, NAME_BYTES_MAX, NOTE_BYTES_MAX, PAYEE_BYTES_MAX, TAG_BYTES_MAX,
    UNKNOWN_VALUE_BYTES_MAX,
};
use crate::register::{Register, RegisterError};

/// Key of [`Field::Account`].
pub const ACCOUNT: &str = "account";
/// Key of [`Field::Category`].
pub const CATEGORY: &str = "category";
/// Key of [`Field::Commitment`].
pub const COMMITMENT: &str = "commitment";
/// Key of [`Field::Currency`].
pub const CURRENCY: &str = "currency";
/// Key of [`Field::Date`].
pub const DATE: &str = "date";
/// Key of [`Field::Money`].
pub const MONEY: &str = "money";
/// Key of [`Field::Name`].
pub const NAME: &str = "name";
/// Key of [`Field::Note`].
pub const NOTE: &str = "note";
/// Key of [`Field::Parent`].
pub const PARENT: &str = "parent";
/// Key of [`Field::Payee`].
pub const PAYEE: &str = "payee";
/// Key of [`Field::RefundOf`].
pub const REFUND_OF: &str = "refund_of";
/// Key of [`Field::State`].
pub const STATE: &str = "state";
/// Key of [`Field::Time`].
pub const TIME: &str = "time";
/// Key of [`Field::Type`].
pub const TYPE: &str = "type";
/// What the key of a [`Field::Tag`] begins with.
pub const TAG_PREFIX: &str = "tag:";

/// The value of `state` in a deleted thing. Every other value counts as live.
pub const DELETED: Scalar = Scalar::Uint(0);
/// The value of `state` that this version writes in a live thing.
pub const LIVE: Scalar = Scalar::Uint(1);

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// The ledger's own settings.
    Settings,
    /// A member's name.
    Member,
    /// An account.
    Account,
    /// A category.
    Category,
    /// An expense, an income or a transfer.
    Expense,
    /// A thing of a newer version: kept, and shown as nothing.
    Unknown(u64),
}

impl Thing {
    /// The number in the `type` register.
    pub const fn number(self) -> u64 {
        match self {
            Self::Settings => 1,
            Self::Member => 2,
            Self::Account => 3,
            Self::Category => 4,
            Self::Expense => 5,
            Self::Unknown(number) => number,
        }
    }

    /// The thing of a number.
    pub const fn from_number(number: u64) -> Self {
        match number {
            1 => Self::Settings,
            2 => Self::Member,
            3 => Self::Account,
            4 => Self::Category,
            5 => Self::Expense,
            number => Self::Unknown(number),
        }
    }

    /// What the first change of such a document must put, beside `state` and `type`: without these it cannot be shown.
    pub const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Settings => &[CURRENCY, NAME],
            Self::Account | Self::Category => &[NAME],
            Self::Expense => &[DATE, MONEY],
            Self::Member | Self::Unknown(_) => &[],
        }
    }
}

/// A register this version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field<'a> {
    /// The account an expense was paid from or an income to.
    Account,
    /// A file that belongs to an expense, by half of its hash in hexadecimal.
    Attachment(&'a str),
    /// The category of an expense.
    Category,
    /// What a person decided of the payment that comes back and this expense is one of.
    Commitment,
    /// The currency of a ledger or an account.
    Currency,
    /// The civil date of an expense.
    Date,
    /// The money register.
    Money,
    /// A name.
    Name,
    /// A note.
    Note,
    /// The category above.
    Parent,
    /// Who was paid, or who paid.
    Payee,
    /// The expense that this one refunds.
    RefundOf,
    /// Live or deleted.
    State,
    /// Whether the thing has this tag.
    Tag(&'a str),
    /// The local time of an expense.
    Time,
    /// What the document is.
    Type,
}

/// Why the values of a change are not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// A known register with a value of another type or over its limit.
    #[error("a register holds what it cannot hold")]
    Value,
    /// A key that is none.
    #[error("a register has a name that none can have")]
    Key,
    /// A change without `state`, or a first change without what such a thing must have.
    #[error("a register is missing that must be there")]
    Missing,
    /// `type` in a later change.
    #[error("the type of a thing never changes")]
    Retyped,
    /// The money register is malformed, or its parts do not sum.
    #[error("the money register is not one: {0}")]
    Money(#[from] RegisterError),
    /// The register of an attachment is malformed, or beyond a limit.
    #[error("the register of an attachment is not one: {0}")]
    Attachment(#[from] AttachmentError),
}

impl<'a> Field<'a> {
    /// The register of a key, if this version knows it.
    pub fn of_key(key: &'a str) -> Option<Self> {
        Some(match key {
            ACCOUNT => Self::Account,
            CATEGORY => Self::Category,
            COMMITMENT => Self::Commitment,
            CURRENCY => Self::Currency,
            DATE => Self::Date,
            MONEY => Self::Money,
            NAME => Self::Name,
            NOTE => Self::Note,
            PARENT => Self::Parent,
            PAYEE => Self::Payee,
            REFUND_OF => Self::RefundOf,
            STATE => Self::State,
            TIME => Self::Time,
            TYPE => Self::Type,
            _ => {
                let attachment = key.strip_prefix(ATTACHMENT_PREFIX).map(Self::Attachment);
                return attachment.or_else(|| key.strip_prefix(TAG_PREFIX).map(Self::Tag));
            }
        })
    }

    fn check(self, value: &Scalar) -> Result<(), FieldError> {
        let text = |max: usize| matches!(value, Scalar::Str(text) if text.len() <= max);
        let document = matches!(value, Scalar::Bytes(bytes) if bytes.len() == 16);
        let clearable = *value == Scalar::Null;
        let holds = match self {
            Self::Account | Self::Category | Self::Parent | Self::RefundOf => document || clearable,
            Self::Attachment(digits) => match value {
                Scalar::Bytes(bytes) => AttachmentRegister::decode(bytes)?.belongs_to(digits),
                _ => clearable && is_of_hash(digits),
            },
            Self::Commitment => text(DECISION_BYTES_MAX) || clearable,
            Self::Currency => matches!(value, Scalar::Str(code) if currency(code).is_some()),
            Self::Date => date(value).is_some(),
            Self::Name => text(NAME_BYTES_MAX),
            Self::Note => text(NOTE_BYTES_MAX) || clearable,
            Self::Payee => text(PAYEE_BYTES_MAX) || clearable,
            Self::State | Self::Type => matches!(value, Scalar::Uint(_)),
            Self::Tag(name) => name.len() <= TAG_BYTES_MAX && matches!(value, Scalar::Bool(_)),
            Self::Time => time(value).is_some() || clearable,
            Self::Money => match value {
                Scalar::Bytes(bytes) => return Ok(Register::decode(bytes).map(|_| ())?),
                _ => false,
            },
        };
        if holds { Ok(()) } else { Err(FieldError::Value) }
    }
}

/// Checks the registers of one change: keys, types, limits, and what must be there.
///
/// # Errors
///
/// The first [`FieldError`] in the order of the keys.
pub fn check(change: &Change) -> Result<(), FieldError> {
    for op in &change.ops {
        match Field::of_key(&op.key) {
            Some(field) => field.check(&op.value)?,
            None => check_unknown(&op.key, &op.value)?,
        }
    }
    let value = |key: &str| change.ops.iter().find(|op| op.key == key).map(|op| &op.value);
    value(STATE).ok_or(FieldError::Missing)?;
    match (change.deps.is_empty(), value(TYPE)) {
        (true, Some(Scalar::Uint(number))) => {
            let required = Thing::from_number(*number).required();
            if required.iter().all(|key| value(key).is_some()) { Ok(()) } else { Err(FieldError::Missing) }
        }
        (true, _) => Err(FieldError::Missing),
        (false, Some(_)) => Err(FieldError::Retyped),
        (false, None) => Ok(()),
    }
}

/// The month that a change's date says: what the record's period must be.
pub fn period(change: &Change) -> Option<Month> {
    change.ops.iter().find(|op| op.key == DATE).and_then(|op| date(&op.value)).map(Month::from_date)
}

/// The date in a scalar.
pub fn date(value: &Scalar) -> Option<Date> {
    match value {
        Scalar::Int(days) => i32::try_from(*days).ok().and_then(Date::from_days),
        _ => None,
    }
}

/// The time of day in a scalar.
pub fn time(value: &Scalar) -> Option<TimeOfDay> {
    match value {
        Scalar::Uint(seconds) => u32::try_from(*seconds).ok().and_then(TimeOfDay::from_seconds),
        _ => None,
    }
}

/// The currency in a text: any three capital letters, because a newer version may know more of them.
pub fn currency(code: &str) -> Option<Currency> {
    code.as_bytes().try_into().ok().and_then(Currency::from_record)
}

fn check_unknown(key: &str, value: &Scalar) -> Result<(), FieldError> {
    let is_inner = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b':' | b'-');
    let is_key = key.len() <= KEY_BYTES_MAX
        && key.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && key.as_bytes().iter().all(is_inner);
    if !is_key {
        return Err(FieldError::Key);
    }
    let length = match value {
        Scalar::Str(text) => text.len(),
        Scalar::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    if length <= UNKNOWN_VALUE_BYTES_MAX { Ok(()) } else { Err(FieldError::Value) }
}

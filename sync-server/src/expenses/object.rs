//! An expense as JSON. Keys are a contract: more may come, none changes its meaning or goes away.
//!
//! Money is `{"minor": 1250, "currency": "EUR"}`, a date `"2026-11-02"`, a local time `"18:05"`, an id its text; a category
//! is its path, an account its name. They are the objects of the command line's `--json`.

use outlay_ledger::{Date, DocumentId, TimeOfDay};
use rusqlite::Row;
use serde::Serialize;
use utoipa::ToSchema;

use super::attachments::{self, AttachmentObject};
use super::input::KindName;
use super::names::Names;
use super::rows::{TAG_SEPARATOR, kind_name};
use crate::api::Id;
use crate::store::Result;

/// An amount or a sum; sums may be wider than 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Money)]
pub(crate) struct MoneyObject {
    /// In minor units: cents.
    pub(super) minor: i128,
    #[schema(pattern = "^[A-Z]{3}$")]
    pub(super) currency: String,
}

/// An expense, an income or a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Expense)]
pub(crate) struct ExpenseObject {
    #[schema(value_type = Id)]
    pub(super) id: String,
    /// `null` when a newer version of the app wrote the money, as the amount then is.
    #[schema(value_type = Option<KindName>, required)]
    kind: Option<&'static str>,
    #[schema(required)]
    amount: Option<MoneyObject>,
    payee: String,
    /// Its path.
    #[schema(required)]
    category: Option<String>,
    #[schema(value_type = Option<Id>, required)]
    category_id: Option<String>,
    /// Its name.
    #[schema(required)]
    account: Option<String>,
    #[schema(value_type = Option<Id>, required)]
    account_id: Option<String>,
    /// Its name.
    #[schema(required)]
    to_account: Option<String>,
    #[schema(format = Date)]
    date: String,
    /// Local.
    #[schema(required, pattern = "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$")]
    time: Option<String>,
    note: String,
    tags: Vec<String>,
    #[schema(value_type = Option<Id>, required)]
    refund_of: Option<String>,
    /// Its files, ascending by hash.
    attachments: Vec<AttachmentObject>,
    /// Whether it is in the trash.
    deleted: bool,
    /// Whether two devices set one field at once.
    conflicted: bool,
}

/// What [`Stored::read`] reads.
pub(super) const COLUMNS: &str =
    "e.id, e.day, e.created_ms, e.kind, e.minor, e.currency, e.payee, e.category, e.account,
    e.to_account, e.second, e.note, e.tags, e.refund_of, e.state, e.is_conflicted, e.changed,
    e.attachments";

/// A row of `expense`.
pub(super) struct Stored {
    pub(super) id: DocumentId,
    pub(super) day: i64,
    pub(super) created_ms: i64,
    kind: Option<i64>,
    minor: Option<i64>,
    currency: Option<String>,
    payee: Option<String>,
    category: Option<DocumentId>,
    account: Option<DocumentId>,
    to_account: Option<DocumentId>,
    second: Option<u32>,
    note: Option<String>,
    tags: Option<String>,
    refund_of: Option<DocumentId>,
    state: i64,
    is_conflicted: bool,
    pub(super) changed: u64,
    attachments: Option<String>,
}

impl Stored {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let id = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<[u8; 16]>>(column)?.map(DocumentId));
        Ok(Self {
            id: DocumentId(row.get(0)?),
            day: row.get(1)?,
            created_ms: row.get(2)?,
            kind: row.get(3)?,
            minor: row.get(4)?,
            currency: row.get(5)?,
            payee: row.get(6)?,
            category: id(7)?,
            account: id(8)?,
            to_account: id(9)?,
            second: row.get(10)?,
            note: row.get(11)?,
            tags: row.get(12)?,
            refund_of: id(13)?,
            state: row.get(14)?,
            is_conflicted: row.get(15)?,
            changed: row.get(16)?,
            attachments: row.get(17)?,
        })
    }

    /// Whether it is not there any more.
    pub(super) fn is_gone(&self) -> bool {
        self.state == 2
    }

    pub(super) fn resolve(self, names: &mut Names<'_>) -> Result<ExpenseObject> {
        let category = match self.category {
            Some(id) => names.category(id)?.map(|name| (id, name)),
            None => None,
        };
        let account = match self.account {
            Some(id) => names.wallet(id)?.map(|name| (id, name)),
            None => None,
        };
        let date = i32::try_from(self.day).ok().and_then(Date::from_days).unwrap_or(Date::MIN);
        let money = self.minor.zip(self.currency);
        Ok(ExpenseObject {
            id: self.id.to_string(),
            kind: self.kind.map(kind_name),
            amount: money.map(|(minor, currency)| MoneyObject { minor: minor.into(), currency }),
            payee: self.payee.unwrap_or_default(),
            category_id: category.as_ref().map(|(id, _)| id.to_string()),
            category: category.map(|(_, name)| name),
            account_id: account.as_ref().map(|(id, _)| id.to_string()),
            account: account.map(|(_, name)| name),
            to_account: self.to_account.map(|id| names.wallet(id)).transpose()?.flatten(),
            date: date.to_string(),
            time: self.second.and_then(TimeOfDay::from_seconds).map(|time| time.to_string()),
            note: self.note.unwrap_or_default(),
            tags: self.tags.iter().flat_map(|tags| tags.split(TAG_SEPARATOR)).map(str::to_owned).collect(),
            refund_of: self.refund_of.map(|id| id.to_string()),
            attachments: attachments::of_column(self.attachments.as_deref()),
            deleted: self.state == 0,
            conflicted: self.is_conflicted,
        })
    }
}

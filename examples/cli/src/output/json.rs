//! The objects that scripts read. Their keys are a contract: more may come, none changes its meaning or goes away.
//!
//! Money is `{"minor": 1250, "currency": "EUR"}`, a date `"2026-11-02"`, a month `"2026-11"`, a local time `"18:05"`,
//! an instant RFC 3339 in UTC, an id its text; a category is its path, an account its name.

mod sync;

use std::path::Path;

use outlay_core::insight::objects::InsightsObject;
use outlay_core::{
    AsideCommit, Attachment, Author, Conflict, ConflictValue, Diagnosis, EntryKind, Expense, FieldChange, FieldValue,
    HistoryEntry, Imported, Invitation, Ledger, Member, MemberDevice, Money, Named, OpenInvitation, Rejected, Sum,
    Undone,
};
use serde::Serialize;

use super::text;
pub(crate) use sync::{AccountObject, DeviceObject, StatusObject, SyncObject};

/// What is found in a ledger, and the files that were drawn, if any were asked for.
#[derive(Debug, Serialize)]
pub(crate) struct PlottedObject {
    #[serde(flatten)]
    pub(crate) insights: InsightsObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plots: Option<Vec<String>>,
}

/// An amount or a sum; sums may be wider than 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MoneyObject {
    minor: i128,
    currency: String,
}

impl From<Money> for MoneyObject {
    fn from(money: Money) -> Self {
        Self { minor: money.minor().into(), currency: money.currency().to_string() }
    }
}

impl From<Sum> for MoneyObject {
    fn from(sum: Sum) -> Self {
        Self { minor: sum.minor, currency: sum.currency.to_string() }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct ExpenseObject {
    id: String,
    ledger: String,
    /// `null` when a newer version of the app wrote the money, as the amount then is.
    kind: Option<&'static str>,
    amount: Option<MoneyObject>,
    payee: String,
    category: Option<String>,
    account: Option<String>,
    to_account: Option<String>,
    date: String,
    time: Option<String>,
    note: String,
    tags: Vec<String>,
    refund_of: Option<String>,
    deleted: bool,
    conflicted: bool,
}

impl From<&Expense> for ExpenseObject {
    fn from(expense: &Expense) -> Self {
        let name = |named: &Option<Named>| named.as_ref().map(|named| named.name.clone());
        Self {
            id: expense.id.to_string(),
            ledger: expense.ledger.to_string(),
            kind: expense.kind.map(|kind| text::kind(Some(kind))),
            amount: expense.amount.map(Into::into),
            payee: expense.payee.clone(),
            category: name(&expense.category),
            account: name(&expense.account),
            to_account: name(&expense.to_account),
            date: expense.date.to_string(),
            time: expense.time.map(|time| time.to_string()),
            note: expense.note.clone(),
            tags: expense.tags.clone(),
            refund_of: expense.refund_of.map(|id| id.to_string()),
            deleted: expense.deleted,
            conflicted: expense.conflicted,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct AttachmentObject {
    expense: String,
    ledger: String,
    hash: String,
    bytes: u64,
    media_type: String,
    name: String,
    /// Whether the file is on this device; one that is not can be fetched.
    here: bool,
    /// Where it was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

impl AttachmentObject {
    pub(crate) fn new(expense: &Expense, attachment: &Attachment, file: Option<&Path>) -> Self {
        Self {
            expense: expense.id.to_string(),
            ledger: expense.ledger.to_string(),
            hash: attachment.hash.to_string(),
            bytes: attachment.bytes,
            media_type: attachment.media_type.clone(),
            name: attachment.name.clone(),
            here: attachment.is_here,
            file: file.map(|path| path.display().to_string()),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct LedgerObject {
    id: String,
    name: String,
    currency: Option<String>,
    /// `null` when this device is no member: then the ledger can be read only.
    role: Option<&'static str>,
    default: bool,
}

impl From<&Ledger> for LedgerObject {
    fn from(ledger: &Ledger) -> Self {
        Self {
            id: ledger.id.to_string(),
            name: ledger.name.clone(),
            currency: ledger.currency.map(|currency| currency.to_string()),
            role: ledger.role.map(text::role),
            default: ledger.is_default,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct MemberObject {
    member: String,
    /// `null` until the person has said it.
    name: Option<String>,
    role: &'static str,
    this: bool,
    devices: Vec<MemberDeviceObject>,
}

#[derive(Debug, Serialize)]
struct MemberDeviceObject {
    device: String,
    /// `false` while only a server's word speaks for it.
    confirmed: bool,
    this: bool,
}

impl From<&Member> for MemberObject {
    fn from(member: &Member) -> Self {
        let device = |device: &MemberDevice| MemberDeviceObject {
            device: device.key.to_string(),
            confirmed: device.is_confirmed,
            this: device.is_this,
        };
        Self {
            member: member.id.to_string(),
            name: member.name.clone(),
            role: text::role(member.role),
            this: member.is_self,
            devices: member.devices.iter().map(device).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct AsideObject {
    commit: String,
    author: String,
    device: String,
    time: Option<String>,
    changes: u64,
}

impl From<&AsideCommit> for AsideObject {
    fn from(aside: &AsideCommit) -> Self {
        Self {
            commit: aside.id.to_string(),
            author: author(&aside.author),
            device: aside.author.device.to_string(),
            time: text::instant(aside.time_ms),
            changes: aside.changes,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct InvitationObject {
    code: String,
    /// What it is known by to who has not the code.
    invitation: String,
    ledger: String,
    role: &'static str,
    expires: Option<String>,
    /// Whether it is on the server: before, nobody can use it.
    synced: bool,
}

impl InvitationObject {
    pub(crate) fn new(invitation: &Invitation, is_synced: bool) -> Self {
        Self {
            code: invitation.code.clone(),
            invitation: invitation.key.to_string(),
            ledger: invitation.ledger.to_string(),
            role: text::role(invitation.role),
            expires: text::instant(invitation.expires_ms),
            synced: is_synced,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct OpenInvitationObject {
    invitation: String,
    role: &'static str,
    expires: Option<String>,
}

impl From<&OpenInvitation> for OpenInvitationObject {
    fn from(open: &OpenInvitation) -> Self {
        Self {
            invitation: open.key.to_string(),
            role: text::role(open.role),
            expires: open.expires_ms.and_then(text::instant),
        }
    }
}

/// The value of a field: an object for money, a boolean for a flag, text for the rest, `null` for nothing.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ValueObject {
    Nothing,
    Text(String),
    Flag(bool),
    Money(MoneyObject),
}

impl From<&FieldValue> for ValueObject {
    fn from(value: &FieldValue) -> Self {
        match value {
            FieldValue::Empty | FieldValue::Newer => Self::Nothing,
            FieldValue::Text(text) => Self::Text(text.clone()),
            FieldValue::Flag(flag) => Self::Flag(*flag),
            FieldValue::Money { amount, .. } => Self::Money((*amount).into()),
            FieldValue::Date(_) | FieldValue::Time(_) | FieldValue::Thing(_) | FieldValue::Attachment { .. } => {
                Self::Text(text::field_value(value))
            }
        }
    }
}

/// What an amount comes with, where it is not an expense or names accounts.
#[derive(Debug, Default, Serialize)]
struct MoneyDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_account: Option<String>,
    /// Whether a newer version wrote a value that this one cannot show.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    newer: bool,
}

impl From<&FieldValue> for MoneyDetail {
    fn from(value: &FieldValue) -> Self {
        let name = |named: &Option<Named>| named.as_ref().map(|named| named.name.clone());
        match value {
            FieldValue::Money { kind, from, to, .. } => Self {
                kind: (*kind != EntryKind::Expense).then(|| text::kind(Some(*kind))),
                account: name(from),
                to_account: name(to),
                newer: false,
            },
            other => Self { newer: *other == FieldValue::Newer, ..Self::default() },
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct ConflictObject {
    id: String,
    ledger: String,
    expense: String,
    field: String,
    /// The first is the one shown now.
    values: Vec<ConflictValueObject>,
}

#[derive(Debug, Serialize)]
struct ConflictValueObject {
    value: ValueObject,
    #[serde(flatten)]
    detail: MoneyDetail,
    author: String,
    device: String,
    time: Option<String>,
}

impl From<&ConflictValue> for ConflictValueObject {
    fn from(conflict: &ConflictValue) -> Self {
        Self {
            value: (&conflict.value).into(),
            detail: (&conflict.value).into(),
            author: author(&conflict.author),
            device: conflict.author.device.to_string(),
            time: text::instant(conflict.time_ms),
        }
    }
}

impl From<&Conflict> for ConflictObject {
    fn from(conflict: &Conflict) -> Self {
        Self {
            id: text::conflict_id(conflict),
            ledger: conflict.ledger.to_string(),
            expense: conflict.document.to_string(),
            field: conflict.field.clone(),
            values: conflict.values.iter().map(Into::into).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct HistoryObject {
    commit: String,
    action: String,
    author: String,
    device: String,
    time: Option<String>,
    changes: Vec<ChangeObject>,
    /// Why the change is not counted, if it is not.
    not_applied: Option<String>,
}

#[derive(Debug, Serialize)]
struct ChangeObject {
    field: String,
    before: ValueObject,
    after: ValueObject,
}

impl From<&FieldChange> for ChangeObject {
    fn from(change: &FieldChange) -> Self {
        Self { field: change.field.clone(), before: (&change.before).into(), after: (&change.after).into() }
    }
}

impl From<&HistoryEntry> for HistoryObject {
    fn from(entry: &HistoryEntry) -> Self {
        Self {
            commit: entry.commit.to_string(),
            action: entry.action.to_string(),
            author: author(&entry.author),
            device: entry.author.device.to_string(),
            time: text::instant(entry.time_ms),
            changes: entry.changes.iter().map(Into::into).collect(),
            not_applied: entry.not_applied.clone(),
        }
    }
}

/// One row of a report: of a month one category, of a year one month.
#[derive(Debug, Serialize)]
pub(crate) struct TotalObject {
    pub(crate) month: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) category: Option<Option<String>>,
    pub(crate) spent: MoneyObject,
    pub(crate) earned: MoneyObject,
    pub(crate) count: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct ImportedObject {
    added: u64,
    restored: u64,
    duplicates: u64,
    conflicting: u64,
    rejected: Vec<RejectedObject>,
    ledger: Option<String>,
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct RejectedObject {
    line: u64,
    reason: String,
}

impl From<&Rejected> for RejectedObject {
    fn from(rejected: &Rejected) -> Self {
        Self { line: rejected.line, reason: rejected.reason.clone() }
    }
}

impl ImportedObject {
    pub(crate) fn new(imported: &Imported, dry_run: bool) -> Self {
        Self {
            added: imported.added,
            restored: imported.restored,
            duplicates: imported.duplicates,
            conflicting: imported.conflicting,
            rejected: imported.rejected.iter().map(Into::into).collect(),
            ledger: imported.ledger.map(|id| id.to_string()),
            dry_run,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct UndoneObject {
    changed: u64,
    /// Ids of what was left as it is, because it was edited since.
    left: Vec<String>,
}

impl From<&Undone> for UndoneObject {
    fn from(undone: &Undone) -> Self {
        Self { changed: undone.changed, left: undone.left.iter().map(ToString::to_string).collect() }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct DiagnosisObject {
    ok: bool,
    checked: Vec<CountObject>,
    problems: Vec<String>,
    not_applied: Vec<CountObject>,
}

#[derive(Debug, Serialize)]
struct CountObject {
    what: String,
    count: u64,
}

impl From<&(String, u64)> for CountObject {
    fn from((what, count): &(String, u64)) -> Self {
        Self { what: what.clone(), count: *count }
    }
}

impl From<&Diagnosis> for DiagnosisObject {
    fn from(diagnosis: &Diagnosis) -> Self {
        Self {
            ok: diagnosis.is_ok(),
            checked: diagnosis.checked.iter().map(Into::into).collect(),
            problems: diagnosis.problems.clone(),
            not_applied: diagnosis.not_applied.iter().map(Into::into).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct HomeObject {
    pub(crate) home: String,
    pub(crate) database: String,
    pub(crate) device: String,
    pub(crate) currency: Option<String>,
    pub(crate) created: bool,
}

/// The name, else the device's key, so that a script can tell authors apart.
fn author(author: &Author) -> String {
    author.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| author.device.to_string())
}

//! An entry as a readable object: what a line of JSON and a row of our CSV say, and what comes back from them.
//!
//! The keys are those that the command line prints. Every key may be left out but `amount` and `date`; one that is not
//! known is an error, because a misspelt key would lose what it says.

use std::collections::BTreeMap;
use std::fmt::Write;

use outlay_ledger::{Currency, CurrencyError, Date, DateError, DocumentId, EntryKind, Money, MoneyError, TimeOfDay};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::escape::{self, PATH};
use crate::model::{Expense, NewExpense, Reference};

/// Bytes of an id that another program gave.
const ID_BYTES_MAX: usize = 128;

/// An entry in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryObject {
    /// What the object is; one that does not say it is an entry.
    #[serde(rename = "type", default)]
    pub(super) what: What,
    #[serde(default)]
    pub(crate) id: Option<String>,
    /// `null` when a newer version wrote the money.
    #[serde(default = "expense")]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) amount: Option<MoneyObject>,
    #[serde(default)]
    pub(crate) payee: Option<String>,
    /// The path from the top; see [`escape`].
    #[serde(default)]
    pub(crate) category: Option<String>,
    #[serde(default)]
    pub(crate) account: Option<String>,
    #[serde(default)]
    pub(crate) to_account: Option<String>,
    #[serde(default)]
    pub(crate) date: Option<String>,
    #[serde(default)]
    pub(crate) time: Option<String>,
    #[serde(default)]
    pub(crate) note: Option<String>,
    #[serde(default)]
    pub(crate) tags: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) refund_of: Option<String>,
    #[serde(default)]
    pub(crate) deleted: bool,
    #[serde(default)]
    pub(super) conflicted: bool,
    /// As the command line prints it; nothing here goes by it.
    #[serde(default, skip_serializing)]
    pub(super) ledger: Option<String>,
}

/// The one type of object that is an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum What {
    #[default]
    Expense,
}

/// An amount in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoneyObject {
    pub(crate) minor: i64,
    pub(crate) currency: String,
}

/// Why an object or a row is no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EntryError {
    #[error("the {0} is missing")]
    Missing(&'static str),
    #[error("a newer version wrote this entry's money")]
    Newer,
    #[error("the kind is not one of expense, income and transfer")]
    UnknownKind,
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error(transparent)]
    Currency(#[from] CurrencyError),
    #[error(transparent)]
    Date(#[from] DateError),
    #[error("an id is 1 to {ID_BYTES_MAX} bytes without control characters")]
    Id,
}

/// An entry read from a file.
pub(crate) struct Read {
    pub(crate) id: Option<String>,
    pub(crate) new: NewExpense,
    pub(crate) is_deleted: bool,
    pub(crate) refund: Option<String>,
}

impl EntryObject {
    /// An entry as it is shown, with the path of its category.
    pub(crate) fn new(expense: &Expense, category: Option<String>) -> Self {
        let account = |named: &Option<crate::model::Named>| named.as_ref().map(|named| named.name.clone());
        Self {
            what: What::Expense,
            id: Some(expense.id.to_string()),
            kind: expense.kind.map(|kind| kind_text(kind).to_owned()),
            amount: expense
                .amount
                .map(|amount| MoneyObject { minor: amount.minor(), currency: amount.currency().code().to_owned() }),
            payee: Some(expense.payee.clone()),
            category,
            account: account(&expense.account),
            to_account: account(&expense.to_account),
            date: Some(expense.date.to_string()),
            time: expense.time.map(|time| time.to_string()),
            note: Some(expense.note.clone()),
            tags: Some(expense.tags.clone()),
            refund_of: expense.refund_of.map(|id| id.to_string()),
            deleted: expense.deleted,
            conflicted: expense.conflicted,
            ledger: None,
        }
    }

    /// What is to be made of it.
    pub(crate) fn read(self) -> Result<Read, EntryError> {
        let kind = kind_of_text(&self.kind.ok_or(EntryError::Newer)?)?;
        let amount = self.amount.ok_or(EntryError::Missing("amount"))?;
        let amount = Money::new(amount.minor, Currency::parse(&amount.currency)?)?;
        let date = Date::parse(&self.date.ok_or(EntryError::Missing("date"))?)?;
        let category = self.category.as_deref().map(|path| escape::split(path, PATH));
        let account =
            |name: Option<String>| name.filter(|name| !name.is_empty()).map(|name| Reference::Path(vec![name]));
        let new = NewExpense {
            kind,
            category: category.filter(|path| !path.is_empty()).map(Reference::Path),
            account: account(self.account),
            to_account: account(self.to_account),
            date: Some(date),
            time: self.time.as_deref().map(TimeOfDay::parse).transpose()?,
            note: self.note.unwrap_or_default(),
            tags: self.tags.unwrap_or_default(),
            ..NewExpense::new(amount, self.payee.unwrap_or_default())
        };
        let (id, refund) = (self.id.map(checked_id).transpose()?, self.refund_of.map(checked_id).transpose()?);
        Ok(Read { id, new, is_deleted: self.deleted, refund })
    }
}

/// The id of an entry of ours, if it is one.
pub(crate) fn own_id(text: &str) -> Option<DocumentId> {
    text.parse().ok()
}

/// An object in one form of many: keys ascending, no white space.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, to: &mut String) {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            to.push('{');
            for (index, (key, member)) in sorted.into_iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                // Writing to a text does not fail.
                let _ = write!(to, "{comma}{}:", Value::String(key.clone()));
                write_canonical(member, to);
            }
            to.push('}');
        }
        Value::Array(members) => {
            to.push('[');
            for (index, member) in members.iter().enumerate() {
                to.push_str(if index > 0 { "," } else { "" });
                write_canonical(member, to);
            }
            to.push(']');
        }
        plain => {
            let _ = write!(to, "{plain}");
        }
    }
}

/// The word for a kind.
pub(crate) const fn kind_text(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Expense => "expense",
        EntryKind::Income => "income",
        EntryKind::Transfer => "transfer",
    }
}

fn kind_of_text(text: &str) -> Result<EntryKind, EntryError> {
    let kinds = [EntryKind::Expense, EntryKind::Income, EntryKind::Transfer];
    kinds.into_iter().find(|kind| kind_text(*kind) == text).ok_or(EntryError::UnknownKind)
}

pub(super) fn expense() -> Option<String> {
    Some(kind_text(EntryKind::Expense).to_owned())
}

fn checked_id(id: String) -> Result<String, EntryError> {
    let is_one = (1..=ID_BYTES_MAX).contains(&id.len()) && !id.chars().any(char::is_control);
    if is_one { Ok(id) } else { Err(EntryError::Id) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::canonical;

    #[test]
    fn the_canonical_form_does_not_depend_on_the_order_of_keys() {
        let value = json!({"b": [1, {"d": null, "c": "é\n\""}], "a": true});
        assert_eq!(canonical(&value), "{\"a\":true,\"b\":[1,{\"c\":\"é\\n\\\"\",\"d\":null}]}");
    }
}

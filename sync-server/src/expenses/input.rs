//! What programs send: an expense as JSON, read into what the ledger's own functions write.

use outlay_ledger::expense::{Edit, New};
use outlay_ledger::{Currency, Date, DocumentId, EntryKind, Money, TimeOfDay};
use serde::Deserialize;
use utoipa::ToSchema;

use super::draft::{Draft, Drafted, Refusal};
use crate::api::Id;
use crate::request::present;

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoneyIn {
    /// In minor units: cents.
    minor: i64,
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
}

/// What an entry is.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "stands for texts in the description")]
pub(super) enum KindName {
    Expense,
    Income,
    Transfer,
}

/// An expense to be added.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpenseIn {
    /// An expense if it is not there.
    #[schema(value_type = Option<KindName>)]
    kind: Option<String>,
    amount: MoneyIn,
    #[schema(format = Date)]
    date: String,
    #[serde(default)]
    #[schema(max_length = 256)]
    payee: String,
    /// An id, or a path that is made if it is not there.
    category: Option<String>,
    /// An id, or a name that is made if it is not there.
    account: Option<String>,
    /// Of a transfer.
    to_account: Option<String>,
    /// Local, like `18:05`.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    time: Option<String>,
    #[serde(default)]
    #[schema(max_length = 4096)]
    note: String,
    #[serde(default)]
    #[schema(max_items = 32)]
    tags: Vec<String>,
    #[schema(value_type = Option<Id>)]
    refund_of: Option<String>,
    /// What the program calls it: of a bulk only. The same one is added once.
    #[schema(min_length = 1, max_length = 256)]
    pub(super) external_id: Option<String>,
}

/// What is to be changed: what is not there stays, and null clears.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = ExpenseChangesIn)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangesIn {
    #[schema(value_type = Option<KindName>)]
    kind: Option<String>,
    amount: Option<MoneyIn>,
    #[schema(format = Date)]
    date: Option<String>,
    #[schema(max_length = 256)]
    payee: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    category: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    account: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    to_account: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    time: Option<Option<String>>,
    #[schema(max_length = 4096)]
    note: Option<String>,
    #[schema(max_items = 32)]
    tags: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Id>)]
    refund_of: Option<Option<String>>,
    /// Whether it is to be in the trash.
    pub(super) deleted: Option<bool>,
}

impl ExpenseIn {
    /// The registers of the entry. What it names is drafted too if it is not there.
    pub(super) fn puts(&self, draft: &mut Draft<'_>) -> Drafted<Vec<outlay_ledger::fold::Put>> {
        // What can be wrong is looked at before anything is drafted.
        let (kind, amount) = (self.kind.as_deref().map_or(Ok(EntryKind::Expense), kind)?, self.amount.read()?);
        let (day, time) = (date(&self.date)?, self.time.as_deref().map(time).transpose()?);
        let refund_of = self.refund_of.as_deref().map(document).transpose()?;
        let (payee, note, tags) = (self.payee.as_str(), self.note.as_str(), self.tags.as_slice());
        let mut new = New {
            kind,
            amount,
            date: day,
            payee,
            category: None,
            account: None,
            to_account: None,
            time,
            note,
            tags,
            refund_of,
        };
        new.puts()?;
        new.account = self.account.as_deref().map(|name| draft.wallet(name)).transpose()?;
        new.to_account = self.to_account.as_deref().map(|name| draft.wallet(name)).transpose()?;
        new.category = self.category.as_deref().map(|path| draft.category(path)).transpose()?;
        Ok(new.puts()?)
    }
}

impl ChangesIn {
    /// What the ledger's functions change. What it names is drafted too if it is not there.
    pub(super) fn read<'a>(&'a self, draft: &mut Draft<'_>) -> Drafted<Edit<'a>> {
        Ok(Edit {
            kind: self.kind.as_deref().map(kind).transpose()?,
            amount: self.amount.as_ref().map(MoneyIn::read).transpose()?,
            date: self.date.as_deref().map(date).transpose()?,
            payee: self.payee.as_deref(),
            time: each(&self.time, time)?,
            note: self.note.as_deref(),
            tags: self.tags.as_deref(),
            refund_of: each(&self.refund_of, document)?,
            account: each(&self.account, |name| draft.wallet(name))?,
            to_account: each(&self.to_account, |name| draft.wallet(name))?,
            category: each(&self.category, |path| draft.category(path))?,
        })
    }
}

impl MoneyIn {
    fn read(&self) -> Drafted<Money> {
        let currency = Currency::parse(&self.currency).map_err(|_| invalid("the currency is no ISO 4217 code"))?;
        Money::new(self.minor, currency).map_err(|_| invalid("the amount is out of range"))
    }
}

fn each<T>(given: &Option<Option<String>>, read: impl FnOnce(&str) -> Drafted<T>) -> Drafted<Option<Option<T>>> {
    match given {
        Some(Some(text)) => Ok(Some(Some(read(text)?))),
        Some(None) => Ok(Some(None)),
        None => Ok(None),
    }
}

fn kind(name: &str) -> Drafted<EntryKind> {
    match name {
        "expense" => Ok(EntryKind::Expense),
        "income" => Ok(EntryKind::Income),
        "transfer" => Ok(EntryKind::Transfer),
        _ => Err(invalid("the kind is none of expense, income and transfer")),
    }
}

fn date(text: &str) -> Drafted<Date> {
    Date::parse(text).map_err(|_| invalid("the date is not like 2026-11-02"))
}

fn time(text: &str) -> Drafted<TimeOfDay> {
    TimeOfDay::parse(text).map_err(|_| invalid("the time is not like 18:05"))
}

fn document(text: &str) -> Drafted<DocumentId> {
    text.parse().map_err(|_| invalid("refund_of is no id"))
}

fn invalid(reason: &str) -> Refusal {
    Refusal::Invalid(reason.to_owned())
}

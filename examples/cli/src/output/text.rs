//! Values as people read them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use outlay_core::{Author, Conflict, Currency, EntryKind, Expense, FieldValue, Money, Named, Role, Sum};

/// Digits of an id in tables and messages. Two of a million entries share them in one of a few thousand databases'
/// pages; where rows of a page do, they are shown whole.
pub(crate) const ID_DIGITS: usize = 8;
/// What stands for a value that is not there.
pub(crate) const EMPTY: &str = "(empty)";

pub(crate) fn kind(kind: Option<EntryKind>) -> &'static str {
    match kind {
        Some(EntryKind::Expense) => "expense",
        Some(EntryKind::Income) => "income",
        Some(EntryKind::Transfer) => "transfer",
        None => "newer",
    }
}

pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Editor => "editor",
        Role::Owner => "owner",
    }
}

/// How a conflict is named: a thing has at most one for each field.
pub(crate) fn conflict_id(conflict: &Conflict) -> String {
    format!("{}.{}", conflict.document, conflict.field)
}

pub(crate) fn amount(amount: Option<Money>) -> String {
    amount.map_or_else(|| "?".to_owned(), |amount| amount.to_string())
}

/// A number with what it counts: `1 entry`, `2 entries`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {what}s"),
    }
}

pub(crate) fn zero(currency: Currency) -> Sum {
    Sum { minor: 0, currency }
}

pub(crate) fn name(named: Option<&Named>) -> &str {
    named.map_or("", |named| &named.name)
}

/// The account, or both of a transfer.
pub(crate) fn accounts(expense: &Expense) -> String {
    let (from, to) = (name(expense.account.as_ref()), name(expense.to_account.as_ref()));
    match expense.kind {
        Some(EntryKind::Transfer) if !from.is_empty() || !to.is_empty() => {
            let known = |name: &str| if name.is_empty() { "?".to_owned() } else { name.to_owned() };
            format!("{} → {}", known(from), known(to))
        }
        _ => from.to_owned(),
    }
}

/// One line about an entry: what a command that changed it answers.
pub(crate) fn summary(expense: &Expense) -> String {
    let kind = match expense.kind {
        Some(EntryKind::Expense) => "",
        other => kind(other),
    };
    let category = name(expense.category.as_ref());
    let date = expense.date.to_string();
    let accounts = accounts(expense);
    let parts = [kind, &amount(expense.amount), &expense.payee, category, &accounts, &date]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    super::table::printable(&parts)
}

/// The first digits of an id.
pub(crate) fn short_id(id: &str) -> &str {
    id.get(..ID_DIGITS).unwrap_or(id)
}

/// The first digits of each id, or the whole where two different ones among them share those.
pub(crate) fn short_ids(ids: &[String]) -> Vec<&str> {
    let mut whole: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for id in ids {
        whole.entry(short_id(id)).or_default().insert(id);
    }
    let is_alone = |id: &str| whole.get(short_id(id)).is_some_and(|ids| ids.len() == 1);
    ids.iter().map(|id| if is_alone(id) { short_id(id) } else { id }).collect()
}

/// A value as `outlay resolve` takes it back.
pub(crate) fn field_value(value: &FieldValue) -> String {
    match value {
        FieldValue::Empty => EMPTY.to_owned(),
        FieldValue::Text(text) if text.is_empty() => EMPTY.to_owned(),
        FieldValue::Text(text) => text.clone(),
        FieldValue::Money { amount, .. } => amount.to_string(),
        FieldValue::Date(date) => date.to_string(),
        FieldValue::Time(time) => time.to_string(),
        FieldValue::Thing(named) if named.name.is_empty() => named.id.to_string(),
        FieldValue::Thing(named) => named.name.clone(),
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Attachment { name, hash, .. } if name.is_empty() => hash.to_string(),
        FieldValue::Attachment { name, .. } => name.clone(),
        FieldValue::Newer => "(made by a newer version)".to_owned(),
    }
}

/// Like [`field_value`], with the kind and the accounts that an amount comes with.
pub(crate) fn field_value_in_full(value: &FieldValue) -> String {
    let FieldValue::Money { kind: entry_kind, from, to, .. } = value else { return field_value(value) };
    let mut text = field_value(value);
    if *entry_kind != EntryKind::Expense {
        text.push_str(&format!(", {}", kind(Some(*entry_kind))));
    }
    if from.is_some() || to.is_some() {
        let known = |named: &Option<Named>| named.as_ref().map_or("?", |named| &named.name).to_owned();
        text.push_str(&format!(", {} → {}", known(from), known(to)));
    }
    text
}

/// Who wrote something: the name, else the first digits of the device's key.
pub(crate) fn author(author: &Author) -> String {
    let name = author.name.clone().filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| short_id(&author.device.to_string()).to_owned());
    if author.is_self { format!("{name} (this device)") } else { name }
}

/// An instant of someone's clock in UTC; `None` where the calendar has no such year.
pub(crate) fn instant(time_ms: i64) -> Option<String> {
    Timestamp::from_millisecond(time_ms).ok().map(|time| time.to_string())
}

/// The same to the minute, for tables.
pub(crate) fn instant_short(time_ms: i64) -> String {
    let text = Timestamp::from_millisecond(time_ms).map(|time| time.strftime("%Y-%m-%d %H:%M UTC").to_string());
    text.unwrap_or_else(|_| "?".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_share_their_first_digits_are_shown_whole() {
        let ids = ["aaaaaaaa1", "aaaaaaaa2", "bbbbbbbb1", "bbbbbbbb1"].map(str::to_owned);
        assert_eq!(short_ids(&ids), ["aaaaaaaa1", "aaaaaaaa2", "bbbbbbbb", "bbbbbbbb"]);
    }

    #[test]
    fn an_instant_is_utc_and_never_a_panic() {
        assert_eq!(instant(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(instant_short(1_793_600_000_000), "2026-11-02 06:13 UTC");
        assert_eq!(instant(i64::MAX), None);
        assert_eq!(instant_short(i64::MIN), "?");
    }
}

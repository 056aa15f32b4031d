//! `outlay conflicts` and `resolve`.

use outlay_core::{Conflict, DocumentId, Engine, FieldValue, Money, Resolution};
use serde::Deserialize;
use serde_json::json;

use crate::args::{Conflicts, Resolve};
use crate::failure::Failure;
use crate::home::Home;
use crate::output::json::{ConflictObject, ExpenseObject};
use crate::output::table::Table;
use crate::output::{Output, text};
use crate::{input, lookup};

pub(crate) fn list(args: &Conflicts, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let conflicts = all(&engine, args.ledger.as_deref())?;
    if out.is_json() {
        return conflicts.iter().try_for_each(|conflict| out.object(&ConflictObject::from(conflict)));
    }
    if conflicts.is_empty() {
        out.remark("There are no conflicts.");
        return Ok(());
    }
    out.table(&table(&engine, &conflicts)?)?;
    out.remark("The first value of each is the one shown. Settle one with: outlay resolve CONFLICT '#2'");
    Ok(())
}

pub(crate) fn resolve(args: &Resolve, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let conflict = find(all(&engine, None)?, &args.conflict, out.is_json())?;
    let resolution = resolution(&conflict, &args.value)?;
    engine.resolve(&conflict, resolution)?;
    answer(&engine, &conflict, out)
}

/// The conflict with an id; for people also with the first digits of it, if no other begins with them.
fn find(conflicts: Vec<Conflict>, id: &str, is_json: bool) -> Result<Conflict, Failure> {
    let none = || format!("there is no conflict {id:?}");
    let (digits, field) = id.split_once('.').ok_or_else(|| Failure::not_found(none()))?;
    let is_named = |document: &DocumentId| match is_json {
        true => document.to_string() == digits,
        false => lookup::is_named(document, digits),
    };
    let meant = conflicts.into_iter().filter(|conflict| conflict.field == field && is_named(&conflict.document));
    lookup::the_one(meant, || format!("several conflicts begin with {id:?}; give more digits"), none)
}

fn all(engine: &Engine, ledger: Option<&str>) -> Result<Vec<Conflict>, Failure> {
    let mut conflicts = Vec::new();
    for ledger in lookup::ledgers(engine, ledger)? {
        conflicts.extend(engine.conflicts(ledger.id)?);
    }
    Ok(conflicts)
}

/// The place of the value that was meant, if it is one of those that collided, else the text for the engine to parse.
fn resolution(conflict: &Conflict, value: &str) -> Result<Resolution, Failure> {
    if let Some(number) = value.strip_prefix('#') {
        return place(conflict, number).map(Resolution::Choose);
    }
    let value = money_text(value).unwrap_or_else(|| value.to_owned());
    let is_meant = |field: &FieldValue| is_written(field, &value, &conflict.field);
    let mut meant = conflict.values.iter().enumerate().filter(|(_, one)| is_meant(&one.value));
    match (meant.next(), meant.next()) {
        (Some((place, _)), None) => Ok(Resolution::Choose(place)),
        (Some(_), Some(_)) => Err(Failure::invalid("several values are written so; choose by place, such as #2")),
        (None, _) => Ok(Resolution::Text(flag_text(&value, &conflict.field))),
    }
}

fn place(conflict: &Conflict, number: &str) -> Result<usize, Failure> {
    let count = conflict.values.len();
    let place = number.parse::<usize>().ok().filter(|place| (1..=count).contains(place));
    let place = place.ok_or_else(|| Failure::invalid(format!("there is no value #{number}: there are {count}")))?;
    Ok(place - 1)
}

/// Whether a value is what was typed, in one of the forms in which it is shown.
fn is_written(value: &FieldValue, typed: &str, field: &str) -> bool {
    match value {
        FieldValue::Empty => matches!(typed, "" | "null" | text::EMPTY),
        FieldValue::Money { amount, .. } => input::amount(typed, amount.currency()).is_ok_and(|typed| typed == *amount),
        FieldValue::Flag(flag) => flag_text(typed, field) == flag.to_string(),
        FieldValue::Newer => false,
        FieldValue::Text(text) if text.is_empty() => matches!(typed, "" | text::EMPTY),
        _ => text::field_value(value) == typed.trim() || text::field_value_in_full(value) == typed,
    }
}

/// `deleted` and `live` say of the field `deleted` what `true` and `false` say.
fn flag_text(typed: &str, field: &str) -> String {
    match (field, typed) {
        ("deleted", "deleted") => "true".to_owned(),
        ("deleted", "live") => "false".to_owned(),
        _ => typed.to_owned(),
    }
}

/// The text of a money object, as `conflicts` prints it.
fn money_text(typed: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Object {
        minor: i64,
        currency: String,
    }
    let object: Object = serde_json::from_str(typed).ok()?;
    let money = Money::new(object.minor, outlay_core::Currency::parse(&object.currency).ok()?).ok()?;
    Some(money.to_string())
}

/// The object of the conflict without its values, and the entry as it is now, if it is of one.
fn answer(engine: &Engine, conflict: &Conflict, out: &mut Output) -> Result<(), Failure> {
    let expense = engine.expense(conflict.ledger, conflict.document)?;
    if out.is_json() {
        return out.object(&json!({
            "id": text::conflict_id(conflict),
            "ledger": conflict.ledger.to_string(),
            "expense": conflict.document.to_string(),
            "field": conflict.field,
            "resolved": true,
            "now": expense.as_ref().map(ExpenseObject::from),
        }));
    }
    let now = expense.map(|expense| format!(": {}", text::summary(&expense))).unwrap_or_default();
    out.line(format!("Settled {}{now}", conflict.field))
}

fn table(engine: &Engine, conflicts: &[Conflict]) -> Result<Table, Failure> {
    let mut table = Table::new(["CONFLICT", "ENTRY", ">#", "VALUE", "BY", "AT"]);
    let documents: Vec<String> = conflicts.iter().map(|conflict| conflict.document.to_string()).collect();
    for (conflict, id) in conflicts.iter().zip(text::short_ids(&documents)) {
        let entry = engine.expense(conflict.ledger, conflict.document)?;
        let entry = entry.map(|entry| format!("{} {}", entry.date, entry.payee)).unwrap_or_default();
        // What is said once is not repeated in the rows below.
        let mut once = [format!("{id}.{}", conflict.field), entry];
        for (place, one) in conflict.values.iter().enumerate() {
            let [id, entry] = std::mem::take(&mut once);
            table.push([
                id,
                entry,
                (place + 1).to_string(),
                text::field_value_in_full(&one.value),
                text::author(&one.author),
                text::instant_short(one.time_ms),
            ]);
        }
    }
    Ok(table.without_empty_columns())
}

#[cfg(test)]
mod tests {
    use super::*;
    use outlay_core::{Author, ConflictValue, Date, DeviceKey, DocumentId, EntryKind, LedgerId};

    fn conflict(field: &str, values: Vec<FieldValue>) -> Conflict {
        let author = Author { member: None, device: DeviceKey([0; 32]), name: None, is_self: false };
        let one = |value| ConflictValue { value, author: author.clone(), time_ms: 0 };
        Conflict {
            ledger: LedgerId([0; 16]),
            document: DocumentId([0; 16]),
            field: field.to_owned(),
            values: values.into_iter().map(one).collect(),
        }
    }

    fn euros(text: &str) -> FieldValue {
        let amount = Money::parse_with_currency(&format!("{text} EUR")).unwrap();
        FieldValue::Money { kind: EntryKind::Expense, amount, from: None, to: None }
    }

    #[test]
    fn an_amount_is_chosen_in_every_form_it_is_shown_in() {
        let amounts = conflict("amount", vec![euros("12.50"), euros("13.00")]);
        for typed in ["13.00", "13", "13.00 EUR", r#"{"minor":1300,"currency":"EUR"}"#, "#2"] {
            assert_eq!(resolution(&amounts, typed).unwrap(), Resolution::Choose(1), "{typed:?}");
        }
        assert_eq!(resolution(&amounts, "14.00").unwrap(), Resolution::Text("14.00".to_owned()));
        assert_eq!(resolution(&amounts, "13.00 USD").unwrap(), Resolution::Text("13.00 USD".to_owned()));
        for typed in ["#0", "#3", "#", "#x"] {
            assert!(resolution(&amounts, typed).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn dates_flags_and_nothing_are_chosen_by_their_words() {
        let date = FieldValue::Date(Date::parse("2026-11-02").unwrap());
        let dates = conflict("date", vec![FieldValue::Empty, date]);
        assert_eq!(resolution(&dates, "2026-11-02").unwrap(), Resolution::Choose(1));
        assert_eq!(resolution(&dates, "").unwrap(), Resolution::Choose(0));
        let deleted = conflict("deleted", vec![FieldValue::Flag(false), FieldValue::Flag(true)]);
        for (typed, place) in [("true", 1), ("deleted", 1), ("false", 0), ("live", 0)] {
            assert_eq!(resolution(&deleted, typed).unwrap(), Resolution::Choose(place), "{typed:?}");
        }
    }

    #[test]
    fn values_that_are_written_alike_are_chosen_by_place() {
        let amount = Money::parse_with_currency("5.00 EUR").unwrap();
        let income = FieldValue::Money { kind: EntryKind::Income, amount, from: None, to: None };
        let amounts = conflict("amount", vec![euros("5.00"), income]);
        assert!(resolution(&amounts, "5.00").is_err());
        assert_eq!(resolution(&amounts, "#1").unwrap(), Resolution::Choose(0));
    }
}

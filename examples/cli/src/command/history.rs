//! `outlay history`: what was done to an entry, by whom and when, oldest first.

use outlay_core::{FieldChange, FieldValue, HistoryEntry};

use crate::args::Id;
use crate::failure::Failure;
use crate::home::Home;
use crate::lookup;
use crate::output::json::HistoryObject;
use crate::output::table::Table;
use crate::output::{Output, text};

pub(crate) fn run(args: &Id, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let expense = lookup::expense(&engine, &args.id, out.is_json())?;
    let entries = engine.history(expense.ledger, expense.id)?;
    if out.is_json() {
        return entries.iter().try_for_each(|entry| out.object(&HistoryObject::from(entry)));
    }
    let mut table = Table::new(["AT", "BY", "FIELD", "CHANGE", "NOT COUNTED"]);
    entries.iter().for_each(|entry| push(&mut table, entry));
    out.table(&table.without_empty_columns())
}

fn push(table: &mut Table, entry: &HistoryEntry) {
    // When and by whom is said once for all that was done in one go.
    let mut once = [text::instant_short(entry.time_ms), text::author(&entry.author)];
    let mut row = |field: String, change: String, reason: String| {
        let [at, by] = std::mem::take(&mut once);
        table.push([at, by, field, change, reason]);
    };
    for change in &entry.changes {
        row(change.field.clone(), described(change), String::new());
    }
    if entry.changes.is_empty() {
        row(String::new(), String::new(), entry.not_applied.clone().unwrap_or_default());
    }
}

fn described(change: &FieldChange) -> String {
    let after = text::field_value_in_full(&change.after);
    match change.before {
        FieldValue::Empty => after,
        _ => format!("{} → {after}", text::field_value_in_full(&change.before)),
    }
}

//! The vectors that every language checks: a ledger as it is exported, and what is read of it.
//!
//! `bindings/vectors/household.jsonl` has the signed commits of two devices that collided, `household.json` what each language
//! must show of them: ids, fields, sums and conflicts. `cargo test -p outlay-ffi --test vectors -- --ignored` writes both anew,
//! with other ids.

#![allow(clippy::unwrap_used)] // A test that cannot read its files has nothing else to say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlay::{Edit, Engine, OptionalReference, Options};
use outlay_core::{
    Currency, Date, EntryKind, Expense, FieldValue, Filter, ImportOptions, LedgerId, Money, Month, NewExpense,
    Reference, Sort, TimeOfDay,
};
use serde_json::{Value, json};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings/vectors").join(name)
}

fn engine() -> Arc<Engine> {
    Engine::open_in_memory(Options::default()).unwrap()
}

#[test]
fn the_ledger_of_the_vectors_reads_as_they_say() {
    let engine = engine();
    let lines = std::fs::read(file("household.jsonl")).unwrap();
    let ledger = engine.import_file(lines, ImportOptions::default(), None, None).unwrap().ledger.unwrap();
    let expected: Value = serde_json::from_slice(&std::fs::read(file("household.json")).unwrap()).unwrap();
    assert_eq!(shown(&engine, ledger), expected);
}

#[test]
#[ignore = "writes the vectors anew"]
fn write_the_vectors() {
    let (ana, ben) = (engine(), engine());
    let ledger = two_devices_that_collide(&ana, &ben);
    ana.export_jsonl(ledger, file("household.jsonl").to_str().unwrap().to_owned()).unwrap();
    let text = serde_json::to_string_pretty(&shown(&ana, ledger)).unwrap() + "\n";
    std::fs::write(file("household.json"), text).unwrap();
}

fn two_devices_that_collide(ana: &Engine, ben: &Engine) -> LedgerId {
    let ledger = ana.create_ledger("Household".into(), Currency::EUR).unwrap().id;
    ana.admit_device(ledger, ben.device_key().unwrap()).unwrap();
    let add = |amount: &str, payee: &str, date: &str, more: fn(&mut NewExpense)| {
        let mut new = NewExpense::new(Money::parse_with_currency(amount).unwrap(), payee);
        new.date = Some(Date::parse(date).unwrap());
        more(&mut new);
        ana.add_expense(ledger, new).unwrap().id
    };
    let lunch = add("12.50 EUR", "Corner Café", "2026-10-31", |new| {
        new.category = Some(Reference::Path(vec!["Food".into(), "Snacks".into()]));
        new.time = Some(TimeOfDay::parse("12:30").unwrap());
        new.tags = vec!["work".into(), "naïve".into()];
    });
    add("-3.40 EUR", "Corner Café", "2026-11-01", |new| new.category = Some("Food".into()));
    add("1250 JPY", "駅の本屋", "2026-11-02", |new| new.note = "two\nlines".into());
    add("0.001 KWD", "Smallest", "2026-11-03", |_| {});
    add("9999999999999.99 EUR", "Largest", "2026-11-04", |_| {});
    add("2500 EUR", "Employer", "2026-11-25", |new| new.kind = EntryKind::Income);
    add("100 EUR", "", "2026-11-26", |new| {
        new.kind = EntryKind::Transfer;
        new.account = Some("Card".into());
        new.to_account = Some("Savings".into());
    });
    let deleted = add("1 EUR", "Deleted", "2026-11-27", |_| {});
    ana.delete_expense(ledger, deleted).unwrap();

    exchange(ana, ben, ledger);
    ana.edit_expense(ledger, lunch, Edit { payee: Some("Corner".into()), ..Edit::default() }).unwrap();
    let moved = Edit {
        payee: Some("The Corner".into()),
        category: Some(OptionalReference::To("Fun".into())),
        ..Edit::default()
    };
    ben.edit_expense(ledger, lunch, moved).unwrap();
    exchange(ana, ben, ledger);
    ledger
}

fn exchange(one: &Engine, other: &Engine, ledger: LedgerId) {
    for (here, there) in [(one, other), (other, one)] {
        for batch in here.batches(ledger, there.heads(ledger).unwrap_or_default()).unwrap() {
            assert_eq!(there.take_in_batch(batch).unwrap().refused, []);
        }
    }
}

/// What every language shows of a ledger.
fn shown(engine: &Engine, ledger: LedgerId) -> Value {
    let list = |deleted| {
        let filter = Filter { deleted, ..Filter::default() };
        engine.query(ledger, filter, Sort::Oldest, None, 100).unwrap().expenses
    };
    let expenses: Vec<Value> = list(false).iter().chain(&list(true)).map(expense).collect();
    let (first, last) = (Month::parse("2026-10").unwrap(), Month::parse("2026-11").unwrap());
    let totals = engine.totals(ledger, first, last).unwrap();
    let totals = totals.iter().map(|total| {
        let category = total.category.as_ref().map(|category| &category.name);
        let (spent, earned) = (total.spent.to_string(), total.earned.to_string());
        json!({ "month": total.month.to_string(), "category": category, "spent": spent, "earned": earned, "count": total.count })
    });
    let heads = engine.heads(ledger).unwrap();
    json!({
        "ledger": ledger.to_string(),
        "heads": heads.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "expenses": expenses,
        "totals": totals.collect::<Vec<_>>(),
        "conflicts": conflicts(engine, ledger),
    })
}

fn expense(expense: &Expense) -> Value {
    let name = |named: &Option<outlay_core::Named>| named.as_ref().map(|named| named.name.clone());
    let kind = match expense.kind.unwrap() {
        EntryKind::Expense => "expense",
        EntryKind::Income => "income",
        EntryKind::Transfer => "transfer",
    };
    json!({
        "id": expense.id.to_string(),
        "kind": kind,
        "amount": expense.amount.unwrap().to_string(),
        "payee": expense.payee,
        "category": name(&expense.category),
        "account": name(&expense.account),
        "to_account": name(&expense.to_account),
        "date": expense.date.to_string(),
        "time": expense.time.map(|time| time.to_string()),
        "note": expense.note,
        "tags": expense.tags,
        "deleted": expense.deleted,
        "conflicted": expense.conflicted,
    })
}

/// Conflicts of texts and of things, each with its values in order.
fn conflicts(engine: &Engine, ledger: LedgerId) -> Vec<Value> {
    let found = engine.conflicts(ledger).unwrap();
    let conflicts = found.iter().map(|conflict| {
        let values = conflict.values.iter().map(|value| match &value.value {
            FieldValue::Text(text) => text.clone(),
            FieldValue::Thing(named) => named.name.clone(),
            other => format!("{other:?}"),
        });
        json!({ "document": conflict.document.to_string(), "field": conflict.field, "values": values.collect::<Vec<_>>() })
    });
    conflicts.collect()
}

//! What people decide of payments that come back: remembered for ever, and merged like every other field.

use outlay_core::{Decision, Edit, EntryKind, ErrorKind, FieldValue, Resolution, Spend};

use crate::support::{exchange, spent, two_devices};

#[test]
fn a_decision_is_on_every_device_and_outlives_edits_and_the_trash() {
    let (phone, laptop, home) = two_devices();
    let id = phone.add(home, spent("9.99", "Films", "2026-03-01")).id;
    phone.decide(home, id, Some(Decision::Dismissed)).unwrap();
    phone.edit_expense(home, id, Edit { payee: Some("Films Ltd".into()), ..Edit::default() }).unwrap();
    phone.delete_expense(home, id).unwrap();
    exchange(&phone, &laptop, home);
    for device in [&phone, &laptop] {
        assert_eq!(device.decisions(home).unwrap(), [(id, Decision::Dismissed)]);
        device.assert_healthy("after a decision");
    }
    laptop.decide(home, id, None).unwrap();
    exchange(&phone, &laptop, home);
    assert_eq!(phone.decisions(home).unwrap(), []);
    phone.assert_healthy("after it was taken back");
}

#[test]
fn two_who_decide_at_once_are_shown_both_and_settle_it_by_a_word() {
    let (phone, laptop, home) = two_devices();
    let id = phone.add(home, spent("9.99", "Films", "2026-03-01")).id;
    exchange(&phone, &laptop, home);
    phone.decide(home, id, Some(Decision::Confirmed)).unwrap();
    laptop.decide(home, id, Some(Decision::Dismissed)).unwrap();
    exchange(&phone, &laptop, home);
    let conflicts = phone.conflicts(home).unwrap();
    let shown: Vec<&FieldValue> = conflicts[0].values.iter().map(|value| &value.value).collect();
    assert_eq!((conflicts.len(), conflicts[0].field.as_str()), (1, "commitment"));
    assert!(["confirmed", "dismissed"].iter().all(|word| shown.contains(&&FieldValue::Text((*word).into()))));

    let unknown = phone.resolve(&phone.seen(home, id, "commitment"), Resolution::Text("perhaps".into()));
    assert_eq!(unknown.map_err(|error| error.kind()), Err(ErrorKind::InvalidInput));
    phone.resolve(&phone.seen(home, id, "commitment"), Resolution::Text("confirmed".into())).unwrap();
    exchange(&phone, &laptop, home);
    assert_eq!(laptop.decisions(home).unwrap(), [(id, Decision::Confirmed)]);
    assert!(laptop.conflicts(home).unwrap().is_empty());
}

#[test]
fn undo_takes_a_decision_back_and_only_entries_have_one() {
    let (phone, _, home) = two_devices();
    let id = phone.add(home, spent("9.99", "Films", "2026-03-01")).id;
    phone.decide(home, id, Some(Decision::Confirmed)).unwrap();
    phone.undo().unwrap();
    assert_eq!(phone.decisions(home).unwrap(), []);
    let account = phone.accounts(home).unwrap().first().map(|account| account.id);
    let unknown = account.unwrap_or(outlay_core::DocumentId([7; 16]));
    let refused = phone.decide(home, unknown, Some(Decision::Confirmed));
    assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::NotFound));
}

#[test]
fn rows_for_statistics_are_what_is_not_in_the_trash_and_money_that_came_back_is_spent_less() {
    let (phone, _, home) = two_devices();
    let mut films = spent("9.99", "Films", "2026-03-01");
    (films.note, films.tags) = ("March".into(), vec!["fun".into(), "home".into()]);
    let films = phone.add(home, films);
    let gone = phone.add(home, spent("1", "Gone", "2026-03-02")).id;
    phone.delete_expense(home, gone).unwrap();
    let mut back = spent("9.99", "Films", "2026-03-05");
    (back.kind, back.refund_of) = (EntryKind::Income, Some(films.id));
    let back = phone.add(home, back);

    let mut rows = phone.spending(home).unwrap();
    rows.sort_by_key(|row| row.date);
    let row = |expense: &outlay_core::Expense| Spend {
        id: expense.id,
        date: expense.date,
        kind: EntryKind::Expense,
        amount: expense.amount.unwrap(),
        payee: expense.payee.clone(),
        note: expense.note.clone(),
        category: None,
        account: None,
        tags: expense.tags.clone(),
    };
    assert_eq!(rows, [row(&films), Spend { amount: back.amount.unwrap().negate(), ..row(&back) }]);
}

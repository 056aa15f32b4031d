//! Adding, changing, deleting, restoring and looking at an entry, and its history.

use outlay_core::{
    Currency, DocumentId, Edit, EntryKind, ErrorKind, FieldValue, LedgerId, Money, NewExpense, Reference, TimeOfDay,
};

use crate::support::{Device, NOON_MS, date, eur, exchange, path, spent, two_devices};

fn at_home() -> (Device, LedgerId) {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    (device, home)
}

fn full(refund_of: Option<DocumentId>) -> NewExpense {
    NewExpense {
        category: path(&["Food", "Cafés"]),
        account: Some("Cash".into()),
        time: Some(TimeOfDay::parse("08:15").unwrap()),
        note: " two\r\nlines ".into(),
        tags: vec!["work".into(), "trip".into(), "work".into(), "".into()],
        refund_of,
        ..spent("3.40", "  Corner Café ", "2026-03-02")
    }
}

#[test]
fn an_entry_is_stored_with_all_its_fields() {
    let (device, home) = at_home();
    let first = device.add(home, spent("80", "Rent", "2026-03-01"));
    let added = device.add(home, full(Some(first.id)));
    assert_eq!(added, device.get(home, added.id));
    assert_eq!(Some(&added), device.find_expense(added.id).unwrap().as_ref());
    assert_eq!((added.kind, added.amount), (Some(EntryKind::Expense), Some(eur("3.40"))));
    assert_eq!((added.payee.as_str(), added.note.as_str()), ("Corner Café", "two\nlines"));
    assert_eq!(added.category.as_ref().unwrap().name, "Food:Cafés");
    assert_eq!(added.account.as_ref().unwrap().name, "Cash");
    assert_eq!((added.to_account.clone(), added.time), (None, TimeOfDay::from_seconds(8 * 3600 + 15 * 60)));
    assert_eq!(
        (added.date, added.tags.as_slice()),
        (date("2026-03-02"), ["trip".to_owned(), "work".into()].as_slice())
    );
    assert_eq!((added.refund_of, added.ledger, added.deleted, added.conflicted), (Some(first.id), home, false, false));
}

#[test]
fn an_entry_without_a_date_is_of_today_and_stays_there() {
    let (device, home) = at_home();
    let coffee = device.add_expense(home, NewExpense::new(eur("3.40"), "Café")).unwrap();
    assert_eq!(coffee.date, date("2026-03-15"));
    device.clock.set_now_ms(NOON_MS + 40 * 86_400_000);
    assert_eq!(device.get(home, coffee.id).date, date("2026-03-15"), "a civil date does not move");
}

#[test]
fn an_edit_changes_what_it_names_and_nothing_else() {
    let (device, home) = at_home();
    let before = device.add(home, full(None));
    type Shows = fn(&outlay_core::Expense) -> bool;
    let edits: Vec<(Edit, Shows)> = vec![
        (Edit { amount: Some(eur("4")), ..Edit::default() }, |e| e.amount == Some(eur("4"))),
        (Edit { payee: Some("Bakery".into()), ..Edit::default() }, |e| e.payee == "Bakery"),
        (Edit { note: Some("one".into()), ..Edit::default() }, |e| e.note == "one"),
        (Edit { date: Some(date("2025-12-31")), ..Edit::default() }, |e| e.date == date("2025-12-31")),
        (Edit { time: Some(TimeOfDay::from_seconds(0)), ..Edit::default() }, |e| e.time == TimeOfDay::from_seconds(0)),
        (Edit { tags: Some(vec!["home".into()]), ..Edit::default() }, |e| e.tags == ["home"]),
        (Edit { category: Some(path(&["Travel"])), ..Edit::default() }, |e| {
            e.category.as_ref().unwrap().name == "Travel"
        }),
        (Edit { account: Some(Some("Bank".into())), ..Edit::default() }, |e| {
            e.account.as_ref().unwrap().name == "Bank"
        }),
        (Edit { kind: Some(EntryKind::Income), ..Edit::default() }, |e| e.kind == Some(EntryKind::Income)),
        (Edit { refund_of: Some(Some(DocumentId([7; 16]))), ..Edit::default() }, |e| e.refund_of.is_some()),
    ];
    let mut shown = before;
    for (edit, is_so) in edits {
        let edited = device.edit_expense(home, shown.id, edit.clone()).unwrap();
        assert!(is_so(&edited) && !is_so(&shown), "{edit:?}");
        assert_eq!(edited, device.get(home, shown.id));
        let differences = [
            edited.kind != shown.kind,
            edited.amount != shown.amount,
            edited.payee != shown.payee,
            edited.category != shown.category,
            edited.account != shown.account,
            edited.to_account != shown.to_account,
            edited.date != shown.date,
            edited.time != shown.time,
            edited.note != shown.note,
            edited.tags != shown.tags,
            edited.refund_of != shown.refund_of,
            edited.deleted != shown.deleted,
        ];
        assert_eq!(differences.iter().filter(|differs| **differs).count(), 1, "{edit:?}");
        shown = edited;
    }
}

#[test]
fn every_optional_field_can_be_cleared() {
    let (device, home) = at_home();
    let rent = device.add(home, spent("80", "Rent", "2026-03-01"));
    let added = device.add(home, full(Some(rent.id)));
    let clear = Edit {
        payee: Some(String::new()),
        category: Some(None),
        account: Some(None),
        time: Some(None),
        note: Some("  ".into()),
        tags: Some(Vec::new()),
        refund_of: Some(None),
        ..Edit::default()
    };
    let cleared = device.edit_expense(home, added.id, clear.clone()).unwrap();
    assert_eq!((cleared.payee.as_str(), cleared.note.as_str(), cleared.tags.len()), ("", "", 0));
    assert_eq!((&cleared.category, &cleared.account, cleared.time, cleared.refund_of), (&None, &None, None, None));
    assert_eq!((cleared.amount, cleared.date), (added.amount, added.date));

    let commits = device.commits(home, &[]).unwrap().len();
    assert_eq!(device.edit_expense(home, added.id, clear).unwrap(), cleared);
    assert_eq!(device.edit_expense(home, added.id, Edit::default()).unwrap(), cleared);
    let again = Edit { amount: added.amount, date: Some(added.date), ..Edit::default() };
    assert_eq!(device.edit_expense(home, added.id, again).unwrap(), cleared);
    assert_eq!(device.commits(home, &[]).unwrap().len(), commits, "what changes nothing writes nothing");
}

#[test]
fn a_deleted_entry_can_be_looked_at_edited_and_restored() {
    let (device, home) = at_home();
    let added = device.add(home, full(None));
    let deleted = device.delete_expense(home, added.id).unwrap();
    assert!(deleted.deleted);
    assert_eq!(device.delete_expense(home, added.id).unwrap(), deleted, "twice is once");
    let note = Edit { note: Some("sold".into()), ..Edit::default() };
    assert!(device.edit_expense(home, added.id, note).unwrap().deleted, "an edit does not bring it back");
    let restored = device.restore_expense(home, added.id).unwrap();
    assert_eq!(restored, outlay_core::Expense { note: "sold".into(), ..added });
}

#[test]
fn what_cannot_be_an_entry_is_refused_with_a_kind_and_changes_nothing() {
    let (device, home) = at_home();
    let added = device.add(home, full(None));
    let category = added.category.as_ref().unwrap().id;
    let commits = device.commits(home, &[]).unwrap().len();
    let ok = || spent("1", "Shop", "2026-03-01");
    let long = |bytes: usize| "x".repeat(bytes);
    let names = |count: usize| Some(Reference::Path((0..count).map(|level| format!("l{level}")).collect()));
    let refused = [
        (NewExpense { amount: eur("0"), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { payee: long(257), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { payee: "two\nlines".into(), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { note: long(4097), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { note: "bell \u{7}".into(), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { tags: vec![long(65)], ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { tags: (0..33).map(|tag| format!("t{tag}")).collect(), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { category: names(0), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { category: names(17), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { category: path(&["Food", " "]), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { account: Some("".into()), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { account: path(&["Bank", "Savings"]), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { account: Some(long(129).as_str().into()), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { to_account: Some("Bank".into()), ..ok() }, ErrorKind::InvalidInput),
        (NewExpense { account: Some(Reference::Id(category)), ..ok() }, ErrorKind::NotFound),
        (NewExpense { category: Some(Reference::Id(added.id)), ..ok() }, ErrorKind::NotFound),
        (NewExpense { category: Some(Reference::Id(DocumentId([9; 16]))), ..ok() }, ErrorKind::NotFound),
    ];
    for (new, kind) in refused {
        assert_eq!(device.add_expense(home, new.clone()).unwrap_err().kind(), kind, "{new:?}");
    }
    let edit = |edit: Edit| device.edit_expense(home, added.id, edit).unwrap_err().kind();
    assert_eq!(edit(Edit { amount: Some(eur("0")), ..Edit::default() }), ErrorKind::InvalidInput);
    assert_eq!(edit(Edit { refund_of: Some(Some(added.id)), ..Edit::default() }), ErrorKind::InvalidInput);
    assert_eq!(edit(Edit { to_account: Some(Some("Bank".into())), ..Edit::default() }), ErrorKind::InvalidInput);
    assert_eq!(edit(Edit { payee: Some(long(257)), ..Edit::default() }), ErrorKind::InvalidInput);
    for missing in [DocumentId([9; 16]), DocumentId([0x89; 16]), category] {
        assert_eq!(device.edit_expense(home, missing, Edit::default()).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(device.delete_expense(home, missing).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(device.expense(home, missing).unwrap(), None);
    }
    let nowhere = LedgerId([5; 16]);
    assert_eq!(device.add_expense(nowhere, ok()).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(device.expense(nowhere, added.id).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(device.commits(home, &[]).unwrap().len(), commits);
    assert_eq!(device.accounts(home).unwrap().len(), 1, "no account of a refused entry stays behind");
    assert_eq!(device.categories(home).unwrap().len(), 2);
    device.assert_healthy("after refusals");
}

#[test]
fn amounts_go_up_to_the_limit_and_not_beyond() {
    let (device, home) = at_home();
    for minor in [1, -1, 1_000_000_000_000_000, -1_000_000_000_000_000] {
        let amount = Money::new(minor, Currency::EUR).unwrap();
        assert_eq!(device.add(home, NewExpense::new(amount, "")).amount, Some(amount));
    }
    assert!(Money::new(1_000_000_000_000_001, Currency::EUR).is_err());
}

#[test]
fn the_history_names_who_changed_what_and_when() {
    let (phone, laptop, home) = two_devices();
    phone.clock.set_now_ms(1_000);
    let added = phone.add_expense(home, spent("3.40", "Cafe", "2026-03-01")).unwrap();
    exchange(&phone, &laptop, home);
    laptop.clock.set_now_ms(2_000);
    let edit = Edit { payee: Some("Café".into()), note: Some("two".into()), ..Edit::default() };
    laptop.edit_expense(home, added.id, edit).unwrap();
    exchange(&phone, &laptop, home);
    phone.clock.set_now_ms(3_000);
    phone.delete_expense(home, added.id).unwrap();

    let history = phone.history(home, added.id).unwrap();
    let [first, second, third] = history.as_slice() else { panic!("three changes: {history:?}") };
    assert_eq!((first.time_ms, second.time_ms, third.time_ms), (1_000, 2_000, 3_000));
    assert_eq!((first.author.device, second.author.device), (phone.device_key(), laptop.device_key()));
    assert_eq!((first.author.is_self, second.author.is_self, third.author.is_self), (true, false, true));
    assert_eq!(first.author.member, second.author.member, "two devices of one person");
    let set = |entry: &outlay_core::HistoryEntry| {
        let set =
            entry.changes.iter().map(|change| (change.field.clone(), change.before.clone(), change.after.clone()));
        set.collect::<Vec<_>>()
    };
    let text = |text: &str| FieldValue::Text(text.into());
    assert_eq!(
        set(second),
        [("note".into(), FieldValue::Empty, text("two")), ("payee".into(), text("Cafe"), text("Café"))]
    );
    assert_eq!(set(third), [("deleted".into(), FieldValue::Flag(false), FieldValue::Flag(true))]);
    assert!(set(first).contains(&("date".into(), FieldValue::Empty, FieldValue::Date(date("2026-03-01")))));
    assert!(history.iter().all(|entry| entry.not_applied.is_none()));
    assert_eq!(first.action.0, first.commit.0[..8]);
    assert_eq!(phone.history(home, DocumentId([9; 16])).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_hundred_edits_are_read_as_fast_as_one_and_stay_right() {
    let (phone, laptop, home) = two_devices();
    let added = phone.add(home, spent("1", "start", "2026-03-01"));
    for turn in 1..=100_u32 {
        exchange(&phone, &laptop, home);
        let device = if turn % 3 == 0 { &laptop } else { &phone };
        let edit = Edit { payee: Some(format!("turn {turn}")), ..Edit::default() };
        device.edit_expense(home, added.id, edit).unwrap();
    }
    exchange(&phone, &laptop, home);
    assert_eq!(phone.get(home, added.id).payee, "turn 100");
    assert_eq!(laptop.get(home, added.id), phone.get(home, added.id));
    assert_eq!(laptop.history(home, added.id).unwrap().len(), 101);
    phone.assert_healthy("phone");
    laptop.assert_healthy("laptop");
}

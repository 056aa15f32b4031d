//! Undo of what this device did last, and before that.

use outlay_core::{Currency, Edit, Expense, Filter, LedgerId, NewExpense, Sort, Undone};

use crate::support::{Device, eur, exchange, path, spent, two_devices};

fn at_home() -> (Device, LedgerId) {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    (device, home)
}

fn one() -> Option<Undone> {
    Some(Undone { changed: 1, left: vec![] })
}

fn payee(payee: &str) -> Edit {
    Edit { payee: Some(payee.into()), ..Edit::default() }
}

#[test]
fn undo_goes_back_step_by_step_to_the_beginning() {
    let (device, home) = at_home();
    let added = device.add(home, NewExpense { tags: vec!["a".into()], ..spent("3", "Café", "2026-03-01") });
    let edit = Edit {
        amount: Some(eur("4")),
        note: Some("n".into()),
        tags: Some(vec!["b".into()]),
        date: Some(crate::support::date("2026-04-01")),
        ..payee("Bakery")
    };
    let edited = device.edit_expense(home, added.id, edit).unwrap();
    let deleted = device.delete_expense(home, added.id).unwrap();
    let restored = device.restore_expense(home, added.id).unwrap();
    assert_eq!(restored, edited);
    for expected in [&deleted, &edited, &added, &Expense { deleted: true, ..added.clone() }] {
        assert_eq!(device.undo().unwrap(), one());
        assert_eq!(&device.get(home, added.id), expected);
    }
    assert_eq!(device.undo().unwrap(), None, "the ledger itself is not undone");
    assert_eq!(device.history(home, added.id).unwrap().len(), 8, "an undo is an action too");
    device.assert_healthy("undone");

    device.add(home, spent("1", "New", "2026-03-01"));
    assert_eq!(device.undo().unwrap(), one(), "what is done after an undo is undone first");
    assert_eq!(device.undo().unwrap(), None);
}

#[test]
fn what_was_edited_since_is_left_and_named() {
    let (phone, laptop, home) = two_devices();
    let added = phone.add(home, spent("3", "Café", "2026-03-01"));
    phone.edit_expense(home, added.id, Edit { note: Some("mine".into()), ..payee("Bakery") }).unwrap();
    exchange(&phone, &laptop, home);
    laptop.edit_expense(home, added.id, payee("Shop")).unwrap();
    exchange(&phone, &laptop, home);

    assert_eq!(phone.undo().unwrap(), one(), "the note goes back, the payee stays");
    let shown = phone.get(home, added.id);
    assert_eq!((shown.payee.as_str(), shown.note.as_str()), ("Shop", ""));

    laptop.pull(&phone, home);
    laptop.delete_expense(home, added.id).unwrap();
    laptop.restore_expense(home, added.id).unwrap();
    exchange(&phone, &laptop, home);
    let left = Undone { changed: 0, left: vec![added.id] };
    assert_eq!(phone.undo().unwrap(), Some(left), "another device has put its state since");
    assert!(!phone.get(home, added.id).deleted);
    assert_eq!(phone.undo().unwrap(), None);
    exchange(&phone, &laptop, home);
    assert_eq!(phone.get(home, added.id), laptop.get(home, added.id));
}

#[test]
fn an_undo_of_one_device_does_not_touch_what_another_one_did() {
    let (phone, laptop, home) = two_devices();
    let by_phone = phone.add(home, spent("3", "Café", "2026-03-01"));
    exchange(&phone, &laptop, home);
    let by_laptop = laptop.add(home, spent("4", "Shop", "2026-03-02"));
    exchange(&phone, &laptop, home);
    assert_eq!(phone.undo().unwrap(), one());
    assert!(phone.get(home, by_phone.id).deleted && !phone.get(home, by_laptop.id).deleted);
    assert_eq!(phone.undo().unwrap(), None);
}

#[test]
fn a_concurrent_edit_beside_an_undone_one_is_kept() {
    let (phone, laptop, home) = two_devices();
    let added = phone.add(home, spent("3", "Café", "2026-03-01"));
    exchange(&phone, &laptop, home);
    phone.edit_expense(home, added.id, payee("Bakery")).unwrap();
    laptop.edit_expense(home, added.id, payee("Shop")).unwrap();
    exchange(&phone, &laptop, home);
    assert_eq!(phone.undo().unwrap(), Some(Undone { changed: 0, left: vec![added.id] }), "both show");
    assert_eq!(phone.conflicts(home).unwrap()[0].values.len(), 2);
}

#[test]
fn undo_of_an_entry_takes_the_category_and_account_it_made_unless_others_use_them() {
    let (phone, laptop, home) = two_devices();
    let new = |payee| NewExpense {
        category: path(&["Food", "Cafés"]),
        account: Some("Cash".into()),
        ..spent("3", payee, "2026-03-01")
    };
    let first = phone.add(home, new("first"));
    assert_eq!(phone.undo().unwrap(), Some(Undone { changed: 4, left: vec![] }));
    assert_eq!((phone.categories(home).unwrap(), phone.accounts(home).unwrap()), (vec![], vec![]));

    let second = phone.add(home, new("second"));
    assert_eq!(second.category, first.category, "the same category, back again");
    exchange(&phone, &laptop, home);
    let others = laptop.add(home, new("other"));
    exchange(&phone, &laptop, home);
    assert_eq!(phone.undo().unwrap().unwrap().changed, 1, "another entry needs them now");
    assert!(phone.get(home, second.id).deleted);
    assert_eq!(phone.get(home, others.id), others);
    assert_eq!(phone.categories(home).unwrap().len(), 2);
}

#[test]
fn undo_of_a_conflict_resolved_leaves_a_value() {
    let (phone, laptop, home) = two_devices();
    let added = phone.add(home, spent("3", "Café", "2026-03-01"));
    exchange(&phone, &laptop, home);
    phone.edit_expense(home, added.id, payee("Bakery")).unwrap();
    laptop.edit_expense(home, added.id, payee("Shop")).unwrap();
    exchange(&phone, &laptop, home);
    let shown = phone.get(home, added.id).payee;
    phone.resolve(&phone.seen(home, added.id, "payee"), outlay_core::Resolution::Text("Settled".into())).unwrap();
    assert_eq!(phone.undo().unwrap(), one());
    assert_eq!(phone.get(home, added.id).payee, shown, "what was shown before it was settled");
    phone.assert_healthy("resolved and undone");
}

#[test]
fn undo_reaches_into_the_ledger_that_was_written_last() {
    let (device, home) = at_home();
    let trip = device.create_ledger("Trip", Currency::EUR).unwrap().id;
    device.add(home, spent("3", "Café", "2026-03-01"));
    device.add(trip, spent("4", "Hotel", "2026-03-02"));
    let live = |ledger| device.all(ledger, &Filter::default(), Sort::Newest).len();
    assert_eq!((device.undo().unwrap(), live(home), live(trip)), (one(), 1, 0));
    assert_eq!((device.undo().unwrap(), live(home), live(trip)), (one(), 0, 0));
}

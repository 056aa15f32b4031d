//! What collides is shown until it is settled, and settled once for everybody.

use outlay_core::{
    Conflict, Currency, Edit, EntryKind, ErrorKind, Expense, FieldValue, LedgerId, NewExpense, Resolution, TimeOfDay,
};
use outlay_ledger::change::Scalar;
use outlay_ledger::field;
use outlay_ledger::fold::Put;

use crate::support::forge::{Forger, View};
use crate::support::{Device, date, eur, exchange, path, spent, two_devices};

/// One entry on two devices that are about to collide.
fn shared() -> (Device, Device, LedgerId, Expense) {
    let (phone, laptop, home) = two_devices();
    let new =
        NewExpense { tags: vec!["trip".into()], account: Some("Cash".into()), ..spent("3", "Café", "2026-03-01") };
    let added = phone.add(home, new);
    exchange(&phone, &laptop, home);
    (phone, laptop, home, added)
}

fn collide(on_phone: Edit, on_laptop: Edit) -> (Device, Device, LedgerId, Expense) {
    let (phone, laptop, home, added) = shared();
    phone.clock.set_now_ms(5_000);
    phone.edit_expense(home, added.id, on_phone).unwrap();
    laptop.clock.set_now_ms(4_000);
    laptop.edit_expense(home, added.id, on_laptop).unwrap();
    exchange(&phone, &laptop, home);
    (phone, laptop, home, added)
}

fn only(device: &Device, home: LedgerId) -> Conflict {
    let mut conflicts = device.conflicts(home).unwrap();
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    conflicts.remove(0)
}

fn payee(payee: &str) -> Edit {
    Edit { payee: Some(payee.into()), ..Edit::default() }
}

#[test]
fn edits_of_different_fields_both_survive() {
    let (phone, laptop, home, added) = collide(payee("Bakery"), Edit { amount: Some(eur("4")), ..Edit::default() });
    for device in [&phone, &laptop] {
        let shown = device.get(home, added.id);
        assert_eq!((shown.payee.as_str(), shown.amount, shown.conflicted), ("Bakery", Some(eur("4")), false));
        assert_eq!(device.conflicts(home).unwrap(), []);
    }
}

#[test]
fn edits_of_one_field_are_shown_with_authors_and_times_alike_on_both() {
    let (phone, laptop, home, added) = collide(payee("Bakery"), payee("Shop"));
    let (on_phone, on_laptop) = (only(&phone, home), only(&laptop, home));
    assert_eq!((on_phone.ledger, on_phone.document, on_phone.field.as_str()), (home, added.id, "payee"));
    assert_eq!(on_phone.values.len(), 2);
    for (here, there) in on_phone.values.iter().zip(&on_laptop.values) {
        assert_eq!((&here.value, here.time_ms, here.author.device), (&there.value, there.time_ms, there.author.device));
        assert_ne!(here.author.is_self, there.author.is_self);
        let expected = if here.author.is_self { ("Bakery", 5_000) } else { ("Shop", 4_000) };
        assert_eq!((&here.value, here.time_ms), (&FieldValue::Text(expected.0.into()), expected.1));
    }
    for device in [&phone, &laptop] {
        let shown = device.get(home, added.id);
        assert_eq!(FieldValue::Text(shown.payee), on_phone.values[0].value, "the first is the one shown");
        assert!(shown.conflicted);
    }
}

#[test]
fn equal_edits_are_no_conflict() {
    let (phone, laptop, home, added) = collide(payee("Bakery"), payee("Bakery"));
    for device in [&phone, &laptop] {
        assert_eq!(device.conflicts(home).unwrap(), []);
        assert_eq!(
            (device.get(home, added.id).payee.as_str(), device.get(home, added.id).conflicted),
            ("Bakery", false)
        );
    }
}

#[test]
fn a_delete_against_an_edit_keeps_the_entry_and_says_so() {
    for (resolution, deleted) in [
        (Resolution::Choose(0), false),
        (Resolution::Choose(1), true),
        (Resolution::Text("true".into()), true),
        (Resolution::Text("false".into()), false),
    ] {
        let (phone, laptop, home, added) = shared();
        phone.delete_expense(home, added.id).unwrap();
        laptop.edit_expense(home, added.id, payee("Bakery")).unwrap();
        exchange(&phone, &laptop, home);
        for device in [&phone, &laptop] {
            let shown = device.get(home, added.id);
            assert_eq!((shown.deleted, shown.conflicted, shown.payee.as_str()), (false, true, "Bakery"));
            let conflict = only(device, home);
            assert_eq!(conflict.field, "deleted");
            let values: Vec<_> = conflict.values.iter().map(|value| value.value.clone()).collect();
            assert_eq!(values, [FieldValue::Flag(false), FieldValue::Flag(true)]);
        }
        laptop.resolve(&laptop.seen(home, added.id, "deleted"), resolution).unwrap();
        exchange(&phone, &laptop, home);
        for device in [&phone, &laptop] {
            assert_eq!((device.get(home, added.id).deleted, device.conflicts(home).unwrap()), (deleted, vec![]));
        }
    }
}

#[test]
fn a_restore_beside_a_second_delete_keeps_the_entry() {
    let (phone, laptop, home, added) = shared();
    phone.delete_expense(home, added.id).unwrap();
    exchange(&phone, &laptop, home);
    laptop.restore_expense(home, added.id).unwrap();
    phone.edit_expense(home, added.id, payee("Bakery")).unwrap();
    exchange(&phone, &laptop, home);
    assert!(!phone.get(home, added.id).deleted && !laptop.get(home, added.id).deleted);
}

/// A field, two edits of it, a text that settles it, and whether an entry then has it.
type Kind = (&'static str, Edit, Edit, String, fn(&Expense) -> bool);

fn kinds(refunded: &Expense) -> Vec<Kind> {
    let edit = Edit::default;
    let at = |seconds| Some(Some(TimeOfDay::from_seconds(seconds).unwrap()));
    let transfer = Edit { kind: Some(EntryKind::Transfer), ..Edit::default() };
    vec![
        (
            "amount",
            Edit { amount: Some(eur("4")), ..edit() },
            Edit { amount: Some(eur("5")), ..edit() },
            "6.50".into(),
            |e| e.amount == Some(eur("6.50")),
        ),
        (
            "amount",
            Edit { amount: Some(eur("4")), ..edit() },
            Edit { kind: Some(EntryKind::Income), ..edit() },
            "7 USD".into(),
            |e| e.amount.unwrap().currency() == Currency::parse("USD").unwrap(),
        ),
        ("amount", transfer, Edit { amount: Some(eur("5")), ..edit() }, "5.00".into(), |e| {
            (e.amount, e.kind) == (Some(eur("5")), Some(EntryKind::Expense))
        }),
        ("payee", payee("Bakery"), payee("Shop"), " Market ".into(), |e| e.payee == "Market"),
        ("payee", payee("Bakery"), payee(""), "".into(), |e| e.payee.is_empty()),
        (
            "note",
            Edit { note: Some("one".into()), ..edit() },
            Edit { note: Some("two".into()), ..edit() },
            "a\nb".into(),
            |e| e.note == "a\nb",
        ),
        (
            "date",
            Edit { date: Some(date("2026-01-01")), ..edit() },
            Edit { date: Some(date("2026-02-01")), ..edit() },
            "2026-12-31".into(),
            |e| e.date == date("2026-12-31"),
        ),
        ("time", Edit { time: at(60), ..edit() }, Edit { time: at(120), ..edit() }, "23:59".into(), |e| {
            e.time == TimeOfDay::from_seconds(86_340)
        }),
        (
            "category",
            Edit { category: Some(path(&["A"])), ..edit() },
            Edit { category: Some(path(&["B"])), ..edit() },
            "C:D".into(),
            |e| e.category.as_ref().unwrap().name == "C:D",
        ),
        (
            "category",
            Edit { category: Some(path(&["A"])), ..edit() },
            Edit { category: Some(path(&["B"])), ..edit() },
            "".into(),
            |e| e.category.is_none(),
        ),
        (
            "account",
            Edit { account: Some(Some("X".into())), ..edit() },
            Edit { account: Some(None), ..edit() },
            "Y".into(),
            |e| e.account.as_ref().unwrap().name == "Y",
        ),
        (
            "refund_of",
            Edit { refund_of: Some(Some(refunded.id)), ..edit() },
            Edit { refund_of: Some(Some(outlay_core::DocumentId([3; 16]))), ..edit() },
            refunded.id.to_string(),
            |e| e.refund_of.is_some(),
        ),
    ]
}

#[test]
fn every_field_is_settled_by_its_place_or_by_a_text_for_both_devices() {
    let count = { kinds(&shared().3).len() };
    for number in 0..count {
        for place in [Some(0), Some(1), None] {
            let (phone, laptop, home, added) = shared();
            let (name, on_phone, on_laptop, text, is_settled) = kinds(&added).swap_remove(number);
            // An entry cannot refund itself, so the one that is refunded is another one.
            let target = phone.add(home, spent("1", "Target", "2026-03-01"));
            let id = if name == "refund_of" { target.id } else { added.id };
            exchange(&phone, &laptop, home);
            phone.edit_expense(home, id, on_phone).unwrap();
            laptop.edit_expense(home, id, on_laptop).unwrap();
            exchange(&phone, &laptop, home);
            let conflict = only(&phone, home);
            assert_eq!((conflict.field.as_str(), conflict.values.len()), (name, 2));
            let resolution = place.map_or(Resolution::Text(text), Resolution::Choose);
            phone.resolve(&phone.seen(home, id, name), resolution.clone()).unwrap();
            exchange(&phone, &laptop, home);
            let shown = phone.get(home, id);
            assert_eq!(laptop.get(home, id), shown);
            assert!(!shown.conflicted && (place.is_some() || is_settled(&shown)), "{name} {resolution:?}: {shown:?}");
            for device in [&phone, &laptop] {
                assert_eq!(device.conflicts(home).unwrap(), [], "{name} {resolution:?}");
                device.assert_healthy(name);
            }
        }
    }
}

#[test]
fn tags_and_names_collide_and_are_settled_too() {
    let (phone, laptop, home, added) = shared();
    let tags =
        |tags: &[&str]| Edit { tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()), ..Edit::default() };
    phone.edit_expense(home, added.id, tags(&["trip", "new"])).unwrap();
    laptop.edit_expense(home, added.id, tags(&[])).unwrap();
    exchange(&phone, &laptop, home);
    assert_eq!(phone.conflicts(home).unwrap(), [], "one took a tag off, the other put another one on");
    assert_eq!(laptop.get(home, added.id).tags, ["new"]);

    phone.edit_expense(home, added.id, tags(&[])).unwrap();
    laptop.edit_expense(home, added.id, tags(&["new", "trip"])).unwrap();
    laptop.edit_expense(home, added.id, tags(&["trip"])).unwrap();
    laptop.edit_expense(home, added.id, tags(&["new", "trip"])).unwrap();
    exchange(&phone, &laptop, home);
    let conflict = only(&laptop, home);
    assert_eq!(conflict.field, "tag:new");
    laptop.resolve(&laptop.seen(home, added.id, "tag:new"), Resolution::Text("true".into())).unwrap();
    exchange(&phone, &laptop, home);
    assert_eq!(
        (phone.get(home, added.id).tags, phone.conflicts(home).unwrap()),
        (vec!["new".into(), "trip".into()], vec![])
    );
}

#[test]
fn the_settings_of_a_ledger_collide_like_anything_else() {
    let (phone, laptop, home) = two_devices();
    let mut view = View::of(&phone, home);
    let settings = view.documents();
    let (id, document) = settings.iter().next().unwrap();
    let rename = |name: &str| vec![Put::new(field::NAME, Scalar::Str(name.into()))];
    let money = |code: &str| Put::new(field::CURRENCY, Scalar::Str(code.into()));
    let by_phone = Forger::new(1, 40).edit(&view, *id, document, [rename("Casa"), vec![money("USD")]].concat());
    let by_laptop = Forger::new(2, 41).edit(&view, *id, document, [rename("Maison"), vec![money("CHF")]].concat());
    phone.take(&[by_phone]);
    laptop.take(&[by_laptop]);
    exchange(&phone, &laptop, home);
    assert_eq!(phone.ledger(home).unwrap().name, laptop.ledger(home).unwrap().name);
    let fields: Vec<_> = phone.conflicts(home).unwrap().into_iter().map(|conflict| conflict.field).collect();
    assert_eq!(fields, ["currency", "name"]);
    let wrong = phone.resolve(&phone.seen(home, *id, "currency"), Resolution::Text("euros".into()));
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidInput);
    phone.resolve(&phone.seen(home, *id, "currency"), Resolution::Text("JPY".into())).unwrap();
    phone.resolve(&phone.seen(home, *id, "name"), Resolution::Text("Home".into())).unwrap();
    exchange(&phone, &laptop, home);
    let shown = laptop.ledger(home).unwrap();
    assert_eq!((shown.name.as_str(), shown.currency), ("Home", Currency::parse("JPY").ok()));
    assert_eq!(laptop.conflicts(home).unwrap(), []);
    laptop.assert_healthy("settings");
}

#[test]
fn what_is_no_conflict_or_no_value_is_refused_and_changes_nothing() {
    let (phone, _, home, added) = collide(payee("Bakery"), payee("Shop"));
    let commits = phone.commits(home, &[]).unwrap().len();
    let resolve =
        |field: &str, resolution| phone.resolve(&phone.seen(home, added.id, field), resolution).unwrap_err().kind();
    assert_eq!(resolve("payee", Resolution::Choose(2)), ErrorKind::NotFound);
    assert_eq!(resolve("note", Resolution::Choose(0)), ErrorKind::NotFound);
    assert_eq!(resolve("nothing", Resolution::Text("x".into())), ErrorKind::NotFound);
    assert_eq!(resolve("payee", Resolution::Text("x".repeat(257))), ErrorKind::InvalidInput);
    assert_eq!(resolve("payee", Resolution::Text("a\u{0}".into())), ErrorKind::InvalidInput);
    let missing = phone.resolve(&phone.seen(home, outlay_core::DocumentId([9; 16]), "payee"), Resolution::Choose(0));
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(phone.commits(home, &[]).unwrap().len(), commits);

    let amounts = |amount| Edit { amount: Some(eur(amount)), ..Edit::default() };
    let (phone, _, home, added) = collide(amounts("4"), amounts("5"));
    for text in ["", "x", "12,5,0", "1e3", "0", "1.234", "99999999999999999999"] {
        let error = phone.resolve(&phone.seen(home, added.id, "amount"), Resolution::Text(text.into())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text:?}");
    }
    let dates = |text| Edit { date: Some(date(text)), ..Edit::default() };
    let (phone, _, home, added) = collide(dates("2026-01-01"), dates("2026-01-02"));
    let error = phone.resolve(&phone.seen(home, added.id, "date"), Resolution::Text("2026-02-30".into())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// A value is chosen among those that were looked at, or not at all.
#[test]
fn a_conflict_that_has_changed_since_it_was_shown_is_not_settled() {
    let (phone, laptop, home, added) = shared();
    phone.edit_expense(home, added.id, payee("Bakery")).unwrap();
    laptop.edit_expense(home, added.id, payee("Shop")).unwrap();
    phone.pull(&laptop, home);
    let shown = only(&phone, home);
    laptop.edit_expense(home, added.id, payee("Kiosk")).unwrap();
    phone.pull(&laptop, home);
    let commits = phone.commits(home, &[]).unwrap().len();

    for resolution in [Resolution::Choose(0), Resolution::Choose(1), Resolution::Text("Market".into())] {
        let refused = phone.resolve(&shown, resolution).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFound);
        assert_eq!(refused.to_string(), "the conflict has changed since it was shown");
    }
    assert_eq!(phone.commits(home, &[]).unwrap().len(), commits);
    let now = only(&phone, home);
    let kiosk = now.values.iter().position(|value| value.value == FieldValue::Text("Kiosk".into())).unwrap();
    phone.resolve(&now, Resolution::Choose(kiosk)).unwrap();
    assert_eq!(phone.get(home, added.id).payee, "Kiosk");
}

#[test]
fn an_edit_to_the_value_shown_settles_a_conflict() {
    let (phone, laptop, home, added) = collide(payee("Bakery"), payee("Shop"));
    let shown = phone.get(home, added.id).payee;
    phone.edit_expense(home, added.id, payee(&shown)).unwrap();
    exchange(&phone, &laptop, home);
    assert_eq!((laptop.conflicts(home).unwrap(), laptop.get(home, added.id).payee), (vec![], shown));
}

#[test]
fn settling_differently_on_both_is_a_conflict_again() {
    let (phone, laptop, home, added) = collide(payee("Bakery"), payee("Shop"));
    phone.resolve(&phone.seen(home, added.id, "payee"), Resolution::Choose(0)).unwrap();
    laptop.resolve(&laptop.seen(home, added.id, "payee"), Resolution::Choose(1)).unwrap();
    exchange(&phone, &laptop, home);
    assert_eq!(only(&phone, home).values.len(), 2);
    phone.resolve(&phone.seen(home, added.id, "payee"), Resolution::Choose(0)).unwrap();
    exchange(&phone, &laptop, home);
    assert_eq!((phone.conflicts(home).unwrap(), laptop.conflicts(home).unwrap()), (vec![], vec![]));
}

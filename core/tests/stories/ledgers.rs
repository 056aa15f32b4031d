//! Ledgers: made, chosen, shared with a further device, and only read.

use outlay_core::{Currency, ErrorKind, Filter, LedgerId, Role, Sort};

use crate::support::forge::{Forger, View};
use crate::support::{Device, eur, exchange, spent, two_devices};
use outlay_core::{Edit, MemberId, NewExpense};
use outlay_ledger::member::MemberOperation;

#[test]
fn the_first_ledger_is_the_default_until_another_one_is_chosen() {
    let device = Device::new(1);
    assert_eq!((device.ledgers().unwrap(), device.default_ledger().unwrap()), (vec![], None), "opening makes none");
    let made = device.ensure_default_ledger().unwrap();
    assert_eq!((made.name.as_str(), made.currency, made.role), ("Personal", Some(Currency::EUR), Some(Role::Owner)));
    assert_eq!(device.ensure_default_ledger().unwrap(), made, "only once");

    let trip = device.create_ledger(" Trip ", Currency::parse("JPY").unwrap()).unwrap();
    assert_eq!((trip.name.as_str(), trip.is_default), ("Trip", false));
    device.set_default_ledger(trip.id).unwrap();
    let ledgers = device.ledgers().unwrap();
    assert_eq!(ledgers.iter().map(|ledger| ledger.is_default).collect::<Vec<_>>(), [false, true]);
    assert_eq!(device.default_ledger().unwrap().unwrap().id, trip.id);
    assert_eq!(device.ledger(made.id).unwrap().name, "Personal");

    for name in ["", "  ", "a\u{0}b", &"x".repeat(129)] {
        assert_eq!(device.create_ledger(name, Currency::EUR).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let nowhere = LedgerId([5; 16]);
    assert_eq!(device.set_default_ledger(nowhere).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(device.ledger(nowhere).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(device.ledgers().unwrap().len(), 2);
}

#[test]
fn where_there_is_no_ledger_one_taken_in_becomes_the_default() {
    let (phone, laptop, home) = two_devices();
    assert_eq!(laptop.default_ledger().unwrap().unwrap().id, home);
    assert_eq!(laptop.ensure_default_ledger().unwrap().id, home);

    let tablet = Device::new(3);
    let own = tablet.ensure_default_ledger().unwrap().id;
    tablet.pull(&phone, home);
    assert_eq!(tablet.default_ledger().unwrap().unwrap().id, own, "it has one already");
}

#[test]
fn two_ledgers_of_one_device_do_not_mix() {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    let trip = device.create_ledger("Trip", Currency::EUR).unwrap().id;
    let new = NewExpense { account: Some("Cash".into()), ..spent("1", "Shop", "2026-03-01") };
    let (at_home, on_trip) = (device.add(home, new.clone()), device.add(trip, new));
    assert_ne!(at_home.account.unwrap().id, on_trip.account.clone().unwrap().id, "each has its own");
    assert_eq!(device.expense(home, on_trip.id).unwrap(), None);
    assert_eq!(device.delete_expense(home, on_trip.id).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(device.find_expense(on_trip.id).unwrap().unwrap().ledger, trip);
    assert_eq!(device.all(home, &Filter::default(), Sort::Newest).len(), 1);
}

#[test]
fn a_device_that_is_no_member_reads_and_writes_nothing_until_it_is_admitted() {
    let (phone, laptop) = (Device::new(1), Device::new(2));
    let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
    let coffee = phone.add(home, spent("3.40", "Café", "2026-03-01"));
    laptop.pull(&phone, home);
    assert_eq!(laptop.ledger(home).unwrap().role, None);
    assert_eq!(laptop.get(home, coffee.id), coffee);

    let edit = Edit { payee: Some("x".into()), ..Edit::default() };
    let refused = [
        laptop.add_expense(home, NewExpense::new(eur("1"), "Shop")).unwrap_err(),
        laptop.edit_expense(home, coffee.id, edit.clone()).unwrap_err(),
        laptop.delete_expense(home, coffee.id).unwrap_err(),
        laptop.restore_expense(home, coffee.id).unwrap_err(),
        laptop.admit_device(home, Device::new(3).device_key()).unwrap_err(),
    ];
    assert!(refused.iter().all(|error| error.kind() == ErrorKind::Forbidden), "{refused:?}");
    assert_eq!(laptop.undo().unwrap(), None, "it has done nothing");

    phone.admit_device(home, laptop.device_key()).unwrap();
    laptop.pull(&phone, home);
    assert_eq!(laptop.ledger(home).unwrap().role, Some(Role::Owner), "a device of the same person");
    laptop.edit_expense(home, coffee.id, edit).unwrap();
    exchange(&phone, &laptop, home);
    assert_eq!(phone.get(home, coffee.id).payee, "x");
    assert_eq!(phone.admit_device(home, phone.device_key()).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_viewer_reads_and_an_editor_writes_expenses() {
    let (phone, bens) = (Device::new(1), Device::new(2));
    let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
    let (ben, mut owner) = (MemberId([2; 16]), Forger::new(1, 50));
    let say = |owner: &mut Forger, operation: MemberOperation| {
        let commit = owner.member(&View::of(&phone, home), &operation);
        phone.take(&[commit]);
        bens.pull(&phone, home);
    };
    say(&mut owner, MemberOperation::Add { member: ben, device: bens.device_key(), role: Role::Viewer });
    assert_eq!(bens.ledger(home).unwrap().role, Some(Role::Viewer));
    let shop = || NewExpense::new(eur("1"), "Shop");
    assert_eq!(bens.add_expense(home, shop()).unwrap_err().kind(), ErrorKind::Forbidden);

    say(&mut owner, MemberOperation::Role { member: ben, role: Role::Editor, cut: vec![] });
    let bought = bens.add_expense(home, shop()).unwrap();
    phone.pull(&bens, home);
    assert_eq!(phone.get(home, bought.id), bought);
    assert_eq!(phone.history(home, bought.id).unwrap()[0].author.member, Some(ben));

    // A demotion keeps what its cut names and sets aside what was written without knowing of it.
    let cut = View::of(&phone, home).chain_heads(&bens.device_key());
    let demotion = MemberOperation::Role { member: ben, role: Role::Viewer, cut };
    let commit = owner.member(&View::of(&phone, home), &demotion);
    let late = bens.add_expense(home, shop()).unwrap();
    phone.take(&[commit]);
    exchange(&phone, &bens, home);
    for device in [&phone, &bens] {
        assert_eq!(device.get(home, bought.id), bought);
        assert_eq!(device.expense(home, late.id).unwrap(), None, "set aside on {}", device.device_key());
        let diagnosis = device.doctor().unwrap();
        assert!(diagnosis.is_ok(), "{:?}", diagnosis.problems);
        assert_eq!(diagnosis.not_applied.iter().map(|(_, count)| count).sum::<u64>(), 1, "kept, and said so");
    }
    assert_eq!(bens.ledger(home).unwrap().role, Some(Role::Viewer));
    assert_eq!(bens.undo().unwrap_err().kind(), ErrorKind::Forbidden);
}

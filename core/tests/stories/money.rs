//! Kinds of entries and the accounts they move money on.

use outlay_core::{Currency, Edit, EntryKind, ErrorKind, Expense, LedgerId, Money, NewExpense};

use crate::support::{Device, eur, path, spent};

fn at_home() -> (Device, LedgerId) {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    (device, home)
}

fn transfer(from: Option<&str>, to: Option<&str>) -> NewExpense {
    NewExpense {
        kind: EntryKind::Transfer,
        account: from.map(Into::into),
        to_account: to.map(Into::into),
        ..spent("50", "", "2026-03-02")
    }
}

fn accounts(expense: &Expense) -> (Option<&str>, Option<&str>) {
    let name = |named: &Option<outlay_core::Named>| named.as_ref().map(|named| named.name.clone());
    let leak = |name: Option<String>| name.map(|name| &*name.leak());
    (leak(name(&expense.account)), leak(name(&expense.to_account)))
}

#[test]
fn a_transfer_has_one_account_two_or_none() {
    let (device, home) = at_home();
    for (from, to) in [(Some("Cash"), Some("Bank")), (Some("Cash"), None), (None, Some("Bank")), (None, None)] {
        let moved = device.add(home, transfer(from, to));
        assert_eq!((moved.kind, accounts(&moved)), (Some(EntryKind::Transfer), (from, to)));
    }
    let circular = device.add_expense(home, transfer(Some("Cash"), Some("cash")));
    assert_eq!(circular.unwrap_err().kind(), ErrorKind::InvalidInput, "one account on both sides");
    assert_eq!(device.accounts(home).unwrap().len(), 2);
}

#[test]
fn an_expense_becomes_a_transfer_and_an_income_and_keeps_its_account() {
    let (device, home) = at_home();
    let added = device.add(home, NewExpense { account: Some("Cash".into()), ..spent("9", "ATM", "2026-03-01") });
    let kind = |kind| Edit { kind: Some(kind), ..Edit::default() };

    let to_bank = Edit { to_account: Some(Some("Bank".into())), ..kind(EntryKind::Transfer) };
    let moved = device.edit_expense(home, added.id, to_bank).unwrap();
    assert_eq!((moved.kind, accounts(&moved)), (Some(EntryKind::Transfer), (Some("Cash"), Some("Bank"))));

    let earned = device.edit_expense(home, added.id, kind(EntryKind::Income)).unwrap();
    assert_eq!((earned.kind, accounts(&earned)), (Some(EntryKind::Income), (Some("Cash"), None)));
    assert_eq!((earned.amount, earned.payee.as_str()), (Some(eur("9")), "ATM"));
}

#[test]
fn the_account_a_transfer_was_cleared_of_does_not_come_back() {
    let (device, home) = at_home();
    let added = device.add(home, NewExpense { account: Some("Cash".into()), ..spent("9", "ATM", "2026-03-01") });
    let edit = |edit: Edit| device.edit_expense(home, added.id, edit).unwrap();
    edit(Edit { kind: Some(EntryKind::Transfer), to_account: Some(Some("Bank".into())), ..Edit::default() });
    let cleared = edit(Edit { account: Some(None), ..Edit::default() });
    assert_eq!(accounts(&cleared), (None, Some("Bank")));
    let dearer = edit(Edit { amount: Some(eur("10")), ..Edit::default() });
    assert_eq!(accounts(&dearer), (None, Some("Bank")), "an edit of the amount is not one of the account");
    let spent = edit(Edit { kind: Some(EntryKind::Expense), ..Edit::default() });
    assert_eq!(accounts(&spent), (None, None));
}

#[test]
fn both_sides_of_a_transfer_are_edited_apart() {
    let (device, home) = at_home();
    let moved = device.add(home, transfer(Some("Cash"), Some("Bank")));
    let edit = |edit: Edit| device.edit_expense(home, moved.id, edit);
    let from = edit(Edit { account: Some(Some("Wallet".into())), ..Edit::default() }).unwrap();
    assert_eq!(accounts(&from), (Some("Wallet"), Some("Bank")));
    let to = edit(Edit { to_account: Some(Some("Savings".into())), ..Edit::default() }).unwrap();
    assert_eq!(accounts(&to), (Some("Wallet"), Some("Savings")));
    let same = edit(Edit { to_account: Some(Some("Wallet".into())), ..Edit::default() });
    assert_eq!(same.unwrap_err().kind(), ErrorKind::InvalidInput);
    let cleared = edit(Edit { to_account: Some(None), ..Edit::default() }).unwrap();
    assert_eq!(accounts(&cleared), (Some("Wallet"), None));
}

#[test]
fn a_second_account_is_for_transfers_only() {
    let (device, home) = at_home();
    for kind in [EntryKind::Expense, EntryKind::Income] {
        let new = NewExpense { kind, ..transfer(Some("Cash"), Some("Bank")) };
        assert_eq!(device.add_expense(home, new).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let added = device.add(home, spent("1", "Shop", "2026-03-01"));
    let clearing = Edit { to_account: Some(None), ..Edit::default() };
    assert_eq!(device.edit_expense(home, added.id, clearing).unwrap(), added, "nothing to clear");
}

#[test]
fn the_currency_of_an_entry_is_its_own() {
    let (device, home) = at_home();
    let yen = Money::parse("1200", Currency::parse("JPY").unwrap()).unwrap();
    let dinar = Money::parse("1.250", Currency::parse("KWD").unwrap()).unwrap();
    let ramen = device.add(home, NewExpense { category: path(&["Food"]), ..NewExpense::new(yen, "Ramen") });
    assert_eq!(ramen.amount, Some(yen));
    let edited = device.edit_expense(home, ramen.id, Edit { amount: Some(dinar), ..Edit::default() }).unwrap();
    assert_eq!(edited.amount, Some(dinar));
}

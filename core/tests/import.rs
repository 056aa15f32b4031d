//! Import of CSV: what goes in, what is named, and that the same file is the same entries everywhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write;
use std::ops::ControlFlow;

use outlay_core::import::csv::{Column, Field, Profile};
use outlay_core::{
    Currency, Date, Edit, EntryKind, ErrorKind, Expense, Filter, ImportOptions, ImportRow, Imported, LedgerId, Month,
    NewExpense, Progress, Reference, Sort,
};
use support::{Device, eur, exchange, spent, two_devices};

/// A household app's export: two forms of date, a transfer into a known account, one into an unknown, twins.
const HOUSEHOLD: &str = "\
Date,Mode,Category,Subcategory,Note,Amount,Income/Expense,Currency
20-09-2018 12:04,Cash,Transportation,Train,Place 5 to Place 0,30,Expense,INR
19-09-2018,Bank 1,subscription,Netflix,1 month,199,Expense,INR
18-09-2018,Cash,Food,snacks,Idli,60,Expense,INR
18-09-2018,Cash,Food,snacks,Idli,60,Expense,INR
13-09-2018,Bank 1,Fund 2,,,5000,Transfer-Out,INR
12-09-2018 09:30,Bank 1,Deposit,,monthly,1000,Transfer-Out,INR
02-08-2018,Deposit,bank 1,,matured,1200,Transfer-Out,INR
01-08-2018,Bank 1,Salary,,August,45000,Income,INR
";
const HOUSEHOLD_ROWS: u64 = 8;

fn import(device: &Device, file: &str) -> Imported {
    import_with(device, file, &ImportOptions::default())
}

fn import_with(device: &Device, file: &str, options: &ImportOptions) -> Imported {
    device.clock.advance_ms(1_000);
    device.import(file.as_bytes(), options, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn refused(device: &Device, bytes: &[u8]) -> ErrorKind {
    device.import(bytes, &ImportOptions::default(), &mut |_| ControlFlow::Continue(())).unwrap_err().kind()
}

fn counts(imported: &Imported) -> [u64; 4] {
    [imported.added, imported.restored, imported.duplicates, imported.conflicting]
}

fn all(device: &Device, ledger: LedgerId) -> Vec<Expense> {
    device.all(ledger, &Filter::default(), Sort::Oldest)
}

/// What of an entry does not depend on the ledger it is in.
fn shown(expense: &Expense) -> String {
    let name = |named: &Option<outlay_core::Named>| named.as_ref().map_or("-", |named| named.name.as_str()).to_owned();
    let (from, to) = (name(&expense.account), name(&expense.to_account));
    let amount = expense.amount.unwrap();
    let time = expense.time.map_or(String::new(), |time| format!(" {time}"));
    let (kind, category) = (expense.kind.unwrap(), name(&expense.category));
    format!("{}{time} {kind:?} {amount} {} | {category} | {from} > {to}", expense.date, expense.payee)
}

fn exported(device: &Device, ledger: LedgerId) -> String {
    let mut file = Vec::new();
    device.export_jsonl(ledger, &mut file).unwrap();
    String::from_utf8(file).unwrap()
}

#[test]
fn a_household_app_is_read_without_options() {
    let device = Device::new(1);
    let imported = import(&device, HOUSEHOLD);
    assert_eq!((counts(&imported), imported.rejected.len()), ([HOUSEHOLD_ROWS, 0, 0, 0], 0));
    let ledger = device.default_ledger().unwrap().unwrap();
    assert_eq!(
        (Some(ledger.id), ledger.currency.unwrap().code()),
        (imported.ledger, "INR"),
        "made as the file needs it"
    );
    let entries: Vec<String> = all(&device, ledger.id).iter().map(shown).collect();
    assert_eq!(
        entries,
        [
            "2018-08-01 Income 45000.00 INR August | Salary | Bank 1 > -",
            "2018-08-02 Transfer 1200.00 INR matured | - | Deposit > Bank 1",
            "2018-09-12 09:30 Transfer 1000.00 INR monthly | - | Bank 1 > Deposit",
            "2018-09-13 Transfer 5000.00 INR  | Fund 2 | Bank 1 > -",
            "2018-09-18 Expense 60.00 INR Idli | Food:snacks | Cash > -",
            "2018-09-18 Expense 60.00 INR Idli | Food:snacks | Cash > -",
            "2018-09-19 Expense 199.00 INR 1 month | subscription:Netflix | Bank 1 > -",
            "2018-09-20 12:04 Expense 30.00 INR Place 5 to Place 0 | Transportation:Train | Cash > -",
        ]
    );
    let accounts: Vec<String> = device.accounts(ledger.id).unwrap().into_iter().map(|named| named.name).collect();
    assert_eq!(accounts, ["Bank 1", "Cash", "Deposit"], "the first spelling of a name is the one");
    device.assert_healthy("after an import");
}

#[test]
fn the_same_file_twice_adds_nothing_and_writes_nothing() {
    let device = Device::new(1);
    let home = import(&device, HOUSEHOLD).ledger.unwrap();
    let before = exported(&device, home);
    let again = import(&device, HOUSEHOLD);
    assert_eq!(counts(&again), [0, 0, HOUSEHOLD_ROWS, 0]);
    assert_eq!(exported(&device, home), before, "not even an empty commit");
    assert_eq!(
        counts(&import(&device, &HOUSEHOLD.replace('\n', "\r\n"))),
        [0, 0, HOUSEHOLD_ROWS, 0],
        "other line ends"
    );
    let longer = format!("{HOUSEHOLD}18-09-2018,Cash,Food,snacks,Idli,60,Expense,INR\n");
    assert_eq!(counts(&import(&device, &longer)), [1, 0, HOUSEHOLD_ROWS, 0], "a third twin is one more");
}

#[test]
fn two_devices_that_import_the_same_file_before_they_meet_hold_it_once() {
    let (phone, laptop, home) = two_devices();
    for device in [&phone, &laptop] {
        assert_eq!(import(device, HOUSEHOLD).added, HOUSEHOLD_ROWS);
    }
    exchange(&phone, &laptop, home);
    for device in [&phone, &laptop] {
        assert_eq!(all(device, home).len() as u64, HOUSEHOLD_ROWS);
        assert_eq!(device.conflicts(home).unwrap(), []);
        assert_eq!(counts(&import(device, HOUSEHOLD)), [0, 0, HOUSEHOLD_ROWS, 0]);
        device.assert_healthy("after both imported");
    }
    assert_eq!(exported(&phone, home), exported(&laptop, home));
}

#[test]
fn two_mappings_of_one_file_are_a_conflict_and_not_two_expenses() {
    let file = "Date,What,Comment,Amount\n2026-11-02,Café,with Ben,-3.40\n2026-11-03,Kiosk,,-1.00\n";
    let mapping = |payee: &str| {
        let columns = [(Field::Date, "Date"), (Field::Amount, "Amount"), (Field::Payee, payee)];
        let columns = columns.map(|(field, name)| (field, Column::Name(name.to_owned())));
        let profile = Profile { columns: columns.into(), ..Profile::default() };
        ImportOptions { profile: Some(profile), ..ImportOptions::default() }
    };
    let (phone, laptop, home) = two_devices();
    assert_eq!(import_with(&phone, file, &mapping("What")).added, 2);
    assert_eq!(import_with(&laptop, file, &mapping("Comment")).added, 2);
    exchange(&phone, &laptop, home);
    for device in [&phone, &laptop] {
        assert_eq!(all(device, home).len(), 2);
        let conflicts = device.conflicts(home).unwrap();
        let fields: Vec<&str> = conflicts.iter().map(|conflict| conflict.field.as_str()).collect();
        assert_eq!(fields, ["payee"], "only where values differ");
        assert_eq!(conflicts[0].values.len(), 2);
    }
    let other = import_with(&phone, file, &mapping("Comment"));
    assert_eq!(counts(&other), [0, 0, 2, 0], "this mapping is held too");
    let alone = Device::new(3);
    alone.create_ledger("Home", Currency::EUR).unwrap();
    import_with(&alone, file, &mapping("What"));
    assert_eq!(counts(&import_with(&alone, file, &mapping("Comment"))), [0, 0, 0, 2]);
}

#[test]
fn what_an_undo_took_away_comes_back_with_its_accounts_and_categories() {
    let device = Device::new(1);
    let home = import(&device, HOUSEHOLD).ledger.unwrap();
    let before: Vec<String> = all(&device, home).iter().map(shown).collect();
    let undone = device.undo().unwrap().unwrap();
    assert_eq!(undone.left, []);
    assert_eq!((all(&device, home), device.accounts(home).unwrap()), (vec![], vec![]), "one action, undone as a whole");
    assert_eq!(counts(&import(&device, HOUSEHOLD)), [0, HOUSEHOLD_ROWS, 0, 0]);
    assert_eq!(all(&device, home).iter().map(shown).collect::<Vec<_>>(), before);
    assert_eq!(device.conflicts(home).unwrap(), []);
    device.assert_healthy("after it came back");
}

#[test]
fn a_wrong_mapping_that_was_undone_is_put_right_by_the_next_import() {
    let file = "Date,Value date,Payee,Category,Amount\n2026-11-02,2026-12-04,Café,Food,-3.40\n2026-11-03,2026-12-05,Kiosk,,1.00\n";
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    let columns = [(Field::Date, "Value date"), (Field::Amount, "Amount"), (Field::Payee, "Category")];
    let columns = columns.map(|(field, name)| (field, Column::Name(name.to_owned())));
    let profile = Some(Profile { columns: columns.into(), ..Profile::default() });
    import_with(&device, file, &ImportOptions { profile, ..ImportOptions::default() });
    device.undo().unwrap();
    assert_eq!(counts(&import(&device, file)), [0, 2, 0, 0]);
    let entries: Vec<String> = all(&device, home).iter().map(shown).collect();
    assert_eq!(
        entries,
        ["2026-11-02 Expense 3.40 EUR Café | Food | - > -", "2026-11-03 Income 1.00 EUR Kiosk | - | - > -"]
    );
    assert_eq!(device.conflicts(home).unwrap(), []);
    assert_eq!(counts(&import(&device, file)), [0, 0, 2, 0]);
    device.assert_healthy("after the second mapping");
}

#[test]
fn an_edit_is_kept_when_the_file_comes_again() {
    let device = Device::new(1);
    let home = import(&device, HOUSEHOLD).ledger.unwrap();
    let first = all(&device, home).remove(0);
    let edit = Edit { payee: Some("Employer".to_owned()), ..Edit::default() };
    device.edit_expense(home, first.id, edit).unwrap();
    assert_eq!(counts(&import(&device, HOUSEHOLD)), [0, 0, HOUSEHOLD_ROWS, 0]);
    assert_eq!(device.get(home, first.id).payee, "Employer");
    device.delete_expense(home, first.id).unwrap();
    assert_eq!(counts(&import(&device, HOUSEHOLD)), [0, 1, HOUSEHOLD_ROWS - 1, 0]);
    assert_eq!(device.get(home, first.id).payee, "Employer", "back as it was last");
}

#[test]
fn an_account_is_the_one_that_is_there_whatever_its_case() {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    let file = |payee: &str| format!("Date,Account,Payee,Amount\n2026-11-02,cash ,{payee},-3.40\n");
    let wallet = NewExpense { account: Some("Cash".into()), ..spent("1.00", "Kiosk", "2026-11-01") };
    device.add(home, wallet);
    import(&device, &file("Café"));
    assert_eq!(device.accounts(home).unwrap().len(), 1, "whatever the case");
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let dry = ImportOptions { dry_run: true, ..ImportOptions::default() };
    let device = Device::new(1);
    let first = import_with(&device, HOUSEHOLD, &dry);
    assert_eq!((counts(&first), first.ledger), ([HOUSEHOLD_ROWS, 0, 0, 0], None));
    assert_eq!(device.ledgers().unwrap(), [], "no ledger is made");

    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    device.add(home, spent("1.00", "Kiosk", "2026-11-01"));
    let mixed = format!("{HOUSEHOLD}31-02-2018,Cash,Food,,x,1,Expense,INR\n");
    let half: String = HOUSEHOLD.lines().take(4).fold(String::new(), |text, line| text + line + "\n");
    import(&device, &half);
    let before = exported(&device, home);
    let said = import_with(&device, &mixed, &dry);
    assert_eq!(exported(&device, home), before);
    device.assert_healthy("after a dry run");
    device.add(home, spent("2.00", "Kiosk", "2026-11-01"));
    assert_eq!(import(&device, &mixed), said);
    assert_eq!((said.added, said.duplicates, said.rejected.len()), (5, 3, 1));
}

#[test]
fn an_import_that_is_broken_off_leaves_nothing() {
    let mut file = "Date,Account,Category,Payee,Amount\n".to_owned();
    for row in 0..3_000 {
        writeln!(file, "2026-{:02}-02,Account {},Category,Payee,-{row}.01", 1 + row % 12, row % 7).unwrap();
    }
    let device = Device::new(1);
    let mut calls = 0;
    let mut seen: Vec<Progress> = Vec::new();
    loop {
        let mut left = calls;
        let result = device.import(file.as_bytes(), &ImportOptions::default(), &mut |progress| {
            seen.push(progress);
            left -= 1;
            if left < 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match result {
            Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled),
            Ok(imported) => break assert_eq!(imported.added, 3_000),
        }
        assert_eq!(device.ledgers().unwrap(), [], "broken off at call {calls}");
        calls += 1;
    }
    assert!(calls > 8, "{calls} calls");
    assert!(seen.iter().all(|progress| progress.bytes_done <= progress.bytes_total));
    assert_eq!(seen.last().unwrap().bytes_done, file.len() as u64);
    let home = device.default_ledger().unwrap().unwrap().id;
    assert_eq!(all(&device, home).len(), 3_000);
    device.assert_healthy("after one went through");
}

#[test]
fn bad_rows_are_named_with_line_and_reason_and_the_rest_goes_in() {
    let file = "\
Date,Payee,Account,To account,Kind,Amount
2026-11-02,Café,Cash,,expense,3.40
2026-11-31,Nobody,Cash,,expense,1.00
2026-11-03,Comma,Cash,,expense,\"1,5,0\"
2026-11-03,Round,Cash,Cash,transfer,5.00
2026-11-04,Half
2026-11-04,Kiosk,Cash,,gift,1.00
2026-11-05,Kiosk,Cash,,expense,1.00
2026-11-06,\"open,Cash,,expense,1.00";
    let device = Device::new(1);
    let imported = import(&device, file);
    assert_eq!(counts(&imported), [2, 0, 0, 0]);
    let named: Vec<(u64, &str)> = imported.rejected.iter().map(|row| (row.line, row.reason.as_str())).collect();
    assert_eq!(
        named,
        [
            (3, "the calendar has no such date"),
            (4, "an amount is written like 12.50"),
            (5, "only a transfer has two accounts, and they differ"),
            (6, "the row has 2 cells where the file has 6"),
            (7, "the kind is not one of expense, income and transfer"),
            (9, "a quote is opened and never closed"),
        ]
    );
}

#[test]
fn a_file_that_is_none_is_refused_and_makes_no_ledger() {
    let device = Device::new(1);
    for bytes in [&b""[..], b"PK\x03\x04\0\0\0\0binary", b"just one column\nof words\n", b"{\"half\n", b"Date,Payee\n"]
    {
        assert_eq!(refused(&device, bytes), ErrorKind::InvalidInput, "{}", String::from_utf8_lossy(bytes));
    }
    let imported = import(&device, "Date,Payee,Amount\n2026-11-31,Nobody,-1.00\n");
    assert_eq!((counts(&imported), imported.rejected.len(), imported.ledger), ([0; 4], 1, None));
    assert_eq!(device.ledgers().unwrap(), []);
    let nowhere = ImportOptions { ledger: Some(LedgerId([7; 16])), ..ImportOptions::default() };
    let result = device.import(HOUSEHOLD.as_bytes(), &nowhere, &mut |_| ControlFlow::Continue(()));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_file_with_too_much_that_is_wrong_is_refused_as_a_whole() {
    let mut file = "Date,Payee,Amount\n2026-11-02,Good,-1.00\n".to_owned();
    (0..=100_000).for_each(|_| file.push_str("2026-11-02,bad,x\n"));
    let device = Device::new(1);
    assert_eq!(refused(&device, file.as_bytes()), ErrorKind::InvalidInput);
    assert_eq!(device.ledgers().unwrap(), []);

    let mut file = "Date,Category,Amount\n".to_owned();
    (0..=10_000).for_each(|row| writeln!(file, "2026-11-02,Receipt {row},-1.00").unwrap());
    assert_eq!(refused(&device, file.as_bytes()), ErrorKind::InvalidInput, "payees taken for categories");
    assert_eq!(device.ledgers().unwrap(), []);
}

#[test]
fn rows_go_into_the_ledger_that_is_named_and_its_currency_is_that_of_rows_that_say_none() {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    let trip = device.create_ledger("Trip", Currency::parse("JPY").unwrap()).unwrap().id;
    let file = "Date,Payee,Amount\n2026-11-02,Ramen,-1200\n";
    let options = ImportOptions { ledger: Some(trip), ..ImportOptions::default() };
    assert_eq!(import_with(&device, file, &options).ledger, Some(trip));
    assert_eq!(all(&device, trip)[0].amount.unwrap().to_string(), "1200 JPY");
    assert_eq!(all(&device, home), []);
    assert_eq!(import(&device, file).added, 1, "another ledger is another fact");
}

#[test]
fn a_category_with_colons_is_a_path() {
    let device = Device::new(1);
    let file = "Date,Payee,Category,Amount\n2026-11-02,Ramen,Expenses: Food :Lunch,-12\n2026-11-03,x,:,-1\n";
    let home = import(&device, file).ledger.unwrap();
    let entries: Vec<String> = all(&device, home).iter().map(shown).collect();
    assert!(entries[0].ends_with("Ramen | Expenses:Food:Lunch | - > -") && entries[1].ends_with("x | - | - > -"));
    assert!(device.find_category(home, &["expenses", "food"]).unwrap().is_some());
}

#[test]
fn who_may_only_read_imports_nothing_until_admitted() {
    let (ana, ben) = (Device::new(1), Device::new(2));
    let home = ana.create_ledger("Home", Currency::EUR).unwrap().id;
    ben.pull(&ana, home);
    assert_eq!(refused(&ben, HOUSEHOLD.as_bytes()), ErrorKind::Forbidden);
    assert_eq!(all(&ben, home), []);
    ana.admit_device(home, ben.device_key()).unwrap();
    ben.pull(&ana, home);
    assert_eq!(import(&ben, HOUSEHOLD).added, HOUSEHOLD_ROWS);
}

/// More rows than are drafted at once, in no order: one action all the same, with commits by month.
#[test]
fn a_long_import_is_one_action() {
    const ROWS: u64 = 30_500;
    let row = |n: u64| {
        let day = Date::parse("2024-01-01").unwrap().add_days(i32::try_from(n * 7_919 % 700).unwrap()).unwrap();
        let new = NewExpense { date: Some(day), ..NewExpense::new(eur("1.00"), "Payee") };
        ImportRow { fact: format!("message {n}"), new }
    };
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    let imported = device.import_rows(home, (0..ROWS).map(row)).unwrap();
    assert_eq!(counts(&imported), [ROWS, 0, 0, 0]);
    let (from, to) = (Month::parse("2024-01").unwrap(), Month::parse("2025-12").unwrap());
    let count: u64 = device.totals(home, from, to).unwrap().iter().map(|total| total.count).sum();
    assert_eq!(count, ROWS);
    let commits = device.commits(home, &[]).unwrap();
    for commit in &commits[1..] {
        let first = commit.records[0].period;
        assert!(first.is_some() && commit.records.iter().all(|record| record.period == first), "a month each");
    }
    let mut actions: Vec<_> = commits[1..].iter().map(|commit| commit.header.action).collect();
    actions.dedup();
    assert_eq!(actions.len(), 1);
    let ends: Vec<bool> = commits.iter().map(|commit| commit.header.ends_import()).collect();
    assert_eq!(ends.iter().rposition(|is_end| *is_end), Some(commits.len() - 1));
    assert_eq!(ends.iter().filter(|is_end| **is_end).count(), 1, "the last one says so, and no other");
    assert_eq!(device.undo().unwrap().unwrap().changed, ROWS);
}

#[test]
fn an_app_brings_rows_of_its_own() {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    let coffee = NewExpense { category: Some("Food".into()), ..spent("3.40", "Café", "2026-11-02") };
    let unknown = Reference::Id(outlay_core::DocumentId([9; 16]));
    let rows = [
        ImportRow { fact: "a".to_owned(), new: coffee.clone() },
        ImportRow { fact: "a".to_owned(), new: spent("9.99", "the same fact", "2026-11-02") },
        ImportRow { fact: "b".to_owned(), new: NewExpense { date: None, ..coffee.clone() } },
        ImportRow { fact: "c".to_owned(), new: NewExpense { account: Some(unknown), ..coffee.clone() } },
        ImportRow { fact: "d".to_owned(), new: NewExpense { kind: EntryKind::Income, ..coffee } },
    ];
    let imported = device.import_rows(home, rows.clone()).unwrap();
    assert_eq!(counts(&imported), [2, 0, 1, 0]);
    let named: Vec<(u64, &str)> = imported.rejected.iter().map(|row| (row.line, row.reason.as_str())).collect();
    assert_eq!(named, [(3, "the date is missing"), (4, "there is no such account")]);
    assert_eq!(counts(&device.import_rows(home, rows).unwrap()), [0, 0, 3, 0]);
    assert_eq!(device.import_rows(LedgerId([7; 16]), []).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn profiles_are_kept_by_name() {
    let device = Device::new(1);
    let profile = device.guess_profile(HOUSEHOLD.as_bytes()).unwrap();
    device.save_profile("  Household ", &profile).unwrap();
    device.save_profile("Bank", &Profile::default()).unwrap();
    assert_eq!(device.profiles().unwrap(), ["Bank", "Household"]);
    assert_eq!(device.profile("Household").unwrap(), Some(profile.clone()));
    device.save_profile("Bank", &profile).unwrap();
    assert_eq!(device.profile("Bank").unwrap(), Some(profile), "the last one kept under a name is it");
    assert_eq!(device.profile("Nobody").unwrap(), None);
    assert_eq!(device.save_profile("", &Profile::default()).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(device.guess_profile(b"").unwrap_err().kind(), ErrorKind::InvalidInput);
}

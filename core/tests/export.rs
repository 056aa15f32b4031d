//! Export, and what comes back from it: commits as they were signed, or entries made anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::io;
use std::ops::ControlFlow;

use outlay_core::{
    Currency, Edit, Engine, EntryKind, ErrorKind, Expense, Filter, ImportOptions, Imported, LedgerId, Money,
    NewExpense, Options, Resolution, Sort, TimeOfDay,
};
use serde_json::{Value, json};
use support::snapshot::Snapshot;
use support::{Device, Rng, eur, exchange, path, spent, two_devices};

fn import(device: &Device, file: impl AsRef<[u8]>) -> Imported {
    import_with(device, file, &ImportOptions::default())
}

fn import_with(device: &Device, file: impl AsRef<[u8]>, options: &ImportOptions) -> Imported {
    device.import(file.as_ref(), options, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn copy() -> ImportOptions {
    ImportOptions { copy: true, ..ImportOptions::default() }
}

fn jsonl(device: &Device, ledger: LedgerId) -> String {
    let mut file = Vec::new();
    device.export_jsonl(ledger, &mut file).unwrap();
    String::from_utf8(file).unwrap()
}

fn csv(device: &Device, ledger: LedgerId) -> String {
    let mut file = Vec::new();
    device.export_csv(ledger, &mut file).unwrap();
    String::from_utf8(file).unwrap()
}

fn counts(imported: &Imported) -> [u64; 4] {
    [imported.added, imported.restored, imported.duplicates, imported.conflicting]
}

fn home(device: &Device) -> LedgerId {
    device.create_ledger("Home", Currency::EUR).unwrap().id
}

/// All that an entry can hold, and all that can happen to one.
fn everything() -> (Device, Device, LedgerId) {
    let (phone, laptop, home) = two_devices();
    let tags = vec!["a, b".to_owned(), "trip".to_owned(), "x\\y".to_owned()];
    let full = NewExpense {
        category: path(&["Food: and drink", "Snacks"]),
        account: Some("Cash".into()),
        time: Some(TimeOfDay::parse("18:05:09").unwrap()),
        note: "=1+1 \"quoted\",\nsecond line".to_owned(),
        tags,
        ..spent("12.50", "Café, corner", "2026-11-02")
    };
    let coffee = phone.add(home, full);
    let back = NewExpense { refund_of: Some(coffee.id), ..spent("-2.50", "Café, corner", "2026-11-04") };
    phone.add(home, back);
    let (account, to_account) = (Some("Bank".into()), Some("Cash".into()));
    let moved = NewExpense { kind: EntryKind::Transfer, account, to_account, ..spent("100.00", "", "2026-11-01") };
    laptop.add(home, moved);
    let yen = Money::parse("1200", Currency::parse("JPY").unwrap()).unwrap();
    laptop.add(home, NewExpense { kind: EntryKind::Income, amount: yen, ..spent("1.00", "Sale", "2026-10-31") });
    let gone = laptop.add(home, spent("9.99", "by mistake", "2026-11-03"));
    laptop.delete_expense(home, gone.id).unwrap();
    exchange(&phone, &laptop, home);
    phone.edit_expense(home, coffee.id, Edit { amount: Some(eur("12.60")), ..Edit::default() }).unwrap();
    let edit = Edit { amount: Some(eur("12.70")), payee: Some("Café".to_owned()), ..Edit::default() };
    laptop.edit_expense(home, coffee.id, edit).unwrap();
    exchange(&phone, &laptop, home);
    (phone, laptop, home)
}

/// What of an entry does not depend on the ledger it is in.
fn shown(expense: &Expense) -> Value {
    let name = |named: &Option<outlay_core::Named>| named.as_ref().map(|named| named.name.clone());
    json!([
        expense.date.to_string(),
        expense.time.map(|time| time.to_string()),
        format!("{:?}", expense.kind),
        expense.amount.map(|amount| amount.to_string()),
        [&expense.payee, &expense.note],
        [name(&expense.category), name(&expense.account), name(&expense.to_account)],
        expense.tags,
        expense.refund_of.is_some(),
        expense.deleted,
    ])
}

fn all(device: &Device, ledger: LedgerId, deleted: bool) -> Vec<Expense> {
    device.all(ledger, &Filter { deleted, ..Filter::default() }, Sort::Oldest)
}

fn all_shown(device: &Device, ledger: LedgerId) -> Vec<Value> {
    let mut entries: Vec<Value> =
        [false, true].iter().flat_map(|deleted| all(device, ledger, *deleted)).map(|e| shown(&e)).collect();
    entries.sort_by_key(Value::to_string);
    entries
}

#[test]
fn an_export_that_is_imported_is_the_ledger_to_the_byte() {
    let (phone, laptop, home) = everything();
    let file = jsonl(&phone, home);
    assert_eq!(jsonl(&laptop, home), file, "whoever exports it");
    assert_eq!(phone.conflicts(home).unwrap().len(), 1);

    let stranger = Device::new(3);
    let imported = import(&stranger, &file);
    assert_eq!((counts(&imported), imported.ledger), ([5, 0, 0, 0], Some(home)));
    assert_eq!(jsonl(&stranger, home), file);
    let (mut ours, mut theirs) = (Snapshot::of(&phone, home, "ours"), Snapshot::of(&stranger, home, "theirs"));
    for snapshot in [&mut ours, &mut theirs] {
        let histories = snapshot.history.values_mut().flatten().map(|entry| &mut entry.author);
        let conflicts = snapshot.conflicts.values_mut().flatten().map(|value| &mut value.author);
        histories.chain(conflicts).for_each(|author| author.is_self = false);
    }
    assert_eq!(ours, theirs, "ids, history, authors and conflicts");
    assert_eq!(stranger.default_ledger().unwrap().unwrap().id, home);

    let again = import(&stranger, &file);
    assert_eq!(counts(&again), [0, 0, 5, 0]);
    assert_eq!(jsonl(&stranger, home), file);
    laptop
        .resolve(&laptop.seen(home, ours.conflicts.keys().next().unwrap().0, "amount"), Resolution::Choose(1))
        .unwrap();
    laptop.add(home, spent("1.00", "Kiosk", "2026-11-05"));
    assert_eq!(counts(&import(&stranger, jsonl(&laptop, home))), [1, 0, 5, 0], "only what is new");
    assert_eq!(stranger.conflicts(home).unwrap(), []);
}

#[test]
fn the_order_in_which_commits_came_is_not_in_an_export() {
    let (phone, _laptop, home) = everything();
    let file = jsonl(&phone, home);
    for seed in 0..20 {
        let device = Device::with_seed(9, seed);
        device.add(device.create_ledger("Other", Currency::EUR).unwrap().id, spent("1.00", "Before", "2026-01-01"));
        for commit in Rng::new(seed).shuffled_with_duplicates(&phone.commits(home, &[]).unwrap()) {
            device.take(&[commit]);
        }
        assert_eq!(jsonl(&device, home), file, "seed {seed}");
    }
}

#[test]
fn an_export_has_one_readable_object_for_each_thing() {
    let (phone, _laptop, home) = everything();
    let lines: Vec<Value> = jsonl(&phone, home).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], json!({"outlay": 1, "ledger": home.to_string(), "name": "Home", "currency": "EUR"}));
    let mut types: Vec<&str> = lines[1..].iter().map(|line| line["type"].as_str().unwrap_or("commit")).collect();
    types.dedup();
    assert_eq!(types, ["settings", "account", "category", "expense", "commit"]);
    let payee = |name: &str| lines.iter().find(|line| line["payee"] == name).unwrap();
    let full = payee("Café");
    assert_eq!(full["category"], r"Food\: and drink:Snacks", "a colon of a name is no path");
    assert_eq!(
        (&full["amount"]["currency"], &full["account"], &full["time"]),
        (&json!("EUR"), &json!("Cash"), &json!("18:05:09"))
    );
    assert_eq!((&full["deleted"], &full["conflicted"]), (&json!(false), &json!(true)));
    assert_eq!(payee("by mistake")["deleted"], true);
    assert_eq!(payee("Café, corner")["refund_of"], full["id"]);
}

#[test]
fn commits_go_into_their_own_ledger_and_count_for_who_wrote_them_only() {
    let (ana, ben) = (Device::new(1), Device::new(2));
    let hers = home(&ana);
    ana.add(hers, spent("3.40", "Café", "2026-11-02"));
    let his = home(&ben);
    let options = ImportOptions { ledger: Some(his), ..ImportOptions::default() };
    assert_eq!(import_with(&ben, jsonl(&ana, hers), &options).ledger, Some(hers));
    assert_eq!(ben.default_ledger().unwrap().unwrap().id, his, "it was there before");
    assert_eq!((all(&ben, his, false).len(), all(&ben, hers, false).len()), (0, 1));
    let refused = ben.add_expense(hers, spent("1.00", "Kiosk", "2026-11-02")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    ana.admit_device(hers, ben.device_key()).unwrap();
    assert_eq!(counts(&import(&ben, jsonl(&ana, hers))), [0, 0, 1, 0]);
    ben.add(hers, spent("1.00", "Kiosk", "2026-11-02"));
    assert_eq!(counts(&import(&ana, jsonl(&ben, hers))), [1, 0, 1, 0]);
    assert_eq!(jsonl(&ana, hers), jsonl(&ben, hers));
}

/// Each bit of one commit, one after the other: that line is named, and the others go in.
#[test]
fn a_commit_that_was_damaged_is_the_only_one_refused() {
    let ana = Device::new(1);
    let hers = home(&ana);
    for payee in ["One", "Two", "Three"] {
        ana.add(hers, spent("3.40", payee, "2026-11-02"));
    }
    let file = jsonl(&ana, hers);
    let lines: Vec<&str> = file.lines().collect();
    let place = lines.len() - 2;
    let bytes = decode(lines[place]);
    let dry = ImportOptions { dry_run: true, ..ImportOptions::default() };
    let ben = Device::new(2);
    // Seven and eight have no common divisor: every place in a byte has its turn, and every byte.
    for bit in (0..bytes.len() * 8).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let line = format!("{{\"commit\":\"{}\"}}", encode(&damaged));
        let mut others = lines.clone();
        others[place] = &line;
        let imported = import_with(&ben, others.join("\n"), &dry);
        let named: Vec<u64> = imported.rejected.iter().map(|rejected| rejected.line).collect();
        assert_eq!((imported.added, named), (2, vec![place as u64 + 1]), "bit {bit}");
    }
    assert_eq!(ben.ledgers().unwrap(), [], "each was a dry run");
}

#[test]
fn a_file_that_was_cut_is_taken_in_as_far_as_it_goes_and_then_as_a_whole() {
    let (phone, _laptop, home) = everything();
    let file = jsonl(&phone, home);
    let begin = file.find("{\"commit\"").unwrap();
    let ben = Device::new(3);
    for end in (begin + 20..file.len()).step_by(53) {
        let imported = import(&ben, &file[..end]);
        let is_whole = file[..end].ends_with('}') || file[..end].ends_with('\n');
        assert_eq!(imported.rejected.len(), usize::from(!is_whole), "{end}: {:?}", imported.rejected);
    }
    assert_eq!(import(&ben, &file).rejected, []);
    assert_eq!(jsonl(&ben, home), file);
}

#[test]
fn lines_that_are_nothing_are_named_and_the_rest_goes_in() {
    let file = [
        r#"{"amount":{"minor":340,"currency":"EUR"},"date":"2026-11-02","payee":"Café"}"#,
        r#"{"amount":{"minor":340,"currency":"EUR"},"date":"2026-11-02","payeee":"Café"}"#,
        r#"{"amount":"3.40","date":"2026-11-02"}"#,
        r#"{"amount":{"minor":3.5,"currency":"EUR"},"date":"2026-11-02"}"#,
        r#"{"amount":{"minor":340,"currency":"EUX"},"date":"2026-11-02"}"#,
        r#"{"amount":{"minor":340,"currency":"EUR"},"date":"2026-11-31"}"#,
        r#"{"amount":{"minor":0,"currency":"EUR"},"date":"2026-11-02"}"#,
        r#"{"amount":{"minor":2000000000000000,"currency":"EUR"},"date":"2026-11-02"}"#,
        r#"{"amount":{"minor":340,"currency":"EUR"}}"#,
        r#"{"amount":{"minor":340,"currency":"EUR"},"date":"2026-11-02","kind":"gift"}"#,
        r#"{"amount":{"minor":340,"currency":"EUR"},"date":"2026-11-02","kind":null}"#,
        r#"{"amount":{"minor":340,"currency":"EUR"},"date":"2026-11-02","refund_of":"nothing"}"#,
        r#"{"type":"budget","amount":{"minor":340,"currency":"EUR"},"date":"2026-11-02"}"#,
        r#"[1, 2]"#,
        r#"just words"#,
        "",
        r#"{"type":"account","id":"x","name":"Cash"}"#,
        r#"{"amount":{"minor":100,"currency":"EUR"},"date":"2026-11-02","category":"Food::Snacks"}"#,
        r#"{"amount":{"minor":100,"currency":"EUR"},"date":"2026-11-02","payee":"half"#,
    ];
    let device = Device::new(1);
    let imported = import(&device, file.join("\n"));
    assert_eq!(counts(&imported), [1, 0, 0, 0]);
    let named: Vec<String> = imported.rejected.iter().map(|row| format!("{} {}", row.line, row.reason)).collect();
    let expected = [
        "2 the line is not what it must be: unknown field `payeee`",
        "3 the line is not what it must be: invalid type: string",
        "4 the line is not what it must be: invalid type: floating point",
        "5 EUX is not a currency",
        "6 the calendar has no such date",
        "7 the amount is zero",
        "8 the amount is beyond 10^15 minor units",
        "9 the date is missing",
        "10 the kind is not one of expense, income and transfer",
        "11 a newer version wrote this entry's money",
        "12 an id is 32 lower-case hexadecimal digits",
        "13 the line is not what it must be: unknown variant `budget`",
        "14 the line is not a JSON object",
        "15 the line is not a JSON object",
        "18 accounts and categories have names",
        "19 the line is cut off",
    ];
    assert_eq!(named.len(), expected.len(), "{named:#?}");
    for (named, expected) in named.iter().zip(expected) {
        assert!(named.starts_with(expected), "{named}");
    }
}

#[test]
fn a_file_without_commits_makes_the_same_new_entries_on_every_device() {
    let (ana, _other, hers) = everything();
    let objects: Vec<String> =
        jsonl(&ana, hers).lines().filter(|line| !line.contains("\"commit\"")).map(str::to_owned).collect();
    let twin = r#"{"amount":{"minor":100,"currency":"EUR"},"date":"2026-11-02","payee":"Twin"}"#;
    let file = objects.join("\n") + "\n" + twin + "\n" + twin;
    let (phone, laptop, home) = two_devices();
    assert_eq!(counts(&import(&phone, &file)), [7, 0, 0, 0]);
    assert_eq!(counts(&import(&phone, &file)), [0, 0, 7, 0]);
    let reordered = r#"{ "payee":"Twin", "date":"2026-11-02", "amount":{"currency":"EUR","minor":100} }"#;
    assert_eq!(counts(&import(&phone, reordered)), [0, 0, 1, 0], "the order of keys says nothing");
    import(&laptop, &file);
    exchange(&phone, &laptop, home);
    assert_eq!(jsonl(&phone, home), jsonl(&laptop, home));
    assert_eq!((all_shown(&phone, home).len(), phone.conflicts(home).unwrap()), (7, vec![]));

    let entries = all_shown(&ana, hers);
    assert!(
        entries.iter().all(|entry| all_shown(&phone, home).contains(entry)),
        "each as it was, those in the trash too"
    );
    let refund = all(&phone, home, false).into_iter().find_map(|entry| entry.refund_of).unwrap();
    assert_eq!(phone.get(home, refund).payee, "Café", "it refunds the entry that was made of the other line");
    phone.assert_healthy("after objects came in");
}

#[test]
fn a_copy_makes_new_entries_and_leaves_the_commits_aside() {
    let (ana, _other, hers) = everything();
    let file = jsonl(&ana, hers);
    let ben = Device::new(3);
    let his = home(&ben);
    assert_eq!(counts(&import_with(&ben, &file, &copy())), [5, 0, 0, 0]);
    assert_eq!(ben.ledgers().unwrap().len(), 1, "her ledger is not here");
    assert_eq!(all_shown(&ben, his), all_shown(&ana, hers));
    assert_eq!(counts(&import_with(&ben, &file, &copy())), [0, 0, 5, 0]);
    assert_eq!(counts(&import_with(&ana, &file, &copy())), [0, 0, 5, 0], "they are hers already");
    let id = all(&ben, his, false)[0].id;
    ben.edit_expense(his, id, Edit { note: Some("mine".to_owned()), ..Edit::default() }).unwrap();
}

#[test]
fn our_csv_gives_the_same_entries_in_another_ledger() {
    let (ana, _other, hers) = everything();
    let file = csv(&ana, hers);
    let header = "date,time,kind,amount,currency,payee,category,account,to_account,note,tags,refund_of,id\r\n";
    assert!(file.starts_with(header));
    assert!(file.contains("\"=1+1 \"\"quoted\"\",\nsecond line\""), "lossless and quoted");
    let ben = Device::new(3);
    let his = home(&ben);
    assert_eq!(counts(&import(&ben, &file)), [4, 0, 0, 0]);
    let live = |device: &Device, ledger| all(device, ledger, false).iter().map(shown).collect::<Vec<_>>();
    let (mut ours, mut theirs) = (live(&ben, his), live(&ana, hers));
    ours.sort_by_key(Value::to_string);
    theirs.sort_by_key(Value::to_string);
    assert_eq!(ours, theirs);
    assert_eq!(counts(&import(&ben, &file)), [0, 0, 4, 0]);
    let objects = jsonl(&ana, hers);
    assert_eq!(counts(&import_with(&ben, &objects, &copy())), [1, 0, 4, 0], "the entries of both forms are the same");
    assert_eq!(counts(&import(&ana, &file)), [0, 0, 4, 0], "and hers are hers");

    let marked = format!("\u{feff}{}", file.replace("\r\n", "\n"));
    assert_eq!(counts(&import(&ben, &marked)), [0, 0, 4, 0], "as an editor saved it");
    let added = format!("{file}2026-11-09,,,1.00,EUR,by hand,,,,,,,\r\n2026-11-09,,,1.00,,no currency,,,,,,,\r\n");
    let imported = import(&ben, &added);
    assert_eq!((counts(&imported), imported.rejected[0].reason.as_str()), ([1, 0, 4, 0], "the currency is missing"));
}

#[test]
fn an_entry_that_was_deleted_since_comes_back_from_the_csv_of_its_own_ledger() {
    let device = Device::new(1);
    let home = home(&device);
    let coffee = device.add(home, spent("3.40", "Café", "2026-11-02"));
    let file = csv(&device, home);
    device.delete_expense(home, coffee.id).unwrap();
    assert_eq!(counts(&import(&device, &file)), [0, 1, 0, 0]);
    assert_eq!(device.get(home, coffee.id), coffee);
}

#[test]
fn a_file_of_a_newer_version_is_refused_untouched() {
    let device = Device::new(1);
    for file in ["{\"outlay\":2}\n{\"commit\":\"AAAA\"}\n", "{\"outlay\":2}\n{\"date\":\"2026-11-02\"}\n"] {
        let result = device.import(file.as_bytes(), &ImportOptions::default(), &mut |_| ControlFlow::Continue(()));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::TooNew);
    }
}

#[test]
fn commits_that_are_broken_off_leave_nothing() {
    let (phone, _laptop, home) = everything();
    let file = jsonl(&phone, home);
    let ben = Device::new(3);
    for calls in 0.. {
        let mut left = calls;
        let result = ben.import(file.as_bytes(), &ImportOptions::default(), &mut |_| {
            left -= 1;
            if left < 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match result {
            Ok(imported) => {
                assert!(imported.added == 5 && calls >= 2, "{calls} calls");
                return;
            }
            Err(error) => assert_eq!((error.kind(), ben.ledgers().unwrap()), (ErrorKind::Cancelled, vec![])),
        }
    }
}

#[test]
fn an_export_that_cannot_be_written_is_an_error() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (phone, _laptop, home) = everything();
    assert_eq!(phone.export_jsonl(home, &mut Full).unwrap_err().kind(), ErrorKind::DiskFull);
    assert_eq!(phone.export_csv(home, &mut Full).unwrap_err().kind(), ErrorKind::DiskFull);
    assert_eq!(phone.export_csv(LedgerId([7; 16]), &mut Vec::new()).unwrap_err().kind(), ErrorKind::NotFound);
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes of a line with a commit: base64 by hand, so that the test reads what the form says.
fn decode(line: &str) -> Vec<u8> {
    let line: Value = serde_json::from_str(line).unwrap();
    let digits = line["commit"].as_str().unwrap().trim_end_matches('=').bytes();
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in digits {
        bits = bits << 6 | u32::try_from(ALPHABET.iter().position(|letter| *letter == digit).unwrap()).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, place| bits << 8 | u32::from(chunk.get(place).copied().unwrap_or(0)));
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

/// What is at the path stays until all of the new file is there, and the database is no place for it.
#[test]
fn an_export_into_a_file_is_whole_or_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("a.outlay");
    let phone = Engine::open(&database, Options::default()).unwrap();
    let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
    phone.add_expense(home, spent("3.40", "Café", "2026-11-02")).unwrap();
    let file = folder.path().join("home.csv");
    fs::write(&file, "kept").unwrap();

    assert_eq!(phone.export_csv_file(LedgerId([7; 16]), &file).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    let nowhere = phone.export_jsonl_file(home, folder.path().join("nowhere/home.jsonl"));
    assert_eq!(nowhere.unwrap_err().kind(), ErrorKind::NotFound);
    let dotted = folder.path().join(".").join("a.outlay");
    let own = ["-wal", "-shm", ".key"].map(|suffix| folder.path().join(format!("a.outlay{suffix}")));
    for path in [database.clone(), dotted, folder.path().to_owned()].iter().chain(&own) {
        assert_eq!(phone.export_csv_file(home, path).unwrap_err().kind(), ErrorKind::InvalidInput, "{path:?}");
    }
    assert_eq!(phone.export_csv_file(home, &file).unwrap(), 1);
    assert!(fs::read_to_string(&file).unwrap().contains("Café"));
    phone.export_jsonl_file(home, folder.path().join("a.outlay.jsonl")).unwrap();

    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| name.to_string_lossy().ends_with(".partial"));
    assert!(names.is_empty(), "{names:?}");
    assert_eq!(phone.doctor().unwrap().problems, Vec::<String>::new());
}

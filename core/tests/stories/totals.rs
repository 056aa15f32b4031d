//! Totals by month and category.

use std::collections::BTreeMap;

use outlay_core::{Currency, Edit, EntryKind, ErrorKind, LedgerId, Money, Month, NewExpense};

use crate::support::{Device, Rng, Seed, eur, path, spent};

const CURRENCIES: [&str; 2] = ["EUR", "USD"];
const CATEGORIES: [&[&str]; 3] = [&["Food"], &["Food", "Cafés"], &["Home"]];

fn at_home() -> (Device, LedgerId) {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    (device, home)
}

/// Month, category, currency, spent, earned, count.
type Row = (String, Option<String>, String, i128, i128, u64);

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

fn rows(device: &Device, home: LedgerId, from: &str, to: &str) -> Vec<Row> {
    let totals = device.totals(home, month(from), month(to)).unwrap();
    let row = |total: outlay_core::Total| {
        assert_eq!(total.spent.currency, total.earned.currency);
        let category = total.category.map(|named| named.name);
        let currency = total.spent.currency.code().to_owned();
        (total.month.to_string(), category, currency, total.spent.minor, total.earned.minor, total.count)
    };
    totals.into_iter().map(row).collect()
}

fn row(month: &str, category: Option<&str>, currency: &str, spent: i128, earned: i128, count: u64) -> Row {
    (month.into(), category.map(Into::into), currency.into(), spent, earned, count)
}

#[test]
fn totals_are_by_month_category_and_currency() {
    let (device, home) = at_home();
    let food = |new: NewExpense| NewExpense { category: path(&["Food"]), ..new };
    device.add(home, food(spent("10", "a", "2026-03-01")));
    device.add(home, food(spent("2.50", "b", "2026-03-31")));
    device.add(home, food(spent("-1", "money back", "2026-03-31")));
    device.add(home, food(spent("7", "c", "2026-04-01")));
    device.add(home, spent("5", "d", "2026-03-15"));
    let usd = Money::parse("9", Currency::parse("USD").unwrap()).unwrap();
    device.add(home, food(NewExpense { amount: usd, ..spent("1", "e", "2026-03-02") }));
    device.add(home, NewExpense { kind: EntryKind::Income, ..spent("1000", "Work", "2026-03-28") });
    device.add(home, NewExpense { kind: EntryKind::Transfer, ..spent("77", "", "2026-03-28") });
    let trashed = device.add(home, food(spent("99", "f", "2026-03-03")));
    device.delete_expense(home, trashed.id).unwrap();

    let march = [
        row("2026-03", None, "EUR", 500, 100_000, 2),
        row("2026-03", Some("Food"), "EUR", 1_150, 0, 3),
        row("2026-03", Some("Food"), "USD", 900, 0, 1),
    ];
    assert_eq!(rows(&device, home, "2026-03", "2026-03"), march);
    let april = row("2026-04", Some("Food"), "EUR", 700, 0, 1);
    assert_eq!(rows(&device, home, "2026-04", "2030-01"), std::slice::from_ref(&april));
    assert_eq!(rows(&device, home, "2026-03", "2026-04"), [march.to_vec(), vec![april]].concat());
    assert_eq!(rows(&device, home, "2025-01", "2026-02"), []);
    let backwards = device.totals(home, month("2026-04"), month("2026-03"));
    assert_eq!(backwards.unwrap_err().kind(), ErrorKind::InvalidInput);

    device.restore_expense(home, trashed.id).unwrap();
    assert_eq!(rows(&device, home, "2026-03", "2026-03")[1], row("2026-03", Some("Food"), "EUR", 11_050, 0, 4));
}

#[test]
fn an_edit_moves_an_entry_from_one_total_to_another() {
    let (device, home) = at_home();
    let added = device.add(home, NewExpense { category: path(&["Food"]), ..spent("10", "a", "2026-03-01") });
    let edit = |edit: Edit| device.edit_expense(home, added.id, edit).unwrap();
    let all = || rows(&device, home, "2026-01", "2026-12");
    edit(Edit { date: Some(crate::support::date("2026-04-01")), ..Edit::default() });
    assert_eq!(all(), [row("2026-04", Some("Food"), "EUR", 1_000, 0, 1)]);
    edit(Edit { category: Some(None), amount: Some(eur("3")), ..Edit::default() });
    assert_eq!(all(), [row("2026-04", None, "EUR", 300, 0, 1)]);
    edit(Edit { kind: Some(EntryKind::Income), ..Edit::default() });
    assert_eq!(all(), [row("2026-04", None, "EUR", 0, 300, 1)]);
    edit(Edit { kind: Some(EntryKind::Transfer), ..Edit::default() });
    assert_eq!(all(), []);
}

#[test]
fn sums_go_beyond_64_bits_and_back() {
    let (device, home) = at_home();
    let most = Money::new(1_000_000_000_000_000, Currency::EUR).unwrap();
    let new = NewExpense { amount: most, ..spent("1", "", "2026-03-01") };
    // 10,000 of the greatest amount are 10^19, more than an i64 holds. They come from another device, in few commits.
    let mut forger = crate::support::forge::Forger::new(1, 3);
    let first = device.add(home, new);
    let view = crate::support::forge::View::of(&device, home);
    let puts = || {
        use outlay_ledger::change::Scalar;
        use outlay_ledger::field;
        use outlay_ledger::fold::Put;
        let entry = outlay_ledger::Entry::new(EntryKind::Expense, most);
        let day = i64::from(crate::support::date("2026-03-01").days());
        vec![Put::new(field::DATE, Scalar::Int(day)), Put::new(field::MONEY, Scalar::Bytes(entry.encode()))]
    };
    let mut commits = Vec::new();
    for _ in 0..10 {
        let change =
            outlay_ledger::fold::Document::create(forger.feed().0, outlay_ledger::field::Thing::Expense, puts());
        let record = crate::support::forge::change_record(None, &change);
        commits.push(forger.commit(&view, vec![record; 1_000]));
    }
    device.take(&commits);
    assert_eq!(
        rows(&device, home, "2026-03", "2026-03"),
        [row("2026-03", None, "EUR", 10_001 * 10_i128.pow(15), 0, 10_001)]
    );
    device.delete_expense(home, first.id).unwrap();
    assert_eq!(rows(&device, home, "2026-03", "2026-03"), [row("2026-03", None, "EUR", 10_i128.pow(19), 0, 10_000)]);
    device.assert_healthy("ten quintillions");
}

#[test]
fn totals_are_what_adding_up_the_entries_gives() {
    for seed in 0..4 {
        let _seed = Seed(seed);
        let (rng, (device, home)) = (&mut Rng::new(seed), at_home());
        // More than are summed up together.
        let mut ids = Vec::new();
        for _ in 0..350 {
            let amount = format!("{}.{:02}", rng.below(40), 1 + rng.below(99));
            let on = format!("2026-{:02}-{:02}", 1 + rng.below(4), 1 + rng.below(28));
            let kind = *rng.pick(&[EntryKind::Expense, EntryKind::Expense, EntryKind::Income, EntryKind::Transfer]);
            let category = path(CATEGORIES[rng.below(CATEGORIES.len())]).filter(|_| rng.chance(80));
            let currency = Currency::parse(CURRENCIES[rng.below(CURRENCIES.len())]).unwrap();
            let amount = Money::parse(&amount, currency).unwrap();
            let added = device.add(home, NewExpense { kind, category, amount, ..spent("1", "x", &on) });
            ids.push(added.id);
            if rng.chance(20) {
                device.delete_expense(home, *rng.pick(&ids)).unwrap();
            }
            if rng.chance(20) {
                let date = crate::support::date(&format!("2026-{:02}-{:02}", 1 + rng.below(4), 1 + rng.below(28)));
                device.edit_expense(home, *rng.pick(&ids), Edit { date: Some(date), ..Edit::default() }).unwrap();
            }
        }
        type Key = (String, Option<String>, String);
        let mut sums: BTreeMap<Key, (i128, i128, u64)> = BTreeMap::new();
        let all = device.all(home, &outlay_core::Filter::default(), outlay_core::Sort::Newest);
        for expense in all.into_iter().filter(|expense| expense.kind != Some(EntryKind::Transfer)) {
            let amount = expense.amount.unwrap();
            let key = (
                Month::from_date(expense.date).to_string(),
                expense.category.map(|named| named.name),
                amount.currency().code().to_owned(),
            );
            let sum = sums.entry(key).or_default();
            match expense.kind {
                Some(EntryKind::Income) => sum.1 += i128::from(amount.minor()),
                _ => sum.0 += i128::from(amount.minor()),
            }
            sum.2 += 1;
        }
        let expected: Vec<Row> = sums.into_iter().map(|((m, c, cur), (s, e, n))| (m, c, cur, s, e, n)).collect();
        assert_eq!(rows(&device, home, "2026-01", "2026-12"), expected);
        device.assert_healthy("what doctor sums up");
        assert_eq!(rows(&device, home, "2026-01", "2026-12"), expected);
    }
}

//! Lists: filters, orders, pages and search.

use std::collections::BTreeSet;

use outlay_core::{
    Currency, DocumentId, Edit, EntryKind, ErrorKind, Expense, Filter, LedgerId, Money, Month, NewExpense, Sort,
};
use outlay_ledger::change::Scalar;
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::Put;

use crate::support::forge::{Forger, View};
use crate::support::{Device, Rng, Seed, date, eur, path, spent};

const SORTS: [Sort; 4] = [Sort::Newest, Sort::Oldest, Sort::Largest, Sort::Smallest];

const PAYEES: [&str; 3] = ["Café", "Bakery", "Shop"];
const CATEGORIES: [&[&str]; 3] = [&["Food"], &["Food", "Cafés"], &["Home"]];

fn at_home() -> (Device, LedgerId) {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    (device, home)
}

/// One entry of each sort, named by its payee.
fn mixed() -> (Device, LedgerId) {
    let (device, home) = at_home();
    let usd = Money::parse("20", Currency::parse("USD").unwrap()).unwrap();
    let add = |new: NewExpense| device.add(home, new);
    add(NewExpense { category: path(&["Food"]), account: Some("Cash".into()), ..spent("3", "Bakery", "2026-01-31") });
    add(NewExpense {
        category: path(&["Food", "Cafés"]),
        tags: vec!["trip".into()],
        ..spent("5", "Café", "2026-02-01")
    });
    add(NewExpense {
        note: "with Ana".into(),
        account: Some("Bank".into()),
        ..spent("20", "ＣＡＦＥ\u{301}", "2026-02-28")
    });
    add(NewExpense { kind: EntryKind::Income, ..spent("20", "Work", "2026-03-01") });
    add(NewExpense {
        kind: EntryKind::Transfer,
        account: Some("Bank".into()),
        to_account: Some("Cash".into()),
        ..spent("50", "ATM", "2026-03-02")
    });
    add(NewExpense { amount: usd, tags: vec!["Trip".into()], ..spent("1", "Diner", "2026-03-03") });
    let gone = add(spent("9", "Gone", "2026-03-04"));
    device.delete_expense(home, gone.id).unwrap();
    (device, home)
}

#[test]
fn every_filter_narrows_the_list() {
    let (device, home) = mixed();
    let category = |path: &[&str]| Some(device.find_category(home, path).unwrap().unwrap().id);
    let account = |name: &str| Some(device.find_account(home, name).unwrap().unwrap().id);
    let usd = |text: &str| Some(Money::parse(text, Currency::parse("USD").unwrap()).unwrap());
    let all = Filter::default;
    let february = Some(Month::parse("2026-02").unwrap());
    let cases: Vec<(Filter, &[&str])> = vec![
        (all(), &["Diner", "ATM", "Work", "ＣＡＦＥ\u{301}", "Café", "Bakery"]),
        (Filter { deleted: true, ..all() }, &["Gone"]),
        (Filter { from: Some(date("2026-03-02")), ..all() }, &["Diner", "ATM"]),
        (Filter { to: Some(date("2026-02-01")), ..all() }, &["Café", "Bakery"]),
        (Filter { from: Some(date("2026-02-01")), to: Some(date("2026-02-01")), ..all() }, &["Café"]),
        (Filter { from: Some(date("2026-02-02")), to: Some(date("2026-02-01")), ..all() }, &[]),
        (Filter { month: february, ..all() }, &["ＣＡＦＥ\u{301}", "Café"]),
        (Filter { month: february, from: Some(date("2026-02-10")), ..all() }, &["ＣＡＦＥ\u{301}"]),
        (Filter { category: category(&["Food"]), ..all() }, &["Café", "Bakery"]),
        (Filter { category: category(&["Food", "Cafés"]), ..all() }, &["Café"]),
        (Filter { category: Some(DocumentId([0x99; 16])), ..all() }, &[]),
        (Filter { account: account("Cash"), ..all() }, &["ATM", "Bakery"]),
        (Filter { account: account("Bank"), ..all() }, &["ATM", "ＣＡＦＥ\u{301}"]),
        (Filter { account: Some(DocumentId([0x99; 16])), ..all() }, &[]),
        (Filter { payee: Some(" CAFE\u{301} ".into()), ..all() }, &["ＣＡＦＥ\u{301}", "Café"]),
        (Filter { payee: Some("Caf".into()), ..all() }, &[]),
        (Filter { tag: Some("trip".into()), ..all() }, &["Café"]),
        (Filter { tag: Some("Trip".into()), ..all() }, &["Diner"]),
        (Filter { kind: Some(EntryKind::Income), ..all() }, &["Work"]),
        (Filter { kind: Some(EntryKind::Transfer), ..all() }, &["ATM"]),
        (Filter { amount_min: Some(eur("20")), ..all() }, &["ATM", "Work", "ＣＡＦＥ\u{301}"]),
        (Filter { amount_max: Some(eur("5")), ..all() }, &["Café", "Bakery"]),
        (
            Filter { amount_min: Some(eur("5")), amount_max: Some(eur("20")), ..all() },
            &["Work", "ＣＡＦＥ\u{301}", "Café"],
        ),
        (Filter { amount_min: usd("1"), ..all() }, &["Diner"]),
        (Filter { amount_min: usd("1"), amount_max: Some(eur("50")), ..all() }, &[]),
        (Filter { text: Some("cafe".into()), ..all() }, &["Café"]),
        (Filter { text: Some("ana".into()), ..all() }, &["ＣＡＦＥ\u{301}"]),
        (Filter { text: Some("trip".into()), ..all() }, &["Diner", "Café"]),
        (Filter { text: Some("TRI din".into()), ..all() }, &["Diner"]),
        (Filter { text: Some("gone".into()), ..all() }, &[]),
        (Filter { text: Some("gone".into()), deleted: true, ..all() }, &["Gone"]),
        (Filter { text: Some("?!".into()), ..all() }, &[]),
        (
            Filter {
                month: february,
                text: Some("with".into()),
                payee: Some("café".into()),
                account: account("Bank"),
                kind: Some(EntryKind::Expense),
                amount_min: Some(eur("20")),
                ..all()
            },
            &["ＣＡＦＥ\u{301}"],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(device.payees(home, &filter), expected, "{filter:?}");
        for sort in SORTS {
            let sorted: BTreeSet<_> = device.all(home, &filter, sort).into_iter().map(|expense| expense.id).collect();
            assert_eq!(sorted.len(), expected.len(), "{sort:?} {filter:?}");
        }
    }
}

#[test]
fn pages_have_limits_and_begin_after_what_is_there() {
    let (device, home) = mixed();
    let page = |after, limit| device.query(home, &Filter::default(), Sort::Newest, after, limit);
    for limit in [0, 1_001, usize::MAX] {
        assert_eq!(page(None, limit).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let first = page(None, 4).unwrap();
    assert_eq!((first.expenses.len(), first.next), (4, Some(first.expenses[3].id)));
    let second = page(first.next, 4).unwrap();
    assert_eq!((second.expenses.len(), second.next), (2, None));
    assert_eq!(page(None, 6).unwrap().next, None, "nothing after the last");
    assert_eq!(page(Some(DocumentId([9; 16])), 4).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(page(Some(DocumentId([0x89; 16])), 4).unwrap_err().kind(), ErrorKind::NotFound);
    let after_bakery = page(Some(second.expenses[1].id), 4).unwrap();
    assert_eq!((after_bakery.expenses.len(), after_bakery.next), (0, None));
}

fn random_entry(rng: &mut Rng) -> NewExpense {
    let on = format!("2026-0{}-0{}", 1 + rng.below(3), 1 + rng.below(3));
    let amount = format!("{}", rng.below(4) as i64 * if rng.chance(50) { 1 } else { -1 } + 5);
    NewExpense {
        kind: *rng.pick(&[EntryKind::Expense, EntryKind::Income]),
        category: path(CATEGORIES[rng.below(CATEGORIES.len())]).filter(|_| rng.chance(70)),
        account: Some((*rng.pick(&["Cash", "Bank"])).into()).filter(|_| rng.chance(70)),
        tags: vec![(*rng.pick(&["a", "b"])).to_owned()],
        ..spent(&amount, PAYEES[rng.below(PAYEES.len())], &on)
    }
}

fn is_in_order(sort: Sort, one: &Expense, next: &Expense) -> bool {
    let minor = |expense: &Expense| expense.amount.map_or(0, |amount| amount.minor());
    match sort {
        Sort::Newest => one.date >= next.date,
        Sort::Oldest => one.date <= next.date,
        Sort::Largest => (minor(one), one.date) >= (minor(next), next.date),
        Sort::Smallest => minor(one) < minor(next) || minor(one) == minor(next) && one.date >= next.date,
    }
}

#[test]
fn pages_visit_everything_once_and_in_order_whatever_the_filter() {
    for seed in 0..6 {
        let _seed = Seed(seed);
        let (rng, (device, home)) = (&mut Rng::new(seed), at_home());
        for _ in 0..60 {
            // Many on one day and in one millisecond: the id alone tells them apart.
            if rng.chance(50) {
                device.clock.advance_ms(1);
            }
            let added = device.add_expense(home, random_entry(rng)).unwrap();
            if rng.chance(10) {
                device.delete_expense(home, added.id).unwrap();
            }
        }
        let category = device.find_category(home, &["Food"]).unwrap().map(|named| named.id);
        let account = device.find_account(home, "Cash").unwrap().map(|named| named.id);
        let filters = [
            Filter::default(),
            Filter { category, ..Filter::default() },
            Filter { account, ..Filter::default() },
            Filter { text: Some("caf".into()), ..Filter::default() },
            Filter { tag: Some("a".into()), deleted: true, ..Filter::default() },
        ];
        for (filter, sort) in filters.iter().flat_map(|filter| SORTS.map(|sort| (filter, sort))) {
            let whole = device.query(home, filter, sort, None, 1_000).unwrap().expenses;
            assert!(whole.windows(2).all(|pair| is_in_order(sort, &pair[0], &pair[1])), "{sort:?} {filter:?}");
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let page = device.query(home, filter, sort, after, 1 + rng.below(9)).unwrap();
                paged.extend(page.expenses);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(paged, whole, "{sort:?} {filter:?}");
        }
    }
}

#[test]
fn a_reader_who_turns_pages_while_others_write_misses_nothing_and_sees_nothing_twice() {
    for (seed, sort) in (0..12).zip(SORTS.into_iter().cycle()) {
        let _seed = Seed(seed);
        let (rng, (device, home)) = (&mut Rng::new(seed), at_home());
        let before: BTreeSet<DocumentId> = (0..40).map(|_| device.add(home, random_entry(rng)).id).collect();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = device.query(home, &Filter::default(), sort, after, 3).unwrap();
            seen.extend(page.expenses.iter().map(|expense| expense.id));
            after = page.next;
            if after.is_none() {
                break;
            }
            for _ in 0..rng.below(3) {
                device.add(home, random_entry(rng));
            }
            let note = Edit { note: Some(format!("{}", rng.next())), ..Edit::default() };
            device.edit_expense(home, *rng.pick(&seen), note).unwrap();
        }
        let distinct: BTreeSet<DocumentId> = seen.iter().copied().collect();
        assert_eq!(distinct.len(), seen.len(), "{sort:?}: nothing twice");
        assert!(distinct.is_superset(&before), "{sort:?}: nothing missed");
    }
}

/// An entry whose money register is of a version this one does not know.
fn of_a_newer_version(device: &Device, home: LedgerId, number: u64) -> DocumentId {
    let (view, mut forger) = (View::of(device, home), Forger::new(1, 900 + number));
    let puts = vec![
        Put::new(field::DATE, Scalar::Int(i64::from(date("2026-02-02").days()))),
        Put::new(field::MONEY, Scalar::Bytes(vec![2, 0xa0])),
        Put::new(field::PAYEE, Scalar::Str("newer".into())),
    ];
    device.take(&[forger.create(&view, Thing::Expense, puts)]);
    let newest = device.all(home, &Filter { text: Some("newer".into()), ..Filter::default() }, Sort::Newest);
    newest.into_iter().map(|expense| expense.id).max_by_key(|id| device.history(home, *id).unwrap()[0].commit).unwrap()
}

#[test]
fn entries_whose_money_a_newer_version_wrote_are_listed_and_not_edited() {
    let (device, home) = mixed();
    device.add(home, spent("-4", "Money back", "2026-01-01"));
    let ids: Vec<_> = (0..3).map(|number| of_a_newer_version(&device, home, number)).collect();
    for sort in SORTS {
        let all = device.all(home, &Filter::default(), sort);
        let distinct: BTreeSet<_> = all.iter().map(|expense| expense.id).collect();
        assert_eq!((all.len(), distinct.len()), (10, 10), "{sort:?}");
    }
    let newer = device.get(home, ids[0]);
    assert_eq!((newer.kind, newer.amount, newer.payee.as_str()), (None, None, "newer"));
    let edit = |edit: Edit| device.edit_expense(home, newer.id, edit);
    assert_eq!(edit(Edit { amount: Some(eur("1")), ..Edit::default() }).unwrap_err().kind(), ErrorKind::TooNew);
    assert_eq!(edit(Edit { payee: Some("known".into()), ..Edit::default() }).unwrap().payee, "known");
    let month = Month::parse("2026-02").unwrap();
    assert_eq!(device.totals(home, month, month).unwrap().iter().map(|total| total.count).sum::<u64>(), 2);
    device.assert_healthy("newer money");
}

#[test]
fn search_finds_what_was_written_just_now_and_what_was_edited() {
    let (device, home) = at_home();
    // More than go into the index at once, so that some are in it and some are not.
    let ids: Vec<_> = (0..400).map(|n| device.add(home, spent("1", &format!("Shop {n}"), "2026-01-01")).id).collect();
    let found = |text: &str| {
        let filter = Filter { text: Some(text.into()), ..Filter::default() };
        device.all(home, &filter, Sort::Newest).len()
    };
    assert_eq!((found("shop"), found("shop 39"), found("39 shop")), (400, 11, 11));
    for id in ids.iter().take(100) {
        device.edit_expense(home, *id, Edit { payee: Some("Market".into()), ..Edit::default() }).unwrap();
    }
    assert_eq!((found("shop"), found("mark")), (300, 100));
    for id in ids.iter().take(10) {
        device.edit_expense(home, *id, Edit { tags: Some(vec!["Äpfel".into()]), ..Edit::default() }).unwrap();
    }
    assert_eq!((found("apfel"), found("äpfel market"), found("pfel")), (10, 10, 0));
    device.assert_healthy("search");
    assert_eq!((found("shop"), found("mark"), found("apfel")), (300, 100, 10), "after a rebuild");
}

#[test]
fn no_search_text_is_an_error() {
    let (device, home) = at_home();
    let odd = [
        "हिन्दी चाय",
        "ⓐbⓑ",
        "a\u{301}\u{302}b",
        "\"",
        "NEAR(",
        "*",
        "x OR y",
        "-x",
        "日本語",
        "ﬁn",
        "a\0b",
        "🍕x🍕",
        "ไทย",
    ];
    for text in odd {
        let payee: String = text.chars().filter(|c| !c.is_control()).collect();
        device.add(home, spent("1", &payee, "2026-01-01"));
    }
    let long = "word ".repeat(500);
    for round in 0..2 {
        for text in odd.iter().copied().chain([long.as_str()]) {
            let filter = Filter { text: Some(text.into()), ..Filter::default() };
            let found = device.query(home, &filter, Sort::Newest, None, 50);
            assert!(found.is_ok(), "round {round}, {text:?}: {:?}", found.unwrap_err());
        }
        // Doctor fills the index: the second round searches in it.
        device.assert_healthy("odd texts");
    }
    let found = |text: &str| device.payees(home, &Filter { text: Some(text.into()), ..Filter::default() });
    assert_eq!(found("हिन्दी"), ["हिन्दी चाय"]);
    assert_eq!(found("日本"), ["日本語"]);
}

//! Orders of delivery that once made a difference, or might.

use outlay_core::{Commit, Currency, ImportRow, LedgerId, MemberId, NewExpense, Role};
use outlay_ledger::change::Scalar;
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::Put;
use outlay_ledger::member::MemberOperation;

use crate::support::forge::{Forger, View, record};
use crate::support::snapshot::{Snapshot, assert_same};
use crate::support::{Device, Rng, Seed, eur, snapshot, spent};
use outlay_ledger::commit::{ActorForm, Kind};

/// A ledger with an entry of Ana's that Ben edits, and the commit that admits Ben.
struct Story {
    home: LedgerId,
    commits: Vec<Commit>,
}

fn story() -> Story {
    let (ana, ben) = (Device::new(1), Device::new(2));
    let home = ana.create_ledger("Home", Currency::EUR).unwrap().id;
    let mut owner = Forger::new(1, 30);
    let lunch = ana.add(home, spent("12", "Lunch", "2026-03-01"));
    let admission = MemberOperation::Add { member: MemberId([2; 16]), device: ben.device_key(), role: Role::Editor };
    ana.take(&[owner.member(&View::of(&ana, home), &admission)]);
    ben.pull(&ana, home);
    let edit = outlay_core::Edit { amount: Some(eur("13")), ..Default::default() };
    ben.edit_expense(home, lunch.id, edit).unwrap();
    let own = ben.add_expense(home, NewExpense::new(eur("5"), "Ben's")).unwrap();
    ana.pull(&ben, home);
    // Ana cuts Ben off before the last thing he did.
    let view = View::of(&ana, home);
    let last = view.chain_heads(&ben.device_key());
    let cut = view.commits[&last[0]].header.previous.clone();
    ana.take(&[owner.member(&view, &MemberOperation::Remove { member: MemberId([2; 16]), cut })]);
    assert_eq!(ana.expense(home, own.id).unwrap(), None);
    assert_eq!(ana.get(home, lunch.id).amount, Some(eur("13")));
    Story { home, commits: ana.commits(home, &[]).unwrap() }
}

/// All orders of a few commits.
fn orders(commits: &[Commit]) -> Vec<Vec<Commit>> {
    if commits.len() <= 1 {
        return vec![commits.to_vec()];
    }
    let mut all = Vec::new();
    for index in 0..commits.len() {
        let mut rest = commits.to_vec();
        let first = rest.remove(index);
        for mut order in orders(&rest) {
            order.insert(0, first.clone());
            all.push(order);
        }
    }
    all
}

#[test]
fn every_order_of_an_admission_an_edit_and_a_removal_ends_alike_at_once_and_one_by_one() {
    let Story { home, commits } = story();
    assert_eq!(commits.len(), 6);
    let reference = Device::new(50);
    reference.take(&commits);
    let expected = Snapshot::of(&reference, home, "as written");
    // A third of the 720 orders, and as many beginnings as there are.
    for (number, order) in orders(&commits).into_iter().enumerate().step_by(3) {
        let device = Device::new(51);
        let context = format!("order {number}");
        if number % 2 == 0 {
            device.take(&order);
        } else {
            order.into_iter().for_each(|commit| device.take(&[commit]));
        }
        assert_same(&Snapshot::of(&device, home, &context), &expected, &context);
    }
}

#[test]
fn a_record_that_cannot_be_read_is_forgotten_when_its_commit_is_set_aside() {
    let (ana, mut ben) = (Device::new(1), Forger::new(2, 31));
    let home = ana.create_ledger("Home", Currency::EUR).unwrap().id;
    let (mut owner, member) = (Forger::new(1, 30), MemberId([2; 16]));
    let admission = MemberOperation::Add { member, device: ben.device(), role: Role::Editor };
    ana.take(&[owner.member(&View::of(&ana, home), &admission)]);
    let garbage = record(Kind::Change, None, None, ActorForm::Feed, vec![1, 2, 3]);
    ana.take(&[ben.commit(&View::of(&ana, home), vec![garbage])]);
    assert_eq!(ana.doctor().unwrap().not_applied.len(), 1, "quarantined, with its reason");
    ana.take(&[owner.member(&View::of(&ana, home), &MemberOperation::Remove { member, cut: vec![] })]);
    let diagnosis = ana.doctor().unwrap();
    assert!(diagnosis.is_ok(), "{:?}", diagnosis.problems);
    assert_eq!(diagnosis.not_applied.len(), 1, "set aside now");
}

#[test]
fn a_removal_that_is_the_first_thing_a_process_takes_in_has_its_effect() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("removal.outlay");
    let Story { home, commits } = story();
    let [before, removal] = [&commits[..5], &commits[5..]];
    let reference = Device::new(50);
    reference.take(&commits);
    Device::open(&file, 51, 1).take(before);
    let restarted = Device::open(&file, 51, 2);
    restarted.take(removal);
    let context = "after a restart";
    assert_same(&Snapshot::of(&restarted, home, context), &Snapshot::of(&reference, home, "at once"), context);
}

#[test]
fn a_chain_that_another_device_names_has_its_head_all_the_same() {
    let (ana, mut ben) = (Device::new(1), Forger::new(2, 31));
    let home = ana.create_ledger("Home", Currency::EUR).unwrap().id;
    let admission = MemberOperation::Add { member: MemberId([2; 16]), device: ben.device(), role: Role::Editor };
    ana.take(&[Forger::new(1, 30).member(&View::of(&ana, home), &admission)]);
    ana.add(home, spent("1", "Shop", "2026-03-01"));
    let view = View::of(&ana, home);
    let anas = view.chain_heads(&ana.device_key());
    let note = vec![
        Put::new(field::DATE, Scalar::Int(20_000)),
        Put::new(
            field::MONEY,
            Scalar::Bytes(outlay_ledger::Entry::new(outlay_core::EntryKind::Expense, eur("1")).encode()),
        ),
    ];
    let change = outlay_ledger::fold::Document::create(ben.feed().0, Thing::Expense, note);
    let record = crate::support::forge::change_record(None, &change);
    let odd = ben.commit_with(&view, vec![record], |header| header.previous = anas.clone());
    ana.take(std::slice::from_ref(&odd));
    let mut commits = ana.commits(home, &[]).unwrap();
    let expected = ana.heads(home).unwrap();
    assert!(anas.iter().all(|head| expected.contains(head)));
    for seed in 0..20 {
        let _seed = Seed(seed);
        Rng::new(seed).shuffle(&mut commits);
        let device = Device::new(50);
        commits.iter().for_each(|commit| device.take(std::slice::from_ref(commit)));
        assert_eq!(device.heads(home).unwrap(), expected);
        assert!(device.commits(home, &expected).unwrap().is_empty());
    }
}

#[test]
fn a_clone_that_reuses_numbers_shows_the_same_everywhere_and_closes_the_fork() {
    for seed in 0..6 {
        let _seed = Seed(seed);
        // The same key and the same randomness: both mint the same nonce and number their records alike.
        let (phone, clone) = (Device::with_seed(1, seed), Device::with_seed(1, seed));
        let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
        clone.pull(&phone, home);
        let other = Device::with_seed(1, 70 + seed);
        other.pull(&phone, home);
        phone.add(home, spent("1", "Phone", "2026-03-01"));
        clone.clock.advance_ms(7);
        clone.add(home, spent("2", "Clone", "2026-03-02"));
        clone.clock.advance_ms(11);
        clone.add(home, spent("2", "Clone once more", "2026-03-02"));
        let union = [phone.commits(home, &[]).unwrap(), clone.commits(home, &[]).unwrap()].concat();
        let mut snapshots = Vec::new();
        for device in [&phone, &clone, &other] {
            device.take(&Rng::new(seed).shuffled_with_duplicates(&union));
            snapshots.push(Snapshot::of(device, home, "a clone"));
        }
        assert_same(&snapshots[1], &snapshots[0], "clone");
        assert_same(&snapshots[2], &snapshots[0], "another process");
        // Whatever is written next knows both, uses no number again, and closes the fork.
        let before = snapshot::expenses(&phone, home);
        let after = phone.add(home, spent("3", "After", "2026-03-03"));
        assert!(!before.contains_key(&after.id));
        assert_eq!(snapshot::expenses(&phone, home).len(), before.len() + 1);
        assert_eq!(phone.heads(home).unwrap().len(), 1);
        phone.assert_healthy("after a fork");
    }
}

#[test]
fn what_only_a_commit_that_was_set_aside_holds_is_written_again_when_it_is_needed() {
    let (ana, ben) = (Device::new(1), Device::new(2));
    let home = ana.create_ledger("Home", Currency::EUR).unwrap().id;
    let (mut owner, member) = (Forger::new(1, 30), MemberId([2; 16]));
    let admission = MemberOperation::Add { member, device: ben.device_key(), role: Role::Editor };
    ana.take(&[owner.member(&View::of(&ana, home), &admission)]);
    ben.pull(&ana, home);
    let paid = |on: &str| NewExpense {
        account: Some("Cash".into()),
        category: crate::support::path(&["Food"]),
        ..spent("1", "Shop", on)
    };
    let bens = ben.add(home, paid("2026-03-01"));
    ana.pull(&ben, home);
    ana.take(&[owner.member(&View::of(&ana, home), &MemberOperation::Remove { member, cut: vec![] })]);
    assert_eq!((ana.accounts(home).unwrap(), ana.expense(home, bens.id).unwrap()), (vec![], None), "set aside");

    let own = ana.add(home, paid("2026-03-02"));
    let names = (own.account.clone().map(|named| named.name), own.category.clone().map(|named| named.name));
    assert_eq!(names, (Some("Cash".into()), Some("Food".into())));
    let fact = || ImportRow { fact: "row".into(), new: paid("2026-03-03") };
    assert_eq!(ana.import_rows(home, [fact()]).unwrap().added, 1);
    ana.assert_healthy("written again");
    ben.pull(&ana, home);
    assert_same(&Snapshot::of(&ben, home, "ben"), &Snapshot::of(&ana, home, "ana"), "on both");
}

//! Random worlds: in the end every replica shows the same, and what the pure crate says.

use std::collections::BTreeSet;

use outlay_core::{Commit, DocumentId, LedgerId};
use outlay_ledger::field::{self, Thing};

use crate::support::forge::View;
use crate::support::snapshot::{Snapshot, assert_same};
use crate::support::{Device, Seed};
use crate::world::{Climate, Done, World, deliver, ids};

/// Most worlds are short, so that there are many; in some an entry is edited so often that a fold of it is kept.
const STEPS: usize = 60;
const STEPS_OF_LONG_ONES: usize = 160;

#[test]
fn replicas_of_honest_people_agree() {
    let mut done = Done::default();
    for seed in 5100..5120 {
        add(&mut done, live_and_compare(seed, Climate::Honest));
    }
    println!("{done:?}");
    assert!(done.local > 250 && done.exchanges > 250, "{done:?}");
}

#[test]
fn replicas_agree_whatever_a_member_signs_and_however_roles_change() {
    let mut done = Done::default();
    for seed in 2166..2226 {
        add(&mut done, live_and_compare(seed, Climate::Hostile));
    }
    println!("{done:?}");
    assert!(done.local > 500 && done.hostile > 200 && done.roles > 50 && done.forged > 30, "{done:?}");
}

fn add(sum: &mut Done, done: Done) {
    sum.local += done.local;
    sum.refused += done.refused;
    sum.exchanges += done.exchanges;
    sum.hostile += done.hostile;
    sum.roles += done.roles;
    sum.forged += done.forged;
}

fn live_and_compare(seed: u64, climate: Climate) -> Done {
    let _seed = Seed(seed);
    let mut world = World::new(seed, climate);
    for _ in 0..if seed.is_multiple_of(10) { STEPS_OF_LONG_ONES } else { STEPS } {
        world.step();
    }
    let union = world.union();
    for at in 0..world.devices.len() {
        let all = world.rng.shuffled_with_duplicates(&union);
        deliver(&world.devices[at], &all, &mut world.rng, at == 1);
    }
    let context = format!("seed {seed}");
    let first = Snapshot::of(&world.devices[0], world.home, &context);
    assert_eq!(first.commits, ids(&union), "{context}: nothing was lost");
    for (at, device) in world.devices.iter().enumerate().skip(1) {
        let context = format!("{context}, device {at}");
        assert_same(&Snapshot::of(device, world.home, &context), &first, &context);
    }
    for one_by_one in [false, true] {
        let device = Device::new(60);
        let all = world.rng.shuffled_with_duplicates(&union);
        match one_by_one {
            true => deliver(&device, &all, &mut world.rng, true),
            false => device.take(&all),
        }
        let context = format!("{context}, taken in {}", if one_by_one { "one by one" } else { "at once" });
        assert_same(&Snapshot::of(&device, world.home, &context), &first, &context);
    }
    assert_is_what_the_pure_crate_says(&world.devices, world.home, &union, &first, &context);
    world.done
}

/// The store's own bookkeeping is left out here: commits, judged and folded by the ledger crate from nothing.
fn assert_is_what_the_pure_crate_says(
    devices: &[Device],
    home: LedgerId,
    union: &[Commit],
    shown: &Snapshot,
    context: &str,
) {
    let mut view = View::of_commits(home, union.to_vec());
    for device in devices {
        let role = view.history.roles().role_of(&device.device_key()).map(|(_, role)| role);
        assert_eq!(device.ledger(home).unwrap().role, role, "{context}");
    }
    let documents = view.documents();
    let is_entry = |document: &outlay_ledger::fold::Document| {
        document.thing() == Some(Thing::Expense) && document.winner(field::DATE).is_some()
    };
    let entries: Vec<_> = documents.iter().filter(|(_, document)| is_entry(document)).collect();
    assert_eq!(
        shown.expenses.keys().collect::<Vec<_>>(),
        entries.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        "{context}"
    );
    for (id, document) in entries {
        let expense = &shown.expenses[id];
        assert_eq!(expense.deleted, document.is_deleted(), "{context}, {id}");
        assert_eq!(expense.conflicted, !document.conflicting_keys().is_empty(), "{context}, {id}");
        assert_eq!(Some(expense.date), document.winner(field::DATE).and_then(field::date), "{context}, {id}");
    }
    let field_of = |key: &str| match key {
        field::MONEY => "amount".to_owned(),
        field::STATE => "deleted".to_owned(),
        key => key.to_owned(),
    };
    let in_document = |(id, document): (&DocumentId, &outlay_ledger::fold::Document)| {
        document.conflicting_keys().into_iter().map(|key| (*id, field_of(key))).collect::<Vec<_>>()
    };
    let expected: BTreeSet<_> = documents.iter().flat_map(in_document).collect();
    let listed: BTreeSet<_> = shown.conflicts.keys().cloned().collect();
    assert!(listed.is_superset(&expected), "{context}");
    assert!(listed.difference(&expected).all(|(_, field)| field == "parent"), "{context}: circles only");
}

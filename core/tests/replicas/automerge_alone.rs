//! What is stored is automerge's own format: the crate alone reads a ledger, and gets what the engine shows.

use std::collections::BTreeMap;

use outlay_core::{DocumentId, FieldValue, LedgerId};

use crate::support::forge::View;
use crate::support::oracle::Oracle;
use crate::support::{Device, Seed, snapshot};
use crate::world::{Climate, World};

const SETTINGS: u64 = 1;
const ACCOUNT: u64 = 3;
const CATEGORY: u64 = 4;
const EXPENSE: u64 = 5;

#[test]
fn automerge_alone_reads_a_ledger_field_by_field_as_the_engine_shows_it() {
    let (mut entries, mut conflicts) = (0, 0);
    for seed in 200..212 {
        let _seed = Seed(seed);
        let mut world = World::new(seed, Climate::Honest);
        for _ in 0..80 {
            world.step();
        }
        let union = world.union();
        world.devices[2].take(&union);
        for device in [&world.devices[1], &world.devices[2]] {
            let compared = assert_is_what_automerge_has(device, world.home);
            entries += compared.0;
            conflicts += compared.1;
        }
    }
    println!("{entries} entries and {conflicts} conflicts compared");
    assert!(entries > 200 && conflicts > 30);
}

fn assert_is_what_automerge_has(device: &Device, home: LedgerId) -> (usize, usize) {
    let oracle = Oracle::of(&View::of(device, home));
    let shown = snapshot::expenses(device, home);
    assert_eq!(shown.keys().copied().collect::<Vec<_>>(), oracle.of_type(EXPENSE));
    let expected = oracle.conflicts();
    let decisions = BTreeMap::from_iter(device.decisions(home).unwrap());
    for (id, expense) in &shown {
        let decision = decisions.get(id).map_or(String::new(), |decision| decision.word().to_owned());
        assert_eq!(decision, oracle.text(id, "commitment"), "{id}: commitment");
        assert_eq!(expense.kind, oracle.kind(id), "{id}: kind");
        assert_eq!(expense.amount, oracle.amount(id), "{id}: amount");
        assert_eq!(expense.payee, oracle.text(id, "payee"), "{id}: payee");
        assert_eq!(expense.note, oracle.text(id, "note"), "{id}: note");
        assert_eq!(Some(expense.date), oracle.date(id), "{id}: date");
        assert_eq!(expense.time, oracle.time(id), "{id}: time");
        assert_eq!(expense.tags, oracle.tags(id), "{id}: tags");
        assert_eq!(expense.category, oracle.category(id), "{id}: category");
        assert_eq!(expense.account, oracle.account(id), "{id}: account");
        assert_eq!(expense.to_account, oracle.to_account(id), "{id}: to_account");
        assert_eq!(expense.refund_of, oracle.reference(id, "refund_of"), "{id}: refund_of");
        assert_eq!(expense.deleted, oracle.is_deleted(id), "{id}: deleted");
        assert_eq!(expense.conflicted, expected.keys().any(|(document, _)| document == id), "{id}: conflicted");
    }
    let conflicts = device.conflicts(home).unwrap().into_iter();
    let values = |conflict: outlay_core::Conflict| {
        let values: Vec<FieldValue> = conflict.values.into_iter().map(|value| value.value).collect();
        ((conflict.document, conflict.field), values)
    };
    let conflicts: BTreeMap<(DocumentId, String), Vec<FieldValue>> = conflicts.map(values).collect();
    assert_eq!(conflicts, expected);
    assert_names(device, home, &oracle);
    (shown.len(), conflicts.len())
}

fn assert_names(device: &Device, home: LedgerId, oracle: &Oracle) {
    let ledger = device.ledger(home).unwrap();
    let [settings] = oracle.of_type(SETTINGS)[..] else { panic!("one document of settings") };
    assert_eq!(ledger.name, oracle.text(&settings, "name"));
    assert_eq!(ledger.currency.unwrap().code(), oracle.text(&settings, "currency"));
    let live = |number| oracle.of_type(number).into_iter().filter(|id| !oracle.is_deleted(id)).collect::<Vec<_>>();
    let mut accounts: Vec<_> = device.accounts(home).unwrap().into_iter().map(|account| account.id).collect();
    let mut categories: Vec<_> = device.categories(home).unwrap().into_iter().map(|category| category.id).collect();
    accounts.sort_unstable();
    categories.sort_unstable();
    assert_eq!((accounts, categories), (live(ACCOUNT), live(CATEGORY)));
}

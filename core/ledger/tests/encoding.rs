//! What we encode is byte for byte what automerge's encoder makes of the same change.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::num::NonZeroU64;

use automerge::legacy;
use outlay_ledger::ChangeHash;
use outlay_ledger::change::{Actor, Change, Op, OpId, Scalar, chunk};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use support::automerge_value;

const AUTHOR: Actor = [5; 16];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_change_is_encoded_as_automerge_does(change in changes()) {
        let encoded = change.encode().expect("a change within the limits");
        let oracle = automerge::Change::from(expanded(&change));
        prop_assert_eq!(chunk(&encoded.payload, AUTHOR), Some(oracle.raw_bytes().to_vec()));
        prop_assert_eq!(encoded.hash.0, oracle.hash().0);
        prop_assert_eq!(Change::parse(&encoded.payload, AUTHOR), Ok((change, encoded.hash)));
    }
}

#[test]
fn changes_of_very_many_operations_are_encoded_as_automerge_does() {
    for count in [63, 64, 65, 127, 128, 129, 1_000] {
        let op = |n: u64| Op {
            key: format!("key{n:04}"),
            value: if n % 70 < 65 { Scalar::Bool(true) } else { Scalar::Uint(n) },
            pred: (0..n % 3).map(|m| OpId { counter: 1 + n / 5 + m, actor: [m.to_le_bytes()[0]; 16] }).collect(),
        };
        let change =
            Change { actor: AUTHOR, seq: 300, start_op: 90_000, deps: vec![], ops: (0..count).map(op).collect() };
        let payload = change.encode().expect("a change within the limits").payload;
        let oracle = automerge::Change::from(expanded(&change));
        assert_eq!(chunk(&payload, AUTHOR).as_deref(), Some(oracle.raw_bytes()), "{count} operations");
    }
}

fn changes() -> impl Strategy<Value = Change> {
    let ops = btree_map("[a-c]{0,3}|.{0,40}", (values(), preds()), 1..12);
    let deps = btree_set(any::<[u8; 32]>(), 0..3);
    (numbers(), numbers(), deps, ops).prop_map(|(seq, start_op, deps, ops)| Change {
        actor: AUTHOR,
        seq,
        start_op,
        deps: deps.into_iter().map(ChangeHash).collect(),
        ops: ops.into_iter().map(|(key, (value, pred))| Op { key, value, pred }).collect(),
    })
}

/// Few distinct values, so that runs of equal ones occur, and every width of a number.
fn values() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        Just(Scalar::Null),
        any::<bool>().prop_map(Scalar::Bool),
        (any::<u64>(), 0..64_u32).prop_map(|(value, shift)| Scalar::Uint(value >> shift)),
        (any::<i64>(), 0..64_u32).prop_map(|(value, shift)| Scalar::Int(value >> shift)),
        ".{0,20}".prop_map(Scalar::Str),
        vec(any::<u8>(), 0..150).prop_map(Scalar::Bytes),
    ]
}

/// Ascending, as a change has them; of the author and of a few others on both sides of him.
fn preds() -> impl Strategy<Value = Vec<OpId>> {
    let id = (numbers(), 3..8_u8).prop_map(|(counter, actor)| OpId { counter, actor: [actor; 16] });
    prop_oneof![Just(Vec::new()), btree_set(id, 0..5).prop_map(|ids| ids.into_iter().collect())]
}

fn numbers() -> impl Strategy<Value = u64> {
    prop_oneof![1..4_u64, 1..1_000_000_000_u64]
}

fn expanded(change: &Change) -> legacy::Change {
    legacy::Change {
        operations: change.ops.iter().map(expanded_op).collect(),
        actor_id: automerge::ActorId::from(change.actor.as_slice()),
        hash: None,
        seq: change.seq,
        start_op: NonZeroU64::new(change.start_op).unwrap_or(NonZeroU64::MIN),
        time: 0,
        message: None,
        deps: change.deps.iter().map(|hash| automerge::ChangeHash(hash.0)).collect(),
        extra_bytes: Vec::new(),
        author: None,
    }
}

fn expanded_op(op: &Op) -> legacy::Op {
    legacy::Op {
        action: legacy::OpType::Put(automerge_value(&op.value)),
        obj: legacy::ObjectId::Root,
        key: legacy::Key::Map(op.key.as_str().into()),
        pred: op.pred.iter().map(|id| legacy::OpId(id.counter, id.actor.as_slice().into())).collect(),
        insert: false,
    }
}

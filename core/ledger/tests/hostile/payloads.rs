//! Payloads from outside: what the bounded reader takes, automerge reads as the same change; all else is refused before
//! it costs anything.

use std::collections::BTreeMap;

use outlay_ledger::ChangeHash;
use outlay_ledger::change::{Actor, Change, ChangeError, Op, OpId, Scalar, chunk};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Put};
use outlay_ledger::limits::{CHANGE_ACTORS_MAX, CHANGE_DEPS_MAX, CHANGE_OPERATIONS_MAX, CHANGE_PREDS_MAX, COUNTER_MAX};

use crate::support::{History, Plan, Rng};

/// What automerge decodes of the chunk, as a change of ours.
pub(crate) fn read_by_automerge(payload: &[u8], actor: Actor) -> Change {
    let bytes = chunk(payload, actor).expect("a payload that was read");
    let chunk = automerge::Change::from_bytes(bytes).expect("what this crate accepts, automerge reads");
    let expanded = chunk.decode();
    assert_eq!((expanded.time, &expanded.message, &expanded.extra_bytes), (0, &None, &Vec::new()));
    let id =
        |id: &automerge::legacy::OpId| OpId { counter: id.0, actor: id.1.to_bytes().try_into().expect("16 bytes") };
    let op = |op: &automerge::legacy::Op| {
        assert!(!op.insert && op.obj == automerge::legacy::ObjectId::Root);
        let automerge::legacy::Key::Map(key) = &op.key else { panic!("a key of a map") };
        let value = scalar(op.primitive_value().expect("a put"));
        Op { key: key.to_string(), value, pred: op.pred.iter().map(id).collect() }
    };
    Change {
        actor: expanded.actor_id.to_bytes().try_into().expect("16 bytes"),
        seq: expanded.seq,
        start_op: expanded.start_op.get(),
        deps: expanded.deps.iter().map(|hash| ChangeHash(hash.0)).collect(),
        ops: expanded.operations.iter().map(op).collect(),
    }
}

fn scalar(value: automerge::ScalarValue) -> Scalar {
    match value {
        automerge::ScalarValue::Null => Scalar::Null,
        automerge::ScalarValue::Boolean(value) => Scalar::Bool(value),
        automerge::ScalarValue::Uint(value) => Scalar::Uint(value),
        automerge::ScalarValue::Int(value) => Scalar::Int(value),
        automerge::ScalarValue::Str(value) => Scalar::Str(value.to_string()),
        automerge::ScalarValue::Bytes(value) => Scalar::Bytes(value),
        other => panic!("{other:?} is not of the format"),
    }
}

fn mutate_bytes(payload: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let at = rng.below(payload.len());
    match rng.below(9) {
        0 => payload.truncate(at),
        1 => payload.insert(at, rng.next().to_le_bytes()[0]),
        2 => drop(payload.remove(at)),
        3 => payload[at] = rng.next().to_le_bytes()[0],
        4 => payload[at] = *rng.pick(&[0, 1, 0x7f, 0x80, 0xff]),
        5 => payload[at] = payload[at].wrapping_add(1),
        6 => {
            let end = (at + 1 + rng.below(8)).min(payload.len());
            payload.splice(at..end, other[rng.below(other.len())..].iter().take(8).copied());
        }
        7 => drop(payload.splice(at..=at, [0xff, 0xff, 0xff, 0xff, 0x0f])),
        _ => payload[at] ^= 1 << rng.below(8),
    }
}

#[test]
fn damaged_payloads_never_panic_and_automerge_agrees_on_what_is_accepted() {
    let rng = &mut Rng::new(2_000_000);
    let plan = Plan { replicas: 4, steps: 30, restarts: 10, exchanges: 40, facts: 0, states_differ: false };
    let changes: Vec<_> = (0..40).flat_map(|_| History::honest(plan, rng).inputs).map(|input| input.change).collect();
    let payloads: Vec<_> = changes.iter().map(|change| change.encode().expect("written").payload).collect();
    let (mut accepted, mut refused) = (0, BTreeMap::new());
    for round in 0..200_000 {
        let at = round % payloads.len();
        let mut payload = payloads[at].clone();
        for _ in 0..=rng.below(3) {
            if !payload.is_empty() {
                let other = &payloads[rng.below(payloads.len())];
                mutate_bytes(&mut payload, other, rng);
            }
        }
        let actor = changes[at].actor;
        match Change::parse(&payload, actor) {
            Ok((change, hash)) => {
                accepted += 1;
                assert_eq!(read_by_automerge(&payload, actor), change, "round {round}");
                assert_eq!(outlay_ledger::change::hash(&payload, actor), Some(hash), "round {round}");
                assert_eq!(Change::parse_stored(&payload, actor).as_ref(), Ok(&change), "round {round}");
                let _ = (field::check(&change), field::period(&change));
            }
            Err(error) => *refused.entry(error.to_string()).or_insert(0) += 1,
        }
        let _ = Change::parse_stored(&payload, actor);
    }
    println!("{accepted} accepted, refused: {refused:?}");
    assert!(accepted > 5_000, "{accepted}");
    assert_eq!(refused.len(), 7, "every reason was seen: {refused:?}");
}

/// Numbers as automerge writes them.
fn uleb(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}

fn sleb_run(count: u64) -> Vec<u8> {
    // A positive number whose last byte has bit 6 set would be read as a negative one.
    let mut bytes = uleb(count);
    if bytes.last().is_some_and(|last| last & 0x40 != 0) {
        *bytes.last_mut().expect("a byte") |= 0x80;
        bytes.push(0);
    }
    bytes
}

/// A payload without deps, of seq 1 and start 1, with the given columns.
fn payload_of_columns(columns: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut payload = vec![0, 1, 1, 0, 0, 0];
    payload.extend(uleb(columns.len() as u64));
    for (specification, bytes) in columns {
        payload.extend(uleb(*specification));
        payload.extend(uleb(bytes.len() as u64));
    }
    columns.iter().for_each(|(_, bytes)| payload.extend(bytes));
    payload
}

fn keys_column(count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for key in 0..count {
        // Literal runs of one: not what automerge writes, but the reader gets that far.
        bytes.push(1);
        let key = format!("k{key:06}");
        bytes.push(key.len().to_le_bytes()[0]);
        bytes.extend(key.as_bytes());
    }
    bytes
}

/// A run repeats a value as often as its count says, in a few bytes. What is read is bounded by the limits, not by that.
#[test]
fn a_few_bytes_that_stand_for_millions_are_refused_before_they_are_expanded() {
    let run = |count: u64, value: u8| [sleb_run(count), vec![value]].concat();
    let bomb = |ops: u64, preds_each: u64| {
        payload_of_columns(&[
            (0x15, keys_column(usize::try_from(ops.min(2_001)).expect("few"))),
            (0x34, uleb(ops)),
            (0x42, run(ops, 1)),
            (0x56, run(ops, 0)),
            (0x70, run(ops, preds_each.to_le_bytes()[0])),
            (0x71, run(ops * preds_each, 0)),
            (0x73, run(ops * preds_each, 1)),
        ])
    };
    let error = |payload: &[u8]| Change::parse(payload, [1; 16]).expect_err("too many");
    assert_eq!(error(&bomb(1 << 40, 0)), ChangeError::TooMany, "operations");
    assert_eq!(error(&bomb(CHANGE_OPERATIONS_MAX as u64 + 1, 0)), ChangeError::TooMany);
    assert_eq!(error(&bomb(2_000, 100)), ChangeError::TooMany, "200,000 replaced operations");
    let over = CHANGE_PREDS_MAX as u64 / 64 + 1;
    assert_eq!(error(&bomb(over, 64)), ChangeError::TooMany);
    assert_ne!(error(&bomb(over - 1, 64)), ChangeError::TooMany, "the limit itself is read, and found not canonical");

    let mut deps = uleb(CHANGE_DEPS_MAX as u64 + 1);
    deps.extend(vec![0; 32 * (CHANGE_DEPS_MAX + 1)]);
    assert_eq!(Change::parse(&deps, [1; 16]), Err(ChangeError::TooMany), "dependencies");
    assert_eq!(Change::parse(&uleb(u64::MAX), [1; 16]), Err(ChangeError::TooMany));
    let actors = [vec![0, 1, 1, 0, 0], uleb(CHANGE_ACTORS_MAX as u64 + 1)].concat();
    assert_eq!(Change::parse(&actors, [1; 16]), Err(ChangeError::TooMany), "actors");
    let text =
        payload_of_columns(&[(0x15, [vec![0x7f], uleb(u64::MAX >> 1)].concat()), (0x34, vec![1]), (0x42, run(1, 1))]);
    assert!(Change::parse(&text, [1; 16]).is_err(), "a key of 2^62 bytes");
}

#[test]
fn the_limits_of_a_change_are_the_same_when_written_and_when_read() {
    let op = |key: usize, pred: Vec<OpId>| Op { key: format!("k{key:06}"), value: Scalar::Null, pred };
    let change = |ops: Vec<Op>| Change { actor: [9; 16], seq: 1, start_op: 1, deps: vec![], ops };
    let is_read_back = |change: Change| {
        let payload = change.encode().expect("at the limit").payload;
        assert_eq!(Change::parse(&payload, change.actor).expect("at the limit").0, change);
    };
    is_read_back(change((0..CHANGE_OPERATIONS_MAX).map(|key| op(key, vec![])).collect()));
    let over = change((0..=CHANGE_OPERATIONS_MAX).map(|key| op(key, vec![])).collect());
    assert_eq!(over.encode(), Err(ChangeError::TooMany));
    assert_eq!(change(vec![]).encode(), Err(ChangeError::TooMany));

    let pred = |count: u64| (1..=count).map(|counter| OpId { counter, actor: [1; 16] }).collect::<Vec<_>>();
    is_read_back(change(vec![op(0, pred(CHANGE_PREDS_MAX as u64))]));
    assert_eq!(change(vec![op(0, pred(CHANGE_PREDS_MAX as u64 + 1))]).encode(), Err(ChangeError::TooMany));
    let actor = |number: usize| u128::try_from(number).expect("small").to_be_bytes();
    let of_actors = |count| (1..=count).map(|number| OpId { counter: 1, actor: actor(number) }).collect();
    is_read_back(change(vec![op(0, of_actors(CHANGE_ACTORS_MAX))]));
    assert_eq!(change(vec![op(0, of_actors(CHANGE_ACTORS_MAX + 1))]).encode(), Err(ChangeError::TooMany));

    let starting = |start_op| Change { start_op, ..change(vec![op(0, vec![]), op(1, vec![])]) };
    is_read_back(starting(COUNTER_MAX - 1));
    for start_op in [0, COUNTER_MAX, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(starting(start_op).encode(), Err(ChangeError::Counter), "{start_op}");
    }
    for counter in [0, COUNTER_MAX + 1, u64::MAX] {
        let replacing = change(vec![op(0, vec![OpId { counter, actor: [1; 16] }])]);
        assert_eq!(replacing.encode(), Err(ChangeError::Counter), "{counter}");
    }
    assert_eq!(Change { seq: 0, ..starting(1) }.encode(), Err(ChangeError::Counter));
    let twice = Change { deps: vec![ChangeHash([1; 32]); 2], ..starting(1) };
    assert_eq!(twice.encode(), Err(ChangeError::NotCanonical));
    assert_eq!(change(vec![op(1, vec![]), op(0, vec![])]).encode(), Err(ChangeError::KeyOrder));
    assert_eq!(change(vec![op(0, vec![]), op(0, vec![])]).encode(), Err(ChangeError::KeyOrder));
}

/// What automerge's own encoder can make and this format does not have.
#[test]
fn what_automerge_has_and_the_format_does_not_is_refused() {
    use automerge::transaction::{CommitOptions, Transactable};
    use automerge::{AutoCommit, ObjType, ROOT, ScalarValue};
    type Make = fn(&mut AutoCommit) -> CommitOptions;
    let plain = || CommitOptions::default().with_time(0);
    let made = |make: &dyn Fn(&mut AutoCommit) -> CommitOptions| {
        let mut document = AutoCommit::new().with_actor(automerge::ActorId::from(&[1; 16][..]));
        let options = make(&mut document);
        let hash = document.commit_with(options).expect("a change");
        document.get_change_by_hash(&hash).expect("just made")
    };
    let payload = |chunk: &[u8]| {
        let start = 9 + chunk[9..].iter().position(|byte| byte & 0x80 == 0).expect("a length") + 1;
        [&chunk[start..=start], &chunk[start + 18..]].concat()
    };
    let good: Make = |document| {
        document.put(ROOT, "name", "Food").expect("a put");
        CommitOptions::default().with_time(0)
    };
    assert!(Change::parse(&payload(made(&good).raw_bytes()), [1; 16]).is_ok(), "the harness itself works");

    let value = |value: ScalarValue| {
        made(&move |document: &mut AutoCommit| {
            document.put(ROOT, "name", value.clone()).expect("a put");
            plain()
        })
    };
    let refused = [
        ("a float", value(ScalarValue::F64(1.0))),
        ("a counter", value(ScalarValue::counter(1))),
        ("an instant", value(ScalarValue::Timestamp(1))),
        (
            "a time",
            made(&|document| {
                document.put(ROOT, "name", "Food").expect("a put");
                CommitOptions::default().with_time(1)
            }),
        ),
        (
            "a message",
            made(&|document| {
                document.put(ROOT, "name", "Food").expect("a put");
                plain().with_message("hello")
            }),
        ),
        (
            "a map",
            made(&|document| {
                document.put_object(ROOT, "name", ObjType::Map).expect("a map");
                plain()
            }),
        ),
        (
            "an element of a list",
            made(&|document| {
                let list = document.put_object(ROOT, "name", ObjType::List).expect("a list");
                document.insert(&list, 0, 1).expect("an element");
                plain()
            }),
        ),
        (
            "a text",
            made(&|document| {
                let text = document.put_object(ROOT, "name", ObjType::Text).expect("a text");
                document.splice_text(&text, 0, 0, "aaaaaaaa").expect("letters");
                plain()
            }),
        ),
        (
            "keys out of order",
            made(&|document| {
                document.put(ROOT, "b", 1).expect("a put");
                document.put(ROOT, "a", 1).expect("a put");
                plain()
            }),
        ),
    ];
    for (what, change) in refused {
        let error = Change::parse(&payload(change.raw_bytes()), [1; 16]).expect_err(what);
        assert!(
            matches!(error, ChangeError::Unsupported | ChangeError::KeyOrder | ChangeError::TooMany),
            "{what}: {error}"
        );
    }

    let mut long = made(&|document| {
        document.put(ROOT, "note", "a".repeat(4_000)).expect("a put");
        plain()
    });
    let deflated = long.bytes().into_owned();
    assert_eq!(deflated[8], 2, "a compressed chunk");
    assert!(Change::parse(&payload(&deflated), [1; 16]).is_err());
    assert!(Change::parse(&deflated, [1; 16]).is_err());
    let column = payload_of_columns(&[(0x15 | 8, vec![0x7f, 1, b'a']), (0x34, vec![1]), (0x42, vec![0x7f, 1])]);
    assert_eq!(Change::parse(&column, [1; 16]), Err(ChangeError::Unsupported), "a compressed column");
}

#[test]
fn text_that_is_not_utf8_and_bytes_to_spare_are_refused() {
    let change = Document::create([1; 16], Thing::Category, vec![Put::new("name", Scalar::Str("Food".into()))]);
    let payload = change.encode().expect("a change").payload;
    for (from, to) in [(&b"Food"[..], &b"F\xff\xffd"[..]), (b"name", b"n\xc3me")] {
        let at = payload.windows(4).position(|window| window == from).expect("it is there");
        let mut damaged = payload.clone();
        damaged[at..at + 4].copy_from_slice(to);
        assert_eq!(Change::parse(&damaged, [1; 16]), Err(ChangeError::NotText));
    }
    assert_eq!(Change::parse(&[&payload[..], &[0]].concat(), [1; 16]), Err(ChangeError::Length));
    for length in 0..payload.len() {
        assert!(Change::parse(&payload[..length], [1; 16]).is_err(), "half a change");
    }
}

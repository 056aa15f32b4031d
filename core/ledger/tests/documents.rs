//! The fold against automerge, on random honest histories: automerge is the oracle, this crate the reader under test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeSet, HashSet};

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{AutoCommit, Automerge, ROOT, ReadDoc};
use outlay_ledger::ChangeHash;
use outlay_ledger::change::{Actor, Change, OpId, Scalar, chunk};
use outlay_ledger::commit::ActorForm;
use outlay_ledger::field;
use outlay_ledger::fold::{Document, Input, Verdict, Visible, fold};
use support::{
    History, Plan, Rng, assert_order_does_not_matter, automerge_change, automerge_value, content_root, input,
};

/// What was compared: a test of an oracle that compared nothing proves nothing.
#[derive(Debug, Default)]
struct Compared {
    histories: usize,
    changes: usize,
    keys: usize,
    /// Keys with two or more distinct visible values.
    conflicting: usize,
    /// Conflicting keys where values of feeds and of facts meet.
    stood_back: usize,
    most_heads: usize,
}

/// What automerge says of a register: all values with their operations, the winner last.
fn automerge_values(document: &impl ReadDoc, key: &str) -> Vec<(automerge::ScalarValue, OpId)> {
    let all = document.get_all(ROOT, key).expect("reads");
    let value = |(value, id): (automerge::Value<'_>, automerge::ObjId)| {
        let automerge::ObjId::Id(counter, actor, _) = id else { panic!("an operation has an id") };
        let actor: Actor = actor.to_bytes().try_into().expect("16 bytes");
        (value.into_scalar().expect("scalars only"), OpId { counter, actor })
    };
    all.into_iter().map(value).collect()
}

fn automerge_heads(heads: Vec<automerge::ChangeHash>) -> Vec<ChangeHash> {
    let mut heads: Vec<_> = heads.into_iter().map(|hash| ChangeHash(hash.0)).collect();
    heads.sort_unstable();
    heads
}

/// Compares heads, keys, all values with their operations, and the winner of every register.
fn assert_is_what_automerge_has(document: &Document, inputs: &[Input], rng: &mut Rng, context: &str) -> Compared {
    let mut oracle = Automerge::new();
    for part in rng.shuffled(inputs).chunks(1 + rng.below(4)) {
        oracle.apply_changes(part.iter().map(automerge_change)).expect("honest changes apply in any order");
    }
    assert_eq!(document.heads, automerge_heads(oracle.get_heads()), "{context}");
    assert_eq!(document.keys().collect::<Vec<_>>(), oracle.keys(ROOT).collect::<Vec<_>>(), "{context}");
    let content: HashSet<Actor> =
        inputs.iter().filter(|input| input.form == ActorForm::Content).map(|input| input.change.actor).collect();
    let mut compared = Compared { histories: 1, changes: inputs.len(), ..Compared::default() };
    compared.most_heads = document.heads.len();
    for key in document.keys() {
        let all = automerge_values(&oracle, key);
        let visible: Vec<_> = document.visible.iter().filter(|visible| visible.key == key).collect();
        let ours = |visible: &&Visible| (automerge_value(&visible.value), visible.id);
        assert_eq!(visible.iter().map(ours).collect::<Vec<_>>(), all, "{context}, {key}: what is visible");
        assert_eq!(oracle.get(ROOT, key).expect("reads").map(|(value, _)| value), {
            all.last().map(|(value, _)| automerge::Value::Scalar(std::borrow::Cow::Borrowed(value)))
        });
        // The one thing this crate adds: where a feed has written, values of content-derived changes stand back.
        let by_feed: Vec<_> = all.iter().filter(|(_, id)| !content.contains(&id.actor)).cloned().collect();
        let mut counts = if by_feed.is_empty() { all.clone() } else { by_feed };
        compared.stood_back += usize::from(counts.len() < all.len());
        counts.reverse();
        assert_eq!(document.values(key).iter().map(ours).collect::<Vec<_>>(), counts, "{context}, {key}: what counts");
        assert_eq!(document.winner(key).map(automerge_value).as_ref(), counts.first().map(|(value, _)| value));
        let is_conflict = counts.iter().any(|(value, _)| *value != counts[0].0);
        assert_eq!(document.conflicting_keys().contains(&key), is_conflict, "{context}, {key}: a conflict");
        compared.keys += 1;
        compared.conflicting += usize::from(is_conflict);
    }
    compared
}

#[test]
fn a_fold_is_what_automerge_has_on_random_honest_histories() {
    let mut total = Compared::default();
    for seed in 0..3_000 {
        let rng = &mut Rng::new(seed);
        let plan = Plan::random(rng);
        let history = History::honest(plan, rng);
        let context = format!("seed {seed}, {plan:?}");
        let folded = fold(&rng.shuffled(&history.inputs));
        assert!(folded.verdicts.iter().all(|verdict| *verdict == Verdict::Applied), "{context}");
        for (at, replica) in history.replicas.iter().enumerate().take(2) {
            let held = history.held_by(at);
            assert_is_what_automerge_has(&replica.document, &held, rng, &format!("{context}, replica {at}"));
        }
        let compared = assert_is_what_automerge_has(&folded.document, &history.inputs, rng, &context);
        total.histories += 1;
        total.changes += compared.changes;
        total.keys += compared.keys;
        total.conflicting += compared.conflicting;
        total.stood_back += compared.stood_back;
        total.most_heads = total.most_heads.max(compared.most_heads);
    }
    println!("compared with automerge: {total:?}");
    assert!(total.conflicting > 8_000 && total.stood_back > 700 && total.most_heads >= 5, "{total:?}");
}

#[test]
fn honest_changes_are_admitted_by_their_fields() {
    for seed in 0..300 {
        let rng = &mut Rng::new(seed);
        let history = History::honest(Plan::random(rng), rng);
        for input in &history.inputs {
            assert_eq!(field::check(&input.change), Ok(()), "seed {seed}");
            let payload = input.change.encode().expect("written before").payload;
            assert_eq!(Change::parse(&payload, input.change.actor), Ok((input.change.clone(), input.hash)));
            assert_eq!(Change::parse_stored(&payload, input.change.actor).as_ref(), Ok(&input.change));
            assert_eq!(outlay_ledger::change::hash(&payload, input.change.actor), Some(input.hash));
        }
    }
}

/// How the bytes of edits were compared.
#[derive(Debug, Default)]
struct Written {
    creates: usize,
    /// Written put by put, on top of all that is there.
    plain: usize,
    /// Written put by put where automerge would also name the actor's own last change, which the heads contain already.
    at_heads: usize,
    /// With a put of the value that automerge shows anyway, for which it writes another operation or none.
    equal: usize,
}

/// automerge's own encoding of the same puts, by the same actor, on top of the same changes.
fn written_by_automerge(held: &[Input], change: &Change, names_last: bool) -> Vec<u8> {
    let mut oracle = AutoCommit::new();
    oracle.apply_changes(held.iter().map(automerge_change)).expect("honest changes apply");
    oracle.set_actor(automerge::ActorId::from(change.actor.as_slice()));
    if !names_last {
        let heads = oracle.get_heads();
        oracle.isolate(&heads);
    }
    for op in &change.ops {
        oracle.put(ROOT, op.key.as_str(), automerge_value(&op.value)).expect("a put");
    }
    let hash = oracle.commit_with(CommitOptions::default().with_time(0)).expect("something changed");
    oracle.get_change_by_hash(&hash).expect("just written").raw_bytes().to_vec()
}

fn whole_chunk(change: &Change) -> Vec<u8> {
    chunk(&change.encode().expect("written before").payload, change.actor).expect("a payload")
}

/// automerge loads the change and gives back its bytes, from a saved document too.
fn assert_automerge_keeps(held: &[Input], input: &Input, context: &str) {
    let mut oracle = Automerge::new();
    oracle.apply_changes(held.iter().chain([input]).map(automerge_change)).expect("honest changes apply");
    let saved = Automerge::load(&oracle.save()).expect("loads what it saved");
    for document in [&oracle, &saved] {
        let hash = automerge::ChangeHash(input.hash.0);
        let change = document.get_change_by_hash(&hash).unwrap_or_else(|| panic!("{context}: the hash is another"));
        assert_eq!(change.raw_bytes(), whole_chunk(&input.change), "{context}");
    }
}

#[test]
fn what_is_written_is_byte_for_byte_what_automerge_writes() {
    let mut written = Written::default();
    for seed in 10_000..10_800 {
        let rng = &mut Rng::new(seed);
        let plan = Plan::random(rng);
        let mut history = History::begun(plan, rng);
        let context = format!("seed {seed}, {plan:?}");
        for root in &history.inputs {
            assert_eq!(whole_chunk(&root.change), written_by_automerge(&[], &root.change, true), "{context}");
            written.creates += 1;
        }
        for _ in 0..plan.steps {
            let at = rng.below(plan.replicas);
            if rng.chance(plan.exchanges) {
                history.exchange(rng.below(plan.replicas), at);
                continue;
            }
            let (before, held) = (history.replicas[at].clone(), history.held_by(at));
            let Some(index) = history.edit(at, rng) else { continue };
            let input = &history.inputs[index];
            let shown = |key: &str| before.document.visible.iter().rfind(|visible| visible.key == key);
            let is_equal = |op: &outlay_ledger::change::Op| shown(&op.key).is_some_and(|old| old.value == op.value);
            if input.change.ops.iter().any(is_equal) {
                assert_automerge_keeps(&held, input, &context);
                written.equal += 1;
                continue;
            }
            let own_last = held.iter().filter(|held| held.change.actor == before.actor).max_by_key(|h| h.change.seq);
            let names_last = own_last.is_none_or(|last| before.document.heads.contains(&last.hash));
            assert_eq!(whole_chunk(&input.change), written_by_automerge(&held, &input.change, names_last), "{context}");
            *(if names_last { &mut written.plain } else { &mut written.at_heads }) += 1;
        }
    }
    println!("compared byte for byte: {written:?}");
    let counts = [written.creates, written.plain, written.at_heads, written.equal];
    assert!(counts.iter().zip([1_000, 3_500, 20, 3_000]).all(|(count, least)| *count > least), "{written:?}");
}

#[test]
fn taking_in_the_next_change_is_the_same_as_folding_all() {
    let (mut taken, mut refused) = (0, 0);
    for seed in 20_000..20_600 {
        let rng = &mut Rng::new(seed);
        let history = History::honest(Plan::random(rng), rng);
        let mut document = Document::default();
        for (index, input) in history.inputs.iter().enumerate() {
            let before = document.clone();
            let whole = fold(&history.inputs[..=index]).document;
            if document.apply_next(input) {
                taken += 1;
                assert_eq!(document, whole, "seed {seed}, change {index}");
            } else {
                refused += 1;
                assert_eq!(document, before, "seed {seed}, change {index}: a refused change leaves no trace");
                document = whole;
            }
            let again = document.clone();
            assert!(!document.apply_next(input) && document == again, "seed {seed}: nothing is taken in twice");
        }
    }
    println!("taken in {taken}, refused {refused}");
    assert!(taken > 1_000 && refused > 1_000);
}

#[test]
fn a_fold_kept_as_a_row_is_read_back() {
    for seed in 30_000..30_300 {
        let rng = &mut Rng::new(seed);
        let history = History::honest(Plan::random(rng), rng);
        let mut document = fold(&history.inputs).document;
        let row = document.to_row();
        assert_eq!(Document::from_row(&row), Ok(document.clone()), "seed {seed}");
        // What goes on from the row is what goes on from the fold.
        let change = document.edit([7; 16], vec![outlay_ledger::fold::Put::new("note", Scalar::Int(seed as i64))]);
        let next = input(change.expect("no note is a number"), ActorForm::Feed);
        let mut read = Document::from_row(&row).expect("just written");
        assert!(read.apply_next(&next) && document.apply_next(&next) && read == document, "seed {seed}");
        for length in 0..row.len() {
            assert!(Document::from_row(&row[..length]).is_err(), "seed {seed}: half a row");
        }
    }
    assert!(Document::from_row(&[]).is_err() && Document::from_row(&[0x85, 2]).is_err(), "another version");
}

#[test]
fn a_damaged_row_never_panics() {
    let rng = &mut Rng::new(40_000);
    let history = History::honest(Plan { steps: 40, replicas: 3, ..Plan::random(rng) }, rng);
    let row = fold(&history.inputs).document.to_row();
    for _ in 0..20_000 {
        let mut damaged = row.clone();
        for _ in 0..=rng.below(3) {
            let at = rng.below(damaged.len());
            damaged[at] = rng.next().to_le_bytes()[0];
        }
        let _ = Document::from_row(&damaged);
    }
}

#[test]
fn order_and_duplicates_change_nothing() {
    for seed in 50_000..50_400 {
        let rng = &mut Rng::new(seed);
        let history = History::honest(Plan::random(rng), rng);
        let folded = assert_order_does_not_matter(&history.inputs, rng, 6, &format!("seed {seed}"));
        assert_eq!(folded.steps.len(), history.inputs.len(), "seed {seed}");
    }
}

#[test]
fn part_of_a_history_waits_for_the_rest_and_then_catches_up() {
    let mut waited = 0;
    for seed in 60_000..60_300 {
        let rng = &mut Rng::new(seed);
        let history = History::honest(Plan::random(rng), rng);
        let kept: Vec<_> = history.inputs.iter().filter(|_| rng.chance(70)).cloned().collect();
        let folded = assert_order_does_not_matter(&kept, rng, 3, &format!("seed {seed}"));
        let held: HashSet<ChangeHash> = kept.iter().map(|input| input.hash).collect();
        let mut whole = BTreeSet::new();
        for input in &history.inputs {
            if held.contains(&input.hash) && input.change.deps.iter().all(|dep| whole.contains(dep)) {
                whole.insert(input.hash);
            }
        }
        for (input, verdict) in kept.iter().zip(&folded.verdicts) {
            let expected = if whole.contains(&input.hash) { Verdict::Applied } else { Verdict::Waiting };
            assert_eq!(*verdict, expected, "seed {seed}");
            waited += usize::from(expected == Verdict::Waiting);
        }
    }
    assert!(waited > 500, "{waited} waited");
}

/// Two devices import one row: with the same mapping it is one change; with another one a conflict; and what a person
/// wrote on top of either is no conflict with the import.
#[test]
fn values_derived_from_content_stand_back_behind_what_a_person_wrote() {
    let document = outlay_ledger::commit::fact_document(&support::FACT_KEY, "csv", b"2026-11-02\x1f-3.40\x1f1");
    let put = |key: &str, value: &str| outlay_ledger::fold::Put::new(key, Scalar::Str(value.into()));
    let ana = content_root(&document, field::Thing::Expense, vec![put("payee", "CAFE"), put("note", "row")]);
    let same = content_root(&document, field::Thing::Expense, vec![put("note", "row"), put("payee", "CAFE")]);
    let ben = content_root(&document, field::Thing::Expense, vec![put("payee", "cafe, corner"), put("note", "row")]);
    assert_eq!(ana, same);

    let both = fold(&[ana.clone(), ben.clone(), same]).document;
    assert_eq!(both.conflicting_keys(), ["payee"]);
    assert_eq!(both.values("note").len(), 2, "equal values are no conflict");

    let seen_by_ana = fold(std::slice::from_ref(&ana)).document;
    let edit = seen_by_ana.edit([1; 16], vec![put("payee", "Corner Café")]).expect("another payee");
    let edit = input(edit, ActorForm::Feed);
    let edited = fold(&[ben.clone(), edit, ana.clone()]).document;
    assert_eq!(edited.winner("payee"), Some(&Scalar::Str("Corner Café".into())));
    assert!(edited.conflicting_keys().is_empty(), "nothing to settle with an import");

    let delete = seen_by_ana.edit([2; 16], vec![outlay_ledger::fold::Put::new("state", field::DELETED)]);
    let deleted = fold(&[ben, ana, input(delete.expect("it was live"), ActorForm::Feed)]).document;
    assert!(deleted.is_deleted(), "the other import's `live` keeps nothing alive");
}

#[test]
fn a_delete_beside_an_edit_is_a_conflict_that_shows_the_thing() {
    let rng = &mut Rng::new(70_000);
    let plan = Plan { replicas: 2, steps: 0, restarts: 0, exchanges: 0, facts: 0, states_differ: false };
    let history = History::begun(plan, rng);
    let [ana, ben] = &history.replicas[..] else { panic!("two") };
    let put = outlay_ledger::fold::Put::new;
    let delete =
        input(ana.document.edit(ana.actor, vec![put("state", field::DELETED)]).expect("live"), ActorForm::Feed);
    let note = vec![put("note", Scalar::Str("kept".into()))];
    let edit = input(ben.document.edit(ben.actor, note).expect("no note yet"), ActorForm::Feed);
    let both = fold(&[edit, delete, history.inputs[0].clone()]).document;
    assert!(!both.is_deleted());
    assert_eq!(both.conflicting_keys(), ["state"]);

    let settled = both.edit([9; 16], vec![put("state", field::DELETED)]).expect("a conflict to settle");
    assert_eq!(settled.ops[0].pred.len(), 2, "it names both");
    let mut settled_document = both.clone();
    assert!(settled_document.apply_next(&input(settled, ActorForm::Feed)));
    assert!(settled_document.is_deleted() && settled_document.conflicting_keys().is_empty());
    assert_eq!(settled_document.edit([9; 16], vec![put("state", field::DELETED)]), None, "nothing to change");
}

//! Hostile changes: whatever a member's device may send, nothing panics, every replica gives one verdict in any order,
//! and honest changes that were not made on top of it keep counting.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod admission;
mod naive;
mod payloads;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use naive::Naive;
use outlay_ledger::ChangeHash;
use outlay_ledger::change::{Actor, Change, ChangeError, OpId, Scalar};
use outlay_ledger::commit::{ActorForm, fact_document};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, FoldError, Input, Put, Verdict, fold};
use outlay_ledger::limits::{CHANGE_DEPS_MAX, COUNTER_MAX};
use support::{FACT_KEY, History, Plan, Rng, assert_order_does_not_matter, content_root, expense, input};

/// What a mutation may draw on beside the change itself.
struct Surroundings<'a> {
    all: &'a [Input],
    mallory: Actor,
}

/// Makes something hostile, or merely odd, of an honest change. The counter tells which kind.
fn mutate(change: &mut Change, kind: usize, around: &Surroundings<'_>, rng: &mut Rng) {
    let at = rng.below(change.ops.len());
    let any_op = |rng: &mut Rng| {
        let other = &rng.pick(around.all).change;
        OpId { counter: other.start_op + rng.below(other.ops.len()) as u64, actor: other.actor }
    };
    match kind {
        0 => change.seq += 1,
        1 => change.seq = (change.seq - 1).max(1),
        2 => change.seq = u64::MAX,
        3 => change.start_op += 1,
        4 => change.start_op = (change.start_op - 1).max(1),
        5 => change.start_op = COUNTER_MAX - change.ops.len() as u64,
        6 => change.ops[at].pred = vec![any_op(rng)],
        7 => change.ops[at].pred.clear(),
        8 => {
            change.ops[at].pred.push(any_op(rng));
            change.ops[at].pred.sort_unstable();
        }
        9 => change.ops[at].pred.push(OpId { counter: change.start_op + 5, actor: around.mallory }),
        10 => change.ops[at].pred = change.ops[at].pred.iter().flat_map(|id| [*id, *id]).collect(),
        11 => change.ops[at].value = Scalar::Uint(rng.next()),
        12 => change.deps = vec![ChangeHash(rng.bytes())],
        13 => drop(change.deps.pop()),
        14 => {
            change.deps.push(rng.pick(around.all).hash);
            change.deps.sort_unstable();
            change.deps.dedup();
        }
        15 => change.ops[at].key = "date".into(),
        16 => change.actor = rng.pick(around.all).change.actor,
        17 => change.ops.reverse(),
        18 => drop(change.ops.remove(at)),
        _ => change.deps.clear(),
    }
}

const MUTATIONS: usize = 20;

/// Honest history, and changes of a device whose owner means harm: she can sign what she likes, in her own feeds only.
fn history_with_hostile_changes(seed: u64) -> (Vec<Input>, Vec<Input>, [usize; MUTATIONS]) {
    let rng = &mut Rng::new(seed);
    let mut history = History::honest(Plan { replicas: 4, ..Plan::random(rng) }, rng);
    let (mut hostile, mut made) = (Vec::<Input>::new(), [0; MUTATIONS]);
    let mallory = 3;
    for _ in 0..6 + rng.below(10) {
        history.exchange(rng.below(4), mallory);
        let before = history.replicas[mallory].clone();
        let Some(index) = history.edit(mallory, rng) else { continue };
        let own = history.inputs[index].clone();
        let all: Vec<_> = history.inputs.iter().chain(&hostile).cloned().collect();
        let around = Surroundings { all: &all, mallory: before.actor };
        for _ in 0..1 + rng.below(2) {
            let (mut change, kind) = (own.change.clone(), rng.below(MUTATIONS));
            if rng.chance(50) {
                change.actor = rng.bytes();
                change.seq = 1;
            }
            mutate(&mut change, kind, &around, rng);
            // She cannot sign for another's feed, but with herself she may do anything: two changes of one number too.
            let is_taken = history.inputs.iter().any(|held| held.change.actor == change.actor);
            let is_hers = !is_taken || history.replicas[mallory].actors.contains(&change.actor);
            let Ok(encoded) = change.encode() else { continue };
            if is_hers && encoded.hash != own.hash {
                hostile.push(Input { change, hash: encoded.hash, form: ActorForm::Feed });
                made[kind] += 1;
            }
        }
        if rng.chance(40) {
            // She goes on from what she made, and shows it to the honest.
            history.exchange(mallory, rng.below(3));
        }
        if rng.chance(40) {
            on_top_of_hostile(&history, &mut hostile, rng);
        }
    }
    (history.inputs, hostile, made)
}

/// A change that is in order but for what it stands on.
fn on_top_of_hostile(history: &History, hostile: &mut Vec<Input>, rng: &mut Rng) {
    if hostile.is_empty() {
        return;
    }
    let below = rng.pick(hostile).clone();
    let state = vec![Put::new(field::STATE, Scalar::Uint(rng.next()))];
    let Some(mut change) = history.replicas[0].document.edit(rng.bytes(), state) else { return };
    change.deps = vec![below.hash];
    change.start_op = below.change.max_op() + 1;
    if let Ok(encoded) = change.encode() {
        hostile.push(Input { change, hash: encoded.hash, form: ActorForm::Feed });
    }
}

/// The changes that stand on none of `hostile` and on none that lost to a twin.
fn untouched(honest: &[Input], hostile: &[Input]) -> BTreeSet<ChangeHash> {
    let number = |input: &Input| (input.change.actor, input.change.seq);
    let taken: BTreeSet<_> = hostile.iter().map(number).collect();
    let mut untouched = BTreeSet::new();
    for input in honest {
        if !taken.contains(&number(input)) && input.change.deps.iter().all(|dep| untouched.contains(dep)) {
            untouched.insert(input.hash);
        }
    }
    untouched
}

#[test]
fn hostile_changes_get_one_verdict_everywhere_and_harm_no_honest_one() {
    let (mut made, mut by_verdict, mut kept) = ([0; MUTATIONS], BTreeMap::new(), 0);
    for seed in 0..1_500 {
        let (honest, hostile, kinds) = history_with_hostile_changes(seed);
        let rng = &mut Rng::new(seed + 1_000_000);
        let all = rng.shuffled(&[&honest[..], &hostile].concat());
        let context = format!("seed {seed}");
        let folded = assert_order_does_not_matter(&all, rng, 4, &context);
        let verdicts = support::verdicts(&all, &folded);
        assert_eq!(verdicts, Naive::verdicts(&all), "{context}: the rules, read naively");
        for hash in untouched(&honest, &hostile) {
            assert_eq!(verdicts[&hash], Verdict::Applied, "{context}: an honest change was harmed");
            kept += 1;
        }
        // What counts is what would be there without the rest.
        let applied: Vec<_> = all.iter().filter(|input| verdicts[&input.hash] == Verdict::Applied).cloned().collect();
        assert_eq!(fold(&applied).document, folded.document, "{context}");
        kinds.iter().zip(&mut made).for_each(|(kind, sum)| *sum += kind);
        for verdict in verdicts.values() {
            *by_verdict.entry(format!("{verdict:?}")).or_insert(0) += 1;
        }
    }
    println!("mutations {made:?}, verdicts {by_verdict:?}, {kept} honest changes kept counting");
    assert!(made.iter().enumerate().all(|(kind, count)| *count > 50 || matches!(kind, 2 | 13..=18)), "{made:?}");
    assert_eq!(by_verdict.len(), 7, "every verdict was seen: {by_verdict:?}");
    assert!(by_verdict.values().all(|count| *count > 100) && kept > 5_000, "{by_verdict:?}, {kept}");
}

/// Two changes of one number, as a cloned process makes them: the smaller hash counts whichever came first, also while
/// what it stands on is not held.
#[test]
fn of_two_changes_of_one_number_the_smaller_hash_counts() {
    let root = input(Document::create([1; 16], Thing::Expense, expense()), ActorForm::Feed);
    let base = fold(std::slice::from_ref(&root)).document;
    let note = |text: &str| {
        let change = base.edit([1; 16], vec![Put::new("note", Scalar::Str(text.into()))]).expect("a note");
        input(change, ActorForm::Feed)
    };
    let mut twins = [note("one"), note("two")];
    twins.sort_by_key(|twin| twin.hash);
    let [winner, loser] = twins.clone();
    let seen = fold(&[root.clone(), loser.clone()]).document;
    let on_loser = seen.edit([2; 16], vec![Put::new("payee", Scalar::Str("x".into()))]).expect("a payee");
    let on_loser = input(on_loser, ActorForm::Feed);

    let all = [root.clone(), loser.clone(), on_loser.clone(), winner.clone()];
    let folded = assert_order_does_not_matter(&all, &mut Rng::new(1), 24, "twins");
    let lost = |error| Verdict::Quarantined(error);
    let expected = [Verdict::Applied, lost(FoldError::Twin), lost(FoldError::Dependency), Verdict::Applied];
    assert_eq!(folded.verdicts, expected);
    assert_eq!(
        folded.document.winner("note"),
        winner.change.ops.iter().find(|op| op.key == "note").map(|op| &op.value)
    );

    // A twin may wait for something, or never count, and yet the number is its own: nobody can tell what will come.
    let mut waiting = loser.change.clone();
    waiting.deps = vec![ChangeHash([0xee; 32])];
    let waiting = input(waiting, ActorForm::Feed);
    let (first, second) = if waiting.hash < winner.hash { (&waiting, &winner) } else { (&winner, &waiting) };
    let folded = fold(&[root, first.clone(), second.clone()]);
    assert_eq!(folded.verdicts[2], Verdict::Quarantined(FoldError::Twin));
}

/// A hostile device can make more heads than one change may be made on top of. Folding as many as that gives a document
/// whose edit joins them, and so on until the thing can be edited as a whole.
#[test]
fn more_heads_than_a_change_may_name_are_joined_in_steps() {
    let fact = fact_document(&FACT_KEY, "csv", b"row");
    let root = |payee: usize| {
        let mut puts = expense();
        puts.push(Put::new("payee", Scalar::Str(format!("payee {payee}"))));
        content_root(&fact, Thing::Expense, puts)
    };
    let mut all: Vec<_> = (0..CHANGE_DEPS_MAX * 2 + 50).map(root).collect();
    let put = || vec![Put::new("payee", Scalar::Str("Corner Café".into()))];
    let whole = fold(&all).document;
    assert_eq!(whole.edit([1; 16], put()).expect("a conflict").encode(), Err(ChangeError::TooMany));
    for step in 1..=3_u64 {
        let heads = fold(&all).document.heads;
        let joined: BTreeSet<_> = heads.iter().take(CHANGE_DEPS_MAX).copied().collect();
        // No head stands on another here but for the last join; a store walks the closure.
        let below: Vec<_> = all.iter().filter(|input| joined.contains(&input.hash)).cloned().collect();
        let part = if step == 1 { fold(&below).document } else { fold(&closure(&all, &joined)).document };
        let Some(change) = part.edit([1; 16].map(|byte: u8| byte + step.to_le_bytes()[0]), put()) else { break };
        all.push(input(change, ActorForm::Feed));
    }
    let folded = fold(&all);
    assert!(folded.verdicts.iter().all(|verdict| *verdict == Verdict::Applied));
    assert!(folded.document.heads.len() <= CHANGE_DEPS_MAX, "{} heads", folded.document.heads.len());
    assert_eq!(folded.document.winner("payee"), Some(&Scalar::Str("Corner Café".into())));
    folded
        .document
        .edit([9; 16], vec![Put::new("note", Scalar::Null)])
        .expect("a note")
        .encode()
        .expect("writable again");
}

fn closure(all: &[Input], heads: &BTreeSet<ChangeHash>) -> Vec<Input> {
    let by_hash: BTreeMap<_, _> = all.iter().map(|input| (input.hash, input)).collect();
    let (mut closure, mut open) = (BTreeSet::new(), heads.iter().copied().collect::<Vec<_>>());
    while let Some(hash) = open.pop() {
        if closure.insert(hash) {
            open.extend(&by_hash[&hash].change.deps);
        }
    }
    closure.into_iter().map(|hash| by_hash[&hash].clone()).collect()
}

/// automerge accepts a change that begins at the last counter there is, and its next edit panics. Here it never counts.
#[test]
fn a_change_that_would_leave_no_counter_never_counts() {
    let root = input(Document::create([1; 16], Thing::Expense, expense()), ActorForm::Feed);
    let base = fold(std::slice::from_ref(&root)).document;
    let mut change = base.edit([2; 16], vec![Put::new("note", Scalar::Null)]).expect("a note");
    change.start_op = COUNTER_MAX - change.ops.len() as u64;
    let folded = fold(&[root, input(change.clone(), ActorForm::Feed)]);
    assert_eq!(folded.verdicts[1], Verdict::Quarantined(FoldError::StartOp));
    let payload = change.encode().expect("within the counters").payload;
    assert_eq!(payloads::read_by_automerge(&payload, [2; 16]), change, "automerge would take it");
}

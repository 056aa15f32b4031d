//! What goes into a batch comes out of it, byte for byte, whatever it is.

#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use outlay_ledger::commit::{Commit, CommitError, Salts};
use outlay_protocol::batch::{BATCH_BYTES_MAX, BatchError, Limits, batches, decode, encode};

fn assert_comes_back(commits: &[Commit]) {
    let batch = encode(commits).expect("a batch");
    let decoded = decode(&batch, &Limits::default()).expect("the commits");
    assert_eq!(decoded, commits);
    for (decoded, commit) in decoded.iter().zip(commits) {
        assert_eq!(decoded.encode(), commit.encode());
        assert_eq!(decoded.id(), commit.id());
        assert!(decoded.is_signed(&decoded.id()));
    }
}

#[test]
fn an_empty_batch_comes_back_empty() {
    assert_comes_back(&[]);
}

#[test]
fn imported_and_added_expenses_come_back() {
    for commits in [
        support::imported(200, 4),
        support::added_by_one_process(100, 5),
        support::added_by_a_process_each(100, 6),
        support::added_by_one_process(1, 7),
    ] {
        assert_comes_back(&commits);
    }
}

#[test]
fn every_kind_of_history_comes_back_in_any_order() {
    for seed in 0..60 {
        let mut commits = support::history(30, seed);
        assert_comes_back(&commits);
        let mut dice = support::Dice::new(seed);
        (1..commits.len()).for_each(|at| commits.swap(at, dice.index(at + 1)));
        assert_comes_back(&commits);
        commits.extend_from_within(..3);
        assert_comes_back(&commits);
    }
}

#[test]
fn what_the_batch_itself_says_is_not_said_twice() {
    let commits = support::added_by_one_process(2, 8);
    let ids: Vec<_> = commits.iter().map(Commit::id).collect();
    let batch = encode(&commits).expect("a batch");
    let holds = |bytes: &[u8]| batch.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(commits[0].header.previous[0].as_bytes()), "not in the batch, so it is said");
    assert!(!holds(ids[0].as_bytes()), "the commit before is computed");
}

#[test]
fn a_long_history_is_cut_into_batches_that_hold_all_of_it_in_order() {
    let commits = support::history(400, 9);
    for bytes_max in [3_000, 16_000, BATCH_BYTES_MAX] {
        let cut: Vec<_> = batches(commits.clone(), bytes_max).collect::<Result<_, _>>().expect("batches");
        assert!(cut.iter().all(|batch| batch.len() <= bytes_max));
        let whole: Vec<_> =
            cut.iter().flat_map(|batch| decode(batch, &Limits::default()).expect("the commits")).collect();
        assert_eq!(whole, commits);
    }
}

#[test]
fn a_commit_too_big_for_a_batch_is_named_and_the_others_go_on() {
    let mut commits = support::added_by_one_process(3, 10);
    commits.insert(1, support::imported(400, 11).remove(0));
    let cut: Vec<_> = batches(commits, 400).collect();
    let is_error: Vec<_> = cut.iter().map(Result::is_err).collect();
    assert_eq!(is_error, [false, true, false, false]);
    assert_eq!(cut[1], Err(BatchError::TooBig));
}

#[test]
fn a_commit_without_a_salt_for_each_record_makes_no_batch() {
    let mut commits = support::added_by_one_process(1, 12);
    commits[0].salts = Salts::Each(Vec::new());
    assert_eq!(encode(&commits), Err(BatchError::Commit(CommitError::Count)));
    commits[0].records.clear();
    assert_eq!(encode(&commits), Err(BatchError::Commit(CommitError::Count)));
}

#[test]
fn commits_of_more_memory_than_a_batch_may_take_make_none() {
    let commit = support::imported(400, 13).remove(0);
    let commits = vec![commit; 3_000];
    assert_eq!(encode(&commits), Err(BatchError::TooBig));
}

#[test]
fn changes_of_more_registers_than_get_columns_of_their_own_come_back_too() {
    let tags = |from: u64| (from..from + 700).map(move |tag| format!("tag:{tag:05}"));
    assert_comes_back(&support::tagged([tags(0), tags(600), tags(1_200), tags(0)], 14));
}

#[test]
fn an_edit_of_what_the_batch_holds_names_neither_its_document_nor_its_change() {
    let (commits, document, hash) = support::added_and_edited(15);
    assert_comes_back(&commits);
    let batch = encode(&commits).expect("a batch");
    let holds = |bytes: &[u8]| batch.windows(bytes.len()).any(|window| window == bytes);
    assert!(!holds(document.as_bytes()) && !holds(&hash.0));
    let edit = encode(&commits[1..]).expect("a batch");
    assert!(edit.windows(32).any(|window| window == hash.0), "by itself it says what it is made on top of");
}

//! How many bytes a batch of a thousand expenses takes as it travels, and one of a single one, signatures included.

#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use outlay_ledger::commit::Commit;
use outlay_protocol::batch::{Limits, decode, encode};

const EXPENSES: u64 = 1_000;

fn bytes_each(commits: &[Commit]) -> usize {
    let batch = encode(commits).expect("a batch");
    assert_eq!(decode(&batch, &Limits::default()).expect("the same batch"), commits);
    println!("{} bytes in {} commits", batch.len(), commits.len());
    batch.len().div_ceil(usize::try_from(EXPENSES).expect("a count"))
}

#[test]
fn an_expense_imported_with_others_takes_at_most_75_bytes() {
    assert!(bytes_each(&support::imported(EXPENSES, 1)) <= 75);
}

#[test]
fn an_expense_added_by_a_process_that_added_others_takes_at_most_125_bytes() {
    assert!(bytes_each(&support::added_by_one_process(EXPENSES, 2)) <= 125);
}

#[test]
fn an_expense_added_by_a_process_of_its_own_takes_at_most_190_bytes() {
    assert!(bytes_each(&support::added_by_a_process_each(EXPENSES, 3)) <= 190);
}

/// What a live expense costs on the wire beside its envelope, wherever its household is.
#[test]
fn one_expense_by_itself_takes_at_most_360_bytes() {
    for seed in 0..20 {
        let commits = support::added_by_one_process(1, seed);
        let batch = encode(&commits).expect("a batch");
        println!("{} bytes", batch.len());
        assert!(batch.len() <= 360);
    }
}

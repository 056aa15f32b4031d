//! A batch as version 1 encodes it, frozen: a program of any later version reads it and finds these commits.
//!
//! It holds a genesis, three devices with forks, edits, records of every kind, purged ones, headers of a newer version, and
//! an import. Only reading is frozen: how a batch is packed may get better.

#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

use outlay_ledger::CommitId;
use outlay_protocol::batch::{Limits, decode, encode};

const BATCH: &str = include_str!("vectors/batch_v1.hex");
/// The ids of its commits, in order.
const IDS: &str = include_str!("vectors/batch_v1.ids");

#[test]
fn a_batch_of_version_1_holds_the_commits_it_always_held() {
    let digits: String = BATCH.split_whitespace().collect();
    let bytes: Vec<u8> = (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).expect("two digits"))
        .collect();
    let commits = decode(&bytes, &Limits::default()).expect("commits");
    let ids: Vec<CommitId> = IDS.lines().map(|line| line.parse().expect("an id")).collect();
    assert_eq!(commits.iter().map(|commit| commit.id()).collect::<Vec<_>>(), ids);
    assert!(commits.iter().zip(&ids).all(|(commit, id)| commit.is_signed(id)));
    assert_eq!(decode(&encode(&commits).expect("a batch"), &Limits::default()), Ok(commits));
}

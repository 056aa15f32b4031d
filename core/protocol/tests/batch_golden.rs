//! A batch as versions 1 and 2 encode it, frozen: a program of any later version reads both and finds these commits.
//!
//! It holds a genesis, three devices with forks, edits, records of every kind, purged ones, headers of a newer version, and
//! an import. Only reading is frozen: how a batch is packed may get better.

#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

use outlay_ledger::CommitId;
use outlay_protocol::batch::{Limits, decode, decode_with_ids, encode, encode_with_ids};

const BATCH_1: &str = include_str!("vectors/batch_v1.hex");
/// The same commits. `OUTLAY_WRITE_VECTORS=1 cargo test -p outlay-protocol --test batch_golden` writes it; it is never
/// written again once a version with it is out.
const BATCH_2: &str = include_str!("vectors/batch_v2.hex");
/// The ids of its commits, in order.
const IDS: &str = include_str!("vectors/batch_v1.ids");

fn bytes(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).expect("two digits");
    (0..digits.len() / 2).map(byte).collect()
}

fn assert_holds_the_commits(text: &str) {
    let commits = decode(&bytes(text), &Limits::default()).expect("commits");
    let ids: Vec<CommitId> = IDS.lines().map(|line| line.parse().expect("an id")).collect();
    assert_eq!(commits.iter().map(|commit| commit.id()).collect::<Vec<_>>(), ids);
    assert!(commits.iter().zip(&ids).all(|(commit, id)| commit.is_signed(id)));
    assert_eq!(decode(&encode(&commits).expect("a batch"), &Limits::default()).as_ref(), Ok(&commits));
    let with_ids = decode_with_ids(&bytes(text), &Limits::default()).expect("commits");
    assert_eq!(with_ids, commits.into_iter().zip(ids).collect::<Vec<_>>());
    assert_eq!(encode_with_ids(&with_ids), encode(&with_ids.into_iter().map(|(c, _)| c).collect::<Vec<_>>()));
}

#[test]
fn a_batch_of_version_1_holds_the_commits_it_always_held() {
    assert_holds_the_commits(BATCH_1);
}

#[test]
fn a_batch_of_version_2_holds_the_commits_it_always_held() {
    if std::env::var_os("OUTLAY_WRITE_VECTORS").is_some() {
        let commits = decode(&bytes(BATCH_1), &Limits::default()).expect("commits");
        let batch = encode(&commits).expect("a batch");
        let digits: Vec<String> = batch.iter().map(|byte| format!("{byte:02x}")).collect();
        let lines: Vec<String> = digits.chunks(60).map(|line| line.concat() + "\n").collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/batch_v2.hex");
        return std::fs::write(path, lines.concat()).expect("written");
    }
    assert_holds_the_commits(BATCH_2);
}

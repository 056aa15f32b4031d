//! A hundred seeds, and that a seed says everything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use outlay_testkit::{Coverage, Plan, run};

const SEEDS: u64 = 100;
/// Runs at once: most of a run is waiting for the disk.
const JOBS: usize = 8;

#[test]
fn nothing_is_lost_and_all_come_to_hold_the_same() {
    let next = AtomicU64::new(1);
    let (coverage, failures) = (Mutex::new(Coverage::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                while let seed @ ..=SEEDS = next.fetch_add(1, Ordering::Relaxed) {
                    match run(&Plan::of_seed(seed)) {
                        Ok(report) => coverage.lock().unwrap().add(&report.coverage),
                        Err(failure) => failures.lock().unwrap().push(failure.to_string()),
                    }
                }
            });
        }
    });
    let (coverage, failures) = (coverage.into_inner().unwrap(), failures.into_inner().unwrap());
    println!("{coverage}");
    assert!(failures.is_empty(), "{} seeds failed; the first of them:\n{}", failures.len(), failures[0]);
    assert_eq!(coverage.lacking(), [], "every case is met");
}

#[test]
fn a_seed_has_one_course() {
    let plan = Plan { happenings: 120, ..Plan::of_seed(11) };
    let (one, other) = (run(&plan), run(&plan));
    match (&one, &other) {
        (Ok(one), Ok(other)) => assert_eq!((one.digest, one.events), (other.digest, other.events)),
        _ => assert_eq!(one, other),
    }
    let elsewhere = run(&Plan { seed: 12, ..plan });
    assert_ne!(one.map(|report| report.digest).ok(), elsewhere.map(|report| report.digest).ok());
}

//! What a limiter keeps.

use outlay_server::limiter::{FAILURE_MEMORY_MS, Failures, KEYS_MAX, Key, Kind, Limiter, LocalLimiter, Rate, Taken};

/// Ten at once, and one each second.
const TEN: Rate = Rate { burst: 10, units: 1, time_ms: 1_000 };

fn key(number: usize) -> Key {
    Key::of_text(Kind::Address, &number.to_string())
}

fn is_taken(taken: Taken) -> bool {
    matches!(taken, Taken::Yes { .. })
}

#[test]
fn that_of_one_process_keeps_the_contract() {
    keeps_the_contract(LocalLimiter::default);
}

fn keeps_the_contract<L: Limiter>(new: impl Fn() -> L) {
    a_burst_passes_and_then_what_has_come_again(&new());
    what_is_left_and_how_long_to_wait_is_said(&new());
    all_or_nothing_is_taken(&new());
    more_than_a_bucket_holds_takes_all_of_it(&new());
    what_was_taken_in_vain_is_put_back(&new());
    every_key_and_every_kind_has_its_own(&new());
    rates_that_are_no_whole_numbers_lose_nothing(&new());
    many_at_once_take_no_more_than_there_is(&new());
    failures_are_counted_until_they_are_long_ago_or_somebody_succeeds(&new());
    a_flood_of_keys_locks_nobody_out_and_frees_nobody(&new());
    a_flood_of_failures_forgets_the_eldest(&new());
}

fn a_burst_passes_and_then_what_has_come_again(limiter: &impl Limiter) {
    let take = |now_ms| is_taken(limiter.take(now_ms, key(1), TEN, 1));
    assert_eq!((0..20).filter(|_| take(5_000)).count(), 10, "the burst");
    assert_eq!((5_000..8_500).step_by(100).filter(|now_ms| take(*now_ms)).count(), 3, "one a second");
    assert_eq!((0..20).filter(|_| take(1_000_000)).count(), 10, "and no more than it holds, however long it was");
}

fn what_is_left_and_how_long_to_wait_is_said(limiter: &impl Limiter) {
    let take = |now_ms, units| limiter.take(now_ms, key(1), TEN, units);
    assert_eq!(take(0, 4), Taken::Yes { left: 6, full_ms: 4_000 });
    assert_eq!(take(500, 6), Taken::Yes { left: 0, full_ms: 9_500 });
    assert_eq!(take(500, 2), Taken::No { wait_ms: 1_500 });
    assert!(!is_taken(take(1_999, 2)) && is_taken(take(2_000, 2)), "as long as was said and no longer");
}

fn all_or_nothing_is_taken(limiter: &impl Limiter) {
    let take = |units| is_taken(limiter.take(0, key(1), TEN, units));
    assert!(take(7) && !take(4) && take(3), "what was refused has taken nothing");
}

fn more_than_a_bucket_holds_takes_all_of_it(limiter: &impl Limiter) {
    assert_eq!(limiter.take(0, key(1), TEN, 1_000), Taken::Yes { left: 0, full_ms: 10_000 });
    assert_eq!(limiter.take(1_000, key(1), TEN, u64::MAX), Taken::No { wait_ms: 9_000 });
}

fn what_was_taken_in_vain_is_put_back(limiter: &impl Limiter) {
    for units in [10, 1_000] {
        assert!(is_taken(limiter.take(0, key(1), TEN, units)));
        limiter.put_back(key(1), TEN, units);
    }
    limiter.put_back(key(2), TEN, 5);
    for key in [key(1), key(2)] {
        assert_eq!(limiter.take(0, key, TEN, 1), Taken::Yes { left: 9, full_ms: 1_000 }, "and no more than that");
    }
}

fn every_key_and_every_kind_has_its_own(limiter: &impl Limiter) {
    let id = [7; 16];
    for key in [Key(Kind::Address, id), Key(Kind::Account, id), Key(Kind::Address, [8; 16])] {
        assert_eq!(limiter.take(0, key, TEN, 10), Taken::Yes { left: 0, full_ms: 10_000 }, "{key:?}");
        limiter.failed(0, key);
        assert_eq!(limiter.failures(0, key).count, 1, "{key:?}");
    }
}

fn rates_that_are_no_whole_numbers_lose_nothing(limiter: &impl Limiter) {
    for (number, count) in [1, 2, 7, 60, 6_000, 100_000].into_iter().enumerate() {
        let take = |now_ms| limiter.take(now_ms, key(number), Rate::per_minute(count), 1);
        assert_eq!((0..count).filter(|_| is_taken(take(0))).count(), usize::try_from(count).unwrap());
        let Taken::No { wait_ms } = take(0) else { panic!("{count}: one too many") };
        assert!(is_taken(take(wait_ms)), "{count}");
    }
    let fast = Rate { burst: 1 << 40, units: 1 << 30, time_ms: 1_000 };
    assert!(is_taken(limiter.take(0, key(9), fast, 1 << 40)));
    let taken = (1..=1_000).filter(|now_ms| is_taken(limiter.take(*now_ms, key(9), fast, 1 << 20)));
    assert!((999..=1_024).contains(&taken.count()), "a mebibyte in a millisecond");
}

fn many_at_once_take_no_more_than_there_is(limiter: &impl Limiter) {
    let take = || (0..50).filter(|_| is_taken(limiter.take(0, key(1), TEN, 1))).count();
    let taken: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(taken, 10);
}

fn failures_are_counted_until_they_are_long_ago_or_somebody_succeeds(limiter: &impl Limiter) {
    let key = key(1);
    assert_eq!(limiter.failures(0, key), Failures::default());
    limiter.failed(1_000, key);
    limiter.failed(2_000, key);
    let two = Failures { count: 2, last_ms: 2_000 };
    assert_eq!(limiter.failures(2_000 + FAILURE_MEMORY_MS, key), two);
    assert_eq!(limiter.failures(2_001 + FAILURE_MEMORY_MS, key), Failures::default());
    limiter.failed(2_001 + FAILURE_MEMORY_MS, key);
    assert_eq!(limiter.failures(2_001 + FAILURE_MEMORY_MS, key).count, 1, "those of before do not count");
    limiter.succeeded(key);
    assert_eq!(limiter.failures(2_001 + FAILURE_MEMORY_MS, key), Failures::default());
}

fn a_flood_of_keys_locks_nobody_out_and_frees_nobody(limiter: &impl Limiter) {
    let (greedy, modest, other) = (key(0), key(1), Key(Kind::Account, [1; 16]));
    assert!(is_taken(limiter.take(0, greedy, TEN, 10)));
    assert!(is_taken(limiter.take(0, other, TEN, 1)));
    for number in 2..KEYS_MAX * 2 {
        assert!(is_taken(limiter.take(0, key(number), TEN, 1)), "{number}");
    }
    assert!(!is_taken(limiter.take(0, greedy, TEN, 1)), "who has taken most is remembered");
    assert!(is_taken(limiter.take(0, modest, TEN, 1)));
    assert_eq!(limiter.take(0, other, TEN, 1), Taken::Yes { left: 8, full_ms: 2_000 }, "another kind is not touched");
}

fn a_flood_of_failures_forgets_the_eldest(limiter: &impl Limiter) {
    for number in 0..=KEYS_MAX {
        limiter.failed(i64::try_from(number).unwrap(), key(number));
    }
    let now_ms = i64::try_from(KEYS_MAX).unwrap();
    assert_eq!(limiter.failures(now_ms, key(0)).count, 0);
    assert_eq!(limiter.failures(now_ms, key(KEYS_MAX)).count, 1);
    assert_eq!(limiter.failures(now_ms, key(KEYS_MAX * 3 / 4)).count, 1, "not all of them");
}

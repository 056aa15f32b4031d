//! What a session cache keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use outlay_ledger::DeviceKey;
use outlay_server::accounts::api_tokens::Grant;
use outlay_server::accounts::{AccountId, Session};
use outlay_server::bus::{EventBus, LocalBus};
use outlay_server::session_cache::{ENTRIES_MAX, KNOWN_MS, Known, LocalSessions, SessionCache, TokenHash, listener};
use outlay_server::store::Effect;

fn known(aid: i64) -> Arc<Known> {
    let session = Session { aid, id: [1; 16], device: None };
    Arc::new(Known { account: AccountId([2; 16]), session, grant: Grant::ALL, until_ms: 1_000_000 })
}

fn hash(number: usize) -> TokenHash {
    blake3::hash(&number.to_be_bytes()).into()
}

fn enter(cache: &impl SessionCache, now_ms: i64, token: TokenHash, known: Arc<Known>) {
    let Err(ticket) = cache.get(now_ms, &token) else { return };
    cache.put(ticket, token, known);
}

#[test]
fn that_of_one_process_keeps_the_contract() {
    keeps_the_contract(LocalSessions::default);
}

fn keeps_the_contract<C: SessionCache + 'static>(new: impl Fn() -> C) {
    what_was_put_in_is_given_for_a_second_from_before_it_was_read(&new());
    what_has_ended_is_not_given(&new());
    what_was_read_before_something_was_taken_away_is_not_put_in_after_it(&new());
    an_account_is_forgotten_and_the_others_are_not(&new());
    the_bus_makes_it_forget(new());
    whoever_asks_while_something_is_taken_away_gets_nothing_after_it(&new());
    it_is_bounded_and_goes_on_when_it_is_full(&new());
}

fn what_was_put_in_is_given_for_a_second_from_before_it_was_read(cache: &impl SessionCache) {
    let ticket = cache.get(10_000, &hash(1)).unwrap_err();
    cache.put(ticket, hash(1), known(1));
    assert_eq!(cache.get(10_000 + KNOWN_MS - 1, &hash(1)).unwrap(), known(1));
    assert!(cache.get(10_000 + KNOWN_MS, &hash(1)).is_err());
    assert!(cache.get(9_999, &hash(1)).is_err(), "nor by a clock that was put back");
    assert!(cache.get(10_000, &hash(2)).is_err(), "nor for another token");
}

fn what_has_ended_is_not_given(cache: &impl SessionCache) {
    let ending = Known { until_ms: 500, ..(*known(1)).clone() };
    enter(cache, 0, hash(1), ending.into());
    assert!(cache.get(499, &hash(1)).is_ok() && cache.get(500, &hash(1)).is_err());
}

fn what_was_read_before_something_was_taken_away_is_not_put_in_after_it(cache: &impl SessionCache) {
    let ticket = cache.get(0, &hash(1)).unwrap_err();
    cache.forget(1);
    cache.put(ticket, hash(1), known(1));
    assert!(cache.get(0, &hash(1)).is_err());
    enter(cache, 0, hash(1), known(1));
    assert!(cache.get(0, &hash(1)).is_ok(), "what is read after it is");
}

fn an_account_is_forgotten_and_the_others_are_not(cache: &impl SessionCache) {
    for (number, aid) in [(1, 7), (2, 7), (3, 8)] {
        enter(cache, 0, hash(number), known(aid));
    }
    cache.forget(7);
    assert_eq!([1, 2, 3].map(|number| cache.get(0, &hash(number)).is_ok()), [false, false, true]);
}

fn the_bus_makes_it_forget(cache: impl SessionCache + 'static) {
    let cache = Arc::new(cache);
    let bus = LocalBus::new(vec![listener(Arc::clone(&cache))]);
    for aid in 1..=3 {
        enter(&*cache, 0, hash(usize::try_from(aid).unwrap()), known(aid));
    }
    bus.publish(&[Effect::Withdrawn { aid: 1 }, Effect::SignedOut { aid: 2, device: DeviceKey([1; 32]) }]);
    assert_eq!([1, 2, 3].map(|number| cache.get(0, &hash(number)).is_ok()), [false, false, true]);
}

/// Threads look up who is there and put that in, while one takes it away, over and over.
fn whoever_asks_while_something_is_taken_away_gets_nothing_after_it(cache: &impl SessionCache) {
    for _ in 0..500 {
        let is_there = AtomicBool::new(true);
        let ask = || {
            while is_there.load(Ordering::SeqCst) {
                if let Err(ticket) = cache.get(0, &hash(1)) {
                    let row = is_there.load(Ordering::SeqCst).then(|| known(1));
                    std::thread::yield_now();
                    row.into_iter().for_each(|row| cache.put(ticket, hash(1), row));
                }
            }
        };
        std::thread::scope(|scope| {
            (0..3).for_each(|_| _ = scope.spawn(ask));
            std::thread::yield_now();
            is_there.store(false, Ordering::SeqCst);
            cache.forget(1);
            assert!(cache.get(0, &hash(1)).is_err(), "at once");
        });
        assert!(cache.get(0, &hash(1)).is_err(), "and when all have put in what they had read");
    }
}

fn it_is_bounded_and_goes_on_when_it_is_full(cache: &impl SessionCache) {
    for number in 0..ENTRIES_MAX * 3 {
        enter(cache, 0, hash(number), known(1));
        assert!(cache.get(0, &hash(number)).is_ok(), "{number}");
    }
    let held = (0..ENTRIES_MAX * 3).filter(|number| cache.get(0, &hash(*number)).is_ok()).count();
    assert!(held <= ENTRIES_MAX, "{held}");
}

//! What an event bus keeps.

use std::sync::{Arc, Mutex};

use outlay_ledger::DeviceKey;
use outlay_server::bus::{EventBus, Listener, LocalBus};
use outlay_server::store::Effect;

/// What a listener was told.
pub(crate) type Told = Arc<Mutex<Vec<Effect>>>;

pub(crate) fn listener() -> (Told, Listener) {
    let told = Told::default();
    let all = Arc::clone(&told);
    (told, Box::new(move |effects| all.lock().unwrap().extend_from_slice(effects)))
}

fn withdrawn(range: std::ops::Range<i64>) -> Vec<Effect> {
    range.map(|aid| Effect::Withdrawn { aid }).collect()
}

#[test]
fn that_of_one_process_keeps_the_contract() {
    keeps_the_contract(LocalBus::new);
}

fn keeps_the_contract<B: EventBus>(new: impl Fn(Vec<Listener>) -> B) {
    everybody_is_told_everything_once_and_in_order(&new);
    what_one_thread_publishes_keeps_its_order_among_others(&new);
    what_is_taken_away_is_told_before_the_answer_and_all_else_after_it(&new);
}

fn everybody_is_told_everything_once_and_in_order<B: EventBus>(new: &impl Fn(Vec<Listener>) -> B) {
    let ((one, first), (other, second)) = (listener(), listener());
    let bus = new(vec![first, second]);
    bus.publish(&withdrawn(0..3));
    assert_eq!(*one.lock().unwrap(), withdrawn(0..3), "when it returns");
    bus.publish(&[]);
    bus.publish(&withdrawn(3..10));
    for told in [one, other] {
        assert_eq!(*told.lock().unwrap(), withdrawn(0..10));
    }
}

fn what_one_thread_publishes_keeps_its_order_among_others<B: EventBus>(new: &impl Fn(Vec<Listener>) -> B) {
    let (told, listener) = listener();
    let bus = new(vec![listener]);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let bus = &bus;
            scope.spawn(move || (0..200).for_each(|n| bus.publish(&withdrawn(thread * 200 + n..thread * 200 + n + 1))));
        }
    });
    let told = told.lock().unwrap();
    for thread in 0..4 {
        let of_thread = withdrawn(thread * 200..(thread + 1) * 200);
        let heard: Vec<_> = told.iter().filter(|effect| of_thread.contains(effect)).cloned().collect();
        assert_eq!(heard, of_thread);
    }
}

fn what_is_taken_away_is_told_before_the_answer_and_all_else_after_it<B: EventBus>(new: &impl Fn(Vec<Listener>) -> B) {
    let (told, listener) = listener();
    let bus = new(vec![listener]);
    let signed_out = |aid| Effect::SignedOut { aid, device: DeviceKey([1; 32]) };
    let grown = |number| Effect::Access { ledger: outlay_ledger::LedgerId([number; 16]), lost: vec![], gained: vec![] };
    let withdrawn = Effect::Withdrawn { aid: 2 };
    let before = vec![signed_out(1), withdrawn.clone()];
    bus.publish_around(vec![grown(1), signed_out(1), grown(2), withdrawn], || {
        assert_eq!(*told.lock().unwrap(), before);
    });
    assert_eq!(*told.lock().unwrap(), [before.clone(), vec![grown(1), grown(2)]].concat());
}

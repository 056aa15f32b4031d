//! What is refused, expires or is taken away: what is said, what goes on, and that nothing is lost.

use outlay_protocol::session::{ClientInput, ServerInput};
use outlay_protocol::{Code, Epoch};

use crate::world::World;

#[test]
fn a_bad_token_closes_the_connection_and_leaves_everything_owed() {
    let mut world = World::new(1, 1);
    let ledger = world.found(0);
    world.token = "bad".into();
    world.connect(0);
    world.settle();
    assert_eq!(world.devices[0].closed, Some(Code::SignInNeeded));
    assert_eq!(world.devices[0].memory.locals[&ledger].owed.len(), 1);
}

#[test]
fn a_token_of_another_device_is_refused_before_anybody_is_asked() {
    let mut world = World::new(2, 2);
    let nonce = [7; 16];
    world.connect(0);
    let token = world.token.clone();
    let proof = world.devices[1].author.sign(&outlay_protocol::proof::digest(&crate::world::SERVER, &nonce, &token));
    world.devices[0].wire.as_mut().expect("a wire").up.clear();
    world.tell(0, ClientInput::Connected { server: crate::world::SERVER, nonce, token: &token, proof });
    while world.deliver_up(0) {}
    assert!(world.devices[0].wire.as_ref().expect("a wire").asked.is_empty());
    world.settle();
    assert_eq!(world.devices[0].closed, Some(Code::Proof));
}

#[test]
fn a_token_that_is_renewed_in_time_is_never_noticed() {
    let mut world = World::new(3, 2);
    let ledger = world.found(0);
    world.heal();
    world.devices.iter_mut().for_each(|device| device.needs_token = false);
    world.tick(300_000);
    assert!(world.devices[0].needs_token);
    world.renew(0, "good again");
    world.settle();
    world.write(0, ledger, 24_001);
    world.tick(300_000);
    world.settle();
    assert_eq!(world.log(ledger).commits.len(), 2);
    assert_eq!(world.devices[0].closed, None);
}

#[test]
fn a_token_that_ends_holds_everything_up_until_it_is_renewed() {
    let mut world = World::new(4, 1);
    let ledger = world.found(0);
    world.connect(0);
    world.settle();
    world.now_ms += 601_000;
    world.tell_server(0, ServerInput::Tick);
    world.write(0, ledger, 24_001);
    world.settle();
    assert_eq!(world.log(ledger).commits.len(), 1);
    assert!(world.devices[0].needs_token);
    world.renew(0, "good again");
    world.settle();
    assert_eq!(world.log(ledger).commits.len(), 2);
}

#[test]
fn a_device_that_is_signed_out_stops_and_keeps_what_it_has() {
    let mut world = World::new(5, 1);
    let ledger = world.found(0);
    world.connect(0);
    world.settle();
    world.tell_server(0, ServerInput::Revoked);
    world.settle();
    assert_eq!(world.devices[0].closed, Some(Code::Revoked));
    assert_eq!(world.ids(0, ledger).len(), 1);
}

#[test]
fn a_ledger_taken_away_does_not_stop_another() {
    let mut world = World::new(6, 1);
    let (one, two) = (world.found(0), world.found(0));
    world.connect(0);
    world.settle();
    world.tell_server(0, ServerInput::Removed { ledger: one });
    world.settle();
    world.write(0, one, 24_001);
    world.write(0, two, 24_001);
    world.settle();
    assert_eq!((world.log(one).commits.len(), world.log(two).commits.len()), (1, 2));
    assert!(world.devices[0].memory.refusals.contains(&(Some(one), Code::Removed)));
    assert!(world.devices[0].waits.contains(&(60_000, Code::Removed)));
}

#[test]
fn a_push_refused_for_now_is_tried_again_by_itself() {
    let mut world = World::new(7, 1);
    let ledger = world.found(0);
    world.connect(0);
    world.settle();
    world.storage.refusals = vec![Code::Busy, Code::Storage];
    world.write(0, ledger, 24_001);
    world.settle();
    assert_eq!(world.devices[0].waits, [(250, Code::Storage)]);
    world.tick(250);
    world.settle();
    assert_eq!(world.devices[0].waits, [(250, Code::Storage), (500, Code::Busy)]);
    world.tick(500);
    world.settle();
    assert_eq!(world.log(ledger).commits.len(), 2);
}

#[test]
fn a_server_that_is_stopped_says_so_after_what_is_under_way() {
    let mut world = World::new(8, 1);
    let ledger = world.found(0);
    world.connect(0);
    world.settle();
    world.write(0, ledger, 24_001);
    while world.deliver_up(0) {}
    world.tell_server(0, ServerInput::Closing);
    world.settle();
    assert_eq!(world.devices[0].closed, Some(Code::ShuttingDown));
    assert!(world.devices[0].memory.locals[&ledger].owed.is_empty(), "the push was acknowledged before");
}

#[test]
fn what_a_server_said_it_held_is_brought_back_when_it_is_rolled_back() {
    let mut world = World::new(29, 1);
    let ledger = world.found(0);
    world.heal();
    let backup = world.storage.clone();
    world.write(0, ledger, 24_001);
    while world.deliver_up(0) || world.answer(0) {}
    world.cut(0);
    assert_eq!(world.log(ledger).commits.len(), 2, "it is stored, and the answer was lost");

    world.connect(0);
    while !world.devices[0].memory.locals[&ledger].owed.is_empty() {
        assert!(world.deliver_up(0) || world.answer(0) || world.deliver_down(0), "it is said to be held");
    }
    world.cut(0);
    world.storage = backup;
    world.heal();
    assert_eq!(world.log(ledger).commits.len(), 2);
    world.assert_acknowledged_is_stored();
}

#[test]
fn a_restored_server_has_everything_back_in_one_connection() {
    for is_by_command in [false, true] {
        let mut world = World::new(9, 2);
        let ledger = world.found(0);
        world.heal();
        world.heal();
        let backup = world.storage.clone();
        (0..20).for_each(|_| _ = world.write(0, ledger, 24_001));
        world.settle();
        (0..2).for_each(|at| world.cut(at));
        world.storage = backup;
        if is_by_command {
            world.storage.epoch = Epoch([9; 16]);
        }
        // The device that only received brings them back.
        world.connect(1);
        world.settle();
        assert_eq!(world.log(ledger).commits.len(), 21);
        assert!(world.devices[1].is_idle);
    }
}

#[test]
fn months_come_newest_first_and_the_older_ones_by_themselves() {
    let mut world = World::new(10, 2);
    let ledger = world.found(0);
    for period in 24_000..24_030 {
        (0..3).for_each(|_| _ = world.write(0, ledger, period));
    }
    world.connect(0);
    world.settle();
    world.devices[1].configure(|config| config.months_first = 2);
    world.connect(1);
    let mut partial = Vec::new();
    loop {
        let has_moved = world.deliver_up(1) | world.answer(1) | world.deliver_down(1);
        let local = world.devices[1].memory.locals.get(&ledger);
        partial.extend(local.and_then(|local| Some(local.cursor?.complete_from)));
        world.assert_cursors_hold();
        if !has_moved {
            break;
        }
    }
    partial.dedup();
    assert_eq!(partial, [24_028, 24_016, 24_004, 0]);
    assert_eq!(world.ids(1, ledger), world.ids(0, ledger));
}

#[test]
fn a_newer_device_gets_what_was_missed_in_one_flight_as_an_http_body_does() {
    let mut world = World::new(11, 2);
    let ledger = world.found(0);
    world.devices[0].configure(|config| (config.one_flight, config.live) = (true, false));
    (0..2_000).for_each(|_| _ = world.write_bytes(0, ledger, 24_001, 500));
    let mut requests = 0;
    while !world.devices[0].is_idle {
        world.connect(0);
        world.settle();
        requests += 1;
        assert!(requests < 20);
    }
    assert_eq!(world.log(ledger).commits.len(), 2_001);
    world.storage.epoch = Epoch([9; 16]);
    world.devices[0].is_idle = false;
    for _ in 0..2 {
        world.connect(0);
        world.settle();
    }
    assert!(world.devices[0].is_idle, "another log takes one request more");
}

/// A server takes a ledger that it does not know with its first push only, and eight pushes may be in flight.
#[test]
fn any_number_of_ledgers_made_offline_goes_up_in_one_connection() {
    let mut world = World::new(12, 2);
    let ledgers: Vec<_> = (0..30).map(|_| world.found(0)).collect();
    world.connect(0);
    world.settle();
    assert!(world.devices[0].is_idle && world.devices[0].waits.is_empty());
    assert!(ledgers.iter().all(|ledger| world.log(*ledger).commits.len() == 1));
}

#[test]
fn a_server_restored_to_before_a_ledger_was_made_is_given_it_again() {
    let mut world = World::new(13, 2);
    let before = world.storage.clone();
    let ledger = world.found(0);
    (0..5).for_each(|_| _ = world.write(0, ledger, 24_001));
    world.heal();
    (0..2).for_each(|at| world.cut(at));
    world.storage = before;
    world.connect(1);
    world.settle();
    assert_eq!(world.log(ledger).commits.len(), 6);
    assert!(world.devices[1].is_idle);
}

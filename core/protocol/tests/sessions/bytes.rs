//! What conversations cost on the wire, in bytes and in flights.

use outlay_protocol::session::ServerInput;

use crate::world::World;

/// A device that has synced ledgers and comes again.
fn synced(ledgers: usize) -> World {
    let mut world = World::new(1, 1);
    let ledgers: Vec<_> = (0..ledgers).map(|_| world.found(0)).collect();
    for ledger in &ledgers {
        (0..30).for_each(|_| _ = world.write(0, *ledger, 24_001));
    }
    world.heal();
    world.cut(0);
    (world.up_bytes, world.down_bytes) = (0, 0);
    world
}

/// Delivers everything that is under way in one direction, then in the other, and says how many flights there were.
fn flights(world: &mut World) -> (usize, usize) {
    let (mut up, mut down) = (0, 0);
    loop {
        let before = (up, down);
        let mut has_sent = false;
        while world.deliver_up(0) {
            has_sent = true;
        }
        up += usize::from(has_sent);
        while world.answer(0) {}
        has_sent = false;
        while world.deliver_down(0) {
            has_sent = true;
        }
        down += usize::from(has_sent);
        if before == (up, down) {
            return (up, down);
        }
    }
}

#[test]
fn coming_again_with_nothing_new_is_one_flight_each_way_of_at_most_900_bytes_and_60_a_ledger() {
    let mut bytes = Vec::new();
    for ledgers in [1, 20] {
        let mut world = synced(ledgers);
        world.connect(0);
        assert_eq!(flights(&mut world), (1, 1));
        assert!(world.devices[0].is_idle);
        bytes.push(world.up_bytes + world.down_bytes);
        println!("{ledgers} ledgers: {} bytes up, {} down", world.up_bytes, world.down_bytes);
    }
    assert!(bytes[0] <= 900, "{}", bytes[0]);
    // A WebSocket adds six bytes up and two down.
    let each = (bytes[1] - bytes[0]).div_ceil(19) + 8;
    println!("{each} bytes a ledger");
    assert!(each <= 60);
}

#[test]
fn coming_again_with_news_on_both_sides_is_one_flight_each_way() {
    let mut world = World::new(2, 2);
    let ledger = world.found(0);
    world.heal();
    world.connect(1);
    world.settle();
    world.cut(0);
    world.write(1, ledger, 24_001);
    world.settle();
    world.cut(1);
    world.write(0, ledger, 24_001);
    world.connect(0);
    assert_eq!(flights(&mut world), (1, 1));
    assert_eq!(world.ids(0, ledger), world.ids(1, ledger).into_iter().chain(world.ids(0, ledger)).collect());
    assert_eq!(world.log(ledger).commits.len(), 3);
}

#[test]
fn a_live_commit_costs_its_batch_and_at_most_60_bytes_up_and_as_much_down() {
    let mut world = World::new(3, 2);
    let ledger = world.found(0);
    (0..300).for_each(|_| _ = world.write(0, ledger, 24_001));
    world.heal();
    (world.up_bytes, world.down_bytes) = (0, 0);
    world.write(0, ledger, 24_001);
    world.settle();
    let local = &world.devices[0].memory.locals[&ledger];
    let batch = outlay_protocol::batch::encode_with_ids(&local.commits[local.commits.len() - 1..]).expect("a batch");
    println!("batch {}, up {}, down {}", batch.len(), world.up_bytes, world.down_bytes);
    assert!(world.up_bytes <= batch.len() + 16);
    assert!(world.down_bytes <= batch.len() + 60, "ACK to one, COMMITS to the other");
    assert_eq!(world.ids(1, ledger), world.ids(0, ledger));
}

#[test]
fn commits_of_ones_own_do_not_come_back() {
    let mut world = World::new(4, 2);
    let ledger = world.found(0);
    world.heal();
    let takes = world.devices[0].memory.takes;
    (0..50).for_each(|_| _ = world.write(0, ledger, 24_001));
    world.settle();
    assert_eq!(world.devices[0].memory.takes, takes);
    assert_eq!(world.devices[1].memory.locals[&ledger].commits.len(), 51);
}

#[test]
fn a_device_that_takes_nothing_is_asked_for_nothing_more() {
    let mut world = World::new(5, 2);
    world.limits.page_bytes_max = 64 * 1024;
    let ledger = world.found(0);
    (0..400).for_each(|_| _ = world.write_bytes(0, ledger, 24_001, 1_000));
    world.connect(0);
    world.settle();
    world.connect(1);
    for _ in 0..1_000 {
        world.deliver_up(1);
        world.answer(1);
        // LEDGERS is delivered, so that the ledger is opened; what comes then is not.
        if world.down_bytes < 2_000 {
            world.deliver_down(1);
        }
    }
    let waiting: usize = world.devices[1].wire.as_ref().expect("a wire").down.iter().map(Vec::len).sum();
    assert!(waiting > 64 * 1024 && waiting < 5 * 72 * 1024, "{waiting}");
    world.settle();
    assert_eq!(world.ids(1, ledger), world.ids(0, ledger));
}

#[test]
fn a_device_that_takes_nothing_for_a_minute_is_closed() {
    let mut world = World::new(6, 1);
    let _ = world.found(0);
    world.connect(0);
    while world.deliver_up(0) | world.answer(0) {}
    world.now_ms += 61_000;
    world.tell_server(0, ServerInput::Tick);
    while world.deliver_down(0) {}
    assert_eq!(world.devices[0].closed, Some(outlay_protocol::Code::Slow));
}

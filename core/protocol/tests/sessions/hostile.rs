//! What a server's session does with a device that says whatever it likes, and a device's with such a server.

use outlay_ledger::{DeviceKey, LedgerId};
use outlay_protocol::message::{Commits, Fetch, Hello, Message, Mode, Open, Opened, Push};
use outlay_protocol::session::{ClientInput, Identity, Limits, ServerInput, ServerOutput, ServerSession};
use outlay_protocol::{Code, Place};

use crate::world::World;

fn closed(outputs: &[ServerOutput]) -> Option<Code> {
    outputs.iter().find_map(|output| if let ServerOutput::Close(code) = output { Some(*code) } else { None })
}

fn session() -> ServerSession {
    ServerSession::new(Limits::default(), Identity { server: [1; 32], nonce: [2; 16] })
}

fn open(handle: u32, ledger: u8) -> Message {
    let (from, highest, heads, push) = (None, None, None, None);
    Message::Open(Open { handle, ledger: LedgerId([ledger; 16]), from, highest, heads, months: 0, live: true, push })
}

#[test]
fn nothing_is_asked_for_before_a_device_is_known() {
    for message in [open(1, 1), Message::Fetch(Fetch { handle: 1, older: None, ids: Vec::new() })] {
        let outputs = session().step(0, ServerInput::Frame(&message.encode()));
        assert_eq!(closed(&outputs), Some(Code::OutOfOrder));
        assert!(!outputs.iter().any(|output| matches!(output, ServerOutput::Ask(..))));
    }
    let hello = Hello { version_min: 2, version_max: 9, features: 0, device: DeviceKey([1; 32]) };
    let outputs = session().step(0, ServerInput::Frame(&Message::Hello(hello).encode()));
    assert_eq!(closed(&outputs), Some(Code::Version));
    assert_eq!(closed(&session().step(0, ServerInput::Frame(&[0x40; 5_000]))), Some(Code::TooBig));
    let mut silent = session();
    assert!(silent.step(0, ServerInput::Tick).is_empty());
    assert_eq!(closed(&silent.step(5_001, ServerInput::Tick)), Some(Code::Slow));
}

#[test]
fn frames_that_wait_for_the_token_are_bounded() {
    let mut world = World::new(1, 1);
    world.connect(0);
    while world.deliver_up(0) {}
    let push = Message::Push(Push { handle: 1, number: 1, batch: vec![0; 200_000] }).encode();
    (0..20).for_each(|_| world.tell_server(0, ServerInput::Frame(&push)));
    world.settle();
    assert_eq!(world.devices[0].closed, Some(Code::Busy));
}

#[test]
fn a_welcome_device_that_breaks_the_order_is_closed_or_told() {
    let push = |handle| Message::Push(Push { handle, number: 9, batch: vec![7] });
    for (messages, expected) in [
        (vec![open(7, 1), open(7, 2)], Some(Code::OutOfOrder)),
        (vec![open(7, 1), open(8, 1)], Some(Code::OutOfOrder)),
        (vec![push(99)], None),
        (vec![open(7, 1), push(7)], None),
        (vec![Message::Ledgers(outlay_protocol::message::Ledgers { ids: Vec::new() })], Some(Code::OutOfOrder)),
        (vec![Message::Skipped(0x77)], None),
    ] {
        let mut world = World::new(2, 1);
        world.connect(0);
        world.settle();
        messages.iter().for_each(|message| world.tell_server(0, ServerInput::Frame(&message.encode())));
        world.settle();
        assert_eq!(world.devices[0].closed, expected, "{messages:?}");
    }
}

#[test]
fn a_device_that_opens_one_ledger_over_and_over_is_not_read_on() {
    let mut world = World::new(2, 1);
    world.connect(0);
    world.settle();
    let wants = |world: &World| world.devices[0].wire.as_ref().is_some_and(|wire| wire.server.wants_frames());
    let again = open(7, 1).encode();
    let read = (0..1_000).take_while(|_| {
        let does_want = wants(&world);
        if does_want {
            world.tell_server(0, ServerInput::Frame(&again));
        }
        does_want
    });
    assert_eq!(read.count(), 32);
    world.settle();
    assert!(wants(&world), "answered, it is");
}

#[test]
fn commits_of_another_ledger_are_never_appended() {
    let mut world = World::new(3, 2);
    let (mine, other) = (world.found(0), world.found(1));
    world.heal();
    let (commit, id) = world.devices[1].memory.locals[&other].commits[0].clone();
    let batch = outlay_protocol::batch::encode_with_ids(&[(commit, id)]).expect("a batch");
    let handle = 1;
    let before = world.log(mine).commits.len();
    world.tell_server(0, ServerInput::Frame(&Message::Push(Push { handle, number: 77, batch }).encode()));
    let wire = world.devices[0].wire.as_ref().expect("a wire");
    assert!(wire.asked.is_empty());
    assert!(matches!(Message::decode(&wire.down[0], 1 << 20), Ok(Message::Ack(_))));
    assert_eq!(world.log(mine).commits.len(), before);
}

#[test]
fn any_bytes_from_a_server_end_in_a_code_or_nothing() {
    let mut world = World::new(4, 1);
    let ledger = world.found(0);
    let opened = |mode| Message::Opened(Opened { handles: vec![1], role: None, mode });
    let place = Place { pos: 99, chain: [1; 8] };
    let commits = |to, batch| Message::Commits(Commits { handle: 1, to, batch });
    let empty = outlay_protocol::batch::encode(&[]).expect("a batch");
    let frames = [
        opened(Mode::Delta { epoch: [1; 8], head: place }),
        commits(Some((98, place)), empty.clone()),
        commits(None, vec![9; 100]),
        opened(Mode::Heads { epoch: [1; 8], head: place, heads: Vec::new() }),
        opened(Mode::Same),
        opened(Mode::Refused(Code::Other(321))),
    ];
    for frame in &frames {
        for second in &frames {
            world.connect(0);
            world.tell(0, ClientInput::Frame(&frame.encode()));
            world.tell(0, ClientInput::Frame(&second.encode()));
            let cursor = world.devices[0].memory.locals[&ledger].cursor;
            assert_eq!(cursor, None, "nothing moved it that came in order");
        }
    }
    for seed in 0..2_000_u32 {
        world.connect(0);
        let noise = blake3::hash(&seed.to_be_bytes());
        let frame = [&[1 + noise.as_bytes()[0] % 12], noise.as_bytes().as_slice()].concat();
        world.tell(0, ClientInput::Frame(&frame));
    }
}

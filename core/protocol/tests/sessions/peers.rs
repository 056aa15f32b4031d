//! Two devices without a server.

use std::collections::VecDeque;

use outlay_ledger::LedgerId;
use outlay_protocol::session::{ClientOutput, PeerInput, PeerSession};
use outlay_protocol::{Code, Ladder};

use crate::author::Dice;
use crate::replica::Memory;
use crate::world::World;

/// A connection between two devices, the first of which opens.
struct Link {
    sessions: [PeerSession; 2],
    wires: [VecDeque<Vec<u8>>; 2],
    closed: [Option<Code>; 2],
    flights: usize,
}

impl Link {
    fn new(world: &World) -> Self {
        let session = |at: usize| PeerSession::new(world.devices[at].author.key(), at == 0);
        Self { sessions: [session(0), session(1)], wires: Default::default(), closed: [None; 2], flights: 0 }
    }

    fn tell(&mut self, at: usize, input: PeerInput<'_>, memory: &mut Memory) {
        for output in self.sessions[at].step(0, input, memory).expect("memory") {
            match output {
                ClientOutput::Send(frame) => self.wires[1 - at].push_back(frame),
                ClientOutput::Close(code) => self.closed[at] = Some(code),
                _ => {}
            }
        }
    }

    fn connect(&mut self, memories: &mut [Memory; 2]) {
        (0..2).for_each(|at| self.tell(at, PeerInput::Connected, &mut memories[at]));
    }

    /// Delivers frames until nothing moves, or until `frames` were.
    fn run(&mut self, memories: &mut [Memory; 2], frames: usize) {
        for _ in 0..frames {
            let Some(at) = (0..2).find(|at| !self.wires[*at].is_empty()) else { return };
            let frame = self.wires[at].pop_front().expect("a frame");
            self.flights += 1;
            self.tell(at, PeerInput::Frame(&frame), &mut memories[at]);
        }
    }
}

/// What is owed to a peer is an account of its own.
fn memories(world: &World) -> [Memory; 2] {
    [0, 1].map(|at| world.devices[at].memory.clone())
}

fn write(world: &mut World, memories: &mut [Memory; 2], at: usize, ledger: LedgerId) {
    std::mem::swap(&mut world.devices[at].memory, &mut memories[at]);
    world.write(at, ledger, 24_001);
    std::mem::swap(&mut world.devices[at].memory, &mut memories[at]);
}

/// Two devices that know one ledger.
fn pair(seed: u64) -> (World, [Memory; 2], LedgerId) {
    let mut world = World::new(seed, 2);
    let ledger = world.found(0);
    let mut memories = memories(&world);
    memories[1] = memories[0].clone();
    memories[1].local(ledger).owed.clear();
    (world, memories, ledger)
}

#[test]
fn two_devices_hold_the_same_whatever_is_cut() {
    for seed in 0..100 {
        let (mut world, mut memories, ledger) = pair(seed);
        let mut dice = Dice::new(seed);
        for _ in 0..8 {
            for at in [0, 1] {
                (0..dice.below(20)).for_each(|_| write(&mut world, &mut memories, at, ledger));
            }
            let mut link = Link::new(&world);
            link.connect(&mut memories);
            link.run(&mut memories, dice.below(8));
        }
        let mut link = Link::new(&world);
        link.connect(&mut memories);
        link.run(&mut memories, usize::MAX);
        assert_eq!(memories[0].locals[&ledger].ids, memories[1].locals[&ledger].ids);
        assert!(memories.iter().all(|memory| memory.locals[&ledger].owed.is_empty()));
        assert!(link.flights <= 40, "{} frames", link.flights);
    }
}

#[test]
fn what_is_written_on_one_is_on_the_other_at_once() {
    let (mut world, mut memories, ledger) = pair(7);
    let mut link = Link::new(&world);
    link.connect(&mut memories);
    link.run(&mut memories, usize::MAX);
    for at in [0, 1, 0] {
        write(&mut world, &mut memories, at, ledger);
        link.tell(at, PeerInput::LocalChange, &mut memories[at]);
        let frames = link.flights;
        link.run(&mut memories, usize::MAX);
        assert_eq!(link.flights, frames + 2, "a push and its acknowledgement");
        assert_eq!(memories[0].locals[&ledger].ids, memories[1].locals[&ledger].ids);
    }
}

#[test]
fn a_ledger_that_the_other_may_not_have_is_refused_as_one_that_is_not_there() {
    let (world, mut memories, ledger) = pair(8);
    memories[1].locals.clear();
    let mut link = Link::new(&world);
    link.connect(&mut memories);
    link.run(&mut memories, usize::MAX);
    assert_eq!(memories[0].refusals, [(Some(ledger), Code::NoSuchLedger)]);
    assert!(memories[1].locals.is_empty());
}

#[test]
fn a_peer_that_speaks_out_of_turn_is_closed() {
    let (world, mut memories, ledger) = pair(9);
    let heads: Option<Vec<Ladder>> = None;
    let open = outlay_protocol::message::Open {
        handle: 1,
        ledger,
        from: None,
        highest: None,
        heads,
        months: 0,
        live: true,
        push: None,
    };
    for is_greeted in [false, true] {
        let mut link = Link::new(&world);
        link.connect(&mut memories);
        if is_greeted {
            let hello = link.wires[1].pop_front().expect("HELLO");
            link.tell(1, PeerInput::Frame(&hello), &mut memories[1]);
        }
        link.tell(1, PeerInput::Frame(&outlay_protocol::Message::Open(open.clone()).encode()), &mut memories[1]);
        assert_eq!(link.closed[1], Some(Code::OutOfOrder));
    }
}

//! Random schedules from a seed: writes, cuts, rolled back and restored servers, restored devices. Afterwards everybody
//! holds the same.

use std::collections::{BTreeMap, BTreeSet};

use outlay_ledger::LedgerId;
use outlay_protocol::Epoch;
use outlay_protocol::session::ClientSession;

use crate::log::Storage;
use crate::replica::Memory;
use crate::world::World;

/// Enough for each kind of message in every test run.
const SEEDS: u64 = 40;
const STEPS: usize = 300;

struct Schedule {
    world: World,
    ledgers: Vec<LedgerId>,
    server_backup: Storage,
    device_backups: Vec<Memory>,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed, 3);
        world.devices[2].configure(|config| config.months_first = 1);
        let ledgers = vec![world.found(0), world.found(1)];
        let device_backups = world.devices.iter().map(|device| device.memory.clone()).collect();
        let server_backup = world.storage.clone();
        Self { world, ledgers, server_backup, device_backups }
    }

    fn step(&mut self, has_restores: bool) {
        let world = &mut self.world;
        let at = world.dice.below(world.devices.len());
        match world.dice.below(100) {
            0..20 => {
                let ledger = self.ledgers[world.dice.below(self.ledgers.len())];
                let period = u16::try_from(24_000 + world.dice.below(5)).expect("a period");
                world.write(at, ledger, if period == 24_000 { 0 } else { period });
            }
            20..25 => world.cut(at),
            25..32 if world.devices[at].wire.is_none() => world.connect(at),
            32..34 => world.tick(1_000),
            34 if has_restores => self.server_backup = world.storage.clone(),
            35 if has_restores => self.device_backups[at] = world.devices[at].memory.clone(),
            36 if has_restores => self.restore_server(),
            37 if has_restores => self.restore_device(at),
            38 => {
                let code = [outlay_protocol::Code::Busy, outlay_protocol::Code::Quota][world.dice.below(2)];
                world.storage.refusals.push(code);
            }
            40..55 => (0..world.dice.below(6)).for_each(|_| _ = world.deliver_up(at)),
            55..70 => (0..world.dice.below(6)).for_each(|_| _ = world.answer(at)),
            70..85 => (0..world.dice.below(6)).for_each(|_| _ = world.deliver_down(at)),
            // A whole round trip, cut short or not.
            _ => (0..world.dice.below(30)).for_each(|_| {
                _ = world.deliver_up(at) | world.answer(at) | world.deliver_down(at);
            }),
        }
    }

    /// The server is an older one, by command (a new epoch) or by a plain copy of its file.
    fn restore_server(&mut self) {
        let world = &mut self.world;
        (0..world.devices.len()).for_each(|at| world.cut(at));
        world.storage = self.server_backup.clone();
        if world.dice.below(2) == 0 {
            world.storage.epoch = Epoch(world.dice.bytes());
        }
    }

    fn restore_device(&mut self, at: usize) {
        let world = &mut self.world;
        world.cut(at);
        let device = &mut world.devices[at];
        device.memory = self.device_backups[at].clone();
        device.session = ClientSession::new(device.config);
        device.author.restart(&mut world.dice);
    }

    fn assert_all_hold_the_union(&mut self) {
        let union = |world: &World, ledger| -> BTreeSet<_> {
            let held = (0..world.devices.len()).flat_map(|at| world.ids(at, ledger));
            held.chain(world.log(ledger).commits.iter().map(|(_, id)| *id)).collect()
        };
        let before: Vec<_> = self.ledgers.iter().map(|ledger| union(&self.world, *ledger)).collect();
        self.world.storage.refusals.clear();
        self.world.heal();
        for (ledger, before) in self.ledgers.iter().zip(before) {
            let log: BTreeSet<_> = self.world.log(*ledger).commits.iter().map(|(_, id)| *id).collect();
            assert_eq!(log, before, "the server holds what anybody held");
            for at in 0..self.world.devices.len() {
                assert_eq!(self.world.ids(at, *ledger), before, "device {at}");
            }
        }
        for (at, device) in self.world.devices.iter().enumerate() {
            assert!(device.is_idle, "device {at} is not idle");
            assert!(device.memory.locals.values().all(|local| local.owed.is_empty()), "device {at} owes");
        }
    }
}

/// `OUTLAY_SEEDS=n` runs more of them.
fn seeds() -> u64 {
    std::env::var("OUTLAY_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

fn run(seeds: std::ops::Range<u64>, has_restores: bool) -> BTreeMap<&'static str, usize> {
    let mut marks = BTreeMap::new();
    for seed in seeds {
        println!("seed {seed}");
        let mut schedule = Schedule::new(seed);
        for _ in 0..STEPS {
            schedule.step(has_restores);
            schedule.world.assert_cursors_hold();
            schedule.world.assert_acknowledged_is_stored();
        }
        schedule.assert_all_hold_the_union();
        schedule.world.assert_cursors_hold();
        schedule.world.marks.iter().for_each(|(mark, count)| *marks.entry(*mark).or_default() += count);
    }
    println!("{marks:?}");
    marks
}

/// A schedule that never comes to something says nothing about it.
fn assert_came_to(marks: &BTreeMap<&'static str, usize>, wanted: &[&'static str]) {
    assert!(wanted.iter().all(|mark| marks.get(mark).is_some_and(|count| *count > 4)), "{marks:?}");
}

#[test]
fn replicas_are_equal_after_any_cuts() {
    let marks = run(0..seeds(), false);
    assert_came_to(&marks, &["same", "delta", "heads", "next", "aside", "newest first", "caught up", "held", "error"]);
}

#[test]
fn replicas_are_equal_after_any_cuts_and_restores_of_servers_and_devices() {
    let marks = run(0..seeds(), true);
    assert_came_to(&marks, &["heads", "aside", "newest first", "held", "commit refused"]);
}

//! A ledger on several devices that do random things and hear of each other now and then.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use outlay_core::{
    Commit, CommitId, Currency, Date, Decision, DocumentId, Edit, EntryKind, ErrorKind, ImportOptions, ImportRow,
    LedgerId, MemberId, Money, NewExpense, Resolution, Role, TimeOfDay,
};
use outlay_ledger::member::MemberOperation;

use crate::hostile;
use crate::support::forge::{Forger, View};
use crate::support::{Device, NOON_MS, Rng, device_secret, eur, path, snapshot, spent};

/// The numbers of the devices' keys. Ben has a device that was cloned: two engines with one key.
const ANA_PHONE: u8 = 1;
const ANA_LAPTOP: u8 = 2;
const BEN: u8 = 3;
const MALLORY: u8 = 9;

/// How hostile a world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Climate {
    /// Everybody writes by the engine's own calls and keeps his role.
    Honest,
    /// A member signs what no engine writes, roles change, and commits of a newer version appear.
    Hostile,
}

/// What was done: a test that did nothing proves nothing.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub local: usize,
    pub refused: usize,
    pub exchanges: usize,
    pub hostile: usize,
    pub roles: usize,
    pub forged: usize,
}

pub(crate) struct World {
    pub rng: Rng,
    pub devices: Vec<Device>,
    pub home: LedgerId,
    pub done: Done,
    climate: Climate,
    owner: Forger,
    mallory: Forger,
    tick_ms: i64,
}

impl World {
    /// Ana has two devices, Ben one and its clone. They share a ledger that has one entry.
    pub(crate) fn new(seed: u64, climate: Climate) -> Self {
        let mut rng = Rng::new(seed);
        // A clone with the same randomness mints the same nonces: two processes that claim one feed.
        let clone = if climate == Climate::Hostile && rng.chance(30) { seed + 3 } else { seed + 4 };
        let devices = vec![
            Device::with_seed(ANA_PHONE, seed + 1),
            Device::with_seed(ANA_LAPTOP, seed + 2),
            Device::with_seed(BEN, seed + 3),
            Device::with_seed(BEN, clone),
        ];
        let home = devices[0].create_ledger("Home", Currency::EUR).unwrap().id;
        devices[0].admit_device(home, devices[1].device_key()).unwrap();
        let (owner, mallory) = (Forger::new(ANA_PHONE, seed + 5), Forger::new(MALLORY, seed + 6));
        let mut world = Self { rng, devices, home, done: Done::default(), climate, owner, mallory, tick_ms: NOON_MS };
        for (member, number) in [(ben(), BEN), (mallorys(), MALLORY)] {
            let device = device_secret(number).public();
            world.say(&MemberOperation::Add { member, device, role: Role::Editor });
        }
        world.devices[0].add(home, spent("3.40", "Café", "2026-03-01"));
        for at in 1..world.devices.len() {
            world.devices[at].pull(&world.devices[0], home);
        }
        world
    }

    /// One random thing by somebody.
    pub(crate) fn step(&mut self) {
        let at = self.rng.below(self.devices.len());
        // Clocks of devices are apart by years, and some run backwards.
        self.tick_ms += 1_000;
        let skew = [0, 86_400_000 * 700, -86_400_000 * 4_000, -2 * (self.tick_ms - NOON_MS)][at];
        self.devices[at].clock.set_now_ms(self.tick_ms + skew);
        match (self.climate, self.rng.below(100)) {
            (_, 0..=49) => self.local(at),
            (Climate::Hostile, 50..=63) => self.hostile(at),
            (Climate::Hostile, 64..=67) => self.change_roles(),
            (Climate::Hostile, 68..=70) => self.forge(at),
            // Beside what it finds, doctor has the engine forget what it remembers, as a restart does.
            (_, 71..=74) => self.devices[at].assert_healthy("on the way"),
            _ => self.exchange(at),
        }
    }

    /// All commits that anybody holds.
    pub(crate) fn union(&self) -> Vec<Commit> {
        let all = self.devices.iter().flat_map(|device| device.commits(self.home, &[]).unwrap());
        all.map(|commit| (commit.id(), commit)).collect::<BTreeMap<CommitId, Commit>>().into_values().collect()
    }

    fn local(&mut self, at: usize) {
        let result = self.try_local(at);
        match result {
            Ok(()) => self.done.local += 1,
            Err(error) => {
                let is_expected =
                    [ErrorKind::Forbidden, ErrorKind::InvalidInput, ErrorKind::NotFound, ErrorKind::TooNew];
                assert!(is_expected.contains(&error.kind()), "{error:?}");
                self.done.refused += 1;
            }
        }
    }

    fn try_local(&mut self, at: usize) -> outlay_core::Result<()> {
        let (device, home, rng) = (&self.devices[at], self.home, &mut self.rng);
        let known: Vec<DocumentId> = snapshot::expenses(device, home).into_keys().collect();
        // One entry is edited more than the others, so that it has many changes.
        let some = |rng: &mut Rng| if rng.chance(40) { known[0] } else { *rng.pick(&known) };
        let id = (!known.is_empty()).then(|| some(rng));
        match (rng.below(100), id) {
            (0..=9, _) => import(device, home, rng),
            (10..=34, _) | (_, None) => device.add_expense(home, random_entry(rng, &known)).map(drop),
            (35..=37, Some(id)) => device.decide(home, id, random_decision(rng)).map(drop),
            (38..=64, Some(id)) => device.edit_expense(home, id, random_edit(rng, &known)).map(drop),
            (65..=74, Some(id)) => device.delete_expense(home, id).map(drop),
            (75..=79, Some(id)) => device.restore_expense(home, id).map(drop),
            (80..=87, _) => device.undo().map(drop),
            _ => {
                let conflicts = device.conflicts(home)?;
                if conflicts.is_empty() {
                    return Ok(());
                }
                let conflict = rng.pick(&conflicts);
                let resolution = match rng.chance(60) {
                    true => Resolution::Choose(rng.below(conflict.values.len())),
                    false => Resolution::Text((*rng.pick(&["7.50", "2026-03-09", "Food", "false", "12:00"])).into()),
                };
                device.resolve(conflict, resolution)
            }
        }
    }

    /// Somebody hears of what another one holds: all of it, or only some of it, in any order and more than once.
    fn exchange(&mut self, at: usize) {
        let from = self.rng.below(self.devices.len());
        let known = self.devices[at].heads(self.home).unwrap();
        let mut commits = self.devices[from].commits(self.home, &known).unwrap();
        if self.rng.chance(30) {
            commits.retain(|_| self.rng.chance(60));
        }
        let commits = self.rng.shuffled_with_duplicates(&commits);
        self.devices[at].take(&commits);
        self.done.exchanges += 1;
    }

    fn hostile(&mut self, at: usize) {
        let mut view = View::of(&self.devices[at], self.home);
        self.mallory.time_ms = *self.rng.pick(&[0, NOON_MS, i64::MIN, i64::MAX]);
        let commit = hostile::commit(&mut self.mallory, &mut view, &mut self.rng);
        self.devices[at].take(&[commit]);
        self.done.hostile += 1;
    }

    /// A commit whose signature is not good is refused, and the honest ones beside it go in.
    fn forge(&mut self, at: usize) {
        let held = self.devices[at].commits(self.home, &[]).unwrap();
        let mut forged = self.rng.pick(&held).clone();
        match self.rng.below(3) {
            0 => forged.signature[self.rng.below(64)] ^= 1,
            1 => forged.header.time_ms ^= 1,
            _ => forged.header.device = device_secret(77).public(),
        }
        let honest = self.rng.pick(&held).clone();
        let taken = self.devices[at].take_in(&[forged, honest]).unwrap();
        assert_eq!((taken.refused.len(), taken.refused[0].0, taken.stored, taken.held), (1, 0, 0, 1));
        assert_eq!(self.devices[at].commits(self.home, &[]).unwrap().len(), held.len());
        self.done.forged += 1;
    }

    /// Ana changes what Ben and Mallory may do, from what her phone knows.
    fn change_roles(&mut self) {
        let view = View::of(&self.devices[0], self.home);
        let rng = &mut self.rng;
        let (member, device) = *rng.pick(&[(ben(), BEN), (mallorys(), MALLORY)]);
        let device = device_secret(device).public();
        let mut cut = view.chain_heads(&device);
        cut.retain(|_| rng.chance(80));
        let set_aside: Vec<CommitId> = view.commits.keys().copied().collect();
        let operation = match rng.below(6) {
            0 => MemberOperation::Remove { member, cut },
            1 => MemberOperation::Role { member, role: Role::Viewer, cut },
            2 => MemberOperation::Role { member, role: Role::Editor, cut: vec![] },
            3 => MemberOperation::Add { member, device, role: Role::Editor },
            4 => MemberOperation::Role { member, role: Role::Owner, cut: vec![] },
            _ => MemberOperation::Accept { commits: vec![*rng.pick(&set_aside)] },
        };
        self.say(&operation);
        self.done.roles += 1;
    }

    fn say(&mut self, operation: &MemberOperation) {
        let commit = self.owner.member(&View::of(&self.devices[0], self.home), operation);
        self.devices[0].take(&[commit]);
    }
}

pub(crate) fn ben() -> MemberId {
    MemberId([3; 16])
}

fn mallorys() -> MemberId {
    MemberId([9; 16])
}

/// Some of a few rows that every device may import, by one of two mappings or by hand.
fn import(device: &Device, home: LedgerId, rng: &mut Rng) -> outlay_core::Result<()> {
    let first = rng.below(6);
    if rng.chance(30) {
        let rows: String =
            (first..first + 3).map(|row| format!("2026-02-0{},Shop {row},-{row}.50\n", 1 + row)).collect();
        let options = ImportOptions { ledger: Some(home), dry_run: rng.chance(30), ..ImportOptions::default() };
        let file = format!("Date,Payee,Amount\n{rows}");
        return device.import(file.as_bytes(), &options, &mut |_| ControlFlow::Continue(())).map(drop);
    }
    let is_mapped_otherwise = rng.chance(30);
    let row = |row: usize| {
        let payee = if is_mapped_otherwise { "SHOP" } else { "Shop" };
        let category = path(&[payee, "Row"]).filter(|_| row.is_multiple_of(2));
        ImportRow { fact: format!("row {row}"), new: NewExpense { category, ..spent("3", payee, "2026-02-03") } }
    };
    device.import_rows(home, (first..first + 3).map(row)).map(drop)
}

fn random_date(rng: &mut Rng) -> Date {
    Date::parse(&format!("2026-0{}-1{}", 1 + rng.below(3), rng.below(3))).unwrap()
}

fn random_category(rng: &mut Rng) -> Option<outlay_core::Reference> {
    let paths: [&[&str]; 5] = [&["Food"], &["FOOD"], &["Food", "Cafés"], &["food", "CAFÉS", "Deep"], &["Home"]];
    path(paths[rng.below(paths.len())])
}

fn random_account(rng: &mut Rng) -> Option<outlay_core::Reference> {
    Some((*rng.pick(&["Cash", "CASH", "Bank"])).into())
}

fn random_amount(rng: &mut Rng) -> Money {
    let currency = Currency::parse(["EUR", "USD", "JPY"][rng.below(3)]).unwrap();
    Money::new(*rng.pick(&[-5, 1, 340, 1_200, 1_000_000_000_000_000]), currency).unwrap()
}

fn random_tags(rng: &mut Rng) -> Vec<String> {
    ["trip", "Work", "ü"].into_iter().filter(|_| rng.chance(40)).map(str::to_owned).collect()
}

fn random_entry(rng: &mut Rng, known: &[DocumentId]) -> NewExpense {
    let kind = *rng.pick(&[EntryKind::Expense, EntryKind::Expense, EntryKind::Income, EntryKind::Transfer]);
    NewExpense {
        kind,
        category: random_category(rng).filter(|_| rng.chance(60)),
        account: random_account(rng).filter(|_| rng.chance(60)),
        to_account: random_account(rng).filter(|_| kind == EntryKind::Transfer && rng.chance(60)),
        date: Some(random_date(rng)),
        time: TimeOfDay::from_seconds(3_600).filter(|_| rng.chance(30)),
        note: (*rng.pick(&["", "two\nlines", "café"])).to_owned(),
        tags: random_tags(rng),
        refund_of: known.first().copied().filter(|_| rng.chance(10)),
        ..NewExpense::new(random_amount(rng), *rng.pick(&["Café", "Bakery", "", "Shop"]))
    }
}

fn random_edit(rng: &mut Rng, known: &[DocumentId]) -> Edit {
    let mut edit = Edit::default();
    for _ in 0..=rng.below(2) {
        match rng.below(11) {
            0 => edit.kind = Some(*rng.pick(&[EntryKind::Expense, EntryKind::Income, EntryKind::Transfer])),
            1 => edit.amount = Some(random_amount(rng)),
            2 | 3 => edit.payee = Some((*rng.pick(&["Café", "Bakery", "", "Shop"])).into()),
            4 => edit.category = Some(random_category(rng).filter(|_| rng.chance(80))),
            5 => edit.account = Some(random_account(rng).filter(|_| rng.chance(80))),
            6 => edit.to_account = Some(random_account(rng).filter(|_| rng.chance(80))),
            7 => edit.date = Some(random_date(rng)),
            8 => edit.time = Some(TimeOfDay::from_seconds(60).filter(|_| rng.chance(70))),
            9 => edit.tags = Some(random_tags(rng)),
            _ => edit.refund_of = Some(known.last().copied().filter(|_| rng.chance(70))),
        }
    }
    if rng.chance(20) {
        edit.amount = Some(eur("9"));
    }
    edit
}

fn random_decision(rng: &mut Rng) -> Option<Decision> {
    *rng.pick(&[Some(Decision::Confirmed), Some(Decision::Dismissed), None])
}

/// Delivers commits to a device in pieces of random size.
pub(crate) fn deliver(device: &Device, commits: &[Commit], rng: &mut Rng, one_by_one: bool) {
    let mut rest = commits;
    while !rest.is_empty() {
        let count = if one_by_one { 1 } else { 1 + rng.below(rest.len()) };
        let (now, later) = rest.split_at(count);
        device.take(now);
        rest = later;
    }
}

/// The documents of which commits speak.
pub(crate) fn ids(commits: &[Commit]) -> BTreeSet<CommitId> {
    commits.iter().map(Commit::id).collect()
}

//! What people do, and what breaks.

use outlay_core::{Engine, LedgerId};
use outlay_ledger::MemberId;
use outlay_ledger::member::{MemberOperation, Role};

use super::checking::HAPPENINGS_PER_CHECK;
use super::{Event, PEOPLE, World};
use crate::Violation;
use crate::coverage::Mark;
use crate::fault::Fault;
use crate::server::Called;
use crate::user::{self, Deed};
use crate::wire::{LinkId, Way};
use crate::{disk, membership};

/// Devices of one world, copies too.
const DEVICES_MAX: usize = 7;
/// Ledgers of one world.
const LEDGERS_MAX: usize = 6;
/// Engines that must have room on the shelf before another fault may kill one: each device may have one waiting.
const ENGINES_SPARE: usize = DEVICES_MAX + 1;
const HOUR_MS: i64 = 3_600_000;
const YEAR_MS: i64 = 365 * 24 * HOUR_MS;

impl World<'_> {
    /// Somebody does something, or something breaks; and some time later something else.
    pub(super) fn happen(&mut self) -> Result<(), Violation> {
        self.happened += 1;
        let pause_ms = self.pause_ms();
        self.plan_in(pause_ms, Event::Happening);
        if self.happened.is_multiple_of(HAPPENINGS_PER_CHECK) {
            self.check_everything(false)?;
        }
        let at = self.fate.below(self.devices.len());
        match self.fate.below(1_000) {
            0..=569 => self.deed(at),
            570..=619 => self.break_connection(at),
            620..=649 => self.slow_down(at),
            650..=669 => self.mix_up(at),
            670..=694 => self.go_offline(at),
            695..=734 => self.arm_device(at),
            735..=769 => self.arm_server(),
            770..=784 => self.kill_device(at),
            785..=799 => self.kill_server(),
            800..=819 => self.back_up_device(at),
            820..=834 => self.restore_device(),
            835..=844 => self.clone_device(at),
            845..=864 => self.back_up_server(),
            865..=889 => self.restore_server(),
            890..=914 => {
                self.turn_clock(at);
                Ok(())
            }
            915..=924 => self.sign_out(at),
            925..=939 => self.join(),
            _ => self.change_members(),
        }
    }

    fn pause_ms(&mut self) -> i64 {
        match self.pace.below(100) {
            0..=59 => self.pace.between(1, 300),
            60..=91 => self.pace.between(300, 2_500),
            92..=97 => self.pace.between(2_500, 15_000),
            _ => self.pace.between(30_000, 100_000),
        }
    }

    /// A user does something with a ledger of a device.
    fn deed(&mut self, at: usize) -> Result<(), Violation> {
        let ledgers = self.devices[at].engine.ledgers()?;
        if ledgers.is_empty() || (ledgers.len() < LEDGERS_MAX / 2 && self.fate.chance(2)) {
            let make = |engine: &Engine, _: &mut _| engine.create_ledger("Trip", outlay_core::Currency::EUR).map(drop);
            return self.user_call(at, "makes a ledger", make).map(drop);
        }
        let ledger = self.fate.pick(&ledgers).id;
        if self.is_alone(at) && self.fate.chance(20) {
            let record = |engine: &Engine, random: &mut _| user::record_for_months(engine, ledger, random);
            return self.user_call(at, "records for months", record).map(drop);
        }
        let mut is_settled = false;
        self.user_call(at, "acts", |engine, random| {
            let (deed, done) = user::act(engine, ledger, random);
            is_settled = deed == Deed::Resolve(true);
            done
        })?;
        if is_settled {
            self.coverage.hit(Mark::Resolved);
        }
        if self.devices[at].environment.skew_ms().abs() > YEAR_MS {
            self.coverage.hit(Mark::Skew);
        }
        Ok(())
    }

    /// Whether a device has recorded without an account so far.
    fn is_alone(&self, at: usize) -> bool {
        let device = &self.devices[at];
        device.person + 1 == PEOPLE && device.login.is_none() && !device.is_signed_out
    }

    fn link_of(&self, at: usize) -> Option<LinkId> {
        self.devices[at].line.as_ref().map(|line| line.link)
    }

    fn break_connection(&mut self, at: usize) -> Result<(), Violation> {
        if let Some(id) = self.link_of(at) {
            self.say(format_args!("the connection {} of d{at} is cut", id.0));
            self.cut(id);
        }
        Ok(())
    }

    /// A device stops reading, or one direction is blocked, for a while.
    fn slow_down(&mut self, at: usize) -> Result<(), Violation> {
        let Some(id) = self.link_of(at) else { return Ok(()) };
        let way = if self.fate.chance(65) { Way::Down } else { Way::Up };
        let for_ms = self.fate.between(500, 40_000);
        self.say(format_args!("{way:?} on {} of d{at} is blocked for {for_ms} ms", id.0));
        if let Some(link) = self.links.get_mut(&id) {
            link.lane(way).withhold();
            self.coverage.hit(Mark::OneWay);
            self.plan_in(for_ms, Event::LetThrough(id, way));
        }
        Ok(())
    }

    /// A frame arrives twice, or before the one that was sent before it.
    ///
    /// Towards a device only twice: there the transport's order is what tells it that everything before CAUGHT_UP has come.
    fn mix_up(&mut self, at: usize) -> Result<(), Violation> {
        let Some(id) = self.link_of(at) else { return Ok(()) };
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        match self.fate.below(3) {
            0 => link.up.repeat(),
            1 => link.down.repeat(),
            _ => {
                link.up.overtake();
                self.coverage.hit(Mark::Reordered);
            }
        }
        self.say(format_args!("frames on {} of d{at} are mixed up", id.0));
        Ok(())
    }

    fn go_offline(&mut self, at: usize) -> Result<(), Violation> {
        let for_ms = self.fate.between(1_000, 60_000);
        self.say(format_args!("d{at} is offline for {for_ms} ms"));
        self.devices[at].is_online = false;
        if let Some(id) = self.link_of(at) {
            self.cut(id);
        }
        self.plan_in(for_ms, Event::Online(at));
        Ok(())
    }

    fn arm_device(&mut self, at: usize) -> Result<(), Violation> {
        let fault = Fault::any(&mut self.fate);
        if fault.is_crash() && !self.shelf.has_room(ENGINES_SPARE) {
            return Ok(());
        }
        let calls = self.fate.below(6);
        self.say(format_args!("d{at} will {fault:?} after {calls} writes"));
        self.devices[at].arm(fault, calls);
        Ok(())
    }

    fn arm_server(&mut self) -> Result<(), Violation> {
        let (fault, calls) = (Fault::any(&mut self.fate), self.fate.below(10));
        self.say(format_args!("the server will {fault:?} after {calls} calls"));
        self.server.armed = Some((fault, calls));
        Ok(())
    }

    fn kill_device(&mut self, at: usize) -> Result<(), Violation> {
        if !self.shelf.has_room(ENGINES_SPARE) {
            return Ok(());
        }
        self.say(format_args!("d{at} is killed"));
        let database = self.devices[at].path.clone();
        self.device_died(at, &database)
    }

    fn kill_server(&mut self) -> Result<(), Violation> {
        if self.server.is_up() {
            self.say(format_args!("the server is killed"));
            self.server.kill()?;
            self.server_is_down();
        }
        Ok(())
    }

    fn back_up_device(&mut self, at: usize) -> Result<(), Violation> {
        let to = self.folder.join(format!("device-backup-{}", self.backups.len())).join("expenses.outlay");
        self.say(format_args!("d{at} is backed up"));
        if self.fate.chance(50) {
            std::fs::create_dir_all(to.parent().unwrap_or(&self.folder))?;
            self.devices[at].engine.backup(&to)?;
        } else {
            disk::copy_database(&self.devices[at].path, &to)?;
        }
        self.backups.push((at, to));
        Ok(())
    }

    /// An old database, with the key as it was.
    fn restore_device(&mut self) -> Result<(), Violation> {
        if self.backups.is_empty() || !self.shelf.has_room(ENGINES_SPARE) {
            return Ok(());
        }
        let (at, path) = self.fate.pick(&self.backups).clone();
        self.say(format_args!("d{at} is restored"));
        self.coverage.hit(Mark::DeviceRestored);
        self.oracle.device_was_restored(at);
        self.restart(at, &path)?;
        self.oracle.state_was_lost(&self.devices);
        Ok(())
    }

    /// The same key and the same tokens on a second device, and both go on.
    fn clone_device(&mut self, at: usize) -> Result<(), Violation> {
        if self.devices.len() >= DEVICES_MAX || !self.shelf.has_room(ENGINES_SPARE + 1) {
            return Ok(());
        }
        let original = &self.devices[at];
        let (person, secret, login) = (original.person, original.secret, original.login.clone());
        let (path, is_signed_out) = (original.path.clone(), original.is_signed_out);
        let copy = self.make_device(person, Some(secret), Some(&path))?;
        self.say(format_args!("d{copy} is a copy of d{at}"));
        self.coverage.hit(Mark::Cloned);
        self.devices[copy].account = login.as_ref().map(|login| login.account.clone()).unwrap_or_default();
        self.devices[copy].login = login;
        self.devices[copy].is_signed_out = is_signed_out;
        self.plan_in(10, Event::Dial(copy));
        if is_signed_out {
            self.plan_in(5_000, Event::SignIn(copy));
        }
        Ok(())
    }

    fn back_up_server(&mut self) -> Result<(), Violation> {
        if self.server.is_up() {
            let is_plain = self.fate.chance(50);
            self.say(format_args!("the server is backed up{}", if is_plain { " by a copy of its files" } else { "" }));
            self.server.back_up(is_plain)?;
        }
        Ok(())
    }

    fn restore_server(&mut self) -> Result<(), Violation> {
        if self.server.backups.is_empty() {
            return Ok(());
        }
        let backup = self.fate.pick(&self.server.backups).clone();
        self.say(format_args!(
            "the server is restored{}",
            if backup.is_plain { " by a copy of its files" } else { "" }
        ));
        self.server.kill()?;
        self.server.restore(&backup)?;
        self.is_rolled_back = true;
        self.server_is_down();
        Ok(())
    }

    fn turn_clock(&mut self, at: usize) {
        let now_ms = self.clock.now_ms();
        let skew_ms = *self.fate.pick(&[0, HOUR_MS, -HOUR_MS, 10 * YEAR_MS, -10 * YEAR_MS, -now_ms]);
        self.say(format_args!("the clock of d{at} is wrong by {skew_ms} ms"));
        self.devices[at].environment.set_skew_ms(skew_ms);
    }

    /// A device is signed out from elsewhere.
    fn sign_out(&mut self, at: usize) -> Result<(), Violation> {
        let Some(login) = &self.devices[at].login else { return Ok(()) };
        let visitor = login.visitor;
        self.say(format_args!("d{at} is signed out from elsewhere"));
        match self.server.sign_out(self.clock.now_ms(), visitor)? {
            Called::Done(_) => self.pass_on_effects(),
            Called::Failed => Ok(()),
            Called::Died => {
                self.server_died();
                Ok(())
            }
        }
    }

    /// A new device logs in, or one that has recorded for months signs up.
    fn join(&mut self) -> Result<(), Violation> {
        let alone = (0..self.devices.len()).find(|at| self.is_alone(*at));
        if let Some(at) = alone.filter(|_| self.fate.chance(50)) {
            return self.sign_in(at);
        }
        if self.devices.len() >= DEVICES_MAX || !self.shelf.has_room(ENGINES_SPARE + 1) {
            return Ok(());
        }
        let person = self.fate.below(PEOPLE - 1);
        let at = self.make_device(person, None, None)?;
        self.sign_in(at)
    }

    /// An owner lets somebody in, gives him another role, or removes him or one of his devices.
    fn change_members(&mut self) -> Result<(), Violation> {
        let owner = self.fate.below(self.devices.len());
        let ledgers = self.devices[owner].engine.ledgers()?;
        let owned: Vec<LedgerId> = ledgers.iter().filter(|l| l.role == Some(Role::Owner)).map(|l| l.id).collect();
        if owned.is_empty() {
            return Ok(());
        }
        let ledger = *self.fate.pick(&owned);
        let whom = self.fate.below(self.devices.len());
        if self.devices[whom].person == self.devices[owner].person && !self.fate.chance(10) {
            return Ok(());
        }
        let commits = self.devices[owner].engine.commits(ledger, &[])?;
        let Some(operation) = self.operation(ledger, &commits, owner, whom) else { return Ok(()) };
        let (secret, now_ms) = (self.devices[owner].secret, self.clock.now_ms());
        let commit = membership::sign(ledger, &commits, &secret, &operation, now_ms, &mut self.fate)?;
        self.say(format_args!("of {ledger}: {}", words(&operation)));
        let take = |engine: &Engine, _: &mut _| engine.take_in(&[commit]).map(drop);
        self.user_call(owner, "says who is a member", take).map(drop)
    }

    fn operation(
        &mut self,
        ledger: LedgerId,
        commits: &[outlay_core::Commit],
        owner: usize,
        whom: usize,
    ) -> Option<MemberOperation> {
        let history = membership::history(ledger, commits);
        let (owner, device) = (self.devices[owner].key, self.devices[whom].key);
        if !history.roles().is_confirmed(&owner) || owner == device {
            return None;
        }
        let member = history.roles().role_of(&device);
        let Some((member, role)) = member else {
            let member = MemberId([u8::try_from(self.devices[whom].person).unwrap_or(0) + 1; 16]);
            return Some(match history.roles().members().contains_key(&member) {
                true => MemberOperation::AddDevice { member, device },
                false => MemberOperation::Add { member, device, role: Role::Editor },
            });
        };
        if !history.roles().is_confirmed(&device) && self.fate.chance(60) {
            return Some(MemberOperation::Confirm { device });
        }
        let devices: Vec<_> = history.roles().devices(&member).map(|(key, _)| key).collect();
        let cut_of = |devices: &[outlay_core::DeviceKey]| {
            let heads = devices.iter().flat_map(|device| membership::chain_heads(commits, device));
            let mut cut: Vec<_> = heads.collect();
            cut.sort_unstable();
            cut.dedup();
            cut
        };
        Some(match self.fate.below(10) {
            0..=3 if role == Role::Viewer => MemberOperation::Role { member, role: Role::Editor, cut: Vec::new() },
            0..=3 => MemberOperation::Role { member, role: Role::Viewer, cut: cut_of(&devices) },
            4..=6 => MemberOperation::Remove { member, cut: cut_of(&devices) },
            7 => MemberOperation::RemoveDevice { member, device, cut: cut_of(&[device]) },
            _ => MemberOperation::Role { member, role: Role::Editor, cut: Vec::new() },
        })
    }
}

fn words(operation: &MemberOperation) -> &'static str {
    match operation {
        MemberOperation::Add { .. } => "a member is added",
        MemberOperation::AddDevice { .. } => "a device is added",
        MemberOperation::Confirm { .. } => "a device is confirmed",
        MemberOperation::Role { role: Role::Viewer, .. } => "a member may only read",
        MemberOperation::Role { .. } => "a member may write",
        MemberOperation::Remove { .. } => "a member is removed",
        MemberOperation::RemoveDevice { .. } => "a device is removed",
        _ => "something else",
    }
}

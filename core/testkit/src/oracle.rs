//! What must hold, whatever happened: looked at after every event.
//!
//! The oracle believes nobody. What is stored it reads from the database files by connections of its own, what was
//! acknowledged it reads off the wire, and what was told to users it is told when the call returned.

pub mod books;
pub mod compare;
pub mod files;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use outlay_core::{Commit, CommitId, DeviceKey, LedgerId};
use outlay_ledger::member::MemberOperation;
use outlay_protocol::message::{Ack, Message, Mode, Open, Run};
use outlay_protocol::{Code, Mark as Mark8, batch};

use crate::Violation;
use crate::coverage::{Coverage, Mark};
use crate::device::Device;
use crate::server::Server;
use crate::wire::LinkId;
use books::Books;
use files::{Held, Logged};

/// How long something may still be delivered to somebody who was removed.
const REMOVAL_MS_MAX: i64 = 1_000;

const TOLD: &str = "what a user was told is saved is stored";
const UNTOLD: &str = "a call that fails changes nothing";
const ACKED: &str = "what the server acknowledges is in its log";
const IN_LOG: &str = "what the server acknowledged stays in its log";
const MEMBERS_ONLY: &str = "nothing of a ledger goes to who is no member of it";
const SHOWN: &str = "no device shows a ledger that it is not a member of";
const IDLE: &str = "a device that has nothing to do holds what the log holds, and the log what it holds";

/// A commit that a user was told is saved.
#[derive(Debug, Clone, Copy)]
struct Told {
    ledger: LedgerId,
    device: usize,
}

/// What the oracle remembers.
#[derive(Debug, Default)]
pub struct Oracle {
    /// The server's logs.
    pub books: Books,
    told: BTreeMap<CommitId, Told>,
    /// Acknowledged by the server, and not lost with what was restored.
    acked: BTreeMap<LedgerId, HashSet<CommitId>>,
    /// What was lost with what was restored, because nobody else held it.
    lost: HashSet<CommitId>,
    handles: HashMap<(LinkId, u32), LedgerId>,
    pushes: HashMap<(LinkId, u32, u32), Vec<CommitId>>,
    lost_access_ms: HashMap<(DeviceKey, LedgerId), i64>,
    /// Who was sent something of which ledger while he was a member of it.
    served: HashSet<(DeviceKey, LedgerId)>,
    /// What the server has refused to each device: it may wait for what it builds on.
    refused: HashMap<usize, HashSet<CommitId>>,
    /// Of these, what its role did not allow: it is offered again now and then, and may be refused again.
    refused_by_role: HashMap<usize, HashSet<CommitId>>,
    /// The epoch of the server's logs.
    epoch: Mark8,
    /// Whether the server was ever restored.
    is_restored: bool,
}

/// What the oracle is told of the moment in which a frame is sent.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The connection.
    pub link: LinkId,
    /// The place of the device among the devices.
    pub number: usize,
    /// The device.
    pub device: DeviceKey,
    /// The row of its account, once that is known.
    pub aid: Option<i64>,
    /// When.
    pub now_ms: i64,
}

impl Oracle {
    /// A call of a user returned: what was stored in it is what he was told, or nothing was stored.
    ///
    /// # Errors
    ///
    /// If a call that failed stored something.
    pub fn user_was_told(
        &mut self,
        device: usize,
        is_done: bool,
        may_be_stored: bool,
        new: &[Held],
    ) -> Result<(), Violation> {
        if !is_done && !may_be_stored && !new.is_empty() {
            return Err(Violation::new(UNTOLD, format!("d{device} stored {} commits", new.len())));
        }
        for held in new.iter().filter(|_| is_done) {
            self.told.insert(held.id, Told { ledger: held.ledger, device });
        }
        Ok(())
    }

    /// The server's logs have grown.
    ///
    /// # Errors
    ///
    /// If they are not in order.
    pub fn server_grew(&mut self, new: &[Logged]) -> Result<(), Violation> {
        self.books.append(new)
    }

    /// A process of the server begins on a database: its logs are read anew.
    ///
    /// # Errors
    ///
    /// If the logs are not in order, or lack what was acknowledged, unless the database is an old one.
    pub fn server_began(&mut self, epoch: Mark8, log: &[Logged], is_rolled_back: bool) -> Result<(), Violation> {
        self.epoch = epoch;
        self.is_restored |= is_rolled_back;
        self.books.forget_logs();
        self.books.append(log)?;
        if is_rolled_back {
            // What it had acknowledged since then must come back; whether it does is looked at when all is healed.
            let books = &self.books;
            self.acked.iter_mut().for_each(|(ledger, acked)| acked.retain(|id| books.pos(*ledger, id).is_some()));
            return Ok(());
        }
        self.check_acked()
    }

    /// Whether everything that was acknowledged is in the logs.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn check_acked(&self) -> Result<(), Violation> {
        for (ledger, acked) in &self.acked {
            if let Some(id) = acked.iter().find(|id| self.books.pos(*ledger, id).is_none()) {
                return Err(Violation::new(IN_LOG, format!("commit {id} of ledger {ledger}")));
            }
        }
        Ok(())
    }

    /// A frame reached the server.
    pub fn frame_up(&mut self, link: LinkId, frame: &[u8], coverage: &mut Coverage) {
        let (handle, number, bytes) = match Message::decode(frame, frame.len()) {
            Ok(Message::Open(open)) => {
                self.handles.insert((link, open.handle), open.ledger);
                self.opens(&open, coverage);
                let Some(push) = open.push else { return };
                (open.handle, push.number, push.batch)
            }
            Ok(Message::Push(push)) => (push.handle, push.number, push.batch),
            _ => return,
        };
        if let Ok(commits) = batch::decode_with_ids(&bytes, &batch::Limits::default()) {
            self.pushes.insert((link, handle, number), commits.iter().map(|(_, id)| *id).collect());
        }
    }

    /// What a device says of where it is, where the log is another one now.
    fn opens(&self, open: &Open, coverage: &mut Coverage) {
        let Some(from) = &open.from else { return };
        if from.epoch != self.epoch {
            coverage.hit(Mark::EpochChange);
            return;
        }
        let end = self.books.end(open.ledger);
        for place in [Some(from.at), open.highest].into_iter().flatten() {
            if !self.books.is_current(open.ledger, place) {
                coverage.hit(if place.pos <= end.pos { Mark::GrownPast } else { Mark::SameEpoch });
            }
        }
    }

    /// The server sent a frame. What it says must be so at this moment.
    ///
    /// # Errors
    ///
    /// If it acknowledges what is not in its log, or sends something to who may not have it.
    pub fn frame_down(
        &mut self,
        moment: Moment,
        frame: &[u8],
        server: &mut Server,
        coverage: &mut Coverage,
    ) -> Result<(), Violation> {
        match Message::decode(frame, frame.len()) {
            Ok(Message::Ack(ack)) => self.ack_sent(moment, &ack, coverage),
            Ok(Message::Commits(commits)) => {
                let ledger = self.handles.get(&(moment.link, commits.handle)).copied();
                let Some(ledger) = ledger else { return Ok(()) };
                let may_open = server.may_open(moment.device, ledger)?
                    || moment.aid.map_or(Ok(false), |aid| server.file().is_brought_by(aid, ledger))?;
                self.commits_sent(moment, ledger, may_open)
            }
            Ok(Message::Opened(opened)) => {
                if matches!(opened.mode, Mode::Heads { .. }) && self.is_restored {
                    coverage.hit(Mark::HeadsAfterRestore);
                }
                Ok(())
            }
            Ok(Message::CaughtUp(caught_up)) => {
                if caught_up.cursor.complete_from != 0 {
                    coverage.hit(Mark::NewestFirst);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn ack_sent(&mut self, moment: Moment, ack: &Ack, coverage: &mut Coverage) -> Result<(), Violation> {
        let link = moment.link;
        let (Some(ledger), Some(pushed)) =
            (self.handles.get(&(link, ack.handle)).copied(), self.pushes.get(&(link, ack.handle, ack.number)))
        else {
            return Ok(());
        };
        let mut pushed = pushed.iter();
        let acked = self.acked.entry(ledger).or_default();
        for run in &ack.runs {
            let (count, place) = match run {
                Run::Stored { first, count, .. } => (*count, Some(*first)),
                Run::Held { count } => (*count, None),
                Run::Refused { count, code, .. } => {
                    if matches!(code, Code::ReadOnly | Code::Removed) {
                        coverage.hit(Mark::RoleRefused);
                    }
                    let refused = pushed.by_ref().take(usize::try_from(*count).unwrap_or(usize::MAX));
                    let refused: Vec<CommitId> = refused.copied().collect();
                    if matches!(code, Code::ReadOnly | Code::Removed) {
                        self.refused_by_role.entry(moment.number).or_default().extend(&refused);
                    }
                    self.refused.entry(moment.number).or_default().extend(refused);
                    continue;
                }
            };
            for at in 0..u64::from(count) {
                let Some(id) = pushed.next() else { break };
                let pos = self.books.pos(ledger, id);
                if pos.is_none() || place.is_some_and(|first| pos != Some(first + at)) {
                    let said = place.map(|first| first + at);
                    return Err(Violation::new(ACKED, format!("commit {id} of {ledger}: at {pos:?}, said {said:?}")));
                }
                acked.insert(*id);
            }
        }
        Ok(())
    }

    fn commits_sent(&mut self, moment: Moment, ledger: LedgerId, may_open: bool) -> Result<(), Violation> {
        if may_open {
            self.lost_access_ms.remove(&(moment.device, ledger));
            self.served.insert((moment.device, ledger));
            return Ok(());
        }
        let since_ms = *self.lost_access_ms.entry((moment.device, ledger)).or_insert(moment.now_ms);
        if moment.now_ms - since_ms > REMOVAL_MS_MAX {
            return Err(Violation::new(MEMBERS_ONLY, format!("ledger {ledger} to device {}", moment.device)));
        }
        Ok(())
    }

    /// A device may no longer open a ledger, from now on.
    pub fn access_lost(&mut self, device: DeviceKey, ledger: LedgerId, now_ms: i64) {
        self.lost_access_ms.insert((device, ledger), now_ms);
    }

    /// Whether the cursors that a device has noted anew pass only what it holds.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn check_cursors(&self, device: &mut Device<'_>, notes: &[files::Noted]) -> Result<(), Violation> {
        let nothing = HashSet::new();
        for noted in notes {
            let Some(cursor) = &noted.cursor else { continue };
            let held = device.held.get(&noted.ledger).unwrap_or(&nothing);
            let checked = self.books.check_cursor(noted.ledger, cursor, held, &mut device.passed);
            checked
                .map_err(|broken| Violation { detail: format!("d{}: {}", device.number, broken.detail), ..broken })?;
        }
        Ok(())
    }

    /// A device says that it has nothing to do with a server that it is connected to.
    ///
    /// # Errors
    ///
    /// If the log lacks something that it holds and that was not refused.
    pub fn check_idle(&self, device: &Device<'_>, may_open: &BTreeSet<LedgerId>) -> Result<(), Violation> {
        let nothing = HashSet::new();
        let refused = self.refused.get(&device.number).unwrap_or(&nothing);
        for noted in device.noted.iter().filter(|noted| noted.code.is_none() && may_open.contains(&noted.ledger)) {
            let held = device.held.get(&noted.ledger).into_iter().flatten();
            let lacking = held.filter(|id| self.books.pos(noted.ledger, id).is_none() && !refused.contains(*id));
            if let Some(id) = lacking.min() {
                return Err(Violation::new(IDLE, format!("d{}: commit {id} of {}", device.number, noted.ledger)));
            }
        }
        Ok(())
    }

    /// Whether a commit was refused to a device because of its role.
    pub fn is_refused_by_role(&self, device: usize, id: &CommitId) -> bool {
        self.refused_by_role.get(&device).is_some_and(|refused| refused.contains(id))
    }

    /// Something was restored to an older state: what nobody holds any more is lost with it, and that is nobody's fault.
    pub fn state_was_lost(&mut self, devices: &[Device<'_>]) {
        let told: Vec<_> = self.told.iter().filter(|(id, told)| !self.is_anywhere(devices, told.ledger, id)).collect();
        let lost: Vec<CommitId> = told.into_iter().map(|(id, _)| *id).collect();
        self.lost.extend(lost);
    }

    fn is_anywhere(&self, devices: &[Device<'_>], ledger: LedgerId, id: &CommitId) -> bool {
        self.books.pos(ledger, id).is_some() || devices.iter().any(|device| device.holds(ledger, id))
    }

    /// Whether everything that users were told is still there.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn check_told(&self, devices: &[Device<'_>]) -> Result<(), Violation> {
        for (id, told) in self.told.iter().filter(|(id, _)| !self.lost.contains(*id)) {
            if !self.is_anywhere(devices, told.ledger, id) {
                return Err(Violation::new(TOLD, format!("commit {id} of d{} in {}", told.device, told.ledger)));
            }
        }
        Ok(())
    }

    /// Whether a device that lived on still holds what its users were told there.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn check_told_here(&self, device: &Device<'_>) -> Result<(), Violation> {
        let own = self.told.iter().filter(|(id, told)| told.device == device.number && !self.lost.contains(*id));
        for (id, told) in own {
            if !device.holds(told.ledger, id) {
                return Err(Violation::new(
                    TOLD,
                    format!("commit {id} is not on d{} in {}", device.number, told.ledger),
                ));
            }
        }
        Ok(())
    }

    /// What a device was told before it was restored is asked for no longer there, but elsewhere.
    pub fn device_was_restored(&mut self, device: usize) {
        self.told.values_mut().filter(|told| told.device == device).for_each(|told| told.device = usize::MAX);
    }

    /// Whether a device shows only ledgers that it is or was a member of. Its admission may be on the way still, or lost with
    /// what was restored, when it was sent something as a member.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn check_shown(&self, device: &Device<'_>) -> Result<(), Violation> {
        for ledger in device.engine.ledgers()?.iter().filter(|ledger| ledger.role.is_none()) {
            let commits = device.engine.commits(ledger.id, &[])?;
            let was_member = self.served.contains(&(device.key, ledger.id));
            if !was_member && !commits.iter().any(|commit| admits(commit, &device.key)) {
                return Err(Violation::new(SHOWN, format!("d{} shows {}", device.number, ledger.id)));
            }
        }
        Ok(())
    }

    /// How much was told to users, and how much of it was lost with what was restored.
    pub fn counts(&self) -> (usize, usize) {
        (self.told.len(), self.lost.len())
    }
}

fn admits(commit: &Commit, key: &DeviceKey) -> bool {
    let operations = commit.records.iter().filter(|record| record.kind.is_of_members());
    let mut operations = operations.filter_map(|record| MemberOperation::decode(record.payload()?).ok());
    operations.any(|operation| match operation {
        MemberOperation::Genesis { device, .. }
        | MemberOperation::Add { device, .. }
        | MemberOperation::AddDevice { device, .. }
        | MemberOperation::Join { device, .. } => device == *key,
        MemberOperation::ReplaceDevice { new, .. } => new == *key,
        _ => false,
    })
}

/// What a frame says, in short.
pub fn words(frame: &[u8]) -> String {
    match Message::decode(frame, frame.len()) {
        Ok(Message::Open(open)) => {
            let push = open.push.as_ref().map(|push| push.number);
            let heads = open.heads.as_ref().map(Vec::len);
            let (from, highest) =
                (open.from.map(|from| (from.at.pos, from.complete_from)), open.highest.map(|at| at.pos));
            format!(
                "OPEN {} {} from {from:?} highest {highest:?} heads {heads:?} push {push:?}",
                open.handle, open.ledger
            )
        }
        Ok(Message::Opened(opened)) => {
            let mode = match &opened.mode {
                Mode::Same => "same".to_owned(),
                Mode::Delta { head, .. } => format!("delta to {}", head.pos),
                Mode::Heads { head, heads, .. } => format!("{} heads to {}", heads.len(), head.pos),
                Mode::Refused(code) => code.to_string(),
            };
            format!("OPENED {:?} {mode}", opened.handles)
        }
        Ok(Message::Push(push)) => format!("PUSH {} number {}", push.handle, push.number),
        Ok(Message::Ack(ack)) => format!("ACK {} number {} {:?}", ack.handle, ack.number, ack.runs),
        Ok(Message::Commits(commits)) => {
            let to = commits.to.map(|(from, to)| (from, to.pos));
            format!("COMMITS {} {to:?}, {} bytes", commits.handle, commits.batch.len())
        }
        Ok(Message::CaughtUp(caught_up)) => {
            let cursor = caught_up.cursor;
            format!("CAUGHT_UP {} at {} from {}", caught_up.handle, cursor.at.pos, cursor.complete_from)
        }
        Ok(Message::Fetch(fetch)) => format!("FETCH {} {:?}, {} ids", fetch.handle, fetch.older, fetch.ids.len()),
        Ok(Message::Error(error)) => format!("ERROR {} {:?}", error.code, error.scope),
        Ok(Message::Ledgers(ledgers)) => format!("LEDGERS {:?}", ledgers.ids),
        Ok(message) => format!("{:02x}", message.encode().first().copied().unwrap_or(0)),
        Err(error) => format!("nothing: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outlay_protocol::Chain;

    const LEDGER: LedgerId = LedgerId([7; 16]);
    const LINK: LinkId = LinkId(1);

    /// A server with one commit in its log, to which two were pushed.
    fn pushed() -> (Oracle, [CommitId; 2]) {
        let ids = [CommitId([1; 32]), CommitId([2; 32])];
        let chain = Chain::START.next(&ids[0]);
        let logged = Logged { ledger: LEDGER, id: ids[0], pos: 1, chain, class: 0, author: DeviceKey([3; 32]) };
        let mut oracle = Oracle::default();
        oracle.server_grew(&[logged]).unwrap();
        oracle.handles.insert((LINK, 1), LEDGER);
        oracle.pushes.insert((LINK, 1, 5), ids.to_vec());
        (oracle, ids)
    }

    fn acknowledge(oracle: &mut Oracle, runs: Vec<Run>) -> Result<(), Violation> {
        let moment = Moment { link: LINK, number: 0, device: DeviceKey([3; 32]), aid: None, now_ms: 0 };
        oracle.ack_sent(moment, &Ack { handle: 1, number: 5, runs }, &mut Coverage::default())
    }

    #[test]
    fn an_acknowledgement_of_what_is_not_in_the_log_is_found() {
        let chain = [0; 8];
        let (mut oracle, _) = pushed();
        let honest = vec![Run::Stored { first: 1, count: 1, chain }];
        assert_eq!(acknowledge(&mut oracle, honest), Ok(()));
        for lie in [
            Run::Stored { first: 1, count: 2, chain },
            Run::Held { count: 2 },
            Run::Stored { first: 2, count: 1, chain },
        ] {
            let (mut oracle, _) = pushed();
            assert_eq!(acknowledge(&mut oracle, vec![lie]).unwrap_err().promise, ACKED);
        }
    }

    #[test]
    fn a_server_that_comes_back_without_what_it_acknowledged_is_found_unless_it_was_restored() {
        let (mut oracle, _) = pushed();
        acknowledge(&mut oracle, vec![Run::Held { count: 1 }]).unwrap();
        assert_eq!(oracle.server_began([0; 8], &[], false).unwrap_err().promise, IN_LOG);
        let (mut oracle, _) = pushed();
        acknowledge(&mut oracle, vec![Run::Held { count: 1 }]).unwrap();
        assert_eq!(oracle.server_began([0; 8], &[], true), Ok(()));
    }

    #[test]
    fn what_a_user_was_told_and_nobody_holds_is_found_and_what_fails_must_store_nothing() {
        let (mut oracle, ids) = pushed();
        let held = [Held { ledger: LEDGER, id: ids[1] }];
        assert_eq!(oracle.user_was_told(0, false, false, &held).unwrap_err().promise, UNTOLD);
        oracle.user_was_told(0, true, false, &held).unwrap();
        assert_eq!(oracle.check_told(&[]).unwrap_err().promise, TOLD);
        oracle.state_was_lost(&[]);
        assert_eq!(oracle.check_told(&[]), Ok(()));
    }
}

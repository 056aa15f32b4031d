//! What is owed goes up: loaded a piece at a time, cut to the size of a frame, and taken note of when it is acknowledged.

use std::collections::VecDeque;

use outlay_ledger::CommitId;
use outlay_ledger::commit::Commit;

use super::line::State;
use super::{ClientOutput, ClientSession, RETRY_MS_MAX, Replica};
use crate::batch::{self, BatchError};
use crate::code::{Code, Then};
use crate::cursor::Place;
use crate::message::{Ack, Inline, Message, PUSH_INLINE_BYTES_MAX, Push, Run};
use crate::session::Outcome;

/// Encoded commits loaded for a byte of a batch: a batch is a half to a quarter of what its commits are one by one.
const LOADED_PER_BYTE: usize = 2;
/// Room in a frame for what is beside the batch.
const ENVELOPE_BYTES_MAX: usize = 64;

/// Commits in one push.
#[derive(Debug)]
pub(in crate::session) struct Part {
    pub(in crate::session) batch: Vec<u8>,
    pub(in crate::session) ids: Vec<CommitId>,
}

/// A push that is not answered.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) handle: u32,
    pub(super) ids: Vec<CommitId>,
}

impl ClientSession {
    /// Sends what is owed, of each ledger in turn, as long as pushes may be in flight.
    pub(super) fn push<R: Replica>(&mut self, replica: &mut R) -> Result<(), R::Error> {
        let handles: Vec<u32> = self.lines.keys().copied().collect();
        for handle in handles {
            while self.is_connected && self.in_flight.len() < self.pushes_in_flight_max {
                let is_first_flight = self.is_first_flight;
                let now_ms = self.now_ms;
                let Some(line) = self.lines.get_mut(&handle) else { break };
                let is_ahead = is_first_flight && line.state == State::Opening;
                if !is_ahead && !line.may_push(now_ms) {
                    break;
                }
                line.restart_if_due();
                self.load(handle, self.frame_bytes_max.saturating_sub(ENVELOPE_BYTES_MAX), replica)?;
                // What cannot leave in this flight is loaded all the same: so it is known whether there is any.
                if !self.may_send() {
                    break;
                }
                let Some(part) = self.lines.get_mut(&handle).and_then(|line| line.parts.pop_front()) else { break };
                let number = self.begin_push(handle, part.ids);
                self.send(&Message::Push(Push { handle, number, batch: part.batch }));
            }
        }
        Ok(())
    }

    fn begin_push(&mut self, handle: u32, ids: Vec<CommitId>) -> u32 {
        self.last_number = self.last_number.wrapping_add(1);
        self.in_flight.insert(self.last_number, InFlight { handle, ids });
        if let Some(line) = self.lines.get_mut(&handle) {
            line.in_flight += 1;
        }
        self.last_number
    }

    /// Loads a piece of what is owed, if nothing is loaded, cut into batches of at most `bytes_max`.
    fn load<R: Replica>(&mut self, handle: u32, bytes_max: usize, replica: &mut R) -> Result<(), R::Error> {
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(()) };
        if !line.parts.is_empty() || !line.may_owe {
            return Ok(());
        }
        let owed = replica.owed(line.ledger, line.owed_after, bytes_max * LOADED_PER_BYTE)?;
        line.may_owe = owed.more;
        if !owed.commits.is_empty() {
            line.owed_after = Some(owed.last);
        }
        line.parts = parts(owed.commits, bytes_max);
        Ok(())
    }

    /// The first push of a ledger, for OPEN, if there is one and it is small enough.
    pub(super) fn inline<R: Replica>(
        &mut self,
        handle: u32,
        bytes_max: usize,
        replica: &mut R,
    ) -> Result<Option<Inline>, R::Error> {
        let bytes_max = bytes_max.min(PUSH_INLINE_BYTES_MAX);
        self.load(handle, PUSH_INLINE_BYTES_MAX, replica)?;
        if self.in_flight.len() >= self.pushes_in_flight_max {
            return Ok(None);
        }
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(None) };
        if line.parts.front().is_none_or(|part| part.batch.len() > bytes_max) {
            return Ok(None);
        }
        let Some(part) = line.parts.pop_front() else { return Ok(None) };
        let number = self.begin_push(handle, part.ids);
        Ok(Some(Inline { number, batch: part.batch }))
    }

    pub(super) fn acknowledged<R: Replica>(&mut self, ack: &Ack, replica: &mut R) -> Result<(), R::Error> {
        let Some(pushed) = self.land(ack.number) else { return Ok(()) };
        let Some(outcomes) = outcomes(&ack.runs, pushed.ids.len()).filter(|_| pushed.handle == ack.handle) else {
            return self.end(Code::Malformed, replica);
        };
        let Some(line) = self.lines.get_mut(&pushed.handle) else { return Ok(()) };
        let mut has_moved = false;
        for run in &ack.runs {
            let Run::Stored { first, count, chain } = *run else { continue };
            let last = Place { pos: first.saturating_add(u64::from(count)).saturating_sub(1), chain };
            line.reach(last);
            if let Some(cursor) = line.cursor.as_mut().filter(|cursor| cursor.at.pos.checked_add(1) == Some(first)) {
                cursor.at = last;
                has_moved = true;
            }
            line.has_progressed();
        }
        let cursor = line.cursor.filter(|_| has_moved);
        let cursor_pos = line.cursor.map(|cursor| cursor.at.pos);
        replica.acknowledged(line.ledger, &pushed.ids, &outcomes, cursor, line.highest())?;
        // A log that was thought to be empty is not: there may be more in it than was pushed. Whoever may not read it finds
        // it empty each time.
        let is_news = cursor_pos == Some(0) && outcomes.contains(&Outcome::Held) && !line.has_looked_again;
        line.has_looked_again |= is_news;
        self.mind_refusals(pushed.handle, &outcomes);
        if is_news { self.open_by_heads(pushed.handle, replica) } else { Ok(()) }
    }

    /// Sees to it that what was refused is tried again when it should be.
    fn mind_refusals(&mut self, handle: u32, outcomes: &[Outcome]) {
        let codes: Vec<Code> = outcomes.iter().filter_map(Outcome::refusal).collect();
        let now_ms = self.now_ms;
        let Some(line) = self.lines.get_mut(&handle).filter(|_| !codes.is_empty()) else { return };
        line.note_refusals();
        if codes.contains(&Code::PredecessorsMissing) && line.restart_for_predecessors() {
            return;
        }
        if let Some(code) = codes.into_iter().find(|code| matches!(code.then(), Then::Waits | Then::Retries)) {
            line.again_at_ms = Some(now_ms + RETRY_MS_MAX);
            self.outputs.push(ClientOutput::Wait { ms: 60_000, code });
        }
    }

    /// Takes note that nothing of a push was taken.
    pub(super) fn push_failed(&mut self, number: u32, code: Code, retry_after_ms: u32) {
        let Some(pushed) = self.land(number) else { return };
        if let Some(line) = self.lines.get_mut(&pushed.handle) {
            line.must_restart = true;
            self.wait(pushed.handle, code, retry_after_ms);
        }
    }

    /// Gives up waiting for the answers to pushes of a ledger that is not open: they may never come, and those that do are
    /// passed over. What was pushed stays owed.
    pub(super) fn forget_pushes(&mut self, handle: u32) {
        self.in_flight.retain(|_, pushed| pushed.handle != handle);
        if let Some(line) = self.lines.get_mut(&handle) {
            line.unload();
            line.in_flight = 0;
        }
    }

    fn land(&mut self, number: u32) -> Option<InFlight> {
        let pushed = self.in_flight.remove(&number)?;
        if let Some(line) = self.lines.get_mut(&pushed.handle) {
            line.in_flight = line.in_flight.saturating_sub(1);
        }
        Some(pushed)
    }
}

/// Commits cut into batches of at most `bytes_max`; one that is bigger by itself goes by itself.
pub(in crate::session) fn parts(commits: Vec<(Commit, CommitId)>, bytes_max: usize) -> VecDeque<Part> {
    let mut parts = VecDeque::new();
    let mut rest = vec![commits];
    while let Some(mut commits) = rest.pop() {
        match batch::encode_with_ids(&commits) {
            _ if commits.is_empty() => {}
            Ok(batch) if batch.len() <= bytes_max || commits.len() == 1 => {
                parts.push_back(Part { batch, ids: commits.iter().map(|(_, id)| *id).collect() });
            }
            Ok(_) | Err(BatchError::TooBig) if commits.len() > 1 => {
                let second = commits.split_off(commits.len() / 2);
                rest.push(second);
                rest.push(commits);
            }
            // A commit of the replica is one that a batch takes.
            _ => {}
        }
    }
    parts
}

/// What became of each commit, if these are as many as were pushed.
pub(in crate::session) fn outcomes(runs: &[Run], count: usize) -> Option<Vec<Outcome>> {
    let mut outcomes = Vec::with_capacity(count);
    for run in runs {
        let (times, outcome) = match run {
            Run::Stored { first, count, chain } => {
                let pos = first.checked_add(u64::from(*count))?.checked_sub(1)?;
                (*count, Outcome::Stored(Place { pos, chain: *chain }))
            }
            Run::Held { count } => (*count, Outcome::Held),
            Run::Refused { count, code, missing } => (*count, Outcome::Refused(*code, missing.clone())),
        };
        let times = usize::try_from(times).ok().filter(|times| *times <= count - outcomes.len())?;
        outcomes.extend(std::iter::repeat_n(outcome, times));
    }
    (outcomes.len() == count).then_some(outcomes)
}

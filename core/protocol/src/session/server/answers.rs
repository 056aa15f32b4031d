//! What storage answers, and what the device is told of it.

use outlay_ledger::CommitId;
use outlay_ledger::commit::Commit;
use outlay_ledger::member::Role;

use super::line::{Deferred, State, Task, Wanted};
use super::{Answer, Asked, OpenMode, Outcome, Place, SAME_MAX, ServerOutput, ServerSession};
use crate::batch::{self, BatchError};
use crate::code::Code;
use crate::cursor::Mark;
use crate::message::{Ack, CaughtUp, Commits, FRAME_BYTES_MAX, MISSING_IDS_MAX, Message, Mode, Opened, Run, Scope};

/// Room in a frame for what is beside the batch.
const ENVELOPE_BYTES_MAX: usize = 64;

impl ServerSession {
    pub(super) fn answer(&mut self, asked: Asked, answer: Answer) {
        match (asked, answer) {
            (Asked::Authenticate { version }, Answer::Authenticated { seconds_left, ledgers }) => {
                self.welcome(version, seconds_left, ledgers);
            }
            (Asked::Authenticate { .. }, Answer::Refused(code, retry_after_ms)) => self.end(code, retry_after_ms, ""),
            (Asked::Authenticate { .. }, _) => self.end(Code::Storage, 0, "no answer about the token"),
            (Asked::Open { handle, generation }, answer) => self.opened(handle, generation, answer),
            (Asked::Append { handle, number, outcomes }, answer) => self.appended(handle, number, outcomes, answer),
            (Asked::Commits { handle, generation, wanted }, answer) => {
                self.commits(handle, generation, wanted, answer);
            }
        }
    }

    fn opened(&mut self, handle: u32, generation: u64, answer: Answer) {
        if self.lines.get(&handle).is_none_or(|line| line.generation != generation) {
            return;
        }
        match answer {
            Answer::Opened { role, epoch, head, mode } => {
                self.begin(handle, epoch.mark(), head, role, mode);
                self.take_deferred(handle);
            }
            Answer::Refused(code, _) => {
                if code == Code::Removed {
                    self.hand_in(handle);
                }
                self.drop_line(handle);
                self.refuse_open(handle, code);
            }
            _ => {
                self.drop_line(handle);
                self.refuse_open(handle, Code::Storage);
            }
        }
    }

    fn begin(&mut self, handle: u32, epoch: Mark, head: Place, role: Option<Role>, mode: OpenMode) {
        let Some(line) = self.lines.get_mut(&handle) else { return };
        line.epoch = epoch;
        line.complete_from = line.from.map_or(0, |from| from.complete_from);
        let mode = match mode {
            OpenMode::Same => {
                line.sent = Some(line.from.map_or(head, |from| from.at));
                line.is_told = true;
                line.grow(head);
                self.same.push((handle, role));
                if self.same.len() >= SAME_MAX {
                    self.tell_same();
                }
                return;
            }
            OpenMode::Delta => {
                match line.from {
                    Some(from) => line.sent = Some(from.at),
                    None if line.months == 0 || head.pos == 0 => line.sent = Some(Place::START),
                    None => line.tasks.push_back(Task::Newest { at: head, months: line.months, after: 0 }),
                }
                Mode::Delta { epoch, head }
            }
            OpenMode::Heads(heads) => {
                if let Some(heads) = line.heads.take() {
                    line.complete_from = 0;
                    if head.pos == 0 {
                        // Nothing can be lacking of a log that holds nothing, and perhaps is yet to be made by a push.
                        line.sent = Some(Place::START);
                    } else {
                        line.tasks.push_back(Task::Lacking { heads, after: 0, to: head });
                    }
                }
                Mode::Heads { epoch, head, heads }
            }
        };
        line.grow(head);
        self.send(&Message::Opened(Opened { handles: vec![handle], role, mode }));
    }

    /// Hands storage what a removed device has pushed with its OPEN: it may keep that aside. The refusal is told in any case.
    fn hand_in(&mut self, handle: u32) {
        let Some(line) = self.lines.get_mut(&handle) else { return };
        let State::Opening(deferred) = std::mem::replace(&mut line.state, State::Open) else { return };
        for deferred in deferred {
            if let Deferred::Push(push) = deferred {
                self.push(push);
            }
        }
    }

    fn take_deferred(&mut self, handle: u32) {
        let Some(line) = self.lines.get_mut(&handle) else { return };
        let State::Opening(deferred) = std::mem::replace(&mut line.state, State::Open) else { return };
        for deferred in deferred {
            match deferred {
                Deferred::Push(push) => self.push(push),
                Deferred::Fetch(fetch) => self.fetch(fetch),
            }
        }
    }

    fn appended(&mut self, handle: u32, number: u32, outcomes: Vec<Option<Outcome>>, answer: Answer) {
        let scope = Scope::Push(handle, number);
        let asked = outcomes.iter().filter(|outcome| outcome.is_none()).count();
        match answer {
            Answer::Appended(stored) if stored.len() == asked => {
                let mut stored = stored.into_iter();
                let whole = outcomes.into_iter().filter_map(|refused| refused.or_else(|| stored.next())).collect();
                self.ack(handle, number, whole);
            }
            Answer::Refused(code, retry_after_ms) => self.send_error(code, scope, retry_after_ms, ""),
            _ => self.send_error(Code::Storage, scope, 0, "no answer to a push"),
        }
    }

    pub(super) fn ack(&mut self, handle: u32, number: u32, outcomes: Vec<Outcome>) {
        // Also when the ledger was opened again meanwhile: the device hears of both in this order.
        if let Some(line) = self.lines.get_mut(&handle) {
            line.acknowledge(&outcomes);
        }
        self.send(&Message::Ack(Ack { handle, number, runs: runs(outcomes) }));
    }

    fn commits(&mut self, handle: u32, generation: u64, wanted: Wanted, answer: Answer) {
        let Some(line) = self.lines.get_mut(&handle).filter(|line| line.generation == generation) else { return };
        line.is_asking = false;
        match (wanted, answer) {
            (Wanted::Next { from }, Answer::Page { commits, to, .. }) if to.pos > from => {
                if let Some((from, commits, to)) = line.advance(from, commits, to) {
                    self.send_commits(handle, commits, Some((from, to)));
                }
            }
            (Wanted::Task, Answer::Page { commits, to, is_last }) => self.task_page(handle, commits, to, is_last),
            (Wanted::Task, Answer::Older { commits, next_after, complete_from }) => {
                self.task_older(handle, commits, next_after, complete_from);
            }
            (_, Answer::Refused(code, retry_after_ms)) => self.fail_line(handle, code, retry_after_ms),
            _ => self.fail_line(handle, Code::Storage, 0),
        }
    }

    /// Commits that the device lacks by its heads, or by id.
    fn task_page(&mut self, handle: u32, commits: Vec<(Commit, CommitId)>, to: Place, is_last: bool) {
        let Some(line) = self.lines.get_mut(&handle) else { return };
        let is_last = match line.tasks.front_mut() {
            Some(Task::Lacking { after, .. }) if is_last || to.pos > *after => {
                *after = to.pos;
                is_last
            }
            Some(Task::ById(_)) => true,
            _ => return self.fail_line(handle, Code::Storage, 0),
        };
        let is_by_id = matches!(line.tasks.front(), Some(Task::ById(_)));
        if is_last {
            line.end_task(0);
        }
        if is_by_id || !commits.is_empty() {
            self.send_commits(handle, commits, None);
        }
    }

    /// The newest months, or older ones.
    fn task_older(
        &mut self,
        handle: u32,
        commits: Vec<(Commit, CommitId)>,
        next_after: Option<u64>,
        complete_from: u16,
    ) {
        let Some(line) = self.lines.get_mut(&handle) else { return };
        let mut is_caught_up = false;
        match (line.tasks.front_mut(), next_after) {
            (Some(Task::Newest { after, .. } | Task::Older { after, .. }), Some(next)) if next != *after => {
                *after = next;
            }
            (Some(Task::Newest { .. }), None) => line.end_task(complete_from),
            (Some(Task::Older { .. }), None) => {
                line.end_task(complete_from);
                is_caught_up = true;
            }
            _ => return self.fail_line(handle, Code::Storage, 0),
        }
        if !commits.is_empty() {
            self.send_commits(handle, commits, None);
        }
        if is_caught_up {
            self.tell_caught_up(handle);
        }
    }

    /// Sends commits in as many frames as they need; only after the last one has the device come to `to`.
    fn send_commits(&mut self, handle: u32, commits: Vec<(Commit, CommitId)>, to: Option<(u64, Place)>) {
        match batch::encode_with_ids(&commits) {
            Ok(batch) if batch.len() + ENVELOPE_BYTES_MAX <= FRAME_BYTES_MAX => {
                self.send(&Message::Commits(Commits { handle, to, batch }));
            }
            Ok(_) | Err(BatchError::TooBig) if commits.len() > 1 => {
                let mut first = commits;
                let second = first.split_off(first.len() / 2);
                self.send_commits(handle, first, None);
                self.send_commits(handle, second, to);
            }
            _ => self.fail_line(handle, Code::Storage, 0),
        }
    }

    /// Says of each ledger that has come to its end that it has.
    pub(super) fn catch_up(&mut self) {
        let is_done = |line: &super::Line| !line.is_told && line.sent.is_some_and(|sent| sent.pos >= line.head.pos);
        let done: Vec<u32> = self.lines.iter().filter(|(_, line)| is_done(line)).map(|(handle, _)| *handle).collect();
        done.into_iter().for_each(|handle| self.tell_caught_up(handle));
    }

    fn tell_caught_up(&mut self, handle: u32) {
        let Some(line) = self.lines.get_mut(&handle) else { return };
        let Some(cursor) = line.cursor() else { return };
        line.is_told = true;
        self.send(&Message::CaughtUp(CaughtUp { handle, cursor }));
    }

    /// Closes a ledger, and says why.
    pub(super) fn fail_line(&mut self, handle: u32, code: Code, retry_after_ms: u32) {
        self.drop_line(handle);
        self.send_error(code, Scope::Ledger(handle), retry_after_ms, "");
    }

    fn drop_line(&mut self, handle: u32) {
        let Some(line) = self.lines.remove(&handle) else { return };
        self.handles.remove(&line.ledger);
        self.same.retain(|(same, _)| *same != handle);
        if line.is_live {
            self.outputs.push(ServerOutput::Unsubscribe(line.ledger));
        }
    }
}

/// Outcomes with what follows one another told once.
fn runs(outcomes: Vec<Outcome>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for outcome in outcomes {
        match (runs.last_mut(), outcome) {
            (Some(Run::Stored { first, count, chain }), Outcome::Stored(place))
                if *first + u64::from(*count) == place.pos =>
            {
                *count += 1;
                *chain = place.chain;
            }
            (Some(Run::Held { count }), Outcome::Held) => *count += 1,
            (Some(Run::Refused { count, code, missing }), Outcome::Refused(other, ids))
                if *code == other && *missing == ids =>
            {
                *count += 1;
            }
            (_, Outcome::Stored(place)) => {
                runs.push(Run::Stored { first: place.pos, count: 1, chain: place.chain });
            }
            (_, Outcome::Held) => runs.push(Run::Held { count: 1 }),
            (_, Outcome::Refused(code, mut missing)) => {
                missing.truncate(MISSING_IDS_MAX);
                runs.push(Run::Refused { count: 1, code, missing });
            }
        }
    }
    runs
}

//! What a device may send once it is known: OPEN, PUSH, FETCH, and a new token.

use outlay_ledger::commit::Commit;
use outlay_ledger::{CommitId, LedgerId};

use super::greeting::Phase;
use super::line::{Deferred, Line, State, TASKS_MAX, Task};
use super::{Asked, Outcome, Question, ServerOutput, ServerSession};
use crate::batch;
use crate::code::Code;
use crate::message::{Fetch, Message, Mode, Open, Opened, Push, Scope};
use crate::version::VERSION_MAX;

/// The type byte of AUTH.
const AUTH: u8 = 0x03;

impl ServerSession {
    pub(super) fn frame(&mut self, frame: &[u8]) {
        self.expire();
        if frame.len() > self.limits.frame_bytes_max {
            return self.end(Code::TooBig, 0, "the frame is too big");
        }
        match self.phase {
            Phase::Greeting { .. } => self.greet(frame),
            Phase::Authenticating(_) => self.wait(frame),
            Phase::Open(_) if self.is_expired && frame.first() != Some(&AUTH) => self.wait(frame),
            Phase::Open(_) => self.look_at(frame),
            Phase::Closed => {}
        }
    }

    fn wait(&mut self, frame: &[u8]) {
        self.waiting_bytes += frame.len();
        if self.waiting_bytes > self.limits.waiting_bytes_max {
            return self.end(Code::Busy, 0, "too many bytes wait");
        }
        self.waiting.push_back(frame.to_vec());
    }

    /// Takes what waited for the token.
    pub(super) fn look_at_waiting(&mut self) {
        while matches!(self.phase, Phase::Open(_)) && !self.is_expired {
            let Some(frame) = self.waiting.pop_front() else { return };
            self.waiting_bytes -= frame.len();
            self.look_at(&frame);
        }
    }

    fn look_at(&mut self, frame: &[u8]) {
        let Phase::Open(device) = self.phase else { return };
        match Message::decode(frame, self.limits.frame_bytes_max) {
            Ok(Message::Open(open)) => self.open(open),
            Ok(Message::Push(push)) => self.push(push),
            Ok(Message::Fetch(fetch)) => self.fetch(fetch),
            Ok(Message::Auth(auth)) => self.auth(auth, device, VERSION_MAX, true),
            Ok(Message::Error(_) | Message::Skipped(_)) => {}
            Ok(_) => self.end(Code::OutOfOrder, 0, "this message is not for a server"),
            Err(error) => self.end(error.code(), 0, &error.to_string()),
        }
    }

    fn open(&mut self, open: Open) {
        let known = self.handles.get(&open.ledger);
        let is_other = known.map_or_else(|| self.lines.contains_key(&open.handle), |handle| *handle != open.handle);
        if is_other {
            return self.end(Code::OutOfOrder, 0, "a handle or a ledger is opened twice");
        }
        if known.is_none() && self.lines.len() >= self.limits.ledgers_max {
            return self.refuse_open(open.handle, Code::TooMany);
        }
        self.open_line(open);
    }

    pub(super) fn refuse_open(&mut self, handle: u32, code: Code) {
        self.send(&Message::Opened(Opened { handles: vec![handle], role: None, mode: Mode::Refused(code) }));
    }

    fn open_line(&mut self, open: Open) {
        self.last_generation += 1;
        let generation = self.last_generation;
        let mut line = Line::new(open.ledger, generation);
        let question = Question::Open {
            ledger: open.ledger,
            from: open.from,
            highest: open.highest,
            heads: open.heads.clone(),
            has_push: open.push.is_some(),
        };
        (line.is_live, line.from, line.heads, line.months) = (open.live, open.from, open.heads, open.months);
        line.state = State::Opening(open.push.map(|inline| (open.handle, inline).into()).into_iter().collect());
        if open.live {
            // Before the question, so that no growth falls between its answer and the subscription.
            self.outputs.push(ServerOutput::Subscribe(open.ledger));
        }
        self.lines.insert(open.handle, line);
        self.handles.insert(open.ledger, open.handle);
        self.ask(Asked::Open { handle: open.handle, generation }, question);
    }

    pub(super) fn push(&mut self, push: Push) {
        let scope = Scope::Push(push.handle, push.number);
        if self.pushes_in_flight() >= self.limits.pushes_in_flight_max {
            return self.end(Code::TooMany, 0, "too many pushes in flight");
        }
        let Some(line) = self.lines.get_mut(&push.handle) else {
            return self.send_error(Code::NoSuchLedger, scope, 0, "not open");
        };
        if let State::Opening(deferred) = &mut line.state {
            return deferred.push_back(Deferred::Push(push));
        }
        let ledger = line.ledger;
        match batch::decode_with_ids(&push.batch, &batch::Limits::default()) {
            Ok(commits) => {
                let (outcomes, commits) = of_ledger(ledger, commits);
                self.append(push.handle, push.number, outcomes, commits);
            }
            Err(error) => self.send_error(Code::Batch, scope, 0, &error.to_string()),
        }
    }

    fn append(&mut self, handle: u32, number: u32, outcomes: Vec<Option<Outcome>>, commits: Vec<(Commit, CommitId)>) {
        let Some(ledger) = self.lines.get(&handle).map(|line| line.ledger) else { return };
        if commits.is_empty() {
            return self.ack(handle, number, outcomes.into_iter().flatten().collect());
        }
        let asked = Asked::Append { handle, number, outcomes };
        self.ask(asked, Question::Append { ledger, commits });
    }

    pub(super) fn fetch(&mut self, fetch: Fetch) {
        let Some(line) = self.lines.get_mut(&fetch.handle) else {
            return self.send_error(Code::NoSuchLedger, Scope::Ledger(fetch.handle), 0, "not open");
        };
        if let State::Opening(deferred) = &mut line.state {
            if deferred.len() < TASKS_MAX * 2 {
                deferred.push_back(Deferred::Fetch(fetch));
            }
            return;
        }
        if line.tasks.len() >= TASKS_MAX {
            return self.end(Code::TooMany, 0, "too many FETCHes");
        }
        if let Some(older) = fetch.older {
            line.tasks.push_back(Task::Older { older, at: None, after: 0 });
        }
        if !fetch.ids.is_empty() {
            line.tasks.push_back(Task::ById(fetch.ids));
        }
    }
}

/// Commits that are of the ledger, and a refusal in place of each that is not.
type OfLedger = (Vec<Option<Outcome>>, Vec<(Commit, CommitId)>);

fn of_ledger(ledger: LedgerId, commits: Vec<(Commit, CommitId)>) -> OfLedger {
    let outcomes = commits
        .iter()
        .map(|(commit, id)| (commit.ledger(id) != ledger).then(|| Outcome::Refused(Code::WrongLedger, Vec::new())));
    let outcomes: Vec<_> = outcomes.collect();
    let commits = commits.into_iter().filter(|(commit, id)| commit.ledger(id) == ledger).collect();
    (outcomes, commits)
}

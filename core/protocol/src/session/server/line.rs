//! One ledger on a connection, seen from the server: where the device is in the log, and what it is to be sent next.

use std::collections::VecDeque;

use outlay_ledger::commit::Commit;
use outlay_ledger::{CommitId, LedgerId};

use super::question::Question;
use crate::cursor::{Cursor, Mark, Place};
use crate::heads::Ladder;
use crate::message::{Fetch, Inline, Older, Push};
use crate::session::Outcome;

/// Runs of acknowledged commits remembered beyond what was sent: more are sent again, which is only bytes.
const ACKNOWLEDGED_MAX: usize = 64;
/// FETCHes that wait for their turn.
pub(super) const TASKS_MAX: usize = 8;

/// One ledger on a connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) ledger: LedgerId,
    /// Which OPEN of the handle this is: answers to questions of an earlier one are passed over.
    pub(super) generation: u64,
    pub(super) is_live: bool,
    /// What OPEN said of where the device is.
    pub(super) from: Option<Cursor>,
    pub(super) heads: Option<Vec<Ladder>>,
    pub(super) months: u16,
    pub(super) state: State,
    /// The end of the log, as far as is known.
    pub(super) head: Place,
    pub(super) epoch: Mark,
    /// Up to where the device has the log; `None` until it has a place in it. The device keeps the same account.
    pub(super) sent: Option<Place>,
    pub(super) complete_from: u16,
    /// Whether OPENED or CAUGHT_UP has said that the device is at the end.
    pub(super) is_told: bool,
    /// What the device pushed beyond `sent`, ascending: position of the first, place of the last.
    acknowledged: Vec<(u64, Place)>,
    pub(super) tasks: VecDeque<Task>,
    /// Whether a question for commits is outstanding.
    pub(super) is_asking: bool,
}

/// Whether the ledger may be spoken of.
#[derive(Debug)]
pub(super) enum State {
    /// Storage is asked; what the device sent meanwhile.
    Opening(VecDeque<Deferred>),
    /// It is open.
    Open,
}

/// What came before the ledger was open.
#[derive(Debug)]
pub(super) enum Deferred {
    Push(Push),
    Fetch(Fetch),
}

impl From<(u32, Inline)> for Deferred {
    fn from((handle, inline): (u32, Inline)) -> Self {
        Self::Push(Push { handle, number: inline.number, batch: inline.batch })
    }
}

/// Commits to send that are not the next ones of the log.
#[derive(Debug)]
pub(super) enum Task {
    /// The newest months, for a device without a cursor.
    Newest { at: Place, months: u16, after: u64 },
    /// What the device lacks, by its heads.
    Lacking { heads: Vec<Ladder>, after: u64, to: Place },
    /// Older months. `at` is the place of the cursor when it was begun.
    Older { older: Older, at: Option<u64>, after: u64 },
    /// Commits by id.
    ById(Vec<CommitId>),
}

/// What kind of commits a question asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The next ones of the log, from a position.
    Next { from: u64 },
    /// Those of the first task.
    Task,
}

/// The next commits of the log: the position before them, those that the device does not have, and the place after them.
type Next = (u64, Vec<(Commit, CommitId)>, Place);

impl Line {
    pub(super) fn new(ledger: LedgerId, generation: u64) -> Self {
        Self {
            ledger,
            generation,
            is_live: false,
            from: None,
            heads: None,
            months: 0,
            state: State::Opening(VecDeque::new()),
            head: Place::START,
            epoch: [0; 8],
            sent: None,
            complete_from: 0,
            is_told: false,
            acknowledged: Vec::new(),
            tasks: VecDeque::new(),
            is_asking: false,
        }
    }

    /// Takes note of the end of the log.
    pub(super) fn grow(&mut self, head: Place) {
        if head.pos > self.head.pos {
            self.head = head;
        }
    }

    /// Pushes that wait for the ledger to be open.
    pub(super) fn deferred_pushes(&self) -> usize {
        match &self.state {
            State::Opening(deferred) => deferred.iter().filter(|d| matches!(d, Deferred::Push(_))).count(),
            State::Open => 0,
        }
    }

    /// Whether there is something to ask for.
    pub(super) fn has_work(&self) -> bool {
        !self.is_asking && (self.is_behind() || self.has_task())
    }

    fn has_task(&self) -> bool {
        match self.tasks.front() {
            Some(Task::Older { .. }) => self.sent.is_some(),
            other => other.is_some(),
        }
    }

    fn is_behind(&self) -> bool {
        (self.is_live || !self.is_told) && self.sent.is_some_and(|sent| sent.pos < self.head.pos)
    }

    /// The next question for commits. New ones go before older months.
    pub(super) fn next_question(&mut self, bytes_max: usize) -> Option<(Wanted, Question)> {
        let ledger = self.ledger;
        if self.is_behind() {
            let from = self.sent?.pos;
            return Some((Wanted::Next { from }, Question::Page { ledger, from, to: self.head.pos, bytes_max }));
        }
        let sent = self.sent;
        let question = match self.tasks.front_mut()? {
            Task::Newest { at, months, after } => {
                Question::Older { ledger, at: at.pos, before: u16::MAX, months: *months, after: *after, bytes_max }
            }
            Task::Lacking { heads, after, to } => {
                Question::Lacking { ledger, heads: heads.clone(), after: *after, to: to.pos, bytes_max }
            }
            Task::Older { older, at, after } => {
                let at = *at.get_or_insert(sent?.pos);
                let Older { before, months } = *older;
                Question::Older { ledger, at, before, months, after: *after, bytes_max }
            }
            Task::ById(ids) => Question::ById { ledger, ids: ids.clone() },
        };
        Some((Wanted::Task, question))
    }

    /// The cursor that the device has after what was sent.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        let complete_from = self.complete_from;
        self.sent.map(|at| Cursor { epoch: self.epoch, at, complete_from })
    }

    /// Takes note of commits of the device that are stored. Those that are the next ones of the log need not be sent.
    pub(super) fn acknowledge(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            let Outcome::Stored(place) = outcome else { continue };
            self.grow(*place);
            match &mut self.sent {
                Some(sent) if place.pos == sent.pos + 1 => *sent = *place,
                _ => self.remember(*place),
            }
        }
    }

    fn remember(&mut self, place: Place) {
        let has_room = self.acknowledged.len() < ACKNOWLEDGED_MAX;
        match self.acknowledged.last_mut() {
            Some((_, last)) if last.pos + 1 == place.pos => *last = place,
            Some((_, last)) if last.pos >= place.pos => {}
            _ if has_room => self.acknowledged.push((place.pos, place)),
            _ => {}
        }
    }

    /// Takes the next commits of the log. `None` if the device has got beyond them meanwhile.
    pub(super) fn advance(&mut self, from: u64, commits: Vec<(Commit, CommitId)>, to: Place) -> Option<Next> {
        let sent = self.sent.filter(|sent| sent.pos < to.pos)?;
        let has_all = commits.len() as u64 == to.pos.saturating_sub(from);
        let is_new = |pos: u64| {
            pos > sent.pos && !self.acknowledged.iter().any(|(first, last)| (*first..=last.pos).contains(&pos))
        };
        let new = (from + 1..).zip(commits).filter(|(pos, _)| !has_all || is_new(*pos)).map(|(_, commit)| commit);
        let new: Vec<_> = new.collect();
        let mut to = to;
        self.acknowledged.retain(|(first, last)| {
            if *first <= to.pos + 1 && last.pos > to.pos {
                to = *last;
            }
            last.pos > to.pos
        });
        self.sent = Some(to);
        self.grow(to);
        Some((sent.pos, new, to))
    }

    /// Ends the first task: the device has a place in the log from here on, or older months.
    pub(super) fn end_task(&mut self, complete_from: u16) {
        match self.tasks.pop_front() {
            Some(Task::Newest { at, .. } | Task::Lacking { to: at, .. }) => {
                self.sent = Some(at);
                self.complete_from = complete_from;
            }
            Some(Task::Older { .. }) => self.complete_from = complete_from,
            Some(Task::ById(_)) | None => {}
        }
    }
}

//! One ledger on a connection, seen from the device.

use std::collections::VecDeque;

use outlay_ledger::LedgerId;

use super::push::Part;
use super::{RETRY_MS_MAX, RETRY_MS_MIN};
use crate::cursor::{Cursor, Place};

/// How often what is owed is gone through again because predecessors were missing.
const RESTARTS_MAX: u8 = 8;

/// One ledger on a connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) ledger: LedgerId,
    pub(super) state: State,
    /// The newest months that were asked for.
    pub(super) months: u16,
    /// Where the device is in the log; the server keeps the same account. `None` while it has no place in it.
    pub(super) cursor: Option<Cursor>,
    /// What it was when the ledger was opened.
    pub(super) opened_from: Option<Cursor>,
    /// The greatest place acknowledged or pulled in this log.
    pub(super) highest: Option<Place>,
    /// Whether OPEN had the heads, and whether it had a push.
    pub(super) has_sent_heads: bool,
    pub(super) has_sent_push: bool,
    /// The local number up to which what is owed was loaded.
    pub(super) owed_after: Option<u64>,
    /// Whether there may be more.
    pub(super) may_owe: bool,
    /// Loaded and not yet sent.
    pub(super) parts: VecDeque<Part>,
    /// Whether what is owed is to be gone through again once nothing is in flight.
    pub(super) must_restart: bool,
    /// Whether anything was refused on this connection.
    has_refusals: bool,
    /// Whether something was stored or came since that may have lifted a refusal: what is owed is gone through again, after
    /// the rest of it was pushed.
    must_retry: bool,
    restarts: u8,
    pub(super) in_flight: usize,
    pub(super) is_fetching: bool,
    /// Whether everything was offered to a server that knows nothing of a ledger that it knew.
    pub(super) has_offered_all: bool,
    /// Whether a log that was said to be empty, and held what was pushed, was opened once more.
    pub(super) has_looked_again: bool,
    pub(super) has_fetched_missing: bool,
    /// When the ledger may be opened, or pushed to, again.
    pub(super) retry_at_ms: Option<i64>,
    /// When what was refused is pushed again; the rest goes on.
    pub(super) again_at_ms: Option<i64>,
    waits: u32,
}

/// How far a ledger has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// To be opened as soon as its first push may leave with OPEN: a server that does not know it would refuse it without.
    Unopened,
    /// OPEN was sent.
    Opening,
    /// OPENED has come, and commits come.
    Pulling,
    /// Everything has come, but for older months.
    CaughtUp,
    /// Not open; tried again later.
    Refused,
}

impl Line {
    pub(super) fn new(ledger: LedgerId) -> Self {
        Self {
            ledger,
            state: State::Unopened,
            months: 0,
            cursor: None,
            opened_from: None,
            highest: None,
            has_sent_heads: false,
            has_sent_push: false,
            owed_after: None,
            may_owe: true,
            parts: VecDeque::new(),
            must_restart: false,
            has_refusals: false,
            must_retry: false,
            restarts: 0,
            in_flight: 0,
            is_fetching: false,
            has_offered_all: false,
            has_looked_again: false,
            has_fetched_missing: false,
            retry_at_ms: None,
            again_at_ms: None,
            waits: 0,
        }
    }

    /// Whether nothing is to be done: neither now nor once an answer has come.
    pub(super) fn is_idle(&self, now_ms: i64) -> bool {
        let is_waiting = self.retry_at_ms.is_some_and(|at| at > now_ms);
        let is_pulled = self.state == State::CaughtUp
            && !self.is_fetching
            && self.cursor.is_none_or(|cursor| cursor.complete_from == 0);
        let is_pushed = self.is_loaded_through() && !self.must_restart && !self.must_retry;
        let is_refused = self.state == State::Refused && is_waiting;
        is_refused || (is_pulled && (is_pushed || is_waiting))
    }

    /// Whether pushes may go now.
    pub(super) fn may_push(&self, now_ms: i64) -> bool {
        matches!(self.state, State::Pulling | State::CaughtUp)
            && self.retry_at_ms.is_none_or(|at| at <= now_ms)
            && (!self.must_restart || self.in_flight == 0)
    }

    /// Whether a server that does not know the ledger may have known it, and was offered nothing of it.
    pub(super) fn may_offer_all(&self) -> bool {
        (self.opened_from.is_some() || self.has_sent_heads) && !self.has_sent_push && !self.has_offered_all
    }

    /// Whether nothing more of what is owed is to be loaded or sent.
    fn is_loaded_through(&self) -> bool {
        self.parts.is_empty() && !self.may_owe
    }

    /// Goes through what is owed from its beginning, if it is time to.
    pub(super) fn restart_if_due(&mut self) {
        if self.must_restart || (self.must_retry && self.is_loaded_through() && self.in_flight == 0) {
            self.unload();
        }
    }

    /// Forgets what was loaded of what is owed.
    pub(super) fn unload(&mut self) {
        (self.owed_after, self.may_owe, self.must_restart, self.must_retry) = (None, true, false, false);
        self.parts.clear();
    }

    pub(super) fn note_refusals(&mut self) {
        self.has_refusals = true;
    }

    /// Goes through what is owed again, but not for ever.
    pub(super) fn restart_for_predecessors(&mut self) -> bool {
        self.restarts += 1;
        self.must_restart = self.restarts <= RESTARTS_MAX;
        self.must_restart
    }

    /// Takes note that something was stored or came: what was refused for lack of a predecessor or of a role may be taken
    /// now.
    pub(super) fn has_progressed(&mut self) {
        self.waits = 0;
        self.restarts = 0;
        self.must_retry |= self.has_refusals;
    }

    /// How long to wait this time.
    pub(super) fn next_wait_ms(&mut self) -> i64 {
        let ms = RETRY_MS_MIN << self.waits.min(8);
        self.waits += 1;
        ms.min(RETRY_MS_MAX)
    }

    /// Takes note of a place in the log.
    pub(super) fn reach(&mut self, place: Place) {
        if self.highest.is_none_or(|highest| highest.pos < place.pos) {
            self.highest = Some(place);
        }
    }

    /// The greatest place there is in this log.
    pub(super) fn highest(&self) -> Place {
        self.highest.or(self.cursor.map(|cursor| cursor.at)).unwrap_or(Place::START)
    }
}

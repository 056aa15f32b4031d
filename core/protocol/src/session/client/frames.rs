//! What a server says.

use super::line::State;
use super::{ClientOutput, ClientSession, RENEW_MS, Replica};
use crate::batch;
use crate::code::Code;
use crate::cursor::{Cursor, Place};
use crate::message::{CaughtUp, Commits, Error, FRAME_BYTES_MAX, Message, Mode, Opened, Scope, Welcome};

impl ClientSession {
    pub(super) fn frame<R: Replica>(&mut self, frame: &[u8], replica: &mut R) -> Result<(), R::Error> {
        match Message::decode(frame, FRAME_BYTES_MAX) {
            Ok(Message::Welcome(welcome)) => {
                self.welcome(&welcome);
                Ok(())
            }
            Ok(Message::Opened(opened)) => self.opened(opened, replica),
            Ok(Message::Ack(ack)) => self.acknowledged(&ack, replica),
            Ok(Message::Commits(commits)) => self.commits(&commits, replica),
            Ok(Message::CaughtUp(caught_up)) => self.caught_up(&caught_up, replica),
            Ok(Message::Ledgers(ledgers)) => {
                replica.offered(&ledgers.ids)?;
                self.open_new(replica)
            }
            Ok(Message::Error(error)) => self.error(&error, replica),
            Ok(Message::Skipped(_)) => Ok(()),
            Ok(_) => self.end(Code::OutOfOrder, replica),
            Err(error) => self.end(error.code(), replica),
        }
    }

    fn welcome(&mut self, welcome: &Welcome) {
        self.is_welcome = true;
        let frame_bytes_max = usize::try_from(welcome.frame_bytes_max).unwrap_or(usize::MAX);
        self.frame_bytes_max = frame_bytes_max.min(crate::message::PUSH_FRAME_BYTES_MAX);
        self.pushes_in_flight_max = usize::from(welcome.pushes_in_flight_max.max(1));
        let left_ms = i64::from(welcome.seconds_left) * 1_000;
        self.renew_at_ms = Some(self.now_ms + left_ms - RENEW_MS.min(left_ms / 2));
    }

    fn opened<R: Replica>(&mut self, opened: Opened, replica: &mut R) -> Result<(), R::Error> {
        for handle in &opened.handles {
            self.opened_one(*handle, &opened.mode, replica)?;
        }
        Ok(())
    }

    fn opened_one<R: Replica>(&mut self, handle: u32, mode: &Mode, replica: &mut R) -> Result<(), R::Error> {
        let Some(line) = self.lines.get_mut(&handle).filter(|line| line.state == State::Opening) else { return Ok(()) };
        match mode {
            Mode::Same => {
                line.cursor = line.opened_from;
                self.come_to_the_end(handle, replica)
            }
            Mode::Delta { epoch, head } => {
                line.state = State::Pulling;
                // A commit that is held already may be anywhere up to the end. Should that be acknowledged, and the log then
                // be one without it, the end is missed.
                line.reach(*head);
                let is_in_order = line.months == 0 || head.pos == 0;
                let start = Cursor { epoch: *epoch, at: Place::START, complete_from: 0 };
                line.cursor = line.opened_from.or(is_in_order.then_some(start));
                Ok(())
            }
            Mode::Heads { heads, .. } => {
                line.state = State::Pulling;
                (line.cursor, line.highest) = (None, None);
                line.must_restart = true;
                if line.has_sent_heads {
                    replica.server_holds(line.ledger, heads)
                } else {
                    self.open_by_heads(handle, replica)
                }
            }
            Mode::Refused(Code::NoSuchLedger) if line.may_offer_all() => self.offer_all(handle, replica),
            Mode::Refused(code) => self.refuse(handle, *code, 0, replica),
        }
    }

    fn commits<R: Replica>(&mut self, commits: &Commits, replica: &mut R) -> Result<(), R::Error> {
        let handle = commits.handle;
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(()) };
        if !matches!(line.state, State::Pulling | State::CaughtUp) {
            return Ok(());
        }
        // Before CAUGHT_UP gives a first place in the log, what comes in its order comes without moving anything.
        let is_next = |(from, _): &(u64, Place)| line.cursor.is_none_or(|cursor| cursor.at.pos >= *from);
        let Ok(mut taken) = batch::decode_with_ids(&commits.batch, &batch::Limits::default()) else {
            return self.refuse(handle, Code::Batch, 0, replica);
        };
        if !commits.to.as_ref().is_none_or(is_next) {
            return self.refuse(handle, Code::OutOfOrder, 0, replica);
        }
        let ledger = line.ledger;
        taken.retain(|(commit, id)| commit.ledger(id) == ledger);
        let cursor = commits.to.and_then(|(_, at)| line.cursor.map(|cursor| Cursor { at, ..cursor }));
        let cursor = cursor.filter(|cursor| line.cursor.is_some_and(|before| before.at.pos < cursor.at.pos));
        let is_any = !taken.is_empty();
        replica.take(ledger, taken, cursor)?;
        if let Some(cursor) = cursor {
            line.cursor = Some(cursor);
            line.reach(cursor.at);
        }
        if is_any {
            line.has_progressed();
        }
        Ok(())
    }

    fn caught_up<R: Replica>(&mut self, caught_up: &CaughtUp, replica: &mut R) -> Result<(), R::Error> {
        let Some(line) = self.lines.get_mut(&caught_up.handle) else { return Ok(()) };
        if !matches!(line.state, State::Pulling | State::CaughtUp) {
            return Ok(());
        }
        line.is_fetching = false;
        line.reach(caught_up.cursor.at);
        let (ledger, highest) = (line.ledger, line.highest());
        if line.cursor != Some(caught_up.cursor) || line.opened_from.is_none() {
            replica.set_cursor(ledger, caught_up.cursor, highest)?;
        }
        line.cursor = Some(caught_up.cursor);
        self.by_heads.remove(&ledger);
        self.come_to_the_end(caught_up.handle, replica)
    }

    /// Everything is here but for older months, which are asked for now, and what is named and nowhere to be found.
    fn come_to_the_end<R: Replica>(&mut self, handle: u32, replica: &mut R) -> Result<(), R::Error> {
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(()) };
        line.state = State::CaughtUp;
        self.outputs.push(ClientOutput::CaughtUp(line.ledger));
        self.fetch_older();
        self.fetch_missing(handle, replica)
    }

    fn error<R: Replica>(&mut self, error: &Error, replica: &mut R) -> Result<(), R::Error> {
        match error.scope {
            Scope::Connection if error.code == Code::TokenExpired => {
                self.renew_at_ms = None;
                self.outputs.push(ClientOutput::NeedsToken);
                Ok(())
            }
            Scope::Connection => self.end(error.code, replica),
            Scope::Ledger(handle) => self.refuse(handle, error.code, error.retry_after_ms, replica),
            Scope::Push(_, number) => {
                self.push_failed(number, error.code, error.retry_after_ms);
                Ok(())
            }
        }
    }
}

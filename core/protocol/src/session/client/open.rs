//! Ledgers are opened: where the device is in them, what it wants, and the first push.

use outlay_ledger::LedgerId;

use super::line::{Line, State};
use super::{ClientSession, Replica};
use crate::cursor::Cursor;
use crate::heads::{LADDER_IDS_MAX, LADDERS_MAX, Ladder};
use crate::message::{Fetch, Message, Older, Open, PUSH_INLINE_BYTES_MAX};

/// Months of one FETCH: a year is some hundred expenses a month, and what was fetched is not fetched again.
const MONTHS_PER_FETCH: u16 = 12;
/// Bytes of all first pushes in one flight.
const INLINE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of heads in one OPEN: they leave room in a frame for a first push.
const HEADS_BYTES_MAX: usize = 160 * 1024;

impl ClientSession {
    /// Opens the ledgers that are to be open and are not.
    pub(super) fn open_new<R: Replica>(&mut self, replica: &mut R) -> Result<(), R::Error> {
        // Something was written, or is as the replica is asked for its ledgers: what one that is new there is to have.
        self.lines.values_mut().for_each(|line| line.may_owe = true);
        if !self.may_send() {
            return Ok(());
        }
        for ledger in replica.ledgers()? {
            if self.handles.contains_key(&ledger) {
                continue;
            }
            let handle = u32::try_from(self.lines.len() + 1).unwrap_or(u32::MAX);
            self.handles.insert(ledger, handle);
            self.lines.insert(handle, Line::new(ledger));
        }
        self.open_waiting(replica)
    }

    /// Opens what is not open yet, as far as first pushes may leave.
    pub(super) fn open_waiting<R: Replica>(&mut self, replica: &mut R) -> Result<(), R::Error> {
        if !self.may_send() {
            return Ok(());
        }
        let waiting = self.lines.iter().filter(|(_, line)| line.state == State::Unopened);
        let waiting: Vec<u32> = waiting.map(|(handle, _)| *handle).collect();
        let mut inline_bytes_max = INLINE_BYTES_MAX;
        for handle in waiting {
            inline_bytes_max -= self.open(handle, Some(inline_bytes_max), replica)?;
        }
        Ok(())
    }

    /// Opens a ledger from where the device is, with a first push of at most so many bytes if there is to be one, and says
    /// how many bytes it had.
    fn open<R: Replica>(
        &mut self,
        handle: u32,
        inline_bytes_max: Option<usize>,
        replica: &mut R,
    ) -> Result<usize, R::Error> {
        let Some(ledger) = self.lines.get(&handle).map(|line| line.ledger) else { return Ok(0) };
        let (from, highest) = replica.place(ledger)?;
        let push = match inline_bytes_max {
            Some(bytes_max) => self.inline(handle, bytes_max, replica)?,
            None => None,
        };
        let bytes = push.as_ref().map_or(0, |push| push.batch.len());
        let from = from.filter(|_| !self.by_heads.contains(&ledger));
        // Without a place in the log, only heads can tell whether the server still has what came from it or went to it.
        let heads = if from.is_none() { Some(heads(ledger, replica)?) } else { None };
        let heads = heads.filter(|heads| !heads.is_empty());
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(0) };
        let is_held_up = line.parts.front().is_some_and(|part| part.batch.len() <= PUSH_INLINE_BYTES_MAX);
        if from.is_none() && push.is_none() && inline_bytes_max.is_some() && is_held_up {
            line.state = State::Unopened;
            return Ok(0);
        }
        line.state = State::Opening;
        line.cursor = None;
        line.opened_from = from;
        line.highest = from.and(highest).or(from.map(|from| from.at));
        line.has_sent_heads = heads.is_some();
        line.has_sent_push = push.is_some();
        line.months = if from.is_none() && heads.is_none() { self.config.months_first } else { 0 };
        line.is_fetching = false;
        line.retry_at_ms = None;
        let highest = line.highest.filter(|highest| from.is_some_and(|from| from.at != *highest));
        let (months, live) = (line.months, self.config.live);
        self.send(&Message::Open(Open { handle, ledger, from, highest, heads, months, live, push }));
        if let Some(from) = from.filter(|from| from.complete_from != 0 && self.config.one_flight) {
            self.send_fetch_older(handle, from);
        }
        Ok(bytes)
    }

    /// Opens a ledger again, whose log is another one.
    pub(super) fn open_by_heads<R: Replica>(&mut self, handle: u32, replica: &mut R) -> Result<(), R::Error> {
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(()) };
        let ledger = line.ledger;
        self.by_heads.insert(ledger);
        (line.cursor, line.highest, line.opened_from) = (None, None, None);
        if !self.may_send() {
            return Ok(());
        }
        let heads = Some(heads(ledger, replica)?);
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(()) };
        (line.has_sent_heads, line.has_sent_push) = (true, false);
        (line.months, line.state) = (0, State::Opening);
        let live = self.config.live;
        let open = Open { handle, ledger, from: None, highest: None, heads, months: 0, live, push: None };
        self.send(&Message::Open(open));
        Ok(())
    }

    /// Offers a whole ledger to a server that had it and does not know it: a server restored to a time before it was made
    /// says the same as one that has taken it away, and only trying tells which.
    pub(super) fn offer_all<R: Replica>(&mut self, handle: u32, replica: &mut R) -> Result<(), R::Error> {
        self.forget_pushes(handle);
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(()) };
        (line.has_offered_all, line.state) = (true, State::Unopened);
        let ledger = line.ledger;
        self.by_heads.insert(ledger);
        replica.server_holds(ledger, &[])?;
        self.open_waiting(replica)
    }

    /// Tries again what has waited long enough.
    pub(super) fn retry<R: Replica>(&mut self, replica: &mut R) -> Result<(), R::Error> {
        let now_ms = self.now_ms;
        for line in self.lines.values_mut().filter(|line| line.again_at_ms.is_some_and(|at| at <= now_ms)) {
            line.again_at_ms = None;
            line.must_restart = true;
        }
        let is_due = |line: &Line| line.retry_at_ms.is_some_and(|at| at <= now_ms);
        let due: Vec<u32> = self.lines.iter().filter(|(_, line)| is_due(line)).map(|(handle, _)| *handle).collect();
        for handle in due {
            let Some(line) = self.lines.get_mut(&handle) else { continue };
            line.retry_at_ms = None;
            // A server that was offered everything in vain is not sent it again on this connection.
            let inline_bytes_max = (!line.has_offered_all).then_some(INLINE_BYTES_MAX);
            if line.state == State::Refused && self.may_send() {
                self.open(handle, inline_bytes_max, replica)?;
            }
        }
        Ok(())
    }

    /// Asks for older months of every ledger that lacks some.
    pub(super) fn fetch_older(&mut self) {
        let lacks = |line: &Line| line.state == State::CaughtUp && !line.is_fetching;
        let cursors = self.lines.iter().filter(|(_, line)| lacks(line));
        let cursors: Vec<_> = cursors.filter_map(|(handle, line)| Some((*handle, line.cursor?))).collect();
        for (handle, cursor) in cursors {
            if cursor.complete_from != 0 && self.may_send() {
                self.send_fetch_older(handle, cursor);
            }
        }
    }

    fn send_fetch_older(&mut self, handle: u32, cursor: Cursor) {
        let older = Some(Older { before: cursor.complete_from, months: MONTHS_PER_FETCH });
        if let Some(line) = self.lines.get_mut(&handle) {
            line.is_fetching = true;
        }
        self.send(&Message::Fetch(Fetch { handle, older, ids: Vec::new() }));
    }

    /// Asks once for commits that are named here and not held.
    pub(super) fn fetch_missing<R: Replica>(&mut self, handle: u32, replica: &mut R) -> Result<(), R::Error> {
        let may_send = self.may_send();
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(()) };
        let is_complete = line.cursor.is_some_and(|cursor| cursor.complete_from == 0);
        if line.has_fetched_missing || !is_complete || !may_send {
            return Ok(());
        }
        line.has_fetched_missing = true;
        let mut ids = replica.missing(line.ledger)?;
        ids.truncate(crate::message::FETCH_IDS_MAX);
        if !ids.is_empty() {
            self.send(&Message::Fetch(Fetch { handle, older: None, ids }));
        }
        Ok(())
    }
}

/// The heads of a ledger, as many as a frame has room for. What is not said is sent again, which is only bytes.
pub(in crate::session) fn heads<R: Replica>(ledger: LedgerId, replica: &mut R) -> Result<Vec<Ladder>, R::Error> {
    let mut heads = replica.heads(ledger)?;
    heads.truncate(LADDERS_MAX);
    let mut bytes = 0;
    heads.iter_mut().for_each(|ladder| ladder.ids.truncate(LADDER_IDS_MAX));
    heads.retain(|ladder| {
        bytes += 3 + ladder.ids.len() * 34;
        bytes <= HEADS_BYTES_MAX
    });
    Ok(heads)
}

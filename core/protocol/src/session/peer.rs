//! A device's side of a conversation with another device.
//!
//! Both have a replica and neither has a log: they exchange heads, push each other what the other lacks, and go on with
//! what is new. Whoever connects opens the ledgers; the other answers. Who the other device is has been proved by the
//! transport, and which ledgers it may have is said by [`Replica::ledgers`].
//!
//! What a peer acknowledges says nothing about a server: the replica of each other side keeps its own account of what is
//! owed.

use std::collections::{BTreeMap, VecDeque};

use outlay_ledger::{CommitId, DeviceKey, LedgerId};

use super::client::ClientOutput;
use super::client::open::heads;
use super::client::push::{Part, outcomes, parts};
use super::{Outcome, Replica};
use crate::batch;
use crate::code::Code;
use crate::cursor::Place;
use crate::message::{
    Ack, Error, Hello, Message, Mode, Open, Opened, PUSH_FRAME_BYTES_MAX, PUSHES_IN_FLIGHT_MAX, Push, Run, Scope,
};
use crate::version::{FEATURES, VERSION_MAX, VERSION_MIN, agree};

/// Bytes of a batch in one push, and of encoded commits loaded for it.
const BATCH_BYTES_MAX: usize = PUSH_FRAME_BYTES_MAX - 64;
/// How often what is owed is gone through again because predecessors were missing.
const RESTARTS_MAX: u8 = 8;

/// What a session is told.
#[derive(Debug)]
pub enum PeerInput<'a> {
    /// The connection is there; the transport has proved who the other device is.
    Connected,
    /// The other side sent a frame.
    Frame(&'a [u8]),
    /// Something was written here.
    LocalChange,
    /// Time has passed; about once a second.
    Tick,
}

/// A device's side of one connection with another.
#[derive(Debug)]
pub struct PeerSession {
    device: DeviceKey,
    is_opener: bool,
    is_greeted: bool,
    is_over: bool,
    lines: BTreeMap<u32, Line>,
    in_flight: BTreeMap<u32, (u32, Vec<CommitId>)>,
    last_number: u32,
    is_idle_told: bool,
    outputs: Vec<ClientOutput>,
}

/// One ledger on the connection.
#[derive(Debug)]
struct Line {
    ledger: LedgerId,
    is_open: bool,
    is_refused: bool,
    owed_after: Option<u64>,
    may_owe: bool,
    parts: VecDeque<Part>,
    restarts: u8,
}

impl Line {
    const fn new(ledger: LedgerId) -> Self {
        let parts = VecDeque::new();
        Self { ledger, is_open: false, is_refused: false, owed_after: None, may_owe: true, parts, restarts: 0 }
    }

    fn restart(&mut self) {
        (self.owed_after, self.may_owe) = (None, true);
        self.parts.clear();
    }

    fn is_idle(&self) -> bool {
        self.is_refused || (self.is_open && self.parts.is_empty() && !self.may_owe)
    }
}

impl PeerSession {
    /// A session on a new connection. `is_opener` is whoever connected.
    pub fn new(device: DeviceKey, is_opener: bool) -> Self {
        Self {
            device,
            is_opener,
            is_greeted: false,
            is_over: false,
            lines: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            last_number: 0,
            is_idle_told: false,
            outputs: Vec::new(),
        }
    }

    /// Goes on by one input.
    ///
    /// # Errors
    ///
    /// When the replica fails. The session is over then; what was durable before stays.
    pub fn step<R: Replica>(
        &mut self,
        _now_ms: i64,
        input: PeerInput<'_>,
        replica: &mut R,
    ) -> Result<Vec<ClientOutput>, R::Error> {
        if !self.is_over {
            self.take(input, replica)?;
            self.push(replica)?;
            self.tell_idle();
        }
        Ok(std::mem::take(&mut self.outputs))
    }

    fn take<R: Replica>(&mut self, input: PeerInput<'_>, replica: &mut R) -> Result<(), R::Error> {
        match input {
            PeerInput::Connected => {
                let (version_min, version_max, device) = (VERSION_MIN, VERSION_MAX, self.device);
                self.send(&Message::Hello(Hello { version_min, version_max, features: FEATURES, device }));
                self.open(replica)
            }
            PeerInput::Frame(frame) => self.frame(frame, replica),
            PeerInput::LocalChange => {
                self.lines.values_mut().for_each(|line| line.may_owe = true);
                self.open(replica)
            }
            PeerInput::Tick => Ok(()),
        }
    }

    /// Opens the ledgers that are not open, if that is for this side to do.
    fn open<R: Replica>(&mut self, replica: &mut R) -> Result<(), R::Error> {
        if !self.is_opener {
            return Ok(());
        }
        for ledger in replica.ledgers()? {
            if self.lines.values().any(|line| line.ledger == ledger) {
                continue;
            }
            let handle = u32::try_from(self.lines.len() + 1).unwrap_or(u32::MAX);
            self.lines.insert(handle, Line::new(ledger));
            let heads = Some(heads(ledger, replica)?);
            let (from, highest, months, live, push) = (None, None, 0, true, None);
            self.send(&Message::Open(Open { handle, ledger, from, highest, heads, months, live, push }));
        }
        Ok(())
    }

    fn frame<R: Replica>(&mut self, frame: &[u8], replica: &mut R) -> Result<(), R::Error> {
        match Message::decode(frame, PUSH_FRAME_BYTES_MAX) {
            Ok(Message::Hello(hello)) if !self.is_greeted => self.greeted(&hello, replica),
            Ok(Message::Skipped(_)) => Ok(()),
            Ok(_) if !self.is_greeted => self.end(Code::OutOfOrder, replica),
            Ok(Message::Open(open)) if !self.is_opener => self.opened_here(open, replica),
            Ok(Message::Opened(opened)) if self.is_opener => self.opened(opened, replica),
            Ok(Message::Push(push)) => self.pushed(&push, replica),
            Ok(Message::Ack(ack)) => self.acknowledged(&ack, replica),
            Ok(Message::Error(error)) => self.error(&error, replica),
            Ok(_) => self.end(Code::OutOfOrder, replica),
            Err(error) => self.end(error.code(), replica),
        }
    }

    fn greeted<R: Replica>(&mut self, hello: &Hello, replica: &mut R) -> Result<(), R::Error> {
        self.is_greeted = true;
        match agree(hello.version_min, hello.version_max) {
            Some(_) => Ok(()),
            None => self.end(Code::Version, replica),
        }
    }

    /// The other side opens a ledger.
    fn opened_here<R: Replica>(&mut self, open: Open, replica: &mut R) -> Result<(), R::Error> {
        let is_twice = self.lines.contains_key(&open.handle) || self.lines.values().any(|l| l.ledger == open.ledger);
        let handles = vec![open.handle];
        let Some(theirs) = open.heads.filter(|_| !is_twice) else { return self.end(Code::OutOfOrder, replica) };
        if !replica.ledgers()?.contains(&open.ledger) {
            let mode = Mode::Refused(Code::NoSuchLedger);
            self.send(&Message::Opened(Opened { handles, role: None, mode }));
            return Ok(());
        }
        let ours = heads(open.ledger, replica)?;
        replica.server_holds(open.ledger, &theirs)?;
        self.lines.insert(open.handle, Line { is_open: true, ..Line::new(open.ledger) });
        let mode = Mode::Heads { epoch: [0; 8], head: Place::START, heads: ours };
        self.send(&Message::Opened(Opened { handles, role: None, mode }));
        Ok(())
    }

    fn opened<R: Replica>(&mut self, opened: Opened, replica: &mut R) -> Result<(), R::Error> {
        let line = opened.handles.first().and_then(|handle| self.lines.get_mut(handle)).filter(|line| !line.is_open);
        match (line, opened.mode) {
            (Some(line), Mode::Heads { heads, .. }) => {
                line.is_open = true;
                line.restart();
                replica.server_holds(line.ledger, &heads)
            }
            (Some(line), Mode::Refused(code)) => {
                line.is_refused = true;
                replica.refused(Some(line.ledger), code)
            }
            _ => self.end(Code::OutOfOrder, replica),
        }
    }

    /// The other side pushes.
    fn pushed<R: Replica>(&mut self, push: &Push, replica: &mut R) -> Result<(), R::Error> {
        let Some(line) = self.lines.get(&push.handle).filter(|line| line.is_open) else {
            return self.end(Code::OutOfOrder, replica);
        };
        let ledger = line.ledger;
        let Ok(commits) = batch::decode_with_ids(&push.batch, &batch::Limits::default()) else {
            return self.end(Code::Batch, replica);
        };
        let is_ours = |(commit, id): &(outlay_ledger::commit::Commit, CommitId)| commit.ledger(id) == ledger;
        if !commits.iter().all(is_ours) {
            return self.end(Code::WrongLedger, replica);
        }
        let count = u32::try_from(commits.len()).unwrap_or(u32::MAX);
        replica.take(ledger, commits, None)?;
        let runs = vec![Run::Held { count }];
        self.send(&Message::Ack(Ack { handle: push.handle, number: push.number, runs }));
        Ok(())
    }

    fn acknowledged<R: Replica>(&mut self, ack: &Ack, replica: &mut R) -> Result<(), R::Error> {
        let Some((handle, ids)) = self.in_flight.remove(&ack.number) else { return Ok(()) };
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(()) };
        let Some(outcomes) = outcomes(&ack.runs, ids.len()).filter(|_| handle == ack.handle) else {
            return self.end(Code::Malformed, replica);
        };
        if outcomes.iter().any(|o| o.refusal() == Some(Code::PredecessorsMissing)) && line.restarts < RESTARTS_MAX {
            line.restarts += 1;
            line.restart();
        }
        // A peer has no log: what it says of places means nothing here.
        let held = outcomes.into_iter().map(|o| if let Outcome::Stored(_) = o { Outcome::Held } else { o });
        replica.acknowledged(line.ledger, &ids, &held.collect::<Vec<_>>(), None, Place::START)
    }

    fn error<R: Replica>(&mut self, error: &Error, replica: &mut R) -> Result<(), R::Error> {
        match error.scope {
            Scope::Connection => self.end(error.code, replica),
            Scope::Push(_, number) => {
                self.in_flight.remove(&number);
                Ok(())
            }
            Scope::Ledger(handle) => {
                let Some(line) = self.lines.get_mut(&handle) else { return Ok(()) };
                (line.is_open, line.is_refused) = (false, true);
                replica.refused(Some(line.ledger), error.code)
            }
        }
    }

    /// Sends what is owed, as long as pushes may be in flight.
    fn push<R: Replica>(&mut self, replica: &mut R) -> Result<(), R::Error> {
        let handles: Vec<u32> = self.lines.iter().filter(|(_, line)| line.is_open).map(|(handle, _)| *handle).collect();
        for handle in handles {
            while !self.is_over && self.in_flight.len() < PUSHES_IN_FLIGHT_MAX {
                let Some(part) = self.next_part(handle, replica)? else { break };
                self.last_number = self.last_number.wrapping_add(1);
                let number = self.last_number;
                self.in_flight.insert(number, (handle, part.ids));
                self.send(&Message::Push(Push { handle, number, batch: part.batch }));
            }
        }
        Ok(())
    }

    fn next_part<R: Replica>(&mut self, handle: u32, replica: &mut R) -> Result<Option<Part>, R::Error> {
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(None) };
        if line.parts.is_empty() && line.may_owe {
            let owed = replica.owed(line.ledger, line.owed_after, BATCH_BYTES_MAX)?;
            line.may_owe = owed.more;
            line.owed_after = if owed.commits.is_empty() { line.owed_after } else { Some(owed.last) };
            line.parts = parts(owed.commits, BATCH_BYTES_MAX);
        }
        Ok(line.parts.pop_front())
    }

    fn tell_idle(&mut self) {
        let is_idle = self.is_greeted && self.in_flight.is_empty() && self.lines.values().all(Line::is_idle);
        if is_idle && !self.is_idle_told && !self.is_over {
            self.outputs.push(ClientOutput::Idle);
        }
        self.is_idle_told = is_idle;
    }

    fn send(&mut self, message: &Message) {
        self.outputs.push(ClientOutput::Send(message.encode()));
    }

    /// Ends the connection, and says why.
    fn end<R: Replica>(&mut self, code: Code, replica: &mut R) -> Result<(), R::Error> {
        self.is_over = true;
        let (scope, detail) = (Scope::Connection, String::new());
        self.send(&Message::Error(Error { code, scope, retry_after_ms: 0, detail }));
        self.outputs.push(ClientOutput::Close(code));
        replica.refused(None, code)
    }
}

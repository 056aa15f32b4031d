//! A server's side of a conversation with one device.
//!
//! What it needs of storage it asks for, and the answers come by ticket, in any order. Appends of one connection are to be
//! carried out in the order in which they were asked, and the answer to one is to come before the
//! [`ServerInput::Grown`] that it causes: else the device gets its own commits back, which costs bytes and nothing else.
//!
//! It holds no commits for a slow device. What is sent is counted until [`ServerInput::Drained`]; above
//! [`Limits::outbound_bytes_max`] it only remembers that a ledger has grown, and goes on from where it was.

mod answers;
mod frames;
mod greeting;
mod line;
mod question;

use std::collections::{BTreeMap, VecDeque};

use outlay_ledger::LedgerId;
use outlay_ledger::member::Role;

use super::Outcome;
use crate::code::Code;
use crate::cursor::{Mark, Place};
use crate::message::{
    self, FRAME_BYTES_MAX, LEDGERS_MAX, Message, Opened, PUSH_FRAME_BYTES_MAX, PUSHES_IN_FLIGHT_MAX, Scope,
};
use greeting::Phase;
use line::{Line, Wanted};

pub use question::{Answer, OpenMode, Question, Ticket};

/// Questions for commits outstanding at once on a connection: enough to keep several ledgers moving.
const READS_MAX: usize = 4;
/// Questions of all kinds outstanding at once on a connection, of which each may hold what a frame holds. The device's further
/// frames wait in its own buffers.
const QUESTIONS_MAX: usize = 32;
/// Ledgers that one OPENED says nothing is new in.
const SAME_MAX: usize = 64;

/// What the device has to sign; see [`crate::proof`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The server's id: its public key.
    pub server: [u8; 32],
    /// Random bytes for this connection.
    pub nonce: [u8; 16],
}

/// What one connection may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a frame from the device: at least [`PUSH_FRAME_BYTES_MAX`], as a device sends before it is told.
    pub frame_bytes_max: usize,
    /// Pushes in flight: at least [`PUSHES_IN_FLIGHT_MAX`], as a device sends before it is told.
    pub pushes_in_flight_max: usize,
    /// Ledgers open.
    pub ledgers_max: usize,
    /// Milliseconds until AUTH must have come.
    pub auth_ms_max: i64,
    /// Bytes up to and with AUTH.
    pub auth_bytes_max: usize,
    /// Bytes of frames that wait for an answer (to AUTH, to OPEN) before they can be looked at.
    pub waiting_bytes_max: usize,
    /// Bytes sent and not yet taken by the transport above which nothing more is asked for.
    pub outbound_bytes_max: usize,
    /// Milliseconds for which the transport may take nothing.
    pub stalled_ms_max: i64,
    /// Milliseconds that an expired token has to be renewed in.
    pub renewal_ms_max: i64,
    /// Bytes of encoded commits that are asked for at once.
    pub page_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes_max: PUSH_FRAME_BYTES_MAX,
            pushes_in_flight_max: PUSHES_IN_FLIGHT_MAX,
            ledgers_max: LEDGERS_MAX,
            auth_ms_max: 5_000,
            auth_bytes_max: 4 * 1024,
            waiting_bytes_max: 2 * FRAME_BYTES_MAX,
            outbound_bytes_max: 64 * 1024,
            stalled_ms_max: 60_000,
            renewal_ms_max: 60_000,
            page_bytes_max: 1024 * 1024,
        }
    }
}

/// What a session is told.
#[derive(Debug)]
pub enum ServerInput<'a> {
    /// The device sent a frame.
    Frame(&'a [u8]),
    /// What was asked with this ticket.
    Answer(Ticket, Answer),
    /// The log of a ledger has grown.
    Grown {
        /// The ledger.
        ledger: LedgerId,
        /// Its end.
        head: Place,
    },
    /// The ledgers that the account may open are others now.
    Ledgers(Vec<LedgerId>),
    /// The device may no longer open this ledger.
    Removed {
        /// The ledger.
        ledger: LedgerId,
    },
    /// The transport has taken everything that was sent.
    Drained,
    /// Time has passed; about once a second.
    Tick,
    /// The server is being stopped.
    Closing,
    /// The device was signed out.
    Revoked,
}

/// What a session wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerOutput {
    /// Send a frame.
    Send(Vec<u8>),
    /// Answer a question.
    Ask(Ticket, Question),
    /// Say when this ledger grows.
    Subscribe(LedgerId),
    /// Say it no longer.
    Unsubscribe(LedgerId),
    /// Close the connection after what was sent. Nothing comes after this.
    Close(Code),
}

/// A server's side of one connection.
#[derive(Debug)]
pub struct ServerSession {
    limits: Limits,
    identity: Identity,
    phase: Phase,
    /// Frames that came before they could be looked at.
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    asked: BTreeMap<Ticket, Asked>,
    last_ticket: u64,
    lines: BTreeMap<u32, Line>,
    handles: BTreeMap<LedgerId, u32>,
    last_generation: u64,
    /// Opened with nothing new, and not yet said.
    same: Vec<(u32, Option<Role>)>,
    /// The ledgers that the device knows to be the account's.
    known: Mark,
    /// The handle that was asked for last: the next one's turn comes after it.
    turn: u32,
    /// When the token ends.
    expires_ms: i64,
    is_expired: bool,
    is_closing: bool,
    /// Bytes sent and not yet taken, and since when some are.
    outbound_bytes: usize,
    outbound_since_ms: i64,
    now_ms: i64,
    outputs: Vec<ServerOutput>,
}

/// What a ticket stands for.
#[derive(Debug)]
enum Asked {
    Authenticate { version: u16 },
    Open { handle: u32, generation: u64 },
    Append { handle: u32, number: u32, outcomes: Vec<Option<Outcome>> },
    Commits { handle: u32, generation: u64, wanted: Wanted },
}

impl ServerSession {
    /// A session on a new connection.
    pub fn new(limits: Limits, identity: Identity) -> Self {
        Self {
            limits,
            identity,
            phase: Phase::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            asked: BTreeMap::new(),
            last_ticket: 0,
            lines: BTreeMap::new(),
            handles: BTreeMap::new(),
            last_generation: 0,
            same: Vec::new(),
            known: [0; 8],
            turn: 0,
            expires_ms: 0,
            is_expired: false,
            is_closing: false,
            outbound_bytes: 0,
            outbound_since_ms: 0,
            now_ms: 0,
            outputs: Vec::new(),
        }
    }

    /// Goes on by one input. `now_ms` is milliseconds of a clock that does not go back.
    pub fn step(&mut self, now_ms: i64, input: ServerInput<'_>) -> Vec<ServerOutput> {
        self.now_ms = now_ms;
        if !self.is_closed() {
            self.take(input);
            self.go_on();
        }
        std::mem::take(&mut self.outputs)
    }

    /// Whether the transport should read on: while answers are outstanding that many bytes wait for, or as many pushes or
    /// questions are in flight as may be, it should not.
    pub fn wants_frames(&self) -> bool {
        self.waiting_bytes * 2 < self.limits.waiting_bytes_max
            && self.pushes_in_flight() < self.limits.pushes_in_flight_max
            && self.asked.len() < QUESTIONS_MAX
    }

    /// Whether nothing is outstanding: every question answered and everything sent that was asked for. An HTTP answer is
    /// complete then.
    pub fn is_idle(&self) -> bool {
        self.is_closed() || (self.asked.is_empty() && !self.lines.values().any(Line::has_work))
    }

    fn take(&mut self, input: ServerInput<'_>) {
        match input {
            ServerInput::Frame(frame) => self.frame(frame),
            ServerInput::Answer(ticket, answer) => {
                if let Some(asked) = self.asked.remove(&ticket) {
                    self.answer(asked, answer);
                }
            }
            ServerInput::Grown { ledger, head } => self.line_of(&ledger, |line| line.grow(head)),
            ServerInput::Ledgers(ledgers) => self.tell_ledgers(ledgers),
            ServerInput::Removed { ledger } => self.remove(&ledger),
            ServerInput::Drained => self.outbound_bytes = 0,
            ServerInput::Tick => self.tick(),
            ServerInput::Closing => self.is_closing = true,
            ServerInput::Revoked => self.end(Code::Revoked, 0, ""),
        }
    }

    /// Whatever can be done now.
    fn go_on(&mut self) {
        self.look_at_waiting();
        if self.is_closing && !self.asked.values().any(|asked| matches!(asked, Asked::Append { .. })) {
            return self.end(Code::ShuttingDown, 0, "");
        }
        if !self.same.is_empty() && !self.asked.values().any(|asked| matches!(asked, Asked::Open { .. })) {
            self.tell_same();
        }
        self.catch_up();
        self.ask_for_commits();
    }

    fn tick(&mut self) {
        if self.phase.is_late(self.now_ms, self.limits.auth_ms_max) {
            return self.end(Code::Slow, 0, "no AUTH in time");
        }
        if self.outbound_bytes > 0 && self.now_ms - self.outbound_since_ms > self.limits.stalled_ms_max {
            return self.end(Code::Slow, 0, "nothing is taken");
        }
        self.expire();
    }

    fn line_of(&mut self, ledger: &LedgerId, change: impl FnOnce(&mut Line)) {
        if let Some(line) = self.handles.get(ledger).and_then(|handle| self.lines.get_mut(handle)) {
            change(line);
        }
    }

    fn remove(&mut self, ledger: &LedgerId) {
        if let Some(handle) = self.handles.get(ledger).copied() {
            self.fail_line(handle, Code::Removed, 0);
        }
    }

    fn pushes_in_flight(&self) -> usize {
        let appends = self.asked.values().filter(|asked| matches!(asked, Asked::Append { .. })).count();
        appends + self.lines.values().map(Line::deferred_pushes).sum::<usize>()
    }

    /// Asks for commits: a question for each ledger in turn, while the device takes what it is sent.
    fn ask_for_commits(&mut self) {
        while self.may_ask() {
            let after = self.lines.range(self.turn.saturating_add(1)..).find(|(_, line)| line.has_work());
            let next = after.or_else(|| self.lines.iter().find(|(_, line)| line.has_work()));
            let Some(handle) = next.map(|(handle, _)| *handle) else { return };
            self.turn = handle;
            let Some(line) = self.lines.get_mut(&handle) else { return };
            let Some((wanted, question)) = line.next_question(self.limits.page_bytes_max) else { return };
            line.is_asking = true;
            let generation = line.generation;
            self.ask(Asked::Commits { handle, generation, wanted }, question);
        }
    }

    fn may_ask(&self) -> bool {
        let reads = self.asked.values().filter(|asked| matches!(asked, Asked::Commits { .. })).count();
        reads < READS_MAX
            && self.outbound_bytes <= self.limits.outbound_bytes_max
            && !self.is_expired
            && !self.is_closing
            && !self.is_closed()
    }

    fn ask(&mut self, asked: Asked, question: Question) {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.asked.insert(ticket, asked);
        self.outputs.push(ServerOutput::Ask(ticket, question));
    }

    fn send(&mut self, message: &Message) {
        self.tell_same();
        self.send_now(message);
    }

    fn send_now(&mut self, message: &Message) {
        let frame = message.encode();
        if self.outbound_bytes == 0 {
            self.outbound_since_ms = self.now_ms;
        }
        self.outbound_bytes += frame.len();
        self.outputs.push(ServerOutput::Send(frame));
    }

    /// Says of all ledgers without news that they are open, in one message for each role.
    fn tell_same(&mut self) {
        let mut same = std::mem::take(&mut self.same);
        same.sort_by_key(|(handle, role)| (role.map(Role::number), *handle));
        for group in same.chunk_by(|(_, one), (_, two)| one == two) {
            let Some((_, role)) = group.first() else { continue };
            let handles = group.iter().map(|(handle, _)| *handle).collect();
            let opened = Opened { handles, role: *role, mode: message::Mode::Same };
            self.send_now(&Message::Opened(opened));
        }
    }

    fn send_error(&mut self, code: Code, scope: Scope, retry_after_ms: u32, detail: &str) {
        let detail = detail.chars().take(64).collect();
        self.send(&Message::Error(message::Error { code, scope, retry_after_ms, detail }));
    }

    /// Ends the connection, and says why.
    fn end(&mut self, code: Code, retry_after_ms: u32, detail: &str) {
        if self.is_closed() {
            return;
        }
        self.send_error(code, Scope::Connection, retry_after_ms, detail);
        self.phase = Phase::Closed;
        self.waiting.clear();
        self.lines.clear();
        self.handles.clear();
        self.asked.clear();
        self.outputs.push(ServerOutput::Close(code));
    }

    fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }
}

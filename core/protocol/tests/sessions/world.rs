//! A server, devices, and the wires between them, in one thread.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use outlay_ledger::{CommitId, LedgerId};
use outlay_protocol::message::{FRAME_BYTES_MAX, Message, Mode, Run};
use outlay_protocol::proof;
use outlay_protocol::session::{
    ClientConfig, ClientInput, ClientOutput, ClientSession, Identity, Limits, Question, ServerInput, ServerOutput,
    ServerSession, Ticket,
};
use outlay_protocol::{Code, Place};

use crate::author::{Author, Dice, class};
use crate::log::{Log, Storage};
use crate::replica::Memory;

pub(crate) const SERVER: [u8; 32] = [0x5e; 32];

pub(crate) struct Device {
    pub(crate) author: Author,
    pub(crate) memory: Memory,
    pub(crate) session: ClientSession,
    pub(crate) wire: Option<Wire>,
    pub(crate) config: ClientConfig,
    pub(crate) is_idle: bool,
    pub(crate) waits: Vec<(u32, Code)>,
    pub(crate) needs_token: bool,
    pub(crate) closed: Option<Code>,
}

/// A connection: what is under way on it.
pub(crate) struct Wire {
    pub(crate) server: ServerSession,
    pub(crate) up: VecDeque<Vec<u8>>,
    pub(crate) down: VecDeque<Vec<u8>>,
    pub(crate) asked: Vec<(Ticket, Question)>,
    subscribed: BTreeSet<LedgerId>,
    nonce: [u8; 16],
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) storage: Storage,
    pub(crate) devices: Vec<Device>,
    pub(crate) now_ms: i64,
    pub(crate) limits: Limits,
    pub(crate) up_bytes: usize,
    pub(crate) down_bytes: usize,
    pub(crate) token: String,
    /// How often each kind of message was delivered to a device.
    pub(crate) marks: BTreeMap<&'static str, usize>,
}

impl World {
    pub(crate) fn new(seed: u64, devices: usize) -> Self {
        let mut dice = Dice::new(seed);
        let storage = Storage::new(dice.bytes());
        let devices = (0..devices).map(|_| Device::new(&mut dice)).collect();
        let limits = Limits { page_bytes_max: 2_000, ..Limits::default() };
        let token = format!("good{}", "t".repeat(296));
        Self { dice, storage, devices, now_ms: 0, limits, up_bytes: 0, down_bytes: 0, token, marks: BTreeMap::new() }
    }

    /// A device makes a ledger.
    pub(crate) fn found(&mut self, at: usize) -> LedgerId {
        let device = &mut self.devices[at];
        let (commit, id) = device.author.genesis(&mut self.dice);
        let ledger = commit.ledger(&id);
        device.memory.local(ledger).add(commit, id, true);
        ledger
    }

    /// A device writes on top of all that it has.
    pub(crate) fn write(&mut self, at: usize, ledger: LedgerId, period: u16) -> Option<CommitId> {
        self.write_bytes(at, ledger, period, 30)
    }

    pub(crate) fn write_bytes(&mut self, at: usize, ledger: LedgerId, period: u16, bytes: usize) -> Option<CommitId> {
        let device = &mut self.devices[at];
        let key = device.author.key();
        let local = device.memory.locals.get_mut(&ledger)?;
        let root = local.commits.iter().find(|(commit, _)| commit.header.ledger.is_none())?.1;
        let own = || local.commits.iter().filter(|(commit, _)| commit.header.device == key);
        let named: HashSet<CommitId> = own().flat_map(|(commit, _)| commit.header.previous.clone()).collect();
        let heads = own().map(|(_, id)| *id).filter(|id| !named.contains(id)).collect();
        let (commit, id) = device.author.write(Some(ledger), heads, vec![root], period, bytes, &mut self.dice);
        local.add(commit, id, true);
        self.tell(at, ClientInput::LocalChange);
        Some(id)
    }

    pub(crate) fn connect(&mut self, at: usize) {
        let nonce = self.dice.bytes();
        let identity = Identity { server: SERVER, nonce };
        let server = ServerSession::new(self.limits, identity);
        let wire = Wire {
            server,
            up: VecDeque::new(),
            down: VecDeque::new(),
            asked: Vec::new(),
            subscribed: BTreeSet::new(),
            nonce,
        };
        let device = &mut self.devices[at];
        device.wire = Some(wire);
        device.is_idle = false;
        let token = self.token.clone();
        let proof = self.devices[at].author.sign(&proof::digest(&SERVER, &nonce, &token));
        self.tell(at, ClientInput::Connected { server: SERVER, nonce, token: &token, proof });
    }

    pub(crate) fn renew(&mut self, at: usize, token: &str) {
        let Some(nonce) = self.devices[at].wire.as_ref().map(|wire| wire.nonce) else { return };
        let proof = self.devices[at].author.sign(&proof::digest(&SERVER, &nonce, token));
        self.tell(at, ClientInput::Renewed { token, proof });
    }

    /// Cuts the connection: what is under way is lost.
    pub(crate) fn cut(&mut self, at: usize) {
        self.devices[at].wire = None;
    }

    pub(crate) fn tell(&mut self, at: usize, input: ClientInput<'_>) {
        let device = &mut self.devices[at];
        if device.wire.is_none() {
            return;
        }
        let outputs = device.session.step(self.now_ms, input, &mut device.memory).expect("memory");
        for output in outputs {
            match output {
                ClientOutput::Send(frame) => {
                    device.is_idle = false;
                    self.up_bytes += frame.len();
                    device.wire.as_mut().expect("a wire").up.push_back(frame);
                }
                ClientOutput::Close(code) => {
                    device.closed = Some(code);
                    device.wire = None;
                    return;
                }
                ClientOutput::NeedsToken => device.needs_token = true,
                ClientOutput::CaughtUp(_) => {}
                ClientOutput::Idle => device.is_idle = true,
                ClientOutput::Wait { ms, code } => device.waits.push((ms, code)),
            }
        }
    }

    pub(crate) fn tell_server(&mut self, at: usize, input: ServerInput<'_>) {
        let Some(wire) = self.devices[at].wire.as_mut() else { return };
        for output in wire.server.step(self.now_ms, input) {
            match output {
                ServerOutput::Send(frame) => {
                    self.down_bytes += frame.len();
                    wire.down.push_back(frame);
                }
                ServerOutput::Ask(ticket, question) => wire.asked.push((ticket, question)),
                ServerOutput::Subscribe(ledger) => _ = wire.subscribed.insert(ledger),
                ServerOutput::Unsubscribe(ledger) => _ = wire.subscribed.remove(&ledger),
                ServerOutput::Close(_) => wire.asked.clear(),
            }
        }
    }

    pub(crate) fn deliver_up(&mut self, at: usize) -> bool {
        let Some(frame) = self.devices[at].wire.as_mut().and_then(|wire| wire.up.pop_front()) else { return false };
        self.tell_server(at, ServerInput::Frame(&frame));
        true
    }

    pub(crate) fn deliver_down(&mut self, at: usize) -> bool {
        let Some(wire) = self.devices[at].wire.as_mut() else { return false };
        let Some(frame) = wire.down.pop_front() else { return false };
        let is_drained = wire.down.is_empty();
        if let Ok(message) = Message::decode(&frame, FRAME_BYTES_MAX) {
            *self.marks.entry(mark(&message)).or_default() += 1;
        }
        self.tell(at, ClientInput::Frame(&frame));
        if is_drained {
            self.tell_server(at, ServerInput::Drained);
        }
        true
    }

    /// Answers one question: the first append, or any other one before it.
    pub(crate) fn answer(&mut self, at: usize) -> bool {
        let Some(wire) = self.devices[at].wire.as_mut() else { return false };
        if wire.asked.is_empty() {
            return false;
        }
        let is_append = |(_, question): &(Ticket, Question)| matches!(question, Question::Append { .. });
        let first = wire.asked.iter().position(is_append).unwrap_or(wire.asked.len() - 1);
        let chosen = self.dice.below(first + 1);
        let (ticket, question) = wire.asked.remove(chosen);
        let heads = self.heads();
        let answer = self.storage.answer(question);
        let is_first = self.dice.below(4) > 0;
        if is_first {
            self.tell_server(at, ServerInput::Answer(ticket, answer.clone()));
        }
        self.tell_grown(&heads);
        if !is_first {
            self.tell_server(at, ServerInput::Answer(ticket, answer));
        }
        true
    }

    fn heads(&self) -> BTreeMap<LedgerId, Place> {
        self.storage.logs.iter().map(|(ledger, log)| (*ledger, log.head())).collect()
    }

    fn tell_grown(&mut self, before: &BTreeMap<LedgerId, Place>) {
        let ledgers: Vec<LedgerId> = self.storage.logs.keys().copied().collect();
        let is_new = ledgers.iter().any(|ledger| !before.contains_key(ledger));
        for (ledger, head) in self.heads() {
            if before.get(&ledger) == Some(&head) {
                continue;
            }
            for at in 0..self.devices.len() {
                if self.devices[at].wire.as_ref().is_some_and(|wire| wire.subscribed.contains(&ledger)) {
                    self.tell_server(at, ServerInput::Grown { ledger, head });
                }
            }
        }
        if is_new {
            (0..self.devices.len()).for_each(|at| self.tell_server(at, ServerInput::Ledgers(ledgers.clone())));
        }
    }

    /// Delivers and answers until nothing moves.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            let mut has_moved = false;
            for at in 0..self.devices.len() {
                has_moved |= self.deliver_up(at) | self.answer(at) | self.deliver_down(at);
            }
            if !has_moved {
                return;
            }
        }
        panic!("the wires never come to rest");
    }

    pub(crate) fn tick(&mut self, ms: i64) {
        self.now_ms += ms;
        for at in 0..self.devices.len() {
            self.tell(at, ClientInput::Tick);
            self.tell_server(at, ServerInput::Tick);
        }
    }

    /// Connects everybody anew and lets everything settle, with time for what waits.
    pub(crate) fn heal(&mut self) {
        (0..self.devices.len()).for_each(|at| self.cut(at));
        for _ in 0..4 {
            for at in 0..self.devices.len() {
                if self.devices[at].wire.is_none() {
                    self.connect(at);
                }
            }
            self.settle();
            self.tick(61_000);
            self.settle();
        }
    }

    pub(crate) fn log(&self, ledger: LedgerId) -> Log {
        self.storage.logs.get(&ledger).cloned().unwrap_or_default()
    }

    pub(crate) fn ids(&self, at: usize, ledger: LedgerId) -> BTreeSet<CommitId> {
        self.devices[at].memory.locals.get(&ledger).into_iter().flat_map(|local| local.ids.iter().copied()).collect()
    }

    /// A cursor that fits the log never passes what the device does not hold.
    pub(crate) fn assert_cursors_hold(&self) {
        for (at, device) in self.devices.iter().enumerate() {
            for (ledger, local) in &device.memory.locals {
                let (Some(cursor), Some(log)) = (local.cursor, self.storage.logs.get(ledger)) else { continue };
                if cursor.epoch != self.storage.epoch.mark() || !log.has(cursor.at) {
                    continue;
                }
                let upto = usize::try_from(cursor.at.pos).expect("a position");
                for (commit, id) in &log.commits[..upto] {
                    let class = class(commit);
                    let is_promised = class == 0 || class >= cursor.complete_from;
                    assert!(!is_promised || local.ids.contains(id), "device {at} lacks {id} below {cursor:?}");
                }
            }
        }
    }

    /// What a server is believed to hold, it holds (if the device's places fit its log).
    pub(crate) fn assert_acknowledged_is_stored(&self) {
        for (at, device) in self.devices.iter().enumerate() {
            for (ledger, local) in &device.memory.locals {
                let (Some(cursor), Some(log)) = (local.cursor, self.storage.logs.get(ledger)) else { continue };
                let fits = |place: Place| log.has(place);
                if cursor.epoch != self.storage.epoch.mark() || !fits(cursor.at) || !local.highest.is_none_or(fits) {
                    continue;
                }
                for (number, (_, id)) in (1_u64..).zip(&local.commits) {
                    assert!(local.owed.contains(&number) || log.holds(id), "device {at} no longer owes {id}");
                }
            }
        }
    }
}

/// What a message shows to have happened.
fn mark(message: &Message) -> &'static str {
    match message {
        Message::Opened(opened) => match opened.mode {
            Mode::Same => "same",
            Mode::Delta { .. } => "delta",
            Mode::Heads { .. } => "heads",
            Mode::Refused(_) => "refused",
        },
        Message::Commits(commits) if commits.to.is_none() => "aside",
        Message::Commits(_) => "next",
        Message::CaughtUp(caught_up) if caught_up.cursor.complete_from != 0 => "newest first",
        Message::CaughtUp(_) => "caught up",
        Message::Ack(ack) if ack.runs.iter().any(|run| matches!(run, Run::Refused { .. })) => "commit refused",
        Message::Ack(ack) if ack.runs.iter().any(|run| matches!(run, Run::Held { .. })) => "held",
        Message::Error(_) => "error",
        _ => "other",
    }
}

impl Device {
    fn new(dice: &mut Dice) -> Self {
        let author = Author::new(dice);
        let config = ClientConfig { device: author.key(), months_first: 0, live: true, one_flight: false };
        Self {
            session: ClientSession::new(config),
            author,
            memory: Memory::default(),
            wire: None,
            config,
            is_idle: false,
            waits: Vec::new(),
            needs_token: false,
            closed: None,
        }
    }

    pub(crate) fn configure(&mut self, change: impl FnOnce(&mut ClientConfig)) {
        change(&mut self.config);
        self.session = ClientSession::new(self.config);
    }
}

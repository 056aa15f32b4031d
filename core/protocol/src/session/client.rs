//! A device's side of a conversation with a server.
//!
//! HELLO, AUTH and an OPEN for each ledger, the first push in them, leave in one flight. From then on it pulls what the
//! server has, pushes what is owed, and says where it stands. A refusal of one ledger or one commit never stops the others.
//!
//! It keeps nothing that the replica does not have: a new session on the same replica goes on where this one was.

mod frames;
mod line;
pub(in crate::session) mod open;
pub(in crate::session) mod push;

use std::collections::{BTreeMap, BTreeSet};

use outlay_ledger::{DeviceKey, LedgerId};

use super::Replica;
use crate::code::{Code, Then};
use crate::message::{Auth, Hello, Message, PUSH_FRAME_BYTES_MAX, PUSHES_IN_FLIGHT_MAX, ledgers_mark};
use crate::version::{FEATURES, VERSION_MAX, VERSION_MIN};
use line::{Line, State};
use push::InFlight;

/// The first wait before something is tried again on a connection, in milliseconds; doubled each time.
const RETRY_MS_MIN: i64 = 250;
/// The longest wait, and that for what needs a change elsewhere (a role, a quota).
const RETRY_MS_MAX: i64 = 60_000;
/// How long before its end a token is renewed, or from half of its life on if that is shorter.
const RENEW_MS: i64 = 60_000;

/// What a session is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientConfig {
    /// The device.
    pub device: DeviceKey,
    /// How many of the newest months a ledger that is new here is to begin with; 0 for everything in the order of the log.
    pub months_first: u16,
    /// Whether to stay and take what is new as it comes.
    pub live: bool,
    /// Whether everything must leave in the first flight, as in an HTTP body: further pushes and FETCH follow OPEN without
    /// waiting for its answer, and nothing is sent later.
    pub one_flight: bool,
}

/// What a session is told.
pub enum ClientInput<'a> {
    /// The connection is there, and the server has said who it is.
    Connected {
        /// The server's id.
        server: [u8; 32],
        /// The server's bytes for this connection.
        nonce: [u8; 16],
        /// The access token.
        token: &'a str,
        /// The device's signature of [`crate::proof::digest`] over the three.
        proof: [u8; 64],
    },
    /// The server sent a frame.
    Frame(&'a [u8]),
    /// Something was written here, or another process wrote it.
    LocalChange,
    /// The token was renewed.
    Renewed {
        /// The access token.
        token: &'a str,
        /// The device's signature of [`crate::proof::digest`] over it, with the bytes of this connection.
        proof: [u8; 64],
    },
    /// Time has passed; about once a second.
    Tick,
    /// Older months are wanted now, of every ledger.
    FetchOlder,
}

/// What a session wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOutput {
    /// Send a frame.
    Send(Vec<u8>),
    /// Close the connection: nothing comes after this. [`Code::then`] says whether to connect again.
    Close(Code),
    /// Bring a new token; [`ClientInput::Renewed`].
    NeedsToken,
    /// Everything that the server had of a ledger is here, but for older months.
    CaughtUp(LedgerId),
    /// Everything is pushed and pulled, but for what was refused and waits.
    Idle,
    /// Something waits, and is tried again after this time on a [`ClientInput::Tick`].
    Wait {
        /// Milliseconds.
        ms: u32,
        /// For what.
        code: Code,
    },
}

/// A device's side of a connection. It may be used for the next one too.
#[derive(Debug)]
pub struct ClientSession {
    config: ClientConfig,
    is_connected: bool,
    is_welcome: bool,
    /// Whether the first flight is being put together: with [`ClientConfig::one_flight`] nothing is sent after it.
    is_first_flight: bool,
    lines: BTreeMap<u32, Line>,
    handles: BTreeMap<LedgerId, u32>,
    in_flight: BTreeMap<u32, InFlight>,
    last_number: u32,
    /// Ledgers whose log is another one: they are opened by heads the next time, too.
    by_heads: BTreeSet<LedgerId>,
    frame_bytes_max: usize,
    pushes_in_flight_max: usize,
    /// When to ask for a new token; `None` while it is not known or was asked for.
    renew_at_ms: Option<i64>,
    is_idle_told: bool,
    now_ms: i64,
    outputs: Vec<ClientOutput>,
}

impl ClientSession {
    /// A session on a new connection.
    pub fn new(config: ClientConfig) -> Self {
        Self {
            config,
            is_connected: false,
            is_welcome: false,
            is_first_flight: false,
            lines: BTreeMap::new(),
            handles: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            last_number: 0,
            by_heads: BTreeSet::new(),
            frame_bytes_max: PUSH_FRAME_BYTES_MAX,
            pushes_in_flight_max: PUSHES_IN_FLIGHT_MAX,
            renew_at_ms: None,
            is_idle_told: false,
            now_ms: 0,
            outputs: Vec::new(),
        }
    }

    /// Goes on by one input. `now_ms` is milliseconds of a clock that does not go back.
    ///
    /// # Errors
    ///
    /// When the replica fails. The connection is to be closed then; what was durable before stays.
    pub fn step<R: Replica>(
        &mut self,
        now_ms: i64,
        input: ClientInput<'_>,
        replica: &mut R,
    ) -> Result<Vec<ClientOutput>, R::Error> {
        self.now_ms = now_ms;
        if let ClientInput::Connected { token, proof, .. } = input {
            self.connect(token, proof, replica)?;
        } else if self.is_connected {
            self.take(input, replica)?;
        }
        if self.is_connected {
            self.go_on(replica)?;
        }
        Ok(std::mem::take(&mut self.outputs))
    }

    /// Whether everything was pushed and pulled, but for what was refused and waits.
    pub fn is_idle(&self) -> bool {
        self.is_idle_told
    }

    fn connect<R: Replica>(&mut self, token: &str, proof: [u8; 64], replica: &mut R) -> Result<(), R::Error> {
        let by_heads = std::mem::take(&mut self.by_heads);
        *self = Self { by_heads, now_ms: self.now_ms, ..Self::new(self.config) };
        self.is_connected = true;
        self.is_first_flight = true;
        let (version_min, version_max) = (VERSION_MIN, VERSION_MAX);
        let hello = Hello { version_min, version_max, features: FEATURES, device: self.config.device };
        self.send(&Message::Hello(hello));
        self.send_auth(token, proof, replica)?;
        self.open_new(replica)?;
        if self.config.one_flight {
            self.go_on(replica)?;
        }
        self.is_first_flight = false;
        Ok(())
    }

    fn send_auth<R: Replica>(&mut self, token: &str, proof: [u8; 64], replica: &mut R) -> Result<(), R::Error> {
        let ledgers = ledgers_mark(&replica.known()?);
        self.send(&Message::Auth(Auth { token: token.to_owned(), proof, ledgers }));
        Ok(())
    }

    fn take<R: Replica>(&mut self, input: ClientInput<'_>, replica: &mut R) -> Result<(), R::Error> {
        match input {
            ClientInput::Connected { .. } => Ok(()),
            ClientInput::Frame(frame) => self.frame(frame, replica),
            ClientInput::LocalChange => self.open_new(replica),
            ClientInput::Renewed { token, proof } => self.send_auth(token, proof, replica),
            ClientInput::Tick => {
                self.renew();
                Ok(())
            }
            ClientInput::FetchOlder => {
                self.fetch_older();
                Ok(())
            }
        }
    }

    /// Whatever can be done now.
    fn go_on<R: Replica>(&mut self, replica: &mut R) -> Result<(), R::Error> {
        self.retry(replica)?;
        self.open_waiting(replica)?;
        self.push(replica)?;
        let is_idle = self.in_flight.is_empty() && self.lines.values().all(|line| line.is_idle(self.now_ms));
        let is_idle = is_idle && self.is_welcome && self.is_connected;
        if is_idle && !self.is_idle_told {
            self.outputs.push(ClientOutput::Idle);
        }
        self.is_idle_told = is_idle;
        Ok(())
    }

    /// Asks for a new token when the old one is about to end.
    fn renew(&mut self) {
        if self.renew_at_ms.is_some_and(|at| self.now_ms >= at) {
            self.renew_at_ms = None;
            self.outputs.push(ClientOutput::NeedsToken);
        }
    }

    fn may_send(&self) -> bool {
        self.is_connected && (!self.config.one_flight || self.is_first_flight)
    }

    fn send(&mut self, message: &Message) {
        self.outputs.push(ClientOutput::Send(message.encode()));
    }

    /// Ends the connection.
    fn end<R: Replica>(&mut self, code: Code, replica: &mut R) -> Result<(), R::Error> {
        self.is_connected = false;
        self.outputs.push(ClientOutput::Close(code));
        replica.refused(None, code)
    }

    /// Lets a ledger wait before something is tried again, and says so.
    fn wait(&mut self, handle: u32, code: Code, retry_after_ms: u32) {
        let Some(line) = self.lines.get_mut(&handle) else { return };
        let waits = matches!(code.then(), Then::Waits | Then::Kept | Then::Stops);
        let by_itself = if waits { RETRY_MS_MAX } else { line.next_wait_ms() };
        let ms = by_itself.max(i64::from(retry_after_ms));
        line.retry_at_ms = Some(self.now_ms + ms);
        self.outputs.push(ClientOutput::Wait { ms: u32::try_from(ms).unwrap_or(u32::MAX), code });
    }

    fn refuse<R: Replica>(
        &mut self,
        handle: u32,
        code: Code,
        retry_after_ms: u32,
        replica: &mut R,
    ) -> Result<(), R::Error> {
        self.wait(handle, code, retry_after_ms);
        self.forget_pushes(handle);
        let Some(line) = self.lines.get_mut(&handle) else { return Ok(()) };
        line.state = State::Refused;
        line.cursor = None;
        replica.refused(Some(line.ledger), code)
    }
}

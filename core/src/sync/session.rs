//! A conversation with a server without any transport: bytes in, bytes out.
//!
//! The syncer drives one over a WebSocket; a transport of one's own, and the simulator, drive one over anything else.

use outlay_protocol::session::{ClientConfig, ClientInput, ClientOutput, ClientSession};

use super::account::signed_out;
use super::replica::EngineReplica;
use super::status::SyncReport;
use crate::Engine;
use crate::error::Result;
use crate::store::remote::{self, Remote};

/// How often it is written down that everything is alike: often enough for people, seldom enough to cost nothing.
const CAUGHT_UP_EVERY_MS: i64 = 10_000;

/// Records that came one by one may be fewer than this before the search is filled with them.
const RECORDS_UNLOOKED_MAX: usize = 64;

/// One connection's worth of conversation. Time is the caller's, in milliseconds of a clock that does not go back.
///
/// Nothing is kept here that is not in the database: a new session goes on where the last one was, whatever was cut.
pub struct SyncSession<'e> {
    engine: &'e Engine,
    remote: Remote,
    replica: EngineReplica<'e>,
    session: ClientSession,
    nonce: [u8; 16],
    noted_ms: Option<i64>,
}

impl<'e> SyncSession<'e> {
    /// A conversation with the server of the account that the database belongs to. A live one stays and takes what is new
    /// as it comes.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::SignedOut`] if there is no account.
    pub fn new(engine: &'e Engine, is_live: bool) -> Result<Self> {
        let remote = engine.store.read(remote::current)?.ok_or_else(signed_out)?;
        Ok(Self::with_remote(engine, remote, is_live, false))
    }

    /// A conversation with a server that is known otherwise than by signing in: by its id, and as which account.
    ///
    /// # Errors
    ///
    /// Only those of the database.
    pub fn with_server(engine: &'e Engine, server: &[u8; 32], account: &str, is_live: bool) -> Result<Self> {
        let remote = engine.write_as_syncer(|write| remote::enter(&write.tx, server, account, "", ""))?;
        Ok(Self::with_remote(engine, remote, is_live, false))
    }

    pub(crate) fn with_remote(engine: &'e Engine, remote: Remote, is_live: bool, is_one_flight: bool) -> Self {
        let config = ClientConfig {
            device: engine.device_key(),
            months_first: engine.options.sync.months_first,
            live: is_live,
            one_flight: is_one_flight,
        };
        let replica = EngineReplica::new(engine, &remote);
        let session = ClientSession::new(config);
        Self { engine, remote, replica, session, nonce: [0; 16], noted_ms: None }
    }

    /// The connection is there, and the server has said who it is: what leaves in the first flight.
    ///
    /// # Errors
    ///
    /// Those of the database, after which the conversation is over; so in all of these.
    pub fn connected(&mut self, now_ms: i64, nonce: [u8; 16], token: &str) -> Result<Vec<ClientOutput>> {
        self.nonce = nonce;
        self.replica.retry_refused()?;
        let (server, proof) = (self.remote.server, self.prove(token));
        self.step(now_ms, ClientInput::Connected { server, nonce, token, proof })
    }

    /// A frame came. What it held is durable after [`SyncSession::settle`].
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn receive(&mut self, now_ms: i64, frame: &[u8]) -> Result<Vec<ClientOutput>> {
        self.replica.report.bytes_down += frame.len() as u64;
        self.step(now_ms, ClientInput::Frame(frame))
    }

    /// Something was written on this device.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn local_change(&mut self, now_ms: i64) -> Result<Vec<ClientOutput>> {
        self.step(now_ms, ClientInput::LocalChange)
    }

    /// A new access token, after [`ClientOutput::NeedsToken`].
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn renewed(&mut self, now_ms: i64, token: &str) -> Result<Vec<ClientOutput>> {
        let proof = self.prove(token);
        self.step(now_ms, ClientInput::Renewed { token, proof })
    }

    /// Time has passed: once a second.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn tick(&mut self, now_ms: i64) -> Result<Vec<ClientOutput>> {
        self.step(now_ms, ClientInput::Tick)
    }

    /// Offers again what was refused for a reason that may be gone.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn retry_refused(&mut self, now_ms: i64) -> Result<Vec<ClientOutput>> {
        if self.replica.retry_refused()? { self.local_change(now_ms) } else { Ok(Vec::new()) }
    }

    /// Makes durable what was received: to be called whenever nothing more has come. Pages that come one after another
    /// are stored together, and checked while those before them are stored.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn settle(&mut self) -> Result<()> {
        self.replica.settle()
    }

    /// Whether everything was pushed and pulled when it was looked last.
    pub fn is_idle(&self) -> bool {
        self.session.is_idle()
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.replica.in_flight()
    }

    /// What was done so far.
    pub fn report(&self) -> &SyncReport {
        &self.replica.report
    }

    pub(crate) fn take_report(self) -> SyncReport {
        self.replica.report
    }

    fn prove(&self, token: &str) -> [u8; 64] {
        self.engine.author.prove(&self.remote.server, &self.nonce, token)
    }

    fn step(&mut self, now_ms: i64, input: ClientInput<'_>) -> Result<Vec<ClientOutput>> {
        let outputs = self.session.step(now_ms, input, &mut self.replica)?;
        for output in &outputs {
            match output {
                ClientOutput::Send(frame) => {
                    self.replica.report.bytes_up += frame.len() as u64;
                }
                ClientOutput::CaughtUp(_) => self.replica.settle()?,
                ClientOutput::Idle => self.note_idle(now_ms)?,
                ClientOutput::Close(_) | ClientOutput::NeedsToken | ClientOutput::Wait { .. } => {}
            }
        }
        Ok(outputs)
    }

    fn note_idle(&mut self, now_ms: i64) -> Result<()> {
        self.replica.settle()?;
        if self.replica.unlooked() >= RECORDS_UNLOOKED_MAX {
            self.replica.look_soon();
        }
        if self.noted_ms.is_none_or(|noted| now_ms - noted >= CAUGHT_UP_EVERY_MS) {
            self.replica.caught_up()?;
            self.noted_ms = Some(now_ms);
        }
        Ok(())
    }
}

//! One connection from its beginning to its end.
//!
//! A write on this device leaves at once: the engine wakes the thread that waits here. What another process writes is seen
//! by asking the database for its version, and what the server sends is stored as soon as nothing more has come.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Method;
use outlay_protocol::{Code, Then};
use rusqlite::Connection as Database;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::account::{another_server, server_identity};
use super::session::SyncSession;
use super::status::{Connection, Waiting};
use super::token::Tokens;
use super::transport::Connector;
use super::transport::http::{Ask, ask, refusal, refusal_of};
use super::transport::websocket::{NoSocket, Received, Socket};
use super::{ClientOutput, SyncReport};
use crate::Engine;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::remote::{self, Remote};

/// How often the database is asked whether another process has written. Asking takes 2 µs.
const POLL: Duration = Duration::from_millis(200);
/// How often a session is told the time.
const TICK: Duration = Duration::from_secs(1);
/// How often a silent server is asked for a sign of life.
const PING: Duration = Duration::from_secs(25);
/// A connection that has brought nothing for so long is given up.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How often what waits for a quota or a role is offered again.
const RETRY_REFUSED: Duration = Duration::from_secs(60);
/// A wait that a sync which is to end once does not give up for.
const SHORT_WAIT: Duration = Duration::from_secs(10);
/// How often a server that is only reached by requests is asked for news.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// After how long of that a WebSocket is tried again.
const SOCKET_AGAIN: Duration = Duration::from_secs(600);
/// The same where what answered the upgrade had only said to come later.
const SOCKET_SOON: Duration = Duration::from_secs(30);
/// How often in a row such an answer is believed to be the server's, and not of a proxy that lets no WebSocket through. A
/// sync that is to end once has no other time, and asks by requests at once.
const UPGRADES_MAX: u32 = 3;
/// Frames taken before the clock and the outside are looked at again.
const FRAMES_AT_ONCE_MAX: usize = 32;
/// Bytes of frames in one HTTP request or answer; more than any sends.
const BODY_FRAMES_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What ends a sync from outside: asked for once, it stays asked for.
#[derive(Debug, Default)]
pub struct Stop {
    is_asked: AtomicBool,
    asked: Notify,
}

impl Stop {
    /// Asks for the end. It may be called from any thread.
    pub fn ask(&self) {
        self.is_asked.store(true, Ordering::Release);
        self.asked.notify_one();
    }

    /// Whether the end was asked for.
    pub fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Acquire)
    }

    pub(crate) async fn asked(&self) {
        while !self.is_asked() {
            self.asked.notified().await;
        }
    }
}

/// What is waited for on a connection.
#[derive(Clone, Copy)]
pub(crate) struct Aim {
    /// Stay when everything is alike.
    pub(crate) is_live: bool,
    /// Give up then, whatever is left.
    pub(crate) deadline: Option<Instant>,
}

/// Why a connection ended.
pub(crate) enum Ended {
    /// Everything is alike.
    Idle,
    /// The time is up.
    Deadline,
    /// Whoever asked for it wants no more.
    Stopped,
    /// The database belongs to another account now, or to none.
    AccountChanged,
    /// This database was copied, and a new connection brings it nearer to a key of its own.
    Copied,
    /// The server, or this device, closed it.
    Closed(Option<Code>),
    /// It broke.
    Broken(Error),
}

/// What is kept of one connection for the next.
#[derive(Default)]
pub(crate) struct Carried {
    pub(crate) report: SyncReport,
    /// An access token that the server no longer takes.
    pub(crate) refused_token: Option<String>,
    /// Whether the last connection got as far as an answer.
    pub(crate) was_heard: bool,
    /// How many connections in a row have failed before this one.
    pub(crate) failures: u32,
}

/// A connection under way.
struct Line<'e> {
    engine: &'e Engine,
    remote: &'e Remote,
    connector: &'e Connector,
    aim: Aim,
    stop: &'e Stop,
    begun: Instant,
    tokens: Tokens,
    outbox: VecDeque<Vec<u8>>,
    beside: Option<Database>,
    version: Option<i64>,
    heard: Instant,
    ticked: Instant,
    retried: Instant,
    /// Whether what the session waits for is tried again in a moment.
    retries: bool,
}

/// Connects, syncs, and says why it ended.
pub(crate) async fn converse(
    engine: &Engine,
    remote: &Remote,
    connector: &Connector,
    aim: Aim,
    stop: &Stop,
    carried: &mut Carried,
) -> Ended {
    carried.was_heard = false;
    try_converse(engine, remote, connector, aim, stop, carried).await.unwrap_or_else(Ended::Broken)
}

/// What ends a connection whatever the other side does.
async fn called_off(aim: Aim, stop: &Stop) -> Ended {
    let due = async {
        match aim.deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stop.asked() => Ended::Stopped,
        () = due => Ended::Deadline,
    }
}

async fn try_converse(
    engine: &Engine,
    remote: &Remote,
    connector: &Connector,
    aim: Aim,
    stop: &Stop,
    carried: &mut Carried,
) -> Result<Ended> {
    let tokens = tokio::select! {
        tokens = engine.tokens(connector, remote, carried.refused_token.as_deref()) => tokens?,
        ended = called_off(aim, stop) => return Ok(ended),
    };
    let parted = tokio::select! {
        parted = engine.part_from_copy(connector, remote, &tokens) => parted,
        ended = called_off(aim, stop) => return Ok(ended),
    };
    // Without a key of its own it goes on as it is: what is written is worth more.
    let tokens = parted.ok().flatten().unwrap_or(tokens);
    let connected = tokio::select! {
        connected = Socket::connect(connector) => connected,
        ended = called_off(aim, stop) => return Ok(ended),
    };
    let beside = engine.store.reader()?;
    let now = Instant::now();
    let version = beside.as_ref().and_then(|database| Store::data_version(database).ok());
    let mut line = Line {
        engine,
        remote,
        connector,
        aim,
        stop,
        begun: now,
        tokens,
        outbox: VecDeque::new(),
        beside,
        version,
        heard: now,
        ticked: now,
        retried: now,
        retries: false,
    };
    match connected {
        Ok(socket) => line.by_socket(socket, carried).await,
        Err(NoSocket::Offline(error)) => Err(error),
        Err(NoSocket::Later(error)) if aim.is_live && carried.failures < UPGRADES_MAX => Err(error),
        Err(NoSocket::Later(_)) => line.by_http(carried, SOCKET_SOON).await,
        Err(NoSocket::NotUpgraded) => line.by_http(carried, SOCKET_AGAIN).await,
    }
}

impl<'e> Line<'e> {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    async fn by_socket(&mut self, mut socket: Socket, carried: &mut Carried) -> Result<Ended> {
        if socket.server != self.remote.server {
            return Err(another_server());
        }
        let mut session = SyncSession::with_remote(self.engine, self.remote.clone(), self.aim.is_live, false);
        let ended = self.talk(&mut socket, &mut session, carried).await;
        // What came is kept, whatever ended it.
        let settled = session.settle();
        carried.report.add(&session.take_report());
        socket.close().await;
        settled.and(ended)
    }

    async fn talk(
        &mut self,
        socket: &mut Socket,
        session: &mut SyncSession<'e>,
        carried: &mut Carried,
    ) -> Result<Ended> {
        let outputs = session.connected(self.now_ms(), socket.nonce, &self.tokens.access_token)?;
        if let Some(ended) = self.act(session, outputs, carried).await? {
            return Ok(ended);
        }
        loop {
            let next = self.ticked + if self.beside.is_some() { POLL } else { TICK };
            let ended = tokio::select! {
                received = socket.next(&mut self.outbox) => self.receive(received?, socket, session, carried).await?,
                () = self.engine.sync.written.notified() => self.changed(session, carried).await?,
                () = tokio::time::sleep_until(next) => self.tick(socket, session, carried).await?,
                ended = called_off(self.aim, self.stop) => Some(ended),
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    /// Takes what came and what has come since, and makes it durable.
    async fn receive(
        &mut self,
        first: Received,
        socket: &mut Socket,
        session: &mut SyncSession<'e>,
        carried: &mut Carried,
    ) -> Result<Option<Ended>> {
        let mut received = Some(first);
        for _ in 0..FRAMES_AT_ONCE_MAX {
            match received {
                Some(Received::Frame(frame)) => {
                    self.heard = Instant::now();
                    if !std::mem::replace(&mut carried.was_heard, true) {
                        self.engine.sync.set(Connection::Live, None);
                    }
                    let outputs = session.receive(self.now_ms(), &frame)?;
                    if let Some(ended) = self.act(session, outputs, carried).await? {
                        return Ok(Some(ended));
                    }
                }
                Some(Received::Closed(code)) => return Ok(Some(self.closed(code, carried))),
                None => break,
            }
            received = socket.ready(&mut self.outbox).await?;
        }
        if let Some(Received::Closed(code)) = received {
            return Ok(Some(self.closed(code, carried)));
        }
        if let Some(Received::Frame(frame)) = received {
            let outputs = session.receive(self.now_ms(), &frame)?;
            return self.act(session, outputs, carried).await;
        }
        session.settle()?;
        Ok(None)
    }

    async fn changed(&mut self, session: &mut SyncSession<'e>, carried: &mut Carried) -> Result<Option<Ended>> {
        let current = self.engine.store.read(remote::current)?;
        if current.is_none_or(|current| current.sid != self.remote.sid) {
            return Ok(Some(Ended::AccountChanged));
        }
        let outputs = session.local_change(self.now_ms())?;
        self.act(session, outputs, carried).await
    }

    async fn tick(
        &mut self,
        socket: &mut Socket,
        session: &mut SyncSession<'e>,
        carried: &mut Carried,
    ) -> Result<Option<Ended>> {
        let before = self.ticked;
        self.ticked = Instant::now();
        if self.is_written_elsewhere()
            && let Some(ended) = self.changed(session, carried).await?
        {
            return Ok(Some(ended));
        }
        if socket.silence() > SILENCE_MAX || (!session.is_idle() && self.heard.elapsed() > SILENCE_MAX) {
            return Ok(Some(Ended::Broken(super::transport::offline("nothing has come from the server for a minute"))));
        }
        if socket.silence() > PING {
            socket.ping();
        }
        if self.retried.elapsed() > RETRY_REFUSED {
            self.retried = self.ticked;
            let outputs = session.retry_refused(self.now_ms())?;
            if let Some(ended) = self.act(session, outputs, carried).await? {
                return Ok(Some(ended));
            }
        }
        let whole = |at: Instant| at.duration_since(self.begun).as_secs();
        if whole(before) == whole(self.ticked) {
            return Ok(None);
        }
        if session.is_idle() && self.engine.can_part(self.remote)? {
            return Ok(Some(Ended::Copied));
        }
        let outputs = session.tick(self.now_ms())?;
        self.act(session, outputs, carried).await
    }

    fn is_written_elsewhere(&mut self) -> bool {
        let version = self.beside.as_ref().and_then(|database| Store::data_version(database).ok());
        std::mem::replace(&mut self.version, version) != version
    }

    async fn act(
        &mut self,
        session: &mut SyncSession<'e>,
        outputs: Vec<ClientOutput>,
        carried: &mut Carried,
    ) -> Result<Option<Ended>> {
        let mut outputs = VecDeque::from(outputs);
        let sent = session.in_flight();
        self.engine.sync.signal.update(|live| live.sent = sent);
        while let Some(output) = outputs.pop_front() {
            match output {
                ClientOutput::Send(frame) => self.outbox.push_back(frame),
                ClientOutput::Close(code) => return Ok(Some(self.closed(Some(code), carried))),
                ClientOutput::NeedsToken => {
                    let refused = self.tokens.access_token.clone();
                    self.tokens = tokio::select! {
                        tokens = self.engine.tokens(self.connector, self.remote, Some(&refused)) => tokens?,
                        ended = called_off(self.aim, self.stop) => return Ok(Some(ended)),
                    };
                    outputs.extend(session.renewed(self.now_ms(), &self.tokens.access_token)?);
                }
                ClientOutput::CaughtUp(_) => {}
                ClientOutput::Idle => {
                    let sid = self.remote.sid;
                    let is_owed = self.engine.store.read(|connection| remote::is_owed(connection, sid))?;
                    if !is_owed {
                        self.retries = false;
                        self.engine.sync.signal.update(|live| live.waiting = None);
                        self.engine.sync.files.notify_one();
                    }
                    if self.engine.can_part(self.remote)? {
                        return Ok(Some(Ended::Copied));
                    }
                    // What is tried again in a moment is worth the moment.
                    let is_soon_over = is_owed && self.retries;
                    if !(self.aim.is_live || is_soon_over) {
                        return Ok(Some(Ended::Idle));
                    }
                }
                ClientOutput::Wait { ms, code } => {
                    self.retries = code.then() == Then::Retries && Duration::from_millis(u64::from(ms)) < SHORT_WAIT;
                    let waiting = Waiting::for_code(code, Some(u64::from(ms)));
                    self.engine.sync.signal.update(|live| live.waiting = Some(waiting));
                }
            }
        }
        Ok(None)
    }

    fn closed(&self, code: Option<Code>, carried: &mut Carried) -> Ended {
        if matches!(code, Some(Code::TokenExpired | Code::SignInNeeded)) {
            carried.refused_token = Some(self.tokens.access_token.clone());
        }
        Ended::Closed(code)
    }

    /// The same frames as bodies of requests, where no WebSocket comes through. It is over after each exchange that leaves
    /// nothing to do; whoever stays asks again from time to time, and tries a WebSocket after `socket_again`.
    async fn by_http(&mut self, carried: &mut Carried, socket_again: Duration) -> Result<Ended> {
        let mut identity = tokio::select! {
            identity = server_identity(self.connector) => identity?,
            ended = called_off(self.aim, self.stop) => return Ok(ended),
        };
        loop {
            if identity.0 != self.remote.server {
                return Err(another_server());
            }
            let mut session = SyncSession::with_remote(self.engine, self.remote.clone(), false, true);
            let outputs = session.connected(self.now_ms(), identity.1, &self.tokens.access_token)?;
            let mut ended = self.act(&mut session, outputs, carried).await?;
            if ended.is_none() {
                let body = join_frames(self.outbox.drain(..));
                let answered = tokio::select! {
                    answered = self.post(identity.1, body) => answered,
                    ended = called_off(self.aim, self.stop) => return Ok(ended),
                };
                let answered = match answered {
                    Ok(answered) => answered,
                    Err(error) => match refusal_of(&error) {
                        Some(refusal) => return Ok(self.closed(Some(refusal.code), carried)),
                        None => return Err(error),
                    },
                };
                identity = answered.0;
                self.engine.sync.set(Connection::Live, None);
                for frame in answered.1 {
                    carried.was_heard = true;
                    let outputs = session.receive(self.now_ms(), &frame)?;
                    ended = self.act(&mut session, outputs, carried).await?;
                    if ended.is_some() {
                        break;
                    }
                }
            }
            session.settle()?;
            let (is_idle, report) = (session.is_idle(), session.take_report());
            let has_moved = report.pushed + report.pulled > 0;
            carried.report.add(&report);
            if let Some(ended) = ended {
                return Ok(ended);
            }
            if self.begun.elapsed() > socket_again {
                return Ok(Ended::Closed(None));
            }
            if is_idle || !has_moved {
                let pause = if is_idle { ASK_AGAIN } else { TICK };
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.engine.sync.written.notified() => {}
                    () = self.engine.sync.hurry.notified() => {}
                    ended = called_off(self.aim, self.stop) => return Ok(ended),
                }
            }
            let current = self.engine.store.read(remote::current)?;
            if current.is_none_or(|current| current.sid != self.remote.sid) {
                return Ok(Ended::AccountChanged);
            }
        }
    }

    async fn post(&self, nonce: [u8; 16], body: Vec<u8>) -> Result<(([u8; 32], [u8; 16]), Vec<Vec<u8>>)> {
        let ask_for = Ask {
            method: Method::POST,
            path: "/v1/sync",
            bearer: None,
            nonce: Some(nonce),
            content_type: BODY_TYPE,
            header: None,
            body,
        };
        let answered = ask(self.connector, ask_for).await?;
        if answered.status != 200 {
            return Err(answered.refusal());
        }
        let frames = split_frames(&answered.body).ok_or_else(|| refusal(Code::Malformed, None))?;
        Ok((answered.identity()?, frames))
    }
}

const BODY_TYPE: &str = "application/octet-stream";

fn join_frames(frames: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut body = Vec::new();
    for frame in frames {
        body.extend_from_slice(&u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend_from_slice(&frame);
    }
    body
}

fn split_frames(mut body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut frames = Vec::new();
    if body.len() > BODY_FRAMES_BYTES_MAX {
        return None;
    }
    while let Some((length, rest)) = body.split_first_chunk::<4>() {
        let (frame, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        frames.push(frame.to_vec());
        body = rest;
    }
    body.is_empty().then_some(frames)
}

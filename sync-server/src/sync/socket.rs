//! `GET /v1/sync`: a conversation over a WebSocket, one binary message a frame.
//!
//! The connection reads and writes at the same time, so that two sides which both have much to send cannot stand waiting
//! for each other. It holds what the session has sent and the transport has not taken, which the session bounds.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures_util::{Sink, Stream, StreamExt};
use outlay_ledger::LedgerId;
use outlay_protocol::Code;
use outlay_protocol::session::{ServerInput, ServerOutput, ServerSession};
use rusqlite::Connection as Database;
use tokio::time::{Instant, Sleep};

use super::mailbox::{Letter, Mailbox};
use super::{Visitor, http};
use crate::accounts::sessions;
use crate::api::refused::{Malformed, ShuttingDown};
use crate::clock;
use crate::error::ApiError;
use crate::intake::Counted;
use crate::ledgers;
use crate::listen::Place;
use crate::node::{Node, Shared, random};
use crate::store;

/// Bytes read from a socket at once, kept for each: an idle one has nothing more. The default of 128 KiB would be 1.3 GB
/// for 10,000.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Bytes gathered before they are written; a session's messages are written out at the end of each step anyway.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;
/// How long the other side has to take the last words.
const CLOSE_TIME: Duration = Duration::from_secs(3);
/// Between looks at the time before somebody has authenticated, and after.
const TICK_TIMES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// The sync protocol over a WebSocket, one binary message a frame: docs/PROTOCOL.md.
#[utoipa::path(
    get,
    path = "/v1/sync",
    tag = "sync",
    responses((status = 101, description = "A WebSocket; the answer names the server and a nonce."), Malformed, ShuttingDown)
)]
pub(crate) async fn upgrade(
    State(node): Shared,
    Extension(place): Extension<Place>,
    counted: Counted,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let nonce = random();
    let mut headers = HeaderMap::new();
    http::identify(&mut headers, &node, &nonce);
    let upgrade = match upgrade {
        _ if node.is_closing() => return (headers, ApiError::later(Code::ShuttingDown, 1_000)).into_response(),
        Err(_) => return (headers, ApiError::from(Code::Malformed)).into_response(),
        Ok(upgrade) => upgrade,
    };
    let frame_bytes_max = node.limits.frame_max_bytes;
    let response = upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(frame_bytes_max)
        .max_frame_size(frame_bytes_max)
        .on_upgrade(move |socket| async move {
            Box::new(Connection::new(node, nonce, counted, socket)).run().await;
            drop(place);
        });
    (headers, response).into_response()
}

struct Connection {
    node: Arc<Node>,
    socket: WebSocket,
    session: ServerSession,
    mailbox: Arc<Mailbox>,
    visitor: Option<Visitor>,
    /// Until it is known who it is.
    counted: Option<Counted>,
    /// Ledgers whose growth this connection may be told of.
    granted: Vec<LedgerId>,
    subscribed: Vec<LedgerId>,
    /// Sent by the session and not yet taken by the socket.
    outbound: VecDeque<Message>,
    /// Whether the socket has something to write out.
    is_unflushed: bool,
    /// Until when the last words must be out.
    closing: Option<Instant>,
    heard: Instant,
    pinged: Instant,
}

enum Event {
    Frame(Message),
    Letters(Vec<Letter>),
    Drained,
    Time,
    Gone,
    TooMuch(Code),
}

impl Connection {
    fn new(node: Arc<Node>, nonce: [u8; 16], counted: Counted, socket: WebSocket) -> Self {
        let (session, mailbox) = (node.session(nonce), Arc::new(Mailbox::default()));
        node.hub.enter(&mailbox);
        let now = Instant::now();
        Self {
            node,
            socket,
            session,
            mailbox,
            visitor: None,
            counted: Some(counted),
            granted: Vec::new(),
            subscribed: Vec::new(),
            outbound: VecDeque::new(),
            is_unflushed: false,
            closing: None,
            heard: now,
            pinged: now,
        }
    }

    async fn run(mut self: Box<Self>) {
        // What is being stopped while this was entered tells it nothing more.
        if self.node.is_closing() {
            self.mailbox.put(Letter::Closing);
        }
        let mut timer = Box::pin(tokio::time::sleep(TICK_TIMES[0]));
        loop {
            match std::future::poll_fn(|context| self.poll(context, timer.as_mut())).await {
                Event::Gone => break,
                Event::Time if !self.on_time(timer.as_mut()) => break,
                Event::Time => {}
                Event::TooMuch(code) => self.close(code),
                Event::Frame(message) => self.on_message(message),
                Event::Letters(letters) => letters.into_iter().for_each(|letter| self.on_letter(letter)),
                Event::Drained if self.closing.is_some() => {
                    // Closing with something unread would make the last words unread on the other side.
                    _ = tokio::time::timeout(CLOSE_TIME, async { while let Some(Ok(_)) = self.socket.next().await {} })
                        .await;
                    break;
                }
                Event::Drained => self.step(ServerInput::Drained),
            }
        }
        self.node.hub.leave(self.visitor.as_ref(), &self.subscribed, &self.mailbox);
    }

    /// Writes, reads, and looks at letters and time, whichever can be done.
    fn poll(&mut self, context: &mut Context<'_>, timer: Pin<&mut Sleep>) -> Poll<Event> {
        if let Poll::Ready(event) = self.poll_write(context) {
            return Poll::Ready(event);
        }
        if let Poll::Ready(letters) = self.mailbox.poll_take(context) {
            return Poll::Ready(Event::Letters(letters));
        }
        if timer.poll(context).is_ready() {
            return Poll::Ready(Event::Time);
        }
        if !self.session.wants_frames() {
            return Poll::Pending;
        }
        match ready!(Pin::new(&mut self.socket).poll_next(context)) {
            Some(Ok(message)) => Poll::Ready(Event::Frame(message)),
            Some(Err(error)) if is_too_big(&error) => Poll::Ready(Event::TooMuch(Code::TooBig)),
            Some(Err(_)) if self.counted.as_ref().is_some_and(Counted::is_over) => {
                Poll::Ready(Event::TooMuch(Code::Busy))
            }
            Some(Err(_)) | None => Poll::Ready(Event::Gone),
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        let mut socket = Pin::new(&mut self.socket);
        while !self.outbound.is_empty() {
            if ready!(socket.as_mut().poll_ready(context)).is_err() {
                return Poll::Ready(Event::Gone);
            }
            if let Some(message) = self.outbound.pop_front() {
                if socket.as_mut().start_send(message).is_err() {
                    return Poll::Ready(Event::Gone);
                }
                self.is_unflushed = true;
            }
        }
        if !self.is_unflushed {
            return Poll::Pending;
        }
        let flushed = ready!(socket.poll_flush(context));
        self.is_unflushed = false;
        Poll::Ready(if flushed.is_ok() { Event::Drained } else { Event::Gone })
    }

    fn on_message(&mut self, message: Message) {
        self.heard = Instant::now();
        match message {
            Message::Binary(frame) if self.closing.is_none() => self.step(ServerInput::Frame(&frame)),
            Message::Text(_) if self.closing.is_none() => self.close(Code::Malformed),
            // The library answers pings and a close by itself.
            _ => {}
        }
    }

    fn on_letter(&mut self, letter: Letter) {
        match letter {
            Letter::Answer(ticket, answered) => {
                if let Some(visitor) = answered.visitor {
                    self.visitor = Some(visitor);
                    self.counted = None;
                    self.node.hub.identify(&visitor, &self.mailbox);
                    self.look_whether_signed_out(visitor);
                }
                let granted = answered.granted.filter(|ledger| !self.granted.contains(ledger));
                self.granted.extend(granted);
                self.step(ServerInput::Answer(ticket, answered.answer));
                // What it has grown by before was told to nobody.
                if let Some(ledger) = granted.filter(|ledger| self.subscribed.contains(ledger)) {
                    self.look_at_end(ledger);
                }
            }
            Letter::Grown(ledger, head) if self.granted.contains(&ledger) => {
                self.step(ServerInput::Grown { ledger, head });
            }
            Letter::Grown(..) | Letter::Look => {}
            Letter::Removed(ledger) => {
                self.granted.retain(|granted| *granted != ledger);
                self.step(ServerInput::Removed { ledger });
            }
            Letter::Ledgers => self.look_at_ledgers(),
            Letter::LedgerIds(ledgers) => {
                // One that was open already, when this device was no member yet, has grown without a word.
                let is_new = |ledger: &&LedgerId| self.subscribed.contains(ledger) && !self.granted.contains(ledger);
                let granted: Vec<LedgerId> = ledgers.iter().filter(is_new).copied().collect();
                self.granted.extend(&granted);
                granted.into_iter().for_each(|ledger| self.look_at_end(ledger));
                self.step(ServerInput::Ledgers(ledgers));
            }
            Letter::Revoked => self.step(ServerInput::Revoked),
            Letter::Closing => self.step(ServerInput::Closing),
        }
    }

    /// That a device was signed out between the answer to AUTH and now was told to nobody: it is looked at once more.
    fn look_whether_signed_out(&self, Visitor { aid, device }: Visitor) {
        self.look(
            move |connection| Ok((!sessions::is_signed_in(connection, aid, &device)?).then_some(Letter::Revoked)),
        );
    }

    fn look_at_ledgers(&self) {
        let Some(Visitor { device, .. }) = self.visitor else { return };
        self.look(move |connection| Ok(Some(Letter::LedgerIds(ledgers::of_device(connection, &device)?))));
    }

    /// Reads the database, and puts what is found into the mailbox.
    fn look(&self, read: impl FnOnce(&Database) -> store::Result<Option<Letter>> + Send + 'static) {
        let (node, mailbox) = (Arc::clone(&self.node), Arc::clone(&self.mailbox));
        tokio::spawn(async move {
            match node.read(read).await {
                Ok(letter) => letter.into_iter().for_each(|letter| mailbox.put(letter)),
                // The device learns of it when it connects again, at the latest when its token ends.
                Err(error) => tracing::error!(%error, "what a connection has to be told was not read"),
            }
        });
    }

    /// Says whether to go on.
    fn on_time(&mut self, timer: Pin<&mut Sleep>) -> bool {
        let now = Instant::now();
        timer.reset(now + TICK_TIMES[usize::from(self.visitor.is_some())]);
        if self.closing.is_some_and(|end| now >= end) {
            return false;
        }
        let interval = Duration::from_secs(u64::from(self.node.limits.ping_interval_seconds));
        if now - self.heard > interval * 3 {
            return false;
        }
        if now - self.heard >= interval && now - self.pinged >= interval && self.outbound.is_empty() {
            self.pinged = now;
            self.outbound.push_back(Message::Ping(Default::default()));
        }
        self.step(ServerInput::Tick);
        true
    }

    fn step(&mut self, input: ServerInput<'_>) {
        if self.closing.is_some() {
            return;
        }
        for output in self.session.step(clock::monotonic_ms(), input) {
            match output {
                ServerOutput::Send(frame) => self.outbound.push_back(Message::Binary(frame.into())),
                ServerOutput::Ask(ticket, question) => {
                    let mailbox = Arc::clone(&self.mailbox);
                    let tell = move |answered| mailbox.put(Letter::Answer(ticket, Box::new(answered)));
                    self.node.ask(self.visitor, question, tell);
                }
                ServerOutput::Subscribe(ledger) => self.subscribe(ledger),
                ServerOutput::Unsubscribe(ledger) => {
                    self.subscribed.retain(|subscribed| *subscribed != ledger);
                    self.node.hub.unsubscribe(&ledger, &self.mailbox);
                }
                ServerOutput::Close(code) => return self.close(code),
            }
        }
    }

    /// What the log has grown by between the answer to OPEN and now was told to nobody: it is looked at once more.
    fn subscribe(&mut self, ledger: LedgerId) {
        if !self.subscribed.contains(&ledger) {
            self.subscribed.push(ledger);
        }
        self.node.hub.subscribe(ledger, &self.mailbox);
        self.look_at_end(ledger);
    }

    fn look_at_end(&self, ledger: LedgerId) {
        self.look(move |connection| {
            Ok(ledgers::find(connection, &ledger)?.map(|row| Letter::Grown(ledger, row.place())))
        });
    }

    fn close(&mut self, code: Code) {
        if self.closing.is_none() {
            self.closing = Some(Instant::now() + CLOSE_TIME);
            let frame = CloseFrame { code: code.close(), reason: code.name().into() };
            self.outbound.push_back(Message::Close(Some(frame)));
        }
    }
}

/// Whether the transport has refused a message for its size. The library's own error lies under that of axum.
fn is_too_big(error: &axum::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| source.to_string().contains("too long") || source.to_string().contains("too large"))
}

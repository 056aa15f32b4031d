//! `POST /v1/sync`: the same conversation in one request and one answer, for networks that let no WebSocket through.
//!
//! Body and answer are frames, each after its length as four bytes, big-endian. The request names in `outlay-nonce` the
//! nonce that its proof is over, from `GET /v1/server` or an earlier answer; every answer brings the next one.

use std::future::poll_fn;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use outlay_ledger::hex;
use outlay_protocol::Code;
use outlay_protocol::session::{ServerInput, ServerOutput, ServerSession};

use super::Visitor;
use super::mailbox::{Letter, Mailbox};
use crate::api::refused::{Malformed, ShuttingDown, Syncing};
use crate::clock;
use crate::error::ApiError;
use crate::intake::Counted;
use crate::node::{Node, Shared, random};

/// The server's id.
pub const SERVER_HEADER: &str = "outlay-server";
/// A nonce for a proof.
pub const NONCE_HEADER: &str = "outlay-nonce";

/// Says who this is, and which nonce to use.
pub(crate) fn identify(headers: &mut HeaderMap, node: &Node, nonce: &[u8; 16]) {
    let text = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    headers.insert(SERVER_HEADER, text(node.id.to_string()));
    headers.insert(NONCE_HEADER, text(hex::encode(nonce)));
}

/// The sync protocol in one request: frames in, frames out.
#[utoipa::path(
    post,
    path = "/v1/sync",
    tag = "sync",
    params(("outlay-nonce" = crate::api::Id, Header, description = "A nonce of `GET /v1/server` or of an earlier answer.")),
    request_body(content_type = "application/octet-stream", description = "Frames, each after its length: docs/PROTOCOL.md."),
    responses(
        (
            status = 200,
            description = "The answer: frames, each after its length.",
            content_type = "application/octet-stream",
            headers(("outlay-server" = crate::api::Key, description = "The server's id."), ("outlay-nonce" = crate::api::Id, description = "For the next request."))
        ),
        Syncing, Malformed, ShuttingDown
    )
)]
pub(crate) async fn exchange(
    State(node): Shared,
    headers: HeaderMap,
    counted: Counted,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let mut answer_headers = HeaderMap::new();
    identify(&mut answer_headers, &node, &node.nonces.give(clock::unix_ms(), random()));
    match answer(&node, &headers, counted, body).await {
        Ok(frames) => (answer_headers, [(header::CONTENT_TYPE, "application/octet-stream")], frames).into_response(),
        Err(error) => (answer_headers, error).into_response(),
    }
}

async fn answer(
    node: &Arc<Node>,
    headers: &HeaderMap,
    counted: Counted,
    body: Result<Bytes, BytesRejection>,
) -> Result<Vec<u8>, ApiError> {
    if node.is_closing() {
        return Err(ApiError::later(Code::ShuttingDown, 1_000));
    }
    let body = body.map_err(|_| if counted.is_over() { Code::Busy } else { Code::TooBig })?;
    let nonce = headers.get(NONCE_HEADER).and_then(|value| hex::fixed(value.to_str().ok()?));
    let nonce = nonce.filter(|nonce| node.nonces.is_given(clock::unix_ms(), nonce)).ok_or(Code::Proof)?;
    let frames = split(&body)?;
    let mut exchange = Exchange {
        session: node.session(nonce),
        nonce,
        mailbox: Arc::new(Mailbox::default()),
        visitor: None,
        counted: Some(counted),
        outstanding: 0,
        answer: Vec::new(),
        closed: None,
        node,
    };
    exchange.run(frames).await;
    match exchange.closed {
        // Who has to sign in, or to renew a token, is told so as on every other page.
        Some(code) if matches!(code.number(), 200..300) || exchange.answer.is_empty() => Err(code.into()),
        _ => Ok(exchange.answer),
    }
}

/// The frames of a body.
fn split(body: &[u8]) -> Result<Vec<&[u8]>, Code> {
    let (mut rest, mut frames) = (body, Vec::new());
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk().ok_or(Code::Malformed)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Code::TooBig)?;
        let (frame, after) = after.split_at_checked(length).ok_or(Code::Malformed)?;
        frames.push(frame);
        rest = after;
    }
    Ok(frames)
}

struct Exchange<'a> {
    node: &'a Arc<Node>,
    session: ServerSession,
    /// What the proof is over; good once.
    nonce: [u8; 16],
    mailbox: Arc<Mailbox>,
    visitor: Option<Visitor>,
    /// Until it is known who it is.
    counted: Option<Counted>,
    /// Questions that were asked and not answered.
    outstanding: usize,
    answer: Vec<u8>,
    closed: Option<Code>,
}

impl Exchange<'_> {
    async fn run(&mut self, frames: Vec<&[u8]>) {
        let mut frames = frames.into_iter().peekable();
        while self.closed.is_none() {
            while self.closed.is_none() && self.session.wants_frames() && frames.peek().is_some() {
                if let Some(frame) = frames.next() {
                    self.step(ServerInput::Frame(frame));
                }
            }
            // Nothing will come any more: all is answered, or the answer is as long as it may be.
            if self.outstanding == 0 {
                break;
            }
            for letter in poll_fn(|context| self.mailbox.poll_take(context)).await {
                let Letter::Answer(ticket, answered) = letter else { continue };
                self.outstanding -= 1;
                if !self.enter(answered.visitor) {
                    self.closed = Some(Code::Proof);
                    break;
                }
                self.step(ServerInput::Answer(ticket, answered.answer));
            }
        }
    }

    /// Notes who it is, once that is proved. The first proof uses the nonce up: whoever sends it again is told nothing.
    fn enter(&mut self, visitor: Option<Visitor>) -> bool {
        let is_first = self.visitor.is_none() && visitor.is_some();
        self.visitor = visitor.or(self.visitor);
        self.counted = self.counted.take().filter(|_| self.visitor.is_none());
        !is_first || self.node.nonces.take(clock::unix_ms(), self.nonce)
    }

    fn step(&mut self, input: ServerInput<'_>) {
        let mut outputs = self.session.step(clock::monotonic_ms(), input);
        while !outputs.is_empty() && self.closed.is_none() {
            let before = self.answer.len();
            outputs.into_iter().for_each(|output| self.act(output));
            // An answer that is long enough is taken by nobody any more: the device asks again from where it then is.
            let has_room = self.answer.len() < self.node.limits.sync_answer_max_bytes;
            let is_taken = self.answer.len() > before && has_room && self.closed.is_none();
            outputs =
                if is_taken { self.session.step(clock::monotonic_ms(), ServerInput::Drained) } else { Vec::new() };
        }
    }

    fn act(&mut self, output: ServerOutput) {
        match output {
            ServerOutput::Send(frame) => {
                // A frame is far below 4 GiB.
                let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
                self.answer.extend(length.to_be_bytes());
                self.answer.extend(frame);
            }
            ServerOutput::Ask(ticket, question) => {
                self.outstanding += 1;
                let mailbox = Arc::clone(&self.mailbox);
                let tell = move |answered| mailbox.put(Letter::Answer(ticket, Box::new(answered)));
                self.node.ask(self.visitor, question, tell);
            }
            ServerOutput::Close(code) => self.closed = Some(code),
            // Nobody is there any more when something comes later.
            ServerOutput::Subscribe(_) | ServerOutput::Unsubscribe(_) => {}
        }
    }
}

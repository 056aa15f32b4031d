//! A WebSocket to a server: one binary message for each frame.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink as _, Stream as _};
use outlay_protocol::Code;
use outlay_protocol::message::FRAME_BYTES_MAX;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Response;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use super::http::{Answered, identity};
use super::{Connector, Stream, offline};
use crate::error::{Error, Result};

/// Bytes read at once: enough that a page of a megabyte is not a hundred calls, little enough to be idle with.
const READ_BUFFER_BYTES: usize = 32 * 1024;
/// Bytes that may wait to be written; more are not produced before.
const WRITE_BUFFER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long the answer to the upgrade may take: a whole server that is starting, and a slow way to it.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long saying goodbye may take, to a server that perhaps takes nothing any more.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// A connection on which the server has said who it is.
pub(crate) struct Socket {
    stream: WebSocketStream<Box<dyn Stream>>,
    pub(crate) server: [u8; 32],
    pub(crate) nonce: [u8; 16],
    heard: Instant,
    is_pinging: bool,
}

/// What came.
pub(crate) enum Received {
    Frame(Vec<u8>),
    /// The other side has closed, and perhaps said why.
    Closed(Option<Code>),
}

/// Why there is no WebSocket.
pub(crate) enum NoSocket {
    /// The server cannot be reached.
    Offline(Error),
    /// What answered said to come again later.
    Later(Error),
    /// Something on the way lets no WebSocket through; plain HTTP may work.
    NotUpgraded,
}

impl Socket {
    pub(crate) async fn connect(connector: &Connector) -> std::result::Result<Self, NoSocket> {
        let stream = connector.connect().await.map_err(NoSocket::Offline)?;
        let scheme = if connector.address().is_tls() { "wss" } else { "ws" };
        let url = format!("{scheme}://{}/v1/sync", connector.address().authority());
        let request = url.into_client_request().map_err(|error| NoSocket::Offline(broken(error)))?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let upgrading = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
        // What takes connections and then says nothing, as a proxy whose server is gone does, is found out here.
        let upgraded = tokio::time::timeout(UPGRADE_TIMEOUT, upgrading).await;
        let upgraded = upgraded.map_err(|_| NoSocket::Offline(offline("the server does not answer")))?;
        let (stream, answer) = upgraded.map_err(|error| match error {
            tungstenite::Error::Http(answer) => not_upgraded(*answer),
            error => NoSocket::Offline(broken(error)),
        })?;
        let (server, nonce) = identity(answer.headers()).map_err(NoSocket::Offline)?;
        Ok(Self { stream, server, nonce, heard: Instant::now(), is_pinging: false })
    }

    /// What comes next, while what waits in `outbox` is sent as far as the other side takes it.
    ///
    /// It may be dropped at any time: nothing is lost but the waiting.
    pub(crate) async fn next(&mut self, outbox: &mut VecDeque<Vec<u8>>) -> Result<Received> {
        std::future::poll_fn(|context| self.poll(context, outbox)).await
    }

    /// What has come already, without waiting.
    pub(crate) async fn ready(&mut self, outbox: &mut VecDeque<Vec<u8>>) -> Result<Option<Received>> {
        std::future::poll_fn(|context| match self.poll(context, outbox) {
            Poll::Ready(received) => Poll::Ready(received.map(Some)),
            Poll::Pending => Poll::Ready(Ok(None)),
        })
        .await
    }

    /// Asks the other side for a sign of life.
    pub(crate) fn ping(&mut self) {
        self.is_pinging = true;
    }

    /// How long nothing at all has come.
    pub(crate) fn silence(&self) -> Duration {
        self.heard.elapsed()
    }

    fn poll(&mut self, context: &mut Context<'_>, outbox: &mut VecDeque<Vec<u8>>) -> Poll<Result<Received>> {
        self.poll_send(context, outbox)?;
        while let Poll::Ready(message) = Pin::new(&mut self.stream).poll_next(context) {
            self.heard = Instant::now();
            let received = message.map_or(Ok(Some(Received::Closed(None))), sort)?;
            if let Some(received) = received {
                return Poll::Ready(Ok(received));
            }
        }
        Poll::Pending
    }

    fn poll_send(&mut self, context: &mut Context<'_>, outbox: &mut VecDeque<Vec<u8>>) -> Result<()> {
        while (self.is_pinging || !outbox.is_empty()) && Pin::new(&mut self.stream).poll_ready(context).is_ready() {
            let message = if std::mem::take(&mut self.is_pinging) {
                Message::Ping(Vec::new().into())
            } else {
                Message::Binary(outbox.pop_front().unwrap_or_default().into())
            };
            Pin::new(&mut self.stream).start_send(message).map_err(broken)?;
        }
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(flushed) => flushed.map_err(broken),
            Poll::Pending => Ok(()),
        }
    }

    /// Says goodbye, if the other side still listens.
    pub(crate) async fn close(mut self) {
        let _ = tokio::time::timeout(GOODBYE_MAX, self.stream.close(None)).await;
    }
}

/// What an answer means that is no upgrade. One that says later says nothing of WebSockets.
fn not_upgraded(answer: Response<Option<Vec<u8>>>) -> NoSocket {
    let (head, body) = answer.into_parts();
    let body = body.unwrap_or_default().into();
    let answered = Answered { status: head.status.as_u16(), headers: head.headers, body };
    answered.later().map_or(NoSocket::NotUpgraded, NoSocket::Later)
}

fn sort(message: tungstenite::Result<Message>) -> Result<Option<Received>> {
    match message.map_err(broken)? {
        Message::Binary(bytes) => Ok(Some(Received::Frame(bytes.into()))),
        Message::Close(frame) => {
            let code = frame.and_then(|frame| Code::from_close(frame.code.into()));
            Ok(Some(Received::Closed(code)))
        }
        // The library answers pings by itself.
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
        Message::Text(_) => Err(offline("what answers there is not an Outlay server")),
    }
}

fn broken(error: tungstenite::Error) -> Error {
    offline("the connection to the server broke").with_source(error)
}

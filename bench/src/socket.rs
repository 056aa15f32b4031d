//! One WebSocket of a device to a server, with the protocol's own messages.
//!
//! It reads into 4 KiB, so that ten thousand of them fit the process that makes them.

use std::net::{Ipv4Addr, SocketAddr};

use futures_util::{FutureExt, SinkExt, StreamExt};
use hyper::http::HeaderMap;
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{LedgerId, hex};
use outlay_protocol::message::{Auth, FRAME_BYTES_MAX, Hello, Message, Mode, Open, Opened, ledgers_mark};
use outlay_protocol::{Cursor, proof, version};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, protocol::WebSocketConfig};

use crate::ground::Outcome;
use crate::server::Entered;

/// Bytes read at once.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// A connection on which the server has said who it is.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The server's id.
    pub(crate) server: [u8; 32],
    /// The server's bytes for this connection.
    pub(crate) nonce: [u8; 16],
}

impl Socket {
    /// Connects from a port of `source`, which the system chooses.
    pub(crate) async fn connect(server: SocketAddr, source: Ipv4Addr) -> Outcome<Self> {
        let tcp = TcpSocket::new_v4()?;
        tcp.bind(SocketAddr::from((source, 0)))?;
        let stream = tcp.connect(server).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let request = format!("ws://{server}/v1/sync").into_client_request()?;
        let (stream, answer) = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
        let (id, nonce) = (header(answer.headers(), "outlay-server")?, header(answer.headers(), "outlay-nonce")?);
        Ok(Self { stream, server: id, nonce })
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: Vec<u8>) -> Outcome<()> {
        Ok(self.stream.send(tungstenite::Message::Binary(frame.into())).await?)
    }

    /// The next frame. Pings are answered while this waits.
    pub(crate) async fn frame(&mut self) -> Outcome<Vec<u8>> {
        loop {
            let received = self.stream.next().await.ok_or("the connection ended")?;
            if let Some(frame) = sort(received) {
                return frame;
            }
        }
    }

    /// Says that this was all, and waits until the server has handled it.
    pub(crate) async fn finish(mut self) {
        let said = self.stream.close(None).await;
        while said.is_ok() && self.frame().await.is_ok() {}
    }

    /// The next frame if one is there.
    pub(crate) fn frame_now(&mut self) -> Option<Outcome<Vec<u8>>> {
        loop {
            match self.stream.next().now_or_never()? {
                None => return Some(Err("the connection ended".into())),
                Some(received) => {
                    if let Some(frame) = sort(received) {
                        return Some(frame);
                    }
                }
            }
        }
    }

    /// The next message. One that says that something is not done is an error.
    pub(crate) async fn message(&mut self) -> Outcome<Message> {
        let frame = self.frame().await?;
        match Message::decode(&frame, FRAME_BYTES_MAX)? {
            Message::Error(error) => Err(format!("the server says {}: {}", error.code, error.detail).into()),
            message => Ok(message),
        }
    }

    /// Says who this is and opens one ledger, all in one flight, takes what comes of it, and returns where the ledger
    /// stands. Commits that come are passed over.
    pub(crate) async fn open(&mut self, secret: &DeviceSecret, entered: &Entered, open: Open) -> Outcome<Cursor> {
        self.greet(secret, &entered.token, open.ledger).await?;
        let (from, mut is_acknowledged) = (open.from, open.push.is_none());
        self.send(Message::Open(open).encode()).await?;
        let mut cursor = None;
        loop {
            if let (Some(cursor), true) = (cursor, is_acknowledged) {
                return Ok(cursor);
            }
            match self.message().await? {
                Message::Opened(Opened { mode: Mode::Refused(code), .. }) => {
                    return Err(format!("the server does not open a ledger: {code}").into());
                }
                Message::Opened(Opened { mode: Mode::Same, .. }) => cursor = from,
                Message::Ack(_) => is_acknowledged = true,
                Message::CaughtUp(caught_up) => cursor = Some(caught_up.cursor),
                _ => {}
            }
        }
    }

    async fn greet(&mut self, secret: &DeviceSecret, token: &str, ledger: LedgerId) -> Outcome<()> {
        let (version_min, version_max) = (version::VERSION_MIN, version::VERSION_MAX);
        let hello = Hello { version_min, version_max, features: version::FEATURES, device: secret.public() };
        let proof = secret.sign_digest(&proof::digest(&self.server, &self.nonce, token));
        let auth = Auth { token: token.to_owned(), proof, ledgers: ledgers_mark(&[ledger]) };
        self.send(Message::Hello(hello).encode()).await?;
        self.send(Message::Auth(auth).encode()).await
    }
}

/// What a WebSocket brings, as a frame if it is one.
fn sort(received: tungstenite::Result<tungstenite::Message>) -> Option<Outcome<Vec<u8>>> {
    match received {
        Ok(tungstenite::Message::Binary(bytes)) => Some(Ok(bytes.into())),
        Ok(tungstenite::Message::Close(frame)) => Some(Err(format!("the server closed: {frame:?}").into())),
        Ok(_) => None,
        Err(error) => Some(Err(error.into())),
    }
}

fn header<const N: usize>(headers: &HeaderMap, name: &str) -> Outcome<[u8; N]> {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    Ok(value.and_then(hex::fixed).ok_or_else(|| format!("the upgrade was answered without {name}"))?)
}

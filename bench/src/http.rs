//! Requests on a connection that stays open, as programs keep theirs.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::http::request::Builder;
use hyper::{HeaderMap, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::ground::Outcome;

/// An answer; a page of 200 expenses has some 70 KiB.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// A connection.
pub(crate) struct Http {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    driving: JoinHandle<hyper::Result<()>>,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Bytes,
}

impl Http {
    pub(crate) async fn connect(server: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        Ok(Self { sender, host: server.to_string(), driving: tokio::spawn(connection) })
    }

    /// Sends a request and waits for the whole answer.
    pub(crate) async fn ask(&mut self, request: Builder, body: Bytes) -> Outcome<Answer> {
        let request = request.header("host", &self.host).body(Full::new(body))?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

impl Answer {
    /// What it holds, if it is a success.
    pub(crate) fn ok(self) -> Outcome<Bytes> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        Err(format!("the server answers {}: {}", self.status, String::from_utf8_lossy(&self.body)).into())
    }
}

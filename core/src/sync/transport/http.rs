//! One request and its answer, by hyper on a connection of its own.
//!
//! hyper and not a larger client: the workspace has it for the server, and requests here are a handful in an hour.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, RETRY_AFTER};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use outlay_ledger::hex;
use serde_json::Value;

use outlay_protocol::Code;

use super::{Connector, offline};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::status::words;

/// How long an answer may take: hashing a password waits its turn on a busy server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer: sixteen frames of the sync fallback, and far more than any JSON.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of the server's to prove something by.
const NONCE_HEADER: &str = "outlay-nonce";

/// What is asked.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) bearer: Option<&'a str>,
    /// What the proof in the body is over.
    pub(crate) nonce: Option<[u8; 16]>,
    pub(crate) content_type: &'a str,
    /// One field more of the head.
    pub(crate) header: Option<(HeaderName, String)>,
    pub(crate) body: Vec<u8>,
}

/// What is answered.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answered {
    /// The JSON of a good answer, or why not.
    pub(crate) fn json(&self) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            return Err(self.refusal());
        }
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|error| not_ours().with_source(error))
    }

    /// The error that an answer with an error in it means.
    pub(crate) fn refusal(&self) -> Error {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let number = body["code"].as_u64().and_then(|number| u16::try_from(number).ok());
        let in_body = body["retry_after_seconds"].as_u64();
        let retry_after_s = in_body.or_else(|| self.retry_after_s());
        match number {
            Some(number) => refusal(Code::from_number(number), retry_after_s),
            None => not_ours().with_source(std::io::Error::other(format!("HTTP status {}", self.status))),
        }
    }

    /// The error of an answer that says to come again later, whatever was asked: of the server, or of what stands before it.
    pub(crate) fn later(&self) -> Option<Error> {
        let code = match self.status {
            429 => Code::Rate,
            502..=504 => Code::Busy,
            _ => return None,
        };
        let said = self.refusal();
        Some(if refusal_of(&said).is_some() { said } else { refusal(code, self.retry_after_s()) })
    }

    fn retry_after_s(&self) -> Option<u64> {
        self.headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
    }

    /// The server's id and its bytes for the next connection, from headers.
    pub(crate) fn identity(&self) -> Result<([u8; 32], [u8; 16])> {
        identity(&self.headers)
    }
}

/// What the server said, as the cause of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) retry_after_s: Option<u64>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the server answered {}", self.code)
    }
}

impl std::error::Error for Refusal {}

/// What the server said, if that is the cause of an error.
pub(crate) fn refusal_of(error: &Error) -> Option<Refusal> {
    std::error::Error::source(error)?.downcast_ref::<Refusal>().copied()
}

/// The error of a code.
pub(crate) fn refusal(code: Code, retry_after_s: Option<u64>) -> Error {
    let kind = match code {
        Code::SignInNeeded | Code::TokenExpired | Code::Revoked => ErrorKind::SignedOut,
        Code::Credentials | Code::CodeNeeded | Code::CodeWrong => ErrorKind::Forbidden,
        Code::SignUpClosed | Code::Invitation | Code::Proof => ErrorKind::Forbidden,
        Code::InvitationUsed | Code::InvitationExpired => ErrorKind::Forbidden,
        Code::Removed | Code::ReadOnly | Code::Scope => ErrorKind::Forbidden,
        Code::NoSuchLedger => ErrorKind::NotFound,
        Code::AccountExists | Code::AccountInvalid => ErrorKind::InvalidInput,
        Code::Rate | Code::Quota | Code::Busy => ErrorKind::RateLimited,
        Code::Version => ErrorKind::TooNew,
        _ => ErrorKind::Offline,
    };
    Error::new(kind, words(code)).with_source(Refusal { code, retry_after_s })
}

/// The server's id and its bytes for one connection, in hexadecimal digits.
pub(crate) fn identity(headers: &HeaderMap) -> Result<([u8; 32], [u8; 16])> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let server = text("outlay-server").and_then(hex::fixed);
    let nonce = text(NONCE_HEADER).and_then(hex::fixed);
    server.zip(nonce).ok_or_else(not_ours)
}

fn not_ours() -> Error {
    offline("what answers there is not an Outlay server")
}

/// Asks once, on a connection of its own.
pub(crate) async fn ask(connector: &Connector, ask: Ask<'_>) -> Result<Answered> {
    let stream = connector.connect().await?;
    let answered = tokio::time::timeout(ANSWER_TIMEOUT, exchange(connector, stream, ask)).await;
    answered.map_err(|_| offline("the server does not answer"))?
}

async fn exchange(connector: &Connector, stream: Box<dyn super::Stream>, ask: Ask<'_>) -> Result<Answered> {
    let broken = |error: hyper::Error| offline("the connection to the server broke").with_source(error);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let driving = async move {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    let mut request = Request::builder().method(ask.method).uri(ask.path).header(HOST, connector.address().authority());
    if !ask.body.is_empty() {
        request = request.header(CONTENT_TYPE, ask.content_type);
    }
    if let Some(bearer) = ask.bearer {
        request = request.header(AUTHORIZATION, format!("Bearer {bearer}"));
    }
    if let Some(nonce) = ask.nonce {
        request = request.header(NONCE_HEADER, hex::encode(&nonce));
    }
    if let Some((name, value)) = ask.header {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::from(ask.body)));
    let request = request.map_err(|error| Error::internal("a request could not be made").with_source(error))?;
    let asking = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|_| offline("the answer of the server broke off"))?.to_bytes();
        Ok(Answered { status: head.status.as_u16(), headers: head.headers, body })
    };
    tokio::select! {
        answered = asking => answered,
        () = driving => Err(offline("the connection to the server broke")),
    }
}

//! What requests bring: a body of JSON, and who asks. Whatever is not in order is refused with its code.

use std::str::FromStr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::extract::{Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::{Json, RequestExt};
use outlay_ledger::{LedgerId, hex};
use outlay_protocol::Code;
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::accounts::{Session, api_tokens, records, sessions};
use crate::error::ApiError;
use crate::node::Node;
use crate::session_cache::{self, Known, SessionCache};
use crate::sync::answer::check_token;
use crate::{clock, logs};

/// The body of a request, read as JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest<Arc<Node>> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<Node>) -> Result<Self, ApiError> {
        match request.extract::<Json<T>, _>().await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::BytesRejection(_)) => Err(Code::TooBig.into()),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Code::MediaType.into()),
            Err(JsonRejection::JsonDataError(_)) => Err(Code::Invalid.into()),
            Err(_) => Err(Code::Malformed.into()),
        }
    }
}

/// The body of a request, read as JSON, and its bytes.
pub(crate) struct Sent<T>(pub(crate) T, pub(crate) Bytes);

impl<T: DeserializeOwned + 'static> FromRequest<Arc<Node>> for Sent<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, node: &Arc<Node>) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, node).await.map_err(|_| Code::TooBig)?;
        let mut again = Request::new(bytes.clone().into());
        *again.headers_mut() = headers;
        let Body(value) = Body::from_request(again, node).await?;
        Ok(Self(value, bytes))
    }
}

/// A value that is there, also when it is null.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// The query of a request.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Node>> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Node>) -> Result<Self, ApiError> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(_) => Err(Code::Invalid.into()),
        }
    }
}

/// What the path of a request names.
pub(crate) struct At<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Node>> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, node).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(Code::NoSuchPage.into()),
        }
    }
}

/// Who asks, by the access token in `Authorization`.
impl FromRequestParts<Arc<Node>> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, ApiError> {
        Ok(person(parts, node).await?.session)
    }
}

/// A person who has signed in, and until when, in milliseconds since 1970.
pub(crate) struct SignedIn {
    pub(crate) session: Session,
    pub(crate) until_ms: i64,
}

impl FromRequestParts<Arc<Node>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, ApiError> {
        let known = person(parts, node).await?;
        Ok(Self { session: known.session, until_ms: known.until_ms })
    }
}

/// Who asks by an access token.
async fn person(parts: &Parts, node: &Node) -> Result<Arc<Known>, ApiError> {
    let (token, now_ms) = (bearer(&parts.headers).ok_or(Code::SignInNeeded)?, clock::unix_ms());
    let known = match node.context.sessions.get(now_ms, &session_cache::hash_of(token)) {
        Ok(known) => known,
        Err(_) => {
            let (context, token) = (node.context.clone(), token.to_owned());
            node.read(move |connection| check_token(connection, &context, now_ms, &token)).await??
        }
    };
    admit(node, &known)?;
    Ok(known)
}

/// Who asks by the API token with this hash.
async fn program(node: &Node, hash: [u8; 32]) -> Result<Arc<Known>, ApiError> {
    let now_ms = clock::unix_ms();
    let ticket = match node.context.sessions.get(now_ms, &hash) {
        Ok(known) => return admit(node, &known).map(|()| known),
        Err(ticket) => ticket,
    };
    let found = node.read(move |connection| {
        let Some(token) = api_tokens::find(connection, &hash)? else { return Ok(None) };
        Ok(Some((records::account_id(connection, token.aid)?, token)))
    });
    let (account, token) = found.await?.ok_or(Code::SignInNeeded)?;
    if token.expires_ms <= now_ms {
        return Err(Code::TokenExpired.into());
    }
    let (is_use_due, session) =
        (api_tokens::is_use_due(&token, now_ms), Session { aid: token.aid, id: token.id, device: None });
    let known = Arc::new(Known { account, session, grant: token.grant, until_ms: token.expires_ms });
    node.context.sessions.put(ticket, hash, Arc::clone(&known));
    admit(node, &known)?;
    if is_use_due {
        node.writer().run(move |write| api_tokens::set_used(write, now_ms, &token.id)).await?;
    }
    Ok(known)
}

/// Lets somebody ask once more, and notes who it is.
fn admit(node: &Node, known: &Known) -> Result<(), ApiError> {
    logs::is_asked_by(known.account, known.session.id);
    node.gate.admit(node, &known.session)
}

/// What somebody asks by, as far as it can be taken away from him.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pass {
    /// An access token of this session.
    Session(Session),
    /// The API token with this id.
    Token { aid: i64, id: [u8; 16] },
}

impl Pass {
    /// Whether it was not taken away. Until when it is good is said by [`Principal::until_ms`].
    pub(crate) fn holds(&self, connection: &Connection) -> crate::store::Result<bool> {
        match self {
            Self::Session(session) => sessions::is_going_on(connection, session),
            Self::Token { aid, id } => api_tokens::is_there(connection, *aid, id),
        }
    }
}

/// Who asks for a page of ledgers: a person who has signed in, or a program with an API token of his.
pub(crate) struct Principal {
    pub(crate) session: Session,
    pub(crate) pass: Pass,
    /// Until when the token is good, in milliseconds since 1970.
    pub(crate) until_ms: i64,
    known: Arc<Known>,
}

impl Principal {
    /// The ledger that a page names, if the token is for it. What the account may do there is judged by its role.
    pub(crate) fn ledger(&self, text: &str) -> Result<LedgerId, Code> {
        let ledger = ledger_id(text)?;
        if self.sees(&ledger) { Ok(ledger) } else { Err(Code::NoSuchLedger) }
    }

    /// Whether the token is for this ledger.
    pub(crate) fn sees(&self, ledger: &LedgerId) -> bool {
        self.known.grant.is_for(ledger)
    }

    /// Whether the token is for changing something, where it may read.
    pub(crate) fn may_write(&self) -> Result<(), Code> {
        if self.known.grant.can_write { Ok(()) } else { Err(Code::Scope) }
    }
}

impl FromRequestParts<Arc<Node>> for Principal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, ApiError> {
        let (known, pass) = match bearer(&parts.headers).and_then(api_tokens::hash_of) {
            None => {
                let known = person(parts, node).await?;
                let pass = Pass::Session(known.session);
                (known, pass)
            }
            Some(hash) => {
                let known = program(node, hash).await?;
                let pass = Pass::Token { aid: known.session.aid, id: known.session.id };
                (known, pass)
            }
        };
        Ok(Self { session: known.session, pass, until_ms: known.until_ms, known })
    }
}

/// What cannot be the id of a page is that of none.
pub(crate) fn page_id(text: &str) -> Result<[u8; 16], Code> {
    hex::fixed(text).ok_or(Code::NoSuchPage)
}

/// What cannot be a name in the address of a page is in that of none.
pub(crate) fn page_part<T: FromStr>(text: &str) -> Result<T, Code> {
    text.parse().map_err(|_| Code::NoSuchPage)
}

/// What cannot be the id of a ledger is that of none.
pub(crate) fn ledger_id(text: &str) -> Result<LedgerId, Code> {
    text.parse().map_err(|_| Code::NoSuchLedger)
}

/// The token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

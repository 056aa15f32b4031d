//! What is logged of requests: one line for each, under an id that whoever asked is told too.
//!
//! A line has the route that was matched, never the path or the query, and of who asked only the ids of account and
//! session: what people write is not handed to it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use outlay_ledger::hex;
use tokio::time::Instant;

use crate::accounts::AccountId;
use crate::config::LogFormat;
use crate::gate::{self, Quota};
use crate::node::{Shared, random};
use crate::proxies::{self, Network};

/// The id of a request, in what a trusted proxy asks and in every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of an id that a proxy gives: a UUID has 36, a trace of W3C 55.
const REQUEST_ID_BYTES_MAX: usize = 64;
/// The route of what is no page.
const NO_ROUTE: &str = "none";

tokio::task_local! {
    /// The request that this task answers.
    static CURRENT: Arc<Current>;
}

struct Current {
    id: String,
    caller: OnceLock<Caller>,
    quotas: Mutex<Vec<Quota>>,
}

/// Who asks, in what a log may hold of it.
struct Caller {
    account: AccountId,
    session: [u8; 16],
}

/// Begins to write the log to standard error.
pub fn start(level: tracing::Level, format: LogFormat) {
    let log =
        tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_ansi(false).with_target(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

/// The id of the request that is being answered, if one is.
pub(crate) fn request_id() -> Option<String> {
    CURRENT.try_with(|current| current.id.clone()).ok()
}

/// Notes who has asked. The first word stands: nobody becomes somebody else within a request.
pub(crate) fn is_asked_by(account: AccountId, session: [u8; 16]) {
    // Outside of a request there is no line to write it in.
    _ = CURRENT.try_with(|current| current.caller.set(Caller { account, session }));
}

/// Notes what may still be asked, for the headers of the answer.
pub(crate) fn has_left(quota: Quota) {
    let note = |current: &Arc<Current>| current.quotas.lock().unwrap_or_else(PoisonError::into_inner).push(quota);
    _ = CURRENT.try_with(note);
}

/// Answers a request under an id, and logs that it did.
pub(crate) async fn follow(State(node): Shared, request: Request, next: Next) -> Response {
    let peer = request.extensions().get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip());
    let id = given_id(&node.trusted_proxies, peer, request.headers());
    let id = id.unwrap_or_else(|| hex::encode(&random::<16>()));
    let route = request.extensions().get().map_or(NO_ROUTE.to_owned(), |path: &MatchedPath| path.as_str().to_owned());
    let (method, begun) = (method_name(request.method()), Instant::now());
    let current = Arc::new(Current { id, caller: OnceLock::new(), quotas: Mutex::default() });
    let mut response = CURRENT.scope(Arc::clone(&current), next.run(request)).await;
    let (status, time) = (response.status().as_u16(), begun.elapsed());
    node.metrics.answered(method, &route, status, time);
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let (account, session) = match current.caller.get() {
        Some(caller) => (Some(caller.account.to_string()), Some(hex::encode(&caller.session))),
        None => (None, None),
    };
    tracing::info!(method, route, status, ms, request_id = current.id, account, session, "answered");
    gate::tell(response.headers_mut(), &current.quotas.lock().unwrap_or_else(PoisonError::into_inner));
    // An id has nothing in it that a header may not have.
    if let Ok(id) = HeaderValue::from_str(&current.id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The id that a trusted proxy gives, if it is one.
fn given_id(trusted: &[Network], peer: Option<IpAddr>, headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_sane = (1..=REQUEST_ID_BYTES_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (is_sane && peer.is_some_and(|peer| proxies::is_trusted(trusted, &peer))).then(|| id.to_owned())
}

/// A method may be any word; only those that mean something are named.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

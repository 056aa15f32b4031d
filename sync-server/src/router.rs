//! All pages of the server.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use futures_util::FutureExt;
use outlay_ledger::hex;
use outlay_protocol::{Code, version};
use serde::Serialize;
use tower_http::cors::CorsLayer;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::api::{self, Id, Key, Pages};
use crate::error::ApiError;
use crate::node::{Node, Shared, random};
use crate::{accounts, blobs, clock, events, expenses, gate, health, insights, ledgers, logs, sync};

/// Bytes of a request that is no sync: an address, a password, a name.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// How long health may take, whatever other pages may: longer than twice what it gives the database.
const HEALTH_TIME: Duration = Duration::from_secs(10);
/// No answer is a page for a browser.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Fields of ours that a page may send.
const OURS: [&str; 2] = ["idempotency-key", "outlay-nonce"];
/// How long a browser remembers what it may ask.
const PREFLIGHT_TIME: Duration = Duration::from_secs(600);

pub(crate) fn router(node: Arc<Node>) -> Router {
    let (pages, _) = pages(node.limits.sync_body_max_bytes).split_for_parts();
    let asked = pages
        .fallback(|| async { ApiError::from(Code::NoSuchPage) })
        .method_not_allowed_fallback(|| async { ApiError::from(Code::Method) })
        .layer(from_fn_with_state(Arc::clone(&node), gate::admit))
        .layer(from_fn_with_state(Arc::clone(&node), within_time));
    // Whoever looks after the server may ask how it is as often as he likes.
    dressed(asked.merge(health_pages()), node)
}

/// What a connection too many is served: health, and that there is no room.
pub(crate) fn health(node: Arc<Node>) -> Router {
    dressed(health_pages().fallback(|| async { ApiError::from(Code::Busy) }), node)
}

fn health_pages() -> Router<Arc<Node>> {
    let (health, _) = health::router().split_for_parts();
    let health = health.method_not_allowed_fallback(|| async { ApiError::from(Code::Method) });
    health.layer(from_fn(|request: Request, next: Next| answered(HEALTH_TIME, next.run(request))))
}

/// Pages with what every answer has.
fn dressed(pages: Router<Arc<Node>>, node: Arc<Node>) -> Router {
    let pages = if node.cors_origins.is_empty() { pages } else { pages.layer(cors(&node.cors_origins)) };
    let pages = pages.layer(from_fn_with_state(Arc::clone(&node), protected));
    pages.layer(from_fn_with_state(Arc::clone(&node), logs::follow)).with_state(node)
}

/// The pages that are counted: all but health. `sync_bytes_max` is the longest body of a sync.
pub(crate) fn pages(sync_bytes_max: usize) -> Pages {
    let sync = Pages::new()
        .routes(routes!(sync::socket::upgrade, sync::http::exchange))
        .layer(DefaultBodyLimit::max(sync_bytes_max));
    Pages::new()
        .routes(routes!(server))
        .routes(routes!(api::show))
        .merge(accounts::routes::router())
        .merge(accounts::profile::router())
        .merge(accounts::api_tokens::router())
        .merge(ledgers::routes::router())
        .merge(accounts::mailing::router())
        .merge(accounts::leaving::router())
        .merge(accounts::second::router())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .merge(events::router())
        .merge(expenses::router())
        .merge(insights::router())
        .merge(blobs::routes::router())
        .merge(sync)
}

/// Lets pages of these sites ask, and no others; without cookies, which this server has none of.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let headers = [header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH, header::IF_NONE_MATCH];
    let headers = headers.into_iter().chain([header::RANGE, header::IF_RANGE, header::CONTENT_RANGE]);
    let shown =
        ["etag", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id", "outlay-nonce", "upload-offset"];
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods(methods)
        .allow_headers(headers.chain(OURS.map(HeaderName::from_static)).collect::<Vec<_>>())
        .expose_headers(shown.map(HeaderName::from_static))
        .max_age(PREFLIGHT_TIME)
}

/// Who this is.
#[derive(Serialize, ToSchema)]
struct ServerOut {
    #[schema(value_type = Key)]
    id: String,
    /// To prove something by, once and within a minute.
    #[schema(value_type = Id)]
    nonce: String,
    /// Who may sign up: `open`, `invitation` or `closed`.
    sign_up: &'static str,
    versions: Versions,
}

/// Versions of the sync protocol that are spoken.
#[derive(Serialize, ToSchema)]
struct Versions {
    min: u16,
    max: u16,
}

/// Who this is, and a nonce to prove something by.
#[utoipa::path(get, path = "/v1/server", tag = "server", responses((status = 200, body = ServerOut)))]
async fn server(State(node): Shared) -> Json<ServerOut> {
    let nonce = node.nonces.give(clock::unix_ms(), random());
    Json(ServerOut {
        id: node.id.to_string(),
        nonce: hex::encode(&nonce),
        sign_up: node.sign_up.name(),
        versions: Versions { min: version::VERSION_MIN, max: version::VERSION_MAX },
    })
}

async fn within_time(State(node): Shared, request: Request, next: Next) -> Response {
    let time = Duration::from_secs(u64::from(node.limits.request_timeout_seconds));
    answered(time, next.run(request)).await
}

/// The answer in time, also when the page panics.
async fn answered(time: Duration, answer: impl Future<Output = Response>) -> Response {
    // The panic itself was logged by the hook; nothing of the request is kept, so that nothing is left half done.
    match tokio::time::timeout(time, AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => ApiError::from(Code::Internal).into_response(),
        Err(_) => ApiError::from(Code::Slow).into_response(),
    }
}

/// The answer with what keeps a browser from making more of it than it is, and everybody from keeping it.
async fn protected(State(node): Shared, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // A page that may be kept says so itself; one with a token never does.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if node.has_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn problem(response: Response) -> (u16, String, serde_json::Value) {
        let (head, body) = response.into_parts();
        let kind = head.headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let body = to_bytes(body, 1_000).await.unwrap();
        (head.status.as_u16(), kind, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_page_that_panics_or_takes_too_long_is_answered_with_a_problem() {
        let panicking = answered(Duration::from_secs(60), async { panic!("as in a bug") }).await;
        let (status, kind, told) = problem(panicking).await;
        assert_eq!((status, kind.as_str(), &told["code"]), (500, "application/problem+json", &603.into()));
        assert!(!told.to_string().contains("bug"), "the cause is nobody else's: {told}");
        let slow = answered(Duration::ZERO, std::future::pending()).await;
        let (status, kind, told) = problem(slow).await;
        assert_eq!((status, kind.as_str(), &told["code"]), (408, "application/problem+json", &504.into()));
    }
}

//! Whether the process is alive, and whether it is ready: `/livez` and `/readyz`.
//!
//! Alive is who answers. Ready is who can read the database and write it durably, and is not being stopped; the answer says
//! which of these is so, and nothing about why: that is in the log.
//!
//! Anybody may ask, as often as he likes, so the database is tried once a second at most. No limit is for these pages: neither
//! those of requests, nor those of connections and of time, which are for work.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::api::Pages;
use crate::clock;
use crate::node::{Node, Shared};
use crate::store::Result;

/// How long it holds what was found, in milliseconds.
const TRIED_MS_MAX: i64 = 1_000;
/// How long the database may take to be tried; less than those wait who ask.
const TRY_TIME: Duration = Duration::from_secs(3);

/// What was found last.
#[derive(Default)]
pub(crate) struct Health(Mutex<Option<Tried>>);

#[derive(Clone, Copy)]
struct Tried {
    at_ms: i64,
    is_read: bool,
    is_written: bool,
}

pub(crate) fn router() -> Pages {
    Pages::new().routes(routes!(alive)).routes(routes!(ready))
}

/// Whether the server can do its work: `ok`, or `failed`.
#[derive(Serialize, ToSchema)]
struct Readiness {
    status: &'static str,
    checks: Checks,
}

/// The same of each thing that it needs.
#[derive(Serialize, ToSchema)]
struct Checks {
    serving: &'static str,
    database_read: &'static str,
    database_write: &'static str,
}

/// Whether the process answers.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = str, content_type = "text/plain")))]
async fn alive() -> &'static str {
    "ok\n"
}

/// Whether the server can do its work.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness, description = "It cannot."))
)]
async fn ready(State(node): Shared) -> (StatusCode, Json<Readiness>) {
    let word = |is_good| if is_good { "ok" } else { "failed" };
    let (serving, Tried { is_read, is_written, .. }) = (!node.is_closing(), tried(&node).await);
    let is_ready = serving && is_read && is_written;
    let checks = Checks { serving: word(serving), database_read: word(is_read), database_write: word(is_written) };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { status: word(is_ready), checks }))
}

/// Tries the database, unless that was just done. Who asks while it is tried waits for that.
async fn tried(node: &Node) -> Tried {
    let mut last = node.health.0.lock().await;
    if let Some(tried) = last.filter(|tried| clock::monotonic_ms() - tried.at_ms < TRIED_MS_MAX) {
        return tried;
    }
    let read = node.read(|connection| Ok(connection.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?));
    let write = node.writer().run(|write| {
        let upsert = "INSERT OR REPLACE INTO meta (key, value) VALUES ('ready', 1)";
        Ok(write.tx.prepare_cached(upsert)?.execute([])?)
    });
    let (is_read, is_written) = tokio::join!(is_good("read", read), is_good("write", write));
    let tried = Tried { at_ms: clock::monotonic_ms(), is_read, is_written };
    *last = Some(tried);
    tried
}

async fn is_good<T>(what: &str, check: impl Future<Output = Result<T>>) -> bool {
    let Ok(checked) = tokio::time::timeout(TRY_TIME, check).await else {
        tracing::error!(what, "not ready: it takes too long");
        return false;
    };
    checked.inspect_err(|error| tracing::error!(%error, what, "not ready")).is_ok()
}

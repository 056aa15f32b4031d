//! Whether the process is alive, and whether it is ready: `/livez` and `/readyz`.
//!
//! Alive is who answers. Ready is who can read the database and write it durably, and is not being stopped; the answer says
//! which of these is so, and nothing about why: that is in the log.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::node::{Node, Shared};
use crate::store::Result;

pub(crate) fn router() -> Router<Arc<Node>> {
    Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(ready))
}

async fn ready(State(node): Shared) -> (StatusCode, Json<Value>) {
    let read = node.read(|connection| Ok(connection.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?)).await;
    let write = node.writer().run(|write| {
        let upsert = "INSERT OR REPLACE INTO meta (key, value) VALUES ('ready', 1)";
        Ok(write.tx.prepare_cached(upsert)?.execute([])?)
    });
    let checks = [
        ("serving", !node.is_closing()),
        ("database_read", is_good("read", read)),
        ("database_write", is_good("write", write.await)),
    ];
    let (status, word) = match checks.iter().all(|(_, is_good)| *is_good) {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "failed"),
    };
    let checks: serde_json::Map<String, Value> = checks
        .map(|(name, is_good)| (name.to_owned(), if is_good { "ok" } else { "failed" }.into()))
        .into_iter()
        .collect();
    (status, Json(json!({ "status": word, "checks": checks })))
}

fn is_good<T>(what: &str, checked: Result<T>) -> bool {
    checked.inspect_err(|error| tracing::error!(%error, what, "not ready")).is_ok()
}

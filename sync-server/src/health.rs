//! Whether the process is alive, and whether it is ready: `/livez` and `/readyz`.
//!
//! Alive is who answers. Ready is who can read the database and write it durably, and is not being stopped.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::node::Node;

pub(crate) fn router() -> Router<Arc<Node>> {
    Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(ready))
}

async fn ready(State(node): State<Arc<Node>>) -> (StatusCode, &'static str) {
    if node.is_closing() {
        return (StatusCode::SERVICE_UNAVAILABLE, "closing\n");
    }
    let write = node.writer().run(|write| {
        let upsert = "INSERT OR REPLACE INTO meta (key, value) VALUES ('ready', 1)";
        Ok(write.tx.prepare_cached(upsert)?.execute([])?)
    });
    match write.await {
        Ok(_) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be written\n")
        }
    }
}

//! `GET /v1/ledgers/{id}/insights` and `POST …/refresh`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use outlay_ledger::LedgerId;
use outlay_protocol::Code;
use rusqlite::Connection;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::results::{self, Stored};
use crate::api::refused::OfLedger;
use crate::api::{LedgerPath, Pages};
use crate::clock;
use crate::error::Answer;
use crate::events::instant;
use crate::ledgers::{LedgerRow, history_up_to, of_member};
use crate::node::{Node, Shared};
use crate::request::{At, Principal};

pub(crate) fn router() -> Pages {
    Pages::new().routes(routes!(show)).routes(routes!(refresh))
}

/// How the insights of a ledger stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// There are none yet; the first are being made.
    Making,
    /// They are of the ledger as it is, and of this day.
    Current,
    /// Newer ones are made when the ledger has been still for a while, and its interval is over.
    Outdated,
    /// There are none, for a reason.
    Refused,
}

/// The last insights of a ledger.
#[derive(Serialize, ToSchema)]
struct InsightsOut {
    state: Standing,
    /// Why the last attempt found none, if so: `too_large`, `too_slow` or `failed`.
    #[schema(required)]
    reason: Option<String>,
    /// The day as of which they are, in UTC.
    #[schema(required, format = Date)]
    day: Option<String>,
    /// When they were made.
    #[schema(required, format = DateTime)]
    made_at: Option<String>,
    /// Of the log: up to where it is in them.
    #[schema(required)]
    position: Option<u64>,
    /// What `outlay insights --json` prints; `null` while there are none.
    #[schema(required, value_type = Option<Object>)]
    insights: Option<Box<RawValue>>,
}

impl InsightsOut {
    fn new(stored: Option<Stored>, head: u64) -> Self {
        let Some(stored) = stored else {
            return Self {
                state: Standing::Making,
                reason: None,
                day: None,
                made_at: None,
                position: None,
                insights: None,
            };
        };
        let is_current = stored.refused.is_none() && stored.is_of(head, clock::today());
        let state = match (&stored.body, &stored.refused) {
            (Some(_), _) if is_current => Standing::Current,
            (Some(_), _) => Standing::Outdated,
            (None, Some(_)) => Standing::Refused,
            (None, None) => Standing::Making,
        };
        let is_there = stored.body.is_some();
        Self {
            state,
            reason: stored.refused,
            day: stored.day.filter(|_| is_there).map(|day| day.to_string()),
            made_at: stored.made_ms.and_then(instant),
            position: stored.position.filter(|_| is_there),
            insights: stored.body.and_then(|body| RawValue::from_string(body).ok()),
        }
    }
}

/// What is found in a ledger: payments that come back, forecasts, odd charges and patterns, as they were last made. Whoever asks
/// first has them be made, which takes a moment; the event `insight.ready` tells when they are.
#[utoipa::path(
    get,
    path = "/v1/ledgers/{ledger}/insights",
    tag = "insights",
    params(LedgerPath),
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 200, body = InsightsOut), OfLedger)
)]
async fn show(
    State(node): Shared,
    principal: Principal,
    At(LedgerPath { ledger }): At<LedgerPath>,
) -> Answer<Json<InsightsOut>> {
    let ledger = principal.ledger(&ledger)?;
    let (row, stored) = last(&node, &principal, ledger).await?;
    let now_ms = clock::unix_ms();
    if stored.as_ref().is_none_or(|stored| stored.is_to_be_noted(now_ms)) {
        node.writer().run(move |write| results::ask(write, now_ms, ledger, row.lid, false)).await?;
    }
    Ok(Json(InsightsOut::new(stored, row.head)))
}

/// When new insights are made.
#[derive(Serialize, ToSchema)]
struct RefreshOut {
    /// The earliest time at which it begins: when the interval since the last time is over.
    #[schema(required, format = DateTime)]
    due: Option<String>,
}

/// Has the insights of a ledger be made as soon as its interval is over, whatever has changed.
#[utoipa::path(
    post,
    path = "/v1/ledgers/{ledger}/insights/refresh",
    tag = "insights",
    params(LedgerPath),
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 202, body = RefreshOut), OfLedger)
)]
async fn refresh(
    State(node): Shared,
    principal: Principal,
    At(LedgerPath { ledger }): At<LedgerPath>,
) -> Answer<(StatusCode, Json<RefreshOut>)> {
    let ledger = principal.ledger(&ledger)?;
    let (row, stored) = last(&node, &principal, ledger).await?;
    let now_ms = clock::unix_ms();
    node.writer().run(move |write| results::ask(write, now_ms, ledger, row.lid, true)).await?;
    let begun_ms = stored.map_or(0, |stored| stored.begun_ms);
    let due_ms = begun_ms.saturating_add(i64::from(node.limits.insight_interval_seconds) * 1_000);
    Ok((StatusCode::ACCEPTED, Json(RefreshOut { due: instant(due_ms.max(now_ms)) })))
}

/// The ledger for a member of it, and its last insights; refused for a sealed one.
async fn last(node: &Node, principal: &Principal, ledger: LedgerId) -> Answer<(LedgerRow, Option<Stored>)> {
    let aid = principal.session.aid;
    let read = move |connection: &Connection| {
        let row = match of_member(connection, &ledger, aid)? {
            Ok((row, ..)) => row,
            Err(code) => return Ok(Err(code)),
        };
        let stored = results::find(connection, row.lid)?;
        // Only such a ledger has a row as can be read here.
        if stored.is_none() && history_up_to(connection, ledger, row.lid, row.head)?.roles().fact_key().is_none() {
            return Ok(Err(Code::ServerMayNot));
        }
        Ok(Ok((row, stored)))
    };
    Ok(node.read(read).await??)
}

//! `GET /v1/ledgers/{id}/events` and `GET /v1/me/events`: a stream for who listens, a page for who asks now and then.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use outlay_protocol::Code;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::envelope::Event;
use super::outbox;
use super::reader::{Begin, OwnReader, Reader};
use super::stream::{self, Listened};
use super::webhook_pages;
use crate::api::refused::{Changed, Invalid, NoSuchLedger};
use crate::api::{LedgerPath, Pages};
use crate::error::Answer;
use crate::node::{Node, Shared};
use crate::request::{Asked, At, Principal, SignedIn};
use crate::store;

/// Events of a page when nobody says how many, and at most: some 60 kB.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;

pub(crate) fn router() -> Pages {
    Pages::new().routes(routes!(events)).routes(routes!(own_events)).merge(webhook_pages::router())
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct EventsIn {
    /// The id of an event, or a position of the log: what comes after it.
    after: Option<String>,
    /// How many at most, of a page; 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// Some events.
#[derive(Serialize, ToSchema)]
struct EventsOut {
    events: Vec<Event>,
    /// Where to go on: `after` of the next page.
    next: String,
    more: bool,
}

/// What happens in a ledger: a stream of server-sent events, or a page with `Accept: application/json`.
#[utoipa::path(
    get,
    path = "/v1/ledgers/{ledger}/events",
    tag = "events",
    params(
        LedgerPath,
        EventsIn,
        ("last-event-id" = Option<String>, Header, description = "The id of the last event that was read; before `after`."),
    ),
    security(("access_token" = []), ("api_token" = [])),
    responses(
        (status = 200, content((EventsOut = "application/json"), (String = "text/event-stream"))),
        NoSuchLedger,
        Changed,
        Invalid
    )
)]
async fn events(
    State(node): Shared,
    principal: Principal,
    At(LedgerPath { ledger }): At<LedgerPath>,
    headers: HeaderMap,
    Asked(asked): Asked<EventsIn>,
) -> Answer<Response> {
    let reader = Reader::by(principal.ledger(&ledger)?, &principal);
    let after = after(&headers, asked.after.as_deref())?.map(begin).transpose()?;
    if wants_page(&headers) {
        return page(&node, reader, after.unwrap_or(Begin::Position(0)), asked.limit).await;
    }
    if asked.limit.is_some() {
        return Err(Code::Invalid.into());
    }
    let begin = after.unwrap_or(Begin::Now);
    let (after, id) = node.read(move |connection| reader.begin(connection, begin)).await??;
    stream::open(&node, Listened::Ledger(reader, after), principal.until_ms, id)
}

fn begin(text: &str) -> Result<Begin, Code> {
    let id = || text.parse().map(Begin::After).map_err(|()| Code::Invalid);
    text.parse().map(Begin::Position).or_else(|_| id())
}

/// After what to begin: a browser that connects again asks for the same address, and says in the header how far it has come
/// since.
fn after<'a>(headers: &'a HeaderMap, asked: Option<&'a str>) -> Result<Option<&'a str>, Code> {
    let last = headers.get("last-event-id").map(|id| id.to_str().map_err(|_| Code::Invalid)).transpose()?;
    Ok(last.or(asked))
}

/// Of a ledger a stream is what is asked for unless JSON is.
fn wants_page(headers: &HeaderMap) -> bool {
    accepts(headers, "application/json") && !wants_stream(headers)
}

/// Of an account a page is what is asked for unless a stream is.
fn wants_stream(headers: &HeaderMap) -> bool {
    accepts(headers, "text/event-stream")
}

fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|part| media_type(part) == wanted)
}

fn media_type(part: &str) -> &str {
    part.split(';').next().unwrap_or_default().trim()
}

fn limit(asked: Option<usize>) -> Result<usize, Code> {
    let limit = asked.unwrap_or(LIMIT);
    if (1..=LIMIT_MAX).contains(&limit) { Ok(limit) } else { Err(Code::Invalid) }
}

async fn page(node: &Node, reader: Reader, begin: Begin, asked: Option<usize>) -> Answer<Response> {
    let limit = limit(asked)?;
    let (after, _) = node.read(move |connection| reader.begin(connection, begin)).await??;
    let derived = reader.read(node, after, limit).await??;
    let to = derived.to;
    let next = node.read(move |connection| reader.id_of(connection, to)).await??;
    let events = derived.events.into_iter().map(|placed| placed.event).collect();
    let out = EventsOut { events, next: next.to_string(), more: !derived.is_end };
    Ok(Json(out).into_response())
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OwnEventsIn {
    /// The id of an event: what comes after it; `0` for all.
    after: Option<String>,
    /// How many at most, of a page; 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// Some events of an account.
#[derive(Serialize, ToSchema)]
struct OwnEventsOut {
    events: Vec<Event>,
    /// Where to go on: `after` of the next page; null if nothing has ever happened.
    #[schema(required)]
    next: Option<String>,
    more: bool,
}

/// What happened to the account, the eldest first, as far as it is remembered: a page, or a stream of server-sent events with
/// `Accept: text/event-stream`.
#[utoipa::path(
    get,
    path = "/v1/me/events",
    tag = "events",
    params(
        OwnEventsIn,
        ("last-event-id" = Option<String>, Header, description = "The id of the last event that was read; before `after`."),
    ),
    security(("access_token" = [])),
    responses(
        (status = 200, content((OwnEventsOut = "application/json"), (String = "text/event-stream"))),
        Changed,
        Invalid
    )
)]
async fn own_events(
    State(node): Shared,
    SignedIn { session, until_ms }: SignedIn,
    headers: HeaderMap,
    Asked(asked): Asked<OwnEventsIn>,
) -> Answer<Response> {
    let (reader, aid) = (OwnReader::by(session), session.aid);
    let after = after(&headers, asked.after.as_deref())?.map(str::to_owned);
    if !wants_stream(&headers) {
        let limit = limit(asked.limit)?;
        return Ok(Json(node.read(move |connection| own_page(connection, aid, after, limit)).await??).into_response());
    }
    if asked.limit.is_some() {
        return Err(Code::Invalid.into());
    }
    let (after, id) = node.read(move |connection| reader.begin(connection, after)).await??;
    stream::open(&node, Listened::Account(reader, after), until_ms, id)
}

fn own_page(
    connection: &Connection,
    aid: i64,
    after: Option<String>,
    limit: usize,
) -> store::Result<Result<OwnEventsOut, Code>> {
    let number = match &after {
        Some(id) => outbox::number(connection, Some(aid), id)?,
        None => Ok(0),
    };
    let number = match number {
        Ok(number) => number,
        Err(code) => return Ok(Err(code)),
    };
    let page = outbox::page(connection, Some(aid), number, limit)?;
    let next = page.events.last().map(|event| event.id.clone()).or(after);
    Ok(Ok(OwnEventsOut { events: page.events, next, more: !page.is_end }))
}

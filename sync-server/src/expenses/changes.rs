//! The pages that write: each request is one action, on all devices like any other.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use outlay_ledger::DocumentId;
use outlay_ledger::field;
use outlay_ledger::fold::Put;
use outlay_protocol::Code;
use rusqlite::Connection;
use serde::Serialize;
use utoipa_axum::routes;

use super::attachments;
use super::bulk::{self, BulkIn, BulkOut};
use super::draft::{By, Draft, Drafted, Reply, write};
use super::input::{ChangesIn, ExpenseIn};
use super::object::ExpenseObject;
use super::query;
use super::repeats::{self, Key, KeyHeader};
use super::routes::read_ledger;
use crate::api::refused::{Invalid, KeyReused, NoSuchPage, OfLedger, ToWrite};
use crate::api::{ExpensePath, LedgerPath, Pages};
use crate::clock;
use crate::error::{Answer, ApiError};
use crate::node::{Node, Shared};
use crate::request::{At, Principal, Sent, page_part};
use crate::store::Write;

/// Bytes of an expense: its longest texts, each character escaped.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes of many expenses.
const BULK_BYTES_MAX: usize = 1024 * 1024;
/// How long whoever has too many answers kept should wait, in milliseconds.
const KEPT_WAIT_MS: i64 = 3_600_000;

pub(super) fn router() -> Pages {
    let bulk = Pages::new().routes(routes!(add_many)).layer(DefaultBodyLimit::max(BULK_BYTES_MAX));
    Pages::new()
        .routes(routes!(add))
        .routes(routes!(change, delete))
        .merge(attachments::router())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .merge(bulk)
}

/// Adds an expense.
#[utoipa::path(
    post,
    path = "/v1/ledgers/{ledger}/expenses",
    tag = "expenses",
    params(LedgerPath, KeyHeader),
    request_body = ExpenseIn,
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 201, body = ExpenseObject), OfLedger, ToWrite, KeyReused)
)]
async fn add(
    State(node): Shared,
    principal: Principal,
    At(LedgerPath { ledger }): At<LedgerPath>,
    headers: HeaderMap,
    Sent(expense, body): Sent<ExpenseIn>,
) -> Answer<Response> {
    let key = Key::read(&headers, &[b"POST", ledger.as_bytes(), &body])?;
    let draft = move |draft: &mut Draft<'_>| {
        if expense.external_id.is_some() {
            return Err(Code::Invalid.into());
        }
        let puts = expense.puts(draft)?;
        draft.create(puts)
    };
    run(&node, &principal, &ledger, key, draft, |write, lid, id| shown(write.tx, lid, &id, StatusCode::CREATED)).await
}

/// Adds many expenses, each by itself, and says what became of each.
#[utoipa::path(
    post,
    path = "/v1/ledgers/{ledger}/expenses/bulk",
    tag = "expenses",
    params(LedgerPath, KeyHeader),
    request_body = BulkIn,
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 200, body = BulkOut), OfLedger, ToWrite, KeyReused)
)]
async fn add_many(
    State(node): Shared,
    principal: Principal,
    At(LedgerPath { ledger }): At<LedgerPath>,
    headers: HeaderMap,
    Sent(expenses, body): Sent<BulkIn>,
) -> Answer<Response> {
    let key = Key::read(&headers, &[b"bulk", ledger.as_bytes(), &body])?;
    let draft = move |draft: &mut Draft<'_>| bulk::add(draft, &expenses);
    run(&node, &principal, &ledger, key, draft, |_, _, out| reply(StatusCode::OK, &out)).await
}

/// Changes what the body names; null clears.
#[utoipa::path(
    patch,
    path = "/v1/ledgers/{ledger}/expenses/{expense}",
    tag = "expenses",
    params(ExpensePath, KeyHeader),
    request_body = ChangesIn,
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 200, body = ExpenseObject), OfLedger, ToWrite, NoSuchPage, KeyReused)
)]
async fn change(
    State(node): Shared,
    principal: Principal,
    At(ExpensePath { ledger, expense }): At<ExpensePath>,
    headers: HeaderMap,
    Sent(changes, body): Sent<ChangesIn>,
) -> Answer<Response> {
    let id: DocumentId = page_part(&expense)?;
    let key = Key::read(&headers, &[b"PATCH", ledger.as_bytes(), &id.0, &body])?;
    let draft = move |draft: &mut Draft<'_>| {
        draft.edit(id, |draft, document| {
            let mut puts = changes.read(draft)?.puts(document, id)?;
            let state = |deleted| if deleted { field::DELETED } else { field::LIVE };
            puts.extend(changes.deleted.map(|deleted| Put::new(field::STATE, state(deleted))));
            Ok(puts)
        })
    };
    run(&node, &principal, &ledger, key, draft, move |write, lid, ()| shown(write.tx, lid, &id, StatusCode::OK)).await
}

/// Puts an expense in the trash, where it may be already.
#[utoipa::path(
    delete,
    path = "/v1/ledgers/{ledger}/expenses/{expense}",
    tag = "expenses",
    params(ExpensePath, KeyHeader),
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 204), OfLedger, ToWrite, NoSuchPage, KeyReused, Invalid)
)]
async fn delete(
    State(node): Shared,
    principal: Principal,
    At(ExpensePath { ledger, expense }): At<ExpensePath>,
    headers: HeaderMap,
) -> Answer<Response> {
    let id: DocumentId = page_part(&expense)?;
    let key = Key::read(&headers, &[b"DELETE", ledger.as_bytes(), &id.0])?;
    let draft = move |draft: &mut Draft<'_>| draft.edit(id, |_, _| Ok(vec![Put::new(field::STATE, field::DELETED)]));
    run(&node, &principal, &ledger, key, draft, gone).await
}

/// What there is to say of what is no longer there.
pub(super) fn gone(_: &Write<'_>, _: i64, (): ()) -> Drafted<Reply> {
    Ok(Reply { status: StatusCode::NO_CONTENT.as_u16(), body: String::new() })
}

/// Writes, unless that was done before under this key.
pub(super) async fn run<T>(
    node: &Node,
    principal: &Principal,
    ledger: &str,
    key: Option<Key>,
    draft: impl FnOnce(&mut Draft<'_>) -> Drafted<T> + Send + 'static,
    after: impl FnOnce(&Write<'_>, i64, T) -> Drafted<Reply> + Send + 'static,
) -> Answer<Response> {
    // What there is to fold is folded piece by piece, and what is left by the time of the write is little.
    read_ledger(node, principal, ledger, |_, _| Ok(())).await?;
    let ledger = principal.ledger(ledger)?;
    principal.may_write()?;
    let by = By { aid: principal.session.aid, ledger, now_ms: clock::unix_ms(), limits: node.context.limits };
    let job = move |tx: &mut Write<'_>| {
        let Some(key) = key else { return write(tx, by, draft, after) };
        match repeats::recall(tx, by.now_ms, by.aid, &key)? {
            Ok(Some(reply)) => return Ok(Ok(reply)),
            Ok(None) => {}
            Err(code) => return Ok(Err(code)),
        }
        let written = write(tx, by, draft, after)?;
        if let Ok(reply) = &written {
            repeats::keep(tx, by.now_ms, by.aid, &key, reply)?;
        }
        Ok(written)
    };
    match node.writer().run(job).await? {
        Ok(reply) => Ok(answer(reply)),
        Err(Code::Rate) => Err(ApiError::later(Code::Rate, KEPT_WAIT_MS)),
        Err(code) => Err(code.into()),
    }
}

/// An expense as it is now.
pub(super) fn shown(connection: &Connection, lid: i64, id: &DocumentId, status: StatusCode) -> Drafted<Reply> {
    let expense = query::expense(connection, lid, id)?.ok_or(Code::Internal)?;
    reply(status, &expense)
}

fn reply(status: StatusCode, value: &impl Serialize) -> Drafted<Reply> {
    let body = serde_json::to_string(value).map_err(|_| Code::Internal)?;
    Ok(Reply { status: status.as_u16(), body })
}

fn answer(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    if reply.body.is_empty() {
        return status.into_response();
    }
    (status, [(header::CONTENT_TYPE, "application/json")], reply.body).into_response()
}

//! The pages of webhooks, under `/v1/webhooks`: for a person who has signed in, like those of API tokens. What a program may
//! with a token ends with the token, and a webhook would not.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use outlay_ledger::hex;
use outlay_protocol::Code;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::delivery::{deliver, ping};
use super::derive;
use super::envelope::{Event, EventId, Kind};
use super::reader::{Begin, Reader};
use super::webhooks::{self, Change, Delivery, Draft, Webhook};
use crate::accounts::{Session, sessions};
use crate::api::refused::{Changed, NoSuchLedger, NoSuchPage, TooMany};
use crate::api::{Id, IdPath, Pages};
use crate::clock;
use crate::error::Answer;
use crate::node::{Node, Shared};
use crate::request::{At, Body, ledger_id, page_id};
use crate::store::Write;

/// Events that one commit can tell: two for each of its records, and one for each member, of which there are fewer.
const COMMIT_EVENTS_MAX: usize = 4_096;

pub(super) fn router() -> Pages {
    Pages::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .routes(routes!(deliveries))
        .routes(routes!(test))
        .routes(routes!(redeliver))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookIn {
    #[schema(value_type = Id)]
    ledger: String,
    /// `https://`, to no private address unless the server lets it.
    #[schema(max_length = 2048)]
    url: String,
    /// Names of types; all if it is not there.
    #[schema(min_items = 1)]
    events: Option<Vec<String>>,
}

/// What is to be other.
#[derive(Deserialize, ToSchema)]
#[schema(as = WebhookChangeIn)]
#[serde(deny_unknown_fields)]
struct ChangeIn {
    #[schema(max_length = 2048)]
    url: Option<String>,
    #[schema(min_items = 1)]
    events: Option<Vec<String>>,
    /// One that is enabled goes on where it was.
    enabled: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RedeliverIn {
    /// The id of an event.
    event: String,
}

/// A webhook as its person sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookOut {
    #[schema(value_type = Id)]
    id: String,
    #[schema(value_type = Id)]
    ledger: String,
    url: String,
    /// Names of types; all if null.
    #[schema(value_type = Option<Vec<String>>, required)]
    events: Option<Vec<&'static str>>,
    enabled: bool,
    /// `by_owner`, `no_access`, `failing` or `gone`.
    #[schema(required)]
    disabled_reason: Option<String>,
    /// How often the next event was tried in vain.
    failed_attempts: u32,
    /// Of the ledger's log: up to where it was told.
    position: u64,
    created_ms: i64,
}

#[derive(Serialize, ToSchema)]
struct WebhooksOut {
    webhooks: Vec<WebhookOut>,
}

/// A webhook with its secret, which is not to be had again.
#[derive(Serialize, ToSchema)]
struct NewWebhookOut {
    #[serde(flatten)]
    shown: WebhookOut,
    secret: String,
}

/// An attempt to deliver an event.
#[derive(Serialize, ToSchema)]
struct DeliveryOut {
    /// Its id.
    event: String,
    r#type: String,
    attempt: u32,
    time_ms: i64,
    duration_ms: i64,
    delivered: bool,
    /// Of the answer, if there was one.
    #[schema(required)]
    status: Option<u16>,
    /// Why it was in vain: `status`, `redirect`, `gone`, `timeout`, `unreachable`, `tls`, `broken` or `private_address`.
    #[schema(required)]
    failure: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct DeliveriesOut {
    /// The newest first.
    deliveries: Vec<DeliveryOut>,
}

/// The types of these names, each once; a list has at least one.
fn kinds(names: &[String]) -> Result<Vec<Kind>, Code> {
    let mut kinds = Vec::new();
    for name in names {
        let kind = Kind::of_name(name).filter(|kind| kind.is_of_log()).ok_or(Code::Invalid)?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() { Err(Code::Invalid) } else { Ok(kinds) }
}

/// Makes a webhook, which is told what comes from now on. Its secret is in this answer only.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    tag = "webhooks",
    request_body = WebhookIn,
    security(("access_token" = [])),
    responses((status = 201, body = NewWebhookOut), NoSuchLedger, TooMany)
)]
async fn create(
    State(node): Shared,
    session: Session,
    Body(asked): Body<WebhookIn>,
) -> Answer<(StatusCode, Json<NewWebhookOut>)> {
    let ledger = ledger_id(&asked.ledger)?;
    node.courier.outbound.target(&asked.url)?;
    let kinds = asked.events.as_deref().map(kinds).transpose()?.unwrap_or_default();
    let (reader, aid, now_ms) = (Reader::new(ledger, session.aid), session.aid, clock::unix_ms());
    let count_max = node.limits.account_webhooks_max_count;
    let make = move |write: &mut Write<'_>| match reader.row(write.tx)? {
        Ok(row) => {
            let draft = Draft { aid, lid: row.lid, at: derive::end(write.tx, &row)?, url: asked.url, kinds };
            webhooks::make(write, now_ms, count_max, &draft)
        }
        Err(code) => Ok(Err(code)),
    };
    let make = node.writer().run(move |write| sessions::unless_ended(write, &session, make));
    let webhook = make.await??;
    node.courier.ring(ledger);
    let secret = webhook.secret(&node.courier.key).text();
    Ok((StatusCode::CREATED, Json(NewWebhookOut { shown: shown(&webhook), secret })))
}

fn shown(webhook: &Webhook) -> WebhookOut {
    let kinds: Vec<&str> = webhook.kinds.iter().map(|kind| kind.name()).collect();
    WebhookOut {
        id: hex::encode(&webhook.id),
        ledger: webhook.ledger.to_string(),
        url: webhook.url.clone(),
        events: (!kinds.is_empty()).then_some(kinds),
        enabled: webhook.stopped.is_none(),
        disabled_reason: webhook.stopped.clone(),
        failed_attempts: webhook.attempts,
        position: webhook.at.position,
        created_ms: webhook.created_ms,
    }
}

/// The webhooks of the account, the eldest first.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    tag = "webhooks",
    security(("access_token" = [])),
    responses((status = 200, body = WebhooksOut))
)]
async fn list(State(node): Shared, session: Session) -> Answer<Json<WebhooksOut>> {
    let webhooks = node.read(move |connection| of_account(connection, session.aid)).await?;
    Ok(Json(WebhooksOut { webhooks }))
}

/// The webhooks of an account as its person sees them.
pub(crate) fn of_account(connection: &Connection, aid: i64) -> crate::store::Result<Vec<WebhookOut>> {
    Ok(webhooks::all(connection, aid)?.iter().map(shown).collect())
}

async fn find(node: &Node, session: &Session, id: &str) -> Answer<Webhook> {
    let (id, aid) = (page_id(id)?, session.aid);
    let found = node.read(move |connection| webhooks::find(connection, aid, &id)).await?;
    Ok(found.ok_or(Code::NoSuchPage)?)
}

/// A webhook.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(IdPath),
    security(("access_token" = [])),
    responses((status = 200, body = WebhookOut), NoSuchPage)
)]
async fn show(State(node): Shared, session: Session, At(IdPath { id }): At<IdPath>) -> Answer<Json<WebhookOut>> {
    Ok(Json(shown(&find(&node, &session, &id).await?)))
}

/// Changes what the body names.
#[utoipa::path(
    patch,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(IdPath),
    request_body = ChangeIn,
    security(("access_token" = [])),
    responses((status = 200, body = WebhookOut), NoSuchPage, NoSuchLedger)
)]
async fn change(
    State(node): Shared,
    session: Session,
    At(IdPath { id }): At<IdPath>,
    Body(asked): Body<ChangeIn>,
) -> Answer<Json<WebhookOut>> {
    let webhook = find(&node, &session, &id).await?;
    if let Some(url) = &asked.url {
        node.courier.outbound.target(url)?;
    }
    let kinds = asked.events.as_deref().map(kinds).transpose()?;
    let change = Change { url: asked.url, kinds, is_on: asked.enabled };
    let reader = Reader::new(webhook.ledger, session.aid);
    let changed = node.writer().run(move |write| {
        // Who is no member any more may turn it off, and not on.
        if change.is_on == Some(true)
            && let Err(code) = reader.row(write.tx)?
        {
            return Ok(Err(code));
        }
        webhooks::change(write, webhook.wid, &change)?;
        Ok(webhooks::find(write.tx, webhook.aid, &webhook.id)?.ok_or(Code::NoSuchPage))
    });
    let webhook = changed.await??;
    node.courier.ring(webhook.ledger);
    Ok(Json(shown(&webhook)))
}

/// Deletes a webhook and what is remembered of it.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(IdPath),
    security(("access_token" = [])),
    responses((status = 204), NoSuchPage)
)]
async fn remove(State(node): Shared, session: Session, At(IdPath { id }): At<IdPath>) -> Answer<StatusCode> {
    let id = page_id(&id)?;
    let delete = node.writer().run(move |write| webhooks::delete(write, session.aid, &id));
    if delete.await? { Ok(StatusCode::NO_CONTENT) } else { Err(Code::NoSuchPage.into()) }
}

/// The last attempts to tell a webhook something.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    params(IdPath),
    security(("access_token" = [])),
    responses((status = 200, body = DeliveriesOut), NoSuchPage)
)]
async fn deliveries(
    State(node): Shared,
    session: Session,
    At(IdPath { id }): At<IdPath>,
) -> Answer<Json<DeliveriesOut>> {
    let webhook = find(&node, &session, &id).await?;
    let deliveries = node.read(move |connection| webhooks::deliveries(connection, webhook.wid)).await?;
    Ok(Json(DeliveriesOut { deliveries: deliveries.into_iter().map(DeliveryOut::of).collect() }))
}

impl DeliveryOut {
    fn of(delivery: Delivery) -> Self {
        let Delivery { event, kind, attempt, time_ms, duration_ms, status, failure } = delivery;
        Self { event, r#type: kind, attempt, time_ms, duration_ms, delivered: failure.is_none(), status, failure }
    }
}

/// Sends a ping, also to a webhook that is turned off, and says what came of it.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/test",
    tag = "webhooks",
    params(IdPath),
    security(("access_token" = [])),
    responses((status = 200, body = DeliveryOut), NoSuchPage)
)]
async fn test(State(node): Shared, session: Session, At(IdPath { id }): At<IdPath>) -> Answer<Json<DeliveryOut>> {
    let webhook = find(&node, &session, &id).await?;
    send(&node, &webhook, &ping(&webhook)).await
}

/// Sends an event once more, and says what came of it. What else is to be told is told as ever.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/redeliver",
    tag = "webhooks",
    params(IdPath),
    request_body = RedeliverIn,
    security(("access_token" = [])),
    responses((status = 200, body = DeliveryOut), NoSuchPage, NoSuchLedger, Changed)
)]
async fn redeliver(
    State(node): Shared,
    session: Session,
    At(IdPath { id }): At<IdPath>,
    Body(asked): Body<RedeliverIn>,
) -> Answer<Json<DeliveryOut>> {
    let webhook = find(&node, &session, &id).await?;
    let event: EventId = asked.event.parse().map_err(|()| Code::Invalid)?;
    let reader = Reader::new(webhook.ledger, session.aid);
    // That it is of this log is seen by its id.
    node.read(move |connection| reader.begin(connection, Begin::After(event))).await??;
    let after = event.at.before_commit();
    let derived = reader.read(&node, after, COMMIT_EVENTS_MAX).await??;
    let placed = derived.events.into_iter().find(|placed| placed.at == event.at).ok_or(Code::NoSuchPage)?;
    send(&node, &webhook, &placed.event).await
}

async fn send(node: &Node, webhook: &Webhook, event: &Event) -> Answer<Json<DeliveryOut>> {
    let (_, sent) = deliver(node, webhook, event, 1).await;
    let (wid, count_max) = (webhook.wid, node.limits.webhook_deliveries_max_count);
    let noted = node.writer().run(move |write| webhooks::note(write, wid, &sent, count_max).map(|()| sent));
    Ok(Json(DeliveryOut::of(noted.await?)))
}

//! The pages of ledgers and their members: what needs no device's signature, and the door for who has an invitation.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use outlay_ledger::commit::Commit;
use outlay_ledger::{DeviceKey, hex};
use outlay_protocol::Code;
use serde::Deserialize;
use serde_json::{Value, json};

use super::append::Signed;
use super::aside::{self, Kept};
use super::join::{self, Joiner};
use super::listing::{self, MemberRow, OwnLedger};
use crate::accounts::Session;
use crate::accounts::routes::admit;
use crate::clock;
use crate::error::Answer;
use crate::node::{Node, Shared};
use crate::request::{Body, Principal, ledger_id};

/// Bytes of an admission: one operation, and what is signed beside it.
const ADMISSION_BYTES_MAX: usize = 4 * 1024;

pub(crate) fn router() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/ledgers", get(list))
        .route("/v1/ledgers/{id}/members", get(members))
        .route("/v1/ledgers/{id}/join", post(join_by_invitation))
        .route("/v1/ledgers/{id}/aside", get(set_aside))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JoinIn {
    invite_key: String,
    /// By the invite's secret, for this ledger and the device of the session; the admission has the same.
    signature: String,
    /// The commit that admits the device, in hexadecimal; without it the answer says what to make it on top of.
    admission: Option<String>,
}

async fn list(State(node): Shared, principal: Principal) -> Answer<Json<Value>> {
    let aid = principal.session.aid;
    let ledgers = node.read(move |connection| listing::of_account(connection, aid)).await?;
    let seen = ledgers.iter().filter(|ledger| principal.sees(&ledger.id));
    let listed: Vec<Value> = seen.map(ledger_out).collect();
    Ok(Json(json!({ "ledgers": listed })))
}

fn ledger_out(ledger: &OwnLedger) -> Value {
    json!({
        "id": ledger.id.to_string(),
        "member": ledger.member.to_string(),
        "role": ledger.role.to_string(),
        "members": ledger.members,
        "bytes": ledger.bytes,
    })
}

async fn members(State(node): Shared, principal: Principal, Path(id): Path<String>) -> Answer<Json<Value>> {
    let (ledger, aid) = (principal.ledger(&id)?, principal.session.aid);
    let members = node.read(move |connection| listing::members(connection, &ledger, aid)).await??;
    let listed: Vec<Value> = members.iter().map(member_out).collect();
    Ok(Json(json!({ "members": listed })))
}

fn member_out(member: &MemberRow) -> Value {
    let device = |(key, is_confirmed): &(DeviceKey, bool)| json!({ "key": key.to_string(), "confirmed": is_confirmed });
    json!({
        "id": member.id.to_string(),
        "role": member.role.to_string(),
        "this": member.is_own,
        "devices": member.devices.iter().map(device).collect::<Vec<_>>(),
    })
}

async fn set_aside(State(node): Shared, session: Session, Path(id): Path<String>) -> Answer<Json<Value>> {
    let (ledger, now_ms) = (ledger_id(&id)?, clock::unix_ms());
    let device = session.device.ok_or(Code::Proof)?;
    let kept = node.read(move |connection| aside::kept(connection, now_ms, &ledger, session.aid, &device)).await??;
    let out = |kept: &Kept| json!({ "received_ms": kept.received_ms, "commit": hex::encode(&kept.body) });
    Ok(Json(json!({ "commits": kept.iter().map(out).collect::<Vec<_>>() })))
}

async fn join_by_invitation(
    State(node): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    session: Session,
    headers: HeaderMap,
    Path(id): Path<String>,
    Body(asked): Body<JoinIn>,
) -> Answer<Json<Value>> {
    admit(&node, peer, &headers)?;
    let joiner = Joiner {
        aid: session.aid,
        device: session.device.ok_or(Code::Proof)?,
        // Whose invitation is for nothing here is told so, whatever it names.
        ledger: id.parse().map_err(|_| Code::Invitation)?,
        invite_key: asked.invite_key.parse().map_err(|_| Code::Invalid)?,
        signature: hex::fixed(&asked.signature).ok_or(Code::Invalid)?,
    };
    let now_ms = clock::unix_ms();
    let Some(admission) = asked.admission else {
        let heads = node.writer().run(move |write| join::member_heads(write, now_ms, &joiner)).await??;
        let heads: Vec<String> = heads.iter().map(ToString::to_string).collect();
        return Ok(Json(json!({ "member_heads": heads })));
    };
    let (admission, limits) = (signed(&admission)?, node.context.limits);
    let access = node.writer().run(move |write| join::join(write, now_ms, &limits, &joiner, admission)).await??;
    Ok(Json(json!({ "member": access.member.to_string(), "role": access.role.to_string() })))
}

fn signed(text: &str) -> Answer<Signed> {
    let bytes = hex::decode(text, ADMISSION_BYTES_MAX).ok_or(Code::Invalid)?;
    let commit = Commit::decode(&bytes).map_err(|_| Code::Invalid)?;
    let id = commit.id();
    Signed::check(vec![(commit, id)]).pop().ok_or_else(|| Code::Invalid.into())
}

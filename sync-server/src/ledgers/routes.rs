//! The pages of ledgers and their members: what needs no device's signature, and the door for who has an invitation.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use outlay_ledger::commit::Commit;
use outlay_ledger::{DeviceKey, hex};
use outlay_protocol::Code;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::append::Signed;
use super::aside::{self, Kept};
use super::invitations::{self, OpenInvitation};
use super::join::{self, Joiner};
use super::listing::{self, MemberRow, OwnLedger};
use crate::accounts::Session;
use crate::accounts::routes::admit;
use crate::api::refused::{InvitationUsed, Joining, NoSuchPage, OfMember, OfOwner, Proof};
use crate::api::{Id, InvitationPath, Key, LedgerPath, Pages};
use crate::clock;
use crate::error::Answer;
use crate::node::Shared;
use crate::request::{At, Body, Principal, ledger_id, page_part};

/// Bytes of an admission: one operation, and what is signed beside it.
const ADMISSION_BYTES_MAX: usize = 4 * 1024;

pub(crate) fn router() -> Pages {
    Pages::new()
        .routes(routes!(list))
        .routes(routes!(members))
        .routes(routes!(open_invitations))
        .routes(routes!(take_back))
        .routes(routes!(join_by_invitation))
        .routes(routes!(set_aside))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct JoinIn {
    #[schema(value_type = Key)]
    invite_key: String,
    /// By the invite's secret, for this ledger and the device of the session; the admission has the same.
    #[schema(pattern = "^[0-9a-f]{128}$")]
    signature: String,
    /// The commit that admits the device, in hexadecimal; without it the answer says what to make it on top of.
    #[schema(pattern = "^([0-9a-f]{2})*$", max_length = 8192)]
    admission: Option<String>,
}

/// A ledger of the account.
#[derive(Serialize, ToSchema)]
struct LedgerOut {
    #[schema(value_type = Id)]
    id: String,
    /// Which member of it the account is.
    #[schema(value_type = Id)]
    member: String,
    /// `owner`, `editor` or `viewer`.
    role: String,
    /// How many there are, the account too.
    members: u64,
    /// Of its log and its files.
    bytes: u64,
}

#[derive(Serialize, ToSchema)]
struct LedgersOut {
    ledgers: Vec<LedgerOut>,
}

/// A member of a ledger.
#[derive(Serialize, ToSchema)]
struct MemberOut {
    #[schema(value_type = Id)]
    id: String,
    /// `owner`, `editor` or `viewer`.
    role: String,
    /// What the person is called whose account here it is.
    #[schema(required)]
    name: Option<String>,
    /// Whether it is the account that asks.
    this: bool,
    devices: Vec<MemberDeviceOut>,
}

/// A device of a member, and whether more than the server's word speaks for it.
#[derive(Serialize, ToSchema)]
struct MemberDeviceOut {
    #[schema(value_type = Key)]
    key: String,
    confirmed: bool,
}

#[derive(Serialize, ToSchema)]
struct MembersOut {
    members: Vec<MemberOut>,
}

/// An invitation that nobody has used.
#[derive(Serialize, ToSchema)]
struct InvitationOut {
    /// The public key of the invite.
    #[schema(value_type = Key)]
    key: String,
    /// `owner`, `editor` or `viewer`.
    role: String,
    /// Until when it can be used, in milliseconds since 1970; `null` when for ever.
    #[schema(required)]
    expires_ms: Option<u64>,
}

#[derive(Serialize, ToSchema)]
struct InvitationsOut {
    invitations: Vec<InvitationOut>,
}

/// A commit of a removed member.
#[derive(Serialize, ToSchema)]
struct AsideOut {
    /// In milliseconds since 1970.
    received_ms: i64,
    /// In hexadecimal.
    commit: String,
}

#[derive(Serialize, ToSchema)]
struct AsidesOut {
    commits: Vec<AsideOut>,
}

/// What an admission is to be made on top of, or what became of it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum JoinOut {
    Heads {
        #[schema(value_type = Vec<Key>)]
        member_heads: Vec<String>,
    },
    Member {
        #[schema(value_type = Id)]
        member: String,
        /// `owner`, `editor` or `viewer`.
        role: String,
    },
}

/// The ledgers in which the account is a member.
#[utoipa::path(
    get,
    path = "/v1/ledgers",
    tag = "ledgers",
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 200, body = LedgersOut))
)]
async fn list(State(node): Shared, principal: Principal) -> Answer<Json<LedgersOut>> {
    let aid = principal.session.aid;
    let ledgers = node.read(move |connection| listing::of_account(connection, aid)).await?;
    let seen = ledgers.iter().filter(|ledger| principal.sees(&ledger.id));
    Ok(Json(LedgersOut { ledgers: seen.map(ledger_out).collect() }))
}

fn ledger_out(ledger: &OwnLedger) -> LedgerOut {
    let OwnLedger { id, member, role, members, bytes } = ledger;
    LedgerOut {
        id: id.to_string(),
        member: member.to_string(),
        role: role.to_string(),
        members: *members,
        bytes: *bytes,
    }
}

/// The members of a ledger, for one of them.
#[utoipa::path(
    get,
    path = "/v1/ledgers/{ledger}/members",
    tag = "ledgers",
    params(LedgerPath),
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 200, body = MembersOut), OfMember)
)]
async fn members(State(node): Shared, principal: Principal, At(path): At<LedgerPath>) -> Answer<Json<MembersOut>> {
    let (ledger, aid) = (principal.ledger(&path.ledger)?, principal.session.aid);
    let members = node.read(move |connection| listing::members(connection, &ledger, aid)).await??;
    Ok(Json(MembersOut { members: members.iter().map(member_out).collect() }))
}

fn member_out(member: &MemberRow) -> MemberOut {
    let device = |(key, confirmed): &(DeviceKey, bool)| MemberDeviceOut { key: key.to_string(), confirmed: *confirmed };
    MemberOut {
        id: member.id.to_string(),
        role: member.role.to_string(),
        name: member.name.clone(),
        this: member.is_own,
        devices: member.devices.iter().map(device).collect(),
    }
}

/// The invitations that can be used, for an owner.
#[utoipa::path(
    get,
    path = "/v1/ledgers/{ledger}/invitations",
    tag = "ledgers",
    params(LedgerPath),
    security(("access_token" = [])),
    responses((status = 200, body = InvitationsOut), OfOwner)
)]
async fn open_invitations(
    State(node): Shared,
    session: Session,
    At(path): At<LedgerPath>,
) -> Answer<Json<InvitationsOut>> {
    let (ledger, now_ms) = (ledger_id(&path.ledger)?, clock::unix_ms());
    let open = node.read(move |connection| invitations::open(connection, now_ms, &ledger, session.aid)).await??;
    let out = |open: &OpenInvitation| InvitationOut {
        key: open.key.to_string(),
        role: open.role.to_string(),
        expires_ms: open.expires_s.map(|expires_s| expires_s.saturating_mul(1_000)),
    };
    Ok(Json(InvitationsOut { invitations: open.iter().map(out).collect() }))
}

/// Takes an invitation back that nobody has used, for an owner.
#[utoipa::path(
    delete,
    path = "/v1/ledgers/{ledger}/invitations/{key}",
    tag = "ledgers",
    params(InvitationPath),
    security(("access_token" = [])),
    responses((status = 204), OfOwner, NoSuchPage, InvitationUsed)
)]
async fn take_back(State(node): Shared, session: Session, At(path): At<InvitationPath>) -> Answer<StatusCode> {
    let (ledger, aid) = (ledger_id(&path.ledger)?, session.aid);
    let key: DeviceKey = page_part(&path.key)?;
    node.writer().run(move |write| invitations::take_back(write, &ledger, aid, &key)).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// What removed members wrote before they knew, for an owner's device.
#[utoipa::path(
    get,
    path = "/v1/ledgers/{ledger}/aside",
    tag = "ledgers",
    params(LedgerPath),
    security(("access_token" = [])),
    responses((status = 200, body = AsidesOut), OfOwner, Proof)
)]
async fn set_aside(State(node): Shared, session: Session, At(path): At<LedgerPath>) -> Answer<Json<AsidesOut>> {
    let (ledger, now_ms) = (ledger_id(&path.ledger)?, clock::unix_ms());
    let device = session.device.ok_or(Code::Proof)?;
    let kept = node.read(move |connection| aside::kept(connection, now_ms, &ledger, session.aid, &device)).await??;
    let out = |kept: &Kept| AsideOut { received_ms: kept.received_ms, commit: hex::encode(&kept.body) };
    Ok(Json(AsidesOut { commits: kept.iter().map(out).collect() }))
}

/// Joins a ledger by an invitation; without an admission it only says what to make that on top of.
#[utoipa::path(
    post,
    path = "/v1/ledgers/{ledger}/join",
    tag = "ledgers",
    params(LedgerPath),
    request_body = JoinIn,
    security(("access_token" = [])),
    responses((status = 200, body = JoinOut), Joining, Proof)
)]
async fn join_by_invitation(
    State(node): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    session: Session,
    headers: HeaderMap,
    At(path): At<LedgerPath>,
    Body(asked): Body<JoinIn>,
) -> Answer<Json<JoinOut>> {
    admit(&node, peer, &headers)?;
    let joiner = Joiner {
        aid: session.aid,
        device: session.device.ok_or(Code::Proof)?,
        // Whose invitation is for nothing here is told so, whatever it names.
        ledger: path.ledger.parse().map_err(|_| Code::Invitation)?,
        invite_key: asked.invite_key.parse().map_err(|_| Code::Invalid)?,
        signature: hex::fixed(&asked.signature).ok_or(Code::Invalid)?,
    };
    let now_ms = clock::unix_ms();
    let Some(admission) = asked.admission else {
        let heads = node.writer().run(move |write| join::member_heads(write, now_ms, &joiner)).await??;
        return Ok(Json(JoinOut::Heads { member_heads: heads.iter().map(ToString::to_string).collect() }));
    };
    let (admission, limits) = (signed(&admission)?, node.context.limits);
    let access = node.writer().run(move |write| join::join(write, now_ms, &limits, &joiner, admission)).await??;
    Ok(Json(JoinOut::Member { member: access.member.to_string(), role: access.role.to_string() }))
}

fn signed(text: &str) -> Answer<Signed> {
    let bytes = hex::decode(text, ADMISSION_BYTES_MAX).ok_or(Code::Invalid)?;
    let commit = Commit::decode(&bytes).map_err(|_| Code::Invalid)?;
    let id = commit.id();
    Signed::check(vec![(commit, id)]).pop().ok_or_else(|| Code::Invalid.into())
}

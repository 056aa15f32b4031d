//! The account pages: JSON in, JSON out.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use outlay_ledger::DeviceKey;
use outlay_ledger::hex;
use outlay_ledger::signature::{is_weak, verify};
use outlay_protocol::{Code, proof};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::records::{self, Admission, DeviceRow};
use super::sessions::{self, Login, Session, SessionRow};
use super::{Guess, email, is_password, may_be_chosen, name, second};
use crate::api::refused::{
    AccountExists, AccountInvalid, Credentials, LoggingIn, NoSuchPage, Proof, Revoked, SignInNeeded, SigningUp, TooMany,
};
use crate::api::{DevicePath, Id, IdPath, Key, Pages};
use crate::auth::keys::Jwks;
use crate::auth::{RefreshToken, keys};
use crate::config::SignUp;
use crate::error::{Answer, ApiError};
use crate::mail::Errand;
use crate::node::{Node, Shared, random};
use crate::request::{At, Body, bearer, page_id, page_part};
use crate::store::Write;
use crate::{clock, ledgers, logs, proxies};

pub(crate) fn router() -> Pages {
    Pages::new()
        .routes(routes!(token_keys))
        .routes(routes!(sign_up))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(sign_out))
        .routes(routes!(change_password))
        .routes(routes!(list_sessions, end_sessions))
        .routes(routes!(end_session))
        .routes(routes!(devices, add_device))
        .routes(routes!(remove_device))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeviceIn {
    #[schema(value_type = Key)]
    key: String,
    /// Cut to 128 bytes.
    #[serde(default)]
    name: String,
    /// From `GET /v1/server`.
    #[schema(value_type = Id)]
    nonce: String,
    /// By the key, over what docs/PROTOCOL.md says.
    #[schema(pattern = "^[0-9a-f]{128}$")]
    proof: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignUpIn {
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// Not one that everybody tries first.
    #[schema(min_length = 8, max_length = 256)]
    password: String,
    /// Cut to 128 bytes.
    #[serde(default)]
    name: String,
    /// Where signing up needs one.
    invitation: Option<String>,
    /// The device that signs up; a program that is none sends none.
    device: Option<DeviceIn>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginIn {
    #[schema(format = "email")]
    email: String,
    password: String,
    /// Of the authenticator app, or a recovery code; for accounts that want one.
    code: Option<String>,
    /// What a program that is no device calls itself.
    #[serde(default)]
    name: String,
    device: Option<DeviceIn>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshIn {
    refresh_token: String,
    /// From `GET /v1/server` or the last answer; with it the device signs the refresh token, as docs/PROTOCOL.md says. The
    /// session of a program that is no device has neither.
    #[schema(value_type = Option<Id>)]
    nonce: Option<String>,
    #[schema(pattern = "^[0-9a-f]{128}$")]
    proof: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FurtherDeviceIn {
    #[schema(value_type = Key)]
    key: String,
    #[schema(value_type = Id)]
    nonce: String,
    /// By the device that asks, over what docs/PROTOCOL.md says.
    #[schema(pattern = "^[0-9a-f]{128}$")]
    proof: String,
    /// By the further device, over the same.
    #[schema(pattern = "^[0-9a-f]{128}$")]
    further_proof: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignOutIn {
    refresh_token: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordIn {
    password: String,
    /// Not one that everybody tries first.
    #[schema(min_length = 8, max_length = 256)]
    new_password: String,
}

/// What a device is given to go on with.
#[derive(Serialize, ToSchema)]
struct TokensOut {
    #[schema(value_type = Id)]
    account: String,
    #[schema(value_type = Key)]
    server: String,
    access_token: String,
    /// Seconds for which the access token is good.
    expires_in: u32,
    /// Good for one renewal, whose answer brings the next.
    refresh_token: String,
}

/// A session as its account sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionOut {
    #[schema(value_type = Id)]
    id: String,
    /// Of the device or the program.
    name: String,
    /// The key of the device; none of a program that is no device.
    #[schema(value_type = Option<Key>, required)]
    device: Option<String>,
    /// Signed in, in milliseconds since 1970.
    created_ms: i64,
    /// Last signed in or renewed, in milliseconds since 1970.
    used_ms: i64,
    /// Whether it is the one that asks.
    this: bool,
}

#[derive(Serialize, ToSchema)]
struct SessionsOut {
    sessions: Vec<SessionOut>,
}

/// A device as its account sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct DeviceOut {
    #[schema(value_type = Key)]
    key: String,
    name: String,
    /// Signed in first, in milliseconds since 1970.
    created_ms: i64,
    /// Last signed in or renewed, in milliseconds since 1970.
    seen_ms: i64,
    signed_in: bool,
    /// Whether it is the one that asks.
    this: bool,
}

#[derive(Serialize, ToSchema)]
struct DevicesOut {
    devices: Vec<DeviceOut>,
}

/// Who signs in: a device that has proved that its key is its own, or a program that is none.
struct Client {
    device: Option<DeviceKey>,
    name: String,
    /// What the proof is over, until it is used up.
    nonce: Option<[u8; 16]>,
}

impl Client {
    /// Checks the proof for this address, as it was sent.
    fn of(node: &Node, email: &str, device: Option<&DeviceIn>, program: &str) -> Answer<Self> {
        let Some(device) = device else { return Ok(Self { device: None, name: name(program), nonce: None }) };
        let key: DeviceKey = device.key.parse().map_err(|_| Code::Invalid)?;
        let nonce = hex::fixed(&device.nonce).ok_or(Code::Invalid)?;
        let signature = hex::fixed(&device.proof).ok_or(Code::Invalid)?;
        if is_weak(&key) {
            return Err(Code::Invalid.into());
        }
        let digest = proof::sign_in_digest(&node.id.0, &nonce, email);
        let is_proved = verify(&key, &digest, &signature) && node.nonces.is_given(clock::unix_ms(), &nonce);
        let client = Self { device: Some(key), name: name(&device.name), nonce: Some(nonce) };
        if is_proved { Ok(client) } else { Err(Code::Proof.into()) }
    }

    /// Uses the nonce up, once the rest was found right: keys are there for the making, and nonces that were used take memory.
    fn enter(self, node: &Node) -> Answer<(Option<DeviceKey>, String)> {
        let is_first = self.nonce.is_none_or(|nonce| node.nonces.take(clock::unix_ms(), nonce));
        if is_first { Ok((self.device, self.name)) } else { Err(Code::Proof.into()) }
    }
}

/// Lets a network address ask so often, and no oftener.
pub(crate) fn admit(node: &Node, peer: SocketAddr, headers: &HeaderMap) -> Answer<()> {
    let client = proxies::client(&node.trusted_proxies, peer.ip(), headers);
    node.gate.admit_sign_in(client).inspect_err(|_| _ = node.metrics.rate_limited.inc())
}

/// Makes an account and signs in.
#[utoipa::path(
    post,
    path = "/v1/auth/signup",
    tag = "auth",
    request_body = SignUpIn,
    responses((status = 200, body = TokensOut), SigningUp, AccountExists, AccountInvalid, Proof)
)]
async fn sign_up(
    State(node): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(asked): Body<SignUpIn>,
) -> Answer<Json<TokensOut>> {
    admit(&node, peer, &headers)?;
    let client = Client::of(&node, &asked.email, asked.device.as_ref(), "")?;
    let invitation = match node.sign_up {
        SignUp::Closed => return Err(Code::SignUpClosed.into()),
        SignUp::Open => None,
        SignUp::Invitation => Some(asked.invitation.ok_or(Code::Invitation)?),
    };
    let address = email(&asked.email).ok_or(Code::AccountInvalid)?;
    if !may_be_chosen(&asked.password, &[&address, &asked.name]) {
        return Err(Code::AccountInvalid.into());
    }
    let hash = node.hashing.hash(asked.password, random()).await.ok_or(Code::Busy)?;
    let (device, client_name) = client.enter(&node)?;
    let (now_ms, times, person) = (clock::unix_ms(), node.limits.refresh_times(), name(&asked.name));
    let login = node.writer().run(move |write| {
        let admission = invitation.as_deref().map_or(Admission::Open, Admission::Invited);
        match records::sign_up(write, now_ms, &address, &person, &hash, admission)? {
            Ok(aid) => sessions::sign_in(write, now_ms, times, aid, device, &client_name),
            Err(code) => Ok(Err(code)),
        }
    });
    let login = login.await??;
    node.post.put_if_possible(Errand::Verify { aid: login.session.aid });
    tokens_out(&node, now_ms, &login).await
}

/// Signs a device or a program in.
#[utoipa::path(
    post,
    path = "/v1/auth/login",
    tag = "auth",
    request_body = LoginIn,
    responses((status = 200, body = TokensOut), LoggingIn, TooMany, Proof)
)]
async fn login(
    State(node): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(asked): Body<LoginIn>,
) -> Answer<Json<TokensOut>> {
    admit(&node, peer, &headers)?;
    let client = Client::of(&node, &asked.email, asked.device.as_ref(), &asked.name)?;
    // What cannot be an address is an unknown one.
    let address = email(&asked.email).unwrap_or_default();
    let known = node.read({
        let address = address.clone();
        move |connection| records::by_email(connection, &address)
    });
    let known = known.await?;
    let stored = known.as_ref().map(|(_, stored)| stored.clone());
    let is_right = check_password(&node, &address, stored, asked.password).await?;
    let (aid, stored) = known.filter(|_| is_right).ok_or(Code::Credentials)?;
    second::check_code(&node, aid, asked.code).await?;
    let (device, client_name) = client.enter(&node)?;
    let (now_ms, times) = (clock::unix_ms(), node.limits.refresh_times());
    let login =
        node.writer().run(move |write| sessions::log_in(write, now_ms, times, (aid, &stored), device, &client_name));
    tokens_out(&node, now_ms, &login.await??).await
}

/// Whether a password is the right one, for as long as not too many wrong ones were tried: at the same cost whether there
/// is a stored hash to compare with or not.
async fn check_password(node: &Node, address: &str, stored: Option<String>, password: String) -> Answer<bool> {
    let guess = begin_guess(node, address)?;
    let password = if is_password(&password) { password } else { String::new() };
    let is_right = node.hashing.verify(stored, password).await.ok_or(Code::Busy)?;
    end_guess(guess, is_right);
    Ok(is_right)
}

/// Begins a guess at what is counted by this key; refused if there were too many wrong ones.
pub(super) fn begin_guess<'n>(node: &'n Node, key: &str) -> Answer<Guess<'n>> {
    node.attempts.begin(clock::monotonic_ms(), key).map_err(|wait_ms| ApiError::later(Code::Rate, wait_ms))
}

/// Counts a guess.
pub(super) fn end_guess(guess: Guess<'_>, is_right: bool) {
    if is_right {
        guess.succeeded();
    } else {
        guess.failed(clock::monotonic_ms());
    }
}

/// The address of an account, if this is its password.
pub(super) async fn with_password(node: &Node, aid: i64, password: String) -> Answer<String> {
    let known = node.read(move |connection| records::credentials(connection, aid)).await?;
    let (address, stored) = known.ok_or(Code::Revoked)?;
    let is_right = check_password(node, &address, Some(stored), password).await?;
    if is_right { Ok(address) } else { Err(Code::Credentials.into()) }
}

/// Renews the tokens of a session.
#[utoipa::path(
    post,
    path = "/v1/auth/refresh",
    tag = "auth",
    request_body = RefreshIn,
    responses((status = 200, body = TokensOut), SignInNeeded, Revoked, Proof)
)]
async fn refresh(State(node): Shared, Body(asked): Body<RefreshIn>) -> Answer<Json<TokensOut>> {
    let now_ms = clock::unix_ms();
    let token = RefreshToken::parse(&node.refresh_key, &asked.refresh_token).ok_or(Code::SignInNeeded)?;
    let session = node.read(move |connection| sessions::of_token(connection, &token)).await?.ok_or(Code::Revoked)?;
    if let Some(device) = session.device {
        prove(&node, now_ms, &device, &asked)?;
    }
    let times = node.limits.refresh_times();
    let login = node.writer().run(move |write| sessions::refresh(write, now_ms, times, &token));
    tokens_out(&node, now_ms, &login.await??).await
}

/// Whether it is the device that asks for the successor of its token.
fn prove(node: &Node, now_ms: i64, device: &DeviceKey, asked: &RefreshIn) -> Answer<()> {
    let nonce = hex::fixed(asked.nonce.as_deref().ok_or(Code::Proof)?).ok_or(Code::Invalid)?;
    let signature = hex::fixed(asked.proof.as_deref().ok_or(Code::Proof)?).ok_or(Code::Invalid)?;
    let digest = proof::digest(&node.id.0, &nonce, &asked.refresh_token);
    let is_proved = verify(device, &digest, &signature) && node.nonces.take(now_ms, nonce);
    if is_proved { Ok(()) } else { Err(Code::Proof.into()) }
}

/// Ends the session of a refresh token.
#[utoipa::path(
    post,
    path = "/v1/auth/signout",
    tag = "auth",
    request_body = SignOutIn,
    responses((status = 204), SignInNeeded)
)]
async fn sign_out(State(node): Shared, Body(asked): Body<SignOutIn>) -> Answer<StatusCode> {
    let token = RefreshToken::parse(&node.refresh_key, &asked.refresh_token).ok_or(Code::SignInNeeded)?;
    let now_ms = clock::unix_ms();
    let end = node.writer().run(move |write| match sessions::of_token(write.tx, &token)? {
        Some(session) => sessions::end(write, now_ms, &session),
        None => Ok(false),
    });
    end.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the password of the account, and ends its other sessions: whoever knew the old one is out.
#[utoipa::path(
    post,
    path = "/v1/auth/password",
    tag = "auth",
    request_body = PasswordIn,
    security(("access_token" = [])),
    responses((status = 204), Credentials, AccountInvalid)
)]
async fn change_password(State(node): Shared, session: Session, Body(asked): Body<PasswordIn>) -> Answer<StatusCode> {
    let aid = session.aid;
    let known = node.read(move |connection| records::credentials(connection, aid)).await?;
    let (address, stored) = known.ok_or(Code::Revoked)?;
    if !may_be_chosen(&asked.new_password, &[&address]) {
        return Err(Code::AccountInvalid.into());
    }
    if !check_password(&node, &address, Some(stored.clone()), asked.password).await? {
        return Err(Code::Credentials.into());
    }
    let hash = node.hashing.hash(asked.new_password, random()).await.ok_or(Code::Busy)?;
    let now_ms = clock::unix_ms();
    let change = node.writer().run(move |write| {
        let is_changed = records::change_password(write, aid, &stored, &hash)?;
        if is_changed {
            sessions::end_all(write, now_ms, aid, Some(&session.id))?;
        }
        Ok(is_changed)
    });
    // Another request changed it meanwhile: the password that was given is no longer right.
    if change.await? { Ok(StatusCode::NO_CONTENT) } else { Err(Code::Credentials.into()) }
}

/// The public keys of access tokens, for whoever checks them by himself.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "server", responses((status = 200, body = Jwks)))]
async fn token_keys(State(node): Shared) -> Answer<Json<Jwks>> {
    let turn = node.read(keys::turn).await?;
    Ok(Json(node.context.tokens.published(clock::unix_ms(), turn)))
}

/// The sessions that go on, the latest used first.
#[utoipa::path(
    get,
    path = "/v1/sessions",
    tag = "sessions",
    security(("access_token" = [])),
    responses((status = 200, body = SessionsOut))
)]
async fn list_sessions(State(node): Shared, this: Session) -> Answer<Json<SessionsOut>> {
    let now_ms = clock::unix_ms();
    let rows = node.read(move |connection| sessions::sessions(connection, now_ms, this.aid)).await?;
    Ok(Json(SessionsOut { sessions: sessions_out(rows, &this) }))
}

/// The sessions of an account as it sees them.
pub(super) fn sessions_out(rows: Vec<SessionRow>, this: &Session) -> Vec<SessionOut> {
    let out = |row: SessionRow| SessionOut {
        id: hex::encode(&row.session.id),
        name: row.name,
        device: row.session.device.map(|device| device.to_string()),
        created_ms: row.created_ms,
        used_ms: row.used_ms,
        this: row.session.id == this.id,
    };
    rows.into_iter().map(out).collect()
}

/// Ends one session of the account.
#[utoipa::path(
    delete,
    path = "/v1/sessions/{id}",
    tag = "sessions",
    params(IdPath),
    security(("access_token" = [])),
    responses((status = 204), NoSuchPage)
)]
async fn end_session(State(node): Shared, this: Session, At(IdPath { id }): At<IdPath>) -> Answer<StatusCode> {
    let id = page_id(&id)?;
    let now_ms = clock::unix_ms();
    let end = node.writer().run(move |write| {
        let rows = sessions::sessions(write.tx, now_ms, this.aid)?;
        let session = rows.into_iter().map(|row| row.session).find(|session| session.id == id);
        session.map_or(Ok(false), |session| sessions::end(write, now_ms, &session))
    });
    if end.await? { Ok(StatusCode::NO_CONTENT) } else { Err(Code::NoSuchPage.into()) }
}

/// Ends all sessions of the account, this one too.
#[utoipa::path(
    delete,
    path = "/v1/sessions",
    tag = "sessions",
    security(("access_token" = [])),
    responses((status = 204))
)]
async fn end_sessions(State(node): Shared, this: Session) -> Answer<StatusCode> {
    let now_ms = clock::unix_ms();
    node.writer().run(move |write| sessions::end_all(write, now_ms, this.aid, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The devices of the account.
#[utoipa::path(
    get,
    path = "/v1/devices",
    tag = "devices",
    security(("access_token" = [])),
    responses((status = 200, body = DevicesOut))
)]
async fn devices(State(node): Shared, session: Session) -> Answer<Json<DevicesOut>> {
    let rows = node.read(move |connection| records::devices(connection, session.aid)).await?;
    Ok(Json(DevicesOut { devices: devices_out(rows, &session) }))
}

/// The devices of an account as it sees them.
pub(super) fn devices_out(rows: Vec<DeviceRow>, this: &Session) -> Vec<DeviceOut> {
    let out = |row: DeviceRow| DeviceOut {
        key: row.key.to_string(),
        name: row.name,
        created_ms: row.created_ms,
        seen_ms: row.seen_ms,
        signed_in: row.is_active,
        this: Some(row.key) == this.device,
    };
    rows.into_iter().map(out).collect()
}

/// Signs a further device in by the word of one that is, under the same name: a device that was copied gets a key of its
/// own. Ledgers that it is not in by then, and that pin this server, take it as they take one that logs in.
#[utoipa::path(
    post,
    path = "/v1/devices",
    tag = "devices",
    request_body = FurtherDeviceIn,
    security(("access_token" = [])),
    responses((status = 200, body = TokensOut), Proof, TooMany)
)]
async fn add_device(
    State(node): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    session: Session,
    headers: HeaderMap,
    Body(asked): Body<FurtherDeviceIn>,
) -> Answer<Json<TokensOut>> {
    admit(&node, peer, &headers)?;
    let device = session.device.ok_or(Code::Proof)?;
    let further: DeviceKey = asked.key.parse().map_err(|_| Code::Invalid)?;
    let nonce = hex::fixed(&asked.nonce).ok_or(Code::Invalid)?;
    let by_device = hex::fixed(&asked.proof).ok_or(Code::Invalid)?;
    let by_further = hex::fixed(&asked.further_proof).ok_or(Code::Invalid)?;
    let token = bearer(&headers).ok_or(Code::SignInNeeded)?;
    let digest = proof::further_device_digest(&node.id.0, &nonce, token, &further);
    let now_ms = clock::unix_ms();
    let is_proven = verify(&device, &digest, &by_device) && verify(&further, &digest, &by_further);
    if !is_proven || is_weak(&further) || further == device || !node.nonces.take(now_ms, nonce) {
        return Err(Code::Proof.into());
    }
    let (times, limits, aid) = (node.limits.refresh_times(), node.context.limits, session.aid);
    let add = move |write: &mut Write<'_>| {
        let name = records::name_of(write.tx, aid, &device)?;
        let login = sessions::sign_in(write, now_ms, times, aid, Some(further), &name)?;
        if login.is_ok() {
            ledgers::vouch_for(write, now_ms, &limits, aid, &further)?;
        }
        Ok(login)
    };
    let login = node.writer().run(move |write| sessions::unless_ended(write, &session, add));
    tokens_out(&node, now_ms, &login.await??).await
}

/// Signs a device of the account out.
#[utoipa::path(
    delete,
    path = "/v1/devices/{key}",
    tag = "devices",
    params(DevicePath),
    security(("access_token" = [])),
    responses((status = 204), NoSuchPage)
)]
async fn remove_device(
    State(node): Shared,
    session: Session,
    At(DevicePath { key }): At<DevicePath>,
) -> Answer<StatusCode> {
    let key: DeviceKey = page_part(&key)?;
    let now_ms = clock::unix_ms();
    let ended = node.writer().run(move |write| sessions::end_device(write, now_ms, session.aid, &key)).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Code::NoSuchPage.into()) }
}

async fn tokens_out(node: &Node, now_ms: i64, login: &Login) -> Answer<Json<TokensOut>> {
    logs::is_asked_by(login.account, login.session.id);
    let tokens = &node.context.tokens;
    let turn = node.read(keys::turn).await?;
    let access = tokens.issue(now_ms, turn, login).map_err(ApiError::internal)?;
    Ok(Json(TokensOut {
        account: login.account.to_string(),
        server: node.id.to_string(),
        access_token: access,
        expires_in: tokens.seconds(),
        refresh_token: login.refresh.to_string(),
    }))
}

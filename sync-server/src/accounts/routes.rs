//! The account pages: JSON in, JSON out.

use outlay_ledger::hex;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use outlay_ledger::DeviceKey;
use outlay_ledger::signature::{is_weak, verify};
use outlay_protocol::{Code, proof};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::records::{self, Admission, Login};
use super::{email, is_password, name};
use crate::auth::RefreshToken;
use crate::config::SignUp;
use crate::error::ApiError;
use crate::node::{Node, random};
use crate::sync::Visitor;
use crate::sync::answer::check_token;
use crate::{clock, proxies};

type Body<T> = Result<Json<T>, JsonRejection>;
type Answer<T> = Result<T, ApiError>;
type Shared = State<Arc<Node>>;

pub(crate) fn router() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/signup", post(sign_up))
        .route("/v1/login", post(login))
        .route("/v1/token", post(token))
        .route("/v1/signout", post(sign_out))
        .route("/v1/devices", get(devices))
        .route("/v1/devices/{key}", delete(remove_device))
}

#[derive(Deserialize)]
struct DeviceIn {
    key: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct SignUpIn {
    email: String,
    password: String,
    #[serde(default)]
    name: String,
    invitation: Option<String>,
    device: DeviceIn,
}

#[derive(Deserialize)]
struct LoginIn {
    email: String,
    password: String,
    device: DeviceIn,
}

#[derive(Deserialize)]
struct TokenIn {
    refresh_token: String,
    /// From `GET /v1/server` or the last answer; with it the device signs [`proof::digest`] over the refresh token.
    nonce: String,
    proof: String,
}

#[derive(Deserialize)]
struct SignOutIn {
    refresh_token: String,
}

/// What a device is given to go on with.
#[derive(Serialize)]
struct TokensOut {
    account: String,
    server: String,
    access_token: String,
    expires_in_s: u32,
    refresh_token: String,
}

fn body<T>(body: Body<T>) -> Answer<T> {
    match body {
        Ok(Json(value)) => Ok(value),
        Err(JsonRejection::BytesRejection(_)) => Err(Code::TooBig.into()),
        Err(_) => Err(Code::Malformed.into()),
    }
}

fn device(device: &DeviceIn) -> Answer<(DeviceKey, String)> {
    let key: DeviceKey = device.key.parse().map_err(|_| Code::Malformed)?;
    if is_weak(&key) { Err(Code::Malformed.into()) } else { Ok((key, name(&device.name))) }
}

/// Lets a network address ask so often, and no oftener.
fn admit(node: &Node, peer: SocketAddr, headers: &HeaderMap) -> Answer<IpAddr> {
    let client = proxies::client(&node.trusted_proxies, peer.ip(), headers);
    let wait_ms = node.requests.take(clock::monotonic_ms(), client);
    if wait_ms > 0 { Err(ApiError::later(Code::Rate, wait_ms)) } else { Ok(client) }
}

async fn sign_up(
    State(node): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    json: Body<SignUpIn>,
) -> Answer<Json<TokensOut>> {
    admit(&node, peer, &headers)?;
    let asked = body(json)?;
    let (key, device_name) = device(&asked.device)?;
    let invitation = match node.sign_up {
        SignUp::Closed => return Err(Code::SignUpClosed.into()),
        SignUp::Open => None,
        SignUp::Invitation => Some(asked.invitation.ok_or(Code::Invitation)?),
    };
    let address = email(&asked.email).filter(|_| is_password(&asked.password)).ok_or(Code::AccountInvalid)?;
    let hash = node.hashing.hash(asked.password, random()).await.ok_or_else(busy)?;
    let (now_ms, times, person) = (clock::unix_ms(), node.limits.refresh_times(), name(&asked.name));
    let login = node.writer().run(move |write| {
        let admission = invitation.as_deref().map_or(Admission::Open, Admission::Invited);
        match records::sign_up(write, now_ms, &address, &person, &hash, admission)? {
            Ok(aid) => records::sign_in(write, now_ms, times, aid, key, &device_name),
            Err(code) => Ok(Err(code)),
        }
    });
    tokens_out(&node, now_ms, &login.await??)
}

async fn login(
    State(node): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    json: Body<LoginIn>,
) -> Answer<Json<TokensOut>> {
    admit(&node, peer, &headers)?;
    let asked = body(json)?;
    let (key, device_name) = device(&asked.device)?;
    // What cannot be an address is an unknown one.
    let address = email(&asked.email).unwrap_or_default();
    let wait_ms = node.attempts.wait_ms(clock::monotonic_ms(), &address);
    if wait_ms > 0 {
        return Err(ApiError::later(Code::Rate, wait_ms));
    }
    let known = node.read({
        let address = address.clone();
        move |connection| records::by_email(connection, &address)
    });
    let (aid, stored) = known.await?.unzip();
    let password = if is_password(&asked.password) { asked.password } else { String::new() };
    let is_right = node.hashing.verify(stored, password).await.ok_or_else(busy)?;
    let Some(aid) = aid.filter(|_| is_right) else {
        node.attempts.failed(clock::monotonic_ms(), &address);
        return Err(Code::Credentials.into());
    };
    node.attempts.succeeded(&address);
    let (now_ms, times) = (clock::unix_ms(), node.limits.refresh_times());
    let login = node.writer().run(move |write| records::sign_in(write, now_ms, times, aid, key, &device_name));
    tokens_out(&node, now_ms, &login.await??)
}

async fn token(State(node): Shared, json: Body<TokenIn>) -> Answer<Json<TokensOut>> {
    let asked = body(json)?;
    let now_ms = clock::unix_ms();
    let token = RefreshToken::parse(&node.refresh_key, &asked.refresh_token).ok_or(Code::SignInNeeded)?;
    let nonce = hex::fixed(&asked.nonce).ok_or(Code::Malformed)?;
    let signature = hex::fixed(&asked.proof).ok_or(Code::Malformed)?;
    let device = node.read(move |connection| records::device_of(connection, &token)).await?.ok_or(Code::Revoked)?;
    let digest = proof::digest(&node.id.0, &nonce, &asked.refresh_token);
    if !verify(&device, &digest, &signature) || !node.nonces.take(now_ms, nonce) {
        return Err(Code::Proof.into());
    }
    let times = node.limits.refresh_times();
    let login = node.writer().run(move |write| records::refresh(write, now_ms, times, &token));
    tokens_out(&node, now_ms, &login.await??)
}

async fn sign_out(State(node): Shared, json: Body<SignOutIn>) -> Answer<StatusCode> {
    let asked = body(json)?;
    let token = RefreshToken::parse(&node.refresh_key, &asked.refresh_token).ok_or(Code::SignInNeeded)?;
    let now_ms = clock::unix_ms();
    node.writer().run(move |write| records::sign_out(write, now_ms, &token)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn devices(State(node): Shared, headers: HeaderMap) -> Answer<Json<Value>> {
    let visitor = bearer(&node, &headers).await?;
    let rows = node.read(move |connection| records::devices(connection, visitor.aid)).await?;
    let devices: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            json!({
                "key": row.key.to_string(),
                "name": row.name,
                "created_ms": row.created_ms,
                "seen_ms": row.seen_ms,
                "signed_in": row.is_active,
                "this": row.key == visitor.device,
            })
        })
        .collect();
    Ok(Json(json!({ "devices": devices })))
}

async fn remove_device(State(node): Shared, headers: HeaderMap, Path(key): Path<String>) -> Answer<StatusCode> {
    let visitor = bearer(&node, &headers).await?;
    let key: DeviceKey = key.parse().map_err(|_| Code::NoSuchPage)?;
    let now_ms = clock::unix_ms();
    let ended = node.writer().run(move |write| records::end(write, now_ms, visitor.aid, &key)).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Code::NoSuchPage.into()) }
}

/// Who has sent an access token.
async fn bearer(node: &Node, headers: &HeaderMap) -> Answer<Visitor> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Code::SignInNeeded)?.to_owned();
    let (tokens, now_ms) = (node.context.tokens.clone(), clock::unix_ms());
    let checked = node.read(move |connection| check_token(connection, &tokens, now_ms, &token)).await?;
    Ok(checked?.1)
}

fn tokens_out(node: &Node, now_ms: i64, login: &Login) -> Answer<Json<TokensOut>> {
    let tokens = &node.context.tokens;
    let access = tokens.issue(now_ms, &login.account, &login.device, &login.family).map_err(ApiError::internal)?;
    Ok(Json(TokensOut {
        account: login.account.to_string(),
        server: node.id.to_string(),
        access_token: access,
        expires_in_s: tokens.seconds(),
        refresh_token: login.refresh.to_string(),
    }))
}

fn busy() -> ApiError {
    ApiError::later(Code::Busy, 1_000)
}

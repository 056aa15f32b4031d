//! The pages that need mail: setting a password that was forgotten, and proving an address.
//!
//! What asks for a mail by an address is answered the same whether the address is known or not; see [`crate::mail`].

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use outlay_protocol::Code;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::routes::{admit, with_password};
use super::{Session, email, mailed, may_be_chosen, records};
use crate::api::Pages;
use crate::api::refused::{AccountExists, AccountInvalid, Credentials, MailOff, MailedToken};
use crate::clock;
use crate::error::Answer;
use crate::mail::{Errand, Letter};
use crate::node::{Node, Shared, random};
use crate::request::Body;

pub(crate) fn router() -> Pages {
    Pages::new()
        .routes(routes!(ask_for_reset))
        .routes(routes!(reset))
        .routes(routes!(verify))
        .routes(routes!(resend))
        .routes(routes!(change_address))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResetIn {
    #[schema(format = "email")]
    email: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPasswordIn {
    /// From the mail.
    token: String,
    /// Not one that everybody tries first.
    #[schema(min_length = 8, max_length = 256)]
    new_password: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = MailedTokenIn)]
#[serde(deny_unknown_fields)]
struct TokenIn {
    /// From the mail.
    token: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddressIn {
    #[schema(format = "email", max_length = 254)]
    email: String,
    password: String,
}

fn put_errand(node: &Node, errand: Errand) -> Answer<StatusCode> {
    node.post.put(errand)?;
    Ok(StatusCode::ACCEPTED)
}

/// Asks for a mail to set a password that was forgotten; answered the same for unknown addresses.
#[utoipa::path(
    post,
    path = "/v1/auth/reset",
    tag = "auth",
    request_body = ResetIn,
    responses((status = 202), MailOff)
)]
async fn ask_for_reset(
    State(node): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(asked): Body<ResetIn>,
) -> Answer<StatusCode> {
    admit(&node, peer, &headers)?;
    node.post.check()?;
    // What cannot be an address is an unknown one.
    let address = email(&asked.email).unwrap_or_default();
    node.gate.admit_mail(&address)?;
    put_errand(&node, Errand::Reset { email: address })
}

/// Sets a password by the token of a mail. All sessions end.
#[utoipa::path(
    post,
    path = "/v1/auth/reset/confirm",
    tag = "auth",
    request_body = NewPasswordIn,
    responses((status = 204), MailOff, MailedToken, AccountInvalid)
)]
async fn reset(
    State(node): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(asked): Body<NewPasswordIn>,
) -> Answer<StatusCode> {
    admit(&node, peer, &headers)?;
    node.post.check()?;
    let (now_ms, token) = (clock::unix_ms(), asked.token.clone());
    let known = node.read(move |connection| mailed::address_to_reset(connection, now_ms, &token)).await?;
    let address = known.ok_or(Code::MailedToken)?;
    if !may_be_chosen(&asked.new_password, &[&address]) {
        return Err(Code::AccountInvalid.into());
    }
    let hash = node.hashing.hash(asked.new_password, random()).await.ok_or(Code::Busy)?;
    let reset = node.writer().run(move |write| mailed::reset_password(write, now_ms, &asked.token, &hash));
    let address = reset.await??;
    node.attempts.forget(&address);
    node.post.put_if_possible(Errand::Tell { email: address, letter: Letter::PasswordSet });
    Ok(StatusCode::NO_CONTENT)
}

/// Proves an address by the token of a mail.
#[utoipa::path(
    post,
    path = "/v1/auth/verify",
    tag = "auth",
    request_body = TokenIn,
    responses((status = 204), MailOff, MailedToken, AccountExists)
)]
async fn verify(
    State(node): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(asked): Body<TokenIn>,
) -> Answer<StatusCode> {
    admit(&node, peer, &headers)?;
    node.post.check()?;
    let now_ms = clock::unix_ms();
    let proved = node.writer().run(move |write| mailed::prove_address(write, now_ms, &asked.token));
    if let Some(old) = proved.await?? {
        node.post.put_if_possible(Errand::Tell { email: old, letter: Letter::AddressChanged });
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Mails the token again: for the address that the account is to have, or else for its own if that is not proved.
#[utoipa::path(
    post,
    path = "/v1/auth/verify/resend",
    tag = "auth",
    security(("access_token" = [])),
    responses((status = 202), MailOff)
)]
async fn resend(State(node): Shared, session: Session) -> Answer<StatusCode> {
    node.post.check()?;
    let aid = session.aid;
    let known = node.read(move |connection| records::credentials(connection, aid)).await?;
    node.gate.admit_mail(&known.ok_or(Code::Revoked)?.0)?;
    put_errand(&node, Errand::Verify { aid })
}

/// Asks for another address, which the account has once it is proved. The old one is told, in case it was not the owner.
#[utoipa::path(
    put,
    path = "/v1/me/email",
    tag = "me",
    request_body = AddressIn,
    security(("access_token" = [])),
    responses((status = 202), MailOff, Credentials, AccountInvalid)
)]
async fn change_address(State(node): Shared, session: Session, Body(asked): Body<AddressIn>) -> Answer<StatusCode> {
    node.post.check()?;
    let aid = session.aid;
    let new = email(&asked.email).ok_or(Code::AccountInvalid)?;
    let old = with_password(&node, aid, asked.password).await?;
    node.gate.admit_mail(&old)?;
    node.gate.admit_mail(&new)?;
    let is_other = new != old;
    node.writer().run(move |write| mailed::ask_for_address(write, aid, &new)).await?;
    if is_other {
        node.post.put_if_possible(Errand::Tell { email: old, letter: Letter::AddressAsked });
    }
    put_errand(&node, Errand::Verify { aid })
}

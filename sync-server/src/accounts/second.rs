//! The pages of the second proof: turning codes of an authenticator app on and off, and asking for one at login.
//!
//! Wrong codes are slowed down like wrong passwords, and counted by themselves: who knows the password gains nothing by it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use outlay_protocol::Code;
use serde::Deserialize;
use serde_json::{Value, json};

use super::routes::{has_guessed, may_guess, with_password};
use super::{Session, totp};
use crate::clock;
use crate::error::Answer;
use crate::node::{Node, Shared};
use crate::request::Body;

pub(crate) fn router() -> Router<Arc<Node>> {
    Router::new().route("/v1/auth/totp", post(begin).delete(end)).route("/v1/auth/totp/confirm", post(confirm))
}

#[derive(Deserialize)]
struct BeginIn {
    password: String,
}

#[derive(Deserialize)]
struct ConfirmIn {
    code: String,
}

#[derive(Deserialize)]
struct EndIn {
    password: String,
    code: String,
}

/// Who turns it on shows the password again: an access token that was copied does not lock the owner out.
async fn begin(State(node): Shared, session: Session, Body(asked): Body<BeginIn>) -> Answer<Json<Value>> {
    let address = with_password(&node, session.aid, asked.password).await?;
    let secret = node.writer().run(move |write| totp::begin(write, session.aid)).await??;
    Ok(Json(json!({ "secret": secret.base32(), "url": secret.url(&address) })))
}

async fn confirm(State(node): Shared, session: Session, Body(asked): Body<ConfirmIn>) -> Answer<Json<Value>> {
    let key = guesses(session.aid);
    may_guess(&node, &key)?;
    let now_ms = clock::unix_ms();
    let confirm = node.writer().run(move |write| totp::confirm(write, now_ms, session.aid, &asked.code));
    let confirmed = confirm.await?;
    has_guessed(&node, &key, confirmed != Err(Code::CodeWrong));
    Ok(Json(json!({ "recovery_codes": confirmed? })))
}

async fn end(State(node): Shared, session: Session, Body(asked): Body<EndIn>) -> Answer<StatusCode> {
    let aid = session.aid;
    with_password(&node, aid, asked.password).await?;
    check_code(&node, aid, Some(asked.code)).await?;
    let ended = node.writer().run(move |write| totp::end(write.tx, aid)).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Code::NoSuchPage.into()) }
}

/// Takes the code that an account wants, if it wants one. The password was checked.
pub(super) async fn check_code(node: &Node, aid: i64, code: Option<String>) -> Answer<()> {
    if !node.read(move |connection| totp::is_on(connection, aid)).await? {
        return Ok(());
    }
    let code = code.ok_or(Code::CodeNeeded)?;
    let key = guesses(aid);
    may_guess(node, &key)?;
    let now_ms = clock::unix_ms();
    let is_taken = node.writer().run(move |write| totp::take(write, now_ms, aid, &code)).await?;
    has_guessed(node, &key, is_taken);
    if is_taken { Ok(()) } else { Err(Code::CodeWrong.into()) }
}

/// What guesses at an account's codes are counted by.
fn guesses(aid: i64) -> String {
    format!("code {aid}")
}

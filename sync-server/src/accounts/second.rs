//! The pages of the second proof: turning codes of an authenticator app on and off, and asking for one at login.
//!
//! Wrong codes are slowed down like wrong passwords, and counted by themselves: who knows the password gains nothing by it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use outlay_protocol::Code;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::routes::{begin_guess, end_guess, with_password};
use super::{Session, totp};
use crate::api::Pages;
use crate::api::refused::{CodeWrong, Credentials, NoSuchPage, TotpOn};
use crate::clock;
use crate::error::Answer;
use crate::node::{Node, Shared};
use crate::request::Body;

pub(crate) fn router() -> Pages {
    Pages::new().routes(routes!(begin, end)).routes(routes!(confirm))
}

#[derive(Deserialize, ToSchema)]
#[schema(as = TotpBeginIn)]
#[serde(deny_unknown_fields)]
struct BeginIn {
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = TotpConfirmIn)]
#[serde(deny_unknown_fields)]
struct ConfirmIn {
    /// Of the app.
    code: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = TotpEndIn)]
#[serde(deny_unknown_fields)]
struct EndIn {
    password: String,
    /// Of the app, or a recovery code.
    code: String,
}

/// What the app is given.
#[derive(Serialize, ToSchema)]
#[schema(as = TotpSecretOut)]
struct SecretOut {
    /// In base 32.
    secret: String,
    /// For a picture that the app reads.
    url: String,
}

/// Codes for when the app is gone, each good once.
#[derive(Serialize, ToSchema)]
struct RecoveryOut {
    recovery_codes: Vec<String>,
}

/// Begins with an authenticator app, which counts once a code of it has come.
///
/// Who turns it on shows the password again: an access token that was copied does not lock the owner out.
#[utoipa::path(
    post,
    path = "/v1/auth/totp",
    tag = "auth",
    request_body = BeginIn,
    security(("access_token" = [])),
    responses((status = 200, body = SecretOut), Credentials, TotpOn)
)]
async fn begin(State(node): Shared, session: Session, Body(asked): Body<BeginIn>) -> Answer<Json<SecretOut>> {
    let address = with_password(&node, session.aid, asked.password).await?;
    let secret = node.writer().run(move |write| totp::begin(write, session.aid)).await??;
    Ok(Json(SecretOut { secret: secret.base32(), url: secret.url(&address) }))
}

/// Turns on what was begun, by a code of the app.
#[utoipa::path(
    post,
    path = "/v1/auth/totp/confirm",
    tag = "auth",
    request_body = ConfirmIn,
    security(("access_token" = [])),
    responses((status = 200, body = RecoveryOut), CodeWrong, TotpOn, NoSuchPage)
)]
async fn confirm(State(node): Shared, session: Session, Body(asked): Body<ConfirmIn>) -> Answer<Json<RecoveryOut>> {
    let guess = begin_guess(&node, &guesses(session.aid))?;
    let now_ms = clock::unix_ms();
    let confirm = node.writer().run(move |write| totp::confirm(write, now_ms, session.aid, &asked.code));
    let confirmed = confirm.await?;
    end_guess(guess, confirmed != Err(Code::CodeWrong));
    Ok(Json(RecoveryOut { recovery_codes: confirmed? }))
}

/// Turns it off, with the recovery codes.
#[utoipa::path(
    delete,
    path = "/v1/auth/totp",
    tag = "auth",
    request_body = EndIn,
    security(("access_token" = [])),
    responses((status = 204), Credentials, CodeWrong, NoSuchPage)
)]
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
    let guess = begin_guess(node, &guesses(aid))?;
    let now_ms = clock::unix_ms();
    let is_taken = node.writer().run(move |write| totp::take(write, now_ms, aid, &code)).await?;
    end_guess(guess, is_taken);
    if is_taken { Ok(()) } else { Err(Code::CodeWrong.into()) }
}

/// What guesses at an account's codes are counted by.
fn guesses(aid: i64) -> String {
    format!("code {aid}")
}

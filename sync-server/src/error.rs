//! What a request is told when it is refused: a problem (RFC 9457) with the code of the protocol.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use outlay_protocol::Code;
use serde::Serialize;
use utoipa::ToSchema;

use crate::logs;
use crate::store::StoreError;

/// What a page answers, or why not.
pub(crate) type Answer<T> = Result<T, ApiError>;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    code: Code,
    retry_after_s: Option<u32>,
    cause: Option<String>,
}

impl ApiError {
    /// With the milliseconds to wait before trying again.
    pub(crate) fn later(code: Code, wait_ms: i64) -> Self {
        let seconds = u32::try_from(wait_ms.max(0)).unwrap_or(u32::MAX).div_ceil(1000).max(1);
        Self { code, retry_after_s: Some(seconds), cause: None }
    }

    /// Something that the server itself did wrong; logged, never sent.
    pub(crate) fn internal(cause: impl ToString) -> Self {
        Self { code: Code::Storage, retry_after_s: Some(1), cause: Some(cause.to_string()) }
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        // What there is too much of now is less in a moment.
        Self { code, retry_after_s: (code == Code::Busy).then_some(1), cause: None }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self { code: error.code(), retry_after_s: Some(1), cause: Some(error.to_string()) }
    }
}

/// One text for each code, and nothing in it that a request brought.
pub(crate) const fn message(code: Code) -> &'static str {
    match code {
        Code::Malformed => "The request is not what this page takes.",
        Code::TooBig => "The request is too big.",
        Code::TooMany => "There are too many of these on this account. Remove one first.",
        Code::NoSuchPage => "There is no such page.",
        Code::Method => "This page does not take this method.",
        Code::MediaType => "The body must be application/json.",
        Code::Invalid => "A value in the request cannot be.",
        Code::Changed => "It has changed meanwhile. Get it again.",
        Code::VersionNeeded => "If-Match must say which version is changed.",
        Code::KeyReused => "This Idempotency-Key was used for another request.",
        Code::Offset => "What is sent does not go on where what is held ends; upload-offset says where that is.",
        Code::Range => "The file has no such bytes.",
        Code::Hash => "The bytes are not what the hash says. Nothing of them was kept.",
        Code::SignInNeeded => "Sign in first.",
        Code::TokenExpired => "The token has expired. Renew it.",
        Code::Revoked => "This device was signed out. Sign in again; what is on it is kept.",
        Code::Proof => "The device has not proved that the token is its own.",
        Code::Credentials => "The address or the password is wrong.",
        Code::SignUpClosed => "Nobody can sign up here at the moment.",
        Code::Invitation => "There is no such invitation, or it was used or is too old.",
        Code::AccountExists => "There is an account with this address.",
        Code::AccountInvalid => {
            "An address needs an @; a password 8 to 256 bytes, and not one that everybody tries first."
        }
        Code::NoSuchLedger => "There is no such ledger, or it is not yours.",
        Code::Removed => "This account is no longer a member of the ledger, or the device was removed.",
        Code::ReadOnly => "Your role in this ledger does not allow it.",
        Code::Scope => "The token was not made for this.",
        Code::InvitationUsed => "The invitation was used. Ask for another one.",
        Code::InvitationExpired => "The invitation is too old. Ask for another one.",
        Code::MailedToken => "The code from the mail is unknown, was used, or is too old. Ask for another.",
        Code::MailOff => "This server sends no mail. Ask who runs it.",
        Code::CodeNeeded => "A code of the authenticator app, or a recovery code, is needed too.",
        Code::CodeWrong => "The code is wrong, was used, or is too old.",
        Code::TotpOn => "Codes of an authenticator app are on already. Turn them off first.",
        Code::ServerMayNot => "The ledger does not let this server do that. An owner's device can change it.",
        Code::Quota => "The ledger or the account is full.",
        Code::Rate => "Too many requests. Try again later.",
        Code::Busy => "There is too much to do at the moment. Try again later.",
        Code::Slow => "The request took too long.",
        Code::ShuttingDown => "The server is being stopped. Try again in a moment.",
        Code::Full => "The server's disk is full.",
        _ => "The request could not be carried out.",
    }
}

/// What is sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The name of the code.
    #[serde(rename = "type")]
    #[schema(pattern = "^urn:outlay:problem:[a-z_]+$")]
    kind: String,
    /// One text for each code.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// The number of the code.
    code: u16,
    /// The id under which the request is logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    request_id: Option<String>,
    /// How long to wait before trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    retry_after_seconds: Option<u32>,
}

impl Problem {
    /// The type of a code's problem.
    pub(crate) fn kind(code: Code) -> String {
        format!("urn:outlay:problem:{}", code.name())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { code, retry_after_s: retry_after_seconds, cause } = self;
        let request_id = logs::request_id();
        if let Some(cause) = &cause {
            tracing::error!(code = code.number(), cause, request_id, "a request failed");
        }
        let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (kind, title, number) = (Problem::kind(code), message(code), code.number());
        let problem = Problem { kind, title, status: status.as_u16(), code: number, request_id, retry_after_seconds };
        let mut response = (status, Json(problem)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

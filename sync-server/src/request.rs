//! What requests bring: a body of JSON, and who asks. Whatever is not in order is refused with its code.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::{Json, RequestExt};
use outlay_protocol::Code;
use serde::de::DeserializeOwned;

use crate::accounts::Session;
use crate::error::ApiError;
use crate::node::Node;
use crate::sync::answer::check_token;
use crate::{clock, logs};

/// The body of a request, read as JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest<Arc<Node>> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<Node>) -> Result<Self, ApiError> {
        match request.extract::<Json<T>, _>().await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::BytesRejection(_)) => Err(Code::TooBig.into()),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Code::MediaType.into()),
            Err(JsonRejection::JsonDataError(_)) => Err(Code::Invalid.into()),
            Err(_) => Err(Code::Malformed.into()),
        }
    }
}

/// Who asks, by the access token in `Authorization`.
impl FromRequestParts<Arc<Node>> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or(Code::SignInNeeded)?.to_owned();
        let (tokens, now_ms) = (node.context.tokens.clone(), clock::unix_ms());
        let checked = node.read(move |connection| check_token(connection, &tokens, now_ms, &token)).await?;
        let (claims, session) = checked?;
        if let Some(account) = claims.account() {
            logs::is_asked_by(account, session.id);
        }
        node.gate.admit(node, &session)?;
        Ok(session)
    }
}

/// The access token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

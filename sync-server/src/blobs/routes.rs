//! The page of a file: sent in parts or at once, and given as a whole or in parts.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use outlay_ledger::{BlobHash, LedgerId};
use outlay_protocol::Code;
use serde::Serialize;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::files::{Busy, Files};
use super::range::{self, Sent};
use super::{Begun, BlobLimits, BlobRow, Upload, begin, commit, find, give_up};
use crate::api::refused::{GetsBlob, SendsBlob};
use crate::api::{BlobPath, Key, Pages};
use crate::clock;
use crate::error::{Answer, ApiError};
use crate::node::{Node, Shared};
use crate::request::{At, Principal, page_part};

/// Bytes of a body that are gathered before they are written.
const WRITE_BYTES: usize = 256 * 1024;
/// How many bytes of a file are there.
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// What has a hash for a name never changes.
const FOR_EVER: &str = "private, max-age=31536000, immutable";

pub(crate) fn router() -> Pages {
    Pages::new().routes(routes!(read, store))
}

/// A file that is there.
#[derive(Serialize, ToSchema)]
struct BlobOut {
    #[schema(value_type = Key)]
    hash: String,
    bytes: u64,
    /// What kind of file it is, by its first bytes.
    media_type: String,
}

/// How many bytes of a file are there: from where it goes on.
#[derive(Serialize, ToSchema)]
struct OffsetOut {
    offset: u64,
}

/// A file of a ledger, or a part of it.
#[utoipa::path(
    get,
    path = "/v1/ledgers/{ledger}/blobs/{hash}",
    tag = "blobs",
    params(
        BlobPath,
        ("range" = Option<String>, Header, description = "Which bytes, as `bytes=0-1048575`."),
        ("if-none-match" = Option<String>, Header, description = "The hash in quotes, if the file is known."),
    ),
    security(("access_token" = []), ("api_token" = [])),
    responses(
        (status = 200, content_type = "*/*", description = "All of it."),
        (status = 206, content_type = "*/*", description = "The part that was asked for."),
        (status = 304, description = "It is known."),
        GetsBlob
    )
)]
async fn read(
    State(node): Shared,
    principal: Principal,
    At(BlobPath { ledger, hash }): At<BlobPath>,
    headers: HeaderMap,
) -> Answer<Response> {
    let (ledger, aid) = (principal.ledger(&ledger)?, principal.session.aid);
    let hash: BlobHash = page_part(&hash)?;
    let found = node.read(move |connection| find(connection, &ledger, aid, &hash)).await??;
    let blob = found.filter(|_| node.files.has(&ledger, &hash)).ok_or(Code::NoSuchPage)?;
    let etag = format!("\"{hash}\"");
    if knows(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, described(&blob, &etag)?).into_response());
    }
    let range = match range::asked(&headers, &etag, blob.bytes) {
        Ok(range) => range,
        Err(code) => return Ok(beyond(code, blob.bytes)),
    };
    let (from, to) = range.unwrap_or((0, blob.bytes));
    let mut all = described(&blob, &etag)?;
    all.insert(header::CONTENT_LENGTH, (to - from).into());
    if range.is_some() {
        all.insert(header::CONTENT_RANGE, value(format!("bytes {from}-{}/{}", to - 1, blob.bytes))?);
    }
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    Ok((status, all, content(node.files.clone(), ledger, hash, from, to)).into_response())
}

/// What a file is, whichever part of it is given.
fn described(blob: &BlobRow, etag: &str) -> Answer<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, value(blob.media_type.clone())?);
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    headers.insert(header::ETAG, value(etag.to_owned())?);
    Ok(headers)
}

fn knows(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    known.is_some_and(|known| known.split(',').any(|known| known.trim() == etag || known.trim() == "*"))
}

fn beyond(code: Code, total: u64) -> Response {
    let mut response = ApiError::from(code).into_response();
    response.headers_mut().extend(value(format!("bytes */{total}")).ok().map(|value| (header::CONTENT_RANGE, value)));
    response
}

fn value(text: String) -> Answer<HeaderValue> {
    HeaderValue::from_str(&text).map_err(ApiError::internal)
}

/// A part of a file, read as fast as it is taken.
fn content(files: Files, ledger: LedgerId, hash: BlobHash, from: u64, to: u64) -> Body {
    let parts = stream::try_unfold(from, move |at| {
        let files = files.clone();
        async move {
            if at >= to {
                return Ok(None);
            }
            let bytes = blocking(move || files.read(&ledger, &hash, at, to)).await?;
            let next = at + bytes.len() as u64;
            Ok::<_, std::io::Error>(Some((bytes, next)))
        }
    });
    Body::from_stream(parts)
}

/// Takes a file, or the next part of it.
#[utoipa::path(
    put,
    path = "/v1/ledgers/{ledger}/blobs/{hash}",
    tag = "blobs",
    params(
        BlobPath,
        (
            "content-range" = Option<String>, Header,
            description = "Which bytes of how many, as `bytes 0-1048575/5000000`; `bytes */5000000` asks how many are there."
        ),
    ),
    request_body(content_type = "application/octet-stream", description = "The bytes."),
    security(("access_token" = []), ("api_token" = [])),
    responses(
        (status = 200, body = BlobOut, description = "It was there already."),
        (status = 201, body = BlobOut, description = "All of it is there now."),
        (status = 202, body = OffsetOut, description = "A part of it is there."),
        SendsBlob
    )
)]
async fn store(
    State(node): Shared,
    principal: Principal,
    At(BlobPath { ledger, hash }): At<BlobPath>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Response> {
    let ledger = principal.ledger(&ledger)?;
    principal.may_write()?;
    let hash: BlobHash = page_part(&hash)?;
    let (limits, sent) = (BlobLimits::of(&node.limits), range::sent(&headers)?);
    let upload = Upload { aid: principal.session.aid, ledger, hash, bytes: sent.total() };
    match upload.bytes {
        0 => return Err(Code::Invalid.into()),
        bytes if bytes > limits.bytes_max => return Err(Code::TooBig.into()),
        _ => {}
    }
    let busy = Arc::new(node.files.take(ledger, hash).ok_or(Code::Busy)?);
    let (now_ms, is_lost) = (clock::unix_ms(), !node.files.has(&ledger, &hash));
    match node.writer().run(move |write| begin(write, now_ms, &limits, &upload, is_lost)).await?? {
        Begun::Held(blob) => return Ok(stored(StatusCode::OK, &upload, &blob.media_type)),
        Begun::Open(expired) => forget(&node.files, expired).await,
    }
    let come = come(&busy, upload.bytes).await?;
    let come = match sent {
        Sent::Nothing { .. } => come,
        Sent::Part { from, .. } if from != come => {
            return Ok(partial(ApiError::from(Code::Offset).into_response(), come));
        }
        Sent::Part { from, to, .. } => take_in(&busy, body.into_data_stream(), from, to).await?,
    };
    if come < upload.bytes {
        let begun = (StatusCode::ACCEPTED, Json(OffsetOut { offset: come })).into_response();
        return Ok(partial(begun, come));
    }
    finish(&node, &limits, upload, busy).await
}

/// How many bytes of a file are there. What is longer than the file was of another one.
async fn come(busy: &Arc<Busy>, total: u64) -> Answer<u64> {
    let busy = Arc::clone(busy);
    let come = blocking(move || match busy.come()? {
        come if come > total => busy.forget().map(|()| 0),
        come => Ok(come),
    });
    come.await.map_err(failed)
}

/// Takes in a body as it comes, and says where it ended. What has come of one that breaks off stays.
async fn take_in(busy: &Arc<Busy>, mut body: BodyDataStream, from: u64, to: u64) -> Answer<u64> {
    let (mut at, mut gathered) = (from, Vec::new());
    let mut outcome = Ok(());
    while let Some(part) = body.next().await {
        match part {
            Ok(part) if at + (gathered.len() + part.len()) as u64 > to => outcome = Err(Code::Malformed),
            Ok(part) => gathered.extend_from_slice(&part),
            Err(_) => outcome = Err(Code::Malformed),
        }
        if gathered.len() >= WRITE_BYTES {
            at += append(busy, std::mem::take(&mut gathered)).await?;
        }
        if outcome.is_err() {
            break;
        }
    }
    at += append(busy, gathered).await?;
    outcome?;
    Ok(at)
}

async fn append(busy: &Arc<Busy>, bytes: Vec<u8>) -> Answer<u64> {
    // It is this one's to write until it is written, also when whoever sends it is gone.
    let (busy, length) = (Arc::clone(busy), bytes.len() as u64);
    if length > 0 {
        blocking(move || busy.append(&bytes)).await.map_err(failed)?;
    }
    Ok(length)
}

/// Compares what has come with its hash, makes it durable, and only then enters it.
async fn finish(node: &Node, limits: &BlobLimits, upload: Upload, busy: Arc<Busy>) -> Answer<Response> {
    let named = Arc::clone(&busy);
    let Some(media_type) = blocking(move || named.finish()).await.map_err(failed)? else {
        node.writer().run(move |write| give_up(write, &upload.ledger, &upload.hash)).await?;
        return Err(Code::Hash.into());
    };
    let limits = *limits;
    node.writer().run(move |write| commit(write, &limits, &upload, media_type)).await??;
    Ok(stored(StatusCode::CREATED, &upload, media_type))
}

fn stored(status: StatusCode, upload: &Upload, media_type: &str) -> Response {
    let (hash, bytes) = (upload.hash.to_string(), upload.bytes);
    partial((status, Json(BlobOut { hash, bytes, media_type: media_type.to_owned() })).into_response(), bytes)
}

/// An answer with how many bytes are there.
fn partial(mut response: Response, come: u64) -> Response {
    response.headers_mut().insert(OFFSET, come.into());
    response
}

async fn forget(files: &Files, expired: Vec<(LedgerId, BlobHash)>) {
    let files = files.clone();
    // What is left is in nobody's way: the next start deletes it.
    let forget = move || expired.iter().try_for_each(|(ledger, hash)| files.forget_part(ledger, hash));
    if let Err(error) = blocking(forget).await {
        tracing::warn!(%error, "a file that did not come whole could not be deleted");
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> std::io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|_| Err(std::io::Error::other("the server is ending")))
}

fn failed(error: std::io::Error) -> ApiError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::FileTooLarge => Code::Full.into(),
        _ => ApiError::internal(error),
    }
}

//! The files of an expense: shown with it, attached and taken off.
//!
//! A file is sent to its own page first, and is there when an expense names it ([`crate::blobs`]). What is written here is the
//! register that names it, as an app writes it. A file that no expense names any more stays as long as its ledger: a device
//! that was away may bring a change that names it.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use outlay_ledger::attachment::Attachment;
use outlay_ledger::{BlobHash, DocumentId, expense};
use outlay_protocol::Code;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::changes::{gone, run, shown};
use super::draft::Draft;
use super::object::ExpenseObject;
use super::repeats::{Key as RepeatKey, KeyHeader};
use crate::api::refused::{Invalid, KeyReused, NoSuchPage, OfLedger, ToWrite};
use crate::api::{AttachmentPath, Key, Pages};
use crate::blobs;
use crate::error::Answer;
use crate::node::Shared;
use crate::request::{At, Principal, Sent, page_part};

pub(super) fn router() -> Pages {
    Pages::new().routes(routes!(attach, detach))
}

/// A file of an expense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Attachment)]
pub(crate) struct AttachmentObject {
    /// The name of its page among the files of the ledger.
    #[schema(value_type = Key)]
    hash: String,
    bytes: u64,
    media_type: String,
    /// What it is called; may be empty.
    name: String,
}

/// Files as they stand in a column; nothing for none.
pub(super) fn column(files: &[Attachment]) -> Option<String> {
    let object = |file: &Attachment| AttachmentObject {
        hash: file.hash.to_string(),
        bytes: file.bytes,
        media_type: file.media_type.clone(),
        name: file.name.clone(),
    };
    let objects: Vec<AttachmentObject> = files.iter().map(object).collect();
    // Texts and numbers do not fail to be JSON.
    (!objects.is_empty()).then(|| serde_json::to_string(&objects).unwrap_or_default())
}

/// Files from their column.
pub(super) fn of_column(text: Option<&str>) -> Vec<AttachmentObject> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AttachIn {
    /// What it is called.
    #[serde(default)]
    #[schema(max_length = 255)]
    name: String,
}

/// Attaches a file that was sent before. Attached again it has the new name.
#[utoipa::path(
    put,
    path = "/v1/ledgers/{ledger}/expenses/{expense}/attachments/{hash}",
    tag = "expenses",
    params(AttachmentPath, KeyHeader),
    request_body = AttachIn,
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 200, body = ExpenseObject), OfLedger, ToWrite, NoSuchPage, KeyReused)
)]
async fn attach(
    State(node): Shared,
    principal: Principal,
    At(AttachmentPath { ledger, expense, hash }): At<AttachmentPath>,
    headers: HeaderMap,
    Sent(asked, body): Sent<AttachIn>,
) -> Answer<Response> {
    let (id, hash): (DocumentId, BlobHash) = (page_part(&expense)?, page_part(&hash)?);
    let key = RepeatKey::read(&headers, &[b"attach", ledger.as_bytes(), &id.0, &hash.0, &body])?;
    let draft = move |draft: &mut Draft<'_>| {
        let held = blobs::held(draft.tx, draft.lid, &hash)?.ok_or(Code::NoSuchPage)?;
        let file = Attachment { hash, bytes: held.bytes, media_type: held.media_type, name: asked.name };
        draft.edit(id, |_, document| Ok(vec![expense::attach(document, file)?]))
    };
    run(&node, &principal, &ledger, key, draft, move |write, lid, ()| shown(write.tx, lid, &id, StatusCode::OK)).await
}

/// Takes a file off, which may be off already. The file itself stays.
#[utoipa::path(
    delete,
    path = "/v1/ledgers/{ledger}/expenses/{expense}/attachments/{hash}",
    tag = "expenses",
    params(AttachmentPath, KeyHeader),
    security(("access_token" = []), ("api_token" = [])),
    responses((status = 204), OfLedger, ToWrite, NoSuchPage, KeyReused, Invalid)
)]
async fn detach(
    State(node): Shared,
    principal: Principal,
    At(AttachmentPath { ledger, expense, hash }): At<AttachmentPath>,
    headers: HeaderMap,
) -> Answer<Response> {
    let (id, hash): (DocumentId, BlobHash) = (page_part(&expense)?, page_part(&hash)?);
    let key = RepeatKey::read(&headers, &[b"detach", ledger.as_bytes(), &id.0, &hash.0])?;
    let draft = move |draft: &mut Draft<'_>| {
        draft.edit(id, |_, document| Ok(expense::detach(document, &hash).into_iter().collect()))
    };
    run(&node, &principal, &ledger, key, draft, gone).await
}

//! Going: an account that is deleted, and all that is kept of a person, for himself.
//!
//! Deleting takes everything that says who somebody is, and the ledgers that only he had; see docs/adr/0006. The document of
//! `/v1/me/export` is written while it is read, a portion of a log at a time: nothing of its size is in memory, and no
//! transaction is open meanwhile.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use outlay_ledger::{BlobHash, LedgerId, hex};
use outlay_protocol::Code;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::api_tokens::{self, ApiTokenOut};
use super::profile::{Profile, profile};
use super::routes::{DeviceOut, SessionOut, devices_out, sessions_out, with_password};
use super::second::check_code;
use super::{Session, records, sessions};
use crate::api::refused::LoggingIn;
use crate::api::{Id, Pages};
use crate::blobs::Files;
use crate::error::Answer;
use crate::events::{Event, WebhookOut, forget_webhooks, outbox, webhooks_out};
use crate::ledgers::log::{self, Portion};
use crate::ledgers::purge;
use crate::mail::{Errand, Letter};
use crate::node::{Node, Shared};
use crate::request::Body;
use crate::store::{Effect, Result, Store, StoreError, Write};
use crate::{blobs, clock};

/// Bytes of commits that are read for an export at once.
const PORTION_BYTES_MAX: usize = 64 * 1024;

pub(crate) fn router() -> Pages {
    Pages::new().routes(routes!(remove)).routes(routes!(export))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RemoveIn {
    password: String,
    /// For accounts that want one at login.
    code: Option<String>,
}

/// What an account that was deleted has left on the disk.
#[derive(Default)]
struct Left {
    /// Ledgers that went with it, whose files are there.
    ledgers: Vec<LedgerId>,
    /// Files of other ledgers that it was sending.
    parts: Vec<(LedgerId, BlobHash)>,
}

impl Left {
    /// Leaves out what is there again: who has a ledger may bring it back at any time.
    fn without_known(self, connection: &Connection) -> Result<Self> {
        let mut left = Self::default();
        for ledger in self.ledgers {
            if !blobs::is_known(connection, &ledger, None)? {
                left.ledgers.push(ledger);
            }
        }
        for (ledger, hash) in self.parts {
            if !blobs::is_known(connection, &ledger, Some(&hash))? {
                left.parts.push((ledger, hash));
            }
        }
        Ok(left)
    }

    fn remove(&self, files: &Files) -> io::Result<()> {
        self.ledgers.iter().try_for_each(|ledger| files.forget_ledger(ledger))?;
        self.parts.iter().try_for_each(|(ledger, hash)| files.forget_part(ledger, hash))
    }
}

/// Deletes an account: its sessions end, and nothing of the person stays.
fn delete_account(write: &mut Write<'_>, now_ms: i64, aid: i64) -> Result<Left> {
    sessions::end_all(write, now_ms, aid, None)?;
    let left = Left { parts: blobs::forget_uploads(write.tx, aid)?, ledgers: purge::leave_all(write, now_ms, aid)? };
    outbox::end(write, now_ms, aid)?;
    for delete in [
        "DELETE FROM family WHERE aid = ?1",
        "DELETE FROM device WHERE aid = ?1",
        "DELETE FROM api_token WHERE aid = ?1",
        "DELETE FROM repeat WHERE aid = ?1",
        "DELETE FROM mailed WHERE aid = ?1",
        "DELETE FROM totp WHERE aid = ?1",
        "DELETE FROM recovery WHERE aid = ?1",
        "DELETE FROM notice WHERE aid = ?1",
        "DELETE FROM account WHERE aid = ?1",
    ] {
        write.tx.prepare_cached(delete)?.execute([aid])?;
    }
    forget_webhooks(write.tx, Some(aid), None)?;
    write.effect(Effect::Withdrawn { aid });
    write.forget();
    Ok(left)
}

/// Between two transactions of what is deleted: a command that runs beside the server asks for the database again and again,
/// and finds it free most of the time.
const PAUSE: Duration = Duration::from_millis(2);

/// Deletes an account with all that only it had, and tells its person by mail.
///
/// The account is gone when the first transaction is; if the rest is broken off, the next start of a server goes on.
async fn delete(node: &Node, aid: i64, letter: Letter) -> Result<()> {
    let now_ms = clock::unix_ms();
    let deleted = node.writer().run(move |write| match records::credentials(write.tx, aid)? {
        Some((address, _)) => Ok(Some((address, delete_account(write, now_ms, aid)?))),
        None => Ok(None),
    });
    let Some((address, left)) = deleted.await? else { return Ok(()) };
    node.post.put_if_possible(Errand::Tell { email: address, letter });
    while node.writer().run(purge::go_on).await? {
        tokio::time::sleep(PAUSE).await;
    }
    let left = node.read(|connection| left.without_known(connection)).await?;
    let files = node.files.clone();
    let removing = tokio::task::spawn_blocking(move || left.remove(&files));
    Ok(removing.await.map_err(StoreError::ending)??)
}

/// Deletes an account in whose name an operator asks for it.
pub(super) async fn delete_for_operator(node: &Node, aid: i64) -> Result<()> {
    delete(node, aid, Letter::DeletedByOperator).await
}

/// Deletes an account in a database that no server has open. Nobody is told by mail.
pub(super) fn delete_beside(store: &mut Store, files: &Files, aid: i64) -> Result<()> {
    let left = store.write(|write| delete_account(write, clock::unix_ms(), aid))?;
    while store.write(purge::go_on)? {}
    Ok(left.without_known(store.connection())?.remove(files)?)
}

/// Deletes the account, and the ledgers that only it had.
#[utoipa::path(
    delete,
    path = "/v1/me",
    tag = "me",
    request_body = RemoveIn,
    security(("access_token" = [])),
    responses((status = 204), LoggingIn)
)]
async fn remove(State(node): Shared, session: Session, Body(asked): Body<RemoveIn>) -> Answer<StatusCode> {
    let aid = session.aid;
    with_password(&node, aid, asked.password).await?;
    check_code(&node, aid, asked.code).await?;
    // Not with the request, which ends when its client hangs up or its time is over: what was begun is done.
    let deleting = tokio::spawn(async move { delete(&node, aid, Letter::Deleted).await });
    deleting.await.map_err(StoreError::ending)??;
    Ok(StatusCode::NO_CONTENT)
}

/// All that is kept of the person.
#[utoipa::path(
    get,
    path = "/v1/me/export",
    tag = "me",
    security(("access_token" = [])),
    responses((status = 200, body = ExportOut))
)]
async fn export(State(node): Shared, session: Session) -> Answer<Response> {
    let now_ms = clock::unix_ms();
    let (begin, ledgers) = node.read(move |connection| beginning(connection, now_ms, &session)).await?;
    let begin = begin.ok_or(Code::Revoked)?;
    let export = Export { node: Arc::clone(&node), aid: session.aid, ledgers, at: None, is_over: false };
    let parts = stream::try_unfold((export, Some(begin)), |(mut export, begin)| async move {
        let text = match begin {
            Some(begin) => Some(begin),
            None => export.next().await.map_err(io::Error::other)?,
        };
        Ok::<_, io::Error>(text.map(|text| (text, (export, None))))
    });
    let mut response = axum::body::Body::from_stream(parts).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let name = HeaderValue::from_static("attachment; filename=\"outlay-account.json\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// What is kept of a person. The ledgers are written by and by, after the rest.
#[derive(Serialize, ToSchema)]
struct ExportOut {
    version: u8,
    profile: Profile,
    sessions: Vec<SessionOut>,
    devices: Vec<DeviceOut>,
    tokens: Vec<ApiTokenOut>,
    webhooks: Vec<WebhookOut>,
    events: Vec<Event>,
    ledgers: Vec<ExportedLedger>,
}

/// A ledger, and which member of it the account is.
#[derive(Serialize, ToSchema)]
struct ExportedLedger {
    #[schema(value_type = Id)]
    id: String,
    #[schema(value_type = Id)]
    member: String,
    /// Each in base 64, as docs/FORMAT.md says.
    commits: Vec<String>,
}

/// What stands before the ledgers, if there is such an account, and which ledgers follow.
fn beginning(connection: &Connection, now_ms: i64, session: &Session) -> Result<(Option<String>, Vec<Own>)> {
    let Some(person) = profile(connection, session.aid)? else { return Ok((None, Vec::new())) };
    let out = ExportOut {
        version: 1,
        profile: person,
        sessions: sessions_out(sessions::sessions(connection, now_ms, session.aid)?, session),
        devices: devices_out(records::devices(connection, session.aid)?, session),
        tokens: api_tokens::of_account(connection, now_ms, session.aid)?,
        webhooks: webhooks_out(connection, session.aid)?,
        events: outbox::all(connection, session.aid)?,
        ledgers: Vec::new(),
    };
    let mut text = serde_json::to_string(&out).map_err(|error| StoreError::Failed(error.to_string()))?;
    // What follows goes into the same list.
    text.truncate(text.len() - "]}".len());
    Ok((Some(text), own_ledgers(connection, session.aid)?))
}

/// A ledger of an account: its row, and what it and its member are called.
struct Own {
    lid: i64,
    id: String,
    member: String,
}

/// The ledgers in which an account is a member, the first to be read last.
fn own_ledgers(connection: &Connection, aid: i64) -> Result<Vec<Own>> {
    let select = "SELECT lid, ledger.id, tie.member FROM tie JOIN ledger USING (lid) WHERE tie.aid = ?1 AND EXISTS
        (SELECT 1 FROM access WHERE access.lid = tie.lid AND access.member = tie.member) ORDER BY ledger.id DESC";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map([aid], |row| {
        let (id, member) = (hex::encode(&row.get::<_, [u8; 16]>(1)?), hex::encode(&row.get::<_, [u8; 16]>(2)?));
        Ok(Own { lid: row.get(0)?, id, member })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// An export under way.
struct Export {
    node: Arc<Node>,
    aid: i64,
    ledgers: Vec<Own>,
    /// The ledger that is being read, and after which position.
    at: Option<(i64, u64)>,
    is_over: bool,
}

impl Export {
    /// The next part of the text.
    async fn next(&mut self) -> Result<Option<String>> {
        if self.is_over {
            return Ok(None);
        }
        let Some((lid, after)) = self.at else { return Ok(Some(self.next_ledger(true))) };
        let aid = self.aid;
        let read = move |connection: &Connection| match is_in(connection, aid, lid)? {
            true => log::portion(connection, lid, after, PORTION_BYTES_MAX),
            false => Ok(Portion::default()),
        };
        let portion = self.node.read(read).await?;
        let quoted: Vec<String> = portion.bodies.iter().map(|body| format!("\"{}\"", STANDARD.encode(body))).collect();
        let mut text = quoted.join(",");
        if after > 0 && !text.is_empty() {
            text.insert(0, ',');
        }
        match portion.to {
            Some(to) => self.at = Some((lid, to)),
            None => {
                text.push_str("]}");
                text.push_str(&self.next_ledger(false));
            }
        }
        Ok(Some(text))
    }

    fn next_ledger(&mut self, is_first: bool) -> String {
        let Some(Own { lid, id, member }) = self.ledgers.pop() else {
            (self.at, self.is_over) = (None, true);
            return "]}\n".to_owned();
        };
        self.at = Some((lid, 0));
        let comma = if is_first { "" } else { "," };
        format!("{comma}{{\"id\":\"{id}\",\"member\":\"{member}\",\"commits\":[")
    }
}

/// Whether an account is a member of a ledger still.
fn is_in(connection: &Connection, aid: i64, lid: i64) -> Result<bool> {
    let select = "SELECT 1 FROM tie JOIN access USING (lid, member) WHERE tie.aid = ?1 AND lid = ?2";
    Ok(connection.prepare_cached(select)?.exists((aid, lid))?)
}

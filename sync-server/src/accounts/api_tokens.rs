//! API tokens: keys for programs, under `/v1/tokens`.
//!
//! A token has a name, an end and a scope: whether it may also write, and which ledgers it is for. It opens the pages of
//! ledgers and nothing of the account itself, so that a program cannot make itself another key. Its text is shown once; what
//! is kept is a hash, of which nobody gets back to the text, as it is random.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use outlay_ledger::{LedgerId, hex};
use outlay_protocol::Code;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::name;
use super::sessions::{self, Session};
use crate::api::refused::{NoSuchPage, TooMany};
use crate::api::{Id, IdPath, Pages};
use crate::clock;
use crate::error::Answer;
use crate::node::Shared;
use crate::request::{At, Body, page_id};
use crate::store::{Effect, Result, StoreError, Write};

/// What the text of a token begins with, so that people and scanners for lost secrets see what it is.
const PREFIX: &str = "outlay_token_";
/// Tokens of an account: more are a sign of a program that makes one for each run.
const TOKENS_MAX: i64 = 64;
/// Ledgers that one token names.
const TOKEN_LEDGERS_MAX: usize = 64;
/// Days that a token is good for at most, and unless told otherwise.
const DAYS_MAX: u16 = 366;
const DAYS: u16 = 90;
const DAY_MS: i64 = 24 * 3_600_000;
/// How exactly it is kept when a token was used last: so seldom a read becomes a write.
const USED_STEP_MS: i64 = 3_600_000;

pub(crate) fn router() -> Pages {
    Pages::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// What somebody may do with an account's ledgers, as far as his token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whether he may change anything.
    pub can_write: bool,
    /// Which ledgers; all of the account if `None`.
    pub ledgers: Option<Vec<LedgerId>>,
}

impl Grant {
    /// What a person may who has signed in.
    pub const ALL: Self = Self { can_write: true, ledgers: None };

    /// Whether it is for this ledger.
    ///
    /// ```
    /// use outlay_ledger::LedgerId;
    /// use outlay_server::accounts::api_tokens::Grant;
    /// let one = Grant { can_write: false, ledgers: Some(vec![LedgerId([1; 16])]) };
    /// assert!(one.is_for(&LedgerId([1; 16])) && !one.is_for(&LedgerId([2; 16])));
    /// assert!(Grant::ALL.is_for(&LedgerId([2; 16])));
    /// ```
    pub fn is_for(&self, ledger: &LedgerId) -> bool {
        self.ledgers.as_ref().is_none_or(|ledgers| ledgers.contains(ledger))
    }
}

/// A token as its account sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Which; public.
    pub id: [u8; 16],
    /// The account's row.
    pub aid: i64,
    /// What the person calls it.
    pub name: String,
    /// What it allows.
    pub grant: Grant,
    /// Made, in milliseconds since 1970.
    pub created_ms: i64,
    /// Good until then, in milliseconds since 1970.
    pub expires_ms: i64,
    /// Used last, to the hour, in milliseconds since 1970.
    pub used_ms: Option<i64>,
}

const COLUMNS: &str = "id, aid, name, can_write, ledgers, created_ms, expires_ms, used_ms";

fn of_row(row: &Row<'_>) -> rusqlite::Result<(ApiToken, Option<Vec<u8>>)> {
    let grant = Grant { can_write: row.get(3)?, ledgers: None };
    let token = ApiToken {
        id: row.get(0)?,
        aid: row.get(1)?,
        name: row.get(2)?,
        grant,
        created_ms: row.get(5)?,
        expires_ms: row.get(6)?,
        used_ms: row.get(7)?,
    };
    Ok((token, row.get(4)?))
}

fn with_ledgers((mut token, ledgers): (ApiToken, Option<Vec<u8>>)) -> Result<ApiToken> {
    if let Some(bytes) = ledgers {
        let (ids, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(StoreError::Corrupt("half an id of a ledger".into()));
        }
        token.grant.ledgers = Some(ids.iter().copied().map(LedgerId).collect());
    }
    Ok(token)
}

/// The hash of a token's text; `None` if it is none.
pub fn hash_of(text: &str) -> Option<[u8; 32]> {
    let secret: [u8; 32] = text.strip_prefix(PREFIX).and_then(hex::fixed)?;
    Some(blake3::hash(&secret).into())
}

/// The token with a hash, also when it is over, but not of an account that is disabled.
///
/// # Errors
///
/// When the database fails.
pub fn find(connection: &Connection, hash: &[u8; 32]) -> Result<Option<ApiToken>> {
    let select = format!(
        "SELECT {COLUMNS} FROM api_token
        WHERE hash = ?1 AND EXISTS (SELECT 1 FROM account WHERE account.aid = api_token.aid AND disabled_ms IS NULL)"
    );
    connection.prepare_cached(&select)?.query_row([hash], of_row).optional()?.map(with_ledgers).transpose()
}

/// The tokens of an account that are good, the newest first.
///
/// # Errors
///
/// When the database fails.
pub fn tokens(connection: &Connection, now_ms: i64, aid: i64) -> Result<Vec<ApiToken>> {
    let select = format!(
        "SELECT {COLUMNS} FROM api_token WHERE aid = ?1 AND expires_ms > ?2 ORDER BY created_ms DESC, id LIMIT ?3"
    );
    let mut select = connection.prepare_cached(&select)?;
    select.query_map((aid, now_ms, TOKENS_MAX), of_row)?.map(|row| with_ledgers(row?)).collect()
}

/// Makes a token and returns it with its text, which is not to be had again. Those that are over are forgotten.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::TooMany`].
pub fn issue(
    write: &mut Write<'_>,
    now_ms: i64,
    aid: i64,
    name: &str,
    grant: Grant,
    days: u16,
) -> Result<std::result::Result<(ApiToken, String), Code>> {
    let forget = "DELETE FROM api_token WHERE aid = ?1 AND expires_ms <= ?2";
    write.tx.prepare_cached(forget)?.execute((aid, now_ms))?;
    let count = "SELECT count(*) FROM api_token WHERE aid = ?1";
    let held: i64 = write.tx.prepare_cached(count)?.query_row([aid], |row| row.get(0))?;
    if held >= TOKENS_MAX {
        return Ok(Err(Code::TooMany));
    }
    let secret: [u8; 32] = write.random();
    let expires_ms = now_ms + i64::from(days) * DAY_MS;
    let token =
        ApiToken { id: write.random(), aid, name: name.into(), grant, created_ms: now_ms, expires_ms, used_ms: None };
    let insert = "INSERT INTO api_token (id, hash, aid, name, can_write, ledgers, created_ms, expires_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let hash: [u8; 32] = blake3::hash(&secret).into();
    let Grant { can_write, ledgers } = &token.grant;
    let ledgers = ledgers.as_ref().map(|ledgers| ledgers.iter().flat_map(|id| id.0).collect::<Vec<u8>>());
    let row = (token.id, hash, aid, name, can_write, ledgers, now_ms, expires_ms);
    write.tx.prepare_cached(insert)?.execute(row)?;
    Ok(Ok((token, format!("{PREFIX}{}", hex::encode(&secret)))))
}

/// Takes a token of an account away. Says whether there was one.
///
/// # Errors
///
/// When the database fails.
pub fn forget(write: &mut Write<'_>, aid: i64, id: &[u8; 16]) -> Result<bool> {
    let delete = "DELETE FROM api_token WHERE id = ?1 AND aid = ?2";
    let is_gone = write.tx.prepare_cached(delete)?.execute((id, aid))? > 0;
    write.effect(Effect::Withdrawn { aid });
    Ok(is_gone)
}

/// Whether a token is there still, and of an account that is not disabled. Its end is the caller's to know.
///
/// # Errors
///
/// When the database fails.
pub fn is_there(connection: &Connection, aid: i64, id: &[u8; 16]) -> Result<bool> {
    let select = "SELECT 1 FROM api_token JOIN account USING (aid) WHERE api_token.id = ?1 AND aid = ?2
        AND disabled_ms IS NULL";
    Ok(connection.prepare_cached(select)?.exists((id, aid))?)
}

/// Notes that a token was used.
///
/// # Errors
///
/// When the database fails.
pub fn set_used(write: &Write<'_>, now_ms: i64, id: &[u8; 16]) -> Result<()> {
    write.tx.prepare_cached("UPDATE api_token SET used_ms = ?2 WHERE id = ?1")?.execute((id, now_ms))?;
    Ok(())
}

/// Whether it is so long ago that a use was noted that this one is to be.
pub(crate) fn is_use_due(token: &ApiToken, now_ms: i64) -> bool {
    token.used_ms.is_none_or(|used_ms| now_ms - used_ms >= USED_STEP_MS)
}

#[derive(Deserialize, ToSchema)]
#[schema(as = ApiTokenIn)]
#[serde(deny_unknown_fields)]
struct TokenIn {
    /// Cut to 128 bytes.
    #[schema(min_length = 1)]
    name: String,
    scope: Scope,
    /// Ids of ledgers; all that the account is in, now and later, if it is not there.
    #[schema(value_type = Option<Vec<Id>>, min_items = 1, max_items = 64)]
    ledgers: Option<Vec<String>>,
    /// How long it is good for.
    #[serde(default = "days")]
    #[schema(minimum = 1, maximum = 366)]
    days: u16,
}

/// Whether a token may also write.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Scope {
    Read,
    Write,
}

const fn days() -> u16 {
    DAYS
}

impl TokenIn {
    /// Name and grant, if they can be.
    fn checked(&self) -> std::result::Result<(String, Grant), Code> {
        let name = name(self.name.trim());
        let ids =
            self.ledgers.as_ref().map(|ids| ids.iter().map(|id| id.parse()).collect::<std::result::Result<_, _>>());
        let ledgers: Option<Vec<LedgerId>> = ids.transpose().map_err(|_| Code::Invalid)?;
        let is_bounded = ledgers.as_ref().is_none_or(|ids| (1..=TOKEN_LEDGERS_MAX).contains(&ids.len()));
        if name.is_empty() || !is_bounded || !(1..=DAYS_MAX).contains(&self.days) {
            return Err(Code::Invalid);
        }
        Ok((name, Grant { can_write: matches!(self.scope, Scope::Write), ledgers }))
    }
}

/// A token as its account sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct ApiTokenOut {
    #[schema(value_type = Id)]
    id: String,
    name: String,
    scope: Scope,
    /// All of the account if null.
    #[schema(value_type = Option<Vec<Id>>, required)]
    ledgers: Option<Vec<String>>,
    /// In milliseconds since 1970, as all times here.
    created_ms: i64,
    expires_ms: i64,
    /// To the hour.
    #[schema(required)]
    used_ms: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct ApiTokensOut {
    tokens: Vec<ApiTokenOut>,
}

/// A token with its text, which is not to be had again.
#[derive(Serialize, ToSchema)]
struct NewApiTokenOut {
    #[serde(flatten)]
    shown: ApiTokenOut,
    token: String,
}

/// Makes a token for a program. Its text is in this answer only.
#[utoipa::path(
    post,
    path = "/v1/tokens",
    tag = "tokens",
    request_body = TokenIn,
    security(("access_token" = [])),
    responses((status = 201, body = NewApiTokenOut), TooMany)
)]
async fn create(
    State(node): Shared,
    session: Session,
    Body(asked): Body<TokenIn>,
) -> Answer<(StatusCode, Json<NewApiTokenOut>)> {
    let (name, grant) = asked.checked()?;
    let now_ms = clock::unix_ms();
    let issue = move |write: &mut Write<'_>| issue(write, now_ms, session.aid, &name, grant, asked.days);
    let issue = node.writer().run(move |write| sessions::unless_ended(write, &session, issue));
    let (made, token) = issue.await??;
    Ok((StatusCode::CREATED, Json(NewApiTokenOut { shown: shown(&made), token })))
}

/// The tokens that are good, the newest first.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    tag = "tokens",
    security(("access_token" = [])),
    responses((status = 200, body = ApiTokensOut))
)]
async fn list(State(node): Shared, session: Session) -> Answer<Json<ApiTokensOut>> {
    let now_ms = clock::unix_ms();
    let tokens = node.read(move |connection| of_account(connection, now_ms, session.aid)).await?;
    Ok(Json(ApiTokensOut { tokens }))
}

/// The tokens of an account, as they are listed.
pub(super) fn of_account(connection: &Connection, now_ms: i64, aid: i64) -> Result<Vec<ApiTokenOut>> {
    Ok(tokens(connection, now_ms, aid)?.iter().map(shown).collect())
}

fn shown(token: &ApiToken) -> ApiTokenOut {
    let ledgers = token.grant.ledgers.as_ref();
    ApiTokenOut {
        id: hex::encode(&token.id),
        name: token.name.clone(),
        scope: if token.grant.can_write { Scope::Write } else { Scope::Read },
        ledgers: ledgers.map(|ids| ids.iter().map(ToString::to_string).collect()),
        created_ms: token.created_ms,
        expires_ms: token.expires_ms,
        used_ms: token.used_ms,
    }
}

/// Takes a token away.
#[utoipa::path(
    delete,
    path = "/v1/tokens/{id}",
    tag = "tokens",
    params(IdPath),
    security(("access_token" = [])),
    responses((status = 204), NoSuchPage)
)]
async fn revoke(State(node): Shared, session: Session, At(IdPath { id }): At<IdPath>) -> Answer<StatusCode> {
    let id = page_id(&id)?;
    let revoke = node.writer().run(move |write| forget(write, session.aid, &id));
    if revoke.await? { Ok(StatusCode::NO_CONTENT) } else { Err(Code::NoSuchPage.into()) }
}

//! What a person says of himself: a name and preferences, under `/v1/me`.
//!
//! A change names the version that it changes (`If-Match`), so that of two changes at once none is lost unseen.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use outlay_ledger::Currency;
use outlay_protocol::Code;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::sessions::Session;
use super::{AccountId, name};
use crate::api::refused::{Changed, VersionNeeded};
use crate::api::{Id, Pages};
use crate::error::Answer;
use crate::node::Shared;
use crate::request::{Body, present};
use crate::store::{Result, Write};

/// Bytes of a BCP 47 tag: what RFC 5646 asks implementations to have room for.
const LOCALE_BYTES_MAX: usize = 35;

pub(crate) fn router() -> Pages {
    Pages::new().routes(routes!(show, change))
}

/// A person, as the account has him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Profile {
    /// The account, in hexadecimal.
    #[schema(value_type = Id)]
    pub id: String,
    /// The e-mail address.
    pub email: String,
    /// Whether it was proved to be his.
    pub email_verified: bool,
    /// The address that he is to have, once that is proved.
    #[schema(required)]
    pub new_email: Option<String>,
    /// Whether a login needs a code of an authenticator app.
    pub totp: bool,
    /// The name; may be empty.
    pub name: String,
    /// What he prefers.
    pub preferences: Preferences,
    /// Made, in milliseconds since 1970.
    pub created_ms: i64,
    /// Counts the changes.
    #[serde(skip)]
    pub version: i64,
}

/// What a person prefers; `None` is what an app takes by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Preferences {
    /// The currency of a new ledger, ISO 4217.
    #[schema(required, pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
    /// The first day of a week: 1 for Monday to 7 for Sunday (ISO 8601).
    #[schema(required, minimum = 1, maximum = 7)]
    pub week_start: Option<u8>,
    /// Language and region, BCP 47.
    #[schema(required, max_length = 35)]
    pub locale: Option<String>,
    /// The day of the month on which a period begins, 1 to 28.
    #[schema(required, minimum = 1, maximum = 28)]
    pub period_start: Option<u8>,
}

/// What is to be changed: what is not there stays, and null takes a preference back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// Cut to 128 bytes.
    name: Option<String>,
    #[serde(default)]
    preferences: PreferenceChanges,
}

/// As in the preferences; null takes one back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreferenceChanges {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^[A-Z]{3}$")]
    currency: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 7)]
    week_start: Option<Option<u8>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 35)]
    locale: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 28)]
    period_start: Option<Option<u8>>,
}

impl Preferences {
    fn change(&mut self, changes: PreferenceChanges) {
        let PreferenceChanges { currency, week_start, locale, period_start } = changes;
        self.currency = currency.unwrap_or(self.currency.take());
        self.week_start = week_start.unwrap_or(self.week_start);
        self.locale = locale.unwrap_or(self.locale.take());
        self.period_start = period_start.unwrap_or(self.period_start);
    }

    fn is_valid(&self) -> bool {
        let is_currency = |code: &String| Currency::parse(code).is_ok_and(|currency| currency.code() == code);
        self.currency.as_ref().is_none_or(is_currency)
            && self.week_start.is_none_or(|day| (1..=7).contains(&day))
            && self.locale.as_deref().is_none_or(is_locale)
            && self.period_start.is_none_or(|day| (1..=28).contains(&day))
    }
}

/// Whether a text has the form of a BCP 47 tag.
fn is_locale(text: &str) -> bool {
    let is_subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let language = text.split('-').next().unwrap_or_default();
    text.len() <= LOCALE_BYTES_MAX
        && (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && text.split('-').all(is_subtag)
}

/// The person of an account.
///
/// # Errors
///
/// When the database fails.
pub fn profile(connection: &Connection, aid: i64) -> Result<Option<Profile>> {
    let select = "SELECT id, email, name, currency, week_start, locale, period_start, created_ms, version, is_verified,
        new_email, EXISTS (SELECT 1 FROM totp WHERE totp.aid = account.aid AND is_on = 1) FROM account WHERE aid = ?1";
    let profile = connection.prepare_cached(select)?.query_row([aid], |row| {
        let preferences = Preferences {
            currency: row.get(3)?,
            week_start: row.get(4)?,
            locale: row.get(5)?,
            period_start: row.get(6)?,
        };
        let id = AccountId(row.get(0)?).to_string();
        let (email, name) = (row.get(1)?, row.get(2)?);
        let (email_verified, new_email, totp) = (row.get(9)?, row.get(10)?, row.get(11)?);
        let (created_ms, version) = (row.get(7)?, row.get(8)?);
        Ok(Profile { id, email, email_verified, new_email, totp, name, preferences, created_ms, version })
    });
    Ok(profile.optional()?)
}

/// Changes what a person says of himself, if it is still the version that was named; `None` for whichever it is.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::Changed`], [`Code::Invalid`], or [`Code::Revoked`] if the account is
/// gone.
pub fn change_profile(
    write: &Write<'_>,
    aid: i64,
    version: Option<i64>,
    changes: Changes,
) -> Result<std::result::Result<Profile, Code>> {
    let Some(mut person) = profile(write.tx, aid)? else { return Ok(Err(Code::Revoked)) };
    if version.is_some_and(|version| version != person.version) {
        return Ok(Err(Code::Changed));
    }
    if let Some(text) = changes.name {
        person.name = name(&text);
    }
    person.preferences.change(changes.preferences);
    if !person.preferences.is_valid() {
        return Ok(Err(Code::Invalid));
    }
    person.version += 1;
    let Preferences { currency, week_start, locale, period_start } = &person.preferences;
    let update =
        "UPDATE account SET name = ?2, currency = ?3, week_start = ?4, locale = ?5, period_start = ?6, version = ?7
        WHERE aid = ?1";
    let row = (aid, &person.name, currency, week_start, locale, period_start, person.version);
    write.tx.prepare_cached(update)?.execute(row)?;
    Ok(Ok(person))
}

/// The person who asks.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "me",
    security(("access_token" = [])),
    responses((status = 200, body = Profile, headers(("etag" = String, description = "The version, for `If-Match`."))))
)]
async fn show(State(node): Shared, session: Session) -> Answer<Response> {
    let person = node.read(move |connection| profile(connection, session.aid)).await?.ok_or(Code::Revoked)?;
    Ok(tagged(&person))
}

/// Changes what the person says of himself.
#[utoipa::path(
    patch,
    path = "/v1/me",
    tag = "me",
    params(("if-match" = String, Header, description = "The `ETag` of the version that is changed, or `*`.")),
    request_body = Changes,
    security(("access_token" = [])),
    responses(
        (status = 200, body = Profile, headers(("etag" = String, description = "The version, for `If-Match`."))),
        Changed,
        VersionNeeded
    )
)]
async fn change(
    State(node): Shared,
    session: Session,
    headers: HeaderMap,
    Body(changes): Body<Changes>,
) -> Answer<Response> {
    let version = named_version(&headers)?;
    let change = node.writer().run(move |write| change_profile(write, session.aid, version, changes));
    Ok(tagged(&change.await??))
}

/// The version in `If-Match`; `None` for any.
fn named_version(headers: &HeaderMap) -> std::result::Result<Option<i64>, Code> {
    let text = headers.get(header::IF_MATCH).ok_or(Code::VersionNeeded)?.to_str().map_err(|_| Code::Changed)?;
    if text == "*" {
        return Ok(None);
    }
    // What was never given as a tag matches nothing.
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    quoted.and_then(|number| number.parse().ok()).map(Some).ok_or(Code::Changed)
}

fn tagged(person: &Profile) -> Response {
    let mut response = Json(person).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", person.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

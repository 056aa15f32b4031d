//! Webhooks as the database has them: whose they are, what they are told, how far they have been told it, and what came of
//! that.
//!
//! The secret of a webhook is not in the database: it follows from the server's key and what is stored. How far a webhook
//! was told is stored with every delivery, so that a server that is stopped goes on there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outlay_ledger::LedgerId;
use outlay_protocol::Code;
use ring::hmac;
use rusqlite::{Connection, OptionalExtension, Row};

use super::envelope::{At, Kind};
use crate::store::{Result, Write};

/// What joins the names of types.
const SEPARATOR: char = ',';
/// Webhooks that are looked for at once; the others are next.
const DUE_MAX: i64 = 1_000;

/// Why a webhook is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Its person has said so.
    ByOwner,
    /// Its person is no member of the ledger any more.
    NoAccess,
    /// It was tried too often.
    Failing,
    /// What answers there has said that it is gone.
    Gone,
}

impl Stopped {
    /// As programs read it, and as it is stored.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ByOwner => "by_owner",
            Self::NoAccess => "no_access",
            Self::Failing => "failing",
            Self::Gone => "gone",
        }
    }
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Webhook {
    pub(super) wid: i64,
    pub(super) id: [u8; 16],
    pub(super) aid: i64,
    pub(super) ledger: LedgerId,
    pub(super) url: String,
    /// Which types; all if there are none.
    pub(super) kinds: Vec<Kind>,
    salt: [u8; 16],
    /// Up to where everything was told.
    pub(super) at: At,
    /// How often what comes next was tried in vain.
    pub(super) attempts: u32,
    /// Why it is told nothing; see [`Stopped`].
    pub(super) stopped: Option<String>,
    pub(super) created_ms: i64,
}

const ROWS: &str =
    "SELECT wid, webhook.id, webhook.aid, ledger.id, url, kinds, salt, position, place, attempts, stopped,
    created_ms FROM webhook JOIN ledger USING (lid)";

impl Webhook {
    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            wid: row.get(0)?,
            id: row.get(1)?,
            aid: row.get(2)?,
            ledger: LedgerId(row.get(3)?),
            url: row.get(4)?,
            // A type that this version does not know is none that it could tell.
            kinds: row.get_ref(5)?.as_str()?.split(SEPARATOR).filter_map(Kind::of_name).collect(),
            salt: row.get(6)?,
            at: At { position: row.get(7)?, index: row.get(8)? },
            attempts: row.get(9)?,
            stopped: row.get(10)?,
            created_ms: row.get(11)?,
        })
    }

    /// Whether it is to be told of this.
    pub(super) fn wants(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    /// What it is signed with.
    pub(super) fn secret(&self, key: &[u8; 32]) -> Secret {
        Secret(blake3::keyed_hash(key, &self.salt).into())
    }
}

/// What the bodies for a webhook are signed with.
pub(super) struct Secret([u8; 32]);

impl Secret {
    /// As libraries for Standard Webhooks take it.
    pub(super) fn text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.0))
    }

    /// The signature of a body, with its id and the seconds since 1970 at which it is sent.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

fn joined(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(&SEPARATOR.to_string())
}

/// What a webhook is to be.
pub(super) struct Draft {
    pub(super) aid: i64,
    /// The row of the ledger, and up to where it is not told.
    pub(super) lid: i64,
    pub(super) at: At,
    pub(super) url: String,
    pub(super) kinds: Vec<Kind>,
}

/// Makes a webhook that is told what comes from now on. The inner error is [`Code::TooMany`].
pub(super) fn make(
    write: &mut Write<'_>,
    now_ms: i64,
    count_max: usize,
    draft: &Draft,
) -> Result<std::result::Result<Webhook, Code>> {
    let count = "SELECT count(*) FROM webhook WHERE aid = ?1";
    let held: usize = write.tx.prepare_cached(count)?.query_row([draft.aid], |row| row.get(0))?;
    if held >= count_max {
        return Ok(Err(Code::TooMany));
    }
    let (id, salt): ([u8; 16], [u8; 16]) = (write.random(), write.random());
    let insert = "INSERT INTO webhook (id, aid, lid, url, kinds, salt, position, place, created_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let At { position, index } = draft.at;
    let row = (id, draft.aid, draft.lid, &draft.url, joined(&draft.kinds), salt, position, index, now_ms);
    write.tx.prepare_cached(insert)?.execute(row)?;
    Ok(find(write.tx, draft.aid, &id)?.ok_or(Code::Internal))
}

/// A webhook of an account.
pub(super) fn find(connection: &Connection, aid: i64, id: &[u8; 16]) -> Result<Option<Webhook>> {
    let select = format!("{ROWS} WHERE webhook.aid = ?1 AND webhook.id = ?2");
    Ok(connection.prepare_cached(&select)?.query_row((aid, id), Webhook::of_row).optional()?)
}

/// The webhooks of an account, the eldest first.
pub(super) fn all(connection: &Connection, aid: i64) -> Result<Vec<Webhook>> {
    let mut select = connection.prepare_cached(&format!("{ROWS} WHERE webhook.aid = ?1 ORDER BY wid"))?;
    Ok(select.query_map([aid], Webhook::of_row)?.collect::<rusqlite::Result<_>>()?)
}

/// What of a webhook is to be other.
#[derive(Default)]
pub(super) struct Change {
    pub(super) url: Option<String>,
    pub(super) kinds: Option<Vec<Kind>>,
    pub(super) is_on: Option<bool>,
}

/// Changes a webhook. One that is turned on goes on where it was, at once.
pub(super) fn change(write: &Write<'_>, wid: i64, change: &Change) -> Result<()> {
    let update = "UPDATE webhook SET url = coalesce(?2, url), kinds = coalesce(?3, kinds) WHERE wid = ?1";
    let kinds = change.kinds.as_deref().map(joined);
    write.tx.prepare_cached(update)?.execute((wid, &change.url, kinds))?;
    match change.is_on {
        Some(true) => {
            let update = "UPDATE webhook SET stopped = NULL, attempts = 0, due_ms = 0 WHERE wid = ?1";
            write.tx.prepare_cached(update)?.execute([wid])?;
        }
        Some(false) => stop(write, wid, Stopped::ByOwner)?,
        None => {}
    }
    Ok(())
}

/// Tells a webhook nothing more. Why it was stopped first stands.
pub(super) fn stop(write: &Write<'_>, wid: i64, why: Stopped) -> Result<()> {
    let update = "UPDATE webhook SET stopped = coalesce(stopped, ?2) WHERE wid = ?1";
    write.tx.prepare_cached(update)?.execute((wid, why.name()))?;
    Ok(())
}

/// Deletes a webhook of an account. Says whether there was one.
pub(super) fn delete(write: &Write<'_>, aid: i64, id: &[u8; 16]) -> Result<bool> {
    let delete = "DELETE FROM delivery WHERE wid IN (SELECT wid FROM webhook WHERE aid = ?1 AND id = ?2)";
    write.tx.prepare_cached(delete)?.execute((aid, id))?;
    Ok(write.tx.prepare_cached("DELETE FROM webhook WHERE aid = ?1 AND id = ?2")?.execute((aid, id))? > 0)
}

/// Deletes all webhooks of an account, or of a ledger.
pub(crate) fn forget(connection: &Connection, aid: Option<i64>, lid: Option<i64>) -> Result<()> {
    for delete in [
        "DELETE FROM delivery WHERE wid IN (SELECT wid FROM webhook WHERE aid = ?1 OR lid = ?2)",
        "DELETE FROM webhook WHERE aid = ?1 OR lid = ?2",
    ] {
        connection.prepare_cached(delete)?.execute((aid, lid))?;
    }
    Ok(())
}

/// A webhook that has something to be told, as far as the head of its ledger says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) aid: i64,
    pub(super) id: [u8; 16],
}

/// Those that have waited longest first, and when the next one is due that waits to be tried again.
pub(super) fn due(connection: &Connection, now_ms: i64) -> Result<(Vec<Due>, Option<i64>)> {
    let select =
        "SELECT webhook.aid, webhook.id FROM webhook JOIN ledger USING (lid) JOIN account ON account.aid = webhook.aid
        LEFT JOIN insight USING (lid)
        WHERE stopped IS NULL AND disabled_ms IS NULL AND due_ms <= ?1 AND ((webhook.position, place) < (head, ?2)
            OR (webhook.position, place) < (ready_position, ready_place))
        ORDER BY due_ms, wid LIMIT ?3";
    let mut select = connection.prepare_cached(select)?;
    let end = At::after(0).index;
    let rows = select.query_map((now_ms, end, DUE_MAX), |row| Ok(Due { aid: row.get(0)?, id: row.get(1)? }))?;
    let due = rows.collect::<rusqlite::Result<_>>()?;
    let next = "SELECT min(due_ms) FROM webhook WHERE stopped IS NULL AND due_ms > ?1";
    Ok((due, connection.prepare_cached(next)?.query_row([now_ms], |row| row.get(0))?))
}

/// Ledgers that have webhooks.
pub(super) fn ledgers(connection: &Connection) -> Result<Vec<LedgerId>> {
    let select = "SELECT DISTINCT ledger.id FROM webhook JOIN ledger USING (lid)";
    let mut select = connection.prepare_cached(select)?;
    Ok(select.query_map([], |row| row.get(0).map(LedgerId))?.collect::<rusqlite::Result<_>>()?)
}

/// Notes up to where a webhook was told everything, and that nothing is in the way.
pub(super) fn advance(write: &Write<'_>, wid: i64, to: At) -> Result<()> {
    let update = "UPDATE webhook SET position = ?2, place = ?3, attempts = 0, due_ms = 0
        WHERE wid = ?1 AND (position, place) < (?2, ?3)";
    write.tx.prepare_cached(update)?.execute((wid, to.position, to.index))?;
    Ok(())
}

/// Notes that what comes next was tried in vain, and when to try again.
pub(super) fn postpone(write: &Write<'_>, wid: i64, attempts: u32, due_ms: i64) -> Result<()> {
    let update = "UPDATE webhook SET attempts = ?2, due_ms = ?3 WHERE wid = ?1";
    write.tx.prepare_cached(update)?.execute((wid, attempts, due_ms))?;
    Ok(())
}

/// One attempt at a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    /// The id of the event and its type.
    pub(super) event: String,
    pub(super) kind: String,
    /// Begins with 1.
    pub(super) attempt: u32,
    /// When, in milliseconds since 1970, and for how long.
    pub(super) time_ms: i64,
    pub(super) duration_ms: i64,
    /// Of the answer.
    pub(super) status: Option<u16>,
    /// Why it was in vain.
    pub(super) failure: Option<String>,
}

/// Writes an attempt down, and forgets those of long before.
pub(super) fn note(write: &Write<'_>, wid: i64, delivery: &Delivery, count_max: usize) -> Result<()> {
    let insert = "INSERT INTO delivery (wid, n, event, kind, attempt, time_ms, duration_ms, status, failure)
        SELECT ?1, (SELECT coalesce(max(n), 0) + 1 FROM delivery WHERE wid = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8
        WHERE EXISTS (SELECT 1 FROM webhook WHERE wid = ?1)";
    let Delivery { event, kind, attempt, time_ms, duration_ms, status, failure } = delivery;
    let row = (wid, event, kind, attempt, time_ms, duration_ms, status, failure);
    write.tx.prepare_cached(insert)?.execute(row)?;
    let delete = "DELETE FROM delivery WHERE wid = ?1 AND n <= (SELECT max(n) FROM delivery WHERE wid = ?1) - ?2";
    write.tx.prepare_cached(delete)?.execute((wid, count_max))?;
    Ok(())
}

/// The attempts that are remembered, the newest first.
pub(super) fn deliveries(connection: &Connection, wid: i64) -> Result<Vec<Delivery>> {
    let select = "SELECT event, kind, attempt, time_ms, duration_ms, status, failure FROM delivery WHERE wid = ?1
        ORDER BY n DESC";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map([wid], |row| {
        Ok(Delivery {
            event: row.get(0)?,
            kind: row.get(1)?,
            attempt: row.get(2)?,
            time_ms: row.get(3)?,
            duration_ms: row.get(4)?,
            status: row.get(5)?,
            failure: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

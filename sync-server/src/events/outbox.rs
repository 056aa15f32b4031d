//! The outbox of what happens to accounts, which no log of a ledger holds: written with what it tells, in one transaction.
//!
//! It remembers for a while and not more of one account than it says. With an account goes what it tells of it, but for that
//! the account was deleted, and the ledgers with it.

use outlay_ledger::{DeviceKey, LedgerId, hex};
use outlay_protocol::Code;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::{Value, json};

use super::envelope::{Event, Kind, instant};
use crate::accounts::{AccountId, records};
use crate::store::{Effect, Result, StoreError, Write};

/// How long it is remembered: as long as somebody may be away and want to know what happened meanwhile.
const AGE_MS_MAX: i64 = 90 * 24 * 3_600_000;
/// Events of one account: a session a day, and each of them revoked.
const OF_ACCOUNT_MAX: i64 = 1_000;
/// The id of what comes before all events.
const BEGINNING: &str = "0";
/// Of those that are too old, so many go with each that comes: more go than come.
const FORGOTTEN_AT_ONCE: i64 = 16;

/// What happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It was made.
    SignedUp,
    /// A session was ended, by its person, an operator or because its token was copied.
    Revoked { session: [u8; 16] },
    /// A device has signed in that never had before.
    DeviceAdded { device: DeviceKey },
    /// It was deleted.
    Deleted,
    /// A ledger was deleted with it.
    Purged { ledger: LedgerId },
}

impl Happened {
    const fn kind(self) -> Kind {
        match self {
            Self::SignedUp => Kind::UserSignedUp,
            Self::Revoked { .. } => Kind::SessionRevoked,
            Self::DeviceAdded { .. } => Kind::DeviceAdded,
            Self::Deleted => Kind::AccountDeleted,
            Self::Purged { .. } => Kind::LedgerPurged,
        }
    }

    /// What it happened to beside the account.
    fn subject(self) -> Option<Vec<u8>> {
        match self {
            Self::SignedUp | Self::Deleted => None,
            Self::Revoked { session } => Some(session.into()),
            Self::DeviceAdded { device } => Some(device.0.into()),
            Self::Purged { ledger } => Some(ledger.0.into()),
        }
    }
}

/// Writes down what happened to an account, which must be there still, and has whoever listens to it look.
pub(crate) fn add(write: &mut Write<'_>, now_ms: i64, aid: i64, happened: Happened) -> Result<()> {
    let (account, kind) = (records::account_id(write.tx, aid)?, happened.kind().name());
    let id = next_id(write, now_ms, account, kind)?;
    let insert = "INSERT INTO account_event (id, aid, account, kind, subject, time_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    write.tx.prepare_cached(insert)?.execute((id, aid, account.0, kind, happened.subject(), now_ms))?;
    let old = "DELETE FROM account_event WHERE time_ms < ?1 AND eid IN
        (SELECT eid FROM account_event ORDER BY eid LIMIT ?2)";
    write.tx.prepare_cached(old)?.execute((now_ms - AGE_MS_MAX, FORGOTTEN_AT_ONCE))?;
    let many = "DELETE FROM account_event WHERE eid IN
        (SELECT eid FROM account_event WHERE aid = ?1 ORDER BY eid DESC LIMIT -1 OFFSET ?2)";
    write.tx.prepare_cached(many)?.execute((aid, OF_ACCOUNT_MAX))?;
    write.effect(Effect::Happened { aid });
    Ok(())
}

/// The id of an event that comes after all others. Its number would tell how much happens on the server.
fn next_id(write: &Write<'_>, now_ms: i64, account: AccountId, kind: &str) -> Result<[u8; 16]> {
    let last: i64 =
        write.tx.prepare_cached("SELECT coalesce(max(eid), 0) FROM account_event")?.query_row([], |row| row.get(0))?;
    let mut hasher = blake3::Hasher::new_keyed(&write.keys.event);
    hasher.update(&last.to_be_bytes()).update(&now_ms.to_be_bytes()).update(&account.0).update(kind.as_bytes());
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    Ok(id)
}

/// Forgets what happened to an account that goes, and writes down that it does.
pub(crate) fn end(write: &mut Write<'_>, now_ms: i64, aid: i64) -> Result<()> {
    let delete = "DELETE FROM account_event WHERE aid = ?1 AND kind <> ?2";
    write.tx.prepare_cached(delete)?.execute((aid, Kind::LedgerPurged.name()))?;
    add(write, now_ms, aid, Happened::Deleted)
}

/// Some events of accounts.
pub(crate) struct Page {
    pub(crate) events: Vec<Event>,
    /// The number of the last of them, or of the one after which they were asked for.
    pub(crate) to: i64,
    pub(crate) is_end: bool,
}

/// The events of an account, or of all, after a number.
pub(crate) fn page(connection: &Connection, aid: Option<i64>, after: i64, limit: usize) -> Result<Page> {
    let select = "SELECT id, account, kind, subject, time_ms, eid FROM account_event
        WHERE eid > ?1 AND aid = coalesce(?2, aid) ORDER BY eid LIMIT ?3";
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query((after, aid, limit + 1))?;
    let mut page = Page { events: Vec::new(), to: after, is_end: true };
    while let Some(row) = rows.next()? {
        if page.events.len() == limit {
            page.is_end = false;
            break;
        }
        page.events.push(event(row)?);
        page.to = row.get(5)?;
    }
    Ok(page)
}

/// All events of an account that are remembered.
pub(crate) fn all(connection: &Connection, aid: i64) -> Result<Vec<Event>> {
    let limit = usize::try_from(OF_ACCOUNT_MAX).unwrap_or(usize::MAX);
    Ok(page(connection, Some(aid), 0, limit)?.events)
}

/// The number of the event of an account, or of any, that has an id, or of [`BEGINNING`]. The inner error is [`Code::Changed`] for
/// one that is not remembered.
pub(crate) fn number(connection: &Connection, aid: Option<i64>, id: &str) -> Result<std::result::Result<i64, Code>> {
    if id == BEGINNING {
        return Ok(Ok(0));
    }
    let Some(id): Option<[u8; 16]> = hex::fixed(id) else { return Ok(Err(Code::Changed)) };
    let mut select =
        connection.prepare_cached("SELECT eid FROM account_event WHERE id = ?1 AND aid = coalesce(?2, aid)")?;
    Ok(select.query_row((id, aid), |row| row.get(0)).optional()?.ok_or(Code::Changed))
}

/// The number and the id of the last event of an account, or of what comes before all.
pub(crate) fn last(connection: &Connection, aid: i64) -> Result<(i64, String)> {
    let select = "SELECT eid, id FROM account_event WHERE aid = ?1 ORDER BY eid DESC LIMIT 1";
    let mut select = connection.prepare_cached(select)?;
    let last = select.query_row([aid], |row| Ok((row.get(0)?, hex::encode(&row.get::<_, [u8; 16]>(1)?)))).optional()?;
    Ok(last.unwrap_or((0, BEGINNING.to_owned())))
}

fn event(row: &Row<'_>) -> Result<Event> {
    let (id, account): ([u8; 16], [u8; 16]) = (row.get(0)?, row.get(1)?);
    let (name, subject): (String, Option<Vec<u8>>) = (row.get(2)?, row.get(3)?);
    let kind = Kind::of_name(&name).ok_or_else(|| StoreError::Corrupt("no such type of event".into()))?;
    let account = AccountId(account).to_string();
    let subject = subject.as_deref().unwrap_or_default();
    let ledger = subject.try_into().ok().map(LedgerId).filter(|_| kind == Kind::LedgerPurged);
    let subject = hex::encode(subject);
    let data: Value = match kind {
        Kind::SessionRevoked => json!({ "account": account, "session": subject }),
        Kind::DeviceAdded => json!({ "account": account, "device": subject }),
        _ => json!({ "account": account }),
    };
    Ok(Event { id: hex::encode(&id), kind, time: instant(row.get(4)?), ledger, position: None, data })
}

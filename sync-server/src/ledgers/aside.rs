//! What a removed device pushes: kept beside the log for an owner, and given to nobody else.
//!
//! It is bounded in bytes and time, and holds only what the device signed itself on top of member heads at which it was one
//! of a member. An owner's device fetches it and pushes it on as any commit that another one has written; from then on it is
//! in the log, set aside until it is accepted.

use outlay_ledger::{CommitId, DeviceKey, LedgerId};
use outlay_protocol::Code;
use rusqlite::Connection;

use super::append::{Push, Signed};
use super::{LedgerRow, access, find, for_owner, log, members};
use crate::store::{Result, Write};

/// Bytes of a ledger's: some thousands of entries, what somebody writes in a few weeks without a network.
pub const ASIDE_BYTES_MAX: u64 = 1 << 20;
/// How long it is kept: an owner has looked by then, or does not want it.
pub const ASIDE_TIME_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Something that is kept aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// When it came, in milliseconds since 1970.
    pub received_ms: i64,
    /// The commit.
    pub body: Vec<u8>,
}

/// Keeps what of a push may be kept.
///
/// # Errors
///
/// When the database fails.
pub(super) fn keep(write: &mut Write<'_>, now_ms: i64, row: &LedgerRow, push: &Push) -> Result<()> {
    let forget = "DELETE FROM aside WHERE lid = ?1 AND received_ms < ?2";
    write.tx.prepare_cached(forget)?.execute((row.lid, now_ms - ASIDE_TIME_MS))?;
    let select = "SELECT coalesce(sum(length(body)), 0) FROM aside WHERE lid = ?1";
    let mut bytes: u64 = write.tx.prepare_cached(select)?.query_row([row.lid], |row| row.get(0))?;
    let mut history = members::take_history(write, push.ledger, row.lid)?;
    for signed in &push.commits {
        let header = &signed.commit.header;
        let was_member = history.role_at(&header.member_heads, &push.device).is_some();
        let is_own = header.device == push.device && signed.commit.ledger(&signed.id) == push.ledger;
        let is_new = log::find(write.tx, row.lid, &signed.id)?.is_none();
        if was_member && is_own && is_new && signed.is_good && bytes + signed.body.len() as u64 <= ASIDE_BYTES_MAX {
            bytes += insert(write, now_ms, row, push.aid, signed)?;
        }
    }
    write.memory.histories.insert(row.lid, history);
    Ok(())
}

fn insert(write: &Write<'_>, now_ms: i64, row: &LedgerRow, aid: i64, signed: &Signed) -> Result<u64> {
    let insert = "INSERT OR IGNORE INTO aside (lid, id, aid, received_ms, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let inserted = write.tx.prepare_cached(insert)?.execute((row.lid, signed.id.0, aid, now_ms, &signed.body))?;
    Ok(if inserted > 0 { signed.body.len() as u64 } else { 0 })
}

/// Forgets what is in the log from now on.
pub(super) fn forget(write: &Write<'_>, row: &LedgerRow, commit: &CommitId) -> Result<()> {
    let delete = "DELETE FROM aside WHERE lid = ?1 AND id = ?2";
    write.tx.prepare_cached(delete)?.execute((row.lid, commit.0))?;
    Ok(())
}

/// What is kept aside of a ledger, for one of its owners; in the order in which it came.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::NoSuchLedger`], also for a ledger of others, [`Code::Removed`] for who
/// was a member, and [`Code::ReadOnly`] for a member who is no owner.
pub fn kept(
    connection: &Connection,
    now_ms: i64,
    ledger: &LedgerId,
    aid: i64,
    device: &DeviceKey,
) -> Result<std::result::Result<Vec<Kept>, Code>> {
    let Some(row) = find(connection, ledger)? else { return Ok(Err(Code::NoSuchLedger)) };
    let role = access(connection, row.lid, device)?.map(|access| access.role);
    let row = match for_owner(connection, row, aid, role)? {
        Ok(row) => row,
        Err(code) => return Ok(Err(code)),
    };
    let select = "SELECT received_ms, body FROM aside WHERE lid = ?1 AND received_ms >= ?2 ORDER BY received_ms, id";
    let mut select = connection.prepare_cached(select)?;
    let rows = select
        .query_map((row.lid, now_ms - ASIDE_TIME_MS), |row| Ok(Kept { received_ms: row.get(0)?, body: row.get(1)? }))?;
    Ok(Ok(rows.collect::<rusqlite::Result<_>>()?))
}

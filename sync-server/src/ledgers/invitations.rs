//! Invitations that nobody has used: listed for an owner, and taken back.
//!
//! An invite is a record of the ledger, and stays one. Whether its key opens the door is judged by this server alone, as its
//! end is (see `join`): one that was taken back opens it no more.

use outlay_ledger::member::Role;
use outlay_ledger::roles::Invite;
use outlay_ledger::{DeviceKey, LedgerId};
use outlay_protocol::Code;
use rusqlite::Connection;

use super::{LedgerRow, for_owner, history_up_to, member_of};
use crate::store::{Result, Write};

/// An invitation that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenInvitation {
    /// The public key of the invite.
    pub key: DeviceKey,
    /// What whoever uses it may do.
    pub role: Role,
    /// Until when it can be used, in seconds since 1970; absent when for ever.
    pub expires_s: Option<u64>,
}

/// The invitations of a ledger that can be used, for one of its owners; ascending by key.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::NoSuchLedger`], also for a ledger of others, [`Code::Removed`] for who
/// was a member, and [`Code::ReadOnly`] for a member who is no owner.
pub fn open(
    connection: &Connection,
    now_ms: i64,
    ledger: &LedgerId,
    aid: i64,
) -> Result<std::result::Result<Vec<OpenInvitation>, Code>> {
    let row = match of_owner(connection, ledger, aid)? {
        Ok(row) => row,
        Err(code) => return Ok(Err(code)),
    };
    let history = history_up_to(connection, *ledger, row.lid, row.head)?;
    let mut open = Vec::new();
    for (key, invite) in history.roles().invites() {
        if !invite.is_used && !is_over(invite, now_ms) && !is_taken_back(connection, row.lid, key)? {
            open.push(OpenInvitation { key: *key, role: invite.role, expires_s: invite.expires_s });
        }
    }
    Ok(Ok(open))
}

/// Takes an invitation back; twice is as once.
///
/// # Errors
///
/// As for [`open`]. Further inner errors are [`Code::NoSuchPage`] for a key of no invitation, and [`Code::InvitationUsed`]:
/// then it is the member who is to be removed.
pub fn take_back(
    write: &mut Write<'_>,
    ledger: &LedgerId,
    aid: i64,
    key: &DeviceKey,
) -> Result<std::result::Result<(), Code>> {
    let row = match of_owner(write.tx, ledger, aid)? {
        Ok(row) => row,
        Err(code) => return Ok(Err(code)),
    };
    let history = history_up_to(write.tx, *ledger, row.lid, row.head)?;
    match history.roles().invites().get(key) {
        None => return Ok(Err(Code::NoSuchPage)),
        Some(invite) if invite.is_used => return Ok(Err(Code::InvitationUsed)),
        Some(_) => {}
    }
    let insert = "INSERT OR IGNORE INTO taken_back (lid, key) VALUES (?1, ?2)";
    write.tx.prepare_cached(insert)?.execute((row.lid, key.0))?;
    Ok(Ok(()))
}

/// Whether the end of an invite has come.
pub(super) fn is_over(invite: &Invite, now_ms: i64) -> bool {
    invite.expires_s.is_some_and(|expires_s| now_ms.div_euclid(1_000).unsigned_abs() >= expires_s)
}

/// Whether an owner has taken it back.
pub(super) fn is_taken_back(connection: &Connection, lid: i64, key: &DeviceKey) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM taken_back WHERE lid = ?1 AND key = ?2")?.exists((lid, key.0))?)
}

fn of_owner(connection: &Connection, ledger: &LedgerId, aid: i64) -> Result<std::result::Result<LedgerRow, Code>> {
    let Some(row) = super::find(connection, ledger)? else { return Ok(Err(Code::NoSuchLedger)) };
    let role = member_of(connection, row.lid, aid)?.map(|(_, role)| role);
    for_owner(connection, row, aid, role)
}

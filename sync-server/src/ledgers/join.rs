//! Joining a ledger with the one-time key of an invite.
//!
//! What the admission has anyway, the invite's signature for this ledger, member and device, is also what opens the door:
//! whoever lacks it is told the same as of a ledger that is not here. With it he is told what to make the admission on top
//! of, and with that he becomes a member. How long an invite is good is judged here and nowhere else: what was admitted
//! stays so.

use outlay_ledger::member::is_join_signed;
use outlay_ledger::{CommitId, DeviceKey, LedgerId, MemberId};
use outlay_protocol::Code;
use outlay_protocol::session::Outcome;

use super::append::{Push, Signed, take};
use super::{Access, LedgerLimits, access, find, invitations, members};
use crate::store::{Result, Write};

/// Somebody who shows the key of an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joiner {
    /// The account's row.
    pub aid: i64,
    /// The device that is to be admitted.
    pub device: DeviceKey,
    /// The ledger.
    pub ledger: LedgerId,
    /// The public key of the invite.
    pub invite_key: DeviceKey,
    /// By the invite's secret over [`outlay_ledger::member::join_digest`].
    pub signature: [u8; 64],
}

/// What the admission is to be made on top of.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::Invitation`] for whoever has no key of this ledger, also of one that
/// is not here; and for who has one [`Code::InvitationUsed`], or [`Code::InvitationExpired`] also of one that was taken back.
pub fn member_heads(
    write: &mut Write<'_>,
    now_ms: i64,
    joiner: &Joiner,
) -> Result<std::result::Result<Vec<CommitId>, Code>> {
    let Some(row) = find(write.tx, &joiner.ledger)? else { return Ok(Err(Code::Invitation)) };
    let is_in = access(write.tx, row.lid, &joiner.device)?.is_some();
    let history = members::take_history(write, joiner.ledger, row.lid)?;
    let (invite, heads) =
        (history.roles().invites().get(&joiner.invite_key).copied(), history.roles().heads().to_vec());
    write.memory.histories.insert(row.lid, history);
    let Some(invite) = invite else { return Ok(Err(Code::Invitation)) };
    let is_taken_back = invitations::is_taken_back(write.tx, row.lid, &joiner.invite_key)?;
    let Joiner { device, ledger, invite_key, signature, .. } = joiner;
    let member = invite.member.unwrap_or_else(|| MemberId::of_first_device(device));
    if !is_join_signed(ledger, &member, device, invite_key, signature) {
        return Ok(Err(Code::Invitation));
    }
    // Who was not told that he is in asks again.
    if is_in {
        return Ok(Ok(heads));
    }
    let is_expired = invitations::is_over(&invite, now_ms) || is_taken_back;
    Ok(match (invite.is_used, is_expired) {
        (true, _) => Err(Code::InvitationUsed),
        (false, true) => Err(Code::InvitationExpired),
        (false, false) => Ok(heads),
    })
}

/// Takes the admission of a device; twice is as once.
///
/// # Errors
///
/// As for [`member_heads`]. Further inner errors are [`Code::Removed`] for a device that was a member before, which an owner
/// adds again, and what else keeps a commit from being stored.
pub fn join(
    write: &mut Write<'_>,
    now_ms: i64,
    limits: &LedgerLimits,
    joiner: &Joiner,
    admission: Signed,
) -> Result<std::result::Result<Access, Code>> {
    if let Err(code) = member_heads(write, now_ms, joiner)? {
        return Ok(Err(code));
    }
    let Joiner { aid, device, ledger, .. } = *joiner;
    let is_in = |write: &Write<'_>| -> Result<Option<Access>> {
        find(write.tx, &ledger)?.map_or(Ok(None), |row| access(write.tx, row.lid, &device))
    };
    if let Some(access) = is_in(write)? {
        return Ok(Ok(access));
    }
    if admission.commit.header.device != device {
        return Ok(Err(Code::Invalid));
    }
    let push = Push { aid, device, ledger, commits: vec![admission] };
    let pushed = match take(write, now_ms, limits, &push)? {
        Ok(pushed) => pushed,
        Err(code) => return Ok(Err(code)),
    };
    match (is_in(write)?, pushed.outcomes.first()) {
        (Some(access), _) => Ok(Ok(access)),
        (None, Some(Outcome::Refused(Code::ReadOnly, _))) => Ok(Err(Code::Removed)),
        (None, Some(Outcome::Refused(code, _))) => Ok(Err(*code)),
        (None, _) => Ok(Err(Code::Invalid)),
    }
}

//! Opening a ledger: whether somebody may, and where his device is in its log.

use outlay_ledger::member::Role;
use outlay_protocol::session::OpenMode;
use outlay_protocol::{Code, Cursor, Epoch, Ladder, Place};
use rusqlite::Connection;

use super::log::{self, Visible};
use super::{LedgerRow, access, find, is_tied};
use crate::store::{META_EPOCH, Result};
use crate::sync::Visitor;

/// Where a device says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its cursor.
    pub from: Option<Cursor>,
    /// The greatest place it knows, if it is not that of the cursor.
    pub highest: Option<Place>,
    /// Its heads, if it wants to go by them.
    pub heads: Option<Vec<Ladder>>,
    /// Whether a push follows.
    pub has_push: bool,
}

impl Claim {
    /// Whether the device says that there is something: then it may be about to bring the ledger.
    fn has_something(&self) -> bool {
        self.has_push || self.from.is_some() || self.highest.is_some() || self.heads.is_some()
    }
}

/// An open ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The role of the device; `None` while its commits do not give it one.
    pub role: Option<Role>,
    /// The epoch of the log.
    pub epoch: Epoch,
    /// Its end.
    pub head: Place,
    /// What comes next.
    pub mode: OpenMode,
}

/// A ledger, the role in it, and what is shown of it; or why nothing is.
pub type Seen = std::result::Result<(LedgerRow, Option<Role>, Visible), Code>;

/// What somebody sees of a ledger; the error is the same for a ledger of others and for one that is not there.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::NoSuchLedger`], or [`Code::Removed`] for who was a member.
pub fn seen(connection: &Connection, ledger: &outlay_ledger::LedgerId, visitor: &Visitor) -> Result<Seen> {
    let Some(row) = find(connection, ledger)? else { return Ok(Err(Code::NoSuchLedger)) };
    if let Some(access) = access(connection, row.lid, &visitor.device)? {
        return Ok(Ok((row, Some(access.role), Visible::All)));
    }
    if is_tied(connection, row.lid, visitor.aid)? {
        return Ok(Err(Code::Removed));
    }
    // A place in the log passes everything before it: who may not see all of it has none.
    if row.aid == visitor.aid && log::is_pushed_by(connection, &row, visitor.aid)? {
        return Ok(Ok((row, None, Visible::PushedBy(visitor.aid))));
    }
    Ok(Err(Code::NoSuchLedger))
}

/// Opens a ledger.
///
/// A device that holds a ledger which is not here may bring it. A ledger of others looks the same until it is pushed to,
/// and refuses that as one does which is not there.
///
/// # Errors
///
/// As for [`seen`].
pub fn open(
    connection: &Connection,
    ledger: &outlay_ledger::LedgerId,
    visitor: &Visitor,
    claim: &Claim,
) -> Result<std::result::Result<Opened, Code>> {
    let epoch = epoch(connection)?;
    let (row, role, visible) = match seen(connection, ledger, visitor)? {
        Ok(seen) => seen,
        Err(Code::NoSuchLedger) if claim.has_something() => {
            let mode = if claim.heads.is_some() || claim.from.is_some() || claim.highest.is_some() {
                OpenMode::Heads(Vec::new())
            } else {
                OpenMode::Delta
            };
            return Ok(Ok(Opened { role: None, epoch, head: Place::START, mode }));
        }
        Err(code) => return Ok(Err(code)),
    };
    let mode = match mode(connection, &row, epoch, claim)? {
        // Ids are shown to members only; who brings the ledger pushes what he has, and what is held is said by ACK.
        OpenMode::Heads(_) if visible != Visible::All => OpenMode::Heads(Vec::new()),
        mode => mode,
    };
    Ok(Ok(Opened { role, epoch, head: row.place(), mode }))
}

fn mode(connection: &Connection, ledger: &LedgerRow, epoch: Epoch, claim: &Claim) -> Result<OpenMode> {
    let fits = |place: Option<Place>| -> Result<bool> {
        let Some(place) = place else { return Ok(true) };
        Ok(log::chain_at(connection, ledger, place.pos)? == Some(place.chain))
    };
    let is_of_epoch = claim.from.is_none_or(|cursor| cursor.epoch == epoch.mark());
    let is_in_log = is_of_epoch && fits(claim.from.map(|cursor| cursor.at))? && fits(claim.highest)?;
    if claim.heads.is_some() || !is_in_log {
        return Ok(OpenMode::Heads(log::ladders(connection, ledger)?));
    }
    let is_at_end = claim.from.is_some_and(|cursor| cursor.at.pos == ledger.head);
    Ok(if is_at_end { OpenMode::Same } else { OpenMode::Delta })
}

/// The epoch of the logs.
///
/// # Errors
///
/// When the database fails.
pub fn epoch(connection: &Connection) -> Result<Epoch> {
    let mut select = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(Epoch(select.query_row([META_EPOCH], |row| row.get(0))?))
}

//! Ledgers: their logs, who may do what in them, and what is taken into them.
//!
//! A log is append-only and gap-free, each commit whole. What is inside a commit is judged by devices; here it counts who
//! signed it, what it is made on top of, its size, the role of its author and the quota.

pub mod append;
pub mod aside;
mod class;
pub mod invitations;
pub mod join;
pub mod listing;
pub mod log;
mod members;
pub mod older;
pub mod open;
pub(crate) mod own;
pub(crate) mod purge;
pub mod routes;

use outlay_ledger::member::Role;
use outlay_ledger::{DeviceKey, LedgerId, MemberId};
use outlay_protocol::{Chain, Code, Place};
use rusqlite::{Connection, OptionalExtension};

use crate::store::{Result, StoreError};

/// Positions below this many bits: a row of the log is keyed by lid and position.
pub(crate) const POSITION_BITS: u32 = 40;

/// Limits of ledgers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerLimits {
    /// Bytes of one ledger's log.
    pub ledger_bytes_max: u64,
    /// Bytes of the logs that one account brought here.
    pub account_bytes_max: u64,
    /// Members of a ledger.
    pub members_max: usize,
    /// Devices of a member.
    pub member_devices_max: usize,
    /// Open heads of one device's chain: above it only commits that close forks are taken.
    pub device_heads_max: usize,
}

impl Default for LedgerLimits {
    fn default() -> Self {
        Self {
            ledger_bytes_max: 1 << 30,
            account_bytes_max: 4 << 30,
            members_max: 256,
            member_devices_max: 32,
            device_heads_max: 16,
        }
    }
}

/// A ledger's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerRow {
    /// Its number here.
    pub lid: i64,
    /// Who brought it here.
    pub aid: i64,
    /// The position of the last commit.
    pub head: u64,
    /// The chain up to it.
    pub chain: Chain,
    /// Bytes of its commits.
    pub bytes: u64,
}

impl LedgerRow {
    /// The end of the log.
    pub fn place(&self) -> Place {
        Place { pos: self.head, chain: self.chain.mark() }
    }

    /// The key of the row of a position.
    pub(crate) fn seq(&self, pos: u64) -> i64 {
        seq(self.lid, pos)
    }
}

/// The key of a row of the log. Positions are below 2^40 by quota: a commit has more than one byte.
pub(crate) fn seq(lid: i64, pos: u64) -> i64 {
    (lid << POSITION_BITS) | i64::try_from(pos & ((1 << POSITION_BITS) - 1)).unwrap_or(0)
}

/// The position of a row.
pub(crate) fn pos(seq: i64) -> u64 {
    seq.unsigned_abs() & ((1 << POSITION_BITS) - 1)
}

/// The row of a ledger.
///
/// # Errors
///
/// When the database fails.
pub fn find(connection: &Connection, ledger: &LedgerId) -> Result<Option<LedgerRow>> {
    let mut select = connection.prepare_cached("SELECT lid, aid, head, chain, bytes FROM ledger WHERE id = ?1")?;
    let row = select.query_row([ledger.0], |row| {
        Ok(LedgerRow {
            lid: row.get(0)?,
            aid: row.get(1)?,
            head: row.get(2)?,
            chain: Chain(row.get(3)?),
            bytes: row.get(4)?,
        })
    });
    Ok(row.optional()?)
}

/// The ledger of a row.
///
/// # Errors
///
/// When the database fails.
pub fn id_of(connection: &Connection, lid: i64) -> Result<LedgerId> {
    let mut select = connection.prepare_cached("SELECT id FROM ledger WHERE lid = ?1")?;
    Ok(LedgerId(select.query_row([lid], |row| row.get(0))?))
}

/// What a device may do in a ledger now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Whose device it is.
    pub member: MemberId,
    /// The role.
    pub role: Role,
    /// Whether more than this server's word speaks for it.
    pub is_confirmed: bool,
}

/// What a device may do in a ledger; `None` for a device of no member.
///
/// # Errors
///
/// When the database fails.
pub fn access(connection: &Connection, lid: i64, device: &DeviceKey) -> Result<Option<Access>> {
    let select = "SELECT member, role, is_confirmed FROM access WHERE device = ?1 AND lid = ?2";
    let row = connection
        .prepare_cached(select)?
        .query_row((device.0, lid), |row| Ok((MemberId(row.get(0)?), row.get::<_, u64>(1)?, row.get(2)?)));
    let Some((member, number, is_confirmed)) = row.optional()? else { return Ok(None) };
    let role = Role::from_number(number).ok_or_else(|| StoreError::Corrupt("no such role".into()))?;
    Ok(Some(Access { member, role, is_confirmed }))
}

/// Which member of a ledger an account is, and with which role; `None` for an account of none.
///
/// # Errors
///
/// When the database fails.
fn member_of(connection: &Connection, lid: i64, aid: i64) -> Result<Option<(MemberId, Role)>> {
    let select = "SELECT member, min(role) FROM tie JOIN access USING (lid, member) \
                  WHERE tie.aid = ?1 AND tie.lid = ?2 GROUP BY member";
    let mut select = connection.prepare_cached(select)?;
    let row = select.query_row((aid, lid), |row| Ok((MemberId(row.get(0)?), row.get::<_, u64>(1)?)));
    let Some((member, number)) = row.optional()? else { return Ok(None) };
    let role = Role::from_number(number).ok_or_else(|| StoreError::Corrupt("no such role".into()))?;
    Ok(Some((member, role)))
}

/// A ledger, and which member of it an account is, with which role. One of others and one that is not there are refused alike.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::NoSuchLedger`].
pub fn of_member(
    connection: &Connection,
    ledger: &LedgerId,
    aid: i64,
) -> Result<std::result::Result<(LedgerRow, MemberId, Role), Code>> {
    let Some(row) = find(connection, ledger)? else { return Ok(Err(Code::NoSuchLedger)) };
    let member = member_of(connection, row.lid, aid)?;
    Ok(member.map(|(member, role)| (row, member, role)).ok_or(Code::NoSuchLedger))
}

/// A ledger for one of its owners, by the role that an account or a device of it has there, if any.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::NoSuchLedger`] for who never was a member, [`Code::Removed`] for who
/// was one, and [`Code::ReadOnly`] for a member who is no owner.
fn for_owner(
    connection: &Connection,
    row: LedgerRow,
    aid: i64,
    role: Option<Role>,
) -> Result<std::result::Result<LedgerRow, Code>> {
    Ok(match role {
        Some(Role::Owner) => Ok(row),
        Some(_) => Err(Code::ReadOnly),
        None if is_tied(connection, row.lid, aid)? => Err(Code::Removed),
        None => Err(Code::NoSuchLedger),
    })
}

/// Whether an account is or was a member of a ledger.
///
/// # Errors
///
/// When the database fails.
pub fn is_tied(connection: &Connection, lid: i64, aid: i64) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM tie WHERE aid = ?1 AND lid = ?2")?.exists((aid, lid))?)
}

/// The ledgers that a device may open, ascending.
///
/// # Errors
///
/// When the database fails.
pub fn of_device(connection: &Connection, device: &DeviceKey) -> Result<Vec<LedgerId>> {
    let select = "SELECT ledger.id FROM access JOIN ledger USING (lid) WHERE device = ?1 ORDER BY ledger.id LIMIT ?2";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map((device.0, outlay_protocol::message::LEDGERS_MAX), |row| row.get(0).map(LedgerId))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(crate) use members::{history_up_to, member_commit, take_history};
pub use members::{vouch_due, vouch_for};

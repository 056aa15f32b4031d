//! Ledgers and their members as programs see them that ask by HTTP: what the member commits say now.

use std::collections::BTreeMap;

use outlay_ledger::member::Role;
use outlay_ledger::{DeviceKey, LedgerId, MemberId};
use outlay_protocol::Code;
use rusqlite::Connection;

use super::{find, is_tied};
use crate::store::{Result, StoreError};

/// A ledger of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnLedger {
    /// Its id.
    pub id: LedgerId,
    /// Which member the account is.
    pub member: MemberId,
    /// The role of that member.
    pub role: Role,
    /// Members, this one too.
    pub members: u64,
    /// Bytes of its log.
    pub bytes: u64,
}

/// A member of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Which.
    pub id: MemberId,
    /// The role.
    pub role: Role,
    /// What the person is called whose account here it is; absent when there is none, or it has no name.
    pub name: Option<String>,
    /// Whether it is the account that asks.
    pub is_own: bool,
    /// The devices, and whether more than this server's word speaks for each; ascending.
    pub devices: Vec<(DeviceKey, bool)>,
}

/// The ledgers in which an account is a member, ascending.
///
/// # Errors
///
/// When the database fails.
pub fn of_account(connection: &Connection, aid: i64) -> Result<Vec<OwnLedger>> {
    // A device that only this server vouches for has no more than the server's role: the greatest is the member's.
    let select = "SELECT ledger.id, tie.member, min(access.role), ledger.bytes, \
                  (SELECT count(DISTINCT other.member) FROM access other WHERE other.lid = tie.lid) \
                  FROM tie JOIN ledger USING (lid) JOIN access ON access.lid = tie.lid AND access.member = tie.member \
                  WHERE tie.aid = ?1 GROUP BY ledger.lid ORDER BY ledger.id LIMIT ?2";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map((aid, outlay_protocol::message::LEDGERS_MAX), |row| {
        Ok((LedgerId(row.get(0)?), MemberId(row.get(1)?), row.get(2)?, row.get(3)?, row.get(4)?))
    })?;
    rows.map(|row| {
        let (id, member, number, bytes, members) = row?;
        Ok(OwnLedger { id, member, role: role(number)?, members, bytes })
    })
    .collect()
}

/// The members of a ledger, for one of them; ascending.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::NoSuchLedger`], also for a ledger of others, or [`Code::Removed`] for
/// who was a member.
pub fn members(
    connection: &Connection,
    ledger: &LedgerId,
    aid: i64,
) -> Result<std::result::Result<Vec<MemberRow>, Code>> {
    let Some(row) = find(connection, ledger)? else { return Ok(Err(Code::NoSuchLedger)) };
    let select = "SELECT member, device, role, is_confirmed, \
                  tie.aid IS ?2, nullif(account.name, '') \
                  FROM access LEFT JOIN tie USING (lid, member) LEFT JOIN account USING (aid) \
                  WHERE access.lid = ?1 ORDER BY device";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map((row.lid, aid), |row| {
        Ok((MemberId(row.get(0)?), DeviceKey(row.get(1)?), row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
    })?;
    let mut members: BTreeMap<MemberId, MemberRow> = BTreeMap::new();
    for found in rows {
        let (id, device, number, is_confirmed, is_own, name): (_, _, u64, bool, bool, _) = found?;
        let role = role(number)?;
        let member = members.entry(id).or_insert(MemberRow { id, role, name, is_own, devices: Vec::new() });
        member.role = member.role.max(role);
        member.devices.push((device, is_confirmed));
    }
    if members.values().any(|member| member.is_own) {
        return Ok(Ok(members.into_values().collect()));
    }
    let was_member = is_tied(connection, row.lid, aid)?;
    Ok(Err(if was_member { Code::Removed } else { Code::NoSuchLedger }))
}

fn role(number: u64) -> Result<Role> {
    Role::from_number(number).ok_or_else(|| StoreError::Corrupt("no such role".into()))
}

//! Who may do what, as the member commits of a ledger say, and vouching for devices that log in.
//!
//! The roles come from [`outlay_ledger::roles`], the same function that devices evaluate; the table `access` is what it
//! says now. A ledger that pins this server lets it add further devices of an account to that account's member.

use std::collections::BTreeMap;

use outlay_ledger::commit::{ActorForm, Body, Commit, Kind, Record};
use outlay_ledger::member::MemberOperation;
use outlay_ledger::roles::{History, MemberCommit};
use outlay_ledger::{CommitId, DeviceKey, DocumentId, LedgerId, MemberId};
use rusqlite::{Connection, OptionalExtension};

use super::append::Appending;
use super::{LedgerLimits, own, seq};
use crate::store::{Effect, Result, StoreError, Write};

/// The member history of a ledger, from memory or from its commits. Whoever takes it puts it back.
pub(crate) fn take_history(write: &mut Write<'_>, ledger: LedgerId, lid: i64) -> Result<History> {
    match write.memory.histories.remove(&lid) {
        Some(history) => Ok(history),
        None => history_up_to(write.tx, ledger, lid, u64::MAX >> 1),
    }
}

/// The member history of a ledger as it was at a position of its log.
pub(crate) fn history_up_to(connection: &Connection, ledger: LedgerId, lid: i64, position: u64) -> Result<History> {
    let select =
        "SELECT id, body FROM log WHERE is_of_members = 1 AND seq > ?1 AND seq < ?2 AND seq - ?1 <= ?3 ORDER BY seq";
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query((seq(lid, 0), seq(lid + 1, 0), position))?;
    let mut commits = Vec::new();
    while let Some(row) = rows.next()? {
        let body = row.get_ref(1)?.as_blob().map_err(|_| StoreError::Corrupt("a commit without bytes".into()))?;
        let commit = Commit::decode(body).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        commits.push(member_commit(connection, lid, CommitId(row.get(0)?), &commit)?);
    }
    Ok(History::new(ledger, commits))
}

/// A commit as the roles read it.
pub(crate) fn member_commit(connection: &Connection, lid: i64, id: CommitId, commit: &Commit) -> Result<MemberCommit> {
    MemberCommit::read(id, commit, |document| device_of_document(connection, lid, document))
}

/// The device whose feed a document is derived from.
fn device_of_document(connection: &Connection, lid: i64, document: &DocumentId) -> Result<Option<DeviceKey>> {
    let select = "SELECT key FROM feed JOIN author USING (did) WHERE lid = ?1 AND prefix = ?2 LIMIT 1";
    let mut select = connection.prepare_cached(select)?;
    Ok(select.query_row((lid, &document.0[..10]), |row| row.get(0).map(DeviceKey)).optional()?)
}

/// Writes what the roles say now into `access`, and notes who may what he could not.
pub(super) fn write_access(write: &mut Write<'_>, ledger: LedgerId, lid: i64, history: &History) -> Result<()> {
    let mut select = write.tx.prepare_cached("SELECT device, member, role, is_confirmed FROM access WHERE lid = ?1")?;
    let rows = select.query_map([lid], |row| {
        Ok((DeviceKey(row.get(0)?), (MemberId(row.get(1)?), row.get::<_, u8>(2)?, row.get::<_, bool>(3)?)))
    })?;
    let before: BTreeMap<DeviceKey, (MemberId, u8, bool)> = rows.collect::<rusqlite::Result<_>>()?;
    let roles = history.roles();
    let devices = roles.members().values().flat_map(|member| &member.devices);
    let now: BTreeMap<_, _> = devices
        .filter_map(|device| {
            let (member, role) = roles.role_of(device)?;
            Some((*device, (member, role.number(), roles.is_confirmed(device))))
        })
        .collect();
    let mut delete = write.tx.prepare_cached("DELETE FROM access WHERE device = ?1 AND lid = ?2")?;
    let lost: Vec<DeviceKey> = before.keys().filter(|device| !now.contains_key(device)).copied().collect();
    for device in &lost {
        delete.execute((device.0, lid))?;
    }
    let insert = "INSERT OR REPLACE INTO access (device, lid, member, role, is_confirmed) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = write.tx.prepare_cached(insert)?;
    for (device, access) in now.iter().filter(|(device, access)| before.get(device) != Some(access)) {
        insert.execute((device.0, lid, access.0.0, access.1, access.2))?;
    }
    let gained: Vec<DeviceKey> = now.keys().filter(|device| !before.contains_key(device)).copied().collect();
    if !lost.is_empty() || !gained.is_empty() {
        write.effect(Effect::Access { ledger, lost, gained });
    }
    Ok(())
}

/// Remembers which member an account is: as a full device of that member says by being signed in as it. Who was removed and
/// joins again is another one.
///
/// # Errors
///
/// When the database fails.
pub(super) fn tie(connection: &Connection, lid: i64, aid: i64, device: &DeviceKey) -> Result<()> {
    let insert = "INSERT INTO tie (aid, lid, member) \
                  SELECT ?1, lid, member FROM access WHERE device = ?2 AND lid = ?3 AND is_confirmed = 1 \
                  AND EXISTS (SELECT 1 FROM account WHERE aid = ?1) \
                  ON CONFLICT (lid, member) DO NOTHING \
                  ON CONFLICT (aid, lid) DO UPDATE SET member = excluded.member WHERE NOT EXISTS \
                      (SELECT 1 FROM access WHERE access.lid = tie.lid AND access.member = tie.member)";
    connection.prepare_cached(insert)?.execute((aid, device.0, lid))?;
    Ok(())
}

/// Whether signing in as this account changes something: a ledger that its devices are to be added to, or a member that it
/// is not known to be. Only then a transaction is needed.
///
/// # Errors
///
/// When the database fails.
pub fn vouch_due(connection: &Connection, aid: i64, device: &DeviceKey) -> Result<bool> {
    let select = "SELECT EXISTS (SELECT 1 FROM tie WHERE tie.aid = ?1 AND NOT EXISTS \
                      (SELECT 1 FROM access WHERE access.device = ?2 AND access.lid = tie.lid)) \
                  OR EXISTS (SELECT 1 FROM access WHERE access.device = ?2 AND access.is_confirmed = 1 AND NOT EXISTS \
                      (SELECT 1 FROM tie WHERE tie.lid = access.lid AND (tie.aid = ?1 OR tie.member = access.member)))";
    Ok(connection.prepare_cached(select)?.query_row((aid, device.0), |row| row.get(0))?)
}

/// Brings the ledgers of an account and a device of it together: it is remembered as the member whose full device this is,
/// and the device is added to that member where a ledger pins this server.
///
/// # Errors
///
/// When the database fails.
pub fn vouch_for(
    write: &mut Write<'_>,
    now_ms: i64,
    limits: &LedgerLimits,
    aid: i64,
    device: &DeviceKey,
) -> Result<()> {
    let mut select = write.tx.prepare_cached("SELECT lid FROM access WHERE device = ?1 AND is_confirmed = 1")?;
    let own: Vec<i64> = select.query_map([device.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for lid in own {
        tie(write.tx, lid, aid, device)?;
    }
    let select = "SELECT ledger.id, tie.member FROM tie JOIN ledger USING (lid) WHERE tie.aid = ?1 AND NOT EXISTS \
                  (SELECT 1 FROM access WHERE access.device = ?2 AND access.lid = tie.lid)";
    let mut select = write.tx.prepare_cached(select)?;
    let due = select.query_map((aid, device.0), |row| Ok((LedgerId(row.get(0)?), MemberId(row.get(1)?))))?;
    let due: Vec<(LedgerId, MemberId)> = due.collect::<rusqlite::Result<_>>()?;
    for (ledger, member) in due {
        let mut appending = Appending::begin(write, ledger, limits)?;
        if let Some(appending) = &mut appending {
            vouch(write, appending, now_ms, member, *device)?;
        }
        if let Some(appending) = appending {
            appending.finish(write)?;
        }
    }
    Ok(())
}

/// Vouches for the devices that are signed in to the accounts of a ledger's members and are not in it yet: after the ledger
/// has pinned this server.
pub(super) fn vouch_for_all(write: &mut Write<'_>, appending: &mut Appending<'_>, now_ms: i64) -> Result<()> {
    let select = "SELECT tie.member, device.key FROM tie JOIN device USING (aid) \
                  WHERE tie.lid = ?1 AND device.is_active = 1 AND NOT EXISTS \
                  (SELECT 1 FROM access WHERE access.device = device.key AND access.lid = tie.lid)";
    let mut select = write.tx.prepare_cached(select)?;
    let due = select.query_map([appending.row.lid], |row| Ok((MemberId(row.get(0)?), DeviceKey(row.get(1)?))))?;
    let due: Vec<(MemberId, DeviceKey)> = due.collect::<rusqlite::Result<_>>()?;
    for (member, device) in due {
        vouch(write, appending, now_ms, member, device)?;
    }
    Ok(())
}

/// Adds a device to a member by this server's word, if the ledger takes it: one that was removed is not added again.
fn vouch(
    write: &mut Write<'_>,
    appending: &mut Appending<'_>,
    now_ms: i64,
    member: MemberId,
    device: DeviceKey,
) -> Result<()> {
    let server = write.keys.identity.public();
    let roles = appending.history.roles();
    if !roles.servers().contains_key(&server) || !roles.members().contains_key(&member) {
        return Ok(());
    }
    let Ok(payload) = (MemberOperation::AddDevice { member, device }).encode() else { return Ok(()) };
    // A feed of its own for each: nothing is numbered across transactions that may be rolled back.
    let nonce = write.random();
    let header = own::header(write, appending, now_ms, nonce, 1, 1)?;
    let record = Record {
        document: None,
        kind: Kind::Member,
        period: None,
        form: ActorForm::Feed,
        body: Body::Payload(payload),
    };
    // Refused is what the rules say of it: the device stays outside, and its opening of the ledger says so.
    let own = appending.row.aid;
    own::append(write, appending, own, header, vec![record]).map(drop)
}

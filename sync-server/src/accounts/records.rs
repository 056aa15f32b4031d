//! Accounts, devices, logins and invitations as the database has them.
//!
//! Everything here is a plain function of a connection, a time and what was asked, so that the server, the command line
//! and a simulation do the same.

use outlay_ledger::DeviceKey;
use outlay_ledger::hex;
use outlay_protocol::Code;
use rusqlite::{Connection, OptionalExtension};

use super::AccountId;
use crate::auth::RefreshToken;
use crate::store::{Effect, Result, Write};

/// Devices of an account: what a household's greatest enthusiast owns, several times.
pub const ACCOUNT_DEVICES_MAX: i64 = 256;

/// How long refresh tokens are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshTimes {
    /// Since they were last used, in milliseconds.
    pub idle_ms: i64,
    /// Since the login, in milliseconds.
    pub total_ms: i64,
    /// How long the device may ask again for the successor it was given, in milliseconds.
    pub repeat_ms: i64,
}

impl Default for RefreshTimes {
    fn default() -> Self {
        const DAY_MS: i64 = 24 * 3_600_000;
        Self { idle_ms: 30 * DAY_MS, total_ms: 180 * DAY_MS, repeat_ms: 600_000 }
    }
}

/// A login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// The account's row.
    pub aid: i64,
    /// The account.
    pub account: AccountId,
    /// The device.
    pub device: DeviceKey,
    /// What its tokens have in common.
    pub family: [u8; 16],
    /// Its newest refresh token.
    pub refresh: RefreshToken,
}

/// A device of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    /// Its key.
    pub key: DeviceKey,
    /// What its owner calls it.
    pub name: String,
    /// First signed in, in milliseconds since 1970.
    pub created_ms: i64,
    /// Last signed in or renewed, in milliseconds since 1970.
    pub seen_ms: i64,
    /// Whether it is signed in.
    pub is_active: bool,
}

/// Which invitation a sign-up needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission<'a> {
    /// None.
    Open,
    /// This one.
    Invited(&'a str),
}

/// Makes an account.
///
/// # Errors
///
/// When the database fails. The inner error says why there is no account: [`Code::AccountExists`] or [`Code::Invitation`].
pub fn sign_up(
    write: &mut Write<'_>,
    now_ms: i64,
    email: &str,
    name: &str,
    password_hash: &str,
    admission: Admission<'_>,
) -> Result<std::result::Result<i64, Code>> {
    let invitation = match admission {
        Admission::Open => None,
        Admission::Invited(text) => {
            let hash: [u8; 32] = blake3::hash(text.as_bytes()).into();
            let select = "SELECT 1 FROM invitation WHERE hash = ?1 AND used_by IS NULL AND expires_ms > ?2";
            if !write.tx.prepare_cached(select)?.exists((hash, now_ms))? {
                return Ok(Err(Code::Invitation));
            }
            Some(hash)
        }
    };
    let id: [u8; 16] = write.random();
    let insert = "INSERT INTO account (id, email, name, password, created_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
                  ON CONFLICT (email) DO NOTHING";
    let inserted = write.tx.prepare_cached(insert)?.execute((id, email, name, password_hash, now_ms))?;
    if inserted == 0 {
        return Ok(Err(Code::AccountExists));
    }
    let aid = write.tx.last_insert_rowid();
    write.tx.execute("UPDATE invitation SET used_by = ?2 WHERE hash = ?1", (invitation, aid))?;
    Ok(Ok(aid))
}

/// The account's row and password hash.
///
/// # Errors
///
/// When the database fails.
pub fn by_email(connection: &Connection, email: &str) -> Result<Option<(i64, String)>> {
    let select = "SELECT aid, password FROM account WHERE email = ?1";
    Ok(connection.prepare_cached(select)?.query_row([email], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// The account of a row.
///
/// # Errors
///
/// When the database fails.
pub fn account_id(connection: &Connection, aid: i64) -> Result<AccountId> {
    Ok(AccountId(
        connection.prepare_cached("SELECT id FROM account WHERE aid = ?1")?.query_row([aid], |row| row.get(0))?,
    ))
}

/// The row of an account.
///
/// # Errors
///
/// When the database fails.
pub fn row_of(connection: &Connection, account: &AccountId) -> Result<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT aid FROM account WHERE id = ?1")?;
    Ok(select.query_row([account.0], |row| row.get(0)).optional()?)
}

/// Signs a device in: a new login, which ends the former ones of this device. The password was checked by the caller.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::TooMany`] when the account has too many devices.
pub fn sign_in(
    write: &mut Write<'_>,
    now_ms: i64,
    times: RefreshTimes,
    aid: i64,
    device: DeviceKey,
    name: &str,
) -> Result<std::result::Result<Login, Code>> {
    let count = "SELECT count(*) FROM device WHERE aid = ?1 AND key <> ?2";
    let devices: i64 = write.tx.prepare_cached(count)?.query_row((aid, device.0), |row| row.get(0))?;
    if devices >= ACCOUNT_DEVICES_MAX {
        return Ok(Err(Code::TooMany));
    }
    let upsert = "INSERT INTO device (aid, key, name, created_ms, seen_ms, is_active) VALUES (?1, ?2, ?3, ?4, ?4, 1) \
                  ON CONFLICT DO UPDATE SET name = ?3, seen_ms = ?4, is_active = 1";
    write.tx.prepare_cached(upsert)?.execute((aid, device.0, name, now_ms))?;
    let end = "UPDATE family SET revoked_ms = ?3 WHERE aid = ?1 AND device = ?2 AND revoked_ms IS NULL";
    write.tx.prepare_cached(end)?.execute((aid, device.0, now_ms))?;
    let forget = "DELETE FROM family WHERE aid = ?1 AND (ends_ms < ?2 OR expires_ms < ?2)";
    write.tx.prepare_cached(forget)?.execute((aid, now_ms - times.total_ms))?;
    let family = write.random();
    let refresh = RefreshToken::new(&write.keys.refresh, family, 1);
    let insert = "INSERT INTO family (id, aid, device, counter, hash, rotated_ms, expires_ms, ends_ms) \
                  VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7)";
    let (expires_ms, ends_ms) = (now_ms + times.idle_ms, now_ms + times.total_ms);
    write.tx.prepare_cached(insert)?.execute((family, aid, device.0, refresh.hash(), now_ms, expires_ms, ends_ms))?;
    let account = account_id(write.tx, aid)?;
    Ok(Ok(Login { aid, account, device, family, refresh }))
}

struct Family {
    aid: i64,
    device: DeviceKey,
    counter: u32,
    hash: [u8; 32],
    rotated_ms: i64,
    expires_ms: i64,
    ends_ms: i64,
    revoked_ms: Option<i64>,
}

fn family(connection: &Connection, id: &[u8; 16]) -> Result<Option<Family>> {
    let select =
        "SELECT aid, device, counter, hash, rotated_ms, expires_ms, ends_ms, revoked_ms FROM family WHERE id = ?1";
    let family = connection.prepare_cached(select)?.query_row([id], |row| {
        Ok(Family {
            aid: row.get(0)?,
            device: DeviceKey(row.get(1)?),
            counter: row.get(2)?,
            hash: row.get(3)?,
            rotated_ms: row.get(4)?,
            expires_ms: row.get(5)?,
            ends_ms: row.get(6)?,
            revoked_ms: row.get(7)?,
        })
    });
    Ok(family.optional()?)
}

/// The device that a refresh token was given to, which has to prove that it asks.
///
/// # Errors
///
/// When the database fails.
pub fn device_of(connection: &Connection, token: &RefreshToken) -> Result<Option<DeviceKey>> {
    Ok(family(connection, &token.family)?.map(|family| family.device))
}

/// Gives the successor of a refresh token: a new one for the newest token, the same again for the one before it within
/// [`RefreshTimes::repeat_ms`]. An older one was copied by somebody: the login ends.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::Revoked`].
pub fn refresh(
    write: &mut Write<'_>,
    now_ms: i64,
    times: RefreshTimes,
    token: &RefreshToken,
) -> Result<std::result::Result<Login, Code>> {
    let Some(family) = family(write.tx, &token.family)? else { return Ok(Err(Code::Revoked)) };
    let is_over = family.revoked_ms.is_some() || now_ms >= family.expires_ms || now_ms >= family.ends_ms;
    if is_over {
        return Ok(Err(Code::Revoked));
    }
    // A token that this server made and does not remember: the database is one of before, put back from a backup.
    let is_of_later = token.counter > family.counter;
    let is_newest = is_of_later || (token.counter == family.counter && token.hash() == family.hash);
    let is_repeated = token.counter + 1 == family.counter && now_ms - family.rotated_ms <= times.repeat_ms;
    if !is_newest && !is_repeated {
        end(write, now_ms, family.aid, &family.device)?;
        return Ok(Err(Code::Revoked));
    }
    let refresh = RefreshToken::new(&write.keys.refresh, token.family, token.counter + 1);
    if is_newest {
        let update = "UPDATE family SET counter = ?2, hash = ?3, rotated_ms = ?4, expires_ms = ?5 WHERE id = ?1";
        let expires_ms = now_ms + times.idle_ms;
        let row = (token.family, refresh.counter, refresh.hash(), now_ms, expires_ms);
        write.tx.prepare_cached(update)?.execute(row)?;
        let seen = "UPDATE device SET seen_ms = ?3 WHERE aid = ?1 AND key = ?2";
        write.tx.prepare_cached(seen)?.execute((family.aid, family.device.0, now_ms))?;
    }
    let account = account_id(write.tx, family.aid)?;
    Ok(Ok(Login { aid: family.aid, account, device: family.device, family: token.family, refresh }))
}

/// Signs a device out of an account: its logins end, and its connections are told. Says whether it was signed in.
///
/// # Errors
///
/// When the database fails.
pub fn end(write: &mut Write<'_>, now_ms: i64, aid: i64, device: &DeviceKey) -> Result<bool> {
    let revoke = "UPDATE family SET revoked_ms = ?3 WHERE aid = ?1 AND device = ?2 AND revoked_ms IS NULL";
    write.tx.prepare_cached(revoke)?.execute((aid, device.0, now_ms))?;
    let update = "UPDATE device SET is_active = 0 WHERE aid = ?1 AND key = ?2 AND is_active = 1";
    let ended = write.tx.prepare_cached(update)?.execute((aid, device.0))?;
    write.effect(Effect::SignedOut { aid, device: *device });
    Ok(ended > 0)
}

/// Ends the login of a refresh token, whichever of its tokens it is.
///
/// # Errors
///
/// When the database fails.
pub fn sign_out(write: &mut Write<'_>, now_ms: i64, token: &RefreshToken) -> Result<()> {
    match family(write.tx, &token.family)? {
        Some(family) if family.revoked_ms.is_none() => end(write, now_ms, family.aid, &family.device).map(|_| ()),
        _ => Ok(()),
    }
}

/// Whether a login goes on, as an access token of it claims.
///
/// # Errors
///
/// When the database fails.
pub fn is_signed_in(connection: &Connection, aid: i64, device: &DeviceKey, login: &[u8; 16]) -> Result<bool> {
    let select = "SELECT 1 FROM family WHERE id = ?1 AND aid = ?2 AND device = ?3 AND revoked_ms IS NULL";
    Ok(connection.prepare_cached(select)?.exists((login, aid, device.0))?)
}

/// The devices of an account, the latest seen first.
///
/// # Errors
///
/// When the database fails.
pub fn devices(connection: &Connection, aid: i64) -> Result<Vec<DeviceRow>> {
    let select =
        "SELECT key, name, created_ms, seen_ms, is_active FROM device WHERE aid = ?1 ORDER BY seen_ms DESC, key";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map([aid], |row| {
        Ok(DeviceRow {
            key: DeviceKey(row.get(0)?),
            name: row.get(1)?,
            created_ms: row.get(2)?,
            seen_ms: row.get(3)?,
            is_active: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Makes an invitation that is good for one sign-up, and returns its text.
///
/// # Errors
///
/// When the database fails.
pub fn invite(write: &mut Write<'_>, expires_ms: i64) -> Result<String> {
    let text = format!("oi1_{}", hex::encode(&write.random::<16>()));
    let hash: [u8; 32] = blake3::hash(text.as_bytes()).into();
    write.tx.execute("INSERT INTO invitation (hash, expires_ms) VALUES (?1, ?2)", (hash, expires_ms))?;
    Ok(text)
}

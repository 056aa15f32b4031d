//! Accounts, their devices, and invitations as the database has them.
//!
//! Everything here is a plain function of a connection, a time and what was asked, so that the server, the command line
//! and a simulation do the same. What signs in and out is in [`super::sessions`].

use outlay_ledger::DeviceKey;
use outlay_ledger::hex;
use outlay_protocol::Code;
use rusqlite::{Connection, OptionalExtension};

use super::AccountId;
use crate::events::outbox::{self, Happened};
use crate::store::{Result, Write};

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
    outbox::add(write, now_ms, aid, Happened::SignedUp)?;
    Ok(Ok(aid))
}

/// The account's row and password hash. One that an operator has disabled is like one that is not there.
///
/// # Errors
///
/// When the database fails.
pub fn by_email(connection: &Connection, email: &str) -> Result<Option<(i64, String)>> {
    let select = "SELECT aid, password FROM account WHERE email = ?1 AND disabled_ms IS NULL";
    Ok(connection.prepare_cached(select)?.query_row([email], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// The address and the password hash of an account.
///
/// # Errors
///
/// When the database fails.
pub fn credentials(connection: &Connection, aid: i64) -> Result<Option<(String, String)>> {
    let mut select = connection.prepare_cached("SELECT email, password FROM account WHERE aid = ?1")?;
    Ok(select.query_row([aid], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// Whether an account still has the password that was checked, and no operator has disabled it.
///
/// # Errors
///
/// When the database fails.
pub fn is_current(connection: &Connection, aid: i64, password_hash: &str) -> Result<bool> {
    let select = "SELECT 1 FROM account WHERE aid = ?1 AND password = ?2 AND disabled_ms IS NULL";
    Ok(connection.prepare_cached(select)?.exists((aid, password_hash))?)
}

/// Gives an account another password, if it still has the one that was checked.
///
/// # Errors
///
/// When the database fails.
pub fn change_password(write: &Write<'_>, aid: i64, old_hash: &str, new_hash: &str) -> Result<bool> {
    let update = "UPDATE account SET password = ?3 WHERE aid = ?1 AND password = ?2";
    Ok(write.tx.prepare_cached(update)?.execute((aid, old_hash, new_hash))? > 0)
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

/// What a device of an account is called.
///
/// # Errors
///
/// When the database fails.
pub fn name_of(connection: &Connection, aid: i64, device: &DeviceKey) -> Result<String> {
    let mut select = connection.prepare_cached("SELECT name FROM device WHERE aid = ?1 AND key = ?2")?;
    Ok(select.query_row((aid, device.0), |row| row.get(0)).optional()?.unwrap_or_default())
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

//! Sessions: signing in, renewing, signing out.
//!
//! A session is a family of refresh tokens, one after the other, of which the newest counts. One of a device belongs to its
//! key, and the device proves that it asks; one of a program belongs to whoever has the token.

use outlay_ledger::DeviceKey;
use outlay_protocol::Code;
use rusqlite::{Connection, OptionalExtension};

use super::{AccountId, records};
use crate::auth::RefreshToken;
use crate::events::outbox::{self, Happened};
use crate::store::{Effect, Result, Write};

/// Devices of an account that are signed in, and sessions that are no device's: what a household's greatest enthusiast has,
/// several times. Of devices that are signed out so many are remembered.
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

/// Who goes on being signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The account's row.
    pub aid: i64,
    /// What its refresh tokens have in common; public.
    pub id: [u8; 16],
    /// The device that it is of, which proves itself; none of a program that is no device.
    pub device: Option<DeviceKey>,
}

/// A session with what its client is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// The session.
    pub session: Session,
    /// The account.
    pub account: AccountId,
    /// The newest refresh token.
    pub refresh: RefreshToken,
}

/// A session as its account sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// The session.
    pub session: Session,
    /// The name of the device or the program.
    pub name: String,
    /// Signed in, in milliseconds since 1970.
    pub created_ms: i64,
    /// Last signed in or renewed, in milliseconds since 1970.
    pub used_ms: i64,
}

const COLUMNS: &str = "id, aid, device, counter, hash, rotated_ms, expires_ms, ends_ms, revoked_ms";

/// Signs a device or a program in. A device has one session: a new one ends the one before. The password was checked by the
/// caller.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::TooMany`] when the account has too many devices or sessions.
pub fn sign_in(
    write: &mut Write<'_>,
    now_ms: i64,
    times: RefreshTimes,
    aid: i64,
    device: Option<DeviceKey>,
    name: &str,
) -> Result<std::result::Result<Login, Code>> {
    let forget = "DELETE FROM family WHERE aid = ?1 AND (ends_ms < ?2 OR expires_ms < ?2)";
    write.tx.prepare_cached(forget)?.execute((aid, now_ms - times.total_ms))?;
    let has_room = match device {
        Some(device) => enter_device(write, now_ms, aid, &device, name)?,
        None => active_programs(write.tx, now_ms, aid)? < ACCOUNT_DEVICES_MAX,
    };
    if !has_room {
        return Ok(Err(Code::TooMany));
    }
    let session = Session { aid, id: write.random(), device };
    let refresh = RefreshToken::new(&write.keys.refresh, session.id, 1);
    let insert =
        "INSERT INTO family (id, aid, device, name, counter, hash, created_ms, rotated_ms, expires_ms, ends_ms)
        VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?6, ?7, ?8)";
    let (expires_ms, ends_ms) = (now_ms + times.idle_ms, now_ms + times.total_ms);
    let row = (session.id, aid, device.map(|device| device.0), name, refresh.hash(), now_ms, expires_ms, ends_ms);
    write.tx.prepare_cached(insert)?.execute(row)?;
    Ok(Ok(Login { session, account: records::account_id(write.tx, aid)?, refresh }))
}

/// Signs a device or a program in as [`sign_in`] does, by a password that was checked against this stored hash.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::Credentials`] when the account has another password meanwhile, is
/// disabled or is gone, and as for [`sign_in`].
pub fn log_in(
    write: &mut Write<'_>,
    now_ms: i64,
    times: RefreshTimes,
    (aid, password_hash): (i64, &str),
    device: Option<DeviceKey>,
    name: &str,
) -> Result<std::result::Result<Login, Code>> {
    if !records::is_current(write.tx, aid, password_hash)? {
        return Ok(Err(Code::Credentials));
    }
    sign_in(write, now_ms, times, aid, device, name)
}

/// Does what a session asks for, unless it was ended since the request was let in: what would outlast it is not made.
///
/// # Errors
///
/// That of `job`, or of the database. The inner error is [`Code::Revoked`], or that of `job`.
pub fn unless_ended<T>(
    write: &mut Write<'_>,
    session: &Session,
    job: impl FnOnce(&mut Write<'_>) -> Result<std::result::Result<T, Code>>,
) -> Result<std::result::Result<T, Code>> {
    if is_going_on(write.tx, session)? { job(write) } else { Ok(Err(Code::Revoked)) }
}

fn enter_device(write: &mut Write<'_>, now_ms: i64, aid: i64, device: &DeviceKey, name: &str) -> Result<bool> {
    let count = "SELECT count(*) FROM device WHERE aid = ?1 AND key <> ?2 AND is_active = 1";
    let others: i64 = write.tx.prepare_cached(count)?.query_row((aid, device.0), |row| row.get(0))?;
    if others >= ACCOUNT_DEVICES_MAX {
        return Ok(false);
    }
    let known = "SELECT 1 FROM device WHERE aid = ?1 AND key = ?2";
    if !write.tx.prepare_cached(known)?.exists((aid, device.0))? {
        outbox::add(write, now_ms, aid, Happened::DeviceAdded { device: *device })?;
    }
    let upsert = "INSERT INTO device (aid, key, name, created_ms, seen_ms, is_active) VALUES (?1, ?2, ?3, ?4, ?4, 1)
        ON CONFLICT DO UPDATE SET name = ?3, seen_ms = ?4, is_active = 1";
    write.tx.prepare_cached(upsert)?.execute((aid, device.0, name, now_ms))?;
    forget_devices(write, aid)?;
    if revoke_device(write, now_ms, aid, device)? {
        write.effect(Effect::Withdrawn { aid });
    }
    Ok(true)
}

/// Forgets those of too many signed-out devices that were seen longest ago. Sessions and ledgers name a device by its key:
/// what they say of it stays.
fn forget_devices(write: &Write<'_>, aid: i64) -> Result<()> {
    let delete = "DELETE FROM device WHERE aid = ?1 AND key IN
        (SELECT key FROM device WHERE aid = ?1 AND is_active = 0 ORDER BY seen_ms DESC, key LIMIT -1 OFFSET ?2)";
    write.tx.prepare_cached(delete)?.execute((aid, ACCOUNT_DEVICES_MAX))?;
    Ok(())
}

/// Ends the sessions of a device. Says whether there was one.
fn revoke_device(write: &Write<'_>, now_ms: i64, aid: i64, device: &DeviceKey) -> Result<bool> {
    let revoke = "UPDATE family SET revoked_ms = ?3 WHERE aid = ?1 AND device = ?2 AND revoked_ms IS NULL";
    Ok(write.tx.prepare_cached(revoke)?.execute((aid, device.0, now_ms))? > 0)
}

fn active_programs(connection: &Connection, now_ms: i64, aid: i64) -> Result<i64> {
    let count = "SELECT count(*) FROM family WHERE aid = ?1 AND device IS NULL AND revoked_ms IS NULL
        AND expires_ms > ?2 AND ends_ms > ?2";
    Ok(connection.prepare_cached(count)?.query_row((aid, now_ms), |row| row.get(0))?)
}

struct Family {
    session: Session,
    counter: u32,
    hash: [u8; 32],
    rotated_ms: i64,
    expires_ms: i64,
    ends_ms: i64,
    revoked_ms: Option<i64>,
}

impl Family {
    fn of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            session: Session { id: row.get(0)?, aid: row.get(1)?, device: row.get::<_, Option<_>>(2)?.map(DeviceKey) },
            counter: row.get(3)?,
            hash: row.get(4)?,
            rotated_ms: row.get(5)?,
            expires_ms: row.get(6)?,
            ends_ms: row.get(7)?,
            revoked_ms: row.get(8)?,
        })
    }

    fn is_over(&self, now_ms: i64) -> bool {
        self.revoked_ms.is_some() || now_ms >= self.expires_ms || now_ms >= self.ends_ms
    }
}

fn family(connection: &Connection, id: &[u8; 16]) -> Result<Option<Family>> {
    let select = format!("SELECT {COLUMNS} FROM family WHERE id = ?1");
    Ok(connection.prepare_cached(&select)?.query_row([id], Family::of_row).optional()?)
}

/// The session of a refresh token, whichever of its tokens it is. Its device, if it has one, has to prove that it asks.
///
/// # Errors
///
/// When the database fails.
pub fn of_token(connection: &Connection, token: &RefreshToken) -> Result<Option<Session>> {
    Ok(family(connection, &token.family)?.map(|family| family.session))
}

/// Gives the successor of a refresh token: a new one for the newest token, the same again for the one before it within
/// [`RefreshTimes::repeat_ms`]. An older one was copied by somebody: the session ends.
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
    let family = family(write.tx, &token.family)?.filter(|family| !family.is_over(now_ms));
    let Some(family) = family else { return Ok(Err(Code::Revoked)) };
    // A token that this server made and does not remember: the database is one of before, put back from a backup.
    let is_of_later = token.counter > family.counter;
    let is_newest = is_of_later || (token.counter == family.counter && token.hash() == family.hash);
    let is_repeated = token.counter + 1 == family.counter && now_ms - family.rotated_ms <= times.repeat_ms;
    if !is_newest && !is_repeated {
        end(write, now_ms, &family.session)?;
        return Ok(Err(Code::Revoked));
    }
    let refresh = RefreshToken::new(&write.keys.refresh, token.family, token.counter + 1);
    if is_newest {
        rotate(write, now_ms, times, &family.session, &refresh)?;
    }
    let account = records::account_id(write.tx, family.session.aid)?;
    Ok(Ok(Login { session: family.session, account, refresh }))
}

fn rotate(
    write: &Write<'_>,
    now_ms: i64,
    times: RefreshTimes,
    session: &Session,
    refresh: &RefreshToken,
) -> Result<()> {
    let update = "UPDATE family SET counter = ?2, hash = ?3, rotated_ms = ?4, expires_ms = ?5 WHERE id = ?1";
    let row = (session.id, refresh.counter, refresh.hash(), now_ms, now_ms + times.idle_ms);
    write.tx.prepare_cached(update)?.execute(row)?;
    let seen = "UPDATE device SET seen_ms = ?3 WHERE aid = ?1 AND key = ?2";
    write.tx.prepare_cached(seen)?.execute((session.aid, session.device.map(|device| device.0), now_ms))?;
    Ok(())
}

/// Ends a session; one of a device as [`end_device`] does. Says whether it was going on.
///
/// # Errors
///
/// When the database fails.
pub fn end(write: &mut Write<'_>, now_ms: i64, session: &Session) -> Result<bool> {
    if !is_going_on(write.tx, session)? {
        return Ok(false);
    }
    match session.device {
        Some(device) => _ = end_device(write, now_ms, session.aid, &device)?,
        None => {
            let revoke = "UPDATE family SET revoked_ms = ?2 WHERE id = ?1";
            write.tx.prepare_cached(revoke)?.execute((session.id, now_ms))?;
            outbox::add(write, now_ms, session.aid, Happened::Revoked { session: session.id })?;
            write.effect(Effect::Withdrawn { aid: session.aid });
        }
    }
    Ok(true)
}

/// Signs a device out of an account: its sessions end, and its connections are told. Says whether it was signed in.
///
/// # Errors
///
/// When the database fails.
pub fn end_device(write: &mut Write<'_>, now_ms: i64, aid: i64, device: &DeviceKey) -> Result<bool> {
    let ending = "SELECT id FROM family WHERE aid = ?1 AND device = ?2 AND revoked_ms IS NULL";
    let mut ending = write.tx.prepare_cached(ending)?;
    let ending: Vec<[u8; 16]> =
        ending.query_map((aid, device.0), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for session in ending {
        outbox::add(write, now_ms, aid, Happened::Revoked { session })?;
    }
    revoke_device(write, now_ms, aid, device)?;
    let update = "UPDATE device SET is_active = 0 WHERE aid = ?1 AND key = ?2 AND is_active = 1";
    let ended = write.tx.prepare_cached(update)?.execute((aid, device.0))?;
    write.effect(Effect::SignedOut { aid, device: *device });
    Ok(ended > 0)
}

/// Ends all sessions of an account but one, or all.
///
/// # Errors
///
/// When the database fails.
pub fn end_all(write: &mut Write<'_>, now_ms: i64, aid: i64, but: Option<&[u8; 16]>) -> Result<()> {
    let rows = sessions(write.tx, now_ms, aid)?;
    let ending = rows.into_iter().map(|row| row.session).filter(|session| Some(&session.id) != but);
    ending.into_iter().try_for_each(|session| end(write, now_ms, &session).map(drop))
}

/// Whether a session was not ended, as an access token of it claims.
///
/// # Errors
///
/// When the database fails.
pub fn is_going_on(connection: &Connection, session: &Session) -> Result<bool> {
    let select = "SELECT 1 FROM family WHERE id = ?1 AND aid = ?2 AND device IS ?3 AND revoked_ms IS NULL";
    let row = (session.id, session.aid, session.device.map(|device| device.0));
    Ok(connection.prepare_cached(select)?.exists(row)?)
}

/// Whether a device is signed in to an account.
///
/// # Errors
///
/// When the database fails.
pub fn is_signed_in(connection: &Connection, aid: i64, device: &DeviceKey) -> Result<bool> {
    let select = "SELECT 1 FROM device WHERE aid = ?1 AND key = ?2 AND is_active = 1";
    Ok(connection.prepare_cached(select)?.exists((aid, device.0))?)
}

/// The sessions of an account that go on, the latest used first.
///
/// # Errors
///
/// When the database fails.
pub fn sessions(connection: &Connection, now_ms: i64, aid: i64) -> Result<Vec<SessionRow>> {
    let select = format!(
        "SELECT {COLUMNS}, name, created_ms FROM family WHERE aid = ?1 AND revoked_ms IS NULL
         AND expires_ms > ?2 AND ends_ms > ?2 ORDER BY rotated_ms DESC, id"
    );
    let mut select = connection.prepare_cached(&select)?;
    let rows = select.query_map((aid, now_ms), |row| {
        let Family { session, rotated_ms: used_ms, .. } = Family::of_row(row)?;
        Ok(SessionRow { session, name: row.get(9)?, created_ms: row.get(10)?, used_ms })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::api_tokens::{self, Grant};
    use crate::accounts::records::Admission;
    use crate::accounts::{admin, mailed};
    use crate::store::{Store, StoreOptions};

    const TIMES: RefreshTimes = RefreshTimes { idle_ms: 1_000_000, total_ms: 1_000_000, repeat_ms: 0 };

    /// Runs in one transaction with an account whose password has the hash "old".
    fn with_account(act: impl FnOnce(&mut Write<'_>, i64) -> Result<()>) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("server.db"), StoreOptions::default()).unwrap();
        let outcome = store.write(|write| {
            let aid = records::sign_up(write, 0, "ana@example.org", "Ana", "old", Admission::Open)?.unwrap();
            act(write, aid)
        });
        outcome.unwrap();
    }

    fn key(number: i64) -> DeviceKey {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        DeviceKey(key)
    }

    #[test]
    fn devices_that_are_signed_out_keep_nobody_from_signing_in_and_the_eldest_are_forgotten() {
        with_account(|write, aid| {
            let enter = |write: &mut Write<'_>, number: i64| {
                sign_in(write, number, TIMES, aid, Some(key(number)), "").map(|login| login.map(drop))
            };
            for number in 0..ACCOUNT_DEVICES_MAX {
                assert_eq!(enter(write, number)?, Ok(()));
            }
            assert_eq!(enter(write, ACCOUNT_DEVICES_MAX)?, Err(Code::TooMany));
            assert_eq!(enter(write, 0)?, Ok(()), "one that is signed in is no further one");
            assert!(end_device(write, 1_000, aid, &key(1))?);
            assert_eq!(enter(write, 1_000)?, Ok(()), "in the place of another");
            for number in 1_001..1_001 + ACCOUNT_DEVICES_MAX {
                assert!(end_device(write, number, aid, &key(number - 1))?);
                assert_eq!(enter(write, number)?, Ok(()));
            }
            let devices = records::devices(write.tx, aid)?;
            let signed_out: Vec<_> = devices.iter().filter(|device| !device.is_active).map(|one| one.key).collect();
            let remembered: Vec<_> = (1_000..1_000 + ACCOUNT_DEVICES_MAX).rev().map(key).collect();
            assert_eq!((devices.len() - signed_out.len(), signed_out), (256, remembered));
            assert_eq!(enter(write, 1)?, Err(Code::TooMany));
            Ok(())
        });
    }

    #[test]
    fn a_password_that_was_right_when_it_was_checked_opens_nothing_after_it_was_changed_or_the_account_was_disabled() {
        with_account(|write, aid| {
            let log_in = |write: &mut Write<'_>, hash: &str| {
                log_in(write, 0, TIMES, (aid, hash), None, "").map(|login| login.map(drop))
            };
            assert_eq!(log_in(write, "old")?, Ok(()));
            assert!(records::change_password(write, aid, "old", "new")?);
            assert_eq!((log_in(write, "old")?, log_in(write, "new")?), (Err(Code::Credentials), Ok(())));
            admin::disable(write, 0, aid)?;
            assert_eq!(log_in(write, "new")?, Err(Code::Credentials));
            admin::enable(write, aid)?;
            let token = mailed::reset_token(write, 0, "ana@example.org")?.unwrap();
            assert!(mailed::reset_password(write, 1, &token, "newer")?.is_ok());
            assert_eq!((log_in(write, "new")?, log_in(write, "newer")?), (Err(Code::Credentials), Ok(())));
            Ok(())
        });
    }

    #[test]
    fn a_session_that_was_ended_leaves_nothing_that_outlasts_it() {
        with_account(|write, aid| {
            let login = sign_in(write, 0, TIMES, aid, None, "")?.unwrap();
            let make = |write: &mut Write<'_>| {
                let issued = unless_ended(write, &login.session, |write| {
                    api_tokens::issue(write, 0, aid, "report", Grant::ALL, 1)
                });
                issued.map(|issued| issued.map(drop))
            };
            assert_eq!(make(write)?, Ok(()));
            assert!(end(write, 0, &login.session)?);
            assert_eq!(make(write)?, Err(Code::Revoked));
            assert_eq!(api_tokens::tokens(write.tx, 0, aid)?.len(), 1);
            Ok(())
        });
    }
}

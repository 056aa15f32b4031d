//! Tokens that are mailed: proof that somebody reads the mail of an address. Each is good once and for a while, and only its
//! hash is kept.

use outlay_ledger::hex;
use outlay_protocol::Code;
use rusqlite::{Connection, OptionalExtension};

use super::sessions;
use crate::store::{Result, Write};

/// How long a token that sets a password is good for.
const RESET_MS: i64 = 3_600_000;
/// How long a token that proves an address is good for: people read their mail the next day.
const VERIFY_MS: i64 = 24 * 3_600_000;
/// Tokens of an account and a purpose: as many as mails get lost before people give up. The newest stay.
const TOKENS_MAX: i64 = 5;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Reset,
    Verify,
}

impl Purpose {
    const fn number(self) -> i64 {
        match self {
            Self::Reset => 1,
            Self::Verify => 2,
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Reset => "op1_",
            Self::Verify => "ov1_",
        }
    }

    const fn lasts_ms(self) -> i64 {
        match self {
            Self::Reset => RESET_MS,
            Self::Verify => VERIFY_MS,
        }
    }
}

/// A token to set the password of the account with this address, if there is one.
///
/// # Errors
///
/// When the database fails.
pub fn reset_token(write: &mut Write<'_>, now_ms: i64, email: &str) -> Result<Option<String>> {
    let mut select = write.tx.prepare_cached("SELECT aid FROM account WHERE email = ?1")?;
    let Some(aid) = select.query_row([email], |row| row.get(0)).optional()? else { return Ok(None) };
    make(write, now_ms, aid, Purpose::Reset, email).map(Some)
}

/// A token to prove the address that an account is to have, or else the one that it has, with that address; `None` if that
/// is proved.
///
/// # Errors
///
/// When the database fails.
pub fn address_token(write: &mut Write<'_>, now_ms: i64, aid: i64) -> Result<Option<(String, String)>> {
    let select = "SELECT coalesce(new_email, email) FROM account
        WHERE aid = ?1 AND (new_email IS NOT NULL OR is_verified = 0)";
    let email: Option<String> = write.tx.prepare_cached(select)?.query_row([aid], |row| row.get(0)).optional()?;
    let Some(email) = email else { return Ok(None) };
    let token = make(write, now_ms, aid, Purpose::Verify, &email)?;
    Ok(Some((email, token)))
}

fn make(write: &mut Write<'_>, now_ms: i64, aid: i64, purpose: Purpose, email: &str) -> Result<String> {
    let token = format!("{}{}", purpose.prefix(), hex::encode(&write.random::<16>()));
    let insert = "INSERT INTO mailed (hash, aid, purpose, email, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = (hash(&token), aid, purpose.number(), email, now_ms + purpose.lasts_ms());
    write.tx.prepare_cached(insert)?.execute(row)?;
    let forget = "DELETE FROM mailed WHERE aid = ?1 AND purpose = ?2 AND (expires_ms <= ?3 OR hash NOT IN
        (SELECT hash FROM mailed WHERE aid = ?1 AND purpose = ?2 ORDER BY expires_ms DESC LIMIT ?4))";
    write.tx.prepare_cached(forget)?.execute((aid, purpose.number(), now_ms, TOKENS_MAX))?;
    Ok(token)
}

/// Whose token it is, and the address it was mailed to.
fn find(connection: &Connection, now_ms: i64, purpose: Purpose, token: &str) -> Result<Option<(i64, String)>> {
    let select = "SELECT aid, email FROM mailed WHERE hash = ?1 AND purpose = ?2 AND expires_ms > ?3";
    let mut select = connection.prepare_cached(select)?;
    let row = (hash(token), purpose.number(), now_ms);
    Ok(select.query_row(row, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn hash(token: &str) -> [u8; 32] {
    blake3::hash(token.as_bytes()).into()
}

/// The address of the account whose password a token sets; `None` for what is no such token, or no longer.
///
/// # Errors
///
/// When the database fails.
pub fn address_to_reset(connection: &Connection, now_ms: i64, token: &str) -> Result<Option<String>> {
    Ok(find(connection, now_ms, Purpose::Reset, token)?.map(|(_, email)| email))
}

/// Sets the password of an account by a mailed token: its sessions end, and its other tokens of that kind are good no
/// longer. Says the address, which the token proves too.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::MailedToken`].
pub fn reset_password(
    write: &mut Write<'_>,
    now_ms: i64,
    token: &str,
    password_hash: &str,
) -> Result<std::result::Result<String, Code>> {
    let Some((aid, email)) = find(write.tx, now_ms, Purpose::Reset, token)? else { return Ok(Err(Code::MailedToken)) };
    let update =
        "UPDATE account SET password = ?2, is_verified = 1, version = version + (is_verified = 0) WHERE aid = ?1";
    write.tx.prepare_cached(update)?.execute((aid, password_hash))?;
    write.tx.prepare_cached("DELETE FROM mailed WHERE aid = ?1 AND purpose = 1")?.execute([aid])?;
    sessions::end_all(write, now_ms, aid, None)?;
    Ok(Ok(email))
}

/// Says which address an account is to have once it is proved; the present one takes that back.
///
/// # Errors
///
/// When the database fails.
pub fn ask_for_address(write: &Write<'_>, aid: i64, email: &str) -> Result<()> {
    let update = "UPDATE account SET new_email = nullif(?2, email), version = version + 1 WHERE aid = ?1";
    write.tx.prepare_cached(update)?.execute((aid, email))?;
    // Of an address that nobody asks for any more no token is good.
    let forget = "DELETE FROM mailed WHERE aid = ?1 AND purpose = 2 AND email <> ?2";
    write.tx.prepare_cached(forget)?.execute((aid, email))?;
    Ok(())
}

/// Proves an address by a mailed token. If the account was to have it, it has it from now on: tokens that were mailed to
/// the old one, which is returned, are good no longer.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::MailedToken`], or [`Code::AccountExists`] if another account has got
/// the address meanwhile.
pub fn prove_address(write: &Write<'_>, now_ms: i64, token: &str) -> Result<std::result::Result<Option<String>, Code>> {
    let Some((aid, email)) = find(write.tx, now_ms, Purpose::Verify, token)? else {
        return Ok(Err(Code::MailedToken));
    };
    let (old, new) = addresses(write.tx, aid)?;
    if old == email {
        let update = "UPDATE account SET is_verified = 1, version = version + 1 WHERE aid = ?1";
        write.tx.prepare_cached(update)?.execute([aid])?;
        let forget = "DELETE FROM mailed WHERE aid = ?1 AND purpose = 2 AND email = ?2";
        write.tx.prepare_cached(forget)?.execute((aid, email))?;
        return Ok(Ok(None));
    }
    if new.as_ref() != Some(&email) {
        return Ok(Err(Code::MailedToken));
    }
    if write.tx.prepare_cached("SELECT 1 FROM account WHERE email = ?1")?.exists([&email])? {
        return Ok(Err(Code::AccountExists));
    }
    let update =
        "UPDATE account SET email = ?2, new_email = NULL, is_verified = 1, version = version + 1 WHERE aid = ?1";
    write.tx.prepare_cached(update)?.execute((aid, email))?;
    write.tx.prepare_cached("DELETE FROM mailed WHERE aid = ?1")?.execute([aid])?;
    Ok(Ok(Some(old)))
}

fn addresses(connection: &Connection, aid: i64) -> Result<(String, Option<String>)> {
    let mut select = connection.prepare_cached("SELECT email, new_email FROM account WHERE aid = ?1")?;
    Ok(select.query_row([aid], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

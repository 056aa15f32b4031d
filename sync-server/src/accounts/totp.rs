//! Codes of an authenticator app (RFC 6238), for accounts that want a second proof at login.
//!
//! The secret is not in the database: it follows from the server's key and what is stored here. A code is good once, in its
//! half minute and the ones beside it. Recovery codes, for when the app is gone, are stored hashed and good once each.

use std::fmt::Write as _;

use outlay_ledger::hex;
use outlay_protocol::Code;
use ring::hmac;
use rusqlite::{Connection, OptionalExtension};

use crate::store::{Result, Write};

/// How long a code is shown, in milliseconds.
const STEP_MS: i64 = 30_000;
/// Steps that a phone's clock may be wrong by, and people slow.
const STEPS_BESIDE: i64 = 1;
/// What codes are taken modulo: six digits, as all apps show.
const MODULUS: u32 = 1_000_000;
/// Recovery codes that an account is given at once.
const RECOVERY_CODES: usize = 10;
/// Bytes of a recovery code: too many to try, few enough to write down.
const RECOVERY_BYTES: usize = 10;

/// A secret: as long as the hash, as RFC 4226 recommends.
#[derive(Clone, Copy)]
pub struct Secret([u8; 20]);

impl Secret {
    /// The secret that follows from a server's key and a salt.
    fn derive(key: &[u8; 32], salt: &[u8; 16]) -> Self {
        let mut secret = [0; 20];
        blake3::Hasher::new_keyed(key).update(salt).finalize_xof().fill(&mut secret);
        Self(secret)
    }

    /// As apps read it: base 32 (RFC 4648), which needs no padding here.
    pub fn base32(&self) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits = |chunk: &[u8]| chunk.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let digit =
            |bits: u64, at: u32| usize::try_from(bits >> (35 - 5 * at) & 31).map_or('A', |at| ALPHABET[at].into());
        self.0.chunks_exact(5).map(bits).flat_map(|bits| (0..8).map(move |at| digit(bits, at))).collect()
    }

    /// What an app reads from a picture.
    pub fn url(&self, email: &str) -> String {
        let mut label = String::new();
        for byte in email.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
                label.push(byte.into());
            } else {
                // Writing to a text does not fail.
                _ = write!(label, "%{byte:02X}");
            }
        }
        format!("otpauth://totp/Outlay:{label}?secret={}&issuer=Outlay", self.base32())
    }

    /// The code of a step.
    fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let bytes = tag.as_ref();
        let at = usize::from(bytes.last().map_or(0, |last| last & 15));
        let four = bytes.iter().skip(at).take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        format!("{:06}", (four & 0x7fff_ffff) % MODULUS)
    }

    /// The step of a code that is good now, if it is one after `last`.
    fn step_of(&self, now_ms: i64, code: &str, last: i64) -> Option<i64> {
        let now = now_ms.div_euclid(STEP_MS);
        // All are compared, by hashes, so that the time says nothing.
        let is_it = |step: &i64| blake3::hash(self.code(*step).as_bytes()) == blake3::hash(code.as_bytes());
        let found: Vec<i64> = (now - STEPS_BESIDE..=now + STEPS_BESIDE).filter(is_it).collect();
        found.into_iter().find(|step| *step > last)
    }
}

/// An account's authenticator as it is stored.
struct Row {
    salt: [u8; 16],
    is_on: bool,
    /// The step of the last code that was taken.
    last: i64,
}

fn row(connection: &Connection, aid: i64) -> Result<Option<Row>> {
    let mut select = connection.prepare_cached("SELECT salt, is_on, last FROM totp WHERE aid = ?1")?;
    let row = select.query_row([aid], |row| Ok(Row { salt: row.get(0)?, is_on: row.get(1)?, last: row.get(2)? }));
    Ok(row.optional()?)
}

/// Whether an account wants a code at login.
///
/// # Errors
///
/// When the database fails.
pub fn is_on(connection: &Connection, aid: i64) -> Result<bool> {
    Ok(row(connection, aid)?.is_some_and(|row| row.is_on))
}

/// Begins: a secret for the app, which counts once a code of it has come. An earlier beginning counts no longer.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::TotpOn`] if there is one that counts.
pub fn begin(write: &mut Write<'_>, aid: i64) -> Result<std::result::Result<Secret, Code>> {
    if is_on(write.tx, aid)? {
        return Ok(Err(Code::TotpOn));
    }
    let salt: [u8; 16] = write.random();
    // One for an account that was deleted meanwhile would outlive it.
    let insert =
        "INSERT OR REPLACE INTO totp (aid, salt, is_on, last) SELECT aid, ?2, 0, 0 FROM account WHERE aid = ?1";
    write.tx.prepare_cached(insert)?.execute((aid, salt))?;
    Ok(Ok(Secret::derive(&write.keys.totp, &salt)))
}

/// Turns on what was begun, by a code of the app, and returns the recovery codes.
///
/// # Errors
///
/// When the database fails. The inner error is [`Code::CodeWrong`], [`Code::TotpOn`], or [`Code::NoSuchPage`] if nothing
/// was begun.
pub fn confirm(
    write: &mut Write<'_>,
    now_ms: i64,
    aid: i64,
    code: &str,
) -> Result<std::result::Result<Vec<String>, Code>> {
    let Some(row) = row(write.tx, aid)? else { return Ok(Err(Code::NoSuchPage)) };
    if row.is_on {
        return Ok(Err(Code::TotpOn));
    }
    if !take_app_code(write, now_ms, aid, &row, code)? {
        return Ok(Err(Code::CodeWrong));
    }
    write.tx.prepare_cached("UPDATE totp SET is_on = 1 WHERE aid = ?1")?.execute([aid])?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let code = hex::encode(&write.random::<RECOVERY_BYTES>());
        let insert = "INSERT INTO recovery (aid, hash) VALUES (?1, ?2)";
        write.tx.prepare_cached(insert)?.execute((aid, recovery_hash(aid, &code)))?;
        codes.push([&code[..5], &code[5..10], &code[10..15], &code[15..]].join("-"));
    }
    Ok(Ok(codes))
}

/// Takes a code of the app or a recovery code, which is good no longer then. Says whether it was one; always, if the account
/// wants none.
///
/// # Errors
///
/// When the database fails.
pub fn take(write: &Write<'_>, now_ms: i64, aid: i64, code: &str) -> Result<bool> {
    match row(write.tx, aid)? {
        Some(row) if row.is_on => {
            Ok(take_app_code(write, now_ms, aid, &row, code)? || take_recovery_code(write, aid, code)?)
        }
        _ => Ok(true),
    }
}

fn take_app_code(write: &Write<'_>, now_ms: i64, aid: i64, row: &Row, code: &str) -> Result<bool> {
    let secret = Secret::derive(&write.keys.totp, &row.salt);
    let Some(step) = secret.step_of(now_ms, code, row.last) else { return Ok(false) };
    write.tx.prepare_cached("UPDATE totp SET last = ?2 WHERE aid = ?1")?.execute((aid, step))?;
    Ok(true)
}

fn take_recovery_code(write: &Write<'_>, aid: i64, code: &str) -> Result<bool> {
    let written: String = code.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    let delete = "DELETE FROM recovery WHERE aid = ?1 AND hash = ?2";
    Ok(write.tx.prepare_cached(delete)?.execute((aid, recovery_hash(aid, &written)))? > 0)
}

/// Eighty random bits need no slow hash.
fn recovery_hash(aid: i64, code: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("outlay server recovery code 1");
    hasher.update(&aid.to_be_bytes()).update(code.as_bytes());
    hasher.finalize().into()
}

/// Turns it off, with the recovery codes. Says whether it was on.
///
/// # Errors
///
/// When the database fails.
pub fn end(connection: &Connection, aid: i64) -> Result<bool> {
    connection.prepare_cached("DELETE FROM recovery WHERE aid = ?1")?.execute([aid])?;
    Ok(connection.prepare_cached("DELETE FROM totp WHERE aid = ?1 AND is_on = 1")?.execute([aid])? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: Secret = Secret(*b"12345678901234567890");

    #[test]
    fn codes_are_those_of_rfc_6238() {
        let expected = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, code) in expected {
            assert_eq!(RFC.code(i64::div_euclid(seconds * 1_000, STEP_MS)), code);
        }
    }

    #[test]
    fn secrets_are_written_as_apps_read_them() {
        assert_eq!(RFC.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let url = "otpauth://totp/Outlay:a%2Bb@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Outlay";
        assert_eq!(RFC.url("a+b@example.org"), url);
    }

    #[test]
    fn a_code_is_good_in_its_step_and_the_ones_beside_it_and_after_the_last_one_only() {
        let code = RFC.code(100);
        let step_at = |step: i64, last| RFC.step_of(step * STEP_MS, &code, last);
        assert_eq!([99, 100, 101].map(|step| step_at(step, 0)), [Some(100); 3]);
        assert_eq!([98, 102].map(|step| step_at(step, 0)), [None; 2]);
        assert_eq!((step_at(100, 99), step_at(100, 100)), (Some(100), None));
        assert_eq!(RFC.step_of(100 * STEP_MS, "", 0), None);
    }
}

//! The keys that sign access tokens: each has a number and follows from the server's secret and that number.
//!
//! One is in use. The next is published already, so that whoever keeps a copy of the public keys knows it when its turn
//! comes, and the one before is good for as long as a token that it signed. Which one it is stands in the database, so that
//! it changes without a restart.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use outlay_ledger::hex;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::{Result, Write};

const META_NUMBER: &str = "token_key";
const META_SINCE: &str = "token_key_since_ms";
/// The first key.
const FIRST: u32 = 1;

/// Which key is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Its number.
    pub number: u32,
    /// Since when, in milliseconds since 1970; 0 for the first.
    pub since_ms: i64,
}

impl Turn {
    /// The numbers of the keys that are good: the one in use, the next, and for so long after a change the one before.
    pub fn good(self, now_ms: i64, token_ms: i64) -> impl Iterator<Item = u32> {
        let before = self.number.checked_sub(1).filter(|number| *number >= FIRST);
        let before = before.filter(|_| now_ms.saturating_sub(self.since_ms) <= token_ms);
        [Some(self.number), self.number.checked_add(1), before].into_iter().flatten()
    }
}

/// Whose turn it is.
///
/// # Errors
///
/// When the database fails.
pub fn turn(connection: &Connection) -> Result<Turn> {
    let mut select = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    let number = select.query_row([META_NUMBER], |row| row.get(0)).optional()?.unwrap_or(FIRST);
    let since_ms = select.query_row([META_SINCE], |row| row.get(0)).optional()?.unwrap_or(0);
    Ok(Turn { number, since_ms })
}

/// Takes the next key into use.
///
/// # Errors
///
/// When the database fails.
pub fn rotate(write: &Write<'_>, now_ms: i64) -> Result<Turn> {
    let next = Turn { number: turn(write.tx)?.number.saturating_add(1), since_ms: now_ms };
    let mut upsert = write.tx.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?;
    upsert.execute((META_NUMBER, next.number))?;
    upsert.execute((META_SINCE, next.since_ms))?;
    Ok(next)
}

/// The public keys of access tokens (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Jwks {
    /// The one in use first.
    pub(crate) keys: Vec<Jwk>,
}

/// One public key (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Jwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    kid: String,
    alg: &'static str,
    r#use: &'static str,
}

/// One key.
#[derive(Clone)]
pub(super) struct TokenKey {
    pub(super) secret: [u8; 32],
    pub(super) public: [u8; 32],
}

impl TokenKey {
    /// The key of a number.
    pub(super) fn derive(secret: &[u8; 32], number: u32) -> Self {
        let secret: [u8; 32] = blake3::keyed_hash(secret, &number.to_be_bytes()).into();
        Self { secret, public: VerificationKeyBytes::from(&SigningKey::from(secret)).into() }
    }

    /// What a token calls it.
    pub(super) fn name(&self) -> String {
        hex::encode(&self.public[..8])
    }

    /// As JSON (RFC 8037).
    pub(super) fn jwk(&self) -> Jwk {
        let (x, kid) = (URL_SAFE_NO_PAD.encode(self.public), self.name());
        Jwk { kty: "OKP", crv: "Ed25519", x, kid, alg: "EdDSA", r#use: "sig" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_published_as_the_standard_says() {
        // RFC 8037, appendix A.2.
        let public = hex::fixed("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").unwrap();
        let jwk = TokenKey { secret: [0; 32], public }.jwk();
        assert_eq!(jwk.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(jwk.kid, "d75a980182b10ab7");
    }

    #[test]
    fn a_key_is_good_from_before_its_turn_until_its_last_token_has_ended() {
        let turn = Turn { number: 2, since_ms: 10_000 };
        assert_eq!(turn.good(10_600, 600).collect::<Vec<_>>(), [2, 3, 1]);
        assert_eq!(turn.good(10_601, 600).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(Turn { number: 1, since_ms: 0 }.good(0, 600).collect::<Vec<_>>(), [1, 2]);
    }
}

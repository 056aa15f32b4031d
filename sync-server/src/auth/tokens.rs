//! Access tokens: EdDSA JWTs that say which account and which device, for some minutes.
//!
//! The algorithm is that of the key, never that of a token's header. The time is an argument.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use outlay_ledger::DeviceKey;
use outlay_ledger::hex;
use serde::{Deserialize, Serialize};

use super::eddsa;
use super::keys::{Jwks, TokenKey, Turn};
use crate::accounts::AccountId;
use crate::accounts::sessions::Login;

/// The type of a token: another kind of JWT by the same key is none (RFC 9068).
const TYPE: &str = "at+jwt";

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of this server, or changed.
    #[error("the token is not one of this server")]
    Invalid,
    /// It was one.
    #[error("the token has expired")]
    Expired,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The server's id, in hexadecimal.
    pub iss: String,
    /// The account, in hexadecimal.
    pub sub: String,
    /// Whom it is for: the same server.
    pub aud: String,
    /// The device's key, in hexadecimal; none of a program that is no device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<String>,
    /// Made, in seconds since 1970.
    pub iat: i64,
    /// Good until, in seconds since 1970.
    pub exp: i64,
    /// The session (the family of refresh tokens) that it comes from, in hexadecimal.
    pub sid: String,
}

impl Claims {
    /// The account.
    pub fn account(&self) -> Option<AccountId> {
        hex::fixed(&self.sub).map(AccountId)
    }

    /// The device, if it is of one; `None` if what stands there is no key.
    pub fn device(&self) -> Option<Option<DeviceKey>> {
        self.dev.as_ref().map_or(Some(None), |text| text.parse().ok().map(Some))
    }

    /// The session.
    pub fn session(&self) -> Option<[u8; 16]> {
        hex::fixed(&self.sid)
    }
}

/// Makes and checks access tokens.
#[derive(Clone)]
pub struct AccessTokens {
    secret: [u8; 32],
    /// The keys that were good when it was last looked, by their numbers.
    keys: Arc<Mutex<BTreeMap<u32, TokenKey>>>,
    issuer: String,
    seconds: u32,
}

impl AccessTokens {
    /// With the secret that the keys follow from; `seconds` is how long a token is good for.
    pub fn new(secret: &[u8; 32], server: &DeviceKey, seconds: u32) -> Self {
        eddsa::install();
        Self { secret: *secret, keys: Arc::default(), issuer: server.to_string(), seconds }
    }

    /// How long a token is good for.
    pub fn seconds(&self) -> u32 {
        self.seconds
    }

    /// The public keys, as a JSON Web Key Set (RFC 7517).
    pub fn published(&self, now_ms: i64, turn: Turn) -> Jwks {
        Jwks { keys: self.good(now_ms, turn).iter().map(TokenKey::jwk).collect() }
    }

    /// The keys that are good, the one in use first.
    fn good(&self, now_ms: i64, turn: Turn) -> Vec<TokenKey> {
        let good: Vec<u32> = turn.good(now_ms, i64::from(self.seconds) * 1_000).collect();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|number, _| good.contains(number));
        let key = |number| keys.entry(number).or_insert_with(|| TokenKey::derive(&self.secret, number)).clone();
        good.into_iter().map(key).collect()
    }

    /// A token.
    ///
    /// # Errors
    ///
    /// [`TokenError::Invalid`] if the key cannot sign, which no key of this server does.
    pub fn issue(&self, now_ms: i64, turn: Turn, login: &Login) -> Result<String, TokenError> {
        let key = self.good(now_ms, turn).into_iter().next().ok_or(TokenError::Invalid)?;
        let iat = now_ms.div_euclid(1000);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: login.account.to_string(),
            dev: login.session.device.map(|device| device.to_string()),
            iat,
            exp: iat + i64::from(self.seconds),
            sid: hex::encode(&login.session.id),
        };
        let header = Header { typ: Some(TYPE.into()), kid: Some(key.name()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, &claims, &EncodingKey::from_ed_der(&key.secret)).map_err(|_| TokenError::Invalid)
    }

    /// What a token says.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] for every text that is no token of this server that is good now.
    pub fn check(&self, now_ms: i64, turn: Turn, token: &str) -> Result<Claims, TokenError> {
        let named = decode_header(token).map_err(|_| TokenError::Invalid)?.kid;
        let key = self.good(now_ms, turn).into_iter().find(|key| Some(key.name()) == named);
        let key = DecodingKey::from_ed_der(&key.ok_or(TokenError::Invalid)?.public);
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Expiry is judged below, by the time that was given.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.issuer]);
        let data = decode::<Claims>(token, &key, &validation).map_err(|_| TokenError::Invalid)?;
        if data.header.typ.as_deref() != Some(TYPE) {
            return Err(TokenError::Invalid);
        }
        if data.claims.exp <= now_ms.div_euclid(1000) { Err(TokenError::Expired) } else { Ok(data.claims) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Session;
    use crate::auth::RefreshToken;

    const TURN: Turn = Turn { number: 1, since_ms: 0 };
    const ACCOUNT: AccountId = AccountId([7; 16]);
    const DEVICE: DeviceKey = DeviceKey([8; 32]);

    fn login(device: Option<DeviceKey>) -> Login {
        let session = Session { aid: 1, id: [9; 16], device };
        Login { session, account: ACCOUNT, refresh: RefreshToken::new(&[0; 32], session.id, 1) }
    }

    fn tokens() -> AccessTokens {
        AccessTokens::new(&[1; 32], &DeviceKey([2; 32]), 600)
    }

    #[test]
    fn a_token_says_what_it_was_made_for_until_it_expires() {
        let token = tokens().issue(5_000, TURN, &login(Some(DEVICE))).unwrap();
        let claims = tokens().check(604_999, TURN, &token).unwrap();
        let said = (claims.account(), claims.device(), claims.session());
        assert_eq!(said, (Some(ACCOUNT), Some(Some(DEVICE)), Some([9; 16])));
        assert_eq!(tokens().check(605_000, TURN, &token), Err(TokenError::Expired));
    }

    #[test]
    fn a_token_that_was_changed_or_is_of_another_key_server_or_type_is_none() {
        let token = tokens().issue(0, TURN, &login(None)).unwrap();
        assert_eq!(tokens().check(0, TURN, &token).unwrap().device(), Some(None));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            // The last character of base64 has bits that say nothing.
            let changed = String::from_utf8(changed).unwrap();
            assert!(at + 1 == token.len() || tokens().check(0, TURN, &changed).is_err(), "{at}");
        }
        let other_key = AccessTokens::new(&[3; 32], &DeviceKey([2; 32]), 600);
        let other_server = AccessTokens::new(&[1; 32], &DeviceKey([4; 32]), 600);
        assert_eq!(other_key.check(0, TURN, &token), Err(TokenError::Invalid));
        assert_eq!(other_server.check(0, TURN, &token), Err(TokenError::Invalid));
        let claims = tokens().check(0, TURN, &token).unwrap();
        let key = TokenKey::derive(&[1; 32], 1);
        let untyped = Header { kid: Some(key.name()), ..Header::new(Algorithm::EdDSA) };
        let untyped = encode(&untyped, &claims, &EncodingKey::from_ed_der(&key.secret)).unwrap();
        assert_eq!(tokens().check(0, TURN, &untyped), Err(TokenError::Invalid));
        // {"alg":"none"} and an empty signature.
        let body = token.split('.').nth(1).unwrap();
        assert_eq!(tokens().check(0, TURN, &format!("eyJhbGciOiJub25lIn0.{body}.")), Err(TokenError::Invalid));
    }

    #[test]
    fn a_token_outlives_the_turn_of_its_key_and_no_longer() {
        let tokens = tokens();
        let token = tokens.issue(0, TURN, &login(None)).unwrap();
        let next = Turn { number: 2, since_ms: 300_000 };
        assert!(tokens.check(599_000, next, &token).is_ok());
        assert_eq!(tokens.check(600_000, next, &token), Err(TokenError::Expired));
        assert_eq!(tokens.check(900_001, next, &token), Err(TokenError::Invalid), "its key is retired");
        let newer = tokens.issue(300_000, next, &login(None)).unwrap();
        assert!(tokens.check(300_000, TURN, &newer).is_ok(), "one of the next key, before it is known to be in use");
        let numbers = |turn| tokens.published(600_000, turn).keys.len();
        assert_eq!((numbers(TURN), numbers(next)), (2, 3));
    }
}

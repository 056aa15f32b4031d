//! Refresh tokens as text: a login, a number, and a keyed hash of both.
//!
//! The successor of a token follows from the server's key, so that an answer that was lost can be given again; what counts
//! is decided by [`crate::accounts`].

use std::fmt;

use outlay_ledger::hex;

const PREFIX: &str = "or1_";

/// One refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The login it belongs to.
    pub family: [u8; 16],
    /// Its number, from 1.
    pub counter: u32,
    mac: [u8; 32],
}

impl RefreshToken {
    /// The token of a login with this number.
    pub fn new(key: &[u8; 32], family: [u8; 16], counter: u32) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(&family).update(&counter.to_be_bytes());
        Self { family, counter, mac: hasher.finalize().into() }
    }

    /// Reads a token that this server made; everything else is none.
    ///
    /// ```
    /// use outlay_server::auth::RefreshToken;
    /// let token = RefreshToken::new(&[1; 32], [2; 16], 3);
    /// assert_eq!(RefreshToken::parse(&[1; 32], &token.to_string()), Some(token));
    /// assert_eq!(RefreshToken::parse(&[9; 32], &token.to_string()), None);
    /// ```
    pub fn parse(key: &[u8; 32], text: &str) -> Option<Self> {
        let bytes: [u8; 52] = hex::fixed(text.strip_prefix(PREFIX)?)?;
        let family = bytes[..16].try_into().ok()?;
        let token = Self::new(key, family, u32::from_be_bytes(bytes[16..20].try_into().ok()?));
        // Comparing hashes takes the same time wherever they differ.
        let given = blake3::Hash::from_bytes(bytes[20..].try_into().ok()?);
        (blake3::Hash::from_bytes(token.mac) == given).then_some(token)
    }

    /// What is stored of it.
    pub fn hash(&self) -> [u8; 32] {
        blake3::hash(self.to_string().as_bytes()).into()
    }
}

impl fmt::Display for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counter = self.counter.to_be_bytes();
        write!(f, "{PREFIX}{}{}{}", hex::encode(&self.family), hex::encode(&counter), hex::encode(&self.mac))
    }
}

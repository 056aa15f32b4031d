//! Accounts: signing up and in, the devices of an account, and its sessions.
//!
//! [`records`] and [`sessions`] are what the database says, synchronous and with the time as an argument; [`routes`] is
//! their HTTP face; [`mailed`] and `mailing` are the same for what needs mail, and
//! `leaving` is how an account goes and what it takes along; [`totp`] and `second` are codes of an authenticator app.
//! An unknown address and a wrong password cannot be told apart: not by the text, the status, or the time.

pub mod admin;
pub mod api_tokens;
mod attempts;
pub(crate) mod leaving;
pub mod mailed;
pub(crate) mod mailing;
pub mod passwords;
pub mod profile;
pub mod records;
pub mod routes;
pub(crate) mod second;
pub mod sessions;
pub mod totp;

use std::fmt;

use outlay_ledger::hex;

pub use attempts::{Attempts, Guess};
pub use sessions::Session;

/// An account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub [u8; 16]);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// Bytes of an e-mail address (RFC 5321).
const EMAIL_BYTES_MAX: usize = 254;
/// Bytes of a password at least.
const PASSWORD_BYTES_MIN: usize = 8;
/// Guesses, in the order in which people guess, that a password must withstand: the delays after failed logins make that
/// many take a week.
const GUESSES_MIN: u64 = 10_000;
/// Bytes of a password at most: hashing takes the same time for all, reading does not.
const PASSWORD_BYTES_MAX: usize = 256;
/// Bytes of the name of a person or a device.
const NAME_BYTES_MAX: usize = 128;

/// An address as it is compared: trimmed and lower case; `None` if it cannot be one.
///
/// ```
/// use outlay_server::accounts::email;
/// assert_eq!(email(" Ana@Example.org "), Some("ana@example.org".into()));
/// assert_eq!(email("ana"), None);
/// assert_eq!(email("a@b\n"), Some("a@b".into()));
/// ```
pub fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, host) = text.rsplit_once('@')?;
    let is_plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    (!local.is_empty() && !host.is_empty() && is_plain && text.len() <= EMAIL_BYTES_MAX).then_some(text)
}

/// Whether a text can be a password at all.
fn is_password(text: &str) -> bool {
    (PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&text.len())
}

/// Whether a password may be chosen: it can be one, and is not among the first that everybody tries.
///
/// ```
/// use outlay_server::accounts::may_be_chosen;
/// assert!(may_be_chosen("ticket to the harbour", &["ana@example.org"]));
/// assert!(!may_be_chosen("password1", &[]));
/// assert!(!may_be_chosen("ana@example.org", &["ana@example.org"]));
/// assert!(!may_be_chosen("short", &[]));
/// ```
pub fn may_be_chosen(password: &str, known: &[&str]) -> bool {
    is_password(password) && zxcvbn::zxcvbn(password, known).guesses() >= GUESSES_MIN
}

/// A name, cut to what is stored.
fn name(text: &str) -> String {
    let mut end = text.len().min(NAME_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].chars().filter(|c| !c.is_control()).collect()
}

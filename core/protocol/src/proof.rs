//! The proof that a token is in the hands of its device.

use outlay_ledger::DeviceKey;

/// What a device signs, with [`outlay_ledger::signature::DeviceSecret::sign_digest`], to use a token on a connection.
///
/// `server` is the server's id and `nonce` the bytes that it chose for this connection: a proof is good for one server, one
/// connection and one token.
///
/// ```
/// use outlay_protocol::proof::digest;
/// assert_ne!(digest(&[1; 32], &[2; 16], "token"), digest(&[1; 32], &[3; 16], "token"));
/// ```
pub fn digest(server: &[u8; 32], nonce: &[u8; 16], token: &str) -> [u8; 32] {
    let token = blake3::hash(token.as_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"outlay/auth/1").update(server).update(nonce).update(token.as_bytes());
    hasher.finalize().into()
}

/// What a device signs to sign up or in: that the key it names is its own. `email` is the address as it is sent with it.
///
/// ```
/// use outlay_protocol::proof::{digest, sign_in_digest};
/// let asked = sign_in_digest(&[1; 32], &[2; 16], "ana@example.org");
/// assert_ne!(asked, sign_in_digest(&[1; 32], &[2; 16], "ben@example.org"));
/// assert_ne!(asked, digest(&[1; 32], &[2; 16], "ana@example.org"), "a proof for a connection is none for this");
/// ```
pub fn sign_in_digest(server: &[u8; 32], nonce: &[u8; 16], email: &str) -> [u8; 32] {
    let email = blake3::hash(email.as_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"outlay/sign-in/1").update(server).update(nonce).update(email.as_bytes());
    hasher.finalize().into()
}

/// What a device and one that comes beside it both sign, so that the account takes the further one as its own: the first
/// says that it wants it, the other that its key is not somebody else's.
///
/// ```
/// use outlay_ledger::DeviceKey;
/// use outlay_protocol::proof::{digest, further_device_digest};
/// let asked = further_device_digest(&[1; 32], &[2; 16], "token", &DeviceKey([4; 32]));
/// assert_ne!(asked, further_device_digest(&[1; 32], &[2; 16], "token", &DeviceKey([5; 32])));
/// assert_ne!(asked, digest(&[1; 32], &[2; 16], "token"), "a proof for a connection is none for this");
/// ```
pub fn further_device_digest(server: &[u8; 32], nonce: &[u8; 16], token: &str, further: &DeviceKey) -> [u8; 32] {
    let token = blake3::hash(token.as_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"outlay/device/1").update(server).update(nonce).update(token.as_bytes()).update(&further.0);
    hasher.finalize().into()
}

//! The proof that a token is in the hands of its device.

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

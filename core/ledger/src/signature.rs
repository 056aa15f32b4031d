//! Signatures: the one predicate by which a signature is good, and the secret that makes one.
//!
//! A signature is Ed25519 under ZIP-215 rules, which is the reading under which checking one by one and checking a batch
//! agree on every input, and keys of small order are refused: under such a key one signature fits many messages.
//! Commits and invites are both checked here, so no second opinion exists.
//!
//! It makes no keys: whoever creates a [`DeviceSecret`] brings 32 random bytes.

use std::fmt;

use ed25519_zebra::{Signature, SigningKey, VerificationKey, VerificationKeyBytes, batch};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zeroize::Zeroize;

use crate::id::{CommitId, DeviceKey};

/// How many signatures are checked in one multiplication. More gains little and holds more points in memory at once.
pub const BATCH_SIGNATURES_MAX: usize = 1024;

/// Below this many, one by one is as fast as a batch.
const SPLIT_SIGNATURES_MIN: usize = 4;

/// How often each signature of a batch with bad ones in it may be looked at in batches before the rest is checked one by
/// one: a sender of bad signatures buys at most this much work, while one bad one among 1,024 is still found by halves.
const LOOKS_PER_SIGNATURE: usize = 4;

/// The seven values of y (little-endian, sign bit clear) that encode the eight points of small order: 0, 1, p − 1, the
/// two of order 8, and 0 and 1 written as p and p + 1.
const SMALL_ORDER_Y: [[u8; 32]; 7] = [
    [0; 32],
    first_and_last(0x01, 0x00, 0x00),
    first_and_last(0xec, 0xff, 0x7f),
    first_and_last(0xed, 0xff, 0x7f),
    first_and_last(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

const fn first_and_last(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// Whether a key is of small order, in whatever encoding. Nothing such a key signs is ever good.
pub fn is_weak(key: &DeviceKey) -> bool {
    let mut y = key.0;
    y[31] &= 0x7f;
    SMALL_ORDER_Y.contains(&y)
}

/// Whether `signature` by `key` on `message` is good.
///
/// ```
/// use outlay_ledger::CommitId;
/// use outlay_ledger::signature::{DeviceSecret, verify};
///
/// let secret = DeviceSecret::from_bytes([7; 32]);
/// let commit = CommitId([1; 32]);
/// let signature = secret.sign(&commit);
/// assert!(verify(&secret.public(), commit.as_bytes(), &signature));
/// assert!(!verify(&secret.public(), &[2; 32], &signature));
/// ```
pub fn verify(key: &DeviceKey, message: &[u8], signature: &[u8; 64]) -> bool {
    !is_weak(key)
        && VerificationKey::try_from(key.0)
            .is_ok_and(|key| key.verify(&Signature::from_bytes(signature), message).is_ok())
}

/// Says of each (key, commit, signature) whether it is good: exactly what [`verify`] says of it alone, at about half the
/// cost when all are good.
///
/// The random coefficients that a batch needs come from a hash of the whole batch, so the answer is reproducible and
/// nobody can choose signatures to fit them.
///
/// ```
/// use outlay_ledger::CommitId;
/// use outlay_ledger::signature::{DeviceSecret, verify_batch};
///
/// let secret = DeviceSecret::from_bytes([7; 32]);
/// let (one, two) = (CommitId([1; 32]), CommitId([2; 32]));
/// let signature = secret.sign(&one);
/// assert_eq!(verify_batch(&[(secret.public(), one, signature), (secret.public(), two, signature)]), [true, false]);
/// ```
pub fn verify_batch(signed: &[(DeviceKey, CommitId, [u8; 64])]) -> Vec<bool> {
    let mut good: Vec<bool> = signed.iter().map(|(key, _, _)| !is_weak(key)).collect();
    let strong: Vec<usize> = (0..signed.len()).filter(|&at| good[at]).collect();
    for part in strong.chunks(BATCH_SIGNATURES_MAX) {
        let mut looks = part.len() * LOOKS_PER_SIGNATURE;
        settle(signed, part, &mut looks, &mut good);
    }
    good
}

/// Settles the signatures at `part`: all good at once, else by halves, else one by one. `good` starts as true.
fn settle(signed: &[(DeviceKey, CommitId, [u8; 64])], part: &[usize], looks: &mut usize, good: &mut [bool]) {
    if part.len() < SPLIT_SIGNATURES_MIN || *looks < part.len() {
        for &at in part {
            let (key, commit, signature) = &signed[at];
            good[at] = verify(key, commit.as_bytes(), signature);
        }
        return;
    }
    *looks -= part.len();
    if all_good(signed, part) {
        return;
    }
    let (left, right) = part.split_at(part.len() / 2);
    settle(signed, left, looks, good);
    settle(signed, right, looks, good);
}

fn all_good(signed: &[(DeviceKey, CommitId, [u8; 64])], part: &[usize]) -> bool {
    let mut verifier = batch::Verifier::new();
    let mut seed = blake3::Hasher::new();
    seed.update(b"outlay/batch/1");
    for &at in part {
        let (key, commit, signature) = &signed[at];
        seed.update(&key.0).update(&commit.0).update(signature);
        verifier.queue((VerificationKeyBytes::from(key.0), Signature::from_bytes(signature), commit.as_bytes()));
    }
    verifier.verify(ChaCha20Rng::from_seed(*seed.finalize().as_bytes())).is_ok()
}

/// A device's secret key, or the one-time secret of an invite.
///
/// The bytes are overwritten when it is dropped and never printed.
pub struct DeviceSecret(SigningKey);

impl DeviceSecret {
    /// The secret with these 32 random bytes as its seed.
    pub fn from_bytes(seed: [u8; 32]) -> Self {
        Self(SigningKey::from(seed))
    }

    /// The seed, to be put into a key store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public key that names the device.
    pub fn public(&self) -> DeviceKey {
        DeviceKey(VerificationKeyBytes::from(&self.0).into())
    }

    /// Signs a commit.
    pub fn sign(&self, commit: &CommitId) -> [u8; 64] {
        self.sign_digest(commit.as_bytes())
    }

    /// Signs a hash that carries its own domain, as that of an invite does.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> [u8; 64] {
        self.0.sign(digest).to_bytes()
    }
}

impl Drop for DeviceSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceSecret(of {})", self.public())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order of the group, little-endian: adding it to s makes a second encoding of the same scalar.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];

    type Signed = (DeviceKey, CommitId, [u8; 64]);

    fn signed(number: u8) -> Signed {
        let secret = DeviceSecret::from_bytes([number % 5; 32]);
        let commit = CommitId(*blake3::hash(&[number]).as_bytes());
        (secret.public(), commit, secret.sign(&commit))
    }

    fn weak_keys() -> Vec<DeviceKey> {
        let with_sign = |mut y: [u8; 32]| {
            y[31] |= 0x80;
            y
        };
        SMALL_ORDER_Y.iter().flat_map(|&y| [DeviceKey(y), DeviceKey(with_sign(y))]).collect()
    }

    /// R = the identity and s = 0: fits every message under a key of small order.
    fn empty_signature() -> [u8; 64] {
        let mut signature = [0; 64];
        signature[0] = 1;
        signature
    }

    fn with_greater_scalar(mut item: Signed) -> Signed {
        let mut carry = 0u16;
        for (byte, add) in item.2[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            [*byte, _] = sum.to_le_bytes();
            carry = sum >> 8;
        }
        item
    }

    fn assert_single_is_batch(items: &[Signed]) -> Vec<bool> {
        let single: Vec<bool> = items.iter().map(|(key, id, signature)| verify(key, &id.0, signature)).collect();
        assert_eq!(verify_batch(items), single);
        single
    }

    #[test]
    fn the_listed_keys_are_the_ones_that_sign_everything() {
        for key in weak_keys() {
            assert!(is_weak(&key));
            let unguarded = VerificationKey::try_from(key.0).expect("a point");
            for message in [b"one", b"two"] {
                assert!(unguarded.verify(&Signature::from_bytes(&empty_signature()), message).is_ok(), "{key}");
            }
        }
        for number in 0..5 {
            let (key, id, _) = signed(number);
            assert!(!is_weak(&key));
            assert!(!verify(&key, &id.0, &empty_signature()));
        }
    }

    #[test]
    fn good_signatures_pass_alone_and_together() {
        let items: Vec<Signed> = (0..100).map(signed).collect();
        assert!(assert_single_is_batch(&items).into_iter().all(|good| good));
        assert!(assert_single_is_batch(&[]).is_empty());
    }

    #[test]
    fn weak_keys_and_odd_encodings_get_one_verdict() {
        let mut items: Vec<Signed> = (0..20).map(signed).collect();
        let weak = weak_keys();
        items.extend(weak.iter().map(|&key| (key, CommitId([9; 32]), empty_signature())));
        items.push(with_greater_scalar(signed(1)));
        // y = p + 3 is 3 written in a second way; y = 2 is on no point.
        items.push((DeviceKey(first_and_last(0xf0, 0xff, 0x7f)), CommitId([9; 32]), empty_signature()));
        items.push((DeviceKey(first_and_last(2, 0, 0)), CommitId([9; 32]), empty_signature()));
        // R written as p + 1 is the identity too; s = 0 fits no honest key.
        let mut odd = signed(2);
        odd.2[..32].copy_from_slice(&first_and_last(0xee, 0xff, 0x7f));
        items.push(odd);
        let good = assert_single_is_batch(&items);
        assert_eq!(good.iter().filter(|good| **good).count(), 20, "only the honest ones");
    }

    #[test]
    fn a_point_of_small_order_in_r_gets_one_verdict() {
        // ZIP-215 multiplies by the cofactor, so R = [r]B + T passes for an s made over that R. Without the secret the
        // nearest thing is the bare T, which must fail alone and in a batch alike.
        let items: Vec<Signed> = weak_keys()
            .into_iter()
            .map(|point| {
                let mut item = signed(3);
                item.2[..32].copy_from_slice(&point.0);
                item
            })
            .chain((0..8).map(signed))
            .collect();
        assert_eq!(assert_single_is_batch(&items).iter().filter(|good| **good).count(), 8);
    }

    #[test]
    fn bad_ones_are_named_wherever_and_however_many_they_are() {
        for (count, every) in [(1, 1), (3, 2), (64, 64), (200, 67), (200, 3), (200, 1)] {
            let mut items: Vec<Signed> = (0..count).map(signed).collect();
            for item in items.iter_mut().step_by(every) {
                item.2[5] ^= 1;
            }
            let bad = assert_single_is_batch(&items).iter().filter(|good| !**good).count();
            assert_eq!(bad, usize::from(count).div_ceil(every));
        }
    }

    #[test]
    fn a_signature_fits_one_key_and_one_commit() {
        let (key, id, signature) = signed(1);
        let (other, _, _) = signed(2);
        assert_eq!(
            assert_single_is_batch(&[(other, id, signature), (key, CommitId([0; 32]), signature)]),
            [false, false]
        );
    }

    #[test]
    fn printing_a_secret_shows_the_public_key_only() {
        let secret = DeviceSecret::from_bytes([0xa5; 32]);
        let text = format!("{secret:?}");
        assert!(text.contains(&secret.public().to_string()) && !text.contains("a5a5"));
        assert_eq!(secret.as_bytes(), &[0xa5; 32]);
    }
}

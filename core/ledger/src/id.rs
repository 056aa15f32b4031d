//! Identifiers: fixed-width bytes with one text form.
//!
//! Every id is opaque bytes; none carries a time or an order that code may rely on. The text form is lower-case
//! hexadecimal, and parsing accepts nothing else, so equal ids have equal texts.
//!
//! Ids are never random here: callers hand in the bytes (see [`crate::commit`] for how each is derived).

use std::fmt;
use std::str::FromStr;

use crate::hex;

/// A text that is not an id of the wanted width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is {expected} lower-case hexadecimal digits")]
pub struct IdError {
    /// How many digits this kind of id has.
    pub expected: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $width:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $width]);

        impl $name {
            /// How many bytes this id has.
            pub const WIDTH: usize = $width;

            /// The bytes of the id.
            pub const fn as_bytes(&self) -> &[u8; $width] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = IdError;

            fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
                bytes.try_into().map(Self).map_err(|_| IdError { expected: $width * 2 })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex::write(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                hex::fixed(text).map(Self).ok_or(IdError { expected: $width * 2 })
            }
        }
    };
}

id!(
    /// A ledger: the first 16 bytes of the id of its genesis commit, so nobody can forge a root.
    ///
    /// ```
    /// use outlay_ledger::LedgerId;
    /// let id = LedgerId([0xab; 16]);
    /// assert_eq!(id.to_string(), "ab".repeat(16));
    /// assert_eq!(id.to_string().parse::<LedgerId>(), Ok(id));
    /// assert!("AB".repeat(16).parse::<LedgerId>().is_err(), "one text form only");
    /// ```
    LedgerId,
    16
);
id!(
    /// A document: one thing of a ledger (an expense, an account, a category, …).
    DocumentId,
    16
);
id!(
    /// A commit: BLAKE3 of its header and record ids. What a signature signs.
    CommitId,
    32
);
id!(
    /// A record inside a commit: what stands for its payload in the commit id, and stays when the payload is purged.
    RecordId,
    32
);
id!(
    /// One process's run of commits in one ledger, and the automerge actor of the changes in them.
    FeedId,
    16
);
id!(
    /// A person in a ledger.
    MemberId,
    16
);
id!(
    /// A device: the bytes of its Ed25519 public key.
    DeviceKey,
    32
);
id!(
    /// The hash automerge gives a change: SHA-256 of its chunk.
    ChangeHash,
    32
);
id!(
    /// What a user did in one go, a whole import too; several commits may share it.
    ActionId,
    8
);

id!(
    /// A file beside a ledger: BLAKE3 of its bytes.
    BlobHash,
    32
);

impl BlobHash {
    /// The hash of a file.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

/// The first bytes of a BLAKE3 hash.
pub(crate) fn truncated<const N: usize>(hasher: blake3::Hasher) -> [u8; N] {
    const { assert!(N <= blake3::OUT_LEN) }
    let mut bytes = [0; N];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..N]);
    bytes
}

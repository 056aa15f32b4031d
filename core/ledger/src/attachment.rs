//! Attachments: files that belong to an expense, a receipt most often.
//!
//! The file itself is a blob beside the ledger, known by the BLAKE3 hash of its bytes. What a ledger holds is one register
//! for each: `attachment:` and the first half of the hash, so that two devices that attach different files change
//! different registers, and the same file attached twice is one. Cleared, the file is attached no longer.
//!
//! # Bytes
//!
//! One version byte, then a deterministic CBOR map:
//!
//! | key | | |
//! |---|---|---|
//! | 1 | hash | 32 bytes: BLAKE3 of the file |
//! | 2 | bytes | unsigned: how long the file is |
//! | 3 | media type | text, as [`crate::media`] says; absent for `application/octet-stream` |
//! | 4 | name | text; absent when it has none |
//!
//! A register of an unknown version is kept, and shown as nothing. Nothing here reads or keeps a file.

use crate::cbor::{CborError, MapReader, MapWriter};
use crate::hex;
use crate::id::BlobHash;
use crate::limits::{ATTACHMENT_NAME_BYTES_MAX, BLOB_BYTES_MAX, MEDIA_TYPE_BYTES_MAX};
use crate::media;

/// What the key of a register begins with.
pub const ATTACHMENT_PREFIX: &str = "attachment:";

const VERSION: u8 = 1;
const FIELDS_MAX: u64 = 4;
/// Bytes of the hash that stand in the key: as many as an id has, so that no two files ever share a register, and the key
/// stays within what an older version keeps of a field that it does not know.
const KEY_HASH_BYTES: usize = 16;

/// A file that belongs to an expense.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attachment {
    /// The hash of its bytes.
    pub hash: BlobHash,
    /// How many bytes it has.
    pub bytes: u64,
    /// What kind of file it is, found out from its first bytes when it was attached.
    pub media_type: String,
    /// What it is called; may be empty. It is a text to show, never a path.
    pub name: String,
}

/// The value of a register of any version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentRegister {
    /// One that this version understands.
    Attachment(Attachment),
    /// One of a newer version.
    Newer(u8),
}

/// Why bytes are not the register of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachmentError {
    /// Not the CBOR of a register, or not in its one encoding.
    #[error("the bytes are not an attachment")]
    Malformed,
    /// The file is empty or longer than [`BLOB_BYTES_MAX`].
    #[error("an attachment has 1 to {BLOB_BYTES_MAX} bytes")]
    Size,
    /// The kind of file is not written as one.
    #[error("the media type of an attachment is not one")]
    MediaType,
    /// The name is longer than [`ATTACHMENT_NAME_BYTES_MAX`].
    #[error("the name of an attachment is longer than {ATTACHMENT_NAME_BYTES_MAX} bytes")]
    Name,
}

impl From<CborError> for AttachmentError {
    fn from(_: CborError) -> Self {
        Self::Malformed
    }
}

/// The key of the register for a file.
///
/// ```
/// use outlay_ledger::BlobHash;
/// use outlay_ledger::attachment::key;
/// assert_eq!(key(&BlobHash([0xab; 32])), format!("attachment:{}", "ab".repeat(16)));
/// ```
pub fn key(hash: &BlobHash) -> String {
    format!("{ATTACHMENT_PREFIX}{}", hex::encode(&hash.0[..KEY_HASH_BYTES]))
}

impl Attachment {
    /// The bytes of the register.
    ///
    /// ```
    /// use outlay_ledger::attachment::{Attachment, AttachmentRegister};
    /// use outlay_ledger::{BlobHash, media};
    /// let file = b"%PDF-1.7 ...";
    /// let media_type = media::sniff(file).to_owned();
    /// let receipt = Attachment { hash: BlobHash::of(file), bytes: 12, media_type, name: "receipt.pdf".into() };
    /// assert_eq!(AttachmentRegister::decode(&receipt.encode())?, AttachmentRegister::Attachment(receipt));
    /// # Ok::<(), outlay_ledger::attachment::AttachmentError>(())
    /// ```
    pub fn encode(&self) -> Vec<u8> {
        let map = MapWriter::default().bytes(1, self.hash.as_bytes()).uint(2, self.bytes);
        let map = if self.media_type == media::UNKNOWN { map } else { map.text(3, &self.media_type) };
        let map = if self.name.is_empty() { map } else { map.text(4, &self.name) };
        let mut bytes = vec![VERSION];
        bytes.extend(map.finish());
        bytes
    }

    /// Whether it is within its limits.
    ///
    /// # Errors
    ///
    /// [`AttachmentError::Size`], [`AttachmentError::MediaType`] or [`AttachmentError::Name`].
    pub fn check(&self) -> Result<(), AttachmentError> {
        if !(1..=BLOB_BYTES_MAX).contains(&self.bytes) {
            return Err(AttachmentError::Size);
        }
        if self.media_type.len() > MEDIA_TYPE_BYTES_MAX || !media::is_type(&self.media_type) {
            return Err(AttachmentError::MediaType);
        }
        if self.name.len() > ATTACHMENT_NAME_BYTES_MAX { Err(AttachmentError::Name) } else { Ok(()) }
    }

    fn decode(bytes: &[u8]) -> Result<Self, AttachmentError> {
        let mut map = MapReader::new(bytes, FIELDS_MAX)?;
        let attachment = Self {
            hash: BlobHash(map.fixed(1)?.ok_or(CborError)?),
            bytes: map.uint(2)?.ok_or(CborError)?,
            media_type: map.text(3)?.unwrap_or(media::UNKNOWN).to_owned(),
            name: map.text(4)?.unwrap_or_default().to_owned(),
        };
        map.end()?;
        attachment.check()?;
        Ok(attachment)
    }
}

impl AttachmentRegister {
    /// Reads a register.
    ///
    /// # Errors
    ///
    /// An [`AttachmentError`], also for another encoding of the same value. A version beyond this one is no error.
    pub fn decode(bytes: &[u8]) -> Result<Self, AttachmentError> {
        let (version, rest) = bytes.split_first().ok_or(AttachmentError::Malformed)?;
        match *version {
            0 => Err(AttachmentError::Malformed),
            VERSION => {
                let attachment = Attachment::decode(rest)?;
                let is_canonical = attachment.encode() == bytes;
                if is_canonical { Ok(Self::Attachment(attachment)) } else { Err(AttachmentError::Malformed) }
            }
            newer => Ok(Self::Newer(newer)),
        }
    }

    /// Whether this may stand in the register of a key, less what all such keys begin with.
    pub(crate) fn belongs_to(&self, digits: &str) -> bool {
        match self {
            Self::Attachment(attachment) => {
                hex::fixed(digits) == attachment.hash.0.first_chunk::<KEY_HASH_BYTES>().copied()
            }
            Self::Newer(_) => is_of_hash(digits),
        }
    }
}

/// Whether the end of a key is half of a hash.
pub(crate) fn is_of_hash(digits: &str) -> bool {
    hex::fixed::<KEY_HASH_BYTES>(digits).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Attachment {
        Attachment { hash: BlobHash([7; 32]), bytes: 900, media_type: "image/png".into(), name: "r.png".into() }
    }

    #[test]
    fn what_is_beyond_a_limit_is_none() {
        let attachment = |change: fn(&mut Attachment)| {
            let mut attachment = receipt();
            change(&mut attachment);
            AttachmentRegister::decode(&attachment.encode())
        };
        assert_eq!(attachment(|_| ()), Ok(AttachmentRegister::Attachment(receipt())));
        assert_eq!(attachment(|a| a.bytes = 0), Err(AttachmentError::Size));
        assert_eq!(attachment(|a| a.bytes = BLOB_BYTES_MAX + 1), Err(AttachmentError::Size));
        assert_eq!(attachment(|a| a.media_type = "image".into()), Err(AttachmentError::MediaType));
        assert_eq!(attachment(|a| a.media_type = format!("a/{}", "b".repeat(126))), Err(AttachmentError::MediaType));
        assert_eq!(attachment(|a| a.name = "n".repeat(256)), Err(AttachmentError::Name));
    }

    #[test]
    fn there_is_one_encoding_and_newer_ones_are_kept() {
        let plain = Attachment { media_type: media::UNKNOWN.into(), name: String::new(), ..receipt() };
        assert_eq!(plain.encode().len(), 1 + 1 + 1 + 34 + 1 + 3, "what is by default is left out");
        let mut spelled = vec![VERSION];
        let map = MapWriter::default().bytes(1, &[7; 32]).uint(2, 900).text(3, media::UNKNOWN);
        spelled.extend(map.finish());
        assert_eq!(AttachmentRegister::decode(&spelled), Err(AttachmentError::Malformed));
        assert_eq!(AttachmentRegister::decode(&[]), Err(AttachmentError::Malformed));
        assert_eq!(AttachmentRegister::decode(&[0]), Err(AttachmentError::Malformed));
        assert_eq!(AttachmentRegister::decode(&[2, 0xff]), Ok(AttachmentRegister::Newer(2)));
    }
}

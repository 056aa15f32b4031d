//! The header of a commit: what its id covers beside the records.

use super::CommitError;
use crate::cbor::{CborError, MapReader, MapWriter};
use crate::id::{ActionId, CommitId, DeviceKey, FeedId, LedgerId, MemberId};
use crate::limits::{MEMBER_HEADS_MAX, PREVIOUS_MAX, RECORD_NUMBER_MAX};

/// The version this crate writes and judges by.
pub const FORMAT_VERSION: u64 = 1;

const VERSION: u64 = 1;
const LEDGER: u64 = 2;
const DEVICE: u64 = 3;
const NONCE: u64 = 4;
const FIRST: u64 = 5;
const COUNT: u64 = 6;
const PREVIOUS: u64 = 7;
const MEMBER_HEADS: u64 = 8;
const GENERATION: u64 = 9;
const TIME: u64 = 10;
const ACTION: u64 = 11;
const ON_BEHALF: u64 = 12;
/// In the last commit of an import; of the kind that a version which does not know it ignores.
const IMPORT_END: u64 = 13;
/// What it holds: the integer 1.
const IS_END: [u8; 1] = [1];

/// Unknown fields below this one are hashed, kept and ignored; from it on they make the commit `newer`.
const CRITICAL_FROM: u64 = 64;
/// Fields of a header, those of newer versions included.
const FIELDS_MAX: u64 = 32;

/// What a commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The version of the format by which the commit is judged.
    pub version: u64,
    /// The ledger, absent in the genesis that makes one.
    pub ledger: Option<LedgerId>,
    /// The device that signs.
    pub device: DeviceKey,
    /// Random bytes of the process that writes.
    pub nonce: [u8; 16],
    /// The number of the first record in its feed, from 1.
    pub first: u64,
    /// How many records there are.
    pub count: u64,
    /// All heads of the device's own chain that the author knew, ascending.
    pub previous: Vec<CommitId>,
    /// Heads of the member commits that the author knew, ascending.
    pub member_heads: Vec<CommitId>,
    /// The key generation of the payloads; 0 is readable.
    pub generation: u32,
    /// Milliseconds since 1970 by the author's clock. Shown, never used to order.
    pub time_ms: i64,
    /// What the user did, when several commits belong to it.
    pub action: Option<ActionId>,
    /// The member a server writes for.
    pub on_behalf: Option<MemberId>,
    /// Fields that few commits have, and those of newer versions, as they came.
    pub unknown: Vec<(u64, Vec<u8>)>,
}

impl Header {
    /// The feed that the commit belongs to.
    pub fn feed(&self) -> FeedId {
        super::feed(&self.device, &self.nonce)
    }

    /// Whether this version of the format cannot judge the commit: it is kept, relayed, and shown as made by a newer app.
    pub fn is_newer(&self) -> bool {
        self.version > FORMAT_VERSION || self.unknown.iter().any(|(key, _)| *key >= CRITICAL_FROM)
    }

    /// Says that the commit is the last one of an import.
    pub fn end_import(&mut self) {
        self.unknown.retain(|(key, _)| *key != IMPORT_END);
        let place = self.unknown.partition_point(|(key, _)| *key < IMPORT_END);
        self.unknown.insert(place, (IMPORT_END, IS_END.to_vec()));
    }

    /// Whether it says so: all rows that were taken in from outside in one go are in this commit and those before it with
    /// the same action.
    pub fn ends_import(&self) -> bool {
        self.unknown.iter().any(|(key, value)| *key == IMPORT_END && *value == IS_END)
    }

    /// The number of the last record.
    pub fn last(&self) -> u64 {
        self.first + self.count - 1
    }

    /// The header as bytes: what the commit id hashes.
    pub fn encode(&self) -> Vec<u8> {
        let map = MapWriter::default()
            .uint(VERSION, self.version)
            .bytes(LEDGER, self.ledger.unwrap_or(super::NO_LEDGER).as_bytes())
            .bytes(DEVICE, self.device.as_bytes())
            .bytes(NONCE, &self.nonce)
            .uint(FIRST, self.first)
            .uint(COUNT, self.count)
            .bytes_list(PREVIOUS, &bytes_of(&self.previous))
            .bytes_list(MEMBER_HEADS, &bytes_of(&self.member_heads))
            .uint_unless(0, GENERATION, u64::from(self.generation))
            .int(TIME, self.time_ms)
            .bytes_if(ACTION, self.action.as_ref().map(|id| id.as_bytes().as_slice()))
            .bytes_if(ON_BEHALF, self.on_behalf.as_ref().map(|id| id.as_bytes().as_slice()));
        self.unknown.iter().fold(map, |map, (key, value)| map.raw(*key, value)).finish()
    }

    /// Reads a header.
    ///
    /// # Errors
    ///
    /// [`CommitError::Malformed`] if the bytes are none. [`super::Commit::decode`] checks the rest.
    pub fn decode(bytes: &[u8]) -> Result<Self, CommitError> {
        let mut map = MapReader::new(bytes, FIELDS_MAX)?;
        let ledger = LedgerId(map.fixed(LEDGER)?.ok_or(CborError)?);
        Ok(Self {
            version: map.uint(VERSION)?.ok_or(CborError)?,
            ledger: Some(ledger).filter(|ledger| *ledger != super::NO_LEDGER),
            device: DeviceKey(map.fixed(DEVICE)?.ok_or(CborError)?),
            nonce: map.fixed(NONCE)?.ok_or(CborError)?,
            first: map.uint(FIRST)?.ok_or(CborError)?,
            count: map.uint(COUNT)?.ok_or(CborError)?,
            previous: map.fixed_list(PREVIOUS, PREVIOUS_MAX)?.into_iter().map(CommitId).collect(),
            member_heads: map.fixed_list(MEMBER_HEADS, MEMBER_HEADS_MAX)?.into_iter().map(CommitId).collect(),
            generation: u32::try_from(map.uint(GENERATION)?.unwrap_or(0)).map_err(|_| CborError)?,
            time_ms: map.int(TIME)?.ok_or(CborError)?,
            action: map.fixed(ACTION)?.map(ActionId),
            on_behalf: map.fixed(ON_BEHALF)?.map(MemberId),
            unknown: map.rest(),
        })
    }

    pub(super) fn check(&self) -> Result<(), CommitError> {
        let ascending = |ids: &[CommitId]| ids.windows(2).all(|pair| pair[0] < pair[1]);
        if self.version == 0 || self.first == 0 || self.count == 0 {
            return Err(CommitError::Count);
        }
        if self.first.checked_add(self.count).is_none_or(|end| end > RECORD_NUMBER_MAX) {
            return Err(CommitError::Count);
        }
        if self.previous.len() > PREVIOUS_MAX || self.member_heads.len() > MEMBER_HEADS_MAX {
            return Err(CommitError::TooBig);
        }
        if !ascending(&self.previous) || !ascending(&self.member_heads) {
            return Err(CommitError::NotCanonical);
        }
        let is_root = self.previous.is_empty() && self.member_heads.is_empty() && self.first == 1;
        if self.ledger == Some(super::NO_LEDGER) || (self.ledger.is_none() && !is_root) {
            return Err(CommitError::Genesis);
        }
        Ok(())
    }
}

fn bytes_of(ids: &[CommitId]) -> Vec<&[u8]> {
    ids.iter().map(|id| id.as_bytes().as_slice()).collect()
}

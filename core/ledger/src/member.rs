//! Member operations and purges: what records of kinds 1 and 3 say, and their bytes.
//!
//! A payload is one map of deterministic CBOR: integer keys ascending, minimal integers, definite lengths, key 0 the
//! number of the operation, empty lists left out. Reading encodes what was read and compares, so an operation has one
//! byte string and any other is refused. An operation with a number this version does not know is kept as it came and
//! has no effect.
//!
//! Whether an operation counts is not decided here but in [`crate::roles`].

use std::fmt;

use minicbor::Decoder;
use minicbor::data::Type;

use crate::cbor::{CborError, MapReader, MapWriter};
use crate::id::{CommitId, DeviceKey, DocumentId, LedgerId, MemberId, truncated};
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::signature::{DeviceSecret, verify};

/// Heads that a cut may name: as many devices of one member, each with its chain closed. A chain that is forked eight
/// ways on eight devices still fits.
pub const CUT_HEADS_MAX: usize = 64;

/// Commits that one `accept` may name. They fit a payload with room to spare; more go into further operations.
pub const ACCEPT_COMMITS_MAX: usize = 512;

/// How deep the values of an unknown operation may nest, so that checking them needs no more than so much stack.
const UNKNOWN_DEPTH_MAX: usize = 8;

/// Fields of an operation, those of newer versions included.
const FIELDS_MAX: u64 = 32;

const OPERATION: u64 = 0;

/// What a member may do. Ordered by how much: `Viewer < Editor < Owner`.
///
/// ```
/// use outlay_ledger::member::Role;
/// assert!(Role::Owner > Role::Editor && Role::Editor > Role::Viewer);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Reads and writes expenses and the like.
    Editor,
    /// Does everything.
    Owner,
}

impl Role {
    /// The number in bytes: 1 owner, 2 editor, 3 viewer.
    pub const fn number(self) -> u8 {
        match self {
            Self::Owner => 1,
            Self::Editor => 2,
            Self::Viewer => 3,
        }
    }

    /// The role of a number.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Owner),
            2 => Some(Self::Editor),
            3 => Some(Self::Viewer),
            _ => None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        })
    }
}

impl MemberId {
    /// The member whose first device this is: BLAKE3("outlay/member/1" ‖ device)\[..16\].
    pub fn of_first_device(device: &DeviceKey) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"outlay/member/1").update(device.as_bytes());
        Self(truncated(hasher))
    }
}

/// What a record of kind 1 says.
///
/// A `cut` is the heads of the chains of the devices concerned, up to which their commits still count; it is a set, and
/// is written ascending without repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberOperation {
    /// Makes the ledger and its first owner; only in the genesis commit.
    Genesis {
        /// The first owner.
        member: MemberId,
        /// The device that signs the genesis commit.
        device: DeviceKey,
        /// What keys the ids of outside facts; absent in a sealed ledger, where it lies in the key records.
        fact_key: Option<[u8; 32]>,
    },
    /// Adds a member with a first device, or adds a removed member again.
    Add {
        /// Who.
        member: MemberId,
        /// With which device.
        device: DeviceKey,
        /// As what.
        role: Role,
    },
    /// Removes a member with all devices; one's own removal is leaving.
    Remove {
        /// Who.
        member: MemberId,
        /// Up to where the commits of all devices of the member count.
        cut: Vec<CommitId>,
    },
    /// Gives a member another role.
    Role {
        /// Who.
        member: MemberId,
        /// The new role.
        role: Role,
        /// Of a demotion: up to where the commits of all devices of the member count for what the new role may not do.
        cut: Vec<CommitId>,
    },
    /// Adds a device to a member; by a pinned server: vouches for one.
    AddDevice {
        /// Whose.
        member: MemberId,
        /// Which.
        device: DeviceKey,
    },
    /// Puts a device in the place of one whose key is lost.
    ReplaceDevice {
        /// Whose.
        member: MemberId,
        /// The device that goes.
        old: DeviceKey,
        /// The device that comes.
        new: DeviceKey,
        /// Up to where the commits of the old device count.
        cut: Vec<CommitId>,
    },
    /// Makes a one-time key whose holder may admit one device.
    Invite {
        /// The public key.
        invite_key: DeviceKey,
        /// The role of a member who is new.
        role: Role,
        /// Who is invited; absent when anybody is.
        member: Option<MemberId>,
        /// Until when a server takes the admission, in seconds since 1970; absent when for ever. No rule of roles asks for
        /// it: what was admitted stays so, whenever it is judged.
        expires_s: Option<u64>,
    },
    /// Takes in commits that were set aside.
    Accept {
        /// Which; a set, written ascending.
        commits: Vec<CommitId>,
    },
    /// Pins a server, or changes what a pinned one may do.
    Server {
        /// The key of the server.
        key: DeviceKey,
        /// The greatest role its own commits and the devices it vouches for have.
        up_to: Role,
        /// Whether it may write for members.
        on_behalf: bool,
    },
    /// Takes a server's pin away.
    RevokeServer {
        /// The key of the server.
        key: DeviceKey,
        /// Up to where its commits count.
        cut: Vec<CommitId>,
    },
    /// Makes a device that a server vouched for a full one.
    Confirm {
        /// Which.
        device: DeviceKey,
    },
    /// Admits the device that signs the commit, by an invite. Made by [`MemberOperation::join`].
    Join {
        /// As whose device.
        member: MemberId,
        /// The device that signs the commit.
        device: DeviceKey,
        /// The public key of the invite.
        invite_key: DeviceKey,
        /// By the invite's secret over [`join_digest`].
        signature: [u8; 64],
    },
    /// Takes away a device, as when a phone is lost.
    RemoveDevice {
        /// Whose.
        member: MemberId,
        /// Which.
        device: DeviceKey,
        /// Up to where its commits count.
        cut: Vec<CommitId>,
    },
    /// An operation of a newer version: kept, without effect.
    Unknown {
        /// The number of the operation.
        number: u64,
        /// The whole payload.
        bytes: Vec<u8>,
    },
}

/// What a record of kind 3 says: forget a document for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purge {
    /// The document.
    pub document: DocumentId,
}

/// Why bytes are not a member operation or purge, or why one has no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    /// More bytes than a payload may have.
    #[error("the operation is {bytes} bytes long, more than a payload may be")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// Not a map of the fields that an operation of its number has.
    #[error("the bytes are not a member operation")]
    Malformed,
    /// The same operation, encoded otherwise.
    #[error("the operation is not in its one encoding")]
    NotCanonical,
    /// A role that this version does not know.
    #[error("{number} is not the number of a role")]
    UnknownRole {
        /// The number.
        number: u64,
    },
    /// A cut or a list of commits that is too long.
    #[error("{commits} commits are more than the operation may name")]
    TooManyCommits {
        /// How many.
        commits: usize,
    },
}

impl From<CborError> for MemberError {
    fn from(_: CborError) -> Self {
        Self::Malformed
    }
}

/// What the key of an invite signs to admit a device: BLAKE3("outlay/invite/1" ‖ ledger ‖ member ‖ device).
pub fn join_digest(ledger: &LedgerId, member: &MemberId, device: &DeviceKey) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"outlay/invite/1").update(ledger.as_bytes()).update(member.as_bytes()).update(device.as_bytes());
    hasher.finalize().into()
}

/// Whether `signature` is that of the invite for this device, by the predicate of commits.
pub fn is_join_signed(
    ledger: &LedgerId,
    member: &MemberId,
    device: &DeviceKey,
    invite_key: &DeviceKey,
    signature: &[u8; 64],
) -> bool {
    verify(invite_key, &join_digest(ledger, member, device), signature)
}

impl MemberOperation {
    /// The admission of `device` by the secret of an invite, to be written in a commit that this device signs.
    ///
    /// ```
    /// use outlay_ledger::member::{MemberOperation, is_join_signed};
    /// use outlay_ledger::signature::DeviceSecret;
    /// use outlay_ledger::{LedgerId, MemberId};
    ///
    /// let (ledger, invite, phone) = (LedgerId([1; 16]), DeviceSecret::from_bytes([2; 32]), DeviceSecret::from_bytes([3; 32]));
    /// let member = MemberId::of_first_device(&phone.public());
    /// let join = MemberOperation::join(&ledger, member, phone.public(), &invite);
    /// assert_eq!(MemberOperation::decode(&join.encode()?), Ok(join));
    /// # Ok::<(), outlay_ledger::member::MemberError>(())
    /// ```
    pub fn join(ledger: &LedgerId, member: MemberId, device: DeviceKey, invite: &DeviceSecret) -> Self {
        let signature = invite.sign_digest(&join_digest(ledger, &member, &device));
        Self::Join { member, device, invite_key: invite.public(), signature }
    }

    /// The number of the operation in bytes.
    pub const fn number(&self) -> u64 {
        match self {
            Self::Genesis { .. } => 0,
            Self::Add { .. } => 1,
            Self::Remove { .. } => 2,
            Self::Role { .. } => 3,
            Self::AddDevice { .. } => 4,
            Self::ReplaceDevice { .. } => 5,
            Self::Invite { .. } => 6,
            Self::Accept { .. } => 7,
            Self::Server { .. } => 8,
            Self::RevokeServer { .. } => 9,
            Self::Confirm { .. } => 10,
            Self::Join { .. } => 11,
            Self::RemoveDevice { .. } => 12,
            Self::Unknown { number, .. } => *number,
        }
    }

    /// The payload. Lists of commits are put in order and lose repetitions.
    ///
    /// # Errors
    ///
    /// * [`MemberError::TooManyCommits`] if a list is over [`CUT_HEADS_MAX`] or [`ACCEPT_COMMITS_MAX`].
    /// * Of [`MemberOperation::Unknown`] those of [`MemberOperation::decode`], if its bytes did not come from there.
    pub fn encode(&self) -> Result<Vec<u8>, MemberError> {
        let map = MapWriter::default().uint(OPERATION, self.number());
        let map = match self {
            Self::Genesis { member, device, fact_key } => map
                .bytes(1, member.as_bytes())
                .bytes(2, device.as_bytes())
                .bytes_if(3, fact_key.as_ref().map(|key| key.as_slice())),
            Self::Add { member, device, role } => {
                map.bytes(1, member.as_bytes()).bytes(2, device.as_bytes()).uint(3, role.number().into())
            }
            Self::Remove { member, cut } => map.bytes(1, member.as_bytes()).bytes_list(2, &ordered_cut(cut)?),
            Self::Role { member, role, cut } => {
                map.bytes(1, member.as_bytes()).uint(2, role.number().into()).bytes_list(3, &ordered_cut(cut)?)
            }
            Self::AddDevice { member, device } => map.bytes(1, member.as_bytes()).bytes(2, device.as_bytes()),
            Self::ReplaceDevice { member, old, new, cut } => map
                .bytes(1, member.as_bytes())
                .bytes(2, old.as_bytes())
                .bytes(3, new.as_bytes())
                .bytes_list(4, &ordered_cut(cut)?),
            Self::Invite { invite_key, role, member, expires_s } => {
                let map = map
                    .bytes(1, invite_key.as_bytes())
                    .uint(2, role.number().into())
                    .bytes_if(3, member.as_ref().map(|member| member.as_bytes().as_slice()));
                match expires_s {
                    Some(expires_s) => map.uint(4, *expires_s),
                    None => map,
                }
            }
            Self::Accept { commits } => map.bytes_list(1, &ordered(commits, ACCEPT_COMMITS_MAX)?),
            Self::Server { key, up_to, on_behalf } => {
                map.bytes(1, key.as_bytes()).uint(2, up_to.number().into()).uint(3, (*on_behalf).into())
            }
            Self::RevokeServer { key, cut } => map.bytes(1, key.as_bytes()).bytes_list(2, &ordered_cut(cut)?),
            Self::Confirm { device } => map.bytes(1, device.as_bytes()),
            Self::Join { member, device, invite_key, signature } => map
                .bytes(1, member.as_bytes())
                .bytes(2, device.as_bytes())
                .bytes(3, invite_key.as_bytes())
                .bytes(4, signature),
            Self::RemoveDevice { member, device, cut } => {
                map.bytes(1, member.as_bytes()).bytes(2, device.as_bytes()).bytes_list(3, &ordered_cut(cut)?)
            }
            Self::Unknown { bytes, .. } => {
                return if Self::decode(bytes)? == *self { Ok(bytes.clone()) } else { Err(MemberError::Malformed) };
            }
        };
        Ok(map.finish())
    }

    /// The operation of a payload.
    ///
    /// # Errors
    ///
    /// * [`MemberError::TooLong`], [`MemberError::TooManyCommits`] if it is over a limit.
    /// * [`MemberError::Malformed`] if it is not a map of the fields that its operation has.
    /// * [`MemberError::NotCanonical`] if it is the right map written in another way.
    /// * [`MemberError::UnknownRole`] if it gives a role that is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, MemberError> {
        if bytes.len() > PAYLOAD_BYTES_MAX {
            return Err(MemberError::TooLong { bytes: bytes.len() });
        }
        let mut map = MapReader::new(bytes, FIELDS_MAX)?;
        let operation = match required(map.uint(OPERATION)?)? {
            number @ 13.. => return decode_unknown(number, bytes),
            number => Self::read(number, &mut map)?,
        };
        map.end()?;
        if operation.encode()? == bytes { Ok(operation) } else { Err(MemberError::NotCanonical) }
    }

    fn read(number: u64, map: &mut MapReader<'_>) -> Result<Self, MemberError> {
        Ok(match number {
            0 => Self::Genesis { member: member(map, 1)?, device: device(map, 2)?, fact_key: map.fixed(3)? },
            1 => Self::Add { member: member(map, 1)?, device: device(map, 2)?, role: role(map, 3)? },
            2 => Self::Remove { member: member(map, 1)?, cut: cut(map, 2)? },
            3 => Self::Role { member: member(map, 1)?, role: role(map, 2)?, cut: cut(map, 3)? },
            4 => Self::AddDevice { member: member(map, 1)?, device: device(map, 2)? },
            5 => Self::ReplaceDevice {
                member: member(map, 1)?,
                old: device(map, 2)?,
                new: device(map, 3)?,
                cut: cut(map, 4)?,
            },
            6 => Self::Invite {
                invite_key: device(map, 1)?,
                role: role(map, 2)?,
                member: map.fixed(3)?.map(MemberId),
                expires_s: map.uint(4)?,
            },
            7 => Self::Accept { commits: commits(map, 1, ACCEPT_COMMITS_MAX)? },
            8 => Self::Server { key: device(map, 1)?, up_to: role(map, 2)?, on_behalf: claim(map, 3)? },
            9 => Self::RevokeServer { key: device(map, 1)?, cut: cut(map, 2)? },
            10 => Self::Confirm { device: device(map, 1)? },
            11 => Self::Join {
                member: member(map, 1)?,
                device: device(map, 2)?,
                invite_key: device(map, 3)?,
                signature: required(map.fixed(4)?)?,
            },
            12 => Self::RemoveDevice { member: member(map, 1)?, device: device(map, 2)?, cut: cut(map, 3)? },
            _ => return Err(MemberError::Malformed),
        })
    }
}

impl Purge {
    /// The payload.
    ///
    /// ```
    /// use outlay_ledger::{DocumentId, member::Purge};
    /// let purge = Purge { document: DocumentId([7; 16]) };
    /// assert_eq!(purge.encode()[..4], [0xa1, 0x01, 0x50, 0x07]);
    /// assert_eq!(Purge::decode(&purge.encode()), Ok(purge));
    /// ```
    pub fn encode(&self) -> Vec<u8> {
        MapWriter::default().bytes(1, self.document.as_bytes()).finish()
    }

    /// The purge of a payload.
    ///
    /// # Errors
    ///
    /// [`MemberError::Malformed`] if it is not a map with one document, [`MemberError::NotCanonical`] if it is that map
    /// written in another way.
    pub fn decode(bytes: &[u8]) -> Result<Self, MemberError> {
        let mut map = MapReader::new(bytes, FIELDS_MAX)?;
        let purge = Self { document: DocumentId(required(map.fixed(1)?)?) };
        map.end()?;
        if purge.encode() == bytes { Ok(purge) } else { Err(MemberError::NotCanonical) }
    }
}

fn required<T>(field: Option<T>) -> Result<T, MemberError> {
    field.ok_or(MemberError::Malformed)
}

fn member(map: &mut MapReader<'_>, key: u64) -> Result<MemberId, MemberError> {
    required(map.fixed(key)?).map(MemberId)
}

fn device(map: &mut MapReader<'_>, key: u64) -> Result<DeviceKey, MemberError> {
    required(map.fixed(key)?).map(DeviceKey)
}

fn role(map: &mut MapReader<'_>, key: u64) -> Result<Role, MemberError> {
    let number = required(map.uint(key)?)?;
    Role::from_number(number).ok_or(MemberError::UnknownRole { number })
}

fn claim(map: &mut MapReader<'_>, key: u64) -> Result<bool, MemberError> {
    match required(map.uint(key)?)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(MemberError::Malformed),
    }
}

fn cut(map: &mut MapReader<'_>, key: u64) -> Result<Vec<CommitId>, MemberError> {
    commits(map, key, CUT_HEADS_MAX)
}

/// Reads more than `max` too, as far as a payload goes, to say how many there are.
fn commits(map: &mut MapReader<'_>, key: u64, max: usize) -> Result<Vec<CommitId>, MemberError> {
    let commits = map.fixed_list(key, PAYLOAD_BYTES_MAX)?;
    if commits.len() > max {
        return Err(MemberError::TooManyCommits { commits: commits.len() });
    }
    Ok(commits.into_iter().map(CommitId).collect())
}

fn ordered_cut(cut: &[CommitId]) -> Result<Vec<[u8; 32]>, MemberError> {
    ordered(cut, CUT_HEADS_MAX)
}

fn ordered(commits: &[CommitId], max: usize) -> Result<Vec<[u8; 32]>, MemberError> {
    let mut ids: Vec<_> = commits.iter().map(|commit| commit.0).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > max { Err(MemberError::TooManyCommits { commits: ids.len() }) } else { Ok(ids) }
}

fn decode_unknown(number: u64, bytes: &[u8]) -> Result<MemberOperation, MemberError> {
    let mut decoder = Decoder::new(bytes);
    let mut copy = Vec::with_capacity(bytes.len());
    copy_value(&mut decoder, &mut copy, UNKNOWN_DEPTH_MAX)?;
    if copy == bytes {
        Ok(MemberOperation::Unknown { number, bytes: bytes.to_vec() })
    } else {
        Err(MemberError::NotCanonical)
    }
}

/// Writes the next value in its one encoding. What deterministic CBOR of this format has no use for is refused.
fn copy_value(decoder: &mut Decoder<'_>, copy: &mut Vec<u8>, depth: usize) -> Result<(), MemberError> {
    let depth = depth.checked_sub(1).ok_or(MemberError::Malformed)?;
    let mut write = |written: Vec<u8>| copy.extend(written);
    match decoder.datatype().map_err(CborError::from)? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
            let int = decoder.int().map_err(CborError::from)?;
            write(crate::cbor::item(|e| e.int(int)?.ok()));
        }
        Type::Bool => {
            let value = decoder.bool().map_err(CborError::from)?;
            write(crate::cbor::item(|e| e.bool(value)?.ok()));
        }
        Type::Bytes => {
            let value = decoder.bytes().map_err(CborError::from)?;
            write(crate::cbor::item(|e| e.bytes(value)?.ok()));
        }
        Type::String => {
            let value = decoder.str().map_err(CborError::from)?;
            write(crate::cbor::item(|e| e.str(value)?.ok()));
        }
        Type::Array => {
            let count = required(decoder.array().map_err(CborError::from)?)?;
            write(crate::cbor::item(|e| e.array(count)?.ok()));
            for _ in 0..count {
                copy_value(decoder, copy, depth)?;
            }
        }
        Type::Map => {
            let count = required(decoder.map().map_err(CborError::from)?)?;
            write(crate::cbor::item(|e| e.map(count)?.ok()));
            copy_fields(decoder, copy, depth, count)?;
        }
        _ => return Err(MemberError::NotCanonical),
    }
    Ok(())
}

fn copy_fields(decoder: &mut Decoder<'_>, copy: &mut Vec<u8>, depth: usize, count: u64) -> Result<(), MemberError> {
    let mut last = None;
    for _ in 0..count {
        let key = decoder.u64().map_err(CborError::from)?;
        if last.is_some_and(|last| last >= key) {
            return Err(MemberError::NotCanonical);
        }
        last = Some(key);
        copy.extend(crate::cbor::item(|e| e.u64(key)?.ok()));
        copy_value(decoder, copy, depth)?;
    }
    Ok(())
}

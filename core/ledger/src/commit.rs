//! Records in signed, chained commits.
//!
//! A commit is records made together on one device and signed once. Its id hashes a complete header and the ids of its
//! records, so what is hashed never depends on what a replica holds; leaving something out is a matter of wire and disk.
//!
//! A **feed** is one process's run of commits in one ledger: its nonce is minted when the process first writes and never
//! stored for reuse, and the feed is the automerge actor of its changes, so nobody can claim another's. `previous` names
//! all heads of the device's own chain that the author knew: a restored backup or a second process forks the chain, and
//! the next commit that knows both closes the fork.
//!
//! This module knows bytes and hashes. Who may do what is [`crate::roles`], what a change may hold is [`crate::admit`].

mod encoding;
mod header;

use crate::change::{self, Actor};
use crate::date::Month;
use crate::id::{ActionId, ChangeHash, CommitId, DeviceKey, DocumentId, FeedId, LedgerId, RecordId, truncated};
use crate::limits::{COMMIT_BYTES_MAX, COMMIT_RECORDS_MAX, PAYLOAD_BYTES_MAX};
use crate::signature::{DeviceSecret, verify};

pub use encoding::CommitError;
pub use header::{FORMAT_VERSION, Header};

/// The random bytes beside a signature that salt the record ids of a commit.
pub type Seed = [u8; 12];
/// What salts one record id.
pub type Salt = [u8; 16];

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An automerge change of a document.
    Change,
    /// A member operation; see [`crate::member`].
    Member,
    /// A key of a sealed ledger, for a member's devices.
    Key,
    /// Forgetting a document for good.
    Purge,
    /// A reference to an attachment.
    Blob,
    /// A kind of a newer version: stored and relayed, not applied.
    Unknown(u8),
}

impl Kind {
    /// The number in hashes and on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Change => 0,
            Self::Member => 1,
            Self::Key => 2,
            Self::Purge => 3,
            Self::Blob => 4,
            Self::Unknown(number) => number,
        }
    }

    /// The kind of a number.
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Change,
            1 => Self::Member,
            2 => Self::Key,
            3 => Self::Purge,
            4 => Self::Blob,
            number => Self::Unknown(number),
        }
    }

    /// Whether [`crate::roles`] reads records of this kind.
    pub const fn is_of_members(self) -> bool {
        matches!(self, Self::Member | Self::Key | Self::Purge)
    }
}

/// Whose change a record of kind 0 is, for automerge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorForm {
    /// The feed that signed it.
    Feed,
    /// Nobody's: derived from the content, so that two devices make the same change of the same outside fact.
    Content,
}

/// What a record holds, or what stands for it after it was purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The payload.
    Payload(Vec<u8>),
    /// The payload was forgotten; the id that went into the commit id stays.
    Purged(RecordId),
}

/// One entry of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The document, absent when it is the one derived from this record's feed and number.
    pub document: Option<DocumentId>,
    /// What the record is.
    pub kind: Kind,
    /// The month that the change's date says, absent when the change puts none.
    pub period: Option<Month>,
    /// Whose change it is.
    pub form: ActorForm,
    /// What it holds.
    pub body: Body,
}

impl Record {
    /// The payload, unless it was purged.
    pub fn payload(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Payload(payload) => Some(payload),
            Body::Purged(_) => None,
        }
    }
}

/// What salts the record ids of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Salts {
    /// All from one seed.
    Seed(Seed),
    /// The seed was forgotten with a purged record: the salts of the records that stayed, in their order.
    Each(Vec<Salt>),
}

/// Records made together on one device, signed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// What the signature covers beside the records.
    pub header: Header,
    /// The records, numbered from [`Header::first`] on.
    pub records: Vec<Record>,
    /// What salts their ids.
    pub salts: Salts,
    /// Ed25519 of the commit id by [`Header::device`].
    pub signature: [u8; 64],
}

impl Commit {
    /// Signs records as a commit and returns it with its id.
    ///
    /// # Errors
    ///
    /// A [`CommitError`] if it would be none that [`Commit::decode`] takes back.
    pub fn sign(
        header: Header,
        records: Vec<Record>,
        seed: Seed,
        device: &DeviceSecret,
    ) -> Result<(Self, CommitId), CommitError> {
        let mut commit = Self { header, records, salts: Salts::Seed(seed), signature: [0; 64] };
        commit.validate()?;
        let id = commit.id();
        commit.signature = device.sign(&id);
        Ok((commit, id))
    }

    /// Checks that this is a commit: that [`Commit::decode`] gives it back from its bytes. The signature is not looked at.
    ///
    /// # Errors
    ///
    /// That of [`Commit::decode`].
    pub fn validate(&self) -> Result<(), CommitError> {
        self.check()?;
        self.check_salts()?;
        // Most commits are far below the limit, and need not be encoded to know it.
        if self.bytes_at_most() > COMMIT_BYTES_MAX && self.encode().len() > COMMIT_BYTES_MAX {
            return Err(CommitError::TooBig);
        }
        // Fields of newer versions are given as bytes: only reading them tells whether they are fields.
        if !self.header.unknown.is_empty() && Self::decode(&self.encode())? != *self {
            return Err(CommitError::NotCanonical);
        }
        Ok(())
    }

    /// No fewer bytes than the encoded commit has.
    fn bytes_at_most(&self) -> usize {
        let unknown: usize = self.header.unknown.iter().map(|(_, value)| value.len() + ITEM_BYTES_MAX).sum();
        let ids = self.header.previous.len() + self.header.member_heads.len();
        let payloads: usize = self.records.iter().map(|record| record.payload().map_or(0, <[u8]>::len)).sum();
        let salts = match &self.salts {
            Salts::Seed(_) => 0,
            Salts::Each(salts) => salts.len() * (size_of::<Salt>() + ITEM_BYTES_MAX),
        };
        HEADER_BYTES_MAX
            + ids * (CommitId::WIDTH + ITEM_BYTES_MAX)
            + unknown
            + payloads
            + salts
            + self.records.len() * RECORD_BYTES_MAX
    }

    /// The id: what the signature signs, and what logs, acks and deduplication go by.
    pub fn id(&self) -> CommitId {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"outlay/commit/1").update(&self.header.encode());
        for id in self.record_ids() {
            hasher.update(id.as_bytes());
        }
        CommitId(hasher.finalize().into())
    }

    /// Whether the signature is the device's, and its key none of the weak ones.
    pub fn is_signed(&self, id: &CommitId) -> bool {
        verify(&self.header.device, id.as_bytes(), &self.signature)
    }

    /// The ids of the records, in order.
    pub fn record_ids(&self) -> impl Iterator<Item = RecordId> {
        let feed = self.header.feed();
        let mut kept_salts = match &self.salts {
            Salts::Seed(_) => [].iter(),
            Salts::Each(salts) => salts.iter(),
        };
        (self.header.first..).zip(&self.records).map(move |(n, record)| match (&record.body, &self.salts) {
            (Body::Purged(id), _) => *id,
            (Body::Payload(payload), Salts::Seed(seed)) => self.record_id(feed, n, record, payload, &salt(seed, n)),
            (Body::Payload(payload), Salts::Each(_)) => {
                let salt = kept_salts.next().copied().unwrap_or_default();
                self.record_id(feed, n, record, payload, &salt)
            }
        })
    }

    /// The ledger this commit belongs to: of a genesis, the one it makes.
    pub fn ledger(&self, id: &CommitId) -> LedgerId {
        self.header.ledger.unwrap_or_else(|| ledger_of_genesis(id))
    }

    /// The document of the record numbered `n`.
    pub fn document(&self, n: u64, record: &Record) -> DocumentId {
        record.document.unwrap_or_else(|| derived_document(self.header.feed(), n))
    }

    fn record_id(&self, feed: FeedId, n: u64, record: &Record, payload: &[u8], salt: &Salt) -> RecordId {
        let document = record.document.unwrap_or_else(|| derived_document(feed, n));
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(b"outlay/record/1")
            .update(salt)
            .update(self.header.ledger.unwrap_or(NO_LEDGER).as_bytes())
            .update(document.as_bytes())
            .update(&[record.kind.number()])
            .update(&record.period.map_or(0, Month::number).to_be_bytes())
            .update(&[form_number(record.form)])
            .update(&self.header.generation.to_be_bytes())
            .update(payload);
        RecordId(hasher.finalize().into())
    }

    /// What is asked of a commit beside its encoding and its salts.
    fn check(&self) -> Result<(), CommitError> {
        let mut feed = None;
        self.header.check()?;
        if self.records.is_empty() || self.records.len() > COMMIT_RECORDS_MAX {
            return Err(CommitError::Count);
        }
        if self.records.len() as u64 != self.header.count {
            return Err(CommitError::Count);
        }
        for (n, record) in (self.header.first..).zip(&self.records) {
            // No fact's document is derived from a feed, so most need not be computed.
            let named = record.document.filter(|document| !is_fact_document(document));
            let mut derived = || derived_document(*feed.get_or_insert_with(|| self.header.feed()), n);
            if named.is_some_and(|document| document == derived()) {
                return Err(CommitError::NotCanonical);
            }
            if record.payload().is_some_and(|payload| payload.len() > PAYLOAD_BYTES_MAX) {
                return Err(CommitError::TooBig);
            }
        }
        Ok(())
    }
}

/// Bytes of a CBOR head with its key, at most.
const ITEM_BYTES_MAX: usize = 18;
/// Bytes of a commit without lists, unknown fields and records, at most: twelve fields, signature and seed.
const HEADER_BYTES_MAX: usize = 512;
/// Bytes of a record beside its payload, at most: five fields of which one has 32 bytes.
const RECORD_BYTES_MAX: usize = 5 * ITEM_BYTES_MAX + 32;
/// Room in a commit that is being filled for header, signature and the framing of records.
const COMMIT_OVERHEAD_BYTES: usize = 4 * 1024;
/// Bytes that a record takes there beside its payload.
const RECORD_OVERHEAD_BYTES: usize = 64;
const NO_LEDGER: LedgerId = LedgerId([0; 16]);

/// How records of one action are cut into commits: how many go into each, in their order. As many as fit, and of one month
/// only if that is asked for, so that another device can fetch months apart.
///
/// ```
/// use outlay_ledger::Month;
/// use outlay_ledger::commit::{ActorForm, Body, Kind, Record, cut};
/// let record = |month: u16| Record {
///     document: None,
///     kind: Kind::Change,
///     period: Month::from_number(2026 * 12 + month - 1),
///     form: ActorForm::Feed,
///     body: Body::Payload(vec![0; 30_000]),
/// };
/// let records = [1, 1, 2, 2, 2].map(record);
/// assert_eq!(cut(&records, false), [4, 1], "a commit has 128 KiB at most");
/// assert_eq!(cut(&records, true), [2, 3]);
/// ```
pub fn cut<'a>(records: impl IntoIterator<Item = &'a Record>, by_month: bool) -> Vec<usize> {
    let mut cuts: Vec<usize> = Vec::new();
    let (mut bytes, mut month) = (0, None);
    for record in records {
        let length = record.payload().map_or(0, <[u8]>::len) + RECORD_OVERHEAD_BYTES;
        let is_other_month = by_month && month != Some(record.period);
        let is_full =
            |count: usize| count >= COMMIT_RECORDS_MAX || bytes + length > COMMIT_BYTES_MAX - COMMIT_OVERHEAD_BYTES;
        match cuts.last_mut() {
            Some(count) if !is_other_month && !is_full(*count) => {
                *count += 1;
                bytes += length;
            }
            _ => {
                cuts.push(1);
                bytes = length;
            }
        }
        month = Some(record.period);
    }
    cuts
}

/// The feed of a device's process: the automerge actor of its changes.
pub fn feed(device: &DeviceKey, nonce: &[u8; 16]) -> FeedId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(device.as_bytes()).update(nonce);
    FeedId(truncated(hasher))
}

/// The document that record `n` of a feed creates. Its top bit is clear; that of a fact's document is set.
pub fn derived_document(feed: FeedId, n: u64) -> DocumentId {
    let mut bytes = [0; 16];
    bytes[..10].copy_from_slice(&document_prefix(feed));
    bytes[10..].copy_from_slice(&n.to_be_bytes()[2..]);
    DocumentId(bytes)
}

/// The first ten bytes of every document that a feed creates.
pub fn document_prefix(feed: FeedId) -> [u8; 10] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(feed.as_bytes());
    let mut prefix: [u8; 10] = truncated(hasher);
    prefix[0] &= 0x7f;
    prefix
}

/// The document of an outside fact: the same on every device of the ledger.
///
/// `domain` says what kind of fact it is (`csv`, `account`, `category`, …), `fact` is what the source says.
pub fn fact_document(fact_key: &[u8; 32], domain: &str, fact: &[u8]) -> DocumentId {
    let mut hasher = blake3::Hasher::new_keyed(fact_key);
    hasher.update(domain.as_bytes()).update(&[0]).update(fact);
    let mut bytes: [u8; 16] = truncated(hasher);
    bytes[0] |= 0x80;
    DocumentId(bytes)
}

/// Whether a document is that of an outside fact, and not derived from a feed.
pub fn is_fact_document(document: &DocumentId) -> bool {
    document.0[0] & 0x80 != 0
}

/// The actor of a record's change.
pub fn actor(form: ActorForm, feed: FeedId, fact_key: &[u8; 32], document: &DocumentId, payload: &[u8]) -> Actor {
    match form {
        ActorForm::Feed => feed.0,
        ActorForm::Content => change::content_actor(fact_key, document, payload),
    }
}

/// The hash of the change that a record of kind 0 carries.
pub fn change_hash(payload: &[u8], actor: Actor) -> Option<ChangeHash> {
    change::hash(payload, actor)
}

/// The ledger that a genesis commit makes.
pub fn ledger_of_genesis(id: &CommitId) -> LedgerId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&id.0[..16]);
    LedgerId(bytes)
}

/// What salts the id of record `n`.
pub fn salt(seed: &Seed, n: u64) -> Salt {
    let mut hasher = blake3::Hasher::new();
    hasher.update(seed).update(&n.to_be_bytes()[2..]);
    truncated(hasher)
}

/// The action of a commit whose header names none: the commit itself.
pub fn action_of(id: &CommitId, header: &Header) -> ActionId {
    header.action.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&id.0[..8]);
        ActionId(bytes)
    })
}

const fn form_number(form: ActorForm) -> u8 {
    match form {
        ActorForm::Feed => 0,
        ActorForm::Content => 1,
    }
}

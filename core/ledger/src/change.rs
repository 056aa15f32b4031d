//! One automerge change of one document: what a record of kind 0 carries.
//!
//! automerge is the format, and the oracle in tests; it never reads bytes from outside. [`Change::parse`] is a bounded
//! reader of the subset of automerge's change chunk that a record may hold, and accepts a payload only if [`encode`], which
//! makes what automerge makes, makes exactly these bytes of what was read: so there is one encoding of a change, and nothing
//! hides beside it.
//!
//! A payload is the chunk less what the record restores: magic bytes, checksum, chunk type, length and actor.
//!
//! This module knows no field and no rule of merging; see [`crate::field`] and [`crate::fold`].
//!
//! [`encode`]: Change::encode

mod encode;
mod parse;

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::id::ChangeHash;
use crate::limits::{CHANGE_ACTORS_MAX, CHANGE_DEPS_MAX, CHANGE_OPERATIONS_MAX, CHANGE_PREDS_MAX, COUNTER_MAX};

/// An automerge actor: a feed, or the actor of a content-derived record.
pub type Actor = [u8; 16];

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHUNK_TYPE_CHANGE: u8 = 1;
const ACTOR_LENGTH: u8 = 16;

/// The id of an operation. The greater one of two concurrent operations wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId {
    /// 1 + the greatest counter the author had seen in the document.
    pub counter: u64,
    /// Whose operation it is.
    pub actor: Actor,
}

/// What a register holds. There are no floats, counters or instants in the format.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// Cleared.
    Null,
    /// A truth value: tags.
    Bool(bool),
    /// An unsigned number.
    Uint(u64),
    /// A signed number.
    Int(i64),
    /// A text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A put of a scalar on the document's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// The register.
    pub key: String,
    /// What it is to hold.
    pub value: Scalar,
    /// The operations this one replaces, ascending.
    pub pred: Vec<OpId>,
}

/// A change: operations that one actor made together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose change it is.
    pub actor: Actor,
    /// The n-th change of this actor in this document, from 1.
    pub seq: u64,
    /// The counter of the first operation.
    pub start_op: u64,
    /// The changes this one was made on top of, ascending.
    pub deps: Vec<ChangeHash>,
    /// The operations, keys ascending and distinct.
    pub ops: Vec<Op>,
}

/// Why bytes are not a change. Judged from the bytes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The payload ends early or goes on after its end.
    #[error("the payload is truncated or has bytes to spare")]
    Length,
    /// No operations, or more operations, dependencies, actors or replaced operations than a change may have.
    #[error("the payload has no operations, or more of something than allowed")]
    TooMany,
    /// A column, action, value type, time or message that no change of this format has.
    #[error("the payload holds something that this format does not have")]
    Unsupported,
    /// A text is not UTF-8.
    #[error("a text in the payload is not UTF-8")]
    NotText,
    /// Keys are not ascending and distinct.
    #[error("the keys are not ascending and distinct")]
    KeyOrder,
    /// A counter is zero or beyond what automerge can hold.
    #[error("an operation counter is out of range")]
    Counter,
    /// The same change, encoded otherwise than automerge encodes it.
    #[error("the payload is not in its one encoding")]
    NotCanonical,
}

/// A change as bytes, with its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedChange {
    /// What the record carries.
    pub payload: Vec<u8>,
    /// automerge's hash of the whole chunk.
    pub hash: ChangeHash,
}

impl Change {
    /// The counter of the last operation.
    pub fn max_op(&self) -> u64 {
        self.start_op + self.ops.len() as u64 - 1
    }

    /// The operations with their ids.
    pub fn ops_with_ids(&self) -> impl Iterator<Item = (OpId, &Op)> {
        (self.start_op..).zip(&self.ops).map(|(counter, op)| (OpId { counter, actor: self.actor }, op))
    }

    /// Encodes the change as automerge does.
    ///
    /// # Errors
    ///
    /// [`ChangeError::TooMany`], [`ChangeError::KeyOrder`] and [`ChangeError::Counter`] if it is none that [`parse`]
    /// would take back.
    ///
    /// [`parse`]: Change::parse
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_ledger::change::{Change, Op, Scalar};
    /// let op = Op { key: "name".into(), value: Scalar::Str("Food".into()), pred: vec![] };
    /// let change = Change { actor: [7; 16], seq: 1, start_op: 1, deps: vec![], ops: vec![op] };
    /// let encoded = change.encode()?;
    /// assert_eq!(Change::parse(&encoded.payload, change.actor)?, (change, encoded.hash));
    /// # Ok::<(), outlay_ledger::change::ChangeError>(())
    /// ```
    pub fn encode(&self) -> Result<EncodedChange, ChangeError> {
        self.check()?;
        let payload = encode::payload(self);
        let hash = hash(&payload, self.actor).ok_or(ChangeError::Length)?;
        Ok(EncodedChange { payload, hash })
    }

    /// Reads a payload from outside: bounded, and exact to the byte.
    ///
    /// # Errors
    ///
    /// A [`ChangeError`] that says what the payload is not.
    pub fn parse(payload: &[u8], actor: Actor) -> Result<(Self, ChangeHash), ChangeError> {
        let change = parse::change(payload, actor)?;
        let encoded = change.encode()?;
        if encoded.payload != payload {
            return Err(ChangeError::NotCanonical);
        }
        Ok((change, encoded.hash))
    }

    /// Reads a payload that this device has parsed before: bounded too, without encoding it again.
    ///
    /// # Errors
    ///
    /// As [`Change::parse`], less [`ChangeError::NotCanonical`].
    pub fn parse_stored(payload: &[u8], actor: Actor) -> Result<Self, ChangeError> {
        parse::change(payload, actor)
    }

    /// What [`Change::encode`] and both readers ask of a change, beside its encoding.
    fn check(&self) -> Result<(), ChangeError> {
        if self.ops.is_empty() || self.ops.len() > CHANGE_OPERATIONS_MAX || self.deps.len() > CHANGE_DEPS_MAX {
            return Err(ChangeError::TooMany);
        }
        let last = self.start_op.checked_add(self.ops.len() as u64 - 1);
        if self.start_op == 0 || self.seq == 0 || last.is_none_or(|last| last > COUNTER_MAX) {
            return Err(ChangeError::Counter);
        }
        let ascending = |pair: &[Op]| pair[0].key < pair[1].key;
        if !self.ops.windows(2).all(ascending) {
            return Err(ChangeError::KeyOrder);
        }
        if !self.deps.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err(ChangeError::NotCanonical);
        }
        self.check_preds()
    }

    fn check_preds(&self) -> Result<(), ChangeError> {
        let preds = || self.ops.iter().flat_map(|op| &op.pred);
        let count = preds().count();
        let actors = || preds().map(|id| id.actor).filter(|actor| *actor != self.actor).collect::<BTreeSet<_>>().len();
        if count > CHANGE_PREDS_MAX || (count > CHANGE_ACTORS_MAX && actors() > CHANGE_ACTORS_MAX) {
            return Err(ChangeError::TooMany);
        }
        if !preds().all(|id| (1..=COUNTER_MAX).contains(&id.counter)) {
            return Err(ChangeError::Counter);
        }
        Ok(())
    }
}

/// The whole automerge chunk of a payload: what the automerge crate alone can load.
///
/// ```
/// use automerge::{Automerge, Change as Chunk, ReadDoc, ROOT};
/// use outlay_ledger::change::{chunk, Change, Op, Scalar};
/// let op = Op { key: "name".into(), value: Scalar::Str("Food".into()), pred: vec![] };
/// let change = Change { actor: [7; 16], seq: 1, start_op: 1, deps: vec![], ops: vec![op] };
/// let mut document = Automerge::new();
/// let bytes = chunk(&change.encode()?.payload, [7; 16]).ok_or("not a payload")?;
/// document.apply_changes([Chunk::from_bytes(bytes)?])?;
/// assert_eq!(document.get(ROOT, "name")?.map(|(value, _)| value.into_string()), Some(Ok("Food".into())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn chunk(payload: &[u8], actor: Actor) -> Option<Vec<u8>> {
    let body = body(payload, actor)?;
    let hash = hash(payload, actor)?;
    let mut chunk = Vec::with_capacity(body.len() + 16);
    chunk.extend_from_slice(&MAGIC);
    chunk.extend_from_slice(&hash.0[..4]);
    chunk.push(CHUNK_TYPE_CHANGE);
    write_uleb(body.len() as u64, &mut chunk);
    chunk.extend_from_slice(&body);
    Some(chunk)
}

/// The hash of a payload's change, without parsing the change.
pub fn hash(payload: &[u8], actor: Actor) -> Option<ChangeHash> {
    let (before, after) = halves(payload)?;
    let mut head = Vec::with_capacity(8);
    head.push(CHUNK_TYPE_CHANGE);
    write_uleb((payload.len() + 1 + actor.len()) as u64, &mut head);
    let hasher = Sha256::new().chain_update(head).chain_update(before);
    Some(ChangeHash(hasher.chain_update([ACTOR_LENGTH]).chain_update(actor).chain_update(after).finalize().into()))
}

/// The actor of a content-derived record: the same content has the same actor on every device.
pub fn content_actor(fact_key: &[u8; 32], document: &crate::id::DocumentId, payload: &[u8]) -> Actor {
    let mut hasher = blake3::Hasher::new_keyed(fact_key);
    hasher.update(b"outlay/actor/1").update(document.as_bytes()).update(payload);
    crate::id::truncated(hasher)
}

/// What comes before the actor in a payload, and what comes behind it.
fn halves(payload: &[u8]) -> Option<(&[u8], &[u8])> {
    payload.split_at_checked(parse::deps_length(payload)?)
}

/// Puts the actor back behind the dependencies.
fn body(payload: &[u8], actor: Actor) -> Option<Vec<u8>> {
    let (before, after) = halves(payload)?;
    let mut body = Vec::with_capacity(payload.len() + 1 + actor.len());
    body.extend_from_slice(before);
    body.push(ACTOR_LENGTH);
    body.extend_from_slice(&actor);
    body.extend_from_slice(after);
    Some(body)
}

fn write_uleb(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

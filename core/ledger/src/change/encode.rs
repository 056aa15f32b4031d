//! A change as bytes: byte for byte what automerge's encoder makes of it, which is the oracle in tests.
//!
//! Columns are run-length encoded: a run of equal values is its length and the value once; values that differ from their
//! neighbours are the negative number of them and each. A column without bytes is left out.

use std::collections::BTreeMap;

use super::{Actor, Change, Op, OpId, Scalar, write_uleb};

use super::parse::{ACTION, ACTION_PUT, INSERT, KEY_TEXT, PRED_ACTOR, PRED_COUNT, PRED_COUNTER, VALUE_META, VALUE_RAW};

/// Bytes that most changes stay below: an entry has 180.
const PAYLOAD_BYTES_MOSTLY: usize = 256;

/// The payload of a change that was checked.
pub(super) fn payload(change: &Change) -> Vec<u8> {
    let preds = Preds::of(change);
    let mut out = Vec::with_capacity(PAYLOAD_BYTES_MOSTLY);
    write_uleb(change.deps.len() as u64, &mut out);
    change.deps.iter().for_each(|hash| out.extend_from_slice(&hash.0));
    write_uleb(change.seq, &mut out);
    write_uleb(change.start_op, &mut out);
    // No time and no message.
    out.extend_from_slice(&[0, 0]);
    write_uleb(preds.others.len() as u64, &mut out);
    for actor in preds.others.keys() {
        write_uleb(actor.len() as u64, &mut out);
        out.extend_from_slice(actor);
    }
    write_columns(change, &preds, &mut out);
    out
}

fn write_columns(change: &Change, preds: &Preds, out: &mut Vec<u8>) {
    let mut columns = Columns::default();
    columns.add(KEY_TEXT, |out| runs(change.ops.iter().map(|op| op.key.as_str()), write_text, out));
    columns.add(INSERT, |out| write_uleb(change.ops.len() as u64, out));
    columns.add(ACTION, |out| runs(change.ops.iter().map(|_| ACTION_PUT), write_uleb, out));
    columns.add(VALUE_META, |out| runs(change.ops.iter().map(|op| meta(&op.value)), write_uleb, out));
    columns.add(VALUE_RAW, |out| change.ops.iter().for_each(|op| write_raw(&op.value, out)));
    columns.add(PRED_COUNT, |out| runs(change.ops.iter().map(|op| op.pred.len() as u64), write_uleb, out));
    columns.add(PRED_ACTOR, |out| runs(preds.actors.iter().copied(), write_uleb, out));
    columns.add(PRED_COUNTER, |out| runs(preds.differences.iter().copied(), write_sleb, out));
    columns.write(out);
}

/// The columns that have bytes, one behind the other.
#[derive(Default)]
struct Columns {
    lengths: Vec<(u64, u64)>,
    bytes: Vec<u8>,
}

impl Columns {
    fn add(&mut self, specification: u64, write: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() > begin {
            self.lengths.push((specification, (self.bytes.len() - begin) as u64));
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_uleb(self.lengths.len() as u64, out);
        for (specification, length) in &self.lengths {
            write_uleb(*specification, out);
            write_uleb(*length, out);
        }
        out.extend_from_slice(&self.bytes);
    }
}

/// The operations that are replaced: whose each is, as a place among the actors, and how its counter differs from that of
/// the one before.
struct Preds {
    /// The actors beside the author, ascending, with their places.
    others: BTreeMap<Actor, u64>,
    actors: Vec<u64>,
    differences: Vec<i64>,
}

impl Preds {
    fn of(change: &Change) -> Self {
        let is_other = |id: &&OpId| id.actor != change.actor;
        let named = change.ops.iter().flat_map(|op| &op.pred).filter(is_other);
        let mut others: BTreeMap<Actor, u64> = named.map(|id| (id.actor, 0)).collect();
        others.values_mut().zip(1..).for_each(|(place, number)| *place = number);
        let (mut actors, mut differences, mut last) = (Vec::new(), Vec::new(), 0);
        for id in change.ops.iter().flat_map(ascending) {
            // The author is the first; counters are checked to be below 2^31.
            actors.push(others.get(&id.actor).copied().unwrap_or(0));
            let counter = i64::try_from(id.counter).unwrap_or(i64::MAX);
            differences.push(counter - last);
            last = counter;
        }
        Self { others, actors, differences }
    }
}

fn ascending(op: &Op) -> Vec<OpId> {
    let mut ids = op.pred.clone();
    ids.sort_unstable();
    ids
}

/// Run-length encodes values.
fn runs<T: Copy + PartialEq>(
    values: impl Iterator<Item = T> + Clone,
    write: impl Fn(T, &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    let mut rest = values;
    while let Some(first) = rest.clone().next() {
        let equal = rest.clone().take_while(|value| *value == first).count();
        if equal > 1 {
            write_sleb(i64::try_from(equal).unwrap_or(i64::MAX), out);
            write(first, out);
            rest.by_ref().take(equal).for_each(drop);
        } else {
            let literal = literals(rest.clone());
            write_sleb(-i64::try_from(literal).unwrap_or(i64::MAX), out);
            rest.by_ref().take(literal).for_each(|value| write(value, out));
        }
    }
}

/// How many values there are before the next two that are equal.
fn literals<T: Copy + PartialEq>(values: impl Iterator<Item = T> + Clone) -> usize {
    let following = values.clone().skip(1).map(Some).chain([None]);
    values.zip(following).take_while(|(value, next)| *next != Some(*value)).count()
}

fn meta(value: &Scalar) -> u64 {
    let (kind, length) = match value {
        Scalar::Null => (0, 0),
        Scalar::Bool(false) => (1, 0),
        Scalar::Bool(true) => (2, 0),
        Scalar::Uint(number) => (3, length(|out| write_uleb(*number, out))),
        Scalar::Int(number) => (4, length(|out| write_sleb(*number, out))),
        Scalar::Str(text) => (6, text.len()),
        Scalar::Bytes(bytes) => (7, bytes.len()),
    };
    (length as u64) << 4 | kind
}

fn length(write: impl FnOnce(&mut Vec<u8>)) -> usize {
    let mut bytes = Vec::with_capacity(10);
    write(&mut bytes);
    bytes.len()
}

fn write_raw(value: &Scalar, out: &mut Vec<u8>) {
    match value {
        Scalar::Null | Scalar::Bool(_) => {}
        Scalar::Uint(number) => write_uleb(*number, out),
        Scalar::Int(number) => write_sleb(*number, out),
        Scalar::Str(text) => out.extend_from_slice(text.as_bytes()),
        Scalar::Bytes(bytes) => out.extend_from_slice(bytes),
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_uleb(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn write_sleb(mut value: i64, out: &mut Vec<u8>) {
    loop {
        let byte = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        let is_negative = byte & 0x40 != 0;
        if (value == 0 && !is_negative) || (value == -1 && is_negative) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

//! The bounded reader of a change's payload.
//!
//! Every count is compared with its limit before anything is allocated for it, so the work is bounded by the limits and
//! never by what the bytes claim. It accepts more than one encoding of some changes; the caller compares with the one.

use super::{Actor, Change, ChangeError, Op, OpId, Scalar};
use crate::id::ChangeHash;
use crate::limits::{CHANGE_ACTORS_MAX, CHANGE_DEPS_MAX, CHANGE_OPERATIONS_MAX, CHANGE_PREDS_MAX};

pub(super) const KEY_TEXT: u64 = 0x15;
pub(super) const INSERT: u64 = 0x34;
pub(super) const ACTION: u64 = 0x42;
pub(super) const VALUE_META: u64 = 0x56;
pub(super) const VALUE_RAW: u64 = 0x57;
pub(super) const PRED_COUNT: u64 = 0x70;
pub(super) const PRED_ACTOR: u64 = 0x71;
pub(super) const PRED_COUNTER: u64 = 0x73;
const COLUMNS_MAX: usize = 8;

pub(super) const ACTION_PUT: u64 = 1;
const HASH_LENGTH: usize = 32;

pub(super) fn change(payload: &[u8], actor: Actor) -> Result<Change, ChangeError> {
    let mut input = Input(payload);
    let deps = deps(&mut input)?;
    let seq = input.uleb()?;
    let start_op = input.uleb()?;
    let (time, message_length) = (input.sleb()?, input.uleb()?);
    if time != 0 || message_length != 0 {
        return Err(ChangeError::Unsupported);
    }
    let actors = actors(&mut input, actor)?;
    let columns = Columns::read(&mut input)?;
    let ops = columns.ops(&actors)?;
    let change = Change { actor, seq, start_op, deps, ops };
    change.check()?;
    Ok(change)
}

/// How many bytes the dependencies take at the start of a payload.
pub(super) fn deps_length(payload: &[u8]) -> Option<usize> {
    let (width, count) = uleb(payload)?;
    let count = usize::try_from(count).ok().filter(|count| *count <= CHANGE_DEPS_MAX)?;
    Some(width + count * HASH_LENGTH).filter(|length| *length <= payload.len())
}

/// An unsigned LEB128 number and how many bytes it takes.
pub(super) fn uleb(bytes: &[u8]) -> Option<(usize, u64)> {
    let mut value = 0_u64;
    for (index, (byte, shift)) in bytes.iter().zip((0_u32..64).step_by(7)).enumerate() {
        let part = u64::from(byte & 0x7f);
        if part << shift >> shift != part {
            return None;
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return Some((index + 1, value));
        }
    }
    None
}

fn deps(input: &mut Input<'_>) -> Result<Vec<ChangeHash>, ChangeError> {
    let count = input.count(CHANGE_DEPS_MAX)?;
    let mut deps = Vec::with_capacity(count);
    for _ in 0..count {
        deps.push(ChangeHash(input.array::<HASH_LENGTH>()?));
    }
    Ok(deps)
}

/// The author first, then the others in the order of the payload.
fn actors(input: &mut Input<'_>, author: Actor) -> Result<Vec<Actor>, ChangeError> {
    let count = input.count(CHANGE_ACTORS_MAX)?;
    let mut actors = Vec::with_capacity(count + 1);
    actors.push(author);
    for _ in 0..count {
        if input.uleb()? != author.len() as u64 {
            return Err(ChangeError::Unsupported);
        }
        actors.push(input.array()?);
    }
    Ok(actors)
}

#[derive(Default)]
struct Columns<'a> {
    key: Input<'a>,
    action: Input<'a>,
    insert: Input<'a>,
    value_meta: Input<'a>,
    value_raw: Input<'a>,
    pred_count: Input<'a>,
    pred_actor: Input<'a>,
    pred_counter: Input<'a>,
}

impl<'a> Columns<'a> {
    fn read(input: &mut Input<'a>) -> Result<Self, ChangeError> {
        let count = input.count(COLUMNS_MAX)?;
        let mut lengths = Vec::with_capacity(count);
        for _ in 0..count {
            lengths.push((input.uleb()?, input.uleb()?));
        }
        let mut columns = Self::default();
        for (specification, length) in lengths {
            let length = usize::try_from(length).map_err(|_| ChangeError::Length)?;
            *columns.slot(specification)? = Input(input.take(length)?);
        }
        input.end()?;
        Ok(columns)
    }

    fn slot(&mut self, specification: u64) -> Result<&mut Input<'a>, ChangeError> {
        match specification {
            KEY_TEXT => Ok(&mut self.key),
            INSERT => Ok(&mut self.insert),
            ACTION => Ok(&mut self.action),
            VALUE_META => Ok(&mut self.value_meta),
            VALUE_RAW => Ok(&mut self.value_raw),
            PRED_COUNT => Ok(&mut self.pred_count),
            PRED_ACTOR => Ok(&mut self.pred_actor),
            PRED_COUNTER => Ok(&mut self.pred_counter),
            _ => Err(ChangeError::Unsupported),
        }
    }

    fn ops(mut self, actors: &[Actor]) -> Result<Vec<Op>, ChangeError> {
        let count = self.op_count()?;
        let mut metas = Runs::new(self.value_meta);
        let mut pred_counts = Runs::new(self.pred_count);
        let (actor_runs, counter_runs) = (Runs::new(self.pred_actor), Runs::new(self.pred_counter));
        let mut preds = Preds { actors: actor_runs, counters: counter_runs, last: 0, left: CHANGE_PREDS_MAX };
        let mut keys = Literals { input: self.key, left: 0 };
        let mut ops: Vec<Op> = Vec::with_capacity(count);
        for _ in 0..count {
            let key = keys.next_text()?;
            if ops.last().is_some_and(|last| last.key.as_str() >= key) {
                return Err(ChangeError::KeyOrder);
            }
            let value = scalar(metas.next(Input::uleb)?, &mut self.value_raw)?;
            let pred = preds.take(pred_counts.next(Input::uleb)?, actors)?;
            ops.push(Op { key: key.to_owned(), value, pred });
        }
        self.value_raw.end()?;
        Ok(ops)
    }

    /// The action column says how many operations there are; every one is a put, and none inserts.
    fn op_count(&mut self) -> Result<usize, ChangeError> {
        let mut actions = Runs::new(self.action);
        let mut count = 0;
        while !actions.is_done() {
            if actions.next(Input::uleb)? != ACTION_PUT {
                return Err(ChangeError::Unsupported);
            }
            count += 1;
            if count > CHANGE_OPERATIONS_MAX {
                return Err(ChangeError::TooMany);
            }
        }
        if self.insert.uleb()? != count as u64 {
            return Err(ChangeError::Unsupported);
        }
        self.insert.end()?;
        Ok(count)
    }
}

fn scalar(meta: u64, raw: &mut Input<'_>) -> Result<Scalar, ChangeError> {
    let length = usize::try_from(meta >> 4).map_err(|_| ChangeError::Length)?;
    let mut bytes = Input(raw.take(length)?);
    let value = match meta & 0x0f {
        0 => Scalar::Null,
        1 => Scalar::Bool(false),
        2 => Scalar::Bool(true),
        3 => Scalar::Uint(bytes.uleb()?),
        4 => Scalar::Int(bytes.sleb()?),
        6 => Scalar::Str(bytes.rest_as_text()?.to_owned()),
        7 => Scalar::Bytes(bytes.take(length)?.to_vec()),
        _ => return Err(ChangeError::Unsupported),
    };
    bytes.end()?;
    Ok(value)
}

/// The predecessors of each operation: a count, then actor index and counter difference of each.
struct Preds<'a> {
    actors: Runs<'a, u64>,
    counters: Runs<'a, i64>,
    last: i64,
    /// How many more the change may have.
    left: usize,
}

impl Preds<'_> {
    fn take(&mut self, count: u64, actors: &[Actor]) -> Result<Vec<OpId>, ChangeError> {
        let count = usize::try_from(count).ok().filter(|count| *count <= self.left).ok_or(ChangeError::TooMany)?;
        self.left -= count;
        let mut pred = Vec::with_capacity(count);
        for _ in 0..count {
            let index = usize::try_from(self.actors.next(Input::uleb)?).map_err(|_| ChangeError::Unsupported)?;
            let actor = *actors.get(index).ok_or(ChangeError::Unsupported)?;
            let difference = self.counters.next(Input::sleb)?;
            self.last = self.last.checked_add(difference).ok_or(ChangeError::Counter)?;
            let counter = u64::try_from(self.last).map_err(|_| ChangeError::Counter)?;
            pred.push(OpId { counter, actor });
        }
        Ok(pred)
    }
}

/// Run-length encoding without nulls: a positive count repeats one value, a negative one is followed by as many.
struct Runs<'a, T> {
    input: Input<'a>,
    left: u64,
    repeated: Option<T>,
}

impl<'a, T: Copy> Runs<'a, T> {
    fn new(input: Input<'a>) -> Self {
        Self { input, left: 0, repeated: None }
    }

    fn is_done(&self) -> bool {
        self.left == 0 && self.input.0.is_empty()
    }

    fn next(&mut self, read: impl Fn(&mut Input<'a>) -> Result<T, ChangeError>) -> Result<T, ChangeError> {
        if self.left == 0 {
            let run = self.input.sleb()?;
            self.left = run.unsigned_abs();
            self.repeated = if run > 0 { Some(read(&mut self.input)?) } else { None };
        }
        self.left = self.left.checked_sub(1).ok_or(ChangeError::Unsupported)?;
        match self.repeated {
            Some(value) => Ok(value),
            None => read(&mut self.input),
        }
    }
}

/// The key column: literal runs only, because keys are distinct.
struct Literals<'a> {
    input: Input<'a>,
    left: u64,
}

impl<'a> Literals<'a> {
    fn next_text(&mut self) -> Result<&'a str, ChangeError> {
        if self.left == 0 {
            self.left = match self.input.sleb()? {
                1 => 1,
                run if run < 0 => run.unsigned_abs(),
                _ => return Err(ChangeError::KeyOrder),
            };
        }
        self.left -= 1;
        let length = usize::try_from(self.input.uleb()?).map_err(|_| ChangeError::Length)?;
        std::str::from_utf8(self.input.take(length)?).map_err(|_| ChangeError::NotText)
    }
}

#[derive(Clone, Copy, Default)]
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ChangeError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ChangeError::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ChangeError> {
        self.take(N)?.try_into().map_err(|_| ChangeError::Length)
    }

    fn uleb(&mut self) -> Result<u64, ChangeError> {
        let (width, value) = uleb(self.0).ok_or(ChangeError::Length)?;
        self.take(width)?;
        Ok(value)
    }

    fn sleb(&mut self) -> Result<i64, ChangeError> {
        let mut value = 0_i64;
        for shift in (0..64).step_by(7) {
            let byte = self.array::<1>()?[0];
            value |= i64::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                let extends = byte & 0x40 != 0 && shift + 7 < 64;
                return Ok(if extends { value | (-1_i64).wrapping_shl(shift + 7) } else { value });
            }
        }
        Err(ChangeError::Length)
    }

    fn count(&mut self, max: usize) -> Result<usize, ChangeError> {
        usize::try_from(self.uleb()?).ok().filter(|count| *count <= max).ok_or(ChangeError::TooMany)
    }

    fn rest_as_text(&mut self) -> Result<&'a str, ChangeError> {
        std::str::from_utf8(self.take(self.0.len())?).map_err(|_| ChangeError::NotText)
    }

    fn end(&self) -> Result<(), ChangeError> {
        if self.0.is_empty() { Ok(()) } else { Err(ChangeError::Length) }
    }
}

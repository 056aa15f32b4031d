//! The payload of a change taken apart, so that like lies beside like.
//!
//! Most payloads of a ledger say the same things of different values: which registers, of which types, replacing how
//! many. That is the **shape**, written once in a batch. What is left are numbers, hashes, actors, and the values, each of
//! which goes to the column of its register.
//!
//! Nothing here judges a change. [`split`] takes apart only what [`Shape::join`] puts together again to the same bytes;
//! whatever else a payload may be travels as it is.

use outlay_ledger::limits::{CHANGE_ACTORS_MAX, CHANGE_DEPS_MAX, CHANGE_OPERATIONS_MAX, PAYLOAD_BYTES_MAX};

use super::BatchError;
use super::columns::{Input, put_uint};
use super::values::is_exact;

/// The column of keys in a change, always in the shape.
const KEYS: u64 = 0x15;
/// The columns of a change that are not in its shape.
const VALUE_META: u64 = 0x56;
const VALUE_RAW: u64 = 0x57;
const PRED_COUNTER: u64 = 0x73;
/// Columns of a shape: automerge writes at most eight for what the format has, and a stranger is sent as it is.
const COLUMNS_MAX: usize = 16;
const ACTOR_LENGTH: u64 = 16;

/// What the low four bits of a value's meta say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Type {
    /// Null or a truth value: all of it is in the type.
    Nothing(u8),
    /// An unsigned number.
    Uint,
    /// A signed number.
    Int,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
}

impl Type {
    const fn number(self) -> u8 {
        match self {
            Self::Nothing(number) => number,
            Self::Uint => 3,
            Self::Int => 4,
            Self::Text => 6,
            Self::Bytes => 7,
        }
    }

    const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Nothing(0)),
            1 => Some(Self::Nothing(1)),
            2 => Some(Self::Nothing(2)),
            3 => Some(Self::Uint),
            4 => Some(Self::Int),
            6 => Some(Self::Text),
            7 => Some(Self::Bytes),
            _ => None,
        }
    }
}

/// What many changes have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape<'a> {
    /// The columns in order: their kind, and what is in them unless it differs from change to change.
    columns: Vec<(u64, &'a [u8])>,
    /// The register and the type of each operation, in order.
    pub(super) registers: Vec<(&'a [u8], Type)>,
}

/// What is a change's own, beside its shape.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parts<'a> {
    pub(super) deps: Vec<[u8; 32]>,
    pub(super) seq: u64,
    pub(super) start_op: u64,
    pub(super) actors: Vec<[u8; 16]>,
    pub(super) pred_counters: &'a [u8],
    /// The length of each operation's value.
    pub(super) lengths: Vec<usize>,
    /// The values, one after the other.
    pub(super) values: &'a [u8],
}

/// Takes a payload apart, unless it would not come back as it was.
pub(super) fn split(payload: &[u8]) -> Option<(Shape<'_>, Parts<'_>)> {
    let (shape, parts) = read(payload).ok()?;
    let is_same = has_exact_values(&shape, &parts) && shape.join(&parts).is_ok_and(|joined| joined == payload);
    is_same.then_some((shape, parts))
}

fn has_exact_values(shape: &Shape<'_>, parts: &Parts<'_>) -> bool {
    let mut rest = Input(parts.values);
    let mut is_next_exact =
        |((_, kind), length): (&(&[u8], Type), &usize)| rest.take(*length).is_ok_and(|value| is_exact(*kind, value));
    shape.registers.iter().zip(&parts.lengths).all(&mut is_next_exact) && rest.is_empty()
}

fn read(payload: &[u8]) -> Result<(Shape<'_>, Parts<'_>), BatchError> {
    let mut input = Input(payload);
    let mut parts =
        Parts { deps: hashes(&mut input)?, seq: input.uint()?, start_op: input.uint()?, ..Parts::default() };
    // The time is 0 and there is no message in any change of this format.
    if input.array()? != [0, 0] {
        return Err(BatchError::Malformed);
    }
    parts.actors = actors(&mut input)?;
    let contents = contents(&mut input)?;
    let (mut keys, mut metas) = (Vec::new(), Vec::new());
    for (specification, content) in &contents {
        match *specification {
            KEYS => keys = self::keys(content)?,
            VALUE_META => metas = self::metas(content)?,
            VALUE_RAW => parts.values = content,
            PRED_COUNTER => parts.pred_counters = content,
            _ => {}
        }
    }
    let lengths = metas.iter().map(|meta| usize::try_from(meta >> 4).map_err(|_| BatchError::TooBig));
    parts.lengths = lengths.collect::<Result<_, _>>()?;
    let shared = |(specification, content): (u64, _)| -> (u64, &[u8]) {
        (specification, if is_own(specification) { &[] } else { content })
    };
    let columns = contents.into_iter().map(shared).collect();
    Ok((Shape { columns, registers: registers(keys, &metas)? }, parts))
}

/// The columns that are all that is left of a payload, each with its specification.
fn contents<'a>(input: &mut Input<'a>) -> Result<Vec<(u64, &'a [u8])>, BatchError> {
    let specified = |input: &mut Input<'a>| Ok::<_, BatchError>((input.uint()?, input.length()?));
    let specified = (0..count(input, COLUMNS_MAX)?).map(|_| specified(input)).collect::<Result<Vec<_>, _>>()?;
    let mut contents = Vec::with_capacity(specified.len());
    for (specification, length) in specified {
        contents.push((specification, input.take(length)?));
    }
    input.end()?;
    Ok(contents)
}

/// Whether a column differs from change to change.
const fn is_own(specification: u64) -> bool {
    matches!(specification, VALUE_META | VALUE_RAW | PRED_COUNTER)
}

fn count(input: &mut Input<'_>, max: usize) -> Result<usize, BatchError> {
    input.length().and_then(|count| if count <= max { Ok(count) } else { Err(BatchError::TooBig) })
}

fn hashes(input: &mut Input<'_>) -> Result<Vec<[u8; 32]>, BatchError> {
    (0..count(input, CHANGE_DEPS_MAX)?).map(|_| input.array()).collect()
}

fn actors(input: &mut Input<'_>) -> Result<Vec<[u8; 16]>, BatchError> {
    let actor = |input: &mut Input<'_>| match input.uint()? {
        ACTOR_LENGTH => input.array(),
        _ => Err(BatchError::Malformed),
    };
    (0..count(input, CHANGE_ACTORS_MAX)?).map(|_| actor(input)).collect()
}

fn registers<'a>(keys: Vec<&'a [u8]>, metas: &[u64]) -> Result<Vec<(&'a [u8], Type)>, BatchError> {
    if keys.len() != metas.len() {
        return Err(BatchError::Malformed);
    }
    let register = |(key, meta): (&'a [u8], &u64)| Some((key, Type::from_number(meta & 0x0f)?));
    keys.into_iter().zip(metas).map(register).collect::<Option<_>>().ok_or(BatchError::Malformed)
}

/// The keys of a change: literal runs, because no key occurs twice.
fn keys(column: &[u8]) -> Result<Vec<&[u8]>, BatchError> {
    let (mut input, mut keys) = (Input(column), Vec::new());
    while !input.is_empty() {
        let run = match signed(&mut input)? {
            1 => 1,
            run if run < 0 => run.unsigned_abs(),
            _ => return Err(BatchError::Malformed),
        };
        for _ in 0..run {
            let length = input.length()?;
            keys.push(input.take(length)?);
            if keys.len() > CHANGE_OPERATIONS_MAX {
                return Err(BatchError::TooBig);
            }
        }
    }
    Ok(keys)
}

/// Type and length of each value: runs of one, or as many as a negative count says.
fn metas(column: &[u8]) -> Result<Vec<u64>, BatchError> {
    let (mut input, mut metas) = (Input(column), Vec::new());
    while !input.is_empty() {
        let run = signed(&mut input)?;
        let length = usize::try_from(run.unsigned_abs()).map_err(|_| BatchError::TooBig)?;
        if metas.len().saturating_add(length) > CHANGE_OPERATIONS_MAX {
            return Err(BatchError::TooBig);
        }
        if run > 0 {
            let meta = input.uint()?;
            metas.extend(std::iter::repeat_n(meta, length));
        } else {
            (0..length).try_for_each(|_| input.uint().map(|meta| metas.push(meta)))?;
        }
    }
    Ok(metas)
}

impl<'a> Shape<'a> {
    /// The shape as bytes, by which shapes are compared and written.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        put_uint(&mut out, self.columns.len() as u64);
        for (specification, content) in &self.columns {
            put_uint(&mut out, *specification);
            if !is_own(*specification) {
                put_uint(&mut out, content.len() as u64);
                out.extend_from_slice(content);
            }
        }
        out.extend(self.registers.iter().map(|(_, kind)| kind.number()));
        out
    }

    /// Reads a shape from outside.
    pub(super) fn decode(input: &mut Input<'a>) -> Result<Self, BatchError> {
        let count = count(input, COLUMNS_MAX)?;
        let mut columns = Vec::with_capacity(count);
        let mut keys = Vec::new();
        for _ in 0..count {
            let specification = input.uint()?;
            let length = if is_own(specification) { 0 } else { input.length()? };
            let content = input.take(length)?;
            if specification == KEYS {
                keys = self::keys(content)?;
            }
            columns.push((specification, content));
        }
        let metas: Vec<u64> = input.take(keys.len())?.iter().map(|number| u64::from(*number)).collect();
        if metas.iter().any(|meta| *meta > 0x0f) {
            return Err(BatchError::Malformed);
        }
        Ok(Self { columns, registers: registers(keys, &metas)? })
    }

    /// The memory that remembering the shape takes.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<(Self, Vec<usize>)>()
            + self.columns.len() * size_of::<(u64, &[u8])>()
            + self.registers.len() * size_of::<(&[u8], Type, usize)>()
    }

    /// The payload of a change of this shape, at most [`PAYLOAD_BYTES_MAX`].
    pub(super) fn join(&self, parts: &Parts<'_>) -> Result<Vec<u8>, BatchError> {
        let meta = self.meta(&parts.lengths);
        let content = |(specification, content): &(u64, &'a [u8])| -> usize {
            match *specification {
                VALUE_META => meta.len(),
                VALUE_RAW => parts.values.len(),
                PRED_COUNTER => parts.pred_counters.len(),
                _ => content.len(),
            }
        };
        let bodies: usize = self.columns.iter().map(content).sum();
        if bodies + parts.deps.len() * 32 + parts.actors.len() * 17 > PAYLOAD_BYTES_MAX {
            return Err(BatchError::TooBig);
        }
        let mut out = Vec::with_capacity(bodies + parts.deps.len() * 32 + parts.actors.len() * 17 + 40);
        put_head(&mut out, parts);
        put_uint(&mut out, self.columns.len() as u64);
        for column in &self.columns {
            put_uint(&mut out, column.0);
            put_uint(&mut out, content(column) as u64);
        }
        for (specification, content) in &self.columns {
            out.extend_from_slice(match *specification {
                VALUE_META => &meta,
                VALUE_RAW => parts.values,
                PRED_COUNTER => parts.pred_counters,
                _ => content,
            });
        }
        Ok(out)
    }

    /// The column of types and lengths: runs of equal ones, and what differs literally.
    fn meta(&self, lengths: &[usize]) -> Vec<u8> {
        let meta = |(length, (_, kind)): (&usize, &(&[u8], Type))| (*length as u64) << 4 | u64::from(kind.number());
        let metas: Vec<u64> = lengths.iter().zip(&self.registers).map(meta).collect();
        let mut out = Vec::with_capacity(metas.len() * 2 + 2);
        let mut literal: &[u64] = &[];
        let mut rest: &[u64] = &metas;
        while let Some(first) = rest.first() {
            let run = rest.iter().take_while(|meta| *meta == first).count();
            if run == 1 {
                let start = metas.len() - rest.len() - literal.len();
                literal = &metas[start..=metas.len() - rest.len()];
            } else {
                put_literal(&mut out, literal);
                literal = &[];
                put_signed(&mut out, i64::try_from(run).unwrap_or(i64::MAX));
                put_uint(&mut out, *first);
            }
            rest = &rest[run..];
        }
        put_literal(&mut out, literal);
        out
    }
}

fn put_head(out: &mut Vec<u8>, parts: &Parts<'_>) {
    put_uint(out, parts.deps.len() as u64);
    parts.deps.iter().for_each(|dep| out.extend_from_slice(dep));
    put_uint(out, parts.seq);
    put_uint(out, parts.start_op);
    out.extend_from_slice(&[0, 0]);
    put_uint(out, parts.actors.len() as u64);
    for actor in &parts.actors {
        put_uint(out, ACTOR_LENGTH);
        out.extend_from_slice(actor);
    }
}

fn put_literal(out: &mut Vec<u8>, literal: &[u64]) {
    if !literal.is_empty() {
        put_signed(out, -i64::try_from(literal.len()).unwrap_or(i64::MAX));
        literal.iter().for_each(|meta| put_uint(out, *meta));
    }
}

/// A signed number as changes have it: two's complement, seven bits a byte, lowest first.
pub(super) fn put_signed(out: &mut Vec<u8>, mut value: i64) {
    while !(-64..64).contains(&value) {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0] & 0x7f);
}

/// Reads what [`put_signed`] wrote.
pub(super) fn signed(input: &mut Input<'_>) -> Result<i64, BatchError> {
    let mut value = 0_i64;
    for shift in (0..64).step_by(7) {
        let byte = input.array::<1>()?[0];
        value |= i64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let is_negative = byte & 0x40 != 0 && shift + 7 < 64;
            return Ok(if is_negative { value | -1 << (shift + 7) } else { value });
        }
    }
    Err(BatchError::Malformed)
}

#[cfg(test)]
mod tests {
    use outlay_ledger::change::{Change, Op, OpId, Scalar};

    use super::*;

    fn change(ops: Vec<(&str, Scalar, Vec<OpId>)>) -> Vec<u8> {
        let ops = ops.into_iter().map(|(key, value, pred)| Op { key: key.into(), value, pred }).collect();
        let change = Change { actor: [7; 16], seq: 300, start_op: 5_000, deps: vec![], ops };
        change.encode().expect("a change").payload
    }

    fn assert_comes_back(payload: &[u8]) {
        let (shape, parts) = split(payload).expect("a change of this format");
        assert_eq!(shape.join(&parts).as_deref(), Ok(payload));
        let encoded = shape.encode();
        let mut input = Input(&encoded);
        assert_eq!(Shape::decode(&mut input), Ok(shape));
        assert_eq!(input.end(), Ok(()));
    }

    #[test]
    fn what_the_ledger_writes_is_taken_apart_and_comes_back() {
        let id = |counter, actor| OpId { counter, actor: [actor; 16] };
        assert_comes_back(&change(vec![("a", Scalar::Null, vec![])]));
        assert_comes_back(&change(vec![
            ("a", Scalar::Bytes(vec![1; 16]), vec![id(1, 1), id(9, 7)]),
            ("b", Scalar::Bytes(vec![2; 16]), vec![]),
            ("c", Scalar::Int(-70), vec![id(3, 2)]),
            ("d", Scalar::Str("lunch".into()), vec![id(4, 7)]),
            ("e", Scalar::Bool(true), vec![]),
            ("f", Scalar::Bool(true), vec![]),
            ("g", Scalar::Bool(false), vec![]),
            ("h", Scalar::Uint(u64::MAX), vec![]),
        ]));
    }

    #[test]
    fn changes_that_differ_in_values_only_have_one_shape() {
        let payload = |text: &str, number| {
            change(vec![("a", Scalar::Str(text.into()), vec![]), ("b", Scalar::Int(number), vec![])])
        };
        let (one, two) = (payload("x", 1), payload("something longer", -100_000));
        assert_eq!(split(&one).expect("a change").0, split(&two).expect("a change").0);
    }

    #[test]
    fn anything_else_is_left_whole() {
        let payload = change(vec![("a", Scalar::Uint(1), vec![]), ("b", Scalar::Null, vec![])]);
        assert!(split(&[]).is_none());
        assert!((0..payload.len()).all(|end| split(&payload[..end]).is_none()));
        let longer_seq = [&payload[..1], &[payload[1], payload[2] | 0x80, 0], &payload[3..]].concat();
        assert!(split(&longer_seq).is_none(), "the number is not in its shortest form");
    }
}

//! The values of one register in a batch.
//!
//! Numbers are differences to the one before. A text or bytes that occur again are one number; the distinct ones lie
//! together, bytes of equal length by position: of a hundred equal-looking money registers all first bytes, then all second
//! ones, so that what is always the same takes no room.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::BatchError;
use super::columns::{Input, put_uint, unzigzag, zigzag};
use super::payload::{Type, put_signed, signed};

const NEW: u64 = 0;
const PLACED: u64 = 1;

/// How many columns the values of a register of this type take.
pub(super) const fn width(kind: Type) -> usize {
    match kind {
        Type::Nothing(_) => 0,
        Type::Uint | Type::Int => 1,
        Type::Text | Type::Bytes => 3,
    }
}

/// The values of one register being written.
pub(super) struct ValueSink<'a> {
    kind: Type,
    last: i64,
    numbers: Vec<u8>,
    places: HashMap<&'a [u8], u64>,
    distinct: Vec<&'a [u8]>,
}

impl<'a> ValueSink<'a> {
    pub(super) fn new(kind: Type) -> Self {
        Self { kind, last: 0, numbers: Vec::new(), places: HashMap::new(), distinct: Vec::new() }
    }

    /// Takes a value that [`is_exact`].
    pub(super) fn put(&mut self, value: &'a [u8]) {
        match self.kind {
            Type::Nothing(_) => {}
            Type::Uint | Type::Int => self.put_number(number(self.kind, value).unwrap_or(0)),
            Type::Text | Type::Bytes => self.put_place(value),
        }
    }

    fn put_number(&mut self, value: i64) {
        put_uint(&mut self.numbers, zigzag(value.wrapping_sub(self.last)));
        self.last = value;
    }

    fn put_place(&mut self, value: &'a [u8]) {
        let next = PLACED + self.distinct.len() as u64;
        let place = *self.places.entry(value).or_insert(next);
        if place == next {
            self.distinct.push(value);
        }
        put_uint(&mut self.numbers, if place == next { NEW } else { place });
    }

    /// The columns, as many as [`width`] says.
    pub(super) fn finish(self) -> Vec<Vec<u8>> {
        let mut lengths = Vec::new();
        self.distinct.iter().for_each(|value| put_uint(&mut lengths, value.len() as u64));
        match self.kind {
            Type::Nothing(_) => Vec::new(),
            Type::Uint | Type::Int => vec![self.numbers],
            Type::Text => vec![self.numbers, lengths, self.distinct.concat()],
            Type::Bytes => vec![self.numbers, lengths, by_position(&self.distinct)],
        }
    }
}

/// Whether a value comes back as it is: a number in its shortest form, nothing where there is nothing.
pub(super) fn is_exact(kind: Type, value: &[u8]) -> bool {
    match kind {
        Type::Nothing(_) => value.is_empty(),
        Type::Text | Type::Bytes => true,
        Type::Uint | Type::Int => number(kind, value).is_some_and(|number| {
            let mut shortest = Vec::with_capacity(10);
            put_as(&mut shortest, kind, number);
            shortest == value
        }),
    }
}

fn number(kind: Type, value: &[u8]) -> Option<i64> {
    let mut input = Input(value);
    let number = if kind == Type::Int { signed(&mut input) } else { input.uint().map(u64::cast_signed) };
    number.ok().filter(|_| input.is_empty())
}

fn put_as(out: &mut Vec<u8>, kind: Type, number: i64) {
    if kind == Type::Int { put_signed(out, number) } else { put_uint(out, number.cast_unsigned()) }
}

/// The values of one register being read.
pub(super) struct ValueSource<'a> {
    kind: Type,
    last: i64,
    numbers: Input<'a>,
    /// Where each distinct value ends in `bytes`, which is where the next one starts.
    ends: Vec<u32>,
    bytes: Cow<'a, [u8]>,
    /// How many of them have been met.
    met: usize,
}

impl<'a> ValueSource<'a> {
    /// Reads the columns of a register, as many as [`width`] says.
    ///
    /// There are at most `distinct_max` distinct ones.
    pub(super) fn new(kind: Type, columns: &[&'a [u8]], distinct_max: usize) -> Result<Self, BatchError> {
        let column = |index: usize| columns.get(index).copied().unwrap_or_default();
        let ends = ends(Input(column(1)), column(2).len(), distinct_max)?;
        let bytes = if kind == Type::Bytes { Cow::Owned(by_value(&ends, column(2))) } else { Cow::Borrowed(column(2)) };
        Ok(Self { kind, last: 0, numbers: Input(column(0)), ends, bytes, met: 0 })
    }

    /// Appends the next value, and says its length.
    pub(super) fn take(&mut self, out: &mut Vec<u8>) -> Result<usize, BatchError> {
        let before = out.len();
        match self.kind {
            Type::Nothing(_) => {}
            Type::Uint | Type::Int => {
                self.last = self.last.wrapping_add(unzigzag(self.numbers.uint()?));
                put_as(out, self.kind, self.last);
            }
            Type::Text | Type::Bytes => {
                let place = self.place()?;
                let value = range(&self.ends, place).and_then(|range| self.bytes.get(range));
                out.extend_from_slice(value.ok_or(BatchError::Reference)?);
            }
        }
        Ok(out.len() - before)
    }

    fn place(&mut self) -> Result<usize, BatchError> {
        match self.numbers.uint()? {
            NEW => {
                self.met += 1;
                Ok(self.met - 1)
            }
            number => usize::try_from(number - PLACED).map_err(|_| BatchError::Reference),
        }
    }

    /// Whether all was used.
    pub(super) fn end(&self) -> Result<(), BatchError> {
        self.numbers.end()?;
        if self.met == self.ends.len() { Ok(()) } else { Err(BatchError::Spare) }
    }
}

/// Where values of these lengths end: at most `max` of them, the last at `total`.
fn ends(mut lengths: Input<'_>, total: usize, max: usize) -> Result<Vec<u32>, BatchError> {
    let (mut ends, mut end) = (Vec::new(), 0_usize);
    while !lengths.is_empty() {
        end = end.saturating_add(lengths.length()?);
        if end > total {
            return Err(BatchError::Truncated);
        }
        if ends.len() == max {
            return Err(BatchError::TooBig);
        }
        ends.push(u32::try_from(end).map_err(|_| BatchError::TooBig)?);
    }
    if end == total { Ok(ends) } else { Err(BatchError::Spare) }
}

/// Where the value at a place is.
fn range(ends: &[u32], place: usize) -> Option<Range<usize>> {
    let start = place.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    Some(start as usize..*ends.get(place)? as usize)
}

/// Values of equal length side by side, the shortest first: all their first bytes, then all their second ones.
fn by_position(values: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.iter().map(|value| value.len()).sum());
    let mut groups: BTreeMap<usize, Vec<&[u8]>> = BTreeMap::new();
    values.iter().for_each(|value| groups.entry(value.len()).or_default().push(value));
    for (length, group) in groups {
        (0..length).for_each(|position| out.extend(group.iter().map(|value| value[position])));
    }
    out
}

/// Undoes [`by_position`] for values with these ends, the last of which is that of `bytes`.
fn by_value(ends: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0; bytes.len()];
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for range in (0..ends.len()).filter_map(|place| range(ends, place)) {
        groups.entry(range.len()).or_default().push(range.start);
    }
    let mut next = bytes.iter();
    for (length, group) in groups {
        for position in 0..length {
            group.iter().zip(&mut next).for_each(|(start, byte)| out[start + position] = *byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_come_back(kind: Type, values: &[&[u8]]) {
        let mut sink = ValueSink::new(kind);
        values.iter().for_each(|value| sink.put(value));
        let columns = sink.finish();
        assert_eq!(columns.len(), width(kind));
        let columns: Vec<&[u8]> = columns.iter().map(Vec::as_slice).collect();
        let mut source = ValueSource::new(kind, &columns, values.len()).expect("columns");
        for value in values {
            let mut out = Vec::new();
            assert_eq!(source.take(&mut out), Ok(value.len()));
            assert_eq!(out, *value);
        }
        assert_eq!(source.end(), Ok(()));
    }

    #[test]
    fn values_come_back_in_their_order() {
        assert_come_back(Type::Bytes, &[b"abc", b"", b"x", b"abd", b"abc", b"yz", b"x"]);
        assert_come_back(Type::Text, &[b"lunch", b"", b"lunch", b"dinner"]);
        assert_come_back(Type::Nothing(0), &[b"", b""]);
        assert_come_back(
            Type::Uint,
            &[&[5], &[0x80, 1], &[0], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
        );
        assert_come_back(Type::Int, &[&[5], &[0x7b], &[0x80, 0x7f], &[0]]);
    }

    #[test]
    fn bytes_of_equal_length_lie_by_position() {
        assert_eq!(by_position(&[b"a1", b"z", b"b2", b"c3"]), b"zabc123");
    }

    #[test]
    fn only_the_shortest_form_of_a_number_is_taken_apart() {
        assert!(is_exact(Type::Uint, &[0x80, 1]) && is_exact(Type::Int, &[0x40 | 0x3f]));
        assert!(!is_exact(Type::Uint, &[0x81, 0]) && !is_exact(Type::Int, &[0x81, 0]) && !is_exact(Type::Uint, &[]));
        assert!(!is_exact(Type::Nothing(1), &[0]));
    }
}

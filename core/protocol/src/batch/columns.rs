//! The columns of a batch, as they are written and read: variable-length numbers, and bytes after their length.
//!
//! A fixed column of numbers that are all zero is left out, and an empty one reads as zeros for ever: most columns of most
//! batches are like that. Bytes that no compression can shorten (signatures, seeds, ids) go into a run of their own.

use std::hash::Hash;

use super::BatchError;
use super::table::{Code, Table};

/// The columns every batch has, in the order in which they are written: numbers unless they say otherwise. After them come
/// the columns of each register, in the order in which registers are first met; see [`super::values`].
///
/// A *thing* is written as [`super::table`] says; what a new one is goes to the raw part at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// How many commits there are. What follows, up to [`Self::Salts`], is of each commit.
    Commits,
    /// The ledger, a thing; none in a genesis.
    Ledger,
    /// The device of a new feed, a thing.
    Device,
    /// The feed, a thing; a new one has its nonce and then its device.
    Feed,
    /// The number of the first record, less what follows in the feed in this batch; folded.
    First,
    /// How many records there are, less one.
    Count,
    /// The version of the format, less one.
    Version,
    /// The key generation.
    Generation,
    /// The time, less that of the commit before; folded.
    Time,
    /// The action, a thing; none if absent.
    Action,
    /// The member written for, a thing; none if absent.
    OnBehalf,
    /// 0 if it is the last commit of the device in this batch, else 1 + how many ids there are.
    Previous,
    /// The list of heads, a thing; a new one is followed by how many ids there are.
    MemberHeads,
    /// An id: twice the distance and 1 for a commit of the batch, else twice a thing.
    Id,
    /// How many fields of newer versions there are, then the key and the length of each.
    Unknown,
    /// Bytes: their values.
    UnknownBytes,
    /// 0 for a seed, 1 for a salt of each record that has a payload; both are in the raw part, after the signature and what
    /// the records put there.
    Salts,
    /// 0 for the one the record makes, 1 for one that a feed of the batch made, else 2 + a thing. What follows is of each
    /// record.
    Document,
    /// The place of the commit's feed, less that of the document's; folded.
    DocumentFeed,
    /// The number of the record that made the document, less that of the one named like this before; folded.
    DocumentNumber,
    /// What the record is.
    Kind,
    /// The month, less that of the record before, none being 0; folded.
    Period,
    /// 0 the feed, 1 content-derived.
    Form,
    /// 0 for a payload as it is, 1 for a purged one (its id is in the raw part), else 2 + the shape, a thing.
    Body,
    /// Bytes: each new shape; see [`super::payload`]. What follows is of each payload that has a shape.
    ShapeBytes,
    /// Which change of its actor it is, less one.
    Seq,
    /// Its first operation counter, less one.
    StartOp,
    /// How many changes it is made on top of.
    DepCount,
    /// Each of them: 0 for the last change of the document in this batch, else 1 + a thing.
    Dep,
    /// How many other actors it names.
    ActorCount,
    /// Each of them, a thing.
    Actor,
    /// How many bytes its column of replaced counters has.
    PredLength,
    /// Bytes: that column.
    PredBytes,
    /// How many bytes a payload has that travels as it is.
    PlainLength,
    /// Bytes: that payload.
    PlainBytes,
}

impl Column {
    /// Whether the column is bytes, and not numbers.
    const fn is_bytes(index: usize) -> bool {
        index == Self::UnknownBytes as usize
            || index == Self::ShapeBytes as usize
            || index == Self::PredBytes as usize
            || index == Self::PlainBytes as usize
    }
}

/// How many fixed columns there are.
pub(super) const FIXED: usize = Column::PlainBytes as usize + 1;

/// Appends a number: seven bits a byte, lowest first.
pub(super) fn put_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Folds a difference so that small ones of either sign are small numbers.
pub(super) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The difference that [`zigzag`] folded.
pub(super) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// The columns of a batch being written.
pub(super) struct Sink {
    fixed: [Vec<u8>; FIXED],
    /// What no compression can shorten.
    pub(super) raw: Vec<u8>,
}

impl Sink {
    pub(super) fn new() -> Self {
        Self { fixed: std::array::from_fn(|_| Vec::new()), raw: Vec::new() }
    }

    pub(super) fn uint(&mut self, column: Column, value: u64) {
        put_uint(&mut self.fixed[column as usize], value);
    }

    pub(super) fn int(&mut self, column: Column, value: i64) {
        self.uint(column, zigzag(value));
    }

    /// A thing of a table: its number, and its bytes if it is new.
    pub(super) fn coded(&mut self, column: Column, code: Code, bytes: impl IntoIterator<Item = u8>) {
        self.uint(column, code.number);
        if code.is_new {
            self.raw.extend(bytes);
        }
    }

    pub(super) fn bytes(&mut self, column: Column, bytes: &[u8]) {
        self.fixed[column as usize].extend_from_slice(bytes);
    }

    /// The columns in their order, those of zeros empty.
    pub(super) fn finish(self) -> (Vec<Vec<u8>>, Vec<u8>) {
        let without_zeros = |(index, column): (usize, Vec<u8>)| {
            let is_zeros = !Column::is_bytes(index) && column.iter().all(|byte| *byte == 0);
            if is_zeros { Vec::new() } else { column }
        };
        (self.fixed.into_iter().enumerate().map(without_zeros).collect(), self.raw)
    }
}

/// The columns of a batch being read.
pub(super) struct Source<'a> {
    fixed: [Fixed<'a>; FIXED],
    /// What no compression can shorten.
    pub(super) raw: Input<'a>,
}

#[derive(Clone, Copy)]
struct Fixed<'a> {
    input: Input<'a>,
    is_zeros: bool,
}

impl<'a> Source<'a> {
    pub(super) fn new(columns: &[&'a [u8]; FIXED], raw: &'a [u8]) -> Self {
        let fixed = columns.map(|bytes| Fixed { input: Input(bytes), is_zeros: bytes.is_empty() });
        Self { fixed, raw: Input(raw) }
    }

    pub(super) fn uint(&mut self, column: Column) -> Result<u64, BatchError> {
        let fixed = &mut self.fixed[column as usize];
        if fixed.is_zeros { Ok(0) } else { fixed.input.uint() }
    }

    pub(super) fn int(&mut self, column: Column) -> Result<i64, BatchError> {
        self.uint(column).map(unzigzag)
    }

    /// A thing of a table, which is made of raw bytes if it is new.
    pub(super) fn item<T: Copy + Eq + Hash, const N: usize>(
        &mut self,
        column: Column,
        table: &mut Table<T>,
        make: impl FnOnce([u8; N]) -> T,
    ) -> Result<T, BatchError> {
        let number = self.uint(column)?;
        self.item_of(number, table, make)
    }

    /// The thing of a table with this number, likewise.
    pub(super) fn item_of<T: Copy + Eq + Hash, const N: usize>(
        &mut self,
        number: u64,
        table: &mut Table<T>,
        make: impl FnOnce([u8; N]) -> T,
    ) -> Result<T, BatchError> {
        let place = match table.place(number)? {
            Some(place) => place,
            None => table.push(make(self.raw.array()?)),
        };
        table.get(place).copied()
    }

    /// A number that counts things to come, of which there may not be more than `max`.
    pub(super) fn count(&mut self, column: Column, max: usize) -> Result<usize, BatchError> {
        usize::try_from(self.uint(column)?).ok().filter(|count| *count <= max).ok_or(BatchError::TooBig)
    }

    /// A column of bytes.
    pub(super) fn bytes(&mut self, column: Column) -> &mut Input<'a> {
        &mut self.fixed[column as usize].input
    }

    pub(super) fn end(&self) -> Result<(), BatchError> {
        self.fixed.iter().try_for_each(|fixed| fixed.input.end())?;
        self.raw.end()
    }
}

/// Bytes from outside, read from the front.
#[derive(Clone, Copy)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], BatchError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(BatchError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], BatchError> {
        self.take(N)?.try_into().map_err(|_| BatchError::Truncated)
    }

    pub(super) fn uint(&mut self) -> Result<u64, BatchError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.array::<1>()?[0];
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                return Err(BatchError::Malformed);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(BatchError::Malformed)
    }

    /// The length of bytes that follow here or elsewhere; whoever takes them finds out whether they are there.
    pub(super) fn length(&mut self) -> Result<usize, BatchError> {
        usize::try_from(self.uint()?).map_err(|_| BatchError::TooBig)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn end(&self) -> Result<(), BatchError> {
        if self.is_empty() { Ok(()) } else { Err(BatchError::Spare) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_went() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_uint(&mut bytes, value);
            let mut input = Input(&bytes);
            assert_eq!(input.uint(), Ok(value));
            assert_eq!(input.end(), Ok(()));
            assert_eq!(unzigzag(zigzag(value.cast_signed())), value.cast_signed());
        }
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused() {
        assert_eq!(Input(&[0xff; 9]).uint(), Err(BatchError::Truncated));
        assert_eq!(Input(&[0xff; 11]).uint(), Err(BatchError::Malformed));
        assert_eq!(
            Input(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).uint(),
            Err(BatchError::Malformed)
        );
    }

    #[test]
    fn a_column_of_zeros_takes_no_bytes_and_reads_as_zeros() {
        let mut sink = Sink::new();
        (0..5).for_each(|_| sink.uint(Column::Kind, 0));
        sink.uint(Column::Time, 300);
        let (columns, raw) = sink.finish();
        let slices: Vec<&[u8]> = columns.iter().map(Vec::as_slice).collect();
        let mut source = Source::new(&slices.try_into().expect("as many as written"), &raw);
        assert!(columns[Column::Kind as usize].is_empty());
        assert_eq!((source.uint(Column::Kind), source.uint(Column::Time)), (Ok(0), Ok(300)));
        assert_eq!(source.uint(Column::Time), Err(BatchError::Truncated));
        assert_eq!(source.end(), Ok(()));
    }
}

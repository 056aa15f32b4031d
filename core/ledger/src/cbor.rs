//! The deterministic CBOR of the format: maps with ascending integer keys, minimal integers, definite lengths.
//!
//! minicbor reads and writes the items; this module holds the one shape the format uses. Readers check shape and bounds;
//! that bytes are in their one encoding is checked by the caller, who encodes what was read and compares.

use minicbor::{Decoder, Encoder};

/// Room for the fields of a commit's header, the map that is written most.
const FIELDS_BYTES: usize = 256;
/// How many fields a map of the format has, but for those of newer versions.
const FIELDS_COUNT: usize = 12;
/// Bytes of the head of a map.
const HEAD_BYTES_MAX: usize = 9;

/// Bytes that are not the map, item or list that the format has in this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the CBOR that the format has here")]
pub struct CborError;

impl From<minicbor::decode::Error> for CborError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

/// One encoded item. A `Vec` takes every byte, so writing cannot fail.
pub(crate) fn item(
    write: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> Result<(), minicbor::encode::Error<std::convert::Infallible>>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = write(&mut Encoder::new(&mut bytes));
    debug_assert!(written.is_ok());
    bytes
}

/// A map being written.
#[derive(Default)]
pub(crate) struct MapWriter {
    /// The fields one after the other, each its key and its value.
    bytes: Vec<u8>,
    /// The key of each, and where it begins.
    fields: Vec<(u64, usize)>,
}

impl MapWriter {
    /// A field of one item, in its place among the others whenever it is given.
    fn field(
        mut self,
        key: u64,
        write: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> Result<(), minicbor::encode::Error<std::convert::Infallible>>,
    ) -> Self {
        if self.fields.is_empty() {
            self.bytes.reserve(FIELDS_BYTES);
            self.fields.reserve(FIELDS_COUNT);
        }
        self.fields.push((key, self.bytes.len()));
        let mut encoder = Encoder::new(&mut self.bytes);
        let written = encoder.u64(key).map(drop).and_then(|()| write(&mut encoder));
        debug_assert!(written.is_ok());
        self
    }

    pub(crate) fn raw(self, key: u64, value: &[u8]) -> Self {
        let mut map = self.field(key, |_| Ok(()));
        map.bytes.extend_from_slice(value);
        map
    }

    pub(crate) fn uint(self, key: u64, value: u64) -> Self {
        self.field(key, |e| e.u64(value)?.ok())
    }

    pub(crate) fn int(self, key: u64, value: i64) -> Self {
        self.field(key, |e| e.i64(value)?.ok())
    }

    pub(crate) fn bytes(self, key: u64, value: &[u8]) -> Self {
        self.field(key, |e| e.bytes(value)?.ok())
    }

    pub(crate) fn text(self, key: u64, value: &str) -> Self {
        self.field(key, |e| e.str(value)?.ok())
    }

    /// A field that is left out when it holds its default.
    pub(crate) fn uint_unless(self, default: u64, key: u64, value: u64) -> Self {
        if value == default { self } else { self.uint(key, value) }
    }

    pub(crate) fn bytes_if(self, key: u64, value: Option<&[u8]>) -> Self {
        match value {
            Some(value) => self.bytes(key, value),
            None => self,
        }
    }

    /// A list of items that are encoded already; left out when empty.
    pub(crate) fn list<I: AsRef<[u8]>>(self, key: u64, items: &[I]) -> Self {
        if items.is_empty() { self } else { self.raw(key, &list(items)) }
    }

    /// A list of byte strings; left out when empty.
    pub(crate) fn bytes_list<I: AsRef<[u8]>>(self, key: u64, items: &[I]) -> Self {
        if items.is_empty() {
            return self;
        }
        self.field(key, |e| {
            let e = e.array(items.len() as u64)?;
            items.iter().try_fold(e, |e, bytes| e.bytes(bytes.as_ref()))?.ok()
        })
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes.len() + HEAD_BYTES_MAX);
        let written = Encoder::new(&mut bytes).map(self.fields.len() as u64).map(drop);
        debug_assert!(written.is_ok());
        if self.fields.is_sorted() {
            bytes.extend_from_slice(&self.bytes);
            return bytes;
        }
        let ends = self.fields.iter().skip(1).map(|(_, start)| *start).chain([self.bytes.len()]);
        let mut fields: Vec<(u64, &[u8])> =
            self.fields.iter().zip(ends).map(|((key, start), end)| (*key, &self.bytes[*start..end])).collect();
        fields.sort_by_key(|(key, _)| *key);
        fields.into_iter().for_each(|(_, field)| bytes.extend_from_slice(field));
        bytes
    }
}

/// A list of encoded items.
pub(crate) fn list<I: AsRef<[u8]>>(items: &[I]) -> Vec<u8> {
    let mut bytes = item(|e| e.array(items.len() as u64)?.ok());
    items.iter().for_each(|encoded| bytes.extend_from_slice(encoded.as_ref()));
    bytes
}

/// A map that was read: its fields in order, taken out one by one.
pub(crate) struct MapReader<'a> {
    fields: Vec<(u64, &'a [u8])>,
}

impl<'a> MapReader<'a> {
    /// Reads one map that is all of `bytes`. No map of the format has more than `fields_max` fields.
    pub(crate) fn new(bytes: &'a [u8], fields_max: u64) -> Result<Self, CborError> {
        let mut decoder = Decoder::new(bytes);
        let count = decoder.map()?.filter(|count| *count <= fields_max).ok_or(CborError)?;
        let mut fields: Vec<(u64, &'a [u8])> = Vec::new();
        for _ in 0..count {
            let key = decoder.u64()?;
            let start = decoder.position();
            decoder.skip()?;
            let value = bytes.get(start..decoder.position()).ok_or(CborError)?;
            if fields.last().is_some_and(|(last, _)| *last >= key) {
                return Err(CborError);
            }
            fields.push((key, value));
        }
        if decoder.position() == bytes.len() { Ok(Self { fields }) } else { Err(CborError) }
    }

    pub(crate) fn take(&mut self, key: u64) -> Option<&'a [u8]> {
        let index = self.fields.iter().position(|(found, _)| *found == key)?;
        Some(self.fields.remove(index).1)
    }

    pub(crate) fn uint(&mut self, key: u64) -> Result<Option<u64>, CborError> {
        self.take(key).map(|raw| Ok(Decoder::new(raw).u64()?)).transpose()
    }

    pub(crate) fn int(&mut self, key: u64) -> Result<Option<i64>, CborError> {
        self.take(key).map(|raw| Ok(Decoder::new(raw).i64()?)).transpose()
    }

    pub(crate) fn bytes(&mut self, key: u64) -> Result<Option<&'a [u8]>, CborError> {
        self.take(key).map(|raw| Ok(Decoder::new(raw).bytes()?)).transpose()
    }

    pub(crate) fn text(&mut self, key: u64) -> Result<Option<&'a str>, CborError> {
        self.take(key).map(|raw| Ok(Decoder::new(raw).str()?)).transpose()
    }

    pub(crate) fn fixed<const N: usize>(&mut self, key: u64) -> Result<Option<[u8; N]>, CborError> {
        self.bytes(key)?.map(|bytes| bytes.try_into().map_err(|_| CborError)).transpose()
    }

    /// The raw items of a list; an absent list is empty, an empty one is not in its one encoding.
    pub(crate) fn list(&mut self, key: u64, items_max: usize) -> Result<Vec<&'a [u8]>, CborError> {
        let Some(raw) = self.take(key) else { return Ok(Vec::new()) };
        let mut decoder = Decoder::new(raw);
        let count = decoder.array()?.and_then(|count| usize::try_from(count).ok());
        let count = count.filter(|count| (1..=items_max).contains(count)).ok_or(CborError)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            let start = decoder.position();
            decoder.skip()?;
            items.push(raw.get(start..decoder.position()).ok_or(CborError)?);
        }
        Ok(items)
    }

    pub(crate) fn fixed_list<const N: usize>(&mut self, key: u64, max: usize) -> Result<Vec<[u8; N]>, CborError> {
        let items = self.list(key, max)?;
        items.into_iter().map(|raw| Decoder::new(raw).bytes()?.try_into().map_err(|_| CborError)).collect()
    }

    /// What nobody took: fields of newer versions.
    pub(crate) fn rest(self) -> Vec<(u64, Vec<u8>)> {
        self.fields.into_iter().map(|(key, raw)| (key, raw.to_vec())).collect()
    }

    /// Refuses fields that nobody took.
    pub(crate) fn end(self) -> Result<(), CborError> {
        if self.fields.is_empty() { Ok(()) } else { Err(CborError) }
    }
}

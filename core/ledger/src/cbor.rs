//! The deterministic CBOR of the format: maps with ascending integer keys, minimal integers, definite lengths.
//!
//! minicbor reads and writes the items; this module holds the one shape the format uses. Readers check shape and bounds;
//! that bytes are in their one encoding is checked by the caller, who encodes what was read and compares.

use minicbor::{Decoder, Encoder};

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

/// A map being written, keys ascending.
#[derive(Default)]
pub(crate) struct MapWriter {
    fields: Vec<(u64, Vec<u8>)>,
}

impl MapWriter {
    pub(crate) fn raw(mut self, key: u64, value: Vec<u8>) -> Self {
        self.fields.push((key, value));
        self
    }

    pub(crate) fn uint(self, key: u64, value: u64) -> Self {
        self.raw(key, item(|e| e.u64(value)?.ok()))
    }

    pub(crate) fn int(self, key: u64, value: i64) -> Self {
        self.raw(key, item(|e| e.i64(value)?.ok()))
    }

    pub(crate) fn bytes(self, key: u64, value: &[u8]) -> Self {
        self.raw(key, item(|e| e.bytes(value)?.ok()))
    }

    pub(crate) fn text(self, key: u64, value: &str) -> Self {
        self.raw(key, item(|e| e.str(value)?.ok()))
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
        if items.is_empty() { self } else { self.raw(key, list(items)) }
    }

    /// A list of byte strings; left out when empty.
    pub(crate) fn bytes_list<I: AsRef<[u8]>>(self, key: u64, items: &[I]) -> Self {
        let items: Vec<_> = items.iter().map(|bytes| item(|e| e.bytes(bytes.as_ref())?.ok())).collect();
        self.list(key, &items)
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.fields.sort_by_key(|(key, _)| *key);
        let mut bytes = item(|e| e.map(self.fields.len() as u64)?.ok());
        for (key, value) in self.fields {
            bytes.extend(item(|e| e.u64(key)?.ok()));
            bytes.extend(value);
        }
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

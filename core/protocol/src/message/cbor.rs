//! The CBOR of messages: maps with ascending integer keys, definite lengths.
//!
//! minicbor reads and writes single items. The walk over what is not known is here: it goes by a count, so that no depth of
//! nesting costs anything.

use minicbor::{Decoder, Encoder};

/// Fields of a message, those of newer versions included.
const FIELDS_MAX: u64 = 64;

/// A map being written, keys ascending. A `Vec` takes every byte, so writing cannot fail.
pub(super) struct Writer {
    count: u64,
    fields: Encoder<Vec<u8>>,
}

/// What writing gives: only a full sink could fail, and there is none.
type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

impl Writer {
    pub(super) fn new() -> Self {
        Self { count: 0, fields: Encoder::new(Vec::new()) }
    }

    /// A field, by what writes its value.
    pub(super) fn field(mut self, key: u8, value: impl FnOnce(&mut Encoder<Vec<u8>>) -> Written) -> Self {
        let written = self.fields.u8(key).map(|_| ()).and_then(|()| value(&mut self.fields));
        debug_assert!(written.is_ok());
        self.count += 1;
        self
    }

    pub(super) fn uint(self, key: u8, value: impl Into<u64>) -> Self {
        let value = value.into();
        self.field(key, |e| e.u64(value)?.ok())
    }

    /// A number that is left out when it is the default.
    pub(super) fn uint_unless(self, default: u64, key: u8, value: impl Into<u64>) -> Self {
        let value = value.into();
        if value == default { self } else { self.uint(key, value) }
    }

    pub(super) fn bytes(self, key: u8, value: &[u8]) -> Self {
        self.field(key, |e| e.bytes(value)?.ok())
    }

    pub(super) fn text(self, key: u8, value: &str) -> Self {
        self.field(key, |e| e.str(value)?.ok())
    }

    /// A field that may be absent.
    pub(super) fn option<T>(self, value: Option<T>, write: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => write(self, value),
            None => self,
        }
    }

    /// The frame.
    pub(super) fn finish(self, kind: u8) -> Vec<u8> {
        let fields = self.fields.into_writer();
        let mut frame = Vec::with_capacity(fields.len() + 4);
        frame.push(kind);
        let mut map = Encoder::new(frame);
        let written = map.map(self.count);
        debug_assert!(written.is_ok());
        let mut frame = map.into_writer();
        frame.extend_from_slice(&fields);
        frame
    }
}

/// The fields of a map from outside, each as the bytes of its item.
pub(super) struct Fields<'a>(Vec<(u64, &'a [u8])>);

impl<'a> Fields<'a> {
    /// Finds the fields of a map that is all of `bytes`.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut decoder = Decoder::new(bytes);
        let count = decoder.map().ok()??;
        if count > FIELDS_MAX {
            return None;
        }
        let mut fields = Vec::new();
        for _ in 0..count {
            let key = decoder.u64().ok()?;
            if fields.last().is_some_and(|(last, _)| *last >= key) {
                return None;
            }
            let start = decoder.position();
            let end = start + item_length(bytes.get(start..)?)?;
            fields.push((key, bytes.get(start..end)?));
            decoder.set_position(end);
        }
        (decoder.position() == bytes.len()).then_some(Self(fields))
    }

    /// The item of a key.
    pub(super) fn get(&self, key: u64) -> Option<Decoder<'a>> {
        self.0.iter().find(|(known, _)| *known == key).map(|(_, item)| Decoder::new(item))
    }
}

/// How many bytes the item at the front takes, whatever it is; `None` if it does not end or has no definite length.
fn item_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    let mut items = 1_u64;
    while items > 0 {
        let (major, argument, head) = item_head(bytes.get(at..)?)?;
        at += head;
        items -= 1;
        match major {
            2 | 3 => at = at.checked_add(usize::try_from(argument).ok()?)?,
            4 => items = items.checked_add(argument)?,
            5 => items = items.checked_add(argument.checked_mul(2)?)?,
            6 => items += 1,
            _ => {}
        }
        // Every item takes a byte at least: more than there are bytes left cannot come.
        if items > bytes.len().checked_sub(at)? as u64 {
            return None;
        }
    }
    Some(at)
}

/// The major type of an item, its argument, and how many bytes say so.
fn item_head(bytes: &[u8]) -> Option<(u8, u64, usize)> {
    let first = *bytes.first()?;
    let length = match first & 0x1f {
        short @ 0..=23 => return Some((first >> 5, u64::from(short), 1)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let argument = bytes.get(1..=length)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    Some((first >> 5, argument, 1 + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_every_kind_are_passed_over() {
        let items: [&[u8]; 10] = [
            &[0x17],
            &[0x1b, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x39, 1, 2],
            &[0x43, 1, 2, 3],
            &[0x61, b'a'],
            &[0x82, 0x01, 0x81, 0x02],
            &[0xa1, 0x01, 0x80],
            &[0xc1, 0x01],
            &[0xf5],
            &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0],
        ];
        for item in items {
            let with_more = [item, &[0x00]].concat();
            assert_eq!(item_length(&with_more), Some(item.len()), "{item:x?}");
            assert!((0..item.len()).all(|end| item_length(&item[..end]).is_none()), "{item:x?}");
        }
    }

    #[test]
    fn neither_depth_nor_declared_lengths_cost_anything() {
        let nested = [vec![0x81; 1 << 20], vec![0x00]].concat();
        assert_eq!(item_length(&nested), Some(nested.len()));
        assert_eq!(item_length(&vec![0xc1; 1 << 20]), None);
        assert_eq!(item_length(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(item_length(&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(item_length(&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(item_length(&[0x9f, 0xff]), None, "indefinite");
    }
}

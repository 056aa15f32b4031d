//! Keys of things whose names are not kept: hashed, and the same for ever on every machine.

use std::hash::Hasher;

use outlay_ledger::spend::Spend;

/// Characters of a payee or note that count: a line of a phone, and a bound for the work on a pasted page.
const TEXT_CHARS_MAX: usize = 64;

/// FNV-1a of 64 bits: for short inputs. Nobody gains by collisions in a table of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hash(pub(crate) u64);

impl Hash {
    /// That of nothing.
    pub(crate) const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    pub(crate) fn new(tag: u8) -> Self {
        Self::EMPTY.add(&[tag])
    }

    pub(crate) fn add(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)))
    }

    /// What a row says in words, to know it again: its payee and note as [`plain`] texts. `None` if it says nothing.
    pub(crate) fn of_text(row: &Spend) -> Option<Self> {
        let (payee, note) = (plain(&row.payee), plain(&row.note));
        (!payee.is_empty() || !note.is_empty())
            .then(|| Self::new(b'k').add(payee.as_bytes()).add(&[0]).add(note.as_bytes()))
    }

    /// The payee of a row, if it says more than that; `None` where [`Self::of_text`] is all there is.
    pub(crate) fn of_payee(row: &Spend) -> Option<Self> {
        let (payee, note) = (plain(&row.payee), plain(&row.note));
        (!payee.is_empty() && !note.is_empty()).then(|| Self::new(b'p').add(payee.as_bytes()))
    }
}

/// The same for maps that are looked up and never gone through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixed(u64);

impl Default for Fixed {
    fn default() -> Self {
        Self(Hash::EMPTY.0)
    }
}

impl Hasher for Fixed {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.0 = (self.0.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        self.0 = Hash(self.0).add(rest).0;
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// A text in lower case with single spaces, and cut.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    // Twice as many, so that a text that begins with spaces is not cut short.
    for character in text.chars().flat_map(char::to_lowercase).take(2 * TEXT_CHARS_MAX) {
        if !character.is_whitespace() {
            plain.push(character);
        } else if !plain.is_empty() && !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    let end = plain.char_indices().nth(TEXT_CHARS_MAX).map_or(plain.len(), |(end, _)| end);
    plain.truncate(end);
    plain.truncate(plain.trim_end().len());
    plain
}

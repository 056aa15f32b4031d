//! Bytes as lower-case hexadecimal: the one text form of ids and keys, here and in JSON and headers.

use std::fmt;

/// The text of bytes.
///
/// ```
/// use outlay_ledger::hex;
/// assert_eq!(hex::encode(&[0x00, 0xff, 0x10]), "00ff10");
/// assert_eq!(hex::fixed("00ff10"), Some([0x00, 0xff, 0x10]));
/// ```
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    // Writing to a string does not fail.
    _ = write(&mut text, bytes);
    text
}

/// The bytes of a text of exactly so many; no other text, and none in upper case, has any.
pub fn fixed<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// The bytes of a text, at most so many.
///
/// ```
/// use outlay_ledger::hex;
/// assert_eq!(hex::decode("00ff10", 3), Some(vec![0x00, 0xff, 0x10]));
/// assert_eq!(hex::decode("00ff10", 2), None);
/// assert_eq!(hex::decode("00f", 3), None);
/// ```
pub fn decode(text: &str, bytes_max: usize) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() > bytes_max.saturating_mul(2) || !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

pub(crate) fn write(to: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(to, "{byte:02x}"))
}

const fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_exactly_its_digits() {
        assert_eq!(fixed("00ff10"), Some([0, 255, 16]));
        assert_eq!(fixed::<3>("00ff1"), None);
        assert_eq!(fixed::<3>("00ff1g"), None);
        assert_eq!(fixed::<3>("00FF10"), None);
        assert_eq!(fixed::<3>("00+f10"), None);
    }
}

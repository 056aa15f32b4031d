//! What kind of file some bytes are, by how they begin: the few kinds that receipts come in.
//!
//! What a sender calls a file is not believed, so this looks at the bytes alone. It says what the file begins like, never
//! that the rest of it is in order. A kind that it does not know is [`UNKNOWN`], and that is no error.

/// A file of no kind that is known here.
pub const UNKNOWN: &str = "application/octet-stream";
/// Bytes from the beginning of a file that decide its kind.
pub const SNIFFED_BYTES: usize = 4096;

/// How files of each kind begin.
const BEGINNINGS: [(&[u8], &str); 9] = [
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
    (b"BM", "image/bmp"),
];
/// Marks of ISO media files, by what they hold: bytes 4 to 8 are `ftyp`, the mark follows.
const BRANDS: [(&[u8], &str); 7] = [
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"heim", "image/heic"),
    (b"heis", "image/heic"),
    (b"mif1", "image/heif"),
    (b"msf1", "image/heif"),
    (b"avif", "image/avif"),
];

/// The media type of a file, from its first [`SNIFFED_BYTES`] bytes or more.
///
/// ```
/// use outlay_ledger::media::{UNKNOWN, sniff};
/// assert_eq!(sniff(b"%PDF-1.7"), "application/pdf");
/// assert_eq!(sniff(b"RIFF\x24\0\0\0WEBPVP8 "), "image/webp");
/// assert_eq!(sniff("Café 3,40 €\n".as_bytes()), "text/plain");
/// assert_eq!(sniff(b"\x7fELF\x02\x01\x01\0"), UNKNOWN);
/// ```
pub fn sniff(bytes: &[u8]) -> &'static str {
    let bytes = &bytes[..bytes.len().min(SNIFFED_BYTES)];
    let begun = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    if let Some((_, media_type)) = begun.or_else(|| brand(bytes)) {
        return media_type;
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return "image/webp";
    }
    if is_text(bytes) { "text/plain" } else { UNKNOWN }
}

fn brand(bytes: &[u8]) -> Option<&'static (&'static [u8], &'static str)> {
    let brand = bytes.get(8..12).filter(|_| bytes.get(4..8) == Some(b"ftyp"))?;
    BRANDS.iter().find(|(known, _)| *known == brand)
}

/// UTF-8 without control characters but those of layout; a character that the end cuts off is whole further on. What a
/// browser would run is text all the same: a text is only ever shown as one.
fn is_text(bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && bytes.len() == SNIFFED_BYTES => {
            let (valid, _) = bytes.split_at(error.valid_up_to());
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

/// Whether a text is a media type: two names of lower-case letters, digits and `!#$&^_.+-`, and `/` between them.
pub fn is_type(text: &str) -> bool {
    let is_name = |name: &str| {
        let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$&^_.+-".contains(&byte);
        name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) && name.bytes().all(is_inner)
    };
    text.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_told_by_how_it_begins() {
        for (beginning, media_type) in BEGINNINGS {
            let file = [beginning, &[0; 40]].concat();
            assert_eq!(sniff(&file), media_type);
            assert!(is_type(media_type));
        }
        for (brand, media_type) in BRANDS {
            let file = [b"\0\0\0\x18ftyp", brand, &[0; 40]].concat();
            assert_eq!(sniff(&file), media_type);
        }
    }

    #[test]
    fn a_cut_off_or_foreign_file_is_of_no_kind() {
        for bytes in [&b""[..], b"\x89PN\0", b"RIFF\x24\0\0\0WAVE", b"\0\0\0\x18ftypisom", b"\xff\xfe", b"a\0b"] {
            assert_eq!(sniff(bytes), UNKNOWN, "{bytes:?}");
        }
    }

    #[test]
    fn a_text_is_one_also_when_the_end_cuts_a_character() {
        let long = "é".repeat(SNIFFED_BYTES);
        assert_eq!(sniff(long.as_bytes()), "text/plain");
        assert_eq!(sniff(format!("x{long}").as_bytes()), "text/plain");
        assert_eq!(sniff(&"é".as_bytes()[..1]), UNKNOWN, "here nothing follows");
    }

    #[test]
    fn a_type_is_two_names() {
        assert!(is_type("application/vnd.ms-excel"));
        for text in ["", "/", "image/", "/png", "Image/png", "a/b/c", "a/b; charset=x", "a/\n", "-a/b"] {
            assert!(!is_type(text), "{text}");
        }
    }
}

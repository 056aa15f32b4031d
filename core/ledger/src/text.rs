//! Text as a ledger holds it, and the folded form by which names are one and the same.
//!
//! [`normalize`] is applied to every text a person or a file gives before it is written: NFC, trimmed, no control
//! characters, within a limit in bytes. [`fold`] is never shown: two names are one name when their folded forms are
//! equal, and the folded name of an account is part of the document id derived from it.
//!
//! Nothing here looks at what a text means, and nothing depends on a language: `fold` knows neither that `ß` may be
//! written `ss` nor that a Turkish `I` has no dot.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A text that cannot be written to a ledger. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It is longer than its limit.
    #[error("the text is longer than {bytes_max} bytes")]
    TooLong {
        /// The limit, in bytes of UTF-8.
        bytes_max: usize,
    },
    /// It holds a control character (or, where a single line is wanted, a line break or a tab).
    #[error("the text contains the control character U+{code:04X}")]
    ControlCharacter {
        /// Its code point.
        code: u32,
    },
}

/// Brings a single line of text into the form a ledger holds: trimmed and NFC.
///
/// An empty text is a text; whether one is wanted is the caller's question.
///
/// # Errors
///
/// * [`TextError::ControlCharacter`] if one is inside, line breaks and tabs included.
/// * [`TextError::TooLong`] if the result has more than `bytes_max` bytes.
///
/// ```
/// use outlay_ledger::text::{TextError, normalize};
/// assert_eq!(normalize(" Cafe\u{301} ", 16)?, "Café");
/// assert_eq!(normalize("two\nlines", 16), Err(TextError::ControlCharacter { code: 0x0A }));
/// assert_eq!(normalize("Café", 4), Err(TextError::TooLong { bytes_max: 4 }), "five bytes");
/// # Ok::<(), TextError>(())
/// ```
pub fn normalize(text: &str, bytes_max: usize) -> Result<String, TextError> {
    checked(text, bytes_max, |_| false)
}

/// Like [`normalize`], for text of several lines: line feeds and tabs may be inside.
///
/// A carriage return is a line break of another system and becomes a line feed, with the one that follows it.
///
/// # Errors
///
/// Those of [`normalize`], for other control characters.
///
/// ```
/// use outlay_ledger::text::normalize_multiline;
/// assert_eq!(normalize_multiline("two\r\nlines\n", 16)?, "two\nlines");
/// # Ok::<(), outlay_ledger::text::TextError>(())
/// ```
pub fn normalize_multiline(text: &str, bytes_max: usize) -> Result<String, TextError> {
    if text.contains('\r') {
        return checked(&text.replace("\r\n", "\n").replace('\r', "\n"), bytes_max, is_layout);
    }
    checked(text, bytes_max, is_layout)
}

/// The form by which names are compared: NFKC, lower case character by character, each run of white space one space,
/// no white space at either end.
///
/// Folding a folded text changes nothing. For characters that Unicode had assigned when this was built the result is
/// the same in every later version; document ids depend on it.
///
/// ```
/// use outlay_ledger::text::fold;
/// assert_eq!(fold("  Corner\u{a0}  CAFE\u{301} "), "corner café");
/// assert_eq!(fold("Straße"), "straße", "no language's rules");
/// ```
pub fn fold(text: &str) -> String {
    // Lower case can open a composition that upper case had not, so the second pass is not idle.
    let lower: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let mut folded = String::with_capacity(lower.len());
    for word in lower.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// Appends the NFC of a text, whatever is in it.
///
/// ```
/// let mut line = "1 ".to_owned();
/// outlay_ledger::text::push_nfc(&mut line, "Cafe\u{301}");
/// assert_eq!(line, "1 Café");
/// ```
pub fn push_nfc(to: &mut String, text: &str) {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        to.push_str(text);
    } else {
        to.extend(text.nfc());
    }
}

fn is_layout(character: char) -> bool {
    matches!(character, '\n' | '\t')
}

fn checked(text: &str, bytes_max: usize, is_allowed: fn(char) -> bool) -> Result<String, TextError> {
    let text = text.trim();
    if let Some(control) = text.chars().find(|c| c.is_control() && !is_allowed(*c)) {
        return Err(TextError::ControlCharacter { code: u32::from(control) });
    }
    nfc(text, bytes_max).ok_or(TextError::TooLong { bytes_max })
}

/// NFC of the text, or `None` as soon as it is past the limit, so an endless text costs no more than a long one.
fn nfc(text: &str, bytes_max: usize) -> Option<String> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return (text.len() <= bytes_max).then(|| text.to_owned());
    }
    let mut composed = String::with_capacity(text.len().min(bytes_max));
    for character in text.nfc() {
        composed.push(character);
        if composed.len() > bytes_max {
            return None;
        }
    }
    Some(composed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    #[test]
    fn control_characters_are_named_and_layout_is_for_several_lines_only() {
        assert_eq!(normalize("a\0b", 9), Err(TextError::ControlCharacter { code: 0 }));
        assert_eq!(normalize("a\tb", 9), Err(TextError::ControlCharacter { code: 9 }));
        assert_eq!(normalize_multiline("a\tb\rc", 9), Ok("a\tb\nc".into()));
        assert_eq!(normalize_multiline("a\u{1b}[31m", 9), Err(TextError::ControlCharacter { code: 0x1b }));
        assert_eq!(normalize("a\u{85}b", 9), Err(TextError::ControlCharacter { code: 0x85 }));
    }

    #[test]
    fn the_limit_counts_bytes_of_the_result() {
        assert_eq!(normalize("  1234  ", 4), Ok("1234".into()));
        assert_eq!(normalize("12345", 4), Err(TextError::TooLong { bytes_max: 4 }));
        assert_eq!(normalize("e\u{301}e\u{301}", 4), Ok("éé".into()));
        assert_eq!(normalize("", 0), Ok(String::new()));
    }

    #[test]
    fn names_that_look_the_same_fold_to_one() {
        for name in ["Groceries", " groceries", "GROCERIES\u{2003}", "ｇｒｏｃｅｒｉｅｓ"] {
            assert_eq!(fold(name), "groceries", "{name:?}");
        }
        assert_ne!(fold("Groceries"), fold("Grocery"));
        assert_eq!(fold("ΣΑΣ"), "σασ", "character by character, no final sigma");
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn folding_and_normalizing_twice_change_nothing_more(text in "\\PC{0,24}") {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded.clone());
            let normal = normalize(&text, 4096).unwrap();
            prop_assert_eq!(normalize(&normal, 4096).unwrap(), normal.clone());
            prop_assert_eq!(fold(&normal), folded);
        }
    }
}

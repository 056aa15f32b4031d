//! Where one record of CSV ends and what its cells are: a pure function of a piece of text.
//!
//! Cells may be quoted, with quotes inside doubled and line breaks allowed (RFC 4180). What it leaves open is read
//! leniently: a quote inside an unquoted cell is a quote, text after a closing quote belongs to the cell, spaces
//! before an opening one do not. Lines end in LF, CRLF or CR.
//!
//! It is written here because a limit on the length of a record, the line each begins on, and a quote that is never
//! closed are what an import has to name, and the readers at hand report none of the three.

use std::borrow::Cow;

use outlay_ledger::text;

use super::{CELLS_MAX, RowError};

/// What is at the beginning of a piece of text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record, and how long it is with its line break.
    Record {
        /// Bytes.
        bytes: usize,
        /// Lines.
        lines: u64,
    },
    /// It cannot be told without more text.
    Incomplete,
    /// A quote is still open at the end of the last text.
    Unterminated,
}

/// The cells of one record, each trimmed and NFC, joined by U+001F.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) text: String,
    pub(super) ends: Vec<u32>,
    pub(super) fault: Option<RowError>,
}

/// Joins cells. It is a control character, so no cell that is taken holds one.
pub(super) const SEPARATOR: char = '\u{1f}';

impl Cells {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.fault = None;
    }

    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize + SEPARATOR.len_utf8());
        self.text.get(start..end)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).filter_map(|index| self.get(index))
    }

    /// How many cells there are, those at the end that are empty not counted.
    pub(super) fn filled(&self) -> usize {
        (0..self.ends.len()).rev().find(|index| self.get(*index) != Some("")).map_or(0, |index| index + 1)
    }

    fn push(&mut self, raw: &str) {
        if self.ends.len() == CELLS_MAX {
            self.fault = Some(RowError::TooManyCells);
            return;
        }
        if let Some(control) = raw.bytes().find(|byte| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) {
            self.fault = Some(RowError::ControlCharacter { code: u32::from(control) });
        }
        if !self.ends.is_empty() {
            self.text.push(SEPARATOR);
        }
        text::push_nfc(&mut self.text, raw.trim());
        match u32::try_from(self.text.len()) {
            Ok(end) => self.ends.push(end),
            Err(_) => self.fault = Some(RowError::RowTooLong),
        }
    }
}

/// Splits the first record off a text. `is_last` says that no text follows.
pub(super) fn record(text: &str, delimiter: u8, is_last: bool, cells: &mut Cells) -> Step {
    let mut at = 0;
    let mut lines = 1;
    loop {
        let cell = match cell(&text[at..], delimiter, is_last) {
            Ok(cell) => cell,
            Err(step) => return step,
        };
        cells.push(&cell.content);
        at += cell.bytes;
        lines += cell.breaks;
        let ending = &text.as_bytes()[at..];
        match ending {
            [byte, ..] if *byte == delimiter => at += 1,
            [b'\r', b'\n', ..] => return Step::Record { bytes: at + 2, lines },
            [b'\r'] if !is_last => return Step::Incomplete,
            [_, ..] => return Step::Record { bytes: at + 1, lines },
            [] if is_last => return Step::Record { bytes: at, lines },
            [] => return Step::Incomplete,
        }
    }
}

/// How long the first physical line is with its break, if it ends in this text.
pub(super) fn line_bytes(text: &str) -> Option<usize> {
    let at = text.bytes().position(|byte| matches!(byte, b'\n' | b'\r'))?;
    Some(if text[at..].starts_with("\r\n") { at + 2 } else { at + 1 })
}

struct Cell<'a> {
    content: Cow<'a, str>,
    /// Up to the delimiter, the line break or the end.
    bytes: usize,
    /// Line breaks inside.
    breaks: u64,
}

fn cell(text: &str, delimiter: u8, is_last: bool) -> Result<Cell<'_>, Step> {
    let spaces = text.bytes().take_while(|byte| *byte == b' ').count();
    match text.as_bytes().get(spaces) {
        Some(b'"') => quoted(text, spaces + 1, delimiter, is_last),
        _ => {
            let bytes = unquoted_bytes(text, delimiter);
            Ok(Cell { content: Cow::Borrowed(&text[..bytes]), bytes, breaks: 0 })
        }
    }
}

fn unquoted_bytes(text: &str, delimiter: u8) -> usize {
    let is_end = |byte: u8| byte == delimiter || byte == b'\n' || byte == b'\r';
    text.bytes().position(is_end).unwrap_or(text.len())
}

fn quoted(text: &str, start: usize, delimiter: u8, is_last: bool) -> Result<Cell<'_>, Step> {
    let mut content = Cow::Borrowed("");
    let mut at = start;
    loop {
        let open = if is_last { Step::Unterminated } else { Step::Incomplete };
        let Some(length) = text[at..].bytes().position(|byte| byte == b'"') else { return Err(open) };
        append(&mut content, &text[at..at + length]);
        at += length + 1;
        match text.as_bytes().get(at) {
            Some(b'"') => {
                append(&mut content, "\"");
                at += 1;
            }
            None if !is_last => return Err(Step::Incomplete),
            _ => break,
        }
    }
    let breaks = line_breaks(&text[start..at]);
    let rest = unquoted_bytes(&text[at..], delimiter);
    append(&mut content, &text[at..at + rest]);
    Ok(Cell { content, bytes: at + rest, breaks })
}

/// Appends without copying while there is one piece only, as in most quoted cells.
fn append<'a>(content: &mut Cow<'a, str>, piece: &'a str) {
    if content.is_empty() {
        *content = Cow::Borrowed(piece);
    } else if !piece.is_empty() {
        content.to_mut().push_str(piece);
    }
}

fn line_breaks(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let is_break = |at: usize| bytes[at] == b'\n' || bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    (0..bytes.len()).filter(|at| is_break(*at)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> (Step, Vec<String>) {
        let mut cells = Cells::default();
        let step = record(text, b',', true, &mut cells);
        (step, cells.iter().map(str::to_owned).collect())
    }

    #[test]
    fn cells_are_separated_trimmed_and_unquoted() {
        for (text, bytes, lines, cells) in [
            ("a,b\nc", 4, 1, vec!["a", "b"]),
            (" a , \"b\" \r\nc", 11, 1, vec!["a", "b"]),
            ("\"a,b\",c\r", 8, 1, vec!["a,b", "c"]),
            ("\"say \"\"hi\"\"\",c", 14, 1, vec!["say \"hi\"", "c"]),
            ("\"two\nlines\r\nthree\",c\nd", 21, 3, vec!["two\nlines\r\nthree", "c"]),
            ("5\" pipe,c\n", 10, 1, vec!["5\" pipe", "c"]),
            ("\"a\"b,c\n", 7, 1, vec!["ab", "c"]),
            (",,\n", 3, 1, vec!["", "", ""]),
            ("", 0, 1, vec![""]),
            ("Cafe\u{301}", 6, 1, vec!["Café"]),
        ] {
            let cells: Vec<String> = cells.into_iter().map(str::to_owned).collect();
            assert_eq!(split(text), (Step::Record { bytes, lines }, cells), "{text:?}");
        }
    }

    #[test]
    fn a_record_that_may_go_on_is_incomplete_until_the_last_text() {
        for text in ["a,b", "a,\"b", "a,\"b\"", "a,b\r", "\"a\nb", ""] {
            assert_eq!(record(text, b',', false, &mut Cells::default()), Step::Incomplete, "{text:?}");
        }
        assert_eq!(split("a,\"b\nc").0, Step::Unterminated);
    }

    #[test]
    fn control_characters_and_too_many_cells_are_faults() {
        let mut cells = Cells::default();
        record("a\u{1f}b,c\n", b',', true, &mut cells);
        assert_eq!(cells.fault, Some(RowError::ControlCharacter { code: 0x1f }));
        cells.clear();
        record(&",".repeat(CELLS_MAX), b',', true, &mut cells);
        assert_eq!(cells.fault, Some(RowError::TooManyCells));
        assert_eq!(cells.ends.len(), CELLS_MAX);
    }
}

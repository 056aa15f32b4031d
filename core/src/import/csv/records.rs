//! Records out of a stream of bytes: decoded, split, numbered by line, in memory that does not grow with the file.
//!
//! A record that is broken (a quote never closed, too long, over several lines with the wrong number of cells) gives up
//! its first line only, and reading goes on at the second: one stray quote does not swallow the rest of a file.

use std::io::Read;

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::split::{self, Cells, Step};
use super::{CsvError, ROW_BYTES_MAX, RowError};

/// Bytes asked of the source at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// How many cells a whole row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Width {
    /// At least so many, filled or not.
    pub(super) least: usize,
    /// No cell beyond so many is filled.
    pub(super) most: usize,
}

impl Width {
    pub(super) fn fits(self, cells: &Cells) -> bool {
        cells.ends.len() >= self.least && cells.filled() <= self.most
    }
}

pub(super) struct Records<R> {
    source: R,
    decoder: Decoder,
    delimiter: u8,
    chunk: Box<[u8]>,
    bytes_read: u64,
    /// Decoded text; what is before `at` has been handed out.
    text: String,
    at: usize,
    /// Where in `text` bytes stood that are not text, ascending.
    undecodable: Vec<usize>,
    is_last: bool,
    line: u64,
    cells: Cells,
}

impl<R: Read> Records<R> {
    pub(super) fn new(source: R, encoding: &'static Encoding, delimiter: u8) -> Self {
        Self {
            source,
            decoder: encoding.new_decoder(),
            delimiter,
            chunk: vec![0; CHUNK_BYTES].into_boxed_slice(),
            bytes_read: 0,
            text: String::new(),
            at: 0,
            undecodable: Vec::new(),
            is_last: false,
            line: 1,
            cells: Cells::default(),
        }
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The next record and the line it begins on, from 1. Empty lines and rows of empty cells are passed over.
    pub(super) fn next(&mut self, width: Option<Width>) -> Result<Option<(u64, &Cells)>, CsvError> {
        loop {
            let line = self.line;
            if !self.advance(width)? {
                return Ok(None);
            }
            if self.cells.fault.is_some() || self.cells.filled() > 0 {
                return Ok(Some((line, &self.cells)));
            }
        }
    }

    /// Passes over physical lines, quotes in them or not.
    pub(super) fn skip_lines(&mut self, lines: u64) -> Result<(), CsvError> {
        while self.line <= lines {
            if self.is_last && self.at == self.text.len() {
                break;
            }
            self.skip_line()?;
        }
        Ok(())
    }

    /// Reads one record into `cells`; false at the end.
    fn advance(&mut self, width: Option<Width>) -> Result<bool, CsvError> {
        loop {
            let rest = &self.text[self.at..];
            if rest.is_empty() && self.is_last {
                return Ok(false);
            }
            self.cells.clear();
            match split::record(rest, self.delimiter, self.is_last, &mut self.cells) {
                Step::Incomplete if rest.len() <= ROW_BYTES_MAX => self.fill()?,
                Step::Incomplete => return self.give_up(RowError::RowTooLong).map(|()| true),
                Step::Unterminated => return self.give_up(RowError::UnterminatedQuote).map(|()| true),
                Step::Record { bytes, lines } => {
                    return self.judge(bytes, lines, width).map(|()| true);
                }
            }
        }
    }

    fn judge(&mut self, bytes: usize, lines: u64, width: Option<Width>) -> Result<(), CsvError> {
        if bytes > ROW_BYTES_MAX {
            return self.give_up(RowError::RowTooLong);
        }
        if lines > 1
            && let Some(width) = width.filter(|width| !width.fits(&self.cells))
        {
            let found = self.cells.ends.len();
            return self.give_up(RowError::CellCount { expected: width.most, found });
        }
        if self.consume(bytes, lines) && self.cells.fault.is_none() {
            self.cells.fault = Some(RowError::Undecodable);
        }
        Ok(())
    }

    /// Passes over the first physical line of a broken record.
    fn give_up(&mut self, fault: RowError) -> Result<(), CsvError> {
        self.skip_line()?;
        self.cells.clear();
        self.cells.fault = Some(fault);
        Ok(())
    }

    fn skip_line(&mut self) -> Result<(), CsvError> {
        loop {
            let rest = &self.text[self.at..];
            match split::line_bytes(rest) {
                // A CR at the end of the text may be half of a line break.
                Some(bytes) if bytes < rest.len() || self.is_last => {
                    self.consume(bytes, 1);
                    return Ok(());
                }
                None if self.is_last => {
                    self.consume(rest.len(), 1);
                    return Ok(());
                }
                Some(_) => self.fill()?,
                None => {
                    self.consume(rest.len(), 0);
                    self.fill()?;
                }
            }
        }
    }

    /// Hands out so many bytes of text, and says whether some of them had been no text.
    fn consume(&mut self, bytes: usize, lines: u64) -> bool {
        self.at += bytes;
        self.line += lines;
        let count = self.undecodable.partition_point(|at| *at < self.at);
        self.undecodable.drain(..count);
        count > 0
    }

    /// Reads and decodes a chunk more.
    fn fill(&mut self) -> Result<(), CsvError> {
        self.text.drain(..self.at);
        self.undecodable.iter_mut().for_each(|at| *at -= self.at);
        self.at = 0;
        let count = read(&mut self.source, &mut self.chunk)?;
        self.bytes_read += count as u64;
        self.is_last = count == 0;
        self.decode(count);
        Ok(())
    }

    fn decode(&mut self, count: usize) {
        let mut bytes = &self.chunk[..count];
        loop {
            // A byte is never more than three of UTF-8; the rest is what the decoder holds back.
            self.text.reserve(bytes.len() * 3 + 16);
            let (result, read) = self.decoder.decode_to_string_without_replacement(bytes, &mut self.text, self.is_last);
            bytes = &bytes[read..];
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.undecodable.push(self.text.len());
                    self.text.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
    }
}

fn read(source: &mut impl Read, chunk: &mut [u8]) -> Result<usize, CsvError> {
    loop {
        match source.read(chunk) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            result => return Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{UTF_8, WINDOWS_1252};

    /// Hands out one byte at a time, as the worst source does.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            to[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    type Seen = Vec<(u64, Vec<String>, Option<RowError>)>;

    fn all(source: impl Read, encoding: &'static Encoding, width: Option<Width>) -> Seen {
        let mut records = Records::new(source, encoding, b',');
        let mut seen = Vec::new();
        while let Some((line, cells)) = records.next(width).unwrap() {
            seen.push((line, cells.iter().map(str::to_owned).collect(), cells.fault.clone()));
        }
        seen
    }

    fn row(line: u64, cells: &[&str]) -> (u64, Vec<String>, Option<RowError>) {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect(), None)
    }

    #[test]
    fn lines_are_counted_through_quotes_and_empty_rows_whatever_the_chunks() {
        let text = "\u{feff}a,b\r\n\r\n\"x\ny\",z\r\n,\r\nlast,row";
        let expected = vec![row(1, &["a", "b"]), row(3, &["x\ny", "z"]), row(6, &["last", "row"])];
        assert_eq!(all(text.as_bytes(), UTF_8, None), expected);
        assert_eq!(all(Trickle(text.as_bytes()), UTF_8, None), expected);
    }

    #[test]
    fn a_stray_quote_costs_its_own_line_only() {
        let width = Some(Width { least: 2, most: 2 });
        let text = "a,\"b\nc,d\ne,f\n";
        let seen = all(text.as_bytes(), UTF_8, width);
        assert_eq!(seen[0], (1, vec![], Some(RowError::UnterminatedQuote)));
        assert_eq!(seen[1..], [row(2, &["c", "d"]), row(3, &["e", "f"])]);

        let seen = all("a,\"b\nc,d\ne,f\",x\ng,h\n".as_bytes(), UTF_8, width);
        assert_eq!(seen[0], (1, vec![], Some(RowError::CellCount { expected: 2, found: 3 })));
        assert_eq!(seen[1], row(2, &["c", "d"]));
        assert_eq!(seen.last(), Some(&row(4, &["g", "h"])));
    }

    #[test]
    fn an_endless_line_is_passed_over_and_never_held() {
        let mut text = "a,b\n".to_owned();
        text.push_str(&"x".repeat(20 * ROW_BYTES_MAX));
        text.push_str("\nc,d\n");
        let mut records = Records::new(text.as_bytes(), UTF_8, b',');
        assert!(records.next(None).unwrap().is_some());
        let fault = records.next(None).unwrap().map(|(line, cells)| (line, cells.fault.clone()));
        assert_eq!(fault, Some((2, Some(RowError::RowTooLong))));
        assert!(records.text.capacity() < 8 * ROW_BYTES_MAX);
        assert_eq!(records.next(None).unwrap().map(|(line, _)| line), Some(3));
    }

    #[test]
    fn bytes_that_are_no_text_are_a_fault_of_their_row_alone() {
        let seen = all(Trickle(b"caf\xe9,1\nok,2\n"), UTF_8, None);
        assert_eq!((seen[0].0, seen[0].2.clone()), (1, Some(RowError::Undecodable)));
        assert_eq!(seen[1], row(2, &["ok", "2"]));
        assert_eq!(all(&b"caf\xe9,1\n"[..], WINDOWS_1252, None), [row(1, &["café", "1"])]);
    }
}

//! The rows of a file below its header: each with its line, its fact and how often the fact has occurred.

use std::collections::HashMap;
use std::io::Read;

use encoding_rs::{Encoding, UTF_8};

use super::header;
use super::records::{Records, Width};
use super::split::Cells;
use super::{CsvError, PREAMBLE_LINES_MAX, Profile, ROWS_MAX, RowError};

/// A row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    line: u64,
    fact: String,
    ends: Box<[u32]>,
    occurrence: u32,
    pub(super) fault: Option<RowError>,
}

/// The rows of a file, one at a time and in bounded memory, but for 24 bytes a distinct row to count occurrences.
///
/// A broken row is a row too: [`Interpreter::interpret`](super::Interpreter::interpret) says what is wrong with it.
pub struct Rows<R> {
    records: Records<R>,
    header: Option<Vec<String>>,
    width: Option<Width>,
    occurrences: HashMap<[u8; 16], u32>,
    count: u64,
}

impl Row {
    /// The line of the file on which the row begins, from 1; the preamble and the header are counted.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// All cells, each trimmed and NFC, joined by U+001F: what the row says, whatever a profile makes of it.
    pub fn fact(&self) -> &str {
        &self.fact
    }

    /// The how many-th row of this file with this fact it is, from 1. Together with the fact it is the identity of the
    /// row: two true twins in one file are two, and the same file read again gives the same ones.
    pub fn occurrence(&self) -> u32 {
        self.occurrence
    }

    /// Why the row cannot be read at all, if it cannot.
    pub fn fault(&self) -> Option<&RowError> {
        self.fault.as_ref()
    }

    /// The cells, each trimmed and NFC.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|index| self.cell(index).unwrap_or(""))
    }

    /// The cell at a place, from 0.
    pub fn cell(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        // After the first cell there is a separator of one byte between two.
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize + 1);
        self.fact.get(start..end)
    }
}

impl<R: Read> Rows<R> {
    /// Opens a source at its first byte and reads up to its header.
    ///
    /// Of the profile only the dialect and the names of columns are used here; complete it first
    /// ([`Profile::complete`]), as nothing is guessed: UTF-8, commas and a header are taken for what is not said.
    ///
    /// # Errors
    ///
    /// * [`CsvError::NoSuchColumn`] if no line of the first [`PREAMBLE_LINES_MAX`] has all columns the profile names.
    /// * [`CsvError::UnknownEncoding`] or [`CsvError::Delimiter`] if the profile asks for what there is not.
    /// * [`CsvError::Io`] if the source fails.
    pub fn new(source: R, profile: &Profile) -> Result<Self, CsvError> {
        let mut rows = Self {
            records: Records::new(source, encoding(profile)?, delimiter(profile)?),
            header: None,
            width: profile.dialect.cells.map(|cells| Width { least: cells, most: cells }),
            occurrences: HashMap::new(),
            count: 0,
        };
        if profile.dialect.has_header.unwrap_or(true) {
            rows.read_header(profile)?;
        } else {
            rows.skip_lines(profile.dialect.preamble_lines.unwrap_or(0))?;
        }
        Ok(rows)
    }

    /// The names of the columns, if the file has a header.
    pub fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// How many bytes of the source have been read, to show progress. Ahead of the last row by a buffer.
    pub fn bytes_read(&self) -> u64 {
        self.records.bytes_read()
    }

    fn read_header(&mut self, profile: &Profile) -> Result<(), CsvError> {
        let preamble = profile.dialect.preamble_lines.unwrap_or(0);
        let names = header::Wanted::new(profile);
        let mut best = None;
        while let Some((line, cells)) = self.records.next(None)? {
            if line > PREAMBLE_LINES_MAX.max(preamble) {
                break;
            }
            let found = if names.is_empty() { line > preamble } else { names.are_in(cells) };
            if found {
                let header: Vec<String> = cells.iter().map(str::to_owned).collect();
                self.width = Some(Width { least: cells.filled(), most: header.len() });
                self.header = Some(header);
                return Ok(());
            }
            best = header::nearer(best, names.missing_in(cells));
        }
        match best.and_then(|(_, missing)| missing) {
            Some((field, column)) => Err(CsvError::NoSuchColumn { field, column }),
            None => Err(CsvError::Empty),
        }
    }

    /// Passes over the lines above the first row, which no header marks.
    fn skip_lines(&mut self, lines: u64) -> Result<(), CsvError> {
        self.records.skip_lines(lines)
    }

    fn row(&mut self) -> Result<Option<Row>, CsvError> {
        let Some((line, cells)) = self.records.next(self.width)? else { return Ok(None) };
        self.count += 1;
        if self.count > ROWS_MAX {
            return Err(CsvError::TooManyRows);
        }
        let fault = cells.fault.clone().or_else(|| misfit(cells, self.width));
        let mut row = Row { line, fact: cells.text.clone(), ends: cells.ends.as_slice().into(), occurrence: 1, fault };
        row.occurrence = occurrence(&mut self.occurrences, &row);
        Ok(Some(row))
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, CsvError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.row().transpose()
    }
}

/// Broken rows are not counted: they are rejected, and what is left of them is not what the file says.
fn occurrence(occurrences: &mut HashMap<[u8; 16], u32>, row: &Row) -> u32 {
    if row.fault.is_some() {
        return 1;
    }
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(row.fact.as_bytes()).as_bytes()[..16]);
    let count = occurrences.entry(key).or_insert(0);
    *count += 1;
    *count
}

fn misfit(cells: &Cells, width: Option<Width>) -> Option<RowError> {
    let width = width.filter(|width| !width.fits(cells))?;
    Some(RowError::CellCount { expected: width.most, found: cells.ends.len() })
}

pub(super) fn encoding(profile: &Profile) -> Result<&'static Encoding, CsvError> {
    let Some(label) = &profile.dialect.encoding else { return Ok(UTF_8) };
    Encoding::for_label(label.as_bytes()).ok_or_else(|| CsvError::UnknownEncoding { label: label.clone() })
}

pub(super) fn delimiter(profile: &Profile) -> Result<u8, CsvError> {
    let delimiter = profile.dialect.delimiter.unwrap_or(',');
    let is_one = delimiter == '\t' || delimiter.is_ascii_punctuation() && delimiter != '"';
    let byte = u8::try_from(delimiter).ok().filter(|_| is_one);
    byte.ok_or(CsvError::Delimiter { delimiter })
}

//! How a file is written: encoding, delimiter, header.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::header::Title;
use super::records::Records;
use super::split::Cells;
use super::{CsvError, Decimal, Dialect, PREAMBLE_LINES_MAX, SAMPLE_BYTES_MAX, amount, calendar, names};

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// Rows by which a delimiter is judged.
const JUDGED_ROWS_MAX: usize = 500;

/// One row of the sample.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) cells: Cells,
}

/// The beginning of a file as text, cut after its last whole line.
///
/// # Errors
///
/// * [`CsvError::Empty`] if there is nothing but white space.
/// * [`CsvError::NotText`] if it holds what no text does.
pub(super) fn decode(sample: &[u8], encoding: &'static Encoding) -> Result<String, CsvError> {
    let (text, _, _) = encoding.decode(sample);
    if text.trim().is_empty() {
        return Err(CsvError::Empty);
    }
    if is_binary(&text) {
        return Err(CsvError::NotText);
    }
    let whole = if sample.len() < SAMPLE_BYTES_MAX { None } else { text.rfind('\n') };
    Ok(whole.map_or_else(|| text.to_string(), |at| text[..=at].to_owned()))
}

/// The encoding of a file: by its mark, else UTF-8 if it is, else the legacy one its bytes look most like.
pub(super) fn encoding(sample: &[u8]) -> Result<&'static Encoding, CsvError> {
    if let Some((encoding, _)) = Encoding::for_bom(sample) {
        return Ok(encoding);
    }
    if let Some(encoding) = unmarked_utf_16(sample) {
        return Ok(encoding);
    }
    if sample.contains(&0) {
        return Err(CsvError::NotText);
    }
    if is_utf_8(sample) {
        return Ok(UTF_8);
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    Ok(detector.guess(None, chardetng::Utf8Detection::Deny))
}

/// Completes what is not said of a dialect.
pub(super) fn dialect(mut said: Dialect, text: &str, is_header: impl Fn(&Cells) -> bool) -> Result<Dialect, CsvError> {
    let (delimiter, width) = match said.delimiter {
        Some(delimiter) => (delimiter, width(&lines(text, delimiter, JUDGED_ROWS_MAX)).0),
        None => delimiter(text)?,
    };
    said.delimiter = Some(delimiter);
    let lines = lines(text, delimiter, JUDGED_ROWS_MAX);
    let first = lines.iter().find(|line| line.cells.ends.len() == width);
    let header = match said.has_header {
        Some(false) => None,
        Some(true) => find_header(&lines, width, &is_header).or(first),
        None => find_header(&lines, width, &is_header).or_else(|| first.filter(|first| is_above(first, &lines, width))),
    };
    said.has_header = Some(header.is_some());
    let top = header.or(first).map_or(1, |line| line.number);
    said.preamble_lines = said.preamble_lines.or(Some(top - 1));
    if header.is_none() {
        said.cells = said.cells.or(Some(width));
    }
    Ok(said)
}

/// The rows of a text.
pub(super) fn lines(text: &str, delimiter: char, count_max: usize) -> Vec<Line> {
    // Every delimiter that is tried or taken is ASCII.
    let byte = u8::try_from(delimiter).unwrap_or(b',');
    let mut records = Records::new(text.as_bytes(), UTF_8, byte);
    let mut lines = Vec::new();
    while lines.len() < count_max {
        // Reading from memory does not fail.
        let Ok(Some((number, cells))) = records.next(None) else { break };
        let cells = Cells { text: cells.text.clone(), ends: cells.ends.clone(), fault: cells.fault.clone() };
        lines.push(Line { number, cells });
    }
    lines
}

/// The delimiter that cuts the most rows into the same number of cells, and the most cells.
fn delimiter(text: &str) -> Result<(char, usize), CsvError> {
    let judged = DELIMITERS.map(|delimiter| {
        let (width, rows) = width(&lines(text, delimiter, JUDGED_ROWS_MAX));
        (rows * (width.max(1) - 1), delimiter, width)
    });
    // Of equals the first stands: `max_by_key` would take the last.
    let best = judged.into_iter().rev().max_by_key(|(score, _, _)| *score);
    best.filter(|(score, _, _)| *score > 0).map(|(_, delimiter, width)| (delimiter, width)).ok_or(CsvError::NoColumns)
}

/// The most frequent number of cells, and how many rows have it; of equals the greater number.
fn width(lines: &[Line]) -> (usize, usize) {
    let mut counts = std::collections::BTreeMap::new();
    for line in lines.iter().filter(|line| line.cells.fault.is_none()) {
        *counts.entry(line.cells.ends.len()).or_insert(0) += 1;
    }
    counts.into_iter().max_by_key(|(_, rows)| *rows).unwrap_or((0, 0))
}

/// The first line near the top that is as wide as the rows and names two columns that are known.
fn find_header(lines: &[Line], width: usize, is_wanted: impl Fn(&Cells) -> bool) -> Option<&Line> {
    let top = || lines.iter().take_while(|line| line.number <= PREAMBLE_LINES_MAX);
    top().find(|line| is_wanted(&line.cells)).or_else(|| {
        top().find(|line| {
            let is_wide = line.cells.ends.len().abs_diff(width) <= 1 && line.cells.fault.is_none();
            is_wide && line.cells.iter().filter(|cell| names::is_known(&Title::new(cell).words)).count() >= 2
        })
    })
}

/// Whether a line of unknown words stands above rows that have dates or amounts where it has none.
fn is_above(first: &Line, lines: &[Line], width: usize) -> bool {
    let has_values = |line: &Line| line.cells.iter().any(is_value);
    !has_values(first)
        && first.cells.iter().filter(|cell| !cell.is_empty()).count() * 2 > width
        && lines.iter().any(|line| line.number > first.number && has_values(line))
}

fn is_value(cell: &str) -> bool {
    calendar::is_date(cell)
        || [Decimal::Point, Decimal::Comma].iter().any(|decimal| amount::read(cell, *decimal).is_some())
}

/// UTF-16 without a mark has a zero in every other byte of Latin text.
fn unmarked_utf_16(sample: &[u8]) -> Option<&'static Encoding> {
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    // A few letters beyond Latin are fine; a binary file has zeros at both places.
    let most = sample.len() / 2 * 3 / 4;
    match (even, odd) {
        _ if sample.len() < 8 => None,
        (0, odd) if odd > most => Some(UTF_16LE),
        (even, 0) if even > most => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether it is UTF-8, but for a character that the end of the sample cuts.
fn is_utf_8(sample: &[u8]) -> bool {
    match std::str::from_utf8(sample) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && sample.len() >= SAMPLE_BYTES_MAX,
    }
}

/// A zero, or more than one control character in a hundred, is no text. A single one is its row's problem.
fn is_binary(text: &str) -> bool {
    let is_strange = |c: &char| c.is_control() && !matches!(c, '\t' | '\n' | '\r') || *c == char::REPLACEMENT_CHARACTER;
    let strange = text.chars().filter(is_strange).count();
    text.contains('\0') || strange * 100 > text.len().max(200)
}

//! JSON Lines: one readable object for each thing of a ledger, then its signed commits in base64.
//!
//! ```text
//! {"outlay":1,"ledger":"9c…","name":"Home","currency":"EUR"}
//! {"type":"settings","id":"…","name":"Home","currency":"EUR"}
//! {"type":"account","id":"…","name":"Cash","currency":null,"deleted":false}
//! {"type":"category","id":"…","name":"Snacks","parent":"…","deleted":false}
//! {"type":"member","id":"…","name":"Ana","deleted":false}
//! {"type":"expense","id":"…","kind":"expense","amount":{"minor":1250,"currency":"EUR"},"payee":"Café",…}
//! {"commit":"…"}
//! ```
//!
//! The commits are the ledger; the objects are there to be read. A file with commits gives back what was signed, whatever
//! its objects say. In a file without, each object that is an entry makes one.
//!
//! The fact of such an entry is its `id` in the file, or without one all that the object says, with its keys in order,
//! and the how many-th equal object of the file it is.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outlay_ledger::commit::{Commit, CommitError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::object::{self, EntryError, EntryObject, own_id};
use super::source::{ENTRY, Incoming, Source, occurring};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Rejected;

/// The version of the file's form; its commits have their own.
pub(crate) const VERSION: u64 = 1;
/// Bytes of one line: the greatest commit is 175 kB in base64.
pub(crate) const LINE_BYTES_MAX: usize = 256 * 1024;
/// Lines that are looked at to tell whether a file is one of JSON: the first may be damaged.
const LOOKED_AT_LINES: usize = 16;

/// The first line of a file.
#[derive(Debug, Serialize)]
pub(crate) struct Head {
    pub(crate) outlay: u64,
    pub(crate) ledger: String,
    pub(crate) name: String,
    pub(crate) currency: Option<String>,
}

/// What of a ledger is not an entry.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Thing {
    Settings { id: String, name: String, currency: Option<String> },
    Account { id: String, name: String, currency: Option<String>, deleted: bool },
    Category { id: String, name: String, parent: Option<String>, deleted: bool },
    Member { id: String, name: String, deleted: bool },
}

/// Types of objects that are no entries, and passed over.
const OTHER_TYPES: [&str; 4] = ["settings", "account", "category", "member"];

/// A line with a commit.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommitLine {
    commit: String,
}

/// Why a line was rejected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    #[error("the line is cut off")]
    CutOff,
    #[error("the line is not a JSON object")]
    NotAnObject,
    #[error("the line is not what it must be: {0}")]
    Json(serde_json::Error),
    #[error("a newer version wrote this file")]
    Newer,
    #[error("the commit is not base64")]
    Base64,
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Entry(#[from] EntryError),
}

impl From<serde_json::Error> for LineError {
    fn from(error: serde_json::Error) -> Self {
        if error.is_eof() { Self::CutOff } else { Self::Json(error) }
    }
}

/// The lines of a file that are not blank, numbered from 1, without white space around them.
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    bytes_total: usize,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Self { rest, bytes_total: bytes.len(), number: 0 }
    }

    /// How many bytes of the file are behind the last line.
    pub(crate) fn bytes_done(&self) -> u64 {
        (self.bytes_total - self.rest.len()) as u64
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at + 1);
            let (line, rest) = self.rest.split_at(end);
            self.rest = rest;
            self.number += 1;
            let line = line.trim_ascii();
            if !line.is_empty() {
                return Some((self.number, line));
            }
        }
        None
    }
}

/// Whether a file is one of JSON Lines: it begins with a brace, and one of its first lines is an object.
pub(crate) fn is_json_lines(bytes: &[u8]) -> bool {
    let mut lines = Lines::new(bytes).take(LOOKED_AT_LINES).map(|(_, line)| line).peekable();
    lines.peek().is_some_and(|line| line.starts_with(b"{")) && lines.any(|line| is_object(line).is_ok())
}

/// Whether any line of a file is one with a commit, be it damaged.
pub(crate) fn has_commits(bytes: &[u8]) -> bool {
    Lines::new(bytes).any(|(_, line)| is_commit(line))
}

/// Whether a line is one with a commit, be it damaged.
pub(crate) fn is_commit(line: &[u8]) -> bool {
    let mut begin = line.iter().filter(|byte| !byte.is_ascii_whitespace());
    b"{\"commit\":".iter().all(|byte| begin.next() == Some(byte))
}

/// The line of a commit.
pub(crate) fn commit_line(commit: &Commit) -> String {
    format!("{{\"commit\":\"{}\"}}\n", STANDARD.encode(commit.encode()))
}

/// The commit of a line. Its signature is not looked at.
pub(crate) fn read_commit(line: &[u8]) -> std::result::Result<Commit, LineError> {
    if line.len() > LINE_BYTES_MAX {
        return Err(LineError::TooLong);
    }
    let CommitLine { commit } = serde_json::from_slice(line)?;
    let bytes = STANDARD.decode(commit).map_err(|_| LineError::Base64)?;
    Ok(Commit::decode(&bytes)?)
}

/// Whether a line that is passed over is an object at all, and of a version that is known.
pub(crate) fn is_object(line: &[u8]) -> std::result::Result<(), LineError> {
    #[derive(Deserialize)]
    struct Version {
        #[serde(default)]
        outlay: Option<u64>,
    }
    if line.len() > LINE_BYTES_MAX {
        return Err(LineError::TooLong);
    }
    if !line.starts_with(b"{") {
        return Err(LineError::NotAnObject);
    }
    let Version { outlay } = serde_json::from_slice(line)?;
    if outlay.is_some_and(|version| version > VERSION) { Err(LineError::Newer) } else { Ok(()) }
}

/// The entries of a file whose commits do not count.
pub(crate) struct ObjectLines<'a> {
    lines: Lines<'a>,
    /// How often an object without an id has occurred, by a hash of what it says.
    occurrences: HashMap<[u8; 16], u32>,
}

impl<'a> ObjectLines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { lines: Lines::new(bytes), occurrences: HashMap::new() }
    }

    /// What a line says: an entry, or something that is passed over.
    fn read(&mut self, number: u64, line: &[u8]) -> std::result::Result<Option<Incoming>, LineError> {
        if is_commit(line) {
            return Ok(None);
        }
        is_object(line)?;
        let members: Map<String, Value> = serde_json::from_slice(line)?;
        let is_other = |value: &Value| OTHER_TYPES.iter().any(|name| value == name);
        if members.contains_key("outlay") || members.get("type").is_some_and(is_other) {
            return Ok(None);
        }
        let says = Value::Object(members);
        let object: EntryObject = EntryObject::deserialize(&says)?;
        let read = object.read()?;
        let fact = match &read.id {
            Some(id) => id.clone(),
            None => self.occurring(&object::canonical(&says)),
        };
        let origin = read.id.as_deref().and_then(own_id);
        let (new, is_deleted, refund) = (read.new, read.is_deleted, read.refund);
        Ok(Some(Incoming { line: number, domain: ENTRY, fact, new, is_deleted, origin, refund }))
    }

    fn occurring(&mut self, text: &str) -> String {
        let mut key = [0; 16];
        key.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        let count = self.occurrences.entry(key).or_insert(0);
        *count += 1;
        occurring(text, *count)
    }
}

impl Source for ObjectLines<'_> {
    fn next(&mut self) -> Result<Option<std::result::Result<Incoming, Rejected>>> {
        while let Some((number, line)) = self.lines.next() {
            match self.read(number, line) {
                Ok(Some(incoming)) => return Ok(Some(Ok(incoming))),
                Ok(None) => {}
                Err(LineError::Newer) => return Err(newer()),
                Err(error) => return Ok(Some(Err(Rejected { line: number, reason: error.to_string() }))),
            }
        }
        Ok(None)
    }

    fn bytes_done(&self) -> u64 {
        self.lines.bytes_done()
    }
}

/// The error for a file whose form is of a newer version.
pub(crate) fn newer() -> Error {
    Error::new(ErrorKind::TooNew, LineError::Newer.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_through_blank_ones_and_a_byte_order_mark() {
        let mut lines = Lines::new(b"\xef\xbb\xbf{}\r\n\n  \n {\"a\":1} \nhalf");
        assert_eq!(lines.next(), Some((1, &b"{}"[..])));
        assert_eq!(lines.next(), Some((4, &b"{\"a\":1}"[..])));
        assert_eq!((lines.next(), lines.bytes_done()), (Some((5, &b"half"[..])), 25));
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn a_file_is_told_by_its_beginning() {
        for (file, is_json, has) in [
            (&b"{\"a\":1}\n"[..], true, false),
            (b"\n {\"outlay\":1}\n{ \"commit\" : \"AA\"}\n", true, true),
            (b"{\"half\n{\"a\":1}\n", true, false),
            (b"{\"half\n", false, false),
            (b"Date,Amount\n{\"a\":1}\n", false, false),
            (b"[1]\n", false, false),
            (b"", false, false),
        ] {
            assert_eq!((is_json_lines(file), has_commits(file)), (is_json, has), "{}", String::from_utf8_lossy(file));
        }
    }
}

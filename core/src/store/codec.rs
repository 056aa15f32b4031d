//! Payloads at rest: each compressed by itself, with a dictionary of the database's own.
//!
//! A payload of a hundred bytes compresses only against what others hold. Dictionaries are numbered and kept while a row
//! names one. The first is shipped: the parts every change has. A second is made once, from values that occur in three
//! documents or more, so that no single document's text outlives its forgetting in a dictionary.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use outlay_ledger::limits::PAYLOAD_BYTES_MAX;
use rusqlite::Connection;
use zstd::bulk::{Compressor, Decompressor};

use crate::error::{Error, ErrorKind, Result};

/// Level 3 takes 1.5 µs for an entry of 178 bytes and makes 83 of it; level 5 takes twice that and makes 79.
const LEVEL: i32 = 3;
/// Records after which the database's own dictionary is made.
const TRAIN_AT_RECORDS: i64 = 1_000;
/// Bytes of values in a dictionary: a few hundred payees and categories.
const VALUE_BYTES_MAX: usize = 16 * 1024;
/// Documents that must share a value before a dictionary may hold it.
const SHARED_BY_MIN: i64 = 3;
/// What every zstd frame begins with, left out of the rows.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The number of the dictionary that is shipped and in no row.
const SHIPPED: i64 = 1;

/// The parts that most changes have: payloads of edits, things and entries with empty texts, the commonest last.
/// Frozen: the rows of every database name it. A better one gets a new number.
const SHIPPED_DICTIONARY: &[u8] = include_bytes!("codec.dict");

/// The dictionaries of a database, ready for use.
#[derive(Default)]
pub(crate) struct Codec {
    /// The number of the one to write with, once known.
    newest: Option<i64>,
    compressor: Option<Compressor<'static>>,
    decompressors: HashMap<i64, Decompressor<'static>>,
}

impl Codec {
    /// Compresses a payload; `None` when that does not make it smaller.
    pub(crate) fn compress(&mut self, connection: &Connection, payload: &[u8]) -> Result<Option<(i64, Vec<u8>)>> {
        let number = self.newest(connection)?;
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            empty => empty.insert(compressor(&dictionary(connection, number)?)?),
        };
        let frame = compressor.compress(payload)?;
        let body = frame.strip_prefix(&MAGIC).unwrap_or(&frame).to_vec();
        Ok(Some((number, body)).filter(|(_, body)| body.len() < payload.len()))
    }

    /// Takes a payload out again, never more than one may have.
    pub(crate) fn decompress(&mut self, connection: &Connection, number: i64, body: &[u8]) -> Result<Vec<u8>> {
        let damaged = || Error::new(ErrorKind::Corrupt, "a stored record cannot be decompressed");
        let decompressor = match self.decompressors.entry(number) {
            Entry::Occupied(ready) => ready.into_mut(),
            Entry::Vacant(place) => place.insert(Decompressor::with_dictionary(&dictionary(connection, number)?)?),
        };
        let frame = [&MAGIC, body].concat();
        decompressor.decompress(&frame, PAYLOAD_BYTES_MAX).map_err(|error| damaged().with_source(error))
    }

    /// Makes the database's own dictionary, once it has something to make it from.
    pub(super) fn train_if_due(&mut self, connection: &Connection, next_seq: i64) -> Result<()> {
        if next_seq <= TRAIN_AT_RECORDS || self.newest(connection)? != SHIPPED {
            return Ok(());
        }
        let bytes = own_dictionary(connection)?;
        // Another process may have made one meanwhile.
        connection.execute("INSERT OR IGNORE INTO dictionary (did, bytes) VALUES (?1, ?2)", (SHIPPED + 1, bytes))?;
        (self.newest, self.compressor) = (None, None);
        Ok(())
    }

    fn newest(&mut self, connection: &Connection) -> Result<i64> {
        if let Some(newest) = self.newest {
            return Ok(newest);
        }
        let stored: Option<i64> = connection.query_row("SELECT max(did) FROM dictionary", [], |row| row.get(0))?;
        Ok(*self.newest.insert(stored.unwrap_or(SHIPPED)))
    }
}

fn compressor(dictionary: &[u8]) -> std::io::Result<Compressor<'static>> {
    let mut compressor = Compressor::with_dictionary(LEVEL, dictionary)?;
    compressor.set_parameter(zstd::zstd_safe::CParameter::ContentSizeFlag(true))?;
    compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(false))?;
    compressor.set_parameter(zstd::zstd_safe::CParameter::DictIdFlag(false))?;
    Ok(compressor)
}

fn dictionary(connection: &Connection, number: i64) -> Result<Vec<u8>> {
    if number == SHIPPED {
        return Ok(SHIPPED_DICTIONARY.to_vec());
    }
    let row = connection.query_row("SELECT bytes FROM dictionary WHERE did = ?1", [number], |row| row.get(0));
    row.map_err(|error| match error {
        rusqlite::Error::QueryReturnedNoRows => {
            Error::new(ErrorKind::Corrupt, "a stored record names a dictionary that is not there")
        }
        error => error.into(),
    })
}

/// Shared values, rarest first, before the shipped parts: zstd reaches the end of a dictionary most cheaply.
fn own_dictionary(connection: &Connection) -> Result<Vec<u8>> {
    let mut values = shared_payees(connection)?;
    values.extend(shared_documents(connection, "category")?);
    values.extend(shared_documents(connection, "account")?);
    values.sort();
    let mut bytes = Vec::new();
    for (_, value) in values {
        if bytes.len() + value.len() <= VALUE_BYTES_MAX {
            bytes.extend(value);
        }
    }
    bytes.extend_from_slice(SHIPPED_DICTIONARY);
    Ok(bytes)
}

fn shared_payees(connection: &Connection) -> Result<Vec<(i64, Vec<u8>)>> {
    let mut statement = connection
        .prepare("SELECT count(*), name FROM expense JOIN payee ON pid = payee GROUP BY payee HAVING count(*) >= ?1")?;
    let rows = statement.query_map([SHARED_BY_MIN], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.into_bytes())))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Ids of categories or accounts that several entries refer to; they are random bytes, sixteen each.
fn shared_documents(connection: &Connection, column: &str) -> Result<Vec<(i64, Vec<u8>)>> {
    let mut statement = connection.prepare(&format!(
        "SELECT count(*), {column} FROM expense WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) >= ?1"
    ))?;
    let rows = statement.query_map([SHARED_BY_MIN], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    let rows: Vec<(i64, i64)> = rows.collect::<rusqlite::Result<_>>()?;
    rows.into_iter().map(|(count, rid)| Ok((count, super::keys::document(connection, rid)?.0.to_vec()))).collect()
}

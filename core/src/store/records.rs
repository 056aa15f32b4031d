//! Records as rows: what they are in one number, and their payloads.
//!
//! A record that is already held in another commit is stored once and named by both.

use outlay_ledger::Month;
use outlay_ledger::commit::{ActorForm, Body, Kind, Record};
use rusqlite::Connection;

use super::Write;
use super::codec::Codec;
use super::log::{Stands, to_i64};
use super::runs::places;
use crate::error::{Error, ErrorKind, Result};

const KIND_BITS: u32 = 8;
const CONTENT: i64 = 1 << KIND_BITS;
const EXPLICIT: i64 = 1 << 9;
const PERIOD_SHIFT: u32 = 10;
const PERIOD_MASK: i64 = 0xffff;
/// Beside what the record is: nothing of its change is searched for, so the search index need not have its document again.
pub(super) const UNSEARCHED: i64 = 1 << 26;
/// Beside what the record is: it makes a document of its feed and is found by its number; the index by document names this.
pub(super) const PLACED: i64 = 1 << 27;

const RAW: u8 = 0;
const COMPRESSED: u8 = 1;
const SAME: u8 = 2;
const PURGED: u8 = 3;

/// What the `meta` column says of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meta {
    pub(crate) kind: Kind,
    pub(crate) form: ActorForm,
    pub(crate) is_explicit: bool,
    pub(crate) period: Option<Month>,
}

impl Meta {
    fn of(record: &Record) -> Self {
        Self { kind: record.kind, form: record.form, is_explicit: record.document.is_some(), period: record.period }
    }

    fn number(self) -> i64 {
        let form = if self.form == ActorForm::Content { CONTENT } else { 0 };
        let explicit = if self.is_explicit { EXPLICIT } else { 0 };
        let period = i64::from(self.period.map_or(0, Month::number)) << PERIOD_SHIFT;
        i64::from(self.kind.number()) | form | explicit | period
    }

    pub(crate) fn from_number(number: i64) -> Self {
        let low = |value: i64| u8::try_from(value & 0xff).unwrap_or(u8::MAX);
        Self {
            kind: Kind::from_number(low(number)),
            form: if number & CONTENT == 0 { ActorForm::Feed } else { ActorForm::Content },
            is_explicit: number & EXPLICIT != 0,
            period: u16::try_from(number >> PERIOD_SHIFT & PERIOD_MASK).ok().and_then(Month::from_number),
        }
    }
}

/// A stored record of kind 0, with what its place says about it.
pub(crate) struct StoredChange {
    pub(crate) seq: i64,
    pub(crate) cid: i64,
    pub(crate) meta: Meta,
    pub(crate) payload: Vec<u8>,
}

/// The number that the next record gets.
pub(crate) fn next_seq(connection: &Connection) -> Result<i64> {
    let select = "SELECT coalesce(max(seq), 0) + 1 FROM record";
    Ok(connection.prepare_cached(select)?.query_row([], |row| row.get(0))?)
}

/// Stores the row of a record.
pub(crate) fn insert_record(
    write: &mut Write<'_>,
    seq: i64,
    rid: Option<i64>,
    record: &Record,
    flags: i64,
) -> Result<()> {
    let body = match &record.body {
        Body::Payload(payload) => match write.state.codec.compress(&write.tx, payload)? {
            Some((number, frame)) => tagged(COMPRESSED, &[&leb(number), &frame]),
            None => tagged(RAW, &[payload]),
        },
        Body::Purged(id) => tagged(PURGED, &[id.as_bytes()]),
    };
    insert_row(&write.tx, seq, rid, Meta::of(record).number() | flags, &body)
}

/// Stores the row of a record whose change another row holds.
pub(crate) fn insert_same(tx: &Connection, seq: i64, rid: i64, record: &Record, same: i64) -> Result<()> {
    insert_row(tx, seq, Some(rid), Meta::of(record).number(), &tagged(SAME, &[&leb(same)]))
}

fn insert_row(tx: &Connection, seq: i64, rid: Option<i64>, meta: i64, body: &[u8]) -> Result<()> {
    let insert = "INSERT INTO record (seq, rid, meta, body) VALUES (?1, ?2, ?3, ?4)";
    tx.prepare_cached(insert)?.execute((seq, rid, meta, body))?;
    Ok(())
}

/// The changes of a document in commits that count, in the order in which they were stored.
pub(crate) fn changes(connection: &Connection, codec: &mut Codec, rid: i64) -> Result<Vec<StoredChange>> {
    let select = concat!(
        "SELECT seq, meta, body, cid, standing FROM record, commit_log WHERE seq IN (",
        places!("?1"),
        ") AND cid = (SELECT max(c.cid) FROM commit_log c WHERE c.cid <= seq) ORDER BY seq"
    );
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([rid])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let meta = Meta::from_number(row.get(1)?);
        if meta.kind != Kind::Change || Stands::from_number(row.get(4)?) != Stands::Counts {
            continue;
        }
        let body: &[u8] = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        if let Body::Payload(payload) = read_body(connection, codec, body)? {
            changes.push(StoredChange { seq: row.get(0)?, cid: row.get(3)?, meta, payload });
        }
    }
    Ok(changes)
}

/// How many records of a document are held, counted up to `max`.
pub(crate) fn count_records(connection: &Connection, rid: i64, max: usize) -> Result<usize> {
    let select = concat!("SELECT count(*) FROM (SELECT 1 FROM (", places!("?1"), ") LIMIT ?2)");
    let count: i64 = connection.prepare_cached(select)?.query_row((rid, to_i64(max as u64)), |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// A record of this document that holds the same content-derived change.
pub(crate) fn find_same(connection: &Connection, codec: &mut Codec, rid: i64, payload: &[u8]) -> Result<Option<i64>> {
    let select = concat!("SELECT seq, meta, body FROM record WHERE seq IN (", places!("?1"), ") ORDER BY seq");
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([rid])?;
    while let Some(row) = rows.next()? {
        let meta = Meta::from_number(row.get(1)?);
        let body: &[u8] = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        if meta.kind != Kind::Change || meta.form != ActorForm::Content || body.first() == Some(&SAME) {
            continue;
        }
        if read_body(connection, codec, body)? == Body::Payload(payload.to_vec()) {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

/// The kinds of a commit's records.
pub(crate) fn kinds(connection: &Connection, cid: i64, count: u64) -> Result<Vec<Kind>> {
    let mut statement = connection.prepare_cached("SELECT meta FROM record WHERE seq >= ?1 AND seq < ?2")?;
    let kinds = statement.query_map((cid, cid + to_i64(count)), |row| Ok(Meta::from_number(row.get(0)?).kind))?;
    Ok(kinds.collect::<rusqlite::Result<_>>()?)
}

/// The documents that a commit's records belong to.
pub(crate) fn documents_of(connection: &Connection, cid: i64, count: u64) -> Result<Vec<i64>> {
    let select = "SELECT DISTINCT rid FROM record WHERE seq >= ?1 AND seq < ?2 AND rid IS NOT NULL AND meta & 255 = 0";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_map((cid, cid + to_i64(count)), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn read_body(connection: &Connection, codec: &mut Codec, body: &[u8]) -> Result<Body> {
    let damaged = || Error::new(ErrorKind::Corrupt, "a stored record cannot be read");
    let (tag, rest) = body.split_first().ok_or_else(damaged)?;
    match *tag {
        RAW => Ok(Body::Payload(rest.to_vec())),
        COMPRESSED => {
            let (number, frame) = unleb(rest).ok_or_else(damaged)?;
            Ok(Body::Payload(codec.decompress(connection, number, frame)?))
        }
        SAME => {
            let (same, _) = unleb(rest).ok_or_else(damaged)?;
            let select = "SELECT body FROM record WHERE seq = ?1";
            let body: Vec<u8> = connection.prepare_cached(select)?.query_row([same], |row| row.get(0))?;
            // A row never names one that names another.
            if body.first() == Some(&SAME) { Err(damaged()) } else { read_body(connection, codec, &body) }
        }
        PURGED => rest.try_into().map(Body::Purged).map_err(|_| damaged()),
        _ => Err(damaged()),
    }
}

fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut body = vec![tag];
    parts.iter().for_each(|part| body.extend_from_slice(part));
    body
}

/// A number as LEB128: one byte for dictionaries.
fn leb(number: i64) -> Vec<u8> {
    let mut rest = number.unsigned_abs();
    let mut bytes = Vec::with_capacity(5);
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or(0);
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn unleb(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut number = 0_i64;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        number |= i64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[index + 1..]));
        }
    }
    None
}

//! The class of a commit: the newest month that it touches, or 0 for what belongs to no month and goes first.
//!
//! A record says the month of its date. One that puts no date (an edit, a delete) goes with the commit that made its
//! document, so that a month comes with all that was done to it. Members, settings, accounts and categories are of no
//! month, and a commit that makes one goes first, whatever else is in it.

use outlay_ledger::commit::{Commit, Record, document_prefix, is_fact_document};
use outlay_ledger::{DocumentId, Month};
use rusqlite::{Connection, OptionalExtension};

use crate::store::Result;

/// The class of a commit that is about to be stored.
pub(super) fn class(connection: &Connection, lid: i64, commit: &Commit) -> Result<u16> {
    if commit.header.ledger.is_none() || commit.records.iter().any(|record| record.kind.is_of_members()) {
        return Ok(0);
    }
    let own_prefix = document_prefix(commit.header.feed());
    let mut newest = 0;
    for record in &commit.records {
        let own = period(record);
        let made = match record.document {
            None => 0,
            Some(document) if is_fact_document(&document) => named(connection, lid, &document)?,
            Some(document) => derived(connection, lid, commit, own_prefix, &document)?,
        };
        match own.max(made) {
            0 => return Ok(0),
            class => newest = newest.max(class),
        }
    }
    Ok(newest)
}

fn period(record: &Record) -> u16 {
    record.period.map_or(0, Month::number)
}

fn named(connection: &Connection, lid: i64, document: &DocumentId) -> Result<u16> {
    let mut select = connection.prepare_cached("SELECT class FROM named_document WHERE lid = ?1 AND key = ?2")?;
    Ok(select.query_row((lid, key(document)), |row| row.get(0)).optional()?.unwrap_or(0))
}

/// The class of the commit that made a document, or the month of its record if that is in this very commit.
fn derived(
    connection: &Connection,
    lid: i64,
    commit: &Commit,
    own_prefix: [u8; 10],
    document: &DocumentId,
) -> Result<u16> {
    let (prefix, number) = document.0.split_at(own_prefix.len());
    let n = number.iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    if prefix == own_prefix && n >= commit.header.first {
        let at = usize::try_from(n - commit.header.first).unwrap_or(usize::MAX);
        return Ok(commit.records.get(at).map_or(0, period));
    }
    // The newest of each feed by itself: ordering all of a feed's commits would read them all.
    let select = "SELECT log.class FROM feed JOIN log ON log.seq = \
                  (SELECT seq FROM log WHERE fid = feed.fid AND first <= ?3 ORDER BY first DESC LIMIT 1) \
                  WHERE feed.lid = ?1 AND feed.prefix = ?2 ORDER BY log.first DESC LIMIT 1";
    let mut select = connection.prepare_cached(select)?;
    Ok(select.query_row((lid, prefix, n), |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Remembers the months of documents whose ids do not say which feed made them.
pub(super) fn remember(connection: &Connection, lid: i64, commit: &Commit) -> Result<()> {
    for record in &commit.records {
        let Some(document) = record.document.filter(is_fact_document) else { continue };
        let class = period(record);
        let insert = "INSERT INTO named_document (lid, key, class) VALUES (?1, ?2, ?3) \
                      ON CONFLICT DO UPDATE SET class = max(class, ?3)";
        connection.prepare_cached(insert)?.execute((lid, key(&document), class))?;
    }
    Ok(())
}

/// The last eight bytes of an id. Two documents with the same go with the newer month of the two.
fn key(document: &DocumentId) -> i64 {
    let [.., a, b, c, d, e, f, g, h] = document.0;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

//! Documents: from the records of a thing to what it holds, and on to its rows.
//!
//! A document is folded from its records whenever something arrives for it, but for the two common cases: its first
//! change, and the next change of a document with so many that a fold is kept beside it. All paths end in the same rows.

use outlay_ledger::admit::Quarantine;
use outlay_ledger::change::{Change, ChangeError, hash};
use outlay_ledger::commit::{ActorForm, actor};
use outlay_ledger::field::FieldError;
use outlay_ledger::fold::{Document, FoldError, Folded, Input, Verdict, fold};
use rusqlite::{Connection, OptionalExtension};

use super::codec::Codec;
use super::keys::{self, KeyCache};
use super::log;
use super::records::{self, StoredChange};
use super::runs::places;
use super::{Write, projection};
use crate::error::{Error, ErrorKind, Result};

/// Records from which on a fold is kept: below, folding takes less time than reading and writing a kept one.
const KEPT_FROM_RECORDS: usize = 17;
/// Codes from this one on say what is wrong with the bytes of a record, and never change.
const BYTES_FROM_CODE: i64 = 64;
const WAITING: i64 = 1;

/// What is new for a document.
pub(crate) struct News {
    pub(crate) rid: i64,
    /// Whether nothing of the document was held before.
    pub(crate) is_new: bool,
    /// The time of the commit that holds the first of the changes.
    pub(crate) time_ms: i64,
    pub(crate) inputs: Vec<Input>,
}

/// A document of few changes, all of which count.
pub(crate) struct ReadDocument {
    document: Document,
    changes: usize,
}

/// Documents read in one transaction and remembered.
const READ_MAX: usize = 20_000;

/// Takes changes that were stored just now into the rows of their document.
pub(crate) fn settle(write: &mut Write<'_>, lid: i64, news: &News) -> Result<()> {
    let mut document = Document::default();
    let is_line = news.inputs.len() < KEPT_FROM_RECORDS;
    if news.is_new && is_line && news.inputs.iter().all(|input| document.apply_next(input)) {
        return projection::project(write, lid, news.rid, &document, Some(news.time_ms), true);
    }
    if let Some(ReadDocument { mut document, changes }) = write.read.remove(&news.rid)
        && changes + news.inputs.len() < KEPT_FROM_RECORDS
        && news.inputs.iter().all(|input| document.apply_next(input))
    {
        return projection::project(write, lid, news.rid, &document, None, false);
    }
    if let Some(mut kept) = read_kept(&write.tx, news.rid)?
        && news.inputs.iter().all(|input| kept.apply_next(input))
    {
        keep(&write.tx, news.rid, &kept)?;
        return projection::project(write, lid, news.rid, &kept, None, false);
    }
    refold(write, lid, news.rid)
}

/// Folds a document from its records and writes its rows anew.
pub(crate) fn refold(write: &mut Write<'_>, lid: i64, rid: i64) -> Result<()> {
    write.read.remove(&rid);
    let (changes, folded) = fold_stored(&write.tx, &mut write.state.keys, &mut write.state.codec, lid, rid)?;
    let delete = concat!("DELETE FROM verdict WHERE code < ?2 AND seq IN (", places!("?1"), ")");
    write.tx.prepare_cached(delete)?.execute((rid, BYTES_FROM_CODE))?;
    let mut is_clean = true;
    for ((change, _), verdict) in changes.iter().zip(&folded.verdicts) {
        if let Some(code) = code_of_verdict(*verdict) {
            is_clean = false;
            set_verdict(&write.tx, change.seq, code)?;
        }
    }
    if is_clean && changes.len() >= KEPT_FROM_RECORDS {
        keep(&write.tx, rid, &folded.document)?;
    } else {
        write.tx.prepare_cached("DELETE FROM fold WHERE rid = ?1")?.execute([rid])?;
    }
    let created_ms = created_ms(&write.tx, &changes, &folded)?;
    projection::project(write, lid, rid, &folded.document, created_ms, false)
}

/// What a document holds now, for one who is about to change it.
pub(crate) fn read(write: &mut Write<'_>, lid: i64, rid: i64) -> Result<Document> {
    if let Some(kept) = read_kept(&write.tx, rid)? {
        return Ok(kept);
    }
    let state = &mut *write.state;
    let (changes, folded) = fold_stored(&write.tx, &mut state.keys, &mut state.codec, lid, rid)?;
    remember(write, rid, &changes, &folded);
    Ok(folded.document)
}

/// Remembers a document that is about to be changed, if its next change can be judged from what it holds.
pub(crate) fn remember(write: &mut Write<'_>, rid: i64, changes: &[(StoredChange, Input)], folded: &Folded) {
    // A document of which nothing counts has no rows, so its first change is no next one.
    let is_clean = !changes.is_empty() && folded.verdicts.iter().all(|verdict| *verdict == Verdict::Applied);
    if is_clean && write.read.len() < READ_MAX {
        write.read.insert(rid, ReadDocument { document: folded.document.clone(), changes: changes.len() });
    }
}

/// The admitted changes of a document with what folding makes of them.
pub(crate) fn fold_stored(
    connection: &Connection,
    keys: &mut KeyCache,
    codec: &mut Codec,
    lid: i64,
    rid: i64,
) -> Result<(Vec<(StoredChange, Input)>, Folded)> {
    let stored = records::changes(connection, codec, rid)?;
    let mut changes = Vec::with_capacity(stored.len());
    for change in stored {
        if verdict(connection, change.seq)?.is_none_or(|code| code < BYTES_FROM_CODE) {
            let input = input(connection, keys, lid, rid, &change)?;
            changes.push((change, input));
        }
    }
    let inputs: Vec<Input> = changes.iter().map(|(_, input)| input.clone()).collect();
    let folded = fold(&inputs);
    Ok((changes, folded))
}

/// Notes why a record is not applied.
pub(crate) fn quarantine(tx: &Connection, seq: i64, reason: Quarantine) -> Result<()> {
    set_verdict(tx, seq, code_of_quarantine(reason))
}

/// Forgets the verdicts on the records of a commit that does not count.
pub(crate) fn forget_verdicts(tx: &Connection, cid: i64, count: u64) -> Result<()> {
    let delete = "DELETE FROM verdict WHERE seq >= ?1 AND seq < ?2";
    tx.prepare_cached(delete)?.execute((cid, cid + log::to_i64(count)))?;
    Ok(())
}

/// Why a record is not applied, in words.
pub(crate) fn reason(code: i64) -> String {
    let quarantine = match code {
        WAITING => return "waiting for a change it is made on top of".to_owned(),
        2 => Quarantine::Fold(FoldError::Seq),
        3 => Quarantine::Fold(FoldError::StartOp),
        4 => Quarantine::Fold(FoldError::Pred),
        5 => Quarantine::Fold(FoldError::Twin),
        6 => Quarantine::Fold(FoldError::Dependency),
        64 => Quarantine::Change(ChangeError::Length),
        65 => Quarantine::Change(ChangeError::TooMany),
        66 => Quarantine::Change(ChangeError::Unsupported),
        67 => Quarantine::Change(ChangeError::NotText),
        68 => Quarantine::Change(ChangeError::KeyOrder),
        69 => Quarantine::Change(ChangeError::Counter),
        70 => Quarantine::Change(ChangeError::NotCanonical),
        71 => Quarantine::Field(FieldError::Value),
        72 => Quarantine::Field(FieldError::Key),
        73 => Quarantine::Field(FieldError::Missing),
        74 => Quarantine::Field(FieldError::Retyped),
        76 => Quarantine::Period,
        77 => Quarantine::Root,
        78 => return "the register of an attachment is not one".to_owned(),
        _ => return "the money register is not one".to_owned(),
    };
    quarantine.to_string()
}

/// The code of the verdict on a record, if it is not applied.
pub(crate) fn verdict(connection: &Connection, seq: i64) -> Result<Option<i64>> {
    let select = "SELECT code FROM verdict WHERE seq = ?1";
    Ok(connection.prepare_cached(select)?.query_row([seq], |row| row.get(0)).optional()?)
}

const fn code_of_quarantine(reason: Quarantine) -> i64 {
    match reason {
        Quarantine::Fold(FoldError::Seq) => 2,
        Quarantine::Fold(FoldError::StartOp) => 3,
        Quarantine::Fold(FoldError::Pred) => 4,
        Quarantine::Fold(FoldError::Twin) => 5,
        Quarantine::Fold(FoldError::Dependency) => 6,
        Quarantine::Change(ChangeError::Length) => 64,
        Quarantine::Change(ChangeError::TooMany) => 65,
        Quarantine::Change(ChangeError::Unsupported) => 66,
        Quarantine::Change(ChangeError::NotText) => 67,
        Quarantine::Change(ChangeError::KeyOrder) => 68,
        Quarantine::Change(ChangeError::Counter) => 69,
        Quarantine::Change(ChangeError::NotCanonical) => 70,
        Quarantine::Field(FieldError::Value) => 71,
        Quarantine::Field(FieldError::Key) => 72,
        Quarantine::Field(FieldError::Missing) => 73,
        Quarantine::Field(FieldError::Retyped) => 74,
        Quarantine::Field(FieldError::Money(_)) => 75,
        Quarantine::Period => 76,
        Quarantine::Root => 77,
        Quarantine::Field(FieldError::Attachment(_)) => 78,
    }
}

const fn code_of_verdict(verdict: Verdict) -> Option<i64> {
    match verdict {
        Verdict::Applied => None,
        Verdict::Waiting => Some(WAITING),
        Verdict::Quarantined(error) => Some(code_of_quarantine(Quarantine::Fold(error))),
    }
}

fn set_verdict(tx: &Connection, seq: i64, code: i64) -> Result<()> {
    let insert = "INSERT OR REPLACE INTO verdict (seq, code) VALUES (?1, ?2)";
    tx.prepare_cached(insert)?.execute((seq, code))?;
    Ok(())
}

fn input(connection: &Connection, keys: &mut KeyCache, lid: i64, rid: i64, stored: &StoredChange) -> Result<Input> {
    let damaged = || Error::new(ErrorKind::Corrupt, "a stored change cannot be read");
    let feed_of_commit = "SELECT fid FROM commit_log WHERE cid = ?1";
    let fid = connection.prepare_cached(feed_of_commit)?.query_row([stored.cid], |row| row.get(0))?;
    let feed = keys.feed(connection, fid)?.id;
    let actor = match stored.meta.form {
        ActorForm::Feed => feed.0,
        ActorForm::Content => {
            let fact_key = fact_key(connection, lid)?.ok_or_else(damaged)?;
            actor(ActorForm::Content, feed, &fact_key, &keys::document(connection, rid)?, &stored.payload)
        }
    };
    let change = Change::parse_stored(&stored.payload, actor).map_err(|error| damaged().with_source(error))?;
    let hash = hash(&stored.payload, actor).ok_or_else(damaged)?;
    Ok(Input { change, hash, form: stored.meta.form })
}

/// What keys the facts of a ledger, once its genesis is held.
pub(crate) fn fact_key(connection: &Connection, lid: i64) -> Result<Option<[u8; 32]>> {
    let select = "SELECT fact_key FROM ledger WHERE lid = ?1";
    Ok(connection.prepare_cached(select)?.query_row([lid], |row| row.get(0)).optional()?.flatten())
}

/// What keys the facts of a ledger, remembered once it is known.
pub(crate) fn own_fact_key(write: &mut Write<'_>, lid: i64) -> Result<Option<[u8; 32]>> {
    if let Some(fact_key) = write.state.fact_keys.get(&lid) {
        return Ok(Some(*fact_key));
    }
    let read = fact_key(&write.tx, lid)?;
    if let Some(fact_key) = read {
        write.state.fact_keys.insert(lid, fact_key);
    }
    Ok(read)
}

/// The time of the smallest commit that holds a first change of the document.
fn created_ms(connection: &Connection, changes: &[(StoredChange, Input)], folded: &Folded) -> Result<Option<i64>> {
    let mut first: Option<([u8; 32], i64)> = None;
    for ((stored, input), verdict) in changes.iter().zip(&folded.verdicts) {
        if input.change.deps.is_empty() && *verdict == Verdict::Applied {
            let select = "SELECT id, time_ms FROM commit_log WHERE cid = ?1";
            let by =
                connection.prepare_cached(select)?.query_row([stored.cid], |row| Ok((row.get(0)?, row.get(1)?)))?;
            first = Some(first.map_or(by, |first| first.min(by)));
        }
    }
    Ok(first.map(|(_, time_ms)| time_ms))
}

fn read_kept(connection: &Connection, rid: i64) -> Result<Option<Document>> {
    let select = "SELECT row FROM fold WHERE rid = ?1";
    let row: Option<Vec<u8>> = connection.prepare_cached(select)?.query_row([rid], |row| row.get(0)).optional()?;
    Ok(row.and_then(|row| Document::from_row(&row).ok()))
}

fn keep(tx: &Connection, rid: i64, document: &Document) -> Result<()> {
    let insert = "INSERT OR REPLACE INTO fold (rid, row) VALUES (?1, ?2)";
    tx.prepare_cached(insert)?.execute((rid, document.to_row()))?;
    Ok(())
}

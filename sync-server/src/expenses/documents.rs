//! Documents: from the records of a thing in the log to what it holds, and on to its rows.
//!
//! A document is folded from its records whenever something arrives for it, but for the two common cases: its first
//! changes, and the next change of a document with so many that a fold is kept beside it. All paths end in the same rows.

use std::collections::HashMap;
use std::rc::Rc;

use outlay_ledger::admit::admit;
use outlay_ledger::commit::{Commit, Kind, Record};
use outlay_ledger::fold::{Document, Input, Verdict, fold};
use outlay_ledger::{CommitId, DocumentId};
use rusqlite::{Connection, OptionalExtension};

use super::projection::read_commit;
use super::rows::{self, Place};
use crate::store::Result;

/// Records from which on a fold is kept: below, folding takes less time than reading and writing a kept one.
const KEPT_FROM_RECORDS: usize = 17;
/// Records of a document up to which it is looked at whether one of them begins a conflict: it is folded twice for that.
const CONFLICT_RECORDS_MAX: usize = 1_000;
/// Commits remembered in one step: of an import that was edited the same one is read again and again.
const READ_MAX: usize = 64;

/// Changes of one step, by document, in the order of the log.
#[derive(Default)]
pub(super) struct Pending {
    news: Vec<News>,
    places: HashMap<i64, usize>,
}

/// What is new for a document.
struct News {
    rid: i64,
    /// Whether nothing of the document was held before.
    is_new: bool,
    /// The time of the commit that holds the first of the changes.
    time_ms: i64,
    inputs: Vec<Input>,
}

/// The commit of a change, and its time.
type Origin = (CommitId, i64);

/// The documents of a ledger.
pub(crate) struct Documents<'a> {
    tx: &'a Connection,
    lid: i64,
    fact_key: [u8; 32],
    /// The position that what changes now changes with.
    pub(super) changed: u64,
    read: HashMap<i64, Rc<(Commit, CommitId)>>,
}

impl<'a> Documents<'a> {
    pub(crate) fn new(tx: &'a Connection, lid: i64, fact_key: [u8; 32]) -> Self {
        Self { tx, lid, fact_key, changed: 0, read: HashMap::new() }
    }

    /// Notes a record of a document, and says which document it is.
    pub(super) fn enter(&self, seq: i64, n: u64, id: &DocumentId, pending: &mut Pending) -> Result<i64> {
        let (rid, is_new) = match find(self.tx, self.lid, id)? {
            Some(rid) => (rid, false),
            None => {
                let insert = "INSERT INTO document (lid, id) VALUES (?1, ?2)";
                self.tx.prepare_cached(insert)?.execute((self.lid, id.0))?;
                (self.tx.last_insert_rowid(), true)
            }
        };
        let insert = "INSERT INTO document_record (rid, seq, n) VALUES (?1, ?2, ?3)";
        self.tx.prepare_cached(insert)?.execute((rid, seq, n))?;
        if is_new {
            pending.places.insert(rid, pending.news.len());
            pending.news.push(News { rid, is_new, time_ms: 0, inputs: Vec::new() });
        }
        Ok(rid)
    }

    /// Gathers a change, if it is one; what is none is of no document.
    pub(super) fn admit(&self, rid: i64, commit: &Commit, n: u64, record: &Record, pending: &mut Pending) {
        let Some(payload) = record.payload() else { return };
        let Ok(admitted) = admit(commit, n, record, payload, &self.fact_key) else { return };
        let Pending { news, places } = pending;
        let place = *places.entry(rid).or_insert_with(|| {
            news.push(News { rid, is_new: false, time_ms: 0, inputs: Vec::new() });
            news.len() - 1
        });
        if news[place].inputs.is_empty() {
            news[place].time_ms = commit.header.time_ms;
        }
        news[place].inputs.push(admitted.input);
    }

    /// Brings the rows of documents up to what has come.
    pub(super) fn settle(&mut self, pending: Pending) -> Result<()> {
        let news = pending.news.into_iter().filter(|news| !news.inputs.is_empty());
        news.into_iter().try_for_each(|news| self.settle_one(&news))
    }

    fn settle_one(&mut self, news: &News) -> Result<()> {
        let mut document = Document::default();
        let is_line = news.inputs.len() < KEPT_FROM_RECORDS;
        if news.is_new && is_line && news.inputs.iter().all(|input| document.apply_next(input)) {
            return self.write_rows(news.rid, &document, Some(news.time_ms));
        }
        if let Some(mut kept) = self.kept(news.rid)?
            && news.inputs.iter().all(|input| kept.apply_next(input))
        {
            self.keep(news.rid, &kept)?;
            return self.write_rows(news.rid, &kept, None);
        }
        self.refold(news.rid)
    }

    /// Folds a document from its records and writes its rows anew.
    pub(super) fn refold(&mut self, rid: i64) -> Result<()> {
        let (document, created_ms) = self.fold(rid)?;
        self.write_rows(rid, &document, created_ms)
    }

    /// What a document holds now.
    pub(super) fn read(&mut self, rid: i64) -> Result<Document> {
        match self.kept(rid)? {
            Some(kept) => Ok(kept),
            None => Ok(self.fold(rid)?.0),
        }
    }

    /// What a document holds, and the time of the smallest commit that holds a first change of it.
    fn fold(&mut self, rid: i64) -> Result<(Document, Option<i64>)> {
        let records = self.records(rid)?;
        let (inputs, commits) = self.inputs(records)?;
        let folded = fold(&inputs);
        let is_clean = folded.verdicts.iter().all(|verdict| *verdict == Verdict::Applied);
        if is_clean && inputs.len() >= KEPT_FROM_RECORDS {
            self.keep(rid, &folded.document)?;
        } else {
            self.tx.prepare_cached("DELETE FROM fold WHERE rid = ?1")?.execute([rid])?;
        }
        let is_first =
            |place: &usize| inputs[*place].change.deps.is_empty() && folded.verdicts[*place] == Verdict::Applied;
        let first = (0..inputs.len()).filter(is_first).map(|place| commits[place]).min();
        Ok((folded.document, first.map(|(_, time_ms)| time_ms)))
    }

    /// The changes among records that count, each with its origin.
    fn inputs(&mut self, records: Vec<(i64, u64)>) -> Result<(Vec<Input>, Vec<Origin>)> {
        let (mut inputs, mut commits) = (Vec::new(), Vec::new());
        for (seq, n) in records {
            if self.is_aside(seq)? {
                continue;
            }
            let read = self.commit(seq)?;
            let (commit, id) = &*read;
            let at = usize::try_from(n.saturating_sub(commit.header.first)).unwrap_or(usize::MAX);
            let record = commit.records.get(at);
            let Some((record, payload)) = record.and_then(|record| Some((record, record.payload()?))) else { continue };
            if let Ok(admitted) = admit(commit, n, record, payload, &self.fact_key) {
                inputs.push(admitted.input);
                commits.push((*id, commit.header.time_ms));
            }
        }
        Ok((inputs, commits))
    }

    /// Whether no record of a document comes before this one in the log.
    pub(crate) fn is_first(&self, rid: i64, place: (i64, u64)) -> Result<bool> {
        let select = "SELECT 1 FROM document_record WHERE rid = ?1 AND (seq, n) < (?2, ?3)";
        Ok(!self.tx.prepare_cached(select)?.exists((rid, place.0, place.1))?)
    }

    /// Whether with this record a register came to hold several values, and none did before. Of a document with very many
    /// records it is not found out.
    pub(crate) fn begins_conflict(&mut self, rid: i64, place: (i64, u64)) -> Result<bool> {
        let mut records = self.records(rid)?;
        records.retain(|record| *record <= place);
        if records.len() > CONFLICT_RECORDS_MAX {
            return Ok(false);
        }
        let (inputs, _) = self.inputs(records)?;
        let Some((_, before)) = inputs.split_last() else { return Ok(false) };
        let is_conflicted = |inputs: &[Input]| !fold(inputs).document.conflicting_keys().is_empty();
        Ok(is_conflicted(&inputs) && !is_conflicted(before))
    }

    fn records(&self, rid: i64) -> Result<Vec<(i64, u64)>> {
        let select = "SELECT seq, n FROM document_record WHERE rid = ?1 ORDER BY seq, n";
        let mut select = self.tx.prepare_cached(select)?;
        let rows = select.query_map([rid], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The documents of the changes of a commit.
    pub(super) fn of_commit(&self, commit: &Commit) -> Result<Vec<i64>> {
        let mut rids = Vec::new();
        for (n, record) in (commit.header.first..).zip(&commit.records) {
            if record.kind == Kind::Change {
                rids.extend(find(self.tx, self.lid, &commit.document(n, record))?);
            }
        }
        Ok(rids)
    }

    /// Whether a commit does not count.
    pub(crate) fn is_aside(&self, seq: i64) -> Result<bool> {
        Ok(self.tx.prepare_cached("SELECT 1 FROM uncounted WHERE seq = ?1")?.exists([seq])?)
    }

    /// A commit of the log.
    pub(super) fn commit(&mut self, seq: i64) -> Result<Rc<(Commit, CommitId)>> {
        if let Some(read) = self.read.get(&seq) {
            return Ok(Rc::clone(read));
        }
        let read = Rc::new(read_commit(self.tx, seq)?);
        if self.read.len() >= READ_MAX {
            self.read.clear();
        }
        self.read.insert(seq, Rc::clone(&read));
        Ok(read)
    }

    fn write_rows(&self, rid: i64, document: &Document, created_ms: Option<i64>) -> Result<()> {
        let place = Place { tx: self.tx, lid: self.lid, rid, changed: self.changed };
        rows::write(&place, document, created_ms)
    }

    fn kept(&self, rid: i64) -> Result<Option<Document>> {
        let mut select = self.tx.prepare_cached("SELECT row FROM fold WHERE rid = ?1")?;
        let row: Option<Vec<u8>> = select.query_row([rid], |row| row.get(0)).optional()?;
        Ok(row.and_then(|row| Document::from_row(&row).ok()))
    }

    fn keep(&self, rid: i64, document: &Document) -> Result<()> {
        let insert = "INSERT OR REPLACE INTO fold (rid, row) VALUES (?1, ?2)";
        self.tx.prepare_cached(insert)?.execute((rid, document.to_row()))?;
        Ok(())
    }
}

/// The row of a document.
pub(crate) fn find(connection: &Connection, lid: i64, id: &DocumentId) -> Result<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT rid FROM document WHERE lid = ?1 AND id = ?2")?;
    Ok(select.query_row((lid, id.0), |row| row.get(0)).optional()?)
}

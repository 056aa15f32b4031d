//! Entries of a file against what a ledger holds: added, held, back from the trash, or held with other values.

use std::collections::HashSet;

use outlay_ledger::attachment::ATTACHMENT_PREFIX;
use outlay_ledger::change::Scalar;
use outlay_ledger::field::{self, TAG_PREFIX, Thing};
use outlay_ledger::fold::{Document, Put};
use outlay_ledger::{DocumentId, LedgerId};

use super::names::{Names, Places};
use super::reject;
use crate::author::{Author, Draft, Fact};
use crate::engine::writing::entry_puts;
use crate::error::{Error, ErrorKind, Result};
use crate::import::source::{CSV, ENTRY, Incoming};
use crate::model::{Imported, Rejected};
use crate::store::{Write, contents, keys};

/// Rows that are looked up together and stored together: about 40 MB, and months of one file still lie together.
const ROWS_PER_FLUSH: usize = 30_000;

/// An import under way.
pub(super) struct Taking<'a, 't> {
    draft: Draft<'a, 't>,
    names: Names,
    /// Entries of the file that others of it refund, by their ids there.
    refunded: HashSet<String>,
    /// Entries taken from this file whose facts do not say the how many-th they are.
    seen: HashSet<DocumentId>,
    /// Entries that were not looked at yet, with the documents of their facts.
    waiting: Vec<(DocumentId, Incoming)>,
    imported: Imported,
}

impl<'a, 't> Taking<'a, 't> {
    pub(super) fn begin(
        author: &'a Author,
        write: &'a mut Write<'t>,
        ledger: LedgerId,
        refunded: HashSet<String>,
        rejected: Vec<Rejected>,
    ) -> Result<Self> {
        let mut draft = author.draft(write, ledger)?;
        draft.cut_by_month();
        draft.mark_end_of_import();
        let names = Names::load(&draft.write.tx, draft.lid)?;
        let imported = Imported { rejected, ledger: Some(ledger), ..Imported::default() };
        Ok(Self { draft, names, refunded, seen: HashSet::new(), waiting: Vec::new(), imported })
    }

    /// Takes one entry in, or names the reason why not; now, or together with those that follow.
    pub(super) fn take(&mut self, incoming: Incoming) -> Result<()> {
        let id = self.draft.fact_document(incoming.domain, incoming.fact.as_bytes());
        if incoming.domain != CSV && !self.seen.insert(id) {
            self.imported.duplicates += 1;
            return Ok(());
        }
        self.waiting.push((id, incoming));
        if self.waiting.len() >= ROWS_PER_FLUSH {
            self.take_waiting()?;
            self.draft.flush()?;
        }
        Ok(())
    }

    fn take_waiting(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        self.draft.look_up(waiting.iter().map(|(id, _)| *id).collect())?;
        waiting.into_iter().try_for_each(|(id, incoming)| self.take_now(id, incoming))
    }

    fn take_now(&mut self, id: DocumentId, incoming: Incoming) -> Result<()> {
        if let Some(origin) = incoming.origin
            && self.is_itself(origin, incoming.is_deleted)?
        {
            return Ok(());
        }
        let (puts, places) = match self.read(&incoming) {
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return self.reject(Rejected { line: incoming.line, reason: error.to_string() });
            }
            read => read?,
        };
        self.write(id, &incoming, puts, places)
    }

    /// Names a row that cannot be read.
    pub(super) fn reject(&mut self, rejected: Rejected) -> Result<()> {
        reject(&mut self.imported.rejected, rejected)
    }

    /// Stores what is drafted still.
    pub(super) fn finish(mut self) -> Result<Imported> {
        self.take_waiting()?;
        self.draft.finish()?;
        self.imported.rejected.sort_by_key(|rejected| rejected.line);
        Ok(self.imported)
    }

    /// Whether this ledger has the entry itself: the file was exported from it.
    fn is_itself(&mut self, origin: DocumentId, is_deleted: bool) -> Result<bool> {
        let Some(is_in_trash) = contents::is_in_trash(&self.draft.write.tx, self.draft.lid, &origin)? else {
            return Ok(false);
        };
        if is_in_trash && !is_deleted {
            self.put_back(origin, Vec::new())?;
            self.imported.restored += 1;
        } else {
            self.imported.duplicates += 1;
        }
        Ok(true)
    }

    /// The registers of an entry. Nothing is made or written.
    fn read(&mut self, incoming: &Incoming) -> Result<(Vec<Put>, Places)> {
        let date = incoming.new.date.ok_or_else(|| Error::invalid("the date is missing"))?;
        let places = self.names.find(&self.draft, &incoming.new)?;
        let mut puts = entry_puts(&incoming.new, &self.names.named(places), date)?;
        if let Some(refund) = &incoming.refund {
            let id = self.refund(refund)?;
            puts.push(Put::new(field::REFUND_OF, Scalar::Bytes(id.0.to_vec())));
        }
        if incoming.is_deleted {
            puts.push(Put::new(field::STATE, field::DELETED));
        }
        Ok((puts, places))
    }

    /// An entry of the same file is the one made of it; any other is one that the ledger may have.
    fn refund(&self, text: &str) -> Result<DocumentId> {
        if self.refunded.contains(text) {
            return Ok(self.draft.fact_document(ENTRY, text.as_bytes()));
        }
        Ok(text.parse()?)
    }

    fn write(&mut self, id: DocumentId, incoming: &Incoming, puts: Vec<Put>, places: Places) -> Result<()> {
        match self.draft.create_document(id, Thing::Expense, puts)? {
            Fact::Held => self.imported.duplicates += 1,
            Fact::Deleted if incoming.is_deleted => self.imported.duplicates += 1,
            Fact::Added => {
                self.names.make(&mut self.draft, places)?;
                self.imported.added += 1;
            }
            Fact::Deleted => {
                self.names.make(&mut self.draft, places)?;
                self.put_back(id, Vec::new())?;
                self.imported.restored += 1;
            }
            Fact::Conflicting => {
                self.names.make(&mut self.draft, places)?;
                let (puts, _) = self.read(incoming)?;
                if self.put_back(id, puts)? {
                    self.imported.restored += 1;
                } else {
                    self.imported.conflicting += 1;
                }
            }
        }
        Ok(())
    }

    /// Takes an entry out of the trash. Says whether it was there.
    ///
    /// With other values than it had, it comes back with these: what was undone may have been a mapping that was wrong.
    fn put_back(&mut self, id: DocumentId, mut puts: Vec<Put>) -> Result<bool> {
        let Some(rid) = keys::find_document(&self.draft.write.tx, self.draft.lid, &id)? else { return Ok(false) };
        let document = self.draft.read(rid)?;
        if !document.is_deleted() {
            return Ok(false);
        }
        if !puts.is_empty() {
            clear_others(&document, &mut puts);
        }
        puts.retain(|put| put.key != field::STATE);
        puts.push(Put::new(field::STATE, field::LIVE));
        self.draft.edit(id, &document, puts)
    }
}

/// Clears every register that the new values leave out. Files come from no row: what a person attached stays.
fn clear_others(document: &Document, puts: &mut Vec<Put>) {
    let others: Vec<Put> = document
        .keys()
        .filter(|key| {
            *key != field::TYPE && !key.starts_with(ATTACHMENT_PREFIX) && !puts.iter().any(|put| put.key == *key)
        })
        .filter_map(|key| Some((key, document.winner(key)?)))
        .filter(|(_, value)| !matches!(value, Scalar::Null | Scalar::Bool(false)))
        .map(|(key, _)| Put::new(key, if key.starts_with(TAG_PREFIX) { Scalar::Bool(false) } else { Scalar::Null }))
        .collect();
    puts.extend(others);
}

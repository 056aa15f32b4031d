//! Who changed what of a thing, and when.

use std::collections::HashMap;

use outlay_ledger::commit::action_of;
use outlay_ledger::field;
use outlay_ledger::{ChangeHash, CommitId, DocumentId, LedgerId};

use super::Engine;
use super::values::{Values, field_of_key};
use crate::error::{Error, Result};
use crate::model::{FieldChange, HistoryEntry};
use crate::store::{Reading, document, keys, log, records};

impl Engine {
    /// The changes of an entry, account or category, each after those it was made on top of.
    ///
    /// A change that is held and not counted is listed with the reason.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] if the ledger, or a thing of this id in it, is not on this device.
    pub fn history(&self, ledger: LedgerId, id: DocumentId) -> Result<Vec<HistoryEntry>> {
        let own = self.device_key();
        self.store.read(|connection| {
            let lid = keys::ledger_here(connection, ledger)?;
            let rid =
                keys::find_document(connection, lid, &id)?.ok_or_else(|| Error::not_found("thing in this ledger"))?;
            let mut values = Values::new(connection, lid, own)?;
            entries(&mut values, rid)
        })
    }
}

fn entries(values: &mut Values<'_>, rid: i64) -> Result<Vec<HistoryEntry>> {
    let mut reading = Reading::default();
    let (changes, folded) =
        document::fold_stored(values.connection, &mut reading.keys, &mut reading.codec, values.lid, rid)?;
    if changes.is_empty() {
        return Err(Error::not_found("thing in this ledger"));
    }
    // A change that several commits hold is shown as of the smallest of them.
    let mut holders: HashMap<ChangeHash, (CommitId, i64)> = HashMap::new();
    for (stored, input) in &changes {
        let by = (log::id(values.connection, stored.cid)?, stored.cid);
        holders.entry(input.hash).and_modify(|first| *first = by.min(*first)).or_insert(by);
    }
    // Counters grow along dependencies, so this order is the same on every replica and each change is after its own.
    let mut steps: Vec<_> = folded.steps.iter().collect();
    steps.sort_by_key(|step| (changes[step.change].1.change.start_op, changes[step.change].1.change.actor));
    let mut entries = Vec::with_capacity(changes.len());
    for step in steps {
        let input = &changes[step.change].1;
        let mut set = Vec::new();
        for (op, before) in input.change.ops.iter().zip(&step.before) {
            // What a thing is never changes, and says nothing to a reader.
            if before.as_ref() != Some(&op.value) && op.key != field::TYPE {
                set.push(FieldChange {
                    field: field_of_key(&op.key).to_owned(),
                    before: values.value(&op.key, before.as_ref())?,
                    after: values.value(&op.key, Some(&op.value))?,
                });
            }
        }
        let (_, cid) = holders[&input.hash];
        entries.push(entry(values, &mut reading, cid, set, None)?);
    }
    for (_, _, cid, code) in not_applied(values, &mut reading, rid)? {
        entries.push(entry(values, &mut reading, cid, Vec::new(), Some(document::reason(code)))?);
    }
    Ok(entries)
}

/// The records of a document that are not counted, by commit and place in it, with the commit's number and the reason.
fn not_applied(values: &Values<'_>, reading: &mut Reading, rid: i64) -> Result<Vec<(CommitId, i64, i64, i64)>> {
    let mut records = Vec::new();
    for stored in records::changes(values.connection, &mut reading.codec, rid)? {
        if let Some(code) = document::verdict(values.connection, stored.seq)? {
            records.push((log::id(values.connection, stored.cid)?, stored.seq - stored.cid, stored.cid, code));
        }
    }
    records.sort_unstable();
    Ok(records)
}

fn entry(
    values: &mut Values<'_>,
    reading: &mut Reading,
    cid: i64,
    changes: Vec<FieldChange>,
    not_applied: Option<String>,
) -> Result<HistoryEntry> {
    let (author, time_ms, commit) = values.author(&mut reading.keys, cid)?;
    let header = log::load_header(values.connection, &mut reading.keys, cid)?;
    let action = action_of(&commit, &header);
    Ok(HistoryEntry { commit, action, author, time_ms, changes, not_applied })
}

//! Undo: of the last action of this device, a whole import too.
//!
//! An undo is an action like any other: it puts former values, where what is shown is still what the action set. What
//! was changed since, or is also held by another member, is left and named.

use std::collections::{BTreeMap, HashSet};

use outlay_ledger::change::{OpId, Scalar};
use outlay_ledger::commit::ActorForm;
use outlay_ledger::field::{self, TAG_PREFIX};
use outlay_ledger::fold::{Document, Input, Put};
use outlay_ledger::{ActionId, DeviceKey, LedgerId, MemberId};

use super::Engine;
use crate::author::Draft;
use crate::error::Result;
use crate::model::Undone;
use crate::store::log;
use crate::store::records::StoredChange;
use crate::store::{Write, actions, document, keys, standing, things};

/// Records held in memory before they are signed and stored.
const RECORDS_DRAFTED_MAX: usize = 10_000;

impl Engine {
    /// Undoes the last action of this device that is not undone; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Forbidden`] if this device may no longer write in that ledger.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, Money, NewExpense};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let coffee = engine.add_expense(home, NewExpense::new(Money::parse("3.40", Currency::EUR)?, "Café"))?;
    /// assert_eq!(engine.undo()?.map(|undone| undone.changed), Some(1));
    /// assert_eq!(engine.expense(home, coffee.id)?.map(|expense| expense.deleted), Some(true));
    /// assert_eq!(engine.undo()?, None);
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn undo(&self) -> Result<Option<Undone>> {
        let device = self.device_key();
        self.write(|write| {
            let Some((action, lid)) = actions::last(&write.tx, &device)? else { return Ok(None) };
            let ledger = keys::ledger_id(&write.tx, lid)?;
            self.undo_action(write, ledger, action).map(Some)
        })
    }

    fn undo_action(&self, write: &mut Write<'_>, ledger: LedgerId, action: ActionId) -> Result<Undone> {
        let device = self.device_key();
        let mut undo = Undo::begin(self.author.draft(write, ledger)?, &device, action)?;
        let (entries, things) = undo.documents()?;
        for document in entries {
            undo.document(&document)?;
        }
        // Last made, first taken away: a category goes before the one above it.
        for document in things.iter().rev() {
            undo.thing(document)?;
        }
        let Undo { draft, undone, .. } = undo;
        let written = draft.finish()?;
        // An undo that found everything changed since is done all the same: the next one goes further back.
        let by = written.map_or(action, |written| written.action);
        actions::note_undone(&write.tx, action, by)?;
        Ok(undone)
    }
}

/// An undo under way.
struct Undo<'a, 't> {
    draft: Draft<'a, 't>,
    action: ActionId,
    member: Option<MemberId>,
    undone: Undone,
    /// The documents that are taken away.
    removed: HashSet<i64>,
}

/// A document that the action touched, and the numbers of the records by which it did.
struct Touched {
    rid: i64,
    seqs: Vec<i64>,
}

impl<'a, 't> Undo<'a, 't> {
    fn begin(draft: Draft<'a, 't>, device: &DeviceKey, action: ActionId) -> Result<Self> {
        let member = standing::member_of(draft.write, draft.lid, device)?;
        Ok(Self { draft, action, member, undone: Undone::default(), removed: HashSet::new() })
    }

    /// The entries that the action touched, and what they may refer to.
    fn documents(&self) -> Result<(Vec<Touched>, Vec<Touched>)> {
        let mut documents: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (rid, seq) in actions::records(&self.draft.write.tx, self.draft.lid, self.action)? {
            documents.entry(rid).or_default().push(seq);
        }
        let (mut entries, mut things) = (Vec::new(), Vec::new());
        for (rid, seqs) in documents {
            let is_thing = things::is_referred_to(&self.draft.write.tx, rid)?;
            if is_thing { &mut things } else { &mut entries }.push(Touched { rid, seqs });
        }
        Ok((entries, things))
    }

    /// Undoes what the action did to an account or category, unless something that stays refers to it.
    fn thing(&mut self, touched: &Touched) -> Result<()> {
        for rid in things::referring(&self.draft.write.tx, self.draft.lid, touched.rid)? {
            if !self.removed.contains(&rid) {
                self.undone.left.push(keys::document(&self.draft.write.tx, touched.rid)?);
                return Ok(());
            }
        }
        self.document(touched)
    }

    fn document(&mut self, touched: &Touched) -> Result<()> {
        let (draft, rid) = (&mut self.draft, touched.rid);
        let state = &mut *draft.write.state;
        let (changes, folded) =
            document::fold_stored(&draft.write.tx, &mut state.keys, &mut state.codec, draft.lid, rid)?;
        let mut puts: BTreeMap<String, Scalar> = BTreeMap::new();
        let mut is_left = false;
        // The last change first, so that what stays in the map is what was there before all of them.
        for step in folded.steps.iter().rev() {
            let (stored, input) = &changes[step.change];
            if !touched.seqs.contains(&stored.seq) {
                continue;
            }
            if self.is_held_by_others(&changes, stored, input)? {
                is_left = true;
                continue;
            }
            let is_creation = input.change.deps.is_empty();
            for ((id, op), before) in input.change.ops_with_ids().zip(&step.before) {
                if (is_creation && op.key != field::STATE) || before.as_ref() == Some(&op.value) {
                    continue;
                }
                if !puts.contains_key(&op.key) && !self.is_shown_still(&changes, &folded.document, &op.key, id)? {
                    is_left = true;
                    continue;
                }
                puts.insert(op.key.clone(), if is_creation { field::DELETED } else { former(&op.key, before) });
            }
        }
        document::remember(self.draft.write, rid, &changes, &folded);
        let is_removed = puts.get(field::STATE) == Some(&field::DELETED);
        let puts = puts.into_iter().map(|(key, value)| Put { key, value }).collect();
        let id = keys::document(&self.draft.write.tx, rid)?;
        if self.draft.edit(id, &folded.document, puts)? {
            self.undone.changed += 1;
        } else if is_left {
            self.undone.left.push(id);
        }
        if is_removed {
            self.removed.insert(rid);
        }
        if self.draft.len() >= RECORDS_DRAFTED_MAX {
            self.draft.flush()?;
        }
        Ok(())
    }

    /// Whether a register shows what an operation set: because it is the only one visible, or because what came after
    /// it was undone, and the undo put its value back.
    fn is_shown_still(
        &self,
        changes: &[(StoredChange, Input)],
        document: &Document,
        key: &str,
        id: OpId,
    ) -> Result<bool> {
        for visible in document.visible.iter().filter(|visible| visible.key == key) {
            if visible.id != id && !self.is_cancelled(changes, visible.id)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether an operation belongs to this action, to one that was undone, or to an undo.
    fn is_cancelled(&self, changes: &[(StoredChange, Input)], id: OpId) -> Result<bool> {
        let holds = |input: &Input| {
            let change = &input.change;
            change.actor == id.actor && (change.start_op..=change.max_op()).contains(&id.counter)
        };
        let Some((stored, _)) = changes.iter().find(|(_, input)| holds(input)) else { return Ok(false) };
        let action = actions::of_commit(&self.draft.write.tx, stored.cid)?;
        Ok(action == self.action || actions::is_undone_or_undo(&self.draft.write.tx, action)?)
    }

    /// A content-derived change that another member's commit names too is that one's as well.
    fn is_held_by_others(
        &mut self,
        changes: &[(StoredChange, Input)],
        stored: &StoredChange,
        input: &Input,
    ) -> Result<bool> {
        if input.form != ActorForm::Content {
            return Ok(false);
        }
        for (other, same) in changes {
            if same.hash == input.hash && other.cid != stored.cid {
                let write = &mut *self.draft.write;
                let device = log::load_header(&write.tx, &mut write.state.keys, other.cid)?.device;
                if standing::member_of(write, self.draft.lid, &device)? != self.member {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// What a register held before; one that was never set is cleared as its kind is.
fn former(key: &str, before: &Option<Scalar>) -> Scalar {
    match before {
        Some(value) => value.clone(),
        None if key.starts_with(TAG_PREFIX) => Scalar::Bool(false),
        None => Scalar::Null,
    }
}

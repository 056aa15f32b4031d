//! The whole fold: every change of a document judged in the closure of its dependencies.
//!
//! The work is linear in the changes of a document whose history is a line; where it branches, what was visible at the
//! branch is copied once for each branch.

use std::collections::{BTreeMap, HashMap};

use super::{Document, FoldError, Input, Visible};
use crate::change::{Actor, OpId, Scalar};
use crate::id::ChangeHash;

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Applied,
    /// A change it is made on top of is not held, or is itself waiting.
    Waiting,
    /// It will never count, unless the set of changes loses or gains a twin.
    Quarantined(FoldError),
}

/// A register that a change set, with what was shown before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Index of the change among the inputs.
    pub change: usize,
    /// What each of its operations replaced on the screen of its author; `None` where nothing was.
    pub before: Vec<Option<Scalar>>,
}

/// A document and the verdict on each of its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// What the document holds.
    pub document: Document,
    /// What became of each input, in their order.
    pub verdicts: Vec<Verdict>,
    /// The applied changes, each after those it depends on, with what they replaced.
    pub steps: Vec<Step>,
}

/// Folds a document from all its changes, in any order; a change given twice counts once.
pub fn fold(inputs: &[Input]) -> Folded {
    let mut fold = Fold::new(inputs);
    let mut steps = Vec::with_capacity(inputs.len());
    for index in fold.order() {
        if let Some(step) = fold.judge(index) {
            steps.push(step);
        }
    }
    Folded { document: fold.document(), verdicts: fold.verdicts(), steps }
}

/// What an author saw: the visible operations by key, and how far each actor had come.
#[derive(Clone, Default)]
struct View<'a> {
    visible: BTreeMap<&'a str, Vec<Seen<'a>>>,
    seqs: BTreeMap<Actor, u64>,
    max_op: u64,
}

#[derive(Clone, Copy)]
struct Seen<'a> {
    id: OpId,
    seq: u64,
    value: &'a Scalar,
    input: usize,
}

struct Fold<'a> {
    inputs: &'a [Input],
    /// The first input with each hash.
    by_hash: HashMap<ChangeHash, usize>,
    verdicts: Vec<Option<Verdict>>,
    views: Vec<Option<View<'a>>>,
    /// How many changes are still to be judged on top of each.
    children_left: Vec<usize>,
    is_head: Vec<bool>,
}

impl<'a> Fold<'a> {
    fn new(inputs: &'a [Input]) -> Self {
        let mut by_hash = HashMap::with_capacity(inputs.len());
        for (index, input) in inputs.iter().enumerate() {
            by_hash.entry(input.hash).or_insert(index);
        }
        let mut fold = Self {
            inputs,
            by_hash,
            verdicts: vec![None; inputs.len()],
            views: inputs.iter().map(|_| None).collect(),
            children_left: vec![0; inputs.len()],
            is_head: vec![false; inputs.len()],
        };
        fold.set_twins_apart();
        fold
    }

    fn is_first(&self, index: usize) -> bool {
        self.by_hash.get(&self.inputs[index].hash) == Some(&index)
    }

    /// Of one actor and number the smaller hash counts, whatever else is true of the two.
    fn set_twins_apart(&mut self) {
        let mut smallest: HashMap<(Actor, u64), ChangeHash> = HashMap::with_capacity(self.inputs.len());
        for input in self.inputs {
            let hash = smallest.entry((input.change.actor, input.change.seq)).or_insert(input.hash);
            *hash = (*hash).min(input.hash);
        }
        for (input, verdict) in self.inputs.iter().zip(&mut self.verdicts) {
            if smallest.get(&(input.change.actor, input.change.seq)) != Some(&input.hash) {
                *verdict = Some(Verdict::Quarantined(FoldError::Twin));
            }
        }
    }

    /// The changes all of whose dependencies are held, each after those. The rest stays without a verdict: waiting.
    fn order(&mut self) -> Vec<usize> {
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.inputs.len()];
        let mut missing = vec![0_usize; self.inputs.len()];
        let mut ready = Vec::new();
        for (index, input) in self.inputs.iter().enumerate().filter(|(index, _)| self.is_first(*index)) {
            for dep in &input.change.deps {
                missing[index] += 1;
                if let Some(parent) = self.by_hash.get(dep) {
                    children[*parent].push(index);
                }
            }
            if missing[index] == 0 {
                ready.push(index);
            }
        }
        let mut order = Vec::with_capacity(self.inputs.len());
        while let Some(index) = ready.pop() {
            order.push(index);
            for child in &children[index] {
                missing[*child] -= 1;
                if missing[*child] == 0 {
                    ready.push(*child);
                }
            }
        }
        for index in &order {
            for dep in &self.inputs[*index].change.deps {
                self.children_left[self.by_hash[dep]] += 1;
            }
        }
        order
    }

    fn judge(&mut self, index: usize) -> Option<Step> {
        let parents: Vec<usize> = self.inputs[index].change.deps.iter().map(|dep| self.by_hash[dep]).collect();
        let step = match self.verdicts[index] {
            Some(_) => None,
            None => self.judge_on(index, &parents),
        };
        for parent in parents {
            self.children_left[parent] -= 1;
            let applied = self.verdicts[index] == Some(Verdict::Applied);
            self.is_head[parent] &= !applied;
            if self.children_left[parent] == 0 && !self.is_head[parent] {
                self.views[parent] = None;
            }
        }
        step
    }

    fn judge_on(&mut self, index: usize, parents: &[usize]) -> Option<Step> {
        if parents.iter().any(|parent| self.verdicts[*parent] != Some(Verdict::Applied)) {
            self.verdicts[index] = Some(Verdict::Quarantined(FoldError::Dependency));
            return None;
        }
        let mut view = self.view_of(parents);
        match self.check(index, &view) {
            Ok(before) => {
                self.apply(index, &mut view);
                self.views[index] = Some(view);
                self.is_head[index] = true;
                self.verdicts[index] = Some(Verdict::Applied);
                Some(Step { change: index, before })
            }
            Err(error) => {
                self.verdicts[index] = Some(Verdict::Quarantined(error));
                self.give_back(parents, view);
                None
            }
        }
    }

    /// What the parents' authors saw together. The view of a single parent whose last child this is, is moved.
    fn view_of(&mut self, parents: &[usize]) -> View<'a> {
        if let [parent] = parents {
            let is_last = self.children_left[*parent] == 1;
            let view = if is_last { self.views[*parent].take() } else { self.views[*parent].clone() };
            return view.unwrap_or_default();
        }
        let views = parents.iter().filter_map(|parent| self.views[*parent].as_ref());
        views.fold(View::default(), |merged, view| merged.merge(view))
    }

    /// A moved view goes back when the change that wanted it is not applied.
    fn give_back(&mut self, parents: &[usize], view: View<'a>) {
        if let [parent] = parents {
            self.views[*parent].get_or_insert(view);
        }
    }

    fn check(&self, index: usize, view: &View<'a>) -> Result<Vec<Option<Scalar>>, FoldError> {
        let change = &self.inputs[index].change;
        if change.seq != view.seqs.get(&change.actor).copied().unwrap_or(0) + 1 {
            return Err(FoldError::Seq);
        }
        if change.start_op != view.max_op + 1 {
            return Err(FoldError::StartOp);
        }
        let mut before = Vec::with_capacity(change.ops.len());
        for op in &change.ops {
            let seen = view.visible.get(op.key.as_str()).map_or(&[][..], Vec::as_slice);
            if !seen.iter().map(|seen| &seen.id).eq(&op.pred) {
                return Err(FoldError::Pred);
            }
            before.push(self.shown(seen).cloned());
        }
        Ok(before)
    }

    fn shown(&self, seen: &[Seen<'a>]) -> Option<&'a Scalar> {
        let by_feed = |seen: &&Seen<'_>| self.inputs[seen.input].form == crate::commit::ActorForm::Feed;
        seen.iter().rev().find(by_feed).or(seen.last()).map(|seen| seen.value)
    }

    fn apply(&self, index: usize, view: &mut View<'a>) {
        let change = &self.inputs[index].change;
        for (id, op) in change.ops_with_ids() {
            let seen = Seen { id, seq: change.seq, value: &op.value, input: index };
            view.visible.insert(&op.key, vec![seen]);
        }
        view.seqs.insert(change.actor, change.seq);
        view.max_op = change.max_op();
    }

    fn document(&self) -> Document {
        let heads = (0..self.inputs.len()).filter(|index| self.is_head[*index]);
        let views = heads.clone().filter_map(|index| self.views[index].as_ref());
        let mut views = views;
        let first = views.next().cloned().unwrap_or_default();
        let view = views.fold(first, |merged, view| merged.merge(view));
        let visible = view.visible.iter().flat_map(|(key, seen)| {
            seen.iter().map(|seen| Visible {
                key: (*key).to_owned(),
                id: seen.id,
                value: seen.value.clone(),
                form: self.inputs[seen.input].form,
            })
        });
        let visible = visible.collect();
        let mut heads: Vec<_> = heads.map(|index| self.inputs[index].hash).collect();
        heads.sort_unstable();
        Document { heads, max_op: view.max_op, seqs: view.seqs, visible }
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |input: &Input| {
            let index = self.by_hash[&input.hash];
            self.verdicts[index].unwrap_or(Verdict::Waiting)
        };
        self.inputs.iter().map(verdict).collect()
    }
}

impl<'a> View<'a> {
    /// Visible in both, or in one and never seen by the other.
    fn merge(mut self, other: &Self) -> Self {
        for (key, seen) in &mut self.visible {
            let others = other.visible.get(key).map_or(&[][..], Vec::as_slice);
            seen.retain(|seen| !other.has_seen(seen) || others.iter().any(|other| other.id == seen.id));
        }
        for (key, seen) in &other.visible {
            let is_new = |seen: &&Seen<'_>| !self.has_seen(seen);
            let new: Vec<_> = seen.iter().filter(is_new).copied().collect();
            let own = self.visible.entry(key).or_default();
            own.extend(new);
            own.sort_unstable_by_key(|seen| seen.id);
        }
        for (actor, seq) in &other.seqs {
            let own = self.seqs.entry(*actor).or_default();
            *own = (*own).max(*seq);
        }
        self.max_op = self.max_op.max(other.max_op);
        self
    }

    fn has_seen(&self, seen: &Seen<'_>) -> bool {
        self.seqs.get(&seen.id.actor).is_some_and(|seq| *seq >= seen.seq)
    }
}

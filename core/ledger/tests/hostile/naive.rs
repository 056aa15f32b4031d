//! The rules of the fold a second time, each read off the closure of a change's dependencies, without any bookkeeping:
//! slow, and simple enough to be believed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use outlay_ledger::ChangeHash;
use outlay_ledger::change::Change;
use outlay_ledger::fold::{FoldError, Input, Verdict};

/// The rules once more, each read off the closure of a change's dependencies.
pub(crate) struct Naive<'a> {
    by_hash: BTreeMap<ChangeHash, &'a Input>,
    verdicts: HashMap<ChangeHash, Verdict>,
}

impl<'a> Naive<'a> {
    pub(crate) fn verdicts(inputs: &'a [Input]) -> BTreeMap<ChangeHash, Verdict> {
        let by_hash: BTreeMap<_, _> = inputs.iter().map(|input| (input.hash, input)).collect();
        let mut naive = Self { by_hash, verdicts: HashMap::new() };
        inputs.iter().map(|input| (input.hash, naive.verdict(input.hash))).collect()
    }

    fn verdict(&mut self, hash: ChangeHash) -> Verdict {
        if let Some(verdict) = self.verdicts.get(&hash) {
            return *verdict;
        }
        let verdict = self.judge(hash);
        self.verdicts.insert(hash, verdict);
        verdict
    }

    fn judge(&mut self, hash: ChangeHash) -> Verdict {
        let change = &self.by_hash[&hash].change;
        let is_twin = |other: &&&Input| (other.change.actor, other.change.seq) == (change.actor, change.seq);
        if self.by_hash.values().filter(is_twin).any(|twin| twin.hash < hash) {
            return Verdict::Quarantined(FoldError::Twin);
        }
        let Some(closure) = self.closure(&change.deps) else { return Verdict::Waiting };
        if change.deps.iter().any(|dep| self.verdict(*dep) != Verdict::Applied) {
            return Verdict::Quarantined(FoldError::Dependency);
        }
        let below: Vec<&Change> = closure.iter().map(|hash| &self.by_hash[hash].change).collect();
        if change.seq != 1 + below.iter().filter(|below| below.actor == change.actor).count() as u64 {
            return Verdict::Quarantined(FoldError::Seq);
        }
        if change.start_op != 1 + below.iter().map(|below| below.max_op()).max().unwrap_or(0) {
            return Verdict::Quarantined(FoldError::StartOp);
        }
        let replaced: BTreeSet<_> = below.iter().flat_map(|below| below.ops.iter().flat_map(|op| &op.pred)).collect();
        for op in &change.ops {
            let of_key = below.iter().flat_map(|below| below.ops_with_ids()).filter(|(_, old)| old.key == op.key);
            let visible: BTreeSet<_> = of_key.map(|(id, _)| id).filter(|id| !replaced.contains(id)).collect();
            if op.pred != visible.into_iter().collect::<Vec<_>>() {
                return Verdict::Quarantined(FoldError::Pred);
            }
        }
        Verdict::Applied
    }

    /// All that the dependencies stand on, and they; `None` if some is not held.
    fn closure(&self, deps: &[ChangeHash]) -> Option<BTreeSet<ChangeHash>> {
        let (mut closure, mut open) = (BTreeSet::new(), deps.to_vec());
        while let Some(hash) = open.pop() {
            if closure.insert(hash) {
                open.extend(&self.by_hash.get(&hash)?.change.deps);
            }
        }
        Some(closure)
    }
}

//! Reading a document from its changes without building an automerge document.
//!
//! Visible are the operations that no operation names in `pred`; the greatest (counter, actor) wins; heads are the
//! changes nothing depends on. automerge is the oracle in tests.
//!
//! Each change is judged in the closure of its own dependencies and in nothing else, so the verdict is a function of the
//! set of changes: `seq` and `start_op` must follow on exactly, and each operation must name exactly the operations of
//! its key that are visible there, as every honest author does. Of two changes with one actor and `seq` the smaller hash
//! counts.
//!
//! Values of content-derived changes stand back: where a feed has written a register too, only what feeds wrote counts.

mod judge;
mod row;

use std::collections::BTreeMap;

use crate::change::{Actor, Change, Op, OpId, Scalar};
use crate::commit::ActorForm;
use crate::field::{self, Thing};
use crate::id::ChangeHash;

pub use judge::{Folded, Step, Verdict, fold};
pub use row::RowError;

/// A change whose bytes were admitted, about to be folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The change.
    pub change: Change,
    /// Its hash.
    pub hash: ChangeHash,
    /// Whose it is.
    pub form: ActorForm,
}

/// Why a change that reads well is not counted. Judged from the closure of its dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Not the next change of its actor.
    #[error("the change is not the next one of its actor")]
    Seq,
    /// Not 1 + the greatest counter of its dependencies.
    #[error("the first operation counter does not follow on the dependencies")]
    StartOp,
    /// An operation replaces others than those visible to its author.
    #[error("an operation does not replace exactly what its author saw")]
    Pred,
    /// Another change has the same actor and number, and the smaller hash.
    #[error("another change of the same actor and number counts")]
    Twin,
    /// It is made on top of a change that does not count.
    #[error("the change is made on top of one that does not count")]
    Dependency,
}

/// An operation that nothing has replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    /// The register.
    pub key: String,
    /// Which operation it is.
    pub id: OpId,
    /// What it put.
    pub value: Scalar,
    /// Whose it is.
    pub form: ActorForm,
}

/// What a document holds: the result of a fold, and enough of it to go on from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// The changes nothing depends on, ascending.
    pub heads: Vec<ChangeHash>,
    /// The greatest operation counter.
    pub max_op: u64,
    /// How many changes of each actor there are.
    pub seqs: BTreeMap<Actor, u64>,
    /// What is visible, ascending by key and id.
    pub visible: Vec<Visible>,
}

/// A register to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// The register.
    pub key: String,
    /// What it is to hold.
    pub value: Scalar,
}

impl Put {
    /// A put of a value.
    pub fn new(key: impl Into<String>, value: Scalar) -> Self {
        Self { key: key.into(), value }
    }
}

impl Document {
    /// The values of a register that count, the winner first.
    pub fn values(&self, key: &str) -> Vec<&Visible> {
        self.counting(key).collect()
    }

    fn counting(&self, key: &str) -> impl Iterator<Item = &Visible> {
        let all = self.visible_of(key);
        let has_feed = all.iter().any(|visible| visible.form == ActorForm::Feed);
        all.iter().filter(move |visible| !has_feed || visible.form == ActorForm::Feed).rev()
    }

    /// The value that is shown, if the register was ever put.
    pub fn winner(&self, key: &str) -> Option<&Scalar> {
        self.counting(key).next().map(|visible| &visible.value)
    }

    /// What is shown of `state` is its own rule: while any value is live, the thing is.
    pub fn is_deleted(&self) -> bool {
        let states = self.values(field::STATE);
        !states.is_empty() && states.iter().all(|visible| visible.value == field::DELETED)
    }

    /// What the document is.
    pub fn thing(&self) -> Option<Thing> {
        match self.winner(field::TYPE) {
            Some(Scalar::Uint(number)) => Some(Thing::from_number(*number)),
            _ => None,
        }
    }

    /// The registers that hold more than one distinct value. What a thing is never changes, so nobody could settle that.
    pub fn conflicting_keys(&self) -> Vec<&str> {
        let is_conflict = |key: &&str| {
            let winner = self.winner(key);
            *key != field::TYPE && self.counting(key).any(|visible| Some(&visible.value) != winner)
        };
        // Nearly always each register has one value.
        if self.visible.windows(2).all(|pair| pair[0].key != pair[1].key) {
            return Vec::new();
        }
        self.keys().filter(is_conflict).collect()
    }

    /// The registers that were ever put, ascending.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let mut last = None;
        self.visible.iter().map(|visible| visible.key.as_str()).filter(move |key| last.replace(*key) != Some(*key))
    }

    /// The change that makes a new document, by its feed or from its content: `type`, a live `state`, and `puts`.
    ///
    /// The actor of a content-derived change comes from its bytes; encode it with any actor first.
    pub fn create(actor: Actor, thing: Thing, puts: Vec<Put>) -> Change {
        let mut puts = puts;
        puts.push(Put::new(field::TYPE, Scalar::Uint(thing.number())));
        let ops = ops(with_state(puts, field::LIVE), |_| Vec::new());
        Change { actor, seq: 1, start_op: 1, deps: Vec::new(), ops }
    }

    /// The change that sets registers of this document, or `None` if it would change nothing.
    ///
    /// A put of what is shown anyway is left out, unless it settles a conflict. Every change puts `state`, the one that is
    /// shown if `puts` has none.
    pub fn edit(&self, actor: Actor, puts: Vec<Put>) -> Option<Change> {
        let changes = |put: &Put| self.visible_of(&put.key).len() != 1 || self.winner(&put.key) != Some(&put.value);
        let puts: Vec<_> = puts.into_iter().filter(changes).collect();
        if puts.is_empty() {
            return None;
        }
        let state = if self.is_deleted() { field::DELETED } else { field::LIVE };
        let ops = ops(with_state(puts, state), |key| self.visible_of(key).iter().map(|visible| visible.id).collect());
        let seq = self.seqs.get(&actor).copied().unwrap_or(0) + 1;
        Some(Change { actor, seq, start_op: self.max_op + 1, deps: self.heads.clone(), ops })
    }

    /// Takes in a change that was made on top of all that is held: the common case, at a cost that does not grow.
    ///
    /// Returns `false`, with nothing changed, when the change is not such a one, or is not in order: then only a whole
    /// [`fold`] can judge it. So it is where a held change of the document does not count: this document knows nothing
    /// of changes that wait for others or lost to a twin, and must be the fold of changes that all count.
    pub fn apply_next(&mut self, input: &Input) -> bool {
        let change = &input.change;
        let follows = change.deps == self.heads
            && change.seq == self.seqs.get(&change.actor).copied().unwrap_or(0) + 1
            && change.start_op == self.max_op + 1;
        let replaces = |op: &Op| self.visible_of(&op.key).iter().map(|visible| &visible.id).eq(&op.pred);
        if !follows || !change.ops.iter().all(replaces) {
            return false;
        }
        let keys: Vec<&str> = change.ops.iter().map(|op| op.key.as_str()).collect();
        self.visible.retain(|visible| keys.binary_search(&visible.key.as_str()).is_err());
        let new =
            |(id, op): (OpId, &Op)| Visible { key: op.key.clone(), id, value: op.value.clone(), form: input.form };
        self.visible.extend(change.ops_with_ids().map(new));
        self.visible.sort_by(|a, b| (&a.key, a.id).cmp(&(&b.key, b.id)));
        self.heads = vec![input.hash];
        self.max_op = change.max_op();
        self.seqs.insert(change.actor, change.seq);
        true
    }

    fn visible_of(&self, key: &str) -> &[Visible] {
        let start = self.visible.partition_point(|visible| visible.key.as_str() < key);
        let length = self.visible[start..].partition_point(|visible| visible.key == key);
        &self.visible[start..start + length]
    }
}

fn with_state(mut puts: Vec<Put>, state: Scalar) -> Vec<Put> {
    if !puts.iter().any(|put| put.key == field::STATE) {
        puts.push(Put::new(field::STATE, state));
    }
    puts.sort_by(|a, b| a.key.cmp(&b.key));
    puts
}

fn ops(puts: Vec<Put>, pred: impl Fn(&str) -> Vec<OpId>) -> Vec<Op> {
    puts.into_iter().map(|put| Op { pred: pred(&put.key), key: put.key, value: put.value }).collect()
}

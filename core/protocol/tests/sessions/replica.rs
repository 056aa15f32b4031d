//! A device's store in memory.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::convert::Infallible;

use outlay_ledger::commit::Commit;
use outlay_ledger::{CommitId, LedgerId};
use outlay_protocol::session::{Outcome, Owed, Replica};
use outlay_protocol::{Code, Cursor, Ladder, Place};

use crate::author::parents;
use crate::log::{below, ladders};

#[derive(Clone, Default)]
pub(crate) struct Local {
    /// In the order in which they came; the local number is the index plus 1.
    pub(crate) commits: Vec<(Commit, CommitId)>,
    pub(crate) ids: HashSet<CommitId>,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) highest: Option<Place>,
    pub(crate) owed: BTreeSet<u64>,
    pub(crate) refused: Vec<(CommitId, Code)>,
}

impl Local {
    /// Stores a commit, and says whether it is new.
    pub(crate) fn add(&mut self, commit: Commit, id: CommitId, is_owed: bool) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.commits.push((commit, id));
        if is_owed {
            self.owed.insert(self.commits.len() as u64);
        }
        true
    }

    fn number(&self, id: &CommitId) -> Option<u64> {
        self.commits.iter().position(|(_, known)| known == id).map(|at| at as u64 + 1)
    }

    fn reach(&mut self, place: Place) {
        if self.highest.is_none_or(|highest| highest.pos < place.pos) {
            self.highest = Some(place);
        }
    }
}

#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) locals: BTreeMap<LedgerId, Local>,
    pub(crate) refusals: Vec<(Option<LedgerId>, Code)>,
    pub(crate) takes: usize,
}

impl Memory {
    pub(crate) fn local(&mut self, ledger: LedgerId) -> &mut Local {
        self.locals.entry(ledger).or_default()
    }
}

impl Replica for Memory {
    type Error = Infallible;

    fn ledgers(&mut self) -> Result<Vec<LedgerId>, Infallible> {
        Ok(self.locals.keys().copied().collect())
    }

    fn place(&mut self, ledger: LedgerId) -> Result<(Option<Cursor>, Option<Place>), Infallible> {
        let local = self.local(ledger);
        Ok((local.cursor, local.highest))
    }

    fn heads(&mut self, ledger: LedgerId) -> Result<Vec<Ladder>, Infallible> {
        Ok(ladders(&self.local(ledger).commits))
    }

    fn owed(&mut self, ledger: LedgerId, after: Option<u64>, bytes_max: usize) -> Result<Owed, Infallible> {
        let local = self.local(ledger);
        let mut owed = Owed { last: after.unwrap_or(0), ..Owed::default() };
        let mut bytes = 0;
        for number in local.owed.range(after.map_or(0, |after| after + 1)..) {
            if bytes >= bytes_max {
                owed.more = true;
                break;
            }
            let (commit, id) = &local.commits[usize::try_from(*number).expect("a number") - 1];
            bytes += commit.encode().len();
            owed.commits.push((commit.clone(), *id));
            owed.last = *number;
        }
        Ok(owed)
    }

    fn take(
        &mut self,
        ledger: LedgerId,
        commits: Vec<(Commit, CommitId)>,
        cursor: Option<Cursor>,
    ) -> Result<(), Infallible> {
        self.takes += 1;
        let local = self.local(ledger);
        for (commit, id) in commits {
            assert_eq!(commit.id(), id);
            if commit.is_signed(&id) && !local.add(commit, id, false) {
                let number = local.number(&id).expect("held");
                local.owed.remove(&number);
            }
        }
        if let Some(cursor) = cursor {
            local.cursor = Some(cursor);
            local.reach(cursor.at);
        }
        Ok(())
    }

    fn set_cursor(&mut self, ledger: LedgerId, cursor: Cursor, highest: Place) -> Result<(), Infallible> {
        let local = self.local(ledger);
        (local.cursor, local.highest) = (Some(cursor), Some(highest));
        Ok(())
    }

    fn acknowledged(
        &mut self,
        ledger: LedgerId,
        commits: &[CommitId],
        outcomes: &[Outcome],
        cursor: Option<Cursor>,
        highest: Place,
    ) -> Result<(), Infallible> {
        let local = self.local(ledger);
        assert_eq!(commits.len(), outcomes.len());
        for (id, outcome) in commits.iter().zip(outcomes) {
            let number = local.number(id).expect("one that was pushed");
            match outcome {
                Outcome::Stored(_) | Outcome::Held => _ = local.owed.remove(&number),
                Outcome::Refused(code, missing) => {
                    local.refused.push((*id, *code));
                    let numbers: Vec<u64> = missing.iter().filter_map(|id| local.number(id)).collect();
                    local.owed.extend(numbers);
                }
            }
        }
        local.cursor = cursor.or(local.cursor);
        local.highest = Some(highest);
        Ok(())
    }

    fn server_holds(&mut self, ledger: LedgerId, heads: &[Ladder]) -> Result<(), Infallible> {
        let local = self.local(ledger);
        let below = below(&local.commits, heads);
        let owed = local.commits.iter().enumerate().filter(|(_, (_, id))| !below.contains(id));
        local.owed = owed.map(|(at, _)| at as u64 + 1).collect();
        (local.cursor, local.highest) = (None, None);
        Ok(())
    }

    fn offered(&mut self, ledgers: &[LedgerId]) -> Result<(), Infallible> {
        ledgers.iter().for_each(|ledger| _ = self.local(*ledger));
        Ok(())
    }

    fn refused(&mut self, ledger: Option<LedgerId>, code: Code) -> Result<(), Infallible> {
        self.refusals.push((ledger, code));
        Ok(())
    }

    fn missing(&mut self, ledger: LedgerId) -> Result<Vec<CommitId>, Infallible> {
        let local = self.local(ledger);
        let named = local.commits.iter().flat_map(|(commit, _)| parents(commit));
        Ok(named.filter(|id| !local.ids.contains(*id)).copied().take(64).collect())
    }
}

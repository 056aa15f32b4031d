//! A server's storage in memory: it answers the questions of sessions.

use std::collections::{BTreeMap, HashMap, HashSet};

use outlay_ledger::commit::Commit;
use outlay_ledger::member::Role;
use outlay_ledger::{CommitId, LedgerId};
use outlay_protocol::session::{Answer, OpenMode, Outcome, Question};
use outlay_protocol::{Chain, Code, Cursor, Epoch, Ladder, Place};

use crate::author::{class, parents};

#[derive(Clone, Default)]
pub(crate) struct Log {
    pub(crate) commits: Vec<(Commit, CommitId)>,
    chains: Vec<Chain>,
    ids: HashSet<CommitId>,
}

impl Log {
    pub(crate) fn place(&self, pos: u64) -> Option<Place> {
        let at = usize::try_from(pos).ok()?;
        let chain = if at == 0 { Chain::START } else { *self.chains.get(at - 1)? };
        Some(Place { pos, chain: chain.mark() })
    }

    pub(crate) fn head(&self) -> Place {
        self.place(self.commits.len() as u64).expect("the head")
    }

    pub(crate) fn has(&self, place: Place) -> bool {
        self.place(place.pos) == Some(place)
    }

    pub(crate) fn holds(&self, id: &CommitId) -> bool {
        self.ids.contains(id)
    }

    fn push(&mut self, commit: Commit, id: CommitId) -> Outcome {
        if self.ids.contains(&id) {
            return Outcome::Held;
        }
        if !commit.is_signed(&id) {
            return Outcome::Refused(Code::Signature, Vec::new());
        }
        let missing: Vec<_> = parents(&commit).filter(|id| !self.ids.contains(*id)).copied().collect();
        if !missing.is_empty() {
            return Outcome::Refused(Code::PredecessorsMissing, missing);
        }
        let chain = self.chains.last().copied().unwrap_or(Chain::START).next(&id);
        self.chains.push(chain);
        self.ids.insert(id);
        self.commits.push((commit, id));
        Outcome::Stored(self.head())
    }
}

#[derive(Clone)]
pub(crate) struct Storage {
    pub(crate) epoch: Epoch,
    pub(crate) logs: BTreeMap<LedgerId, Log>,
    /// Appends that are still to be refused, and how.
    pub(crate) refusals: Vec<Code>,
}

impl Storage {
    pub(crate) fn new(epoch: [u8; 16]) -> Self {
        Self { epoch: Epoch(epoch), logs: BTreeMap::new(), refusals: Vec::new() }
    }

    pub(crate) fn answer(&mut self, question: Question) -> Answer {
        match question {
            Question::Authenticate { token, .. } if token.starts_with("good") => {
                Answer::Authenticated { seconds_left: 600, ledgers: self.logs.keys().copied().collect() }
            }
            Question::Authenticate { .. } => Answer::Refused(Code::SignInNeeded, 0),
            Question::Open { ledger, from, highest, heads, has_push } => {
                self.open(ledger, from, highest, heads.is_some(), has_push)
            }
            Question::Append { ledger, commits } => self.append(ledger, commits),
            Question::Page { ledger, from, to, bytes_max } => self.page(ledger, from, to, bytes_max, |_| true),
            Question::Lacking { ledger, heads, after, to, bytes_max } => {
                let below = self.logs.get(&ledger).map(|log| below(&log.commits, &heads)).unwrap_or_default();
                self.page(ledger, after, to, bytes_max, |id| !below.contains(id))
            }
            Question::Older { ledger, at, before, months, after, bytes_max } => {
                self.older(ledger, at, before, months, after, bytes_max)
            }
            Question::ById { ledger, ids } => {
                let log = self.logs.get(&ledger).cloned().unwrap_or_default();
                let commits = log.commits.into_iter().filter(|(_, id)| ids.contains(id)).collect();
                Answer::Page { commits, to: Place::START, is_last: true }
            }
        }
    }

    fn open(
        &self,
        ledger: LedgerId,
        from: Option<Cursor>,
        highest: Option<Place>,
        has_heads: bool,
        has_push: bool,
    ) -> Answer {
        let none = Log::default();
        let log = match self.logs.get(&ledger) {
            Some(log) => log,
            None if has_push => &none,
            None => return Answer::Refused(Code::NoSuchLedger, 0),
        };
        let fits =
            |from: Cursor| from.epoch == self.epoch.mark() && log.has(from.at) && highest.is_none_or(|h| log.has(h));
        let mode = match from {
            _ if has_heads => OpenMode::Heads(ladders(&log.commits)),
            Some(from) if fits(from) && from.at == log.head() => OpenMode::Same,
            Some(from) if fits(from) => OpenMode::Delta,
            None => OpenMode::Delta,
            Some(_) => OpenMode::Heads(ladders(&log.commits)),
        };
        Answer::Opened { role: Some(Role::Owner), epoch: self.epoch, head: log.head(), mode }
    }

    fn append(&mut self, ledger: LedgerId, commits: Vec<(Commit, CommitId)>) -> Answer {
        if let Some(code) = self.refusals.pop() {
            return Answer::Refused(code, 0);
        }
        let log = self.logs.entry(ledger).or_default();
        Answer::Appended(commits.into_iter().map(|(commit, id)| log.push(commit, id)).collect())
    }

    fn page(
        &self,
        ledger: LedgerId,
        from: u64,
        to: u64,
        bytes_max: usize,
        wanted: impl Fn(&CommitId) -> bool,
    ) -> Answer {
        let Some(log) = self.logs.get(&ledger) else { return Answer::Refused(Code::NoSuchLedger, 0) };
        let (mut commits, mut bytes, mut pos) = (Vec::new(), 0, from);
        while pos < to && bytes < bytes_max {
            let (commit, id) = &log.commits[usize::try_from(pos).expect("a position")];
            pos += 1;
            if wanted(id) {
                bytes += commit.encode().len();
                commits.push((commit.clone(), *id));
            }
        }
        Answer::Page { commits, to: log.place(pos).expect("a place"), is_last: pos == to }
    }

    fn older(&self, ledger: LedgerId, at: u64, before: u16, months: u16, after: u64, bytes_max: usize) -> Answer {
        let Some(log) = self.logs.get(&ledger) else { return Answer::Refused(Code::NoSuchLedger, 0) };
        let upto = &log.commits[..usize::try_from(at).expect("a position")];
        let is_first = before == u16::MAX;
        let mut classes: Vec<u16> = upto.iter().map(|(commit, _)| class(commit)).filter(|c| *c != 0).collect();
        classes.retain(|class| *class < before);
        classes.sort_unstable_by(|a, b| b.cmp(a));
        classes.dedup();
        let taken = if months == 0 { classes.len() } else { usize::from(months).min(classes.len()) };
        let complete_from = if taken == classes.len() { 0 } else { classes[taken - 1] };
        let mut order: Vec<u16> = classes[..taken].to_vec();
        if is_first {
            order.insert(0, 0);
        }
        let of_class = |wanted: u16| upto.iter().filter(move |(commit, _)| class(commit) == wanted);
        let all: Vec<_> = order.into_iter().flat_map(of_class).cloned().collect();
        let start = usize::try_from(after).expect("a position");
        let (mut end, mut bytes) = (start, 0);
        while end < all.len() && bytes < bytes_max {
            bytes += all[end].0.encode().len();
            end += 1;
        }
        let next_after = (end < all.len()).then_some(end as u64);
        Answer::Older { commits: all[start..end].to_vec(), next_after, complete_from }
    }
}

/// The ids that these heads name, and all their ancestors.
pub(crate) fn below(commits: &[(Commit, CommitId)], heads: &[Ladder]) -> HashSet<CommitId> {
    let by_id: HashMap<CommitId, &Commit> = commits.iter().map(|(commit, id)| (*id, commit)).collect();
    let mut rest: Vec<CommitId> = heads.iter().flat_map(|ladder| ladder.ids.clone()).collect();
    let mut below = HashSet::new();
    while let Some(id) = rest.pop() {
        if let Some(commit) = by_id.get(&id).filter(|_| below.insert(id)) {
            rest.extend(parents(commit));
        }
    }
    below
}

/// The ladders of all complete heads.
pub(crate) fn ladders(commits: &[(Commit, CommitId)]) -> Vec<Ladder> {
    let by_id: HashMap<CommitId, &Commit> = commits.iter().map(|(commit, id)| (*id, commit)).collect();
    let mut complete = HashSet::new();
    loop {
        let before = complete.len();
        for (commit, id) in commits {
            if parents(commit).all(|id| complete.contains(id)) {
                complete.insert(*id);
            }
        }
        if complete.len() == before {
            break;
        }
    }
    let named: HashSet<CommitId> =
        commits.iter().filter(|(_, id)| complete.contains(id)).flat_map(|(c, _)| c.header.previous.clone()).collect();
    let heads = commits.iter().map(|(_, id)| *id).filter(|id| complete.contains(id) && !named.contains(id));
    heads
        .map(|head| {
            let next = |id: &CommitId| by_id.get(id).and_then(|commit| commit.header.previous.first().copied());
            Ladder::of_chain(std::iter::successors(Some(head), next))
        })
        .collect()
}

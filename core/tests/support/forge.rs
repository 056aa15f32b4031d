//! Commits that the engine's own calls do not write: member operations, and what a hostile member might sign.
//!
//! A [`View`] is what a forger knows of a ledger: the commits that an engine holds, read by the pure crate alone.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use outlay_core::{Commit, Engine};
use outlay_ledger::admit::admit;
use outlay_ledger::change::Change;
use outlay_ledger::commit::{ActorForm, Body, FORMAT_VERSION, Header, Kind, Record};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Input, Put, fold};
use outlay_ledger::member::MemberOperation;
use outlay_ledger::roles::{Ancestry, CommitFacts, History, InCut, MemberCommit, Standing, Writes};
use outlay_ledger::{CommitId, DeviceKey, DocumentId, LedgerId, Month};

use super::{Rng, device_secret};

/// A ledger as the pure crate reads it from its commits.
pub struct View {
    pub ledger: LedgerId,
    pub commits: BTreeMap<CommitId, Commit>,
    pub history: History,
}

impl View {
    pub fn of(engine: &Engine, ledger: LedgerId) -> Self {
        Self::of_commits(ledger, engine.commits(ledger, &[]).unwrap())
    }

    pub fn of_commits(ledger: LedgerId, commits: Vec<Commit>) -> Self {
        let commits: BTreeMap<_, _> = commits.into_iter().map(|commit| (commit.id(), commit)).collect();
        let origins: BTreeMap<[u8; 10], DeviceKey> = commits
            .values()
            .map(|commit| (outlay_ledger::commit::document_prefix(commit.header.feed()), commit.header.device))
            .collect();
        let members = commits.iter().filter(|(_, commit)| commit.records.iter().any(|r| r.kind.is_of_members()));
        let members = members.map(|(id, commit)| {
            let Ok(read) = MemberCommit::read(*id, commit, |document| {
                Ok::<_, Infallible>(origins.get(&document.0[..10]).copied())
            });
            read
        });
        let history = History::new(ledger, members.collect::<Vec<_>>());
        Self { ledger, commits, history }
    }

    pub fn fact_key(&self) -> [u8; 32] {
        *self.history.roles().fact_key().expect("the genesis is held")
    }

    /// The commits of a device that no other one of it names as previous, ascending.
    pub fn chain_heads(&self, device: &DeviceKey) -> Vec<CommitId> {
        let of_device = || self.commits.iter().filter(|(_, commit)| commit.header.device == *device);
        let named: BTreeSet<CommitId> = of_device().flat_map(|(_, commit)| commit.header.previous.clone()).collect();
        of_device().map(|(id, _)| *id).filter(|id| !named.contains(id)).collect()
    }

    /// Whether a commit counts, for everybody who holds these commits.
    pub fn standing(&mut self, id: &CommitId) -> Option<Standing> {
        let commit = &self.commits[id];
        let header = &commit.header;
        if header.is_newer() || header.generation != 0 {
            return None;
        }
        let writes = commit.records.iter().map(|record| match record.kind {
            Kind::Member | Kind::Purge => Writes::Members,
            Kind::Key => Writes::Keys,
            Kind::Change | Kind::Blob | Kind::Unknown(_) => Writes::Expenses,
        });
        let facts = CommitFacts {
            id: *id,
            device: header.device,
            member_heads: &header.member_heads,
            on_behalf: header.on_behalf,
            writes: writes.max().expect("a commit has records"),
        };
        Some(self.history.standing(&facts, &Chains(&self.commits)))
    }

    /// The changes that count, by document, each with the form of its record.
    pub fn changes(&mut self) -> BTreeMap<DocumentId, Vec<Input>> {
        let (ids, fact_key) = (self.commits.keys().copied().collect::<Vec<_>>(), self.fact_key());
        let mut changes: BTreeMap<DocumentId, Vec<Input>> = BTreeMap::new();
        for id in ids {
            if self.standing(&id) != Some(Standing::Counts) {
                continue;
            }
            let commit = &self.commits[&id];
            for (n, record) in (commit.header.first..).zip(&commit.records) {
                if let (Kind::Change, Some(payload)) = (record.kind, record.payload())
                    && let Ok(admitted) = admit(commit, n, record, payload, &fact_key)
                {
                    changes.entry(admitted.document).or_default().push(admitted.input);
                }
            }
        }
        changes
    }

    /// The things of the ledger.
    pub fn documents(&mut self) -> BTreeMap<DocumentId, Document> {
        self.changes().into_iter().map(|(id, inputs)| (id, fold(&inputs).document)).collect()
    }
}

struct Chains<'a>(&'a BTreeMap<CommitId, Commit>);

impl Ancestry for Chains<'_> {
    fn in_cut(&self, commit: CommitId, heads: &[CommitId]) -> InCut {
        let (mut open, mut seen, mut is_whole) = (heads.to_vec(), BTreeSet::new(), true);
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            match self.0.get(&id) {
                Some(commit) => open.extend(&commit.header.previous),
                None => is_whole = false,
            }
        }
        match (self.0.contains_key(&commit) && seen.contains(&commit), is_whole) {
            (true, _) => InCut::Yes,
            (false, true) => InCut::No,
            (false, false) => InCut::Unknown,
        }
    }
}

/// A process of a device that signs what it is told to.
pub struct Forger {
    number: u8,
    nonce: [u8; 16],
    pub next: u64,
    rng: Rng,
    pub time_ms: i64,
}

impl Forger {
    /// A process of the device of this number.
    pub fn new(number: u8, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        Self { number, nonce: rng.bytes(), next: 1, rng, time_ms: super::NOON_MS }
    }

    pub fn device(&self) -> DeviceKey {
        device_secret(self.number).public()
    }

    /// The header that an honest process would write.
    pub fn header(&self, view: &View, count: usize) -> Header {
        let mut previous = view.chain_heads(&self.device());
        previous.truncate(8);
        Header {
            version: FORMAT_VERSION,
            ledger: Some(view.ledger),
            device: self.device(),
            nonce: self.nonce,
            first: self.next,
            count: count as u64,
            previous,
            member_heads: view.history.roles().heads().to_vec(),
            generation: 0,
            time_ms: self.time_ms,
            action: None,
            on_behalf: None,
            unknown: Vec::new(),
        }
    }

    pub fn feed(&self) -> outlay_ledger::FeedId {
        outlay_ledger::commit::feed(&self.device(), &self.nonce)
    }

    pub fn commit(&mut self, view: &View, records: Vec<Record>) -> Commit {
        self.commit_with(view, records, |_| {})
    }

    /// A validly signed commit whose header says what `tweak` makes of it, as far as such a commit has an encoding.
    pub fn commit_with(&mut self, view: &View, records: Vec<Record>, tweak: impl FnOnce(&mut Header)) -> Commit {
        let honest = self.header(view, records.len());
        let mut tweaked = honest.clone();
        tweak(&mut tweaked);
        let (seed, secret) = (self.rng.bytes(), device_secret(self.number));
        let signed = Commit::sign(tweaked, records.clone(), seed, &secret);
        let (commit, _) = signed.or_else(|_| Commit::sign(honest, records, seed, &secret)).expect("a commit");
        self.next = commit.header.first + commit.header.count;
        commit
    }

    pub fn member(&mut self, view: &View, operation: &MemberOperation) -> Commit {
        let payload = operation.encode().expect("an operation");
        self.commit(view, vec![record(Kind::Member, None, None, ActorForm::Feed, payload)])
    }

    /// An honest new thing.
    pub fn create(&mut self, view: &View, thing: Thing, puts: Vec<Put>) -> Commit {
        let change = Document::create(self.feed().0, thing, puts);
        self.commit(view, vec![change_record(None, &change)])
    }

    /// An honest edit.
    pub fn edit(&mut self, view: &View, id: DocumentId, document: &Document, puts: Vec<Put>) -> Commit {
        let change = document.edit(self.feed().0, puts).expect("a change");
        self.commit(view, vec![change_record(Some(id), &change)])
    }
}

pub fn record(
    kind: Kind,
    document: Option<DocumentId>,
    period: Option<Month>,
    form: ActorForm,
    payload: Vec<u8>,
) -> Record {
    Record { document, kind, period, form, body: Body::Payload(payload) }
}

/// The record of a change, with the month that its date says.
pub fn change_record(document: Option<DocumentId>, change: &Change) -> Record {
    let payload = change.encode().expect("a change that can be written").payload;
    record(Kind::Change, document, field::period(change), ActorForm::Feed, payload)
}

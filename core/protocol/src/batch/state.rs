//! What writer and reader of a batch both remember while they go through it.

use std::collections::HashMap;

use outlay_ledger::commit::{ActorForm, Commit, Kind, Record, change_hash, document_prefix, feed};
use outlay_ledger::{ActionId, CommitId, DeviceKey, DocumentId, FeedId, LedgerId, MemberId};

use super::BatchError;
use super::table::Table;

/// The numbers that say which of several forms follows.
pub(super) mod code {
    /// `previous` is the last commit of the device in the batch, and nothing else.
    pub(in super::super) const PREVIOUS_ELIDED: u64 = 0;
    /// Plus how many ids follow.
    pub(in super::super) const PREVIOUS_COUNT: u64 = 1;
    pub(in super::super) const SALTS_SEED: u64 = 0;
    pub(in super::super) const SALTS_EACH: u64 = 1;
    /// The document that the record makes.
    pub(in super::super) const DOCUMENT_OWN: u64 = 0;
    /// One that a feed of the batch made, by its place and a record number.
    pub(in super::super) const DOCUMENT_OF_FEED: u64 = 1;
    /// Plus the number of any other.
    pub(in super::super) const DOCUMENT_CODED: u64 = 2;
    pub(in super::super) const BODY_PLAIN: u64 = 0;
    pub(in super::super) const BODY_PURGED: u64 = 1;
    /// Plus the number of a shape.
    pub(in super::super) const BODY_CODED: u64 = 2;
    /// The last change of the document in the batch.
    pub(in super::super) const DEP_LAST: u64 = 0;
    /// Plus the number of any other.
    pub(in super::super) const DEP_CODED: u64 = 1;
}

/// The nonce of a process.
pub(super) type Nonce = [u8; 16];

pub(super) struct State {
    pub(super) ledgers: Table<Option<LedgerId>>,
    pub(super) devices: Table<DeviceKey>,
    pub(super) feeds: Table<(DeviceKey, Nonce)>,
    pub(super) actions: Table<Option<ActionId>>,
    pub(super) members: Table<Option<MemberId>>,
    pub(super) member_heads: Table<Vec<CommitId>>,
    /// Ids of commits that are not in the batch, or not before the one that names them.
    pub(super) ids: Table<CommitId>,
    /// Documents that no feed of the batch made.
    pub(super) documents: Table<DocumentId>,
    /// Hashes of changes that are not in the batch.
    pub(super) deps: Table<[u8; 32]>,
    pub(super) actors: Table<[u8; 16]>,
    /// The feeds, in the order of `feeds`.
    pub(super) runs: Vec<Run>,
    /// Where the last commit of each device is, in the order of `devices`.
    pub(super) last_of_device: Vec<usize>,
    pub(super) time_ms: i64,
    pub(super) period: u16,
    /// The record number in the last document that was named by its feed.
    pub(super) number: u64,
    changes: HashMap<DocumentId, LastChange>,
}

/// A feed of the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) feed: FeedId,
    pub(super) prefix: [u8; 10],
    /// The place of its device.
    pub(super) device: usize,
    /// The number of its next record.
    pub(super) next: u64,
}

/// The last change of a document so far. It is hashed when it is first asked for, so that no sender makes a reader hash
/// one change twice.
enum LastChange {
    At(Place),
    Hashed(Option<[u8; 32]>),
}

/// Where a change is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) commit: usize,
    pub(super) record: usize,
    pub(super) feed: FeedId,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            ledgers: Table::starting_with(None),
            devices: Table::new(),
            feeds: Table::new(),
            actions: Table::starting_with(None),
            members: Table::starting_with(None),
            member_heads: Table::starting_with(Vec::new()),
            ids: Table::new(),
            documents: Table::new(),
            deps: Table::new(),
            actors: Table::new(),
            runs: Vec::new(),
            last_of_device: Vec::new(),
            time_ms: 0,
            period: 0,
            number: 0,
            changes: HashMap::new(),
        }
    }

    /// Takes note of a feed that is new in `feeds`.
    pub(super) fn begin_run(&mut self, key: &DeviceKey, nonce: &Nonce, device: usize) {
        let feed = feed(key, nonce);
        self.runs.push(Run { feed, prefix: document_prefix(feed), device, next: 1 });
    }

    pub(super) fn run(&self, place: usize) -> Result<Run, BatchError> {
        self.runs.get(place).copied().ok_or(BatchError::Reference)
    }

    /// Takes note of a commit that was gone through.
    pub(super) fn end_commit(&mut self, at: usize, run: usize, next: u64) {
        let Some(run) = self.runs.get_mut(run) else { return };
        run.next = next;
        match self.last_of_device.get_mut(run.device) {
            Some(last) => *last = at,
            None => self.last_of_device.push(at),
        }
    }

    /// Takes note of a record, if its change can be named by what the batch holds.
    pub(super) fn end_record(&mut self, document: DocumentId, record: &Record, place: Place) {
        if record.kind == Kind::Change && record.form == ActorForm::Feed && record.payload().is_some() {
            self.changes.insert(document, LastChange::At(place));
        }
    }

    /// The hash of the last change of a document so far. `payload` finds a change by its place.
    pub(super) fn last_change<'a>(
        &mut self,
        document: &DocumentId,
        payload: impl FnOnce(Place) -> Option<&'a [u8]>,
    ) -> Option<[u8; 32]> {
        let last = self.changes.get_mut(document)?;
        if let LastChange::At(place) = *last {
            *last = LastChange::Hashed(payload(place).and_then(|p| change_hash(p, place.feed.0)).map(|hash| hash.0));
        }
        match last {
            LastChange::Hashed(hash) => *hash,
            LastChange::At(_) => None,
        }
    }
}

/// The payload at a place among commits.
pub(super) fn payload_at<'a>(commits: &'a [&'a Commit], place: Place) -> Option<&'a [u8]> {
    payload_of(commits.get(place.commit)?, place)
}

/// The payload at a place in its commit.
pub(super) fn payload_of(commit: &Commit, place: Place) -> Option<&[u8]> {
    commit.records.get(place.record)?.payload()
}

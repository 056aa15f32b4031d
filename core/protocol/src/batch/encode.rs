//! Commits into columns.

use std::collections::HashMap;

use outlay_ledger::commit::{
    ActorForm, Body, Commit, CommitError, Header, Kind, Record, Salts, derived_document, is_fact_document,
};
use outlay_ledger::{CommitId, DocumentId, Month};

use super::columns::{Column, Sink};
use super::payload::{Parts, Shape, Type, split};
use super::state::{Place, State, code, payload_at};
use super::table::{self, Table};
use super::values::ValueSink;
use super::{
    BATCH_BYTES_MAX, BATCH_COMMITS_MAX, BATCH_DECODED_BYTES_MAX, BATCH_RECORDS_MAX, BatchError, Budget, REGISTERS_MAX,
    VERSION, memory_bytes, pack,
};

/// Encodes commits, each one that [`Commit::decode`] takes, as a batch that [`super::decode()`] takes within the limits of
/// [`super::Limits::default`].
///
/// The order is kept. A batch is smallest when the commits of a device follow their predecessors.
///
/// # Errors
///
/// * [`BatchError::TooBig`] if they are too many for one batch; see [`super::batches`].
/// * [`BatchError::Commit`] if one of them has not as many records or salts as it must.
pub fn encode(commits: &[Commit]) -> Result<Vec<u8>, BatchError> {
    let commits: Vec<Given<'_>> = commits.iter().map(|commit| Given { commit, id: None }).collect();
    encode_given(&commits)
}

/// Encodes commits whose ids are known, which saves computing them. See [`encode`].
///
/// # Errors
///
/// As [`encode`].
pub fn encode_with_ids(commits: &[(Commit, CommitId)]) -> Result<Vec<u8>, BatchError> {
    let commits: Vec<Given<'_>> = commits.iter().map(|(commit, id)| Given { commit, id: Some(*id) }).collect();
    encode_given(&commits)
}

/// A commit to be written, and its id if that is known.
struct Given<'a> {
    commit: &'a Commit,
    id: Option<CommitId>,
}

fn encode_given(given: &[Given<'_>]) -> Result<Vec<u8>, BatchError> {
    let commits: Vec<&Commit> = given.iter().map(|given| given.commit).collect();
    if commits.len() > BATCH_COMMITS_MAX || commits.iter().map(|c| c.records.len()).sum::<usize>() > BATCH_RECORDS_MAX {
        return Err(BatchError::TooBig);
    }
    let mut budget = Budget(BATCH_DECODED_BYTES_MAX);
    commits.iter().try_for_each(|commit| budget.spend(memory_bytes(commit)))?;
    let mut encoder = Encoder::new(&commits, budget);
    encoder.sink.uint(Column::Commits, commits.len() as u64);
    given.iter().enumerate().try_for_each(|(at, given)| encoder.commit(at, given.commit, given.id))?;
    encoder.finish()
}

/// Bytes that the length of a column takes, and their number once.
const LENGTH_BYTES_MAX: usize = 4;

struct Encoder<'a> {
    commits: &'a [&'a Commit],
    /// What a reader may still take in memory.
    budget: Budget,
    sink: Sink,
    state: State,
    /// Where a commit before the one being written is.
    places: HashMap<CommitId, usize>,
    /// The feed that makes the documents with this beginning.
    runs: HashMap<[u8; 10], usize>,
    shapes: Table<Vec<u8>>,
    /// The registers of each shape, in the order of `shapes`.
    shape_registers: Vec<Vec<usize>>,
    registers: HashMap<(&'a [u8], Type), usize>,
    /// The values, in the order in which registers are first met.
    values: Vec<ValueSink<'a>>,
}

impl<'a> Encoder<'a> {
    fn new(commits: &'a [&'a Commit], budget: Budget) -> Self {
        Self {
            commits,
            budget,
            sink: Sink::new(),
            state: State::new(),
            places: HashMap::new(),
            runs: HashMap::new(),
            shapes: Table::new(),
            shape_registers: Vec::new(),
            registers: HashMap::new(),
            values: Vec::new(),
        }
    }

    fn finish(self) -> Result<Vec<u8>, BatchError> {
        let (mut columns, raw) = self.sink.finish();
        columns.extend(self.values.into_iter().flat_map(ValueSink::finish));
        if columns.iter().map(|column| column.len() + LENGTH_BYTES_MAX).sum::<usize>() > BATCH_DECODED_BYTES_MAX {
            return Err(BatchError::TooBig);
        }
        let packed = pack::pack(&columns)?;
        let mut batch = vec![VERSION];
        batch.extend(packed);
        batch.extend(raw);
        if batch.len() <= BATCH_BYTES_MAX { Ok(batch) } else { Err(BatchError::TooBig) }
    }

    fn commit(&mut self, at: usize, commit: &'a Commit, id: Option<CommitId>) -> Result<(), BatchError> {
        check(commit)?;
        let run = self.header(at, &commit.header);
        self.sink.raw.extend_from_slice(&commit.signature);
        for (index, record) in commit.records.iter().enumerate() {
            let place = Place { commit: at, record: index, feed: self.state.run(run)?.feed };
            self.record(run, commit.header.first.wrapping_add(index as u64), record, place);
        }
        self.salts(&commit.salts);
        self.state.end_commit(at, run, commit.header.first.wrapping_add(commit.header.count));
        // Nothing in the batch comes after the last commit and could name it.
        if at + 1 < self.commits.len() {
            self.places.insert(id.unwrap_or_else(|| commit.id()), at);
        }
        Ok(())
    }

    /// Writes a header and says the place of its feed.
    fn header(&mut self, at: usize, header: &Header) -> usize {
        let ledger = self.state.ledgers.code(&header.ledger);
        self.sink.coded(Column::Ledger, ledger, header.ledger.iter().flat_map(|id| id.0));
        let place = self.feed(header);
        let run = self.state.runs[place];
        self.sink.int(Column::First, header.first.wrapping_sub(run.next).cast_signed());
        self.sink.uint(Column::Count, header.count.wrapping_sub(1));
        self.sink.uint(Column::Version, header.version.wrapping_sub(1));
        self.sink.uint(Column::Generation, u64::from(header.generation));
        self.sink.int(Column::Time, header.time_ms.wrapping_sub(self.state.time_ms));
        self.state.time_ms = header.time_ms;
        let action = self.state.actions.code(&header.action);
        self.sink.coded(Column::Action, action, header.action.iter().flat_map(|id| id.0));
        let member = self.state.members.code(&header.on_behalf);
        self.sink.coded(Column::OnBehalf, member, header.on_behalf.iter().flat_map(|id| id.0));
        self.previous(at, run.device, &header.previous);
        self.member_heads(at, &header.member_heads);
        self.unknown(&header.unknown);
        place
    }

    fn feed(&mut self, header: &Header) -> usize {
        let code = self.state.feeds.code(&(header.device, header.nonce));
        self.sink.coded(Column::Feed, code, header.nonce);
        if code.is_new {
            let device = self.state.devices.code(&header.device);
            self.sink.coded(Column::Device, device, header.device.0);
            self.state.begin_run(&header.device, &header.nonce, device.place);
            self.runs.insert(self.state.runs[code.place].prefix, code.place);
        }
        code.place
    }

    fn previous(&mut self, at: usize, device: usize, previous: &[CommitId]) {
        let expected = self.state.last_of_device.get(device);
        let is_expected = |id: &CommitId| expected.is_some() && self.places.get(id) == expected;
        if matches!(previous, [id] if is_expected(id)) {
            self.sink.uint(Column::Previous, code::PREVIOUS_ELIDED);
        } else {
            self.sink.uint(Column::Previous, code::PREVIOUS_COUNT + previous.len() as u64);
            previous.iter().for_each(|id| self.id(at, id));
        }
    }

    fn member_heads(&mut self, at: usize, heads: &Vec<CommitId>) {
        let code = self.state.member_heads.code(heads);
        self.sink.uint(Column::MemberHeads, code.number);
        if code.is_new {
            self.sink.uint(Column::MemberHeads, heads.len() as u64);
            heads.iter().for_each(|id| self.id(at, id));
        }
    }

    /// Writes an id by its distance when its commit is in the batch.
    fn id(&mut self, at: usize, id: &CommitId) {
        if let Some(place) = self.places.get(id) {
            self.sink.uint(Column::Id, ((at - place) as u64) << 1 | 1);
        } else {
            let code = self.state.ids.code(id);
            self.sink.coded(Column::Id, table::Code { number: code.number << 1, ..code }, id.0);
        }
    }

    fn unknown(&mut self, fields: &[(u64, Vec<u8>)]) {
        self.sink.uint(Column::Unknown, fields.len() as u64);
        for (key, value) in fields {
            self.sink.uint(Column::Unknown, *key);
            self.sink.uint(Column::Unknown, value.len() as u64);
            self.sink.bytes(Column::UnknownBytes, value);
        }
    }

    fn salts(&mut self, salts: &Salts) {
        match salts {
            Salts::Seed(seed) => {
                self.sink.uint(Column::Salts, code::SALTS_SEED);
                self.sink.raw.extend_from_slice(seed);
            }
            Salts::Each(salts) => {
                self.sink.uint(Column::Salts, code::SALTS_EACH);
                self.sink.raw.extend(salts.iter().flatten());
            }
        }
    }

    fn record(&mut self, run: usize, n: u64, record: &'a Record, place: Place) {
        let document = record.document.unwrap_or_else(|| derived_document(place.feed, n));
        self.document(run, record.document.as_ref());
        self.sink.uint(Column::Kind, u64::from(record.kind.number()));
        let period = record.period.map_or(0, Month::number);
        self.sink.int(Column::Period, i64::from(period) - i64::from(self.state.period));
        self.state.period = period;
        self.sink.uint(Column::Form, u64::from(record.form == ActorForm::Content));
        match &record.body {
            Body::Payload(payload) => self.payload(record.kind, &document, payload),
            Body::Purged(id) => {
                self.sink.uint(Column::Body, code::BODY_PURGED);
                self.sink.raw.extend_from_slice(id.as_bytes());
            }
        }
        self.state.end_record(document, record, place);
    }

    fn document(&mut self, run: usize, document: Option<&DocumentId>) {
        let Some(document) = document else {
            return self.sink.uint(Column::Document, code::DOCUMENT_OWN);
        };
        if let Some((of, n)) = self.made_by(document) {
            self.sink.uint(Column::Document, code::DOCUMENT_OF_FEED);
            self.sink.int(Column::DocumentFeed, run as i64 - of as i64);
            self.sink.int(Column::DocumentNumber, n.wrapping_sub(self.state.number).cast_signed());
            self.state.number = n;
        } else {
            let code = self.state.documents.code(document);
            let number = code.number + code::DOCUMENT_CODED;
            self.sink.coded(Column::Document, table::Code { number, ..code }, document.0);
        }
    }

    /// The feed of the batch and the record number that a document comes from.
    fn made_by(&self, document: &DocumentId) -> Option<(usize, u64)> {
        if is_fact_document(document) {
            return None;
        }
        let (prefix, number) = document.0.split_first_chunk::<10>()?;
        let run = *self.runs.get(prefix)?;
        Some((run, number.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))))
    }

    fn payload(&mut self, kind: Kind, document: &DocumentId, payload: &'a [u8]) {
        let apart = if kind == Kind::Change { split(payload) } else { None };
        let apart = apart.and_then(|(shape, parts)| Some((self.shape(&shape)?, parts)));
        let Some((shape, parts)) = apart else {
            self.sink.uint(Column::Body, code::BODY_PLAIN);
            self.sink.uint(Column::PlainLength, payload.len() as u64);
            return self.sink.bytes(Column::PlainBytes, payload);
        };
        self.parts(document, &parts);
        let (registers, values) = (&self.shape_registers[shape], &mut self.values);
        let mut rest = parts.values;
        for (register, length) in registers.iter().zip(&parts.lengths) {
            let (value, after) = rest.split_at(*length);
            values[*register].put(value);
            rest = after;
        }
    }

    /// Writes the shape of a payload and says its place, unless the payload has to travel as it is.
    fn shape(&mut self, shape: &Shape<'a>) -> Option<usize> {
        let encoded = shape.encode();
        if !self.shapes.knows(&encoded) && !self.has_room(shape) {
            return None;
        }
        let code = self.shapes.code(&encoded);
        self.sink.uint(Column::Body, code.number + code::BODY_CODED);
        if code.is_new {
            self.sink.bytes(Column::ShapeBytes, &encoded);
            let registers = shape.registers.iter().map(|register| self.register(*register)).collect();
            self.shape_registers.push(registers);
        }
        Some(code.place)
    }

    /// Whether a reader takes one more shape and its registers.
    fn has_room(&mut self, shape: &Shape<'_>) -> bool {
        let new = shape.registers.iter().filter(|register| !self.registers.contains_key(*register)).count();
        self.registers.len() + new <= REGISTERS_MAX && self.budget.spend(shape.memory_bytes()).is_ok()
    }

    fn register(&mut self, register: (&'a [u8], Type)) -> usize {
        let next = self.values.len();
        let place = *self.registers.entry(register).or_insert(next);
        if place == next {
            self.values.push(ValueSink::new(register.1));
        }
        place
    }

    fn parts(&mut self, document: &DocumentId, parts: &Parts<'_>) {
        self.sink.uint(Column::Seq, parts.seq.wrapping_sub(1));
        self.sink.uint(Column::StartOp, parts.start_op.wrapping_sub(1));
        self.sink.uint(Column::DepCount, parts.deps.len() as u64);
        parts.deps.iter().for_each(|dep| self.dep(document, dep));
        self.sink.uint(Column::ActorCount, parts.actors.len() as u64);
        for actor in &parts.actors {
            let code = self.state.actors.code(actor);
            self.sink.coded(Column::Actor, code, *actor);
        }
        self.sink.uint(Column::PredLength, parts.pred_counters.len() as u64);
        self.sink.bytes(Column::PredBytes, parts.pred_counters);
    }

    fn dep(&mut self, document: &DocumentId, dep: &[u8; 32]) {
        let commits = self.commits;
        if self.state.last_change(document, |place| payload_at(commits, place)).as_ref() == Some(dep) {
            self.sink.uint(Column::Dep, code::DEP_LAST);
        } else {
            let code = self.state.deps.code(dep);
            self.sink.coded(Column::Dep, table::Code { number: code.number + code::DEP_CODED, ..code }, *dep);
        }
    }
}

/// What a reader would not get back as it was, and what counts on which it relies.
fn check(commit: &Commit) -> Result<(), CommitError> {
    let kept = commit.records.iter().filter(|record| record.payload().is_some()).count();
    let salts = match &commit.salts {
        Salts::Seed(_) => kept == commit.records.len(),
        Salts::Each(salts) => salts.len() == kept && kept < commit.records.len(),
    };
    let count = !commit.records.is_empty() && commit.records.len() as u64 == commit.header.count;
    if salts && count { Ok(()) } else { Err(CommitError::Count) }
}

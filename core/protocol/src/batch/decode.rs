//! Columns into commits.
//!
//! Whatever the bytes say, memory stays within the limits: each count is compared before anything is made for it, each
//! commit, record, payload and shape is charged before it is built, and nothing is hashed twice.

use std::collections::HashMap;

use outlay_ledger::commit::{ActorForm, Body, Commit, CommitError, Header, Kind, Record, Salts, derived_document};
use outlay_ledger::limits::{
    CHANGE_ACTORS_MAX, CHANGE_DEPS_MAX, COMMIT_RECORDS_MAX, MEMBER_HEADS_MAX, PAYLOAD_BYTES_MAX, PREVIOUS_MAX,
    RECORD_NUMBER_MAX,
};
use outlay_ledger::{ActionId, CommitId, DeviceKey, DocumentId, LedgerId, MemberId, Month, RecordId};

use super::columns::{Column, FIXED, Input, Source};
use super::payload::{Parts, Shape, Type};
use super::state::{Place, State, code, payload_of};
use super::table::Table;
use super::values::{ValueSource, width};
use super::{
    BatchError, Budget, Limits, REGISTERS_MAX, VERSION, VERSION_1, header_bytes, pack, record_bytes, salts_bytes,
};

/// Fields of a header that a newer version may add: more than a header may have at all.
const UNKNOWN_MAX: usize = 32;
/// Columns of a register at most.
const REGISTER_COLUMNS_MAX: usize = 3;

/// Reads a batch from outside: within the limits, and each commit one that [`Commit::decode`] takes.
///
/// Signatures are not checked; see [`Commit::is_signed`].
///
/// # Errors
///
/// A [`BatchError`] that says what the bytes are not. None of the commits is to be had then.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Vec<Commit>, BatchError> {
    read(bytes, limits).map(|(commits, _)| commits)
}

/// Reads a batch from outside, each commit with its id. Many ids are computed anyway; so this is cheaper than asking each
/// commit again. See [`decode`].
///
/// # Errors
///
/// As [`decode`].
pub fn decode_with_ids(bytes: &[u8], limits: &Limits) -> Result<Vec<(Commit, CommitId)>, BatchError> {
    let (commits, ids) = read(bytes, limits)?;
    let id_of = |(at, commit): (usize, Commit)| {
        let id = ids.get(&at).copied().unwrap_or_else(|| commit.id());
        (commit, id)
    };
    Ok(commits.into_iter().enumerate().map(id_of).collect())
}

/// The commits, and the ids of those that were named.
type Read = (Vec<Commit>, HashMap<usize, CommitId>);

fn read(bytes: &[u8], limits: &Limits) -> Result<Read, BatchError> {
    if bytes.len() > limits.bytes {
        return Err(BatchError::TooBig);
    }
    let mut input = Input(bytes);
    let [version] = input.array()?;
    let unpacked = match version {
        VERSION => pack::unpack(&mut input, limits.decoded_bytes)?,
        VERSION_1 => pack::unpack_1(&mut input, limits.decoded_bytes)?,
        other => return Err(BatchError::Version(other)),
    };
    let columns_max = REGISTERS_MAX * REGISTER_COLUMNS_MAX;
    let columns = match version {
        VERSION => pack::columns(&unpacked, columns_max)?,
        _ => pack::columns_1(&unpacked, columns_max)?,
    };
    let (fixed, registers) = columns.split_first_chunk::<FIXED>().ok_or(BatchError::Truncated)?;
    Decoder::new(Source::new(fixed, input.0), registers, limits).commits(limits)
}

struct Decoder<'a> {
    source: Source<'a>,
    /// The columns of the registers that were not met yet.
    register_columns: &'a [&'a [u8]],
    budget: Budget,
    records_left: usize,
    records_max: usize,
    state: State,
    commits: Vec<Commit>,
    /// The ids of commits that were named.
    ids: HashMap<usize, CommitId>,
    shapes: Table<()>,
    /// Each shape with the places of its registers.
    shape_registers: Vec<(Shape<'a>, Vec<usize>)>,
    registers: HashMap<(&'a [u8], Type), usize>,
    values: Vec<ValueSource<'a>>,
}

impl<'a> Decoder<'a> {
    fn new(source: Source<'a>, register_columns: &'a [&'a [u8]], limits: &Limits) -> Self {
        Self {
            source,
            register_columns,
            budget: Budget(limits.decoded_bytes),
            records_left: limits.records,
            records_max: limits.records,
            state: State::new(),
            commits: Vec::new(),
            ids: HashMap::new(),
            shapes: Table::new(),
            shape_registers: Vec::new(),
            registers: HashMap::new(),
            values: Vec::new(),
        }
    }

    fn commits(mut self, limits: &Limits) -> Result<Read, BatchError> {
        let count = self.source.count(Column::Commits, limits.commits)?;
        for at in 0..count {
            let commit = self.commit(at)?;
            self.commits.push(commit);
        }
        self.source.end()?;
        self.values.iter().try_for_each(ValueSource::end)?;
        if self.register_columns.is_empty() { Ok((self.commits, self.ids)) } else { Err(BatchError::Spare) }
    }

    fn commit(&mut self, at: usize) -> Result<Commit, BatchError> {
        let (header, run) = self.header(at)?;
        self.budget.spend(header_bytes(&header))?;
        let signature = self.source.raw.array()?;
        let place = Place { commit: at, record: 0, feed: self.state.run(run)?.feed };
        let mut records = Vec::new();
        for n in header.first..=header.last() {
            let record = self.record(run, n, Place { record: records.len(), ..place }, &records)?;
            records.push(record);
        }
        let salts = self.salts(&records)?;
        self.budget.spend(salts_bytes(&salts))?;
        self.state.end_commit(at, run, header.last() + 1);
        let commit = Commit { header, records, salts, signature };
        commit.validate()?;
        Ok(commit)
    }

    fn header(&mut self, at: usize) -> Result<(Header, usize), BatchError> {
        let ledger = self.source.item(Column::Ledger, &mut self.state.ledgers, |id| Some(LedgerId(id)))?;
        let place = self.feed()?;
        let (device, nonce) = *self.state.feeds.get(place)?;
        let run = self.state.run(place)?;
        let first = run.next.wrapping_add_signed(self.source.int(Column::First)?);
        let count = 1 + self.source.count(Column::Count, COMMIT_RECORDS_MAX - 1)?;
        self.records_left = self.records_left.checked_sub(count).ok_or(BatchError::TooBig)?;
        if first == 0 || first > RECORD_NUMBER_MAX {
            return Err(CommitError::Count.into());
        }
        let version = self.source.uint(Column::Version)?.wrapping_add(1);
        let generation = u32::try_from(self.source.uint(Column::Generation)?).map_err(|_| BatchError::Malformed)?;
        let time_ms = self.state.time_ms.wrapping_add(self.source.int(Column::Time)?);
        self.state.time_ms = time_ms;
        let action = self.source.item(Column::Action, &mut self.state.actions, |id| Some(ActionId(id)))?;
        let on_behalf = self.source.item(Column::OnBehalf, &mut self.state.members, |id| Some(MemberId(id)))?;
        let previous = self.previous(at, run.device)?;
        let member_heads = self.member_heads(at)?;
        let unknown = self.unknown()?;
        let count = count as u64;
        let header = Header {
            version,
            ledger,
            device,
            nonce,
            first,
            count,
            previous,
            member_heads,
            generation,
            time_ms,
            action,
            on_behalf,
            unknown,
        };
        Ok((header, place))
    }

    /// The place of a feed.
    fn feed(&mut self) -> Result<usize, BatchError> {
        let number = self.source.uint(Column::Feed)?;
        if let Some(place) = self.state.feeds.place(number)? {
            return Ok(place);
        }
        let nonce = self.source.raw.array()?;
        let key = self.source.item(Column::Device, &mut self.state.devices, DeviceKey)?;
        let device = self.state.devices.last();
        self.state.begin_run(&key, &nonce, device);
        Ok(self.state.feeds.push((key, nonce)))
    }

    fn previous(&mut self, at: usize, device: usize) -> Result<Vec<CommitId>, BatchError> {
        match self.source.uint(Column::Previous)? {
            code::PREVIOUS_ELIDED => {
                let last = *self.state.last_of_device.get(device).ok_or(BatchError::Reference)?;
                Ok(vec![self.id_of(last)?])
            }
            number => self.id_list(at, number - code::PREVIOUS_COUNT, PREVIOUS_MAX),
        }
    }

    fn member_heads(&mut self, at: usize) -> Result<Vec<CommitId>, BatchError> {
        let number = self.source.uint(Column::MemberHeads)?;
        if let Some(place) = self.state.member_heads.place(number)? {
            return self.state.member_heads.get(place).cloned();
        }
        let count = self.source.uint(Column::MemberHeads)?;
        let heads = self.id_list(at, count, MEMBER_HEADS_MAX)?;
        self.state.member_heads.push(heads.clone());
        Ok(heads)
    }

    fn id_list(&mut self, at: usize, count: u64, max: usize) -> Result<Vec<CommitId>, BatchError> {
        let count = usize::try_from(count).ok().filter(|count| *count <= max).ok_or(BatchError::TooBig)?;
        (0..count).map(|_| self.id(at)).collect()
    }

    fn id(&mut self, at: usize) -> Result<CommitId, BatchError> {
        let number = self.source.uint(Column::Id)?;
        if number & 1 == 1 {
            let distance = usize::try_from(number >> 1).map_err(|_| BatchError::Reference)?;
            return self.id_of(at.checked_sub(distance).ok_or(BatchError::Reference)?);
        }
        self.source.item_of(number >> 1, &mut self.state.ids, CommitId)
    }

    /// The id of a commit that was read before.
    fn id_of(&mut self, place: usize) -> Result<CommitId, BatchError> {
        let commit = self.commits.get(place).ok_or(BatchError::Reference)?;
        Ok(*self.ids.entry(place).or_insert_with(|| commit.id()))
    }

    fn unknown(&mut self) -> Result<Vec<(u64, Vec<u8>)>, BatchError> {
        let count = self.source.count(Column::Unknown, UNKNOWN_MAX)?;
        let mut fields = Vec::with_capacity(count);
        for _ in 0..count {
            let key = self.source.uint(Column::Unknown)?;
            let length = self.source.count(Column::Unknown, usize::MAX)?;
            fields.push((key, self.source.bytes(Column::UnknownBytes).take(length)?.to_vec()));
        }
        Ok(fields)
    }

    fn salts(&mut self, records: &[Record]) -> Result<Salts, BatchError> {
        match self.source.uint(Column::Salts)? {
            code::SALTS_SEED => Ok(Salts::Seed(self.source.raw.array()?)),
            code::SALTS_EACH => {
                let kept = records.iter().filter(|record| record.payload().is_some());
                kept.map(|_| self.source.raw.array()).collect::<Result<_, _>>().map(Salts::Each)
            }
            _ => Err(BatchError::Malformed),
        }
    }

    fn record(&mut self, run: usize, n: u64, place: Place, before: &[Record]) -> Result<Record, BatchError> {
        let document = self.document(run)?;
        let kind = u8::try_from(self.source.uint(Column::Kind)?).map_err(|_| BatchError::Malformed)?;
        let period = i64::from(self.state.period).checked_add(self.source.int(Column::Period)?);
        let period = period.and_then(|period| u16::try_from(period).ok()).ok_or(BatchError::Malformed)?;
        self.state.period = period;
        let form = match self.source.uint(Column::Form)? {
            0 => ActorForm::Feed,
            1 => ActorForm::Content,
            _ => return Err(BatchError::Malformed),
        };
        let whole = document.unwrap_or_else(|| derived_document(place.feed, n));
        let record = Record {
            document,
            kind: Kind::from_number(kind),
            period: if period == 0 { None } else { Some(Month::from_number(period).ok_or(BatchError::Malformed)?) },
            form,
            body: self.body(&whole, place.commit, before)?,
        };
        self.budget.spend(record_bytes(&record))?;
        self.state.end_record(whole, &record, place);
        Ok(record)
    }

    fn document(&mut self, run: usize) -> Result<Option<DocumentId>, BatchError> {
        match self.source.uint(Column::Document)? {
            code::DOCUMENT_OWN => Ok(None),
            code::DOCUMENT_OF_FEED => self.document_of_feed(run).map(Some),
            number => {
                self.source.item_of(number - code::DOCUMENT_CODED, &mut self.state.documents, DocumentId).map(Some)
            }
        }
    }

    fn document_of_feed(&mut self, run: usize) -> Result<DocumentId, BatchError> {
        let distance = self.source.int(Column::DocumentFeed)?;
        let of =
            (run as i64).checked_sub(distance).and_then(|of| usize::try_from(of).ok()).ok_or(BatchError::Reference)?;
        let n = self.state.number.wrapping_add_signed(self.source.int(Column::DocumentNumber)?);
        if n > RECORD_NUMBER_MAX {
            return Err(BatchError::Malformed);
        }
        self.state.number = n;
        Ok(derived_document(self.state.run(of)?.feed, n))
    }

    fn body(&mut self, document: &DocumentId, commit: usize, before: &[Record]) -> Result<Body, BatchError> {
        match self.source.uint(Column::Body)? {
            code::BODY_PLAIN => {
                let length = self.source.count(Column::PlainLength, PAYLOAD_BYTES_MAX)?;
                Ok(Body::Payload(self.source.bytes(Column::PlainBytes).take(length)?.to_vec()))
            }
            code::BODY_PURGED => Ok(Body::Purged(RecordId(self.source.raw.array()?))),
            number => {
                let shape = self.shape(number - code::BODY_CODED)?;
                self.payload(shape, document, commit, before).map(Body::Payload)
            }
        }
    }

    /// The place of a shape.
    fn shape(&mut self, number: u64) -> Result<usize, BatchError> {
        if let Some(place) = self.shapes.place(number)? {
            return Ok(place);
        }
        let shape = Shape::decode(self.source.bytes(Column::ShapeBytes))?;
        self.budget.spend(shape.memory_bytes())?;
        let registers = shape.registers.iter().map(|register| self.register(*register)).collect::<Result<_, _>>()?;
        self.shape_registers.push((shape, registers));
        Ok(self.shapes.push(()))
    }

    fn register(&mut self, register: (&'a [u8], Type)) -> Result<usize, BatchError> {
        if let Some(place) = self.registers.get(&register) {
            return Ok(*place);
        }
        let (columns, rest) = self.register_columns.split_at_checked(width(register.1)).ok_or(BatchError::Truncated)?;
        self.register_columns = rest;
        if self.values.len() == REGISTERS_MAX {
            return Err(BatchError::TooBig);
        }
        self.values.push(ValueSource::new(register.1, columns, self.records_max)?);
        self.registers.insert(register, self.values.len() - 1);
        Ok(self.values.len() - 1)
    }

    fn payload(
        &mut self,
        shape: usize,
        document: &DocumentId,
        commit: usize,
        before: &[Record],
    ) -> Result<Vec<u8>, BatchError> {
        let mut parts = Parts {
            seq: self.source.uint(Column::Seq)?.wrapping_add(1),
            start_op: self.source.uint(Column::StartOp)?.wrapping_add(1),
            ..Parts::default()
        };
        for _ in 0..self.source.count(Column::DepCount, CHANGE_DEPS_MAX)? {
            parts.deps.push(self.dep(document, commit, before)?);
        }
        for _ in 0..self.source.count(Column::ActorCount, CHANGE_ACTORS_MAX)? {
            parts.actors.push(self.source.item(Column::Actor, &mut self.state.actors, |actor| actor)?);
        }
        let length = self.source.count(Column::PredLength, PAYLOAD_BYTES_MAX)?;
        parts.pred_counters = self.source.bytes(Column::PredBytes).take(length)?;
        let (shape, registers) = self.shape_registers.get(shape).ok_or(BatchError::Reference)?;
        let mut values = Vec::with_capacity(128);
        for register in registers {
            let source = self.values.get_mut(*register).ok_or(BatchError::Reference)?;
            parts.lengths.push(source.take(&mut values)?);
            if values.len() > PAYLOAD_BYTES_MAX {
                return Err(BatchError::TooBig);
            }
        }
        parts.values = &values;
        shape.join(&parts)
    }

    fn dep(&mut self, document: &DocumentId, commit: usize, before: &[Record]) -> Result<[u8; 32], BatchError> {
        match self.source.uint(Column::Dep)? {
            code::DEP_LAST => {
                let commits = &self.commits;
                let payload = |place: Place| match place.commit {
                    at if at == commit => before.get(place.record)?.payload(),
                    _ => payload_of(commits.get(place.commit)?, place),
                };
                self.state.last_change(document, payload).ok_or(BatchError::Reference)
            }
            number => self.source.item_of(number - code::DEP_CODED, &mut self.state.deps, |dep| dep),
        }
    }
}

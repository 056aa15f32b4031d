//! A commit as bytes: how it is exported and stored whole. A batch on the wire is denser; see the protocol crate.

use super::{ActorForm, Body, Commit, Header, Kind, Record, Salts, form_number};
use crate::cbor::{self, CborError, MapReader, MapWriter};
use crate::date::Month;
use crate::id::{DocumentId, RecordId};
use crate::limits::{COMMIT_BYTES_MAX, COMMIT_RECORDS_MAX};

const HEADER: u64 = 1;
const SIGNATURE: u64 = 2;
const SEED: u64 = 3;
const RECORDS: u64 = 4;
const SALTS: u64 = 5;

const DOCUMENT: u64 = 1;
const KIND: u64 = 2;
const PERIOD: u64 = 3;
const FORM: u64 = 4;
const PAYLOAD: u64 = 5;
const PURGED: u64 = 6;

const FIELDS_MAX: u64 = 8;

/// Why bytes are not a commit. Such bytes are refused whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Not the CBOR of a commit: truncated, of another shape, or with fields that none has.
    #[error("the bytes are not a commit")]
    Malformed,
    /// The same commit, encoded otherwise.
    #[error("the commit is not in its one encoding")]
    NotCanonical,
    /// The commit, a record or a list in it is over its limit.
    #[error("the commit is over a limit of size")]
    TooBig,
    /// No records, too many, or other numbers of them than the header says.
    #[error("the commit has not as many records as it must")]
    Count,
    /// A commit without a ledger that is not the first of its feed and chain, or one that names sixteen zero bytes.
    #[error("a genesis has neither predecessors nor earlier records")]
    Genesis,
    /// The signature is not of this device over this commit, or the device's key is a weak one.
    #[error("the signature does not verify")]
    Signature,
}

impl From<CborError> for CommitError {
    fn from(_: CborError) -> Self {
        Self::Malformed
    }
}

impl Commit {
    /// The commit as bytes, at most [`COMMIT_BYTES_MAX`].
    pub fn encode(&self) -> Vec<u8> {
        let records: Vec<_> = self.records.iter().map(encode_record).collect();
        let map = MapWriter::default()
            .bytes(HEADER, &self.header.encode())
            .bytes(SIGNATURE, &self.signature)
            .raw(RECORDS, &cbor::list(&records));
        match &self.salts {
            Salts::Seed(seed) => map.bytes(SEED, seed),
            Salts::Each(salts) => map.bytes_list(SALTS, salts),
        }
        .finish()
    }

    /// Reads a commit from outside. The signature is not checked here; see [`Commit::is_signed`].
    ///
    /// # Errors
    ///
    /// A [`CommitError`] that says what the bytes are not.
    pub fn decode(bytes: &[u8]) -> Result<Self, CommitError> {
        if bytes.len() > COMMIT_BYTES_MAX {
            return Err(CommitError::TooBig);
        }
        let mut map = MapReader::new(bytes, FIELDS_MAX)?;
        let header = Header::decode(map.bytes(HEADER)?.ok_or(CborError)?)?;
        let signature = map.fixed(SIGNATURE)?.ok_or(CborError)?;
        let records: Vec<_> =
            map.list(RECORDS, COMMIT_RECORDS_MAX)?.into_iter().map(decode_record).collect::<Result<_, _>>()?;
        let salts = match map.fixed(SEED)? {
            Some(seed) => Salts::Seed(seed),
            None => Salts::Each(map.fixed_list(SALTS, COMMIT_RECORDS_MAX)?),
        };
        map.end()?;
        let commit = Self { header, records, salts, signature };
        commit.check()?;
        commit.check_salts()?;
        if commit.encode() != bytes {
            return Err(CommitError::NotCanonical);
        }
        Ok(commit)
    }

    /// A purged record takes the seed with it, and each record that stayed has its own salt.
    pub(super) fn check_salts(&self) -> Result<(), CommitError> {
        let kept = self.records.iter().filter(|record| record.payload().is_some()).count();
        let whole = kept == self.records.len();
        match &self.salts {
            Salts::Seed(_) if whole => Ok(()),
            Salts::Each(salts) if !whole && salts.len() == kept => Ok(()),
            _ => Err(CommitError::Count),
        }
    }
}

fn encode_record(record: &Record) -> Vec<u8> {
    let map = MapWriter::default()
        .bytes_if(DOCUMENT, record.document.as_ref().map(|id| id.as_bytes().as_slice()))
        .uint_unless(0, KIND, u64::from(record.kind.number()))
        .uint_unless(0, PERIOD, u64::from(record.period.map_or(0, Month::number)))
        .uint_unless(0, FORM, u64::from(form_number(record.form)));
    match &record.body {
        Body::Payload(payload) => map.bytes(PAYLOAD, payload),
        Body::Purged(id) => map.bytes(PURGED, id.as_bytes()),
    }
    .finish()
}

fn decode_record(bytes: &[u8]) -> Result<Record, CommitError> {
    let mut map = MapReader::new(bytes, FIELDS_MAX)?;
    let period = u16::try_from(map.uint(PERIOD)?.unwrap_or(0)).map_err(|_| CborError)?;
    let record = Record {
        document: map.fixed(DOCUMENT)?.map(DocumentId),
        kind: Kind::from_number(u8::try_from(map.uint(KIND)?.unwrap_or(0)).map_err(|_| CborError)?),
        period: if period == 0 { None } else { Some(Month::from_number(period).ok_or(CborError)?) },
        form: match map.uint(FORM)? {
            None => ActorForm::Feed,
            Some(1) => ActorForm::Content,
            Some(_) => return Err(CommitError::Malformed),
        },
        body: match (map.bytes(PAYLOAD)?, map.fixed(PURGED)?) {
            (Some(payload), None) => Body::Payload(payload.to_vec()),
            (None, Some(id)) => Body::Purged(RecordId(id)),
            _ => return Err(CommitError::Malformed),
        },
    };
    map.end()?;
    Ok(record)
}

//! Registers as people see them: names of fields, values, authors.

use outlay_ledger::change::Scalar;
use outlay_ledger::commit::fact_document;
use outlay_ledger::expense;
use outlay_ledger::field::{self, Field};
use outlay_ledger::roles::History;
use outlay_ledger::{Attachment, CommitId, DeviceKey, DocumentId, Entry, Register};
use rusqlite::Connection;

use crate::error::Result;
use crate::model::{Author, FieldValue, Named};
use crate::store::keys::KeyCache;
use crate::store::things::{self, Names};
use crate::store::{document, keys, log, query, standing};

/// What the money register is called in the API.
pub(crate) const AMOUNT: &str = "amount";
/// What `state` is called in the API, as a claim.
pub(crate) const DELETED: &str = "deleted";

/// The name of a register in the API.
pub(crate) fn field_of_key(key: &str) -> &str {
    match key {
        field::MONEY => AMOUNT,
        field::STATE => DELETED,
        key => key,
    }
}

/// The register of a name in the API.
pub(crate) fn key_of_field(name: &str) -> &str {
    match name {
        AMOUNT => field::MONEY,
        DELETED => field::STATE,
        name => name,
    }
}

/// Looks up what values and authors refer to, on one connection.
pub(crate) struct Values<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) lid: i64,
    pub(crate) names: Names,
    history: History,
    own: DeviceKey,
}

impl<'c> Values<'c> {
    pub(crate) fn new(connection: &'c Connection, lid: i64, own: DeviceKey) -> Result<Self> {
        let ledger = keys::ledger_id(connection, lid)?;
        let mut reader = crate::store::Reading::default();
        let history = standing::history(connection, &mut reader.keys, &mut reader.codec, ledger, lid)?;
        Ok(Self { connection, lid, names: Names::default(), history, own })
    }

    /// A value of a register.
    pub(crate) fn value(&mut self, key: &str, value: Option<&Scalar>) -> Result<FieldValue> {
        let Some(value) = value.filter(|value| **value != Scalar::Null) else { return Ok(FieldValue::Empty) };
        Ok(match (Field::of_key(key), value) {
            (Some(Field::Money), Scalar::Bytes(bytes)) => self.money(bytes)?,
            (Some(Field::State), state) => FieldValue::Flag(*state == field::DELETED),
            (Some(Field::Date), value) => field::date(value).map_or(FieldValue::Newer, FieldValue::Date),
            (Some(Field::Time), value) => field::time(value).map_or(FieldValue::Newer, FieldValue::Time),
            (Some(Field::Tag(_)), Scalar::Bool(is_set)) => FieldValue::Flag(*is_set),
            (Some(Field::Attachment(_)), value) => match expense::attachment(value) {
                Some(Attachment { hash, bytes, name, .. }) => FieldValue::Attachment { hash, bytes, name },
                None => FieldValue::Newer,
            },
            (Some(Field::Account | Field::Category | Field::Parent | Field::RefundOf), Scalar::Bytes(bytes)) => {
                match bytes.as_slice().try_into() {
                    Ok(id) => FieldValue::Thing(self.named(key, DocumentId(id))?),
                    Err(_) => FieldValue::Newer,
                }
            }
            (Some(_), Scalar::Str(text)) => FieldValue::Text(text.clone()),
            _ => FieldValue::Newer,
        })
    }

    /// Who wrote a commit.
    pub(crate) fn author(&mut self, keys: &mut KeyCache, cid: i64) -> Result<(Author, i64, CommitId)> {
        let header = log::load_header(self.connection, keys, cid)?;
        let device = header.device;
        let member = header.on_behalf.or_else(|| {
            let then = self.history.role_at(&header.member_heads, &device);
            then.or_else(|| self.history.roles().role_of(&device)).map(|(member, _)| member)
        });
        let name = match (member, document::fact_key(self.connection, self.lid)?) {
            (Some(member), Some(fact_key)) => {
                let id = fact_document(&fact_key, super::members::MEMBER, member.as_bytes());
                things::member_name(self.connection, self.lid, &id)?
            }
            _ => None,
        };
        let author = Author { member, device, name, is_self: device == self.own };
        Ok((author, header.time_ms, log::id(self.connection, cid)?))
    }

    fn money(&mut self, bytes: &[u8]) -> Result<FieldValue> {
        match Register::decode(bytes) {
            Ok(Register::Entry(Entry { kind, amount, from, to, .. })) => {
                let from = from.map(|id| self.named(field::ACCOUNT, id)).transpose()?;
                let to = to.map(|id| self.named(field::ACCOUNT, id)).transpose()?;
                Ok(FieldValue::Money { kind, amount, from, to })
            }
            Ok(Register::Newer(_)) | Err(_) => Ok(FieldValue::Newer),
        }
    }

    fn named(&mut self, key: &str, id: DocumentId) -> Result<Named> {
        let unnamed = Named { id, name: String::new() };
        let Some(rid) = keys::find_document(self.connection, self.lid, &id)? else { return Ok(unnamed) };
        let named = match key {
            field::ACCOUNT => self.names.account(self.connection, rid)?,
            field::REFUND_OF => {
                let refunded = query::expense(self.connection, &mut self.names, self.lid, &id)?;
                refunded.map(|expense| Named { id, name: expense.payee })
            }
            _ => self.names.category(self.connection, rid)?,
        };
        Ok(named.unwrap_or(unnamed))
    }
}

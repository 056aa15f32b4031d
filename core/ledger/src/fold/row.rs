//! A fold as bytes: what a store keeps beside a document of many changes, so that the next one costs no walk.
//!
//! A cache of one device, never exchanged: it may change with any version, and a store that cannot read one folds again.

use minicbor::{Decoder, Encoder, data::Type};

use super::{Document, Visible};
use crate::cbor::{CborError, item};
use crate::change::{Actor, OpId, Scalar};
use crate::commit::ActorForm;
use crate::id::ChangeHash;

/// Bytes that are not a fold of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a stored fold of this version")]
pub struct RowError;

impl From<CborError> for RowError {
    fn from(_: CborError) -> Self {
        Self
    }
}

impl From<minicbor::decode::Error> for RowError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

const VERSION: u64 = 1;

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

impl Document {
    /// The fold as bytes.
    pub fn to_row(&self) -> Vec<u8> {
        item(|e| {
            e.array(5)?.u64(VERSION)?.u64(self.max_op)?.array(self.heads.len() as u64)?;
            for head in &self.heads {
                e.bytes(head.as_bytes())?;
            }
            e.array(self.seqs.len() as u64)?;
            for (actor, seq) in &self.seqs {
                e.array(2)?.bytes(actor)?.u64(*seq)?;
            }
            e.array(self.visible.len() as u64)?;
            self.visible.iter().try_for_each(|visible| write_visible(visible, e))
        })
    }

    /// Reads a fold back.
    ///
    /// # Errors
    ///
    /// [`RowError`] if another version wrote it or it is damaged; then fold the changes again.
    pub fn from_row(bytes: &[u8]) -> Result<Self, RowError> {
        let mut d = Decoder::new(bytes);
        if d.array()? != Some(5) || d.u64()? != VERSION {
            return Err(RowError);
        }
        let max_op = d.u64()?;
        let heads = read_list(&mut d, |d| Ok(ChangeHash(read_fixed(d)?)))?;
        let seqs = read_list(&mut d, |d| {
            d.array()?;
            let actor: Actor = read_fixed(d)?;
            Ok((actor, d.u64()?))
        })?;
        let visible = read_list(&mut d, read_visible)?;
        Ok(Self { heads, max_op, seqs: seqs.into_iter().collect(), visible })
    }
}

fn write_visible(visible: &Visible, e: &mut Encoder<&mut Vec<u8>>) -> Written {
    e.array(5)?.str(&visible.key)?.u64(visible.id.counter)?.bytes(&visible.id.actor)?;
    e.bool(visible.form == ActorForm::Content)?;
    match &visible.value {
        Scalar::Null => e.null()?.ok(),
        Scalar::Bool(value) => e.bool(*value)?.ok(),
        Scalar::Uint(value) => e.u64(*value)?.ok(),
        // A list of one tells a signed number from an unsigned one.
        Scalar::Int(value) => e.array(1)?.i64(*value)?.ok(),
        Scalar::Str(value) => e.str(value)?.ok(),
        Scalar::Bytes(value) => e.bytes(value)?.ok(),
    }
}

fn read_visible(d: &mut Decoder<'_>) -> Result<Visible, RowError> {
    d.array()?;
    let key = d.str()?.to_owned();
    let id = OpId { counter: d.u64()?, actor: read_fixed(d)? };
    let form = if d.bool()? { ActorForm::Content } else { ActorForm::Feed };
    let value = match d.datatype()? {
        Type::Null => d.null().map(|()| Scalar::Null)?,
        Type::Bool => Scalar::Bool(d.bool()?),
        Type::Array => d.array().and_then(|_| d.i64()).map(Scalar::Int)?,
        Type::String => Scalar::Str(d.str()?.to_owned()),
        Type::Bytes => Scalar::Bytes(d.bytes()?.to_vec()),
        _ => Scalar::Uint(d.u64()?),
    };
    Ok(Visible { key, id, value, form })
}

fn read_list<'a, T>(
    d: &mut Decoder<'a>,
    read: impl Fn(&mut Decoder<'a>) -> Result<T, RowError>,
) -> Result<Vec<T>, RowError> {
    let count = d.array()?.ok_or(RowError)?;
    (0..count).map(|_| read(d)).collect()
}

fn read_fixed<const N: usize>(d: &mut Decoder<'_>) -> Result<[u8; N], RowError> {
    d.bytes()?.try_into().map_err(|_| RowError)
}

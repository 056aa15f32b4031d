//! What a record of kind 0 must be before it is folded, judged from its bytes and its commit alone.
//!
//! A record that is not admitted is quarantined: stored and relayed like any other, with its reason, and not applied.
//! The same version of the format gives the same answer on every device.

use crate::change::{Change, ChangeError};
use crate::commit::{ActorForm, Commit, Record, actor, is_fact_document};
use crate::field::{self, FieldError};
use crate::fold::{FoldError, Input};
use crate::id::DocumentId;

/// Why a stored record is not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Quarantine {
    /// The payload is not a change.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The registers are not what they must be.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The record's month is not the one that the change's date says.
    #[error("the month of the record is not that of its date")]
    Period,
    /// A change without dependencies on a document that is not its own, or the other way round.
    #[error("only the first change of a document has no dependencies")]
    Root,
    /// The change does not follow on those it is made on top of.
    #[error(transparent)]
    Fold(#[from] FoldError),
}

/// A change about to be folded, and its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The document it belongs to.
    pub document: DocumentId,
    /// The change.
    pub input: Input,
}

/// Admits the record numbered `n` of a commit, or says why not.
///
/// # Errors
///
/// A [`Quarantine`] that depends on nothing but the record, its number and the header.
pub fn admit(
    commit: &Commit,
    n: u64,
    record: &Record,
    payload: &[u8],
    fact_key: &[u8; 32],
) -> Result<Admitted, Quarantine> {
    let document = commit.document(n, record);
    let actor = actor(record.form, commit.header.feed(), fact_key, &document, payload);
    let (change, hash) = Change::parse(payload, actor)?;
    check_root(record, &change)?;
    field::check(&change)?;
    if field::period(&change) != record.period {
        return Err(Quarantine::Period);
    }
    Ok(Admitted { document, input: Input { change, hash, form: record.form } })
}

/// A feed makes documents of its own and content-derived ones are made of facts; all else is made on top of something.
fn check_root(record: &Record, change: &Change) -> Result<(), Quarantine> {
    let makes = match record.form {
        ActorForm::Feed => record.document.is_none(),
        ActorForm::Content => record.document.as_ref().is_some_and(is_fact_document),
    };
    let is_root = change.deps.is_empty() && change.seq == 1 && change.start_op == 1;
    let is_later = !change.deps.is_empty() && record.form == ActorForm::Feed;
    if (makes && is_root) || (!makes && is_later) { Ok(()) } else { Err(Quarantine::Root) }
}

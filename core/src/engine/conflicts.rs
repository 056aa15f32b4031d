//! What collided, and settling it.

use outlay_ledger::change::{OpId, Scalar};
use outlay_ledger::expense;
use outlay_ledger::field::{self, Field, Thing};
use outlay_ledger::fold::{Document, Folded, Input, Put, Verdict};
use outlay_ledger::limits::{NAME_BYTES_MAX, NOTE_BYTES_MAX, PAYEE_BYTES_MAX};
use outlay_ledger::text::{normalize, normalize_multiline};
use outlay_ledger::{CommitId, Currency, Date, DocumentId, Entry, LedgerId, Money, Register, TimeOfDay};

use super::Engine;
use super::values::{Values, field_of_key, key_of_field};
use super::writing;
use crate::author::Draft;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Conflict, ConflictValue, FieldValue, Reference, Resolution};
use crate::store::log;
use crate::store::records::StoredChange;
use crate::store::{Reading, document, keys, things};

impl Engine {
    /// The fields of a ledger's things that hold several values. The first of each is the one shown now.
    ///
    /// A category whose link up closes a circle is here too, with its `parent`: it is shown as nothing, the link is second.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] if the ledger is not on this device.
    pub fn conflicts(&self, ledger: LedgerId) -> Result<Vec<Conflict>> {
        let own = self.device_key();
        self.store.read(|connection| {
            let lid = keys::ledger_here(connection, ledger)?;
            let mut values = Values::new(connection, lid, own)?;
            let stored = things::conflicts(connection, lid)?;
            let circles = things::cycles(connection, lid)?.into_iter().map(|rid| (rid, field::PARENT.to_owned()));
            let circles: Vec<_> = circles.filter(|circle| !stored.contains(circle)).collect();
            let mut conflicts = Vec::with_capacity(stored.len() + circles.len());
            for (rid, key) in &stored {
                conflicts.push(conflict(&mut values, ledger, *rid, key)?);
            }
            for (rid, key) in &circles {
                conflicts.push(circle(conflict(&mut values, ledger, *rid, key)?));
            }
            conflicts.sort_by(|a, b| (a.document, &a.field).cmp(&(b.document, &b.field)));
            Ok(conflicts)
        })
    }

    /// Settles a conflict, as it was answered by [`Engine::conflicts`]. What was not chosen stays in the history.
    ///
    /// # Errors
    ///
    /// * [`crate::ErrorKind::NotFound`] if there is no such conflict, if its values have changed since, or if there is no value
    ///   at that place.
    /// * [`crate::ErrorKind::InvalidInput`] if a text is no value of the field.
    /// * [`crate::ErrorKind::Forbidden`] if this device may only read the ledger.
    pub fn resolve(&self, conflict: &Conflict, resolution: Resolution) -> Result<()> {
        let Conflict { ledger, document, field, values: seen } = conflict;
        let (key, own) = (key_of_field(field), self.device_key());
        self.write(|write| {
            let mut draft = self.author.draft(write, *ledger)?;
            let missing = || Error::not_found("conflict");
            let rid = keys::find_document(&draft.write.tx, draft.lid, document)?.ok_or_else(missing)?;
            let held = draft.read(rid)?;
            let is_conflict = held.conflicting_keys().contains(&key);
            let is_circle =
                !is_conflict && key == field::PARENT && things::cycles(&draft.write.tx, draft.lid)?.contains(&rid);
            if !is_conflict && !is_circle {
                return Err(missing());
            }
            let now = self::conflict(&mut Values::new(&draft.write.tx, draft.lid, own)?, *ledger, rid, key)?;
            let now = if is_circle { circle(now) } else { now };
            if !now.values.iter().map(|now| &now.value).eq(seen.iter().map(|seen| &seen.value)) {
                return Err(Error::new(ErrorKind::NotFound, "the conflict has changed since it was shown"));
            }
            let value = match &resolution {
                Resolution::Choose(0) if is_circle => Scalar::Null,
                Resolution::Choose(1) if is_circle => return Err(circular()),
                Resolution::Choose(place) => distinct(&held, key).get(*place).cloned().ok_or_else(missing)?,
                Resolution::Text(text) => parse(&mut draft, &held, key, text)?,
            };
            if !draft.edit(*document, &held, vec![Put::new(key, value)])? {
                return Err(circular());
            }
            draft.finish()?;
            Ok(())
        })
    }
}

fn circular() -> Error {
    Error::invalid("that category is below this one")
}

/// What is shown of a link that closes a circle is nothing.
fn circle(mut conflict: Conflict) -> Conflict {
    let shown = conflict.values.first().cloned();
    conflict.values.splice(0..0, shown.map(|link| ConflictValue { value: FieldValue::Empty, ..link }));
    conflict
}

/// The values of a register, each once, the one shown first.
fn distinct(document: &Document, key: &str) -> Vec<Scalar> {
    let mut values: Vec<Scalar> = Vec::new();
    if key == field::STATE && !document.is_deleted() {
        // While any value is live the thing is shown, so that one stands first.
        let live = document.values(key).into_iter().find(|visible| visible.value != field::DELETED);
        values.extend(live.map(|visible| visible.value.clone()));
    }
    for visible in document.values(key) {
        if !values.contains(&visible.value) {
            values.push(visible.value.clone());
        }
    }
    values
}

fn conflict(values: &mut Values<'_>, ledger: LedgerId, rid: i64, key: &str) -> Result<Conflict> {
    let mut reading = Reading::default();
    let (changes, folded) =
        document::fold_stored(values.connection, &mut reading.keys, &mut reading.codec, values.lid, rid)?;
    let mut shown = Vec::new();
    for value in distinct(&folded.document, key) {
        let by =
            folded.document.values(key).into_iter().find(|visible| visible.value == value).map(|visible| visible.id);
        let Some(cid) = by.map(|id| commit_of(values, &changes, &folded, id)).transpose()?.flatten() else { continue };
        let (author, time_ms, _) = values.author(&mut reading.keys, cid)?;
        shown.push(ConflictValue { value: values.value(key, Some(&value))?, author, time_ms });
    }
    let document = keys::document(values.connection, rid)?;
    Ok(Conflict { ledger, document, field: field_of_key(key).to_owned(), values: shown })
}

/// The commit that holds an operation; of several, the one with the smallest id, as on every other replica.
fn commit_of(values: &Values<'_>, changes: &[(StoredChange, Input)], folded: &Folded, id: OpId) -> Result<Option<i64>> {
    let mut smallest = None;
    for ((stored, Input { change, .. }), verdict) in changes.iter().zip(&folded.verdicts) {
        let holds = change.actor == id.actor && (change.start_op..=change.max_op()).contains(&id.counter);
        if holds && *verdict == Verdict::Applied {
            let by = (log::id(values.connection, stored.cid)?, stored.cid);
            smallest = Some(smallest.map_or(by, |other: (CommitId, i64)| other.min(by)));
        }
    }
    Ok(smallest.map(|(_, cid)| cid))
}

/// A value of a register from a text.
fn parse(draft: &mut Draft<'_, '_>, document: &Document, key: &str, text: &str) -> Result<Scalar> {
    let of_text = |text: String| if text.is_empty() { Scalar::Null } else { Scalar::Str(text) };
    Ok(match Field::of_key(key) {
        Some(Field::Money) => amount(document, text)?,
        Some(Field::State | Field::Tag(_)) => flag(key, text)?,
        Some(Field::Date) => Scalar::Int(i64::from(Date::parse(text)?.days())),
        Some(Field::Time) => Scalar::Uint(u64::from(TimeOfDay::parse(text)?.seconds())),
        Some(Field::Payee) => of_text(normalize(text, PAYEE_BYTES_MAX)?),
        Some(Field::Note) => of_text(normalize_multiline(text, NOTE_BYTES_MAX)?),
        Some(Field::Name) => Scalar::Str(normalize(text, NAME_BYTES_MAX)?),
        Some(Field::Currency) => Scalar::Str(Currency::parse(text)?.code().to_owned()),
        Some(Field::Category | Field::Parent) => thing(draft, Thing::Category, text)?,
        Some(Field::Account) => thing(draft, Thing::Account, text)?,
        Some(Field::Commitment) => decision(text)?,
        Some(Field::RefundOf) => Scalar::Bytes(text.parse::<DocumentId>()?.0.to_vec()),
        Some(Field::Attachment(_) | Field::Type) | None => {
            return Err(Error::invalid("choose one of the values of this field by its place"));
        }
    })
}

/// One of the registers that collided with this amount, or the one shown with the amount put in.
fn amount(document: &Document, text: &str) -> Result<Scalar> {
    let decoded = |value: &Scalar| match value {
        Scalar::Bytes(bytes) => match Register::decode(bytes) {
            Ok(Register::Entry(entry)) => Some(entry),
            _ => None,
        },
        _ => None,
    };
    let entries: Vec<Entry> = distinct(document, field::MONEY).iter().filter_map(decoded).collect();
    let shown = entries.first().ok_or_else(|| Error::invalid("choose one of the amounts by its place"))?;
    let money = match Money::parse_with_currency(text) {
        Ok(money) => money,
        Err(_) => Money::parse(text, shown.amount.currency())?,
    };
    let chosen = entries.iter().find(|entry| entry.amount == money);
    let entry = match chosen {
        Some(entry) => entry.clone(),
        None => {
            let mut entry = shown.clone();
            expense::change_amount(&mut entry, expense::nonzero(money)?)?;
            entry
        }
    };
    Ok(Scalar::Bytes(entry.encode()))
}

fn decision(text: &str) -> Result<Scalar> {
    let known = expense::Decision::of_word(text);
    let decision = known.ok_or_else(|| Error::invalid("a commitment is `confirmed` or `dismissed`"))?;
    Ok(Scalar::Str(decision.word().to_owned()))
}

fn flag(key: &str, text: &str) -> Result<Scalar> {
    let is_set = match text {
        "true" | "deleted" => true,
        "false" | "live" => false,
        _ => return Err(Error::invalid("the value is true or false")),
    };
    Ok(match (key, is_set) {
        (field::STATE, true) => field::DELETED,
        (field::STATE, false) => field::LIVE,
        (_, is_set) => Scalar::Bool(is_set),
    })
}

fn thing(draft: &mut Draft<'_, '_>, thing: Thing, text: &str) -> Result<Scalar> {
    if text.is_empty() {
        return Ok(Scalar::Null);
    }
    let reference = match (text.parse::<DocumentId>(), thing) {
        (Ok(id), _) => Reference::Id(id),
        (Err(_), Thing::Category) => Reference::Path(text.split(things::PATH_SEPARATOR).map(str::to_owned).collect()),
        (Err(_), _) => Reference::from(text),
    };
    let id = match thing {
        Thing::Category => writing::category(draft, &reference)?,
        _ => writing::account(draft, &reference)?,
    };
    Ok(Scalar::Bytes(id.0.to_vec()))
}

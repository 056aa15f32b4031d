//! From what a document holds to the rows that are read. No value makes a step here fail.

use outlay_ledger::expense::{Decision, Shown, decision, reference, text};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::Document;
use outlay_ledger::text::fold;
use outlay_ledger::{DocumentId, EntryKind};
use rusqlite::{Connection, params};

use super::attachments;
use crate::store::Result;

/// What joins tags in their column.
pub(super) const TAG_SEPARATOR: char = '\u{1f}';
/// Entries that are shown; see the schema.
const LIVE: i64 = 1;
const DELETED: i64 = 0;

/// Where the rows of a document are.
pub(super) struct Place<'a> {
    pub(super) tx: &'a Connection,
    pub(super) lid: i64,
    pub(super) rid: i64,
    /// The position of the log with which they change.
    pub(super) changed: u64,
}

/// Writes the rows of a document. `created_ms` is kept as it is when `None`.
pub(super) fn write(place: &Place<'_>, document: &Document, created_ms: Option<i64>) -> Result<()> {
    let thing = document.thing();
    // A thing may turn out to be another one, when two first changes of one document disagree.
    for delete in ["DELETE FROM category WHERE rid = ?1", "DELETE FROM wallet WHERE rid = ?1"] {
        place.tx.prepare_cached(delete)?.execute([place.rid])?;
    }
    match Shown::of(document).filter(|_| thing == Some(Thing::Expense)) {
        Some(shown) => write_expense(place, document, &shown, created_ms)?,
        None => forget_expense(place)?,
    }
    match thing {
        Some(Thing::Category) => write_category(place, document),
        Some(Thing::Account) => write_wallet(place, document),
        Some(Thing::Settings | Thing::Member | Thing::Expense | Thing::Unknown(_)) | None => Ok(()),
    }
}

fn write_expense(place: &Place<'_>, document: &Document, shown: &Shown<'_>, created_ms: Option<i64>) -> Result<()> {
    let upsert = "INSERT INTO expense (rid, lid, id, state, day, created_ms, kind, minor, currency, payee, payee_key,
        category, account, to_account, second, note, tags, refund_of, attachments, is_conflicted, changed, decision)
        VALUES (?1, ?2, (SELECT id FROM document WHERE rid = ?1), ?3, ?4, coalesce(?5, 0), ?6, ?7, ?8, ?9, ?10, ?11, ?12,
            ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
        ON CONFLICT (rid) DO UPDATE SET state = ?3, day = ?4, created_ms = coalesce(?5, created_ms), kind = ?6, minor = ?7,
            currency = ?8, payee = ?9, payee_key = ?10, category = ?11, account = ?12, to_account = ?13, second = ?14,
            note = ?15, tags = ?16, refund_of = ?17, attachments = ?18, is_conflicted = ?19, changed = ?20, decision = ?21";
    let entry = shown.entry.as_ref();
    let id = |id: Option<DocumentId>| id.map(|id| id.0);
    let tags = shown.tags.join(&TAG_SEPARATOR.to_string());
    place.tx.prepare_cached(upsert)?.execute(params![
        place.rid,
        place.lid,
        if shown.is_deleted { DELETED } else { LIVE },
        shown.date.days(),
        created_ms,
        entry.map(|entry| kind_number(entry.kind)),
        entry.map(|entry| entry.amount.minor()),
        entry.map(|entry| entry.amount.currency().code().to_owned()),
        shown.payee,
        shown.payee.map(fold),
        id(shown.category),
        id(shown.account),
        id(shown.to_account),
        shown.time.map(|time| time.seconds()),
        shown.note,
        (!tags.is_empty()).then_some(tags),
        id(shown.refund_of),
        attachments::column(&shown.attachments),
        shown.is_conflicted,
        place.changed,
        decision(document).map(Decision::word),
    ])?;
    let words = [shown.payee, shown.note].into_iter().flatten().chain(shown.tags.iter().copied());
    let words: Vec<String> = words.filter(|_| !shown.is_deleted).flat_map(|text| words_of(place.lid, text)).collect();
    set_words(place, &words.join(" "))
}

/// What was shown and is no longer there, as when its author was removed, stays as a row that says so.
fn forget_expense(place: &Place<'_>) -> Result<()> {
    let update =
        "UPDATE expense SET state = 2, kind = NULL, minor = NULL, currency = NULL, payee = NULL, payee_key = NULL,
        category = NULL, account = NULL, to_account = NULL, second = NULL, note = NULL, tags = NULL, refund_of = NULL,
        attachments = NULL, decision = NULL, changed = ?2 WHERE rid = ?1";
    if place.tx.prepare_cached(update)?.execute((place.rid, place.changed))? > 0 {
        set_words(place, "")?;
    }
    Ok(())
}

fn set_words(place: &Place<'_>, words: &str) -> Result<()> {
    place.tx.prepare_cached("DELETE FROM expense_search WHERE rowid = ?1")?.execute([place.rid])?;
    if !words.is_empty() {
        let insert = "INSERT INTO expense_search (rowid, text) VALUES (?1, ?2)";
        place.tx.prepare_cached(insert)?.execute((place.rid, words))?;
    }
    Ok(())
}

/// The words of a text, as they are searched for in a ledger.
pub(super) fn words_of(lid: i64, text: &str) -> Vec<String> {
    let text = fold(text);
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| format!("l{lid}w{word}")).collect()
}

fn write_category(place: &Place<'_>, document: &Document) -> Result<()> {
    let insert = "INSERT INTO category (rid, lid, id, name, parent, is_deleted)
        VALUES (?1, ?2, (SELECT id FROM document WHERE rid = ?1), ?3, ?4, ?5)";
    let name = text(document, field::NAME).unwrap_or_default();
    let parent = reference(document, field::PARENT).map(|id| id.0);
    place.tx.prepare_cached(insert)?.execute((place.rid, place.lid, name, parent, document.is_deleted()))?;
    Ok(())
}

fn write_wallet(place: &Place<'_>, document: &Document) -> Result<()> {
    let insert = "INSERT INTO wallet (rid, lid, id, name, is_deleted)
        VALUES (?1, ?2, (SELECT id FROM document WHERE rid = ?1), ?3, ?4)";
    let name = text(document, field::NAME).unwrap_or_default();
    place.tx.prepare_cached(insert)?.execute((place.rid, place.lid, name, document.is_deleted()))?;
    Ok(())
}

const fn kind_number(kind: EntryKind) -> i64 {
    match kind {
        EntryKind::Expense => 0,
        EntryKind::Income => 1,
        EntryKind::Transfer => 2,
    }
}

/// The kind of a number.
pub(super) const fn kind_of(number: i64) -> EntryKind {
    match number {
        1 => EntryKind::Income,
        2 => EntryKind::Transfer,
        _ => EntryKind::Expense,
    }
}

/// The name of a kind in JSON.
pub(super) const fn kind_name(number: i64) -> &'static str {
    match number {
        1 => "income",
        2 => "transfer",
        _ => "expense",
    }
}

//! From the commits of a log to the events that they tell, and between them the one that tells of insights.
//!
//! What a commit tells is said by the commit, by the members before and after it, and by the projection, which knows what is
//! an expense and which commits count. The place of an event among those of its commit is fixed by the record or the member
//! that it is about, so that its id stays when others of the commit come to count or no longer do.

use std::collections::BTreeSet;

use outlay_ledger::admit::{Admitted, admit};
use outlay_ledger::change::{Change, Scalar};
use outlay_ledger::commit::{ActorForm, Commit, Kind as RecordKind, action_of};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::roles::{History, Roles, affected};
use outlay_ledger::{CommitId, DeviceKey, LedgerId, MemberId};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::envelope::{At, Event, EventId, Kind, instant};
use crate::expenses::documents::{self, Documents};
use crate::expenses::projection::projected;
use crate::insights::results::{self, Ready};
use crate::ledgers::log::{self, Visible};
use crate::ledgers::{LedgerRow, history_up_to, member_commit};
use crate::store::Result;

/// Bytes of commits that are looked at at once: some 400 commits of one record, or two full ones.
const PAGE_BYTES_MAX: usize = 128 * 1024;

/// An event of a log, and where that tells it.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) at: At,
    pub(crate) event: Event,
}

/// Some events of a log.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) events: Vec<Placed>,
    /// Up to where these are all.
    pub(crate) to: At,
    /// Whether that is the end of the log.
    pub(crate) is_end: bool,
}

/// The events after a place, at most `events_max` of them. `None` asks to fold some of the log first; `is_folded` says that
/// there is nothing more to fold, as of a sealed log there never is.
pub(crate) fn derive(
    connection: &Connection,
    ledger: LedgerId,
    row: &LedgerRow,
    after: At,
    events_max: usize,
    is_folded: bool,
) -> Result<Option<Derived>> {
    let folded = match projected(connection, row.lid)? {
        Some(projected) => projected.position,
        None if is_folded => row.head,
        None => return Ok(None),
    };
    // Of the commit itself there may be events left.
    let from = after.passed();
    if folded <= from && folded < row.head {
        return Ok(None);
    }
    let page = log::page(connection, row, Visible::All, from, folded, PAGE_BYTES_MAX)?;
    let mut reading = Reading::begin(connection, ledger, row, from)?;
    // What is told beside the commits may lie after all of them.
    let (mut events, mut to) = (Vec::new(), At::after(page.to.pos).max(after));
    for (position, (commit, id)) in (from + 1..).zip(page.commits) {
        let told = reading.of_commit(position, &commit, id)?;
        let news = told.into_iter().filter(|told| At { position, index: told.index } > after);
        reading.envelop(position, &commit, news, &mut events)?;
        if events.len() >= events_max {
            to = At::after(position);
            break;
        }
    }
    if let Some(ready) = results::ready(connection, row.lid)?
        && ready.at > after
        && ready.at.position <= to.position
    {
        to = to.max(ready.at);
        let place = events.partition_point(|placed: &Placed| placed.at < ready.at);
        events.insert(place, insights_ready(connection, ledger, row, &ready)?);
    }
    if events.len() > events_max {
        events.truncate(events_max);
        to = events.last().map_or(after, |placed| placed.at);
    }
    let is_end = to >= At::after(row.head);
    Ok(Some(Derived { events, to, is_end }))
}

/// The place after all that there is to tell so far.
pub(crate) fn end(connection: &Connection, row: &LedgerRow) -> Result<At> {
    let end = At::after(row.head);
    Ok(results::ready(connection, row.lid)?.map_or(end, |ready| ready.at.max(end)))
}

/// The place that an id names; `None` if it is not of this log as it is now.
pub(crate) fn place(connection: &Connection, row: &LedgerRow, id: &EventId) -> Result<Option<At>> {
    Ok(log::chain_at(connection, row, id.at.position)?.filter(|mark| *mark == id.mark).map(|_| id.at))
}

/// The id of a place.
pub(crate) fn id_of(connection: &Connection, row: &LedgerRow, at: At) -> Result<EventId> {
    Ok(EventId { mark: log::chain_at(connection, row, at.position)?.unwrap_or_default(), at })
}

/// That insights are ready, which no commit tells.
fn insights_ready(connection: &Connection, ledger: LedgerId, row: &LedgerRow, ready: &Ready) -> Result<Placed> {
    let (at, id) = (ready.at, id_of(connection, row, ready.at)?.to_string());
    let (kind, data) = (Kind::InsightReady, json!({ "day": ready.day.to_string() }));
    let (ledger, position) = (Some(ledger), Some(at.position));
    Ok(Placed { at, event: Event { id, kind, time: instant(ready.made_ms), ledger, position, data } })
}

/// What a commit tells, without what all events of it have in common.
struct Told {
    index: u32,
    kind: Kind,
    data: Value,
}

/// A log that is being read.
struct Reading<'a> {
    connection: &'a Connection,
    ledger: LedgerId,
    row: &'a LedgerRow,
    /// None of a sealed ledger.
    fact_key: Option<[u8; 32]>,
    /// Of the log up to and with the commit that is looked at.
    history: History,
    documents: Documents<'a>,
}

impl<'a> Reading<'a> {
    fn begin(connection: &'a Connection, ledger: LedgerId, row: &'a LedgerRow, from: u64) -> Result<Self> {
        // The first commit says whether the ledger is sealed.
        let begun = history_up_to(connection, ledger, row.lid, from.max(1))?;
        let fact_key = begun.roles().fact_key().copied();
        let history = if from == 0 { History::new(ledger, []) } else { begun };
        let documents = Documents::new(connection, row.lid, fact_key.unwrap_or_default());
        Ok(Self { connection, ledger, row, fact_key, history, documents })
    }

    fn envelop(
        &self,
        position: u64,
        commit: &Commit,
        told: impl Iterator<Item = Told>,
        events: &mut Vec<Placed>,
    ) -> Result<()> {
        let mut told = told.peekable();
        if told.peek().is_none() {
            return Ok(());
        }
        let EventId { mark, .. } = id_of(self.connection, self.row, At::after(position))?;
        events.extend(told.map(|Told { index, kind, data }| {
            let at = At { position, index };
            let (id, time) = (EventId { mark, at }.to_string(), instant(commit.header.time_ms));
            let (ledger, position) = (Some(self.ledger), Some(position));
            Placed { at, event: Event { id, kind, time, ledger, position, data } }
        }));
        Ok(())
    }

    /// In the order of their index: two for each record, one for an import and one for what cannot be told, then the members.
    fn of_commit(&mut self, position: u64, commit: &Commit, id: CommitId) -> Result<Vec<Told>> {
        let before = self.history.roles().clone();
        if commit.records.iter().any(|record| record.kind.is_of_members()) {
            let member_commit = member_commit(self.connection, self.row.lid, id, commit)?;
            self.history.extend([member_commit]);
        }
        let is_opaque = self.is_opaque(commit);
        let mut told = if is_opaque { Vec::new() } else { self.of_records(position, commit, id)? };
        let (after, base) = (self.history.roles(), index_after(commit));
        let has_changes = commit.records.iter().any(|record| record.kind == RecordKind::Change);
        if (is_opaque && has_changes) || is_rejudged(&before, after, &id) {
            told.push(Told { index: base + 1, kind: Kind::LedgerChanged, data: json!({}) });
        }
        let of_members = (base + 2..).zip(members(&before, after));
        told.extend(of_members.map(|(index, (kind, data))| Told { index, kind, data }));
        Ok(told)
    }

    /// Whether what is in a commit is not for this server, or this version, to read.
    fn is_opaque(&self, commit: &Commit) -> bool {
        self.fact_key.is_none() || commit.header.generation != 0 || commit.header.is_newer()
    }

    fn of_records(&mut self, position: u64, commit: &Commit, id: CommitId) -> Result<Vec<Told>> {
        let (seq, fact_key) = (self.row.seq(position), self.fact_key.unwrap_or_default());
        if self.documents.is_aside(seq)? {
            return Ok(Vec::new());
        }
        let action = action_of(&id, &commit.header).to_string();
        let (mut told, mut is_import) = (Vec::new(), false);
        for ((index, n), record) in (0..).step_by(2).zip(commit.header.first..).zip(&commit.records) {
            let Some(payload) = record.payload().filter(|_| record.kind == RecordKind::Change) else { continue };
            let Ok(Admitted { document, input }) = admit(commit, n, record, payload, &fact_key) else { continue };
            let Some(rid) = documents::find(self.connection, self.row.lid, &document)? else { continue };
            let Some(kind) = self.kind(rid, (seq, n), &input.change)? else { continue };
            is_import |= record.form == ActorForm::Content && kind == Kind::ExpenseAdded;
            let data = json!({ "expense": document.to_string(), "action": action });
            told.push(Told { index, kind, data: data.clone() });
            if kind != Kind::ExpenseAdded && self.documents.begins_conflict(rid, (seq, n))? {
                told.push(Told { index: index + 1, kind: Kind::ConflictDetected, data });
            }
        }
        // A commit without an action is all of what was done in one go.
        if commit.header.ends_import() || (is_import && commit.header.action.is_none()) {
            let data = json!({ "action": action });
            told.push(Told { index: index_after(commit), kind: Kind::ImportFinished, data });
        }
        Ok(told)
    }

    /// What a change does to an expense; `None` if its document is none.
    fn kind(&self, rid: i64, place: (i64, u64), change: &Change) -> Result<Option<Kind>> {
        let put = |key: &str| change.ops.iter().find(|op| op.key == key).map(|op| &op.value);
        let is_expense = match put(field::TYPE) {
            Some(thing) => *thing == Scalar::Uint(Thing::Expense.number()),
            None => self.connection.prepare_cached("SELECT 1 FROM expense WHERE rid = ?1")?.exists([rid])?,
        };
        if !is_expense {
            return Ok(None);
        }
        Ok(Some(match put(field::STATE) {
            _ if change.deps.is_empty() && self.documents.is_first(rid, place)? => Kind::ExpenseAdded,
            Some(state) if *state == field::DELETED => Kind::ExpenseDeleted,
            _ => Kind::ExpenseChanged,
        }))
    }
}

/// The first index after those of the records.
fn index_after(commit: &Commit) -> u32 {
    u32::try_from(commit.records.len() * 2).unwrap_or(u32::MAX / 2)
}

/// Whether commits from before may have come to count, or no longer do: by whom was removed or demoted, what was accepted or
/// forgotten, or because this one is what a removal waited for.
fn is_rejudged(before: &Roles, after: &Roles, id: &CommitId) -> bool {
    let is_waited_for = before.cuts().iter().any(|cut| cut.heads.contains(id));
    is_waited_for
        || before.cuts() != after.cuts()
        || before.purges() != after.purges()
        || affected(before, after).commits.iter().any(|other| other != id)
}

/// Who came, went and may do something else now, and who of those who stay has other devices.
fn members(before: &Roles, after: &Roles) -> Vec<(Kind, Value)> {
    let all: BTreeSet<&MemberId> = before.members().keys().chain(after.members().keys()).collect();
    let mut told = Vec::new();
    for member in all {
        let id = member.to_string();
        match (before.members().get(member), after.members().get(member)) {
            (None, Some(new)) => {
                told.push((Kind::MemberAdded, json!({ "member": id, "role": new.role.to_string() })));
            }
            (Some(_), None) => told.push((Kind::MemberRemoved, json!({ "member": id }))),
            (Some(old), Some(new)) => {
                if old.role != new.role {
                    told.push((Kind::MemberRoleChanged, json!({ "member": id, "role": new.role.to_string() })));
                }
                let device = |key: &DeviceKey| json!({ "member": id, "device": key.to_string() });
                let (gone, come) = (old.devices.difference(&new.devices), new.devices.difference(&old.devices));
                told.extend(gone.map(|key| (Kind::DeviceRemoved, device(key))));
                told.extend(come.map(|key| (Kind::DeviceAdded, device(key))));
            }
            (None, None) => {}
        }
    }
    told
}

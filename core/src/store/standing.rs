//! Taking commits in: stored whole, judged by the ledger's members, and applied as far as they count.
//!
//! What counts follows from the set of commits held, never from their order. So a commit that changes what others are
//! worth has those judged again, in the transaction that stores it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use outlay_ledger::admit::{Quarantine, admit};
use outlay_ledger::change::Change;
use outlay_ledger::commit::{ActorForm, Commit, Header, Kind, Record};
use outlay_ledger::fold::Input;
use outlay_ledger::member::MemberOperation;
use outlay_ledger::roles::{Ancestry, CommitFacts, History, InCut, MemberCommit, Roles, Standing, Writes};
use outlay_ledger::{CommitId, DeviceKey, LedgerId, MemberId};
use rusqlite::{Connection, OptionalExtension};

use super::Write;
use super::codec::Codec;
use super::document::{self, News};
use super::insights;
use super::keys::{self, KeyCache};
use super::log::{self, Arrival, Stands};
use super::records::{self, PLACED, UNSEARCHED};
use super::runs;
use super::search;
use crate::error::Result;

/// The member commits of each ledger, read once and kept while no other process adds to them.
#[derive(Default)]
pub(crate) struct Memberships(HashMap<i64, History>);

/// Changes of one transaction, by document, in the order of their arrival.
#[derive(Default)]
pub(crate) struct Pending {
    news: Vec<News>,
    places: HashMap<i64, usize>,
}

impl Pending {
    pub(crate) fn push(&mut self, rid: i64, is_new: bool, time_ms: i64, input: Input) {
        match self.places.get(&rid) {
            Some(place) => self.news[*place].inputs.push(input),
            None => {
                self.places.insert(rid, self.news.len());
                self.news.push(News { rid, is_new, time_ms, inputs: vec![input] });
            }
        }
    }

    pub(crate) fn settle(self, write: &mut Write<'_>, lid: i64) -> Result<()> {
        self.news.iter().try_for_each(|news| document::settle(write, lid, news))
    }
}

/// A record about to be stored, with what is known of its change.
pub(crate) struct Entry<'a> {
    pub(crate) record: &'a Record,
    pub(crate) known: Known,
    /// The number of its document, if that was listed for this record.
    pub(crate) listed: Option<i64>,
}

/// What is known of the change of a record.
pub(crate) enum Known {
    /// Nothing: it is read when it is stored.
    Nothing,
    /// All: the author is this device, which has just made it.
    Own(Input),
    /// What it was read as, before it was this transaction's turn.
    Read(Admission),
}

impl Known {
    /// The change that this device has just made.
    fn own(&self) -> Option<&Change> {
        match self {
            Self::Own(input) => Some(&input.change),
            Self::Nothing | Self::Read(_) => None,
        }
    }
}

/// A change, or why it is none.
pub(crate) type Admission = std::result::Result<Input, Quarantine>;

/// A commit whose id and signature were checked, with the changes of its first records, as far as they were read already.
pub(crate) struct Checked<'a> {
    pub(crate) commit: &'a Commit,
    pub(crate) id: CommitId,
    pub(crate) changes: Vec<Option<Admission>>,
}

impl<'a> Checked<'a> {
    /// A commit of whose records none was read.
    pub(crate) fn unread(commit: &'a Commit, id: CommitId) -> Self {
        Self { commit, id, changes: Vec::new() }
    }

    fn entries(commit: &'a Commit, changes: Vec<Option<Admission>>) -> Vec<Entry<'a>> {
        let known = changes.into_iter().map(|change| change.map_or(Known::Nothing, Known::Read));
        let known = known.chain(std::iter::repeat_with(|| Known::Nothing));
        commit.records.iter().zip(known).map(|(record, known)| Entry { record, known, listed: None }).collect()
    }
}

/// Reads the changes of a commit that say of themselves whose they are. Those made of facts wait for their ledger's key.
pub(crate) fn read_changes(commit: &Commit) -> Vec<Option<Admission>> {
    let change = |(n, record): (u64, &Record)| match record.payload() {
        Some(payload) if record.kind == Kind::Change && record.form == ActorForm::Feed => {
            Some(admit(commit, n, record, payload, &[0; 32]).map(|admitted| admitted.input))
        }
        _ => None,
    };
    (commit.header.first..).zip(&commit.records).map(change).collect()
}

/// Takes in commits whose ids and signatures were checked. Says of each whether it was new.
pub(crate) fn take_in(write: &mut Write<'_>, own: &DeviceKey, commits: Vec<Checked<'_>>) -> Result<Vec<bool>> {
    log::begin_any(write)?;
    write.is_indexed = true;
    let mut pending: HashMap<i64, Pending> = HashMap::new();
    let mut stored = Vec::with_capacity(commits.len());
    for Checked { commit, id, changes } in commits {
        if log::find_while_writing(write, &id)?.is_some() {
            stored.push(false);
            continue;
        }
        let lid = keys::enter_ledger(&write.tx, commit.ledger(&id))?;
        // A member commit may have documents folded again, from all that is stored: what is pending would count twice.
        if commit.records.iter().any(|record| record.kind.is_of_members())
            && let Some(pending) = pending.remove(&lid)
        {
            pending.settle(write, lid)?;
        }
        let entries = Checked::entries(commit, changes);
        store(write, own, lid, commit, id, entries, pending.entry(lid).or_default())?;
        stored.push(true);
    }
    for (lid, pending) in pending {
        pending.settle(write, lid)?;
        judge_waiting(write, lid)?;
    }
    log::index_ids(write)?;
    Ok(stored)
}

/// Stores one commit and gathers what its records mean for documents.
pub(crate) fn store(
    write: &mut Write<'_>,
    own: &DeviceKey,
    lid: i64,
    commit: &Commit,
    id: CommitId,
    entries: Vec<Entry<'_>>,
    pending: &mut Pending,
) -> Result<()> {
    let header = &commit.header;
    let feed = write.state.keys.enter_feed(&write.tx, lid, header.device, header.nonce)?;
    let cid = write.next_seq;
    write.next_seq += log::to_i64(header.count);
    let arrival = Arrival { commit, id, lid, feed };
    let writes = writes_of(commit.records.iter().map(|record| record.kind));
    let is_of_members = commit.records.iter().any(|record| record.kind.is_of_members());
    // A member commit is judged with itself in the history, so only after it is stored.
    let mut stands = if is_of_members { Stands::Waiting } else { judge(write, lid, &id, header, writes)? };
    if is_of_members {
        // As it was without this commit: what it changes is the difference to that.
        let history = take_history(write, lid)?;
        write.state.memberships.0.insert(lid, history);
    }
    log::insert_commit(write, &arrival, cid, stands)?;
    let places = insert_records(write, &arrival, cid, &entries)?;
    if is_of_members {
        // What counted until now is in its rows before it is judged again.
        std::mem::take(pending).settle(write, lid)?;
        if header.ledger.is_none() {
            enter_genesis(write, &arrival)?;
        }
        extend(write, own, lid, cid)?;
        stands = judge(write, lid, &id, header, writes)?;
        log::set_standing(&write.tx, cid, stands)?;
    }
    if stands == Stands::Counts {
        apply(write, &arrival, cid, entries, &places, pending)?;
    }
    Ok(())
}

/// Where a record's document is, and whether nothing of it was held before.
struct PlaceOfRecord {
    rid: Option<i64>,
    is_new: bool,
}

fn insert_records(
    write: &mut Write<'_>,
    arrival: &Arrival<'_>,
    cid: i64,
    entries: &[Entry<'_>],
) -> Result<Vec<PlaceOfRecord>> {
    let mut places = Vec::with_capacity(arrival.commit.records.len());
    let is_placed = runs::place(write, &arrival.feed, arrival.commit.header.first, cid, &arrival.commit.records)?;
    for ((n, seq), entry) in (arrival.commit.header.first..).zip(cid..).zip(entries) {
        let record = entry.record;
        let place = place_of(write, arrival, n, entry)?;
        let same = match (place.rid, record.payload()) {
            (Some(rid), Some(payload)) if record.form == ActorForm::Content && !place.is_new => {
                records::find_same(&write.tx, &mut write.state.codec, rid, payload)?.map(|same| (rid, same))
            }
            _ => None,
        };
        match same {
            Some((rid, same)) => records::insert_same(&write.tx, seq, rid, record, same)?,
            None => {
                let is_made = record.document.is_none() && record.kind == Kind::Change;
                let is_unsearched = entry.known.own().is_some_and(search::is_unsearched);
                let flags = [(is_placed && is_made, PLACED), (is_unsearched, UNSEARCHED)];
                let flags = flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum();
                records::insert_record(write, seq, place.rid, record, flags)?;
            }
        }
        places.push(place);
    }
    Ok(places)
}

fn place_of(write: &mut Write<'_>, arrival: &Arrival<'_>, n: u64, entry: &Entry<'_>) -> Result<PlaceOfRecord> {
    let record = entry.record;
    if entry.listed.is_some() {
        return Ok(PlaceOfRecord { rid: entry.listed, is_new: true });
    }
    let (rid, is_entered) = match (&record.document, record.kind) {
        (Some(document), _) => keys::enter_document(&write.tx, arrival.lid, document)?,
        (None, Kind::Change) => (keys::derived(&write.tx, &arrival.feed, n)?, false),
        (None, _) => return Ok(PlaceOfRecord { rid: None, is_new: false }),
    };
    // Nobody else makes the documents of this process's feed: one whose nonce another copy used is given up when that
    // is met.
    let is_made_now = matches!(entry.known, Known::Own(_)) && record.document.is_none();
    let is_new = is_entered || is_made_now || records::count_records(&write.tx, rid, 1)? == 0;
    Ok(PlaceOfRecord { rid: Some(rid), is_new })
}

/// Gathers the changes of a commit that counts.
fn apply(
    write: &mut Write<'_>,
    arrival: &Arrival<'_>,
    cid: i64,
    entries: Vec<Entry<'_>>,
    places: &[PlaceOfRecord],
    pending: &mut Pending,
) -> Result<()> {
    let Some(fact_key) = document::own_fact_key(write, arrival.lid)? else { return Ok(()) };
    let header = &arrival.commit.header;
    for (((n, seq), entry), place) in (header.first..).zip(cid..).zip(entries).zip(places) {
        let (Kind::Change, Some(payload)) = (entry.record.kind, entry.record.payload()) else { continue };
        let admitted = match entry.known {
            Known::Own(input) => Ok(input),
            Known::Read(admission) => admission,
            Known::Nothing => admit(arrival.commit, n, entry.record, payload, &fact_key).map(|admitted| admitted.input),
        };
        match (admitted, place.rid) {
            (Ok(input), Some(rid)) => pending.push(rid, place.is_new, header.time_ms, input),
            (Ok(_), None) => {}
            (Err(reason), _) => document::quarantine(&write.tx, seq, reason)?,
        }
    }
    Ok(())
}

/// A genesis says what keys the facts of its ledger, and which document holds its settings.
fn enter_genesis(write: &mut Write<'_>, arrival: &Arrival<'_>) -> Result<()> {
    let mut settings = None;
    for (n, record) in (1..).zip(&arrival.commit.records) {
        match (record.kind, record.payload()) {
            (Kind::Member, Some(payload)) => {
                if let Ok(MemberOperation::Genesis { fact_key: Some(fact_key), .. }) = MemberOperation::decode(payload)
                {
                    let update = "UPDATE ledger SET fact_key = ?2 WHERE lid = ?1 AND fact_key IS NULL";
                    write.tx.prepare_cached(update)?.execute((arrival.lid, fact_key))?;
                }
            }
            (Kind::Change, _) if settings.is_none() && record.document.is_none() => {
                settings = Some(keys::derived(&write.tx, &arrival.feed, n)?);
            }
            _ => {}
        }
    }
    let update = "UPDATE ledger SET settings = ?2 WHERE lid = ?1";
    write.tx.prepare_cached(update)?.execute((arrival.lid, settings))?;
    Ok(())
}

/// Takes a member commit into the history of its ledger and judges again what may stand differently.
fn extend(write: &mut Write<'_>, own: &DeviceKey, lid: i64, cid: i64) -> Result<()> {
    let mut history = take_history(write, lid)?;
    let commit = member_commit(&write.tx, &mut write.state.keys, &mut write.state.codec, lid, cid)?;
    let affected = history.extend([commit]);
    write_own_role(write, own, lid, &history)?;
    write.state.memberships.0.insert(lid, history);
    let mut commits: BTreeSet<i64> = BTreeSet::new();
    for device in &affected.devices {
        commits.extend(log::commits_of_device(&write.tx, lid, device)?);
    }
    for id in &affected.commits {
        commits.extend(log::find(&write.tx, id)?);
    }
    if !affected.applied.is_empty() {
        commits.extend(log::commits_standing(&write.tx, lid, Stands::Waiting)?);
    }
    commits.remove(&cid);
    judge_again(write, lid, commits)
}

/// Judges every commit of a ledger anew, as if it had arrived just now.
pub(super) fn judge_all(write: &mut Write<'_>, own: &DeviceKey, lid: i64) -> Result<()> {
    let history = take_history(write, lid)?;
    write_own_role(write, own, lid, &history)?;
    write.state.memberships.0.insert(lid, history);
    for cid in log::commits_of_ledger(&write.tx, lid)? {
        let header = log::load_header(&write.tx, &mut write.state.keys, cid)?;
        let id = log::id(&write.tx, cid)?;
        let writes = writes_of(records::kinds(&write.tx, cid, header.count)?);
        let stands = judge(write, lid, &id, &header, writes)?;
        log::set_standing(&write.tx, cid, stands)?;
        if stands == Stands::Counts {
            admit_stored(write, lid, cid)?;
        }
    }
    Ok(())
}

/// Judges the waiting commits of a ledger, for what they waited for may have come.
pub(crate) fn judge_waiting(write: &mut Write<'_>, lid: i64) -> Result<()> {
    let waiting = log::commits_standing(&write.tx, lid, Stands::Waiting)?;
    judge_again(write, lid, waiting)
}

fn judge_again(write: &mut Write<'_>, lid: i64, commits: impl IntoIterator<Item = i64>) -> Result<()> {
    let mut changed = BTreeSet::new();
    for cid in commits {
        let header = log::load_header(&write.tx, &mut write.state.keys, cid)?;
        let id = log::id(&write.tx, cid)?;
        let writes = writes_of(records::kinds(&write.tx, cid, header.count)?);
        let (old, new) = (log::standing(&write.tx, cid)?, judge(write, lid, &id, &header, writes)?);
        if old == new {
            continue;
        }
        log::set_standing(&write.tx, cid, new)?;
        if new == Stands::Counts {
            admit_stored(write, lid, cid)?;
        } else {
            document::forget_verdicts(&write.tx, cid, header.count)?;
        }
        if old == Stands::Counts || new == Stands::Counts {
            changed.extend(records::documents_of(&write.tx, cid, header.count)?);
        }
    }
    if !changed.is_empty() {
        insights::note_changed(&write.tx)?;
    }
    for rid in changed {
        document::refold(write, lid, rid)?;
        search::note_changed(&write.tx, rid)?;
    }
    Ok(())
}

/// Looks at the bytes of records that were stored before their commit counted.
fn admit_stored(write: &mut Write<'_>, lid: i64, cid: i64) -> Result<()> {
    let Some(fact_key) = document::own_fact_key(write, lid)? else { return Ok(()) };
    let commit = log::load(&write.tx, &mut write.state.keys, &mut write.state.codec, cid)?;
    for ((n, seq), record) in (commit.header.first..).zip(cid..).zip(&commit.records) {
        if let (Kind::Change, Some(payload)) = (record.kind, record.payload())
            && let Err(reason) = admit(&commit, n, record, payload, &fact_key)
        {
            document::quarantine(&write.tx, seq, reason)?;
        }
    }
    Ok(())
}

fn judge(write: &mut Write<'_>, lid: i64, id: &CommitId, header: &Header, writes: Writes) -> Result<Stands> {
    if header.is_newer() || header.generation != 0 {
        return Ok(Stands::Newer);
    }
    if document::own_fact_key(write, lid)?.is_none() {
        return Ok(Stands::Waiting);
    }
    let mut history = take_history(write, lid)?;
    let facts = CommitFacts {
        id: *id,
        device: header.device,
        member_heads: &header.member_heads,
        on_behalf: header.on_behalf,
        writes,
    };
    let chains = Chains { connection: &write.tx, walked: RefCell::default() };
    let standing = history.standing(&facts, &chains);
    write.state.memberships.0.insert(lid, history);
    Ok(match standing {
        Standing::Counts => Stands::Counts,
        Standing::Aside(_) => Stands::Aside,
        Standing::Waiting(_) => Stands::Waiting,
    })
}

fn writes_of(kinds: impl IntoIterator<Item = Kind>) -> Writes {
    let of = |kind| match kind {
        Kind::Member | Kind::Purge => Writes::Members,
        Kind::Key => Writes::Keys,
        Kind::Change | Kind::Blob | Kind::Unknown(_) => Writes::Expenses,
    };
    kinds.into_iter().map(of).max().unwrap_or(Writes::Members)
}

/// Takes the history of a ledger out of memory, or reads it. The caller puts it back.
fn take_history(write: &mut Write<'_>, lid: i64) -> Result<History> {
    if let Some(known) = write.state.memberships.0.remove(&lid) {
        return Ok(known);
    }
    let ledger = keys::ledger_id(&write.tx, lid)?;
    history(&write.tx, &mut write.state.keys, &mut write.state.codec, ledger, lid)
}

/// The roles in a ledger as they are now.
pub(crate) fn roles_now(write: &mut Write<'_>, lid: i64) -> Result<Roles> {
    let history = take_history(write, lid)?;
    let roles = history.roles().clone();
    write.state.memberships.0.insert(lid, history);
    Ok(roles)
}

/// The same, for those who only read.
pub(crate) fn roles(connection: &Connection, ledger: LedgerId, lid: i64) -> Result<Roles> {
    let mut reading = super::Reading::default();
    let history = history(connection, &mut reading.keys, &mut reading.codec, ledger, lid)?;
    Ok(history.roles().clone())
}

/// What a device may in a ledger.
#[cfg(feature = "sync")]
pub(crate) struct Rights {
    pub(crate) member: MemberId,
    pub(crate) role: outlay_ledger::member::Role,
    /// Whether it is more than a server's word that says so.
    pub(crate) is_full: bool,
}

/// What a device may in a ledger, if it is one of a member.
#[cfg(feature = "sync")]
pub(crate) fn rights_of(write: &mut Write<'_>, lid: i64, device: &DeviceKey) -> Result<Option<Rights>> {
    let history = take_history(write, lid)?;
    let roles = history.roles();
    let rights = roles.role_of(device);
    let rights = rights.map(|(member, role)| Rights { member, role, is_full: roles.is_confirmed(device) });
    write.state.memberships.0.insert(lid, history);
    Ok(rights)
}

/// Whose device this is now.
pub(crate) fn member_of(write: &mut Write<'_>, lid: i64, device: &DeviceKey) -> Result<Option<MemberId>> {
    let history = take_history(write, lid)?;
    let member = history.roles().role_of(device).map(|(member, _)| member);
    write.state.memberships.0.insert(lid, history);
    Ok(member)
}

/// Whether a ledger's members have ever said what a server may do here, also that it may nothing any more.
#[cfg(feature = "sync")]
pub(crate) fn is_server_known(write: &mut Write<'_>, lid: i64, server: &DeviceKey) -> Result<bool> {
    let history = take_history(write, lid)?;
    let is_known = history.roles().is_server_known(server);
    write.state.memberships.0.insert(lid, history);
    Ok(is_known)
}

/// The member history of a ledger, read from its commits.
pub(crate) fn history(
    connection: &Connection,
    keys: &mut KeyCache,
    codec: &mut Codec,
    ledger: LedgerId,
    lid: i64,
) -> Result<History> {
    let mut statement = connection.prepare_cached("SELECT cid FROM member_commit WHERE lid = ?1 ORDER BY cid")?;
    let cids: Vec<i64> = statement.query_map([lid], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut commits = Vec::with_capacity(cids.len());
    for cid in cids {
        commits.push(member_commit(connection, keys, codec, lid, cid)?);
    }
    Ok(History::new(ledger, commits))
}

fn member_commit(
    connection: &Connection,
    keys: &mut KeyCache,
    codec: &mut Codec,
    lid: i64,
    cid: i64,
) -> Result<MemberCommit> {
    let commit = log::load(connection, keys, codec, cid)?;
    MemberCommit::read(log::id(connection, cid)?, &commit, |document| {
        keys::device_of_document(connection, lid, document)
    })
}

/// What this device is in the ledger, for those who only read.
fn write_own_role(write: &mut Write<'_>, own: &DeviceKey, lid: i64, history: &History) -> Result<()> {
    write.state.latest.own_roles.clear();
    let roles = history.roles();
    let (member, role) = roles.role_of(own).unzip();
    let update = "UPDATE ledger SET role = ?2, member = ?3, member_heads = ?4 WHERE lid = ?1";
    let role = role.map_or(0, |role| role.number());
    let member = member.map(|member| member.0);
    write.tx.prepare_cached(update)?.execute((lid, role, member, log::join_ids(roles.heads())))?;
    Ok(())
}

const OWN_DEVICE: &str = "device";

/// Whether the roles in the rows of ledgers are those of this device. They are not when the database came from another
/// device's backup, or the key was lost.
pub(crate) fn is_own_device(connection: &Connection, own: &DeviceKey) -> Result<bool> {
    let select = "SELECT value = ?2 FROM meta WHERE key = ?1";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_row((OWN_DEVICE, own.0), |row| row.get(0)).optional()?.unwrap_or(false))
}

/// Writes the roles of this device into the rows of ledgers.
pub(crate) fn set_own_device(write: &mut Write<'_>, own: &DeviceKey) -> Result<()> {
    let insert = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    write.tx.prepare_cached(insert)?.execute((OWN_DEVICE, own.0))?;
    #[cfg(feature = "sync")]
    super::remote::set_copied(&write.tx, false)?;
    for lid in keys::ledgers(&write.tx)? {
        let history = take_history(write, lid)?;
        write_own_role(write, own, lid, &history)?;
        write.state.memberships.0.insert(lid, history);
    }
    Ok(())
}

/// The chains of devices, walked in the store.
struct Chains<'a> {
    connection: &'a Connection,
    walked: RefCell<HashMap<Vec<CommitId>, Walk>>,
}

/// What lies at and below some heads, and whether all of it is held.
struct Walk {
    commits: HashSet<i64>,
    is_whole: bool,
}

impl Ancestry for Chains<'_> {
    fn in_cut(&self, commit: CommitId, heads: &[CommitId]) -> InCut {
        self.look(commit, heads).unwrap_or(InCut::Unknown)
    }
}

impl Chains<'_> {
    fn look(&self, commit: CommitId, heads: &[CommitId]) -> Result<InCut> {
        let Some(cid) = log::find(self.connection, &commit)? else { return Ok(InCut::Unknown) };
        let mut walked = self.walked.borrow_mut();
        if !walked.contains_key(heads) {
            walked.insert(heads.to_vec(), self.walk(heads)?);
        }
        Ok(match walked.get(heads) {
            Some(walk) if walk.commits.contains(&cid) => InCut::Yes,
            Some(walk) if walk.is_whole => InCut::No,
            _ => InCut::Unknown,
        })
    }

    fn walk(&self, heads: &[CommitId]) -> Result<Walk> {
        let commits = log::at_and_below(self.connection, heads)?;
        let mut is_whole = true;
        for head in heads {
            is_whole &= log::find(self.connection, head)?.is_some();
        }
        for cid in &commits {
            is_whole &= log::previous_of(self.connection, *cid)?.1;
        }
        Ok(Walk { commits, is_whole })
    }
}

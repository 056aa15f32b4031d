//! Taking commits into a log: each whole or not at all, in one transaction that is durable before anybody is told.
//!
//! A commit is stored when it is this ledger's, its signature is good, everything it is made on top of is stored, its
//! author had a role that allows it, and there is room. One that is refused does not keep another from being stored,
//! unless that builds on it.

use std::collections::HashMap;

use outlay_ledger::commit::{Commit, Kind, document_prefix, ledger_of_genesis};
use outlay_ledger::limits::COMMIT_BYTES_MAX;
use outlay_ledger::roles::{Ancestry, AsideReason, CommitFacts, History, InCut, Standing, WaitingReason, Writes};
use outlay_ledger::signature::verify_batch;
use outlay_ledger::{CommitId, DeviceKey, LedgerId};
use outlay_protocol::session::Outcome;
use outlay_protocol::{Chain, Code};
use rusqlite::{Connection, OptionalExtension};

use super::{LedgerLimits, LedgerRow, access, aside, class, find, is_tied, log, members, pos};
use crate::store::{Effect, Result, Write};

/// A commit with what is known of it before any database is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The commit.
    pub commit: Commit,
    /// Its id.
    pub id: CommitId,
    /// Whether its signature is good.
    pub is_good: bool,
    /// Its bytes.
    pub body: Vec<u8>,
}

impl Signed {
    /// Checks the signatures of commits, all together.
    pub fn check(commits: Vec<(Commit, CommitId)>) -> Vec<Self> {
        let signed: Vec<_> = commits.iter().map(|(commit, id)| (commit.header.device, *id, commit.signature)).collect();
        let good = verify_batch(&signed);
        let checked = commits.into_iter().zip(good);
        checked.map(|((commit, id), is_good)| Self { body: commit.encode(), commit, id, is_good }).collect()
    }
}

/// Who pushes what into which ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The account's row.
    pub aid: i64,
    /// The device.
    pub device: DeviceKey,
    /// The ledger.
    pub ledger: LedgerId,
    /// The commits, ancestors first.
    pub commits: Vec<Signed>,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// One for each commit.
    pub outcomes: Vec<Outcome>,
    /// Whether the device is one of a member now.
    pub is_member: bool,
}

/// Takes a push into a log.
///
/// # Errors
///
/// When the database fails; nothing is stored then. The inner error refuses the whole push: [`Code::NoSuchLedger`], or
/// [`Code::Removed`] for who was a member, whose commits are then kept for an owner where they may be, see [`aside`]; or
/// [`Code::Revoked`] for an account that is no more.
pub fn append(
    write: &mut Write<'_>,
    now_ms: i64,
    limits: &LedgerLimits,
    push: &Push,
) -> Result<std::result::Result<Pushed, Code>> {
    if !write.tx.prepare_cached("SELECT 1 FROM account WHERE aid = ?1")?.exists([push.aid])? {
        // Deleted while this was on its way.
        return Ok(Err(Code::Revoked));
    }
    let is_new = match find(write.tx, &push.ledger)? {
        None => match push.commits.first() {
            Some(first) if is_genesis(first, &push.ledger) => true,
            _ => return Ok(Err(Code::NoSuchLedger)),
        },
        Some(row) => {
            let is_out = access(write.tx, row.lid, &push.device)?.is_none();
            let was_member = is_out && is_tied(write.tx, row.lid, push.aid)?;
            if was_member {
                aside::keep(write, now_ms, &row, push)?;
            }
            if is_out && row.aid != push.aid {
                return Ok(Err(if was_member { Code::Removed } else { Code::NoSuchLedger }));
            }
            false
        }
    };
    if is_new {
        let insert = "INSERT INTO ledger (id, aid, head, chain, bytes) VALUES (?1, ?2, 0, ?3, 0)";
        write.tx.prepare_cached(insert)?.execute((push.ledger.0, push.aid, Chain::START.0))?;
    }
    take(write, now_ms, limits, push)
}

/// Takes the commits of a push whose device may push into this ledger.
pub(super) fn take(
    write: &mut Write<'_>,
    now_ms: i64,
    limits: &LedgerLimits,
    push: &Push,
) -> Result<std::result::Result<Pushed, Code>> {
    let Some(mut appending) = Appending::begin(write, push.ledger, limits)? else { return Ok(Err(Code::NoSuchLedger)) };
    appending.pusher = Some(push.device);
    let mut outcomes = Vec::with_capacity(push.commits.len());
    for signed in &push.commits {
        outcomes.push(appending.push(write, push.aid, signed)?);
    }
    if appending.row.head == 0 {
        write.tx.prepare_cached("DELETE FROM ledger WHERE lid = ?1")?.execute([appending.row.lid])?;
        return Ok(Ok(Pushed { outcomes, is_member: false }));
    }
    let lid = appending.row.lid;
    members::tie(write.tx, lid, push.aid, &push.device)?;
    if appending.roles_changed {
        members::vouch_for_all(write, &mut appending, now_ms)?;
    }
    appending.finish(write)?;
    Ok(Ok(Pushed { outcomes, is_member: access(write.tx, lid, &push.device)?.is_some() }))
}

fn is_genesis(signed: &Signed, ledger: &LedgerId) -> bool {
    signed.commit.header.ledger.is_none() && ledger_of_genesis(&signed.id) == *ledger
}

/// A log that is being appended to.
pub(super) struct Appending<'a> {
    pub(super) ledger: LedgerId,
    pub(super) row: LedgerRow,
    pub(super) history: History,
    pub(super) roles_changed: bool,
    /// Whose device pushes; none when the server itself writes.
    pusher: Option<DeviceKey>,
    limits: &'a LedgerLimits,
    account_bytes: u64,
    bytes_before: u64,
    head_before: u64,
    /// Positions that were looked up: a push names the same predecessors again and again.
    positions: HashMap<CommitId, u64>,
}

impl<'a> Appending<'a> {
    pub(super) fn begin(write: &mut Write<'_>, ledger: LedgerId, limits: &'a LedgerLimits) -> Result<Option<Self>> {
        let Some(row) = find(write.tx, &ledger)? else { return Ok(None) };
        let mut bytes = write.tx.prepare_cached("SELECT bytes FROM account WHERE aid = ?1")?;
        Ok(Some(Self {
            ledger,
            row,
            history: members::take_history(write, ledger, row.lid)?,
            roles_changed: false,
            pusher: None,
            limits,
            account_bytes: bytes.query_row([row.aid], |row| row.get(0)).optional()?.unwrap_or(0),
            bytes_before: row.bytes,
            head_before: row.head,
            positions: HashMap::new(),
        }))
    }

    /// Writes the end of the log, and notes what others are to be told.
    pub(super) fn finish(self, write: &mut Write<'_>) -> Result<()> {
        let Self { row, history, ledger, .. } = self;
        write.memory.histories.insert(row.lid, history);
        if row.head == self.head_before {
            return Ok(());
        }
        let update = "UPDATE ledger SET head = ?2, chain = ?3, bytes = ?4 WHERE lid = ?1";
        write.tx.prepare_cached(update)?.execute((row.lid, row.head, row.chain.0, row.bytes))?;
        let update = "UPDATE account SET bytes = bytes + ?2 WHERE aid = ?1";
        write.tx.prepare_cached(update)?.execute((row.aid, row.bytes - self.bytes_before))?;
        write.effect(Effect::Grown { ledger, head: row.place() });
        Ok(())
    }

    /// Takes one commit.
    pub(super) fn push(&mut self, write: &mut Write<'_>, aid: i64, signed: &Signed) -> Result<Outcome> {
        if signed.commit.ledger(&signed.id) != self.ledger {
            return Ok(Outcome::Refused(Code::WrongLedger, Vec::new()));
        }
        if self.position(write.tx, &signed.id)?.is_some() {
            return Ok(Outcome::Held);
        }
        let (predecessors, missing) = self.predecessors(write.tx, &signed.commit)?;
        if let Err(code) = self.judge_bytes(signed, &missing) {
            let missing = if code == Code::PredecessorsMissing { missing } else { Vec::new() };
            return Ok(Outcome::Refused(code, missing));
        }
        if let Err(code) = self.judge_forks(write.tx, &signed.commit)? {
            return Ok(Outcome::Refused(code, Vec::new()));
        }
        let is_of_members = signed.commit.records.iter().any(|record| record.kind.is_of_members());
        if let Err(code) = self.judge_role(write, signed, is_of_members)? {
            return Ok(Outcome::Refused(code, Vec::new()));
        }
        self.store(write, aid, signed, is_of_members, &predecessors)?;
        if is_of_members {
            members::write_access(write, self.ledger, self.row.lid, &self.history)?;
            self.roles_changed = true;
        }
        Ok(Outcome::Stored(self.row.place()))
    }

    fn judge_bytes(&self, signed: &Signed, missing: &[CommitId]) -> std::result::Result<(), Code> {
        let bytes = signed.body.len() as u64;
        let added = self.row.bytes - self.bytes_before;
        if !signed.is_good {
            Err(Code::Signature)
        } else if signed.body.len() > COMMIT_BYTES_MAX {
            Err(Code::CommitTooBig)
        } else if !missing.is_empty() {
            Err(Code::PredecessorsMissing)
        } else if self.row.bytes + bytes > self.limits.ledger_bytes_max
            || self.account_bytes + added + bytes > self.limits.account_bytes_max
        {
            Err(Code::Quota)
        } else {
            Ok(())
        }
    }

    /// The positions of what a commit is made on top of, and what of it is not here.
    fn predecessors(&mut self, connection: &Connection, commit: &Commit) -> Result<(Vec<u64>, Vec<CommitId>)> {
        let (mut held, mut missing) = (Vec::new(), Vec::new());
        for id in commit.header.previous.iter().chain(&commit.header.member_heads) {
            match self.position(connection, id)? {
                Some(position) => held.push(position),
                None => missing.push(*id),
            }
        }
        Ok((held, missing))
    }

    fn position(&mut self, connection: &Connection, id: &CommitId) -> Result<Option<u64>> {
        if let Some(position) = self.positions.get(id) {
            return Ok(Some(*position));
        }
        let position = log::find(connection, self.row.lid, id)?.map(pos);
        if let Some(position) = position {
            self.positions.insert(*id, position);
        }
        Ok(position)
    }

    /// A commit that opens one more head than a device may have waits; one that closes some is always taken.
    fn judge_forks(&self, connection: &Connection, commit: &Commit) -> Result<std::result::Result<(), Code>> {
        let Some(did) = author(connection, &commit.header.device)? else { return Ok(Ok(())) };
        let count = "SELECT count(*) FROM head WHERE lid = ?1 AND did = ?2";
        let open: usize = connection.prepare_cached(count)?.query_row((self.row.lid, did), |row| row.get(0))?;
        if open < self.limits.device_heads_max {
            return Ok(Ok(()));
        }
        let mut select = connection.prepare_cached("SELECT 1 FROM head WHERE lid = ?1 AND did = ?2 AND seq = ?3")?;
        for id in &commit.header.previous {
            let seq = self.positions.get(id).map(|position| self.row.seq(*position));
            if select.exists((self.row.lid, did, seq))? {
                return Ok(Ok(()));
            }
        }
        Ok(Err(Code::Forks))
    }

    fn judge_role(
        &mut self,
        write: &Write<'_>,
        signed: &Signed,
        is_of_members: bool,
    ) -> Result<std::result::Result<(), Code>> {
        if !is_of_members {
            return Ok(self.standing(write.tx, signed));
        }
        let commit = members::member_commit(write.tx, self.row.lid, signed.id, &signed.commit)?;
        let mut next = self.history.clone();
        next.extend([commit]);
        let device = signed.commit.header.device;
        let had_role = self.history.role_at(&signed.commit.header.member_heads, &device).is_some();
        if !next.roles().is_effective(&signed.id) && !had_role {
            return Ok(Err(Code::ReadOnly));
        }
        if self.is_overfull(&next) {
            return Ok(Err(Code::Quota));
        }
        let before = std::mem::replace(&mut self.history, next);
        // What else is in the commit needs its own right.
        let standing = if writes(&signed.commit) == Writes::Members { Ok(()) } else { self.standing(write.tx, signed) };
        if standing.is_err() {
            self.history = before;
        }
        Ok(standing)
    }

    /// Whether there would be more members or devices than before, and more than there may be.
    fn is_overfull(&self, next: &History) -> bool {
        let size = |history: &History| {
            let members = history.roles().members();
            (members.len(), members.values().map(|member| member.devices.len()).max().unwrap_or(0))
        };
        let (before, after) = (size(&self.history), size(next));
        (after.0 > before.0 && after.0 > self.limits.members_max)
            || (after.1 > before.1 && after.1 > self.limits.member_devices_max)
    }

    fn standing(&mut self, connection: &Connection, signed: &Signed) -> std::result::Result<(), Code> {
        let header = &signed.commit.header;
        let facts = CommitFacts {
            id: signed.id,
            device: header.device,
            member_heads: &header.member_heads,
            on_behalf: header.on_behalf,
            writes: writes(&signed.commit),
        };
        let is_relayed = self.pusher != Some(header.device);
        match self.history.standing(&facts, &NotHeld { connection, lid: self.row.lid }) {
            Standing::Counts | Standing::Waiting(WaitingReason::Cut) => Ok(()),
            // Another member holds it, so it was written before the removal was known: kept for an owner to accept.
            Standing::Aside(AsideReason::Cut { .. }) if is_relayed => Ok(()),
            Standing::Aside(AsideReason::Cut { .. } | AsideReason::NotAMember) => Err(Code::Removed),
            Standing::Aside(_) | Standing::Waiting(WaitingReason::MemberHeads) => Err(Code::ReadOnly),
        }
    }

    fn store(
        &mut self,
        write: &mut Write<'_>,
        aid: i64,
        signed: &Signed,
        is_of_members: bool,
        predecessors: &[u64],
    ) -> Result<()> {
        if self.pusher != Some(signed.commit.header.device) {
            aside::forget(write, &self.row, &signed.id)?;
        }
        let (row, header) = (&mut self.row, &signed.commit.header);
        let did = author_or_new(write.tx, &header.device)?;
        let class = class::class(write.tx, row.lid, &signed.commit)?;
        let fid = feed(write, row.lid, did, &signed.commit)?;
        row.head += 1;
        row.chain = row.chain.next(&signed.id);
        row.bytes += signed.body.len() as u64;
        let seq = row.seq(row.head);
        let insert = "INSERT INTO log (seq, key, id, chain, class, did, fid, first, aid, is_of_members, links, body) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        write.tx.prepare_cached(insert)?.execute(rusqlite::params![
            seq,
            log::key(&signed.id),
            signed.id.0,
            row.chain.0,
            class,
            did,
            fid,
            header.first,
            aid,
            is_of_members,
            log::links(row.head, predecessors),
            signed.body,
        ])?;
        let mut delete = write.tx.prepare_cached("DELETE FROM head WHERE lid = ?1 AND did = ?2 AND seq = ?3")?;
        for id in &header.previous {
            delete.execute((row.lid, did, self.positions.get(id).map(|position| row.seq(*position))))?;
        }
        let insert = "INSERT INTO head (lid, did, seq) VALUES (?1, ?2, ?3)";
        write.tx.prepare_cached(insert)?.execute((row.lid, did, seq))?;
        class::remember(write.tx, row.lid, &signed.commit)?;
        self.positions.insert(signed.id, row.head);
        Ok(())
    }
}

/// What the records of a commit do, as far as it matters who may.
pub(crate) fn writes(commit: &Commit) -> Writes {
    let of = |kind| match kind {
        Kind::Member | Kind::Purge => Writes::Members,
        Kind::Key => Writes::Keys,
        Kind::Change | Kind::Blob | Kind::Unknown(_) => Writes::Expenses,
    };
    commit.records.iter().map(|record| of(record.kind)).max().unwrap_or(Writes::Members)
}

/// The chains of devices, for a commit that is not stored: no stored one builds on it, so it is below a head of a cut only
/// if that head is not stored either.
struct NotHeld<'a> {
    connection: &'a Connection,
    lid: i64,
}

impl Ancestry for NotHeld<'_> {
    fn in_cut(&self, _: CommitId, heads: &[CommitId]) -> InCut {
        let is_held = |head| log::find(self.connection, self.lid, head).is_ok_and(|seq| seq.is_some());
        if heads.iter().all(is_held) { InCut::No } else { InCut::Unknown }
    }
}

fn author(connection: &Connection, device: &DeviceKey) -> Result<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT did FROM author WHERE key = ?1")?;
    Ok(select.query_row([device.0], |row| row.get(0)).optional()?)
}

fn author_or_new(connection: &Connection, device: &DeviceKey) -> Result<i64> {
    if let Some(did) = author(connection, device)? {
        return Ok(did);
    }
    connection.prepare_cached("INSERT INTO author (key) VALUES (?1)")?.execute([device.0])?;
    Ok(connection.last_insert_rowid())
}

fn feed(write: &mut Write<'_>, lid: i64, did: i64, commit: &Commit) -> Result<i64> {
    let feed = commit.header.feed();
    if let Some((fid, _)) = write.memory.feeds.get(&(lid, feed)) {
        return Ok(*fid);
    }
    let prefix = document_prefix(feed);
    let mut select = write.tx.prepare_cached("SELECT fid FROM feed WHERE lid = ?1 AND prefix = ?2 AND did = ?3")?;
    let fid = match select.query_row((lid, prefix, did), |row| row.get(0)).optional()? {
        Some(fid) => fid,
        None => {
            let insert = "INSERT INTO feed (lid, prefix, did) VALUES (?1, ?2, ?3)";
            write.tx.prepare_cached(insert)?.execute((lid, prefix, did))?;
            write.tx.last_insert_rowid()
        }
    };
    write.memory.feeds.insert((lid, feed), (fid, did));
    Ok(fid)
}

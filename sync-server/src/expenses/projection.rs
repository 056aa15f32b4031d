//! The rows of a ledger: folded from its log up to a position, a bounded piece at a time.
//!
//! What counts follows from the member commits of the whole log, whatever the position: where these change what commits
//! before the position are worth, their documents are folded again.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use outlay_ledger::commit::{Commit, Kind};
use outlay_ledger::roles::{Affected, Ancestry, CommitFacts, History, InCut, Standing, affected};
use outlay_ledger::{CommitId, LedgerId};
use rusqlite::{Connection, OptionalExtension};

use super::documents::{Documents, Pending};
use crate::ledgers::append::writes;
use crate::ledgers::log::{self, Visible};
use crate::ledgers::{self, LedgerRow, history_up_to, pos, take_history};
use crate::store::{Result, StoreError, Write};

/// Bytes of commits that are folded in one transaction: some 400 commits of one record, or one full commit of an import.
/// The writer has other things to do.
const STEP_BYTES_MAX: usize = 128 * 1024;

/// How far a ledger is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Projected {
    /// Drawn when it was begun.
    pub era: i64,
    /// Up to where.
    pub position: u64,
    members_position: u64,
}

/// How far a ledger is folded; `None` if nobody has read it yet.
///
/// # Errors
///
/// When the database fails.
pub fn projected(connection: &Connection, lid: i64) -> Result<Option<Projected>> {
    let select = "SELECT era, position, members_position FROM projection WHERE lid = ?1";
    let row = connection.prepare_cached(select)?.query_row([lid], |row| {
        Ok(Projected { era: row.get(0)?, position: row.get(1)?, members_position: row.get(2)? })
    });
    Ok(row.optional()?)
}

/// Folds some more of a ledger's log. Says whether all of it is folded; of a sealed ledger nothing is.
///
/// # Errors
///
/// When the database fails or holds what is no commit.
pub fn step(write: &mut Write<'_>, ledger: &LedgerId) -> Result<bool> {
    let Some(row) = ledgers::find(write.tx, ledger)? else { return Ok(true) };
    let known = projected(write.tx, row.lid)?;
    if known.is_some_and(|known| known.position == row.head) {
        return Ok(true);
    }
    let history = take_history(write, *ledger, row.lid)?;
    let Some(fact_key) = history.roles().fact_key().copied() else {
        write.memory.histories.insert(row.lid, history);
        return Ok(true);
    };
    let projected = match known {
        Some(known) => known,
        None => begin(write, row.lid)?,
    };
    let documents = Documents::new(write.tx, row.lid, fact_key);
    let chains = Chains { connection: write.tx, row, walked: RefCell::default() };
    let mut step = Step { tx: write.tx, row, projected, history, chains, documents };
    let to = step.fold(*ledger)?;
    write.memory.histories.insert(row.lid, step.history);
    Ok(to == row.head)
}

/// Forgets the rows of a ledger: they are made anew by the next steps.
///
/// # Errors
///
/// When the database fails.
pub fn forget(write: &Write<'_>, lid: i64) -> Result<()> {
    for delete in [
        "DELETE FROM expense_search WHERE rowid IN (SELECT rid FROM document WHERE lid = ?1)",
        "DELETE FROM document_record WHERE rid IN (SELECT rid FROM document WHERE lid = ?1)",
        "DELETE FROM fold WHERE rid IN (SELECT rid FROM document WHERE lid = ?1)",
        "DELETE FROM uncounted WHERE seq >> 40 = ?1",
        "DELETE FROM expense WHERE lid = ?1",
        "DELETE FROM category WHERE lid = ?1",
        "DELETE FROM wallet WHERE lid = ?1",
        "DELETE FROM document WHERE lid = ?1",
        "DELETE FROM projection WHERE lid = ?1",
    ] {
        write.tx.prepare_cached(delete)?.execute([lid])?;
    }
    Ok(())
}

fn begin(write: &mut Write<'_>, lid: i64) -> Result<Projected> {
    let era = i64::from(u32::from_be_bytes(write.random()));
    let insert = "INSERT INTO projection (lid, era, position, members_position) VALUES (?1, ?2, 0, 0)";
    write.tx.prepare_cached(insert)?.execute((lid, era))?;
    Ok(Projected { era, position: 0, members_position: 0 })
}

/// A piece of a log that is being folded.
struct Step<'a> {
    tx: &'a Connection,
    row: LedgerRow,
    projected: Projected,
    /// Of the whole log.
    history: History,
    chains: Chains<'a>,
    documents: Documents<'a>,
}

/// Whether the records of a commit are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Counts,
    Aside,
    Waiting,
}

impl Step<'_> {
    /// Says up to where the log is folded then.
    fn fold(&mut self, ledger: LedgerId) -> Result<u64> {
        let from = self.projected.position;
        let page = log::page(self.tx, &self.row, Visible::All, from, self.row.head, STEP_BYTES_MAX)?;
        let to = page.to.pos;
        self.documents.changed = to;
        self.hear_members(ledger)?;
        let mut pending = Pending::default();
        for (at, (commit, id)) in (from + 1..).zip(page.commits) {
            self.take(self.row.seq(at), &commit, id, &mut pending)?;
        }
        self.documents.settle(pending)?;
        let waiting = self.waiting()?;
        self.judge_again(waiting)?;
        let update = "UPDATE projection SET position = ?2, members_position = ?3 WHERE lid = ?1";
        self.tx.prepare_cached(update)?.execute((self.row.lid, to, self.row.head))?;
        Ok(to)
    }

    fn take(&mut self, seq: i64, commit: &Commit, id: CommitId, pending: &mut Pending) -> Result<()> {
        let stands = self.judge(commit, id);
        self.set_standing(seq, stands)?;
        for (n, record) in (commit.header.first..).zip(&commit.records) {
            if record.kind == Kind::Change && record.payload().is_some() {
                let rid = self.documents.enter(seq, n, &commit.document(n, record), pending)?;
                if stands == Stands::Counts {
                    self.documents.admit(rid, commit, n, record, pending);
                }
            }
        }
        Ok(())
    }

    fn judge(&mut self, commit: &Commit, id: CommitId) -> Stands {
        let header = &commit.header;
        // What a newer version wrote, and what is sealed, cannot be read here.
        if header.is_newer() || header.generation != 0 {
            return Stands::Aside;
        }
        let facts = CommitFacts {
            id,
            device: header.device,
            member_heads: &header.member_heads,
            on_behalf: header.on_behalf,
            writes: writes(commit),
        };
        match self.history.standing(&facts, &self.chains) {
            Standing::Counts => Stands::Counts,
            Standing::Aside(_) => Stands::Aside,
            Standing::Waiting(_) => Stands::Waiting,
        }
    }

    fn set_standing(&self, seq: i64, stands: Stands) -> Result<()> {
        if stands == Stands::Counts {
            self.tx.prepare_cached("DELETE FROM uncounted WHERE seq = ?1")?.execute([seq])?;
        } else {
            let insert = "INSERT OR REPLACE INTO uncounted (seq, is_waiting) VALUES (?1, ?2)";
            self.tx.prepare_cached(insert)?.execute((seq, stands == Stands::Waiting))?;
        }
        Ok(())
    }

    /// Judges again what member commits that came since the last step have changed.
    fn hear_members(&mut self, ledger: LedgerId) -> Result<()> {
        let heard = self.projected.members_position;
        if self.projected.position == 0 || !is_of_members_after(self.tx, &self.row, heard)? {
            return Ok(());
        }
        let before = history_up_to(self.tx, ledger, self.row.lid, heard)?;
        let affected = affected(before.roles(), self.history.roles());
        let commits = self.commits_of(&affected)?;
        self.judge_again(commits)
    }

    /// The commits before the position that may stand differently.
    fn commits_of(&self, affected: &Affected) -> Result<BTreeSet<i64>> {
        let (first, last) = (self.row.seq(0), self.row.seq(self.projected.position));
        let select = "SELECT seq FROM log JOIN author USING (did) WHERE author.key = ?1 AND seq > ?2 AND seq <= ?3";
        let mut select = self.tx.prepare_cached(select)?;
        let mut commits = BTreeSet::new();
        for device in &affected.devices {
            let rows = select.query_map((device.0, first, last), |row| row.get(0))?;
            commits.extend(rows.collect::<rusqlite::Result<Vec<i64>>>()?);
        }
        for id in &affected.commits {
            commits.extend(log::find(self.tx, self.row.lid, id)?.filter(|seq| *seq <= last));
        }
        Ok(commits)
    }

    fn waiting(&self) -> Result<BTreeSet<i64>> {
        let select = "SELECT seq FROM uncounted WHERE is_waiting = 1 AND seq > ?1 AND seq <= ?2";
        let mut select = self.tx.prepare_cached(select)?;
        let rows = select.query_map((self.row.seq(0), self.row.seq(self.row.head)), |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn judge_again(&mut self, commits: BTreeSet<i64>) -> Result<()> {
        let mut touched = BTreeSet::new();
        for seq in commits {
            let read = self.documents.commit(seq)?;
            let (commit, id) = &*read;
            let did_count = !self.documents.is_aside(seq)?;
            let stands = self.judge(commit, *id);
            self.set_standing(seq, stands)?;
            if did_count != (stands == Stands::Counts) {
                touched.extend(self.documents.of_commit(commit)?);
            }
        }
        touched.into_iter().try_for_each(|rid| self.documents.refold(rid))
    }
}

fn is_of_members_after(connection: &Connection, row: &LedgerRow, position: u64) -> Result<bool> {
    let select = "SELECT 1 FROM log WHERE is_of_members = 1 AND seq > ?1 AND seq <= ?2";
    Ok(connection.prepare_cached(select)?.exists((row.seq(position), row.seq(row.head)))?)
}

/// The chains of devices, walked in the log.
struct Chains<'a> {
    connection: &'a Connection,
    row: LedgerRow,
    walked: RefCell<HashMap<Vec<CommitId>, Walk>>,
}

/// What lies at and below some heads, and whether all of it is held.
type Walk = (HashSet<CommitId>, bool);

impl Ancestry for Chains<'_> {
    fn in_cut(&self, commit: CommitId, heads: &[CommitId]) -> InCut {
        let mut walked = self.walked.borrow_mut();
        if !walked.contains_key(heads) {
            let Ok(walk) = self.walk(heads) else { return InCut::Unknown };
            walked.insert(heads.to_vec(), walk);
        }
        match walked.get(heads) {
            Some((commits, _)) if commits.contains(&commit) => InCut::Yes,
            Some((_, true)) => InCut::No,
            _ => InCut::Unknown,
        }
    }
}

impl Chains<'_> {
    fn walk(&self, heads: &[CommitId]) -> Result<Walk> {
        let (mut commits, mut is_whole, mut open) = (HashSet::new(), true, heads.to_vec());
        while let Some(id) = open.pop() {
            if commits.contains(&id) {
                continue;
            }
            match log::find(self.connection, self.row.lid, &id)? {
                Some(seq) => open.extend(read_commit(self.connection, seq)?.0.header.previous),
                None => is_whole = false,
            }
            commits.insert(id);
        }
        Ok((commits, is_whole))
    }
}

/// The commit of a row of the log.
pub(crate) fn read_commit(connection: &Connection, seq: i64) -> Result<(Commit, CommitId)> {
    let mut select = connection.prepare_cached("SELECT seq, id, body FROM log WHERE seq = ?1")?;
    let mut rows = select.query([seq])?;
    let mut commits = Vec::new();
    while let Some(row) = rows.next()? {
        log::take(row, 2, &mut commits)?;
    }
    commits.pop().ok_or_else(|| StoreError::Corrupt(format!("no commit at {}", pos(seq))))
}

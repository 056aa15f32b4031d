//! Commits given and taken, so that two replicas can agree without any transport.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, sync_channel};

use outlay_ledger::commit::{Commit, CommitError};
use outlay_ledger::signature::verify_batch;
use outlay_ledger::{CommitId, LedgerId};
use outlay_protocol::batch::{self, BATCH_BYTES_MAX, Limits};

use super::Engine;
use crate::error::{Error, Result};
use crate::model::TakenIn;
use crate::store::standing::{self, Admission, Checked};
use crate::store::{Reading, keys, log};

/// Commits stored in one transaction: so many that a page of an index is written once for many of them, so few that
/// another writer waits a fraction of a second.
pub(super) const COMMITS_PER_TRANSACTION: usize = 5_000;
/// Changes of a chunk that are read before it is the chunk's turn, some 1 KB each. Those of more are read by the writer.
const CHANGES_AHEAD_MAX: usize = 10_000;
/// Checked chunks that may wait for the writer.
pub(super) const CHUNKS_AHEAD: usize = 2;

impl Engine {
    /// The newest commits of each device's chain in a ledger: what tells another replica what is held.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] if the ledger is not on this device.
    pub fn heads(&self, ledger: LedgerId) -> Result<Vec<CommitId>> {
        self.store.read(|connection| log::ledger_heads(connection, keys::ledger_here(connection, ledger)?))
    }

    /// The commits of a ledger that a replica with these heads lacks, each after those it names. With no heads, all.
    ///
    /// Heads that are not held here are ignored: the other replica has something to give too.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] if the ledger is not on this device.
    ///
    /// # Example: two devices of one person
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, Filter, Money, NewExpense, Sort};
    /// let (phone, laptop) = (Engine::open_in_memory()?, Engine::open_in_memory()?);
    /// let home = phone.create_ledger("Home", Currency::EUR)?.id;
    /// phone.admit_device(home, laptop.device_key())?;
    /// for batch in phone.batches(home, &[])? {
    ///     laptop.take_in_batch(&batch)?;
    /// }
    ///
    /// let coffee = laptop.add_expense(home, NewExpense::new(Money::parse("3.40", Currency::EUR)?, "Café"))?;
    /// phone.take_in(&laptop.commits(home, &phone.heads(home)?)?)?;
    /// assert_eq!(phone.expense(home, coffee.id)?, Some(coffee));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn commits(&self, ledger: LedgerId, known: &[CommitId]) -> Result<Vec<Commit>> {
        self.store.read(|connection| {
            let lid = keys::ledger_here(connection, ledger)?;
            let mut reading = Reading::default();
            let known = log::at_and_below(connection, known)?;
            let cids = log::commits_of_ledger(connection, lid)?;
            let lacking = cids.into_iter().filter(|cid| !known.contains(cid));
            lacking.map(|cid| log::load(connection, &mut reading.keys, &mut reading.codec, cid)).collect()
        })
    }

    /// The same commits as [`Engine::commits`], as bytes to be handed over by any means: a file, a cable, a radio.
    ///
    /// Each batch has at most 1 MiB; [`Engine::take_in_batch`] takes them one by one, in any order.
    ///
    /// # Errors
    ///
    /// As [`Engine::commits`].
    pub fn batches(&self, ledger: LedgerId, known: &[CommitId]) -> Result<Vec<Vec<u8>>> {
        let unwritten =
            |error| Error::internal("commits that are held could not be put into a batch").with_source(error);
        let batches = batch::batches(self.commits(ledger, known)?, BATCH_BYTES_MAX);
        batches.map(|batch| batch.map_err(unwritten)).collect()
    }

    /// Takes in a batch that another replica made with [`Engine::batches`].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::InvalidInput`] if the bytes are no batch; then nothing of it is taken in. Otherwise as
    /// [`Engine::take_in`].
    pub fn take_in_batch(&self, bytes: &[u8]) -> Result<TakenIn> {
        let unread = |error| Error::invalid("the bytes are not a batch of commits").with_source(error);
        self.take_in(&batch::decode(bytes, &Limits::default()).map_err(unread)?)
    }

    /// Takes in commits of other devices, in any order. What is refused does not keep the rest from going in.
    ///
    /// Each is stored whole if it is signed by its device. What counts of it is judged by the ledger's members, alike on
    /// every replica; see [`Engine::doctor`] for what is held and does not count. A ledger that was not on this device
    /// is from now on; this device can read it, and write when it is admitted.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::DiskFull`] if there is no room. What was stored before stays; taking the same commits in again
    /// goes on from there.
    pub fn take_in(&self, commits: &[Commit]) -> Result<TakenIn> {
        let chunks: Vec<&[Commit]> = commits.chunks(COMMITS_PER_TRANSACTION).collect();
        let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(chunks.len()).max(1);
        let mut taken = TakenIn::default();
        std::thread::scope(|scope| {
            let mut checked: Vec<Receiver<Vec<Verdict>>> = Vec::with_capacity(workers);
            for worker in 0..workers {
                let (sender, receiver) = sync_channel(CHUNKS_AHEAD);
                let own = chunks.iter().skip(worker).step_by(workers).copied();
                scope.spawn(move || own.map(check).try_for_each(|chunk| sender.send(chunk)));
                checked.push(receiver);
            }
            for (index, chunk) in chunks.iter().enumerate() {
                // A worker ends early only if it panicked, and then the scope panics too.
                let Ok(verdicts) = checked[index % workers].recv() else { break };
                self.take_in_chunk(chunk, verdicts, index * COMMITS_PER_TRANSACTION, &mut taken)?;
            }
            self.maintenance.look()?;
            Ok(taken)
        })
    }

    fn take_in_chunk(
        &self,
        chunk: &[Commit],
        verdicts: Vec<Verdict>,
        offset: usize,
        taken: &mut TakenIn,
    ) -> Result<()> {
        let mut good = Vec::with_capacity(chunk.len());
        for ((index, commit), verdict) in (offset..).zip(chunk).zip(verdicts) {
            match verdict {
                Ok((id, changes)) => good.push(Checked { commit, id, changes }),
                Err(error) => taken.refused.push((index, error)),
            }
        }
        let device = self.device_key();
        let commits: Vec<&Commit> = good.iter().map(|checked| checked.commit).collect();
        let stored = self.write(|write| standing::take_in(write, &device, good))?;
        // A copy of this very process, as of a virtual machine, has written under the same nonce: it is not used again.
        let is_of_copy = |(commit, is_new): (&&Commit, &bool)| *is_new && self.author.writes_as(&commit.header);
        if commits.iter().zip(&stored).any(is_of_copy) {
            self.author.begin_new_feeds();
        }
        let new = stored.iter().filter(|is_new| **is_new).count() as u64;
        taken.stored += new;
        taken.held += stored.len() as u64 - new;
        Ok(())
    }
}

/// The id and the changes of a commit whose signature is good.
pub(crate) type Verdict = std::result::Result<(CommitId, Vec<Option<Admission>>), CommitError>;

/// Does of taking commits in what needs no database: it is done on other threads than the one that writes.
pub(super) fn check(commits: &[Commit]) -> Vec<Verdict> {
    let named: Vec<(&Commit, CommitId)> = commits.iter().map(|commit| (commit, commit.id())).collect();
    check_named(&named)
}

/// The same for commits whose ids are known.
pub(crate) fn check_named(commits: &[(&Commit, CommitId)]) -> Vec<Verdict> {
    let signed: Vec<_> = commits.iter().map(|(commit, id)| (commit.header.device, *id, commit.signature)).collect();
    let good = verify_batch(&signed);
    let mut left = CHANGES_AHEAD_MAX;
    let mut changes = |commit: &Commit| match left.checked_sub(commit.records.len()) {
        Some(rest) => {
            left = rest;
            standing::read_changes(commit)
        }
        None => Vec::new(),
    };
    let verdict = |((commit, id), is_good): (&(&Commit, CommitId), bool)| {
        if is_good { Ok((*id, changes(commit))) } else { Err(CommitError::Signature) }
    };
    commits.iter().zip(good).map(verdict).collect()
}

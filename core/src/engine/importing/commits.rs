//! Commits out of JSON Lines: decoded and their signatures checked on one thread, stored on another.
//!
//! All of a file is taken in in one transaction. A line that is no commit, or one that its device did not sign, is named
//! and does not keep the rest from going in; what of it counts is then judged as of commits that came any other way.

use std::sync::mpsc::{SyncSender, sync_channel};

use outlay_ledger::commit::Commit;
use outlay_ledger::{CommitId, DeviceKey};

use super::{Meter, reject};
use crate::engine::Engine;
use crate::engine::exchange::{CHUNKS_AHEAD, COMMITS_PER_TRANSACTION, check};
use crate::error::{Error, Result};
use crate::import::jsonl::{self, LineError, Lines};
use crate::model::{Imported, Rejected};
use crate::store::standing::{self, Admission, Checked};
use crate::store::{Write, contents, log};

/// Bytes of lines after which a chunk is full: a thousand commits of one entry are half a megabyte, of imports 170.
const CHUNK_BYTES: u64 = 8 * 1024 * 1024;

/// A commit that its device signed, and its changes.
type Good = (Commit, CommitId, Vec<Option<Admission>>);

/// Some commits of a file.
#[derive(Default)]
struct Chunk {
    good: Vec<Good>,
    rejected: Vec<Rejected>,
    is_newer: bool,
    bytes_done: u64,
}

impl Engine {
    pub(super) fn import_commits(&self, bytes: &[u8], dry_run: bool, meter: &mut Meter<'_>) -> Result<Imported> {
        let device = self.device_key();
        let work = |write: &mut Write<'_>| take_in(write, &device, bytes, meter);
        if !dry_run {
            let imported = self.write(work)?;
            // Commits of a copy of this process may be among them: what they number is not numbered again.
            self.author.begin_new_feeds();
            return Ok(imported);
        }
        let imported = self.rehearse(work)?;
        let is_here = |id| self.ledger(id).is_ok();
        Ok(Imported { ledger: imported.ledger.filter(|id| is_here(*id)), ..imported })
    }
}

fn take_in(write: &mut Write<'_>, device: &DeviceKey, bytes: &[u8], meter: &mut Meter<'_>) -> Result<Imported> {
    let before = contents::count_entries(&write.tx)?;
    let mut imported = Imported::default();
    std::thread::scope(|scope| -> Result<()> {
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        scope.spawn(move || read(bytes, &sender));
        for chunk in chunks {
            if chunk.is_newer {
                return Err(jsonl::newer());
            }
            store(write, device, chunk.good, &mut imported)?;
            chunk.rejected.into_iter().try_for_each(|rejected| reject(&mut imported.rejected, rejected))?;
            meter.look(chunk.bytes_done)?;
        }
        Ok(())
    })?;
    imported.added = contents::count_entries(&write.tx)?.saturating_sub(before);
    Ok(imported)
}

fn store(write: &mut Write<'_>, device: &DeviceKey, mut good: Vec<Good>, imported: &mut Imported) -> Result<()> {
    if let (None, Some((commit, id, _))) = (imported.ledger, good.first()) {
        imported.ledger = Some(commit.ledger(id));
    }
    let checked =
        good.iter_mut().map(|(commit, id, changes)| Checked { commit, id: *id, changes: std::mem::take(changes) });
    let is_new = standing::take_in(write, device, checked.collect())?;
    for ((_, id, _), _) in good.iter().zip(is_new).filter(|(_, is_new)| !is_new) {
        let cid = log::find(&write.tx, id)?.ok_or_else(|| Error::internal("a commit that is held was not found"))?;
        imported.duplicates += contents::entries_begun(&write.tx, cid)?;
    }
    Ok(())
}

/// Reads the lines of a file, chunk by chunk, for as long as somebody wants them.
fn read(bytes: &[u8], to: &SyncSender<Chunk>) {
    let mut lines = Lines::new(bytes);
    let mut is_wanted = true;
    while is_wanted {
        let begin = lines.bytes_done();
        let (mut chunk, mut numbers, mut commits) = (Chunk::default(), Vec::new(), Vec::new());
        while commits.len() < COMMITS_PER_TRANSACTION && lines.bytes_done() - begin < CHUNK_BYTES {
            let Some((number, line)) = lines.next() else {
                is_wanted = false;
                break;
            };
            match line_commit(line) {
                Ok(Some(commit)) => {
                    numbers.push(number);
                    commits.push(commit);
                }
                Ok(None) => {}
                Err(LineError::Newer) => chunk.is_newer = true,
                Err(error) => chunk.rejected.push(Rejected { line: number, reason: error.to_string() }),
            }
        }
        let verdicts = check(&commits);
        for ((number, commit), verdict) in numbers.into_iter().zip(commits).zip(verdicts) {
            match verdict {
                Ok((id, changes)) => chunk.good.push((commit, id, changes)),
                Err(error) => chunk.rejected.push(Rejected { line: number, reason: error.to_string() }),
            }
        }
        chunk.rejected.sort_by_key(|rejected| rejected.line);
        chunk.bytes_done = lines.bytes_done();
        is_wanted &= to.send(chunk).is_ok();
    }
}

fn line_commit(line: &[u8]) -> std::result::Result<Option<Commit>, LineError> {
    if jsonl::is_commit(line) { jsonl::read_commit(line).map(Some) } else { jsonl::is_object(line).map(|()| None) }
}

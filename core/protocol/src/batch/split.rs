//! Commits cut into batches of bounded size.

use std::collections::VecDeque;
use std::iter::Fuse;

use outlay_ledger::commit::Commit;

use super::{
    BATCH_BYTES_MAX, BATCH_COMMITS_MAX, BATCH_DECODED_BYTES_MAX, BATCH_RECORDS_MAX, BatchError, encode, memory_bytes,
};

/// How many bytes in memory are tried for one of a batch: what household data rarely exceeds, so that few tries are in vain.
const MEMORY_PER_BYTE: usize = 3;

/// Cuts commits into batches of at most `bytes_max` bytes each, in their order.
///
/// It holds the commits of one batch at a time. A commit that is too big for a batch by itself gives an error in its place,
/// and the ones after it follow.
///
/// ```
/// use outlay_protocol::batch;
/// assert_eq!(batch::batches([], 64 * 1024).count(), 0);
/// ```
pub fn batches<I: IntoIterator<Item = Commit>>(commits: I, bytes_max: usize) -> Batches<I::IntoIter> {
    let bytes_max = bytes_max.min(BATCH_BYTES_MAX);
    Batches { commits: commits.into_iter().fuse(), waiting: VecDeque::new(), bytes_max }
}

/// The iterator that [`batches`] makes.
#[derive(Debug)]
pub struct Batches<I: Iterator<Item = Commit>> {
    commits: Fuse<I>,
    /// Commits that did not fit the last batch.
    waiting: VecDeque<Commit>,
    bytes_max: usize,
}

impl<I: Iterator<Item = Commit>> Iterator for Batches<I> {
    type Item = Result<Vec<u8>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut taken = self.take();
        while !taken.is_empty() {
            match encode(&taken) {
                Ok(batch) if batch.len() <= self.bytes_max => return Some(Ok(batch)),
                Ok(_) | Err(BatchError::TooBig) if taken.len() > 1 => self.put_back(&mut taken),
                Ok(_) => return Some(Err(BatchError::TooBig)),
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}

impl<I: Iterator<Item = Commit>> Batches<I> {
    /// As many commits as may make one batch, and at least one if there is any.
    fn take(&mut self) -> Vec<Commit> {
        let memory_max = self.bytes_max.saturating_mul(MEMORY_PER_BYTE).min(BATCH_DECODED_BYTES_MAX);
        let (mut taken, mut memory, mut records) = (Vec::new(), 0, 0);
        while let Some(commit) = self.waiting.pop_front().or_else(|| self.commits.next()) {
            memory += memory_bytes(&commit);
            records += commit.records.len();
            let fits = memory <= memory_max && records <= BATCH_RECORDS_MAX && taken.len() < BATCH_COMMITS_MAX;
            if !fits && !taken.is_empty() {
                self.waiting.push_front(commit);
                break;
            }
            taken.push(commit);
        }
        taken
    }

    /// Puts the second half back to be taken next.
    fn put_back(&mut self, taken: &mut Vec<Commit>) {
        let second = taken.split_off(taken.len() / 2);
        second.into_iter().rev().for_each(|commit| self.waiting.push_front(commit));
    }
}

//! Pushes on their way into the log: signatures of what has arrived meanwhile are checked together, over connections.
//!
//! One thread checks, the writer's thread stores; while the one is busy, what arrives gathers for its next turn, so that
//! nothing waits for company when there is none. The order of the pushes is kept.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use outlay_ledger::commit::Commit;
use outlay_ledger::{CommitId, LedgerId};
use outlay_protocol::Code;
use outlay_protocol::session::Answer;

use super::Visitor;
use super::answer::{Answered, trouble};
use crate::ledgers::LedgerLimits;
use crate::ledgers::append::{Push, Pushed, Signed, append};
use crate::store::{Result, Write, Writer};

/// Pushes that may wait: eight of each of 128 devices.
const QUEUE_PUSHES_MAX: usize = 1_024;
/// Signatures checked at once: more gain nothing.
const SIGNATURES_MAX: usize = 1_024;
/// How long whoever meets a full queue should wait, in milliseconds.
const BUSY_MS: u32 = 500;

/// A push that nobody has looked at.
pub struct Raw {
    /// Who pushes.
    pub visitor: Visitor,
    /// Into which ledger.
    pub ledger: LedgerId,
    /// What.
    pub commits: Vec<(Commit, CommitId)>,
    /// Unix time in milliseconds.
    pub now_ms: i64,
    /// Whom to tell.
    pub answer: Box<dyn FnOnce(Answered) + Send>,
}

/// A handle on the thread that checks.
#[derive(Clone)]
pub struct Ingest {
    queue: SyncSender<Raw>,
}

impl Ingest {
    /// Starts the thread, which ends when the last handle is dropped.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(writer: Writer, limits: LedgerLimits) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (queue, pushes) = sync_channel(QUEUE_PUSHES_MAX);
        let thread = std::thread::Builder::new().name("ingest".into()).spawn(move || work(&writer, limits, &pushes))?;
        Ok((Self { queue }, thread))
    }

    /// Hands in a push; it is answered in any case.
    pub fn push(&self, push: Raw) {
        match self.queue.try_send(push) {
            Ok(()) => {}
            Err(TrySendError::Full(push)) => (push.answer)(Answer::Refused(Code::Busy, BUSY_MS).into()),
            Err(TrySendError::Disconnected(push)) => (push.answer)(Answer::Refused(Code::ShuttingDown, BUSY_MS).into()),
        }
    }
}

fn work(writer: &Writer, limits: LedgerLimits, pushes: &Receiver<Raw>) {
    while let Ok(first) = pushes.recv() {
        let mut signatures = first.commits.len();
        let mut gathered = vec![first];
        while signatures < SIGNATURES_MAX {
            let Ok(next) = pushes.try_recv() else { break };
            signatures += next.commits.len();
            gathered.push(next);
        }
        store(writer, limits, gathered);
    }
}

fn store(writer: &Writer, limits: LedgerLimits, mut gathered: Vec<Raw>) {
    let counts: Vec<usize> = gathered.iter().map(|push| push.commits.len()).collect();
    let commits = gathered.iter_mut().flat_map(|push| std::mem::take(&mut push.commits)).collect();
    let mut checked = Signed::check(commits).into_iter();
    for (push, count) in gathered.into_iter().zip(counts) {
        let Raw { visitor, ledger, now_ms, answer, .. } = push;
        let commits = checked.by_ref().take(count).collect();
        let push = Push { aid: visitor.aid, device: visitor.device, ledger, commits };
        let job = move |write: &mut Write<'_>| append(write, now_ms, &limits, &push);
        writer.submit_waiting(job, move |result| answer(pushed(ledger, result)));
    }
}

/// What a session is told of a push.
pub(crate) fn pushed(ledger: LedgerId, pushed: Result<std::result::Result<Pushed, Code>>) -> Answered {
    match pushed {
        Ok(Ok(pushed)) => {
            Answered { granted: pushed.is_member.then_some(ledger), ..Answer::Appended(pushed.outcomes).into() }
        }
        Ok(Err(code)) => Answer::Refused(code, 0).into(),
        Err(error) => trouble(&error).into(),
    }
}

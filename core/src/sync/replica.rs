//! The engine's store as a session sees it: what one server holds, and what it sends.
//!
//! A page is checked by worker threads while the one before it is stored, and small pages are stored together: so a page
//! that was taken is durable only after [`EngineReplica::settle`], which everything that reads or answers does first. The
//! cursor moves in the transaction that stores the page, so nothing is ever passed that is not stored.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use outlay_ledger::commit::{Commit, Kind, Record};
use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::{CommitId, DeviceKey, LedgerId};
use outlay_protocol::message::FETCH_IDS_MAX;
use outlay_protocol::session::{Outcome, Owed, Replica};
use outlay_protocol::{Code, Cursor, Ladder, Place};

use super::status::SyncReport;
use crate::Engine;
use crate::engine::exchange;
use crate::error::{Error, Result};
use crate::store::remote::Order;
use crate::store::standing::{self, Admission, Checked};
use crate::store::{Reading, Write, keys, log, remote};

/// Records that may wait to be stored together: so many that a page of an index is written once for many of them, so few
/// that another writer waits a fraction of a second.
const RECORDS_PER_TRANSACTION: usize = 5_000;
/// Records after which a long sync has the search filled and the WAL shortened; less often costs less.
const RECORDS_PER_LOOK: usize = 50_000;
/// Below this many, checking here is quicker than starting threads.
const COMMITS_PER_THREAD_MIN: usize = 64;
/// Commits remembered while they are in flight; the others are looked up.
const IN_FLIGHT_MAX: usize = 100_000;

/// What one server holds of one engine's ledgers.
pub(crate) struct EngineReplica<'e> {
    engine: &'e Engine,
    sid: i64,
    server: [u8; 32],
    reading: Reading,
    pages: Vec<Page>,
    waiting: usize,
    /// Records stored since the search was filled.
    unlooked: usize,
    in_flight: HashMap<CommitId, i64>,
    /// Of ledgers that are being gone through in another order than that of the store.
    orders: HashMap<LedgerId, Order>,
    pub(crate) report: SyncReport,
}

/// Commits that came together, on their way into the store.
struct Page {
    ledger: LedgerId,
    parts: Vec<Part>,
    cursor: Option<Cursor>,
}

/// Some commits of a page with their ids, and which of their signatures are good.
enum Part {
    Checked(CheckedPart),
    Checking(JoinHandle<CheckedPart>),
}

type CheckedPart = Vec<CheckedCommit>;

/// A commit and, if its signature is good, what was read of its changes.
struct CheckedCommit {
    commit: Commit,
    id: CommitId,
    changes: Option<Vec<Option<Admission>>>,
}

impl Part {
    fn begin(commits: Vec<(Commit, CommitId)>) -> Self {
        if commits.len() < COMMITS_PER_THREAD_MIN {
            return Self::Checked(check(commits));
        }
        // The commits go to the thread by a channel, so that they are still here if there is none.
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("outlay-verify".to_owned());
        match thread.spawn(move || check(receiver.recv().unwrap_or_default())) {
            Ok(thread) => {
                let _ = sender.send(commits);
                Self::Checking(thread)
            }
            Err(_) => Self::Checked(check(commits)),
        }
    }

    fn end(self) -> Result<CheckedPart> {
        match self {
            Self::Checked(checked) => Ok(checked),
            Self::Checking(thread) => {
                thread.join().map_err(|_| Error::internal("a page of commits could not be checked"))
            }
        }
    }
}

fn check(commits: Vec<(Commit, CommitId)>) -> CheckedPart {
    let named: Vec<(&Commit, CommitId)> = commits.iter().map(|(commit, id)| (commit, *id)).collect();
    let verdicts = exchange::check_named(&named);
    let checked = |((commit, id), verdict): ((Commit, CommitId), exchange::Verdict)| {
        let changes = verdict.ok().map(|(_, changes)| changes);
        CheckedCommit { commit, id, changes }
    };
    commits.into_iter().zip(verdicts).map(checked).collect()
}

impl Page {
    fn begin(ledger: LedgerId, mut commits: Vec<(Commit, CommitId)>, cursor: Option<Cursor>) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let share = commits.len().div_ceil(workers).max(COMMITS_PER_THREAD_MIN);
        let mut parts = Vec::with_capacity(workers);
        while !commits.is_empty() {
            let rest = commits.split_off(share.min(commits.len()));
            parts.push(Part::begin(commits));
            commits = rest;
        }
        Self { ledger, parts, cursor }
    }
}

/// A page whose signatures are known.
struct CheckedPage {
    ledger: LedgerId,
    parts: Vec<CheckedPart>,
    cursor: Option<Cursor>,
}

impl CheckedPage {
    /// Takes what is in order of it. A commit of another ledger is none of this page.
    fn take_good(&mut self) -> Vec<Checked<'_>> {
        let ledger = self.ledger;
        let own = self.parts.iter_mut().flatten().filter(|one| one.commit.ledger(&one.id) == ledger);
        let good = own.filter_map(|CheckedCommit { commit, id, changes }| {
            changes.take().map(|changes| Checked { commit, id: *id, changes })
        });
        good.collect()
    }

    /// What is not in order of it, before the rest is taken.
    fn bad(&self) -> Vec<CommitId> {
        let bad = self.commits().filter(|one| one.changes.is_none() || one.commit.ledger(&one.id) != self.ledger);
        bad.map(|one| one.id).collect()
    }

    fn commits(&self) -> impl Iterator<Item = &CheckedCommit> {
        self.parts.iter().flatten()
    }
}

impl<'e> EngineReplica<'e> {
    pub(crate) fn new(engine: &'e Engine, remote: &remote::Remote) -> Self {
        Self {
            engine,
            sid: remote.sid,
            server: remote.server,
            reading: Reading::default(),
            pages: Vec::new(),
            waiting: 0,
            unlooked: 0,
            in_flight: HashMap::new(),
            orders: HashMap::new(),
            report: SyncReport::default(),
        }
    }

    /// Lists what is new here and pins the server where this device is an owner: before a connection opens ledgers.
    pub(crate) fn begin(&mut self) -> Result<()> {
        let (engine, sid) = (self.engine, self.sid);
        if engine.store.read(|connection| is_listed(connection, sid))? {
            return Ok(());
        }
        let server = DeviceKey(self.server);
        engine.write_as_syncer(|write| {
            for ledger in remote::unlisted(&write.tx, sid)? {
                remote::list(&write.tx, sid, ledger)?;
            }
            for ledger in remote::unpinned(&write.tx, sid)? {
                pin(engine, write, ledger, server)?;
                remote::set_pinned(&write.tx, sid, ledger)?;
            }
            Ok(())
        })
    }

    /// Offers again what was refused for a reason that may be gone: on a new connection, and now and then.
    pub(crate) fn retry_refused(&mut self) -> Result<bool> {
        let sid = self.sid;
        let codes = self.engine.store.read(|connection| remote::codes(connection, sid))?;
        let again: Vec<u16> = codes.into_iter().filter(|code| is_retried(Code::from_number(*code))).collect();
        if again.is_empty() {
            return Ok(false);
        }
        self.engine.write_as_syncer(|write| remote::offer_again(&write.tx, sid, None, &again))
    }

    pub(crate) fn unlooked(&self) -> usize {
        self.unlooked
    }

    /// Has the search filled and the WAL shortened: now and then in a long sync, and at its end.
    pub(crate) fn look_soon(&mut self) {
        if std::mem::take(&mut self.unlooked) > 0 {
            self.engine.look_soon();
        }
    }

    /// Commits on their way that no answer has come to.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.len() as u64
    }

    /// Stores what was taken and is not stored yet.
    pub(crate) fn settle(&mut self) -> Result<()> {
        self.waiting = 0;
        let pages = std::mem::take(&mut self.pages);
        self.store(pages)
    }

    /// Notes that everything is alike here and there.
    pub(crate) fn caught_up(&mut self) -> Result<()> {
        self.settle()?;
        let (sid, now_ms) = (self.sid, self.engine.options.environment.now_ms());
        self.engine.write_as_syncer(|write| remote::set_caught_up(&write.tx, sid, now_ms))
    }

    fn store(&mut self, pages: Vec<Page>) -> Result<()> {
        if pages.is_empty() {
            return Ok(());
        }
        let mut checked = Vec::with_capacity(pages.len());
        for page in pages {
            let parts = page.parts.into_iter().map(Part::end).collect::<Result<Vec<_>>>()?;
            checked.push(CheckedPage { ledger: page.ledger, parts, cursor: page.cursor });
        }
        let (engine, sid) = (self.engine, self.sid);
        let came = checked.iter().map(|page| page.commits().count()).sum::<usize>();
        let records = checked.iter().flat_map(CheckedPage::commits).map(|one| one.commit.records.len()).sum::<usize>();
        let stored = engine.write_as_syncer(|write| store_pages(engine, write, sid, &mut checked))?;
        if stored.is_of_own_key {
            engine.sync.is_copied.store(true, Ordering::Release);
        }
        if stored.is_of_copy {
            // A copy of this very process has written under the same nonce: it is not used again.
            engine.author.begin_new_feeds();
        }
        self.report.pulled += stored.new;
        self.unlooked += records;
        if self.unlooked > RECORDS_PER_LOOK {
            self.look_soon();
        }
        self.report.damaged += came as u64 - stored.good;
        Ok(())
    }

    fn number_of(&self, write: &Write<'_>, id: &CommitId) -> Result<Option<i64>> {
        match self.in_flight.get(id) {
            Some(cid) => Ok(Some(*cid)),
            None => log::find_while_writing(write, id),
        }
    }

    fn read<T>(&mut self, work: impl FnOnce(&rusqlite::Connection, &mut Reading) -> Result<T>) -> Result<T> {
        self.settle()?;
        let reading = &mut self.reading;
        self.engine.store.read(|connection| work(connection, reading))
    }
}

fn is_listed(connection: &rusqlite::Connection, sid: i64) -> Result<bool> {
    Ok(remote::unlisted(connection, sid)?.is_empty() && remote::unpinned(connection, sid)?.is_empty())
}

/// Lets the server vouch for further devices of the ledger's members, and write what they ask it to without an app, unless it
/// was told before what it may do.
fn pin(engine: &Engine, write: &mut Write<'_>, ledger: LedgerId, server: DeviceKey) -> Result<()> {
    let lid = keys::ledger_here(&write.tx, ledger)?;
    if standing::is_server_known(write, lid, &server)? {
        return Ok(());
    }
    let mut draft = engine.author.draft(write, ledger)?;
    draft.member(&MemberOperation::Server { key: server, up_to: Role::Editor, on_behalf: true })?;
    draft.finish()?;
    Ok(())
}

/// What came of pages.
#[derive(Default)]
struct Stored {
    /// Commits that were in order.
    good: u64,
    /// Commits of these that were not held before.
    new: u64,
    /// Whether one of these is of this process's own feed.
    is_of_copy: bool,
    /// Whether one of these is of this device's key, and was written by another database.
    is_of_own_key: bool,
}

/// Stores pages and moves their cursors.
fn store_pages(engine: &Engine, write: &mut Write<'_>, sid: i64, pages: &mut [CheckedPage]) -> Result<Stored> {
    let device = engine.device_key();
    let mut came = Stored::default();
    for page in pages {
        let (ledger, cursor, bad) = (page.ledger, page.cursor, page.bad());
        let good = page.take_good();
        remote::leave_out(&write.tx, sid, ledger, &bad, good.iter().map(|one| one.id))?;
        if !good.is_empty() {
            let commits: Vec<(&Commit, CommitId)> = good.iter().map(|one| (one.commit, one.id)).collect();
            remote::examine(&write.tx, sid, write.next_seq - 1, &[])?;
            let stored = standing::take_in(write, &device, good)?;
            remote::examined(&write.tx, sid, write.next_seq - 1)?;
            let lid = keys::ledger_here(&write.tx, ledger)?;
            let mut is_of_own_key = false;
            for ((commit, id), is_new) in commits.iter().zip(stored) {
                if is_new {
                    came.new += 1;
                    came.is_of_copy |= engine.author.writes_as(&commit.header);
                    is_of_own_key |= commit.header.device == device && !is_admission(commit);
                } else if let Some(cid) = log::find_while_writing(write, id)? {
                    remote::settle(&write.tx, sid, lid, cid)?;
                }
            }
            if is_of_own_key && remote::had_everything(&write.tx, sid, ledger)? {
                remote::set_copied(&write.tx, true)?;
                came.is_of_own_key = true;
            }
            offer_again_after(write, sid, lid, &commits)?;
            came.good += commits.len() as u64;
        }
        if let Some(cursor) = &cursor {
            remote::move_cursor(&write.tx, sid, ledger, cursor)?;
        }
    }
    Ok(came)
}

/// Whether a commit does nothing but admit the device that signed it: it was sent to the server and kept nowhere here.
fn is_admission(commit: &Commit) -> bool {
    let is_join = |record: &Record| {
        let operation = record.payload().filter(|_| record.kind == Kind::Member).map(MemberOperation::decode);
        matches!(operation, Some(Ok(MemberOperation::Join { .. })))
    };
    commit.records.iter().all(is_join)
}

/// What came may be what a refusal waited for: a role, or predecessors.
fn offer_again_after(write: &Write<'_>, sid: i64, lid: i64, commits: &[(&Commit, CommitId)]) -> Result<()> {
    let is_of_members = |(commit, _): &(&Commit, CommitId)| {
        commit.records.iter().any(|record| matches!(record.kind, Kind::Member | Kind::Key | Kind::Purge))
    };
    if commits.iter().any(is_of_members) {
        let codes = [Code::ReadOnly, Code::Removed, Code::NoSuchLedger, Code::KeyGeneration].map(Code::number);
        remote::offer_again(&write.tx, sid, Some(lid), &codes)?;
    }
    remote::offer_again(&write.tx, sid, Some(lid), &[Code::PredecessorsMissing.number()])?;
    Ok(())
}

/// Whether a commit refused for this is offered again. One that is not in order stays as it is.
fn is_retried(code: Code) -> bool {
    code.then() != outlay_protocol::Then::Kept
}

impl Replica for EngineReplica<'_> {
    type Error = Error;

    fn ledgers(&mut self) -> Result<Vec<LedgerId>> {
        self.begin()?;
        let sid = self.sid;
        self.read(|connection, _| remote::ledgers(connection, sid))
    }

    fn place(&mut self, ledger: LedgerId) -> Result<(Option<Cursor>, Option<Place>)> {
        let sid = self.sid;
        self.read(|connection, _| remote::place(connection, sid, ledger))
    }

    fn heads(&mut self, ledger: LedgerId) -> Result<Vec<Ladder>> {
        self.read(|connection, _| {
            keys::ledger(connection, ledger)?.map_or(Ok(Vec::new()), |lid| remote::ladders(connection, lid))
        })
    }

    fn owed(&mut self, ledger: LedgerId, after: Option<u64>, bytes_max: usize) -> Result<Owed> {
        let mut order = self.orders.remove(&ledger).filter(|_| after.is_some());
        let (sid, is_begin, after) = (self.sid, after.is_none(), after.map_or(0, log::to_i64));
        let queue = self.read(|connection, reading| {
            let Some(lid) = keys::ledger(connection, ledger)? else { return Ok(None) };
            if is_begin {
                order = remote::order(connection, sid, lid)?;
            }
            let queue = match &mut order {
                Some(order) => remote::queue_in_order(connection, reading, sid, lid, order, bytes_max),
                None => remote::queue(connection, reading, sid, lid, after, bytes_max),
            };
            queue.map(Some)
        })?;
        let mut owed = Owed { last: after.unsigned_abs(), ..Owed::default() };
        let Some(queue) = queue else { return Ok(owed) };
        owed.more = queue.is_more;
        for (cid, id, commit) in queue.commits {
            if self.in_flight.len() < IN_FLIGHT_MAX {
                self.in_flight.insert(id, cid);
            }
            owed.last = cid.unsigned_abs();
            owed.commits.push((commit, id));
        }
        if let Some(order) = order {
            // Where to go on once all of it was given; until then the rest is at hand.
            owed.last = order.greatest.unsigned_abs();
            if !order.is_through() {
                self.orders.insert(ledger, order);
            }
        }
        Ok(owed)
    }

    fn take(&mut self, ledger: LedgerId, commits: Vec<(Commit, CommitId)>, cursor: Option<Cursor>) -> Result<()> {
        // What came before is stored while the threads check this one.
        let coming: usize = commits.iter().map(|(commit, _)| commit.records.len()).sum();
        let page = Page::begin(ledger, commits, cursor);
        if self.waiting + coming > RECORDS_PER_TRANSACTION {
            self.settle()?;
        }
        self.waiting += coming;
        self.pages.push(page);
        Ok(())
    }

    fn set_cursor(&mut self, ledger: LedgerId, cursor: Cursor, highest: Place) -> Result<()> {
        self.settle()?;
        let sid = self.sid;
        self.engine.write_as_syncer(|write| remote::set_cursor(&write.tx, sid, ledger, &cursor, highest))
    }

    fn acknowledged(
        &mut self,
        ledger: LedgerId,
        commits: &[CommitId],
        outcomes: &[Outcome],
        cursor: Option<Cursor>,
        highest: Place,
    ) -> Result<()> {
        self.settle()?;
        let (sid, now_ms) = (self.sid, self.engine.options.environment.now_ms());
        let own = &*self;
        self.engine.write_as_syncer(|write| {
            let lid = keys::ledger_here(&write.tx, ledger)?;
            let mut numbered = Vec::with_capacity(commits.len());
            for (id, outcome) in commits.iter().zip(outcomes) {
                numbered.extend(own.number_of(write, id)?.map(|cid| (cid, outcome)));
            }
            let last = numbered.iter().map(|(cid, _)| *cid).max().unwrap_or(0);
            let passed: Vec<i64> =
                numbered.iter().filter(|(_, outcome)| is_held(outcome)).map(|(cid, _)| *cid).collect();
            remote::examine(&write.tx, sid, last, &passed)?;
            for cid in &passed {
                remote::settle(&write.tx, sid, lid, *cid)?;
            }
            if !passed.is_empty() {
                remote::offer_again(&write.tx, sid, Some(lid), &[Code::PredecessorsMissing.number()])?;
            }
            for (cid, outcome) in numbered {
                if let Outcome::Refused(code, lacking) = outcome {
                    refuse(write, sid, lid, cid, *code, lacking, now_ms)?;
                }
            }
            if let Some(cursor) = &cursor {
                remote::move_cursor(&write.tx, sid, ledger, cursor)?;
            }
            remote::raise_highest(&write.tx, sid, ledger, highest)
        })?;
        for id in commits {
            self.in_flight.remove(id);
        }
        let stored = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Stored(_))).count() as u64;
        self.report.pushed += stored;
        self.report.refused += outcomes.iter().filter(|outcome| !is_held(outcome)).count() as u64;
        Ok(())
    }

    fn server_holds(&mut self, ledger: LedgerId, heads: &[Ladder]) -> Result<()> {
        self.settle()?;
        self.in_flight.clear();
        let ids: Vec<CommitId> = heads.iter().flat_map(|ladder| ladder.ids.iter().copied()).collect();
        let sid = self.sid;
        self.engine.write_as_syncer(|write| remote::hold_at_and_below(write, sid, ledger, &ids))
    }

    fn offered(&mut self, ledgers: &[LedgerId]) -> Result<()> {
        self.settle()?;
        let sid = self.sid;
        self.engine.write_as_syncer(|write| {
            ledgers.iter().try_for_each(|ledger| remote::list(&write.tx, sid, *ledger).map(drop))
        })
    }

    fn refused(&mut self, ledger: Option<LedgerId>, code: Code) -> Result<()> {
        self.settle()?;
        let Some(ledger) = ledger else { return Ok(()) };
        let sid = self.sid;
        self.engine.write_as_syncer(|write| remote::set_code(&write.tx, sid, ledger, Some(code.number())))
    }

    fn missing(&mut self, ledger: LedgerId) -> Result<Vec<CommitId>> {
        self.read(|connection, _| {
            keys::ledger(connection, ledger)?
                .map_or(Ok(Vec::new()), |lid| remote::missing(connection, lid, FETCH_IDS_MAX))
        })
    }
}

const fn is_held(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Stored(_) | Outcome::Held)
}

/// Keeps a refusal. If it is for predecessors that were thought to be there, they are owed again, and it with them.
fn refuse(
    write: &Write<'_>,
    sid: i64,
    lid: i64,
    cid: i64,
    code: Code,
    lacking: &[CommitId],
    now_ms: i64,
) -> Result<()> {
    let mut is_news = false;
    for id in lacking {
        if let Some(cid) = log::find_while_writing(write, id)? {
            is_news |= remote::owe(&write.tx, sid, lid, cid)?;
        }
    }
    if is_news && code == Code::PredecessorsMissing {
        remote::owe(&write.tx, sid, lid, cid)?;
        return Ok(());
    }
    remote::refuse(&write.tx, sid, lid, cid, code.number(), now_ms)
}

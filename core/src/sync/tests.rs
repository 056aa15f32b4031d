//! What a server holds, kept by the store: against a log that does what a server's does, and no session between them.

mod sessions;
mod silence;

use std::collections::HashSet;

use outlay_ledger::commit::Commit;
use outlay_ledger::{CommitId, Currency, LedgerId};
use outlay_protocol::session::{Outcome, Replica};
use outlay_protocol::{Chain, Code, Cursor, Epoch, Ladder, Place};

use super::replica::EngineReplica;
use crate::store::remote;
use crate::{Edit, Engine, Expense, Filter, Money, NewExpense, Sort};

const SERVER: [u8; 32] = [9; 32];
const PUSH_BYTES: usize = 4_000;

/// A server's log of one ledger.
struct Log {
    epoch: Epoch,
    commits: Vec<(Commit, CommitId)>,
    /// Refuses what it says yes to.
    refuses: fn(&Commit) -> Option<Code>,
}

impl Log {
    fn new() -> Self {
        Self { epoch: Epoch([1; 16]), commits: Vec::new(), refuses: |_| None }
    }

    fn place(&self, pos: usize) -> Place {
        let chain = self.commits[..pos].iter().fold(Chain::START, |chain, (_, id)| chain.next(id));
        Place { pos: pos as u64, chain: if pos == 0 { [0; 8] } else { chain.mark() } }
    }

    fn cursor(&self, pos: usize) -> Cursor {
        Cursor { epoch: self.epoch.mark(), at: self.place(pos), complete_from: 0 }
    }

    fn holds(&self, id: &CommitId) -> bool {
        self.commits.iter().any(|(_, held)| held == id)
    }

    /// The ids that are at or below some.
    fn at_and_below(&self, ids: Vec<CommitId>) -> HashSet<CommitId> {
        let mut found: HashSet<CommitId> = ids.into_iter().filter(|id| self.holds(id)).collect();
        for (commit, id) in self.commits.iter().rev() {
            if found.contains(id) {
                found.extend(commit.header.previous.iter().copied());
            }
        }
        found
    }

    /// The heads of all devices, each with what is below it.
    fn ladders(&self) -> Vec<Ladder> {
        let named: HashSet<CommitId> =
            self.commits.iter().flat_map(|(commit, _)| commit.header.previous.clone()).collect();
        let heads = self.commits.iter().filter(|(_, id)| !named.contains(id));
        heads.map(|(_, id)| Ladder { ids: vec![*id] }).collect()
    }

    fn append(&mut self, commit: Commit, id: CommitId) -> Outcome {
        if self.holds(&id) {
            return Outcome::Held;
        }
        let lacking: Vec<CommitId> = commit.header.previous.iter().filter(|id| !self.holds(id)).copied().collect();
        if !lacking.is_empty() {
            return Outcome::Refused(Code::PredecessorsMissing, lacking);
        }
        if let Some(code) = (self.refuses)(&commit) {
            return Outcome::Refused(code, Vec::new());
        }
        self.commits.push((commit, id));
        Outcome::Stored(self.place(self.commits.len()))
    }
}

fn device(log: &Engine) -> EngineReplica<'_> {
    let remote = log.write_as_syncer(|write| remote::enter(&write.tx, &SERVER, "a", "", "")).unwrap();
    EngineReplica::new(log, &remote)
}

/// Makes the server that of the engine's account.
fn sign_in(engine: &Engine) {
    let signed_in = engine.write(|write| {
        let remote = remote::enter(&write.tx, &SERVER, "a", "http://127.0.0.1", "")?;
        remote::set_current(&write.tx, Some(remote.sid))
    });
    signed_in.unwrap();
}

fn push(replica: &mut EngineReplica<'_>, ledger: LedgerId, log: &mut Log) -> usize {
    let (mut after, mut pushed) = (None, 0);
    loop {
        let owed = replica.owed(ledger, after, PUSH_BYTES).unwrap();
        if owed.commits.is_empty() {
            return pushed;
        }
        pushed += owed.commits.len();
        let ids: Vec<CommitId> = owed.commits.iter().map(|(_, id)| *id).collect();
        let outcomes: Vec<Outcome> = owed.commits.into_iter().map(|(commit, id)| log.append(commit, id)).collect();
        replica.acknowledged(ledger, &ids, &outcomes, None, log.place(log.commits.len())).unwrap();
        after = Some(owed.last);
    }
}

fn pull(replica: &mut EngineReplica<'_>, ledger: LedgerId, log: &Log) -> usize {
    let from = replica.place(ledger).unwrap().0.map_or(0, |cursor| usize::try_from(cursor.at.pos).unwrap());
    let mut pos = from;
    for page in log.commits[from..].chunks(7) {
        pos += page.len();
        replica.take(ledger, page.to_vec(), Some(log.cursor(pos))).unwrap();
    }
    replica.settle().unwrap();
    pos - from
}

fn sync(engine: &Engine, ledger: LedgerId, log: &mut Log) -> (usize, usize) {
    let mut replica = device(engine);
    assert!(replica.ledgers().unwrap().contains(&ledger));
    let pushed = push(&mut replica, ledger, log);
    (pushed, pull(&mut replica, ledger, log))
}

fn add(engine: &Engine, ledger: LedgerId, payee: &str) -> Expense {
    engine.add_expense(ledger, NewExpense::new(Money::parse("1.50", Currency::EUR).unwrap(), payee)).unwrap()
}

fn shown(engine: &Engine, ledger: LedgerId) -> Vec<Expense> {
    let mut all = engine.query(ledger, &Filter::default(), Sort::Newest, None, 500).unwrap().expenses;
    all.sort_by_key(|expense| expense.id);
    all
}

fn offer(engine: &Engine, ledger: LedgerId) {
    device(engine).offered(&[ledger]).unwrap();
}

/// A device with a ledger that a second device was admitted to, both known to the log.
fn two_devices() -> (Engine, Engine, LedgerId, Log) {
    let (ana, ben) = (Engine::open_in_memory().unwrap(), Engine::open_in_memory().unwrap());
    let home = ana.create_ledger("Home", Currency::EUR).unwrap().id;
    ana.admit_device(home, ben.device_key()).unwrap();
    let mut log = Log::new();
    sync(&ana, home, &mut log);
    offer(&ben, home);
    sync(&ben, home, &mut log);
    (ana, ben, home, log)
}

fn rows(engine: &Engine, table: &str) -> i64 {
    engine.store.read(|connection| remote::rows(connection, table)).unwrap()
}

#[test]
fn two_devices_show_the_same_through_a_log_and_then_owe_nothing() {
    let (ana, ben, home, mut log) = two_devices();
    let lunch = add(&ana, home, "Lunch");
    sync(&ana, home, &mut log);
    sync(&ben, home, &mut log);
    ben.edit_expense(home, lunch.id, Edit { payee: Some("Late lunch".to_owned()), ..Edit::default() }).unwrap();
    add(&ben, home, "Tea");
    sync(&ben, home, &mut log);
    sync(&ana, home, &mut log);
    assert_eq!(shown(&ana, home).len(), 2);
    assert_eq!(shown(&ana, home), shown(&ben, home));
    for engine in [&ana, &ben] {
        assert_eq!(sync(engine, home, &mut log), (0, 0));
        assert_eq!(rows(engine, "owed"), 0, "what is in order needs no rows");
    }
}

#[test]
fn what_was_recorded_for_months_without_an_account_goes_up_whole() {
    let ana = Engine::open_in_memory().unwrap();
    let home = ana.create_ledger("Home", Currency::EUR).unwrap().id;
    for day in 0..60 {
        add(&ana, home, &format!("Shop {day}"));
    }
    let (mut log, commits) = (Log::new(), ana.commits(home, &[]).unwrap().len());
    let (pushed, _) = sync(&ana, home, &mut log);
    assert_eq!(pushed, commits + 1, "and the server is pinned");
    let ben = Engine::open_in_memory().unwrap();
    offer(&ben, home);
    sync(&ben, home, &mut log);
    assert_eq!(shown(&ana, home), shown(&ben, home));
}

#[test]
fn a_server_is_pinned_once() {
    let ana = Engine::open_in_memory().unwrap();
    let home = ana.create_ledger("Home", Currency::EUR).unwrap().id;
    let before = ana.commits(home, &[]).unwrap().len();
    for _ in 0..3 {
        device(&ana).ledgers().unwrap();
    }
    assert_eq!(ana.commits(home, &[]).unwrap().len(), before + 1);
}

#[test]
fn a_commit_that_is_refused_stays_with_its_reason_and_blocks_no_other() {
    let (ana, ben, home, mut log) = two_devices();
    let before = log.commits.len();
    log.refuses = |_| Some(Code::Quota);
    let kept = add(&ben, home, "Kept");
    sync(&ben, home, &mut log);
    assert_eq!(log.commits.len(), before);
    log.refuses = |commit| (commit.header.time_ms < 0).then_some(Code::Quota);
    add(&ana, home, "Another");
    sync(&ana, home, &mut log);
    assert_eq!(log.commits.len(), before + 1, "another device goes on");
    let mut replica = device(&ben);
    assert!(replica.owed(home, None, PUSH_BYTES).unwrap().commits.is_empty(), "it is not offered over and over");
    let sid = 1;
    let standing = ben.store.read(|connection| remote::standings(connection, sid)).unwrap();
    assert_eq!(standing[0].refused.iter().map(|(code, count, _)| (*code, *count)).collect::<Vec<_>>(), [(502, 1)]);
    assert_eq!(standing[0].owed, 1);

    log.refuses = |_| None;
    assert!(replica.retry_refused().unwrap());
    sync(&ben, home, &mut log);
    sync(&ana, home, &mut log);
    assert!(shown(&ana, home).contains(&kept), "it goes up when there is room");
}

#[test]
fn a_server_that_lost_its_end_gets_it_back_from_whoever_holds_it() {
    let (ana, ben, home, mut log) = two_devices();
    for payee in ["one", "two", "three", "four"] {
        add(&ana, home, payee);
        sync(&ana, home, &mut log);
    }
    sync(&ben, home, &mut log);
    let (whole, old) = (log.commits.clone(), log.commits.len() - 3);
    log.commits.truncate(old);
    log.epoch = Epoch([2; 16]);

    let mut replica = device(&ben);
    // The server's heads: the last commit of its log, which is of ana's chain.
    replica.server_holds(home, &[Ladder { ids: vec![log.commits[old - 1].1] }]).unwrap();
    // A cursor of before might fit again after another rollback, and what is owed would be forgotten.
    assert_eq!(replica.place(home).unwrap(), (None, None));
    replica.set_cursor(home, log.cursor(old), log.place(old)).unwrap();
    let pushed = push(&mut replica, home, &mut log);
    assert_eq!(pushed, 3, "exactly what it lacks");
    assert_eq!(replica.place(home).unwrap(), (Some(log.cursor(old)), Some(log.place(old + 3))));
    let sorted = |log: &[(Commit, CommitId)]| {
        let mut ids: Vec<CommitId> = log.iter().map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(sorted(&log.commits), sorted(&whole));
}

#[test]
fn what_came_newest_first_goes_up_ancestors_first_to_a_server_that_was_rolled_back() {
    let (ana, ben, home, mut log) = two_devices();
    let known = log.commits.len();
    for number in 0..60 {
        add(&ana, home, &format!("Shop {number}"));
    }
    sync(&ana, home, &mut log);
    let mut replica = device(&ben);
    let mut months: Vec<_> = log.commits[known..].chunks(20).collect();
    months.reverse();
    months.iter().for_each(|month| replica.take(home, month.to_vec(), None).unwrap());
    let end = log.commits.len();
    replica.set_cursor(home, log.cursor(end), log.place(end)).unwrap();
    assert_eq!(shown(&ben, home), shown(&ana, home));

    log.commits.truncate(known);
    replica.server_holds(home, &log.ladders()).unwrap();
    assert_eq!(push(&mut replica, home, &mut log), 60, "each is sent once");
    assert_eq!(log.commits.len(), end, "and none was refused");
    let more = add(&ben, home, "More");
    assert_eq!(push(&mut replica, home, &mut log), 1, "what is new goes up by itself");
    sync(&ana, home, &mut log);
    assert!(shown(&ana, home).contains(&more));
}

#[test]
fn predecessors_that_a_server_turns_out_to_lack_go_up_first() {
    let (ana, _, home, mut log) = two_devices();
    add(&ana, home, "one");
    add(&ana, home, "two");
    sync(&ana, home, &mut log);
    // Silently gone: a fault that no epoch tells of.
    log.commits.pop();
    let kept = add(&ana, home, "three");
    let mut replica = device(&ana);
    assert_eq!(push(&mut replica, home, &mut log), 1, "it is refused");
    assert_eq!(push(&mut replica, home, &mut log), 2, "and goes up with what it stands on");
    assert!(push(&mut replica, home, &mut log) == 0 && shown(&ana, home).contains(&kept));
}

#[test]
fn a_forged_commit_and_one_of_another_ledger_are_left_out_of_a_page() {
    let (ana, ben, home, mut log) = two_devices();
    let other = ana.create_ledger("Other", Currency::EUR).unwrap().id;
    let stray = ana.commits(other, &[]).unwrap().remove(0);
    add(&ana, home, "good");
    sync(&ana, home, &mut log);
    let (good, id) = log.commits.last().cloned().unwrap();
    let mut forged = good.clone();
    forged.header.time_ms += 1;
    let forged_id = forged.id();
    let mut replica = device(&ben);
    let stray_id = stray.id();
    let page = vec![(forged, forged_id), (stray, stray_id), (good, id)];
    let end = log.commits.len();
    replica.take(home, page, Some(log.cursor(end))).unwrap();
    replica.settle().unwrap();
    assert_eq!((replica.report.pulled, replica.report.damaged), (1, 2));
    sign_in(&ben);
    let left_out = || ben.sync_status().unwrap().ledgers[0].left_out;
    assert_eq!(left_out(), 2, "it is said for as long as it is so");
    assert_eq!(shown(&ben, home), shown(&ana, home));
    assert!(ben.ledger(other).is_err());
    assert_eq!(replica.place(home).unwrap().0, Some(log.cursor(end)));
}

#[test]
fn a_commit_that_was_left_out_and_comes_in_order_is_no_longer_said() {
    let (ana, ben, home, mut log) = two_devices();
    add(&ana, home, "good");
    sync(&ana, home, &mut log);
    let (good, id) = log.commits.last().cloned().unwrap();
    let mut damaged = good.clone();
    damaged.signature[7] ^= 1;
    let mut replica = device(&ben);
    sign_in(&ben);
    for (commit, left_out) in [(damaged, 1), (good, 0)] {
        replica.take(home, vec![(commit, id)], None).unwrap();
        replica.settle().unwrap();
        assert_eq!(ben.sync_status().unwrap().ledgers[0].left_out, left_out);
    }
    assert_eq!(shown(&ben, home), shown(&ana, home));
}

#[test]
fn ladders_name_complete_heads_and_ever_older_ancestors() {
    let ana = Engine::open_in_memory().unwrap();
    let home = ana.create_ledger("Home", Currency::EUR).unwrap().id;
    for _ in 0..20 {
        add(&ana, home, "Shop");
    }
    let all: Vec<CommitId> = ana.commits(home, &[]).unwrap().iter().map(Commit::id).collect();
    let newest = |back: usize| all[all.len() - 1 - back];
    let ladder = Ladder { ids: [0, 1, 2, 4, 8, 16].map(newest).to_vec() };
    assert_eq!(device(&ana).heads(home).unwrap(), [ladder]);

    // A device that lacks one in the middle has its head below the gap.
    let ben = Engine::open_in_memory().unwrap();
    let mut commits = ana.commits(home, &[]).unwrap();
    commits.remove(10);
    ben.take_in(&commits).unwrap();
    assert_eq!(device(&ben).heads(home).unwrap()[0].ids[0], all[9]);
    assert_eq!(device(&ben).missing(home).unwrap(), [all[10]]);
}

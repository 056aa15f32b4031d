//! Expenses as households have them, in commits as devices make them. Everything follows from a seed.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

use outlay_ledger::change::{Change, Scalar};
use outlay_ledger::commit::{
    ActorForm, Body, Commit, FORMAT_VERSION, Header, Kind, Record, Salts, derived_document, fact_document, feed, salt,
};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Input, Put};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{
    ActionId, ChangeHash, CommitId, Date, DocumentId, Entry, EntryKind, FeedId, LedgerId, MemberId, Money, Month,
};

pub(crate) const FACT_KEY: [u8; 32] = [0x3f; 32];
pub(crate) const LEDGER: LedgerId = LedgerId([0x1e; 16]);
/// 2024-01-01 and the days of 36 months.
const FIRST_DAY: i32 = 19_723;
const DAYS: u64 = 1_096;
const START_MS: i64 = 1_704_099_600_000;

/// Random numbers from a seed.
pub(crate) struct Dice(blake3::OutputReader);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(blake3::Hasher::new().update(b"outlay/test/dice").update(&seed.to_be_bytes()).finalize_xof())
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        u64::from_be_bytes(self.bytes()) % end
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("an index")
    }
}

/// What the expenses of one household have in common.
pub(crate) struct Household {
    accounts: Vec<[u8; 16]>,
    categories: Vec<[u8; 16]>,
    payees: Vec<String>,
    words: Vec<String>,
}

impl Household {
    /// 3 accounts, 12 categories, 200 payees, and the 500 words of its notes.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let words: Vec<String> = (0..500).map(|_| word(dice)).collect();
        let payee = |dice: &mut Dice| {
            let (first, second) = (&words[dice.index(words.len())], &words[dice.index(words.len())]);
            format!("{}{} {second}", first[..1].to_uppercase(), &first[1..])
        };
        Self {
            accounts: (0..3).map(|_| dice.bytes()).collect(),
            categories: (0..12).map(|_| dice.bytes()).collect(),
            payees: (0..200).map(|_| payee(dice)).collect(),
            words,
        }
    }

    fn note(&self, dice: &mut Dice) -> String {
        let mut note = self.words[dice.index(self.words.len())].clone();
        while note.len() < 30 {
            note = format!("{note} {}", self.words[dice.index(self.words.len())]);
        }
        note
    }

    fn puts(&self, date: Date, dice: &mut Dice) -> Vec<Put> {
        let minor = i64::try_from(100 + dice.below(20_000)).expect("an amount");
        let amount = Money::new(minor, "EUR".parse().expect("a currency")).expect("money");
        vec![
            Put::new(field::ACCOUNT, Scalar::Bytes(self.accounts[dice.index(3)].to_vec())),
            Put::new(field::CATEGORY, Scalar::Bytes(self.categories[dice.index(12)].to_vec())),
            Put::new(field::DATE, Scalar::Int(i64::from(date.days()))),
            Put::new(field::MONEY, Scalar::Bytes(Entry::new(EntryKind::Expense, amount).encode())),
            Put::new(field::NOTE, Scalar::Str(self.note(dice))),
            Put::new(field::PAYEE, Scalar::Str(self.payees[dice.index(200)].clone())),
        ]
    }
}

/// A word of three to nine letters, the common ones more often.
fn word(dice: &mut Dice) -> String {
    let letters = b"eeeeettttaaaooinnsshhrrddllcumwfgypbvk";
    (0..3 + dice.below(7)).map(|_| char::from(letters[dice.index(letters.len())])).collect()
}

/// A device that makes commits, each on top of the one before.
pub(crate) struct Device {
    secret: DeviceSecret,
    nonce: [u8; 16],
    next: u64,
    previous: Vec<CommitId>,
    pub(crate) time_ms: i64,
    action: Option<ActionId>,
}

impl Device {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let secret = DeviceSecret::from_bytes(dice.bytes());
        let previous = vec![CommitId(dice.bytes())];
        Self { secret, nonce: dice.bytes(), next: 1, previous, time_ms: START_MS, action: None }
    }

    /// Another process of the device: a feed of its own.
    pub(crate) fn restart(&mut self, dice: &mut Dice) {
        self.nonce = dice.bytes();
        self.next = 1;
    }

    pub(crate) fn feed(&self) -> [u8; 16] {
        feed(&self.secret.public(), &self.nonce).0
    }

    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn header(&self, count: usize) -> Header {
        Header {
            version: FORMAT_VERSION,
            ledger: Some(LEDGER),
            device: self.secret.public(),
            nonce: self.nonce,
            first: self.next,
            count: count as u64,
            previous: self.previous.clone(),
            member_heads: vec![CommitId([0x6e; 32])],
            generation: 0,
            time_ms: self.time_ms,
            action: self.action,
            on_behalf: None,
            unknown: Vec::new(),
        }
    }

    pub(crate) fn commit(&mut self, records: Vec<Record>, dice: &mut Dice) -> Commit {
        self.commit_with(self.header(records.len()), records, dice)
    }

    pub(crate) fn commit_with(&mut self, header: Header, records: Vec<Record>, dice: &mut Dice) -> Commit {
        let (commit, id) = Commit::sign(header, records, dice.bytes(), &self.secret).expect("a commit");
        self.next += commit.header.count;
        self.previous = vec![id];
        commit
    }
}

/// A record of a change that the feed of a device made.
pub(crate) fn of_feed(document: Option<DocumentId>, change: &Change) -> Record {
    let body = Body::Payload(change.encode().expect("a change").payload);
    Record { document, kind: Kind::Change, period: field::period(change), form: ActorForm::Feed, body }
}

/// `count` expenses of a CSV file: facts, in commits by month of one action.
pub(crate) fn imported(count: u64, seed: u64) -> Vec<Commit> {
    let mut dice = Dice::new(seed);
    let (household, mut device) = (Household::new(&mut dice), Device::new(&mut dice));
    device.action = Some(ActionId(dice.bytes()));
    let mut dates: Vec<_> = (0..count).map(|_| any_date(&mut dice)).collect();
    dates.sort_unstable();
    let by_month = dates.chunk_by(|a, b| Month::from_date(*a) == Month::from_date(*b));
    by_month
        .map(|dates| {
            let records = dates.iter().map(|date| fact(household.puts(*date, &mut dice), &mut dice)).collect();
            device.time_ms += 3;
            device.commit(records, &mut dice)
        })
        .collect()
}

fn fact(puts: Vec<Put>, dice: &mut Dice) -> Record {
    let document = fact_document(&FACT_KEY, "csv", &dice.bytes::<16>());
    let record = of_feed(Some(document), &Document::create([0; 16], Thing::Expense, puts));
    Record { form: ActorForm::Content, ..record }
}

/// `count` expenses added one by one, up to a day apart, by one process.
pub(crate) fn added_by_one_process(count: u64, seed: u64) -> Vec<Commit> {
    added(count, seed, |_, _| {})
}

/// `count` expenses added one by one, up to a day apart, by a process each.
pub(crate) fn added_by_a_process_each(count: u64, seed: u64) -> Vec<Commit> {
    added(count, seed, Device::restart)
}

fn added(count: u64, seed: u64, before_each: impl Fn(&mut Device, &mut Dice)) -> Vec<Commit> {
    let mut dice = Dice::new(seed);
    let (household, mut device) = (Household::new(&mut dice), Device::new(&mut dice));
    let mut add = |_| {
        before_each(&mut device, &mut dice);
        device.time_ms += 1_000 + i64::try_from(dice.below(86_400_000)).expect("a time");
        let puts = household.puts(any_date(&mut dice), &mut dice);
        let record = of_feed(None, &Document::create(device.feed(), Thing::Expense, puts));
        device.commit(vec![record], &mut dice)
    };
    (0..count).map(&mut add).collect()
}

fn any_date(dice: &mut Dice) -> Date {
    let day = i32::try_from(dice.below(DAYS)).expect("a day");
    Date::from_days(FIRST_DAY + day).expect("a date")
}

/// A commit for each of these lists of tags, given to a new expense.
pub(crate) fn tagged<T: Iterator<Item = String>>(lists: impl IntoIterator<Item = T>, seed: u64) -> Vec<Commit> {
    let mut dice = Dice::new(seed);
    let (household, mut device) = (Household::new(&mut dice), Device::new(&mut dice));
    let mut add = |tags: T| {
        let mut puts = household.puts(any_date(&mut dice), &mut dice);
        puts.extend(tags.map(|tag| Put::new(tag, Scalar::Bool(true))));
        let change = Document::create(device.feed(), Thing::Expense, puts);
        device.commit(vec![of_feed(None, &change)], &mut dice)
    };
    lists.into_iter().map(&mut add).collect()
}

/// `count` expenses with the same note, a commit each.
pub(crate) fn with_one_note(note: &str, count: u64, seed: u64) -> Vec<Commit> {
    let mut dice = Dice::new(seed);
    let (household, mut device) = (Household::new(&mut dice), Device::new(&mut dice));
    let mut add = |_| {
        let mut puts = household.puts(any_date(&mut dice), &mut dice);
        puts.retain(|put| put.key != field::NOTE);
        puts.push(Put::new(field::NOTE, Scalar::Str(note.to_owned())));
        let change = Document::create(device.feed(), Thing::Expense, puts);
        device.commit(vec![of_feed(None, &change)], &mut dice)
    };
    (0..count).map(&mut add).collect()
}

/// An expense and an edit of it by another process, with its document and the hash of its first change.
pub(crate) fn added_and_edited(seed: u64) -> (Vec<Commit>, DocumentId, ChangeHash) {
    let mut dice = Dice::new(seed);
    let (household, mut device) = (Household::new(&mut dice), Device::new(&mut dice));
    let document = derived_document(FeedId(device.feed()), 1);
    let created = Document::create(device.feed(), Thing::Expense, household.puts(any_date(&mut dice), &mut dice));
    let first = device.commit(vec![of_feed(None, &created)], &mut dice);
    let mut state = Document::default();
    assert!(state.apply_next(&input(&created)));
    device.restart(&mut dice);
    let payee = Put::new(field::PAYEE, Scalar::Str("Another".into()));
    let edited = state.edit(device.feed(), vec![payee]).expect("an edit");
    let second = device.commit(vec![of_feed(Some(document), &edited)], &mut dice);
    (vec![first, second], document, input(&created).hash)
}

/// A history with everything in it: a genesis, several devices and processes, forks and their ends, edits and deletions of
/// each other's expenses, records of other kinds and of none, sealed and purged ones, and headers of a newer version.
pub(crate) fn history(commits: usize, seed: u64) -> Vec<Commit> {
    let mut dice = Dice::new(seed);
    let household = Household::new(&mut dice);
    let devices = (0..3).map(|_| Device::new(&mut dice)).collect();
    let mut history = History { household, devices, expenses: Vec::new(), commits: Vec::new() };
    history.begin(&mut dice);
    while history.commits.len() < commits {
        history.step(&mut dice);
    }
    history.commits
}

struct History {
    household: Household,
    devices: Vec<Device>,
    expenses: Vec<(DocumentId, Document)>,
    commits: Vec<Commit>,
}

impl History {
    fn begin(&mut self, dice: &mut Dice) {
        let device = &mut self.devices[0];
        device.previous.clear();
        let header = Header { ledger: None, member_heads: Vec::new(), ..device.header(1) };
        self.commits.push(device.commit_with(header, vec![opaque(Kind::Member, 40, dice)], dice));
    }

    fn step(&mut self, dice: &mut Dice) {
        let at = dice.index(self.devices.len());
        self.devices[at].time_ms += i64::try_from(dice.below(200_000)).expect("a time") - 50_000;
        if dice.below(4) == 0 {
            self.devices[at].restart(dice);
        }
        let before = self.devices[at].previous.clone();
        let count = 1 + dice.below(4);
        let first = self.devices[at].next;
        let records: Vec<_> = (first..first + count).map(|n| self.record(at, n, dice)).collect();
        let header = self.header(at, records.len(), dice);
        let mut commit = self.devices[at].commit_with(header, records, dice);
        if dice.below(5) == 0 {
            purge(&mut commit, dice);
        }
        self.commits.push(commit);
        match dice.below(8) {
            // A restored copy goes on from before the commit, in a feed of its own.
            0 => {
                self.devices[at].previous = before;
                self.devices[at].restart(dice);
            }
            // A commit that knew both ends the fork.
            1 => {
                self.devices[at].previous.extend(before);
                self.devices[at].previous.sort_unstable();
                self.devices[at].previous.dedup();
                self.devices[at].previous.truncate(8);
            }
            _ => {}
        }
    }

    fn header(&self, at: usize, count: usize, dice: &mut Dice) -> Header {
        let mut header = self.devices[at].header(count);
        match dice.below(12) {
            0 => header.action = Some(ActionId(dice.bytes())),
            1 => header.action = self.commits.iter().find_map(|commit| commit.header.action),
            2 => header.on_behalf = Some(MemberId([7; 16])),
            3 => header.generation = 3,
            4 => header.unknown = vec![(20, vec![0]), (70, b"\x63abc".to_vec())],
            5 => header.version = 2,
            6 => header.member_heads = Vec::new(),
            7 => {
                header.member_heads = vec![self.commits[0].id(), CommitId(dice.bytes())];
                header.member_heads.sort_unstable();
            }
            _ => {}
        }
        header
    }

    fn record(&mut self, at: usize, n: u64, dice: &mut Dice) -> Record {
        match dice.below(12) {
            0 => opaque(Kind::Member, 30, dice),
            1 => opaque(Kind::Unknown(200), 12, dice),
            2 => opaque(Kind::Change, 50, dice),
            3 => fact(self.household.puts(any_date(dice), dice), dice),
            4..8 if !self.expenses.is_empty() => self.edit(at, dice),
            _ => self.add(at, n, dice),
        }
    }

    fn add(&mut self, at: usize, n: u64, dice: &mut Dice) -> Record {
        let (feed, document) = (self.devices[at].feed(), derived_document(FeedId(self.devices[at].feed()), n));
        let mut puts = self.household.puts(any_date(dice), dice);
        if dice.below(3) == 0 {
            puts.extend([
                Put::new("tag:holiday", Scalar::Bool(true)),
                Put::new(field::TIME, Scalar::Uint(dice.below(86_400))),
            ]);
        }
        let change = Document::create(feed, Thing::Expense, puts);
        let mut state = Document::default();
        assert!(state.apply_next(&input(&change)));
        self.expenses.push((document, state));
        of_feed(None, &change)
    }

    fn edit(&mut self, at: usize, dice: &mut Dice) -> Record {
        let place = dice.index(self.expenses.len());
        let (document, state) = &mut self.expenses[place];
        let put = match dice.below(4) {
            0 => Put::new(field::NOTE, Scalar::Null),
            1 => Put::new(field::STATE, if state.is_deleted() { field::LIVE } else { field::DELETED }),
            2 => Put::new("tag:seen", Scalar::Bool(dice.below(2) == 0)),
            _ => Put::new(field::PAYEE, Scalar::Str(format!("Payee {}", dice.below(50)))),
        };
        let Some(change) = state.edit(self.devices[at].feed(), vec![put]) else {
            return opaque(Kind::Blob, 20, dice);
        };
        assert!(state.apply_next(&input(&change)));
        of_feed(Some(*document), &change)
    }
}

fn input(change: &Change) -> Input {
    Input { change: change.clone(), hash: change.encode().expect("a change").hash, form: ActorForm::Feed }
}

/// A record whose payload is no change.
fn opaque(kind: Kind, length: u64, dice: &mut Dice) -> Record {
    let payload = (0..dice.below(length)).map(|_| dice.bytes::<1>()[0]).collect();
    Record {
        document: Some(DocumentId([5; 16])),
        kind,
        period: None,
        form: ActorForm::Feed,
        body: Body::Payload(payload),
    }
}

/// Forgets one record of a commit, and with it the seed.
fn purge(commit: &mut Commit, dice: &mut Dice) {
    let Salts::Seed(seed) = commit.salts else { return };
    let ids: Vec<_> = commit.record_ids().collect();
    let gone = dice.index(commit.records.len());
    commit.records[gone].body = Body::Purged(ids[gone]);
    let kept = (commit.header.first..).zip(&commit.records).filter(|(_, record)| record.payload().is_some());
    commit.salts = Salts::Each(kept.map(|(n, _)| salt(&seed, n)).collect());
}

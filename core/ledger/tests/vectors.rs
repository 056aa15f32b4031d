//! Golden vectors: commits as bytes, frozen, with all that is read from them.
//!
//! Each file under `tests/vectors` holds some commits and below each what this version reads: ids, records, changes and
//! values; at its end the documents they make. Two tests hold each file: the commits made anew from fixed keys and seeds
//! have these bytes, and these bytes alone are read as the file says.
//!
//! A difference is a change of the format and breaks every ledger there is. Before a release a vector may be written
//! anew by `OUTLAY_BLESS=1 cargo test -p outlay-ledger --test vectors`. That run fails on each file it changed, so that
//! nobody does it unawares; the next one passes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::PathBuf;

use outlay_ledger::attachment::{self, Attachment};
use outlay_ledger::change::Scalar;
use outlay_ledger::commit::{ActorForm, Body, Commit, Header, Kind, Record, Salts, fact_document, salt};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Input, Put};
use outlay_ledger::limits::MINOR_MAX;
use outlay_ledger::member::{MemberOperation, Purge, Role};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{
    ActionId, BlobHash, CommitId, Currency, DocumentId, Entered, Entry, EntryKind, LedgerId, MemberId, Method, Money,
    Part, Rate, media,
};
use support::description::{Description, date, unhex};
use support::{FACT_KEY, content_root, input};

/// A process on a device that writes commits of a ledger, all from fixed bytes.
struct Writer {
    device: DeviceSecret,
    nonce: [u8; 16],
    ledger: Option<LedgerId>,
    next: u64,
    previous: Vec<CommitId>,
    member_heads: Vec<CommitId>,
    time_ms: i64,
    seed: [u8; 12],
    commits: Vec<Vec<u8>>,
}

impl Writer {
    fn new(number: u8) -> Self {
        Self {
            device: DeviceSecret::from_bytes([number; 32]),
            nonce: [number; 16],
            ledger: Some(LedgerId([0x1e; 16])),
            next: 1,
            previous: vec![],
            member_heads: vec![CommitId([0x3e; 32])],
            time_ms: 1_793_620_800_000,
            seed: [number; 12],
            commits: vec![],
        }
    }

    fn header(&self, count: usize) -> Header {
        Header {
            version: 1,
            ledger: self.ledger,
            device: self.device.public(),
            nonce: self.nonce,
            first: self.next,
            count: count as u64,
            previous: self.previous.clone(),
            member_heads: self.member_heads.clone(),
            generation: 0,
            time_ms: self.time_ms,
            action: None,
            on_behalf: None,
            unknown: vec![],
        }
    }

    fn actor(&self) -> [u8; 16] {
        self.header(1).feed().0
    }

    fn writes(&mut self, records: Vec<Record>) -> (Commit, CommitId) {
        self.writes_with(|_| (), records)
    }

    fn writes_with(&mut self, change: impl FnOnce(&mut Header), records: Vec<Record>) -> (Commit, CommitId) {
        let mut header = self.header(records.len());
        change(&mut header);
        let (commit, id) = Commit::sign(header, records, self.seed, &self.device).expect("a commit");
        self.next = commit.header.last() + 1;
        self.previous = vec![id];
        self.time_ms += 1_000;
        self.commits.push(commit.encode());
        (commit, id)
    }

    /// The record that makes a document in a commit of its own.
    fn makes(&self, thing: Thing, puts: Vec<Put>) -> Record {
        change(None, &input(Document::create(self.actor(), thing, puts), ActorForm::Feed))
    }
}

fn change(document: Option<DocumentId>, input: &Input) -> Record {
    let payload = input.change.encode().expect("a change").payload;
    let period = field::period(&input.change);
    Record { document, kind: Kind::Change, period, form: input.form, body: Body::Payload(payload) }
}

fn operation(operation: &MemberOperation) -> Record {
    plain(Kind::Member, operation.encode().expect("an operation"))
}

fn plain(kind: Kind, payload: Vec<u8>) -> Record {
    Record { document: None, kind, period: None, form: ActorForm::Feed, body: Body::Payload(payload) }
}

fn text(key: &str, value: &str) -> Put {
    Put::new(key, Scalar::Str(value.into()))
}

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, Currency::parse(code).expect("a currency")).expect("an amount")
}

fn entry(entry: &Entry) -> Put {
    Put::new("money", Scalar::Bytes(entry.encode()))
}

fn lunch() -> Vec<Put> {
    let paid = entry(&Entry::new(EntryKind::Expense, money(340, "EUR")));
    vec![Put::new("date", date("2026-11-02")), paid, text("payee", "Corner Café")]
}

fn member(number: u8) -> MemberId {
    MemberId([number; 16])
}

fn part(number: u8, minor: i64) -> Part {
    Part { member: member(number), minor }
}

fn genesis() -> Vec<Vec<u8>> {
    let mut ana = Writer::new(1);
    (ana.ledger, ana.member_heads) = (None, vec![]);
    let owner = MemberId::of_first_device(&ana.device.public());
    let first = MemberOperation::Genesis { member: owner, device: ana.device.public(), fact_key: Some(FACT_KEY) };
    let settings = ana.makes(Thing::Settings, vec![text("name", "Home"), text("currency", "EUR")]);
    let profile = ana.makes(Thing::Member, vec![text("name", "Ana")]);
    let (_, id) = ana.writes(vec![operation(&first), settings, profile]);
    (ana.ledger, ana.member_heads) = (Some(outlay_ledger::commit::ledger_of_genesis(&id)), vec![id]);
    let lunch = ana.makes(Thing::Expense, lunch());
    ana.writes(vec![lunch]);
    ana.commits
}

fn expense() -> Vec<Vec<u8>> {
    let mut ana = Writer::new(1);
    let full = Entry {
        payers: vec![part(1, 10_000), part(2, 2_345)],
        shares: vec![part(1, 4_115), part(2, 4_115), part(3, 4_115)],
        entered: Some(Entered { method: Method::Weights, numbers: vec![1, 1, 1] }),
        rate: Some(Rate { mantissa: 92_137, decimals: 5, converted: money(11_374, "EUR") }),
        ..Entry::new(EntryKind::Expense, money(12_345, "USD"))
    };
    let puts = vec![
        Put::new("account", Scalar::Bytes(vec![0xac; 16])),
        Put::new("category", Scalar::Bytes(vec![0xca; 16])),
        Put::new("date", date("2026-11-02")),
        entry(&full),
        text("note", "dinner\nwith friends"),
        text("payee", "Corner Café"),
        Put::new("refund_of", Scalar::Null),
        Put::new("tag:holiday", Scalar::Bool(true)),
        Put::new("time", Scalar::Uint(45_000)),
    ];
    let whole = ana.makes(Thing::Expense, puts);
    let refund = entry(&Entry::new(EntryKind::Expense, money(-MINOR_MAX, "EUR")));
    let refund = ana.makes(Thing::Expense, vec![Put::new("date", date("0001-01-01")), refund]);
    ana.writes(vec![whole, refund]);
    ana.commits
}

fn income_and_transfers() -> Vec<Vec<u8>> {
    let mut ana = Writer::new(1);
    let (giro, wallet) = (DocumentId([0xa1; 16]), DocumentId([0xa2; 16]));
    let transfer = Entry::new(EntryKind::Transfer, money(10_000, "USD"));
    let entries = [
        Entry::new(EntryKind::Income, money(250_000, "JPY")),
        Entry { from: Some(giro), to: Some(wallet), received: Some(money(900_000, "INR")), ..transfer.clone() },
        Entry { from: Some(giro), to: Some(wallet), ..transfer.clone() },
        Entry { from: Some(giro), ..transfer.clone() },
        transfer,
    ];
    let made = |written: &Entry| ana.makes(Thing::Expense, vec![Put::new("date", date("4999-12-31")), entry(written)]);
    let records = entries.iter().map(made).collect();
    ana.writes_with(|header| header.action = Some(ActionId([0xac; 8])), records);
    ana.commits
}

fn things() -> Vec<Vec<u8>> {
    let mut ana = Writer::new(1);
    let category = ana.makes(Thing::Category, vec![text("name", "Food")]);
    let above = outlay_ledger::commit::derived_document(ana.header(1).feed(), 1);
    let below = vec![text("name", "Cafés"), Put::new("parent", Scalar::Bytes(above.0.to_vec()))];
    let records = vec![
        category,
        ana.makes(Thing::Category, below),
        ana.makes(Thing::Account, vec![text("name", "Giro"), text("currency", "EUR")]),
        ana.makes(Thing::Account, vec![text("name", "Wallet")]),
        ana.makes(Thing::Settings, vec![text("name", "Home"), text("currency", "KWD")]),
    ];
    ana.writes(records);
    ana.commits
}

/// Two devices import one row with two mappings, and one of them an equal row a second time.
fn content() -> Vec<Vec<u8>> {
    let row = "2026-11-02\u{1f}-3,40\u{1f}CORNER CAFE\u{1f}1";
    let document = fact_document(&FACT_KEY, "csv", row.as_bytes());
    let root = |puts| change(Some(document), &content_root(&document, Thing::Expense, puts));
    let (mut ana, mut ben) = (Writer::new(1), Writer::new(2));
    let mapped = vec![text("payee", "CORNER CAFE")];
    let with = |more: &[Put]| lunch().into_iter().filter(|put| put.key != "payee").chain(more.to_vec()).collect();
    ana.writes(vec![root(with(&mapped))]);
    ben.writes(vec![root(with(&[text("note", "CORNER CAFE")])), root(with(&mapped))]);
    let mut seen = Document::default();
    assert!(seen.apply_next(&content_root(&document, Thing::Expense, with(&mapped))));
    let edit = seen.edit(ana.actor(), vec![text("payee", "Corner Café")]).expect("another payee");
    ana.writes(vec![change(Some(document), &input(edit, ActorForm::Feed))]);
    [ana.commits, ben.commits].concat()
}

/// An expense that a device has just made: its first change, its document and its id.
fn made(by: &mut Writer) -> (Input, Document, DocumentId) {
    let mut document = Document::default();
    let made = input(Document::create(by.actor(), Thing::Expense, lunch()), ActorForm::Feed);
    let (commit, _) = by.writes(vec![change(None, &made)]);
    assert!(document.apply_next(&made));
    (made, document, commit.document(1, &commit.records[0]))
}

/// Two devices edit one expense at once, one of them settles it.
fn conflict() -> Vec<Vec<u8>> {
    let (mut ana, mut ben) = (Writer::new(1), Writer::new(2));
    let (made, document, id) = made(&mut ana);

    let by_ana = document.edit(ana.actor(), vec![text("payee", "Café"), text("note", "with Ben")]).expect("an edit");
    let amount = entry(&Entry::new(EntryKind::Expense, money(430, "EUR")));
    let by_ben = document.edit(ben.actor(), vec![text("payee", "Corner"), amount]).expect("an edit");
    let (by_ana, by_ben) = (input(by_ana, ActorForm::Feed), input(by_ben, ActorForm::Feed));
    ana.writes(vec![change(Some(id), &by_ana)]);
    ben.writes(vec![change(Some(id), &by_ben)]);

    let both = outlay_ledger::fold::fold(&[made, by_ana, by_ben]).document;
    assert_eq!(both.conflicting_keys(), ["payee"]);
    let settled = both.edit(ana.actor(), vec![text("payee", "Corner Café")]).expect("a conflict");
    ana.writes(vec![change(Some(id), &input(settled, ActorForm::Feed))]);
    [ana.commits, ben.commits].concat()
}

/// Two devices decide of a payment at once, and a newer version of another.
fn decisions() -> Vec<Vec<u8>> {
    let (mut ana, mut ben) = (Writer::new(1), Writer::new(2));
    let (_, document, id) = made(&mut ana);

    let by_ana = document.edit(ana.actor(), vec![text("commitment", "confirmed")]).expect("an edit");
    let by_ben = document.edit(ben.actor(), vec![text("commitment", "dismissed")]).expect("an edit");
    ana.writes(vec![change(Some(id), &input(by_ana, ActorForm::Feed))]);
    ben.writes(vec![change(Some(id), &input(by_ben, ActorForm::Feed))]);
    let newer = lunch().into_iter().chain([text("commitment", "postponed")]).collect();
    let another = ana.makes(Thing::Expense, newer);
    ana.writes(vec![another]);
    [ana.commits, ben.commits].concat()
}

fn receipt(number: u8, name: &str) -> Put {
    let (hash, media_type) = (BlobHash([number; 32]), "image/jpeg".to_owned());
    let file = Attachment { hash, bytes: 48_211, media_type, name: name.into() };
    Put::new(attachment::key(&hash), Scalar::Bytes(file.encode()))
}

/// Two devices attach files at once, one of them the same; one is taken off again.
fn attachments() -> Vec<Vec<u8>> {
    let (mut ana, mut ben) = (Writer::new(1), Writer::new(2));
    let (made, document, id) = made(&mut ana);

    let plain = Attachment { hash: BlobHash([3; 32]), bytes: 1, media_type: media::UNKNOWN.into(), name: "".into() };
    let plain = Put::new(attachment::key(&plain.hash), Scalar::Bytes(plain.encode()));
    let newer = Put::new(attachment::key(&BlobHash([4; 32])), Scalar::Bytes(vec![2, 0xa1, 0x01, 0x02]));
    let by_ana = document.edit(ana.actor(), vec![receipt(1, "receipt.jpg"), plain]).expect("an edit");
    let by_ben = document.edit(ben.actor(), vec![receipt(1, "IMG_0001.jpg"), receipt(2, "back.jpg"), newer]);
    let (by_ana, by_ben) = (input(by_ana, ActorForm::Feed), input(by_ben.expect("an edit"), ActorForm::Feed));
    ana.writes(vec![change(Some(id), &by_ana)]);
    ben.writes(vec![change(Some(id), &by_ben)]);

    let both = outlay_ledger::fold::fold(&[made, by_ana, by_ben]).document;
    let off = outlay_ledger::expense::detach(&both, &BlobHash([2; 32])).expect("it is attached");
    let taken_off = both.edit(ana.actor(), vec![off]).expect("an edit");
    ana.writes(vec![change(Some(id), &input(taken_off, ActorForm::Feed))]);
    [ana.commits, ben.commits].concat()
}

/// One expense is deleted; of another one device deletes what the other edits.
fn delete() -> Vec<Vec<u8>> {
    let (mut ana, mut ben) = (Writer::new(1), Writer::new(2));
    let made = input(Document::create(ana.actor(), Thing::Expense, lunch()), ActorForm::Feed);
    let mut document = Document::default();
    assert!(document.apply_next(&made));
    let (commit, _) = ana.writes(vec![change(None, &made), change(None, &made)]);
    let ids = [1, 2].map(|n: u64| commit.document(n, &commit.records[0]));
    let gone = vec![Put::new("state", field::DELETED)];
    let gone = input(document.edit(ana.actor(), gone).expect("it was live"), ActorForm::Feed);
    ana.writes(ids.map(|id| change(Some(id), &gone)).to_vec());
    let edited = document.edit(ben.actor(), vec![text("note", "kept")]).expect("a note");
    ben.writes(vec![change(Some(ids[1]), &input(edited, ActorForm::Feed))]);
    [ana.commits, ben.commits].concat()
}

fn members() -> Vec<Vec<u8>> {
    use MemberOperation as Op;
    let key = |number: u8| DeviceSecret::from_bytes([number; 32]).public();
    let cut = vec![CommitId([1; 32]), CommitId([2; 32])];
    let mut ana = Writer::new(1);
    let join = Op::join(&LedgerId([0x1e; 16]), member(5), key(5), &DeviceSecret::from_bytes([9; 32]));
    let operations = [
        Op::Genesis { member: member(1), device: key(1), fact_key: None },
        Op::Add { member: member(2), device: key(2), role: Role::Editor },
        Op::Remove { member: member(2), cut: cut.clone() },
        Op::Role { member: member(2), role: Role::Viewer, cut: cut.clone() },
        Op::Role { member: member(2), role: Role::Owner, cut: vec![] },
        Op::AddDevice { member: member(1), device: key(3) },
        Op::ReplaceDevice { member: member(1), old: key(3), new: key(4), cut: cut.clone() },
        Op::Invite { invite_key: key(9), role: Role::Editor, member: None, expires_s: None },
        Op::Invite { invite_key: key(9), role: Role::Viewer, member: Some(member(2)), expires_s: None },
        Op::Accept { commits: cut.clone() },
        Op::Server { key: key(8), up_to: Role::Editor, on_behalf: true },
        Op::RevokeServer { key: key(8), cut: cut.clone() },
        Op::Confirm { device: key(6) },
        join,
        Op::RemoveDevice { member: member(1), device: key(4), cut },
        Op::decode(&[0xa2, 0x00, 0x18, 0x63, 0x01, 0x61, b'x']).expect("operation 99 of a newer version"),
    ];
    let mut records: Vec<_> = operations.iter().map(operation).collect();
    records.push(plain(Kind::Purge, Purge { document: DocumentId([7; 16]) }.encode()));
    ana.writes_with(|header| header.on_behalf = Some(member(1)), records);
    ana.commits
}

/// A commit of three, and what is left of it when the second was purged.
fn purged() -> Vec<Vec<u8>> {
    let mut ana = Writer::new(1);
    let secret = vec![text("name", "Doctor")];
    let records = vec![
        ana.makes(Thing::Expense, lunch()),
        ana.makes(Thing::Category, secret),
        ana.makes(Thing::Category, vec![text("name", "Food")]),
    ];
    let (mut commit, id) = ana.writes(records);
    let gone = commit.record_ids().nth(1).expect("three records");
    commit.records[1].body = Body::Purged(gone);
    commit.salts = Salts::Each(vec![salt(&ana.seed, 1), salt(&ana.seed, 3)]);
    assert_eq!(commit.id(), id);
    ana.commits.push(commit.encode());
    ana.commits
}

/// What newer versions may write: with what this one reads, keeps and shows as nothing; and what it cannot judge.
fn future() -> Vec<Vec<u8>> {
    let mut ana = Writer::new(1);
    let newer_money = Put::new("money", Scalar::Bytes(vec![2, 0xa1, 0x01, 0x18, 0x2a]));
    let newer = |puts: Vec<Put>| puts.into_iter().chain([newer_money.clone(), text("x_mood:v2", "glad")]).collect();
    let expense = ana.makes(Thing::Expense, newer(vec![Put::new("date", date("2026-11-02"))]));
    let thing = ana.makes(Thing::Unknown(77), newer(vec![]));
    let unknown_kind = plain(Kind::Unknown(9), vec![0xde, 0xad]);
    let blob = plain(Kind::Blob, vec![0xbe, 0xef]);
    let all = vec![expense, thing, unknown_kind, blob];
    ana.writes_with(|header| header.unknown = vec![(13, vec![0x18, 0x2a]), (63, vec![0xf5])], all.clone());
    ana.writes_with(|header| header.unknown = vec![(70, vec![0x63, b'n', b'e', b'w'])], all[..1].to_vec());
    ana.writes_with(|header| (header.version, header.generation) = (2, 3), all);
    ana.commits
}

type Vector = (&'static str, &'static str, fn() -> Vec<Vec<u8>>);

const VECTORS: [Vector; 12] = [
    ("genesis", "The first commit of a ledger, and the one after it.", genesis),
    ("expense", "An expense with something in every register, and one with the least amount there is.", expense),
    ("income_and_transfers", "An income, and transfers with both, one or no account and a received amount.", {
        income_and_transfers
    }),
    ("things", "Categories, one below the other; accounts; settings.", things),
    ("content", "One row of a file imported on two devices with two mappings, then edited by a person.", content),
    ("conflict", "Two devices edit one expense at once; one of them settles it.", conflict),
    ("attachments", "Two devices attach files to one expense at once, one of them the same; one is taken off.", {
        attachments
    }),
    ("decisions", "Two devices decide of a payment that comes back at once; a newer version of another.", decisions),
    ("delete", "A delete, and a delete at the same time as an edit.", delete),
    ("members", "Each member operation, one of a newer version, and a purge.", members),
    ("purged", "A commit of three records, and the same one after the second was purged.", purged),
    ("future", "Fields, kinds, registers and things of newer versions, and commits only a newer version can judge.", {
        future
    }),
];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(format!("{name}.txt"))
}

fn file(comment: &str, commits: &[Vec<u8>]) -> String {
    format!("# {comment}\n# Ids, values and documents below a commit are what is read from its bytes alone.\n{}", {
        Description::of(commits)
    })
}

/// The bytes of all commits that a file holds.
fn commits_of(file: &str) -> Vec<Vec<u8>> {
    let body = |part: &str| {
        let lines = part.lines().skip(1).take_while(|line| line.starts_with("  "));
        unhex(&lines.collect::<String>())
    };
    file.split("commit =").skip(1).map(body).collect()
}

fn difference(expected: &str, found: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    for at in 0..expected.len().max(found.len()) {
        let (old, new) = (expected.get(at).unwrap_or(&""), found.get(at).unwrap_or(&""));
        if old != new {
            lines.push(format!("line {}:\n  file {old}\n  now  {new}", at + 1));
        }
    }
    lines.truncate(12);
    lines.join("\n")
}

#[test]
fn commits_made_from_the_same_keys_have_the_frozen_bytes() {
    let blesses = std::env::var_os("OUTLAY_BLESS").is_some_and(|value| value == "1");
    let mut wrong = Vec::new();
    for (name, comment, make) in VECTORS {
        let made = file(comment, &make());
        let frozen = std::fs::read_to_string(path(name)).unwrap_or_default();
        if made != frozen {
            wrong.push(format!("{name}: {}", difference(&frozen, &made)));
            if blesses {
                std::fs::write(path(name), made).expect("the vectors are writable");
            }
        }
    }
    assert!(wrong.is_empty(), "the format has changed:\n{}", wrong.join("\n"));
}

#[test]
fn the_frozen_bytes_are_read_as_the_files_say() {
    for (name, comment, _) in VECTORS {
        let frozen = std::fs::read_to_string(path(name)).expect("a vector");
        let read = file(comment, &commits_of(&frozen));
        assert!(read == frozen, "{name} is read in another way:\n{}", difference(&frozen, &read));
    }
    let files = std::fs::read_dir(path("x").parent().expect("a folder")).expect("the vectors");
    assert_eq!(files.count(), VECTORS.len(), "each file is held by a test");
}

#[test]
fn the_frozen_commits_are_signed_and_those_of_newer_versions_known_as_such() {
    let newer = |name: &str| {
        let frozen = std::fs::read_to_string(path(name)).expect("a vector");
        let commits = commits_of(&frozen).into_iter().map(|bytes| Commit::decode(&bytes).expect("a commit"));
        commits
            .map(|commit| {
                assert!(commit.is_signed(&commit.id()), "{name}");
                commit.header.is_newer()
            })
            .collect::<Vec<_>>()
    };
    for (name, _, _) in VECTORS.iter().filter(|(name, _, _)| *name != "future") {
        assert!(!newer(name).contains(&true), "{name}");
    }
    assert_eq!(newer("future"), [false, true, true]);
}

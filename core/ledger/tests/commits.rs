//! Commits: what is signed, what may be left out, and what is refused whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use outlay_ledger::change::Scalar;
use outlay_ledger::commit::{
    ActorForm, Body, Commit, CommitError, Header, Kind, Record, Salts, action_of, derived_document, document_prefix,
    fact_document, feed, is_fact_document, ledger_of_genesis, salt,
};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Put};
use outlay_ledger::limits::{
    COMMIT_BYTES_MAX, COMMIT_RECORDS_MAX, MEMBER_HEADS_MAX, PAYLOAD_BYTES_MAX, PREVIOUS_MAX, RECORD_NUMBER_MAX,
};
use outlay_ledger::signature::{DeviceSecret, is_weak};
use outlay_ledger::{ActionId, CommitId, DeviceKey, DocumentId, LedgerId, MemberId, Month, RecordId};
use support::{FACT_KEY, Rng, money};

const SEED: [u8; 12] = [0x5e; 12];

/// What is changed in a commit, and how.
type Tampering = (&'static str, fn(&mut Commit));

fn device() -> DeviceSecret {
    DeviceSecret::from_bytes([1; 32])
}

fn header(count: u64) -> Header {
    Header {
        version: 1,
        ledger: Some(LedgerId([2; 16])),
        device: device().public(),
        nonce: [3; 16],
        first: 1,
        count,
        previous: vec![],
        member_heads: vec![CommitId([4; 32])],
        generation: 0,
        time_ms: 1_762_080_000_000,
        action: None,
        on_behalf: None,
        unknown: vec![],
    }
}

fn record(payload: &[u8]) -> Record {
    let body = Body::Payload(payload.to_vec());
    Record { document: None, kind: Kind::Change, period: Month::from_number(24_322), form: ActorForm::Feed, body }
}

fn records(count: usize) -> Vec<Record> {
    (0..count).map(|n| record(format!("payload {n}").as_bytes())).collect()
}

fn signed(header: Header, records: Vec<Record>) -> (Commit, CommitId) {
    Commit::sign(header, records, SEED, &device()).expect("a commit")
}

fn refused(header: Header, records: Vec<Record>) -> CommitError {
    Commit::sign(header, records, SEED, &device()).expect_err("refused")
}

/// A commit with something in every field.
fn full() -> (Commit, CommitId) {
    let mut header = header(4);
    header.first = RECORD_NUMBER_MAX - 4;
    header.previous = vec![CommitId([5; 32]), CommitId([6; 32])];
    header.generation = u32::MAX;
    header.time_ms = -1;
    header.action = Some(ActionId([7; 8]));
    header.on_behalf = Some(MemberId([8; 16]));
    let content = fact_document(&FACT_KEY, "csv", b"a row");
    let all = [
        Record { document: Some(DocumentId([9; 16])), ..record(b"one") },
        Record { document: Some(content), form: ActorForm::Content, ..record(b"two") },
        Record { kind: Kind::Purge, period: None, ..record(b"") },
        Record { kind: Kind::Unknown(200), ..record(b"four") },
    ];
    signed(header, all.to_vec())
}

/// A copy in which the payload of a record was forgotten, and with it the seed.
fn purged(commit: &Commit, at: &[usize]) -> Commit {
    let ids: Vec<RecordId> = commit.record_ids().collect();
    let Salts::Seed(seed) = commit.salts.clone() else { panic!("purged before") };
    let mut copy = commit.clone();
    let mut salts = Vec::new();
    for (index, record) in copy.records.iter_mut().enumerate() {
        if at.contains(&index) {
            record.body = Body::Purged(ids[index]);
        } else {
            salts.push(salt(&seed, commit.header.first + index as u64));
        }
    }
    copy.salts = Salts::Each(salts);
    copy
}

#[test]
fn a_commit_that_was_signed_is_read_back_and_verifies() {
    for (commit, id) in [signed(header(1), records(1)), signed(header(50), records(50)), full()] {
        let read = Commit::decode(&commit.encode()).expect("a commit");
        assert_eq!(read, commit);
        assert_eq!(read.id(), id);
        assert!(read.is_signed(&id));
        assert_eq!(read.record_ids().collect::<BTreeSet<_>>().len(), commit.records.len(), "each id is its own");
    }
}

#[test]
fn equal_payloads_have_ids_that_say_nothing_of_each_other() {
    let (one, _) = signed(header(2), vec![record(b"same"), record(b"same")]);
    let (other, _) = Commit::sign(header(2), one.records.clone(), [0; 12], &device()).expect("a commit");
    let ids: BTreeSet<RecordId> = one.record_ids().chain(other.record_ids()).collect();
    assert_eq!(ids.len(), 4);
}

/// What is hashed is complete: each part of a commit changes its id, and so voids the signature.
#[test]
fn nothing_of_a_commit_can_be_changed_under_its_signature() {
    let (commit, id) = full();
    let changes: [Tampering; 22] = [
        ("the version", |commit| commit.header.version = 2),
        ("the ledger", |commit| commit.header.ledger = Some(LedgerId([1; 16]))),
        ("the nonce", |commit| commit.header.nonce[0] ^= 1),
        ("the first number", |commit| commit.header.first -= 1),
        ("predecessors", |commit| commit.header.previous.truncate(1)),
        ("member heads", |commit| commit.header.member_heads.clear()),
        ("the key generation", |commit| commit.header.generation -= 1),
        ("the time", |commit| commit.header.time_ms += 1),
        ("the action", |commit| commit.header.action = None),
        ("on behalf of", |commit| commit.header.on_behalf = None),
        ("a field of a newer version", |commit| commit.header.unknown.push((40, vec![0]))),
        ("a document", |commit| commit.records[0].document = Some(DocumentId([0; 16]))),
        ("a derived document", |commit| commit.records[0].document = None),
        ("a kind", |commit| commit.records[3].kind = Kind::Unknown(201)),
        ("a period", |commit| commit.records[0].period = None),
        ("an actor form", |commit| commit.records[0].form = ActorForm::Content),
        ("a payload", |commit| commit.records[0].body = Body::Payload(b"onf".to_vec())),
        ("a purged record", |commit| commit.records[0].body = Body::Purged(RecordId([0; 32]))),
        ("the order of records", |commit| commit.records.swap(0, 1)),
        ("a record less", |commit| drop(commit.records.pop())),
        ("a record more", |commit| commit.records.push(record(b"five"))),
        ("the seed", |commit| commit.salts = Salts::Seed([0; 12])),
    ];
    for (what, change) in changes {
        let mut changed = commit.clone();
        change(&mut changed);
        assert_ne!(changed.id(), id, "{what}");
        assert!(!changed.is_signed(&changed.id()), "{what}");
    }
}

#[test]
fn a_signature_by_another_or_on_something_else_is_none() {
    let (commit, id) = signed(header(1), records(1));
    let mut forged = commit.clone();
    forged.signature = DeviceSecret::from_bytes([2; 32]).sign(&id);
    assert!(!forged.is_signed(&id), "another device's");
    forged.signature = device().sign(&CommitId([0; 32]));
    assert!(!forged.is_signed(&id), "of another commit");
    for at in 0..64 {
        let mut damaged = commit.clone();
        damaged.signature[at] ^= 0x10;
        assert!(!damaged.is_signed(&id), "byte {at}");
    }
    let mut of_another = commit;
    of_another.header.device = DeviceSecret::from_bytes([2; 32]).public();
    assert!(!of_another.is_signed(&of_another.id()), "the device is part of the id");
}

/// Under a key of small order one signature fits every message.
#[test]
fn a_weak_key_signs_nothing() {
    let weak = [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }]
    .map(DeviceKey);
    for key in weak {
        assert!(is_weak(&key));
        let (mut commit, _) = signed(header(1), records(1));
        commit.header.device = key;
        commit.signature = [0; 64];
        commit.signature[0] = 1;
        let read = Commit::decode(&commit.encode()).expect("the bytes are in order");
        assert!(!read.is_signed(&read.id()));
    }
}

#[test]
fn a_purged_record_leaves_its_id_and_no_way_to_confirm_a_guess() {
    let (commit, id) = signed(header(3), vec![record(b"kept one"), record(b"3.40 Corner Cafe"), record(b"kept two")]);
    let stub = Commit::decode(&purged(&commit, &[1]).encode()).expect("a commit");
    assert_eq!(stub.id(), id);
    assert!(stub.is_signed(&id));
    assert_eq!(stub.record_ids().collect::<Vec<_>>(), commit.record_ids().collect::<Vec<_>>());
    assert_eq!(stub.records[1].payload(), None);
    assert!(!stub.encode().windows(4).any(|window| window == b"3.40" || window == b"Cafe"));
    assert!(!stub.encode().windows(SEED.len()).any(|window| window == SEED), "the seed went with it");

    // Who guesses the payload has the salts of the other records, and none of them fits.
    let Salts::Each(salts) = &stub.salts else { panic!("the seed is gone") };
    let gone = commit.record_ids().nth(1).expect("three records");
    for guessed in salts.iter().copied().chain([[0; 16]]) {
        let mut guess = stub.clone();
        guess.records[1] = record(b"3.40 Corner Cafe");
        guess.salts = Salts::Each(vec![salts[0], guessed, salts[1]]);
        assert_ne!(guess.record_ids().nth(1), Some(gone));
        assert_ne!(guess.id(), id);
    }
    let mut right = stub.clone();
    right.records[1] = record(b"3.40 Corner Cafe");
    right.salts = Salts::Each(vec![salts[0], salt(&SEED, 2), salts[1]]);
    assert_eq!(right.record_ids().nth(1), Some(gone), "with the salt that went, it would");
}

#[test]
fn every_record_of_a_commit_can_be_purged() {
    let (commit, id) = signed(header(2), records(2));
    let stub = purged(&commit, &[0, 1]);
    assert_eq!(stub.salts, Salts::Each(vec![]));
    let read = Commit::decode(&stub.encode()).expect("a commit");
    assert_eq!((&read, read.id()), (&stub, id));
}

#[test]
fn salts_fit_the_records_that_are_there() {
    let (commit, _) = signed(header(3), records(3));
    let broken: [Tampering; 5] = [
        ("a seed beside a purged record", |commit| commit.salts = Salts::Seed(SEED)),
        ("a salt less", |commit| commit.salts = Salts::Each(vec![[0; 16]])),
        ("a salt more", |commit| commit.salts = Salts::Each(vec![[0; 16]; 3])),
        ("no salts", |commit| commit.salts = Salts::Each(vec![])),
        ("salts and nothing purged", |commit| {
            commit.records[1] = record(b"back");
            commit.salts = Salts::Each(vec![[0; 16]; 3]);
        }),
    ];
    for (what, make) in broken {
        let mut commit = purged(&commit, &[1]);
        make(&mut commit);
        assert_eq!(Commit::decode(&commit.encode()), Err(CommitError::Count), "{what}");
    }
}

#[test]
fn the_last_commit_of_an_import_says_so_among_what_versions_that_do_not_know_it_ignore() {
    let mut last = Header { unknown: vec![(2_000, vec![0x01])], ..header(1) };
    assert!(!last.ends_import());
    last.unknown = vec![(20, vec![0x01])];
    last.end_import();
    last.end_import();
    assert_eq!(last.unknown, [(13, vec![0x01]), (20, vec![0x01])], "once, and in order");
    let (commit, id) = signed(last, records(1));
    let read = Commit::decode(&commit.encode()).expect("a commit");
    assert!(read.header.ends_import() && !read.header.is_newer() && read.is_signed(&id));
    let other = Header { unknown: vec![(13, vec![0x02])], ..header(1) };
    assert!(!signed(other, records(1)).0.header.ends_import(), "of a newer version");
}

#[test]
fn fields_of_newer_versions_are_hashed_and_kept_and_make_the_commit_newer_from_64_on() {
    let with = |unknown: Vec<(u64, Vec<u8>)>| {
        let (commit, id) = signed(Header { unknown, ..header(1) }, records(1));
        let read = Commit::decode(&commit.encode()).expect("a commit");
        assert_eq!(read, commit);
        assert!(read.is_signed(&id));
        (read, id)
    };
    let (plain, plain_id) = with(vec![]);
    assert!(!plain.header.is_newer());
    let (ignored, ignored_id) = with(vec![(14, vec![0x01]), (63, vec![0x63, b'a', b'b', b'c'])]);
    assert!(!ignored.header.is_newer());
    assert_ne!(ignored_id, plain_id);
    assert!(with(vec![(64, vec![0x01])]).0.header.is_newer());
    assert!(with(vec![(63, vec![0x01]), (u64::MAX, vec![0x80])]).0.header.is_newer());
    assert!(signed(Header { version: 2, ..header(1) }, records(1)).0.header.is_newer());
    assert!(!signed(header(1), vec![Record { kind: Kind::Unknown(9), ..record(b"x") }]).0.header.is_newer());
}

#[test]
fn a_genesis_makes_the_ledger_that_its_id_names() {
    let root = Header { ledger: None, member_heads: vec![], ..header(1) };
    let (commit, id) = signed(root.clone(), records(1));
    let read = Commit::decode(&commit.encode()).expect("a genesis");
    assert_eq!(read.header.ledger, None);
    assert_eq!(read.ledger(&id), ledger_of_genesis(&id));
    assert_eq!(read.ledger(&id).as_bytes()[..], id.as_bytes()[..16]);
    assert_eq!(signed(header(1), records(1)).0.ledger(&id), LedgerId([2; 16]), "others name theirs");

    for broken in [
        Header { previous: vec![CommitId([1; 32])], ..root.clone() },
        Header { member_heads: vec![CommitId([1; 32])], ..root.clone() },
        Header { first: 2, ..root },
    ] {
        assert_eq!(refused(broken.clone(), records(1)), CommitError::Genesis);
        let bytes = encoded_unchecked(broken, records(1));
        assert_eq!(Commit::decode(&bytes), Err(CommitError::Genesis));
    }
}

#[test]
fn no_ledger_has_sixteen_zero_bytes() {
    let zero = Header { ledger: Some(LedgerId([0; 16])), member_heads: vec![], ..header(1) };
    assert_eq!(refused(zero, records(1)), CommitError::Genesis);
}

/// Bytes of a commit that nobody would sign.
fn encoded_unchecked(header: Header, records: Vec<Record>) -> Vec<u8> {
    Commit { header, records, salts: Salts::Seed(SEED), signature: [0; 64] }.encode()
}

fn refused_both_ways(header: Header, records: Vec<Record>) -> CommitError {
    let error = refused(header.clone(), records.clone());
    assert_eq!(Commit::decode(&encoded_unchecked(header, records)), Err(error), "written and read alike");
    error
}

#[test]
fn a_commit_has_as_many_records_as_its_header_says_and_numbers_that_fit() {
    assert_eq!(refused_both_ways(header(2), records(1)), CommitError::Count);
    assert_eq!(refused_both_ways(header(1), records(2)), CommitError::Count);
    assert_eq!(refused(header(0), vec![]), CommitError::Count);
    assert!(Commit::decode(&encoded_unchecked(header(0), vec![])).is_err());
    assert_eq!(refused_both_ways(Header { first: 0, ..header(1) }, records(1)), CommitError::Count);
    assert_eq!(refused_both_ways(Header { version: 0, ..header(1) }, records(1)), CommitError::Count);
    for first in [RECORD_NUMBER_MAX, u64::MAX] {
        assert_eq!(refused_both_ways(Header { first, ..header(1) }, records(1)), CommitError::Count, "{first}");
    }
    signed(header(COMMIT_RECORDS_MAX as u64), records(COMMIT_RECORDS_MAX));
    let many = COMMIT_RECORDS_MAX + 1;
    assert_eq!(refused(header(many as u64), records(many)), CommitError::Count);
    assert!(Commit::decode(&encoded_unchecked(header(many as u64), records(many))).is_err());
}

#[test]
fn what_is_over_a_limit_of_size_is_refused() {
    let ids = |count: usize| (0..count).map(|n| CommitId([u8::try_from(n).expect("few"); 32])).collect::<Vec<_>>();
    signed(Header { previous: ids(PREVIOUS_MAX), member_heads: ids(MEMBER_HEADS_MAX), ..header(1) }, records(1));
    let previous = Header { previous: ids(PREVIOUS_MAX + 1), ..header(1) };
    assert_eq!(refused(previous.clone(), records(1)), CommitError::TooBig);
    assert!(Commit::decode(&encoded_unchecked(previous, records(1))).is_err());
    let heads = Header { member_heads: ids(MEMBER_HEADS_MAX + 1), ..header(1) };
    assert_eq!(refused(heads.clone(), records(1)), CommitError::TooBig);
    assert!(Commit::decode(&encoded_unchecked(heads, records(1))).is_err());

    let payload = |length: usize| vec![record(&vec![0; length])];
    signed(header(1), payload(PAYLOAD_BYTES_MAX));
    assert_eq!(refused_both_ways(header(1), payload(PAYLOAD_BYTES_MAX + 1)), CommitError::TooBig);
    let five: Vec<_> = (0..5).flat_map(|_| payload(PAYLOAD_BYTES_MAX)).collect();
    assert_eq!(refused_both_ways(header(5), five), CommitError::TooBig);
    assert_eq!(Commit::decode(&vec![0; COMMIT_BYTES_MAX + 1]), Err(CommitError::TooBig));
}

#[test]
fn heads_are_a_set_and_a_derived_document_is_left_out() {
    for ids in [vec![CommitId([2; 32]), CommitId([1; 32])], vec![CommitId([1; 32]); 2]] {
        let previous = Header { previous: ids.clone(), ..header(1) };
        assert_eq!(refused_both_ways(previous, records(1)), CommitError::NotCanonical);
        let heads = Header { member_heads: ids, ..header(1) };
        assert_eq!(refused_both_ways(heads, records(1)), CommitError::NotCanonical);
    }
    let own = derived_document(header(1).feed(), 1);
    let named = vec![Record { document: Some(own), ..record(b"x") }];
    assert_eq!(refused_both_ways(header(1), named.clone()), CommitError::NotCanonical);
    let later = Header { first: 2, ..header(1) };
    let (commit, _) = signed(later, named);
    assert_eq!(commit.document(2, &commit.records[0]), own, "an edit names the document of an earlier record");
}

#[test]
fn a_feed_and_a_number_make_a_document_and_a_fact_makes_one_of_its_own_kind() {
    let (one, other) = (feed(&device().public(), &[1; 16]), feed(&device().public(), &[2; 16]));
    assert_ne!(one, other);
    assert_ne!(one, feed(&DeviceSecret::from_bytes([2; 32]).public(), &[1; 16]));
    let first = derived_document(one, 1);
    assert_eq!(first.0[..10], document_prefix(one));
    assert_eq!(first.0[10..], [0, 0, 0, 0, 0, 1]);
    assert_eq!(derived_document(one, RECORD_NUMBER_MAX).0[10..], [0xff; 6]);
    for nonce in 0..=255 {
        assert!(!is_fact_document(&derived_document(feed(&device().public(), &[nonce; 16]), 1)));
        assert!(is_fact_document(&fact_document(&[nonce; 32], "csv", b"row")));
    }
    let fact = fact_document(&FACT_KEY, "csv", b"row");
    assert_eq!(fact, fact_document(&FACT_KEY, "csv", b"row"));
    assert_ne!(fact, fact_document(&FACT_KEY, "account", b"row"));
    assert_ne!(fact, fact_document(&FACT_KEY, "csv", b"row2"));
    assert_ne!(fact, fact_document(&[0; 32], "csv", b"row"));
    assert_ne!(fact_document(&FACT_KEY, "a", b"b"), fact_document(&FACT_KEY, "ab", b""), "domain and fact stay apart");
}

#[test]
fn an_action_is_the_commit_or_what_its_header_names() {
    let (commit, id) = signed(header(1), records(1));
    assert_eq!(action_of(&id, &commit.header).as_bytes()[..], id.as_bytes()[..8]);
    let named = Header { action: Some(ActionId([9; 8])), ..header(1) };
    assert_eq!(action_of(&id, &named), ActionId([9; 8]));
}

#[test]
fn the_same_commit_in_other_bytes_is_refused() {
    let (commit, _) = full();
    let bytes = commit.encode();
    assert_eq!(bytes[0], 0xa4, "a map of four");
    let longer_map = [&[0xb8, 4], &bytes[1..]].concat();
    let longer_key = [&[0xa4, 0x18, 1], &bytes[2..]].concat();
    let indefinite = [&[0xbf], &bytes[1..], &[0xff]].concat();
    let zero_kind = {
        // A record that says its kind is 0 instead of saying nothing.
        let (commit, _) = signed(header(1), records(1));
        let bytes = commit.encode();
        let record = [&[0x81, 0xa2, 0x03][..], &[0x19, 0x5f, 0x02]].concat();
        let at = bytes.windows(record.len()).position(|window| window == record).expect("the record");
        let mut bytes = bytes;
        bytes.splice(at..at + 3, [0x81, 0xa3, 0x02, 0x00, 0x03]);
        bytes
    };
    for (what, bytes) in [("map", longer_map), ("key", longer_key), ("indefinite", indefinite), ("kind", zero_kind)] {
        let error = Commit::decode(&bytes).expect_err(what);
        assert!(matches!(error, CommitError::NotCanonical | CommitError::Malformed), "{what}: {error}");
    }
    assert_eq!(Commit::decode(&[&bytes[..], &[0]].concat()), Err(CommitError::Malformed));
    for length in 0..bytes.len() {
        assert!(Commit::decode(&bytes[..length]).is_err(), "half a commit");
    }
}

/// A commit of real changes with every kind of field, to be damaged.
fn corpus() -> Vec<Vec<u8>> {
    let actor = header(1).feed().0;
    let puts = vec![Put::new("date", Scalar::Int(20_000)), Put::new("money", money(340))];
    let change = Document::create(actor, Thing::Expense, puts);
    let payload = change.encode().expect("a change").payload;
    let expense = Record { period: field::period(&change), ..record(&payload) };
    let unknown = Header { unknown: vec![(20, vec![0x82, 1, 2]), (70, vec![0xf6])], version: 2, ..header(1) };
    let (plain, _) = signed(header(2), vec![expense.clone(), expense]);
    let stub = purged(&plain, &[0]);
    [plain, stub, full().0, signed(unknown, records(1)).0].map(|commit| commit.encode()).to_vec()
}

#[test]
fn damaged_commits_never_panic_and_what_is_accepted_is_in_its_one_encoding() {
    let (corpus, rng) = (corpus(), &mut Rng::new(3_000_000));
    let (mut accepted, mut refused) = (0, BTreeSet::new());
    for round in 0..100_000 {
        let mut bytes = corpus[round % corpus.len()].clone();
        for _ in 0..=rng.below(3) {
            let at = rng.below(bytes.len());
            match rng.below(6) {
                0 => bytes[at] ^= 1 << rng.below(8),
                1 => bytes[at] = rng.next().to_le_bytes()[0],
                2 => bytes.insert(at, *rng.pick(&[0, 0x18, 0x5f, 0x9f, 0xbf, 0xff])),
                3 => drop(bytes.remove(at)),
                4 => bytes[at] = bytes[at].wrapping_add(1),
                _ => bytes[at] = *rng.pick(&[0x1b, 0x5b, 0x9b, 0xbb, 0xc0, 0xf6]),
            }
        }
        match Commit::decode(&bytes) {
            Ok(commit) => {
                accepted += 1;
                assert_eq!(commit.encode(), bytes, "round {round}");
                let _ = (commit.id(), commit.header.is_newer(), commit.header.last());
            }
            Err(error) => drop(refused.insert(error.to_string())),
        }
    }
    assert!(accepted > 10_000, "{accepted}");
    assert_eq!(refused.len(), 3, "{refused:?}");
}

/// Depth and length that a few bytes claim cost nothing.
#[test]
fn bytes_that_claim_to_be_deep_or_long_are_refused() {
    for byte in [0x81, 0x9f, 0xa1, 0xbf, 0xc1, 0x5f, 0x7f] {
        assert!(Commit::decode(&vec![byte; COMMIT_BYTES_MAX]).is_err(), "{byte:#x}");
        let nested = [&[0xa1, 0x01][..], &vec![byte; COMMIT_BYTES_MAX - 2]].concat();
        assert!(Commit::decode(&nested).is_err(), "{byte:#x}");
    }
    for long in [[0x5b, 0xff], [0x7b, 0xff], [0x9b, 0xff], [0xbb, 0xff]] {
        assert!(Commit::decode(&[&[0xa1, 0x01][..], &long, &[0xff; 7]].concat()).is_err());
    }
}

#[test]
fn no_unknown_field_takes_the_place_of_a_known_one() {
    for unknown in
        [vec![(5, vec![0x01])], vec![(40, vec![0]), (40, vec![0])], vec![(40, vec![])], vec![(40, vec![0, 0])]]
    {
        let signed = Commit::sign(Header { unknown: unknown.clone(), ..header(1) }, records(1), SEED, &device());
        let is_read = |commit: &Commit| Commit::decode(&commit.encode()).as_ref() == Ok(commit);
        assert!(signed.is_err() || signed.as_ref().is_ok_and(|(commit, _)| is_read(commit)), "{unknown:?}");
    }
}

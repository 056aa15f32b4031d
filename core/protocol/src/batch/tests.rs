//! Batches from hostile senders: whatever they say, a typed error and bounded memory, or commits that are commits.

use std::io::Read;

use outlay_ledger::commit::CommitError;

use super::columns::{Column, FIXED, put_uint};
use super::*;
use crate::support::{self, Dice};

/// A batch taken apart, to be changed and put together again.
#[derive(Clone)]
struct Opened {
    columns: Vec<Vec<u8>>,
    raw: Vec<u8>,
}

impl Opened {
    fn new(commits: &[Commit]) -> Self {
        let batch = encode(commits).expect("a batch");
        let mut input = columns::Input(&batch[1..]);
        let unpacked = pack::unpack(&mut input, usize::MAX).expect("columns");
        let columns = pack::columns(&unpacked, usize::MAX).expect("columns");
        Self { columns: columns.into_iter().map(<[u8]>::to_vec).collect(), raw: input.0.to_vec() }
    }

    fn with(mut self, column: Column, numbers: &[u64]) -> Self {
        let column = &mut self.columns[column as usize];
        column.clear();
        numbers.iter().for_each(|number| put_uint(column, *number));
        self
    }

    fn close(&self) -> Vec<u8> {
        [&[VERSION], pack::pack(&self.columns).expect("a packed part").as_slice(), &self.raw].concat()
    }

    fn decode(&self) -> Result<Vec<Commit>, BatchError> {
        decode(&self.close(), &Limits::default())
    }
}

/// A batch with this zstd frame.
fn framed(packed: &[u8], raw: &[u8]) -> Vec<u8> {
    let mut batch = vec![VERSION, 1];
    put_uint(&mut batch, packed.len() as u64);
    batch.extend_from_slice(packed);
    batch.extend_from_slice(raw);
    batch
}

fn decode_default(batch: &[u8]) -> Result<Vec<Commit>, BatchError> {
    decode(batch, &Limits::default())
}

#[test]
fn a_batch_that_ends_early_anywhere_is_refused() {
    let batch = encode(&support::history(6, 1)).expect("a batch");
    for end in 0..batch.len() {
        assert!(decode_default(&batch[..end]).is_err(), "{end}");
    }
    let opened = Opened::new(&support::history(6, 1));
    for column in 0..opened.columns.len() {
        for end in 1..opened.columns[column].len() {
            let mut short = opened.clone();
            short.columns[column].truncate(end);
            assert!(short.decode().is_err(), "column {column}, {end}");
        }
    }
}

#[test]
fn bytes_to_spare_are_refused_wherever_they_are() {
    let opened = Opened::new(&support::history(6, 1));
    let batch = opened.close();
    assert_eq!(decode_default(&[batch.as_slice(), &[0]].concat()), Err(BatchError::Spare));
    let mut input = columns::Input(&batch[2..]);
    let length = input.length().expect("a length");
    let packed = input.take(length).expect("the frame");
    let followed = framed(&[packed, packed].concat(), &opened.raw);
    assert_eq!(decode_default(&followed), Err(BatchError::Spare));
    for column in 0..opened.columns.len() {
        let mut longer = opened.clone();
        longer.columns[column].push(0);
        assert!(longer.decode().is_err() || opened.columns[column].is_empty(), "column {column}");
    }
    let mut wider = opened;
    wider.columns.push(Vec::new());
    assert_eq!(wider.decode(), Err(BatchError::Spare));
}

#[test]
fn another_version_is_named() {
    assert_eq!(decode_default(&[]), Err(BatchError::Truncated));
    assert_eq!(decode_default(&[3, 0]), Err(BatchError::Version(3)));
}

#[test]
fn a_frame_that_unpacks_to_too_much_is_refused() {
    let zeros = zstd::encode_all(std::io::repeat(0).take(256 << 20), 1).expect("a frame");
    assert!(zeros.len() < 64 * 1024);
    assert_eq!(decode_default(&framed(&zeros, &[])), Err(BatchError::TooBig));
}

#[test]
fn a_frame_that_asks_for_a_great_window_or_claims_a_size_is_refused() {
    let magic = [0x28, 0xb5, 0x2f, 0xfd];
    let window_of_1_mib = [magic.as_slice(), &[0x00, 0x50], &[1, 0, 0]].concat();
    assert_eq!(decode_default(&framed(&window_of_1_mib, &[])), Err(BatchError::Truncated), "it unpacks, to nothing");
    let window_of_128_mib = [magic.as_slice(), &[0x00, 0x88], &[1, 0, 0]].concat();
    assert_eq!(decode_default(&framed(&window_of_128_mib, &[])), Err(BatchError::Compression));
    let size_of_2_gib = [magic.as_slice(), &[0xa0, 0, 0, 0, 0x80], &[1, 0, 0]].concat();
    assert_eq!(decode_default(&framed(&size_of_2_gib, &[])), Err(BatchError::Compression));
    assert_eq!(decode_default(&framed(b"not zstd", &[])), Err(BatchError::Compression));
    assert_eq!(decode_default(&framed(&[], &[])), Err(BatchError::Compression));
}

#[test]
fn counts_beyond_the_limits_are_refused_before_anything_is_made() {
    let opened = Opened::new(&support::added_by_one_process(1, 2));
    for column in [
        Column::Commits,
        Column::Count,
        Column::Previous,
        Column::Unknown,
        Column::DepCount,
        Column::ActorCount,
        Column::PredLength,
    ] {
        let decoded = opened.clone().with(column, &[u64::MAX]).decode();
        assert_eq!(decoded, Err(BatchError::TooBig), "{column:?}");
    }
    assert_eq!(opened.clone().with(Column::Commits, &[5_000]).decode(), Err(BatchError::Truncated));
    let limits = |commits, records| Limits { commits, records, ..Limits::default() };
    let batch = encode(&support::added_by_one_process(3, 2)).expect("a batch");
    assert_eq!(decode(&batch, &limits(2, 9)), Err(BatchError::TooBig));
    assert_eq!(decode(&batch, &limits(9, 2)), Err(BatchError::TooBig));
    assert!(decode(&batch, &limits(3, 3)).is_ok());
}

#[test]
fn what_is_named_must_be_in_the_batch() {
    let opened = Opened::new(&support::added_by_one_process(1, 2));
    let far = 1 << 20;
    for column in [Column::Ledger, Column::Feed, Column::Device, Column::Action, Column::OnBehalf, Column::MemberHeads]
    {
        assert_eq!(opened.clone().with(column, &[far]).decode(), Err(BatchError::Reference), "{column:?}");
    }
    for number in [far, far + 1, u64::MAX, u64::MAX - 1, 1] {
        assert_eq!(opened.clone().with(Column::Id, &[number, number]).decode(), Err(BatchError::Reference), "{number}");
    }
    assert_eq!(opened.clone().with(Column::Body, &[far]).decode(), Err(BatchError::Reference));
    assert_eq!(opened.clone().with(Column::Document, &[far]).decode(), Err(BatchError::Reference));
    let of_feed = opened.with(Column::Document, &[1]).with(Column::DocumentFeed, &[1]);
    assert_eq!(of_feed.decode(), Err(BatchError::Reference));
}

#[test]
fn the_first_commit_of_a_device_leaves_out_no_previous() {
    let opened = Opened::new(&support::added_by_one_process(1, 2));
    assert_eq!(opened.with(Column::Previous, &[0]).decode(), Err(BatchError::Reference));
}

#[test]
fn a_change_on_top_of_one_that_the_batch_has_not_says_which() {
    let (commits, _, _) = support::added_and_edited(15);
    let opened = Opened::new(&commits[1..]);
    assert!(opened.decode().is_ok());
    assert_eq!(opened.with(Column::Dep, &[0]).decode(), Err(BatchError::Reference));
}

#[test]
fn a_commit_that_the_ledger_refuses_is_refused() {
    let opened = Opened::new(&support::added_by_one_process(1, 2));
    let no_version = opened.clone().with(Column::Version, &[u64::MAX]);
    assert_eq!(no_version.decode(), Err(BatchError::Commit(CommitError::Count)));
    let before_the_first = opened.clone().with(Column::First, &[1]);
    assert_eq!(before_the_first.decode(), Err(BatchError::Commit(CommitError::Count)));
    let genesis_with_previous = opened.clone().with(Column::Ledger, &[0]);
    assert!(genesis_with_previous.decode().is_err());
    // The document that the record makes anyway, said as that of feed 0 and record 1.
    let its_own = opened.with(Column::Document, &[1]).with(Column::DocumentNumber, &[2]);
    assert_eq!(its_own.decode(), Err(BatchError::Commit(CommitError::NotCanonical)));
}

/// One long note in every record: a byte each in the batch, four kilobytes each in memory.
#[test]
fn what_recurs_is_charged_each_time_it_comes() {
    let commits = support::with_one_note(&"x".repeat(4_000), 800, 16);
    let batch = encode(&commits).expect("a batch");
    assert!(batch.len() < 120_000);
    assert_eq!(decode(&batch, &Limits::default()).expect("the commits"), commits);
    let limits = Limits { decoded_bytes: 1024 * 1024, ..Limits::default() };
    assert_eq!(decode(&batch, &limits), Err(BatchError::TooBig));
}

/// Any damage gives an error, or commits that the ledger takes: then a batch of them comes back too.
#[test]
fn damaged_batches_give_errors_or_commits_and_never_a_panic() {
    let (mut refused, mut taken) = (0, 0);
    for seed in 0..40 {
        let mut dice = Dice::new(1_000 + seed);
        let opened = Opened::new(&support::history(8, seed));
        for _ in 0..100 {
            let mut damaged = opened.clone();
            (0..=dice.below(2)).for_each(|_| damage(&mut damaged, &mut dice));
            match damaged.decode() {
                Ok(commits) => {
                    taken += 1;
                    let again = encode(&commits).expect("commits make a batch");
                    assert_eq!(decode_default(&again), Ok(commits), "seed {seed}");
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 1_000 && taken > 100, "{refused} refused, {taken} taken");
}

#[test]
fn damage_under_the_compression_gives_errors_or_commits_too() {
    for seed in 0..10 {
        let mut dice = Dice::new(2_000 + seed);
        let batch = encode(&support::history(8, seed)).expect("a batch");
        for _ in 0..200 {
            let mut damaged = batch.clone();
            let at = dice.index(damaged.len());
            damaged[at] ^= 1 << dice.below(8);
            if let Ok(commits) = decode_default(&damaged) {
                assert!(commits.iter().all(|commit| Commit::decode(&commit.encode()).as_ref() == Ok(commit)));
            }
        }
    }
}

fn damage(opened: &mut Opened, dice: &mut Dice) {
    let at = dice.index(opened.columns.len() + 1);
    let column = opened.columns.get_mut(at).unwrap_or(&mut opened.raw);
    let place = dice.index(column.len() + 1);
    let byte = dice.bytes::<1>()[0];
    match dice.below(6) {
        0 => column.insert(place, byte),
        1 => column.truncate(place),
        2 => column.extend_from_within(place..),
        3 if at >= FIXED => drop(opened.columns.remove(at.min(opened.columns.len() - 1))),
        _ if place < column.len() => column[place] = if byte < 64 { byte % 4 } else { byte },
        _ => {}
    }
}

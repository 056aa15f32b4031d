//! A device that writes: small, real, signed commits.

use outlay_ledger::commit::{ActorForm, Body, Commit, FORMAT_VERSION, Header, Kind, Record};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{CommitId, DeviceKey, LedgerId, Month};

/// Random numbers from a seed.
pub(crate) struct Dice(blake3::OutputReader);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(blake3::Hasher::new().update(b"outlay/test/sessions").update(&seed.to_be_bytes()).finalize_xof())
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(u64::from_be_bytes(self.bytes()) % end.max(1) as u64).expect("a number")
    }
}

pub(crate) struct Author {
    secret: DeviceSecret,
    nonce: [u8; 16],
    next: u64,
}

impl Author {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        Self { secret: DeviceSecret::from_bytes(dice.bytes()), nonce: dice.bytes(), next: 1 }
    }

    pub(crate) fn key(&self) -> DeviceKey {
        self.secret.public()
    }

    pub(crate) fn sign(&self, digest: &[u8; 32]) -> [u8; 64] {
        self.secret.sign_digest(digest)
    }

    /// Another process of the device.
    pub(crate) fn restart(&mut self, dice: &mut Dice) {
        (self.nonce, self.next) = (dice.bytes(), 1);
    }

    pub(crate) fn genesis(&mut self, dice: &mut Dice) -> (Commit, CommitId) {
        self.restart(dice);
        self.write(None, Vec::new(), Vec::new(), 0, 40, dice)
    }

    /// A commit with one record of `bytes` bytes, of a period (0: none).
    pub(crate) fn write(
        &mut self,
        ledger: Option<LedgerId>,
        mut previous: Vec<CommitId>,
        member_heads: Vec<CommitId>,
        period: u16,
        bytes: usize,
        dice: &mut Dice,
    ) -> (Commit, CommitId) {
        previous.sort_unstable();
        previous.truncate(8);
        let payload = (0..bytes).map(|_| dice.bytes::<1>()[0]).collect();
        let record = Record {
            document: None,
            kind: Kind::Change,
            period: Month::from_number(period),
            form: ActorForm::Feed,
            body: Body::Payload(payload),
        };
        let header = Header {
            version: FORMAT_VERSION,
            ledger,
            device: self.key(),
            nonce: self.nonce,
            first: self.next,
            count: 1,
            previous,
            member_heads,
            generation: 0,
            time_ms: 1_704_099_600_000,
            action: None,
            on_behalf: None,
            unknown: Vec::new(),
        };
        self.next += 1;
        Commit::sign(header, vec![record], dice.bytes(), &self.secret).expect("a commit")
    }
}

/// The class of a commit: its newest period.
pub(crate) fn class(commit: &Commit) -> u16 {
    commit.records.iter().filter_map(|record| record.period).map(Month::number).max().unwrap_or(0)
}

/// The commits that must be there before this one.
pub(crate) fn parents(commit: &Commit) -> impl Iterator<Item = &CommitId> {
    commit.header.previous.iter().chain(&commit.header.member_heads)
}

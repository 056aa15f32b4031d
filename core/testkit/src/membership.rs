//! Who is a member of a ledger, by its commits alone; and member operations that the engine has no call for yet, signed as
//! its device would.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use outlay_core::{Commit, CommitId, DeviceKey, LedgerId};
use outlay_ledger::commit::{ActorForm, Body, FORMAT_VERSION, Header, Kind, Record, document_prefix};
use outlay_ledger::member::MemberOperation;
use outlay_ledger::roles::{History, MemberCommit};
use outlay_ledger::signature::DeviceSecret;

use crate::Violation;
use crate::random::Random;

/// Predecessors that a commit names at most.
const PREVIOUS_MAX: usize = 8;

/// What the member operations of a ledger come to.
pub fn history(ledger: LedgerId, commits: &[Commit]) -> History {
    let prefix = |commit: &Commit| document_prefix(commit.header.feed());
    let origins: BTreeMap<[u8; 10], DeviceKey> =
        commits.iter().map(|commit| (prefix(commit), commit.header.device)).collect();
    let of_members = commits.iter().filter(|commit| is_of_members(commit));
    let read = |commit: &Commit| {
        let Ok(read) = MemberCommit::read(commit.id(), commit, |document| {
            Ok::<_, Infallible>(origins.get(&document.0[..10]).copied())
        });
        read
    };
    History::new(ledger, of_members.map(read).collect::<Vec<_>>())
}

/// Whether a commit is one of those that roles follow from.
pub fn is_of_members(commit: &Commit) -> bool {
    commit.records.iter().any(|record| record.kind.is_of_members())
}

/// The commits of a device that no other one of it names as previous, ascending: where its chain ends.
pub fn chain_heads(commits: &[Commit], device: &DeviceKey) -> Vec<CommitId> {
    let own = || commits.iter().filter(|commit| commit.header.device == *device);
    let named: BTreeSet<CommitId> = own().flat_map(|commit| commit.header.previous.iter().copied()).collect();
    let ids: BTreeSet<CommitId> = own().map(Commit::id).collect();
    ids.difference(&named).copied().collect()
}

/// Signs a member operation as a process of the device would that holds these commits.
///
/// # Errors
///
/// If the operation has no encoding.
pub fn sign(
    ledger: LedgerId,
    commits: &[Commit],
    secret: &[u8; 32],
    operation: &MemberOperation,
    time_ms: i64,
    random: &mut Random,
) -> Result<Commit, Violation> {
    let secret = DeviceSecret::from_bytes(*secret);
    let mut previous = chain_heads(commits, &secret.public());
    previous.truncate(PREVIOUS_MAX);
    let header = Header {
        version: FORMAT_VERSION,
        ledger: Some(ledger),
        device: secret.public(),
        nonce: random.bytes(),
        first: 1,
        count: 1,
        previous,
        member_heads: history(ledger, commits).roles().heads().to_vec(),
        generation: 0,
        time_ms,
        action: None,
        on_behalf: None,
        unknown: Vec::new(),
    };
    let payload = operation.encode().map_err(|error| Violation::of_simulator(&error))?;
    let body = Body::Payload(payload);
    let record = Record { document: None, kind: Kind::Member, period: None, form: ActorForm::Feed, body };
    let signed = Commit::sign(header, vec![record], random.bytes(), &secret);
    Ok(signed.map_err(|error| Violation::of_simulator(&error))?.0)
}

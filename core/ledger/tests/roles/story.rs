//! A ledger's member commits as they are written in a test, one after another or on top of older ones.

use std::collections::BTreeMap;

use outlay_ledger::member::{MemberOperation, Purge, Role};
use outlay_ledger::roles::{
    Ancestry, AsideReason, CommitFacts, History, InCut, MemberCommit, MemberRecord, Roles, Standing, VoidReason,
    Writes, roles,
};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{CommitId, DeviceKey, DocumentId, LedgerId, MemberId};

pub(crate) const ANA: MemberId = MemberId([0xa0; 16]);
pub(crate) const BEN: MemberId = MemberId([0xb0; 16]);
pub(crate) const CAT: MemberId = MemberId([0xc0; 16]);
pub(crate) const DAN: MemberId = MemberId([0xd0; 16]);

pub(crate) const ANAS: DeviceKey = DeviceKey([0xa1; 32]);
pub(crate) const ANAS_TABLET: DeviceKey = DeviceKey([0xa2; 32]);
pub(crate) const BENS: DeviceKey = DeviceKey([0xb1; 32]);
pub(crate) const BENS_TABLET: DeviceKey = DeviceKey([0xb2; 32]);
pub(crate) const CATS: DeviceKey = DeviceKey([0xc1; 32]);
pub(crate) const CATS_TABLET: DeviceKey = DeviceKey([0xc2; 32]);
pub(crate) const DANS: DeviceKey = DeviceKey([0xd1; 32]);
pub(crate) const SERVER: DeviceKey = DeviceKey([0x51; 32]);
pub(crate) const STRANGER: DeviceKey = DeviceKey([0x71; 32]);

pub(crate) const GENESIS: CommitId = CommitId([0x6e; 32]);
pub(crate) const LEDGER: LedgerId = LedgerId([0x6e; 16]);

pub(crate) fn id(number: u8) -> CommitId {
    CommitId([number; 32])
}

pub(crate) fn add(member: MemberId, device: DeviceKey, role: Role) -> MemberOperation {
    MemberOperation::Add { member, device, role }
}

pub(crate) fn remove(member: MemberId, cut: &[CommitId]) -> MemberOperation {
    MemberOperation::Remove { member, cut: cut.to_vec() }
}

pub(crate) fn role(member: MemberId, role: Role, cut: &[CommitId]) -> MemberOperation {
    MemberOperation::Role { member, role, cut: cut.to_vec() }
}

pub(crate) fn add_device(member: MemberId, device: DeviceKey) -> MemberOperation {
    MemberOperation::AddDevice { member, device }
}

pub(crate) fn remove_device(member: MemberId, device: DeviceKey, cut: &[CommitId]) -> MemberOperation {
    MemberOperation::RemoveDevice { member, device, cut: cut.to_vec() }
}

pub(crate) fn replace_device(member: MemberId, old: DeviceKey, new: DeviceKey, cut: &[CommitId]) -> MemberOperation {
    MemberOperation::ReplaceDevice { member, old, new, cut: cut.to_vec() }
}

pub(crate) fn invite(secret: &DeviceSecret, role: Role, member: Option<MemberId>) -> MemberOperation {
    MemberOperation::Invite { invite_key: secret.public(), role, member, expires_s: None }
}

/// The admission of a device as the first one of a new member.
pub(crate) fn join(device: DeviceKey, secret: &DeviceSecret) -> MemberOperation {
    MemberOperation::join(&LEDGER, MemberId::of_first_device(&device), device, secret)
}

pub(crate) fn pin(up_to: Role, on_behalf: bool) -> MemberOperation {
    MemberOperation::Server { key: SERVER, up_to, on_behalf }
}

pub(crate) fn accept(commits: &[CommitId]) -> MemberOperation {
    MemberOperation::Accept { commits: commits.to_vec() }
}

pub(crate) fn purge(document: u8, origin: Option<DeviceKey>) -> MemberRecord {
    MemberRecord::Purge { purge: Purge { document: DocumentId([document; 16]) }, origin }
}

/// Member commits, the first of which makes ANA the owner of the ledger with the device ANAS.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) commits: Vec<MemberCommit>,
    written: u64,
}

impl Story {
    pub(crate) fn new() -> Self {
        let genesis = MemberOperation::Genesis { member: ANA, device: ANAS, fact_key: Some([5; 32]) };
        let mut story = Self { commits: Vec::new(), written: 0 };
        story.write(GENESIS, ANAS, &[], vec![MemberRecord::Member(genesis)]);
        story
    }

    /// ANA with BEN and CAT in these roles.
    pub(crate) fn with(ben: Role, cat: Role) -> Self {
        let mut story = Self::new();
        story.does(ANAS, add(BEN, BENS, ben));
        story.does(ANAS, add(CAT, CATS, cat));
        story
    }

    /// Writes an operation on top of everything in effect.
    pub(crate) fn does(&mut self, device: DeviceKey, operation: MemberOperation) -> CommitId {
        let heads = self.roles().heads().to_vec();
        self.does_on(&heads, device, operation)
    }

    /// Writes an operation on top of some commits only, as a device does that has not seen the others.
    pub(crate) fn does_on(&mut self, heads: &[CommitId], device: DeviceKey, operation: MemberOperation) -> CommitId {
        self.written += 1;
        let id = CommitId(*blake3::hash(&self.written.to_be_bytes()).as_bytes());
        self.write(id, device, heads, vec![MemberRecord::Member(operation)])
    }

    pub(crate) fn record(&mut self, device: DeviceKey, record: MemberRecord) -> CommitId {
        self.written += 1;
        let id = CommitId(*blake3::hash(&self.written.to_be_bytes()).as_bytes());
        let heads = self.roles().heads().to_vec();
        self.write(id, device, &heads, vec![record])
    }

    /// Writes a commit with an id of one's choosing, as one who may try many nonces can.
    pub(crate) fn write(
        &mut self,
        id: CommitId,
        device: DeviceKey,
        heads: &[CommitId],
        operations: Vec<MemberRecord>,
    ) -> CommitId {
        let commit = MemberCommit {
            id,
            device,
            member_heads: heads.to_vec(),
            previous: Vec::new(),
            on_behalf: None,
            operations,
        };
        self.commits.push(commit);
        id
    }

    pub(crate) fn roles(&self) -> Roles {
        roles(LEDGER, &self.commits)
    }

    pub(crate) fn history(&self) -> History {
        History::new(LEDGER, self.commits.clone())
    }

    /// Why a commit's first operation is void, if it is.
    pub(crate) fn void(&self, commit: CommitId) -> Option<VoidReason> {
        self.roles().void().iter().find(|void| void.commit == commit && void.index == 0).map(|void| void.reason)
    }

    pub(crate) fn role_of(&self, device: DeviceKey) -> Option<Role> {
        self.roles().role_of(&device).map(|(_, role)| role)
    }

    /// Whether a commit with changes by this device counts, written on top of these member heads.
    pub(crate) fn standing(
        &self,
        commit: CommitId,
        device: DeviceKey,
        heads: &[CommitId],
        chains: &Chains,
    ) -> Standing {
        let facts = CommitFacts { id: commit, device, member_heads: heads, on_behalf: None, writes: Writes::Expenses };
        self.history().standing(&facts, chains)
    }
}

/// A cut leaves it out.
pub(crate) fn cut_by(by: CommitId) -> Standing {
    Standing::Aside(AsideReason::Cut { by })
}

/// What each commit held names as its predecessors.
#[derive(Default, Clone)]
pub(crate) struct Chains(BTreeMap<CommitId, Vec<CommitId>>);

impl Chains {
    pub(crate) fn of(commits: &[(CommitId, &[CommitId])]) -> Self {
        Self(commits.iter().map(|(id, previous)| (*id, previous.to_vec())).collect())
    }
}

impl Ancestry for Chains {
    fn in_cut(&self, commit: CommitId, heads: &[CommitId]) -> InCut {
        let (mut open, mut seen, mut verdict) = (heads.to_vec(), Vec::new(), InCut::No);
        while let Some(id) = open.pop() {
            if id == commit {
                return InCut::Yes;
            }
            match self.0.get(&id) {
                Some(previous) if !seen.contains(&id) => open.extend(previous),
                Some(_) => {}
                None => verdict = InCut::Unknown,
            }
            seen.push(id);
        }
        verdict
    }
}

//! Who may do what: one pure function of a ledger's member commits, which server and devices evaluate alike.
//!
//! [`roles`] puts the commits into one order (see the section below) and judges their operations one by one in the
//! state reached so far. An operation is **void**, with a reason, if its author may not do it or if it would leave no owner
//! with a full device. An author may do what the **least** of his roles allows from the member heads of the commit up to
//! its place in the order: so an operation written without the right to it does not come to life when its author is given
//! that right, nor one of somebody who was removed when he is added again. A commit whose member heads are not all held and applied is **waiting**. The answer depends
//! on the set of commits alone; a commit that arrives late and belongs earlier changes it as if it had always been there.
//!
//! # The order
//!
//! After its member heads; then by the author's depth in the tree of admissions (0 for the first owner, devices of one
//! member alike, authors whom nothing below the commit admits last); then by commit id: the least one is applied as early
//! as what it builds on permits, then the next.
//!
//! # The rules
//!
//! * Owners do everything below. Nobody writes member operations, keys or purges for another one (*on behalf*).
//! * A member's device adds, replaces and removes devices of its own member, and removes its own member (leaving).
//! * A pinned server's key adds devices to members (vouches). Such a device writes ordinary records from then on, up to
//!   the server's role, and no member operations, keys or purges until an owner's device confirms it. A key that was
//!   known before does not come back this way.
//! * An invite admits one new device; the first in the order wins. One for nobody in particular admits a new member under
//!   the id that [`MemberId::of_first_device`] gives. An invite dies with the removal or demotion of the owner who made
//!   it, or of the member whom it names.
//! * A purge counts by an owner, or by an editor if the document is derived from a feed of a device of his own member.
//!
//! Member operations and purges are judged by this order only and never by cuts. What cuts decide is the standing of
//! the other records of a commit: see [`History::standing`].
//!
//! How many members, devices and commits there may be is the server's and the app's to limit, not a rule here.
//!
//! # Cost
//!
//! [`roles`] takes O((c + h + o) log (c + o)) for c commits with h heads and o operations between them; beside that
//! one signature check for each join, O(k / 64 + d) at each fork or merge of the graph where k keys are admitted so far and
//! the branches know d of them differently, and a step for each change of its author's rights that an operation does not
//! know of. 5,000 operations take some 40 ms in a debug build. Every change of the set is a new evaluation; whoever takes in
//! many commits hands them over together. [`History::standing`] walks what lies below a set of member heads that it does
//! not remember, and costs a few look-ups otherwise.

mod judge;
mod lineage;
mod order;
mod standing;

use std::collections::{BTreeMap, BTreeSet};

use crate::commit::{Commit, Kind, Record};
use crate::id::{CommitId, DeviceKey, DocumentId, LedgerId, MemberId};
use crate::limits::MEMBER_HEADS_MAX;
use crate::member::{MemberOperation, Purge, Role};

pub use standing::{
    Affected, Ancestry, AsideReason, CLOSURES_MAX, CommitFacts, History, InCut, Standing, WaitingReason, Writes,
    affected,
};

/// A commit that has records of kinds 1, 2 or 3, as far as roles depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberCommit {
    /// Its id.
    pub id: CommitId,
    /// The device that signed it.
    pub device: DeviceKey,
    /// The member heads that its header names.
    pub member_heads: Vec<CommitId>,
    /// The heads of the device's own chain that its header names.
    pub previous: Vec<CommitId>,
    /// The member that its header says it is written for.
    pub on_behalf: Option<MemberId>,
    /// Its records of kinds 1, 2 and 3, in their order; those whose payload does not decode are left out by every
    /// replica alike.
    pub operations: Vec<MemberRecord>,
}

impl MemberCommit {
    /// Reads from a commit what roles depend on. `origin` says which device's feed a document is derived from, as far as a
    /// commit of that feed is held.
    ///
    /// ```
    /// use outlay_ledger::commit::{ActorForm, Body, Commit, Header, Kind, Record};
    /// use outlay_ledger::member::MemberOperation;
    /// use outlay_ledger::roles::{MemberCommit, MemberRecord};
    /// use outlay_ledger::signature::DeviceSecret;
    /// use outlay_ledger::{DeviceKey, DocumentId, MemberId};
    ///
    /// let secret = DeviceSecret::from_bytes([1; 32]);
    /// let device = secret.public();
    /// let genesis = MemberOperation::Genesis { member: MemberId([2; 16]), device, fact_key: None };
    /// let body = Body::Payload(genesis.encode()?);
    /// let record = Record { document: None, kind: Kind::Member, period: None, form: ActorForm::Feed, body };
    /// let header = Header {
    ///     version: 1, ledger: None, device, nonce: [3; 16], first: 1, count: 1, previous: vec![], member_heads: vec![],
    ///     generation: 0, time_ms: 0, action: None, on_behalf: None, unknown: vec![],
    /// };
    /// let (commit, id) = Commit::sign(header, vec![record], [4; 12], &secret)?;
    ///
    /// let nobody = |_: &DocumentId| Ok::<Option<DeviceKey>, std::convert::Infallible>(None);
    /// let read = MemberCommit::read(id, &commit, nobody)?;
    /// assert_eq!(read.operations, [MemberRecord::Member(genesis)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `origin`.
    pub fn read<E>(
        id: CommitId,
        commit: &Commit,
        mut origin: impl FnMut(&DocumentId) -> Result<Option<DeviceKey>, E>,
    ) -> Result<Self, E> {
        let mut operations = Vec::new();
        for record in &commit.records {
            operations.extend(MemberRecord::read(record, &mut origin)?);
        }
        let header = &commit.header;
        Ok(Self {
            id,
            device: header.device,
            member_heads: header.member_heads.clone(),
            previous: header.previous.clone(),
            on_behalf: header.on_behalf,
            operations,
        })
    }
}

/// A record of a [`MemberCommit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberRecord {
    /// Kind 1.
    Member(MemberOperation),
    /// Kind 3.
    Purge {
        /// What it says.
        purge: Purge,
        /// The device whose feed the document is derived from; absent if it is content-derived or no commit of that feed
        /// is held.
        origin: Option<DeviceKey>,
    },
    /// Kind 2: changes no roles, and needs a full device of a member.
    Other,
}

impl MemberRecord {
    fn read<E>(
        record: &Record,
        origin: &mut impl FnMut(&DocumentId) -> Result<Option<DeviceKey>, E>,
    ) -> Result<Option<Self>, E> {
        let Some(payload) = record.payload() else { return Ok(None) };
        Ok(match record.kind {
            Kind::Member => MemberOperation::decode(payload).ok().map(Self::Member),
            Kind::Key => Some(Self::Other),
            Kind::Purge => match Purge::decode(payload) {
                Ok(purge) => {
                    let origin = origin(&purge.document)?;
                    Some(Self::Purge { purge, origin })
                }
                Err(_) => None,
            },
            Kind::Change | Kind::Blob | Kind::Unknown(_) => None,
        })
    }
}

/// A member as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What he may do.
    pub role: Role,
    /// With which devices.
    pub devices: BTreeSet<DeviceKey>,
}

/// A device as of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Whose it is.
    pub member: MemberId,
    /// The greatest role it has while a server's word is all that speaks for it; absent for a full device.
    pub vouched_up_to: Option<Role>,
}

/// What a pinned server may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// The greatest role of its own commits and of the devices it vouches for.
    pub up_to: Role,
    /// Whether it may write for members.
    pub on_behalf: bool,
}

/// An invite that is in effect, or has admitted somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invite {
    /// The role of a member who is new.
    pub role: Role,
    /// Who is invited; absent when anybody is.
    pub member: Option<MemberId>,
    /// Until when a server takes the admission, in seconds since 1970.
    pub expires_s: Option<u64>,
    /// Whether it has admitted a device.
    pub is_used: bool,
}

/// Whom a removal or demotion concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// All devices of a member, and what servers write for him.
    Member(MemberId),
    /// One device.
    Device(DeviceKey),
    /// A server.
    Server(DeviceKey),
}

/// A removal or demotion in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The commit that says so.
    pub commit: CommitId,
    /// Whom it concerns.
    pub target: Target,
    /// The new role of a demotion; absent for a removal.
    pub demoted_to: Option<Role>,
    /// Up to where the commits of the devices concerned count.
    pub heads: Vec<CommitId>,
}

/// A record that does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Void {
    /// The commit.
    pub commit: CommitId,
    /// Which of its [`MemberCommit::operations`].
    pub index: usize,
    /// Why.
    pub reason: VoidReason,
}

/// Why an operation does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum VoidReason {
    /// The commit does not build on the genesis of this ledger.
    #[error("the commit does not build on the genesis of the ledger")]
    Rootless,
    /// A genesis that is not the first operation of the genesis commit, or names another device than signed it.
    #[error("a genesis is the first operation of the genesis commit and names the device that signs it")]
    Genesis,
    /// The device was of no member at this point.
    #[error("the device is of no member")]
    NotAMember,
    /// The device is known only by the word of a server.
    #[error("the device is not confirmed by an owner yet")]
    Unconfirmed,
    /// The author's role does not allow it.
    #[error("the author's role does not allow it")]
    NotAllowed,
    /// A server did what only devices may, or a device that its pin does not allow.
    #[error("the server may not do this")]
    ServerNotAllowed,
    /// Written on behalf of a member.
    #[error("this is never written on behalf of a member")]
    OnBehalf,
    /// The member is none at this point.
    #[error("there is no such member")]
    NoSuchMember,
    /// The member is one already.
    #[error("the member is one already")]
    MemberExists,
    /// The device is none of that member at this point, or needs no confirmation.
    #[error("the member has no such device")]
    NoSuchDevice,
    /// No server is pinned under the key.
    #[error("no such server is pinned")]
    NoSuchServer,
    /// The key is that of a device, server or invite at this point.
    #[error("the key is in use")]
    KeyInUse,
    /// The key was known before: only an owner or the member's own devices bring it back.
    #[error("a key that was known before is not admitted by an invite or a server")]
    KeyRetired,
    /// The key is of small order: anybody could sign for it.
    #[error("the key is a weak one")]
    WeakKey,
    /// No owner with a full device would be left.
    #[error("the ledger would be left without an owner")]
    LastOwner,
    /// All is so already.
    #[error("nothing would change")]
    NoChange,
    /// There is no such invite in effect at this point.
    #[error("there is no such invite in effect")]
    NoInvite,
    /// The invite has admitted a device.
    #[error("the invite was used before")]
    InviteUsed,
    /// The join names another member than the invite admits, or another device than signed it.
    #[error("the invite admits another member or device")]
    InviteMismatch,
    /// The invite's signature does not verify.
    #[error("the signature of the invite does not verify")]
    Signature,
    /// An editor purges what his own devices did not create.
    #[error("an editor purges only what his own devices created")]
    NotOwnDocument,
    /// An operation of a newer version.
    #[error("the operation is of a newer version")]
    Unknown,
}

/// What one key or member was from each operation in effect that changed its rights, in their order; nothing where one took
/// them away.
type Timeline<T> = Vec<(CommitId, Option<T>)>;

/// Who may do what in a ledger, for one set of member commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    ledger: LedgerId,
    fact_key: Option<[u8; 32]>,
    members: BTreeMap<MemberId, Member>,
    devices: BTreeMap<DeviceKey, Device>,
    servers: BTreeMap<DeviceKey, Server>,
    invites: BTreeMap<DeviceKey, Invite>,
    owners: BTreeSet<MemberId>,
    member_events: BTreeMap<MemberId, Timeline<Role>>,
    device_events: BTreeMap<DeviceKey, Timeline<Device>>,
    server_events: BTreeMap<DeviceKey, Timeline<Server>>,
    cuts: Vec<Cut>,
    cuts_of: BTreeMap<Target, Vec<usize>>,
    accepted: BTreeSet<CommitId>,
    purges: BTreeMap<DocumentId, CommitId>,
    void: Vec<Void>,
    waiting: Vec<CommitId>,
    applied: BTreeSet<CommitId>,
    effective: BTreeSet<CommitId>,
    heads: Vec<CommitId>,
}

/// Evaluates the member commits of a ledger; see the [module](self). Their order and repetitions do not matter.
///
/// ```
/// use outlay_ledger::member::{MemberOperation, Role};
/// use outlay_ledger::roles::{MemberCommit, MemberRecord, roles};
/// use outlay_ledger::{CommitId, DeviceKey, LedgerId, MemberId};
///
/// let (member, device) = (MemberId([1; 16]), DeviceKey([2; 32]));
/// let genesis = MemberOperation::Genesis { member, device, fact_key: Some([3; 32]) };
/// let commit = MemberCommit {
///     id: CommitId([4; 32]),
///     device,
///     member_heads: vec![],
///     previous: vec![],
///     on_behalf: None,
///     operations: vec![MemberRecord::Member(genesis)],
/// };
/// let roles = roles(LedgerId([4; 16]), &[commit]);
/// assert_eq!(roles.role_of(&device), Some((member, Role::Owner)));
/// assert_eq!(roles.heads(), [CommitId([4; 32])]);
/// ```
pub fn roles(ledger: LedgerId, commits: &[MemberCommit]) -> Roles {
    let order = order::order(ledger, commits);
    let mut roles = judge::judge(ledger, &order.ready);
    roles.waiting = order.waiting;
    roles.heads = heads(&roles, &order.ready);
    for (index, cut) in roles.cuts.iter().enumerate() {
        roles.cuts_of.entry(cut.target).or_default().push(index);
    }
    roles
}

/// What is in effect and what full devices wrote in vain; if that has too many ends, what is in effect only.
fn heads(roles: &Roles, ready: &[order::Ranked<'_>]) -> Vec<CommitId> {
    let is_effective = |commit: &MemberCommit| roles.is_effective(&commit.id);
    let all = ends(ready, |commit| is_effective(commit) || roles.is_confirmed(&commit.device));
    if all.len() <= MEMBER_HEADS_MAX {
        return all;
    }
    let mut effective = ends(ready, is_effective);
    effective.truncate(MEMBER_HEADS_MAX);
    effective
}

/// The commits of some set on which no other one of it builds, ascending.
fn ends(ready: &[order::Ranked<'_>], is_in: impl Fn(&MemberCommit) -> bool) -> Vec<CommitId> {
    let mut is_covered = vec![false; ready.len()];
    let mut ends = Vec::new();
    for (place, ranked) in ready.iter().enumerate().rev() {
        let is_in = is_in(ranked.commit);
        if is_in && !is_covered[place] {
            ends.push(ranked.commit.id);
        }
        if is_in || is_covered[place] {
            ranked.heads.iter().for_each(|&head| is_covered[head] = true);
        }
    }
    ends.sort_unstable();
    ends
}

impl Roles {
    /// The ledger.
    pub fn ledger(&self) -> LedgerId {
        self.ledger
    }

    /// What keys the ids of outside facts: absent without the genesis commit, and in a sealed ledger.
    pub fn fact_key(&self) -> Option<&[u8; 32]> {
        self.fact_key.as_ref()
    }

    /// Whose device this is now, and what it may do; for a device that waits for confirmation no more than the server
    /// that vouched for it.
    pub fn role_of(&self, device: &DeviceKey) -> Option<(MemberId, Role)> {
        let device = self.devices.get(device)?;
        let role = self.members.get(&device.member)?.role;
        Some((device.member, device.vouched_up_to.map_or(role, |up_to| role.min(up_to))))
    }

    /// Whether this is a device of a member now that may write member operations, keys and purges as far as its role
    /// goes, and talk to peers directly.
    pub fn is_confirmed(&self, device: &DeviceKey) -> bool {
        self.devices.get(device).is_some_and(|device| device.vouched_up_to.is_none())
    }

    /// The members now.
    pub fn members(&self) -> &BTreeMap<MemberId, Member> {
        &self.members
    }

    /// The devices of a member now.
    pub fn devices(&self, member: &MemberId) -> impl Iterator<Item = (DeviceKey, Device)> {
        let keys = self.members.get(member).into_iter().flat_map(|member| &member.devices);
        keys.filter_map(|key| Some((*key, *self.devices.get(key)?)))
    }

    /// The pinned servers now.
    pub fn servers(&self) -> &BTreeMap<DeviceKey, Server> {
        &self.servers
    }

    /// The invites that are in effect or have admitted somebody, by their keys; not those that died before.
    pub fn invites(&self) -> &BTreeMap<DeviceKey, Invite> {
        &self.invites
    }

    /// Whether a server was ever pinned here, though it may have been revoked since.
    pub fn is_server_known(&self, key: &DeviceKey) -> bool {
        self.server_events.contains_key(key)
    }

    /// The owners now; never none once the genesis is held.
    pub fn owners(&self) -> &BTreeSet<MemberId> {
        &self.owners
    }

    /// The records that do not count, in the order of their commits.
    pub fn void(&self) -> &[Void] {
        &self.void
    }

    /// The commits whose member heads are not all held and applied, ascending.
    pub fn waiting(&self) -> &[CommitId] {
        &self.waiting
    }

    /// Whether a member commit was applied, be it without effect.
    pub fn is_applied(&self, commit: &CommitId) -> bool {
        self.applied.contains(commit)
    }

    /// Whether a record of a member commit counts.
    pub fn is_effective(&self, commit: &CommitId) -> bool {
        self.effective.contains(commit)
    }

    /// Whether an owner has accepted a commit.
    pub fn accepted(&self, commit: &CommitId) -> bool {
        self.accepted.contains(commit)
    }

    /// The documents to forget, each with the first commit that says so.
    pub fn purges(&self) -> &BTreeMap<DocumentId, CommitId> {
        &self.purges
    }

    /// What a new commit names as its member heads, ascending: the commits in effect, and those that devices which are full
    /// ones now wrote in vain, on which no other such commit builds. What is void is named so that it stays void: were
    /// it left beside the commits that follow, a change of the state could bring it to life.
    ///
    /// Of more than [`MEMBER_HEADS_MAX`] only those in effect are named, smallest ids first, so that nobody can crowd them
    /// out with what is void.
    pub fn heads(&self) -> &[CommitId] {
        &self.heads
    }

    /// The removals and demotions in effect, in the order in which they were applied.
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    fn cuts_of(&self, target: Target) -> impl Iterator<Item = &Cut> {
        self.cuts_of.get(&target).into_iter().flatten().filter_map(|&index| self.cuts.get(index))
    }
}

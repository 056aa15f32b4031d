//! The standing of any commit: whether its ordinary records count, are set aside or wait.
//!
//! [`History`] keeps the member commits of a ledger with their [`Roles`], and remembers what lies below the member heads
//! that commits name, so that judging the commits of one device after another costs a few look-ups each.

use std::collections::{BTreeMap, BTreeSet};

use super::{Device, MemberCommit, Roles, Server, Target, Timeline, roles};
use crate::id::{CommitId, DeviceKey, LedgerId, MemberId};
use crate::member::Role;

/// Sets of member heads whose ancestors are remembered; the least recently used one is forgotten first. Commits that are
/// judged together name few different ones, and at 10,000 member commits this many take 320 kB.
pub const CLOSURES_MAX: usize = 256;

/// What a commit's standing depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitFacts<'a> {
    /// Its id.
    pub id: CommitId,
    /// The device that signed it.
    pub device: DeviceKey,
    /// The member heads that its header names.
    pub member_heads: &'a [CommitId],
    /// The member that its header says it is written for.
    pub on_behalf: Option<MemberId>,
    /// What its records do.
    pub writes: Writes,
}

/// What the records of a commit do, as far as it matters who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writes {
    /// Only member operations and purges, which [`roles`] judges one by one: the commit counts if one of them does.
    Members,
    /// Keys of a sealed ledger, and no changes: needs a full device of a member.
    Keys,
    /// Changes or blob references, whatever else: needs an editor.
    Expenses,
}

/// Whether a commit counts: the same on every replica that holds the same commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Its records are applied.
    Counts,
    /// Its records are kept and relayed but not applied, unless an owner accepts the commit.
    Aside(AsideReason),
    /// Not decided until more commits are held.
    Waiting(WaitingReason),
}

/// Why a commit is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum AsideReason {
    /// At the member heads that it names, its device was of no member and no pinned server.
    #[error("the device was of no member")]
    NotAMember,
    /// At the member heads that it names, the role of its device did not allow it.
    #[error("the device's role, {role}, did not allow it")]
    NotAllowed {
        /// The role.
        role: Role,
    },
    /// Only a server's word spoke for its device at the member heads that it names.
    #[error("the device was not confirmed by an owner")]
    Unconfirmed,
    /// A device wrote for somebody else, or a server that its pin does not allow it or for somebody who was no member.
    #[error("the device or server might not write on behalf of this member")]
    OnBehalf,
    /// A removal or demotion that its author did not know leaves it out of its cut.
    #[error("commit {by} removed or demoted its author before it was known")]
    Cut {
        /// The commit with the removal or demotion.
        by: CommitId,
    },
    /// Of its member operations and purges none counts.
    #[error("none of its operations counts")]
    Void,
}

/// Why a commit's standing is not decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum WaitingReason {
    /// The member heads that it names, or what they build on, are not all held.
    #[error("member commits that it builds on are not held")]
    MemberHeads,
    /// Between the heads of a cut and what is held there is a gap, so that the commit may lie within the cut.
    #[error("commits between it and a cut are not held")]
    Cut,
}

/// Whether a commit is within a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InCut {
    /// It is a head of the cut, or an ancestor of one.
    Yes,
    /// It is not, and every ancestor of the heads is held.
    No,
    /// It is not among the ancestors that are held, and some are not.
    Unknown,
}

/// The chains of commits, as the store knows them.
pub trait Ancestry {
    /// Whether `commit` is one of `heads` or, by `previous`, an ancestor of one.
    ///
    /// An implementation that gives up a long walk says [`InCut::Unknown`] and does the walk in the background.
    fn in_cut(&self, commit: CommitId, heads: &[CommitId]) -> InCut;
}

/// What may stand differently after a change of the member commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// Devices whose commits are to be judged again.
    pub devices: BTreeSet<DeviceKey>,
    /// Commits to be judged again whatever their device.
    pub commits: BTreeSet<CommitId>,
    /// Member commits that are applied in one and not in the other: commits that wait for member heads may wait no more.
    pub applied: BTreeSet<CommitId>,
}

/// The member commits of a ledger, their roles, and what lies below the member heads that commits name.
#[derive(Debug, Clone)]
pub struct History {
    commits: Vec<MemberCommit>,
    places: BTreeMap<CommitId, usize>,
    roles: Roles,
    closures: BTreeMap<Vec<CommitId>, Closure>,
    uses: u64,
}

/// Some member heads and all they build on, as a set of places. It never changes once it is known.
#[derive(Debug, Clone, Default)]
struct Closure {
    words: Vec<u64>,
    used: u64,
}

impl Closure {
    fn contains(&self, place: usize) -> bool {
        self.words.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// Whether `place` is new.
    fn insert(&mut self, place: usize) -> bool {
        let is_new = !self.contains(place);
        if self.words.len() <= place / 64 {
            self.words.resize(place / 64 + 1, 0);
        }
        self.words[place / 64] |= 1 << (place % 64);
        is_new
    }
}

impl History {
    /// The history of a ledger with these member commits.
    pub fn new(ledger: LedgerId, commits: impl IntoIterator<Item = MemberCommit>) -> Self {
        let mut history = Self {
            commits: Vec::new(),
            places: BTreeMap::new(),
            roles: roles(ledger, &[]),
            closures: BTreeMap::new(),
            uses: 0,
        };
        history.extend(commits);
        history
    }

    /// Takes in more member commits, in any order, and says what may stand differently. One evaluation for all of them.
    ///
    /// A commit that is held already is replaced, which changes nothing but the origins of purges.
    pub fn extend(&mut self, commits: impl IntoIterator<Item = MemberCommit>) -> Affected {
        for commit in commits {
            match self.places.get(&commit.id) {
                Some(&place) => self.commits[place] = commit,
                None => {
                    self.places.insert(commit.id, self.commits.len());
                    self.commits.push(commit);
                }
            }
        }
        let new = roles(self.roles.ledger, &self.commits);
        let old = std::mem::replace(&mut self.roles, new);
        affected(&old, &self.roles)
    }

    /// The roles now.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The member commits, in no particular order.
    pub fn commits(&self) -> &[MemberCommit] {
        &self.commits
    }

    /// Whose device this was at some member heads and with which role; absent also if they are not all applied.
    pub fn role_at(&mut self, member_heads: &[CommitId], device: &DeviceKey) -> Option<(MemberId, Role)> {
        let past = self.past(member_heads)?;
        let device = past.device(device)?;
        let role = past.role(&device.member)?;
        Some((device.member, device.vouched_up_to.map_or(role, |up_to| role.min(up_to))))
    }

    /// The standing of a commit, whatever its ledger's order of arrival.
    ///
    /// A commit counts when
    /// * (a) at its member heads its device had a role that allows what it writes, and
    /// * (b) every removal and demotion in effect of that device, its member or that server which is not among the ancestors
    ///   of its member heads has the commit in its cut; a demotion only if the new role does not allow what it writes,
    /// * or (c) an owner's `accept` in effect names it.
    ///
    /// What somebody was **at some member heads** is what the operations among their ancestors made of him that are in
    /// effect in the whole. So an admission that came to nothing, because its author had been removed, gives nobody a
    /// standing even at heads which do not know of the removal; and a removal that is in effect counts either by (a) or
    /// by (b), never by neither.
    ///
    /// Member operations and purges are not judged here but one by one in [`roles`]: for a commit of nothing else
    /// ([`Writes::Members`]) the standing says whether any is in effect. The genesis commit counts whatever it writes; a
    /// commit with the admission of its own device has no role at its heads, so its changes belong into the next one.
    pub fn standing(&mut self, facts: &CommitFacts<'_>, ancestry: &dyn Ancestry) -> Standing {
        if self.roles.accepted(&facts.id) {
            return Standing::Counts;
        }
        let is_root = facts.id.0[..16] == self.roles.ledger.0;
        if is_root || facts.writes == Writes::Members {
            return self.standing_of_member_commit(&facts.id);
        }
        let Some(past) = self.past(facts.member_heads) else {
            return Standing::Waiting(WaitingReason::MemberHeads);
        };
        match past.may_write(facts) {
            Err(reason) => Standing::Aside(reason),
            Ok(targets) => past.after_cuts(facts, &targets, ancestry),
        }
    }

    fn standing_of_member_commit(&self, id: &CommitId) -> Standing {
        match (self.roles.is_effective(id), self.roles.is_applied(id)) {
            (true, _) => Standing::Counts,
            (false, true) => Standing::Aside(AsideReason::Void),
            (false, false) => Standing::Waiting(WaitingReason::MemberHeads),
        }
    }

    /// The rights at some heads, unless they are not all applied.
    fn past(&mut self, heads: &[CommitId]) -> Option<Past<'_>> {
        self.uses += 1;
        if !self.closures.contains_key(heads) {
            let closure = self.walk(heads)?;
            self.forget_closures();
            self.closures.insert(heads.to_vec(), closure);
        }
        let closure = self.closures.get_mut(heads)?;
        closure.used = self.uses;
        Some(Past { roles: &self.roles, places: &self.places, closure })
    }

    fn walk(&self, heads: &[CommitId]) -> Option<Closure> {
        if !heads.iter().all(|head| self.roles.is_applied(head)) {
            return None;
        }
        let mut closure = Closure::default();
        let mut open: Vec<&CommitId> = heads.iter().collect();
        while let Some(&place) = open.pop().and_then(|id| self.places.get(id)) {
            if closure.insert(place) {
                open.extend(&self.commits[place].member_heads);
            }
        }
        Some(closure)
    }

    fn forget_closures(&mut self) {
        if self.closures.len() >= CLOSURES_MAX {
            let oldest = self.closures.iter().min_by_key(|(_, closure)| closure.used).map(|(heads, _)| heads.clone());
            oldest.map(|heads| self.closures.remove(&heads));
        }
    }
}

/// The rights at some member heads.
#[derive(Clone, Copy)]
struct Past<'a> {
    roles: &'a Roles,
    places: &'a BTreeMap<CommitId, usize>,
    closure: &'a Closure,
}

impl Past<'_> {
    fn knows(&self, commit: &CommitId) -> bool {
        self.places.get(commit).is_some_and(|&place| self.closure.contains(place))
    }

    /// What somebody was by the last of the operations known.
    fn last<T: Copy>(&self, timeline: Option<&Timeline<T>>) -> Option<T> {
        timeline?.iter().rev().find(|(commit, _)| self.knows(commit))?.1
    }

    fn device(&self, key: &DeviceKey) -> Option<Device> {
        self.last(self.roles.device_events.get(key))
    }

    fn role(&self, member: &MemberId) -> Option<Role> {
        self.last(self.roles.member_events.get(member))
    }

    fn server(&self, key: &DeviceKey) -> Option<Server> {
        self.last(self.roles.server_events.get(key))
    }

    /// (a), and whose removals and demotions concern the commit.
    fn may_write(&self, facts: &CommitFacts<'_>) -> Result<Vec<Target>, AsideReason> {
        match (self.device(&facts.device), self.server(&facts.device)) {
            (Some(device), _) => self.device_may_write(facts, device),
            (None, Some(server)) => self.server_may_write(facts, server),
            (None, None) => Err(AsideReason::NotAMember),
        }
    }

    fn device_may_write(&self, facts: &CommitFacts<'_>, device: Device) -> Result<Vec<Target>, AsideReason> {
        let role = self.role(&device.member).ok_or(AsideReason::NotAMember)?;
        if facts.on_behalf.is_some() {
            return Err(AsideReason::OnBehalf);
        }
        if device.vouched_up_to.is_some() && facts.writes == Writes::Keys {
            return Err(AsideReason::Unconfirmed);
        }
        allow(facts.writes, device.vouched_up_to.map_or(role, |up_to| role.min(up_to)))?;
        Ok(vec![Target::Device(facts.device), Target::Member(device.member)])
    }

    fn server_may_write(&self, facts: &CommitFacts<'_>, server: Server) -> Result<Vec<Target>, AsideReason> {
        if facts.writes == Writes::Keys {
            return Err(AsideReason::NotAllowed { role: server.up_to });
        }
        let Some(member) = facts.on_behalf else {
            allow(facts.writes, server.up_to)?;
            return Ok(vec![Target::Server(facts.device)]);
        };
        let role = self.role(&member).filter(|_| server.on_behalf).ok_or(AsideReason::OnBehalf)?;
        allow(facts.writes, role.min(server.up_to))?;
        Ok(vec![Target::Server(facts.device), Target::Member(member)])
    }

    /// (b). One cut that leaves the commit out decides, whatever others wait for.
    fn after_cuts(&self, facts: &CommitFacts<'_>, targets: &[Target], ancestry: &dyn Ancestry) -> Standing {
        let mut standing = Standing::Counts;
        for cut in targets.iter().flat_map(|&target| self.roles.cuts_of(target)) {
            let is_allowed_still = cut.demoted_to.is_some_and(|role| allow(facts.writes, role).is_ok());
            if is_allowed_still || self.knows(&cut.commit) {
                continue;
            }
            match in_cut(facts.id, &cut.heads, ancestry) {
                InCut::Yes => {}
                InCut::No => return Standing::Aside(AsideReason::Cut { by: cut.commit }),
                InCut::Unknown => standing = Standing::Waiting(WaitingReason::Cut),
            }
        }
        standing
    }
}

fn in_cut(commit: CommitId, heads: &[CommitId], ancestry: &dyn Ancestry) -> InCut {
    if heads.is_empty() {
        InCut::No
    } else if heads.contains(&commit) {
        InCut::Yes
    } else {
        ancestry.in_cut(commit, heads)
    }
}

fn allow(writes: Writes, role: Role) -> Result<(), AsideReason> {
    match writes {
        Writes::Expenses if role < Role::Editor => Err(AsideReason::NotAllowed { role }),
        Writes::Expenses | Writes::Keys | Writes::Members => Ok(()),
    }
}

/// What may stand differently under `new` than under `old`; all else stands as it did.
///
/// Cost: linear in the operations in effect, and no commit is looked at.
pub fn affected(old: &Roles, new: &Roles) -> Affected {
    let mut members = differing(&old.member_events, &new.member_events);
    let mut devices = differing(&old.device_events, &new.device_events);
    devices.extend(differing(&old.server_events, &new.server_events));
    for target in differing(&cuts_by_target(old), &cuts_by_target(new)) {
        match target {
            Target::Member(member) => members.insert(member),
            Target::Device(device) | Target::Server(device) => devices.insert(device),
        };
    }
    if !members.is_empty() {
        for roles in [old, new] {
            devices.extend(devices_ever_of(roles, &members));
            devices.extend(roles.server_events.keys());
        }
    }
    let differing = |of: fn(&Roles) -> &BTreeSet<CommitId>| of(old).symmetric_difference(of(new)).copied();
    Affected {
        devices,
        commits: differing(|roles| &roles.accepted).chain(differing(|roles| &roles.effective)).collect(),
        applied: differing(|roles| &roles.applied).collect(),
    }
}

fn cuts_by_target(roles: &Roles) -> BTreeMap<Target, Vec<&super::Cut>> {
    roles.cuts_of.keys().map(|&target| (target, roles.cuts_of(target).collect())).collect()
}

fn differing<K: Ord + Copy, V: PartialEq>(old: &BTreeMap<K, V>, new: &BTreeMap<K, V>) -> BTreeSet<K> {
    let keys: BTreeSet<K> = old.keys().chain(new.keys()).copied().collect();
    keys.into_iter().filter(|key| old.get(key) != new.get(key)).collect()
}

fn devices_ever_of<'a>(roles: &'a Roles, members: &'a BTreeSet<MemberId>) -> impl Iterator<Item = DeviceKey> + 'a {
    let was_of = |was: &Option<Device>| was.is_some_and(|device| members.contains(&device.member));
    roles.device_events.iter().filter(move |(_, events)| events.iter().any(|(_, was)| was_of(was))).map(|(key, _)| *key)
}

//! The rules: each operation is judged in the state that the ones before it reached.

use std::collections::BTreeMap;

use super::lineage::{Lineage, Table};
use super::order::{Ranked, is_genesis};
use super::{
    Cut, Device, Invite as InviteNow, Member, MemberCommit, MemberRecord, Roles, Server, Target, Timeline, Void,
    VoidReason,
};
use crate::id::{CommitId, DeviceKey, LedgerId, MemberId};
use crate::member::{MemberOperation, Purge, Role, is_join_signed};
use crate::signature::is_weak;

type Verdict = Result<(), VoidReason>;

/// Judges commits in their order.
pub(super) fn judge(ledger: LedgerId, ready: &[Ranked<'_>]) -> Roles {
    let mut judge = Judge::new(ledger, ready.iter().map(|ranked| ranked.children).collect());
    for (place, ranked) in ready.iter().enumerate() {
        judge.known = judge.lineage.below(&ranked.heads);
        judge.apply(ranked);
        judge.lineage.keep(place, std::mem::take(&mut judge.known));
    }
    judge.roles.invites = judge.invites_now();
    judge.roles
}

/// The state reached so far.
struct Judge {
    roles: Roles,
    invites: BTreeMap<DeviceKey, Invite>,
    /// How often a member was removed or demoted: what was entrusted to him before is void after.
    trust: BTreeMap<MemberId, u32>,
    /// Of each whose rights the commits up to some point changed: which entry of his timeline is the last they made.
    lineage: Lineage<Target, usize>,
    /// What of this the commit being judged knows.
    known: Table<usize>,
}

struct Invite {
    now: InviteNow,
    maker: MemberId,
    /// The trust of the maker and of the member named when it was made.
    trust: (u32, u32),
}

/// A full device's member, as the author of an operation.
struct Author {
    member: MemberId,
    role: Role,
}

impl Judge {
    fn new(ledger: LedgerId, children: Vec<usize>) -> Self {
        let roles = Roles {
            ledger,
            fact_key: None,
            members: BTreeMap::new(),
            devices: BTreeMap::new(),
            servers: BTreeMap::new(),
            invites: BTreeMap::new(),
            owners: Default::default(),
            member_events: BTreeMap::new(),
            device_events: BTreeMap::new(),
            server_events: BTreeMap::new(),
            cuts: Vec::new(),
            cuts_of: BTreeMap::new(),
            accepted: Default::default(),
            purges: BTreeMap::new(),
            void: Vec::new(),
            waiting: Vec::new(),
            applied: Default::default(),
            effective: Default::default(),
            heads: Vec::new(),
        };
        let lineage = Lineage::new(children, |one, other| one > other);
        Self { roles, invites: BTreeMap::new(), trust: BTreeMap::new(), lineage, known: Table::default() }
    }

    fn apply(&mut self, ranked: &Ranked<'_>) {
        let commit = ranked.commit;
        self.roles.applied.insert(commit.id);
        for (index, record) in commit.operations.iter().enumerate() {
            let verdict = if ranked.is_rooted { self.record(commit, index, record) } else { Err(VoidReason::Rootless) };
            match verdict {
                Ok(()) => {
                    self.roles.effective.insert(commit.id);
                }
                Err(reason) => self.roles.void.push(Void { commit: commit.id, index, reason }),
            }
        }
    }

    fn record(&mut self, commit: &MemberCommit, index: usize, record: &MemberRecord) -> Verdict {
        match record {
            MemberRecord::Member(MemberOperation::Genesis { member, device, fact_key }) => {
                if index != 0 || !is_genesis(self.roles.ledger, commit) || *device != commit.device {
                    return Err(VoidReason::Genesis);
                }
                self.genesis(commit, *member, *fact_key)
            }
            MemberRecord::Member(operation) => self.operation(commit, operation),
            MemberRecord::Purge { purge, origin } => self.purge(commit, *purge, *origin),
            MemberRecord::Other => self.author(commit).map(drop),
        }
    }

    fn operation(&mut self, commit: &MemberCommit, operation: &MemberOperation) -> Verdict {
        match operation {
            MemberOperation::Genesis { .. } => Err(VoidReason::Genesis),
            MemberOperation::Add { member, device, role } => self.add(commit, *member, *device, *role),
            MemberOperation::Remove { member, cut } => self.remove(commit, *member, cut),
            MemberOperation::Role { member, role, cut } => self.role(commit, *member, *role, cut),
            MemberOperation::AddDevice { member, device } => self.add_device(commit, *member, *device),
            MemberOperation::ReplaceDevice { member, old, new, cut } => {
                self.replace_device(commit, *member, *old, *new, cut)
            }
            MemberOperation::Invite { invite_key, role, member, expires_s } => {
                let invite = InviteNow { role: *role, member: *member, expires_s: *expires_s, is_used: false };
                self.invite(commit, *invite_key, invite)
            }
            MemberOperation::Accept { commits } => {
                self.owner(commit)?;
                self.roles.accepted.extend(commits);
                Ok(())
            }
            MemberOperation::Server { key, up_to, on_behalf } => {
                self.server(commit, *key, Server { up_to: *up_to, on_behalf: *on_behalf })
            }
            MemberOperation::RevokeServer { key, cut } => self.revoke_server(commit, *key, cut),
            MemberOperation::Confirm { device } => self.confirm(commit, *device),
            MemberOperation::Join { member, device, invite_key, signature } => {
                self.join(commit, *member, *device, invite_key, signature)
            }
            MemberOperation::RemoveDevice { member, device, cut } => self.remove_device(commit, *member, *device, cut),
            MemberOperation::Unknown { .. } => Err(VoidReason::Unknown),
        }
    }

    // Who asks.

    fn author(&self, commit: &MemberCommit) -> Result<Author, VoidReason> {
        if self.roles.servers.contains_key(&commit.device) {
            return Err(VoidReason::ServerNotAllowed);
        }
        let devices = self.since_known(Target::Device(commit.device), self.roles.device_events.get(&commit.device))?;
        let (first, later) = devices.split_first().ok_or(VoidReason::NotAMember)?;
        if commit.on_behalf.is_some() {
            return Err(VoidReason::OnBehalf);
        }
        if first.vouched_up_to.is_some() {
            return Err(VoidReason::Unconfirmed);
        }
        if later.iter().any(|device| device.member != first.member) {
            return Err(VoidReason::NotAMember);
        }
        let roles = self.since_known(Target::Member(first.member), self.roles.member_events.get(&first.member))?;
        let role = roles.into_iter().min().ok_or(VoidReason::NotAMember)?;
        Ok(Author { member: first.member, role })
    }

    /// The least that a pinned server might do.
    fn pinned(&self, commit: &MemberCommit) -> Result<Role, VoidReason> {
        let servers = self.since_known(Target::Server(commit.device), self.roles.server_events.get(&commit.device))?;
        servers.iter().map(|server| server.up_to).min().ok_or(VoidReason::NotAMember)
    }

    /// What somebody was one after another, from what the commit knows up to now; none of it if he was nothing then or at
    /// any time since.
    fn since_known<T: Copy>(&self, target: Target, timeline: Option<&Timeline<T>>) -> Result<Vec<T>, VoidReason> {
        let known = self.lineage.get(&self.known, &target).zip(timeline);
        let since = known.and_then(|(known, timeline)| timeline.get(known..)).ok_or(VoidReason::NotAMember)?;
        since.iter().map(|(_, was)| was.ok_or(VoidReason::NotAMember)).collect()
    }

    fn owner(&self, commit: &MemberCommit) -> Result<Author, VoidReason> {
        self.author(commit).and_then(|author| match author.role {
            Role::Owner => Ok(author),
            Role::Editor | Role::Viewer => Err(VoidReason::NotAllowed),
        })
    }

    fn owner_or_self(&self, commit: &MemberCommit, member: MemberId) -> Verdict {
        let author = self.author(commit)?;
        if author.role == Role::Owner || author.member == member { Ok(()) } else { Err(VoidReason::NotAllowed) }
    }

    // What is there.

    fn member(&self, member: &MemberId) -> Result<&Member, VoidReason> {
        self.roles.members.get(member).ok_or(VoidReason::NoSuchMember)
    }

    fn device(&self, member: &MemberId, device: &DeviceKey) -> Verdict {
        let is_there = self.member(member)?.devices.contains(device);
        if is_there { Ok(()) } else { Err(VoidReason::NoSuchDevice) }
    }

    fn is_free(&self, key: &DeviceKey) -> Verdict {
        if is_weak(key) {
            return Err(VoidReason::WeakKey);
        }
        let is_used = self.roles.devices.contains_key(key) || self.roles.servers.contains_key(key);
        if is_used { Err(VoidReason::KeyInUse) } else { Ok(()) }
    }

    /// Free, and of nobody ever.
    fn is_new(&self, key: &DeviceKey) -> Verdict {
        self.is_free(key)?;
        let is_known = self.roles.device_events.contains_key(key) || self.roles.server_events.contains_key(key);
        if is_known { Err(VoidReason::KeyRetired) } else { Ok(()) }
    }

    /// Some owner other than `member` has a full device other than `device`.
    fn an_owner_stays(&self, member: Option<MemberId>, device: Option<DeviceKey>) -> Verdict {
        let stays = |key: &DeviceKey| Some(*key) != device && self.roles.is_confirmed(key);
        let mut others = self.roles.owners.iter().filter(|owner| Some(**owner) != member);
        let is_kept = others.any(|owner| self.member(owner).is_ok_and(|owner| owner.devices.iter().any(stays)));
        if is_kept { Ok(()) } else { Err(VoidReason::LastOwner) }
    }

    fn trust(&self, member: &MemberId) -> u32 {
        self.trust.get(member).copied().unwrap_or_default()
    }

    // The operations.

    fn genesis(&mut self, commit: &MemberCommit, member: MemberId, fact_key: Option<[u8; 32]>) -> Verdict {
        self.is_free(&commit.device)?;
        self.roles.fact_key = fact_key;
        self.put_member(commit.id, member, Role::Owner);
        self.put_device(commit.id, commit.device, Device { member, vouched_up_to: None });
        Ok(())
    }

    fn add(&mut self, commit: &MemberCommit, member: MemberId, device: DeviceKey, role: Role) -> Verdict {
        self.owner(commit)?;
        if self.roles.members.contains_key(&member) {
            return Err(VoidReason::MemberExists);
        }
        self.is_free(&device)?;
        self.put_member(commit.id, member, role);
        self.put_device(commit.id, device, Device { member, vouched_up_to: None });
        Ok(())
    }

    fn remove(&mut self, commit: &MemberCommit, member: MemberId, cut: &[CommitId]) -> Verdict {
        self.owner_or_self(commit, member)?;
        let devices = self.member(&member)?.devices.clone();
        self.an_owner_stays(Some(member), None)?;
        devices.iter().for_each(|device| self.drop_device(commit.id, device));
        self.roles.members.remove(&member);
        self.roles.owners.remove(&member);
        self.member_is(commit.id, member, None);
        self.distrust(member);
        self.cut(commit.id, Target::Member(member), None, cut);
        Ok(())
    }

    fn role(&mut self, commit: &MemberCommit, member: MemberId, role: Role, cut: &[CommitId]) -> Verdict {
        self.owner(commit)?;
        let former = self.member(&member)?.role;
        if role == former {
            return Err(VoidReason::NoChange);
        }
        if former == Role::Owner {
            self.an_owner_stays(Some(member), None)?;
        }
        self.put_member(commit.id, member, role);
        if role < former {
            self.distrust(member);
            self.cut(commit.id, Target::Member(member), Some(role), cut);
        }
        Ok(())
    }

    fn add_device(&mut self, commit: &MemberCommit, member: MemberId, device: DeviceKey) -> Verdict {
        if self.roles.servers.contains_key(&commit.device) {
            return self.vouch(commit, member, device);
        }
        self.owner_or_self(commit, member)?;
        self.member(&member)?;
        self.is_free(&device)?;
        self.put_device(commit.id, device, Device { member, vouched_up_to: None });
        Ok(())
    }

    fn vouch(&mut self, commit: &MemberCommit, member: MemberId, device: DeviceKey) -> Verdict {
        let up_to = self.pinned(commit)?;
        if commit.on_behalf.is_some_and(|on_behalf| on_behalf != member) {
            return Err(VoidReason::OnBehalf);
        }
        self.member(&member)?;
        self.is_new(&device)?;
        self.put_device(commit.id, device, Device { member, vouched_up_to: Some(up_to) });
        Ok(())
    }

    fn replace_device(
        &mut self,
        commit: &MemberCommit,
        member: MemberId,
        old: DeviceKey,
        new: DeviceKey,
        cut: &[CommitId],
    ) -> Verdict {
        self.owner_or_self(commit, member)?;
        self.device(&member, &old)?;
        self.is_free(&new)?;
        self.drop_device(commit.id, &old);
        self.put_device(commit.id, new, Device { member, vouched_up_to: None });
        self.cut(commit.id, Target::Device(old), None, cut);
        Ok(())
    }

    fn remove_device(
        &mut self,
        commit: &MemberCommit,
        member: MemberId,
        device: DeviceKey,
        cut: &[CommitId],
    ) -> Verdict {
        self.owner_or_self(commit, member)?;
        self.device(&member, &device)?;
        self.an_owner_stays(None, Some(device))?;
        self.drop_device(commit.id, &device);
        self.cut(commit.id, Target::Device(device), None, cut);
        Ok(())
    }

    fn invite(&mut self, commit: &MemberCommit, key: DeviceKey, now: InviteNow) -> Verdict {
        let maker = self.owner(commit)?.member;
        if self.invites.contains_key(&key) {
            return Err(VoidReason::KeyInUse);
        }
        self.is_new(&key)?;
        let trust = (self.trust(&maker), self.trust_named(&now));
        self.invites.insert(key, Invite { now, maker, trust });
        Ok(())
    }

    fn trust_named(&self, invite: &InviteNow) -> u32 {
        invite.member.map_or(0, |member| self.trust(&member))
    }

    /// Its maker is an owner still, and neither he nor the member whom it names was removed or demoted since.
    fn is_trusted(&self, invite: &Invite) -> bool {
        let trust = (self.trust(&invite.maker), self.trust_named(&invite.now));
        self.roles.owners.contains(&invite.maker) && invite.trust == trust
    }

    fn invites_now(&self) -> BTreeMap<DeviceKey, InviteNow> {
        let known = self.invites.iter().filter(|(_, invite)| invite.now.is_used || self.is_trusted(invite));
        known.map(|(key, invite)| (*key, invite.now)).collect()
    }

    fn join(
        &mut self,
        commit: &MemberCommit,
        member: MemberId,
        device: DeviceKey,
        invite_key: &DeviceKey,
        signature: &[u8; 64],
    ) -> Verdict {
        if commit.on_behalf.is_some() {
            return Err(VoidReason::OnBehalf);
        }
        let invite = self.invites.get(invite_key).ok_or(VoidReason::NoInvite)?;
        let role = invite.now.role;
        if invite.now.is_used {
            return Err(VoidReason::InviteUsed);
        }
        if !self.is_trusted(invite) {
            return Err(VoidReason::NoInvite);
        }
        // An invite for nobody in particular must not let its holder claim somebody who is or was there.
        let is_unclaimed = !self.roles.member_events.contains_key(&member);
        let fits = match invite.now.member {
            Some(named) => named == member,
            None => member == MemberId::of_first_device(&device) && is_unclaimed,
        };
        if !fits || device != commit.device {
            return Err(VoidReason::InviteMismatch);
        }
        self.is_new(&device)?;
        if !is_join_signed(&self.roles.ledger, &member, &device, invite_key, signature) {
            return Err(VoidReason::Signature);
        }
        if let Some(invite) = self.invites.get_mut(invite_key) {
            invite.now.is_used = true;
        }
        if !self.roles.members.contains_key(&member) {
            self.put_member(commit.id, member, role);
        }
        self.put_device(commit.id, device, Device { member, vouched_up_to: None });
        Ok(())
    }

    fn server(&mut self, commit: &MemberCommit, key: DeviceKey, server: Server) -> Verdict {
        self.owner(commit)?;
        match self.roles.servers.get(&key) {
            Some(pinned) if *pinned == server => return Err(VoidReason::NoChange),
            Some(_) => {}
            None => self.is_free(&key)?,
        }
        self.roles.servers.insert(key, server);
        self.server_is(commit.id, key, Some(server));
        Ok(())
    }

    fn revoke_server(&mut self, commit: &MemberCommit, key: DeviceKey, cut: &[CommitId]) -> Verdict {
        self.owner(commit)?;
        self.roles.servers.remove(&key).ok_or(VoidReason::NoSuchServer)?;
        self.server_is(commit.id, key, None);
        self.cut(commit.id, Target::Server(key), None, cut);
        Ok(())
    }

    fn confirm(&mut self, commit: &MemberCommit, key: DeviceKey) -> Verdict {
        self.owner(commit)?;
        let device = self.roles.devices.get_mut(&key).ok_or(VoidReason::NoSuchDevice)?;
        device.vouched_up_to.take().ok_or(VoidReason::NoChange)?;
        let confirmed = *device;
        self.device_is(commit.id, key, Some(confirmed));
        Ok(())
    }

    fn purge(&mut self, commit: &MemberCommit, purge: Purge, origin: Option<DeviceKey>) -> Verdict {
        let author = self.author(commit)?;
        match author.role {
            Role::Owner => {}
            Role::Editor => self.is_of(origin, author.member)?,
            Role::Viewer => return Err(VoidReason::NotAllowed),
        }
        self.roles.purges.entry(purge.document).or_insert(commit.id);
        Ok(())
    }

    /// The device is or was one of the member.
    fn is_of(&self, device: Option<DeviceKey>, member: MemberId) -> Verdict {
        let mut events = device.and_then(|device| self.roles.device_events.get(&device)).into_iter().flatten();
        let is_own = events.any(|(_, event)| event.is_some_and(|device| device.member == member));
        if is_own { Ok(()) } else { Err(VoidReason::NotOwnDocument) }
    }

    // What changes.

    fn put_member(&mut self, commit: CommitId, id: MemberId, role: Role) {
        let member = self.roles.members.entry(id).or_insert(Member { role, devices: Default::default() });
        member.role = role;
        match role {
            Role::Owner => self.roles.owners.insert(id),
            Role::Editor | Role::Viewer => self.roles.owners.remove(&id),
        };
        self.member_is(commit, id, Some(role));
    }

    fn put_device(&mut self, commit: CommitId, key: DeviceKey, device: Device) {
        self.roles.devices.insert(key, device);
        if let Some(member) = self.roles.members.get_mut(&device.member) {
            member.devices.insert(key);
        }
        self.device_is(commit, key, Some(device));
    }

    fn drop_device(&mut self, commit: CommitId, key: &DeviceKey) {
        let device = self.roles.devices.remove(key);
        if let Some(member) = device.and_then(|device| self.roles.members.get_mut(&device.member)) {
            member.devices.remove(key);
        }
        self.device_is(commit, *key, None);
    }

    fn member_is(&mut self, commit: CommitId, member: MemberId, role: Option<Role>) {
        let timeline = self.roles.member_events.entry(member).or_default();
        self.lineage.put(&mut self.known, Target::Member(member), timeline.len());
        timeline.push((commit, role));
    }

    fn device_is(&mut self, commit: CommitId, key: DeviceKey, device: Option<Device>) {
        let timeline = self.roles.device_events.entry(key).or_default();
        self.lineage.put(&mut self.known, Target::Device(key), timeline.len());
        timeline.push((commit, device));
    }

    fn server_is(&mut self, commit: CommitId, key: DeviceKey, server: Option<Server>) {
        let timeline = self.roles.server_events.entry(key).or_default();
        self.lineage.put(&mut self.known, Target::Server(key), timeline.len());
        timeline.push((commit, server));
    }

    fn distrust(&mut self, member: MemberId) {
        *self.trust.entry(member).or_default() += 1;
    }

    fn cut(&mut self, commit: CommitId, target: Target, demoted_to: Option<Role>, heads: &[CommitId]) {
        self.roles.cuts.push(Cut { commit, target, demoted_to, heads: heads.to_vec() });
    }
}

//! Members of a ledger: listed, invited, given other roles, removed; and what a person does with his own devices.
//!
//! Each is one signed operation, judged by the rules of [`outlay_ledger::roles`] before it is kept: what they would not let
//! count is refused here. A removal or demotion names the heads of the devices concerned as this device knows them: what
//! they had written by then counts, and what they write in ignorance of it is set aside.

use outlay_ledger::change::Scalar;
use outlay_ledger::commit::fact_document;
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::Put;
use outlay_ledger::limits::NAME_BYTES_MAX;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::roles::{Roles, VoidReason};
use outlay_ledger::text::normalize;
use outlay_ledger::{CommitId, DeviceKey, LedgerId, MemberId};

use super::Engine;
use crate::clock::random;
use crate::error::{Error, ErrorKind, Result};
use crate::invitation::InvitationCode;
use crate::model::{Invitation, Member, MemberDevice};
use crate::store::{Write, document, keys, log, standing, things};

/// Days that an invitation may be good for: who is asked a year later is asked anew.
pub const INVITATION_DAYS_MAX: u16 = 365;

/// What keys the documents of members' names.
pub(super) const MEMBER: &str = "member";

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What an operation is made of: the roles now, and this device's member.
pub(super) struct Standpoint<'a, 't> {
    write: &'a mut Write<'t>,
    lid: i64,
    roles: Roles,
    own: MemberId,
}

impl Standpoint<'_, '_> {
    fn role(&self, member: MemberId) -> Result<Role> {
        let found = self.roles.members().get(&member);
        found.map(|member| member.role).ok_or_else(|| Error::not_found("member in this ledger"))
    }

    /// Up to where what these devices wrote counts.
    fn cut(&mut self, devices: impl IntoIterator<Item = DeviceKey>) -> Result<Vec<CommitId>> {
        let mut cut = Vec::new();
        for device in devices {
            if let Some(did) = keys::find_device(&self.write.tx, &device)? {
                cut.extend(log::device_heads(self.write, self.lid, did)?);
            }
        }
        Ok(cut)
    }

    fn cut_of_member(&mut self, member: MemberId) -> Result<Vec<CommitId>> {
        let devices: Vec<DeviceKey> = self.roles.devices(&member).map(|(key, _)| key).collect();
        self.cut(devices)
    }

    fn role_change(&mut self, member: MemberId, role: Role) -> Result<MemberOperation> {
        let cut = if role < self.role(member)? { self.cut_of_member(member)? } else { Vec::new() };
        Ok(MemberOperation::Role { member, role, cut })
    }
}

impl Engine {
    /// The members of a ledger, this device's own first, then by name and id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the ledger is not on this device.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, Role};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let members = engine.members(home)?;
    /// assert_eq!((members.len(), members[0].role, members[0].is_self), (1, Role::Owner, true));
    /// assert_eq!(members[0].devices[0].key, engine.device_key());
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn members(&self, ledger: LedgerId) -> Result<Vec<Member>> {
        let own = self.device_key();
        self.store.read(|connection| {
            let lid = keys::ledger_here(connection, ledger)?;
            let roles = standing::roles(connection, ledger, lid)?;
            let fact_key = document::fact_key(connection, lid)?;
            let mut members = Vec::with_capacity(roles.members().len());
            for (id, member) in roles.members() {
                let named = fact_key.map(|fact_key| fact_document(&fact_key, MEMBER, id.as_bytes()));
                let name = named.map_or(Ok(None), |named| things::member_name(connection, lid, &named))?;
                let device = |(key, device): (DeviceKey, outlay_ledger::roles::Device)| MemberDevice {
                    key,
                    is_confirmed: device.vouched_up_to.is_none(),
                    is_this: key == own,
                };
                let devices: Vec<MemberDevice> = roles.devices(id).map(device).collect();
                let is_self = devices.iter().any(|device| device.is_this);
                members.push(Member { id: *id, name, role: member.role, devices, is_self });
            }
            members.sort_by(|a, b| (!a.is_self, &a.name, a.id).cmp(&(!b.is_self, &b.name, b.id)));
            Ok(members)
        })
    }

    /// Invites one person into a ledger, with a role, for some days. Whoever has the text of the invitation can use it,
    /// once, as soon as the invitation has been synced.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::Forbidden`] if this device is not an owner's, or only the server's word speaks for it.
    /// * [`ErrorKind::InvalidInput`] if the days are none, or more than [`INVITATION_DAYS_MAX`].
    /// * [`ErrorKind::NotFound`] if the ledger is not on this device.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, Role};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let invitation = engine.invite(home, Role::Editor, 7)?;
    /// assert!(invitation.code.starts_with("outlay-invitation-"));
    /// assert!(engine.invite(home, Role::Editor, 0).is_err(), "one that is over before anybody has it");
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn invite(&self, ledger: LedgerId, role: Role, valid_days: u16) -> Result<Invitation> {
        if !(1..=INVITATION_DAYS_MAX).contains(&valid_days) {
            return Err(Error::invalid(format!("an invitation is good for 1 to {INVITATION_DAYS_MAX} days")));
        }
        let code = InvitationCode { ledger, seed: random(&self.options.environment)? };
        let expires_ms = self.options.environment.now_ms().saturating_add(i64::from(valid_days) * DAY_MS);
        // The operation says it in seconds.
        let expires_ms = expires_ms - expires_ms.rem_euclid(1_000);
        let invite_key = code.secret().public();
        let expires_s = Some(expires_ms.div_euclid(1_000).unsigned_abs());
        self.operate(ledger, |_| Ok(vec![MemberOperation::Invite { invite_key, role, member: None, expires_s }]))?;
        Ok(Invitation { ledger, role, expires_ms, code: code.text(), key: invite_key })
    }

    /// Adds a member by a device of his, which is also how one comes back who was removed: an invitation does not admit a
    /// device that was in the ledger before. Answers which member it is.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::Forbidden`] if this device is not an owner's.
    /// * [`ErrorKind::InvalidInput`] if the device is in the ledger.
    /// * [`ErrorKind::NotFound`] if the ledger is not on this device.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, Role};
    /// let (ana, ben) = (Engine::open_in_memory()?, Engine::open_in_memory()?);
    /// let home = ana.create_ledger("Home", Currency::EUR)?.id;
    /// let member = ana.add_member(home, ben.device_key(), Role::Viewer)?;
    /// ana.remove_member(home, member)?;
    /// assert_eq!(ana.add_member(home, ben.device_key(), Role::Editor)?, member);
    /// assert_eq!(ana.members(home)?[1].role, Role::Editor);
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn add_member(&self, ledger: LedgerId, device: DeviceKey, role: Role) -> Result<MemberId> {
        let member = MemberId::of_first_device(&device);
        self.operate(ledger, |_| Ok(vec![MemberOperation::Add { member, device, role }]))?;
        Ok(member)
    }

    /// Gives a member another role. What he wrote so far goes on counting.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::Forbidden`] if this device is not an owner's, or if no owner would be left.
    /// * [`ErrorKind::NotFound`] if there is no such member or ledger.
    /// * [`ErrorKind::InvalidInput`] if he has that role.
    ///
    /// # Example: there is always an owner
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, ErrorKind, Role};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let own = engine.members(home)?[0].id;
    /// let refused = engine.set_role(home, own, Role::Viewer).map_err(|error| error.kind());
    /// assert_eq!(refused, Err(ErrorKind::Forbidden));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn set_role(&self, ledger: LedgerId, member: MemberId, role: Role) -> Result<()> {
        self.operate(ledger, |standpoint| Ok(vec![standpoint.role_change(member, role)?]))
    }

    /// Makes another member the owner in place of this device's, who is an editor from then on.
    ///
    /// # Errors
    ///
    /// As [`Engine::set_role`], and [`ErrorKind::InvalidInput`] for one's own member.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, ErrorKind, MemberId};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let refused = engine.transfer_ledger(home, MemberId([7; 16])).map_err(|error| error.kind());
    /// assert_eq!(refused, Err(ErrorKind::NotFound));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn transfer_ledger(&self, ledger: LedgerId, to: MemberId) -> Result<()> {
        self.operate(ledger, |standpoint| {
            if to == standpoint.own {
                return Err(Error::invalid("the ledger is this member's already"));
            }
            let mut operations = Vec::new();
            if standpoint.role(to)? != Role::Owner {
                operations.push(standpoint.role_change(to, Role::Owner)?);
            }
            operations.push(standpoint.role_change(standpoint.own, Role::Editor)?);
            Ok(operations)
        })
    }

    /// Removes a member with all devices. What he wrote so far stays; what he writes before he hears of it is set aside.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::Forbidden`] if this device is not an owner's, or if no owner would be left.
    /// * [`ErrorKind::NotFound`] if there is no such member or ledger.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, ErrorKind, MemberId};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let refused = engine.remove_member(home, MemberId([7; 16])).map_err(|error| error.kind());
    /// assert_eq!(refused, Err(ErrorKind::NotFound));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn remove_member(&self, ledger: LedgerId, member: MemberId) -> Result<()> {
        self.operate(ledger, |standpoint| {
            standpoint.role(member)?;
            Ok(vec![MemberOperation::Remove { member, cut: standpoint.cut_of_member(member)? }])
        })
    }

    /// Leaves a ledger with all devices of this device's person. What is on this device stays and can be read.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::Forbidden`] if no owner would be left: make somebody else one before.
    /// * [`ErrorKind::NotFound`] if the ledger is not on this device.
    ///
    /// # Example: the last owner stays
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, ErrorKind};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// assert_eq!(engine.leave_ledger(home).map_err(|error| error.kind()), Err(ErrorKind::Forbidden));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn leave_ledger(&self, ledger: LedgerId) -> Result<()> {
        self.operate(ledger, |standpoint| {
            let member = standpoint.own;
            Ok(vec![MemberOperation::Remove { member, cut: standpoint.cut_of_member(member)? }])
        })
    }

    /// Takes a device out of a ledger, as when a phone is lost: one of this device's person, or as an owner anybody's.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::Forbidden`] if it is another one's and this device is not an owner's, or if no owner would be left.
    /// * [`ErrorKind::NotFound`] if no member has such a device.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, DeviceKey, Engine};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let phone = Engine::open_in_memory()?.device_key();
    /// engine.admit_device(home, phone)?;
    /// engine.remove_device(home, phone)?;
    /// assert_eq!(engine.members(home)?[0].devices.len(), 1);
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn remove_device(&self, ledger: LedgerId, device: DeviceKey) -> Result<()> {
        self.operate(ledger, |standpoint| {
            let (member, _) =
                standpoint.roles.role_of(&device).ok_or_else(|| Error::not_found("device in this ledger"))?;
            Ok(vec![MemberOperation::RemoveDevice { member, device, cut: standpoint.cut([device])? }])
        })
    }

    /// Makes a device that only the server's word speaks for a full one, which may do all that its member may.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::Forbidden`] if this device is not an owner's.
    /// * [`ErrorKind::NotFound`] if no member has such a device.
    /// * [`ErrorKind::InvalidInput`] if it is a full one already.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, ErrorKind};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let refused = engine.confirm_device(home, engine.device_key()).map_err(|error| error.kind());
    /// assert_eq!(refused, Err(ErrorKind::InvalidInput));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn confirm_device(&self, ledger: LedgerId, device: DeviceKey) -> Result<()> {
        self.operate(ledger, |_| Ok(vec![MemberOperation::Confirm { device }]))
    }

    /// Says what this device's person is called in a ledger.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::InvalidInput`] if the name is empty, too long or has control characters.
    /// * [`ErrorKind::Forbidden`] if this device may only read the ledger.
    /// * [`ErrorKind::NotFound`] if the ledger is not on this device.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// engine.set_own_name(home, "Ana")?;
    /// engine.set_own_name(home, "Anna")?;
    /// assert_eq!(engine.members(home)?[0].name.as_deref(), Some("Anna"));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn set_own_name(&self, ledger: LedgerId, name: &str) -> Result<()> {
        let name = normalize(name, NAME_BYTES_MAX)?;
        if name.is_empty() {
            return Err(Error::invalid("a member has a name"));
        }
        let puts = vec![Put::new(field::NAME, Scalar::Str(name))];
        self.write(|write| {
            let mut draft = self.author.draft(write, ledger)?;
            let member = things::own_member(&draft.write.tx, draft.lid)?.ok_or_else(no_member)?;
            let id = draft.fact_document(MEMBER, member.as_bytes());
            let known = keys::find_document(&draft.write.tx, draft.lid, &id)?;
            let known = known.map(|rid| draft.read(rid)).transpose()?.filter(|document| !document.visible.is_empty());
            match known {
                Some(document) => drop(draft.edit(id, &document, puts)?),
                None => drop(draft.create_fact(MEMBER, member.as_bytes(), Thing::Member, puts)?),
            }
            draft.finish()?;
            Ok(())
        })
    }

    /// Writes operations, if the rules let all of them count.
    pub(super) fn operate(
        &self,
        ledger: LedgerId,
        operations: impl FnOnce(&mut Standpoint<'_, '_>) -> Result<Vec<MemberOperation>>,
    ) -> Result<()> {
        self.write(|write| {
            let lid = keys::ledger_here(&write.tx, ledger)?;
            let own = things::own_member(&write.tx, lid)?.ok_or_else(no_member)?;
            let roles = standing::roles_now(write, lid)?;
            let operations = operations(&mut Standpoint { write: &mut *write, lid, roles, own })?;
            let mut draft = self.author.draft_of_members(write, ledger)?;
            for operation in &operations {
                draft.member(operation)?;
            }
            let written = draft.finish()?.ok_or_else(|| Error::internal("nothing was written"))?;
            let roles = standing::roles_now(write, lid)?;
            let void = roles.void().iter().find(|void| void.commit == written.commit);
            void.map_or(Ok(()), |void| Err(refused(void.reason)))
        })
    }
}

fn no_member() -> Error {
    Error::new(ErrorKind::Forbidden, "this device is no member of the ledger")
}

/// Why an operation is not written.
fn refused(reason: VoidReason) -> Error {
    let kind = match reason {
        VoidReason::NotAMember | VoidReason::NotAllowed | VoidReason::Unconfirmed | VoidReason::LastOwner => {
            ErrorKind::Forbidden
        }
        VoidReason::NoSuchMember | VoidReason::NoSuchDevice | VoidReason::NoSuchServer => ErrorKind::NotFound,
        _ => ErrorKind::InvalidInput,
    };
    Error::new(kind, reason.to_string())
}

//! Who shares a ledger.

use outlay_core::{AsideCommit, CommitId, DeviceKey, Invitation, LedgerId, Member, MemberId, OpenInvitation, Role};

use super::{Engine, Result};

#[uniffi::export]
impl Engine {
    /// The members of a ledger, this device's own first, then by name and id.
    pub fn members(&self, ledger: LedgerId) -> Result<Vec<Member>> {
        self.call(|engine| engine.members(ledger))
    }

    /// Makes an invitation for somebody to become a member. Whoever has its text can use it, once, as soon as the invitation
    /// has been synced.
    pub fn invite(&self, ledger: LedgerId, role: Role, valid_days: u16) -> Result<Invitation> {
        self.call(|engine| engine.invite(ledger, role, valid_days))
    }

    /// Becomes a member by the text of an invitation, and answers of which ledger. Its entries come with the next sync. It
    /// waits for the network.
    pub fn join_ledger(&self, code: String) -> Result<LedgerId> {
        self.call(|engine| engine.join_ledger(&code))
    }

    /// The invitations into a ledger that can be used, as the server of the account knows them. It waits for the network.
    pub fn open_invitations(&self, ledger: LedgerId) -> Result<Vec<OpenInvitation>> {
        self.call(|engine| engine.open_invitations(ledger))
    }

    /// Takes an invitation back that nobody has used. It waits for the network.
    pub fn take_back_invitation(&self, ledger: LedgerId, key: DeviceKey) -> Result<()> {
        self.call(|engine| engine.take_back_invitation(ledger, key))
    }

    /// Adds a member by a device of his, which is also how one comes back who was removed. Answers which member it is.
    pub fn add_member(&self, ledger: LedgerId, device: DeviceKey, role: Role) -> Result<MemberId> {
        self.call(|engine| engine.add_member(ledger, device, role))
    }

    /// Gives a member another role. What he wrote so far goes on counting.
    pub fn set_role(&self, ledger: LedgerId, member: MemberId, role: Role) -> Result<()> {
        self.call(|engine| engine.set_role(ledger, member, role))
    }

    /// Makes another member the owner in place of this device's, who is an editor from then on.
    pub fn transfer_ledger(&self, ledger: LedgerId, to: MemberId) -> Result<()> {
        self.call(|engine| engine.transfer_ledger(ledger, to))
    }

    /// Removes a member with all devices. What he wrote so far stays; what he writes before he hears of it is set aside.
    pub fn remove_member(&self, ledger: LedgerId, member: MemberId) -> Result<()> {
        self.call(|engine| engine.remove_member(ledger, member))
    }

    /// Leaves a ledger with all devices of this device's person. What is on this device stays and can be read.
    pub fn leave_ledger(&self, ledger: LedgerId) -> Result<()> {
        self.call(|engine| engine.leave_ledger(ledger))
    }

    /// Admits a further device of this device's person, with the same role.
    pub fn admit_device(&self, ledger: LedgerId, device: DeviceKey) -> Result<()> {
        self.call(|engine| engine.admit_device(ledger, device))
    }

    /// Makes a device that only the server's word speaks for a full one, which may do all that its member may.
    pub fn confirm_device(&self, ledger: LedgerId, device: DeviceKey) -> Result<()> {
        self.call(|engine| engine.confirm_device(ledger, device))
    }

    /// Takes a device out of a ledger, as when a phone is lost: one of this device's person, or as an owner anybody's.
    pub fn remove_device(&self, ledger: LedgerId, device: DeviceKey) -> Result<()> {
        self.call(|engine| engine.remove_device(ledger, device))
    }

    /// Says what this device's person is called in a ledger.
    pub fn set_own_name(&self, ledger: LedgerId, name: String) -> Result<()> {
        self.call(|engine| engine.set_own_name(ledger, &name))
    }

    /// The commits of a ledger that are set aside: what removed members wrote before they knew.
    pub fn aside(&self, ledger: LedgerId) -> Result<Vec<AsideCommit>> {
        self.call(|engine| engine.aside(ledger))
    }

    /// Gets what the server keeps aside of a ledger, and answers how many commits were new here. It waits for the network.
    pub fn fetch_aside(&self, ledger: LedgerId) -> Result<u64> {
        self.call(|engine| engine.fetch_aside(ledger))
    }

    /// Lets commits count that were set aside, on every device that has them.
    pub fn accept(&self, ledger: LedgerId, commits: Vec<CommitId>) -> Result<()> {
        self.call(|engine| engine.accept(ledger, &commits))
    }
}

/** Who shares a ledger, how they come in, and what they wrote that does not count. */
package app.outlay

/** The members of a ledger, this device's own first, then by name and id. */
public suspend fun Engine.members(ledger: LedgerId): List<Member> = call { members(ledger) }

/** Makes an invitation. Whoever has its `code` can use it, once, as soon as it has been synced. */
public suspend fun Engine.invite(ledger: LedgerId, role: Role, validDays: Int = 7): Invitation =
    call { invite(ledger, role, validDays.coerceIn(0, 65_535).toUShort()) }

/** Becomes a member by the code of an invitation, and says of which ledger. It waits for the network. */
public suspend fun Engine.joinLedger(code: String): LedgerId = call { joinLedger(code) }

/** The invitations that can be used, as the server of the account knows them. It waits for the network. */
public suspend fun Engine.openInvitations(ledger: LedgerId): List<OpenInvitation> = call { openInvitations(ledger) }

/** Takes an invitation back that nobody has used. It waits for the network. */
public suspend fun Engine.takeBackInvitation(ledger: LedgerId, key: DeviceKey): Unit =
    call { takeBackInvitation(ledger, key) }

/** Adds a member by a device of his, and says which member it is. */
public suspend fun Engine.addMember(ledger: LedgerId, device: DeviceKey, role: Role): MemberId =
    call { addMember(ledger, device, role) }

/** Gives a member another role. What he wrote so far goes on counting. */
public suspend fun Engine.setRole(ledger: LedgerId, member: MemberId, role: Role): Unit =
    call { setRole(ledger, member, role) }

/** Makes another member the owner in place of this device's, who is an editor from then on. */
public suspend fun Engine.transferLedger(ledger: LedgerId, to: MemberId): Unit = call { transferLedger(ledger, to) }

/** Removes a member with all devices. What he wrote so far stays. */
public suspend fun Engine.removeMember(ledger: LedgerId, member: MemberId): Unit = call { removeMember(ledger, member) }

/** Leaves a ledger. What is on this device stays and can be read. */
public suspend fun Engine.leaveLedger(ledger: LedgerId): Unit = call { leaveLedger(ledger) }

/** Admits a further device of this device's person, with the same role. */
public suspend fun Engine.admitDevice(ledger: LedgerId, device: DeviceKey): Unit = call { admitDevice(ledger, device) }

/** Makes a device that only the server's word speaks for a full one. */
public suspend fun Engine.confirmDevice(ledger: LedgerId, device: DeviceKey): Unit =
    call { confirmDevice(ledger, device) }

/** Takes a device out of a ledger, as when a phone is lost. */
public suspend fun Engine.removeDevice(ledger: LedgerId, device: DeviceKey): Unit = call { removeDevice(ledger, device) }

/** Says what this device's person is called in a ledger. */
public suspend fun Engine.setOwnName(ledger: LedgerId, name: String): Unit = call { setOwnName(ledger, name) }

/** The commits that are set aside: what removed members wrote before they knew. */
public suspend fun Engine.aside(ledger: LedgerId): List<AsideCommit> = call { aside(ledger) }

/** Gets what the server keeps aside, and says how many commits were new here. It waits for the network. */
public suspend fun Engine.fetchAside(ledger: LedgerId): Long = call { fetchAside(ledger).toLong() }

/** Lets commits count that were set aside, on every device that has them. */
public suspend fun Engine.accept(ledger: LedgerId, commits: List<CommitId>): Unit = call { accept(ledger, commits) }

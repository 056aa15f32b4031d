import OutlayNative

/// Who shares a ledger, how they come in, and what they wrote that does not count.
extension Engine {
    /// The members of a ledger, this device's own first, then by name and id.
    public func members(of ledger: LedgerId) async throws -> [Member] {
        try await call { try $0.members(ledger: ledger) }
    }

    /// Makes an invitation. Whoever has its `code` can use it, once, as soon as it has been synced.
    public func invite(to ledger: LedgerId, as role: Role, validDays: Int = 7) async throws -> Invitation {
        try await call { try $0.invite(ledger: ledger, role: role, validDays: UInt16(clamping: validDays)) }
    }

    /// Becomes a member by the code of an invitation, and says of which ledger. It waits for the network.
    public func joinLedger(code: String) async throws -> LedgerId { try await call { try $0.joinLedger(code: code) } }

    /// The invitations that can be used, as the server of the account knows them. It waits for the network.
    public func openInvitations(to ledger: LedgerId) async throws -> [OpenInvitation] {
        try await call { try $0.openInvitations(ledger: ledger) }
    }

    /// Takes an invitation back that nobody has used. It waits for the network.
    public func takeBackInvitation(_ key: DeviceKey, to ledger: LedgerId) async throws {
        try await call { try $0.takeBackInvitation(ledger: ledger, key: key) }
    }

    /// Adds a member by a device of his, and says which member it is.
    public func addMember(by device: DeviceKey, to ledger: LedgerId, as role: Role) async throws -> MemberId {
        try await call { try $0.addMember(ledger: ledger, device: device, role: role) }
    }

    /// Gives a member another role. What he wrote so far goes on counting.
    public func setRole(_ role: Role, of member: MemberId, in ledger: LedgerId) async throws {
        try await call { try $0.setRole(ledger: ledger, member: member, role: role) }
    }

    /// Makes another member the owner in place of this device's, who is an editor from then on.
    public func transferLedger(_ ledger: LedgerId, to member: MemberId) async throws {
        try await call { try $0.transferLedger(ledger: ledger, to: member) }
    }

    /// Removes a member with all devices. What he wrote so far stays.
    public func removeMember(_ member: MemberId, from ledger: LedgerId) async throws {
        try await call { try $0.removeMember(ledger: ledger, member: member) }
    }

    /// Leaves a ledger. What is on this device stays and can be read.
    public func leaveLedger(_ ledger: LedgerId) async throws { try await call { try $0.leaveLedger(ledger: ledger) } }

    /// Admits a further device of this device's person, with the same role.
    public func admitDevice(_ device: DeviceKey, to ledger: LedgerId) async throws {
        try await call { try $0.admitDevice(ledger: ledger, device: device) }
    }

    /// Makes a device that only the server's word speaks for a full one.
    public func confirmDevice(_ device: DeviceKey, in ledger: LedgerId) async throws {
        try await call { try $0.confirmDevice(ledger: ledger, device: device) }
    }

    /// Takes a device out of a ledger, as when a phone is lost.
    public func removeDevice(_ device: DeviceKey, from ledger: LedgerId) async throws {
        try await call { try $0.removeDevice(ledger: ledger, device: device) }
    }

    /// Says what this device's person is called in a ledger.
    public func setOwnName(_ name: String, in ledger: LedgerId) async throws {
        try await call { try $0.setOwnName(ledger: ledger, name: name) }
    }

    /// The commits that are set aside: what removed members wrote before they knew.
    public func aside(in ledger: LedgerId) async throws -> [AsideCommit] {
        try await call { try $0.aside(ledger: ledger) }
    }

    /// Gets what the server keeps aside, and says how many commits were new here. It waits for the network.
    @discardableResult
    public func fetchAside(of ledger: LedgerId) async throws -> UInt64 {
        try await call { try $0.fetchAside(ledger: ledger) }
    }

    /// Lets commits count that were set aside, on every device that has them.
    public func accept(_ commits: [CommitId], in ledger: LedgerId) async throws {
        try await call { try $0.accept(ledger: ledger, commits: commits) }
    }
}

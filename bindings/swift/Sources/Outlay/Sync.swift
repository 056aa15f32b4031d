import OutlayNative

/// Accounts and sync: what an account is for is that this database and a server come to hold the same.
extension Engine {
    /// The account that this database belongs to, if it belongs to one.
    public func account() async throws -> Account? { try await call { try $0.account() } }

    /// Makes an account and signs this database in to it. What is here goes up with the next sync. It waits for the network.
    @discardableResult
    public func signUp(
        server: String, email: String, password: String, name: String? = nil, invitation: String? = nil,
        deviceName: String = ""
    ) async throws -> Account {
        let by = Credentials(email: email, password: password)
        let options = SignInOptions(name: name, invitation: invitation, deviceName: deviceName)
        return try await call { try $0.signUp(server: server, by: by, options: options) }
    }

    /// Signs this database in to an account. Its ledgers come with the next sync. It waits for the network.
    ///
    /// `code` is that of an authenticator app, or a recovery code, if the account wants one.
    @discardableResult
    public func signIn(
        server: String, email: String, password: String, code: String? = nil, deviceName: String = ""
    ) async throws -> Account {
        let by = Credentials(email: email, password: password)
        let options = SignInOptions(deviceName: deviceName, code: code)
        return try await call { try $0.signIn(server: server, by: by, options: options) }
    }

    /// Leaves the account, keeping what is here or wiping it. It can be done without a network too.
    public func signOut(_ how: SignOut = .keep) async throws { try await call { try $0.signOut(how: how) } }

    /// The devices of the account, as the server lists them. It waits for the network.
    public func devices() async throws -> [KnownDevice] { try await call { try $0.devices() } }

    /// Signs a device out of the account, as when a phone is lost. It waits for the network.
    public func signOutDevice(_ device: DeviceKey) async throws { try await call { try $0.signOutDevice(device: device) } }

    /// Signs a lost device out, and takes it out of every ledger but those that are answered. It waits for the network.
    public func revokeDevice(_ device: DeviceKey) async throws -> [LedgerId] {
        try await call { try $0.revokeDevice(device: device) }
    }

    /// Returns when everything is alike here and on the server, or when the time is up. It waits for the network.
    ///
    /// Cancelling the task ends it. What was done by then stays done, and the next sync goes on from there. A timeout below zero
    /// is none at all.
    @discardableResult
    public func syncOnce(timeout: Duration = .seconds(60)) async throws -> SyncReport {
        let seconds = Double(timeout.components.seconds) + Double(timeout.components.attoseconds) / 1e18
        return try await untilCancelled { try $0.syncOnce(deadline: max(0, seconds), cancel: $1) }
    }

    /// Keeps this database in sync from a thread of the engine's, until it is stopped or the engine is closed.
    public func startSync() async throws { try await call { try $0.startSync() } }

    /// Tries now what sync would try again later: the network is back, or the app is in front again.
    public func retrySync() async throws { try await call { try $0.retrySync() } }

    /// Ends what keeps this database in sync. A second time does nothing.
    public func stopSync() async throws { try await call { try $0.stopSync() } }

    /// How sync stands: who is signed in, how the connection is, what is here only, and what waits for what.
    public func syncStatus() async throws -> SyncStatus { try await call { try $0.syncStatus() } }

    /// Says whether the network is paid for by the byte: files wait then.
    public func setMetered(_ isMetered: Bool) async throws { try await call { try $0.setMetered(isMetered: isMetered) } }
}

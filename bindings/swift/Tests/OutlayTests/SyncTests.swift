import Foundation
@testable import Outlay
import Testing

@Suite("Accounts, sync and members, with a real server", .timeLimit(.minutes(2)))
struct SyncTests {
    @Test("what one device writes another one reads")
    func reads() async throws {
        let people = try People()
        let (phone, laptop) = (try await people.device("ana"), try await people.device("ana"))
        let home = try await phone.createLedger("Home", currency: "EUR").id
        let lunch = try await phone.addExpense(NewExpense(euros("12.50"), "Corner Café"), to: home).id
        let receipt = try await phone.attach(Data("12.50 EUR".utf8), named: "receipt.txt", to: lunch, in: home)
        let report = try await phone.syncOnce()
        #expect(report.isComplete && report.pushed > 0 && report.filesUp == 1)
        #expect(try await phone.syncStatus().caughtUp != nil)
        try await laptop.syncOnce(timeout: .milliseconds(30_000))
        #expect(try await laptop.expense(lunch, in: home)?.payee == "Corner Café")
        #expect(try await laptop.readAttachment(receipt.hash, of: lunch, in: home) == nil)
        #expect(try await laptop.fetchAttachment(receipt.hash, of: lunch, in: home) == Data("12.50 EUR".utf8))
        let devices = try await phone.devices()
        let this = try #require(devices.first { $0.name == "device 1" })
        #expect(devices.count == 2 && this.isThis)
        #expect(try #require(this.seen) > Date(timeIntervalSince1970: 1_700_000_000))
        try await phone.signOutDevice(laptop.deviceKey())
        #expect(try await kind(error { try await laptop.syncOnce() }) == "signedOut")
        try await phone.setMetered(true)
    }

    @Test("sync that runs is told and brings what others write")
    func runs() async throws {
        let people = try People()
        let (phone, laptop) = (try await people.device("ana"), try await people.device("ana"))
        let home = try await phone.createLedger("Home", currency: "EUR").id
        try await phone.startSync()
        try await phone.startSync()
        try await phone.retrySync()
        _ = try #require(try await phone.liveSyncStatus().first { $0.connection == .live })
        try await laptop.syncOnce()
        try await laptop.startSync()
        var live = laptop.live(in: home).makeAsyncIterator()
        #expect(try await live.next() == [])
        try await phone.addExpense(NewExpense(euros("3.40"), "Café"), to: home)
        #expect(try await live.next()?.map(\.payee) == ["Café"])
        try await phone.stopSync()
        try await phone.stopSync()
        #expect(try await phone.syncStatus().connection == .off)
    }

    @Test("an account is left, and what is nowhere else is not wiped by mistake")
    func leaves() async throws {
        let phone = try await People().device("ana")
        #expect(try await phone.account()?.email.hasPrefix("ana-") == true)
        _ = try await phone.createLedger("Home", currency: "EUR")
        #expect(try await kind(error { try await phone.signOut(.wipe) }) == "forbidden")
        try await phone.signOut(.wipeUnsent)
        #expect(try await phone.account() == nil)
        #expect(try await phone.ledgers().isEmpty)
        #expect(try await kind(error { try await phone.devices() }) == "signedOut")
    }

    @Test("a long call ends when its task is cancelled, and one that has not begun never does")
    func cancels() async throws {
        let phone = try await People().device("ana")
        let sync = Task {
            // Without end, if the call did not hear of the cancellation.
            try await phone.untilCancelled { engine, cancel in
                while true { _ = try engine.syncOnce(deadline: 60, cancel: cancel) }
            }
        }
        _ = try #require(try await phone.liveSyncStatus().first { $0.caughtUp != nil })
        sync.cancel()
        await #expect(throws: CancellationError.self) { try await sync.value }
        #expect(try await phone.syncOnce().isComplete, "the next one goes on")

        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await phone.createLedger("Never", currency: "EUR")
        }
        await #expect(throws: CancellationError.self) { try await late.value }
        #expect(try await phone.ledgers().isEmpty)
    }

    @Test("the tokens are kept where the app says")
    func tokens() async throws {
        let tokens = Tokens()
        let engine = try await Engine.inMemory(options: Options(tokenStore: tokens))
        let stranger = try await error {
            try await engine.signIn(server: Server.url, email: "nobody@example.org", password: password)
        }
        #expect(kind(stranger) == "forbidden")
        try await engine.signUp(server: Server.url, email: "tokens-\(UUID())@example.org", password: password)
        #expect(tokens.kept != nil)
        try await engine.syncOnce()
        try await engine.signOut()
        #expect(tokens.kept == nil)
    }

    @Test("a database that was copied with its key takes another one")
    func copied() async throws {
        let (folder, keys, tokens) = (try Folder(), Keys(), Tokens())
        let phone = try await Engine.open(
            folder.path("phone.outlay"), options: Options(keyStore: keys, tokenStore: tokens))
        try await phone.signUp(server: Server.url, email: "copied-\(UUID())@example.org", password: password)
        let home = try await phone.createLedger("Home", currency: "EUR").id
        try await phone.syncOnce()
        try await phone.backup(to: folder.path("copy.outlay"))
        let copiedKeys = Keys(keys.secret)
        let copy = try await Engine.open(
            folder.path("copy.outlay"), options: Options(keyStore: copiedKeys, tokenStore: Tokens(tokens.kept)))
        for engine in [phone, copy] {
            try await engine.addExpense(NewExpense(euros("3.40")), to: home)
            try await engine.syncOnce()
        }
        #expect(try await phone.deviceKey() != copy.deviceKey())
        #expect(copiedKeys.secret != keys.secret)
    }

    @Test("a ledger is shared by an invitation")
    func shared() async throws {
        let people = try People()
        let (ana, ben) = (try await people.device("ana"), try await people.device("ben"))
        let home = try await ana.createLedger("Home", currency: "EUR").id
        try await ana.setOwnName("Ana", in: home)
        let open = try await ana.invite(to: home, as: .viewer)
        let used = try await ana.invite(to: home, as: .editor, validDays: 1)
        #expect(open.expires > used.expires)
        try await ana.syncOnce()
        let listed = try await ana.openInvitations(to: home)
        #expect(Set(listed.map(\.key)) == [open.key, used.key])
        #expect(listed.first { $0.key == used.key }?.expires == used.expires)
        try await ana.takeBackInvitation(open.key, to: home)
        #expect(try await ben.joinLedger(code: used.code) == home)
        try await ben.syncOnce()
        let coffee = try await ben.addExpense(NewExpense(euros("3.40"), "Café"), to: home).id
        try await ben.syncOnce()
        try await ana.syncOnce()
        #expect(try await ana.expense(coffee, in: home) != nil)
        let members = try await ana.members(of: home)
        #expect(members.map(\.isSelf) == [true, false] && members[0].name == "Ana" && members[1].role == .editor)
        #expect(try await ana.fetchAside(of: home) == 0)
        #expect(try await ana.aside(in: home).isEmpty)
        try await ana.setRole(.owner, of: members[1].id, in: home)
        try await ana.syncOnce()
        try await ben.syncOnce()
        try await ben.transferLedger(home, to: members[0].id)
        try await ben.syncOnce()
        try await ben.leaveLedger(home)
    }

    @Test("members come and go and a lost device is taken out")
    func removed() async throws {
        let people = try People()
        let (phone, laptop) = (try await people.device("ana"), try await people.device("ana"))
        let home = try await phone.createLedger("Home", currency: "EUR").id
        try await phone.admitDevice(laptop.deviceKey(), to: home)
        #expect(try await kind(error { try await phone.confirmDevice(laptop.deviceKey(), in: home) }) == "invalidInput")
        let (tablet, stranger) = (try await Engine.inMemory(), try await Engine.inMemory())
        try await phone.admitDevice(tablet.deviceKey(), to: home)
        try await phone.removeDevice(tablet.deviceKey(), from: home)
        let ben = try await phone.addMember(by: stranger.deviceKey(), to: home, as: .viewer)
        try await phone.removeMember(ben, from: home)
        try await phone.syncOnce()
        try await laptop.syncOnce()
        #expect(try await phone.revokeDevice(laptop.deviceKey()).isEmpty)
        let nothing = CommitId(hex: String(repeating: "07", count: 32))
        #expect(try await kind(error { try await phone.accept([nothing], in: home) }) == "notFound")
    }

    @Test("times that the engine tells are instants")
    func instants() {
        let device = DeviceKey(hex: String(repeating: "ab", count: 32))
        let author = Author(member: nil, device: device, name: nil, isSelf: true)
        #expect(Waiting(code: nil, text: "later", retryMs: 1).retry == .milliseconds(1))
        #expect(Waiting(code: nil, text: "never", retryMs: nil).retry == nil)
        let aside = AsideCommit(id: CommitId(hex: device.hex), author: author, timeMs: 7000, changes: 1)
        #expect(aside.time == Date(timeIntervalSince1970: 7))
        #expect(Refusals(code: "quota", text: "full", commits: 1, sinceMs: 7000).since == Date(timeIntervalSince1970: 7))
        #expect(OpenInvitation(key: device, role: .viewer, expiresMs: nil).expires == nil)
    }
}

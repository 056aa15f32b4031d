import Foundation
import Outlay
import Testing

@Suite("What the engine tells the log of the app", .timeLimit(.minutes(2)))
struct LogTests {
    @Test("a log says what was opened, and how sync went, and nothing that a person wrote")
    func opened() async throws {
        let (folder, lines) = (try Folder(), Shared<[LogLine]>([]))
        let log = Log { line in lines.withLock { $0.append(line) } }
        let engine = try await Engine.open(folder.path("a.outlay"), options: Options(logSink: log))
        let device = try await engine.deviceKey()
        let home = try await engine.createLedger("Secret ledger", currency: "EUR").id
        try await engine.addExpense(NewExpense(euros("12.34"), "Secret payee"), to: home)
        try await engine.signUp(server: Server.url, email: "secret-\(UUID())@example.org", password: password)
        try await engine.syncOnce()
        engine.close()
        // Closing has waited for the last line.
        let told = lines.withLock { $0 }
        #expect(told.first == LogLine(level: .info, target: "store", message: "made a database of schema step 5"))
        #expect(told[1].message == "opened by device \(device)" && told.last?.message == "closed")
        let synced = try #require(told.first { $0.message.hasPrefix("synced: ") })
        #expect(synced.level == .info && synced.target == "sync")
        #expect(synced.message.hasSuffix("0 refused, 0 damaged, all alike: true"), "\(synced.message)")
        let secrets = ["ecret", "12.34", "example", password]
        #expect(!told.contains { line in secrets.contains { line.message.contains($0) } }, "\(told)")
    }

    @Test("a sink may call the engine and close it")
    func callsBack() async throws {
        let engine = Shared<Outlay.Engine?>(nil)
        let (ended, tell) = AsyncStream.makeStream(of: [Ledger].self)
        let log = Log { line in
            guard line.target == "sync", let engine = engine.withLock({ $0.take() }) else { return }
            let (asked, answer) = (DispatchSemaphore(value: 0), Shared<[Ledger]>([]))
            Task {
                let ledgers = try await engine.ledgers()
                answer.withLock { $0 = ledgers }
                asked.signal()
            }
            asked.wait()
            engine.close()
            tell.yield(answer.withLock { $0 })
            tell.finish()
        }
        let opened = try await Engine.inMemory(options: Options(logSink: log))
        let home = try await opened.createLedger("Home", currency: "EUR")
        engine.withLock { $0 = opened }
        try await opened.startSync()
        #expect(await ended.reduce(into: []) { $0 += $1 } == [home])
        let closed = try await error { try await opened.ledgers() }
        #expect(kind(closed) == "closed")
    }
}

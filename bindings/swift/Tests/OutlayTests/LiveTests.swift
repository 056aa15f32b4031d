import Foundation
@testable import Outlay
import struct OutlayNative.Diff
import struct OutlayNative.Inserted
import Testing

@Suite("Live queries: what is told, when they end, and what may be done meanwhile", .timeLimit(.minutes(2)))
struct LiveTests {
    @Test("a live query shows what is there and what changes, and its watch ends with it")
    func shows() async throws {
        let (engine, home) = try await home()
        let coffee = try await engine.addExpense(NewExpense(euros("3.40"), "Café"), to: home)
        var states = engine.live(in: home, sort: .smallest).makeAsyncIterator()
        #expect(try await states.next()?.map(\.payee) == ["Café"])
        #expect(engine.watches.count == 1)
        try await engine.editExpense(coffee.id, in: home, Edit(payee: "Corner Café"))
        #expect(try await states.next()?.map(\.payee) == ["Corner Café"])
        try await engine.addExpense(NewExpense(euros("1"), "First"), to: home)
        #expect(try await states.next()?.map(\.payee) == ["First", "Corner Café"])
        try await engine.deleteExpense(coffee.id, in: home)
        #expect(try await states.next()?.map(\.payee) == ["First"])
    }

    @Test("changes that come faster than they are asked for are seen as one, and who looks may call the engine")
    func conflates() async throws {
        let (engine, home) = try await home()
        var seen = 0
        for try await entries in engine.live(in: home, limit: 200) {
            seen += 1
            if entries.isEmpty {
                for _ in 1...100 { try await engine.addExpense(NewExpense(euros("1")), to: home) }
            }
            if entries.count == 100 { break }
        }
        #expect(seen < 50, "\(seen) states of 100 entries")
        #expect(engine.watches.count == 0, "nothing is watched after the loop")
    }

    @Test("cancelling the task that looks ends its watch, and others go on")
    func cancels() async throws {
        let (engine, home) = try await home()
        var states = engine.live(in: home).makeAsyncIterator()
        _ = try await states.next()
        let (begun, tell) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            for try await _ in engine.live(in: home) { tell.finish() }
        }
        for await _ in begun {}
        #expect(engine.watches.count == 2)
        task.cancel()
        try await task.value
        #expect(engine.watches.count == 1)
        try await engine.addExpense(NewExpense(euros("3.40"), "Café"), to: home)
        #expect(try await states.next()?.map(\.payee) == ["Café"])
    }

    @Test("a live query ends when the engine is closed, and a new one sees what was opened anew")
    func endsWhenClosed() async throws {
        let folder = try Folder()
        let engine = try await Engine.open(folder.path("a.outlay"))
        let home = try await engine.createLedger("Home", currency: "EUR").id
        var states = engine.live(in: home).makeAsyncIterator()
        _ = try await states.next()
        try await engine.reopen()
        #expect(try await states.next() == nil)
        var again = engine.live(in: home).makeAsyncIterator()
        #expect(try await again.next() == [])
        engine.close()
        let closed = try await error {
            for try await _ in engine.live(in: home) {}
        }
        #expect(kind(closed) == "closed")
    }

    @Test("sync is told from the beginning")
    func tellsSync() async throws {
        let engine = try await Engine.inMemory()
        var states = engine.liveSyncStatus().makeAsyncIterator()
        #expect(try await states.next()?.connection == .off)
        let home = try await engine.createLedger("Home", currency: "EUR").id
        #expect(try await states.next()?.ledgers.map(\.ledger) == [home])
    }

    @Test("differences are applied in their order, and what comes late is ended at once")
    func differences() async throws {
        let (engine, home) = try await home()
        var entries: [Expense] = []
        for payee in ["a", "b", "c"] { entries.append(try await engine.addExpense(NewExpense(euros("1"), payee), to: home)) }
        let diff = Diff(removed: [entries[0].id], inserted: [Inserted(place: 0, expense: entries[2])], updated: [entries[1]])
        #expect([entries[0], entries[1]].after(diff).map(\.payee) == ["c", "b"])

        let watch = engine.watches.begin {}
        engine.watches.stop(watch)
        let late = try engine.native.observe(ledger: home, filter: Filter(), sort: .newest, limit: 1, observer: LiveList { _ in })
        engine.watches.hold(late, for: watch)
        #expect(engine.watches.count == 0)
    }

    @Test("another process writes while this one has the database open")
    func widget() async throws {
        let folder = try Folder()
        let path = folder.path("a.outlay")
        let engine = try await Engine.open(path)
        let home = try await engine.createLedger("Home", currency: "EUR").id
        var states = engine.live(in: home).makeAsyncIterator()
        #expect(try await states.next() == [])
        let widget = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let process = try Process.run(widget.appendingPathComponent("OutlayWidget"), arguments: [path, home.hex])
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(try await states.next()?.map(\.payee) == ["Widget"])
        #expect(try Engine.quickAdd(NewExpense(euros("1")), path: path).ledger == home, "the default ledger")
    }
}

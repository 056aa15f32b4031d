import Foundation
@testable import Outlay
import enum OutlayNative.OutlayError
import XCTest

/// What is misused is named, and what fails says so.
final class ErrorsTests: XCTestCase {
    func testEveryErrorOfTheLibraryIsACase() throws {
        let listed = try list("OUTLAY_ERRORS").filter { $0.hasPrefix("OutlayError.") }
        let natives: [OutlayNative.OutlayError] = [
            .InvalidInput(reason: "why"), .NotFound(reason: "why"), .Forbidden(reason: "why"), .TooNew(reason: "why"),
            .DiskFull(reason: "why"), .Corrupt(reason: "why"), .SignedOut(reason: "why"), .OtherAccount(reason: "why"),
            .Offline(reason: "why"), .RateLimited(reason: "why"), .Cancelled(reason: "why"), .Internal(reason: "why"),
            .Closed(reason: "why"), .Panicked(reason: "why"),
        ]
        let ours = natives.map(Outlay.OutlayError.init)
        XCTAssertEqual(
            ours.map { "outlayerror.\(kind($0))".lowercased() }.sorted(), listed.map { $0.lowercased() }.sorted())
        XCTAssertEqual(Set(ours).count, listed.count)
        XCTAssertTrue(ours.allSatisfy { $0.localizedDescription == "why" })
    }

    func testNoTimeAtAllAndNoLimitAreBothTimesToSyncIn() async throws {
        let engine = try await Engine.inMemory()
        for timeout in [Duration.seconds(-1), .seconds(Int64.max)] {
            let refused = try await error { try await engine.syncOnce(timeout: timeout) }
            XCTAssertEqual(kind(refused), "signedOut")
        }
        engine.close()
    }

    func testUseAfterCloseIsNamedAndASecondCloseDoesNothing() async throws {
        let folder = try Folder()
        let engine = try await Engine.open(folder.path("a.outlay"))
        let home = try await engine.createLedger("Home", currency: "EUR").id
        engine.close()
        engine.close()
        let closed = try await error { try await engine.ledgers() }
        XCTAssertEqual(closed, .closed("the engine was closed"))
        try await engine.reopen()
        let ledgers = try await engine.ledgers()
        XCTAssertEqual(ledgers.map(\.id), [home])
    }

    func testAPathThatIsAFolderOrNowhereIsRefused() async throws {
        let folder = try Folder()
        let aFolder = try await error { try await Engine.open(folder.url.path) }
        XCTAssertEqual(kind(aFolder), "invalidInput")
        let noPath = try await error { try await Engine.open("") }
        XCTAssertEqual(kind(noPath), "invalidInput")
        let nowhere = try await error { try await Engine.open(folder.path("nowhere/a.outlay")) }
        XCTAssertEqual(kind(nowhere), "notFound")
    }

    func testADatabaseOfANewerVersionIsRefusedUntouched() async throws {
        let folder = try Folder()
        let file = URL(fileURLWithPath: folder.path("a.outlay"))
        try await Engine.open(file.path).close()
        // The version of a schema is at byte 60 of an SQLite file: 4242.
        var bytes = try Data(contentsOf: file)
        bytes.replaceSubrange(62..<64, with: [0x10, 0x92])
        try bytes.write(to: file)
        let newer = try await error { try await Engine.open(file.path) }
        XCTAssertEqual(kind(newer), "tooNew")
        XCTAssertEqual(try Data(contentsOf: file), bytes)
    }

    func testBadInputIsAnErrorOfTheCallAndNotOfTheEngine() async throws {
        let (engine, home) = try await home()
        let wrong = try await error { try await engine.ledger(LedgerId(hex: "no id")) }
        XCTAssertTrue(wrong.localizedDescription.contains("hexadecimal"), wrong.localizedDescription)
        let unknown = try await error { try await engine.ledger(LedgerId(hex: String(repeating: "ab", count: 16))) }
        XCTAssertEqual(kind(unknown), "notFound")
        let currency = try await error { try await engine.createLedger("Trips", currency: "euro") }
        XCTAssertEqual(kind(currency), "invalidInput")
        let noDay = try await error {
            let date = CalendarDate(year: 2026, month: 2, day: 30)
            try await engine.addExpense(NewExpense(euros("1"), date: date), to: home)
        }
        XCTAssertEqual(kind(noDay), "invalidInput")
        let signedOut = try await error { try await engine.syncOnce() }
        XCTAssertEqual(kind(signedOut), "signedOut")
        let offline = try await error {
            try await engine.signUp(server: "http://127.0.0.1:9", email: "ana@example.org", password: password)
        }
        XCTAssertEqual(kind(offline), "offline")
        let ledgers = try await engine.ledgers()
        XCTAssertEqual(ledgers.map(\.id), [home])
    }

    func testWhatTheLibraryDoesNotExpectIsAnErrorOfOurs() async throws {
        struct Bug: LocalizedError {
            var errorDescription: String? { "a bug" }
        }
        let bug = try await error { try called { throw Bug() } }
        XCTAssertEqual(bug, .internal("a bug"))
    }

    func testTheDevicesKeyIsKeptWhereTheAppSays() async throws {
        let (folder, keys) = (try Folder(), Keys())
        let (path, options) = (folder.path("a.outlay"), Options(keyStore: keys))
        let engine = try await Engine.open(path, options: options)
        let device = try await engine.deviceKey()
        let aside = try await engine.setAside()
        engine.close()
        XCTAssertNil(aside)
        XCTAssertEqual(keys.secret?.count, 32)
        keys.isLocked = true
        let locked = try await error { try await Engine.open(path, options: options) }
        XCTAssertTrue(kind(locked) == "internal" && locked.localizedDescription.contains("key cannot be read"))
        keys.isLocked = false
        let again = try await Engine.open(path, options: options)
        let same = try await again.deviceKey()
        XCTAssertEqual(same, device)
        again.close()
        keys.secret = Data("short".utf8)
        let short = try await error { try await Engine.open(path, options: options) }
        XCTAssertEqual(kind(short), "internal")
    }

    func testAStoreMayCallTheEngineThatAsksIt() async throws {
        final class Asking: @unchecked Sendable {
            var engine: Outlay.Engine?
            var sizes: [Int] = []
        }
        let asking = Asking()
        let tokens = Tokens { asking.sizes.append((try? asking.engine?.native.ledgers().count) ?? -1) }
        let engine = try await Engine.inMemory(options: Options(tokenStore: tokens))
        asking.engine = engine
        try await engine.signUp(server: Server.url, email: "calls-back-\(UUID())@example.org", password: password)
        XCTAssertNotNil(tokens.kept)
        XCTAssertEqual(Set(asking.sizes), [0])
    }

    func testADamagedDatabaseIsMovedAside() async throws {
        let folder = try Folder()
        let path = folder.path("a.outlay")
        try (Data("SQLite format 3\0".utf8) + Data(repeating: 0xff, count: 5000)).write(to: URL(fileURLWithPath: path))
        let engine = try await Engine.open(path)
        let aside = try await engine.setAside()
        XCTAssertTrue(FileManager.default.fileExists(atPath: try XCTUnwrap(aside)))
    }
}

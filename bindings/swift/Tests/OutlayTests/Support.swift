import Foundation
import Outlay
import Testing

let password = "correct horse battery"

/// How long a test waits for what must come.
let patience = Duration.seconds(30)

func euros(_ amount: String) throws -> Money { try Money(amount, "EUR") }

/// The repository.
let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../../..").standardized

/// A file that make wrote.
func list(_ variable: String) throws -> [String] {
    let path = try #require(ProcessInfo.processInfo.environment[variable])
    return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
}

/// What several tasks read and write.
final class Shared<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func withLock<T>(_ use: (inout Value) throws -> T) rethrows -> T {
        try lock.withLock { try use(&value) }
    }
}

/// A folder that goes away with all others when the tests have ended.
struct Folder {
    let url: URL

    init() throws {
        url = Folder.all.appendingPathComponent("\(UUID())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    private static let all: URL = {
        let all = FileManager.default.temporaryDirectory.appendingPathComponent("outlay-\(UUID())")
        // Nothing of this process is left that would use it.
        atexit { try? FileManager.default.removeItem(at: Folder.all) }
        return all
    }()
}

/// An engine in memory and a ledger in euros.
func home() async throws -> (Engine, LedgerId) {
    let engine = try await Engine.inMemory()
    return (engine, try await engine.createLedger("Home", currency: "EUR").id)
}

extension Engine {
    func all(_ ledger: LedgerId, _ filter: Outlay.Filter = Filter(), sort: Sort = .newest, pageSize: Int = 200) async throws -> [Expense] {
        try await expenses(in: ledger, filter, sort: sort, pageSize: pageSize).reduce(into: []) { $0.append($1) }
    }
}

/// A real server, which is a process of its own and ends with the tests.
enum Server {
    static let url: String = {
        let process = Process()
        let output = Pipe()
        guard let data = try? Folder() else { return "" }
        process.executableURL = URL(fileURLWithPath: ProcessInfo.processInfo.environment["OUTLAY_SERVER"] ?? "")
        // Passwords are hashed as little as a server allows: it is not them that is tested.
        process.arguments = [
            "serve", "--dev", "--listen", "127.0.0.1:0", "--log", "error", "--data", data.path("server"),
            "--password-hash-memory-kib", "64", "--password-hash-passes-count", "1",
        ]
        process.standardOutput = output
        // Whoever waits for the end of what the tests print would wait for the server, too.
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return "" }
        let pid = process.processIdentifier
        running.withLock { $0 = pid }
        // It was started with the signals blocked that this thread blocks.
        atexit { running.withLock { _ = kill($0, SIGKILL) } }
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        return String(line.trimmingPrefix("listening on ").prefix { !$0.isNewline })
    }()
}

private let running = Shared<pid_t>(0)

/// Engines on files, each signed up or in with the address that it is named by.
actor People {
    private let folder: Folder
    private var count = 0

    init() throws { folder = try Folder() }

    func device(_ name: String) async throws -> Engine {
        count += 1
        let device = "device \(count)"
        let engine = try await Engine.open(folder.path("\(count).outlay"))
        let email = "\(name)-\(folder.url.lastPathComponent)@example.org"
        do {
            try await engine.signUp(server: Server.url, email: email, password: password, name: name, deviceName: device)
        } catch OutlayError.invalidInput {
            try await engine.signIn(server: Server.url, email: email, password: password, deviceName: device)
        }
        return engine
    }
}

/// A key store in memory that can be locked.
final class Keys: KeyStore {
    private let state: Shared<(secret: Data?, isLocked: Bool)>

    init(_ secret: Data? = nil) { state = Shared((secret, false)) }

    var secret: Data? {
        get { state.withLock { $0.secret } }
        set { state.withLock { $0.secret = newValue } }
    }

    var isLocked: Bool {
        get { state.withLock { $0.isLocked } }
        set { state.withLock { $0.isLocked = newValue } }
    }

    struct Locked: Error {}

    func load() throws -> Data? {
        if isLocked { throw Locked() }
        return secret
    }

    func save(secret: Data) throws { state.withLock { $0.secret = $0.secret ?? secret } }

    func replace(secret: Data) throws { self.secret = secret }
}

/// Tokens in memory. Each time that they are kept is told.
final class Tokens: TokenStore {
    private let state: Shared<String?>
    private let told: @Sendable () -> Void

    init(_ kept: String? = nil, told: @escaping @Sendable () -> Void = {}) {
        state = Shared(kept)
        self.told = told
    }

    var kept: String? { state.withLock { $0 } }

    func load() throws -> String? { kept }

    func save(tokens: String?) throws {
        told()
        state.withLock { $0 = tokens }
    }
}

/// The error that a call throws.
func error<T>(of call: () async throws -> T) async throws -> OutlayError {
    do {
        _ = try await call()
    } catch let error as OutlayError {
        return error
    }
    throw NothingThrown()
}

struct NothingThrown: Error {}

/// Which case an error is: its name.
func kind(_ error: OutlayError) -> String { String("\(error)".prefix { $0 != "(" }) }

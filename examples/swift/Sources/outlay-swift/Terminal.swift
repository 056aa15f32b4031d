import Foundation
import Outlay

let help = """
    add 12.50 EUR PAYEE     records an expense
    edit NUMBER PAYEE       changes who was paid
    sync SERVER EMAIL       signs in or up, by the password in OUTLAY_PASSWORD, and syncs; later just: sync
    conflicts               what collided
    choose NUMBER           settles the first conflict by one of its values
    quit
    """

/// What a person typed that is no command.
struct Mistyped: LocalizedError {
    var errorDescription: String? { help }
}

/// Expenses on a terminal: commands come line by line, and the list is printed whenever it changes.
actor Terminal {
    private let engine: Engine
    private var shown: [Expense] = []
    private var watch: Task<Void, any Error>?

    init(_ engine: Engine) { self.engine = engine }

    func run() async throws {
        try await beginToWatch()
        for await line in lines() {
            do {
                try await command(line.split(separator: " ").map(String.init))
            } catch {
                say("failed: \(error.localizedDescription)")
            }
            try await beginToWatch()
        }
        watch?.cancel()
    }

    private func command(_ words: [String]) async throws {
        switch (words.first, words.count) {
        case ("add", 3...):
            let new = try NewExpense(Money(words[1], Currency(words[2])), words[3...].joined(separator: " "))
            try await engine.addExpense(new, to: engine.ensureDefaultLedger().id)
        case ("edit", 3...):
            guard let number = Int(words[1]), shown.indices.contains(number - 1) else { throw Mistyped() }
            let entry = shown[number - 1]
            let edit = Edit(payee: words[2...].joined(separator: " "))
            try await engine.editExpense(entry.id, in: entry.ledger, edit)
        case ("sync", 1), ("sync", 3):
            try await sync(words)
        case ("conflicts", 1):
            for conflict in try await conflicts() {
                let values = conflict.values.enumerated().map { "\($0 + 1) \($1.value.text)" }
                say("conflict of \(conflict.field): \(values.joined(separator: " | "))")
            }
        case ("choose", 2):
            guard let conflict = try await conflicts().first else { return say("nothing collided") }
            guard let number = Int(words[1]), conflict.values.indices.contains(number - 1) else { throw Mistyped() }
            try await engine.resolve(conflict, with: conflict.values[number - 1])
            say("settled")
        default:
            throw Mistyped()
        }
    }

    private func sync(_ words: [String]) async throws {
        if try await engine.account() == nil {
            guard words.count == 3 else { throw Mistyped() }
            let password = ProcessInfo.processInfo.environment["OUTLAY_PASSWORD"] ?? ""
            do {
                try await engine.signIn(server: words[1], email: words[2], password: password, deviceName: "terminal")
            } catch OutlayError.forbidden {
                try await engine.signUp(server: words[1], email: words[2], password: password, deviceName: "terminal")
            }
        }
        let report = try await engine.syncOnce()
        say("synced: \(report.pushed) up, \(report.pulled) down")
    }

    /// Prints the list whenever it changes, as soon as there is a ledger.
    private func beginToWatch() async throws {
        guard watch == nil, let ledger = try await ledger() else { return }
        watch = Task {
            for try await expenses in engine.live(in: ledger) { show(expenses) }
        }
    }

    private func show(_ expenses: [Expense]) {
        shown = expenses
        say("\(expenses.count) entries")
        for (place, entry) in expenses.enumerated() {
            let mark = entry.conflicted ? " (conflict)" : ""
            say("\(place + 1) \(entry.date) \(entry.amount?.description ?? "") \(entry.payee)\(mark)")
        }
    }

    private func conflicts() async throws -> [Conflict] {
        guard let ledger = try await ledger() else { return [] }
        return try await engine.conflicts(in: ledger)
    }

    private func ledger() async throws -> LedgerId? {
        if let ledger = try await engine.defaultLedger() { return ledger.id }
        return try await engine.ledgers().first?.id
    }
}

/// What is typed until `quit`, line by line. A thread of its own waits for it, and for no more than that: a program does not
/// end while one reads.
private func lines() -> AsyncStream<String> {
    AsyncStream { continuation in
        Thread.detachNewThread {
            while let line = readLine(), line != "quit" { continuation.yield(line) }
            continuation.finish()
        }
    }
}

private func say(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}

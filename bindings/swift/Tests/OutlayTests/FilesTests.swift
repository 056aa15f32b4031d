import Foundation
import Outlay
import Testing

@Suite("Files: imports, exports, receipts, and what passes between two databases")
struct FilesTests {
    private let csv = Data("Date,Payee,Amount\n2026-11-02,Corner Café,-3.40\n2026-11-31,Nobody,-1.00\n".utf8)

    @Test("the same file adds nothing twice and bad rows are named")
    func importsOnce() async throws {
        let (engine, home) = try await home()
        #expect(try await engine.importFile(csv, options: ImportOptions(dryRun: true)).added == 1)
        #expect(try await engine.all(home).isEmpty)
        let seen = Shared<[ImportProgress]>([])
        let first = try await engine.importFile(csv) { progress in seen.withLock { $0.append(progress) } }
        #expect(first.added == 1 && first.ledger == home && first.rejected.map(\.line) == [3])
        #expect(seen.withLock { $0.first?.bytesTotal } == UInt64(csv.count))
        #expect(try await engine.importFile(csv).duplicates == 1)
    }

    @Test("an import whose progress throws has written nothing")
    func progressThrows() async throws {
        struct Bug: Error {}
        let (engine, home) = try await home()
        await #expect(throws: Bug.self) { try await engine.importFile(csv) { _ in throw Bug() } }
        #expect(try await engine.all(home).isEmpty)
    }

    @Test("an import that is cancelled has written nothing")
    func importCancelled() async throws {
        let (engine, home) = try await home()
        let rows = (1...5000).map { "2026-11-02,Shop \($0),-3.40\n" }.joined()
        let task = Shared<Task<Imported, any Error>?>(nil)
        task.withLock { started in
            started = Task {
                try await engine.importFile(Data("Date,Payee,Amount\n\(rows)".utf8)) { _ in task.withLock { $0?.cancel() } }
            }
        }
        let started = try #require(task.withLock { $0 })
        await #expect(throws: CancellationError.self) { try await started.value }
        #expect(try await engine.all(home).isEmpty)
    }

    @Test("profiles are guessed, kept and used")
    func profiles() async throws {
        let (engine, home) = try await home()
        #expect(try await engine.guessProfile(csv).contains(#""amount":"Amount""#))
        let mine = #"{"columns": {"date": "Date", "amount": "Amount"}, "currency": "CHF"}"#
        try await engine.saveProfile(mine, named: "My bank")
        #expect(try await engine.profiles() == ["My bank"])
        #expect(try await engine.profile(named: "Another") == nil)
        try await engine.importFile(csv, options: ImportOptions(profile: engine.profile(named: "My bank")))
        #expect(try await engine.all(home).map(\.amount) == [Money("3.40", "CHF")])
        #expect(try await kind(error { try await engine.saveProfile("{", named: "My bank") }) == "invalidInput")
    }

    @Test("rows of an app are imported once")
    func rows() async throws {
        let (engine, home) = try await home()
        let paid = try NewExpense(euros("3.40"), "Café", date: CalendarDate("2026-11-02"))
        let rows = [ImportRow(fact: "message 4711", new: paid)]
        #expect(try await engine.importRows(rows, to: home).added == 1)
        #expect(try await engine.importRows(rows, to: home).duplicates == 1)
    }

    @Test("an export is the same ledger elsewhere")
    func exports() async throws {
        let (engine, home) = try await home()
        let folder = try Folder()
        let lunch = try await engine.addExpense(NewExpense(euros("12.50"), "Corner Café"), to: home)
        #expect(try await engine.exportJsonl(home, to: folder.path("home.jsonl")) == 1)
        #expect(try await engine.exportCsv(home, to: folder.path("home.csv")) == 1)
        let file = try Data(contentsOf: URL(fileURLWithPath: folder.path("home.jsonl")))
        let other = try await Engine.inMemory()
        try await other.importFile(file)
        #expect(try await other.expense(lunch.id, in: home) == lunch)
        try await other.exportJsonl(home, to: folder.path("again.jsonl"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("again.jsonl"))) == file)
    }

    @Test("two databases exchange commits and a conflict is settled")
    func conflictSettled() async throws {
        let (ana, home) = try await home()
        let ben = try await Engine.inMemory()
        try await ana.admitDevice(ben.deviceKey(), to: home)
        let lunch = try await ana.addExpense(NewExpense(euros("12.00"), "Lunch"), to: home).id
        try await exchange(ana, ben, home)
        try await ana.editExpense(lunch, in: home, Edit(payee: "Corner Café"))
        try await ben.editExpense(lunch, in: home, Edit(payee: "Café"))
        try await exchange(ana, ben, home)
        #expect(try await ana.heads(of: home) == ben.heads(of: home))
        let conflicts = try await ben.conflicts(in: home)
        let conflict = try #require(conflicts.first)
        #expect(conflicts.count == 1 && conflict.field == "payee")
        #expect(Set(conflict.values.map(\.value.text)) == ["Café", "Corner Café"])
        #expect(conflict.values.allSatisfy { $0.time > Date(timeIntervalSince1970: 1_700_000_000) })
        let wanted = try #require(conflict.values.first { $0.value.text == "Corner Café" })
        let stranger = ConflictValue(value: .empty, author: wanted.author, timeMs: 0)
        #expect(try await kind(error { try await ben.resolve(conflict, with: stranger) }) == "invalidInput")
        try await ben.resolve(conflict, with: wanted)
        #expect(try await kind(error { try await ben.resolve(conflict, with: "Somewhere else") }) == "notFound")
        try await exchange(ana, ben, home)
        for engine in [ana, ben] {
            let found = try #require(try await engine.expense(lunch, in: home))
            #expect(found.payee == "Corner Café" && !found.conflicted)
        }
        let batches = try await ana.batches(of: home)
        #expect(try await ana.takeInBatch(#require(batches.first)).held > 0)
    }

    private func exchange(_ one: Engine, _ other: Engine, _ ledger: LedgerId) async throws {
        for (here, there) in [(one, other), (other, one)] {
            let isThere = try await there.ledgers().contains { $0.id == ledger }
            let known = isThere ? try await there.heads(of: ledger) : []
            for batch in try await here.batches(of: ledger, beyond: known) {
                #expect(try await there.takeInBatch(batch).refused.isEmpty)
            }
        }
    }

    @Test("every kind of value has a text")
    func texts() throws {
        let id = DocumentId(hex: String(repeating: "ab", count: 16))
        let values: [FieldValue] = try [
            .empty, .text("Café"), .money(kind: .expense, amount: euros("3.40"), from: nil, to: nil),
            .date(CalendarDate(year: 2026, month: 11, day: 2)), .time(TimeOfDay(hour: 8, minute: 0)),
            .thing(Named(id: id, name: "Food")), .flag(true),
            .attachment(hash: BlobHash(hex: id.hex), bytes: 3, name: "receipt.txt"), .newer,
        ]
        let texts = ["", "Café", "3.40 EUR", "2026-11-02", "08:00", "Food", "true", "receipt.txt", "?"]
        #expect(values.map(\.text) == texts && id.description == id.hex)
    }

    @Test("receipts stay with their entry")
    func receipts() async throws {
        let folder = try Folder()
        let engine = try await Engine.open(folder.path("a.outlay"))
        let home = try await engine.createLedger("Home", currency: "EUR").id
        let lunch = try await engine.addExpense(NewExpense(euros("12.50")), to: home).id
        let receipt = try await engine.attach(Data("12.50 EUR".utf8), named: "receipt.txt", to: lunch, in: home)
        #expect(try await engine.attachments(of: lunch, in: home) == [receipt])
        #expect(try await engine.readAttachment(receipt.hash, of: lunch, in: home) == Data("12.50 EUR".utf8))
        try await engine.detach(receipt.hash, from: lunch, in: home)
        #expect(try await engine.attachments(of: lunch, in: home).isEmpty)
    }

    @Test("a backup is a database and doctor finds nothing")
    func backup() async throws {
        let folder = try Folder()
        let engine = try await Engine.open(folder.path("a.outlay"))
        let home = try await engine.createLedger("Home", currency: "EUR").id
        try await engine.backup(to: folder.path("b.outlay"))
        #expect(try await engine.doctor().problems.isEmpty)
        let copy = try await Engine.open(folder.path("b.outlay"))
        #expect(try await copy.ledgers().map(\.id) == [home])
    }
}

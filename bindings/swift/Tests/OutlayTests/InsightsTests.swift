import Foundation
@testable import Outlay
import Testing

@Suite("Insights of the household that every language tells in the same words, and what a person says of them", .timeLimit(.minutes(2)))
struct InsightsTests {
    private let options = InsightOptions(today: CalendarDate("2024-12-20"))

    private func household() async throws -> (Engine, LedgerId) {
        let (engine, home) = try await home()
        let file = root.appendingPathComponent("bindings/vectors/insights.csv")
        #expect(try await engine.importFile(Data(contentsOf: file)).added == 632)
        return (engine, home)
    }

    private func commitment(_ name: String, of home: LedgerId, in engine: Engine) async throws -> Commitment {
        try #require(try await engine.insights(of: home, options: options).commitments.first { $0.name == name })
    }

    @Test("the household is told as it is written down")
    func isTold() async throws {
        let (engine, home) = try await household()
        let dates = try await Dictionary(uniqueKeysWithValues: engine.all(home).map { ($0.id, $0.date) })
        let golden = try String(contentsOf: root.appendingPathComponent("core/testkit/golden/insights.txt"), encoding: .utf8)
        #expect(try await told(engine.insights(of: home, options: options), dates) == golden)
    }

    private func told(_ found: Insights, _ dates: [DocumentId: CalendarDate]) -> String {
        let last = found.lastEntry?.description ?? "none"
        var lines = ["\(found.today): \(found.entries) entries, the last of \(last)"]
        for one in found.commitments {
            lines.append(one.text.joined(separator: " "))
            lines.append("  paid " + one.payments.map(\.date.description).joined(separator: " "))
        }
        lines += found.odd.flatMap { $0.oddities.map(\.text) }
        for trip in found.trips {
            lines.append(trip.text)
            lines.append("  paid " + trip.entries.compactMap { dates[$0]?.description }.joined(separator: " "))
        }
        for currency in found.currencies { lines += told(currency) }
        return lines.map { $0 + "\n" }.joined()
    }

    private func told(_ one: CurrencyInsights) -> [String] {
        var lines = ["In \(one.currency)"]
        lines += one.months.map { "  \($0.month): \($0.spent) in \($0.count)" }
        // Categories are in the order of their ids, which are others each time.
        lines += one.forecasts.sorted { $0.usualText < $1.usualText }.flatMap { [$0.usualText, $0.monthEndText] }
        lines += one.phasesText
        if case .different(let phases, _) = one.phases {
            lines += phases.map { "  " + $0.months.map(\.description).joined(separator: " ") }
        }
        return lines + one.prices.map(\.text) + one.rhythm.map(\.text)
    }

    @Test("an app can word the facts in its own language")
    func factsAreTyped() async throws {
        let (engine, home) = try await household()
        let found = try await engine.insights(of: home, options: options)
        let rent = try await commitment("Landlord", of: home, in: engine)
        let often: [Cadence: String] = [.monthly: "im Monat", .yearly: "im Jahr"]
        guard case .fixed(let costs) = rent.amount, let next = rent.next else { throw NothingThrown() }
        #expect("\(rent.name): \(costs) \(often[rent.cadence] ?? "") ab \(next)" == "Landlord: 1050.00 EUR im Monat ab 2025-01-01")
        #expect(try rent.priceChanges.map(\.before) == [euros("700")] && rent.priceChanges.map(\.after) == [euros("1050")])
        #expect(rent.category?.name == "Home:Rent")
        #expect(try await commitment("Stadtwerke", of: home, in: engine).missed == [CalendarDate(year: 2024, month: 9, day: 15)])

        let reasons = Dictionary(uniqueKeysWithValues: found.odd.map { ($0.payee, $0.oddities[0].reason) })
        guard case .duplicate(let earlier, 1) = reasons["Bookshop"] else { throw NothingThrown() }
        #expect(try await engine.expense(earlier, in: home)?.date == CalendarDate("2024-10-08"))
        #expect(try reasons["Corner Café"] == .amount(usual: euros("3.61"), among: .payee))
        #expect(found.trips[0].spent.map(\.description) == ["239.00 EUR", "1250 JPY"])

        let (euro, yen) = (found.currencies[0], found.currencies[1])
        #expect(euro.forecasts[0].target == .total)
        let end = try Expectation.point(usual: euros("2322.03"), low: euros("2066.51"), high: euros("2577.55"))
        #expect(euro.forecasts[0].monthEnd == end)
        #expect(yen.forecasts[0].usual == .notEnough(months: 3, needed: 10))
        guard case .different(let phases, let change) = euro.phases else { throw NothingThrown() }
        #expect(change?.begun == Month("2024-01") && phases[1].months.first == change?.begun && !phases[1].isNotedDifferently)
        let children = phases[1].differences[0]
        #expect(try children.category?.name == "Children" && children.usual == euros("310") && children.otherwise == euros("0"))
        let tram = try #require(euro.prices.first { $0.seller == .payee(payee: "Tram") })
        #expect(tram.isUsual && tram.amounts.map(\.text) == ["2.80", "5.60", "19.00"])
        let landlord = try #require(euro.rhythm.first { $0.seller == .payee(payee: "Landlord") })
        #expect(landlord.pace == .withinAMonth && landlord.isLarge)
        #expect(try landlord.amount.amount > #require(euro.typical).amount)
    }

    @Test("options leave out categories and say what counts as travelling")
    func optionsLeaveOut() async throws {
        let (engine, home) = try await household()
        let rent = try #require(try await engine.findCategory("Home", in: home))
        let options = InsightOptions(today: options.today, leftOut: [rent.id], travel: Travel(tags: ["trip"]))
        let found = try await engine.insights(of: home, options: options)
        #expect(found.trips.isEmpty)
        #expect(!found.currencies[0].forecasts.contains { $0.target == .category(category: rent) })
    }

    @Test("what is decided of a payment holds until it is taken back")
    func decisions() async throws {
        let (engine, home) = try await household()
        let phone = try await commitment("Telephone", of: home, in: engine)
        let (first, last) = (try #require(phone.payments.first), try #require(phone.payments.last))
        try await engine.decide(phone, in: home, .confirmed)
        #expect(try await engine.decisions(in: home) == [Decided(id: last.id, decision: .confirmed)])
        let early = InsightOptions(today: CalendarDate("2024-12-02"))
        let due = try await engine.insights(of: home, options: early).currencies[0].forecasts[0].due
        let expected = try Due(commitment: phone.id, date: CalendarDate(year: 2024, month: 12, day: 18), amount: euros("18"))
        #expect(due == [expected])
        try await engine.decide(first.id, in: home, .dismissed)
        #expect(try await commitment("Telephone", of: home, in: engine).standing == .confirmed)
        try await engine.decide(phone, in: home, nil)
        #expect(try await commitment("Telephone", of: home, in: engine).standing == .found)
        #expect(try await engine.decisions(in: home).isEmpty)
    }

    @Test("a category is suggested where it is certain")
    func suggestions() async throws {
        let (engine, home) = try await household()
        let paid = NewExpense(try euros("2.80"), "Tram")
        let tram = try #require(try await engine.suggest(for: paid, in: home))
        #expect(tram.category.name == "Transport" && tram.text == "Transport, as you filed the like before")
        #expect(tram.confidence > 0.5 && tram.confidence <= 1 && !tram.isCorrected)
        try await engine.forgetInsights()
        #expect(try await engine.suggest(for: paid, in: home) == tram)
        #expect(try await engine.suggest(for: NewExpense(euros("2.80"), "Zzyzx"), in: home) == nil)
    }

    @Test("progress is told, and what it throws is thrown")
    func progress() async throws {
        let (engine, home) = try await household()
        await #expect(throws: NothingThrown.self) {
            try await engine.insights(of: home, options: options) { _ in throw NothingThrown() }
        }
        let steps = Shared<[InsightProgress]>([])
        let found = try await engine.insights(of: home, options: options) { step in steps.withLock { $0.append(step) } }
        #expect(found.entries == 631)
        let told = steps.withLock { $0 }
        #expect(told.map(\.done) == told.map(\.done).sorted() && told.last?.done == told.last?.total && !told.isEmpty)
        let nowhere = LedgerId(hex: String(repeating: "ab", count: 16))
        #expect(try await kind(error { try await engine.insights(of: nowhere) }) == "notFound")
    }

    @Test("a call ends when its task is cancelled, and a later one goes on")
    func cancels() async throws {
        let (engine, home) = try await household()
        let options = options
        let (begun, tell) = AsyncStream.makeStream(of: Void.self)
        let call = Task {
            // Without end, if the call did not hear of the cancellation.
            try await engine.untilCancelled { native, cancel in
                while true {
                    _ = try native.insights(ledger: home, options: options, progress: nil, cancel: cancel)
                    tell.finish()
                }
            }
        }
        for await _ in begun {}
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        #expect(try await engine.insights(of: home, options: options).entries == 631)
    }
}

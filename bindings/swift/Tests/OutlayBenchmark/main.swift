import Foundation
import OutlayNative

@testable import Outlay

// What the engine costs from Swift, on a new database: `make bench-bindings` runs it and knows the limits.

let path = CommandLine.arguments[1]
let adds = 10_000
let pages = 1_000
let changes = 500
let watches = 1_000
/// How long it waits for what must come.
let patience = Duration.seconds(30)

extension Int {
    /// Of each, the first tenth is not counted.
    var warm: Int { self / 10 }
}

/// The same expenses in each language.
func spent(_ number: Int, _ date: CalendarDate? = nil) throws -> NewExpense {
    NewExpense(
        try Money("\(1 + number % 99).50", "EUR"), "Corner Café \(number % 200)", category: .named("Category \(number % 12)"),
        account: .named("Account \(number % 3)"), date: date ?? day(2026, number % 365), note: "coffee and cake for \(number)")
}

/// The day so many days after the beginning of a year.
func day(_ year: Int, _ days: Int) -> CalendarDate {
    var utc = Foundation.Calendar(identifier: .gregorian)
    utc.timeZone = .gmt
    let first = utc.date(from: DateComponents(year: year, month: 1, day: 1)) ?? Date()
    return CalendarDate(first.addingTimeInterval(Double(days) * 86_400), in: .gmt)
}

func nanoseconds(_ work: () async throws -> Void) async rethrows -> Int {
    Int(try await ContinuousClock().measure(work) / .nanoseconds(1))
}

func percentile(_ percent: Int, of all: [Int]) -> Int {
    let counted = all.dropFirst(all.count.warm).sorted()
    return counted[(counted.count * percent + 99) / 100 - 1]
}

/// The memory of the process.
func memoryBytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
    return (Int(line.filter(\.isNumber)) ?? 0) * 1024
}

/// An observer of which it is known whether the library holds it.
final class Counted: Observer {
    static let alive = Alive()

    init() { Counted.alive.add(1) }
    deinit { Counted.alive.add(-1) }

    func changed(diff: Diff) {}
}

final class Alive: @unchecked Sendable {
    private let lock = NSLock()
    private var number = 0

    var count: Int { lock.withLock { number } }

    func add(_ more: Int) { lock.withLock { number += more } }
}

func handles(_ engine: Outlay.Engine) throws -> Int {
    let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    return files + engine.watches.count + Counted.alive.count
}

/// The newest entry of a live query, and when it was there.
struct Sighting {
    let newest: DocumentId?
    let at: ContinuousClock.Instant
}

/// From when an expense is durable to when who iterates has it.
func changesSeen(_ engine: Outlay.Engine, _ home: LedgerId) async throws -> [Int] {
    let clock = ContinuousClock()
    let (seen, tell) = AsyncStream.makeStream(of: Sighting.self)
    let watch = Task {
        for try await entries in engine.live(in: home) { tell.yield(Sighting(newest: entries.first?.id, at: clock.now)) }
    }
    var states = seen.makeAsyncIterator()
    _ = await states.next()
    var taken: [Int] = []
    for number in 0..<changes {
        let added = try await engine.addExpense(spent(number, day(2027, number)), to: home)
        let durable = clock.now
        while let seen = await states.next() {
            guard seen.newest == added.id else { continue }
            taken.append(max(0, Int((seen.at - durable) / .nanoseconds(1))))
            break
        }
    }
    watch.cancel()
    return taken
}

func watchOnce(_ engine: Outlay.Engine, _ home: LedgerId) async throws {
    for try await _ in engine.live(in: home) { break }
    let observed = try await engine.call {
        try $0.observe(ledger: home, filter: Filter(), sort: .newest, limit: 50, observer: Counted())
    }
    observed.cancel()
}

/// How many more files, watches and observers there are after live queries that have ended.
func left(of engine: Outlay.Engine, _ home: LedgerId) async throws -> Int {
    let before = try handles(engine)
    for _ in 0..<watches { try await watchOnce(engine, home) }
    // Who watches is let go of on another thread.
    let begun = ContinuousClock().now
    while try handles(engine) > before, begun.duration(to: .now) < patience { try await Task.sleep(for: .milliseconds(1)) }
    return max(0, try handles(engine) - before)
}

let engine = try await Outlay.Engine.open(path)
let home = try await engine.createLedger("Home", currency: "EUR").id
for _ in 0..<pages.warm { _ = try await engine.page(of: home) }
for _ in 0..<watches.warm { try await watchOnce(engine, home) }
var added: [Int] = []
var memory = 0
for number in 0..<adds {
    if number == adds.warm { memory = try memoryBytes() }
    let new = try spent(number)
    added.append(try await nanoseconds { try await engine.addExpense(new, to: home) })
}
print("memory_bytes \(max(0, try memoryBytes() - memory))")
print("add_ns \(percentile(50, of: added))")
var read: [Int] = []
for _ in 0..<pages { read.append(try await nanoseconds { _ = try await engine.page(of: home) }) }
print("page_ns \(percentile(50, of: read))")
let seen = try await changesSeen(engine, home)
print("live_ns \(percentile(50, of: seen))")
print("live_tail_ns \(percentile(99, of: seen))")
print("handles \(try await left(of: engine, home))")
engine.close()

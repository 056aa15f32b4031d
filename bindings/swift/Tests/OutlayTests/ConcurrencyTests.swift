import Foundation
import Outlay
import Testing

/// Numbers that are the same for the same seed: SplitMix64.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

@Suite("Many tasks on one engine, cancelled at random: no deadlock, and no write that was reported is lost", .timeLimit(.minutes(10)))
struct ConcurrencyTests {
    @Test("8 tasks, 100,000 operations, cancelled at random")
    func operations() async throws {
        let given = ProcessInfo.processInfo.environment["OUTLAY_SEED"].flatMap(UInt64.init)
        let seed = given ?? UInt64.random(in: 0...UInt64.max)
        print("seed \(seed); again: OUTLAY_SEED=\(seed)")
        let (engine, home) = try await home()
        let written = Shared<Set<DocumentId>>([])
        let counts = Shared<(begun: Int, cancelled: Int)>((0, 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    var random = Seeded(state: seed &+ UInt64(task))
                    for _ in 0..<(100_000 / 8) {
                        // One operation in forty writes, one in ten is cancelled.
                        let (what, isCancelled) = (Int.random(in: 0..<40, using: &random), Int.random(in: 0..<10, using: &random) == 0)
                        let wait = Int.random(in: 0..<10, using: &random)
                        let operation = Task {
                            switch what {
                            case 0:
                                counts.withLock { $0.begun += 1 }
                                let added = try await engine.addExpense(NewExpense(Money(1, "EUR"), "\(task)"), to: home)
                                written.withLock { _ = $0.insert(added.id) }
                            case 1:
                                for try await _ in engine.live(in: home, limit: 5) { break }
                            case 2: _ = try await engine.page(of: home, limit: 5)
                            default: _ = try await engine.defaultLedger()
                            }
                        }
                        if isCancelled {
                            for _ in 0..<wait { await Task.yield() }
                            operation.cancel()
                        }
                        do {
                            try await operation.value
                        } catch is CancellationError {
                            counts.withLock { $0.cancelled += 1 }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let held = try await Set(engine.all(home).map(\.id))
        let (begun, cancelled) = counts.withLock { ($0.begun, $0.cancelled) }
        #expect(written.withLock { $0.subtracting(held) }.isEmpty, "lost")
        #expect(held.count <= begun && cancelled > 100, "\(held.count) of \(begun), \(cancelled) cancelled")
        print("\(held.count) of \(begun) writes, \(cancelled) operations cancelled before they began")
    }
}

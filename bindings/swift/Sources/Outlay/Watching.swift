import Foundation
import OutlayNative

/// Something as it is now and whenever it changes, from the beginning of an iteration to its end, or until the engine is
/// closed.
///
/// Changes that come faster than they are asked for are seen as one. Cancelling the task that iterates ends it.
public struct Live<Element: Sendable>: AsyncSequence, Sendable {
    typealias Tell = @Sendable (Element) -> Void

    let engine: Engine
    let start: @Sendable (@escaping Tell) async throws -> Subscription

    public func makeAsyncIterator() -> AsyncThrowingStream<Element, any Error>.Iterator {
        let (stream, continuation) = AsyncThrowingStream.makeStream(
            of: Element.self, bufferingPolicy: .bufferingNewest(1))
        let watch = engine.watches.begin { continuation.finish() }
        // The engine stays as long as somebody looks.
        continuation.onTermination = { [engine] _ in engine.watches.stop(watch) }
        Task { [engine, start] in
            do {
                engine.watches.hold(try await start { continuation.yield($0) }, for: watch)
            } catch {
                continuation.finish(throwing: error)
            }
        }
        return stream.makeAsyncIterator()
    }
}

extension Engine {
    /// The first entries that pass a filter, as they are now and whenever they change, also by another process.
    public func live(
        in ledger: LedgerId, _ filter: Filter = Filter(), sort: Sort = .newest, limit: Int = 50
    ) -> Live<[Expense]> {
        Live(engine: self) { tell in
            let list = LiveList(tell)
            return try await self.call {
                try $0.observe(
                    ledger: ledger, filter: filter, sort: sort, limit: UInt32(clamping: limit), observer: list)
            }
        }
    }

    /// How sync stands now and whenever that changes.
    public func liveSyncStatus() -> Live<SyncStatus> {
        Live(engine: self) { tell in
            let status = LiveStatus(tell)
            return try await self.call { try $0.observeSync(observer: status) }
        }
    }
}

/// What is watched of an engine: how each ends, and what it holds of the library.
final class Watches: @unchecked Sendable {
    private struct Watch {
        let end: @Sendable () -> Void
        var subscription: Subscription?
    }

    private let endings = DispatchQueue(label: "app.outlay.watches")
    // All of it is used with the lock held, and nothing is called then.
    private let lock = NSLock()
    private var watches: [UInt64: Watch] = [:]
    private var last: UInt64 = 0

    /// How many there are.
    var count: Int { lock.withLock { watches.count } }

    func begin(end: @escaping @Sendable () -> Void) -> UInt64 {
        lock.withLock {
            last += 1
            watches[last] = Watch(end: end)
            return last
        }
    }

    /// Keeps what was begun until it is stopped, which it may have been meanwhile.
    func hold(_ subscription: Subscription, for watch: UInt64) {
        let isStopped = lock.withLock {
            watches[watch]?.subscription = subscription
            return watches[watch] == nil
        }
        if isStopped { cancel(subscription) }
    }

    func stop(_ watch: UInt64) {
        if let subscription = lock.withLock({ watches.removeValue(forKey: watch) })?.subscription { cancel(subscription) }
    }

    /// Cancelling waits for the observer, which may wait for the task that looks. That one may be who stops: it is cancelled
    /// with a lock of its own held.
    private func cancel(_ subscription: Subscription) {
        endings.async { subscription.cancel() }
    }

    func end() {
        for watch in lock.withLock({ Array(watches.values) }) { watch.end() }
    }
}

/// The entries of a live query, told as a whole after each difference. The engine tells one difference at a time.
final class LiveList: Observer, @unchecked Sendable {
    private var entries: [Expense] = []
    private let tell: @Sendable ([Expense]) -> Void

    init(_ tell: @escaping @Sendable ([Expense]) -> Void) { self.tell = tell }

    func changed(diff: Diff) {
        entries = entries.after(diff)
        tell(entries)
    }
}

final class LiveStatus: SyncObserver {
    private let tell: @Sendable (SyncStatus) -> Void

    init(_ tell: @escaping @Sendable (SyncStatus) -> Void) { self.tell = tell }

    func changed(status: SyncStatus) { tell(status) }
}

extension [Expense] {
    /// The entries after a difference: what is gone first, then what is new in order, then what looks otherwise.
    func after(_ diff: Diff) -> [Expense] {
        let removed = Set(diff.removed)
        var after = filter { !removed.contains($0.id) }
        for inserted in diff.inserted { after.insert(inserted.expense, at: Int(inserted.place)) }
        let updated = Dictionary(uniqueKeysWithValues: diff.updated.map { ($0.id, $0) })
        return after.map { updated[$0.id] ?? $0 }
    }
}

/// Tells a function how far a long call is, and keeps what it throws, which ends the call.
final class Telling<Progress: Sendable>: @unchecked Sendable {
    private let tell: @Sendable (Progress) throws -> Void
    // The call writes it, and it is read when the call has ended.
    private(set) var thrown: (any Error)?

    init(_ tell: @escaping @Sendable (Progress) throws -> Void) { self.tell = tell }

    func progressed(progress: Progress) throws {
        do {
            try tell(progress)
        } catch {
            thrown = error
            throw CallbackError.Failed(reason: String(describing: error))
        }
    }
}

extension Telling: ProgressObserver where Progress == ImportProgress {}
extension Telling: InsightObserver where Progress == InsightProgress {}

extension Engine {
    /// A long call that ends soon after its task was cancelled, or what is told of it has thrown, which is thrown here.
    func untilThrown<T: Sendable, Progress>(
        _ telling: Telling<Progress>?, _ work: @escaping @Sendable (OutlayNative.Engine, Cancel) throws -> T
    ) async throws -> T {
        do {
            return try await untilCancelled(work)
        } catch OutlayError.cancelled(let reason) {
            throw telling?.thrown ?? OutlayError.cancelled(reason)
        }
    }
}

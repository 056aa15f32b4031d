import Foundation
import OutlayNative

/// The engine on one database: ledgers and expenses in a file of this device, with or without a network.
///
/// It may be shared between tasks. Every call works on the local file, off the caller's thread, and returns when its result is
/// durable; those that wait for a network say so. A task that is cancelled before a call begins throws `CancellationError`;
/// a call that has begun ends, and what it wrote is written as a whole.
///
/// ```swift
/// let engine = try await Engine.open(path)
/// let home = try await engine.ensureDefaultLedger()
/// try await engine.addExpense(NewExpense(Money("12.50", "EUR"), "Corner Café"), to: home.id)
/// ```
public final class Engine: Sendable {
    let native: OutlayNative.Engine
    let watches = Watches()
    private let calls = DispatchQueue(label: "app.outlay.engine", attributes: .concurrent)

    private init(_ native: OutlayNative.Engine) { self.native = native }

    deinit { close() }

    /// Opens the database in a file, and makes it if there is none. A damaged one is moved aside, never deleted.
    ///
    /// Throws ``OutlayError/invalidInput(_:)`` for a folder, and ``OutlayError/tooNew(_:)`` for a file of a newer version, which
    /// is left untouched.
    public static func open(_ path: String, options: Options = Options()) async throws -> Engine {
        Engine(try await onQueue(.global()) { try OutlayNative.Engine.open(path: path, options: options) })
    }

    /// Opens a database that lives as long as the engine.
    public static func inMemory(options: Options = Options()) async throws -> Engine {
        Engine(try await onQueue(.global()) { try OutlayNative.Engine.openInMemory(options: options) })
    }

    /// Adds one entry from a process that does nothing else, as a widget does, also while an app has the database open.
    ///
    /// It goes into the default ledger when none is named, is durable when this returns, and an observer of the app sees it
    /// within a second. It runs on the thread that it is called on.
    public static func quickAdd(
        _ new: NewExpense, path: String, to ledger: LedgerId? = nil, options: Options = Options()
    ) throws -> Expense {
        try called { try OutlayNative.quickAdd(path: path, options: options, ledger: ledger, new: new) }
    }

    /// Closes the database and ends what is watched.
    ///
    /// Calls that are under way go on to their end; later ones throw ``OutlayError/closed(_:)``. A second time does nothing.
    public func close() {
        native.shutDown()
        watches.end()
    }

    /// Opens the database again, after it was closed or after a call ended by a bug. What was durable is there.
    public func reopen() async throws {
        close()
        try await call { try $0.reopen() }
    }

    /// The public key of this device: what another device admits.
    public func deviceKey() async throws -> DeviceKey { try await call { try $0.deviceKey() } }

    /// Where a damaged database was moved when this one was opened in its place.
    public func setAside() async throws -> String? { try await call { try $0.setAside() } }

    /// One call of the library, off the caller's thread.
    func call<T: Sendable>(_ work: @escaping @Sendable (OutlayNative.Engine) throws -> T) async throws -> T {
        let native = native
        return try await onQueue(calls) { try work(native) }
    }

    /// A long call that ends soon after its task was cancelled.
    func untilCancelled<T: Sendable>(
        _ work: @escaping @Sendable (OutlayNative.Engine, Cancel) throws -> T
    ) async throws -> T {
        let cancel = Cancel()
        do {
            return try await withTaskCancellationHandler {
                try await call { try work($0, cancel) }
            } onCancel: {
                cancel.cancel()
            }
        } catch OutlayError.cancelled(_) where Task.isCancelled {
            throw CancellationError()
        }
    }
}

private func onQueue<T: Sendable>(
    _ queue: DispatchQueue, _ work: @escaping @Sendable () throws -> T
) async throws -> T {
    try Task.checkCancellation()
    return try await withCheckedThrowingContinuation { continuation in
        queue.async { continuation.resume(with: Result { try called(work) }) }
    }
}

import Foundation
import OutlayNative

/// Why a call was not done: the case says what a caller can do about it, and its text is a sentence for people.
///
/// Texts hold no amounts, payees, notes or names, except of what was passed in to be parsed.
public enum OutlayError: Error, Hashable, Sendable {
    /// The input is not what it must be; nothing was written.
    case invalidInput(String)
    /// There is no such ledger, thing, conflict or file.
    case notFound(String)
    /// This device may not do that in this ledger.
    case forbidden(String)
    /// The database or a file was made by a newer version; it was left untouched.
    case tooNew(String)
    /// The disk, or the size the database may have, is full. Nothing was changed, and the engine goes on.
    case diskFull(String)
    /// The database file is damaged. It was set aside or left as it is, never deleted.
    case corrupt(String)
    /// There is no account here, or this device was signed out of it: sign in. What is on the device stays.
    case signedOut(String)
    /// The database belongs to another account: sign out first, and choose whether what is on the device stays.
    case otherAccount(String)
    /// The server cannot be reached or does not answer. What was done here is kept and goes up later.
    case offline(String)
    /// The server asks to wait, or is full.
    case rateLimited(String)
    /// The call was asked to stop. A cancelled task throws `CancellationError` in place of it.
    case cancelled(String)
    /// A bug, or the operating system refused something.
    case `internal`(String)
    /// The engine was closed before.
    case closed(String)
    /// A call ended by a bug, this one or one before it. What was durable before that call is; ``Engine/reopen()``.
    case panicked(String)
}

extension OutlayError: LocalizedError {
    public var errorDescription: String? {
        switch self {
        case .invalidInput(let reason), .notFound(let reason), .forbidden(let reason), .tooNew(let reason),
            .diskFull(let reason), .corrupt(let reason), .signedOut(let reason), .otherAccount(let reason),
            .offline(let reason), .rateLimited(let reason), .cancelled(let reason), .internal(let reason),
            .closed(let reason), .panicked(let reason):
            reason
        }
    }
}

extension OutlayError {
    /// The error of the library as one of ours. It has no `default`, so that a new one does not compile until it is here.
    init(_ native: OutlayNative.OutlayError) {
        self =
            switch native {
            case .InvalidInput(let reason): .invalidInput(reason)
            case .NotFound(let reason): .notFound(reason)
            case .Forbidden(let reason): .forbidden(reason)
            case .TooNew(let reason): .tooNew(reason)
            case .DiskFull(let reason): .diskFull(reason)
            case .Corrupt(let reason): .corrupt(reason)
            case .SignedOut(let reason): .signedOut(reason)
            case .OtherAccount(let reason): .otherAccount(reason)
            case .Offline(let reason): .offline(reason)
            case .RateLimited(let reason): .rateLimited(reason)
            case .Cancelled(let reason): .cancelled(reason)
            case .Internal(let reason): .internal(reason)
            case .Closed(let reason): .closed(reason)
            case .Panicked(let reason): .panicked(reason)
            }
    }
}

/// Calls the library, with its error as one of ours.
func called<T>(_ call: () throws -> T) throws -> T {
    do {
        return try call()
    } catch let error as OutlayNative.OutlayError {
        throw OutlayError(error)
    } catch {
        // What uniffi itself throws is of no public type.
        throw OutlayError.internal(error.localizedDescription)
    }
}

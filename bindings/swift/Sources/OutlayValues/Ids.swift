/// What something is known by on every device: hexadecimal digits.
public protocol HexId: Hashable, Sendable, CustomStringConvertible {
    /// The digits.
    var hex: String { get }

    init(hex: String)
}

extension HexId {
    public var description: String { hex }
}

/// A ledger: 32 hexadecimal digits.
public struct LedgerId: HexId {
    public let hex: String
    public init(hex: String) { self.hex = hex }
}

/// An entry, an account, a category or another thing of a ledger: 32 hexadecimal digits.
public struct DocumentId: HexId {
    public let hex: String
    public init(hex: String) { self.hex = hex }
}

/// A person in a ledger: 32 hexadecimal digits.
public struct MemberId: HexId {
    public let hex: String
    public init(hex: String) { self.hex = hex }
}

/// A device: the 64 hexadecimal digits of its public key.
public struct DeviceKey: HexId {
    public let hex: String
    public init(hex: String) { self.hex = hex }
}

/// A commit: 64 hexadecimal digits.
public struct CommitId: HexId {
    public let hex: String
    public init(hex: String) { self.hex = hex }
}

/// What somebody did in one go: 16 hexadecimal digits.
public struct ActionId: HexId {
    public let hex: String
    public init(hex: String) { self.hex = hex }
}

/// A file of an entry: the 64 hexadecimal digits of its hash.
public struct BlobHash: HexId {
    public let hex: String
    public init(hex: String) { self.hex = hex }
}

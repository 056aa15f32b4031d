import Foundation
import OutlayNative

/// Receipts: files of entries, kept beside the database.
extension Engine {
    /// Attaches a file to an entry. It goes up with the next sync.
    @discardableResult
    public func attach(_ data: Data, named name: String, to expense: DocumentId, in ledger: LedgerId) async throws -> Attachment {
        try await call { try $0.attach(ledger: ledger, id: expense, name: name, bytes: data) }
    }

    /// Takes a file off an entry.
    public func detach(_ hash: BlobHash, from expense: DocumentId, in ledger: LedgerId) async throws {
        try await call { try $0.detach(ledger: ledger, id: expense, hash: hash) }
    }

    /// The files of an entry.
    public func attachments(of expense: DocumentId, in ledger: LedgerId) async throws -> [Attachment] {
        try await call { try $0.attachments(ledger: ledger, id: expense) }
    }

    /// What is in a file of an entry, if it is on this device.
    public func readAttachment(_ hash: BlobHash, of expense: DocumentId, in ledger: LedgerId) async throws -> Data? {
        try await call { try $0.readAttachment(ledger: ledger, id: expense, hash: hash).data }
    }

    /// What is in a file: from this device, or from the server if that has it. It waits for the network then.
    public func fetchAttachment(_ hash: BlobHash, of expense: DocumentId, in ledger: LedgerId) async throws -> Data? {
        try await call { try $0.fetchAttachment(ledger: ledger, id: expense, hash: hash).data }
    }
}

extension AttachmentContent {
    fileprivate var data: Data? {
        switch self {
        case .here(let data): data
        case .missing: nil
        }
    }
}

/// Imports and exports, and what passes between two databases.
extension Engine {
    /// Imports a file: a CSV of a bank or an app, or JSON Lines. Which of them it is, is decided by its content.
    ///
    /// A row that cannot be read is named with its line and reason, and the rest goes in; the same file adds nothing twice.
    /// `progress` is called on a thread of its own. What it throws ends the import and is thrown here; nothing is written
    /// then, nor when the task is cancelled.
    @discardableResult
    public func importFile(
        _ data: Data, options: ImportOptions = ImportOptions(),
        progress: (@Sendable (ImportProgress) throws -> Void)? = nil
    ) async throws -> Imported {
        let telling = progress.map(Telling.init)
        return try await untilThrown(telling) {
            try $0.importFile(bytes: data, options: options, progress: telling, cancel: $1)
        }
    }

    /// Imports entries that an app made itself, of bank messages, say. Each is as a row of a file is.
    @discardableResult
    public func importRows(_ rows: [ImportRow], to ledger: LedgerId) async throws -> Imported {
        try await call { try $0.importRows(ledger: ledger, rows: rows) }
    }

    /// What the columns of a CSV mean, as far as it shows: a JSON object.
    public func guessProfile(_ data: Data) async throws -> String { try await call { try $0.guessProfile(bytes: data) } }

    /// Keeps a profile under a name, in place of what was kept under it.
    public func saveProfile(_ profile: String, named name: String) async throws {
        try await call { try $0.saveProfile(name: name, profile: profile) }
    }

    /// The profile of a name, if there is one.
    public func profile(named name: String) async throws -> String? { try await call { try $0.profile(name: name) } }

    /// The names of the profiles that are kept.
    public func profiles() async throws -> [String] { try await call { try $0.profiles() } }

    /// Writes a ledger with its whole history to a file, and says how many entries it has.
    @discardableResult
    public func exportJsonl(_ ledger: LedgerId, to path: String) async throws -> UInt64 {
        try await call { try $0.exportJsonl(ledger: ledger, path: path) }
    }

    /// Writes the entries that are not in the trash to a file, and says how many there are.
    @discardableResult
    public func exportCsv(_ ledger: LedgerId, to path: String) async throws -> UInt64 {
        try await call { try $0.exportCsv(ledger: ledger, path: path) }
    }

    /// What another database is told to say which commits are held here.
    public func heads(of ledger: LedgerId) async throws -> [CommitId] { try await call { try $0.heads(ledger: ledger) } }

    /// The commits that somebody with these heads lacks, as bytes that another database takes in.
    public func batches(of ledger: LedgerId, beyond known: [CommitId] = []) async throws -> [Data] {
        try await call { try $0.batches(ledger: ledger, known: known) }
    }

    /// Takes in commits of another database. What is refused is named, and the rest goes in.
    @discardableResult
    public func takeInBatch(_ batch: Data) async throws -> TakenIn { try await call { try $0.takeInBatch(bytes: batch) } }

    /// Copies the database into a new file while the engine goes on. The device's key is not in it.
    public func backup(to path: String) async throws { try await call { try $0.backup(to: path) } }

    /// Checks the file and every commit in it, makes every projection anew from the commits, and compares.
    public func doctor() async throws -> Diagnosis { try await call { try $0.doctor() } }
}

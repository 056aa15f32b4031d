import OutlayNative

/// Ledgers and entries.
extension Engine {
    /// Makes a ledger. The first one is the default ledger.
    public func createLedger(_ name: String, currency: Currency) async throws -> Ledger {
        try await call { try $0.createLedger(name: name, currency: currency) }
    }

    /// The ledgers on this device.
    public func ledgers() async throws -> [Ledger] { try await call { try $0.ledgers() } }

    /// A ledger on this device.
    public func ledger(_ id: LedgerId) async throws -> Ledger { try await call { try $0.ledger(id: id) } }

    /// The ledger into which entries go when none is named, if there is one.
    public func defaultLedger() async throws -> Ledger? { try await call { try $0.defaultLedger() } }

    /// The default ledger, which is made if there is none.
    public func ensureDefaultLedger() async throws -> Ledger { try await call { try $0.ensureDefaultLedger() } }

    /// Makes a ledger the default one.
    public func setDefaultLedger(_ id: LedgerId) async throws { try await call { try $0.setDefaultLedger(id: id) } }

    /// The accounts of a ledger, by name.
    public func accounts(of ledger: LedgerId) async throws -> [Named] {
        try await call { try $0.accounts(ledger: ledger) }
    }

    /// The categories of a ledger, by path.
    public func categories(of ledger: LedgerId) async throws -> [Named] {
        try await call { try $0.categories(ledger: ledger) }
    }

    /// The category of a path from the top, if there is one.
    public func findCategory(_ path: String..., in ledger: LedgerId) async throws -> Named? {
        try await call { try $0.findCategory(ledger: ledger, path: path) }
    }

    /// The account of a name, if there is one.
    public func findAccount(_ name: String, in ledger: LedgerId) async throws -> Named? {
        try await call { try $0.findAccount(ledger: ledger, name: name) }
    }

    /// Adds an entry and returns it as stored. It is durable then.
    @discardableResult
    public func addExpense(_ new: NewExpense, to ledger: LedgerId) async throws -> Expense {
        try await call { try $0.addExpense(ledger: ledger, new: new) }
    }

    /// Changes what the edit names and returns the entry as stored.
    @discardableResult
    public func editExpense(_ id: DocumentId, in ledger: LedgerId, _ edit: Edit) async throws -> Expense {
        try await call { try $0.editExpense(ledger: ledger, id: id, edit: edit.native) }
    }

    /// Moves an entry to the trash.
    @discardableResult
    public func deleteExpense(_ id: DocumentId, in ledger: LedgerId) async throws -> Expense {
        try await call { try $0.deleteExpense(ledger: ledger, id: id) }
    }

    /// Takes an entry out of the trash.
    @discardableResult
    public func restoreExpense(_ id: DocumentId, in ledger: LedgerId) async throws -> Expense {
        try await call { try $0.restoreExpense(ledger: ledger, id: id) }
    }

    /// An entry, if the ledger has it.
    public func expense(_ id: DocumentId, in ledger: LedgerId) async throws -> Expense? {
        try await call { try $0.expense(ledger: ledger, id: id) }
    }

    /// An entry of any ledger on this device.
    public func findExpense(_ id: DocumentId) async throws -> Expense? { try await call { try $0.findExpense(id: id) } }

    /// One page of the entries that pass a filter. `after` is the `next` of the page before it.
    public func page(
        of ledger: LedgerId, _ filter: Filter = Filter(), sort: Sort = .newest, after: DocumentId? = nil, limit: Int = 50
    ) async throws -> Page {
        try await call {
            try $0.query(ledger: ledger, filter: filter, sort: sort, after: after, limit: UInt32(clamping: limit))
        }
    }

    /// All entries that pass a filter, read page by page as they are asked for.
    public func expenses(
        in ledger: LedgerId, _ filter: Filter = Filter(), sort: Sort = .newest, pageSize: Int = 200
    ) -> Expenses {
        Expenses { try await self.page(of: ledger, filter, sort: sort, after: $0, limit: pageSize) }
    }

    /// What was spent and earned from one month to another, by month, category and currency.
    public func totals(of ledger: LedgerId, from: Month, to: Month) async throws -> [Total] {
        try await call { try $0.totals(ledger: ledger, from: from, to: to) }
    }
}

/// What collided, what was done, and taking it back.
extension Engine {
    /// The fields of a ledger that hold several values, because devices that did not know of each other set them.
    public func conflicts(in ledger: LedgerId) async throws -> [Conflict] {
        try await call { try $0.conflicts(ledger: ledger) }
    }

    /// Settles a conflict, on every device, by one of its values. It is refused if they have changed since.
    public func resolve(_ conflict: Conflict, with value: ConflictValue) async throws {
        guard let place = conflict.values.firstIndex(of: value) else {
            throw OutlayError.invalidInput("the value is none of the conflict's")
        }
        try await resolve(conflict, by: .choose(UInt32(place)))
    }

    /// Settles a conflict, on every device, by a text that is parsed as its values are. It is refused if they have changed
    /// since.
    public func resolve(_ conflict: Conflict, with text: String) async throws {
        try await resolve(conflict, by: .text(text))
    }

    private func resolve(_ conflict: Conflict, by resolution: Resolution) async throws {
        try await call {
            try $0.resolve(conflict: conflict, resolution: resolution)
        }
    }

    /// What was done to a thing, oldest first: by whom, when, and what it set.
    public func history(of id: DocumentId, in ledger: LedgerId) async throws -> [HistoryEntry] {
        try await call { try $0.history(ledger: ledger, id: id) }
    }

    /// Undoes the last action of this device that is not undone, a whole import too; `nil` if there is none.
    @discardableResult
    public func undo() async throws -> Undone? { try await call { try $0.undo() } }
}

/// Entries, read page by page as they are asked for.
public struct Expenses: AsyncSequence, Sendable {
    fileprivate let page: @Sendable (DocumentId?) async throws -> Page

    public func makeAsyncIterator() -> Iterator { Iterator(page: page) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let page: @Sendable (DocumentId?) async throws -> Page
        private var rest: ArraySlice<Expense> = []
        private var after: DocumentId?
        private var isBegun = false

        fileprivate init(page: @escaping @Sendable (DocumentId?) async throws -> Page) { self.page = page }

        public mutating func next() async throws -> Expense? {
            while rest.isEmpty {
                if isBegun && after == nil { return nil }
                let next = try await page(after)
                (isBegun, rest, after) = (true, next.expenses[...], next.next)
            }
            return rest.popFirst()
        }
    }
}

import OutlayNative

/// What becomes of a field that may be empty.
public enum Change<Value: Hashable & Sendable>: Hashable, Sendable {
    /// It stays as it is.
    case keep
    /// It is emptied.
    case clear
    /// It becomes this.
    case to(Value)

    func map<Native>(clear: Native, to native: (Value) -> Native) -> Native? {
        switch self {
        case .keep: nil
        case .clear: clear
        case .to(let value): native(value)
        }
    }
}

/// What to change of an entry: `Edit(payee: "Café", category: .clear)`. What is not named stays as it is.
public struct Edit: Hashable, Sendable {
    /// What it does.
    public var kind: EntryKind?
    /// How much.
    public var amount: Money?
    /// Who was paid; empty clears.
    public var payee: String?
    /// Its category.
    public var category: Change<Reference>
    /// The account; of a transfer, the one that gives.
    public var account: Change<Reference>
    /// Of a transfer, the account that gets.
    public var toAccount: Change<Reference>
    /// Its date.
    public var date: CalendarDate?
    /// Its local time.
    public var time: Change<TimeOfDay>
    /// A note; empty clears.
    public var note: String?
    /// All its tags: others are taken off.
    public var tags: [String]?
    /// The expense that this one refunds.
    public var refundOf: Change<DocumentId>

    public init(
        kind: EntryKind? = nil,
        amount: Money? = nil,
        payee: String? = nil,
        category: Change<Reference> = .keep,
        account: Change<Reference> = .keep,
        toAccount: Change<Reference> = .keep,
        date: CalendarDate? = nil,
        time: Change<TimeOfDay> = .keep,
        note: String? = nil,
        tags: [String]? = nil,
        refundOf: Change<DocumentId> = .keep
    ) {
        self.kind = kind
        self.amount = amount
        self.payee = payee
        self.category = category
        self.account = account
        self.toAccount = toAccount
        self.date = date
        self.time = time
        self.note = note
        self.tags = tags
        self.refundOf = refundOf
    }

    var native: OutlayNative.Edit {
        OutlayNative.Edit(
            kind: kind, amount: amount, payee: payee,
            category: category.map(clear: .nothing) { .to($0) },
            account: account.map(clear: .nothing) { .to($0) },
            toAccount: toAccount.map(clear: .nothing) { .to($0) },
            date: date,
            time: time.map(clear: .nothing) { .to($0) },
            note: note, tags: tags,
            refundOf: refundOf.map(clear: .nothing) { .to($0) }
        )
    }
}

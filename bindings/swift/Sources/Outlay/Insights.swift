import OutlayNative

/// Insights: what the entries of a ledger show, found on the device with no network.
extension Engine {
    /// What the entries of a ledger show: payments that come back, forecasts, odd charges, and patterns where they are certain.
    ///
    /// Every fact is typed, and beside it stands what it says in English. The first call for a ledger reads all its entries and
    /// takes some tens of milliseconds for each ten thousand; later ones take what changed since. `progress` is called on a
    /// thread of its own. What it throws ends the call and is thrown here; nothing is lost then, nor when the task is cancelled.
    public func insights(
        of ledger: LedgerId, options: InsightOptions = InsightOptions(),
        progress: (@Sendable (InsightProgress) throws -> Void)? = nil
    ) async throws -> Insights {
        let telling = progress.map(Telling.init)
        return try await untilThrown(telling) {
            try $0.insights(ledger: ledger, options: options, progress: telling, cancel: $1)
        }
    }

    /// The category that the person would file an entry under, learnt from what they filed so far; `nil` where that is not
    /// certain enough. An entry that is filed otherwise corrects it.
    public func suggest(for new: NewExpense, in ledger: LedgerId) async throws -> Suggestion? {
        try await call { try $0.suggest(ledger: ledger, new: new) }
    }

    /// Gives back the memory that insights and suggestions keep: when the system is short of it. The next one is slower.
    public func forgetInsights() async throws { try await call { try $0.forgetInsights() } }

    /// Says of an entry whether the payment that it is one of is a commitment; `nil` takes back what was said.
    @discardableResult
    public func decide(_ expense: DocumentId, in ledger: LedgerId, _ decision: Decision?) async throws -> Expense {
        try await call { try $0.decide(ledger: ledger, id: expense, decision: decision) }
    }

    /// Says of a payment that comes back that it is a commitment, which is named in forecasts then, or none, which is not to be
    /// shown any more; `nil` takes back what was said.
    public func decide(_ commitment: Commitment, in ledger: LedgerId, _ decision: Decision?) async throws {
        let payments = commitment.payments.map(\.id)
        try await call { try $0.decideCommitment(ledger: ledger, payments: payments, decision: decision) }
    }

    /// What was decided of payments that come back, and in which entries it stands.
    public func decisions(in ledger: LedgerId) async throws -> [Decided] {
        try await call { try $0.decisions(ledger: ledger) }
    }
}

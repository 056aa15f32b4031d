/// The plain data of the engine. Each is documented where uniffi writes it.
@_exported import OutlayValues
import Foundation
import OutlayNative

public typealias Account = OutlayNative.Account
public typealias Among = OutlayNative.Among
public typealias AsideCommit = OutlayNative.AsideCommit
public typealias Attachment = OutlayNative.Attachment
public typealias Author = OutlayNative.Author
public typealias Cadence = OutlayNative.Cadence
public typealias Commitment = OutlayNative.Commitment
public typealias CommitmentAmount = OutlayNative.CommitmentAmount
public typealias Conflict = OutlayNative.Conflict
public typealias ConflictValue = OutlayNative.ConflictValue
public typealias Connection = OutlayNative.Connection
public typealias Counted = OutlayNative.Counted
public typealias CurrencyInsights = OutlayNative.CurrencyInsights
public typealias Decided = OutlayNative.Decided
public typealias Decision = OutlayNative.Decision
public typealias Diagnosis = OutlayNative.Diagnosis
public typealias Difference = OutlayNative.Difference
public typealias Due = OutlayNative.Due
public typealias EntryKind = OutlayNative.EntryKind
public typealias Expectation = OutlayNative.Expectation
public typealias Expense = OutlayNative.Expense
public typealias FieldChange = OutlayNative.FieldChange
public typealias FieldValue = OutlayNative.FieldValue
public typealias Filter = OutlayNative.Filter
public typealias Forecast = OutlayNative.Forecast
public typealias ForecastTarget = OutlayNative.ForecastTarget
public typealias HistoryEntry = OutlayNative.HistoryEntry
public typealias Imported = OutlayNative.Imported
public typealias ImportOptions = OutlayNative.ImportOptions
public typealias ImportProgress = OutlayNative.ImportProgress
public typealias ImportRow = OutlayNative.ImportRow
public typealias InsightOptions = OutlayNative.InsightOptions
public typealias InsightProgress = OutlayNative.InsightProgress
public typealias Insights = OutlayNative.Insights
public typealias Invitation = OutlayNative.Invitation
public typealias KeyStore = OutlayNative.KeyStore
public typealias KnownDevice = OutlayNative.KnownDevice
public typealias Ledger = OutlayNative.Ledger
public typealias LedgerStatus = OutlayNative.LedgerStatus
public typealias LogLevel = OutlayNative.LogLevel
public typealias LogLine = OutlayNative.LogLine
public typealias LogSink = OutlayNative.LogSink
public typealias Member = OutlayNative.Member
public typealias MemberDevice = OutlayNative.MemberDevice
public typealias MonthSpent = OutlayNative.MonthSpent
public typealias Named = OutlayNative.Named
public typealias NewExpense = OutlayNative.NewExpense
public typealias OddCharge = OutlayNative.OddCharge
public typealias Oddity = OutlayNative.Oddity
public typealias OddReason = OutlayNative.OddReason
public typealias OpenInvitation = OutlayNative.OpenInvitation
public typealias Options = OutlayNative.Options
public typealias Pace = OutlayNative.Pace
public typealias Page = OutlayNative.Page
public typealias Payment = OutlayNative.Payment
public typealias Phase = OutlayNative.Phase
public typealias PhaseChange = OutlayNative.PhaseChange
public typealias Phases = OutlayNative.Phases
public typealias PriceChange = OutlayNative.PriceChange
public typealias Prices = OutlayNative.Prices
public typealias Reference = OutlayNative.Reference
public typealias Refusals = OutlayNative.Refusals
public typealias RefusedCommit = OutlayNative.RefusedCommit
public typealias Rejected = OutlayNative.Rejected
public typealias RhythmPoint = OutlayNative.RhythmPoint
public typealias Role = OutlayNative.Role
public typealias Seller = OutlayNative.Seller
public typealias SignOut = OutlayNative.SignOut
public typealias Sort = OutlayNative.Sort
public typealias Standing = OutlayNative.Standing
public typealias Suggestion = OutlayNative.Suggestion
public typealias SyncReport = OutlayNative.SyncReport
public typealias SyncStatus = OutlayNative.SyncStatus
public typealias TakenIn = OutlayNative.TakenIn
public typealias TokenStore = OutlayNative.TokenStore
public typealias Total = OutlayNative.Total
public typealias Travel = OutlayNative.Travel
public typealias Trip = OutlayNative.Trip
public typealias Undone = OutlayNative.Undone
public typealias Waiting = OutlayNative.Waiting

extension Reference {
    /// An account by its name, or a category by its path from the top. It is made if it is not there.
    public static func named(_ path: String...) -> Reference { .path(path) }

    /// An account or category that is there.
    public static func existing(_ named: Named) -> Reference { .id(named.id) }
}

extension NewExpense {
    /// An entry to be added or imported: an expense of today, unless it says otherwise.
    public init(
        _ amount: Money,
        _ payee: String = "",
        kind: EntryKind = .expense,
        category: Reference? = nil,
        account: Reference? = nil,
        toAccount: Reference? = nil,
        date: CalendarDate? = nil,
        time: TimeOfDay? = nil,
        note: String = "",
        tags: [String] = [],
        refundOf: DocumentId? = nil
    ) {
        self.init(
            kind: kind, amount: amount, payee: payee, category: category, account: account, toAccount: toAccount,
            date: date, time: time, note: note, tags: tags, refundOf: refundOf
        )
    }
}

extension FieldValue {
    /// A value as a text to show, in no language: empty for nothing, `?` for what a newer version wrote.
    public var text: String {
        switch self {
        case .empty: ""
        case .text(let text): text
        case .money(_, let amount, _, _): amount.description
        case .date(let date): date.description
        case .time(let time): time.description
        case .thing(let named): named.name
        case .flag(let isSet): String(isSet)
        case .attachment(_, _, let name): name
        case .newer: "?"
        }
    }
}

extension ConflictValue {
    /// When it was written, by the author's clock.
    public var time: Date { instant(timeMs) }
}

extension HistoryEntry {
    /// When it was done, by the author's clock.
    public var time: Date { instant(timeMs) }
}

extension AsideCommit {
    /// When it was written, by the author's clock.
    public var time: Date { instant(timeMs) }
}

extension Invitation {
    /// Until when it can be used.
    public var expires: Date { instant(expiresMs) }
}

extension OpenInvitation {
    /// Until when it can be used; absent when for ever.
    public var expires: Date? { expiresMs.map(instant) }
}

extension KnownDevice {
    /// When the server heard from the device last.
    public var seen: Date? { seenMs.map(instant) }
}

extension Refusals {
    /// Since when these commits are refused.
    public var since: Date { instant(sinceMs) }
}

extension SyncStatus {
    /// When all was alike here and on the server.
    public var caughtUp: Date? { caughtUpMs.map(instant) }
}

extension Waiting {
    /// After how long it is tried again; absent if something must be done first.
    public var retry: Duration? { retryMs.map { .milliseconds($0) } }
}

private func instant(_ ms: Int64) -> Date { Date(timeIntervalSince1970: Double(ms) / 1000) }

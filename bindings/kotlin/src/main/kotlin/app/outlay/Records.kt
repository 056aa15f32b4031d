/** The plain data of the engine. Each is documented where it is made, in `app.outlay.ffi`. */
package app.outlay

import app.outlay.ffi.EntryKind as NativeEntryKind
import app.outlay.ffi.FieldValue as NativeFieldValue
import app.outlay.ffi.NewExpense as NativeNewExpense
import app.outlay.ffi.Reference as NativeReference
import java.time.Instant
import java.time.LocalDate
import java.time.LocalTime
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

public typealias Account = app.outlay.ffi.Account
public typealias Among = app.outlay.ffi.Among
public typealias AsideCommit = app.outlay.ffi.AsideCommit
public typealias Attachment = app.outlay.ffi.Attachment
public typealias Author = app.outlay.ffi.Author
public typealias Cadence = app.outlay.ffi.Cadence
public typealias Commitment = app.outlay.ffi.Commitment
public typealias CommitmentAmount = app.outlay.ffi.CommitmentAmount
public typealias Conflict = app.outlay.ffi.Conflict
public typealias ConflictValue = app.outlay.ffi.ConflictValue
public typealias Connection = app.outlay.ffi.Connection
public typealias Counted = app.outlay.ffi.Counted
public typealias CurrencyInsights = app.outlay.ffi.CurrencyInsights
public typealias Decided = app.outlay.ffi.Decided
public typealias Decision = app.outlay.ffi.Decision
public typealias Diagnosis = app.outlay.ffi.Diagnosis
public typealias Difference = app.outlay.ffi.Difference
public typealias Due = app.outlay.ffi.Due
public typealias EntryKind = NativeEntryKind
public typealias Expectation = app.outlay.ffi.Expectation
public typealias Expense = app.outlay.ffi.Expense
public typealias FieldChange = app.outlay.ffi.FieldChange
public typealias FieldValue = NativeFieldValue
public typealias Filter = app.outlay.ffi.Filter
public typealias Forecast = app.outlay.ffi.Forecast
public typealias ForecastTarget = app.outlay.ffi.ForecastTarget
public typealias HistoryEntry = app.outlay.ffi.HistoryEntry
public typealias Imported = app.outlay.ffi.Imported
public typealias ImportOptions = app.outlay.ffi.ImportOptions
public typealias ImportProgress = app.outlay.ffi.ImportProgress
public typealias ImportRow = app.outlay.ffi.ImportRow
public typealias InsightOptions = app.outlay.ffi.InsightOptions
public typealias InsightProgress = app.outlay.ffi.InsightProgress
public typealias Insights = app.outlay.ffi.Insights
public typealias Invitation = app.outlay.ffi.Invitation
public typealias KeyStore = app.outlay.ffi.KeyStore
public typealias KnownDevice = app.outlay.ffi.KnownDevice
public typealias Ledger = app.outlay.ffi.Ledger
public typealias LedgerStatus = app.outlay.ffi.LedgerStatus
public typealias LogLevel = app.outlay.ffi.LogLevel
public typealias LogLine = app.outlay.ffi.LogLine
public typealias LogSink = app.outlay.ffi.LogSink
public typealias Member = app.outlay.ffi.Member
public typealias MemberDevice = app.outlay.ffi.MemberDevice
public typealias MonthSpent = app.outlay.ffi.MonthSpent
public typealias Named = app.outlay.ffi.Named
public typealias NewExpense = NativeNewExpense
public typealias OddCharge = app.outlay.ffi.OddCharge
public typealias Oddity = app.outlay.ffi.Oddity
public typealias OddReason = app.outlay.ffi.OddReason
public typealias OpenInvitation = app.outlay.ffi.OpenInvitation
public typealias Options = app.outlay.ffi.Options
public typealias Pace = app.outlay.ffi.Pace
public typealias Page = app.outlay.ffi.Page
public typealias Payment = app.outlay.ffi.Payment
public typealias Phase = app.outlay.ffi.Phase
public typealias PhaseChange = app.outlay.ffi.PhaseChange
public typealias Phases = app.outlay.ffi.Phases
public typealias PriceChange = app.outlay.ffi.PriceChange
public typealias Prices = app.outlay.ffi.Prices
public typealias Reference = NativeReference
public typealias Refusals = app.outlay.ffi.Refusals
public typealias RefusedCommit = app.outlay.ffi.RefusedCommit
public typealias Rejected = app.outlay.ffi.Rejected
public typealias RhythmPoint = app.outlay.ffi.RhythmPoint
public typealias Role = app.outlay.ffi.Role
public typealias Seller = app.outlay.ffi.Seller
public typealias SignOut = app.outlay.ffi.SignOut
public typealias Sort = app.outlay.ffi.Sort
public typealias Standing = app.outlay.ffi.Standing
public typealias Suggestion = app.outlay.ffi.Suggestion
public typealias SyncReport = app.outlay.ffi.SyncReport
public typealias SyncStatus = app.outlay.ffi.SyncStatus
public typealias TakenIn = app.outlay.ffi.TakenIn
public typealias TokenStore = app.outlay.ffi.TokenStore
public typealias Total = app.outlay.ffi.Total
public typealias Travel = app.outlay.ffi.Travel
public typealias Trip = app.outlay.ffi.Trip
public typealias Undone = app.outlay.ffi.Undone
public typealias Waiting = app.outlay.ffi.Waiting

/** An account by its name, or a category by its path from the top. It is made if it is not there. */
public fun named(vararg path: String): Reference = NativeReference.Path(path.asList())

/** This account or category, for an entry. */
public val Named.reference: Reference get() = NativeReference.Id(id)

/** An entry to be added or imported: an expense of today, unless it says otherwise. */
public fun entry(
    amount: Money,
    payee: String = "",
    kind: EntryKind = NativeEntryKind.EXPENSE,
    category: Reference? = null,
    account: Reference? = null,
    toAccount: Reference? = null,
    date: LocalDate? = null,
    time: LocalTime? = null,
    note: String = "",
    tags: List<String> = emptyList(),
    refundOf: DocumentId? = null,
): NewExpense =
    NativeNewExpense(kind, amount, payee, category, account, toAccount, date, time, note, tags, refundOf)

/** A sink for [Options] that calls a function with each line of the log. One that throws is not called again. */
public fun logSink(tell: (LogLine) -> Unit): LogSink = object : LogSink {
    override fun log(line: LogLine) = tell(line)
}

/** A value as a text to show, in no language: empty for nothing, `?` for what a newer version wrote. */
public val FieldValue.text: String
    get() = when (this) {
        is NativeFieldValue.Empty -> ""
        is NativeFieldValue.Text -> v1
        is NativeFieldValue.Money -> amount.toString()
        is NativeFieldValue.Date -> v1.toString()
        is NativeFieldValue.Time -> v1.toString()
        is NativeFieldValue.Thing -> v1.name
        is NativeFieldValue.Flag -> v1.toString()
        is NativeFieldValue.Attachment -> name
        is NativeFieldValue.Newer -> "?"
    }

/** When it was written, by the author's clock. */
public val ConflictValue.time: Instant get() = Instant.ofEpochMilli(timeMs)

/** When it was done, by the author's clock. */
public val HistoryEntry.time: Instant get() = Instant.ofEpochMilli(timeMs)

/** When it was written, by the author's clock. */
public val AsideCommit.time: Instant get() = Instant.ofEpochMilli(timeMs)

/** Until when it can be used. */
public val Invitation.expires: Instant get() = Instant.ofEpochMilli(expiresMs)

/** Until when it can be used; absent when for ever. */
public val OpenInvitation.expires: Instant? get() = expiresMs?.let(Instant::ofEpochMilli)

/** When the server heard from the device last. */
public val KnownDevice.seen: Instant? get() = seenMs?.let(Instant::ofEpochMilli)

/** Since when these commits are refused. */
public val Refusals.since: Instant get() = Instant.ofEpochMilli(sinceMs)

/** When all was alike here and on the server. */
public val SyncStatus.caughtUp: Instant? get() = caughtUpMs?.let(Instant::ofEpochMilli)

/** After how long it is tried again; absent if something must be done first. */
public val Waiting.retry: Duration? get() = retryMs?.toLong()?.milliseconds

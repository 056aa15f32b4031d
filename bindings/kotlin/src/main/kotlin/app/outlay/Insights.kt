/** Insights: what the entries of a ledger show, found on the device with no network. */
package app.outlay

import app.outlay.ffi.InsightObserver

/**
 * What the entries of a ledger show: payments that come back, forecasts, odd charges, and patterns where they are certain.
 *
 * Every fact is typed, and beside it stands what it says in English. The first call for a ledger reads all its entries and takes
 * some tens of milliseconds for each ten thousand; later ones take what changed since. `progress` is called on a thread of its
 * own. What it throws ends the call and is thrown here; nothing is lost then, nor when the coroutine is cancelled.
 */
public suspend fun Engine.insights(
    ledger: LedgerId,
    options: InsightOptions = InsightOptions(),
    progress: ((InsightProgress) -> Unit)? = null,
): Insights {
    val telling = progress?.let(::InsightTelling)
    return untilThrown(telling) { cancel -> native.insights(ledger, options, telling, cancel) }
}

private class InsightTelling(tell: (InsightProgress) -> Unit) : Telling<InsightProgress>(tell), InsightObserver

/**
 * The category that the person would file an entry under, learnt from what they filed so far; `null` where that is not certain
 * enough. An entry that is filed otherwise corrects it.
 */
public suspend fun Engine.suggest(ledger: LedgerId, new: NewExpense): Suggestion? = call { suggest(ledger, new) }

/** Gives back the memory that insights and suggestions keep: when the system is short of it. The next one is slower. */
public suspend fun Engine.forgetInsights(): Unit = call { forgetInsights() }

/** Says of an entry whether the payment that it is one of is a commitment; `null` takes back what was said. */
public suspend fun Engine.decide(ledger: LedgerId, id: DocumentId, decision: Decision?): Expense =
    call { decide(ledger, id, decision) }

/**
 * Says of a payment that comes back that it is a commitment, which is named in forecasts then, or none, which is not to be shown
 * any more; `null` takes back what was said.
 */
public suspend fun Engine.decide(ledger: LedgerId, commitment: Commitment, decision: Decision?): Unit =
    call { decideCommitment(ledger, commitment.payments.map { it.id }, decision) }

/** What was decided of payments that come back, and in which entries it stands. */
public suspend fun Engine.decisions(ledger: LedgerId): List<Decided> = call { decisions(ledger) }

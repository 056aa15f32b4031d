package app.outlay

import app.outlay.ffi.CallbackException
import app.outlay.ffi.Cancel
import app.outlay.ffi.Diff
import app.outlay.ffi.Observer
import app.outlay.ffi.Subscription
import app.outlay.ffi.SyncObserver
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.launch

/** Something that is watched from the beginning of a collection to its end, or until the engine is closed. */
internal fun <T> Engine.watched(start: (tell: (T) -> Unit) -> Subscription): Flow<T> = callbackFlow {
    val begun = closings.value
    val subscription = called { start { trySend(it) } }
    launch {
        closings.first { it != begun }
        channel.close()
    }
    awaitClose { subscription.use { it.cancel() } }
}.buffer(Channel.CONFLATED).flowOn(Dispatchers.IO)

/** The entries of a live query, told as a whole after each difference. The engine tells one difference at a time. */
internal class LiveList(private val tell: (List<Expense>) -> Unit) : Observer {
    private var entries = emptyList<Expense>()

    override fun changed(diff: Diff) {
        entries = entries.after(diff)
        tell(entries)
    }
}

internal class LiveStatus(private val tell: (SyncStatus) -> Unit) : SyncObserver {
    override fun changed(status: SyncStatus) = tell(status)
}

/** The entries after a difference: what is gone first, then what is new in order, then what looks otherwise. */
internal fun List<Expense>.after(diff: Diff): List<Expense> {
    val removed = diff.removed.toSet()
    val after = filterTo(ArrayList(size + diff.inserted.size)) { it.id !in removed }
    diff.inserted.forEach { after.add(it.place.toInt(), it.expense) }
    val updated = diff.updated.associateBy { it.id }
    if (updated.isNotEmpty()) after.replaceAll { updated[it.id] ?: it }
    return after
}

/** Tells a function how far a long call is, and keeps what it throws, which ends the call. */
internal open class Telling<P>(private val tell: (P) -> Unit) {
    @Volatile
    var thrown: Throwable? = null
        private set

    @Suppress("TooGenericExceptionCaught") // It is the app's, and thrown again where the app called.
    fun progressed(progress: P) {
        try {
            tell(progress)
        } catch (error: Throwable) {
            thrown = error
            throw CallbackException.Failed(error.toString())
        }
    }
}

/** A long call that ends soon after its coroutine was cancelled, or what is told of it has thrown, which is thrown here. */
internal suspend fun <T> untilThrown(telling: Telling<*>?, work: (Cancel) -> T): T = try {
    untilCancelled(work)
} catch (error: OutlayException.Cancelled) {
    throw telling?.thrown ?: error
}

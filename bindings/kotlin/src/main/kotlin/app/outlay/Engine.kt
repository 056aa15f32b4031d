package app.outlay

import app.outlay.ffi.Engine as NativeEngine
import app.outlay.ffi.Resolution
import app.outlay.ffi.quickAdd as nativeQuickAdd
import java.nio.file.Path
import java.time.YearMonth
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.emitAll
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.withContext

/**
 * The engine on one database: ledgers and expenses in a file of this device, with or without a network.
 *
 * It may be shared between coroutines and threads. Every call works on the local file, off the caller's thread, and returns
 * when its result is durable; those that wait for a network say so. A coroutine that is cancelled during a call waits for it
 * to end: what it wrote is written as a whole.
 *
 * ```
 * Engine.open(Path.of("expenses.outlay")).use { engine ->
 *     val home = engine.ensureDefaultLedger()
 *     engine.addExpense(home.id, entry(Money("12.50", "EUR"), "Corner Café", category = named("Food", "Snacks")))
 * }
 * ```
 */
public class Engine private constructor(internal val native: NativeEngine) : AutoCloseable {
    /** How often it was closed: what is watched ends when that changes. */
    internal val closings: MutableStateFlow<Int> = MutableStateFlow(0)

    public companion object {
        /**
         * Opens the database in a file, and makes it if there is none. A damaged one is moved aside, never deleted.
         *
         * Throws [OutlayException.InvalidInput] for a folder, and [OutlayException.TooNew] for a file of a newer version,
         * which is left untouched.
         */
        public suspend fun open(path: Path, options: Options = Options()): Engine =
            onOther { Engine(NativeEngine.open(path.toString(), options)) }

        /** Opens a database that lives as long as the engine. */
        public suspend fun inMemory(options: Options = Options()): Engine =
            onOther { Engine(NativeEngine.openInMemory(options)) }

        /**
         * Adds one entry from a process that does nothing else, as a widget does, also while an app has the database open.
         * It goes into the default ledger when none is named, is durable when this returns, and an observer of the app sees
         * it within a second. It runs on the thread that it is called on.
         */
        public fun quickAdd(path: Path, new: NewExpense, ledger: LedgerId? = null, options: Options = Options()): Expense =
            called { nativeQuickAdd(path.toString(), options, ledger, new) }
    }

    /**
     * Closes the database and ends what is watched. Calls that are under way go on to their end; later ones throw
     * [OutlayException.Closed]. A second time does nothing.
     */
    override fun close() {
        native.shutDown()
        closings.value += 1
    }

    /** Opens the database again, after it was closed or after a call ended by a bug. What was durable is there. */
    public suspend fun reopen() {
        close()
        call { reopen() }
    }

    /** The public key of this device: what another device admits. */
    public suspend fun deviceKey(): DeviceKey = call { deviceKey() }

    /** Where a damaged database was moved when this one was opened in its place. */
    public suspend fun setAside(): Path? = call { setAside()?.let(Path::of) }

    /** Makes a ledger. The first one is the default ledger. */
    public suspend fun createLedger(name: String, currency: Currency): Ledger = call { createLedger(name, currency) }

    /** The ledgers on this device. */
    public suspend fun ledgers(): List<Ledger> = call { ledgers() }

    /** A ledger on this device. */
    public suspend fun ledger(id: LedgerId): Ledger = call { ledger(id) }

    /** The ledger into which entries go when none is named, if there is one. */
    public suspend fun defaultLedger(): Ledger? = call { defaultLedger() }

    /** The default ledger, which is made if there is none. */
    public suspend fun ensureDefaultLedger(): Ledger = call { ensureDefaultLedger() }

    /** Makes a ledger the default one. */
    public suspend fun setDefaultLedger(id: LedgerId): Unit = call { setDefaultLedger(id) }

    /** The accounts of a ledger, by name. */
    public suspend fun accounts(ledger: LedgerId): List<Named> = call { accounts(ledger) }

    /** The categories of a ledger, by path. */
    public suspend fun categories(ledger: LedgerId): List<Named> = call { categories(ledger) }

    /** The category of a path from the top, if there is one. */
    public suspend fun findCategory(ledger: LedgerId, vararg path: String): Named? =
        call { findCategory(ledger, path.asList()) }

    /** The account of a name, if there is one. */
    public suspend fun findAccount(ledger: LedgerId, name: String): Named? = call { findAccount(ledger, name) }

    /** Adds an entry, made by [entry], and returns it as stored. It is durable then. */
    public suspend fun addExpense(ledger: LedgerId, new: NewExpense): Expense = call { addExpense(ledger, new) }

    /** Changes what is assigned in `change` and returns the entry as stored: `engine.editExpense(home, id) { payee = "Café" }`. */
    public suspend fun editExpense(ledger: LedgerId, id: DocumentId, change: Edit.() -> Unit): Expense {
        val edit = Edit().apply(change).native()
        return call { editExpense(ledger, id, edit) }
    }

    /** Moves an entry to the trash. */
    public suspend fun deleteExpense(ledger: LedgerId, id: DocumentId): Expense = call { deleteExpense(ledger, id) }

    /** Takes an entry out of the trash. */
    public suspend fun restoreExpense(ledger: LedgerId, id: DocumentId): Expense = call { restoreExpense(ledger, id) }

    /** An entry, if the ledger has it. */
    public suspend fun expense(ledger: LedgerId, id: DocumentId): Expense? = call { expense(ledger, id) }

    /** An entry of any ledger on this device. */
    public suspend fun findExpense(id: DocumentId): Expense? = call { findExpense(id) }

    /** One page of the entries that pass a filter. `after` is the `next` of the page before it. */
    public suspend fun page(
        ledger: LedgerId,
        filter: Filter = Filter(),
        sort: Sort = Sort.NEWEST,
        after: DocumentId? = null,
        limit: Int = 50,
    ): Page = call { query(ledger, filter, sort, after, limit.toUInt()) }

    /** All entries that pass a filter, read page by page as they are collected. */
    public fun expenses(
        ledger: LedgerId,
        filter: Filter = Filter(),
        sort: Sort = Sort.NEWEST,
        pageSize: Int = 200,
    ): Flow<Expense> = flow {
        var after: DocumentId? = null
        do {
            val page = page(ledger, filter, sort, after, pageSize)
            page.expenses.forEach { emit(it) }
            after = page.next
        } while (after != null)
    }

    /** What was spent and earned from one month to another, by month, category and currency. */
    public suspend fun totals(ledger: LedgerId, from: YearMonth, to: YearMonth): List<Total> =
        call { totals(ledger, from, to) }

    /**
     * The first entries that pass a filter, as they are now and whenever they change, also by another process.
     *
     * Changes that come faster than they are collected are seen as one. The watch begins and ends with the collection; the
     * flow completes when the engine is closed.
     */
    public fun live(
        ledger: LedgerId,
        filter: Filter = Filter(),
        sort: Sort = Sort.NEWEST,
        limit: Int = 50,
    ): Flow<List<Expense>> = flow {
        // Each collection has a state of its own.
        emitAll(watched { tell -> native.observe(ledger, filter, sort, limit.toUInt(), LiveList(tell)) })
    }

    /** The fields of a ledger that hold several values, because devices that did not know of each other set them. */
    public suspend fun conflicts(ledger: LedgerId): List<Conflict> = call { conflicts(ledger) }

    /** Settles a conflict, on every device, by one of its values. It is refused if they have changed since. */
    public suspend fun resolve(conflict: Conflict, value: ConflictValue) {
        val place = conflict.values.indexOf(value)
        require(place >= 0) { "the value is none of the conflict's" }
        resolve(conflict, Resolution.Choose(place.toUInt()))
    }

    /**
     * Settles a conflict, on every device, by a text that is parsed as its values are. It is refused if they have changed
     * since.
     */
    public suspend fun resolve(conflict: Conflict, text: String): Unit = resolve(conflict, Resolution.Text(text))

    private suspend fun resolve(conflict: Conflict, by: Resolution) =
        call { resolve(conflict, by) }

    /** What was done to a thing, oldest first: by whom, when, and what it set. */
    public suspend fun history(ledger: LedgerId, id: DocumentId): List<HistoryEntry> = call { history(ledger, id) }

    /** Undoes the last action of this device that is not undone, a whole import too; `null` if there is none. */
    public suspend fun undo(): Undone? = call { undo() }

    /** One call of the library, off the caller's thread. */
    internal suspend fun <T> call(work: NativeEngine.() -> T): T = onOther { native.work() }
}

/** That a call failed is nothing to whoever has been cancelled meanwhile. */
private suspend fun <T> onOther(work: () -> T): T = withContext(Dispatchers.IO) {
    try {
        called(work)
    } catch (error: OutlayException) {
        ensureActive()
        throw error
    }
}

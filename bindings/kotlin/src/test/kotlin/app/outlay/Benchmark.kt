/** What the engine costs from Kotlin, on a new database: `make bench-bindings` runs it and knows the limits. */
package app.outlay

import app.outlay.ffi.FfiConverterTypeObserver
import java.io.File
import java.time.LocalDate
import kotlin.io.path.Path
import kotlin.system.measureNanoTime
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull

private const val ADDS = 10_000
private const val COLLECTED_EACH = 100
private const val PAGES = 1_000
private const val CHANGES = 500
private const val WATCHES = 1_000

/** Of each, the first tenth is not counted. */
private fun Int.warm() = this / 10

fun main(arguments: Array<String>): Unit = runBlocking {
    val path = Path(arguments[0])
    Engine.open(path).use { engine ->
        val home = engine.createLedger("Home", EUR).id
        repeat(PAGES.warm()) { engine.page(home) }
        repeat(WATCHES.warm()) { engine.live(home).first() }
        val adds = LongArray(ADDS)
        var memory = 0L
        for (number in 0 until ADDS) {
            // What JNA allocates for a call is freed when the call is collected.
            if (number % COLLECTED_EACH == 0) System.gc()
            if (number == ADDS.warm()) memory = memoryBytes()
            val new = spent(number)
            adds[number] = measureNanoTime { engine.addExpense(home, new) }
        }
        println("memory_bytes ${(memoryBytes() - memory).coerceAtLeast(0)}")
        println("add_ns ${adds.percentile(50)}")
        println("page_ns ${LongArray(PAGES) { measureNanoTime { engine.page(home) } }.percentile(50)}")
        val changes = changes(engine, home)
        println("live_ns ${changes.percentile(50)}")
        println("live_tail_ns ${changes.percentile(99)}")
        println("handles ${leftOf(engine, home)}")
    }
}

/** The same expenses in each language. */
private fun spent(number: Int, date: LocalDate = LocalDate.of(2026, 1, 1).plusDays(number % 365L)) = entry(
    euros("${1 + number % 99}.50"), "Corner Café ${number % 200}", category = named("Category ${number % 12}"),
    account = named("Account ${number % 3}"), date = date, note = "coffee and cake for $number",
)

/** From when an expense is durable to when a collector has it. */
private suspend fun changes(engine: Engine, home: LedgerId): LongArray = coroutineScope {
    val seen = Channel<Pair<DocumentId?, Long>>(Channel.UNLIMITED)
    val watch = launch { engine.live(home).collect { seen.send(it.firstOrNull()?.id to System.nanoTime()) } }
    seen.receive()
    val taken = LongArray(CHANGES) { number ->
        val added = engine.addExpense(home, spent(number, LocalDate.of(2027, 1, 1).plusDays(number.toLong())))
        val durable = System.nanoTime()
        var (newest, at) = seen.receive()
        while (newest != added.id) seen.receive().let { newest = it.first; at = it.second }
        (at - durable).coerceAtLeast(0)
    }
    watch.cancel()
    taken
}

/** How many more files and observers the library holds after live queries that have ended. */
private suspend fun leftOf(engine: Engine, home: LedgerId): Int {
    val before = handles()
    repeat(WATCHES) { engine.live(home).first() }
    // Who watches is let go of on another thread.
    withTimeoutOrNull(PATIENCE) { while (handles() > before) delay(1) }
    return (handles() - before).coerceAtLeast(0)
}

private fun handles() = FfiConverterTypeObserver.handleMap.size + File("/proc/self/fd").list().orEmpty().size

/** The memory of the process, of which the heap is all there from the beginning, and what is used of that heap. */
private fun memoryBytes(): Long {
    System.gc()
    val line = File("/proc/self/status").readLines().first { it.startsWith("VmRSS:") }
    val heap = Runtime.getRuntime()
    return line.filter(Char::isDigit).toLong() * 1024 + heap.totalMemory() - heap.freeMemory()
}

private fun LongArray.percentile(percent: Int): Long {
    val counted = drop(size.warm()).sorted()
    return counted[(counted.size * percent + 99) / 100 - 1]
}

package app.outlay

import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicInteger
import kotlin.random.Random
import kotlin.time.Duration.Companion.minutes
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Many coroutines on one engine, cancelled at random: no deadlock, and no write that was reported is lost. */
class ConcurrencyTest {
    /** One operation in so many writes. */
    private val writes = 40

    /** One operation in so many is cancelled. */
    private val cancels = 10

    @Test
    fun `8 coroutines, 100,000 operations, cancelled at random`() = runTest(timeout = 10.minutes) {
        val seed = System.getenv("OUTLAY_SEED")?.toLong() ?: Random.nextLong()
        println("seed $seed; again: OUTLAY_SEED=$seed")
        Engine.inMemory().use { engine ->
            val home = engine.createLedger("Home", EUR).id
            val written = ConcurrentHashMap.newKeySet<DocumentId>()
            val (begun, cancelled) = AtomicInteger() to AtomicInteger()
            withContext(Dispatchers.Default) {
                for (coroutine in 0 until 8) launch {
                    val random = Random(seed + coroutine)
                    repeat(100_000 / 8) {
                        val (what, isCancelled, after) = Triple(random.nextInt(writes), random.nextInt(cancels) == 0, random.nextInt(50))
                        coroutineScope {
                            val operation = launch {
                                when (what) {
                                    0 -> {
                                        begun.incrementAndGet()
                                        written += engine.addExpense(home, entry(euros("1.00"), "$coroutine")).id
                                    }
                                    1 -> engine.live(home, limit = 5).first()
                                    2 -> engine.page(home, limit = 5)
                                    else -> engine.defaultLedger()
                                }
                            }
                            if (isCancelled) {
                                repeat(after) { yield() }
                                operation.cancel()
                                operation.join()
                                if (operation.isCancelled) cancelled.incrementAndGet()
                            }
                        }
                    }
                }
            }
            val held = engine.all(home).map { it.id }.toSet()
            assertEquals(emptySet<DocumentId>(), written - held, "lost")
            assertTrue(held.size <= begun.get(), "${held.size} of ${begun.get()} that were begun")
            assertTrue(cancelled.get() > 100, "${cancelled.get()} were cancelled under way")
            println("${held.size} of ${begun.get()} writes, ${cancelled.get()} operations cancelled")
        }
    }
}

package app.outlay

import java.nio.file.Path
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS
import java.util.concurrent.atomic.AtomicReference
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** What the engine tells the log of the app, and sinks that misbehave. */
class LogTest {
    @TempDir
    lateinit var folder: Path

    private fun LinkedBlockingQueue<LogLine>.next(): LogLine = checkNotNull(poll(PATIENCE.inWholeSeconds, SECONDS))

    @Test
    fun `a log says what was opened, and how sync went, and nothing that a person wrote`() = runTest {
        val lines = LinkedBlockingQueue<LogLine>()
        Engine.open(folder.resolve("a.outlay"), Options(logSink = logSink(lines::add))).use { engine ->
            assertEquals(LogLine(LogLevel.INFO, "store", "made a database of schema step 5"), lines.next())
            assertEquals("opened by device ${engine.deviceKey()}", lines.next().message)
            val home = engine.createLedger("Secret ledger", EUR).id
            engine.addExpense(home, entry(euros("12.34"), "Secret payee"))
            engine.signUp(Server.url, "secret-${System.nanoTime()}@example.org", PASSWORD)
            engine.syncOnce()
        }
        // Closing has waited for the last line.
        val synced = lines.single { it.message.startsWith("synced: ") }
        assertEquals(LogLevel.INFO to "sync", synced.level to synced.target)
        assertTrue(synced.message.endsWith("0 refused, 0 damaged, all alike: true"), synced.message)
        assertEquals("closed", lines.last().message)
        val secrets = listOf("ecret", "12.34", "example", PASSWORD)
        assertTrue(lines.none { line -> secrets.any { it in line.message } }, "$lines")
    }

    @Test
    fun `a sink that throws is not called again, and nothing else is harmed`() = runTest {
        val lines = LinkedBlockingQueue<LogLine>()
        val sink = logSink {
            lines += it
            error("a bug of the app")
        }
        Engine.inMemory(Options(logSink = sink)).use { engine -> engine.createLedger("Home", EUR) }
        assertEquals("store", lines.next().target)
        assertEquals(0, lines.size, "closing has waited for the sink")
    }

    @Test
    fun `a sink may call the engine, and close it`() = runTest {
        val (opened, ledgers) = AtomicReference<Engine?>() to LinkedBlockingQueue<List<Ledger>>()
        val sink = logSink { line ->
            if (line.target == "sync") opened.getAndSet(null)?.let { engine ->
                val held = runBlocking { engine.ledgers() }
                engine.close()
                ledgers += held
            }
        }
        Engine.inMemory(Options(logSink = sink)).use { engine ->
            val home = engine.createLedger("Home", EUR)
            opened.set(engine)
            engine.startSync()
            assertEquals(listOf(home), ledgers.poll(PATIENCE.inWholeSeconds, SECONDS))
            assertThrows<OutlayException.Closed> { engine.ledgers() }
        }
    }
}

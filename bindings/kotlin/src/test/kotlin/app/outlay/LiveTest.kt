package app.outlay

import app.cash.turbine.test
import app.outlay.ffi.Diff
import app.outlay.ffi.Inserted
import java.nio.file.Path
import kotlin.io.path.Path
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** Live queries: what is told, when they end, and what may be done meanwhile. */
class LiveTest {
    @TempDir
    lateinit var folder: Path

    private fun Engine.payees(home: LedgerId) = live(home, sort = Sort.SMALLEST).map { all -> all.map { it.payee } }

    @Test
    fun `a live query shows what is there and what changes`() = withHome { engine, home ->
        val coffee = engine.addExpense(home, entry(euros("3.40"), "Café"))
        engine.payees(home).test(timeout = PATIENCE) {
            assertEquals(listOf("Café"), awaitItem())
            engine.editExpense(home, coffee.id) { payee = "Corner Café" }
            assertEquals(listOf("Corner Café"), awaitItem())
            engine.addExpense(home, entry(euros("1"), "First"))
            assertEquals(listOf("First", "Corner Café"), awaitItem())
            engine.deleteExpense(home, coffee.id)
            assertEquals(listOf("First"), awaitItem())
            expectNoEvents()
        }
    }

    @Test
    fun `changes that come faster than they are collected are seen as one`() = withHome { engine, home ->
        var seen = 0
        engine.live(home, limit = 200).first { entries ->
            seen += 1
            if (entries.isEmpty()) repeat(100) { engine.addExpense(home, entry(euros("1"))) }
            entries.size == 100
        }
        assertTrue(seen < 50, "$seen states of 100 entries")
    }

    @Test
    fun `a collector may call the engine, and its watch ends with it`() = withHome { engine, home ->
        val pages = engine.live(home).take(2).map { state ->
            if (state.isEmpty()) engine.addExpense(home, entry(euros("3.40")))
            engine.page(home).expenses.size
        }
        assertEquals(listOf(1, 1), pages.toList())
    }

    @Test
    fun `what a collector throws is thrown where it collects, and others go on`() = withHome { engine, home ->
        engine.payees(home).test(timeout = PATIENCE) {
            assertEquals(emptyList<String>(), awaitItem())
            assertThrows<IllegalStateException> { engine.live(home).collect { error("a bug of the app") } }
            engine.addExpense(home, entry(euros("3.40"), "Café"))
            assertEquals(listOf("Café"), awaitItem())
        }
    }

    @Test
    fun `a live query completes when the engine is closed, and a new one sees what was opened anew`() = runTest {
        Engine.open(folder.resolve("a.outlay")).use { engine ->
            val home = engine.createLedger("Home", EUR).id
            engine.payees(home).test(timeout = PATIENCE) {
                awaitItem()
                engine.reopen()
                awaitComplete()
            }
            assertEquals(emptyList<String>(), engine.payees(home).first())
            engine.close()
            engine.payees(home).test(timeout = PATIENCE) { assertTrue(awaitError() is OutlayException.Closed) }
        }
    }

    @Test
    fun `a live query with a ledger that is not there fails as the call would`() = withHome { engine, _ ->
        assertThrows<OutlayException.NotFound> { engine.live(LedgerId("ab".repeat(16))).first() }
    }

    @Test
    fun `sync is told from the beginning`() = runTest {
        Engine.inMemory().use { engine ->
            engine.liveSyncStatus().test(timeout = PATIENCE) {
                assertEquals(Connection.OFF, awaitItem().connection)
                val home = engine.createLedger("Home", EUR).id
                assertEquals(listOf(home), awaitItem().ledgers.map { it.ledger })
            }
        }
    }

    @Test
    fun `differences are applied in their order`() = withHome { engine, home ->
        val (a, b, c) = listOf("a", "b", "c").map { engine.addExpense(home, entry(euros("1"), it)) }
        val after = listOf(a, b).after(Diff(listOf(a.id), listOf(Inserted(0u, c)), listOf(b.copy(payee = "B"))))
        assertEquals(listOf("c", "B"), after.map { it.payee })
    }

    @Test
    fun `another process writes while this one has the database open`() = runTest {
        val path = folder.resolve("a.outlay")
        Engine.open(path).use { engine ->
            val home = engine.createLedger("Home", EUR).id
            engine.payees(home).test(timeout = PATIENCE) {
                assertEquals(emptyList<String>(), awaitItem())
                val java = Path(System.getProperty("java.home"), "bin", "java").toString()
                val widget = ProcessBuilder(java, "-cp", System.getProperty("java.class.path"), "app.outlay.WidgetKt", "$path", "$home")
                assertEquals(0, widget.inheritIO().start().waitFor())
                assertEquals(listOf("Widget"), awaitItem())
            }
            assertEquals(home, Engine.quickAdd(path, entry(euros("1"))).ledger, "the default ledger")
        }
    }
}

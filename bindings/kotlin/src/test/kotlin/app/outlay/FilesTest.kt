package app.outlay

import app.outlay.ffi.FieldValue as Value
import app.outlay.ffi.RefusedCommit
import java.nio.file.Path
import java.time.LocalTime
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** Files: imports, exports, receipts, and what passes between two databases. */
class FilesTest {
    @TempDir
    lateinit var folder: Path

    private val csv = "Date,Payee,Amount\n2026-11-02,Corner Café,-3.40\n2026-11-31,Nobody,-1.00\n".toByteArray()

    @Test
    fun `the same file adds nothing twice and bad rows are named`() = withHome { engine, home ->
        val path = folder.resolve("bank.csv").apply { writeBytes(csv) }
        assertEquals(1uL, engine.importFile(path, ImportOptions(dryRun = true)).added)
        assertEquals(emptyList<Expense>(), engine.all(home))
        val seen = mutableListOf<ImportProgress>()
        val first = engine.importFile(path, progress = seen::add)
        assertEquals(Triple(1uL, home, listOf(3uL)), Triple(first.added, first.ledger, first.rejected.map { it.line }))
        assertEquals(csv.size.toULong(), seen.first().bytesTotal)
        assertEquals(1uL, engine.importFile(csv).duplicates)
    }

    @Test
    fun `an import whose progress throws has written nothing`() = withHome { engine, home ->
        val thrown = assertThrows<NoSuchElementException> {
            engine.importFile(csv, progress = { throw NoSuchElementException("a bug of the app") })
        }
        assertEquals("a bug of the app", thrown.message)
        assertEquals(emptyList<Expense>(), engine.all(home))
    }

    @Test
    fun `an import that is cancelled has written nothing`() = runTest {
        Engine.inMemory().use { engine ->
            val home = engine.createLedger("Home", EUR).id
            val begun = CompletableDeferred<Unit>()
            lateinit var import: Job
            val rows = (1..5000).joinToString("\n", "Date,Payee,Amount\n") { "2026-11-02,Shop $it,-3.40" }
            import = launch {
                engine.importFile(rows.toByteArray()) {
                    begun.complete(Unit)
                    import.cancel()
                }
            }
            begun.await()
            import.cancelAndJoin()
            assertTrue(import.isCancelled)
            assertEquals(emptyList<Expense>(), engine.all(home))
        }
    }

    @Test
    fun `profiles are guessed, kept and used`() = withHome { engine, home ->
        assertTrue("\"amount\":\"Amount\"" in engine.guessProfile(csv))
        engine.saveProfile("My bank", """{"columns": {"date": "Date", "amount": "Amount"}, "currency": "CHF"}""")
        assertEquals(listOf("My bank"), engine.profiles())
        assertNull(engine.profile("Another"))
        engine.importFile(csv, ImportOptions(profile = engine.profile("My bank")))
        assertEquals(listOf(Money("3.40", "CHF")), engine.all(home).map { it.amount })
        assertThrows<OutlayException.InvalidInput> { engine.saveProfile("My bank", "{") }
    }

    @Test
    fun `rows of an app are imported once`() = withHome { engine, home ->
        val rows = listOf(ImportRow("message 4711", entry(euros("3.40"), "Café", date = day("2026-11-02"))))
        assertEquals(1uL, engine.importRows(home, rows).added)
        assertEquals(1uL, engine.importRows(home, rows).duplicates)
    }

    @Test
    fun `an export is the same ledger elsewhere`() = withHome { engine, home ->
        val lunch = engine.addExpense(home, entry(euros("12.50"), "Corner Café"))
        val (file, again) = folder.resolve("home.jsonl") to folder.resolve("again.jsonl")
        assertEquals(1, engine.exportJsonl(home, file))
        assertEquals(1, engine.exportCsv(home, folder.resolve("home.csv")))
        Engine.inMemory().use { other ->
            other.importFile(file)
            assertEquals(lunch, other.expense(home, lunch.id))
            other.exportJsonl(home, again)
        }
        assertArrayEquals(file.readBytes(), again.readBytes())
    }

    @Test
    fun `two databases exchange commits and a conflict is settled`() = runTest {
        Engine.inMemory().use { ana ->
            Engine.inMemory().use { ben ->
                val home = ana.createLedger("Home", EUR).id
                ana.admitDevice(home, ben.deviceKey())
                val lunch = ana.addExpense(home, entry(euros("12.00"), "Lunch")).id
                exchange(ana, ben, home)
                ana.editExpense(home, lunch) { payee = "Corner Café" }
                ben.editExpense(home, lunch) { payee = "Café" }
                exchange(ana, ben, home)
                assertEquals(ana.heads(home), ben.heads(home))
                val conflict = ben.conflicts(home).single()
                assertEquals("payee" to setOf("Café", "Corner Café"), conflict.field to conflict.values.map { it.value.text }.toSet())
                assertTrue(conflict.values.all { it.time.epochSecond > 1_700_000_000 })
                val wanted = conflict.values.single { it.value.text == "Corner Café" }
                assertThrows<IllegalArgumentException> { ben.resolve(conflict, wanted.copy(timeMs = 0)) }
                ben.resolve(conflict, wanted)
                assertThrows<OutlayException.NotFound> { ben.resolve(conflict, "Somewhere else") }
                exchange(ana, ben, home)
                for (engine in listOf(ana, ben)) {
                    val found = engine.expense(home, lunch)
                    assertEquals("Corner Café" to false, found?.payee to found?.conflicted)
                }
                assertTrue(ana.takeInBatch(ana.batches(home).first()).held > 0u)
            }
        }
    }

    private suspend fun exchange(one: Engine, other: Engine, ledger: LedgerId) {
        for ((here, there) in listOf(one to other, other to one)) {
            val known = if (there.ledgers().any { it.id == ledger }) there.heads(ledger) else emptyList()
            for (batch in here.batches(ledger, known)) {
                assertEquals(emptyList<RefusedCommit>(), there.takeInBatch(batch).refused)
            }
        }
    }

    @Test
    fun `every kind of value has a text`() {
        val digits = "ab".repeat(16)
        val shown = listOf(
            Value.Empty, Value.Text("Café"), Value.Money(EntryKind.EXPENSE, euros("3.40"), null, null),
            Value.Date(day("2026-11-02")), Value.Time(LocalTime.of(8, 0)), Value.Thing(Named(DocumentId(digits), "Food")),
            Value.Flag(true), Value.Attachment(BlobHash(digits), 3u, "receipt.txt"), Value.Newer,
        )
        val texts = listOf("", "Café", "3.40 EUR", "2026-11-02", "08:00", "Food", "true", "receipt.txt", "?")
        assertEquals(texts, shown.map { it.text })
    }

    @Test
    fun `receipts stay with their entry`() = runTest {
        Engine.open(folder.resolve("a.outlay")).use { engine ->
            val home = engine.createLedger("Home", EUR).id
            val lunch = engine.addExpense(home, entry(euros("12.50"))).id
            val receipt = engine.attach(home, lunch, "receipt.txt", "12.50 EUR".toByteArray())
            assertEquals(listOf(receipt), engine.attachments(home, lunch))
            assertTrue(receipt.isHere)
            assertEquals("12.50 EUR", engine.readAttachment(home, lunch, receipt.hash)?.decodeToString())
            engine.detach(home, lunch, receipt.hash)
            assertEquals(emptyList<Attachment>(), engine.attachments(home, lunch))
        }
    }

    @Test
    fun `a backup is a database and doctor finds nothing`() = runTest {
        val home = Engine.open(folder.resolve("a.outlay")).use { engine ->
            val home = engine.createLedger("Home", EUR).id
            engine.backup(folder.resolve("b.outlay"))
            assertEquals(emptyList<String>(), engine.doctor().problems)
            home
        }
        Engine.open(folder.resolve("b.outlay")).use { copy ->
            assertEquals(listOf(home), copy.ledgers().map { it.id })
            assertFalse(copy.ledgers().single().name.isEmpty())
        }
    }
}

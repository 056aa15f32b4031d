package app.outlay

import app.outlay.ffi.InternalException
import java.nio.file.Path
import kotlin.io.path.Path
import kotlin.io.path.exists
import kotlin.io.path.readBytes
import kotlin.io.path.readLines
import kotlin.io.path.writeBytes
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** What is misused is named, and what fails says so. */
class ErrorsTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `a call that fails after it was cancelled was cancelled`() = runTest {
        Engine.inMemory().use { engine ->
            val ended = CompletableDeferred<Throwable?>()
            launch {
                val own = coroutineContext.job
                val failed = runCatching {
                    engine.call {
                        own.cancel()
                        shutDown()
                        ledgers()
                    }
                }
                ended.complete(failed.exceptionOrNull())
            }
            assertTrue(ended.await() is CancellationException)
        }
    }

    @Test
    fun `no time at all and no limit are both times to sync in`() = runTest {
        Engine.inMemory().use { engine ->
            for (timeout in listOf((-1).seconds, Duration.INFINITE)) {
                assertThrows<OutlayException.SignedOut> { engine.syncOnce(timeout) }
            }
        }
    }

    @Test
    fun `every error of the library has a class of its own`() {
        val listed = Path(System.getenv("OUTLAY_ERRORS")).readLines().filter { it.startsWith("OutlayError.") }
        val natives = app.outlay.ffi.OutlayException::class.java.permittedSubclasses
            ?: app.outlay.ffi.OutlayException::class.java.classes.filter { Exception::class.java.isAssignableFrom(it) }.toTypedArray()
        val ours = natives.map { kind ->
            val native = kind.getConstructor(String::class.java).newInstance("why") as app.outlay.ffi.OutlayException
            native.ours().also { assertEquals("why", it.message) }.javaClass.simpleName
        }
        assertEquals(listed.map { it.removePrefix("OutlayError.") }.sorted(), ours.sorted())
        assertEquals(listed.size, OutlayException::class.java.permittedSubclasses.size)
    }

    @Test
    fun `use after close is named and a second close does nothing`() = runTest {
        val engine = Engine.open(folder.resolve("a.outlay"))
        val home = engine.createLedger("Home", EUR).id
        engine.close()
        engine.close()
        val closed = assertThrows<OutlayException.Closed> { engine.ledgers() }
        assertEquals("the engine was closed", closed.message)
        engine.reopen()
        assertEquals(listOf(home), engine.ledgers().map { it.id })
        engine.close()
    }

    @Test
    fun `a text that is no unicode is named`() = runTest {
        Engine.inMemory().use { engine ->
            val home = engine.ensureDefaultLedger()
            assertThrows<OutlayException.InvalidInput> { engine.addExpense(home.id, entry(Money("1", "EUR"), "\ud83d")) }
            assertEquals(0, engine.expenses(home.id).toList().size)
        }
    }

    @Test
    fun `a path that is a folder or nowhere is refused`() = runTest {
        assertThrows<OutlayException.InvalidInput> { Engine.open(Path("")) }
        assertThrows<OutlayException.InvalidInput> { Engine.open(folder) }
        assertThrows<OutlayException.NotFound> { Engine.open(folder.resolve("nowhere/a.outlay")) }
    }

    @Test
    fun `a database of a newer version is refused untouched`() = runTest {
        val path = folder.resolve("a.outlay")
        Engine.open(path).close()
        // The version of a schema is at byte 60 of an SQLite file, and in use now: 4242.
        val bytes = path.readBytes().apply { this[62] = 0x10; this[63] = 0x92.toByte() }
        path.writeBytes(bytes)
        assertThrows<OutlayException.TooNew> { Engine.open(path) }
        assertArrayEquals(bytes, path.readBytes())
    }

    @Test
    fun `bad input is an error of the call and not of the engine`() = withHome { engine, home ->
        val wrong = assertThrows<OutlayException.InvalidInput> { engine.ledger(LedgerId("no id")) }
        assertTrue("hexadecimal" in wrong.message, wrong.message)
        assertThrows<OutlayException.NotFound> { engine.ledger(LedgerId("ab".repeat(16))) }
        assertThrows<OutlayException.InvalidInput> { engine.createLedger("Trips", Currency("euro")) }
        assertThrows<OutlayException.SignedOut> { engine.syncOnce() }
        assertEquals(home, engine.ledgers().single().id)
    }

    @Test
    fun `what the library does not expect is an error of ours`() {
        val thrown = assertThrows<OutlayException.Internal> { called { throw InternalException("a bug") } }
        assertEquals("a bug", thrown.message)
    }

    @Test
    fun `the device's key is kept where the app says`() = runTest {
        val (path, keys) = folder.resolve("a.outlay") to Keys()
        val device = Engine.open(path, Options(keyStore = keys)).use { engine ->
            assertEquals(32, keys.secret?.size)
            assertNull(engine.setAside())
            engine.deviceKey()
        }
        keys.isLocked = true
        val locked = assertThrows<OutlayException.Internal> { Engine.open(path, Options(keyStore = keys)) }
        assertTrue("key cannot be read" in locked.message, locked.message)
        keys.isLocked = false
        Engine.open(path, Options(keyStore = keys)).use { assertEquals(device, it.deviceKey()) }
        keys.secret = "short".toByteArray()
        assertThrows<OutlayException.Internal> { Engine.open(path, Options(keyStore = keys)) }
    }

    @Test
    fun `a store may call the engine that asks it`() = runTest {
        lateinit var engine: Engine
        val asked = mutableListOf<Int>()
        val tokens = object : TokenStore {
            var kept: String? = null

            override fun load(): String? = kept

            override fun save(tokens: String?) {
                asked += engine.native.ledgers().size
                kept = tokens
            }
        }
        engine = Engine.inMemory(Options(tokenStore = tokens))
        engine.use {
            it.signUp(Server.url, "calls-back-${System.nanoTime()}@example.org", PASSWORD)
            assertNotNull(tokens.kept)
            assertTrue(asked.isNotEmpty() && asked.all { size -> size == 0 }, "$asked")
        }
    }

    @Test
    fun `a damaged database is moved aside`() = runTest {
        val path = folder.resolve("a.outlay")
        path.writeBytes("SQLite format 3\u0000".toByteArray() + ByteArray(5000) { -1 })
        Engine.open(path).use { assertTrue(it.setAside()!!.exists()) }
    }
}

package app.outlay

import app.cash.turbine.test
import java.nio.file.Path
import java.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** Accounts, sync and members, with a real server. */
class SyncTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `what one device writes another one reads`() = withPeople(folder) { people ->
        val (phone, laptop) = people.device("ana") to people.device("ana")
        val home = phone.createLedger("Home", EUR).id
        val lunch = phone.addExpense(home, entry(euros("12.50"), "Corner Café")).id
        val receipt = phone.attach(home, lunch, "receipt.txt", "12.50 EUR".toByteArray())
        val report = phone.syncOnce()
        assertTrue(report.isComplete && report.pushed > 0u && report.filesUp == 1uL, "$report")
        assertNotNull(phone.syncStatus().caughtUp)
        laptop.syncOnce(30.seconds)
        assertEquals("Corner Café", laptop.expense(home, lunch)?.payee)
        assertNull(laptop.readAttachment(home, lunch, receipt.hash))
        assertArrayEquals("12.50 EUR".toByteArray(), laptop.fetchAttachment(home, lunch, receipt.hash))
        val devices = phone.devices().associateBy { it.name }
        assertTrue(devices.getValue("device 1").isThis && !devices.getValue("device 2").isThis)
        assertTrue(devices.getValue("device 1").seen!!.epochSecond > 1_700_000_000)
        phone.signOutDevice(laptop.deviceKey())
        assertThrows<OutlayException.SignedOut> { laptop.syncOnce() }
        phone.setMetered(true)
    }

    @Test
    fun `sync that runs is told and brings what others write`() = withPeople(folder) { people ->
        val (phone, laptop) = people.device("ana") to people.device("ana")
        val home = phone.createLedger("Home", EUR).id
        phone.liveSyncStatus().test(timeout = PATIENCE) {
            phone.startSync()
            phone.startSync()
            phone.retrySync()
            while (awaitItem().connection != Connection.LIVE) Unit
            laptop.syncOnce()
            laptop.startSync()
            laptop.live(home).test(timeout = PATIENCE) {
                assertEquals(emptyList<Expense>(), awaitItem())
                phone.addExpense(home, entry(euros("3.40"), "Café"))
                assertEquals("Café", awaitItem().single().payee)
                cancelAndIgnoreRemainingEvents()
            }
            phone.stopSync()
            phone.stopSync()
            cancelAndIgnoreRemainingEvents()
        }
        assertEquals(Connection.OFF, phone.syncStatus().connection)
    }

    @Test
    fun `an account is left, and what is nowhere else is not wiped by mistake`() = withPeople(folder) { people ->
        val phone = people.device("ana")
        assertTrue(phone.account()!!.email.startsWith("ana-"))
        phone.createLedger("Home", EUR)
        assertThrows<OutlayException.Forbidden> { phone.signOut(SignOut.WIPE) }
        phone.signOut(SignOut.WIPE_UNSENT)
        assertNull(phone.account())
        assertEquals(emptyList<Ledger>(), phone.ledgers())
        assertThrows<OutlayException.SignedOut> { phone.devices() }
    }

    @Test
    fun `a long call ends when its coroutine is cancelled`() = withPeople(folder) { people ->
        val phone = people.device("ana")
        val sync = CoroutineScope(Dispatchers.Default).launch {
            // Without end, if the call did not hear of the cancellation.
            untilCancelled { cancel -> while (true) phone.native.syncOnce(Duration.ofMinutes(1), cancel) }
        }
        phone.liveSyncStatus().first { it.caughtUp != null }
        sync.cancelAndJoin()
        assertTrue(sync.isCancelled)
        assertTrue(phone.syncOnce().isComplete, "the next one goes on")
    }

    @Test
    fun `the tokens are kept where the app says`() = runTest {
        val tokens = Tokens()
        Engine.inMemory(Options(tokenStore = tokens)).use { engine ->
            assertThrows<OutlayException.Forbidden> { engine.signIn(Server.url, "nobody@example.org", PASSWORD) }
            engine.signUp(Server.url, "tokens-${System.nanoTime()}@example.org", PASSWORD)
            assertNotNull(tokens.kept)
            engine.syncOnce()
            engine.signOut()
            assertNull(tokens.kept)
        }
    }

    @Test
    fun `a database that was copied with its key takes another one`() = runTest {
        val (keys, tokens) = Keys() to Tokens()
        Engine.open(folder.resolve("phone.outlay"), Options(keyStore = keys, tokenStore = tokens)).use { phone ->
            phone.signUp(Server.url, "copied-${System.nanoTime()}@example.org", PASSWORD)
            val home = phone.createLedger("Home", EUR).id
            phone.syncOnce()
            phone.backup(folder.resolve("copy.outlay"))
            val copiedKeys = Keys(keys.secret)
            val copiedTokens = Tokens().apply { kept = tokens.kept }
            val options = Options(keyStore = copiedKeys, tokenStore = copiedTokens)
            Engine.open(folder.resolve("copy.outlay"), options).use { copy ->
                for (engine in listOf(phone, copy)) {
                    engine.addExpense(home, entry(euros("3.40")))
                    engine.syncOnce()
                }
                assertNotEquals(phone.deviceKey(), copy.deviceKey())
                assertFalse(copiedKeys.secret.contentEquals(keys.secret))
            }
        }
    }

    @Test
    fun `a server that nobody runs is offline`() = runTest {
        Engine.inMemory().use { engine ->
            assertThrows<OutlayException.Offline> { engine.signUp("http://127.0.0.1:9", "ana@example.org", PASSWORD) }
        }
    }

    @Test
    fun `a ledger is shared by an invitation`() = withPeople(folder) { people ->
        val (ana, ben) = people.device("ana") to people.device("ben")
        val home = ana.createLedger("Home", EUR).id
        ana.setOwnName(home, "Ana")
        assertThrows<OutlayException.InvalidInput> { ana.invite(home, Role.VIEWER, validDays = 65_543) }
        val (open, used) = ana.invite(home, Role.VIEWER) to ana.invite(home, Role.EDITOR, validDays = 1)
        assertTrue(open.expires > used.expires)
        ana.syncOnce()
        val listed = ana.openInvitations(home).associateBy { it.key }
        assertEquals(setOf(open.key, used.key), listed.keys)
        assertEquals(used.expires, listed.getValue(used.key).expires)
        ana.takeBackInvitation(home, open.key)
        assertEquals(home, ben.joinLedger(used.code))
        ben.syncOnce()
        val coffee = ben.addExpense(home, entry(euros("3.40"), "Café")).id
        ben.syncOnce()
        ana.syncOnce()
        assertNotNull(ana.expense(home, coffee))
        val (me, other) = ana.members(home)
        assertTrue(me.isSelf && me.name == "Ana" && other.role == Role.EDITOR)
        assertEquals(0L to emptyList<AsideCommit>(), ana.fetchAside(home) to ana.aside(home))
        ana.setRole(home, other.id, Role.OWNER)
        ana.syncOnce()
        ben.syncOnce()
        ben.transferLedger(home, me.id)
        ben.syncOnce()
        ben.leaveLedger(home)
    }

    @Test
    fun `members come and go and a lost device is taken out`() = withPeople(folder) { people ->
        val (phone, laptop) = people.device("ana") to people.device("ana")
        val home = phone.createLedger("Home", EUR).id
        phone.admitDevice(home, laptop.deviceKey())
        assertThrows<OutlayException.InvalidInput> { phone.confirmDevice(home, laptop.deviceKey()) }
        Engine.inMemory().use { tablet ->
            phone.admitDevice(home, tablet.deviceKey())
            phone.removeDevice(home, tablet.deviceKey())
        }
        Engine.inMemory().use { stranger ->
            val ben = phone.addMember(home, stranger.deviceKey(), Role.VIEWER)
            phone.removeMember(home, ben)
        }
        phone.syncOnce()
        laptop.syncOnce()
        assertEquals(emptyList<LedgerId>(), phone.revokeDevice(laptop.deviceKey()))
        assertThrows<OutlayException.NotFound> { phone.accept(home, listOf(CommitId("07".repeat(32)))) }
    }

    @Test
    fun `times that the engine tells are instants`() {
        val device = DeviceKey("ab".repeat(32))
        val author = Author(null, device, null, true)
        assertEquals(1.milliseconds, Waiting(null, "later", 1u).retry)
        assertNull(Waiting(null, "never", null).retry)
        assertEquals(7, AsideCommit(CommitId("ab".repeat(32)), author, 7, 1u).time.toEpochMilli())
        assertEquals(7, Refusals("quota", "full", 1u, 7).since.toEpochMilli())
        assertNull(OpenInvitation(device, Role.VIEWER, null).expires)
    }
}

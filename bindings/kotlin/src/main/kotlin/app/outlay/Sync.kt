/** Accounts and sync: what an account is for is that this database and a server come to hold the same. */
package app.outlay

import app.outlay.ffi.Cancel
import app.outlay.ffi.Credentials
import app.outlay.ffi.SignInOptions
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlin.time.toJavaDuration
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow

/** The account that this database belongs to, if it belongs to one. */
public suspend fun Engine.account(): Account? = call { account() }

/** Makes an account and signs this database in to it. What is here goes up with the next sync. It waits for the network. */
public suspend fun Engine.signUp(
    server: String,
    email: String,
    password: String,
    name: String? = null,
    invitation: String? = null,
    deviceName: String = "",
): Account = call {
    signUp(server, Credentials(email, password), SignInOptions(name = name, invitation = invitation, deviceName = deviceName))
}

/**
 * Signs this database in to an account. Its ledgers come with the next sync. It waits for the network.
 *
 * `code` is that of an authenticator app, or a recovery code, if the account wants one.
 */
public suspend fun Engine.signIn(
    server: String,
    email: String,
    password: String,
    code: String? = null,
    deviceName: String = "",
): Account = call { signIn(server, Credentials(email, password), SignInOptions(deviceName = deviceName, code = code)) }

/** Leaves the account, keeping what is here or wiping it. It can be done without a network too. */
public suspend fun Engine.signOut(how: SignOut = SignOut.KEEP): Unit = call { signOut(how) }

/** The devices of the account, as the server lists them. It waits for the network. */
public suspend fun Engine.devices(): List<KnownDevice> = call { devices() }

/** Signs a device out of the account, as when a phone is lost. It waits for the network. */
public suspend fun Engine.signOutDevice(device: DeviceKey): Unit = call { signOutDevice(device) }

/** Signs a lost device out, and takes it out of every ledger but those that are answered. It waits for the network. */
public suspend fun Engine.revokeDevice(device: DeviceKey): List<LedgerId> = call { revokeDevice(device) }

/**
 * Returns when everything is alike here and on the server, or when the time is up. It waits for the network.
 *
 * Cancelling the coroutine ends it. What was done by then stays done, and the next sync goes on from there. A timeout
 * below zero is none at all.
 */
public suspend fun Engine.syncOnce(timeout: Duration = 1.minutes): SyncReport =
    untilCancelled { cancel -> native.syncOnce(timeout.coerceAtLeast(Duration.ZERO).toJavaDuration(), cancel) }

/** Keeps this database in sync from a thread of the engine's, until it is stopped or the engine is closed. */
public suspend fun Engine.startSync(): Unit = call { startSync() }

/** Tries now what sync would try again later: the network is back, or the app is in front again. */
public suspend fun Engine.retrySync(): Unit = call { retrySync() }

/** Ends what keeps this database in sync. A second time does nothing. */
public suspend fun Engine.stopSync(): Unit = call { stopSync() }

/** How sync stands: who is signed in, how the connection is, what is here only, and what waits for what. */
public suspend fun Engine.syncStatus(): SyncStatus = call { syncStatus() }

/** How sync stands now and whenever that changes. It completes when the engine is closed. */
public fun Engine.liveSyncStatus(): Flow<SyncStatus> = watched { tell -> native.observeSync(LiveStatus(tell)) }

/** Says whether the network is paid for by the byte: files wait then. */
public suspend fun Engine.setMetered(isMetered: Boolean): Unit = call { setMetered(isMetered) }

/** A long call that ends soon after its coroutine was cancelled. */
internal suspend fun <T> untilCancelled(work: (Cancel) -> T): T = Cancel().use { cancel ->
    coroutineScope {
        // Its failure is a result: as an exception of a child it would be thrown in place of the cancellation.
        val done = async(Dispatchers.IO) { runCatching { called { work(cancel) } } }
        try {
            done.await().getOrThrow()
        } catch (cancelled: CancellationException) {
            cancel.cancel()
            throw cancelled
        }
    }
}

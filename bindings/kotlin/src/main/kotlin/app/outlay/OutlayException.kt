package app.outlay

import app.outlay.ffi.InternalException
import app.outlay.ffi.OutlayException as Native

/**
 * Why a call was not done: the class says what a caller can do about it, the message is a sentence for people.
 *
 * Messages hold no amounts, payees, notes or names, except of what was passed in to be parsed.
 */
public sealed class OutlayException(override val message: String) : Exception(message) {
    /** The input is not what it must be; nothing was written. */
    public class InvalidInput internal constructor(message: String) : OutlayException(message)

    /** There is no such ledger, thing, conflict or file. */
    public class NotFound internal constructor(message: String) : OutlayException(message)

    /** This device may not do that in this ledger. */
    public class Forbidden internal constructor(message: String) : OutlayException(message)

    /** The database or a file was made by a newer version; it was left untouched. */
    public class TooNew internal constructor(message: String) : OutlayException(message)

    /** The disk, or the size the database may have, is full. Nothing was changed, and the engine goes on. */
    public class DiskFull internal constructor(message: String) : OutlayException(message)

    /** The database file is damaged. It was set aside or left as it is, never deleted. */
    public class Corrupt internal constructor(message: String) : OutlayException(message)

    /** There is no account here, or this device was signed out of it: sign in. What is on the device stays. */
    public class SignedOut internal constructor(message: String) : OutlayException(message)

    /** The database belongs to another account: sign out first, and choose whether what is on the device stays. */
    public class OtherAccount internal constructor(message: String) : OutlayException(message)

    /** The server cannot be reached or does not answer. What was done here is kept and goes up later. */
    public class Offline internal constructor(message: String) : OutlayException(message)

    /** The server asks to wait, or is full. */
    public class RateLimited internal constructor(message: String) : OutlayException(message)

    /** The call was asked to stop. A cancelled coroutine throws its own `CancellationException` in place of it. */
    public class Cancelled internal constructor(message: String) : OutlayException(message)

    /** A bug, or the operating system refused something. */
    public class Internal internal constructor(message: String) : OutlayException(message)

    /** The engine was closed before. */
    public class Closed internal constructor(message: String) : OutlayException(message)

    /** A call ended by a bug, this one or one before it. What was durable before that call is; [Engine.reopen]. */
    public class Panicked internal constructor(message: String) : OutlayException(message)
}

/** The error of the library as one of ours. It has no `else`, so that a new one does not compile until it is here. */
internal fun Native.ours(): OutlayException = when (this) {
    is Native.InvalidInput -> OutlayException.InvalidInput(reason)
    is Native.NotFound -> OutlayException.NotFound(reason)
    is Native.Forbidden -> OutlayException.Forbidden(reason)
    is Native.TooNew -> OutlayException.TooNew(reason)
    is Native.DiskFull -> OutlayException.DiskFull(reason)
    is Native.Corrupt -> OutlayException.Corrupt(reason)
    is Native.SignedOut -> OutlayException.SignedOut(reason)
    is Native.OtherAccount -> OutlayException.OtherAccount(reason)
    is Native.Offline -> OutlayException.Offline(reason)
    is Native.RateLimited -> OutlayException.RateLimited(reason)
    is Native.Cancelled -> OutlayException.Cancelled(reason)
    is Native.Internal -> OutlayException.Internal(reason)
    is Native.Closed -> OutlayException.Closed(reason)
    is Native.Panicked -> OutlayException.Panicked(reason)
}

/** Calls the library, with its error as one of ours. */
internal inline fun <T> called(call: () -> T): T =
    try {
        call()
    } catch (error: Native) {
        throw error.ours()
    } catch (_: CharacterCodingException) {
        throw OutlayException.InvalidInput("a text cannot be written as UTF-8")
    } catch (error: InternalException) {
        throw OutlayException.Internal(error.message ?: "a bug at the boundary to the engine")
    }

"""What a call can fail with: one class for each thing that a caller can do about it.

``str()`` of each is a sentence for people. It holds no amounts, payees, notes or names, except of what was passed in to be
parsed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from outlay._native import outlay as native

P = ParamSpec("P")
T = TypeVar("T")


class OutlayError(Exception):
    """Any error of the engine's."""


class InvalidInputError(OutlayError, ValueError):
    """The input is not what it must be; nothing was written."""


class NotFoundError(OutlayError, LookupError):
    """There is no such ledger, thing, conflict or file."""


class ForbiddenError(OutlayError):
    """This device may not do that in this ledger."""


class TooNewError(OutlayError):
    """The database or a file was made by a newer version; it was left untouched."""


class DiskFullError(OutlayError):
    """The disk, or the size the database may have, is full. Nothing was changed, and the engine goes on."""


class CorruptError(OutlayError):
    """The database file is damaged. It was set aside or left as it is, never deleted."""


class SignedOutError(OutlayError):
    """There is no account here, or this device was signed out of it: sign in. What is on the device stays."""


class OtherAccountError(OutlayError):
    """The database belongs to another account: sign out first, and choose whether what is on the device stays."""


class OfflineError(OutlayError):
    """The server cannot be reached or does not answer. What was done here is kept and goes up later."""


class RateLimitedError(OutlayError):
    """The server asks to wait, or is full."""


class CancelledError(OutlayError):
    """The caller asked to stop."""


class InternalError(OutlayError):
    """A bug, or the operating system refused something."""


class ClosedError(OutlayError):
    """The engine was closed before."""


class PanickedError(OutlayError):
    """A call ended by a bug, this one or one before it. What was durable before that call is; open the engine anew."""


# What uniffi writes of an error with variants has no types.
_variants: Any = native.OutlayError

KINDS: dict[type[Exception], type[OutlayError]] = {
    _variants.InvalidInput: InvalidInputError,
    _variants.NotFound: NotFoundError,
    _variants.Forbidden: ForbiddenError,
    _variants.TooNew: TooNewError,
    _variants.DiskFull: DiskFullError,
    _variants.Corrupt: CorruptError,
    _variants.SignedOut: SignedOutError,
    _variants.OtherAccount: OtherAccountError,
    _variants.Offline: OfflineError,
    _variants.RateLimited: RateLimitedError,
    _variants.Cancelled: CancelledError,
    _variants.Internal: InternalError,
    _variants.Closed: ClosedError,
    _variants.Panicked: PanickedError,
}
"""The class of each variant of the engine's error. A test holds it against what the library says."""


def called(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls the engine, with its error as one of these."""
    try:
        return function(*args, **kwargs)
    except native.OutlayError as error:
        reason: str = getattr(error, "reason")
        raise KINDS[type(error)](reason) from None
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"a text cannot be written as UTF-8: {error.reason}") from None
    except native.InternalError as error:
        raise InternalError(str(error)) from None

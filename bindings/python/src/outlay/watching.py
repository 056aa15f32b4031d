"""What is told while it changes: live queries, sync, the log, and how far long calls are."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Generic, TypeVar

from outlay._native import outlay as native
from outlay._native.outlay import Diff, Expense, ImportProgress, InsightProgress, LogLine, SyncStatus
from outlay.errors import CancelledError

T = TypeVar("T")


def _tell(callback: Callable[[T], object], news: T) -> None:
    """Calls back. What it raises is reported as in any thread, and ends the watch."""
    try:
        callback(news)
    except BaseException:
        threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
        raise


class EntryObserver(native.Observer):
    """Tells a function what changes among entries."""

    def __init__(self, callback: Callable[[Diff], object]) -> None:
        self._callback = callback

    def changed(self, diff: Diff) -> None:
        _tell(self._callback, diff)


class StatusObserver(native.SyncObserver):
    """Tells a function how sync stands."""

    def __init__(self, callback: Callable[[SyncStatus], object]) -> None:
        self._callback = callback

    def changed(self, status: SyncStatus) -> None:
        _tell(self._callback, status)


class LogSink(native.LogSink):
    """Tells a function the lines of the log: ``Options(log_sink=LogSink(print))``. One that raises is not called again."""

    def __init__(self, callback: Callable[[LogLine], object]) -> None:
        self._callback = callback

    def log(self, line: LogLine) -> None:
        _tell(self._callback, line)


class Telling(Generic[T]):
    """Tells a function how far a long call is, and keeps what it raises, which ends the call."""

    raised: BaseException | None = None

    def __init__(self, callback: Callable[[T], object]) -> None:
        self._callback = callback

    def progressed(self, progress: T) -> None:
        try:
            self._callback(progress)
        except BaseException as error:
            self.raised = error
            failed: Any = native.CallbackError
            raise failed.Failed(repr(error)) from error


class ImportTelling(Telling[ImportProgress], native.ProgressObserver):
    """What is told of an import."""


class InsightTelling(Telling[InsightProgress], native.InsightObserver):
    """What is told of insights."""


@contextmanager
def raising(telling: Telling[T] | None) -> Iterator[None]:
    """Raises what ended the call that was told of, in place of that it was ended."""
    try:
        yield
    except CancelledError:
        if telling and telling.raised:
            raise telling.raised from None
        raise


class Cancel:
    """What ends a long call from another thread."""

    def __init__(self) -> None:
        untyped: Any = native
        self.native: native.Cancel = untyped.Cancel()

    def cancel(self) -> None:
        """Ends the call that it was given to, which raises ``CancelledError``; one that it is given to later ends at once."""
        self.native.cancel()


class Subscription:
    """Something that is watched, until this is cancelled or its ``with`` is left."""

    def __init__(self, inner: native.Subscription) -> None:
        self._inner = inner

    def cancel(self) -> None:
        """Ends it. A call that is under way ends first, unless this is called from it. A second time does nothing."""
        self._inner.cancel()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.cancel()


def apply(entries: list[Expense], diff: Diff) -> list[Expense]:
    """The entries of a live query after a difference."""
    removed = set(diff.removed)
    after = [entry for entry in entries if entry.id not in removed]
    for inserted in diff.inserted:
        after.insert(inserted.place, inserted.expense)
    updated = {entry.id: entry for entry in diff.updated}
    return [updated.get(entry.id, entry) for entry in after]


class LiveQuery:
    """The first entries that pass a filter, as they are now and whenever they change.

    Iterating gives the whole list at first and after each change; changes that come faster than they are asked for are seen
    as one. It ends when another thread closes it or the engine.
    """

    def __init__(self, start: Callable[[native.Observer], native.Subscription]) -> None:
        self._entries: list[Expense] = []
        self._is_new = self._is_closed = False
        self._changed = threading.Condition()
        self._subscription = Subscription(start(EntryObserver(self._take)))

    def _take(self, diff: Diff) -> None:
        with self._changed:
            self._entries = apply(self._entries, diff)
            self._is_new = True
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> list[Expense] | None:
        """The entries as soon as they are others than were seen last; nothing after so many seconds, or when it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_new or self._is_closed, timeout)
            if not self._is_new or self._is_closed:
                return None
            self._is_new = False
            return list(self._entries)

    def __iter__(self) -> Iterator[list[Expense]]:
        while (entries := self.wait()) is not None:
            yield entries

    def close(self) -> None:
        """Ends it. A second time does nothing."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._subscription.cancel()

    def __enter__(self) -> LiveQuery:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

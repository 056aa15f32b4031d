"""The engine: ledgers and expenses in a file of this device, with or without a network.

Every call works on the local file and returns when its result is durable; those that wait for a network say so. An engine may
be shared between threads, which run while a call does.
"""

from __future__ import annotations

import atexit
import datetime
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from types import TracebackType
from typing import Any, Final

from outlay._native import outlay as native
from outlay._native.outlay import (
    Diff,
    EntryKind,
    Expense,
    Filter,
    ImportProgress,
    Imported,
    ImportRow,
    Ledger,
    Named,
    NewExpense,
    Page,
    Sort,
    SyncStatus,
    Total,
    Undone,
)
from outlay.account import AccountCalls
from outlay.errors import called
from outlay.insights import InsightCalls
from outlay.members import MemberCalls
from outlay.money import Money
from outlay.receipts import ReceiptCalls
from outlay.watching import Cancel, EntryObserver, ImportTelling, LiveQuery, StatusObserver, Subscription, raising


class _Keep(Enum):
    KEEP = "keep"


KEEP: Final = _Keep.KEEP
"""What an edit leaves as it is."""

# What uniffi writes of an enum with data has no types.
_untyped: Any = native

Reference = Named | str | Sequence[str]
"""An account or a category: one that is there, or a name, or the path of a category from the top. It is made if it is not there."""


def _reference(to: Reference | None) -> native.Reference | None:
    if to is None:
        return None
    if isinstance(to, Named):
        reference: native.Reference = _untyped.Reference.ID(to.id)
    else:
        reference = _untyped.Reference.PATH([to] if isinstance(to, str) else list(to))
    return reference


def _tags(tags: Iterable[str]) -> list[str]:
    if isinstance(tags, str):
        raise TypeError("tags are a list of texts, not one text")
    return list(tags)


def _change(to: Reference | None | _Keep) -> native.OptionalReference | None:
    if isinstance(to, _Keep):
        return None
    change: native.OptionalReference = _optional(_untyped.OptionalReference, _reference(to))
    return change


def _optional(kind: Any, value: object) -> Any:
    return kind.NOTHING() if value is None else kind.TO(value)


def entry(
    amount: Money,
    payee: str = "",
    *,
    kind: EntryKind = EntryKind.EXPENSE,
    category: Reference | None = None,
    account: Reference | None = None,
    to_account: Reference | None = None,
    date: datetime.date | None = None,
    time: datetime.time | None = None,
    note: str = "",
    tags: Iterable[str] = (),
    refund_of: str | None = None,
) -> NewExpense:
    """An entry to be added or imported: an expense of today, unless it says otherwise."""
    return NewExpense(
        kind=kind,
        amount=amount,
        payee=payee,
        category=_reference(category),
        account=_reference(account),
        to_account=_reference(to_account),
        date=date,
        time=time,
        note=note,
        tags=_tags(tags),
        refund_of=refund_of,
    )


def where(
    *,
    since: datetime.date | None = None,
    until: datetime.date | None = None,
    month: str | None = None,
    category: str | None = None,
    account: str | None = None,
    payee: str | None = None,
    tag: str | None = None,
    kind: EntryKind | None = None,
    amount_min: Money | None = None,
    amount_max: Money | None = None,
    text: str | None = None,
    deleted: bool = False,
) -> Filter:
    """Which entries to list: each that is named narrows the answer. Both days belong to it; a category has those below it."""
    return Filter(
        _from=since,
        to=until,
        month=month,
        category=category,
        account=account,
        payee=payee,
        tag=tag,
        kind=kind,
        amount_min=amount_min,
        amount_max=amount_max,
        text=text,
        deleted=deleted,
    )


_opened: weakref.WeakSet[Engine] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Closes what is still open: a thread of the engine's must not call back into an interpreter that ends."""
    for engine in list(_opened):
        engine.close()


class Engine(AccountCalls, InsightCalls, MemberCalls, ReceiptCalls):
    """The engine on one database; a ``with`` closes it.

    >>> with Engine.in_memory() as engine:
    ...     home = engine.create_ledger("Home", "EUR")
    ...     engine.add_expense(home.id, entry(Money("12.50", "EUR"), "Corner Café")).payee
    'Corner Café'
    """

    def __init__(self, path: str | os.PathLike[str], options: native.Options | None = None) -> None:
        """Opens the database in a file, and makes it if there is none. A damaged one is moved aside, never deleted."""
        self._begin(called(native.Engine.open, os.fspath(path), options or native.Options()))

    @classmethod
    def in_memory(cls, options: native.Options | None = None) -> Engine:
        """Opens a database that lives as long as the engine."""
        engine = cls.__new__(cls)
        engine._begin(called(native.Engine.open_in_memory, options or native.Options()))
        return engine

    def _begin(self, opened: native.Engine) -> None:
        self._native = opened
        self._live: weakref.WeakSet[LiveQuery] = weakref.WeakSet()
        _opened.add(self)

    def close(self) -> None:
        """Closes the database and ends what is watched. Calls after it raise :class:`ClosedError`; a second time does nothing."""
        self._native.shut_down()
        for live in list(self._live):
            live.close()

    def reopen(self) -> None:
        """Opens the database again, after it was closed or after a call ended by a bug. What was durable is there."""
        self.close()
        called(self._native.reopen)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def device_key(self) -> str:
        """The public key of this device: what another device admits."""
        return called(self._native.device_key)

    @property
    def set_aside(self) -> str | None:
        """Where a damaged database was moved when this one was opened in its place."""
        return called(self._native.set_aside)

    # Ledgers

    def create_ledger(self, name: str, currency: str) -> Ledger:
        """Makes a ledger. The first one is the default ledger."""
        return called(self._native.create_ledger, name, currency)

    def ledgers(self) -> list[Ledger]:
        """The ledgers on this device."""
        return called(self._native.ledgers)

    def ledger(self, ledger: str) -> Ledger:
        """A ledger on this device."""
        return called(self._native.ledger, ledger)

    def default_ledger(self) -> Ledger | None:
        """The ledger into which entries go when none is named, if there is one."""
        return called(self._native.default_ledger)

    def ensure_default_ledger(self) -> Ledger:
        """The default ledger, which is made if there is none."""
        return called(self._native.ensure_default_ledger)

    def set_default_ledger(self, ledger: str) -> None:
        """Makes a ledger the default one."""
        called(self._native.set_default_ledger, ledger)

    def accounts(self, ledger: str) -> list[Named]:
        """The accounts of a ledger, by name."""
        return called(self._native.accounts, ledger)

    def categories(self, ledger: str) -> list[Named]:
        """The categories of a ledger, by path."""
        return called(self._native.categories, ledger)

    def find_category(self, ledger: str, path: Sequence[str]) -> Named | None:
        """The category of a path from the top, if there is one."""
        return called(self._native.find_category, ledger, list(path))

    def find_account(self, ledger: str, name: str) -> Named | None:
        """The account of a name, if there is one."""
        return called(self._native.find_account, ledger, name)

    # Entries

    def add_expense(self, ledger: str, new: NewExpense) -> Expense:
        """Adds an entry, made by :func:`entry`, and returns it as stored. It is durable then."""
        return called(self._native.add_expense, ledger, new)

    def edit_expense(
        self,
        ledger: str,
        expense: str,
        *,
        kind: EntryKind | None = None,
        amount: Money | None = None,
        payee: str | None = None,
        category: Reference | None | _Keep = KEEP,
        account: Reference | None | _Keep = KEEP,
        to_account: Reference | None | _Keep = KEEP,
        date: datetime.date | None = None,
        time: datetime.time | None | _Keep = KEEP,
        note: str | None = None,
        tags: Iterable[str] | None = None,
        refund_of: str | None | _Keep = KEEP,
    ) -> Expense:
        """Changes fields of an entry and returns it as stored. What is not named stays; ``None`` clears what may be empty."""
        edit = native.Edit(
            kind=kind,
            amount=amount,
            payee=payee,
            category=_change(category),
            account=_change(account),
            to_account=_change(to_account),
            date=date,
            time=None if isinstance(time, _Keep) else _optional(_untyped.OptionalTime, time),
            note=note,
            tags=None if tags is None else _tags(tags),
            refund_of=None if isinstance(refund_of, _Keep) else _optional(_untyped.OptionalId, refund_of),
        )
        return called(self._native.edit_expense, ledger, expense, edit)

    def delete_expense(self, ledger: str, expense: str) -> Expense:
        """Moves an entry to the trash."""
        return called(self._native.delete_expense, ledger, expense)

    def restore_expense(self, ledger: str, expense: str) -> Expense:
        """Takes an entry out of the trash."""
        return called(self._native.restore_expense, ledger, expense)

    def expense(self, ledger: str, expense: str) -> Expense | None:
        """An entry, if the ledger has it."""
        return called(self._native.expense, ledger, expense)

    def find_expense(self, expense: str) -> Expense | None:
        """An entry of any ledger on this device."""
        return called(self._native.find_expense, expense)

    def page(
        self,
        ledger: str,
        filter: Filter | None = None,
        *,
        sort: Sort = Sort.NEWEST,
        after: str | None = None,
        limit: int = 50,
    ) -> Page:
        """One page of the entries that pass a filter. ``after`` is the ``next`` of the page before it."""
        return called(self._native.query, ledger, filter or Filter(), sort, after, limit)

    def expenses(
        self, ledger: str, filter: Filter | None = None, *, sort: Sort = Sort.NEWEST, page_size: int = 200
    ) -> Iterator[Expense]:
        """All entries that pass a filter, read page by page as they are asked for."""
        after = None
        while True:
            page = self.page(ledger, filter, sort=sort, after=after, limit=page_size)
            yield from page.expenses
            if page.next is None:
                return
            after = page.next

    def totals(self, ledger: str, first: str, last: str) -> list[Total]:
        """What was spent and earned from one month to another (``2026-11``), by month, category and currency."""
        return called(self._native.totals, ledger, first, last)

    def observe(
        self,
        ledger: str,
        changed: Callable[[Diff], object],
        filter: Filter | None = None,
        *,
        sort: Sort = Sort.NEWEST,
        limit: int = 50,
    ) -> Subscription:
        """Calls back with everything at first and with every difference after a commit, on a thread of the engine's."""
        observer = EntryObserver(changed)
        return Subscription(called(self._native.observe, ledger, filter or Filter(), sort, limit, observer))

    def live(
        self, ledger: str, filter: Filter | None = None, *, sort: Sort = Sort.NEWEST, limit: int = 50
    ) -> LiveQuery:
        """The first entries that pass a filter, as they are now and whenever they change."""
        live = LiveQuery(
            lambda observer: called(self._native.observe, ledger, filter or Filter(), sort, limit, observer)
        )
        self._live.add(live)
        return live

    # What collided, what was done, and taking it back

    def conflicts(self, ledger: str) -> list[native.Conflict]:
        """The fields of a ledger that hold several values, because devices that did not know of each other set them."""
        return called(self._native.conflicts, ledger)

    def resolve(self, conflict: native.Conflict, to: int | str) -> None:
        """Settles a conflict, on every device: by the place of one of its values, or by a text that is parsed as they are.

        It is refused if its values have changed since.
        """
        resolution = _untyped.Resolution.CHOOSE(to) if isinstance(to, int) else _untyped.Resolution.TEXT(to)
        called(self._native.resolve, conflict, resolution)

    def history(self, ledger: str, document: str) -> list[native.HistoryEntry]:
        """What was done to a thing, oldest first: by whom, when, and what it set."""
        return called(self._native.history, ledger, document)

    def undo(self) -> Undone | None:
        """Undoes the last action of this device that is not undone, a whole import too; ``None`` if there is none."""
        return called(self._native.undo)

    # Files in and out

    def import_file(
        self,
        source: bytes | str | os.PathLike[str],
        options: native.ImportOptions | None = None,
        *,
        progress: Callable[[ImportProgress], object] | None = None,
        cancel: Cancel | None = None,
    ) -> Imported:
        """Imports a file, by its path or its bytes: a CSV of a bank or an app, or JSON Lines.

        The same file adds nothing twice. What ``progress`` raises ends the import, which has written nothing then, and is
        raised here.
        """
        if not isinstance(source, bytes):
            with open(source, "rb") as file:
                source = file.read()
        telling = ImportTelling(progress) if progress else None
        with raising(telling):
            return called(self._native.import_file, source, options or native.ImportOptions(), telling, cancel and cancel.native)

    def import_rows(self, ledger: str, rows: Iterable[ImportRow]) -> Imported:
        """Imports entries that an app made itself, of bank messages, say. Each is as a row of a file is."""
        return called(self._native.import_rows, ledger, list(rows))

    def guess_profile(self, source: bytes) -> str:
        """What the columns of a CSV mean, as far as it shows: a JSON object."""
        return called(self._native.guess_profile, source)

    def save_profile(self, name: str, profile: str) -> None:
        """Keeps a profile under a name, in place of what was kept under it."""
        called(self._native.save_profile, name, profile)

    def profile(self, name: str) -> str | None:
        """The profile of a name, if there is one."""
        return called(self._native.profile, name)

    def profiles(self) -> list[str]:
        """The names of the profiles that are kept."""
        return called(self._native.profiles)

    def export_jsonl(self, ledger: str, path: str | os.PathLike[str]) -> int:
        """Writes a ledger with its whole history to a file, and says how many entries it has."""
        return called(self._native.export_jsonl, ledger, os.fspath(path))

    def export_csv(self, ledger: str, path: str | os.PathLike[str]) -> int:
        """Writes the entries that are not in the trash to a file, and says how many there are."""
        return called(self._native.export_csv, ledger, os.fspath(path))

    def heads(self, ledger: str) -> list[str]:
        """What another database is told to say which commits are held here."""
        return called(self._native.heads, ledger)

    def batches(self, ledger: str, known: Iterable[str] = ()) -> list[bytes]:
        """The commits that somebody with these heads lacks, as bytes that another database takes in."""
        return called(self._native.batches, ledger, list(known))

    def take_in_batch(self, batch: bytes) -> native.TakenIn:
        """Takes in commits of another database. What is refused is named, and the rest goes in."""
        return called(self._native.take_in_batch, batch)

    def backup(self, to: str | os.PathLike[str]) -> None:
        """Copies the database into a new file while the engine goes on. The device's key is not in it."""
        called(self._native.backup, os.fspath(to))

    def doctor(self) -> native.Diagnosis:
        """Checks the file and every commit in it, makes every projection anew from the commits, and compares."""
        return called(self._native.doctor)

    def observe_sync(self, changed: Callable[[SyncStatus], object]) -> Subscription:
        """Calls back with how sync stands, now and whenever that changes, on a thread of its own."""
        return Subscription(called(self._native.observe_sync, StatusObserver(changed)))


def quick_add(
    path: str | os.PathLike[str], new: NewExpense, *, ledger: str | None = None, options: native.Options | None = None
) -> Expense:
    """Adds one entry from a process that does nothing else, as a widget does, also while an app has the database open."""
    return called(native.quick_add, os.fspath(path), options or native.Options(), ledger, new)

"""Live queries: what is told, and what may be done while it is."""

from __future__ import annotations

import queue
import threading

import pytest

from outlay import Connection, Diff, Engine, Expense, Money, SyncStatus, apply, entry


def test_a_live_query_shows_what_is_there_and_what_changes(engine: Engine, home: str) -> None:
    coffee = engine.add_expense(home, entry(Money("3.40", "EUR"), "Café"))
    with engine.live(home) as live:
        states = iter(live)
        assert [e.payee for e in next(states)] == ["Café"]
        engine.edit_expense(home, coffee.id, payee="Corner Café")
        assert [e.payee for e in next(states)] == ["Corner Café"]
        engine.delete_expense(home, coffee.id)
        assert next(states) == []
        assert live.wait(0) is None
    assert list(live) == []


def test_a_live_query_ends_with_its_engine(engine: Engine, home: str) -> None:
    states: list[int] = []
    began = threading.Event()
    live = engine.live(home)

    def follow() -> None:
        for entries in live:
            states.append(len(entries))
            began.set()

    follower = threading.Thread(target=follow)
    follower.start()
    assert began.wait(10)
    engine.close()
    follower.join(10)
    assert not follower.is_alive() and states == [0]
    engine.reopen()
    with engine.live(engine.create_ledger("Home", "EUR").id) as again:
        engine.reopen()
        assert again.wait(10) is None


def test_an_observer_may_call_the_engine_and_end_its_own_watch(engine: Engine, home: str) -> None:
    told: queue.Queue[list[Expense]] = queue.Queue()
    holder: list[object] = []
    ready = threading.Event()

    def changed(diff: Diff) -> None:
        ready.wait(10)
        told.put(engine.page(home).expenses)
        holder[0].cancel()  # type: ignore[attr-defined]

    holder.append(engine.observe(home, changed))
    ready.set()
    assert told.get(timeout=10) == []
    engine.add_expense(home, entry(Money("3.40", "EUR")))
    with pytest.raises(queue.Empty):
        told.get(timeout=0.5)


def test_an_observer_that_raises_is_reported_and_not_called_again(
    engine: Engine, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: queue.Queue[threading.ExceptHookArgs] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", raised.put)

    def changed(_: Diff) -> None:
        raise RuntimeError("a bug of the app")

    with engine.observe(home, changed), engine.live(home) as others:
        assert str(raised.get(timeout=10).exc_value) == "a bug of the app"
        others.wait(10)
        engine.add_expense(home, entry(Money("3.40", "EUR")))
        assert others.wait(10), "the others go on"
        assert raised.empty()


def test_differences_are_applied_in_their_order(engine: Engine, home: str) -> None:
    diffs: queue.Queue[Diff] = queue.Queue()
    a, b, c = (engine.add_expense(home, entry(Money(n, "EUR"), str(n))) for n in (1, 2, 3))
    with engine.observe(home, diffs.put):
        shown = apply([], diffs.get(timeout=10))
        engine.edit_expense(home, b.id, payee="two")
        engine.delete_expense(home, a.id)
        while len(shown) != 2 or "two" not in [e.payee for e in shown]:
            shown = apply(shown, diffs.get(timeout=10))
    assert shown == engine.page(home).expenses


def test_sync_is_told_from_the_beginning(engine: Engine) -> None:
    told: queue.Queue[SyncStatus] = queue.Queue()
    with engine.observe_sync(told.put):
        assert told.get(timeout=10).connection == Connection.OFF
        home = engine.create_ledger("Home", "EUR").id
        assert [status.ledger for status in told.get(timeout=10).ledgers] == [home]

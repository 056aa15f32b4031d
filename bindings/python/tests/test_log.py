"""What the engine tells the log of the app, and sinks that misbehave."""

from __future__ import annotations

import queue
import threading
from pathlib import Path

import pytest

from conftest import PASSWORD
from outlay import Engine, Ledger, LogLevel, LogLine, LogSink, Money, Options, entry


def test_a_log_says_what_was_opened_and_how_sync_went_and_nothing_that_a_person_wrote(server: str, tmp_path: Path) -> None:
    lines: list[LogLine] = []
    with Engine(tmp_path / "a.outlay", Options(log_sink=LogSink(lines.append))) as engine:
        device = engine.device_key
        home = engine.create_ledger("Secret ledger", "EUR").id
        engine.add_expense(home, entry(Money("12.34", "EUR"), "Secret payee"))
        engine.sign_up(server, f"secret-{tmp_path.name}@example.org", PASSWORD)
        engine.sync_once()
    # Closing has waited for the last line.
    assert lines[0] == LogLine(level=LogLevel.INFO, target="store", message="made a database of schema step 5")
    messages = [line.message for line in lines]
    assert (messages[1], messages[-1]) == (f"opened by device {device}", "closed")
    (synced,) = [line for line in lines if line.message.startswith("synced: ")]
    assert (synced.level, synced.target) == (LogLevel.INFO, "sync")
    assert synced.message.endswith("0 refused, 0 damaged, all alike: true")
    assert not [m for m in messages for secret in ("ecret", "12.34", "example", PASSWORD) if secret in m]


def test_a_sink_that_raises_is_reported_and_not_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: queue.Queue[threading.ExceptHookArgs] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", raised.put)
    lines: list[LogLine] = []

    def fails(line: LogLine) -> None:
        lines.append(line)
        raise RuntimeError("a bug of the app")

    with Engine.in_memory(Options(log_sink=LogSink(fails))) as engine:
        assert engine.create_ledger("Home", "EUR").name == "Home"
    assert [line.target for line in lines] == ["store"]
    assert str(raised.get(timeout=10).exc_value) == "a bug of the app" and raised.empty()


def test_a_sink_may_call_the_engine_and_close_it() -> None:
    told: queue.Queue[list[Ledger]] = queue.Queue()
    holder: list[Engine] = []

    def calls_back(line: LogLine) -> None:
        if holder and line.target == "sync":
            engine = holder.pop()
            ledgers = engine.ledgers()
            engine.close()
            told.put(ledgers)

    engine = Engine.in_memory(Options(log_sink=LogSink(calls_back)))
    home = engine.create_ledger("Home", "EUR")
    holder.append(engine)
    engine.start_sync()
    assert told.get(timeout=30) == [home]
    engine.reopen()
    engine.close()

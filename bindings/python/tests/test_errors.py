"""What is misused is named, and what fails says so."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import outlay
from outlay import Engine, Money, Options, entry, errors, quick_add
from outlay._native import outlay as native

from conftest import Keys


def test_every_error_of_the_library_has_a_class_of_its_own() -> None:
    listed = os.environ.get("OUTLAY_ERRORS")
    if not listed:
        pytest.skip("the list of errors is made by make")
    names = {line for line in Path(listed).read_text().split() if line.startswith("OutlayError.")}
    assert {f"OutlayError.{kind.__name__}" for kind in errors.KINDS} == names
    assert len(set(errors.KINDS.values())) == len(names)


def test_a_text_that_is_no_unicode_is_named(engine: Engine, home: str) -> None:
    with pytest.raises(outlay.InvalidInputError, match="UTF-8"):
        engine.add_expense(home, entry(Money(1, "EUR"), "\ud83d"))


def test_an_engine_that_nobody_closed_lets_the_interpreter_end() -> None:
    program = """
import outlay
engine = outlay.Engine.in_memory(outlay.Options(log_sink=outlay.LogSink(lambda line: None)))
home = engine.create_ledger("Home", "EUR").id
live, watch = engine.live(home), engine.observe(home, lambda diff: None)
engine.add_expense(home, outlay.entry(outlay.Money(1, "EUR")))
"""
    for _ in range(5):
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_use_after_close_is_named_and_a_second_close_does_nothing(tmp_path: Path) -> None:
    with Engine(tmp_path / "a.outlay") as engine:
        home = engine.create_ledger("Home", "EUR").id
    engine.close()
    with pytest.raises(outlay.ClosedError, match="the engine was closed"):
        engine.ledgers()
    engine.reopen()
    assert [ledger.id for ledger in engine.ledgers()] == [home]
    engine.close()


def test_a_path_that_is_a_folder_or_nowhere_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, "", "a\0b"):
        with pytest.raises(outlay.InvalidInputError):
            Engine(path)
    with pytest.raises(outlay.NotFoundError):
        Engine(tmp_path / "nowhere" / "a.outlay")


def test_a_database_of_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "a.outlay"
    Engine(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 4242")
    database.close()
    before = path.read_bytes()
    with pytest.raises(outlay.TooNewError):
        Engine(path)
    assert path.read_bytes() == before


def test_bad_input_is_an_error_of_the_call_and_not_of_the_engine(engine: Engine, home: str) -> None:
    with pytest.raises(outlay.InvalidInputError, match="hexadecimal"):
        engine.ledger("no id")
    with pytest.raises(LookupError):
        engine.ledger("ab" * 16)
    with pytest.raises(ValueError, match="currency"):
        engine.create_ledger("Trips", "euro")
    with pytest.raises(outlay.SignedOutError):
        engine.sync_once()
    with pytest.raises(TypeError, match="tags"):
        engine.add_expense(home, entry(Money(1, "EUR"), tags="work"))
    assert engine.ledgers()[0].id == home


def test_what_the_library_does_not_expect_is_an_error_of_ours() -> None:
    def broken() -> None:
        raise native.InternalError("a bug")

    with pytest.raises(outlay.InternalError, match="a bug"):
        errors.called(broken)


def test_the_devices_key_is_kept_where_the_app_says(tmp_path: Path) -> None:
    keys = Keys()
    with Engine(tmp_path / "a.outlay", Options(key_store=keys)) as engine:
        device = engine.device_key
        assert keys.secret and len(keys.secret) == 32 and engine.set_aside is None
    keys.is_locked = True
    with pytest.raises(outlay.InternalError, match="key cannot be read"):
        Engine(tmp_path / "a.outlay", Options(key_store=keys))
    keys.is_locked = False
    with Engine(tmp_path / "a.outlay", Options(key_store=keys)) as engine:
        assert engine.device_key == device
    keys.secret = b"short"
    with pytest.raises(outlay.InternalError):
        Engine(tmp_path / "a.outlay", Options(key_store=keys))


def test_a_damaged_database_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.outlay"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with Engine(path) as engine:
        assert engine.set_aside and Path(engine.set_aside).exists()


def test_threads_share_an_engine_and_lose_no_write(engine: Engine, home: str) -> None:
    def work() -> None:
        for _ in range(50):
            engine.add_expense(home, entry(Money("1.00", "EUR")))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(total.count for total in engine.totals(home, "2000-01", "4999-12")) == 400


def test_another_process_writes_while_this_one_has_the_database_open(tmp_path: Path) -> None:
    path = tmp_path / "a.outlay"
    with Engine(path) as engine:
        home = engine.create_ledger("Home", "EUR").id
        with engine.live(home) as live:
            assert live.wait(10) == []
            code = (
                "import sys; from outlay import Money, entry, quick_add; "
                "quick_add(sys.argv[1], entry(Money('3.40', 'EUR'), 'Widget'), ledger=sys.argv[2])"
            )
            subprocess.run([sys.executable, "-c", code, str(path), home], check=True)
            seen = live.wait(10)
            assert seen and [e.payee for e in seen] == ["Widget"]
        assert quick_add(path, entry(Money(1, "EUR"))).ledger == home, "the default ledger"

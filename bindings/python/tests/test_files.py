"""Files: imports, exports, receipts, and what passes between two databases."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

import outlay
from outlay import Cancel, Engine, ImportOptions, ImportProgress, ImportRow, Money, entry

CSV = "Date,Payee,Amount\n2026-11-02,Corner Café,-3.40\n2026-11-31,Nobody,-1.00\n".encode()


def test_the_same_file_adds_nothing_twice_and_bad_rows_are_named(engine: Engine, home: str, tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    path.write_bytes(CSV)
    seen: list[ImportProgress] = []
    assert engine.import_file(path, ImportOptions(dry_run=True)).added == 1
    assert list(engine.expenses(home)) == []
    first = engine.import_file(path, progress=seen.append)
    assert (first.added, first.ledger, [bad.line for bad in first.rejected]) == (1, home, [3])
    assert seen and seen[0].bytes_total == len(CSV)
    assert engine.import_file(CSV).duplicates == 1


def test_an_import_that_is_cancelled_has_written_nothing(engine: Engine, home: str) -> None:
    cancel = Cancel()
    cancel.cancel()
    with pytest.raises(outlay.CancelledError):
        engine.import_file(CSV, cancel=cancel)

    def progress(_: ImportProgress) -> None:
        raise KeyError("a bug of the app")

    with pytest.raises(KeyError):
        engine.import_file(CSV, progress=progress)
    assert list(engine.expenses(home)) == []


def test_profiles_are_guessed_kept_and_used(engine: Engine, home: str) -> None:
    assert json.loads(engine.guess_profile(CSV))["columns"]["amount"] == "Amount"
    mine = json.dumps({"columns": {"date": "Date", "amount": "Amount"}, "currency": "CHF"})
    engine.save_profile("My bank", mine)
    kept = engine.profile("My bank")
    assert engine.profiles() == ["My bank"] and kept and engine.profile("Another") is None
    engine.import_file(CSV, ImportOptions(profile=kept))
    assert [str(e.amount) for e in engine.expenses(home)] == ["3.40 CHF"]
    with pytest.raises(outlay.InvalidInputError):
        engine.save_profile("My bank", "{")


def test_rows_of_an_app_are_imported_once(engine: Engine, home: str) -> None:
    paid = entry(Money("3.40", "EUR"), "Café", date=datetime.date(2026, 11, 2))
    rows = [ImportRow(fact="message 4711", new=paid)]
    assert (engine.import_rows(home, rows).added, engine.import_rows(home, rows).duplicates) == (1, 1)


def test_an_export_is_the_same_ledger_elsewhere(engine: Engine, home: str, tmp_path: Path) -> None:
    lunch = engine.add_expense(home, entry(Money("12.50", "EUR"), "Corner Café"))
    assert engine.export_jsonl(home, tmp_path / "home.jsonl") == engine.export_csv(home, tmp_path / "home.csv") == 1
    with Engine.in_memory() as other:
        other.import_file(tmp_path / "home.jsonl")
        assert other.expense(home, lunch.id) == lunch
        other.export_jsonl(home, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "home.jsonl").read_bytes()


def test_two_databases_exchange_commits_and_a_conflict_is_settled() -> None:
    with Engine.in_memory() as ana, Engine.in_memory() as ben:
        home = ana.create_ledger("Home", "EUR").id
        ana.admit_device(home, ben.device_key)
        lunch = ana.add_expense(home, entry(Money("12.00", "EUR"), "Lunch")).id
        exchange(ana, ben, home)
        ana.edit_expense(home, lunch, payee="Corner Café")
        ben.edit_expense(home, lunch, payee="Café")
        exchange(ana, ben, home)
        assert ana.heads(home) == ben.heads(home)
        (conflict,) = ben.conflicts(home)
        payees = [value.value[0] for value in conflict.values]  # type: ignore[index]
        assert conflict.field == "payee" and sorted(payees) == ["Café", "Corner Café"]
        ben.resolve(conflict, payees.index("Corner Café"))
        with pytest.raises(outlay.NotFoundError):
            ben.resolve(conflict, "Somewhere else")
        exchange(ana, ben, home)
        for engine in (ana, ben):
            found = engine.expense(home, lunch)
            assert found and (found.payee, found.conflicted) == ("Corner Café", False)
        assert ana.take_in_batch(ana.batches(home)[0]).held > 0


def exchange(one: Engine, other: Engine, ledger: str) -> None:
    for here, there in ((one, other), (other, one)):
        known = there.heads(ledger) if ledger in [held.id for held in there.ledgers()] else []
        for batch in here.batches(ledger, known):
            assert there.take_in_batch(batch).refused == []


def test_receipts_stay_with_their_entry(tmp_path: Path) -> None:
    with Engine(tmp_path / "a.outlay") as engine:
        home = engine.create_ledger("Home", "EUR").id
        lunch = engine.add_expense(home, entry(Money("12.50", "EUR"))).id
        receipt = engine.attach(home, lunch, "receipt.txt", b"12.50 EUR")
        assert engine.attachments(home, lunch) == [receipt] and receipt.is_here
        assert engine.read_attachment(home, lunch, receipt.hash) == b"12.50 EUR"
        engine.detach(home, lunch, receipt.hash)
        assert engine.attachments(home, lunch) == []


def test_a_backup_is_a_database_and_doctor_finds_nothing(tmp_path: Path) -> None:
    with Engine(tmp_path / "a.outlay") as engine:
        home = engine.create_ledger("Home", "EUR").id
        engine.backup(tmp_path / "b.outlay")
        assert engine.doctor().problems == []
    with Engine(tmp_path / "b.outlay") as copy:
        assert [ledger.id for ledger in copy.ledgers()] == [home]

"""The vectors that every language checks: ids, records and sums of one ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from outlay import Engine, Expense, FieldValue, Named, Sort, where

VECTORS = Path(__file__).parents[2] / "vectors"


def name(named: Named | None) -> str | None:
    return named.name if named else None


def expense(shown: Expense) -> dict[str, Any]:
    assert shown.kind
    at = shown.time and shown.time.isoformat("minutes" if shown.time.second == 0 else "seconds")
    return {
        "id": shown.id,
        "kind": shown.kind.name.lower(),
        "amount": str(shown.amount),
        "payee": shown.payee,
        "category": name(shown.category),
        "account": name(shown.account),
        "to_account": name(shown.to_account),
        "date": shown.date.isoformat(),
        "time": at,
        "note": shown.note,
        "tags": shown.tags,
        "deleted": shown.deleted,
        "conflicted": shown.conflicted,
    }


def text(value: FieldValue) -> str:
    shown = value[0]  # type: ignore[index]
    return shown.name if isinstance(shown, Named) else str(shown)


def test_the_ledger_of_the_vectors_reads_as_they_say(engine: Engine) -> None:
    expected = json.loads((VECTORS / "household.json").read_text())
    ledger = engine.import_file(VECTORS / "household.jsonl").ledger
    assert ledger and ledger == expected["ledger"]
    assert engine.heads(ledger) == expected["heads"]
    listed = [*engine.expenses(ledger, sort=Sort.OLDEST), *engine.expenses(ledger, where(deleted=True), sort=Sort.OLDEST)]
    assert [expense(shown) for shown in listed] == expected["expenses"]
    totals = engine.totals(ledger, "2026-10", "2026-11")
    sums = [
        {
            "month": total.month,
            "category": name(total.category),
            "spent": str(total.spent),
            "earned": str(total.earned),
            "count": total.count,
        }
        for total in totals
    ]
    assert sums == expected["totals"]
    conflicts = [
        {"document": found.document, "field": found.field, "values": [text(value.value) for value in found.values]}
        for found in engine.conflicts(ledger)
    ]
    assert conflicts == expected["conflicts"]

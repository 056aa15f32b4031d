"""Ledgers and entries on one device."""

from __future__ import annotations

import datetime
import decimal
from decimal import Decimal

import pytest

import outlay
from outlay import Engine, EntryKind, Money, Named, Sort, entry, where
from outlay._native import outlay as native


def spend(engine: Engine, ledger: str, amount: str, payee: str, **more: object) -> outlay.Expense:
    return engine.add_expense(ledger, entry(Money(amount, "EUR"), payee, **more))  # type: ignore[arg-type]


def test_what_is_added_is_what_is_read(engine: Engine, home: str) -> None:
    day, at = datetime.date(2026, 11, 2), datetime.time(18, 5)
    lunch = spend(
        engine, home, "12.50", "Corner Café", category=["Food", "Snacks"], account="Card", date=day, time=at, tags=["work"]
    )
    assert engine.expense(home, lunch.id) == engine.find_expense(lunch.id) == lunch
    assert (lunch.amount, lunch.date, lunch.time, lunch.tags) == (Money(Decimal("12.50"), "EUR"), day, at, ["work"])
    assert lunch.category and lunch.category.name == "Food:Snacks"
    assert engine.find_category(home, ["food", "SNACKS"]) == lunch.category
    assert engine.find_account(home, "card") == lunch.account == engine.accounts(home)[0]
    assert [named.name for named in engine.categories(home)] == ["Food", "Food:Snacks"]


def test_a_record_shows_its_fields_and_no_password(engine: Engine, home: str) -> None:
    lunch = spend(engine, home, "12.50", "Corner Café", category="Food")
    assert repr(lunch).startswith(f"Expense(id='{lunch.id}', ")
    assert "amount=Money(amount=Decimal('12.50'), currency='EUR'), payee='Corner Café'" in repr(lunch)
    assert "Named(id=" in repr(engine.history(home, lunch.id)[0].changes[0].after)
    credentials = native.Credentials(email="ana@example.org", password="battery staple")
    assert "staple" not in repr([credentials])


def test_an_amount_is_never_a_float_and_never_rounded(engine: Engine, home: str) -> None:
    with decimal.localcontext() as narrow:
        narrow.prec = 4
        assert Money("12345.67", "EUR") + Money("0.01", "EUR") == Money("12345.68", "EUR")
        assert -Money("12345.67", "EUR") == Money("-12345.67", "EUR")
    with pytest.raises(TypeError):
        Money(12.5, "EUR")  # type: ignore[arg-type]
    with pytest.raises(outlay.InvalidInputError):
        spend(engine, home, "0.001", "Nobody")
    assert spend(engine, home, "1E+2", "Exponents are written out").amount == Money("100.00", "EUR")
    half = engine.add_expense(home, entry(Money(Decimal("25.00") * Decimal("0.5"), "EUR")))
    assert str(half.amount) == "12.50 EUR"
    yen = engine.add_expense(home, entry(Money(1250, "JPY")))
    assert (str(yen.amount), str(Money("3.40", "EUR") - Money(1, "EUR")), str(-Money(1, "EUR"))) == ("1250 JPY", "2.40 EUR", "-1 EUR")
    with pytest.raises(ValueError, match="different currencies"):
        Money(1, "EUR") + Money(1, "JPY")


def test_an_edit_changes_what_it_names_and_none_clears(engine: Engine, home: str) -> None:
    rent = spend(engine, home, "900", "Rent", category="Flat", time=datetime.time(8), note="May", tags=["fixed"])
    refund = engine.add_expense(home, entry(Money("50", "EUR"), "Rent", kind=EntryKind.INCOME, refund_of=rent.id))
    assert refund.refund_of == rent.id
    assert engine.edit_expense(home, refund.id, refund_of=None).refund_of is None
    assert engine.edit_expense(home, refund.id, refund_of=rent.id).refund_of == rent.id

    edited = engine.edit_expense(home, rent.id, amount=Money("910", "EUR"), account="Bank", time=None, tags=[])
    assert (edited.amount, edited.time, edited.tags, edited.note) == (Money("910.00", "EUR"), None, [], "May")
    assert edited.category == rent.category and isinstance(edited.category, Named)
    moved = engine.edit_expense(
        home, rent.id, category=None, account=edited.account, payee="", note="", date=datetime.date(2026, 5, 1), time=datetime.time(9)
    )
    assert (moved.category, moved.account, moved.payee, moved.time) == (None, edited.account, "", datetime.time(9))
    transfer = engine.edit_expense(home, rent.id, kind=EntryKind.TRANSFER, to_account="Savings")
    assert transfer.to_account and transfer.to_account.name == "Savings"


def test_pages_go_on_where_they_ended_and_an_iterator_reads_all(engine: Engine, home: str) -> None:
    for amount in range(1, 8):
        spend(engine, home, str(amount), f"Shop {amount}")
    first = engine.page(home, sort=Sort.LARGEST, limit=3)
    second = engine.page(home, sort=Sort.LARGEST, limit=3, after=first.next)
    amounts = [str(e.amount) for e in first.expenses + second.expenses]
    assert amounts == ["7.00 EUR", "6.00 EUR", "5.00 EUR", "4.00 EUR", "3.00 EUR", "2.00 EUR"]
    assert [e.payee for e in engine.expenses(home, sort=Sort.SMALLEST, page_size=2)] == [f"Shop {n}" for n in range(1, 8)]


def test_filters_search_and_totals(engine: Engine, home: str) -> None:
    for amount, payee, day in [("3.40", "Café", 1), ("12.00", "Corner Café", 2), ("80.00", "Rent", 3)]:
        spend(engine, home, amount, payee, date=datetime.date(2026, 11, day))
    cheap = where(text="cafe", amount_max=Money(5, "EUR"))
    assert [e.payee for e in engine.expenses(home, cheap)] == ["Café"]
    since = where(since=datetime.date(2026, 11, 2), month="2026-11")
    assert [e.payee for e in engine.expenses(home, since)] == ["Rent", "Corner Café"]
    (total,) = engine.totals(home, "2026-11", "2026-11")
    assert (total.spent, total.earned, total.count) == (Money("95.40", "EUR"), Money("0.00", "EUR"), 3)
    with pytest.raises(outlay.InvalidInputError, match="last month is before the first"):
        engine.totals(home, "2026-12", "2026-11")


def test_what_is_deleted_is_in_the_trash_until_it_is_restored(engine: Engine, home: str) -> None:
    lunch = spend(engine, home, "12.50", "Corner Café")
    assert engine.delete_expense(home, lunch.id).deleted
    assert [e.id for e in engine.expenses(home, where(deleted=True))] == [lunch.id]
    assert not engine.restore_expense(home, lunch.id).deleted


def test_an_undo_takes_the_last_action_back(engine: Engine, home: str) -> None:
    lunch = spend(engine, home, "12.50", "Corner Café")
    engine.edit_expense(home, lunch.id, payee="Café")
    undone = engine.undo()
    assert undone and undone.changed == 1
    found = engine.expense(home, lunch.id)
    assert found and found.payee == "Corner Café"
    assert [change.field for step in engine.history(home, lunch.id) for change in step.changes].count("payee") == 3
    engine.undo()
    assert engine.undo() is None


def test_ledgers_have_a_default(engine: Engine) -> None:
    assert engine.default_ledger() is None
    made = engine.ensure_default_ledger()
    other = engine.create_ledger("Trips", "CHF")
    assert engine.default_ledger() == made and [ledger.name for ledger in engine.ledgers()] == [made.name, "Trips"]
    engine.set_default_ledger(other.id)
    assert engine.ledger(other.id).is_default and other.currency == "CHF"

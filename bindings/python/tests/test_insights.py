"""Insights of the household that every language tells in the same words, and what a person says of them."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

import outlay
from outlay import Cadence, Cancel, Commitment, CurrencyInsights, Decision, Engine, InsightProgress, Insights, Money, Standing, entry

ROOT = Path(__file__).parents[3]
TODAY = datetime.date(2024, 12, 20)

# What uniffi writes of an enum with data has no types.
untyped: Any = outlay


def euros(amount: str) -> Money:
    return Money(amount, "EUR")


@pytest.fixture
def household(engine: Engine, home: str) -> str:
    assert engine.import_file(ROOT / "bindings/vectors/insights.csv").added == 632
    return home


def commitment(engine: Engine, ledger: str, name: str) -> Commitment:
    (found,) = [one for one in engine.insights(ledger, today=TODAY).commitments if one.name == name]
    return found


def told(found: Insights, dates: dict[str, datetime.date]) -> str:
    lines = [f"{found.today}: {found.entries} entries, the last of {found.last_entry}"]
    for one in found.commitments:
        lines += [" ".join(one.text), "  paid " + " ".join(str(payment.date) for payment in one.payments)]
    lines += [oddity.text for odd in found.odd for oddity in odd.oddities]
    for trip in found.trips:
        lines += [trip.text, "  paid " + " ".join(str(dates[entry]) for entry in trip.entries)]
    for currency in found.currencies:
        lines += told_of_currency(currency)
    return "".join(f"{line}\n" for line in lines)


def told_of_currency(one: CurrencyInsights) -> list[str]:
    lines = [f"In {one.currency}", *(f"  {month.month}: {month.spent} in {month.count}" for month in one.months)]
    # Categories are in the order of their ids, which are others each time.
    for forecast in sorted(one.forecasts, key=lambda forecast: forecast.usual_text):
        lines += [forecast.usual_text, forecast.month_end_text]
    lines += one.phases_text
    phases: Any = one.phases
    if isinstance(phases, untyped.Phases.DIFFERENT):
        lines += ["  " + " ".join(phase.months) for phase in phases.phases]
    return lines + [prices.text for prices in one.prices] + [point.text for point in one.rhythm]


def test_the_household_is_told_as_it_is_written_down(engine: Engine, household: str) -> None:
    dates = {expense.id: expense.date for expense in engine.expenses(household)}
    golden = (ROOT / "core/testkit/golden/insights.txt").read_text()
    assert told(engine.insights(household, today=TODAY), dates) == golden


def test_an_app_can_word_the_facts_in_its_own_language(engine: Engine, household: str) -> None:
    found = engine.insights(household, today=TODAY)
    rent = commitment(engine, household, "Landlord")
    costs: Any = rent.amount
    often = {Cadence.MONTHLY: "im Monat", Cadence.YEARLY: "im Jahr"}
    assert isinstance(costs, untyped.CommitmentAmount.FIXED)
    german = f"{rent.name}: {costs.amount} {often[rent.cadence]} ab {rent.next}"
    assert german == "Landlord: 1050.00 EUR im Monat ab 2025-01-01"
    assert [(change.before, change.after) for change in rent.price_changes] == [(euros("700.00"), euros("1050.00"))]
    assert rent.category and rent.category.name == "Home:Rent"
    assert commitment(engine, household, "Stadtwerke").missed == [datetime.date(2024, 9, 15)]

    reasons: dict[str, Any] = {odd.payee: odd.oddities[0].reason for odd in found.odd}
    earlier = engine.expense(household, reasons["Bookshop"].earlier)
    assert earlier and (earlier.date, reasons["Bookshop"].days) == (datetime.date(2024, 10, 8), 1)
    café = untyped.OddReason.AMOUNT(usual=euros("3.61"), among=outlay.Among.PAYEE)
    assert reasons["Corner Café"] == café
    assert [str(spent) for spent in found.trips[0].spent] == ["239.00 EUR", "1250 JPY"]

    euro, yen = found.currencies
    total: Any = euro.forecasts[0]
    assert isinstance(total.target, untyped.ForecastTarget.TOTAL)
    assert total.month_end == untyped.Expectation.POINT(usual=euros("2322.03"), low=euros("2066.51"), high=euros("2577.55"))
    assert yen.forecasts[0].usual == untyped.Expectation.NOT_ENOUGH(months=3, needed=10)
    phases: Any = euro.phases
    later = phases.phases[-1]
    assert phases.change.begun == later.months[0] == "2024-01" and not later.is_noted_differently
    children = later.differences[0]
    assert (children.category.name, children.usual, children.otherwise) == ("Children", euros("310.00"), euros("0.00"))
    (tram,) = [prices for prices in euro.prices if prices.seller == untyped.Seller.PAYEE("Tram")]
    assert tram.is_usual and tram.amounts == [euros("2.80"), euros("5.60"), euros("19.00")]
    (landlord,) = [point for point in euro.rhythm if point.seller == untyped.Seller.PAYEE("Landlord")]
    assert landlord.pace == outlay.Pace.WITHIN_A_MONTH and landlord.is_large
    assert euro.typical and landlord.amount.amount > euro.typical.amount


def test_options_leave_out_categories_and_say_what_counts_as_travelling(engine: Engine, household: str) -> None:
    rent = engine.find_category(household, ["Home"])
    assert rent
    travel = outlay.Travel(categories=[], tags=["trip"])
    found = engine.insights(household, today=TODAY, left_out=[rent.id], travel=travel)
    assert found.trips == []
    left_out = untyped.ForecastTarget.CATEGORY(rent)
    assert all(forecast.target != left_out for one in found.currencies for forecast in one.forecasts)
    assert any(forecast.target == left_out for forecast in engine.insights(household, today=TODAY).currencies[0].forecasts)


def test_what_is_decided_of_a_payment_holds_until_it_is_taken_back(engine: Engine, household: str) -> None:
    phone = commitment(engine, household, "Telephone")
    engine.decide_commitment(household, phone, Decision.CONFIRMED)
    assert engine.decisions(household) == [outlay.Decided(id=phone.payments[-1].id, decision=Decision.CONFIRMED)]
    early = engine.insights(household, today=datetime.date(2024, 12, 2))
    (due,) = early.currencies[0].forecasts[0].due
    assert (due.commitment, due.date, due.amount) == (phone.id, datetime.date(2024, 12, 18), euros("18.00"))
    engine.decide(household, phone.payments[0].id, Decision.DISMISSED)
    assert commitment(engine, household, "Telephone").standing == Standing.CONFIRMED
    engine.decide_commitment(household, phone, None)
    assert commitment(engine, household, "Telephone").standing == Standing.FOUND
    assert engine.decisions(household) == []


def test_a_category_is_suggested_where_it_is_certain(engine: Engine, household: str) -> None:
    tram = engine.suggest(household, entry(euros("2.80"), "Tram"))
    assert tram and (tram.category.name, tram.text) == ("Transport", "Transport, as you filed the like before")
    assert 0.5 < tram.confidence <= 1 and not tram.is_corrected
    engine.forget_insights()
    assert engine.suggest(household, entry(euros("2.80"), "Tram")) == tram
    assert engine.suggest(household, entry(euros("2.80"), "Zzyzx")) is None


def test_progress_is_told_and_what_it_raises_is_raised(engine: Engine, household: str) -> None:
    def fails(_: InsightProgress) -> None:
        raise KeyError("a bug of the app")

    with pytest.raises(KeyError):
        engine.insights(household, today=TODAY, progress=fails)
    steps: list[InsightProgress] = []
    assert engine.insights(household, today=TODAY, progress=steps.append).entries == 631
    done = [step.done for step in steps]
    assert done == sorted(done) and steps[-1].done == steps[-1].total
    with pytest.raises(outlay.NotFoundError):
        engine.insights("ab" * 16)


def test_a_call_that_is_cancelled_loses_nothing(engine: Engine, household: str) -> None:
    cancel = Cancel()
    told: list[InsightProgress] = []

    def progress(step: InsightProgress) -> None:
        told.append(step)
        cancel.cancel()

    with pytest.raises(outlay.CancelledError):
        engine.insights(household, today=TODAY, progress=progress, cancel=cancel)
    assert len(told) == 1
    assert engine.insights(household, today=TODAY).entries == 631

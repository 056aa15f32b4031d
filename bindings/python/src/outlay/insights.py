"""The calls of the engine for insights: what the entries of a ledger show, found on the device with no network."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable

from outlay._native import outlay as native
from outlay._native.outlay import (
    Commitment,
    Decided,
    Decision,
    Expense,
    InsightProgress,
    Insights,
    NewExpense,
    Suggestion,
    Travel,
)
from outlay.errors import called
from outlay.watching import Cancel, InsightTelling, raising


class InsightCalls:
    """Payments that come back, forecasts, odd charges and patterns: typed facts, and beside each what it says in English."""

    _native: native.Engine

    def insights(
        self,
        ledger: str,
        *,
        today: datetime.date | None = None,
        left_out: Iterable[str] = (),
        travel: Travel | None = None,
        progress: Callable[[InsightProgress], object] | None = None,
        cancel: Cancel | None = None,
    ) -> Insights:
        """What the entries of a ledger show up to a day, today by default.

        ``left_out`` are categories that are no spending, with all below them: savings, for example. ``travel`` says what counts
        as travelling, in place of the categories whose names say so. The first call for a ledger reads all its entries and takes
        some tens of milliseconds for each ten thousand; later ones take what changed since. What ``progress`` raises ends the
        call, which loses nothing, and is raised here.
        """
        options = native.InsightOptions(today=today, left_out=list(left_out), travel=travel)
        telling = InsightTelling(progress) if progress else None
        with raising(telling):
            return called(self._native.insights, ledger, options, telling, cancel and cancel.native)

    def suggest(self, ledger: str, new: NewExpense) -> Suggestion | None:
        """The category that the person would file an entry under, learnt from what they filed so far.

        ``None`` where that is not certain enough. An entry that is filed otherwise corrects it.
        """
        return called(self._native.suggest, ledger, new)

    def forget_insights(self) -> None:
        """Gives back the memory that insights and suggestions keep. The next one is slower."""
        called(self._native.forget_insights)

    def decide(self, ledger: str, expense: str, decision: Decision | None) -> Expense:
        """Says of an entry whether the payment that it is one of is a commitment; ``None`` takes back what was said."""
        return called(self._native.decide, ledger, expense, decision)

    def decide_commitment(self, ledger: str, commitment: Commitment, decision: Decision | None) -> None:
        """Says of a payment that comes back that it is a commitment, which is named in forecasts then, or none to be shown.

        ``None`` takes back what was said.
        """
        payments = [payment.id for payment in commitment.payments]
        called(self._native.decide_commitment, ledger, payments, decision)

    def decisions(self, ledger: str) -> list[Decided]:
        """What was decided of payments that come back, and in which entries it stands."""
        return called(self._native.decisions, ledger)

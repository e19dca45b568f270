"""Reconciliation: our account of the money at a provider beside the provider's own. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from groat.kernel.value import Value, field
from groat.movements.domain.open_items import OpenItem
from groat.providers.domain.movements import MovementCategory
from groat.settlement.domain.payouts import Remainder


class LineReason(StrEnum):
    """The reason for which an amount is open.

    ``MISSING_THERE``: an event told it, and the provider has not booked it. ``MISSING_HERE``: the
    provider has booked it, and no event told it. ``NOT_POSTED``: the provider has booked it, and it
    is read and not posted here.
    """

    NOT_YET_DUE = "not_yet_due"
    MISSING_THERE = "missing_there"
    MISSING_HERE = "missing_here"
    NOT_POSTED = "not_posted"
    AMOUNT_DIFFERS = "amount_differs"
    SUSPENSE = "suspense"
    FOREIGN = "foreign"
    POSTED_LATE = "posted_late"


CURES = {
    LineReason.NOT_YET_DUE: "Wait: the provider books it later.",
    LineReason.MISSING_THERE: "Look the object up at the provider, then read the feed again.",
    LineReason.MISSING_HERE: "Replay or backfill the events of this object.",
    LineReason.NOT_POSTED: "Let the worker read the feed again, or import the file again.",
    LineReason.AMOUNT_DIFFERS: "Compare the object at the provider with the payment.",
    LineReason.SUSPENSE: "Attribute, return or dismiss the movement.",
    LineReason.FOREIGN: "Nothing: another system made the object.",
    LineReason.POSTED_LATE: "Nothing: it belongs to the day, and was read after its close.",
}
"""The cure of each reason, as the report shows it."""

_EXPLAINED = frozenset({LineReason.NOT_YET_DUE, LineReason.FOREIGN, LineReason.POSTED_LATE})


class OpenLine(Value):
    """One open amount, with the ledger's sign on its account, and its reason and age."""

    reason: LineReason
    reference: str
    currency: str
    amount: int
    age: timedelta

    @property
    def cure(self) -> str:
        """The action that closes the line."""
        return CURES[self.reason]


class CategoryTotal(Value):
    """The sums of the day's movements of one category, under the provider's name of it."""

    category: MovementCategory
    label: str
    count: int
    gross: int
    fee: int
    tax: int

    @property
    def net(self) -> int:
        """The change of the balance."""
        return self.gross - self.fee - self.tax


class Reconciliation(Value):
    """One provider account, currency and day.

    ``told`` is the provider's own balance at the end of the day, None if it does not tell one.
    ``remainders`` are those of the day's payouts, by the provider's id of the payout.
    """

    currency: str
    opening: int
    totals: tuple[CategoryTotal, ...]
    told: int | None
    lines: tuple[OpenLine, ...]
    remainders: Mapping[str, Remainder] = field(default_factory=dict)

    @property
    def closing(self) -> int:
        """Our balance at the end of the day."""
        return self.opening + sum(total.net for total in self.totals)

    @property
    def difference(self) -> int:
        """The provider's balance less ours; 0 if the provider tells none."""
        return 0 if self.told is None else self.told - self.closing

    @property
    def is_explained(self) -> bool:
        """Whether the balances are equal, and every line and remainder has a harmless reason."""
        return (
            not self.difference
            and all(line.reason in _EXPLAINED for line in self.lines)
            and all(remainder.is_explained for remainder in self.remainders.values())
        )


def clearing_lines(
    items: Iterable[OpenItem], now: datetime, expected: timedelta
) -> tuple[OpenLine, ...]:
    """Return a line for each open item, oldest first.

    ``expected`` is the time within which both reports of an object arrive. A younger item is not
    yet due.
    """
    lines = [_line(item, now, expected) for item in items if item.open_amount]
    return tuple(sorted(lines, key=lambda line: (-line.age, line.reference)))


def _line(item: OpenItem, now: datetime, expected: timedelta) -> OpenLine:
    age = now - item.since
    if age <= expected:
        reason = LineReason.NOT_YET_DUE
    elif not item.booked:
        reason = LineReason.MISSING_THERE
    elif not item.told:
        reason = LineReason.MISSING_HERE
    else:
        reason = LineReason.AMOUNT_DIFFERS
    currency = (item.booked_currency if item.booked else item.told_currency) or ""
    return OpenLine(reason, item.reference, currency, item.open_amount, age)

"""The summary of a settlement file: its amounts by currency and category. Pure."""

from __future__ import annotations

from datetime import datetime

from groat.kernel.value import Value
from groat.providers.domain.movements import Movement
from groat.settlement.domain.matching import Difference
from groat.settlement.domain.reconciliation import CategoryTotal


class FileSummary(Value):
    """The sums of a file's movements, and the time from its first movement to its last."""

    movements: int
    since: datetime | None
    until: datetime | None
    totals: dict[str, tuple[CategoryTotal, ...]]


class ImportOutcome(Value):
    """The result of an import: its summary, and the movements that were new and that it posted.

    ``early`` is the number of movements before the start of the account's feed. They are in its
    opening balance, so they are not posted. ``differences`` are the movements that the file and our
    books tell differently. They are not changed. ``is_repeated`` says that this very file was
    imported before.
    """

    summary: FileSummary
    added: int
    differences: tuple[Difference, ...]
    posted: int = 0
    early: int = 0
    is_repeated: bool = False


class RunningTotals:
    """Sums movements one by one, so that a file of any size fits into memory."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], list[int]] = {}
        self._first: dict[tuple[str, str], Movement] = {}
        self._since: datetime | None = None
        self._until: datetime | None = None

    def add(self, movement: Movement) -> None:
        """Add a movement."""
        key = movement.currency, movement.label
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = [0, 0, 0, 0]
            self._first[key] = movement
        sums[0] += 1
        sums[1] += movement.gross
        sums[2] += movement.fee
        sums[3] += movement.tax
        if self._since is None or movement.occurred_at < self._since:
            self._since = movement.occurred_at
        if self._until is None or movement.occurred_at > self._until:
            self._until = movement.occurred_at

    def summary(self) -> FileSummary:
        """Return the sums up to now."""
        totals: dict[str, tuple[CategoryTotal, ...]] = {}
        for (currency, label), sums in sorted(self._sums.items()):
            category = self._first[currency, label].category
            totals[currency] = (*totals.get(currency, ()), CategoryTotal(category, label, *sums))
        count = sum(sums[0] for sums in self._sums.values())
        return FileSummary(count, self._since, self._until, totals)

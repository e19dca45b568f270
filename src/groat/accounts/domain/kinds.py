"""The kinds of ledger transactions. Every room that posts transactions registers its kinds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from groat.kernel.errors import InvalidRequest


class TransactionKind(NamedTuple):
    """A kind of transaction. Rows store its ``number``, which is never given to another kind."""

    number: int
    name: str


TRANSFER = TransactionKind(1, "transfer")
REVERSAL = TransactionKind(2, "reversal")
HOLD_CAPTURED = TransactionKind(3, "hold.captured")
CALLERS_KINDS = (TRANSFER, REVERSAL, HOLD_CAPTURED)
"""The kinds that callers post, each with two entries. Other rooms number theirs from 16 on."""


class TransactionKinds:
    """All kinds that the rooms have registered."""

    def __init__(self, kinds: Iterable[TransactionKind]) -> None:
        """Register ``kinds``.

        Raises:
            ValueError: two kinds share a number or a name.
        """
        registered = [*kinds]
        self._by_number = {kind.number: kind for kind in registered}
        self._by_name = {kind.name: kind for kind in registered}
        if not len(registered) == len(self._by_number) == len(self._by_name):
            raise ValueError(f"two kinds share a number or a name: {registered}")

    def numbered(self, number: int) -> TransactionKind:
        """Return the kind that a row stores as ``number``."""
        return self._by_number[number]

    def named(self, name: str) -> TransactionKind:
        """Return the kind called ``name``.

        Raises:
            InvalidRequest: ``unknown_transaction_kind``.
        """
        kind = self._by_name.get(name)
        if kind is None:
            names = ", ".join(self._by_name)
            raise InvalidRequest(
                "unknown_transaction_kind",
                f"{name[:64]!r} is not a kind of transaction. Use one of: {names}.",
            )
        return kind

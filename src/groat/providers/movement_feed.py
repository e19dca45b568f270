"""The port to a provider's own list of movements: the feed, and the owner of a movement."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from groat.kernel.ids import PaymentId
from groat.kernel.value import Value
from groat.providers.domain.facts import Report
from groat.providers.domain.movements import Movement
from groat.providers.port import Unknown


class MovementWindow(Value):
    """All movements that the provider booked from the start of a window until ``until``.

    ``until`` may be earlier than asked for, if the provider does not know its latest ones yet.
    """

    movements: tuple[Movement, ...]
    until: datetime


class Explained(Value):
    """The payment that a movement belongs to, by the id that the provider kept for us.

    ``payment_id`` is None if another system made the object. ``reports`` are the facts of the
    object of the movement, and of its charge.
    """

    payment_id: PaymentId | None
    reports: tuple[Report, ...] = ()


class MovementFeed(Protocol):
    """The movements of a provider account. No method raises."""

    @property
    def overlap(self) -> timedelta:
        """Time before the end of the last window that is read again, because rows come late."""
        ...

    async def read(self, since: datetime, until: datetime) -> MovementWindow | Unknown:
        """Read a window completely, or not at all: it never has a part of its movements."""
        ...

    async def explain(self, movement: Movement) -> Explained | Unknown:
        """Ask the provider for the object of a movement whose fact is missing here."""
        ...

"""Filters that all lists of amounts share. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from groat.kernel import ids

_SKEW = timedelta(minutes=1)
"""Maximum time between the making of an id and the ``created_at`` of its object."""


class AmountFilter(NamedTuple):
    """A filter by the time of creation, the amount and the currency; None selects all.

    ``created_from`` and the bounds of the amount, in minor units, are included; ``created_before``
    is not. Without ``oldest_first``, the newest object is the first.
    """

    created_from: datetime | None = None
    created_before: datetime | None = None
    amount_min: int | None = None
    amount_max: int | None = None
    currency: str | None = None
    oldest_first: bool = False

    def id_bounds(self, after: UUID | None) -> dict[str, UUID]:
        """Return bounds of time-ordered ids, both excluded: those of the page after ``after``.

        The primary key finds the ids between them. So a list of one day reads no other day.
        """
        above, below = UUID(int=0), UUID(int=2**128 - 1)
        if self.created_from is not None:
            above = ids.first_at(self.created_from - _SKEW)
        if self.created_before is not None:
            below = ids.first_at(self.created_before + _SKEW)
        if after is not None and self.oldest_first:
            above = max(above, after)
        elif after is not None:
            below = min(below, after)
        return {"id_above": above, "id_below": below}


class MetadataFilter(NamedTuple):
    """A filter by a key of metadata, and by the value of that key; None selects all."""

    metadata_key: str | None = None
    metadata_value: str | None = None

"""Searches for audit records, and the bounds that an index can use. Pure."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import UUID

from groat.kernel.value import Value

_SLACK = timedelta(hours=1)
"""Maximum difference between the time of a record and the time in its id."""

_MILLISECOND = timedelta(milliseconds=1)
_BITS_BELOW_TIME = 80


class RecordFilter(Value):
    """The records of one object, of one action or actor, or of a span of time. None: of any.

    Times are from ``since`` up to, but not including, ``until``.
    """

    object_id: UUID | None = None
    action: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def first_id(self) -> UUID | None:
        """An id that no record since ``since`` is below."""
        return None if self.since is None else _id_at(self.since - _SLACK)

    @property
    def last_id(self) -> UUID | None:
        """An id that no record until ``until`` is above."""
        return None if self.until is None else _id_at(self.until + _SLACK)

    @property
    def action_bytes(self) -> bytes | None:
        """The bytes that a record of ``action`` begins with."""
        return None if self.action is None else f'{{"action":{json.dumps(self.action)},'.encode()

    @property
    def actor_bytes(self) -> bytes | None:
        """Bytes that only a record of ``actor`` contains."""
        if self.actor is None:
            return None
        return f'","actor":{json.dumps(self.actor, ensure_ascii=False)},"cause":"'.encode()


def _id_at(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of a time."""
    milliseconds = (moment - datetime.fromtimestamp(0, moment.tzinfo)) // _MILLISECOND
    return UUID(int=max(milliseconds, 0) << _BITS_BELOW_TIME)

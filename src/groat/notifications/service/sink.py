"""The sink: writes the events of a change in the transaction that makes the change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from groat.audit.domain.record import Record
from groat.kernel.ids import EventId
from groat.notifications.domain.event_types import event_type
from groat.notifications.domain.feed import NewEvent, previous_fields
from groat.notifications.infrastructure import feed as store
from groat.platform.postgres.connection import Connection
from groat.platform.redis.jobs import Doorbell

Show: TypeAlias = Callable[[Any], dict[str, object]]
"""A function that returns an object as the API shows it, in values of JSON."""


class EventSink:
    """Writes events. The statement travels with the commit, so it costs no exchange.

    ``shows`` has the function for each class of objects that events tell of. ``doorbell`` tells the
    workers, after the commit, that events wait for their positions.
    """

    def __init__(self, shows: Mapping[type, Show], doorbell: Doorbell) -> None:
        self._shows = shows
        self._doorbell = doorbell

    async def __call__(self, connection: Connection, records: Sequence[Record]) -> None:
        """Write the events of those records that the merchant is told of.

        An event has the id of its audit record, so each change has one event.
        """
        told = [(record, named) for record in records if (named := event_type(record.change))]
        if not told:
            return
        later: Counter[UUID] = Counter()
        events = [self._event(record, named, later) for record, named in reversed(told)]
        first = told[0][0]
        store.write(connection, first.merchant_id, events, first.recorded_at)
        connection.after_commit(lambda: self._doorbell.ring_soon(len(events)))

    def _event(self, record: Record, named: str, later: Counter[UUID]) -> NewEvent:
        """Return the event of a record; ``later`` counts the later events of each object."""
        transition = record.change.transition
        assert transition is not None, f"{record.change.action} has no transition"  # noqa: S101
        show = self._shows[type(transition.after)]
        after: Any = transition.after
        shown = show(after)
        before = None if transition.before is None else show(transition.before)
        event = NewEvent(
            EventId(record.id),
            named,
            after.id,
            msgspec.json.encode(shown),
            previous_fields(before, shown),
            later[after.id],
        )
        later[after.id] += 1
        return event

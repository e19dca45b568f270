"""Events of the feed, and the filters that select them. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Raw

from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import EndpointId, EventId
from groat.kernel.value import Value

API_VERSION: Literal["v1"] = "v1"
"""Version of the API whose shape ``data`` has."""

_PATTERN = re.compile(r"[a-z_]+\.([a-z_]+|\*)|\*")

_encoder = msgspec.json.Encoder()


class NewEvent(Value):
    """An event to write. ``data`` and ``previous`` are JSON, as in ``FeedEvent``.

    ``later`` is the number of later events of the same object in the batch.
    """

    id: EventId
    type: str
    object_id: UUID
    data: bytes
    previous: bytes
    later: int


class FeedEvent(Value):
    """An event in the feed, at its position there.

    ``sequence`` counts the events of the object from 1. ``data`` is the object as the API showed it
    at that moment. ``previous`` has the fields that changed, with their values before; it is null
    if the change made the object. Both are JSON.
    """

    id: EventId
    position: int
    type: str
    object_id: UUID
    sequence: int
    created_at: datetime
    data: bytes
    previous: bytes

    @property
    def subject(self) -> str:
        """The TypeID of the object. The first part of the event's type is the object's kind."""
        return ids.render(self.type.partition(".")[0], self.object_id)

    def payload(self) -> bytes:
        """Return the event as JSON: the same in the feed and in a webhook."""
        document = {
            "object": "event",
            "id": ids.render("event", self.id),
            "type": self.type,
            "api_version": API_VERSION,
            "created": self.created_at.isoformat().replace("+00:00", "Z"),
            "subject": {"id": self.subject, "sequence": self.sequence},
            "data": Raw(self.data),
            "previous": Raw(self.previous),
        }
        return _encoder.encode(document)


class EventRoute(NamedTuple):
    """The state of one delivery of an event, with the result of its last attempt.

    ``answer`` is the status of the endpoint's answer, or the error instead of it; None before the
    first attempt.
    """

    endpoint_id: EndpointId
    status: str
    attempts: int
    answer: str | None


class RoutedEvent(NamedTuple):
    """An event of an object, and its deliveries to the merchant's endpoints."""

    id: EventId
    type: str
    created_at: datetime
    routes: list[EventRoute]


class FeedPage(Value):
    """Events after a position of the feed, in its order.

    The feed has deleted events up to position ``purged``, and ends at position ``last``.
    ``is_full`` tells whether the limit cut the page off.
    """

    events: list[FeedEvent]
    purged: int
    last: int
    is_full: bool

    @property
    def end(self) -> int:
        """The position after which the next page begins."""
        return self.events[-1].position if self.is_full else self.last


class FeedFilter(Value):
    """A filter of events by type and object; None selects all. ``payment.*`` is a pattern."""

    type: str | None = None
    object_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.type is not None:
            require_pattern(self.type)

    @property
    def like(self) -> str | None:
        """The filter of types as a pattern of SQL, where an underscore is a wildcard too."""
        return None if self.type is None else self.type.replace("_", r"\_").replace("*", "%")


def require_pattern(pattern: str) -> None:
    """Refuse a text that can select no type of event.

    Raises:
        InvalidRequest: ``invalid_event_type``.
    """
    if not _PATTERN.fullmatch(pattern):
        raise InvalidRequest(
            "invalid_event_type",
            f"{pattern[:64]!r} is no type of event. Give one such as payment.succeeded, a pattern "
            "such as payment.*, or * for all.",
        )


def previous_fields(before: dict[str, object] | None, after: dict[str, object]) -> bytes:
    """Return the changed fields with their values before, as JSON; null without an object before.

    The time of the change itself, ``updated_at``, is not among them.
    """
    if before is None:
        return b"null"
    changed = {
        name: value
        for name, value in before.items()
        if name != "updated_at" and after.get(name) != value
    }
    return _encoder.encode(changed)

"""Deliveries: the attempts to bring one event to one endpoint. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from groat.kernel.backoff import Backoff
from groat.kernel.ids import EndpointId, EventId, MerchantId
from groat.kernel.value import Value
from groat.notifications.domain.feed import FeedEvent

RETRIED_FOR = timedelta(hours=72)
"""Duration after its first attempt for which a delivery is retried."""

PAUSE_AFTER = timedelta(hours=24)
"""Duration of failures without a success after which an endpoint is paused."""

_RETRY = Backoff(base_seconds=5.0, cap_seconds=6 * 3600.0, low=0.8, high=1.0)
"""Delay after a failed attempt: 5 seconds, doubled each time, up to 6 hours, less up to a fifth."""

_SUCCESS = 2
"""First digit of the status of an answer that takes the event."""

_GONE = 410
"""Status of an answer that wants no further event."""

_MOST_ASKED = timedelta(hours=24)
"""Maximum delay that an endpoint can ask for with Retry-After."""


class DeliveryStatus(StrEnum):
    """The state of a delivery. ``dead``: no further attempt is made, unless someone asks."""

    PENDING = "pending"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    DEAD = "dead"


class EventDelivery(Value):
    """The delivery of an event to an endpoint. ``due_at`` is the time of the next attempt."""

    event_id: EventId
    status: DeliveryStatus
    attempts: int
    due_at: datetime
    created_at: datetime
    settled_at: datetime | None


class Attempt(Value):
    """One attempt: the status of the answer, or the error instead of an answer.

    ``answer`` holds the first bytes of the body.
    """

    number: int
    started_at: datetime
    latency_ms: int
    status_code: int | None
    error: str | None
    answer: bytes


class ClaimedDelivery(Value):
    """A delivery that this worker holds until its lease ends. ``since`` is its first due time.

    ``secrets`` are those of the endpoint, encrypted with the merchant's data key.
    """

    merchant_id: MerchantId
    endpoint_id: EndpointId
    attempts: int
    since: datetime
    url: str
    secrets: bytes
    event: FeedEvent


class Reply(Value):
    """The reply to one request: a status with the first bytes of the body, or an error."""

    status_code: int | None = None
    retry_after: timedelta | None = None
    answer: bytes = b""
    error: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint took the event. A redirection is a failure."""
        return self.status_code is not None and self.status_code // 100 == _SUCCESS

    @property
    def is_gone(self) -> bool:
        """Whether the endpoint wants no further event."""
        return self.status_code == _GONE


class Attempted(Value):
    """An attempt that was made, with the state of its delivery afterwards."""

    delivery: ClaimedDelivery
    attempt: Attempt
    status: DeliveryStatus
    delay: timedelta
    is_gone: bool


def attempted(
    delivery: ClaimedDelivery, reply: Reply, started: datetime, now: datetime, random: Random
) -> Attempted:
    """Return the result of an attempt that began at ``started`` and ended at ``now``."""
    latency = round((now - started) / timedelta(milliseconds=1))
    attempt = Attempt(
        delivery.attempts, started, latency, reply.status_code, reply.error, reply.answer
    )
    if reply.succeeded:
        return Attempted(delivery, attempt, DeliveryStatus.DELIVERED, timedelta(), is_gone=False)
    delay = timedelta(seconds=_RETRY.seconds(delivery.attempts, random))
    if reply.retry_after is not None:
        delay = max(delay, min(reply.retry_after, _MOST_ASKED))
    is_over = now + delay > delivery.since + RETRIED_FOR
    status = DeliveryStatus.DEAD if is_over or reply.is_gone else DeliveryStatus.RETRYING
    return Attempted(delivery, attempt, status, delay, reply.is_gone)

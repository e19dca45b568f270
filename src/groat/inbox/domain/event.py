"""A provider event: as delivered, as claimed by a worker, and as shown in the inbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from groat.inbox.domain.conclusion import EventStatus, Tries
from groat.kernel.ids import MerchantId, ProviderAccountId, ProviderEventId
from groat.kernel.value import Value, replace
from groat.payments.domain.lifecycle import Outcome

EventKey: TypeAlias = tuple[MerchantId, ProviderAccountId, str]
"""The identity of an event: merchant, provider account, and the provider's id of the event.

The provider promises that every delivery of one event has the same id.
"""

SUSPECT_AFTER = 2
"""Value of ``attempts_lost`` from which an event is a suspect, which is claimed and applied alone.

The event may be the cause of its workers' deaths. A loss is counted by the next claim, so an event
is claimed alone after its third loss in a row. The queries and their index contain the number too.
"""

TRIES_BEFORE_LOOKUP = 2
"""Tries that an event waits for an earlier fact before its provider is asked for that fact.

Those tries take seconds.
"""

MOST_LOST = 8
"""Attempts lost in a row after which an event is dead: the last five of them were alone.

Workers also die of other causes, so fewer losses prove nothing. In a drill that kills a worker
every 300 ms, a harmless event that is applied alone is lost one time in forty.
"""


class WebhookDelivery(Value):
    """A verified event that arrives at the inbox. The first three fields identify the event.

    ``count`` is the number of deliveries: 0 if the event was read from the provider's list.
    """

    merchant_id: MerchantId
    provider_account_id: ProviderAccountId
    provider_reference: str
    id: ProviderEventId
    event_type: str
    body: bytes
    received_at: datetime
    transmission_id: str | None = None
    count: int = 1

    @property
    def key(self) -> EventKey:
        """The identity of the event."""
        return self.merchant_id, self.provider_account_id, self.provider_reference

    @property
    def name(self) -> str:
        """The key as one text."""
        account = self.provider_account_id.hex
        return f"{self.merchant_id}:{account}:{self.provider_reference}"

    @property
    def transmission(self) -> EventKey | None:
        """The identity of the delivery's transmission, if its provider has transmissions.

        Two different events never share a transmission.
        """
        if self.transmission_id is None:
            return None
        return self.merchant_id, self.provider_account_id, self.transmission_id


class ClaimedEvent(Value):
    """An event that a worker has claimed, until the lease expires.

    ``attempts`` is the number of claims, including this one, and identifies this claim.
    ``attempts_lost`` is the number of its claims that have expired since the last conclusion, most
    likely because their workers died.
    """

    merchant_id: MerchantId
    id: ProviderEventId
    provider_account_id: ProviderAccountId
    provider_reference: str
    event_type: str
    body: bytes
    attempts: int
    attempts_lost: int
    tries: Tries

    @property
    def misses_something(self) -> bool:
        """Whether the event still misses an earlier fact after ``TRIES_BEFORE_LOOKUP`` tries."""
        return self.tries.of(Outcome.PREMATURE.value) > TRIES_BEFORE_LOOKUP

    @property
    def kills(self) -> bool:
        """Whether the event was lost with its workers too often for another try."""
        return self.attempts_lost >= MOST_LOST


class ProviderEvent(Value):
    """An event in the inbox. ``due_at`` is the time of its next try, if it is open."""

    id: ProviderEventId
    provider_account_id: ProviderAccountId
    provider_reference: str
    event_type: str
    status: EventStatus
    reason: str | None
    attempts: int
    deliveries: int
    due_at: datetime
    received_at: datetime
    settled_at: datetime | None


class EventFilter(NamedTuple):
    """Selects events that match all given fields."""

    status: EventStatus | None = None
    event_type: str | None = None
    provider_account_id: ProviderAccountId | None = None
    reason: str | None = None
    ids: Sequence[ProviderEventId] | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None


def merge(deliveries: Sequence[WebhookDelivery]) -> list[WebhookDelivery]:
    """Merge deliveries of one event into one, with the sum of their counts, in the order of keys.

    One statement cannot insert a key twice. Processes that insert rows in the same order cannot
    deadlock.
    """
    merged: dict[EventKey, WebhookDelivery] = {}
    for delivery in deliveries:
        first = merged.get(delivery.key)
        merged[delivery.key] = (
            delivery if first is None else replace(first, count=first.count + delivery.count)
        )
    return [merged[key] for key in sorted(merged)]


def reused(
    events: Iterable[WebhookDelivery], sent: Iterable[tuple[EventKey, EventKey]]
) -> set[EventKey]:
    """Return the keys of ``events`` that arrived with the transmission of another event.

    ``sent`` are the known transmissions, each with the key of its event. If new events share a
    transmission, it belongs to the first of them.
    """
    owners = dict(sent)
    stolen = set()
    for event in events:
        transmission = event.transmission
        if transmission is not None and owners.setdefault(transmission, event.key) != event.key:
            stolen.add(event.key)
    return stolen

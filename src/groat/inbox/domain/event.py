"""A provider event: as it is delivered, as it is claimed to be worked on, and as it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from groat.inbox.domain.conclusion import EventStatus, Tries
from groat.kernel.ids import MerchantId, ProviderAccountId, ProviderEventId
from groat.kernel.value import Value, replace
from groat.payments.domain.lifecycle import Outcome

EventKey: TypeAlias = tuple[MerchantId, ProviderAccountId, str]
"""What tells one event from another: the last is the provider's id of it, which is promised to be
the same with every delivery."""

SUSPECT_AFTER = 2
"""So many attempts lost, and an event is taken alone: perhaps it is what its workers die of.
The queries and their index have the number too."""

TRIES_BEFORE_LOOKUP = 2
"""So many tries within seconds, and what an event builds on is asked for."""

MOST_LOST = 8
"""So many, of which the last five alone, and it is. Workers also die of other things: where one is
killed every 300 ms, an innocent that is taken alone is lost one time in forty."""


class WebhookDelivery(Value):
    """A verified event at the door. The first three fields tell one event from another.

    ``count`` is how often it was delivered: 0 if it was read from the provider's list instead.
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
        """Return what tells the event from others."""
        return self.merchant_id, self.provider_account_id, self.provider_reference

    @property
    def name(self) -> str:
        """Return the key as one text."""
        account = self.provider_account_id.hex
        return f"{self.merchant_id}:{account}:{self.provider_reference}"

    @property
    def transmission(self) -> EventKey | None:
        """Return what no other event may have been sent with, if its provider says."""
        if self.transmission_id is None:
            return None
        return self.merchant_id, self.provider_account_id, self.transmission_id


class ClaimedEvent(Value):
    """An event that this worker may work on for a while.

    ``attempts`` counts the claims, this one too, and tells them apart; ``attempts_lost`` counts
    the last ones in a row of which nobody heard again.
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
        """Whether what it builds on has not come by itself for a while."""
        return self.tries.of(Outcome.PREMATURE.value) > TRIES_BEFORE_LOOKUP

    @property
    def kills(self) -> bool:
        """Whether it has taken so many workers with it that no other should try."""
        return self.attempts_lost >= MOST_LOST


class ProviderEvent(Value):
    """An event as it stands in the inbox. ``due_at`` is when it is to be tried, if it is open."""

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
    """Which events are meant: those that match all that is given."""

    status: EventStatus | None = None
    event_type: str | None = None
    provider_account_id: ProviderAccountId | None = None
    reason: str | None = None
    ids: Sequence[ProviderEventId] | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None


def merge(deliveries: Sequence[WebhookDelivery]) -> list[WebhookDelivery]:
    """Return the distinct events among ``deliveries``, with their counts, in the order of keys.

    One statement cannot insert a key twice, and rows that several processes insert in one order
    cannot deadlock.
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
    """Return the keys of ``events`` that came with the transmission of another event.

    ``sent`` are the transmissions that are known, each with its event; of new events that share
    one, the first has it.
    """
    owners = dict(sent)
    stolen = set()
    for event in events:
        transmission = event.transmission
        if transmission is not None and owners.setdefault(transmission, event.key) != event.key:
            stolen.add(event.key)
    return stolen

"""A webhook event: as it is delivered, and as it is claimed to be worked on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from groat.kernel.ids import MerchantId, ProviderAccountId, WebhookEventId


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified event at the door. The first three fields tell one event from another."""

    merchant_id: MerchantId
    provider_account_id: ProviderAccountId
    provider_event_id: str
    id: WebhookEventId
    event_type: str
    body: bytes
    received_at: datetime
    count: int = 1

    @property
    def key(self) -> tuple[MerchantId, ProviderAccountId, str]:
        """What the provider promises to repeat with every delivery of the event."""
        return self.merchant_id, self.provider_account_id, self.provider_event_id


@dataclass(frozen=True, slots=True)
class ClaimedEvent:
    """An event that this worker may work on for a while.

    ``attempts`` counts the claims, this one too, and tells them apart; ``failures`` counts the
    tries that came to nothing, which a claim that was lost is not.
    """

    merchant_id: MerchantId
    id: WebhookEventId
    provider_account_id: ProviderAccountId
    event_type: str
    body: bytes
    attempts: int
    failures: int

    @property
    def tries(self) -> int:
        """How often it was tried, this time too."""
        return self.failures + 1


def merge(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Return the distinct events among ``deliveries``, with their counts, in the order of keys.

    One statement cannot insert a key twice, and rows that several processes insert in one order
    cannot deadlock.
    """
    merged: dict[tuple[MerchantId, ProviderAccountId, str], Delivery] = {}
    for delivery in deliveries:
        first = merged.get(delivery.key)
        merged[delivery.key] = (
            delivery if first is None else replace(first, count=first.count + delivery.count)
        )
    return [merged[key] for key in sorted(merged)]

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from groat.inbox.domain.event import WebhookDelivery, merge
from groat.kernel.ids import MerchantId, ProviderAccountId, ProviderEventId
from groat.kernel.value import replace

POSSIBLE = [
    WebhookDelivery(
        MerchantId(merchant),
        ProviderAccountId(UUID(int=account)),
        provider_reference,
        ProviderEventId(UUID(int=100 * merchant + 10 * account + count)),
        event_type="charge.succeeded",
        body=b"{}",
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        count=count,
    )
    for merchant, account, provider_reference, count in product(
        (1, 2), (3, 4), ("evt_1", "evt_2"), (1, 2, 3)
    )
]
DELIVERIES = st.lists(st.sampled_from(POSSIBLE), max_size=12)


@given(DELIVERIES)
def test_each_event_occurs_once_in_the_order_of_keys(deliveries: list[WebhookDelivery]) -> None:
    keys = [delivery.key for delivery in merge(deliveries)]
    assert keys == sorted({delivery.key for delivery in deliveries})


@given(DELIVERIES)
def test_every_delivery_is_counted(deliveries: list[WebhookDelivery]) -> None:
    for merged in merge(deliveries):
        same = [delivery for delivery in deliveries if delivery.key == merged.key]
        assert merged == replace(same[0], count=sum(delivery.count for delivery in same))


@given(DELIVERIES)
def test_the_order_of_rows_is_the_same_for_every_insert(
    deliveries: list[WebhookDelivery],
) -> None:
    keys = [delivery.key for delivery in merge(deliveries)]
    assert keys == [delivery.key for delivery in merge(deliveries[::-1])]


@given(DELIVERIES)
def test_merging_again_changes_nothing(deliveries: list[WebhookDelivery]) -> None:
    assert merge(merge(deliveries)) == merge(deliveries)

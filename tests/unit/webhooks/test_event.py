from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.ids import MerchantId, ProviderAccountId, WebhookEventId
from groat.webhooks.domain.event import Delivery, merge

FEW_IDS = st.integers(1, 3).map(lambda number: UUID(int=number))
DELIVERIES = st.lists(
    st.builds(
        Delivery,
        merchant_id=FEW_IDS.map(MerchantId),
        provider_account_id=FEW_IDS.map(ProviderAccountId),
        provider_event_id=st.sampled_from(["evt_1", "evt_2"]),
        id=st.uuids().map(WebhookEventId),
        event_type=st.just("charge.succeeded"),
        body=st.binary(max_size=2),
        received_at=st.just(datetime(2026, 1, 1, tzinfo=UTC)),
        count=st.integers(1, 3),
    ),
    max_size=12,
)


@given(DELIVERIES)
def test_each_event_is_there_once_in_the_order_of_keys(deliveries: list[Delivery]) -> None:
    keys = [delivery.key for delivery in merge(deliveries)]
    assert keys == sorted({delivery.key for delivery in deliveries})


@given(DELIVERIES)
def test_every_delivery_is_counted(deliveries: list[Delivery]) -> None:
    for merged in merge(deliveries):
        same = [delivery for delivery in deliveries if delivery.key == merged.key]
        assert merged == replace(same[0], count=sum(delivery.count for delivery in same))


@given(DELIVERIES)
def test_the_order_of_rows_does_not_depend_on_who_inserts_them(deliveries: list[Delivery]) -> None:
    keys = [delivery.key for delivery in merge(deliveries)]
    assert keys == [delivery.key for delivery in merge(deliveries[::-1])]


@given(DELIVERIES)
def test_merging_again_changes_nothing(deliveries: list[Delivery]) -> None:
    assert merge(merge(deliveries)) == merge(deliveries)

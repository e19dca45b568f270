from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import stripe


@pytest.fixture
async def client(stripe_host: str) -> AsyncIterator[stripe.StripeClient]:
    http_client = stripe.HTTPXClient()
    yield stripe.StripeClient(
        "sk_test_1",
        base_addresses={"api": stripe_host},
        http_client=http_client,
        max_network_retries=0,
    )
    await http_client.close_async()  # type: ignore[no-untyped-call]

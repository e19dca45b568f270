from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import stripe

from tests.simulator.stripe.shop import stripe_client


@pytest.fixture
async def client(stripe_host: str) -> AsyncIterator[stripe.StripeClient]:
    http_client = stripe.HTTPXClient()
    yield stripe_client(stripe_host, http_client)
    await http_client.close_async()  # type: ignore[no-untyped-call]

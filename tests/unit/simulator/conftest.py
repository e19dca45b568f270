from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from groat.kernel.clock import ManualClock
from groat.simulator.paypal.app import create_paypal_app
from groat.simulator.stripe.app import create_stripe_app
from tests.unit.simulator.servers import Receiver, running


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with running(receiver.app()) as address:
        receiver.url = f"{address}/"
        yield receiver


@pytest.fixture
async def stripe_host(clock: ManualClock) -> AsyncIterator[str]:
    async with running(create_stripe_app(clock)) as address:
        yield address


@pytest.fixture
async def stripe_http(stripe_host: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer sk_test_1"}
    async with httpx.AsyncClient(base_url=stripe_host, headers=headers) as client:
        yield client


@pytest.fixture
async def paypal_host(clock: ManualClock) -> AsyncIterator[str]:
    async with running(create_paypal_app(clock)) as address:
        yield address


@pytest.fixture
async def paypal_http(paypal_host: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=paypal_host) as client:
        grant = {"grant_type": "client_credentials"}
        token = await client.post("/v1/oauth2/token", data=grant, auth=("client", "secret"))
        client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        yield client

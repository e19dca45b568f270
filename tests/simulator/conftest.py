from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from groat.simulator.stripe.app import create_stripe_app
from tests.simulator.paypal.shop import access
from tests.support.clock import ManualClock
from tests.support.http_servers import Receiver, Stage, running
from tests.support.paypal_stand_in import paypal_app


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


async def set_stage() -> AsyncIterator[Stage]:
    stage = Stage()
    async with running(stage) as stage.address:
        yield stage


stripe_stage = pytest.fixture(scope="session", name="stripe_stage")(set_stage)
paypal_stage = pytest.fixture(scope="session", name="paypal_stage")(set_stage)
receiver_stage = pytest.fixture(scope="session", name="receiver_stage")(set_stage)


@pytest.fixture
async def receiver(receiver_stage: Stage) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with receiver_stage.showing(receiver.app()) as address:
        receiver.url = f"{address}/"
        yield receiver


@pytest.fixture
async def stripe_host(stripe_stage: Stage, clock: ManualClock) -> AsyncIterator[str]:
    async with stripe_stage.showing(create_stripe_app(clock)) as address:
        yield address


@pytest.fixture
async def stripe_http(stripe_host: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer sk_test_1"}
    async with httpx.AsyncClient(base_url=stripe_host, headers=headers) as client:
        yield client


@pytest.fixture
async def paypal_host(paypal_stage: Stage, clock: ManualClock) -> AsyncIterator[str]:
    async with paypal_stage.showing(paypal_app(clock)) as address:
        yield address


@pytest.fixture
async def paypal_http(paypal_host: str) -> AsyncIterator[httpx.AsyncClient]:
    async with access(paypal_host) as client:
        yield client

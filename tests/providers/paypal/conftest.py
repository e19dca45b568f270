from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from tests.providers.paypal.stand_in import PayPal, adapter
from tests.support.clock import ManualClock
from tests.support.http_servers import Receiver, Stage, running
from tests.support.paypal_stand_in import paypal_app


@pytest.fixture(scope="session", name="paypal_stage")
async def set_paypal_stage() -> AsyncIterator[Stage]:
    stage = Stage()
    async with running(stage) as stage.address:
        yield stage


@pytest.fixture(scope="session", name="receiver_stage")
async def set_receiver_stage() -> AsyncIterator[Stage]:
    stage = Stage()
    async with running(stage) as stage.address:
        yield stage


@pytest.fixture
async def receiver(receiver_stage: Stage) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with receiver_stage.showing(receiver.app()) as address:
        receiver.url = f"{address}/"
        yield receiver


@pytest.fixture
async def paypal(paypal_stage: Stage) -> AsyncIterator[PayPal]:
    clock = ManualClock(datetime.now(UTC))
    async with (
        paypal_stage.showing(paypal_app(clock)) as address,
        httpx.AsyncClient(base_url=address) as http,
    ):
        provider = adapter(address, clock=clock)
        yield PayPal(provider, http, clock)
        await provider.close()

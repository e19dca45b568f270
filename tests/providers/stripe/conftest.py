from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from groat.providers.stripe.adapter import StripeProvider
from groat.simulator.stripe.app import create_stripe_app
from tests.support.clock import ManualClock
from tests.support.http_servers import Stage, running


@pytest.fixture(scope="session")
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    async with running(stage) as stage.address:
        yield stage


@pytest.fixture
async def host(stage: Stage) -> AsyncIterator[str]:
    """The stand-in for Stripe, with an account that has seen nothing yet."""
    async with stage.showing(create_stripe_app(ManualClock(datetime.now(UTC)))) as address:
        yield address


@pytest.fixture
async def control(host: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer sk_1"}
    async with httpx.AsyncClient(base_url=host, headers=headers) as http:
        yield http


async def connect(stage: Stage, timeout_seconds: float) -> AsyncIterator[StripeProvider]:
    credentials = {"api_key": "sk_test", "api_base": stage.address}
    adapter = StripeProvider(credentials, timeout_seconds=timeout_seconds)
    yield adapter
    await adapter.close()


@pytest.fixture(scope="session")
async def adapter(stage: Stage) -> AsyncIterator[StripeProvider]:
    """The adapter for whatever is on the stage."""
    async for connected in connect(stage, timeout_seconds=30):
        yield connected


@pytest.fixture(scope="session")
async def hasty(stage: Stage) -> AsyncIterator[StripeProvider]:
    """One that waits for nothing."""
    async for connected in connect(stage, timeout_seconds=0.2):
        yield connected


@pytest.fixture
def shop(adapter: StripeProvider, host: str) -> StripeProvider:  # noqa: ARG001 - it is put on stage
    """The adapter for the stand-in."""
    return adapter

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.webhook_receiver import Receiver, receiving, with_private_targets
from tests.support.world import World


@pytest.fixture
async def hooked(world: World) -> AsyncIterator[World]:
    """The world with an engine that may deliver to this machine."""
    async with with_private_targets(world) as hooked:
        yield hooked


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver

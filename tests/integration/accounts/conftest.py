from __future__ import annotations

import pytest

from tests.integration.accounts.bank import Bank
from tests.integration.world import World


@pytest.fixture
async def bank(world: World) -> Bank:
    return await Bank.opened(world)

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis.asyncio

from groat.platform.embedded.servers import EmbeddedServers
from groat.platform.redis.jobs import connect_redis


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    home: Path = tmp_path_factory.mktemp("valkey") / "home"
    with EmbeddedServers(home, ephemeral=True, postgres=False) as servers:
        yield servers


@pytest.fixture
async def client(valkey: EmbeddedServers) -> AsyncIterator[redis.asyncio.Redis]:
    """A client on an empty Valkey, with the timeouts that Groat uses."""
    async with connect_redis(valkey.redis_url) as connected:
        await connected.flushall()
        yield connected

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from groat.platform.embedded.servers import EmbeddedServers
from groat.platform.postgres import schema
from groat.platform.process.settings import Settings
from tests.faults.fleet import Fleet, running_fleet
from tests.faults.ground import Ground, prepare
from tests.support.databases import database_like


@pytest.fixture(scope="package")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    """A PostgreSQL and a Valkey that may be killed: nobody else has anything there."""
    with EmbeddedServers(tmp_path_factory.mktemp("faults") / "home", ephemeral=True) as servers:
        schema.migrate(servers.database_url)
        yield servers


@pytest.fixture(scope="package")
async def all_processes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    async with running_fleet(tmp_path_factory.mktemp("logs")) as fleet:
        yield fleet


@pytest.fixture
async def fleet(all_processes: Fleet) -> AsyncIterator[Fleet]:
    """Processes of this test's own."""
    yield all_processes
    await all_processes.kill_all()


@pytest.fixture
async def ground(machines: EmbeddedServers, tmp_path: Path) -> AsyncIterator[Ground]:
    with database_like(machines.database_url, "groat") as url:
        settings = Settings(
            _env_file=None,
            home=tmp_path,
            database_url=SecretStr(url),
            redis_url=SecretStr(machines.redis_url),
            master_key=SecretStr(base64.b64encode(secrets.token_bytes(32)).decode()),
        )
        yield await prepare(settings)

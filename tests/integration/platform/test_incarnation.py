"""What one database has committed says nothing of what is restored in its place."""

from __future__ import annotations

from pathlib import Path

from groat.platform.embedded.servers import EmbeddedServers
from groat.platform.postgres import schema
from groat.platform.postgres.database import Database


async def incarnation(servers: EmbeddedServers) -> str:
    database = Database(servers.database_url, max_connections=1)
    await database.open()
    async with database.autocommit():
        assert database.incarnation is not None
    await database.close()
    return database.incarnation


async def test_a_restarted_server_is_another_incarnation(tmp_path: Path) -> None:
    """Perhaps it runs on a copy of its disk, which has the same identity and the same timeline.

    Such a copy lacks what was committed since it was taken.
    """
    with EmbeddedServers(tmp_path, ephemeral=True, valkey=False) as servers:
        schema.migrate(servers.database_url)
        first = await incarnation(servers)
        assert await incarnation(servers) == first
        servers.postgres.stop()
        servers.postgres.start()
        assert await incarnation(servers) != first

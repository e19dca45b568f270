"""What is measured on: databases on one server, of which one has a past."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from pydantic import SecretStr

from groat.app.wiring import open_engine
from groat.kernel.ids import MerchantId
from groat.platform.embedded.servers import EmbeddedServers
from groat.platform.postgres import schema
from groat.platform.postgres.queries import load_queries
from groat.platform.process.settings import Settings

QUERIES = load_queries(__file__, "ground.sql")
GROAT = MerchantId(1)
MASTER_KEY = base64.b64encode(bytes(32)).decode()
"""Every process of the benchmark has it; what it protects is made up."""

TABLES = ("ledger_transaction", "ledger_entry", "balance", "audit_record")

_SERVER = {
    "shared_buffers": "2GB",
    "max_wal_size": "16GB",  # a checkpoint during one contestant's turn would be luck
    "checkpoint_timeout": "1h",
}


@contextmanager
def running_server(home: Path) -> Iterator[str]:
    """Yield the address of a PostgreSQL server with room for the benchmark, for its time only."""
    with EmbeddedServers(home, ephemeral=True, postgres=True, valkey=False) as servers:
        servers.postgres.stop()
        servers.postgres.settings.update(_SERVER)
        servers.postgres.start()
        yield servers.postgres.url


def new_database(server: str, name: str, accounts: int) -> str:
    """Make a database with a merchant and its accounts, and return its address."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = f"{server.rpartition('/')[0]}/{name}"
    schema.migrate(url)
    asyncio.run(_make_root_key(url))
    _run(url, "accounts", {"accounts": accounts})
    with psycopg.connect(url) as connection:
        connection.execute(QUERIES["for_update"].text)
    return url


async def _make_root_key(url: str) -> None:
    """Open an engine once: its root key is made before there is a merchant."""
    async with open_engine(settings(url)):
        pass


def settings(url: str) -> Settings:
    """Return the settings of an engine on this database."""
    return Settings(_env_file=None, database_url=SecretStr(url), master_key=SecretStr(MASTER_KEY))


def fill(url: str, accounts: int, entries: int) -> None:
    """Give the ledger a past of about ``entries`` entries."""
    _run(url, "fill", {"accounts": accounts, "transfers": entries // accounts})


def tidy(url: str) -> None:
    """Leave nothing from before for the server to do while something is measured."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


def size(url: str) -> int:
    """Return the bytes of the ledger's tables with their indexes."""
    with psycopg.connect(url) as connection:
        query = "select sum(pg_total_relation_size(name::regclass)) from unnest(%s::text[]) as name"
        row = connection.execute(query, [list(TABLES)]).fetchone()
    assert row is not None, "a sum has one row"  # noqa: S101
    return int(row[0])


def _run(url: str, name: str, parameters: dict[str, int]) -> None:
    with psycopg.connect(url) as connection:
        for parameter, value in parameters.items():  # a row of statements takes no parameters
            connection.execute(
                "select set_config(%s, %s, true)", [f"ground.{parameter}", str(value)]
            )
        connection.execute(QUERIES[name].text)

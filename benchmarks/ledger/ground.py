"""Set up the databases of the ledger benchmark on one server. One of them has a large ledger."""

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
"""The merchant of Groat's side."""

MASTER_KEY = base64.b64encode(bytes(32)).decode()
"""Master key of every process of the benchmark. It protects only invented data."""

EMPTY = 1_000
"""Number of empty wallets in each database. Refused transfers debit them."""

TABLES = ("ledger_transaction", "ledger_entry", "balance", "audit_record")
"""Tables whose growth is measured."""

_SERVER = {
    "shared_buffers": "2GB",
    "max_wal_size": "16GB",  # no checkpoint may fall into one contestant's turn by chance
    "checkpoint_timeout": "1h",
}


@contextmanager
def running_server(home: Path) -> Iterator[str]:
    """Start a PostgreSQL server with settings for the benchmark, yield its address, and stop it."""
    with EmbeddedServers(home, ephemeral=True, postgres=True, valkey=False) as servers:
        servers.postgres.stop()
        servers.postgres.settings.update(_SERVER)
        servers.postgres.start()
        yield servers.postgres.url


def new_database(server: str, name: str, accounts: int) -> str:
    """Create a database with a merchant and its accounts, and return the database's address."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = f"{server.rpartition('/')[0]}/{name}"
    schema.migrate(url)
    asyncio.run(_make_root_key(url))
    _run(url, "accounts", {"accounts": accounts, "empty": EMPTY})
    with psycopg.connect(url) as connection:
        connection.execute(QUERIES["for_update"].text)
    return url


async def _make_root_key(url: str) -> None:
    """Open an engine once. It creates the root key, which must exist before the first merchant."""
    async with open_engine(settings(url)):
        pass


def settings(url: str) -> Settings:
    """Return the settings of an engine on the database at ``url``."""
    return Settings(_env_file=None, database_url=SecretStr(url), master_key=SecretStr(MASTER_KEY))


def fill(url: str, accounts: int, entries: int) -> None:
    """Fill the ledger with about ``entries`` past entries."""
    _run(url, "fill", {"accounts": accounts, "transfers": entries // accounts})


def tidy(url: str) -> None:
    """Run a vacuum and a checkpoint, so that the server has no old work during a measurement."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


def size(url: str) -> int:
    """Return the size in bytes of the ledger's tables with their indexes."""
    with psycopg.connect(url) as connection:
        query = "select sum(pg_total_relation_size(name::regclass)) from unnest(%s::text[]) as name"
        row = connection.execute(query, [list(TABLES)]).fetchone()
    assert row is not None, "a sum has one row"  # noqa: S101
    return int(row[0])


def _run(url: str, name: str, parameters: dict[str, int]) -> None:
    with psycopg.connect(url) as connection:
        for parameter, value in parameters.items():  # several statements at once take no parameters
            connection.execute(
                "select set_config(%s, %s, true)", [f"ground.{parameter}", str(value)]
            )
        connection.execute(QUERIES[name].text)

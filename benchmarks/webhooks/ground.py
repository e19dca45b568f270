"""The servers of both contestants: one PostgreSQL server for both, and one Valkey server each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from groat.platform.embedded.servers import (
    EmbeddedServers,
    PostgresServer,
    ValkeyServer,
)
from groat.platform.postgres.queries import Query

WALLETS = 200
"""Number of wallets that the payments are credited to."""

_SERVER = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",  # no checkpoint may fall into one contestant's turn by chance
    "checkpoint_timeout": "1h",
    "track_commit_timestamp": "on",  # gives the commit time of effects, the same way for both
}


@dataclass(frozen=True, slots=True)
class Books:
    """A contestant's database, with the queries that read the effects of events from it."""

    connection: psycopg.Connection
    queries: Mapping[str, Query]

    def rows(self, name: str, parameters: Mapping[str, object] | None = None) -> list[Any]:
        """Run the query ``name`` and return its rows."""
        query = self.queries[name]
        values = [(parameters or {})[name] for name in query.parameters]
        cursor = self.connection.execute(query.text, values or None)
        return cursor.fetchall() if cursor.description else []

    def tidy(self) -> None:
        """Run a vacuum and a checkpoint, so that the server has no old work in a measurement."""
        self.connection.execute("vacuum analyze")
        self.connection.execute("checkpoint")


def opened(url: str, queries: Mapping[str, Query]) -> Books:
    """Open the database at ``url`` as books with ``queries``."""
    connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor)
    return Books(connection, queries)


@contextmanager
def running_postgres(home: Path) -> Iterator[PostgresServer]:
    """Start a PostgreSQL server with settings for the benchmark, yield it, and stop it."""
    with EmbeddedServers(home, ephemeral=True, valkey=False) as servers:
        servers.postgres.stop()
        servers.postgres.settings.update(_SERVER)
        servers.postgres.start()
        yield servers.postgres


@contextmanager
def running_valkey(home: Path) -> Iterator[ValkeyServer]:
    """Start a Valkey server, yield it, and stop it."""
    with EmbeddedServers(home, ephemeral=True, postgres=False) as servers:
        yield servers.valkey


def new_database(postgres: PostgresServer, name: str) -> str:
    """Create an empty database and return its address."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return f"{postgres.url.rpartition('/')[0]}/{name}"

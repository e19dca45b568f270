"""What both run on: one PostgreSQL server with a database each, and a Valkey server each."""

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

_SERVER = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",  # a checkpoint during one contestant's turn would be luck
    "checkpoint_timeout": "1h",
    "track_commit_timestamp": "on",  # when effects were committed, measured alike for both
}


@dataclass(frozen=True, slots=True)
class Books:
    """A contestant's database, and how it is asked what became of events."""

    connection: psycopg.Connection
    queries: Mapping[str, Query]

    def rows(self, name: str, parameters: Mapping[str, object] | None = None) -> list[Any]:
        """Return the rows of one of the queries."""
        query = self.queries[name]
        values = [(parameters or {})[name] for name in query.parameters]
        cursor = self.connection.execute(query.text, values or None)
        return cursor.fetchall() if cursor.description else []

    def tidy(self) -> None:
        """Leave nothing from before for the server to do while something is measured."""
        self.connection.execute("vacuum analyze")
        self.connection.execute("checkpoint")


def opened(url: str, queries: Mapping[str, Query]) -> Books:
    """Return the books in the database at ``url``."""
    connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor)
    return Books(connection, queries)


@contextmanager
def running_postgres(home: Path) -> Iterator[PostgresServer]:
    """Yield a PostgreSQL server with room for the benchmark, for its time only."""
    with EmbeddedServers(home, ephemeral=True, valkey=False) as servers:
        servers.postgres.stop()
        servers.postgres.settings.update(_SERVER)
        servers.postgres.start()
        yield servers.postgres


@contextmanager
def running_valkey(home: Path) -> Iterator[ValkeyServer]:
    """Yield a Valkey server, for the benchmark's time only."""
    with EmbeddedServers(home, ephemeral=True, postgres=False) as servers:
        yield servers.valkey


def new_database(postgres: PostgresServer, name: str) -> str:
    """Make an empty database and return its address."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return f"{postgres.url.rpartition('/')[0]}/{name}"

"""What both run on: one PostgreSQL server and one Valkey server, and how they are looked into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from groat.platform.embedded import EmbeddedServers
from groat.platform.queries import Query

WALLETS = 200

_SERVER = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",  # a checkpoint during one contestant's turn would be luck
    "checkpoint_timeout": "1h",
    "track_commit_timestamp": "on",  # when effects were committed, measured alike for both
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contestant keeps what it knows, and how it is asked what became of events."""

    database_url: str
    redis_url: str
    queries: Mapping[str, Query]

    def rows(self, name: str, parameters: Mapping[str, object] | None = None) -> list[Any]:
        """Return the rows of one of the queries."""
        query = self.queries[name]
        values = [(parameters or {})[name] for name in query.parameters]
        with psycopg.connect(
            self.database_url, autocommit=True, cursor_factory=psycopg.RawCursor
        ) as connection:
            cursor = connection.execute(query.text, values or None)
            return cursor.fetchall() if cursor.description else []

    def tidy(self) -> None:
        """Leave nothing from before for the server to do while something is measured."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute("vacuum analyze")
            connection.execute("checkpoint")


@contextmanager
def running_servers(home: Path) -> Iterator[EmbeddedServers]:
    """Yield servers with room for the benchmark, for its time only."""
    with EmbeddedServers(home, ephemeral=True) as servers:
        servers.postgres.stop()
        servers.postgres.settings.update(_SERVER)
        servers.postgres.start()
        yield servers


def new_database(server_url: str, name: str) -> str:
    """Make an empty database and return its address."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return f"{server_url.rpartition('/')[0]}/{name}"

"""Facts about a PostgreSQL server, for people who install Groat."""

from __future__ import annotations

import time
from typing import NamedTuple, Self

import psycopg

from groat.kernel.errors import ConfigurationError

_CONNECT_SECONDS = 5
_FACTS = """
select
    current_setting('server_version_num')::integer / 10000,
    current_setting('fsync') = 'on' and current_setting('full_page_writes') = 'on',
    current_setting('max_connections')::integer,
    extract(epoch from clock_timestamp())::double precision,
    pg_backend_pid()
"""


class PostgresFacts(NamedTuple):
    """The state of a server: ``version`` is the major one.

    A server ``is_durable`` if a power cut loses nothing that is committed. ``skew_seconds`` is the
    time by which its clock is ahead of this machine's.
    """

    version: int
    is_durable: bool
    max_connections: int
    is_pooled: bool
    skew_seconds: float

    @classmethod
    def of(cls, url: str) -> Self:
        """Ask the server at ``url``.

        Raises:
            ConfigurationError: ``database_unreachable``.
        """
        asked = time.time()
        try:
            with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
                row = connection.execute(_FACTS).fetchone()
                reported_pid = connection.info.backend_pid
        except psycopg.Error as error:
            reason = str(error).strip().partition("\n")[0]
            raise ConfigurationError("database_unreachable", reason) from None
        assert row is not None  # noqa: S101 - the query returns one row
        version, is_durable, max_connections, at, pid = row
        skew = at - (asked + time.time()) / 2
        return cls(version, is_durable, max_connections, pid != reported_pid, skew)

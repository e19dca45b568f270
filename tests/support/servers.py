"""The servers that the tests share."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

from groat.platform.embedded.servers import PostgresServer


@dataclass(frozen=True, slots=True)
class Servers:
    """Where PostgreSQL and Valkey are: the user's own, or those that were started for the tests."""

    database_url: str
    redis_url: str


def make_logins_cheap(server: PostgresServer) -> None:
    """Store the password with one iteration of its hash instead of 4,096.

    The tests open thousands of connections, and each client repeats the iterations.
    """
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("set scram_iterations = 1")
        statement = sql.SQL("alter role postgres password {}")
        connection.execute(statement.format(server.endpoint.password))

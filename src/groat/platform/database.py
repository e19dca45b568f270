"""PostgreSQL: one bounded pool, short transactions, and an honest error when it is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from groat.kernel.errors import Unavailable
from groat.platform.columns import register_columns

APPLICATION_ROLE = "groat_app"
"""What the engine acts as once connected: it may not change or delete the ledger or the record."""

Connection = psycopg.AsyncConnection
_ACQUIRE_SECONDS = 5.0
_RESTED_SECONDS = 1.0
_TRANSACTION_SECONDS = 35.0  # for a server that is there and does not answer
_SESSION = {
    "application_name": "groat",
    "synchronous_commit": "on",  # an acknowledgement means committed
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
}
"""Every wait has a limit. No transaction spans a network call, so each of these is generous."""


class Database:
    """The engine's way to PostgreSQL."""

    def __init__(self, url: str, *, max_connections: int) -> None:
        given = str(conninfo_to_dict(url).get("options") or "")
        options = " ".join([given, *(f"-c {name}={value}" for name, value in _SESSION.items())])
        self._used_at: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        self._pool = AsyncConnectionPool(
            url,
            kwargs={"options": options, "connect_timeout": 5, "autocommit": True},
            configure=_act_as_application,
            min_size=1,
            max_size=max_connections,
            timeout=_ACQUIRE_SECONDS,
            reconnect_timeout=2.0,
            check=self._check,
            open=False,
        )

    async def _check(self, connection: Connection) -> None:
        """Try a connection that has rested: a restarted server breaks all of them."""
        if time.monotonic() - self._used_at.get(connection, 0.0) > _RESTED_SECONDS:
            await AsyncConnectionPool.check_connection(connection)

    async def open(self) -> None:
        """Start the pool. Connections are made in the background; the server may be down still."""
        await self._pool.open()

    async def close(self) -> None:
        """Give back every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Yield a connection in a READ COMMITTED transaction; commit at the end, or roll back.

        Raises:
            Unavailable: ``database_unavailable``. If it is raised as the transaction ends, the
                commit may have happened: look the outcome up by its key, never assume.
        """
        async with self._transaction(_TRANSACTION_SECONDS) as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Yield a connection whose reads all see one moment, however long they take.

        Raises:
            Unavailable: ``database_unavailable``.
        """
        async with self._transaction(None) as connection:
            await connection.execute("set transaction isolation level repeatable read, read only")
            await connection.execute("set local statement_timeout = 0")
            yield connection

    @asynccontextmanager
    async def _transaction(self, seconds: float | None) -> AsyncIterator[Connection]:
        try:
            async with (
                asyncio.timeout(seconds),
                self._pool.connection() as connection,
                connection.transaction(),
            ):
                yield connection
                self._used_at[connection] = time.monotonic()
        except (psycopg.OperationalError, PoolTimeout, TimeoutError) as error:
            self._used_at.clear()  # what broke this one may have broken the others
            raise Unavailable(
                "database_unavailable", "The database is not available; try again shortly."
            ) from error


async def _act_as_application(connection: Connection) -> None:
    register_columns(connection)
    await connection.execute(f"set role {APPLICATION_ROLE}".encode())

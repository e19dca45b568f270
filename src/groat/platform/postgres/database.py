"""PostgreSQL: a bounded pool, short transactions, and a clear error if the server is down.

A connection leads to PostgreSQL itself or to a connection pooler in session or transaction mode. A
pooler is recognized by its process id: the server process that answers is not the one that the
connection reports.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import psycopg
from psycopg import sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from groat.kernel.errors import Unavailable
from groat.platform.postgres.connection import Connection, Session
from groat.platform.postgres.queries import Query
from groat.platform.process import metrics
from groat.platform.process.settings import APPLICATION_ROLE

_ACQUIRE_SECONDS = 5.0
"""Maximum seconds to wait for a free connection."""

_RESTED_SECONDS = 1.0
"""Seconds of rest after which a connection is checked before its next use."""

_TRANSACTION_SECONDS = 35.0
"""Maximum seconds of a transaction. Covers a server that accepts connections but never answers."""

_READ_COMMITTED = Query(b"begin")
_SNAPSHOT = Query(b"begin isolation level repeatable read, read only")
_SERVER = b"""
select
    pg_backend_pid(),
    format('%s-%s-%s', system_identifier, extract(epoch from pg_postmaster_start_time()), oid)
from pg_control_system(), pg_database
where datname = current_database()
"""  # a server restored from a disk copy has the same identifier, but another start time
_NO_TIME_LIMIT = Query(b"set local statement_timeout = 0")
_SESSION = {
    "synchronous_commit": "on",  # an acknowledgement means committed
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
    "random_page_cost": "1.1",  # the data is in memory or on an SSD
}
"""Settings of every session. Each wait has a limit. No transaction spans a call to a provider, so
these limits are generous."""


class KeyTaken(Exception):
    """Another transaction wrote the same key first.

    This transaction was rolled back, or only the block if it was raised by ``Database.part``.
    """


class Database:
    """The pool of connections to PostgreSQL, and the kinds of transactions on it."""

    def __init__(
        self, url: str, *, max_connections: int, role: str | None = APPLICATION_ROLE
    ) -> None:
        self._role = role
        self.incarnation: str | None = None
        """Identifies the running server: data committed in an incarnation stays committed in it.

        Another server, a copy, a restored backup and the same server after a restart are each
        another incarnation. None until the first connection. Also None behind a pooler, because a
        pooler may change its server without notice."""
        self._broken_at = 0.0
        self._answered_at = 0.0
        self._pool = AsyncConnectionPool(
            url,
            connection_class=Session,
            kwargs={"application_name": "groat", "connect_timeout": 5, "autocommit": True},
            configure=self._configure,
            min_size=1,
            max_size=max_connections,
            timeout=_ACQUIRE_SECONDS,
            reconnect_timeout=2.0,
            check=self._check,
            open=False,
        )

    async def _configure(self, session: Session) -> None:
        """Set role and time limits for the session, or behind a pooler for each transaction."""
        session.prepare_threshold = None
        cursor = await session.execute(_SERVER)
        row = await cursor.fetchone()
        assert row is not None  # noqa: S101 - the query returns one row
        backend_pid, incarnation = row
        if backend_pid == session.info.backend_pid:
            self.incarnation = incarnation
            await session.execute(_settings(self._role, for_transaction=False))
        else:
            self.incarnation = None
            session.prelude = Query(_settings(self._role, for_transaction=True))

    async def _check(self, session: Session) -> None:
        """Check a session that rested, or was idle when another broke: a restart breaks all."""
        if session.used_at < max(time.monotonic() - _RESTED_SECONDS, self._broken_at):
            await AsyncConnectionPool.check_connection(session)

    async def open(self) -> None:
        """Start the pool. It connects in the background, so the server may still be down."""
        await self._pool.open()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    def answered_within(self, seconds: float) -> bool:
        """Return whether the server has answered in the last ``seconds``, and not failed since."""
        return self._answered_at > max(time.monotonic() - seconds, self._broken_at)

    def measure_pool(self) -> None:
        """Set the gauges of the pool to the present state."""
        stats = self._pool.get_stats()
        idle = stats.get("pool_available", 0)
        metrics.POOL_CONNECTIONS.labels("idle").set(idle)
        metrics.POOL_CONNECTIONS.labels("used").set(stats.get("pool_size", 0) - idle)
        metrics.POOL_CONNECTIONS.labels("max").set(stats.get("pool_max", 0))
        metrics.POOL_WAITING.set(stats.get("requests_waiting", 0))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Yield a connection in a READ COMMITTED transaction, and commit at the end.

        If the block raises, the transaction is rolled back.

        Raises:
            KeyTaken: another transaction wrote a key that this transaction writes too.
            Unavailable: ``database_unavailable``. If it is raised at the end of the transaction,
                the commit may have happened: look the outcome up by its key.
        """
        async with self._transaction(_READ_COMMITTED, _TRANSACTION_SECONDS) as connection:
            yield connection

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[Connection]:
        """Yield a connection on which each statement is a transaction: a fetch is one round trip.

        A fetch sees committed rows only. The next fetch may see newer rows.

        Raises:
            Unavailable: ``database_unavailable``.
        """
        async with self._session() as session:
            yield Connection(session, begin=None)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Yield a connection whose reads all see the same snapshot, without a time limit.

        Raises:
            Unavailable: ``database_unavailable``.
        """
        async with self._transaction(_SNAPSHOT, None) as connection:
            connection.write(_NO_TIME_LIMIT)
            yield connection

    @asynccontextmanager
    async def rehearsal(self) -> AsyncIterator[Connection]:
        """Yield a connection in a transaction that is rolled back at the end, for a dry run.

        Raises:
            Unavailable: ``database_unavailable``.
        """
        async with self._session() as session:
            connection = Connection(session, _READ_COMMITTED)
            try:
                yield connection
            finally:
                await connection.roll_back()

    @asynccontextmanager
    async def part(self, connection: Connection) -> AsyncIterator[None]:
        """If the block raises, roll back its own writes and keep the rest of the transaction.

        Raises:
            KeyTaken: another transaction wrote a key that the block writes too.
            Unavailable: ``database_unavailable``.
        """
        with self._translated_errors():
            await connection.save()
            try:
                yield
                await connection.flush()
            except Exception:
                await connection.restore()
                raise

    @asynccontextmanager
    async def _transaction(self, begin: Query, seconds: float | None) -> AsyncIterator[Connection]:
        async with self._session(seconds) as session:
            connection = Connection(session, begin)
            try:
                yield connection
                await connection.commit()
            except BaseException:
                await connection.roll_back()
                raise

    @asynccontextmanager
    async def _session(
        self, seconds: float | None = _TRANSACTION_SECONDS
    ) -> AsyncIterator[Session]:
        """Yield a session of the pool, for at most ``seconds``."""
        with self._translated_errors():
            async with asyncio.timeout(seconds), self._pool.connection() as session:
                yield session
                session.used_at = self._answered_at = time.monotonic()

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Turn psycopg's errors into ``KeyTaken`` and ``Unavailable``."""
        try:
            yield
        except psycopg.errors.UniqueViolation as error:
            raise KeyTaken from error
        except (psycopg.OperationalError, PoolTimeout, TimeoutError) as error:
            self._broken_at = time.monotonic()
            raise Unavailable(
                "database_unavailable", "The database is not available; try again shortly."
            ) from error


def _settings(role: str | None, *, for_transaction: bool) -> bytes:
    """Return the statement that sets role and limits, for a transaction or for a session."""
    until_commit = sql.Literal(for_transaction)
    acting = {} if role is None else {"role": role}
    settings = sql.SQL(", ").join(
        sql.SQL("set_config({}, {}, {})").format(name, value, until_commit)
        for name, value in {**acting, **_SESSION}.items()
    )
    return sql.SQL("select {}").format(settings).as_bytes(None)

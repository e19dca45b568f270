"""PostgreSQL: one bounded pool, short transactions, and an honest error when it is away.

A connection may lead to PostgreSQL itself or to a connection pooler, in session or in transaction
mode. A pooler shows: the process that answers is not the process that the connection was made to.
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
from groat.platform.process.settings import APPLICATION_ROLE

_ACQUIRE_SECONDS = 5.0
_RESTED_SECONDS = 1.0
_TRANSACTION_SECONDS = 35.0  # for a server that is there and does not answer
_READ_COMMITTED = Query(b"begin")
_SNAPSHOT = Query(b"begin isolation level repeatable read, read only")
_SERVER = b"""
select
    pg_backend_pid(),
    format('%s-%s-%s', system_identifier, extract(epoch from pg_postmaster_start_time()), oid)
from pg_control_system(), pg_database
where datname = current_database()
"""  # a disk that is put back from a copy has the same identity and timeline, but was started anew
_NO_TIME_LIMIT = Query(b"set local statement_timeout = 0")
_SESSION = {
    "synchronous_commit": "on",  # an acknowledgement means committed
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
    "random_page_cost": "1.1",  # what is worked on is in memory, or on a disk that has no arm
}
"""Every wait has a limit. No transaction spans a network call, so each of these is generous."""


class KeyTaken(Exception):
    """Another transaction has written a key of this one meanwhile; nothing of this one is done."""


class Database:
    """The engine's way to PostgreSQL."""

    def __init__(
        self, url: str, *, max_connections: int, role: str | None = APPLICATION_ROLE
    ) -> None:
        self._role = role
        self.incarnation: str | None = None
        """What is committed here stays so: another server, a copy of it, or what was restored from
        a backup is another incarnation, and so is the same one after a restart. None until the
        first connection, and behind a pooler, which does not tell that its server has changed."""
        self._broken_at = 0.0
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
        """Set role and time limits: once for all, or behind a pooler for each transaction."""
        session.prepare_threshold = None
        cursor = await session.execute(_SERVER)
        row = await cursor.fetchone()
        assert row is not None  # noqa: S101 - a server has one identity
        backend_pid, incarnation = row
        if backend_pid == session.info.backend_pid:
            self.incarnation = incarnation
            await session.execute(_settings(self._role, for_transaction=False))
        else:
            self.incarnation = None
            session.prelude = Query(_settings(self._role, for_transaction=True))

    async def _check(self, session: Session) -> None:
        """Try a session that has rested, or stood when another broke: a restart breaks all."""
        if session.used_at < max(time.monotonic() - _RESTED_SECONDS, self._broken_at):
            await AsyncConnectionPool.check_connection(session)

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
            KeyTaken: another transaction has written a key that this one was to write.
            Unavailable: ``database_unavailable``. If it is raised as the transaction ends, the
                commit may have happened: look the outcome up by its key, never assume.
        """
        async with self._transaction(_READ_COMMITTED, _TRANSACTION_SECONDS) as connection:
            yield connection

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[Connection]:
        """Yield a connection on which each statement is a transaction: one round trip for a fetch.

        What is fetched is committed, and what is fetched next may be newer.

        Raises:
            Unavailable: ``database_unavailable``.
        """
        async with self._session() as session:
            yield Connection(session, begin=None)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Yield a connection whose reads all see one moment, however long they take.

        Raises:
            Unavailable: ``database_unavailable``.
        """
        async with self._transaction(_SNAPSHOT, None) as connection:
            connection.write(_NO_TIME_LIMIT)
            yield connection

    @asynccontextmanager
    async def rehearsal(self) -> AsyncIterator[Connection]:
        """Yield a connection in a transaction that is undone at the end: to see what would happen.

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
        """Undo what the block does in the transaction of ``connection``, and that alone, on errors.

        Raises:
            KeyTaken: another transaction has written a key that the block was to write.
            Unavailable: ``database_unavailable``.
        """
        with self._honestly():
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
        """Yield a session of the pool, for so long at the most."""
        with self._honestly():
            async with asyncio.timeout(seconds), self._pool.connection() as session:
                yield session
                session.used_at = time.monotonic()

    @contextmanager
    def _honestly(self) -> Iterator[None]:
        """Say of what goes wrong in the block what it means to the engine."""
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
    """Return the statement that sets role and limits, for the transaction or for the session."""
    until_commit = sql.Literal(for_transaction)
    acting = {} if role is None else {"role": role}
    settings = sql.SQL(", ").join(
        sql.SQL("set_config({}, {}, {})").format(name, value, until_commit)
        for name, value in {**acting, **_SESSION}.items()
    )
    return sql.SQL("select {}").format(settings).as_bytes(None)

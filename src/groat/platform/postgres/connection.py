"""A transaction's connection, which makes one round trip per fetch and none per write.

Statements are queued. They are sent together, in libpq's pipeline mode, when the caller fetches
rows or commits. So a transaction that locks, decides and writes makes two round trips, whatever the
number of tables that it writes: BEGIN and the lock, then the writes and COMMIT.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import namedtuple
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

import psycopg
from psycopg.abc import Buffer, PyFormat
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format, PipelineStatus
from psycopg.pq.abc import PGresult as Result
from psycopg.waiting import Ready, Wait

from groat.platform.postgres.columns import register_columns
from groat.platform.postgres.queries import Query

Row: TypeAlias = Any
"""A row: a named tuple, whose values have the names of their columns."""

Kind = TypeVar("Kind")

Statement: TypeAlias = tuple[Query, Mapping[str, object]]
_DONE = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}
_CANCEL_SECONDS = 5.0
"""Maximum seconds to tell the server that a statement is no longer wanted."""

_COMMIT = Query(b"commit")
_ROLLBACK = Query(b"rollback")
_SAVEPOINT = Query(b"savepoint saved")
_TO_SAVEPOINT = Query(b"rollback to savepoint saved")


class Session(psycopg.AsyncConnection):
    """A pooled connection and its state between transactions.

    ``statements`` holds the names of prepared statements by text and parameter types. ``prelude``
    is None on a direct connection to PostgreSQL. Behind a connection pooler, it is the statement
    that sets role and time limits. Each transaction then begins with it, because the next
    transaction may use another server connection. For the same reason, no statement is prepared.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.used_at = 0.0
        self.prelude: Query | None = None
        self.statements: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self.names = (b"groat_%d" % number for number in itertools.count())
        register_columns(self)
        self.transformer = Transformer(self)


class _Queued(NamedTuple):
    text: bytes
    values: Sequence[Buffer | None]
    types: tuple[int, ...]
    formats: Sequence[Format]

    @property
    def key(self) -> tuple[bytes, tuple[int, ...]]:
        """Identifies the statement among the prepared ones."""
        return self.text, self.types


class Connection:
    """The connection of one transaction: fetches rows at once and queues writes.

    A write that PostgreSQL refuses raises its error when the queue is sent: in the next ``fetch``,
    or at the end of the transaction. In both cases the whole transaction is rolled back.
    """

    def __init__(self, session: Session, begin: Query | None) -> None:
        self._session = session
        self._queue: list[_Queued] = []
        self._is_transaction = begin is not None
        self._after_commit: list[Callable[[], None]] = []
        if begin is not None:
            self.write(begin)
            if session.prelude is not None:
                self.write(session.prelude)

    def write(self, query: Query, parameters: Mapping[str, object] | None = None) -> None:
        """Queue a statement. If it returns rows, they are dropped."""
        prelude = self._session.prelude
        if prelude is not None and not (self._is_transaction or self._queue):
            self._enqueue(prelude, {})
        self._enqueue(query, parameters or {})

    def _enqueue(self, query: Query, parameters: Mapping[str, object]) -> None:
        transformer = self._session.transformer
        values = [parameters[name] for name in query.parameters]
        dumped = transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        types, formats = transformer.types or (), transformer.formats or []
        self._queue.append(_Queued(query.text, dumped, types, formats))

    async def fetch(
        self, query: Query, parameters: Mapping[str, object] | None = None
    ) -> list[Row]:
        """Send the queued statements and this query; return its rows.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is down.
        """
        [rows] = await self.fetch_each((query, parameters or {}))
        return rows

    async def fetch_each(self, *statements: Statement | None) -> list[list[Row]]:
        """Send the queued and the given statements together; return the rows of each given one.

        None in the place of a statement is not sent, and has no rows.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is down.
        """
        sent = [statement for statement in statements if statement is not None]
        for query, parameters in sent:
            self.write(query, parameters)
        results = await self._send()
        answers = iter(results[len(results) - len(sent) :])
        return [[] if one is None else self._rows(next(answers)) for one in statements]

    async def fetch_one(
        self, query: Query, parameters: Mapping[str, object] | None = None
    ) -> Row | None:
        """Send the queued statements and this query; return its first row, or None.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is down.
        """
        rows = await self.fetch(query, parameters)
        return rows[0] if rows else None

    async def flush(self) -> None:
        """Send the queued statements.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is down.
        """
        await self._send()

    async def commit(self) -> None:
        """Send the queued statements, and commit.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is down. If it is down, it
                is unknown whether the transaction was committed.
        """
        self.write(_COMMIT)
        *_, result = await self._send()
        if result.command_status != b"COMMIT":
            raise psycopg.errors.InFailedSqlTransaction("a statement before had failed")
        for act in self._after_commit:
            act()

    def after_commit(self, act: Callable[[], None]) -> None:
        """Call ``act`` once the transaction is committed; never, if it is rolled back.

        ``act`` neither waits nor fails. For example, it tells workers that rows are due. If the
        process dies before the call, the rows are due all the same.
        """
        self._after_commit.append(act)

    async def save(self) -> None:
        """Send the queued statements, and set the savepoint that ``restore`` returns to.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is down.
        """
        self.write(_SAVEPOINT)
        await self._send()

    async def restore(self) -> None:
        """Drop the queued statements, and roll back to the savepoint of ``save``.

        It works also after a failed statement.

        Raises:
            psycopg.Error: PostgreSQL is down.
        """
        self._queue.clear()
        self.write(_TO_SAVEPOINT)
        await self._send()

    async def roll_back(self) -> None:
        """Drop the queued statements, and roll the transaction back if the session is open."""
        self._queue.clear()
        if not self._session.closed:
            self.write(_ROLLBACK)
            await self._send()

    def _rows(self, result: Result) -> list[Row]:
        transformer = self._session.transformer
        transformer.set_pgresult(result)
        names = [result.fname(column) for column in range(result.nfields)]
        return transformer.load_rows(0, result.ntuples, _row_of(tuple(names)))

    async def _send(self) -> list[Result]:
        """Send the queued statements and return the result of each; close a broken session."""
        queue, self._queue = self._queue, []
        try:
            exchange = self._exchange if self._session.prelude is None else self._exchange_unnamed
            results = await exchange(queue)
        except BaseException:
            await self._session.close()
            raise
        for result in results:
            if result.status not in _DONE:
                raise psycopg.errors.error_from_result(result)
        return results

    async def _exchange_unnamed(self, queue: list[_Queued]) -> list[Result]:
        """Send statements without preparing them, because a pooler shares the server connection."""
        pgconn = self._session.pgconn
        pgconn.enter_pipeline_mode()
        for text, values, types, formats in queue:
            pgconn.send_query_params(text, values, types, formats, Format.BINARY)
        pgconn.pipeline_sync()
        results = await _completed(self._session)
        pgconn.exit_pipeline_mode()
        return results

    async def _exchange(self, queue: list[_Queued]) -> list[Result]:
        """Send statements, preparing those that this session has not prepared yet.

        A prepared statement alone needs no pipeline mode, which costs a tenth of its exchange.
        """
        pgconn = self._session.pgconn
        alone = self._session.statements.get(queue[0].key) if len(queue) == 1 else None
        if alone is not None:
            _, values, _, formats = queue[0]
            pgconn.send_query_prepared(alone, values, formats, result_format=Format.BINARY)
            return await _completed(self._session)
        prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        answers: list[bool] = []  # True for the result of a statement, False for a preparation
        pgconn.enter_pipeline_mode()
        for queued in queue:
            name = self._session.statements.get(queued.key) or prepared.get(queued.key)
            if name is None:
                name = prepared[queued.key] = next(self._session.names)
                pgconn.send_prepare(name, queued.text, queued.types)
                answers.append(False)
            pgconn.send_query_prepared(
                name, queued.values, queued.formats, result_format=Format.BINARY
            )
            answers.append(True)
        pgconn.pipeline_sync()
        results = await _completed(self._session)
        pgconn.exit_pipeline_mode()
        if all(result.status in _DONE for result in results):
            self._session.statements |= prepared
            return list(itertools.compress(results, answers))
        return results


def value(kind: type[Kind], row: Row) -> Kind:
    """Return a row as a ``kind``, whose fields have the names and the order of the columns.

    Raises:
        TypeError: the columns have other names, or another order.
    """
    return values(kind, [row])[0]


def values(kind: type[Kind], rows: Sequence[Row]) -> list[Kind]:
    """Return rows of one query as ``value`` does; the names are compared once for all of them.

    Raises:
        TypeError: the columns have other names, or another order.
    """
    if rows and rows[0]._fields != _fields(kind):
        columns = ", ".join(rows[0]._fields)
        raise TypeError(
            f"The fields of {kind.__name__} are not the columns of its query: {columns}"
        )
    return [kind(*row) for row in rows]


def _fields(kind: Any) -> tuple[str, ...]:
    """Return the names of the fields of a named tuple or of a ``Value``."""
    fields: tuple[str, ...] = getattr(kind, "_fields", None) or kind.__struct_fields__
    return fields


@lru_cache(maxsize=1024)
def _row_of(names: tuple[bytes, ...]) -> Callable[[Sequence[Any]], Row]:
    """Return the function that makes a row of the values of columns with these names."""
    fields = [name.decode() for name in names]  # known at run time only
    row = namedtuple("Row", fields, rename=True)  # type: ignore[misc] # noqa: PYI024
    return partial(tuple.__new__, row)


async def _completed(session: Session) -> list[Result]:
    """Send the statements in libpq's queue, wait for the answers, and return them.

    ``session.wait`` does the same for a third more processor time, because it also sets a timer for
    each wait.
    """
    steps, loop, socket = _results(session), asyncio.get_running_loop(), session.pgconn.socket
    try:
        wanted = next(steps)
        while True:
            ready = await _readiness(loop, socket, wanted)
            wanted = steps.send(ready)
    except StopIteration as end:
        results: list[Result] = end.value
        return results
    except asyncio.CancelledError:
        await session.cancel_safe(timeout=_CANCEL_SECONDS)
        raise


async def _readiness(loop: asyncio.AbstractEventLoop, socket: int, wanted: Wait) -> Ready:
    """Wait until the socket is ready to read or to write, as wanted, and return which."""
    ready: asyncio.Future[Ready] = loop.create_future()

    def note(which: Ready) -> None:
        if not ready.done():
            ready.set_result(which)

    loop.add_reader(socket, note, Ready.R)
    if wanted & Wait.W:
        loop.add_writer(socket, note, Ready.W)
    try:
        return await ready
    finally:
        loop.remove_reader(socket)
        if wanted & Wait.W:
            loop.remove_writer(socket)


def _results(session: Session) -> Generator[Wait, Ready | int, list[Result]]:
    """Send the statements in libpq's queue, and return the result of each.

    Raises:
        psycopg.OperationalError: the server closed the connection.
    """
    pgconn = session.pgconn
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:
            pgconn.consume_input()
    results: list[Result] = []
    nothing = False
    while True:
        while pgconn.is_busy():
            yield Wait.R
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
            return results
        if result is None and results and pgconn.pipeline_status == PipelineStatus.OFF:
            return results
        if result is not None:
            results.append(result)
        elif nothing:  # one None separates two statements; two mean that the connection is closed
            raise psycopg.OperationalError(pgconn.get_error_message())
        nothing = result is None

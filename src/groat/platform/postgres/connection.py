"""A transaction's connection: a round trip for each answer that is wanted, not for each statement.

Statements are queued and sent together, in libpq's pipeline mode, when somebody wants rows or the
transaction is to be committed. So a transaction that locks, decides and writes makes two round
trips, however many tables it writes: BEGIN and the lock, then the writes and COMMIT.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import psycopg
from psycopg.abc import Buffer, PyFormat
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult as Result
from psycopg.waiting import Ready, Wait

from groat.platform.postgres.columns import register_columns
from groat.platform.postgres.queries import Query

Row: TypeAlias = tuple[Any, ...]
Statement: TypeAlias = tuple[Query, Mapping[str, object]]
_DONE = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}
_COMMIT = Query(b"commit")
_ROLLBACK = Query(b"rollback")
_SAVEPOINT = Query(b"savepoint saved")
_TO_SAVEPOINT = Query(b"rollback to savepoint saved")


class Session(psycopg.AsyncConnection):
    """A pooled connection and its state between transactions.

    ``statements`` holds the names of prepared statements by text and parameter types.
    ``prelude`` is None on a connection to PostgreSQL itself. Behind a connection pooler it is the
    statement that sets role and time limits, and each transaction begins with it: the next
    transaction may run on another server connection. For the same reason nothing is prepared there.
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


class Connection:
    """What code in a transaction sees of PostgreSQL: rows that it waits for, writes that it queues.

    What is wrong with a write is raised where the queue is sent: by the next ``fetch``, or as the
    transaction ends. Either way nothing of the transaction is done.
    """

    def __init__(self, session: Session, begin: Query | None) -> None:
        self._session = session
        self._queue: list[_Queued] = []
        self._is_transaction = begin is not None
        if begin is not None:
            self.write(begin)
            if session.prelude is not None:
                self.write(session.prelude)

    def write(self, query: Query, parameters: Mapping[str, object] | None = None) -> None:
        """Queue a statement whose rows, if any, nobody wants."""
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
        """Send what is queued and this, and return its rows.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is away.
        """
        [rows] = await self.fetch_each((query, parameters or {}))
        return rows

    async def fetch_each(self, *statements: Statement) -> list[list[Row]]:
        """Send what is queued and these, together, and return the rows of each of these.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is away.
        """
        for query, parameters in statements:
            self.write(query, parameters)
        results = await self._send()
        return [self._rows(result) for result in results[-len(statements) :]]

    async def fetch_one(
        self, query: Query, parameters: Mapping[str, object] | None = None
    ) -> Row | None:
        """Send what is queued and this, and return its first row, if it has one.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is away.
        """
        rows = await self.fetch(query, parameters)
        return rows[0] if rows else None

    async def flush(self) -> None:
        """Send what is queued.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is away.
        """
        await self._send()

    async def commit(self) -> None:
        """Send what is queued, and commit.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is away; in the second case
                nobody knows whether it has committed.
        """
        self.write(_COMMIT)
        *_, result = await self._send()
        if result.command_status != b"COMMIT":
            raise psycopg.errors.InFailedSqlTransaction("a statement before had failed")

    async def save(self) -> None:
        """Send what is queued, and mark this as what ``restore`` returns to.

        Raises:
            psycopg.Error: PostgreSQL refused one of the statements, or is away.
        """
        self.write(_SAVEPOINT)
        await self._send()

    async def restore(self) -> None:
        """Forget what is queued, and undo what was done since ``save``: it may have failed.

        Raises:
            psycopg.Error: PostgreSQL is away.
        """
        self._queue.clear()
        self.write(_TO_SAVEPOINT)
        await self._send()

    async def roll_back(self) -> None:
        """Forget what is queued and undo the rest, if the server is still there to be told."""
        self._queue.clear()
        if not self._session.closed:
            self.write(_ROLLBACK)
            await self._send()

    def _rows(self, result: Result) -> list[Row]:
        transformer = self._session.transformer
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)

    async def _send(self) -> list[Result]:
        """Send what is queued and return a result for each; a session that breaks is closed."""
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
        """Send statements that PostgreSQL forgets at once: the server connection is shared."""
        pgconn = self._session.pgconn
        pgconn.enter_pipeline_mode()
        for text, values, types, formats in queue:
            pgconn.send_query_params(text, values, types, formats, Format.BINARY)
        pgconn.pipeline_sync()
        results = await self._session.wait(_results(self._session))
        pgconn.exit_pipeline_mode()
        return results

    async def _exchange(self, queue: list[_Queued]) -> list[Result]:
        """Send statements, preparing those that this session has not prepared yet."""
        pgconn = self._session.pgconn
        prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        answers: list[bool] = []  # whether a result is a statement's own, or its preparation's
        pgconn.enter_pipeline_mode()
        for text, values, types, formats in queue:
            key = (text, types)
            name = self._session.statements.get(key) or prepared.get(key)
            if name is None:
                name = prepared[key] = next(self._session.names)
                pgconn.send_prepare(name, text, types)
                answers.append(False)
            pgconn.send_query_prepared(name, values, formats, result_format=Format.BINARY)
            answers.append(True)
        pgconn.pipeline_sync()
        results = await self._session.wait(_results(self._session))
        pgconn.exit_pipeline_mode()
        if all(result.status in _DONE for result in results):
            self._session.statements |= prepared
            return list(itertools.compress(results, answers))
        return results


def _results(session: Session) -> Generator[Wait, Ready | int, list[Result]]:
    """Send all that is queued in libpq, and return what comes of each statement.

    Raises:
        psycopg.OperationalError: the server is gone.
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
        if result is not None:
            results.append(result)
        elif nothing:  # once, it stands between two statements; twice, the server is gone
            raise psycopg.OperationalError(pgconn.get_error_message())
        nothing = result is None

"""The money oracle, held against a world."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, TypeVar, cast

import psycopg
from psycopg.rows import namedtuple_row

from groat.app.verify import all_checks, verify
from groat.audit.service.verification import LogOptions, verify_log
from groat.platform.postgres.connection import Connection, Row, Statement
from groat.platform.postgres.queries import Query
from tests.support.world import World

Result = TypeVar("Result")


async def assert_sound(world: World) -> None:
    """Hold everything against the money oracle."""
    findings = await asyncio.to_thread(verify, world.settings, print)
    assert [finding for finding in findings if not finding.ok] == []


def failures(connection: psycopg.Connection) -> Iterator[tuple[str, str]]:
    """Yield the checks that fail on this connection, each with the first offender."""
    cursor = psycopg.RawCursor(connection)
    for one in all_checks():
        given = one.parameters or {}
        cursor.execute(one.query.text, [given[name] for name in one.query.parameters])
        found = cursor.fetchone()
        assert found is not None
        if found[1]:
            yield one.name, str(found[2])


def log_failures(connection: psycopg.Connection) -> Iterator[tuple[str, str]]:
    """Yield the rules of the log that are broken on this connection, with the first offender."""
    within = cast("Connection", _Within(connection))
    log = _at_once(verify_log(within, LogOptions(full=True), lambda _read, _all: None))
    for finding in log.findings:
        if not finding.ok:
            yield finding.name, finding.detail


class _Within:
    """Reads in the open transaction of another connection, as the engine reads in its own."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._cursor = psycopg.RawCursor(connection, row_factory=namedtuple_row)

    async def fetch(
        self, query: Query, parameters: Mapping[str, object] | None = None
    ) -> list[Row]:
        values = [(parameters or {})[name] for name in query.parameters]
        return self._cursor.execute(query.text, values, binary=True).fetchall()

    async def fetch_one(
        self, query: Query, parameters: Mapping[str, object] | None = None
    ) -> Row | None:
        rows = await self.fetch(query, parameters)
        return rows[0] if rows else None

    async def fetch_each(self, *statements: Statement) -> list[list[Row]]:
        return [await self.fetch(query, parameters) for query, parameters in statements]


def _at_once(work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of work that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    raise AssertionError("the work waits")

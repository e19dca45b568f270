"""The money oracle, held against a world."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psycopg

from groat.app.verify import all_checks, verify
from tests.support.world import World


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

"""Checks of what the database holds: the pieces that ``groat verify`` is made of.

Each module states its own checks, one query each. A query returns one row: how many things it
examined, how many of them are wrong, and the name of the first that is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from groat.platform.postgres.connection import Connection
from groat.platform.postgres.queries import Query


@dataclass(frozen=True, slots=True)
class Check:
    """``name`` says what should be true; ``offender`` is what a wrong row is called."""

    name: str
    query: Query
    offender: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; ``detail`` names the first offending row."""

    name: str
    ok: bool
    examined: int
    detail: str
    seconds: float


def checks_from(queries: dict[str, Query], offenders: dict[str, str]) -> list[Check]:
    """Return the check of each query ``check_<name>``; ``offenders`` maps each name to a noun."""
    return [Check(name, queries[f"check_{name}"], noun) for name, noun in offenders.items()]


async def run_check(connection: Connection, check: Check) -> Finding:
    """Run one check within the caller's snapshot."""
    started = time.perf_counter()
    row = await connection.fetch_one(check.query)
    assert row is not None, "a check aggregates, so it has one row"  # noqa: S101
    examined, wrong, first = row
    detail = "" if wrong == 0 else f"{wrong} wrong, first: {check.offender} {first}"
    return Finding(check.name, wrong == 0, examined, detail, time.perf_counter() - started)

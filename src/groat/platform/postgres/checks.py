"""Checks of the data in the database, which ``groat verify`` runs.

Each module defines its own checks, one query each. A query returns one row: ``examined``, the
number of objects; ``wrong``, the number of wrong ones; ``first``, the name of the first of them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from groat.platform.postgres.connection import Connection
from groat.platform.postgres.queries import Query


@dataclass(frozen=True, slots=True)
class Check:
    """A check. ``name`` states the rule that holds; ``offender`` is the noun for a wrong row.

    ``parameters`` are those of the query, if it has any.
    """

    name: str
    query: Query
    offender: str
    parameters: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check; ``detail`` names the first wrong row."""

    name: str
    ok: bool
    examined: int
    detail: str
    seconds: float

    def document(self) -> dict[str, object]:
        """Return the finding as a document for programs."""
        return {**asdict(self), "seconds": round(self.seconds, 6)}


def checks_from(
    queries: dict[str, Query],
    offenders: dict[str, str],
    parameters: Mapping[str, object] | None = None,
) -> list[Check]:
    """Return the check of each query ``check_<name>``; ``offenders`` maps each name to a noun."""
    return [
        Check(name, queries[f"check_{name}"], noun, parameters) for name, noun in offenders.items()
    ]


async def run_check(connection: Connection, check: Check) -> Finding:
    """Run one check in the caller's snapshot and return its result."""
    started = time.perf_counter()
    row = await connection.fetch_one(check.query, check.parameters)
    assert row is not None, "a check aggregates, so it has one row"  # noqa: S101
    wrong = row.wrong
    detail = f"{wrong} wrong, first: {check.offender} {row.first}" if wrong else ""
    return Finding(check.name, not wrong, row.examined, detail, time.perf_counter() - started)

"""Read the log page by page for an inspection, and store the findings of verifications."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from groat.audit.domain.inspection import CheckpointRow, LogPage, SealedRecord
from groat.audit.domain.tree import LeafRange, Subtree
from groat.platform.postgres.connection import Connection, value, values
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "inspection.sql")


async def size(connection: Connection) -> tuple[int, int]:
    """Return the number of leaves of the log, and the number of its stored subtrees."""
    [row] = await connection.fetch(QUERIES["log_size"])
    return row.size, row.subtrees


async def verified(connection: Connection) -> CheckpointRow | None:
    """Return the checkpoint up to which the last run verified the log, None if it found a fault."""
    row = await connection.fetch_one(QUERIES["verified_checkpoint"])
    return None if row is None else value(CheckpointRow, row)


async def page(connection: Connection, part: LeafRange) -> LogPage:
    """Return the rows of a part of the log."""
    bounds = {"start": part.start, "end": part.end}
    leaves, checkpoints, subtrees = await connection.fetch_each(
        (QUERIES["log_leaves"], bounds),
        (QUERIES["log_checkpoints"], bounds),
        (QUERIES["log_subtrees"], bounds),
    )
    return LogPage(
        part,
        values(SealedRecord, leaves),
        values(CheckpointRow, checkpoints),
        {Subtree(row.level, row.number): row.hash for row in subtrees},
    )


def insert_verification(
    connection: Connection,
    verification_id: UUID,
    verified_size: int,
    findings: Sequence[Mapping[str, object]],
    started_at: datetime,
    finished_at: datetime,
) -> None:
    """Store the findings of a run, and the size up to which it found the log in order."""
    connection.write(
        QUERIES["insert_verification"],
        {
            "id": verification_id,
            "size": verified_size,
            "ok": all(one["ok"] for one in findings),
            "findings": json.dumps(findings),
            "started_at": started_at,
            "finished_at": finished_at,
        },
    )

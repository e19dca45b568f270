"""Seal the records of a world, and read its log back as a stranger would."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NamedTuple

from groat.audit.domain.actions import AuditAction
from groat.audit.domain.checkpoint import Checkpoint
from groat.audit.domain.note import VerifierKey
from groat.audit.domain.record import Change
from groat.kernel import ids
from tests.support.world import OPERATOR, World

_PATIENCE_SECONDS = 120


class Leaf(NamedTuple):
    """A leaf of the log, with the record that it is of."""

    place: int
    record: str
    hash: bytes


async def seal_all(world: World) -> None:
    """Seal until no record waits: for a moment, a transaction elsewhere may hold some back."""
    limit = time.monotonic() + _PATIENCE_SECONDS
    while await waiting(world):
        assert time.monotonic() < limit, "records stay unsealed"
        await world.engine.sealer.seal()


async def fill(world: World, records: int) -> None:
    """Write records of a change that no other row shows."""
    now = datetime.now(UTC)
    caller, action = OPERATOR.acting_for(world.merchant_id), AuditAction.KEY_RETIRED
    changes = [
        Change.by(caller, action, "audit_key", ids.uuid7(), n=number) for number in range(records)
    ]
    async with world.engine.database.transaction() as connection:
        await world.engine.audit.write(connection, world.merchant_id, changes, now)


async def waiting(world: World) -> int:
    """Return how many records are not in the log."""
    [(count,)] = await world.rows(
        "select count(*) from audit_record where id not in (select record_id from audit_leaf)"
    )
    found: int = count
    return found


async def leaves(world: World) -> list[Leaf]:
    """Return the log, with the ids of its records."""
    rows = await world.rows(
        "select place, typeid('aud', record_id), hash from audit_leaf order by place"
    )
    return [Leaf(place, record, bytes(found)) for place, record, found in rows]


async def checkpoints(world: World) -> list[Checkpoint]:
    """Return the checkpoints, oldest first, each opened with the key of the log."""
    trusted = await verifiers(world)
    notes = await world.rows("select note from audit_checkpoint order by size")
    return [Checkpoint.opened(note, trusted) for (note,) in notes]


async def verifiers(world: World) -> list[VerifierKey]:
    return await world.engine.audit_keys.verifiers()

"""Rehearse events: apply them in a transaction that is rolled back, and report the effects."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from groat.audit.domain.record import Change
from groat.inbox.domain.conclusion import EventStatus
from groat.inbox.domain.event import ClaimedEvent
from groat.inbox.service.applier import Applied, EventApplier, Read, apply_or_split
from groat.inbox.service.interpreter import Interpreter, in_time
from groat.kernel.ids import MerchantId
from groat.kernel.value import Value
from groat.platform.postgres.database import Database


class Rehearsed(Value):
    """The conclusion that an event would reach, and the changes that it would cause."""

    event: ClaimedEvent
    status: EventStatus
    reason: str | None
    changes: tuple[Change, ...] = ()


class EventRehearsal:
    """Reads and applies events like the drain, in a transaction that is always rolled back."""

    def __init__(self, database: Database, interpreter: Interpreter, facts: EventApplier) -> None:
        self._database = database
        self._interpreter = interpreter
        self._facts = facts

    async def rehearse(
        self, merchant_id: MerchantId, events: Sequence[ClaimedEvent]
    ) -> list[Rehearsed]:
        """Apply ``events`` in order, each after the ones before it; return the results; roll back.

        Providers are called first, for the events that need it. Then the events are applied, which
        locks their payments until the roll-back: no lock is held during a provider call.

        Raises:
            Unavailable: the database is not available.
        """
        readings = await asyncio.gather(
            *(in_time(self._interpreter.read(event)) for event in events)
        )
        rehearsed: list[Rehearsed] = []

        async def give_up(event: ClaimedEvent, error: Exception) -> None:
            rehearsed.append(Rehearsed(event, EventStatus.RETRYING, type(error).__name__))

        async with self._database.rehearsal() as connection:

            async def attempt(batch: Sequence[Read]) -> None:
                async with self._database.part(connection):
                    applied = await self._facts.apply(connection, merchant_id, batch)
                rehearsed.extend(map(_rehearsed, applied))

            await apply_or_split(list(zip(events, readings, strict=True)), attempt, give_up)
        return rehearsed


def _rehearsed(applied: Applied) -> Rehearsed:
    changes = tuple(verdict.change for verdict in applied.verdicts if verdict.change is not None)
    settlement = applied.settlement
    return Rehearsed(applied.event, settlement.status, settlement.reason, changes)

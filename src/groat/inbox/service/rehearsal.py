"""What would come of events if they were applied now: all of it is done, and undone again."""

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
    """How an event would come out, and what it would change of payments, refunds and disputes."""

    event: ClaimedEvent
    status: EventStatus
    reason: str | None
    changes: tuple[Change, ...] = ()


class EventRehearsal:
    """Reads and applies events as the drain does, in a transaction that is undone at the end."""

    def __init__(self, database: Database, interpreter: Interpreter, facts: EventApplier) -> None:
        self._database = database
        self._interpreter = interpreter
        self._facts = facts

    async def rehearse(
        self, merchant_id: MerchantId, events: Sequence[ClaimedEvent]
    ) -> list[Rehearsed]:
        """Return how ``events`` would come out, in their order, each after the ones before it.

        Providers are asked where they have to be. The payments concerned are locked meanwhile, but
        not while a provider is asked.

        Raises:
            Unavailable: the database is away.
        """
        readings = await asyncio.gather(*(in_time(self._interpreter.read(one)) for one in events))
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
    changes = tuple(one.change for one in applied.verdicts if one.change is not None)
    settlement = applied.settlement
    return Rehearsed(applied.event, settlement.status, settlement.reason, changes)

"""Apply the facts of events, and conclude on each event from the verdicts on its facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import NamedTuple, TypeAlias, assert_never

from groat.audit.domain.record import Cause
from groat.inbox.domain.conclusion import Conclusion, not_ours, poisoned, retry, settle, unreadable
from groat.inbox.domain.event import ClaimedEvent
from groat.inbox.service.interpreter import Poison, Reading
from groat.kernel.errors import Unavailable
from groat.kernel.ids import MerchantId, ProviderEventId
from groat.payments.domain.standing import Arrival
from groat.payments.domain.verdict import Verdict
from groat.payments.service.facts import PaymentFacts
from groat.platform.postgres.connection import Connection
from groat.providers.domain.facts import NotSent
from groat.providers.port import Answered, NotOurs, Unknown, Unreadable

Read: TypeAlias = tuple[ClaimedEvent, Reading]
"""An event with its reading."""


class Applied(NamedTuple):
    """An applied event: the conclusion on it, and the verdicts on its facts."""

    event: ClaimedEvent
    settlement: Conclusion
    verdicts: Sequence[Verdict]


class EventApplier:
    """Applies the facts of a whole batch of events together."""

    def __init__(self, facts: PaymentFacts, random: Random) -> None:
        self._facts = facts
        self._random = random

    async def apply(
        self, connection: Connection, merchant_id: MerchantId, batch: Sequence[Read]
    ) -> list[Applied]:
        """Apply the facts of one merchant's events in the caller's transaction.

        Does not commit, and does not write the conclusions on the events.
        """
        arrivals = [
            (event.id, Arrival(event.provider_account_id, report, _cause(event)))
            for event, reading in batch
            if isinstance(reading, Answered)
            for report in reading.reports
        ]
        judged = await self._facts.apply(
            connection, merchant_id, [arrival for _, arrival in arrivals]
        )
        verdicts: dict[ProviderEventId, list[Verdict]] = defaultdict(list)
        for (event_id, _), verdict in zip(arrivals, judged, strict=True):
            verdicts[event_id].append(verdict)
        return [
            Applied(event, self._settlement(event, reading, verdicts[event.id]), verdicts[event.id])
            for event, reading in batch
        ]

    def _settlement(
        self, event: ClaimedEvent, reading: Reading, verdicts: Sequence[Verdict]
    ) -> Conclusion:
        match reading:
            case Answered():
                return settle([verdict.outcome for verdict in verdicts], event.tries, self._random)
            case NotOurs(reason):
                return not_ours(reason)
            case Unreadable(reason):
                return unreadable(reason)
            case Poison(reason):
                return poisoned(reason, event.tries, self._random)
            case Unknown(reason) | NotSent(reason=reason):
                return retry(reason, event.tries, self._random)
            case _:
                assert_never(reading)


async def apply_or_split(
    batch: Sequence[Read],
    apply: Callable[[Sequence[Read]], Awaitable[None]],
    give_up: Callable[[ClaimedEvent, Exception], Awaitable[None]],
) -> None:
    """Apply a batch. If that fails, apply its halves, so that one event cannot block the others.

    A batch of one that fails is passed to ``give_up``. ``apply`` may commit each part by itself.

    Raises:
        Unavailable: the database is not available, which is not an event's fault.
    """
    try:
        await apply(batch)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - no failure of one event may stop the others
        if len(batch) == 1:
            await give_up(batch[0][0], error)
            return
        middle = len(batch) // 2
        await apply_or_split(batch[:middle], apply, give_up)
        await apply_or_split(batch[middle:], apply, give_up)


def _cause(event: ClaimedEvent) -> Cause:
    return Cause.of("provider_event", event.id)

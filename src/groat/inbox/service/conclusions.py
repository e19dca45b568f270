"""Write the conclusions on events, with an audit record of each event that is settled for good."""

from __future__ import annotations

from collections.abc import Sequence

from groat.audit.service.records import AuditService
from groat.inbox.domain import event_changes
from groat.inbox.domain.conclusion import Conclusion, Settled
from groat.inbox.domain.event import ClaimedEvent
from groat.inbox.infrastructure import events as store
from groat.kernel import ids
from groat.kernel.clock import Clock
from groat.kernel.ids import MerchantId
from groat.platform.postgres.connection import Connection
from groat.platform.process.metrics import EVENT_LAG_SECONDS


class EventConclusions:
    """Writes conclusions in the caller's transaction."""

    def __init__(self, audit: AuditService, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    async def write(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        concluded: Sequence[tuple[ClaimedEvent, Conclusion]],
    ) -> None:
        """Write conclusions on events that the caller's transaction has locked as its own."""
        if not concluded:
            return
        store.settle(connection, merchant_id, concluded)
        settled = [
            event_changes.settled(event, conclusion)
            for event, conclusion in concluded
            if isinstance(conclusion, Settled)
        ]
        now = self._clock.now()
        for event, conclusion in concluded:
            arrived_at = ids.made_at(event.id)
            if isinstance(conclusion, Settled) and arrived_at is not None:
                lag = (now - arrived_at).total_seconds()
                EVENT_LAG_SECONDS.labels(conclusion.status.value).observe(lag)
        if settled:
            await self._audit.write(connection, merchant_id, settled, now)

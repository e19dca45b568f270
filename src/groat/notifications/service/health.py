"""The health of endpoints: pauses those that fail for long, and disables those that are gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from groat.audit.domain.record import Cause, Change, Transition
from groat.audit.service.records import AuditService
from groat.kernel.caller import ENGINE
from groat.kernel.clock import Clock
from groat.kernel.ids import EndpointId, MerchantId
from groat.kernel.value import replace
from groat.notifications.domain.actions import EndpointAction
from groat.notifications.domain.delivery import PAUSE_AFTER, Attempted, DeliveryStatus
from groat.notifications.domain.endpoint import Endpoint, EndpointStatus
from groat.notifications.infrastructure import deliveries
from groat.notifications.infrastructure import endpoints as store
from groat.platform.postgres.connection import Connection


class EndpointHealth:
    """Notes successes and failures of endpoints, in the transaction that settles deliveries."""

    def __init__(self, audit: AuditService, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    async def note(self, connection: Connection, results: Sequence[Attempted]) -> None:
        """Note the results of attempts. An endpoint that took one event has not failed.

        It locks endpoints before the caller locks deliveries, as all commands do.
        """
        answered = {_endpoint(one) for one in results if one.status is DeliveryStatus.DELIVERED}
        if answered:
            deliveries.note_success(connection, answered)
        failed: dict[MerchantId, dict[EndpointId, Attempted]] = defaultdict(dict)
        for result in sorted(results, key=lambda one: one.is_gone):  # the last one counts
            merchant_id, endpoint_id = _endpoint(result)
            if (merchant_id, endpoint_id) not in answered:
                failed[merchant_id][endpoint_id] = result
        for merchant_id, latest in failed.items():
            await self._note_failures(connection, merchant_id, latest)

    async def _note_failures(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        failed: dict[EndpointId, Attempted],
    ) -> None:
        now, changes = self._clock.now(), list[Change]()
        for sealed in (await store.lock(connection, merchant_id, list(failed))).values():
            before, result = sealed.endpoint, failed[sealed.endpoint.id]
            after, action = _after_failure(before, now, is_gone=result.is_gone)
            if after != before:
                store.update(connection, merchant_id, after)
            if action is not None:
                cause = Cause.of("event", result.delivery.event.id)
                data = {"url": after.url, "status": after.status.value}
                transition = Transition(before, after)
                changes.append(
                    Change(action, "webhook_endpoint", after.id, ENGINE, cause, data, transition)
                )
        if changes:
            await self._audit.write(connection, merchant_id, changes, now)


def _endpoint(result: Attempted) -> tuple[MerchantId, EndpointId]:
    return result.delivery.merchant_id, result.delivery.endpoint_id


def _after_failure(
    endpoint: Endpoint, now: datetime, *, is_gone: bool
) -> tuple[Endpoint, EndpointAction | None]:
    """Return the endpoint after a failure, and the action if the failure stops its deliveries."""
    since = endpoint.failing_since or now
    if endpoint.status is EndpointStatus.ENABLED and is_gone:
        gone = replace(endpoint, status=EndpointStatus.DISABLED, updated_at=now)
        return replace(gone, failing_since=since), EndpointAction.DISABLED
    if endpoint.status is EndpointStatus.ENABLED and now - since >= PAUSE_AFTER:
        paused = replace(endpoint, status=EndpointStatus.PAUSED, updated_at=now)
        return replace(paused, failing_since=since), EndpointAction.PAUSED
    return replace(endpoint, failing_since=since), None

"""Recovery: operations of which nobody knows how they ended are looked up until somebody does.

A process may die after an operation was written down, and a call may be sent and never answered.
Neither is a failure. Any worker asks the provider by our reference; and where the provider has
nothing under it yet, makes the same call again with the same idempotency key, as long as the
provider keeps keys: what was done before is then answered, and what was not is done, once.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random

import structlog

from groat.kernel.clock import Clock
from groat.payments.domain.payment import OperationOutcome, Payment
from groat.payments.domain.recovery import OpenOperation, delay_after
from groat.payments.infrastructure import store
from groat.payments.service import PaymentService, authorization
from groat.platform.database import Database
from groat.providers.domain.facts import NotSent
from groat.providers.port import Answered, Unknown
from groat.providers.registry import ProviderRegistry

_log = structlog.get_logger(__name__)

_MOST_AT_ONCE = 16
_LEASE = timedelta(minutes=5)
"""How long the operations of a worker that died wait for another: longer than two calls take."""


class PaymentRecovery:
    """Looks up operations that are open and due, and applies what it learns."""

    def __init__(
        self,
        database: Database,
        payments: PaymentService,
        providers: ProviderRegistry,
        clock: Clock,
        random: Random,
    ) -> None:
        self._database = database
        self._payments = payments
        self._providers = providers
        self._clock = clock
        self._random = random

    async def recover_batch(self) -> int:
        """Look up operations that are due; return how many there were."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            due = await store.claim_operations(connection, now, now + _LEASE, _MOST_AT_ONCE)
        await asyncio.gather(*(self._recover(operation) for operation in due))
        return len(due)

    async def open_operations(self, limit: int) -> list[OpenOperation]:
        """Return operations of any merchant whose outcome is looked for, the oldest first."""
        async with self._database.transaction() as connection:
            return await store.open_operations(connection, limit)

    async def _recover(self, operation: OpenOperation) -> None:
        """Apply what is learned of an operation, or put it off. Its trouble is its own alone."""
        payment = await self._payments.get(operation.merchant_id, operation.payment_id)
        try:
            reply = await self._ask(operation, payment)
        except Exception as error:  # noqa: BLE001 - an adapter is a guest in this house
            _log.exception("recovery_failed", operation=str(operation.id))
            reply = Unknown(type(error).__name__)
        match reply:
            case Answered(reports=()):
                await self._put_off(operation, "open_at_provider")
            case Unknown(reason) if operation.outcome is OperationOutcome.UNKNOWN:
                await self._put_off(operation, reason)
            case _:
                await self._payments.conclude(operation.merchant_id, payment, operation.id, reply)

    async def _ask(self, operation: OpenOperation, payment: Payment) -> Answered | Unknown:
        provider = await self._providers.get(operation.merchant_id, operation.provider_account_id)
        asked = authorization(payment, operation.id)
        found = await provider.fetch(asked)
        if isinstance(found, Answered) and not found.reports:
            if self._clock.now() >= operation.created_at + provider.keeps_keys_for:
                return Unknown("not_found_at_provider")
            found = await provider.authorize(asked)
        # That the look-up was not sent says nothing of the call that it asks about.
        return Unknown(found.reason) if isinstance(found, NotSent) else found

    async def _put_off(self, operation: OpenOperation, reason: str) -> None:
        due_at = self._clock.now() + delay_after(operation.lookups, self._random)
        async with self._database.transaction() as connection:
            store.put_off_operation(connection, operation, due_at, reason)

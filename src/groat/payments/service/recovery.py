"""Recovery: operations of which nobody knows how they ended are looked up until somebody does.

A process may die after an operation was written down, and a call may be sent and never answered.
Neither is a failure. Any worker asks the provider by our reference; and where the provider has
nothing under it yet, makes the same call again with the same idempotency key, as long as the
provider keeps keys: what was done before is then answered, and what was not is done, once. A worker
does the same if the look-up fails, which the provider may refuse for ever.

A payment that waits for its customer is looked up too, in case nobody tells of what they did.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

import structlog

from groat.kernel.backoff import Backoff
from groat.kernel.errors import NotFound, Unavailable
from groat.kernel.ids import MerchantId, PaymentId
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.operation import OperationKind, OperationOutcome
from groat.payments.domain.payment import Payment
from groat.payments.domain.resolution import OpenOperation, lookup_delay
from groat.payments.infrastructure import operations
from groat.payments.queries import PaymentDetails, PaymentQueries
from groat.payments.service.calls import (
    Asked,
    Concluded,
    ProviderCalls,
    request_of,
)
from groat.platform.postgres.database import Database
from groat.providers.domain.facts import NotSent
from groat.providers.port import Answered, Reply, Unknown
from groat.providers.registry import ProviderRegistry

_log = structlog.get_logger(__name__)

_MOST_AT_ONCE = 16
_PUT_OFF_ATTEMPTS = 6
_PUT_OFF_PAUSE = Backoff(base_seconds=0.25, cap_seconds=8.0, low=0.5, high=1.5)
"""16 s in all attempts together."""

_LEASE = timedelta(minutes=5)
"""How long the operations of a worker that died wait for another: longer than two calls take."""


_ANSWERED = frozenset(
    {
        "not_believable",
        "not_settled_at_provider",
        "open_at_provider",
        "settled",
        "waits_for_customer",
    }
)
"""Reasons for which an operation is open although its provider answered."""


class Synced(NamedTuple):
    """A payment after its look-up; ``not_asked`` says why its provider did not answer one."""

    details: PaymentDetails
    not_asked: str | None


class PaymentRecovery:
    """Looks up operations that are open and due, and applies what it learns."""

    def __init__(
        self,
        database: Database,
        calls: ProviderCalls,
        queries: PaymentQueries,
        providers: ProviderRegistry,
        random: Random,
    ) -> None:
        self._database = database
        self._calls = calls
        self._queries = queries
        self._providers = providers
        self._random = random

    async def recover_batch(self) -> int:
        """Look up operations that are due; return how many there were."""
        async with self._database.transaction() as connection:
            due = await operations.claim(connection, _LEASE, _MOST_AT_ONCE)
        await asyncio.gather(*(self._recover(claimed) for claimed in due))
        return len(due)

    async def sync(self, merchant_id: MerchantId, payment_id: PaymentId) -> Synced:
        """Look up now whatever of a payment is not known; say whether the provider answered.

        An operation that is being asked for the first time is left to who asks.

        Raises:
            NotFound: the merchant has no such payment.
        """
        await self._queries.payment(merchant_id, payment_id)
        async with self._database.transaction() as connection:
            claimed = await operations.claim_of_payment(connection, merchant_id, payment_id, _LEASE)
        reasons = await asyncio.gather(*(self._recover(one, was_due) for one, was_due in claimed))
        details = await self._queries.payment(merchant_id, payment_id)
        if not claimed:
            is_open = any(one.is_open for one in details.operations)
            return Synced(details, "being_asked" if is_open else "nothing_open")
        return Synced(details, next((one for one in reasons if one not in _ANSWERED), None))

    async def look_up(self, merchant_id: MerchantId, payment_id: PaymentId) -> None:
        """Ask for all that is known of a payment, and apply it: something of it was not heard of.

        That nothing can be learned at the moment is logged, and no failure. What is begun with
        another provider because of it is left to the workers: whoever waits here has little time.
        """
        try:
            payment, asked = await self._queries.payment(merchant_id, payment_id)
            account_id = payment.order.provider_account_id
            *_, latest = (one for one in asked if one.kind is OperationKind.AUTHORIZE)
            provider = await self._providers.get(merchant_id, account_id)
            found = await provider.fetch(request_of(payment, latest))
            if isinstance(found, Answered):
                await self._calls.conclude(merchant_id, Asked(payment, latest), found)
        except NotFound:
            _log.info("lookup_of_no_payment", payment=str(payment_id))
        except Exception:  # noqa: BLE001 - whoever waits for it asks again
            _log.exception("lookup_failed", payment=str(payment_id))

    async def open_operations(self, limit: int) -> list[OpenOperation]:
        """Return operations of any merchant whose outcome is looked for, the oldest first."""
        async with self._database.autocommit() as connection:
            return await operations.open_operations(connection, limit)

    async def _recover(self, claimed: OpenOperation, was_due: datetime | None = None) -> str:
        """Apply what is learned of an operation, or put it off. Its trouble is its own alone.

        Return why it may be open still.
        """
        try:
            reason = await self._look_up(claimed)
        except Exception as error:  # noqa: BLE001 - an adapter is a guest in this house
            _log.exception("recovery_failed", operation=str(claimed.operation.id))
            reason = type(error).__name__
        await self._put_off(claimed, reason, was_due)
        return reason

    async def _put_off(self, claimed: OpenOperation, reason: str, was_due: datetime | None) -> None:
        """Write why an operation is open still and when it is looked up next.

        It is tried again while the database is away: else it stands there without a reason, and
        is looked up only when the lease ends.
        """
        due_in = lookup_delay(claimed.lookups, self._random)
        for attempt in range(1, _PUT_OFF_ATTEMPTS + 1):
            try:
                async with self._database.transaction() as connection:
                    operations.put_off(connection, claimed, due_in, reason, was_due)
            except Unavailable:
                await asyncio.sleep(_PUT_OFF_PAUSE.seconds(attempt, self._random))
            else:
                return
        _log.error("operation_not_put_off", operation=str(claimed.operation.id), reason=reason)

    async def _look_up(self, claimed: OpenOperation) -> str:
        """Ask what became of an operation, or for it once more; return why it may be open still."""
        provider = await self._providers.get(claimed.merchant_id, claimed.provider_account_id)
        asked = Asked(await self._payment(claimed), claimed.operation)
        if asked.payment.order.provider_account_id != claimed.provider_account_id:
            return "settled"  # a webhook was quicker, and the payment is with its next provider
        found = await provider.fetch(request_of(*asked, begun_at=claimed.created_at))
        if isinstance(found, NotSent):  # the look-up, which says nothing of the call it asks about
            found = Unknown(found.reason)
        concluded = await self._conclude(claimed, asked, found)
        if not concluded.believed:
            return "not_believable"
        payment = await self._payment(claimed)
        waits = claimed.operation.kind is OperationKind.AUTHORIZE
        if waits and payment.status is Status.REQUIRES_ACTION:
            return "waits_for_customer"
        if claimed.age >= provider.keeps_keys_for:
            return found.reason if isinstance(found, Unknown) else "not_settled_at_provider"
        return await self._ask_again(claimed, payment)

    async def _ask_again(self, claimed: OpenOperation, payment: Payment) -> str:
        """Make the same call with the same key, unless its outcome was just learned."""
        async with self._database.autocommit() as connection:
            operation = await operations.operation(
                connection, claimed.merchant_id, claimed.operation.id
            )
        if operation is None or not operation.is_open:
            return "settled"
        asked = Asked(payment, operation)
        reply = await self._calls.ask(claimed.merchant_id, asked)
        if isinstance(reply, NotSent) and operation.outcome is OperationOutcome.UNKNOWN:
            reply = Unknown(reply.reason)  # the second call, which says nothing of the first
        await self._conclude(claimed, asked, reply)
        return reply.reason if isinstance(reply, Unknown) else "open_at_provider"

    async def _conclude(self, claimed: OpenOperation, asked: Asked, reply: Reply) -> Concluded:
        """Apply what was learned; if it has begun something with another provider, ask that too."""
        concluded = await self._calls.conclude(claimed.merchant_id, asked, reply)
        if concluded.next is not None:
            with self._calls.turn() as turn:
                await self._calls.perform(claimed.merchant_id, *concluded.next, turn)
        return concluded

    async def _payment(self, claimed: OpenOperation) -> Payment:
        found = await self._queries.payment(claimed.merchant_id, claimed.operation.payment_id)
        return found.payment

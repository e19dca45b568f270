"""Recovery: look up open operations until their outcomes are known.

A process may die after it has committed an operation. A call may be sent and never answered.
Neither proves a failure. A worker looks the operation up at the provider, by our reference. If the
operation is still open afterwards, the worker repeats the call with the same idempotency key, as
long as the provider keeps keys. If the first call took effect, the provider returns its result; if
not, the call takes effect now, once. A worker also repeats the call if the look-up fails, because a
provider may refuse the look-up for ever.

Recovery also looks up payments that wait for their customers, in case the webhook never comes.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
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
from groat.payments.service.operations import (
    Asked,
    Concluded,
    ProviderCalls,
    nobody_waits,
    request_of,
)
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import UNKEYED, Once
from groat.providers.domain.facts import NotSent
from groat.providers.port import Answered, Reply, Unknown
from groat.providers.registry import ProviderRegistry

_log = structlog.get_logger(__name__)

_MOST_AT_ONCE = 16
"""Maximum operations claimed at once."""

_PUT_OFF_ATTEMPTS = 6
_PUT_OFF_PAUSE = Backoff(base_seconds=0.25, cap_seconds=8.0, low=0.5, high=1.5)
"""Pauses between attempts to write when an operation is due again: 16 s in all."""

_LEASE = timedelta(minutes=5)
"""Lifetime of a worker's claim on operations. Must exceed the time of two provider calls."""


_ANSWERED = frozenset(
    {
        "not_believable",
        "not_settled_at_provider",
        "open_at_provider",
        "settled",
        "waits_for_customer",
    }
)
"""Reasons that stand for an answered look-up, even if the operation is still open."""


class Synced(NamedTuple):
    """A payment after its look-up; ``not_asked`` tells why no answer came, None if one did."""

    details: PaymentDetails
    not_asked: str | None


class PaymentRecovery:
    """Looks up open operations that are due, and applies the answers."""

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
        """Look up operations that are due, and return their number."""
        async with self._database.autocommit() as connection:
            due = await operations.claim(connection, _LEASE, _MOST_AT_ONCE)
        await asyncio.gather(*(self._recover(claimed) for claimed in due))
        return len(due)

    async def sync(
        self, merchant_id: MerchantId, payment_id: PaymentId, once: Once[Synced] = UNKEYED
    ) -> Synced:
        """Look up the unknown operations of a payment now, and return the payment.

        An operation whose first call is under way is left to the process that makes the call.

        Raises:
            NotFound: the merchant has no such payment.
        """
        return await once.around(self._database, partial(self._sync, merchant_id, payment_id))

    async def _sync(self, merchant_id: MerchantId, payment_id: PaymentId) -> Synced:
        await self._queries.payment(merchant_id, payment_id)
        async with self._database.autocommit() as connection:
            claimed = await operations.claim_of_payment(connection, merchant_id, payment_id, _LEASE)
        reasons = await asyncio.gather(*(self._recover(one, was_due) for one, was_due in claimed))
        details = await self._queries.payment(merchant_id, payment_id)
        if not claimed:
            is_open = any(one.is_open for one in details.operations)
            return Synced(details, "being_asked" if is_open else "nothing_open")
        return Synced(details, next((one for one in reasons if one not in _ANSWERED), None))

    async def look_up(self, merchant_id: MerchantId, payment_id: PaymentId) -> None:
        """Look up a payment at its provider and apply the answer, for an event that came too early.

        Log a failure of the look-up, and do not raise. If the answer begins an operation at another
        provider account, leave the call to the workers: the caller of this method has little time.
        """
        try:
            payment, asked = await self._queries.payment(merchant_id, payment_id)
            account_id = payment.order.provider_account_id
            *_, latest = (one for one in asked if one.kind is OperationKind.AUTHORIZE)
            provider = await self._providers.get(merchant_id, account_id)
            found = await provider.fetch(request_of(payment, latest))
            if isinstance(found, Answered):
                await self._calls.conclude(merchant_id, Asked(payment, latest), found, nobody_waits)
        except NotFound:
            _log.info("lookup_of_no_payment", payment=str(payment_id))
        except Exception:  # noqa: BLE001 - the event waits, and is tried again
            _log.exception("lookup_failed", payment=str(payment_id))

    async def open_operations(self, limit: int) -> list[OpenOperation]:
        """Return the open operations of all merchants that recovery looks up, the oldest first."""
        async with self._database.autocommit() as connection:
            return await operations.open_operations(connection, limit)

    async def _recover(self, claimed: OpenOperation, was_due: datetime | None = None) -> str:
        """Look up an operation, set when it is due again, and return why it may still be open.

        An exception of one operation does not affect the others.
        """
        try:
            reason = await self._look_up(claimed)
        except Exception as error:  # noqa: BLE001 - an adapter may raise anything
            _log.exception("recovery_failed", operation=str(claimed.operation.id))
            reason = type(error).__name__
        await self._put_off(claimed, reason, was_due)
        return reason

    async def _put_off(self, claimed: OpenOperation, reason: str, was_due: datetime | None) -> None:
        """Write why an operation is still open, and when to look it up next.

        Retry while the database is unavailable. Otherwise the operation would show no reason, and
        would be looked up only when the lease ends.
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
        """Look an operation up, or repeat its call; return why it may still be open."""
        provider = await self._providers.get(claimed.merchant_id, claimed.provider_account_id)
        asked = Asked(await self._payment(claimed), claimed.operation)
        if asked.payment.order.provider_account_id != claimed.provider_account_id:
            return "settled"  # a webhook came first: the payment is at its next account
        found = await provider.fetch(request_of(*asked, begun_at=claimed.created_at))
        if isinstance(found, NotSent):  # it is the look-up that was not sent
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
        """Repeat the call with the same key, unless the operation has just been settled."""
        async with self._database.autocommit() as connection:
            operation = await operations.operation(
                connection, claimed.merchant_id, claimed.operation.id
            )
        if operation is None or not operation.is_open:
            return "settled"
        asked = Asked(payment, operation)
        reply = await self._calls.ask(claimed.merchant_id, asked)
        if isinstance(reply, NotSent) and operation.outcome is OperationOutcome.UNKNOWN:
            reply = Unknown(reply.reason)  # the repeated call was not sent; the first may have been
        await self._conclude(claimed, asked, reply)
        return reply.reason if isinstance(reply, Unknown) else "open_at_provider"

    async def _conclude(self, claimed: OpenOperation, asked: Asked, reply: Reply) -> Concluded:
        """Apply the answer; if it begins an operation at another account, make that call too."""
        concluded = await self._calls.conclude(claimed.merchant_id, asked, reply, nobody_waits)
        if concluded.next is not None:
            with self._calls.turn() as turn:
                await self._calls.perform(claimed.merchant_id, concluded.next, turn, nobody_waits)
        return concluded

    async def _payment(self, claimed: OpenOperation) -> Payment:
        found = await self._queries.payment(claimed.merchant_id, claimed.operation.payment_id)
        return found.payment

"""Run a command: claim its key, lock, decide, write, commit, call the provider.

No transaction is open during the call to the provider.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias
from uuid import UUID

from groat.audit.domain.record import Change
from groat.audit.service import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.ids import MerchantId, PaymentId
from groat.payments.domain.commands import Begun
from groat.payments.domain.payment import Payment
from groat.payments.infrastructure import operations
from groat.payments.infrastructure import payments as store
from groat.payments.service.calls import ProviderCalls, take_place
from groat.platform.postgres import idempotency
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import RequestKey


class Step(NamedTuple):
    """The decision of a command, with its audit records; only its operation is not written yet."""

    begun: Begun
    changes: Sequence[Change]


Begin: TypeAlias = Callable[[Connection, datetime], Awaitable[Step]]
"""A function that locks, decides and writes in an open transaction, or raises the refusal."""


class Ran(NamedTuple):
    """The object of a command. ``begun`` is None if an earlier request used the same key."""

    object_id: UUID
    begun: Begun | None


class CommandRunner:
    """Runs commands on payments.

    An operation that is ``pending`` for longer than ``pending_for`` counts as lost, and recovery
    looks it up.
    """

    def __init__(
        self,
        database: Database,
        audit: AuditService,
        calls: ProviderCalls,
        clock: Clock,
        *,
        pending_for: timedelta,
    ) -> None:
        self._database = database
        self._audit = audit
        self._calls = calls
        self._clock = clock
        self._pending_for = pending_for

    async def run(
        self,
        caller: Caller,
        request_key: RequestKey | None,
        object_kind: str,
        object_id: UUID,
        begin: Begin,
    ) -> Ran:
        """Run a command that creates or changes an object, once for each key of the caller.

        Raises:
            Unavailable: ``provider_account_busy``, the provider account has no free place for the
                call; nothing was written.
            Conflict: the key was used before with a different request; or the refusal of ``begin``.
        """
        now, merchant_id = self._clock.now(), caller.merchant_id
        with self._calls.turn() as turn:
            async with self._database.transaction() as connection:
                if request_key is not None:
                    earlier = await idempotency.claim(
                        connection, merchant_id, request_key, object_kind, object_id, now
                    )
                    if earlier is not None:
                        return Ran(earlier, None)
                begun, changes = await begin(connection, now)
                payment, operation = begun.payment, begun.operation
                if operation is not None:
                    take_place(turn, payment)
                    account_id = payment.order.provider_account_id
                    operations.insert_operation(
                        connection, merchant_id, account_id, operation, self._pending_for
                    )
                self._audit.write(connection, merchant_id, changes, now)
            if operation is not None:
                await self._calls.perform(merchant_id, payment, operation, turn)
        return Ran(object_id, begun)

    async def made_before(self, caller: Caller, request_key: RequestKey | None) -> UUID | None:
        """Return the object that the caller's key stands for, None if the key is new."""
        if request_key is None:
            return None
        async with self._database.autocommit() as connection:
            return await idempotency.find(connection, caller.merchant_id, request_key)


async def lock_payment(
    connection: Connection, merchant_id: MerchantId, payment_id: PaymentId
) -> Payment:
    """Lock a payment until the transaction ends, and return it.

    Raises:
        NotFound: the merchant has no such payment.
    """
    locked = await store.lock_payments(connection, merchant_id, [payment_id])
    return ids.existing("payment", payment_id, locked.get(payment_id))


def key_digest(request_key: RequestKey | None) -> str | None:
    """Return the digest of the caller's key for the audit trail."""
    return None if request_key is None else idempotency.digest(request_key)

"""Refund captured payments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from groat.accounts.domain.orders import HoldOrder
from groat.accounts.service.postings import EnginePostings
from groat.audit.domain.record import Transition
from groat.kernel.caller import Caller
from groat.kernel.ids import IdSource, MerchantId, OperationId, RefundId
from groat.kernel.money import Money
from groat.payments.domain import refund as domain
from groat.payments.domain.changes import requested
from groat.payments.domain.operation import OperationKind, pending_operation
from groat.payments.domain.payment import Begun
from groat.payments.domain.refund import Refund, RefundOrder
from groat.payments.infrastructure import operations, refunds
from groat.payments.infrastructure import payments as store
from groat.payments.queries import refund_within
from groat.payments.service.operations import Accepted, CommandRunner, Keeper, lock_payment
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.idempotency import UNKEYED, Once


class RefundService:
    """The command that refunds a payment. It first reserves the amount on the beneficiary."""

    def __init__(
        self,
        postings: EnginePostings,
        runner: CommandRunner,
        new_id: IdSource,
    ) -> None:
        self._postings = postings
        self._runner = runner
        self._new_id = new_id

    async def refund(
        self, caller: Caller, order: RefundOrder, once: Once[Refund] = UNKEYED
    ) -> Refund:
        """Refund a payment, in whole or in part.

        A repeated key has no second effect, and gets the first answer.

        Raises:
            NotFound: the merchant has no such payment.
            Conflict: the payment cannot be refunded; see ``domain.refund``; or the beneficiary
                lacks the amount (``insufficient_funds``), or is frozen or closed.
        """
        refund_id = RefundId(self._new_id())
        pending: list[Refund] = []

        async def begin(connection: Connection, now: datetime) -> Accepted:
            refund, accepted = await self._begin(
                connection, caller, order, refund_id, once.digest, now
            )
            pending.append(refund)
            return accepted

        keeper = _keeper(caller.merchant_id, pending)
        return await self._runner.run(caller, once, refund_id, keeper, begin)

    async def _begin(
        self,
        connection: Connection,
        caller: Caller,
        order: RefundOrder,
        refund_id: RefundId,
        digest: str | None,
        now: datetime,
    ) -> tuple[Refund, Accepted]:
        """Reserve the amount on the beneficiary, and write the refund; return it."""
        merchant_id = caller.merchant_id
        locked = await lock_payment(connection, merchant_id, order.payment_id)
        captures = await refunds.refundable_captures(connection, merchant_id, locked.id)
        payment, amount, capture = domain.begin_refund(locked, captures, order, now)
        reserved = HoldOrder(
            domain.hold_reference(refund_id),
            payment.order.terms.beneficiary_id,
            Money(amount, payment.order.terms.amount.currency),
            expires_at=None,
        )
        hold, changes = await self._postings.reserve(connection, caller, reserved, now)
        refund = domain.pending_refund(refund_id, payment, order, amount, capture, hold.id, now)
        refunds.insert_refunds(connection, merchant_id, [refund], now)
        store.update_payments(connection, merchant_id, [payment])
        operation = pending_operation(
            OperationId(self._new_id()),
            payment.id,
            OperationKind.REFUND,
            amount,
            refund_id=refund_id,
            capture_reference=capture,
        )
        asked = requested(caller, payment, operation, digest, Transition(None, refund))
        return refund, (Begun(payment, operation), [*changes, asked])


def _keeper(merchant_id: MerchantId, pending: Sequence[Refund]) -> Keeper[Refund]:
    """Return how a refund is read; ``pending`` holds it once it is written."""

    async def read(connection: Connection, refund_id: UUID) -> Refund:
        return await refund_within(connection, merchant_id, RefundId(refund_id))

    async def waits(connection: Connection, refund: Refund) -> bool:
        return await operations.awaited(connection, merchant_id, refund.payment_id, refund.id)

    return Keeper("refund", read, waits, lambda _: pending[0])

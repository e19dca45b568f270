"""Read payments, refunds and disputes: one by its id, or pages of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from groat.kernel import ids
from groat.kernel.ids import DisputeId, MerchantId, OperationId, PaymentId, RefundId, TransactionId
from groat.payments.domain.dispute import DisputeDetails, DisputeFilter, DisputeMoney
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.operation import Operation, OperationCall
from groat.payments.domain.payment import Payment, PaymentFilter, PaymentMatch
from groat.payments.domain.refund import Refund, RefundFilter
from groat.payments.domain.standing import EffectKey
from groat.payments.infrastructure import disputes, operations, refunds, search
from groat.payments.infrastructure import payments as store
from groat.payments.infrastructure.payments import PostedEffect, payment_with_operations
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.routing.domain.simulation import PastPayment


class PaymentDetails(NamedTuple):
    """A payment with all its operations, the oldest first."""

    payment: Payment
    operations: list[Operation]


async def payment_within(
    connection: Connection, merchant_id: MerchantId, payment_id: PaymentId
) -> PaymentDetails:
    """Return a payment with its operations, in the caller's transaction.

    Raises:
        NotFound: the merchant has no such payment.
    """
    found, asked = await payment_with_operations(connection, merchant_id, payment_id)
    return PaymentDetails(ids.existing("payment", payment_id, found), asked)


async def refund_within(
    connection: Connection, merchant_id: MerchantId, refund_id: RefundId
) -> Refund:
    """Return a refund, in the caller's transaction.

    Raises:
        NotFound: the merchant has no such refund.
    """
    found = await refunds.find_refund(connection, merchant_id, refund_id)
    return ids.existing("refund", refund_id, found)


class PaymentQueries:
    """Reads payments, refunds and disputes from the primary."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def payment(self, merchant_id: MerchantId, payment_id: PaymentId) -> PaymentDetails:
        """Return a payment with its operations.

        Raises:
            NotFound: the merchant has no such payment.
        """
        async with self._database.autocommit() as connection:
            return await payment_within(connection, merchant_id, payment_id)

    async def payments(
        self,
        merchant_id: MerchantId,
        wanted: PaymentFilter,
        *,
        after: PaymentId | None,
        limit: int,
    ) -> list[Payment]:
        """Return payments in the wanted order."""
        async with self._database.autocommit() as connection:
            return await store.payments(connection, merchant_id, wanted, after, limit)

    async def calls(self, merchant_id: MerchantId, payment_id: PaymentId) -> list[OperationCall]:
        """Return the operations of a payment with their times, oldest first."""
        async with self._database.autocommit() as connection:
            return await operations.calls(connection, merchant_id, payment_id)

    async def posted_transactions(
        self, merchant_id: MerchantId, payment_id: PaymentId
    ) -> list[TransactionId]:
        """Return the ids of the ledger transactions of a payment and of its disputes."""
        async with self._database.autocommit() as connection:
            return await store.posted_transactions(connection, merchant_id, payment_id)

    async def operation(self, merchant_id: MerchantId, operation_id: OperationId) -> Operation:
        """Return an operation.

        Raises:
            NotFound: the merchant has no such operation.
        """
        async with self._database.autocommit() as connection:
            found = await operations.operation(connection, merchant_id, operation_id)
        return ids.existing("operation", operation_id, found)

    async def with_text(
        self, merchant_id: MerchantId, text: str, *, limit: int
    ) -> list[PaymentMatch]:
        """Return payments that have ``text`` as a reference, an id or a value of metadata."""
        async with self._database.autocommit() as connection:
            return [
                *await search.by_text(connection, merchant_id, text, limit),
                *await search.by_objects(connection, merchant_id, [text], limit),
            ]

    async def of_objects(
        self, merchant_id: MerchantId, references: Collection[str], *, limit: int
    ) -> list[PaymentMatch]:
        """Return the payments whose captures, refunds or disputes have these provider's ids."""
        async with self._database.autocommit() as connection:
            return await search.by_objects(connection, merchant_id, references, limit)

    async def past_payments(self, merchant_id: MerchantId, limit: int) -> list[PastPayment]:
        """Return the last ``limit`` payments, newest first, for the simulation of routing rules."""
        newest = await self.payments(merchant_id, PaymentFilter(), after=None, limit=limit)
        return [one.past() for one in newest]

    async def refund(self, merchant_id: MerchantId, refund_id: RefundId) -> Refund:
        """Return a refund.

        Raises:
            NotFound: the merchant has no such refund.
        """
        async with self._database.autocommit() as connection:
            return await refund_within(connection, merchant_id, refund_id)

    async def refunds(
        self,
        merchant_id: MerchantId,
        wanted: RefundFilter,
        *,
        after: RefundId | None,
        limit: int,
    ) -> list[Refund]:
        """Return refunds in the wanted order."""
        async with self._database.autocommit() as connection:
            return await refunds.refunds(connection, merchant_id, wanted, after, limit)

    async def dispute(self, merchant_id: MerchantId, dispute_id: DisputeId) -> DisputeDetails:
        """Return a dispute.

        Raises:
            NotFound: the merchant has no such dispute.
        """
        async with self._database.autocommit() as connection:
            found = await disputes.find_dispute(connection, merchant_id, dispute_id)
            moved = await disputes.sums(connection, merchant_id, [dispute_id])
        dispute = ids.existing("dispute", dispute_id, found)
        return DisputeDetails(dispute, moved.get(dispute_id, DisputeMoney()))

    async def disputes(
        self,
        merchant_id: MerchantId,
        wanted: DisputeFilter,
        *,
        after: DisputeId | None,
        limit: int,
    ) -> list[DisputeDetails]:
        """Return disputes in the wanted order."""
        async with self._database.autocommit() as connection:
            found = await disputes.disputes(connection, merchant_id, wanted, after, limit)
            moved = await disputes.sums(connection, merchant_id, [one.id for one in found])
        return [DisputeDetails(one, moved.get(one.id, DisputeMoney())) for one in found]

    async def count_by_status(self, merchant_id: MerchantId) -> dict[Status, int]:
        """Return the number of payments in each status."""
        async with self._database.autocommit() as connection:
            return await store.count_by_status(connection, merchant_id)

    async def known_effects(
        self, merchant_id: MerchantId, keys: Collection[EffectKey]
    ) -> dict[EffectKey, PaymentId]:
        """Return those of these effects that were applied, each with its payment."""
        async with self._database.autocommit() as connection:
            return await store.find_effects(connection, merchant_id, keys)

    async def captures_and_refunds(self, merchant_id: MerchantId) -> list[PostedEffect]:
        """Return every applied capture and refund, for comparison with the providers' books."""
        async with self._database.autocommit() as connection:
            return await store.captures_and_refunds(connection, merchant_id)

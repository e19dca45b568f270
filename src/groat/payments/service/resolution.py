"""Resolution: an operator concludes an operation whose outcome the provider cannot tell."""

from __future__ import annotations

from groat.audit.domain.record import Cause
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.errors import Conflict
from groat.kernel.ids import MerchantId, OperationId, PaymentId
from groat.payments.domain.lifecycle import Outcome
from groat.payments.domain.resolution import Resolution, found_out
from groat.payments.domain.standing import Arrival
from groat.payments.infrastructure import operations
from groat.payments.queries import PaymentDetails, PaymentQueries
from groat.payments.service.facts import PaymentFacts
from groat.payments.service.operations import lock_payment
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.providers.domain.facts import Authorized, Report


class ResolutionService:
    """Applies an operator's finding as a fact, under the same rules as a provider's report."""

    def __init__(self, database: Database, facts: PaymentFacts, queries: PaymentQueries) -> None:
        self._database = database
        self._facts = facts
        self._queries = queries

    async def resolve(
        self, caller: Caller, operation_id: OperationId, resolution: Resolution
    ) -> PaymentDetails:
        """Conclude an open operation with an operator's finding.

        Raises:
            NotFound: the merchant has no such operation.
            InvalidRequest: ``invalid_resolution``.
            Conflict: ``operation_not_open``; or the fact does not apply to the payment, and the
                code is the outcome of the fact, such as ``late``.
        """
        merchant_id = caller.merchant_id
        async with self._database.transaction() as connection:
            payment_id = await _payment_of(connection, merchant_id, operation_id)
            payment = await lock_payment(connection, merchant_id, payment_id)
            operation = await operations.operation(connection, merchant_id, operation_id)
            if operation is None or not operation.is_open:
                raise Conflict("operation_not_open", "The operation has ended; read its payment.")
            fact = found_out(payment, operation, resolution)
            made = fact.reference if isinstance(fact, Authorized) else None
            arrival = Arrival(
                payment.order.provider_account_id,
                Report(payment.id, made, fact, operation.refund_id),
                Cause(resolution.reason),
                operation.id,
                told_by=caller,
            )
            [verdict] = await self._facts.apply(connection, merchant_id, [arrival])
            if verdict.outcome is not Outcome.APPLIED:
                raise Conflict(
                    verdict.outcome.value,
                    f"The payment is {payment.status}; the finding does not apply to it.",
                )
        return await self._queries.payment(merchant_id, payment_id)


async def _payment_of(
    connection: Connection, merchant_id: MerchantId, operation_id: OperationId
) -> PaymentId:
    """Return the payment of an operation; the caller locks it and reads the operation again."""
    operation = await operations.operation(connection, merchant_id, operation_id)
    return ids.existing("operation", operation_id, operation).payment_id

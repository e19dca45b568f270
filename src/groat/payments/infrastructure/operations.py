"""Read and write operations, and claim those that are due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from groat.kernel.ids import MerchantId, OperationId, PaymentId, ProviderAccountId, RefundId
from groat.payments.domain.operation import (
    Operation,
    OperationCall,
    OperationKind,
    OperationOutcome,
)
from groat.payments.domain.resolution import OpenOperation
from groat.payments.domain.verdict import OperationEnd
from groat.platform.postgres.columns import Texts, Uuids
from groat.platform.postgres.connection import Connection, Row, Statement
from groat.platform.postgres.queries import load_queries
from groat.providers.domain.failures import FailureCode

QUERIES = load_queries(__file__, "operations.sql")


def insert_operation(
    connection: Connection,
    merchant_id: MerchantId,
    provider_account_id: ProviderAccountId,
    operation: Operation,
    due_in: timedelta,
) -> None:
    """Write a new operation. If it is still open after ``due_in``, recovery looks it up."""
    connection.write(
        QUERIES["insert_operation"],
        {
            "merchant_id": merchant_id,
            "id": operation.id,
            "payment_id": operation.payment_id,
            "provider_account_id": provider_account_id,
            "kind": operation.kind,
            "amount": operation.amount,
            "final": operation.final,
            "refund_id": operation.refund_id,
            "capture_reference": operation.capture_reference,
            "due_in": due_in,
        },
    )


async def awaited(
    connection: Connection,
    merchant_id: MerchantId,
    payment_id: PaymentId,
    refund_id: RefundId | None,
) -> bool:
    """Tell whether an operation of the payment, or of the refund if given, has no answer yet."""
    parameters = {"merchant_id": merchant_id, "payment_id": payment_id}
    rows = await connection.fetch(QUERIES["list_awaited_operations"], parameters)
    return any(refund_id is None or row.refund_id == refund_id for row in rows)


async def find_open(
    connection: Connection, merchant_id: MerchantId, payment_id: PaymentId
) -> list[Operation]:
    """Return the open operations of a payment that this transaction has locked."""
    rows = await connection.fetch(*open_query(merchant_id, [payment_id]))
    return [to_operation(row) for row in rows]


def open_query(merchant_id: MerchantId, payment_ids: Collection[PaymentId]) -> Statement:
    """Return the query for the open operations of locked payments."""
    return QUERIES["find_open_operations"], {
        "merchant_id": merchant_id,
        "payment_ids": Uuids(list(payment_ids)),
    }


async def operation(
    connection: Connection, merchant_id: MerchantId, operation_id: OperationId
) -> Operation | None:
    """Return one operation, None if there is none."""
    row = await connection.fetch_one(
        QUERIES["get_operation"], {"merchant_id": merchant_id, "id": operation_id}
    )
    return None if row is None else to_operation(row)


async def calls(
    connection: Connection, merchant_id: MerchantId, payment_id: PaymentId
) -> list[OperationCall]:
    """Return the operations of a payment with their times, oldest first."""
    rows = await connection.fetch(
        QUERIES["list_operation_calls"], {"merchant_id": merchant_id, "payment_id": payment_id}
    )
    return [
        OperationCall(
            to_operation(row),
            row.provider_account_id,
            row.reason,
            row.lookups,
            row.created_at,
            row.updated_at,
        )
        for row in rows
    ]


def settle(connection: Connection, merchant_id: MerchantId, ended: Sequence[OperationEnd]) -> None:
    """Write the outcomes of operations that were open."""
    connection.write(
        QUERIES["settle_operations"],
        {
            "merchant_id": merchant_id,
            "ids": Uuids([one.operation_id for one in ended]),
            "outcomes": Texts([one.outcome for one in ended]),
            "failure_codes": Texts([one.failure_code for one in ended]),
            "decline_codes": Texts([one.decline_code for one in ended]),
            "provider_messages": Texts([one.provider_message for one in ended]),
        },
    )


def resume(
    connection: Connection,
    merchant_id: MerchantId,
    operation_ids: Collection[OperationId],
) -> None:
    """Make these operations due now, if they are open, so that any worker continues them."""
    connection.write(
        QUERIES["resume_operations"],
        {"merchant_id": merchant_id, "ids": Uuids(list(operation_ids))},
    )


async def mark_unknown(
    connection: Connection,
    merchant_id: MerchantId,
    operation_id: OperationId,
    reason: str,
    due_in: timedelta,
) -> bool:
    """Mark an operation unknown; return False if it is settled, or was marked before."""
    marked = await connection.fetch(
        QUERIES["mark_operation_unknown"],
        {
            "merchant_id": merchant_id,
            "id": operation_id,
            "reason": reason,
            "due_in": due_in,
        },
    )
    return bool(marked)


async def claim(connection: Connection, lease: timedelta, limit: int) -> list[OpenOperation]:
    """Claim open operations that are due, until the lease ends."""
    rows = await connection.fetch(QUERIES["claim_operations"], {"lease": lease, "limit": limit})
    return [_open_operation(row) for row in rows]


async def claim_of_payment(
    connection: Connection,
    merchant_id: MerchantId,
    payment_id: PaymentId,
    lease: timedelta,
) -> list[tuple[OpenOperation, datetime]]:
    """Claim a payment's unknown operations until the lease ends, even if they are not due.

    Return each with the time at which it was due before.
    """
    rows = await connection.fetch(
        QUERIES["claim_operations_of_payment"],
        {
            "merchant_id": merchant_id,
            "payment_id": payment_id,
            "lease": lease,
        },
    )
    return [(_open_operation(row), row.was_due) for row in rows]


async def open_operations(connection: Connection, limit: int) -> list[OpenOperation]:
    """Return unknown operations of all merchants, except those that wait for a customer."""
    rows = await connection.fetch(QUERIES["list_open_operations"], {"limit": limit})
    return [_open_operation(row) for row in rows]


def put_off(
    connection: Connection,
    claimed: OpenOperation,
    due_in: timedelta,
    reason: str,
    was_due: datetime | None = None,
) -> None:
    """Make a claimed operation due again after ``due_in``, if it is still open.

    If ``was_due`` is in the future, the operation is due no later than that.
    """
    connection.write(
        QUERIES["put_off_operation"],
        {
            "merchant_id": claimed.merchant_id,
            "id": claimed.operation.id,
            "leased_until": claimed.due_at,
            "due_in": due_in,
            "was_due": was_due,
            "reason": reason,
        },
    )


def to_operation(row: Row) -> Operation:
    """Return the operation in a row, which may have further columns."""
    return Operation(
        id=row.id,
        payment_id=row.payment_id,
        kind=OperationKind(row.kind),
        outcome=OperationOutcome(row.outcome),
        failure_code=failure_code(row),
        amount=row.amount,
        final=row.final,
        refund_id=row.refund_id,
        capture_reference=row.capture_reference,
        decline_code=row.decline_code,
        provider_message=row.provider_message,
    )


def failure_code(row: Row) -> FailureCode | None:
    """Return the failure code in a row, None if there is none."""
    code = row.failure_code
    return None if code is None else FailureCode(code)


def _open_operation(row: Row) -> OpenOperation:
    return OpenOperation(
        merchant_id=row.merchant_id,
        provider_account_id=row.provider_account_id,
        operation=to_operation(row),
        reason=row.reason,
        lookups=row.lookups,
        due_at=row.due_at,
        created_at=row.created_at,
        age=row.age,
    )

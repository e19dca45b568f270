"""Payments, operations and effects to rows and back. Payments are locked here and nowhere else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from groat.kernel.ids import MerchantId, OperationId, PaymentId, ProviderAccountId, TransactionId
from groat.kernel.money import Money
from groat.payments.domain.decisions import Effect, EffectKey
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.payment import OperationOutcome, Payment, PaymentOrder
from groat.payments.domain.recovery import OpenOperation
from groat.platform.connection import Connection
from groat.platform.queries import load_queries
from groat.providers.domain.failures import FailureCode

QUERIES = load_queries(__file__, "payments.sql")


class OperationResult(NamedTuple):
    """The outcome of a payment's open operation."""

    payment_id: PaymentId
    outcome: OperationOutcome
    provider_reference: str | None


class PostedEffect(NamedTuple):
    """An effect that was applied, with its amount in minor units."""

    provider_account_id: ProviderAccountId
    reference: str
    payment_id: PaymentId
    amount: int
    currency: str


def insert_payment(
    connection: Connection,
    merchant_id: MerchantId,
    payment: Payment,
    operation_id: OperationId,
    due_at: datetime,
) -> None:
    """Write a new payment with its first operation, looked up if it is open at ``due_at``."""
    order = payment.order
    connection.write(
        QUERIES["insert_payment"],
        {
            "merchant_id": merchant_id,
            "id": payment.id,
            "status": payment.status,
            "currency": order.amount.currency,
            "amount": order.amount.amount,
            "beneficiary_id": order.beneficiary_id,
            "provider_account_id": order.provider_account_id,
            "payment_method": order.payment_method,
            "reference": order.reference,
            "metadata": Jsonb(dict(order.metadata)),
            "now": payment.created_at,
        },
    )
    connection.write(
        QUERIES["insert_operation"],
        {
            "merchant_id": merchant_id,
            "id": operation_id,
            "payment_id": payment.id,
            "provider_account_id": order.provider_account_id,
            "due_at": due_at,
            "now": payment.created_at,
        },
    )


async def mark_operation_unknown(
    connection: Connection,
    merchant_id: MerchantId,
    operation_id: OperationId,
    reason: str,
    due_at: datetime,
    now: datetime,
) -> bool:
    """Note that nobody knows how an operation ended; False if its outcome is known by now."""
    marked = await connection.fetch(
        QUERIES["mark_operation_unknown"],
        {
            "merchant_id": merchant_id,
            "id": operation_id,
            "reason": reason,
            "due_at": due_at,
            "now": now,
        },
    )
    return bool(marked)


async def claim_operations(
    connection: Connection, now: datetime, lease_until: datetime, limit: int
) -> list[OpenOperation]:
    """Take open operations that are due away from other workers until the lease ends."""
    rows = await connection.fetch(
        QUERIES["claim_operations"], {"now": now, "lease_until": lease_until, "limit": limit}
    )
    return [_open_operation(row) for row in rows]


async def open_operations(connection: Connection, limit: int) -> list[OpenOperation]:
    """Return operations of any merchant that are unknown or were looked up, the oldest first."""
    rows = await connection.fetch(QUERIES["list_open_operations"], {"limit": limit})
    return [_open_operation(row) for row in rows]


def put_off_operation(
    connection: Connection, operation: OpenOperation, due_at: datetime, reason: str
) -> None:
    """Let a claimed operation be looked up again at ``due_at``, unless it is not open any more."""
    connection.write(
        QUERIES["put_off_operation"],
        {
            "merchant_id": operation.merchant_id,
            "id": operation.id,
            "lookups": operation.lookups,
            "due_at": due_at,
            "reason": reason,
        },
    )


async def lock_payments(
    connection: Connection, merchant_id: MerchantId, payment_ids: Collection[PaymentId]
) -> dict[PaymentId, Payment]:
    """Lock these payments until the transaction ends, and return them."""
    rows = await connection.fetch(
        QUERIES["lock_payments"], {"merchant_id": merchant_id, "ids": list(payment_ids)}
    )
    return {row[0]: _payment(row) for row in rows}


async def find_effects(
    connection: Connection, merchant_id: MerchantId, keys: Collection[EffectKey]
) -> dict[EffectKey, PaymentId]:
    """Return which of these effects were applied before, and to which payments."""
    rows = await connection.fetch(
        QUERIES["find_effects"],
        {
            "merchant_id": merchant_id,
            "provider_account_ids": [key.provider_account_id for key in keys],
            "kinds": [key.kind for key in keys],
            "references": [key.reference for key in keys],
        },
    )
    return {
        EffectKey(account_id, kind, reference): PaymentId(payment_id)
        for account_id, kind, reference, payment_id in rows
    }


def update_payments(
    connection: Connection, merchant_id: MerchantId, payments: Collection[Payment], now: datetime
) -> None:
    """Write payments that this transaction has locked."""
    connection.write(
        QUERIES["update_payments"],
        {
            "merchant_id": merchant_id,
            "ids": [payment.id for payment in payments],
            "statuses": [payment.status.value for payment in payments],
            "captured": [payment.captured for payment in payments],
            "failure_codes": [payment.failure_code for payment in payments],
            "now": now,
        },
    )


def settle_operations(
    connection: Connection,
    merchant_id: MerchantId,
    results: Sequence[OperationResult],
    now: datetime,
) -> None:
    """Write the outcomes of operations that were open."""
    connection.write(
        QUERIES["settle_operations"],
        {
            "merchant_id": merchant_id,
            "payment_ids": [one.payment_id for one in results],
            "outcomes": [one.outcome.value for one in results],
            "provider_references": [one.provider_reference for one in results],
            "now": now,
        },
    )


def insert_effects(
    connection: Connection,
    merchant_id: MerchantId,
    effects: Sequence[tuple[Effect, TransactionId]],
    now: datetime,
) -> None:
    """Write effects with the ledger transactions that post them."""
    connection.write(
        QUERIES["insert_effects"],
        {
            "merchant_id": merchant_id,
            "provider_account_ids": [effect.key.provider_account_id for effect, _ in effects],
            "kinds": [effect.key.kind for effect, _ in effects],
            "references": [effect.key.reference for effect, _ in effects],
            "payment_ids": [effect.payment.id for effect, _ in effects],
            "transaction_ids": [transaction_id for _, transaction_id in effects],
            "amounts": [effect.amount for effect, _ in effects],
            "now": now,
        },
    )


async def payment(
    connection: Connection, merchant_id: MerchantId, payment_id: PaymentId
) -> Payment | None:
    """Return one payment."""
    row = await connection.fetch_one(
        QUERIES["get_payment"], {"merchant_id": merchant_id, "id": payment_id}
    )
    return None if row is None else _payment(row)


async def payments(
    connection: Connection, merchant_id: MerchantId, before: PaymentId | None, limit: int
) -> list[Payment]:
    """Return payments, newest first, before ``before`` if given."""
    rows = await connection.fetch(
        QUERIES["list_payments"], {"merchant_id": merchant_id, "before": before, "limit": limit}
    )
    return [_payment(row) for row in rows]


async def count_by_status(connection: Connection, merchant_id: MerchantId) -> dict[Status, int]:
    """Return how many payments stand where."""
    rows = await connection.fetch(QUERIES["count_by_status"], {"merchant_id": merchant_id})
    return {Status(status): count for status, count in rows}


async def effects(connection: Connection, merchant_id: MerchantId) -> list[PostedEffect]:
    """Return every effect that was applied."""
    rows = await connection.fetch(QUERIES["list_effects"], {"merchant_id": merchant_id})
    return [PostedEffect(*row) for row in rows]


def _open_operation(row: tuple[Any, ...]) -> OpenOperation:
    merchant_id, operation_id, payment_id, account_id, outcome, *rest = row
    return OpenOperation(
        merchant_id, operation_id, payment_id, account_id, OperationOutcome(outcome), *rest
    )


def _payment(row: tuple[Any, ...]) -> Payment:
    payment_id, amount, currency, *rest = row
    beneficiary_id, provider_account_id, payment_method, reference, metadata, *state = rest
    status, captured, failure_code, created_at, updated_at = state
    order = PaymentOrder(
        Money(amount, currency),
        beneficiary_id,
        provider_account_id,
        payment_method,
        reference,
        metadata,
    )
    return Payment(
        PaymentId(payment_id),
        order,
        Status(status),
        captured,
        None if failure_code is None else FailureCode(failure_code),
        created_at,
        updated_at,
    )

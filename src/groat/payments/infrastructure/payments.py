"""Read and write payments and effects. Only ``lock_payments`` locks payments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg.types.json import Jsonb

from groat.kernel.ids import MerchantId, PaymentId, ProviderAccountId, TransactionId
from groat.kernel.money import Money
from groat.payments.domain.effect import (
    Effect,
    EffectKey,
    EffectKind,
)
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.payment import Payment, PaymentFilter, PaymentOrder, PaymentTerms
from groat.payments.infrastructure import routes
from groat.platform.postgres.columns import (
    Bigints,
    Texts,
    Times,
    Uuids,
)
from groat.platform.postgres.connection import (
    Connection,
    Row,
    Statement,
)
from groat.platform.postgres.queries import load_queries
from groat.providers.domain.failures import FailureCode
from groat.routing.domain.route import Route

QUERIES = load_queries(__file__, "payments.sql")
CHECKS = load_queries(__file__, "checks.sql")

_TERMS = 6
"""Number of columns with the terms of a payment beside its amount."""


class PostedEffect(NamedTuple):
    """An applied capture or refund, with its amount in minor units."""

    provider_account_id: ProviderAccountId
    kind: EffectKind
    reference: str
    payment_id: PaymentId
    amount: int
    currency: str


def insert_payment(connection: Connection, merchant_id: MerchantId, payment: Payment) -> None:
    """Write a new payment."""
    order = payment.order
    connection.write(
        QUERIES["insert_payment"],
        {
            "merchant_id": merchant_id,
            "id": payment.id,
            "status": payment.status,
            "currency": order.terms.amount.currency,
            "amount": order.terms.amount.amount,
            "beneficiary_id": order.terms.beneficiary_id,
            "provider_account_id": order.provider_account_id,
            "payment_method": order.payment_method,
            "payment_method_kind": order.terms.method_kind,
            "capture_method": order.terms.capture_method,
            "return_url": order.terms.return_url,
            "route": _route(payment),
            "reference": order.terms.reference,
            "metadata": Jsonb(dict(order.terms.metadata)),
            "now": payment.created_at,
        },
    )


async def lock_payments(
    connection: Connection, merchant_id: MerchantId, payment_ids: Collection[PaymentId]
) -> dict[PaymentId, Payment]:
    """Lock these payments until the transaction ends, and return them."""
    query, parameters = lock_query(merchant_id, payment_ids)
    return to_payments(await connection.fetch(query, parameters))


def lock_query(merchant_id: MerchantId, payment_ids: Collection[PaymentId]) -> Statement:
    """Return the query that locks these payments."""
    parameters = {"merchant_id": merchant_id, "ids": Uuids(list(payment_ids))}
    return QUERIES["lock_payments"], parameters


def to_payments(rows: Iterable[Row]) -> dict[PaymentId, Payment]:
    """Return the payments in the rows of ``lock_query``."""
    return {row[0]: to_payment(row) for row in rows}


def update_payments(
    connection: Connection, merchant_id: MerchantId, payments: Collection[Payment]
) -> None:
    """Write payments that this transaction has locked."""
    connection.write(
        QUERIES["update_payments"],
        {
            "merchant_id": merchant_id,
            "ids": Uuids([one.id for one in payments]),
            "statuses": Texts([one.status for one in payments]),
            "authorized": Bigints([one.authorized for one in payments]),
            "captured": Bigints([one.captured for one in payments]),
            "refunded": Bigints([one.refunded for one in payments]),
            "refund_pending": Bigints([one.refund_pending for one in payments]),
            "disputed": Bigints([one.disputed for one in payments]),
            "failure_codes": Texts([one.failure_code for one in payments]),
            "provider_references": Texts([one.provider_reference for one in payments]),
            "authorization_references": Texts([one.authorization_reference for one in payments]),
            "authorization_expiries": Times([one.authorization_expires_at for one in payments]),
            "next_action_urls": Texts([one.next_action_url for one in payments]),
            "provider_account_ids": Uuids([one.order.provider_account_id for one in payments]),
            "payment_methods": Texts([one.order.payment_method for one in payments]),
            "routes": Texts([_route(one) for one in payments]),
            "updated": Times([one.updated_at for one in payments]),
        },
    )


async def payments(
    connection: Connection,
    merchant_id: MerchantId,
    wanted: PaymentFilter,
    before: PaymentId | None,
    limit: int,
) -> list[Payment]:
    """Return payments, newest first; with ``before``, only those older than it."""
    rows = await connection.fetch(
        QUERIES["list_payments"],
        {"merchant_id": merchant_id, "before": before, "limit": limit, **wanted._asdict()},
    )
    return [to_payment(row) for row in rows]


async def count_by_status(connection: Connection, merchant_id: MerchantId) -> dict[Status, int]:
    """Return the number of payments in each status."""
    rows = await connection.fetch(QUERIES["count_by_status"], {"merchant_id": merchant_id})
    return {Status(status): count for status, count in rows}


async def find_effects(
    connection: Connection, merchant_id: MerchantId, keys: Collection[EffectKey]
) -> dict[EffectKey, PaymentId]:
    """Return those of these effects that were applied before, each with its payment."""
    return to_effects(await connection.fetch(*effects_query(merchant_id, keys)))


def effects_query(merchant_id: MerchantId, keys: Collection[EffectKey]) -> Statement:
    """Return the query for those of these effects that were applied before."""
    return QUERIES["find_effects"], {
        "merchant_id": merchant_id,
        "provider_account_ids": Uuids([key.provider_account_id for key in keys]),
        "kinds": Texts([key.kind for key in keys]),
        "references": Texts([key.reference for key in keys]),
    }


def to_effects(rows: Iterable[Row]) -> dict[EffectKey, PaymentId]:
    """Return the effects in rows of ``effects_query``, each with its payment."""
    return {
        EffectKey(account_id, EffectKind(kind), reference): PaymentId(payment_id)
        for account_id, kind, reference, payment_id in rows
    }


def insert_effects(
    connection: Connection,
    merchant_id: MerchantId,
    effects: Sequence[tuple[Effect, TransactionId]],
    now: datetime,
) -> None:
    """Write effects, each with the ledger transaction that posts it."""
    connection.write(
        QUERIES["insert_effects"],
        {
            "merchant_id": merchant_id,
            "provider_account_ids": Uuids([one.key.provider_account_id for one, _ in effects]),
            "kinds": Texts([one.key.kind for one, _ in effects]),
            "references": Texts([one.key.reference for one, _ in effects]),
            "payment_ids": Uuids([one.payment.id for one, _ in effects]),
            "transaction_ids": Uuids([transaction_id for _, transaction_id in effects]),
            "amounts": Bigints([one.money.amount for one, _ in effects]),
            "currencies": Texts([one.money.currency for one, _ in effects]),
            "now": now,
        },
    )


async def captures_and_refunds(
    connection: Connection, merchant_id: MerchantId
) -> list[PostedEffect]:
    """Return every applied capture and refund of a merchant."""
    rows = await connection.fetch(QUERIES["list_captures"], {"merchant_id": merchant_id})
    return [PostedEffect(account_id, EffectKind(kind), *rest) for account_id, kind, *rest in rows]


def to_payment(row: Row) -> Payment:
    """Return the payment in a row, whose columns have the order of ``get_payment``."""
    payment_id, status, failure_code, amount, currency, account_id, method, route, *rest = row
    terms, standing = rest[:_TERMS], rest[_TERMS:]
    return Payment(
        PaymentId(payment_id),
        PaymentOrder(
            PaymentTerms(Money(amount, currency), *terms),
            Route.direct(account_id, method) if route is None else routes.from_document(route),
        ),
        Status(status),
        None if failure_code is None else FailureCode(failure_code),
        *standing,
    )


def _route(payment: Payment) -> str | None:
    """Return the route as it is stored: none for a payment whose caller named the account."""
    route = payment.order.route
    return routes.to_json(route) if route.fallback_on or len(route.legs) > 1 else None

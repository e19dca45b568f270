"""Read and write payments and effects, and lock the standing of facts.

Only ``lock_payments`` locks payments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from groat.kernel.ids import DisputeId, MerchantId, PaymentId, ProviderAccountId, TransactionId
from groat.kernel.money import Money
from groat.payments.domain.dispute import dispute_id
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.operation import Operation
from groat.payments.domain.payment import (
    Customer,
    Payment,
    PaymentFilter,
    PaymentOrder,
    PaymentTerms,
)
from groat.payments.domain.standing import (
    Arrival,
    EffectKey,
    EffectKind,
    Standing,
    capture_key,
    effect_key,
    named_capture,
    refund_id_of,
    reversed_key,
)
from groat.payments.domain.verdict import Effect
from groat.payments.infrastructure import disputes, operations, refunds, routes
from groat.platform.postgres.columns import Bigints, Texts, Times, Uuids
from groat.platform.postgres.connection import Connection, Row, Statement
from groat.platform.postgres.queries import load_queries
from groat.providers.domain.facts import DisputeFact
from groat.routing.domain.route import Route

QUERIES = load_queries(__file__, "payments.sql")
CHECKS = load_queries(__file__, "checks.sql")


class PostedEffect(NamedTuple):
    """An applied capture or refund, with its amount in minor units."""

    provider_account_id: ProviderAccountId
    kind: EffectKind
    reference: str
    payment_id: PaymentId
    amount: int
    currency: str


def insert_payment(
    connection: Connection, merchant_id: MerchantId, payment: Payment, salt: UUID
) -> None:
    """Write a new payment, with the salt of the digest of its personal data."""
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
            "customer_reference": order.terms.customer.reference,
            "customer_email": order.terms.customer.email,
            "description": order.terms.description,
            "statement_descriptor": order.terms.statement_descriptor,
            "metadata": Jsonb(dict(order.terms.metadata)),
            "provider_metadata": Texts(order.terms.provider_metadata),
            "salt": salt,
            "attempts": payment.attempts,
            "attempts_max": order.terms.attempts_max,
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
    return {row.id: to_payment(row) for row in rows}


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
            "returned": Bigints([one.returned for one in payments]),
            "in_dispute": Bigints([one.in_dispute for one in payments]),
            "failure_codes": Texts([one.failure_code for one in payments]),
            "decline_codes": Texts([one.decline_code for one in payments]),
            "provider_messages": Texts([one.provider_message for one in payments]),
            "attempts": Bigints([one.attempts for one in payments]),
            "declined_references": Texts([one.declined_reference for one in payments]),
            "declined_open": [one.declined_open for one in payments],
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
    after: PaymentId | None,
    limit: int,
) -> list[Payment]:
    """Return payments in the wanted order; with ``after``, only those that follow it."""
    rows = await connection.fetch(
        QUERIES["list_payments"],
        {
            "merchant_id": merchant_id,
            "limit": limit,
            **wanted._asdict(),
            **wanted.amounts._asdict(),
            **wanted.metadata._asdict(),
            **wanted.amounts.id_bounds(after),
        },
    )
    return [to_payment(row) for row in rows]


async def posted_transactions(
    connection: Connection, merchant_id: MerchantId, payment_id: PaymentId
) -> list[TransactionId]:
    """Return the ids of the ledger transactions of a payment and of its disputes."""
    rows = await connection.fetch(
        QUERIES["list_posted_transactions"], {"merchant_id": merchant_id, "payment_id": payment_id}
    )
    return [TransactionId(row.transaction_id) for row in rows]


async def count_by_status(connection: Connection, merchant_id: MerchantId) -> dict[Status, int]:
    """Return the number of payments in each status."""
    rows = await connection.fetch(QUERIES["count_by_status"], {"merchant_id": merchant_id})
    return {Status(row.status): row.payments for row in rows}


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
        EffectKey(row.provider_account_id, EffectKind(row.kind), row.reference): PaymentId(
            row.payment_id
        )
        for row in rows
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


def update_owed(
    connection: Connection, merchant_id: MerchantId, owed: Mapping[PaymentId, int]
) -> None:
    """Write the amounts that beneficiaries owe us, of payments that this transaction has locked."""
    parameters = {"ids": Uuids(list(owed)), "owed": Bigints(list(owed.values()))}
    connection.write(QUERIES["update_owed"], {"merchant_id": merchant_id, **parameters})


async def captures_and_refunds(
    connection: Connection, merchant_id: MerchantId
) -> list[PostedEffect]:
    """Return every applied capture and refund of a merchant."""
    rows = await connection.fetch(QUERIES["list_captures"], {"merchant_id": merchant_id})
    return [PostedEffect(**row._asdict() | {"kind": EffectKind(row.kind)}) for row in rows]


def to_payment(row: Row) -> Payment:
    """Return the payment in a row."""
    return Payment(
        id=PaymentId(row.id),
        order=_order(row),
        status=Status(row.status),
        failure_code=operations.failure_code(row),
        decline_code=row.decline_code,
        provider_message=row.provider_message,
        created_at=row.created_at,
        updated_at=row.updated_at,
        authorized=row.authorized,
        captured=row.captured,
        refunded=row.refunded,
        refund_pending=row.refund_pending,
        returned=row.returned,
        in_dispute=row.in_dispute,
        owed=row.owed,
        provider_reference=row.provider_reference,
        authorization_reference=row.authorization_reference,
        authorization_expires_at=row.authorization_expires_at,
        next_action_url=row.next_action_url,
        attempts=row.attempts,
        declined_reference=row.declined_reference,
        declined_open=row.declined_open,
    )


def _order(row: Row) -> PaymentOrder:
    terms = PaymentTerms(
        amount=Money(row.amount, row.currency),
        beneficiary_id=row.beneficiary_id,
        reference=row.reference,
        metadata=row.metadata,
        capture_method=row.capture_method,
        return_url=row.return_url,
        method_kind=row.payment_method_kind,
        customer=Customer(row.customer_reference, row.customer_email),
        description=row.description,
        statement_descriptor=row.statement_descriptor,
        provider_metadata=tuple(row.provider_metadata),
        attempts_max=row.attempts_max,
    )
    if row.route is not None:
        return PaymentOrder(terms, routes.from_document(row.route))
    return PaymentOrder(terms, Route.direct(row.provider_account_id, row.payment_method))


def _route(payment: Payment) -> str | None:
    """Return the route as it is stored: none for a payment whose caller named the account."""
    route = payment.order.route
    return routes.to_json(route) if route.fallback_on or len(route.legs) > 1 else None


async def lock_standing(
    connection: Connection, merchant_id: MerchantId, arrivals: Sequence[Arrival]
) -> Standing:
    """Lock the payments of arrivals, and return the state on which the arrivals are decided.

    Separate statements read everything else after the lock, since it changes only under the lock.
    They travel with the statement that locks, and a statement that nothing asks for is left out.
    """
    found = await _captures_named(connection, merchant_id, arrivals)
    named = {one.report.payment_id for one in arrivals if one.report.payment_id is not None}
    wanted = named | set(found.values())
    keys = _keys(key(one) for one in arrivals for key in (effect_key, named_capture, reversed_key))
    refund_ids = {found for found in map(refund_id_of, arrivals) if found is not None}
    dispute_ids = set(_dispute_ids(arrivals))
    locked, effects, open_ones, refund_rows, dispute_rows = await connection.fetch_each(
        lock_query(merchant_id, wanted),
        effects_query(merchant_id, keys) if keys else None,
        operations.open_query(merchant_id, wanted),
        refunds.refunds_query(merchant_id, refund_ids) if refund_ids else None,
        disputes.disputes_query(merchant_id, dispute_ids) if dispute_ids else None,
    )
    return Standing(
        to_payments(locked),
        _by_payment(open_ones),
        {refund.id: refund for refund in map(refunds.to_refund, refund_rows)},
        {dispute.id: dispute for dispute in map(disputes.to_dispute, dispute_rows)},
        found | to_effects(effects),
    )


async def payment_with_operations(
    connection: Connection, merchant_id: MerchantId, payment_id: PaymentId
) -> tuple[Payment | None, list[Operation]]:
    """Return a payment and its operations, the oldest first."""
    rows, asked = await connection.fetch_each(
        (QUERIES["get_payment"], {"merchant_id": merchant_id, "id": payment_id}),
        (
            operations.QUERIES["list_operations"],
            {"merchant_id": merchant_id, "payment_id": payment_id},
        ),
    )
    found = to_payment(rows[0]) if rows else None
    return found, [operations.to_operation(row) for row in asked]


async def _captures_named(
    connection: Connection, merchant_id: MerchantId, arrivals: Sequence[Arrival]
) -> dict[EffectKey, PaymentId]:
    """Return the captures by which arrivals name their payments. No lock: effects never change."""
    keys = _keys(map(capture_key, arrivals))
    return await find_effects(connection, merchant_id, keys) if keys else {}


def _keys(keys: Iterable[EffectKey | None]) -> set[EffectKey]:
    return {key for key in keys if key is not None}


def _by_payment(rows: Iterable[Row]) -> dict[PaymentId, list[Operation]]:
    found: dict[PaymentId, list[Operation]] = defaultdict(list)
    for operation in map(operations.to_operation, rows):
        found[operation.payment_id].append(operation)
    return found


def _dispute_ids(arrivals: Iterable[Arrival]) -> Iterable[DisputeId]:
    for arrival in arrivals:
        fact = arrival.report.fact
        if isinstance(fact, DisputeFact):
            capture = arrival.report.capture_reference or ""
            yield dispute_id(arrival.provider_account_id, fact.reference, capture)

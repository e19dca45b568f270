"""Lock payments and read several tables at once: in one exchange with PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from groat.kernel.ids import DisputeId, MerchantId, PaymentId
from groat.payments.domain.arrival import (
    Arrival,
)
from groat.payments.domain.dispute import dispute_id
from groat.payments.domain.effect import (
    EffectKey,
    capture_key,
    effect_key,
    fee_capture_key,
)
from groat.payments.domain.operation import Operation
from groat.payments.domain.payment import Payment
from groat.payments.domain.standing import (
    Standing,
)
from groat.payments.infrastructure import (
    disputes,
    operations,
    refunds,
)
from groat.payments.infrastructure import payments as store
from groat.platform.postgres.connection import Connection, Row
from groat.providers.domain.facts import DisputeFact


async def lock_standing(
    connection: Connection, merchant_id: MerchantId, arrivals: Sequence[Arrival]
) -> Standing:
    """Lock the payments of arrivals, and return the state on which the arrivals are decided.

    Separate statements read everything else after the lock, since it changes only under the lock.
    They travel together with the statement that locks.
    """
    found = await _captures_named(connection, merchant_id, arrivals)
    named = {one.report.payment_id for one in arrivals if one.report.payment_id is not None}
    wanted = named | set(found.values())
    locked, effects, open_ones, refund_rows, dispute_rows = await connection.fetch_each(
        store.lock_query(merchant_id, wanted),
        store.effects_query(
            merchant_id, _keys(map(effect_key, arrivals)) | _keys(map(fee_capture_key, arrivals))
        ),
        operations.open_query(merchant_id, wanted),
        refunds.refunds_query(
            merchant_id, {one.report.refund_id for one in arrivals if one.report.refund_id}
        ),
        disputes.disputes_query(merchant_id, set(_dispute_ids(arrivals))),
    )
    return Standing(
        store.to_payments(locked),
        _by_payment(open_ones),
        {refund.id: refund for refund in map(refunds.to_refund, refund_rows)},
        {dispute.id: dispute for dispute in map(disputes.to_dispute, dispute_rows)},
        found | store.to_effects(effects),
    )


async def payment_with_operations(
    connection: Connection, merchant_id: MerchantId, payment_id: PaymentId
) -> tuple[Payment | None, list[Operation]]:
    """Return a payment and its operations, the oldest first."""
    rows, asked = await connection.fetch_each(
        (store.QUERIES["get_payment"], {"merchant_id": merchant_id, "id": payment_id}),
        (
            operations.QUERIES["list_operations"],
            {"merchant_id": merchant_id, "payment_id": payment_id},
        ),
    )
    found = store.to_payment(rows[0]) if rows else None
    return found, [operations.to_operation(row) for row in asked]


async def _captures_named(
    connection: Connection, merchant_id: MerchantId, arrivals: Sequence[Arrival]
) -> dict[EffectKey, PaymentId]:
    """Return the captures by which arrivals name their payments. No lock: effects never change."""
    keys = _keys(map(capture_key, arrivals))
    return await store.find_effects(connection, merchant_id, keys) if keys else {}


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
            yield dispute_id(arrival.provider_account_id, fact.reference)

"""Read and write refunds. They change only while their payment is locked."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime

from groat.kernel.ids import MerchantId, PaymentId, RefundId
from groat.payments.domain.lifecycle import RefundStatus
from groat.payments.domain.refund import Refund, RefundableCapture, RefundFilter, RefundOrigin
from groat.payments.infrastructure.operations import failure_code
from groat.platform.postgres.columns import Bigints, Texts, Uuids
from groat.platform.postgres.connection import Connection, Row, Statement, values
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "refunds.sql")


def insert_refunds(
    connection: Connection, merchant_id: MerchantId, made: Collection[Refund], now: datetime
) -> None:
    """Write new refunds."""
    connection.write(
        QUERIES["insert_refunds"],
        {
            "merchant_id": merchant_id,
            "ids": Uuids([one.id for one in made]),
            "payment_ids": Uuids([one.payment_id for one in made]),
            "statuses": Texts([one.status for one in made]),
            "amounts": Bigints([one.amount for one in made]),
            "capture_references": Texts([one.capture_reference for one in made]),
            "origins": Texts([one.origin for one in made]),
            "hold_ids": Uuids([one.hold_id for one in made]),
            "reasons": Texts([one.reason for one in made]),
            "metadata": Texts([json.dumps(dict(one.metadata)) for one in made]),
            "failure_codes": Texts([one.failure_code for one in made]),
            "now": now,
        },
    )


def update_refunds(
    connection: Connection, merchant_id: MerchantId, changed: Collection[Refund], now: datetime
) -> None:
    """Write changed refunds of payments that this transaction has locked."""
    connection.write(
        QUERIES["update_refunds"],
        {
            "merchant_id": merchant_id,
            "ids": Uuids([one.id for one in changed]),
            "statuses": Texts([one.status for one in changed]),
            "failure_codes": Texts([one.failure_code for one in changed]),
            "now": now,
        },
    )


async def find_refund(
    connection: Connection, merchant_id: MerchantId, refund_id: RefundId
) -> Refund | None:
    """Return one refund, None if there is none."""
    row = await connection.fetch_one(*refunds_query(merchant_id, [refund_id]))
    return None if row is None else to_refund(row)


def refunds_query(merchant_id: MerchantId, refund_ids: Collection[RefundId]) -> Statement:
    """Return the query for refunds by their ids."""
    return QUERIES["find_refunds"], {"merchant_id": merchant_id, "ids": Uuids(list(refund_ids))}


async def refunds(
    connection: Connection,
    merchant_id: MerchantId,
    wanted: RefundFilter,
    after: RefundId | None,
    limit: int,
) -> list[Refund]:
    """Return refunds in the wanted order; with ``after``, only those that follow it."""
    rows = await connection.fetch(
        QUERIES["list_refunds"],
        {
            "merchant_id": merchant_id,
            "after": after,
            "limit": limit,
            **wanted._asdict(),
            **wanted.amounts._asdict(),
            **wanted.metadata._asdict(),
        },
    )
    return [to_refund(row) for row in rows]


async def refundable_captures(
    connection: Connection, merchant_id: MerchantId, payment_id: PaymentId
) -> list[RefundableCapture]:
    """Return a payment's captures, the oldest first, each with its refundable rest."""
    rows = await connection.fetch(
        QUERIES["list_refundable_captures"], {"merchant_id": merchant_id, "payment_id": payment_id}
    )
    return values(RefundableCapture, rows)


def to_refund(row: Row) -> Refund:
    """Return the refund in a row of ``find_refunds`` or ``list_refunds``."""
    known = {
        "status": RefundStatus(row.status),
        "failure_code": failure_code(row),
        "origin": RefundOrigin(row.origin),
    }
    return Refund(**row._asdict() | known)

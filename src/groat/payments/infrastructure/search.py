"""Find payments by texts that the merchant, or a provider, gave them or their objects."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from groat.kernel.ids import MerchantId, PaymentId
from groat.platform.postgres.columns import Texts
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "search.sql")


class PaymentMatch(NamedTuple):
    """A payment that a search found. ``field`` says which of its texts matched."""

    id: PaymentId
    field: str


async def by_text(
    connection: Connection, merchant_id: MerchantId, text: str, limit: int
) -> list[PaymentMatch]:
    """Return payments with ``text`` in a field of theirs; at most ``limit`` for each field."""
    rows = await connection.fetch(
        QUERIES["find_payments_by_text"],
        {"merchant_id": merchant_id, "text": text, "limit": limit},
    )
    return [PaymentMatch(row.id, row.field) for row in rows]


async def by_objects(
    connection: Connection, merchant_id: MerchantId, references: Collection[str], limit: int
) -> list[PaymentMatch]:
    """Return the payments whose captures, refunds or disputes have these ids at a provider."""
    rows = await connection.fetch(
        QUERIES["find_payments_of_objects"],
        {"merchant_id": merchant_id, "references": Texts(list(references)), "limit": limit},
    )
    return [PaymentMatch(row.id, row.field) for row in rows]

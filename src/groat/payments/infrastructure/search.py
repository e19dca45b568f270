"""Find payments by texts that the merchant, or a provider, gave them or their objects."""

from __future__ import annotations

from collections.abc import Collection

from groat.kernel.ids import MerchantId
from groat.payments.domain.payment import PaymentMatch
from groat.platform.postgres.columns import Texts
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "search.sql")


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

"""Read and write the notes of imported settlement files."""

from __future__ import annotations

from datetime import datetime

from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "files.sql")
CHECKS = load_queries(__file__, "checks.sql")


async def insert_file(
    connection: Connection,
    merchant_id: MerchantId,
    account_id: ProviderAccountId,
    digest: bytes,
    name: str,
    movements: int,
    now: datetime,
) -> bool:
    """Note an imported file; return whether it was new."""
    row = await connection.fetch_one(
        QUERIES["insert_file"],
        {
            "merchant_id": merchant_id,
            "provider_account_id": account_id,
            "digest": digest,
            "name": name,
            "movements": movements,
            "now": now,
        },
    )
    return row is not None

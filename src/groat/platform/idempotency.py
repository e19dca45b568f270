"""The ``Idempotency-Key`` header: one key, one object, however often the request arrives.

The key is claimed in the transaction that makes the object. A second request with the key waits for
that transaction, and then finds the object: the answer is the object as it stands now.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from groat.kernel.errors import Conflict
from groat.kernel.ids import MerchantId
from groat.platform.connection import Connection
from groat.platform.queries import load_queries

QUERIES = load_queries(__file__, "idempotency.sql")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The caller's key, and the bytes of the request it came with, to tell a replay from misuse."""

    key: str
    request: bytes


async def claim(
    connection: Connection,
    merchant_id: MerchantId,
    request_key: RequestKey,
    object_id: UUID,
    now: datetime,
) -> UUID | None:
    """Claim the key for the object that is about to be made, or return the one made under it.

    Raises:
        Conflict: ``idempotency_key_reused``; the key came before, with another request.
    """
    request_hash = hashlib.sha256(request_key.request).digest()
    parameters = {
        "merchant_id": merchant_id,
        "key": request_key.key,
        "request_hash": request_hash,
        "object_id": object_id,
        "now": now,
    }
    claimed = await connection.fetch(QUERIES["claim_key"], parameters)
    if claimed:
        return None
    row = await connection.fetch_one(QUERIES["get_key"], parameters)
    if row is None or bytes(row[0]) != request_hash:
        raise Conflict(
            "idempotency_key_reused",
            "This Idempotency-Key came before with another request; a new request needs a new key.",
        )
    return UUID(str(row[1]))

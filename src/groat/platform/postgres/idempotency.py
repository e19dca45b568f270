"""The ``Idempotency-Key`` header: repeated requests with one key make one object.

The key is claimed in the transaction that makes the object. A second request with the key waits for
that transaction and then finds the object. Its answer is the object in its present state.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from groat.kernel.errors import Conflict
from groat.kernel.ids import MerchantId
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "idempotency.sql")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The caller's key and the bytes of its request.

    The bytes tell a repetition of the same request from a different request with the same key.
    """

    key: str
    request: bytes


async def claim(
    connection: Connection,
    merchant_id: MerchantId,
    request_key: RequestKey,
    object_kind: str,
    object_id: UUID,
    now: datetime,
) -> UUID | None:
    """Claim the key for a new object and return None, or return the object made under it before.

    Raises:
        Conflict: ``idempotency_key_reused``; the key was used before, with another request.
    """
    parameters = {
        **_parameters(merchant_id, request_key),
        "object_kind": object_kind,
        "object_id": object_id,
        "now": now,
    }
    claimed = await connection.fetch(QUERIES["claim_key"], parameters)
    if claimed:
        return None
    earlier = await find(connection, merchant_id, request_key)
    if earlier is None:
        raise _reused()
    return earlier


async def find(
    connection: Connection, merchant_id: MerchantId, request_key: RequestKey
) -> UUID | None:
    """Return the object that was made under the key, or None if the key is new.

    Raises:
        Conflict: ``idempotency_key_reused``; the key was used before, with another request.
    """
    parameters = _parameters(merchant_id, request_key)
    row = await connection.fetch_one(QUERIES["get_key"], parameters)
    if row is None:
        return None
    if bytes(row.request_hash) != parameters["request_hash"]:
        raise _reused()
    return UUID(str(row.object_id))


def digest(request_key: RequestKey) -> str:
    """Return the digest of a key and its request for the audit record: SHA-256, in hexadecimal.

    When the audit record is verified, PostgreSQL computes the same digest from the key's row.
    """
    return hashlib.sha256(request_key.key.encode() + _request_hash(request_key)).hexdigest()


def _request_hash(request_key: RequestKey) -> bytes:
    return hashlib.sha256(request_key.request).digest()


def _parameters(merchant_id: MerchantId, request_key: RequestKey) -> dict[str, object]:
    return {
        "merchant_id": merchant_id,
        "key": request_key.key,
        "request_hash": _request_hash(request_key),
    }


def _reused() -> Conflict:
    return Conflict(
        "idempotency_key_reused",
        "This Idempotency-Key was used before with another request; a new request needs a new key.",
    )

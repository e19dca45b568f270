"""API keys as rows. This module sees their secrets only as hashes."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from groat.kernel.ids import ApiKeyId, MerchantId
from groat.merchants.domain.api_keys import KeyOrder, StoredKey
from groat.platform.postgres.columns import Texts
from groat.platform.postgres.connection import Connection, value, values
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "api_keys.sql")


class HashedKey(NamedTuple):
    """The hash of a key's secret, its scopes, and whether its use should be noted."""

    secret_hash: bytes
    scopes: tuple[str, ...]
    seems_unused: bool


def insert_api_key(
    connection: Connection,
    merchant_id: MerchantId,
    key_id: ApiKeyId,
    secret_hash: bytes,
    order: KeyOrder,
    now: datetime,
) -> None:
    """Insert an API key. Only the hash of its secret is stored."""
    parameters = {
        "merchant_id": merchant_id,
        "id": key_id,
        "secret_hash": secret_hash,
        "name": order.name,
        "scopes": Texts(list(order.scopes)),
        "expires_at": order.expires_at,
        "now": now,
    }
    connection.write(QUERIES["insert_api_key"], parameters)


async def find_api_key(
    connection: Connection, merchant_id: MerchantId, key_id: ApiKeyId, now: datetime
) -> HashedKey | None:
    """Return an API key, None if it does not exist, has expired or is revoked."""
    parameters = {"merchant_id": merchant_id, "id": key_id, "now": now}
    row = await connection.fetch_one(QUERIES["find_api_key"], parameters)
    if row is None:
        return None
    return HashedKey(bytes(row.secret_hash), tuple(row.scopes), row.seems_unused)


def touch_api_key(
    connection: Connection, merchant_id: MerchantId, key_id: ApiKeyId, now: datetime
) -> None:
    """Note that a key was used at ``now``."""
    parameters = {"merchant_id": merchant_id, "id": key_id, "now": now}
    connection.write(QUERIES["touch_api_key"], parameters)


async def api_keys(connection: Connection, merchant_id: MerchantId) -> list[StoredKey]:
    """Return all API keys of a merchant, the newest first."""
    rows = await connection.fetch(QUERIES["list_api_keys"], {"merchant_id": merchant_id})
    return values(StoredKey, rows)


async def lock_api_key(
    connection: Connection, merchant_id: MerchantId, key_id: ApiKeyId, now: datetime
) -> StoredKey | None:
    """Lock and return a key that works, None if there is none."""
    parameters = {"merchant_id": merchant_id, "id": key_id, "now": now}
    row = await connection.fetch_one(QUERIES["lock_api_key"], parameters)
    return None if row is None else value(StoredKey, row)


def expire_api_key(
    connection: Connection, merchant_id: MerchantId, key_id: ApiKeyId, expires_at: datetime
) -> None:
    """Let a locked key expire at ``expires_at``."""
    parameters = {"merchant_id": merchant_id, "id": key_id, "expires_at": expires_at}
    connection.write(QUERIES["expire_api_key"], parameters)


def revoke_api_key(
    connection: Connection, merchant_id: MerchantId, key_id: ApiKeyId, now: datetime
) -> None:
    """Revoke an API key. It authenticates no call that starts after the commit."""
    parameters = {"merchant_id": merchant_id, "id": key_id, "now": now}
    connection.write(QUERIES["revoke_api_key"], parameters)

"""Merchants, keys and provider accounts to rows and back. Secrets pass through sealed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from groat.kernel.ids import ApiKeyId, MerchantId, ProviderAccountId
from groat.kernel.value import Value
from groat.merchants.domain.credentials import ProviderAccountName, ProviderName
from groat.platform.postgres.columns import Bigints, Blobs
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "merchants.sql")
CHECKS = load_queries(__file__, "checks.sql")


class SealedProviderAccount(Value):
    """A provider account as it is stored, with the wrapped key that opens it."""

    id: ProviderAccountId
    provider: ProviderName
    name: str
    credentials: bytes
    data_key: bytes


def insert_merchant(
    connection: Connection, merchant_id: MerchantId, name: str, data_key: bytes, now: datetime
) -> None:
    """Add a merchant."""
    connection.write(
        QUERIES["insert_merchant"],
        {"merchant_id": merchant_id, "name": name, "data_key": data_key, "now": now},
    )


async def find_merchant(connection: Connection, name: str) -> MerchantId | None:
    """Return the first merchant called ``name``."""
    row = await connection.fetch_one(QUERIES["find_merchant_by_name"], {"name": name})
    return None if row is None else MerchantId(row[0])


async def data_key(connection: Connection, merchant_id: MerchantId) -> bytes | None:
    """Return the merchant's wrapped data key, or None if there is no such merchant."""
    row = await connection.fetch_one(QUERIES["get_data_key"], {"merchant_id": merchant_id})
    return None if row is None else bytes(row[0])


async def lock_data_keys(connection: Connection) -> dict[MerchantId, bytes]:
    """Lock every merchant, and return the wrapped data keys."""
    rows = await connection.fetch(QUERIES["lock_data_keys"])
    return {MerchantId(merchant_id): bytes(data_key) for merchant_id, data_key in rows}


def update_data_keys(connection: Connection, data_keys: Mapping[MerchantId, bytes]) -> None:
    """Write wrapped data keys in place of those of their merchants, which are locked."""
    columns = {
        "merchant_ids": Bigints(list(data_keys)),
        "data_keys": Blobs(list(data_keys.values())),
    }
    connection.write(QUERIES["update_data_keys"], columns)


def insert_api_key(
    connection: Connection,
    merchant_id: MerchantId,
    key_id: ApiKeyId,
    secret_hash: bytes,
    now: datetime,
) -> None:
    """Add a key, by the hash of its secret."""
    connection.write(
        QUERIES["insert_api_key"],
        {"merchant_id": merchant_id, "id": key_id, "secret_hash": secret_hash, "now": now},
    )


async def secret_hash(
    connection: Connection, merchant_id: MerchantId, key_id: ApiKeyId
) -> bytes | None:
    """Return the hash of the secret of a merchant's key, unless the key is revoked."""
    row = await connection.fetch_one(
        QUERIES["find_api_key"], {"merchant_id": merchant_id, "id": key_id}
    )
    return None if row is None else bytes(row[0])


def revoke_api_key(
    connection: Connection, merchant_id: MerchantId, key_id: ApiKeyId, now: datetime
) -> None:
    """Let a key be found no more."""
    connection.write(
        QUERIES["revoke_api_key"], {"merchant_id": merchant_id, "id": key_id, "now": now}
    )


async def put_provider_account(
    connection: Connection, merchant_id: MerchantId, sealed: SealedProviderAccount, now: datetime
) -> ProviderAccountId | None:
    """Add the account or replace its credentials; None if its name is another provider's."""
    row = await connection.fetch_one(
        QUERIES["put_provider_account"],
        {
            "merchant_id": merchant_id,
            "id": sealed.id,
            "provider": sealed.provider,
            "name": sealed.name,
            "credentials": sealed.credentials,
            "now": now,
        },
    )
    return None if row is None else ProviderAccountId(row[0])


async def provider_account(
    connection: Connection, merchant_id: MerchantId, account_id: ProviderAccountId
) -> SealedProviderAccount | None:
    """Return one provider account."""
    row = await connection.fetch_one(
        QUERIES["get_provider_account"], {"merchant_id": merchant_id, "id": account_id}
    )
    return None if row is None else SealedProviderAccount(*row)


async def lock_provider_account(
    connection: Connection, merchant_id: MerchantId, name: str
) -> SealedProviderAccount | None:
    """Lock the account called ``name``, and return it."""
    row = await connection.fetch_one(
        QUERIES["lock_provider_account"], {"merchant_id": merchant_id, "name": name}
    )
    return None if row is None else SealedProviderAccount(*row)


async def delete_provider_account(
    connection: Connection, merchant_id: MerchantId, account_id: ProviderAccountId, now: datetime
) -> bool:
    """Delete an account and its credentials; return whether there was one."""
    parameters = {"merchant_id": merchant_id, "id": account_id, "now": now}
    return await connection.fetch_one(QUERIES["delete_provider_account"], parameters) is not None


async def provider_accounts(
    connection: Connection, merchant_id: MerchantId
) -> list[ProviderAccountName]:
    """Return a merchant's provider accounts, without their credentials."""
    rows = await connection.fetch(QUERIES["list_provider_accounts"], {"merchant_id": merchant_id})
    return [ProviderAccountName(*row) for row in rows]

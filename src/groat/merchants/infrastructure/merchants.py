"""Convert merchants and provider accounts to rows and back.

This module sees credentials only in encrypted form.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.kernel.value import Value
from groat.merchants.domain.credentials import Merchant, ProviderAccountName, ProviderName
from groat.platform.postgres.columns import Bigints, Blobs
from groat.platform.postgres.connection import Connection, value, values
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "merchants.sql")
CHECKS = load_queries(__file__, "checks.sql")


class SealedProviderAccount(Value):
    """A provider account with encrypted credentials, and the wrapped data key that opens them."""

    id: ProviderAccountId
    provider: ProviderName
    name: str
    credentials: bytes
    data_key: bytes


def insert_merchant(
    connection: Connection, merchant_id: MerchantId, name: str, data_key: bytes, now: datetime
) -> None:
    """Insert a merchant with its wrapped data key."""
    connection.write(
        QUERIES["insert_merchant"],
        {"merchant_id": merchant_id, "name": name, "data_key": data_key, "now": now},
    )


async def find_merchant(connection: Connection, name: str) -> MerchantId | None:
    """Return the oldest merchant called ``name``, None if there is none."""
    row = await connection.fetch_one(QUERIES["find_merchant_by_name"], {"name": name})
    return None if row is None else MerchantId(row.merchant_id)


async def merchant(connection: Connection, merchant_id: MerchantId) -> Merchant | None:
    """Return a merchant, None if it does not exist."""
    row = await connection.fetch_one(QUERIES["get_merchant"], {"merchant_id": merchant_id})
    return None if row is None else value(Merchant, row)


async def merchants(connection: Connection) -> list[Merchant]:
    """Return all merchants, the oldest first."""
    return values(Merchant, await connection.fetch(QUERIES["list_merchants"]))


async def data_key(connection: Connection, merchant_id: MerchantId) -> bytes | None:
    """Return the merchant's wrapped data key, None if the merchant does not exist."""
    row = await connection.fetch_one(QUERIES["get_data_key"], {"merchant_id": merchant_id})
    return None if row is None else bytes(row.data_key)


async def lock_data_keys(connection: Connection) -> dict[MerchantId, bytes]:
    """Lock all merchants and return their wrapped data keys."""
    rows = await connection.fetch(QUERIES["lock_data_keys"])
    return {MerchantId(row.merchant_id): bytes(row.data_key) for row in rows}


def update_data_keys(connection: Connection, data_keys: Mapping[MerchantId, bytes]) -> None:
    """Replace the wrapped data keys of these merchants. The caller has locked them."""
    columns = {
        "merchant_ids": Bigints(list(data_keys)),
        "data_keys": Blobs(list(data_keys.values())),
    }
    connection.write(QUERIES["update_data_keys"], columns)


async def put_provider_account(
    connection: Connection, merchant_id: MerchantId, sealed: SealedProviderAccount, now: datetime
) -> ProviderAccountId | None:
    """Insert the account, or replace the credentials of the account with the same name.

    Return the id of the stored account. Return None if the name belongs to an account at another
    provider.
    """
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
    return None if row is None else ProviderAccountId(row.id)


async def provider_account(
    connection: Connection, merchant_id: MerchantId, account_id: ProviderAccountId
) -> SealedProviderAccount | None:
    """Return a provider account, None if the merchant has no such account."""
    row = await connection.fetch_one(
        QUERIES["get_provider_account"], {"merchant_id": merchant_id, "id": account_id}
    )
    return None if row is None else value(SealedProviderAccount, row)


async def find_owner(connection: Connection, account_id: ProviderAccountId) -> MerchantId | None:
    """Return the merchant of a provider account, None if there is no such account."""
    row = await connection.fetch_one(QUERIES["find_owner"], {"id": account_id})
    return None if row is None else MerchantId(row.merchant_id)


async def lock_provider_account(
    connection: Connection, merchant_id: MerchantId, name: str
) -> SealedProviderAccount | None:
    """Lock and return the account called ``name``, None if the merchant has no such account."""
    row = await connection.fetch_one(
        QUERIES["lock_provider_account"], {"merchant_id": merchant_id, "name": name}
    )
    return None if row is None else value(SealedProviderAccount, row)


async def delete_provider_account(
    connection: Connection, merchant_id: MerchantId, account_id: ProviderAccountId, now: datetime
) -> bool:
    """Delete an account and its credentials. Return False if there is no such account."""
    parameters = {"merchant_id": merchant_id, "id": account_id, "now": now}
    return await connection.fetch_one(QUERIES["delete_provider_account"], parameters) is not None


async def provider_accounts(
    connection: Connection, merchant_id: MerchantId
) -> list[ProviderAccountName]:
    """Return the merchant's provider accounts, oldest first, without their credentials."""
    rows = await connection.fetch(QUERIES["list_provider_accounts"], {"merchant_id": merchant_id})
    return values(ProviderAccountName, rows)

"""Convert webhook endpoints to rows and back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from groat.kernel.ids import EndpointId, MerchantId
from groat.notifications.domain.endpoint import Endpoint, EndpointStatus
from groat.platform.postgres.columns import Texts, Uuids
from groat.platform.postgres.connection import Connection, Row
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "endpoints.sql")


class SealedEndpoint(NamedTuple):
    """An endpoint with its secrets, encrypted."""

    endpoint: Endpoint
    secrets: bytes


def insert(
    connection: Connection, merchant_id: MerchantId, endpoint: Endpoint, secrets: bytes
) -> None:
    """Insert an endpoint."""
    connection.write(
        QUERIES["insert_endpoint"],
        {
            "merchant_id": merchant_id,
            "id": endpoint.id,
            "url": endpoint.url,
            "types": Texts(endpoint.types),
            "status": endpoint.status.value,
            "secrets": secrets,
            "now": endpoint.created_at,
        },
    )


async def endpoints(connection: Connection, merchant_id: MerchantId) -> list[Endpoint]:
    """Return the merchant's endpoints, oldest first."""
    rows = await connection.fetch(QUERIES["list_endpoints"], {"merchant_id": merchant_id})
    return [_to_endpoint(row) for row in rows]


async def find(
    connection: Connection, merchant_id: MerchantId, endpoint_id: EndpointId
) -> Endpoint | None:
    """Return one endpoint, None if the merchant has no such endpoint."""
    row = await connection.fetch_one(
        QUERIES["get_endpoint"], {"merchant_id": merchant_id, "id": endpoint_id}
    )
    return None if row is None else _to_endpoint(row)


async def lock(
    connection: Connection, merchant_id: MerchantId, endpoint_ids: Collection[EndpointId]
) -> dict[EndpointId, SealedEndpoint]:
    """Lock these endpoints until the transaction ends, and return them."""
    rows = await connection.fetch(
        QUERIES["lock_endpoints"], {"merchant_id": merchant_id, "ids": Uuids(list(endpoint_ids))}
    )
    return {EndpointId(row.id): SealedEndpoint(_to_endpoint(row), row.secrets) for row in rows}


def update(connection: Connection, merchant_id: MerchantId, endpoint: Endpoint) -> None:
    """Write an endpoint that is locked."""
    connection.write(
        QUERIES["update_endpoint"],
        {
            "merchant_id": merchant_id,
            "id": endpoint.id,
            "url": endpoint.url,
            "types": Texts(endpoint.types),
            "status": endpoint.status.value,
            "failing_since": endpoint.failing_since,
            "updated_at": endpoint.updated_at,
        },
    )


def update_secrets(
    connection: Connection,
    merchant_id: MerchantId,
    endpoint_id: EndpointId,
    secrets: bytes,
    now: datetime,
) -> None:
    """Replace the secrets of an endpoint that is locked."""
    connection.write(
        QUERIES["update_secrets"],
        {"merchant_id": merchant_id, "id": endpoint_id, "secrets": secrets, "now": now},
    )


def _to_endpoint(row: Row) -> Endpoint:
    return Endpoint(
        id=EndpointId(row.id),
        url=row.url,
        types=tuple(row.types),
        status=EndpointStatus(row.status),
        failing_since=row.failing_since,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

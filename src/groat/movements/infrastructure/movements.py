"""Read and write movements, their attributions and open items."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from groat.kernel.ids import MerchantId, ProviderAccountId, TransactionId
from groat.movements.domain.attribution import Attribution, Place
from groat.movements.domain.booking import BookedMovement, PlacedMovement
from groat.movements.domain.open_items import OpenItem
from groat.movements.domain.sums import MovementSum
from groat.platform.postgres.columns import Bigints, Texts, Times, Uuids
from groat.platform.postgres.connection import Connection, Row, values
from groat.platform.postgres.queries import load_queries
from groat.providers.domain.movements import Movement, MovementCategory, Pool

QUERIES = load_queries(__file__, "movements.sql")
CHECKS = load_queries(__file__, "checks.sql")


def account_key(merchant_id: MerchantId, account_id: ProviderAccountId) -> dict[str, object]:
    """Return the parameters that name a provider account."""
    return {"merchant_id": merchant_id, "provider_account_id": account_id}


async def insert_movements(
    connection: Connection,
    account: Mapping[str, object],
    movements: Sequence[Movement],
    now: datetime,
) -> set[str]:
    """Insert movements that are not stored yet, and return their keys."""
    ordered = sorted(movements, key=lambda one: one.key)
    rows = await connection.fetch(
        QUERIES["insert_movements"], {**account, **_columns(ordered), "now": now}
    )
    return {row.key for row in rows if row.is_new}


async def find_movements(
    connection: Connection, account: Mapping[str, object], keys: Collection[str]
) -> dict[str, Movement]:
    """Return the stored movements with these keys, by key."""
    rows = await connection.fetch(
        QUERIES["find_movements"], {**account, "keys": Texts(sorted(keys))}
    )
    return {row.key: to_movement(row) for row in rows}


async def objects_of(
    connection: Connection, merchant_id: MerchantId, text: str, limit: int
) -> dict[str, set[str]]:
    """Return the provider's ids of objects whose movements have ``text``, by its meaning."""
    rows = await connection.fetch(
        QUERIES["find_objects_of_movements"],
        {"merchant_id": merchant_id, "text": text, "limit": limit},
    )
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[row.field] |= {row.source, row.parent} - {""}
    return found


async def movements_between(
    connection: Connection,
    account: Mapping[str, object],
    since: datetime,
    until: datetime,
    after: str,
    limit: int,
) -> list[Movement]:
    """Return movements that the provider booked in a span, in key order, after a key."""
    rows = await connection.fetch(
        QUERIES["list_movements"],
        {**account, "since": since, "until": until, "after": after, "limit": limit},
    )
    return [to_movement(row) for row in rows]


async def payouts(
    connection: Connection, account: Mapping[str, object], limit: int
) -> list[Movement]:
    """Return the movements of payouts, newest first."""
    rows = await connection.fetch(QUERIES["list_payouts"], {**account, "limit": limit})
    return [to_movement(row) for row in rows]


async def of_payout(
    connection: Connection, account: Mapping[str, object], reference: str
) -> list[Movement]:
    """Return the movements of a payout and of its return, and those that a report lists for it."""
    rows = await connection.fetch(QUERIES["list_of_payout"], {**account, "reference": reference})
    return [to_movement(row) for row in rows]


async def sums_until(
    connection: Connection, account: Mapping[str, object], since: datetime, until: datetime
) -> list[MovementSum]:
    """Return the sums of the posted movements before ``until``, apart for those since ``since``."""
    rows = await connection.fetch(
        QUERIES["sum_movements"], {**account, "since": since, "until": until}
    )
    return values(MovementSum, rows)


async def unposted_between(
    connection: Connection, account: Mapping[str, object], since: datetime, until: datetime
) -> list[Movement]:
    """Return the stored movements of a span that have no place, oldest first."""
    rows = await connection.fetch(
        QUERIES["list_unposted"], {**account, "since": since, "until": until}
    )
    return [to_movement(row) for row in rows]


async def lock(
    connection: Connection,
    account: Mapping[str, object],
    movements: Collection[Movement],
    parents: Mapping[str, str],
    needed: Mapping[str, str],
    now: datetime,
) -> tuple[dict[str, Movement], list[OpenItem]]:
    """Lock movements and open items in one exchange; return unposted movements, and the items.

    Movements that are not stored yet are inserted. ``parents`` maps objects to their charges: their
    items are locked, and all items of their charges. The objects in ``needed`` get an item first.
    """
    if movements:
        ordered = sorted(movements, key=lambda one: one.key)
        columns = {**account, **_columns(ordered), "now": now}
        connection.write(QUERIES["insert_movements"], columns)
    if needed:
        connection.write(QUERIES["open_items"], {**account, **_objects(needed), "now": now})
    keys = {**account, "keys": Texts([one.key for one in movements])}
    unposted, items = await connection.fetch_each(
        (QUERIES["find_unposted"], keys) if movements else None,
        (QUERIES["lock_items"], {**account, **_objects(parents)}) if parents else None,
    )
    return {row.key: to_movement(row) for row in unposted}, values(OpenItem, items)


async def posted_keys(
    connection: Connection, account: Mapping[str, object], keys: Collection[str]
) -> set[str]:
    """Return those of these keys whose movements have a place."""
    parameters = {**account, "keys": Texts(list(keys))}
    rows = await connection.fetch(QUERIES["find_posted_keys"], parameters)
    return {row.movement_key for row in rows}


def insert_attributions(
    connection: Connection,
    account: Mapping[str, object],
    posted: Sequence[tuple[BookedMovement, TransactionId | None]],
    now: datetime,
) -> None:
    """Write the places of movements, and the transactions that post them."""
    booked = [one for one, _ in posted]
    connection.write(
        QUERIES["insert_attributions"],
        {
            **account,
            "keys": Texts([one.movement.key for one in booked]),
            "places": Texts([one.attribution.place.value for one in booked]),
            "references": Texts([one.attribution.reference for one in booked]),
            "reasons": Texts([one.attribution.reason for one in booked]),
            "payment_ids": Uuids([one.bearer.payment_id if one.bearer else None for one in booked]),
            "borne": Bigints([one.borne.amount if one.borne else 0 for one in booked]),
            "transaction_ids": Uuids([transaction_id for _, transaction_id in posted]),
            "now": now,
        },
    )


def update_items(
    connection: Connection, account: Mapping[str, object], items: Sequence[OpenItem]
) -> None:
    """Write the sums of items that this transaction has locked."""
    connection.write(
        QUERIES["update_items"],
        {
            **account,
            "references": Texts([item.reference for item in items]),
            "parents": Texts([item.parent for item in items]),
            "told_currencies": Texts([item.told_currency for item in items]),
            "told": Bigints([item.told for item in items]),
            "booked_currencies": Texts([item.booked_currency for item in items]),
            "booked": Bigints([item.booked for item in items]),
        },
    )


async def lock_place(
    connection: Connection, account: Mapping[str, object], key: str
) -> PlacedMovement | None:
    """Lock a movement; return it with its present place, None if it is not posted."""
    named = {**account, "key": key}
    _, rows = await connection.fetch_each(
        (QUERIES["lock_movement"], named), (QUERIES["find_place"], named)
    )
    return _placed(rows[0]) if rows else None


def insert_place(
    connection: Connection,
    account: Mapping[str, object],
    placed: PlacedMovement,
    transaction_id: TransactionId,
    now: datetime,
) -> None:
    """Insert a further place of a movement, with the transaction that moves it there."""
    connection.write(
        QUERIES["insert_place"],
        {
            **account,
            "key": placed.movement.key,
            "number": placed.number,
            "place": placed.attribution.place.value,
            "reference": placed.attribution.reference,
            "reason": placed.attribution.reason,
            "transaction_id": transaction_id,
            "now": now,
        },
    )


async def suspense(
    connection: Connection,
    merchant_id: MerchantId,
    account_id: ProviderAccountId | None,
    limit: int,
) -> list[tuple[ProviderAccountId, PlacedMovement, datetime]]:
    """Return the movements in suspense with the times since when, oldest first."""
    rows = await connection.fetch(
        QUERIES["list_suspense"],
        {"merchant_id": merchant_id, "provider_account_id": account_id, "limit": limit},
    )
    return [(row.provider_account_id, _placed(row), row.attributed_at) for row in rows]


async def open_items(
    connection: Connection, account: Mapping[str, object], limit: int
) -> list[OpenItem]:
    """Return the items whose facts and movements do not cancel out, oldest first."""
    rows = await connection.fetch(QUERIES["list_open_items"], {**account, "limit": limit})
    return values(OpenItem, rows)


def to_movement(row: Row) -> Movement:
    """Return the movement in a row of ``find_movements`` or ``list_movements``."""
    return Movement(
        key=row.key,
        category=MovementCategory(row.category),
        label=row.label,
        occurred_at=row.occurred_at,
        currency=row.currency,
        gross=row.gross,
        fee=row.fee,
        tax=row.tax,
        source=row.source,
        parent=row.parent,
        payout=row.payout,
        pool=Pool(row.pool),
        fee_parts=row.fee_parts or {},
    )


def _placed(row: Row) -> PlacedMovement:
    attribution = Attribution(Place(row.place), row.reference, row.reference, row.reason)
    return PlacedMovement(to_movement(row), attribution, row.number)


def _objects(parents: Mapping[str, str]) -> dict[str, Any]:
    return {"references": Texts(list(parents)), "parents": Texts(list(parents.values()))}


def _columns(movements: Sequence[Movement]) -> dict[str, Any]:
    return {
        "keys": Texts([one.key for one in movements]),
        "categories": Texts([one.category.value for one in movements]),
        "labels": Texts([one.label for one in movements]),
        "times": Times([one.occurred_at for one in movements]),
        "currencies": Texts([one.currency for one in movements]),
        "gross": Bigints([one.gross for one in movements]),
        "fees": Bigints([one.fee for one in movements]),
        "taxes": Bigints([one.tax for one in movements]),
        "sources": Texts([one.source for one in movements]),
        "parents": Texts([one.parent for one in movements]),
        "payouts": Texts([one.payout for one in movements]),
        "pools": Texts([one.pool.value for one in movements]),
        "fee_parts": Texts(
            [json.dumps(one.fee_parts) if one.fee_parts else None for one in movements]
        ),
    }

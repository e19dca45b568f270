"""Convert the log to rows and back: its keys, leaves, subtrees and signed checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from groat.audit.domain.tree import STORED_LEVELS, Frontier, LeafRange, Subtree, node_hash, root_of
from groat.kernel.errors import Conflict
from groat.kernel.ids import AuditKeyId, MerchantId, RecordId
from groat.kernel.value import Value, replace
from groat.platform.postgres.columns import Bigints, Blobs, Texts, Uuids
from groat.platform.postgres.connection import Connection, Row, value, values
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "log.sql")

_FIRST = UUID(int=0)


class SealedKey(Value):
    """A key that signs checkpoints, with its private part encrypted."""

    id: AuditKeyId
    public: bytes
    private: bytes
    created_at: datetime
    retired_at: datetime | None


class StoredCheckpoint(Value):
    """A signed checkpoint, and the tree that it is the root of."""

    tree: Frontier
    note: str


class ListedCheckpoint(NamedTuple):
    """A signed checkpoint in a list."""

    size: int
    note: str
    created_at: datetime


class Progress(Value):
    """The log while a sealer holds it, and the point up to which its records are sealed.

    Transactions below ``xmin`` have ended. ``here`` is the server that counts them, ``server`` the
    one that counted ``sealed_xid``.
    """

    origin: str
    server: str
    sealed_xid: str
    sealed_id: UUID
    xmin: str
    here: str


class Unsealed(NamedTuple):
    """A committed record that is not in the log yet."""

    merchant_id: MerchantId
    id: RecordId
    leaf_hash: bytes


class Due(Value):
    """Records to seal, and the progress of the sealer once they are in the log.

    ``more`` tells whether the limit cut them off.
    """

    records: list[Unsealed]
    progress: Progress
    more: bool


class Waiting(NamedTuple):
    """The number of records that cannot be sealed yet, and the transaction that they wait for."""

    records: int
    transaction: str | None


class LogStatus(Value):
    """The size of the log, and the committed records that wait to be sealed.

    ``oldest`` is the time of the oldest of them. ``transaction`` is the oldest open transaction;
    the records after it wait for its end.
    """

    origin: str
    size: int
    waiting: int
    oldest: datetime | None
    transaction: str | None


async def insert_log(connection: Connection, origin: str) -> bool:
    """Name the log; return False if it has a name already."""
    return await connection.fetch_one(QUERIES["insert_log"], {"origin": origin}) is not None


async def lock_log(connection: Connection) -> Progress | None:
    """Lock the log until the transaction ends.

    Return None if another sealer holds it, or if the log has no name and no key yet.
    """
    row = await connection.fetch_one(QUERIES["lock_log"])
    return None if row is None else value(Progress, row)


async def await_log(connection: Connection) -> str | None:
    """Lock the log once no sealer holds it; return its name, None if it has none."""
    row = await connection.fetch_one(QUERIES["await_log"])
    return None if row is None else str(row.origin)


async def origin(connection: Connection) -> str | None:
    """Return the name of the log, None if it has none."""
    row = await connection.fetch_one(QUERIES["get_origin"])
    return None if row is None else str(row.origin)


def insert_key(connection: Connection, key: SealedKey) -> None:
    """Store a key that signs checkpoints from now on."""
    connection.write(
        QUERIES["insert_key"],
        {
            "id": key.id,
            "public_key": key.public,
            "private_key": key.private,
            "now": key.created_at,
        },
    )


async def retire_key(connection: Connection, key_id: AuditKeyId, now: datetime) -> bool:
    """Retire a key; return False if it is not in use or is the only one."""
    named = {"id": key_id, "now": now}
    return await connection.fetch_one(QUERIES["retire_key"], named) is not None


async def keys(connection: Connection) -> list[SealedKey]:
    """Return all keys, oldest first."""
    return values(SealedKey, await connection.fetch(QUERIES["list_keys"]))


async def last_checkpoint(connection: Connection) -> StoredCheckpoint | None:
    """Return the newest checkpoint, None if nothing is sealed."""
    return _checkpoint(await connection.fetch_one(QUERIES["last_checkpoint"]))


async def checkpoints(
    connection: Connection, before: int | None, limit: int
) -> list[ListedCheckpoint]:
    """Return the newest ``limit`` checkpoints, those smaller than ``before`` if it is given."""
    rows = await connection.fetch(QUERIES["list_checkpoints"], {"before": before, "limit": limit})
    return values(ListedCheckpoint, rows)


def append_cosignatures(
    connection: Connection, size: int, lines: Sequence[str], now: datetime
) -> None:
    """Store signatures of witnesses under the checkpoint of this size."""
    connection.write(
        QUERIES["append_cosignatures"], {"size": size, "lines": Texts(lines), "now": now}
    )


async def due(connection: Connection, progress: Progress, limit: int) -> Due:
    """Return the next records to seal, at most ``limit``, in the order of their transactions."""
    is_known = progress.server == progress.here
    query = "due_records" if is_known else "records_without_leaf"
    after = {
        "sealed_xid": progress.sealed_xid,
        "sealed_id": progress.sealed_id,
        "xmin": progress.xmin,
        "limit": limit,
    }
    rows = await connection.fetch(QUERIES[query], after)
    records = [
        Unsealed(row.merchant_id, row.id, row.leaf_hash) for row in rows if not row.is_sealed
    ]
    if len(rows) < limit:
        done = replace(progress, server=progress.here, sealed_xid=progress.xmin, sealed_id=_FIRST)
        return Due(records, done, more=False)
    if is_known:
        progress = replace(progress, sealed_xid=rows[-1].transaction, sealed_id=rows[-1].id)
    return Due(records, progress, more=True)


def append(
    connection: Connection,
    records: Sequence[Unsealed],
    checkpoint: StoredCheckpoint,
    completed: Sequence[tuple[Subtree, bytes]],
    now: datetime,
) -> None:
    """Append ``records`` to the log, which grows to ``checkpoint`` and completes subtrees."""
    tree, note = checkpoint.tree, checkpoint.note
    connection.write(
        QUERIES["append_leaves"],
        {
            "size": tree.size - len(records),
            "merchant_ids": Bigints([record.merchant_id for record in records]),
            "record_ids": Uuids([record.id for record in records]),
            "hashes": Blobs([record.leaf_hash for record in records]),
        },
    )
    stored = [(one, found) for one, found in completed if one.level % STORED_LEVELS == 0]
    if stored:
        connection.write(
            QUERIES["append_nodes"],
            {
                "levels": Bigints([one.level for one, _ in stored]),
                "numbers": Bigints([one.number for one, _ in stored]),
                "hashes": Blobs([found for _, found in stored]),
            },
        )
    connection.write(
        QUERIES["append_checkpoint"],
        {"size": tree.size, "peaks": tree.packed(), "note": note, "now": now},
    )


def advance(connection: Connection, progress: Progress) -> None:
    """Remember the point up to which all records are sealed."""
    connection.write(
        QUERIES["advance_log"],
        {
            "server": progress.server,
            "sealed_xid": progress.sealed_xid,
            "sealed_id": progress.sealed_id,
        },
    )


async def waiting(connection: Connection, xmin: str) -> Waiting:
    """Return the number of committed records from transaction ``xmin`` on, and its session."""
    [row] = await connection.fetch(QUERIES["count_waiting"], {"xmin": xmin})
    return value(Waiting, row)


async def status(connection: Connection) -> LogStatus | None:
    """Return the state of the log, None if it has no name and no key yet."""
    row = await connection.fetch_one(QUERIES["log_status"])
    return None if row is None else value(LogStatus, row)


async def record(
    connection: Connection, merchant_id: MerchantId, record_id: RecordId
) -> tuple[bytes, int | None] | None:
    """Return a record's bytes and its place in the log, None if the merchant has no such record."""
    row = await connection.fetch_one(
        QUERIES["find_record"], {"merchant_id": merchant_id, "record_id": record_id}
    )
    return None if row is None else (row.body, row.place)


async def owner(connection: Connection, record_id: RecordId) -> MerchantId | None:
    """Return the merchant of a sealed record, None if no such record is sealed."""
    row = await connection.fetch_one(QUERIES["find_owner"], {"record_id": record_id})
    return None if row is None else MerchantId(row.merchant_id)


async def hashes(connection: Connection, parts: Sequence[LeafRange]) -> list[bytes]:
    """Return the hash of each of these nodes of the tree, computed from stored subtrees.

    Raises:
        Conflict: ``log_damaged``; a hash is missing.
    """
    nodes = [list(part.subtrees()) for part in parts]
    stored = await _stored(connection, [one for node in nodes for one in node])
    try:
        return [root_of([_hash(one, stored) for one in node]) for node in nodes]
    except KeyError:
        raise Conflict(
            "log_damaged", "Hashes of the log are missing. `groat verify` names the first."
        ) from None


async def _stored(connection: Connection, subtrees: Sequence[Subtree]) -> dict[Subtree, bytes]:
    """Return the stored hashes that these subtrees consist of."""
    ups = [one.level % STORED_LEVELS for one in subtrees]
    placed = list(zip(subtrees, ups, strict=True))
    rows = await connection.fetch(
        QUERIES["stored_hashes"],
        {
            "levels": Bigints([one.level - up for one, up in placed]),
            "firsts": Bigints([one.number << up for one, up in placed]),
            "lasts": Bigints([(one.number + 1 << up) - 1 for one, up in placed]),
        },
    )
    return {Subtree(row.level, row.number): row.hash for row in rows}


def _hash(subtree: Subtree, stored: Mapping[Subtree, bytes]) -> bytes:
    """Return the hash of a subtree.

    Raises:
        KeyError: a stored hash is missing.
    """
    if subtree.level % STORED_LEVELS == 0:
        return stored[subtree]
    left, right = (Subtree(subtree.level - 1, 2 * subtree.number + side) for side in (0, 1))
    return node_hash(_hash(left, stored), _hash(right, stored))


def _checkpoint(row: Row | None) -> StoredCheckpoint | None:
    if row is None:
        return None
    return StoredCheckpoint(Frontier.unpacked(row.size, row.peaks), row.note)

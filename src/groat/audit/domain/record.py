"""What a record says, its canonical bytes, and the hash that will stand for it in a Merkle tree."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Self, TypeAlias
from uuid import UUID

import msgspec

from groat.kernel import ids
from groat.kernel.ids import MerchantId, RecordId
from groat.kernel.value import Value

Scalar: TypeAlias = str | int | bool | None

_canonical = msgspec.json.Encoder(order="sorted")


class Cause(Value):
    """What brought a change about: a request by its id, or a thing of ours that has a ``row``."""

    text: str
    row: UUID | None = None

    @classmethod
    def of(cls, kind: str, row: UUID) -> Self:
        """Return the thing of ``kind`` with the id ``row`` as a cause."""
        return cls(ids.render(kind, row), row)


class Change(Value):
    """One change of state: ``action`` (``payment.captured``) on the ``kind`` with ``object_id``.

    ``actor`` is who made it so: an API key, a provider account, ``operator`` or ``engine``.
    ``data`` is the change itself.
    """

    action: str
    kind: str
    object_id: UUID
    actor: str
    cause: Cause
    data: Mapping[str, Scalar]


class Record(Value):
    """A change in its place: whose it is, and when."""

    merchant_id: MerchantId
    id: RecordId
    change: Change
    recorded_at: datetime


def canonical_bytes(record: Record) -> bytes:
    """Return the record as the bytes that are hashed: JSON, sorted names, no space, UTF-8.

    Values are text, whole numbers, booleans and null, for which this is RFC 8785.
    """
    change = record.change
    document = {
        "action": change.action,
        "actor": change.actor,
        "cause": change.cause.text,
        "data": dict(change.data),
        "id": ids.render("audit_record", record.id),
        "merchant": ids.render_merchant(record.merchant_id),
        "object": ids.render(change.kind, change.object_id),
        "recorded_at": record.recorded_at.isoformat(timespec="microseconds"),
    }
    return _canonical.encode(document)


def leaf_hash(content: bytes) -> bytes:
    """Return the Merkle leaf hash of ``content``: SHA-256 over 0x00 and the bytes (RFC 6962)."""
    return hashlib.sha256(b"\x00" + content).digest()

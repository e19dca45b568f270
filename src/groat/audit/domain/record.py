"""Audit records: their fields, their canonical bytes, and their Merkle leaf hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Self, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from groat.audit.domain.action import Action
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import MerchantId, RecordId
from groat.kernel.value import Value

Scalar: TypeAlias = str | int | bool | None

_canonical = msgspec.json.Encoder(order="sorted")


class Cause(Value):
    """The cause of a change: a request, or a stored object such as an operation or an event.

    ``text`` is the id of the request or object. ``row`` is the object's UUID, None for a request.
    """

    text: str
    row: UUID | None = None

    @classmethod
    def of(cls, kind: str, row: UUID) -> Self:
        """Return the object of ``kind`` with the id ``row`` as a cause."""
        return cls(ids.render(kind, row), row)


class Transition(Value):
    """An object of its room before and after a change; ``before`` is None if the change made it.

    The record does not hold it. Sinks show it to the merchant.
    """

    before: object | None
    after: object


class Change(Value):
    """One change of state: an ``action`` such as ``payment.captured`` on one object.

    ``kind`` and ``object_id`` name the object. ``actor`` made the change: an API key, a provider
    account, an operator or ``engine``. ``data`` holds the details of the change. ``transition`` is
    the object that changed, if the merchant is told of it: of ``payment.refunded``, the refund.
    """

    action: Action
    kind: str
    object_id: UUID
    actor: str
    cause: Cause
    data: Mapping[str, Scalar]
    transition: Transition | None = None

    @classmethod
    def by(
        cls, caller: Caller, action: Action, kind: str, object_id: UUID, /, **data: Scalar
    ) -> Self:
        """Return the change that ``caller`` makes on an object; its cause is the request."""
        return cls(action, kind, object_id, caller.actor, Cause(caller.request_id), data)


class Record(Value):
    """A change with its merchant, its record id and its time."""

    merchant_id: MerchantId
    id: RecordId
    change: Change
    recorded_at: datetime


class OpenRecord(NamedTuple):
    """A record with one text left out, which PostgreSQL fills in when it writes the record.

    ``before`` and ``after`` are the canonical bytes around the text.
    """

    id: RecordId
    object_id: UUID
    before: bytes
    after: bytes


def canonical_bytes(record: Record) -> bytes:
    """Return the bytes of the record to hash: JSON in UTF-8, names sorted, no white space.

    Values are text, whole numbers, booleans and null. For these the result is RFC 8785 JSON.
    """
    change = record.change
    document = {
        "action": change.action.value,
        "actor": change.actor,
        "cause": change.cause.text,
        "data": dict(change.data),
        "id": ids.render("audit_record", record.id),
        "merchant": ids.render_merchant(record.merchant_id),
        "object": ids.render(change.kind, change.object_id),
        "recorded_at": record.recorded_at.isoformat(timespec="microseconds"),
    }
    return _canonical.encode(document)


def opened_at(record: Record, name: str) -> OpenRecord:
    """Return the record with the text ``name`` of its data left out; it must be empty.

    No other text can look like its name: inside a JSON text, a quotation mark has a backslash.
    """
    quoted = f'"{name}":"'.encode()
    before, after = canonical_bytes(record).split(quoted + b'"')
    return OpenRecord(record.id, record.change.object_id, before + quoted, b'"' + after)


def leaf_hash(content: bytes) -> bytes:
    """Return the Merkle leaf hash of ``content``: SHA-256 over 0x00 and the bytes (RFC 6962)."""
    return hashlib.sha256(b"\x00" + content).digest()


class _Columns(Struct):
    """The parts of a record's bytes that columns repeat."""

    id: str
    merchant: str
    object: str
    cause: str
    recorded_at: str


_columns = msgspec.json.Decoder(_Columns)


def agrees(
    body: bytes,
    merchant_id: MerchantId,
    record_id: RecordId,
    object_id: UUID,
    cause_id: UUID | None,
    recorded_at: datetime,
) -> bool:
    """Tell whether the canonical bytes of a record say the same as the columns of its row."""
    try:
        found = _columns.decode(body)
    except msgspec.DecodeError:
        return False
    return (
        found.id == ids.render("audit_record", record_id)
        and found.merchant == ids.render_merchant(merchant_id)
        and found.object.rpartition("_")[2] == ids.digits(object_id)
        and (cause_id is None or found.cause.rpartition("_")[2] == ids.digits(cause_id))
        and found.recorded_at == recorded_at.isoformat(timespec="microseconds")
    )

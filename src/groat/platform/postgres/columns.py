"""A column of values as one parameter, in PostgreSQL's binary array format.

A batch passes its rows as columns, which the SQL unnests. psycopg packs an array value by value.
With hundreds of rows in a statement, that takes most of a batch's time in Python. So this module
packs a whole array at once.

A frequent ``insert`` that unnests columns wraps the first one as ``(select %(ids)s::uuid[])``. That
hides its length from the planner. Otherwise a plan for one row looks cheaper than a plan for any
number of rows, and PostgreSQL plans the statement anew at each execution. Planning a batch of one
takes up to a millisecond.

The format is in PostgreSQL's source (``array_recv``): the number of dimensions, a flag for nulls,
the element type, the array's length and lower bound, then each element after its length.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = struct.Struct("!iiIii")
_NULL = struct.pack("!i", -1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Bigints:
    """``bigint[]``."""

    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Uuids:
    """``uuid[]``. None is null."""

    values: Sequence[UUID | None]


@dataclass(frozen=True, slots=True)
class Texts:
    """``text[]``. None is null."""

    values: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Blobs:
    """``bytea[]``."""

    values: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Times:
    """``timestamptz[]``, of aware datetimes. None is null."""

    values: Sequence[datetime | None]


Column: TypeAlias = Bigints | Uuids | Texts | Blobs | Times


class _BigintsDumper(Dumper):
    format = Format.BINARY
    oid = 1016

    def dump(self, obj: Bigints) -> Buffer:
        count = len(obj.values)
        parts = [8] * (2 * count)
        parts[1::2] = obj.values
        return _head(20, count) + struct.pack("!" + "iq" * count, *parts)


class _UuidsDumper(Dumper):
    format = Format.BINARY
    oid = 2951

    def dump(self, obj: Uuids) -> Buffer:
        # The length (4 bytes, always 16) and the value (16 bytes) form one integer of 20 bytes.
        length = 16 << 128
        parts = [
            _NULL if value is None else (length | value.int).to_bytes(20, "big")
            for value in obj.values
        ]
        return _head(2950, len(parts), nulls=_NULL in parts) + b"".join(parts)


class _TextsDumper(Dumper):
    format = Format.BINARY
    oid = 1009

    def dump(self, obj: Texts) -> Buffer:
        return _with_lengths(
            25, [None if value is None else value.encode() for value in obj.values]
        )


class _BlobsDumper(Dumper):
    format = Format.BINARY
    oid = 1001

    def dump(self, obj: Blobs) -> Buffer:
        return _with_lengths(17, obj.values)


class _TimesDumper(Dumper):
    format = Format.BINARY
    oid = 1185

    def dump(self, obj: Times) -> Buffer:
        parts = [_NULL if value is None else _time(value) for value in obj.values]
        return _head(1184, len(parts), nulls=_NULL in parts) + b"".join(parts)


def register_columns(context: AdaptContext) -> None:
    """Let a connection accept columns as parameters."""
    adapters = context.adapters
    assert adapters is not None  # noqa: S101 - every connection has adapters
    adapters.register_dumper(Bigints, _BigintsDumper)
    adapters.register_dumper(Uuids, _UuidsDumper)
    adapters.register_dumper(Texts, _TextsDumper)
    adapters.register_dumper(Blobs, _BlobsDumper)
    adapters.register_dumper(Times, _TimesDumper)


def _head(element: int, count: int, *, nulls: bool = False) -> bytes:
    return _HEAD.pack(1, nulls, element, count, 1)


def _with_lengths(element: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_NULL if value is None else len(value).to_bytes(4, "big") + value for value in values]
    return _head(element, len(parts), nulls=None in values) + b"".join(parts)


def _time(value: datetime) -> bytes:
    return struct.pack("!iq", 8, (value - _EPOCH) // _MICROSECOND)

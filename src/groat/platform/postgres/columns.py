"""A column of values as one parameter: PostgreSQL's binary array format, packed in one go.

A batch hands its rows over as columns, to be unnested. psycopg packs an array value by value; at
hundreds of rows in a statement that is most of the time that a batch takes in Python.

The format is in PostgreSQL's source (``array_recv``): dimensions, whether there are nulls, the
element's type, length and lower bound, and then each element with its length before it.
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
    """``uuid[]``, of UUIDs or None."""

    values: Sequence[UUID | None]


@dataclass(frozen=True, slots=True)
class Texts:
    """``text[]``, of texts or None."""

    values: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Blobs:
    """``bytea[]``."""

    values: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Times:
    """``timestamptz[]``, of aware datetimes or None."""

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
        # A length of 16 and a value of 16 bytes are one whole number of 20.
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
    """Let a connection take columns as parameters."""
    adapters = context.adapters
    assert adapters is not None  # noqa: S101 - a connection has some
    adapters.register_dumper(Bigints, _BigintsDumper)
    adapters.register_dumper(Uuids, _UuidsDumper)
    adapters.register_dumper(Texts, _TextsDumper)
    adapters.register_dumper(Blobs, _BlobsDumper)
    adapters.register_dumper(Times, _TimesDumper)


def _head(element: int, count: int, *, nulls: bool = False) -> bytes:
    return _HEAD.pack(1, nulls, element, count, 1)


def _with_lengths(element: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_NULL if one is None else len(one).to_bytes(4, "big") + one for one in values]
    return _head(element, len(parts), nulls=None in values) + b"".join(parts)


def _time(value: datetime) -> bytes:
    return struct.pack("!iq", 8, (value - _EPOCH) // _MICROSECOND)

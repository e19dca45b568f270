"""A spool: movements that were read and checked, on disk until they are stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import BinaryIO

import msgspec

from groat.providers.domain.movements import Movement

_LENGTH = 8
"""Bytes of the length before each batch."""


class Spool:
    """Batches of movements in an unnamed file. A settlement file is parsed once this way.

    So the movements that are stored are those that were checked, also if the settlement file
    changes meanwhile.
    """

    def __init__(self) -> None:
        self._file: BinaryIO = TemporaryFile()  # noqa: SIM115 - ``close`` ends it
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[Movement])

    def append(self, batch: Sequence[Movement]) -> None:
        """Add a batch at the end."""
        content = self._encoder.encode(batch)
        self._file.write(len(content).to_bytes(_LENGTH, "big") + content)

    def batches(self) -> Iterator[list[Movement]]:
        """Yield the batches in their order, from the first."""
        self._file.seek(0)
        while length := self._file.read(_LENGTH):
            yield self._decoder.decode(self._file.read(int.from_bytes(length, "big")))

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

"""The port to settlement files: a provider's own list of movements, as a file."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO, TypeAlias

from groat.kernel.errors import InvalidRequest
from groat.providers.domain.movements import Movement

SettlementReader: TypeAlias = Callable[[Sequence[BinaryIO]], Iterator[Movement]]
"""Reads the parts of one report in their order, and yields its movements.

It reads line by line, so a file of any size fits into memory. After the last movement it compares
the rows with the totals that the file states, and raises ``SettlementFileRefused`` if they differ.
So nothing may be stored before the whole file was read once.
"""


class SettlementFileRefused(InvalidRequest):
    """The file is damaged, incomplete, or contradicts its own totals. Nothing of it is used."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__("settlement_file_refused", f"Line {line}: {problem}")


def rows(part: BinaryIO) -> Iterator[list[str]]:
    """Return the rows of a CSV file in UTF-8, with or without its mark, or in UTF-16 with its mark.

    Raises:
        UnicodeError: the file is not text in this encoding.
        csv.Error: the file is not CSV.
    """
    part.seek(0)
    is_utf_16 = part.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    part.seek(0)
    if is_utf_16:  # old reports, which are small
        return csv.reader(io.StringIO(part.read().decode("utf-16"), newline=""), strict=True)
    return csv.reader(codecs.iterdecode(part, "utf-8-sig"), strict=True)


def settlement_readers(adapters: Mapping[str, object]) -> Mapping[str, SettlementReader]:
    """Return the readers of settlement files by provider, of the adapters that have one.

    An adapter offers its reader as a class attribute ``read_settlement_file``.
    """
    readers = {
        name: getattr(adapter, "read_settlement_file", None) for name, adapter in adapters.items()
    }
    return {name: reader for name, reader in readers.items() if reader is not None}

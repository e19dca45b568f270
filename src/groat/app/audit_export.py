"""Write audit records to a file for people and programs: CSV or JSON Lines, in constant memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TextIO

from groat.app.wiring import Engine
from groat.audit.domain.search import RecordFilter
from groat.kernel.ids import MerchantId

_PAGE_RECORDS = 1_000
"""Records that an export reads at once."""

_COLUMNS = ("id", "recorded_at", "action", "object", "actor", "cause", "data")


class ExportFormat(StrEnum):
    """A format of exported records."""

    JSON_LINES = "jsonl"
    CSV = "csv"


async def export_records(
    engine: Engine,
    merchant_id: MerchantId,
    wanted: RecordFilter,
    form: ExportFormat,
    progress: Callable[[int, int], None],
    to: TextIO,
) -> None:
    """Write a merchant's records to ``to``, newest first.

    ``progress`` is called with the records written and the records to write.
    """
    total = await engine.audit.count(merchant_id, wanted)
    write = _csv_writer(to) if form is ExportFormat.CSV else _json_writer(to)
    before, written = None, 0
    while rows := await engine.audit.page(merchant_id, wanted, before=before, limit=_PAGE_RECORDS):
        for _, record in rows:
            write(record)
        before, written = rows[-1][0], written + len(rows)
        progress(written, total)


def _json_writer(to: TextIO) -> Callable[[Any], None]:
    return lambda record: print(json.dumps(record, ensure_ascii=False), file=to)


def _csv_writer(to: TextIO) -> Callable[[Any], None]:
    writer = csv.writer(to)
    writer.writerow(_COLUMNS)
    names = _COLUMNS[:-1]

    def write(record: Any) -> None:
        data = json.dumps(record["data"], ensure_ascii=False)
        writer.writerow([*(record[name] for name in names), data])

    return write

"""``groat export``: the ledger for other programs."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from typing import Annotated, TextIO

import typer

from groat.accounts.domain.ledger import JournalLine
from groat.app.engine_commands import with_engine
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import MerchantId
from groat.kernel.money import Money

app = typer.Typer(help="Export the ledger for other programs.", no_args_is_help=True)

_DECEMBER = 12
_COLUMNS = (
    *("date", "effective_at", "transaction", "kind", "account"),
    *("debit", "credit", "currency", "reference", "subject"),
)


@app.callback()
def export() -> None:
    """Export the ledger for other programs."""


@app.command()
def journal(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")],
    *,
    month: Annotated[str, typer.Option(help="The month in UTC, as 2026-01.")],
) -> None:
    """Print the entries that were recorded in a month as CSV, transaction by transaction."""
    merchant_id = ids.parse_merchant(merchant)
    since, until = month_span(month)
    with_engine(lambda engine: _write(engine, merchant_id, since, until, sys.stdout))


def month_span(month: str) -> tuple[datetime, datetime]:
    """Return the start of a month in UTC, and that of the next month.

    Raises:
        InvalidRequest: ``invalid_month``.
    """
    try:
        since = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        is_last = since.month == _DECEMBER
        year, following = (since.year + 1, 1) if is_last else (since.year, since.month + 1)
        return since, since.replace(year=year, month=following)
    except ValueError:
        raise InvalidRequest("invalid_month", "Give a month as 2026-01.") from None


async def _write(
    engine: Engine, merchant_id: MerchantId, since: datetime, until: datetime, to: TextIO
) -> None:
    write = csv.writer(to, lineterminator="\n").writerow
    write(_COLUMNS)
    async for line in engine.account_queries.journal(merchant_id, since, until):
        write(_row(line))


def _row(line: JournalLine) -> tuple[str, ...]:
    amount = Money(abs(line.amount), line.currency).decimal()
    debit, credit = ("", amount) if line.amount > 0 else (amount, "")
    return (
        line.recorded_at.astimezone(UTC).date().isoformat(),
        (line.effective_at or line.recorded_at).astimezone(UTC).isoformat(),
        ids.render("ledger_transaction", line.transaction_id),
        line.kind.name,
        line.code,
        debit,
        credit,
        line.currency,
        line.reference,
        line.subject or "",
    )

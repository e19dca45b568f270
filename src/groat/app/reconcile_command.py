"""``groat reconcile``: our account of the money at each provider beside the provider's balance."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from groat.app.engine_commands import with_engine
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import ProviderAccountId
from groat.kernel.money import Money
from groat.settlement.domain.reconciliation import Reconciliation
from groat.settlement.service.reconciliation import AccountReconciliation

console = Console()


def reconcile(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")],
    *,
    account: Annotated[
        str | None, typer.Option(help="Only this provider account, as `pac_...`.")
    ] = None,
    day: Annotated[
        str | None, typer.Option(help="The day, as 2026-01-31. Without it: today, as far as read.")
    ] = None,
    zone: Annotated[str, typer.Option(help="The time zone of the day.")] = "UTC",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Compare our account of the money at each provider with the provider's own balance.

    It shows the opening balance of the day, the movements by category, the closing balance, the
    provider's balance, and each open amount with its reason and cure. Something unexplained exits
    with 1.
    """
    merchant_id = ids.parse_merchant(merchant)
    since, until = day_span(day, zone)

    async def run(engine: Engine) -> list[AccountReconciliation]:
        if account is not None:
            chosen = [ProviderAccountId(ids.parse("provider_account", account))]
        else:
            chosen = [one.id for one in await engine.merchants.provider_accounts(merchant_id)]
        return [
            await engine.reconciliations.between(merchant_id, one, since, until) for one in chosen
        ]

    found = with_engine(run)
    if as_json:
        print(json.dumps([_document(one) for one in found]))
    else:
        for one in found:
            _show(one)
    raise typer.Exit(0 if all(one.is_explained for one in found) else 1)


def day_span(day: str | None, zone: str) -> tuple[datetime, datetime]:
    """Return the start of a day in a time zone, and that of the next day.

    Raises:
        InvalidRequest: ``invalid_day``; there is no such day or no such zone.
    """
    try:
        place = ZoneInfo(zone)
        chosen = datetime.now(place).date() if day is None else date.fromisoformat(day)
        first, second = (
            datetime.combine(one, time(), place) for one in (chosen, chosen + timedelta(days=1))
        )
        return first.astimezone(UTC), second.astimezone(UTC)
    except (ValueError, OverflowError, LookupError, OSError):
        raise InvalidRequest(
            "invalid_day", "Give a day as 2026-01-31, and a time zone as Europe/Berlin."
        ) from None


def _document(found: AccountReconciliation) -> dict[str, object]:
    return {
        "provider_account": ids.render("provider_account", found.account_id),
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "explained": found.is_explained,
        "not_told": found.not_told,
        "currencies": [_currency(one) for one in found.currencies],
    }


def _currency(one: Reconciliation) -> dict[str, object]:
    return {
        "currency": one.currency,
        "opening": one.opening,
        "movements": [
            {
                "category": total.category,
                "label": total.label,
                "count": total.count,
                "gross": total.gross,
                "fee": total.fee,
                "tax": total.tax,
                "net": total.net,
            }
            for total in one.totals
        ],
        "closing": one.closing,
        "provider_balance": one.told,
        "difference": one.difference,
        "lines": [
            {
                "reason": line.reason,
                "reference": line.reference,
                "amount": line.amount,
                "age_seconds": round(line.age.total_seconds()),
                "cure": line.cure,
            }
            for line in one.lines
        ],
    }


def _show(found: AccountReconciliation) -> None:
    """Print the tables of an account: a balance sheet for each currency, and the open lines."""
    name = ids.render("provider_account", found.account_id)
    for one in found.currencies:

        def shown(amount: int, currency: str = one.currency) -> str:
            return Money(amount, currency).decimal()

        sheet = Table(f"{name} {one.currency}", "movements", "amount")
        sheet.add_row("opening", "", shown(one.opening))
        for total in one.totals:
            sheet.add_row(escape(total.label), str(total.count), shown(total.net))
        sheet.add_row("closing", "", shown(one.closing))
        told = f"not told: {found.not_told}" if one.told is None else shown(one.told)
        sheet.add_row("provider's balance", "", escape(told))
        sheet.add_row("difference", "", shown(one.difference))
        console.print(sheet)
        if one.lines:
            lines = Table("open", "reference", "amount", "age", "cure")
            for line in one.lines:
                age = str(timedelta(seconds=int(line.age.total_seconds())))
                amount = shown(line.amount)
                lines.add_row(line.reason, escape(line.reference), amount, age, line.cure)
            console.print(lines)

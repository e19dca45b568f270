"""``groat reconcile``: our account of the money at each provider beside the provider's balance."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from groat.app.engine_commands import with_engine
from groat.app.tables import print_whole
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.ids import ProviderAccountId
from groat.kernel.money import Money
from groat.settlement.domain.reconciliation import Reconciliation
from groat.settlement.http.reconciliation import ReconciliationView
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
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")] = False,
) -> None:
    """Compare our account of the money at each provider with the provider's own balance.

    It shows the opening balance of the day, the movements by category, the closing balance, the
    provider's balance, and each open amount with its reason and cure. Exits with 1 if something is
    unexplained, or if the provider told no balance.
    """
    merchant_id = ids.parse_merchant(merchant)

    async def run(engine: Engine) -> list[AccountReconciliation]:
        if account is not None:
            chosen = [ProviderAccountId(ids.parse("provider_account", account))]
        else:
            chosen = [one.id for one in await engine.merchants.provider_accounts(merchant_id)]
        return [await engine.reconciliations.of_day(merchant_id, one, day, zone) for one in chosen]

    found = with_engine(run)
    if as_json:
        print(json.dumps([ReconciliationView.of(one).model_dump(mode="json") for one in found]))
    elif as_csv:
        _print_csv(found, sys.stdout)
    else:
        for one in found:
            _show(one)
    raise typer.Exit(0 if all(one.is_explained for one in found) else 1)


def _print_csv(found: Sequence[AccountReconciliation], to: TextIO) -> None:
    """Print a row for each balance, category and open amount, in major units."""
    write = csv.writer(to, lineterminator="\n").writerow
    write(("provider_account", "until", "currency", "part", "name", "reference", "count", "amount"))
    for account in found:
        name = ids.render("provider_account", account.account_id)
        for sheet in account.currencies:
            for part, label, reference, count, amount in _rows(sheet):
                shown = Money(amount, sheet.currency).decimal()
                until = account.until.isoformat()
                write((name, until, sheet.currency, part, label, reference, count, shown))


def _rows(sheet: Reconciliation) -> Iterator[tuple[str, str, str, int | str, int]]:
    yield "opening", "", "", "", sheet.opening
    for total in sheet.totals:
        yield "movements", total.label, "", total.count, total.net
    yield "closing", "", "", "", sheet.closing
    if sheet.told is not None:
        yield "provider_balance", "", "", "", sheet.told
        yield "difference", "", "", "", sheet.difference
    for line in sheet.lines:
        yield "open", line.reason, line.reference, "", line.amount


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
        print_whole(console, sheet)
        if one.lines:
            lines = Table("open", "reference", "amount", "age", "cure")
            for line in one.lines:
                age = str(timedelta(seconds=int(line.age.total_seconds())))
                amount = shown(line.amount)
                lines.add_row(line.reason, escape(line.reference), amount, age, line.cure)
            print_whole(console, lines)

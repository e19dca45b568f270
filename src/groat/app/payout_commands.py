"""``groat payouts``: the payouts of a provider account, and the movements in them."""

from __future__ import annotations

from typing import Annotated

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
from groat.providers.domain.movements import Movement
from groat.settlement.service.payouts import ShownPayout, reference_of

app = typer.Typer(
    help="Show the payouts of a provider account, and the movements in them.", no_args_is_help=True
)
console = Console()

Account = Annotated[str, typer.Argument(help="The provider account's id, as `pac_...`.")]

_MOST_SHOWN = 1000
"""Maximum payouts in a list."""


@app.command("list")
def list_payouts(account: Account) -> None:
    """Show the payouts of a provider account, newest first."""
    account_id = ProviderAccountId(ids.parse("provider_account", account))

    async def run(engine: Engine) -> list[Movement]:
        merchant_id = await engine.merchants.owner(account_id)
        return await engine.payouts.listed(merchant_id, account_id, limit=_MOST_SHOWN)

    table = Table("payout", "booked", "amount", "fee")
    for one in with_engine(run):
        fee = Money(one.fee + one.tax, one.currency).decimal()
        table.add_row(
            escape(reference_of(one)), one.occurred_at.isoformat(), _amount(one, -one.gross), fee
        )
    print_whole(console, table)


@app.command()
def show(
    account: Account,
    payout: Annotated[str, typer.Argument(help="The provider's id of the payout.")],
) -> None:
    """Show a payout with its movements, their sum, and the remainder with its name.

    A remainder that nothing explains exits with 1.
    """
    account_id = ProviderAccountId(ids.parse("provider_account", account))

    async def run(engine: Engine) -> ShownPayout:
        merchant_id = await engine.merchants.owner(account_id)
        return await engine.payouts.show(merchant_id, account_id, payout)

    shown = with_engine(run)
    _show(shown)
    raise typer.Exit(0 if shown.remainder.is_explained else 1)


def _show(shown: ShownPayout) -> None:
    booked, told = shown.booked, shown.told
    status = "" if told is None else told.status.value
    console.print(f"{escape(reference_of(booked))}: {_amount(booked, -booked.gross)} {status}")
    if shown.not_told is not None:
        console.print(f"The provider did not answer: {escape(shown.not_told)}")
    if shown.returned is not None:
        console.print(f"Returned at {shown.returned.occurred_at.isoformat()}.")
    table = Table("movement", "category", "booked", "net")
    for one in shown.movements:
        net = _amount(one, one.net)
        table.add_row(escape(one.key), escape(one.label), one.occurred_at.isoformat(), net)
    table.add_row("sum", "", "", _amount(booked, sum(one.net for one in shown.movements)))
    rest = _amount(booked, shown.remainder.amount)
    table.add_row("remainder", shown.remainder.name.value, "", rest)
    print_whole(console, table)


def _amount(movement: Movement, amount: int) -> str:
    return f"{Money(amount, movement.currency).decimal()} {movement.currency}"

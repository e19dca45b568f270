"""``groat suspense``: movements that nobody could attribute, and a person's decisions on them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.console import Console

from groat.app import render
from groat.app.engine_commands import with_engine
from groat.app.operators import operator
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import AccountId, ProviderAccountId
from groat.settlement.http.suspense import PlacedMovementView
from groat.settlement.service.suspense import DecidedMovement, MovementName

app = typer.Typer(
    help="Show movements that nobody could attribute, and decide on them.", no_args_is_help=True
)
console = Console()

Account = Annotated[str, typer.Argument(help="The provider account's id, as `pac_...`.")]
Movement = Annotated[str, typer.Argument(help="The provider's key of the movement.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

_MOST_SHOWN = 1000
"""Maximum movements in a list."""


@app.command("list")
def list_suspense(account: Account, *, as_json: Json = False) -> None:
    """Show the movements of a provider account that stand in suspense, oldest first."""
    account_id = ProviderAccountId(ids.parse("provider_account", account))

    async def run(engine: Engine) -> list[DecidedMovement]:
        merchant_id = await engine.merchants.owner(account_id)
        return await engine.suspense.listed(merchant_id, account_id, limit=_MOST_SHOWN)

    found = with_engine(run)
    if as_json:
        shown = [PlacedMovementView.of(one).model_dump(mode="json") for one in found]
        print(json.dumps(shown))
    else:
        render.suspense(console, found)


@app.command()
def attribute(
    account: Account,
    movement: Movement,
    reference: Annotated[str, typer.Argument(help="The provider's id of the charge or refund.")],
) -> None:
    """Attribute a movement to an object of the provider; its fact closes the open item."""
    _decide(
        account,
        movement,
        lambda engine, caller, name: engine.suspense.attribute(caller, name, reference),
    )


@app.command()
def dismiss(
    account: Account,
    movement: Movement,
    to: Annotated[str, typer.Argument(help="The id of the account that takes it, as `acc_...`.")],
) -> None:
    """Move a movement from suspense to one of the merchant's accounts."""
    to_id = AccountId(ids.parse("account", to))
    _decide(
        account, movement, lambda engine, caller, name: engine.suspense.dismiss(caller, name, to_id)
    )


@app.command()
def restore(
    account: Account,
    movement: Movement,
    reason: Annotated[str, typer.Option(help="Why it goes back. It is kept in the audit trail.")],
) -> None:
    """Take an attribution or a dismissal back, by a further posting."""
    _decide(
        account,
        movement,
        lambda engine, caller, name: engine.suspense.restore(caller, name, reason),
    )


def _decide(
    account: str,
    movement: str,
    decide: Callable[[Engine, Caller, MovementName], Awaitable[DecidedMovement]],
) -> None:
    """Decide on a movement as the operator, and print it as JSON."""
    account_id = ProviderAccountId(ids.parse("provider_account", account))

    async def run(engine: Engine) -> DecidedMovement:
        caller = operator().acting_for(await engine.merchants.owner(account_id))
        return await decide(engine, caller, MovementName(account_id, movement))

    print(PlacedMovementView.of(with_engine(run)).model_dump_json())

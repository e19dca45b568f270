"""``groat merchants``: create, list and show merchants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.console import Console

from groat.app import render
from groat.app.engine_commands import with_engine
from groat.app.operators import operator
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.ids import MerchantId
from groat.merchants.domain.api_keys import StoredKey
from groat.merchants.domain.credentials import Merchant, ProviderAccountName

app = typer.Typer(help="Create, list and show merchants.", no_args_is_help=True)
console = Console()


@app.command()
def create(name: Annotated[str, typer.Argument(help="The merchant's name.")]) -> None:
    """Create a merchant and print its id."""
    merchant_id = with_engine(lambda engine: engine.merchants.create(operator(), name))
    print(ids.render_merchant(merchant_id))


@app.command("list")
def list_merchants() -> None:
    """List all merchants, the oldest first."""
    render.merchants(console, with_engine(lambda engine: engine.merchants.merchants()))


@app.command()
def show(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")],
) -> None:
    """Show a merchant with its API keys and its provider accounts."""
    render.merchant(console, *with_engine(_read(ids.parse_merchant(merchant))))


def _read(
    merchant_id: MerchantId,
) -> Callable[[Engine], Awaitable[tuple[Merchant, list[StoredKey], list[ProviderAccountName]]]]:
    async def read(engine: Engine) -> tuple[Merchant, list[StoredKey], list[ProviderAccountName]]:
        return (
            await engine.merchants.merchant(merchant_id),
            await engine.api_keys.all_of(merchant_id),
            await engine.merchants.provider_accounts(merchant_id),
        )

    return read

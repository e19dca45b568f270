"""``groat merchants``: create merchants, and create and revoke their API keys."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from groat.app.engine_commands import with_engine
from groat.app.operators import operator
from groat.kernel import ids

app = typer.Typer(
    help="Create merchants, and create and revoke their API keys.", no_args_is_help=True
)

Merchant = Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")]


@app.command()
def create(name: Annotated[str, typer.Argument(help="The merchant's name.")]) -> None:
    """Create a merchant and print its id."""
    merchant_id = with_engine(lambda engine: engine.merchants.create(operator(), name))
    print(ids.render_merchant(merchant_id))


@app.command()
def create_key(merchant: Merchant) -> None:
    """Create an API key and print it. It cannot be shown again."""
    caller = operator().acting_for(ids.parse_merchant(merchant))
    print(with_engine(lambda engine: engine.merchants.create_api_key(caller)))


@app.command()
def revoke_key() -> None:
    """Revoke the API key that is given on standard input. It takes effect at once."""
    key = sys.stdin.read().strip()
    with_engine(lambda engine: engine.merchants.revoke_api_key(operator(), key))

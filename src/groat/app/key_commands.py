"""``groat keys``: create, list, roll and revoke API keys; replace the master key."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from groat.app import render
from groat.app.engine_commands import with_engine
from groat.app.operators import operator
from groat.app.stack import running_settings
from groat.kernel import ids
from groat.kernel.errors import ConfigurationError
from groat.kernel.ids import ApiKeyId
from groat.merchants.domain.api_keys import EVERY_ACCESS, KeyOrder
from groat.platform.process.settings import decode_master_keys, read_settings, require

app = typer.Typer(
    help="Create, list, roll and revoke API keys; replace the master key.", no_args_is_help=True
)
console = Console()
notes = Console(stderr=True)


Owner = Annotated[str, typer.Argument(help="The merchant's id, as `mer_...`.")]
KeyId = Annotated[str, typer.Argument(help="The API key's id, as `key_...`.")]


@app.command()
def create(
    merchant: Owner,
    *,
    name: Annotated[str | None, typer.Option(help="What the key is for.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="As `payments:write`, or `read` for every room. Repeat it for several; without "
            "it, the key has every scope."
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="Days until the key expires; never by default.")
    ] = None,
) -> None:
    """Create an API key and print it. It cannot be shown again."""
    caller = operator().acting_for(ids.parse_merchant(merchant))
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    order = KeyOrder(name, tuple(scope or EVERY_ACCESS), expires_at)
    print(with_engine(lambda engine: engine.api_keys.create(caller, order)).secret)


@app.command("list")
def list_keys(merchant: Owner) -> None:
    """List a merchant's API keys, without their secrets."""
    merchant_id = ids.parse_merchant(merchant)
    render.api_keys(console, with_engine(lambda engine: engine.api_keys.all_of(merchant_id)))


@app.command()
def roll(
    merchant: Owner,
    key: KeyId,
    *,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=720, help="Hours for which the old key still works.")
    ] = 24,
) -> None:
    """Create a key that replaces another, and print it. The other expires after the overlap."""
    caller = operator().acting_for(ids.parse_merchant(merchant))
    key_id, overlap = ApiKeyId(ids.parse("api_key", key)), timedelta(hours=overlap_hours)
    print(with_engine(lambda engine: engine.api_keys.roll(caller, key_id, overlap)).secret)


@app.command()
def revoke(
    merchant: Annotated[str | None, typer.Argument(help="The merchant's id.")] = None,
    key: Annotated[str | None, typer.Argument(help="The API key's id, as `key_...`.")] = None,
) -> None:
    """Revoke an API key. It takes effect at once.

    Without arguments, revoke the API key that is given on standard input.
    """
    if merchant is None or key is None:
        secret = sys.stdin.read().strip()
        with_engine(lambda engine: engine.api_keys.revoke_secret(operator(), secret))
        return
    caller = operator().acting_for(ids.parse_merchant(merchant))
    key_id = ApiKeyId(ids.parse("api_key", key))
    with_engine(lambda engine: engine.api_keys.revoke(caller, key_id))


@app.command()
def rotate_master() -> None:
    """Wrap every key in the database with a new master key. API keys remain valid.

    1. Set GROAT_MASTER_KEY to the new key, a comma and the old key, and restart every process.
    2. Run this command with the same setting.
    3. Set GROAT_MASTER_KEY to the new key alone, and restart every process.
    """
    settings = running_settings(read_settings())
    if len(decode_master_keys(require(settings.master_key, "MASTER_KEY"))) == 1:
        raise ConfigurationError(
            "one_master_key",
            "GROAT_MASTER_KEY holds only one key. Set it to the new key, a comma and the old key.",
        )
    merchants = with_engine(lambda engine: engine.merchants.rewrap_keys(operator()))
    notes.print(
        f"The keys of {merchants} merchants are wrapped with the new master key. Now set "
        "GROAT_MASTER_KEY to the new key alone."
    )

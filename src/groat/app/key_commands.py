"""``groat keys``: replace the master key."""

from __future__ import annotations

import typer
from rich.console import Console

from groat.app.engine_commands import with_engine
from groat.app.operators import operator
from groat.app.stack import running_settings
from groat.kernel.errors import ConfigurationError
from groat.platform.process.settings import decode_master_keys, read_settings, require

app = typer.Typer(help="Replace the master key.", no_args_is_help=True)
notes = Console(stderr=True)


@app.callback()
def choose() -> None:
    """Require the name of the subcommand, although there is only one."""


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

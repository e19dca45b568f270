"""The command line: ``groat --help``."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from importlib.metadata import version as installed_version
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from groat.app.command_table import COMMANDS
from groat.kernel.errors import GroatError
from groat.platform.process.command_log import configure_command_log

_VERBOSE = "--verbose"
_MARKUP: Final = "markdown"

notes = Console(stderr=True)


class _Commands(TyperGroup):
    """The group of all commands. It imports the module of a command when the command runs."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: Any, cmd_name: str) -> TyperCommand | None:
        source = COMMANDS.get(cmd_name)
        return None if source is None else _Unloaded(cmd_name, help=source.purpose)


class _Unloaded(TyperCommand):
    """A command whose module is imported when the command is about to run."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **more: Any) -> Any:
        return load(str(self.name)).make_context(info_name, args, *rest, **more)


def load(name: str) -> Any:
    """Import the command ``name`` and return it, ready to run."""
    source = COMMANDS[name]
    found = getattr(import_module(f"groat.app.{source.module}"), source.attribute)
    holder = typer.Typer(rich_markup_mode=_MARKUP, callback=lambda: None)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    return typer.main.get_group(holder).commands[name]


app = typer.Typer(
    cls=_Commands,
    help="Groat, a payment orchestration engine. Start with `groat demo`, then `groat up`.",
    no_args_is_help=True,
    rich_markup_mode=_MARKUP,
    pretty_exceptions_enable=False,
)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - the library calls it
    if asked:
        print(f"groat {installed_version('groat')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    _verbose: Annotated[
        bool, typer.Option(_VERBOSE, help="Show the traceback of an error.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Accept the options that precede a command, and warn of variables that are no settings."""
    from groat.app.settings import ALL_SETTINGS  # noqa: PLC0415 - the help does not need it
    from groat.platform.process.settings import unknown_variables  # noqa: PLC0415

    for line in unknown_variables(os.environ, ALL_SETTINGS):
        notes.print(f"[yellow]Warning[/] {escape(line)}", highlight=False, soft_wrap=True)


def main() -> NoReturn:
    """Run the command line. It reports an error in a line or two; ``--verbose`` adds the traceback.

    Exit with 2 after an error that Groat defines, and with 1 after any other.
    """
    verbose = _VERBOSE in sys.argv
    configure_command_log()
    try:
        app()
    except GroatError as error:
        _report(f"({error.code}): {error.message}", verbose=verbose)
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - no caller is left to handle it
        reason = str(error).strip().partition("\n")[0]
        _report(f"({type(error).__name__}): {reason}", verbose=verbose)
        if not verbose:
            notes.print(f"Run `groat {_VERBOSE} ...` to see the traceback.")
        sys.exit(1)
    sys.exit(0)


def _report(text: str, *, verbose: bool) -> None:
    if verbose:
        notes.print(traceback.format_exc(), markup=False, highlight=False, soft_wrap=True)
    notes.print(f"[bold red]Error[/] {escape(text)}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()

"""The table of commands says what the commands say, and showing it loads none of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from groat.app.cli import load
from groat.app.command_table import COMMANDS

HEAVY = ("fastapi", "psycopg", "pydantic", "stripe", "uvloop")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_purpose_of_a_command_is_the_beginning_of_its_help(name: str) -> None:
    help_text: str = load(name).help
    assert help_text.startswith(COMMANDS[name].purpose)


def test_the_help_loads_no_command() -> None:
    look = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from groat.app.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert ran.stdout == "[]\n", ran.stdout + ran.stderr

"""What an adapter's author does: install a package, and run the suite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import measure, zygote

ROOT = Path(__file__).parents[2]
PEBBLE = ROOT / "docs" / "examples" / "pebble"
SUITE = "groat.providers.conformance"


def run(cwd: Path, *command: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a module of this interpreter's to its end, with what is installed in ``path``."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env=_environment(path),
        check=False,
        capture_output=True,
        text=True,
    )


def run_forked(
    cwd: Path, *command: str, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run pytest as ``run`` does, in a process that begins with the engine imported."""
    known = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
    return zygote.run("pytest", *known, *command, cwd=cwd, env=_environment(path))


def _environment(path: Path | None) -> dict[str, str]:
    """Return our environment, in which a suite is measured if the running test is."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    more = {} if path is None else {"PYTHONPATH": str(path)}
    return {**rest, **measure.variables(), **more}


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    """Return what was said; anything but success fails the test."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

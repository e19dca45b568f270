from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.providers.author import PEBBLE, run, succeeded

_LEFT_BEHIND = shutil.ignore_patterns(".pytest_cache", ".hypothesis", "__pycache__")


@pytest.fixture(scope="session")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The example's own repository, and where it is installed as any package is."""
    copy = tmp_path_factory.mktemp("author") / "pebble"
    shutil.copytree(PEBBLE, copy, ignore=_LEFT_BEHIND)
    installed = tmp_path_factory.mktemp("installed")
    options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation")
    succeeded(run(copy, "pip", "install", *options, "--target", str(installed), "."))
    return copy, installed

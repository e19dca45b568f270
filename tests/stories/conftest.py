from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.processes import processes_of


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that everybody may enter, so that root's servers too have their data in it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        path = Path(directory).resolve()
        path.chmod(0o755)
        yield path
        left = processes_of(path)
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=10)

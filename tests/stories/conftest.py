from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import new_home


@pytest.fixture
def home() -> Iterator[Path]:
    with new_home() as path:
        yield path

"""Our adapters, and one that is not ours, pass the suite as their authors would run it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.providers.author import PEBBLE, ROOT, SUITE, run, run_forked, succeeded

LEAST = 100
"""How many tests an adapter has to pass; a few are skipped for what its provider does not do."""


def passed(said: str) -> int:
    """Return how many tests passed, by what pytest says at the end."""
    counted = re.search(r"(\d+) passed", said.splitlines()[-1])
    return 0 if counted is None else int(counted[1])


@pytest.mark.parametrize("name", ["stripe", "paypal"])
def test_our_adapters_conform(name: str) -> None:
    done = run_forked(
        ROOT,
        *("-p", "no:cacheprovider", "-p", f"{SUITE}.plugin", "--pyargs", SUITE),
        *(f"--provider={name}", f"--harness=tests.providers.{name}.harness:open_harness"),
    )
    said = succeeded(done)
    assert passed(said) >= LEAST


def test_an_adapter_that_is_installed_from_elsewhere_conforms(pebble: tuple[Path, Path]) -> None:
    repository, installed = pebble
    said = succeeded(run(repository, "pytest", "--pyargs", SUITE, path=installed))
    assert passed(said) >= LEAST


def test_the_example_is_short_and_is_in_the_documentation() -> None:
    adapter = (PEBBLE / "groat_pebble" / "adapter.py").read_text()
    project = (PEBBLE / "pyproject.toml").read_text()
    page = (ROOT / "docs" / "providers.md").read_text()
    assert len([line for line in adapter.splitlines() if line.strip()]) < 160
    assert f"```python\n{adapter}```" in page
    assert f"```toml\n{project}```" in page

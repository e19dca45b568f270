"""Our adapters, and one that is not ours, pass the suite as their authors would run it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.providers.author import PEBBLE, ROOT, SUITE, run, run_forked, succeeded
from tests.support import slate

LEAST = 100
"""How many tests an adapter has to pass; a few are skipped for what its provider does not do."""

LEAST_WITHOUT_LOOK_UPS = 85
"""How many of them are left for an adapter without look-ups and without a list of events."""


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


def test_an_adapter_that_answers_by_webhook_and_has_no_look_ups_conforms(tmp_path: Path) -> None:
    """Its entry point is all that the suite knows of it, as of any other author's."""
    slate.install(tmp_path)
    done = run(
        ROOT,
        *("pytest", "-p", "no:cacheprovider", "-p", f"{SUITE}.plugin", "--pyargs", SUITE),
        *("--provider=slate", "--harness=tests.providers.slate.harness:open_harness"),
        path=tmp_path,
    )
    said = succeeded(done)
    assert passed(said) >= LEAST_WITHOUT_LOOK_UPS
    assert "the adapter has no look-ups" in said
    assert "the adapter has no list of events" in said


def test_the_example_is_short_and_is_in_the_documentation() -> None:
    adapter = (PEBBLE / "groat_pebble" / "adapter.py").read_text()
    project = (PEBBLE / "pyproject.toml").read_text()
    page = (ROOT / "docs" / "providers.md").read_text()
    assert len([line for line in adapter.splitlines() if line.strip()]) < 160
    assert f"```python\n{adapter}```" in page
    assert f"```toml\n{project}```" in page

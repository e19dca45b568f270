"""As a merchant's engineer I generate a client from the OpenAPI document, and it works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.processes import environment, running_up

ROOT = Path(__file__).parents[2]
DOCUMENT, STORY = ROOT / "docs" / "openapi.json", ROOT / "docs" / "examples" / "generated_client.py"


def run(home: Path, *line: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *line],
        env=environment(home, PYTHONPATH=str(home)),
        cwd=home,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_generated_client_has_correct_types_and_takes_a_payment(home: Path) -> None:
    config = home / "generator.json"
    config.write_text('{"post_hooks": []}', encoding="utf-8")  # no formatting
    where = home / "groat_client"
    generated = run(
        home, "openapi_python_client", "generate", "--path", DOCUMENT, "--meta", "none",
        "--output-path", where, "--config", config, "--fail-on-warning",
    )  # fmt: skip
    assert "warning" not in generated.lower()
    story = home / "generated_client.py"
    story.write_bytes(STORY.read_bytes())
    assert "no issues found" in run(home, "mypy", "--strict", where, story)
    with running_up(home) as up:
        key = up.api.headers["authorization"].removeprefix("Bearer ")
        told = run(home, "generated_client", str(up.api.base_url), key, up.account("stripe"))
    assert "succeeded, 1050 captured" in told
    assert "balance: 750" in told
    assert "payment_not_found: " in told

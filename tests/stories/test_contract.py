"""As a merchant's engineer I rely on the OpenAPI document: no request shows that it is wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from tests.support.processes import Up, new_home, running_up

EXAMPLES = int(os.environ.get("GROAT_FUZZ_EXAMPLES", "3"))
"""Requests for each operation, valid by its schema and invalid; ``make fuzz`` sends many more."""

NOT_CHECKED = {
    "positive_data_acceptance": "a schema cannot say which currency or account exists",
    "ignored_auth": "it sends requests without a key, which the scopes' tests do for all",
}
"""Checks of schemathesis that do not hold here, with the reason."""


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with new_home() as home, running_up(home) as running:
        yield running


@pytest.fixture(scope="module")
def document(up: Up) -> dict[str, Any]:
    """Return the document with a shorter wait for events, and with one currency."""
    found: dict[str, Any] = up.api.get("/openapi.json").json()
    [wait] = [
        one for one in found["paths"]["/v1/events"]["get"]["parameters"] if one["name"] == "wait"
    ]
    wait["schema"]["maximum"] = 1  # 20 seconds are documented
    for name in ("NewAccount", "NewHold", "NewPayment", "NewTransfer"):
        found["components"]["schemas"][name]["properties"]["currency"] = {"const": "EUR"}
    return found


@pytest.fixture(scope="module")
def operations(up: Up, document: dict[str, Any]) -> list[APIOperation[Any, Any, Any, Any]]:
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=str(up.api.base_url))
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_operation_answers_as_it_documents(
    up: Up,
    operations: list[APIOperation[Any, Any, Any, Any]],
    mode: GenerationMode,
    subtests: pytest.Subtests,
) -> None:
    left_out: Any = [CHECKS.get_one(name) for name in NOT_CHECKED]
    headers = {"authorization": up.api.headers["authorization"]}
    assert len(operations) > 40
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=EXAMPLES < 10,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers(case: Case[Any]) -> None:
            case.call_and_validate(headers=headers, excluded_checks=left_out)

        with subtests.test(operation=operation.label):
            answers()


def test_ids_from_answers_lead_to_documented_answers(up: Up, document: dict[str, Any]) -> None:
    """Follow the ids in answers to other operations, such as from a new account to its holds."""
    (up.home / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    line = [
        *(
            "run",
            "openapi.json",
            "--url",
            str(up.api.base_url),
            "--phases",
            "stateful",
            "--no-color",
        ),
        *("--header", f"authorization: {up.api.headers['authorization']}"),
        *("--exclude-checks", ",".join(NOT_CHECKED), "--warnings", "off"),
        *("--max-examples", str(2 * EXAMPLES)),
        *(["--generation-deterministic"] if EXAMPLES < 10 else ["--continue-on-failure"]),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *line],
        cwd=up.home,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    covered = re.search(r"API Links:\s+(\d+) covered", done.stdout)
    assert covered is not None, done.stdout
    assert int(covered[1]) > 0, done.stdout

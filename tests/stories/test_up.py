"""As a developer I keep the whole engine running on my machine, and find my data again."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import httpx
import pytest

from tests.support.processes import (
    START_SECONDS,
    Up,
    commands_of,
    document,
    groat,
    processes_of,
    running_up,
    until,
)


@pytest.fixture
def other_home(home: Path) -> Path:
    """A second home, below the first so that it is cleared away with it."""
    return Path(tempfile.mkdtemp(dir=home))


def open_wallet(up: Up) -> str:
    answer = up.api.post("/v1/accounts", json={"code": "wallet:alice", "currency": "EUR"})
    assert answer.status_code == 201, answer.text
    wallet: str = answer.json()["id"]
    return wallet


def paste_first_payment(up: Up) -> str:
    """Send what `groat up` says to paste, as a shell would read it."""
    printed = up.output[up.output.index("curl -s") :].replace("\\\n", "")  # as a shell joins lines
    _, _, address, *options = shlex.split(printed[: printed.index("}'") + 2])
    pairs = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in pairs if option == "-H")
    [body] = [value for option, value in pairs if option == "-d"]
    answer = httpx.post(address, content=body, headers=headers, timeout=30)
    assert answer.status_code == 201, answer.text
    status: str = answer.json()["status"]
    return status


def pay(up: Up, wallet: str, amount: int) -> str:
    order = {
        "amount": amount,
        "currency": "EUR",
        "beneficiary": wallet,
        "provider_account": up.account("stripe"),
        "payment_method": "pm_card_visa",
    }
    answer = up.api.post("/v1/payments", json=order, headers={"idempotency-key": f"key-{amount}"})
    assert answer.status_code == 201, answer.text
    status: str = answer.json()["status"]
    return status


def balance(up: Up, wallet: str) -> object:
    return up.api.get(f"/v1/accounts/{wallet}").json()["balance"]


def test_a_first_payment_is_verified_and_is_there_after_a_restart(home: Path) -> None:
    with running_up(home) as up:
        assert paste_first_payment(up) == "succeeded"
        wallet = open_wallet(up)
        assert pay(up, wallet, 1050) == "succeeded"
        verified = groat(home, "verify", "--json")
        assert verified.returncode == 0, verified.stderr
        checks = {check["name"]: check for check in document(verified)["checks"]}
        assert checks["balances_match_entries"]["examined"] == 4
        assert all(check["ok"] for check in checks.values())
        assert up.interrupt() == 0
    assert processes_of(home) == []

    with running_up(home) as up:
        assert balance(up, wallet) == 1050
        assert pay(up, wallet, 50) == "succeeded"
        assert balance(up, wallet) == 1100
        until(
            lambda: not up.rows("select from provider_event where settled_at is null"),
            "webhooks to be applied",
        )


def test_one_that_is_killed_takes_its_processes_along_and_leaves_its_neighbour_alone(
    home: Path, other_home: Path
) -> None:
    other_home.chmod(0o755)
    with running_up(other_home) as up:
        wallet = open_wallet(up)
        assert pay(up, wallet, 700) == "succeeded"
        with running_up(home) as neighbour:
            up.process.kill()
            until(lambda: not commands_of(other_home), "the killed one's processes", START_SECONDS)
            assert pay(neighbour, open_wallet(neighbour), 1) == "succeeded"
            with running_up(other_home) as again:
                assert balance(again, wallet) == 700
                assert again.interrupt() == 0
            assert neighbour.interrupt() == 0
    assert processes_of(home) == []

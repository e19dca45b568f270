"""As a developer I keep the whole engine running on my machine, and find my data again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import httpx

from groat.kernel import ids
from tests.support.processes import (
    Up,
    address,
    commands_of,
    document,
    groat,
    processes_of,
    running_up,
    until,
)


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


def see_the_processes(up: Up) -> None:
    """Look at the running processes as an operator does."""
    for name in ("api", "worker"):
        answer = httpx.get(address(up.output, f"{name} metrics"), timeout=30)
        assert f'groat_processes{{kind="{name}"' in answer.text
    alive = json.loads(groat(up.home, "processes", "--json").stdout)
    assert sorted(one["kind"] for one in alive if one["alive"]) == ["api", "worker"]
    [(merchant,)] = up.rows("select merchant_id from merchant")
    doctor = groat(up.home, "doctor", ids.render_merchant(merchant), "--json")
    assert doctor.returncode == 0, doctor.stdout
    symptoms = json.loads(doctor.stdout)
    assert {one["state"] for one in symptoms} == {"ok"}, symptoms
    assert {"postgresql", "redis", "master_key", "workers"} < {one["name"] for one in symptoms}
    assert sum(one["name"].startswith(("stripe ", "paypal ")) for one in symptoms) == 2


def first_payments(home: Path) -> str:
    """Follow the instructions of `groat up` in a new home; return the wallet that was opened."""
    with running_up(home) as up:
        assert paste_first_payment(up) == "succeeded"
        wallet = open_wallet(up)
        assert pay(up, wallet, 1050) == "succeeded"
        verified = groat(home, "verify", "--json")
        assert verified.returncode == 0, verified.stderr
        checks = {check["name"]: check for check in document(verified)["checks"]}
        assert checks["balances_match_entries"]["examined"] == 4
        assert all(check["ok"] for check in checks.values())
        see_the_processes(up)
        assert up.interrupt() == 0
    assert processes_of(home) == []
    return wallet


def test_payments_are_found_again_after_ctrl_c_and_after_a_crash(home: Path) -> None:
    ours, theirs = home / "ours", home / "theirs"
    for place in (ours, theirs):
        place.mkdir(mode=0o755)
    wallet = first_payments(ours)
    with running_up(theirs) as neighbour:
        with running_up(ours) as up:
            assert balance(up, wallet) == 1050
            assert pay(up, wallet, 50) == "succeeded"
            assert balance(up, wallet) == 1100
            until(
                lambda: not up.rows("select from provider_event where settled_at is null"),
                "webhooks to be applied",
            )
            up.process.kill()
            until(lambda: not commands_of(ours), "the processes of the killed one to end")
        assert pay(neighbour, open_wallet(neighbour), 1) == "succeeded"
        with running_up(ours) as up:
            assert balance(up, wallet) == 1100
            assert up.interrupt() == 0
        assert neighbour.interrupt() == 0
    assert processes_of(home) == []

"""As a merchant I repeat a request whose answer I never got, and my customer pays once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.processes import (
    Up,
    another,
    commands_of,
    document,
    end,
    groat,
    running_up,
    until,
)

AT_ONCE = 100
PATIENCE_SECONDS = 240
"""Time for workers to learn the outcome, on a machine that is busy with other tests."""
KEY = {"idempotency-key": "order-1"}


@pytest.fixture
def up(home: Path) -> Iterator[Up]:
    patient = {"GROAT_PROVIDER_TIMEOUT_SECONDS": "50", "GROAT_PENDING_SECONDS": "60"}
    with running_up(home, **patient) as running:
        yield running


def order(up: Up) -> dict[str, object]:
    opened = up.api.post("/v1/accounts", json={"code": "wallet:alice", "currency": "EUR"})
    return {
        "amount": 1050,
        "currency": "EUR",
        "beneficiary": opened.json()["id"],
        "provider_account": up.account("stripe"),
        "payment_method": "pm_card_visa",
    }


def charges(up: Up) -> list[str]:
    books = httpx.get(f"{up.simulator('stripe')}/_simulator/books").json()
    return [one["reference"] for one in books["charges"] if one["status"] == "succeeded"]


def test_a_hundred_requests_and_a_killed_api_make_one_payment_and_one_charge(up: Up) -> None:
    body = order(up)
    before = charges(up)
    faults = f"{up.simulator('stripe')}/_simulator/faults"
    httpx.put(
        faults, json={"answer_ms": 60_000}
    ).raise_for_status()  # charged, and not answered yet
    [api] = commands_of(up.home, "api")
    line, told = api.cmdline(), api.environ()

    def pay(_: int) -> int:
        try:
            return up.api.post("/v1/payments", json=body, headers=KEY).status_code
        except httpx.TransportError:
            return 0

    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(pay, range(AT_ONCE))
        until(lambda: len(charges(up)) > len(before), "the charge")
        end(api)
        statuses = Counter(answers)
        assert set(statuses) <= {0, 409}
        assert statuses[0] >= 1  # at least the first request
        stack.enter_context(another(up.home, "api", line, told))
        httpx.put(faults, json={}).raise_for_status()
        up.rows("update operation set due_at = now() returning id")  # as if its time had passed

        until(lambda: pay(0) == 201, "the answer of the dead request", PATIENCE_SECONDS)
        again = [up.api.post("/v1/payments", json=body, headers=KEY) for _ in range(2)]
        assert {one.headers["idempotent-replayed"] for one in again} == {"true"}
        assert len({one.content for one in again}) == 1
        payment = again[0].json()
        assert payment["status"] == "succeeded"
        assert [one["id"] for one in up.api.get("/v1/payments").json()["data"]] == [payment["id"]]
        assert charges(up)[len(before) :] == [payment["id"]]
        verified = groat(up.home, "verify", "--json")
        assert document(verified)["ok"] is True, verified.stdout

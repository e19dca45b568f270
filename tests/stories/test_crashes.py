"""As an operator I lose nothing and charge nobody twice, whichever process dies, and when."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.processes import (
    Up,
    another,
    commands_of,
    database_url,
    document,
    end,
    groat,
    running_up,
    until,
)

AT_ONCE = 8
METHODS = {
    "stripe": ("pm_card_visa", "pm_card_chargeDeclined"),
    "paypal": ("card:vault_visa", "card:vault_declined"),
}
FAULTS: dict[str, Any] = {"seed": 4, "duplicate": 0.5, "shuffle_ms": 3_000, "answer_ms": 1_500}
"""No call is answered in time, so that only the webhooks tell how a payment ended."""


@pytest.fixture
def up(home: Path) -> Iterator[Up]:
    patience = {"GROAT_PROVIDER_TIMEOUT_SECONDS": "0.5", "GROAT_BREAKER_FAILURES": "1000"}
    with running_up(home, **patience) as running:
        set_faults(running, FAULTS)
        yield running


@pytest.fixture
def restarted(up: Up) -> Iterator[ExitStack]:
    """Holds what a test starts again by hand, and ends it before the rest."""
    assert up.process.poll() is None
    with ExitStack() as stack:
        yield stack


def set_faults(up: Up, plan: dict[str, Any]) -> None:
    for provider in METHODS:
        address = up.simulator(provider)
        httpx.put(f"{address}/_simulator/faults", json=plan).raise_for_status()


def take_payments(up: Up, wallet: str, count: int) -> None:
    """Take payments at both providers, the last of each eight declined; none is settled yet."""

    def order(number: int) -> dict[str, object]:
        provider = "stripe" if number % 2 else "paypal"
        return {
            "amount": 100 + number,
            "currency": "EUR",
            "beneficiary": wallet,
            "provider_account": up.account(provider),
            "payment_method": METHODS[provider][number % 8 > 5],
        }

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(
            pool.map(lambda number: up.api.post("/v1/payments", json=order(number)), range(count))
        )
    assert {answer.status_code for answer in answers} == {201}


def crash(up: Up, stack: ExitStack, name: str) -> None:
    """Kill ``groat <name>`` and start it again as it was started."""
    [process] = commands_of(up.home, name)
    line, told = process.cmdline(), process.environ()
    end(process)
    stack.enter_context(another(up.home, name, line, told))


def crash_worker_in_mid_drain(up: Up, stack: ExitStack, wallet: str) -> None:
    """Kill the worker while it holds events that it cannot post yet; then let its lease pass.

    The table is locked before the payments, so that none of their events can be settled meanwhile.
    """
    with psycopg.connect(database_url(up.home)) as blocker:
        blocker.execute("lock table ledger_transaction in exclusive mode")
        take_payments(up, wallet, 8)
        claimed = "select from provider_event where settled_at is null and attempts > 0"
        until(lambda: bool(up.rows(claimed)), "the worker to claim events")
        crash(up, stack, "worker")
    lost = (
        "update provider_event set claimed_until = now() where claimed_until > now() returning id"
    )
    up.rows(lost)


def deliveries(up: Up) -> list[dict[str, int]]:
    addresses = [up.simulator(provider) for provider in METHODS]
    return [httpx.get(f"{address}/_simulator/deliveries").json() for address in addresses]


def is_settled(up: Up) -> bool:
    undelivered = any(one["pending"] for one in deliveries(up))
    return not undelivered and not up.rows("select from provider_event where settled_at is null")


def their_books(up: Up) -> list[tuple[Any, ...]]:
    books = [httpx.get(f"{up.simulator(one)}/_simulator/books").json() for one in METHODS]
    return sorted(
        (charge["id"], charge["amount"])
        for book in books
        for charge in book["charges"]
        if charge["status"] == "succeeded"
    )


def test_crashes_of_worker_and_api_neither_lose_nor_repeat_a_payment(
    up: Up, restarted: ExitStack
) -> None:
    opened = up.api.post("/v1/accounts", json={"code": "wallet:alice", "currency": "EUR"})
    wallet = opened.json()["id"]
    for _ in range(2):
        crash_worker_in_mid_drain(up, restarted, wallet)
    set_faults(up, FAULTS | {"ignore_acks": 1})
    take_payments(up, wallet, 8)
    until(lambda: all(one["pending"] for one in deliveries(up)), "deliveries of both providers")
    crash(up, restarted, "api")
    set_faults(up, FAULTS)
    until(lambda: is_settled(up), "every webhook to be applied")

    theirs = their_books(up)
    statuses = dict(up.rows("select status, count(*) from payment group by status"))
    assert statuses == {"succeeded": 18, "requires_payment_method": 6}
    assert theirs == up.rows(
        "select reference, amount from applied_effect where kind = 'captured' order by reference"
    )
    assert len(theirs) == 18
    verified = groat(up.home, "verify", "--json")
    assert document(verified)["ok"] is True, verified.stdout

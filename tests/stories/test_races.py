"""As an operator I run as many API processes as I like, and no two of them pay the same money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from groat.platform.embedded_places import free_port
from tests.stories.processes import Up, another, commands_of, document, groat, running_up, until

AT_ONCE = 24
METHODS = {"stripe": "pm_card_visa", "paypal": "vault_visa"}


@pytest.fixture
def up(home: Path) -> Iterator[Up]:
    with running_up(home) as running:
        yield running


@pytest.fixture
def apis(up: Up) -> Iterator[list[httpx.Client]]:
    """Three ``groat api`` processes on one database: that of ``groat up``, and two more."""
    [first] = commands_of(up.home, "api")
    with ExitStack() as stack:
        more = []
        for port in (free_port(), free_port()):
            told = {**first.environ(), "GROAT_API_PORT": str(port)}
            stack.enter_context(another(up.home, "api", first.cmdline(), told))
            more.append(stack.enter_context(_client(up, f"http://127.0.0.1:{port}")))
        until(lambda: all(map(_answers, more)), "more APIs")
        assert len(commands_of(up.home, "api")) == 3
        yield [up.api, *more]


def _client(up: Up, address: str) -> httpx.Client:
    return httpx.Client(base_url=address, headers=up.api.headers, timeout=60, trust_env=False)


def _answers(api: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return api.get("/healthz").is_success
    return False


def pay(up: Up, wallet: str, provider: str, amount: int) -> str:
    order = {
        "amount": amount,
        "currency": "EUR",
        "beneficiary": wallet,
        "provider_account": up.account(provider),
        "payment_method": METHODS[provider],
    }
    payment = up.api.post("/v1/payments", json=order).json()
    assert payment["status"] == "succeeded", payment
    return str(payment["id"])


@pytest.mark.parametrize("provider", METHODS)
def test_of_a_hundred_refunds_through_three_processes_one_passes(
    up: Up, apis: list[httpx.Client], provider: str
) -> None:
    opened = up.api.post("/v1/accounts", json={"code": "wallet:alice", "currency": "EUR"})
    wallet = opened.json()["id"]
    pay(up, wallet, provider, 10_000)  # so that funds are not what refuses
    body = {"payment": pay(up, wallet, provider, 100), "amount": 60}

    def refund(number: int) -> httpx.Response:
        return apis[number % len(apis)].post("/v1/refunds", json=body)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(refund, range(100)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 99}
    refused = {answer.json()["code"] for answer in answers if answer.is_client_error}
    assert refused == {"refund_exceeds_captured"}

    def is_returned() -> bool:
        return up.rows("select status, amount from refund") == [("succeeded", 60)]

    until(is_returned, "the one refund to succeed")
    theirs = httpx.get(f"{up.simulator(provider)}/_simulator/books").json()["refunds"]
    assert [one["amount"] for one in theirs] == [60]
    verified = groat(up.home, "verify", "--json")
    assert document(verified)["ok"] is True, verified.stdout

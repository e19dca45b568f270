"""As an operator I run as many API processes as I like, and no two of them pay the same money."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest

from groat.kernel import ids
from groat.platform.embedded.places import free_port
from groat.platform.process.settings import SUPERVISED
from tests.support.processes import (
    Up,
    commands_of,
    document,
    groat,
    new_home,
    running,
    running_up,
    until,
)

AT_ONCE = 24
METHODS = {"stripe": "pm_card_visa", "paypal": "card:vault_visa"}


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with new_home() as home, running_up(home) as running:
        yield running


@pytest.fixture(scope="module")
def apis(up: Up) -> Iterator[list[httpx.Client]]:
    """Three ``groat api`` processes on one database: that of ``groat up``, and two more."""
    [first] = commands_of(up.home, "api")
    told = {name: value for name, value in first.environ().items() if name.startswith("GROAT_")}
    del told[SUPERVISED], told["GROAT_HOME"], told["GROAT_METRICS_PORT"]
    with ExitStack() as stack:
        more, pids = [], {first.pid}
        for port in (free_port(), free_port()):
            log = up.home / "logs" / f"api-{port}.log"
            api = running(up.home, "api", log, **{**told, "GROAT_API_PORT": str(port)})
            pids.add(stack.enter_context(api).pid)
            more.append(stack.enter_context(_client(up, f"http://127.0.0.1:{port}")))
        until(lambda: all(map(_answers, more)), "more APIs")
        assert len(pids) == 3
        yield [up.api, *more]


def _client(up: Up, address: str) -> httpx.Client:
    return httpx.Client(
        base_url=address,
        headers=up.api.headers,
        timeout=60,
        trust_env=False,
        event_hooks=up.api.event_hooks,
    )


def _answers(api: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return api.get("/healthz").is_success
    return False


def pay(up: Up, wallet: str, provider: str, amount: int, **more: str) -> dict[str, Any]:
    order = {
        **more,
        "amount": amount,
        "currency": "EUR",
        "beneficiary": wallet,
        "provider_account": up.account(provider),
        "payment_method": METHODS[provider],
    }
    made = up.api.post("/v1/payments", json=order)
    assert made.status_code == 201, made.text
    payment: dict[str, Any] = made.json()
    return payment


@pytest.fixture
def wallet(up: Up) -> str:
    """A wallet of this test's own."""
    code = f"wallet:{uuid.uuid4().hex}"
    opened = up.api.post("/v1/accounts", json={"code": code, "currency": "EUR"})
    assert opened.status_code == 201, opened.text
    return str(opened.json()["id"])


def books(up: Up, provider: str, kind: str) -> list[dict[str, Any]]:
    """Return the charges or refunds in a provider's own books, oldest first."""
    answer = httpx.get(f"{up.simulator(provider)}/_simulator/books")
    entries: list[dict[str, Any]] = answer.json()[kind]
    return entries


def verify(up: Up) -> None:
    verified = groat(up.home, "verify", "--json")
    assert document(verified)["ok"] is True, verified.stdout


@pytest.mark.parametrize("provider", METHODS)
def test_one_of_a_hundred_refunds_through_three_processes_succeeds(
    up: Up, apis: list[httpx.Client], wallet: str, provider: str
) -> None:
    before = len(books(up, provider, "refunds"))
    pay(up, wallet, provider, 10_000)  # so that funds are not what refuses
    body = {"payment": pay(up, wallet, provider, 100)["id"], "amount": 60}

    def refund(number: int) -> httpx.Response:
        return apis[number % len(apis)].post("/v1/refunds", json=body)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(refund, range(100)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 99}
    refused = {answer.json()["code"] for answer in answers if answer.is_client_error}
    assert refused == {"refund_exceeds_captured"}

    refunds = (
        "select r.status, r.amount from refund r join payment p on p.id = payment_id"  # noqa: S608
        f" where beneficiary_id = '{ids.parse('account', wallet)}'"
    )

    def is_returned() -> bool:
        return up.rows(refunds) == [("succeeded", 60)]

    until(is_returned, "the one refund to succeed")
    assert [one["amount"] for one in books(up, provider, "refunds")[before:]] == [60]
    verify(up)


@pytest.mark.parametrize("provider", METHODS)
def test_one_of_captures_and_cancellations_through_three_processes_wins(
    up: Up, apis: list[httpx.Client], wallet: str, provider: str
) -> None:
    before = len(books(up, provider, "charges"))
    payments = [pay(up, wallet, provider, 100, capture_method="manual") for _ in range(5)]
    assert {one["status"] for one in payments} == {"authorized"}
    ends = ("capture", "cancel") * 3
    calls = [f"/v1/payments/{one['id']}/{end}" for one in payments for end in ends]

    def call(number: int) -> httpx.Response:
        return apis[(number // len(ends) + number) % len(apis)].post(calls[number])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(call, range(len(calls))))
    assert Counter(answer.status_code for answer in answers) == {200: 5, 409: 25}
    statuses = (
        "select status from payment"  # noqa: S608
        f" where beneficiary_id = '{ids.parse('account', wallet)}'"
    )
    found = Counter(status for (status,) in up.rows(statuses))
    assert found.total() == 5
    assert found.keys() <= {"succeeded", "canceled"}
    theirs = books(up, provider, "charges")[before:]
    assert sum(one["status"] == "succeeded" for one in theirs) == found["succeeded"]
    verify(up)
